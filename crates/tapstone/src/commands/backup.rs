//! `tapstone backup`: a data folder in one file.

use std::path::PathBuf;

use backup::{Kind, Options, Taken};
use clap::Args;
use engine::{Clock, SystemClock};

use crate::failure::Failure;
use crate::output;

/// How far the backup steps back for a server on the same machine: as far as it can.
const NICENESS: i32 = 19;

/// Put a data folder into one file, also while a server runs on it.
///
/// The file is an ordinary tar archive. It holds keys and is readable by its owner only: keep it as safe as the folder.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The data folder, of a platform or of a ledger alone.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The file to make. Nothing is ever replaced.
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    /// Leave out the tags' master key. Whoever restores the backup must put tag-master.key into the folder.
    #[arg(long)]
    without_keys: bool,
    /// Do not step back for a server on the same disk: quicker where none runs.
    #[arg(long)]
    fast: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    // Payments come first. Where that cannot be said, the backup is merely a worse neighbour.
    let _as_it_was = rustix::process::nice(NICENESS);
    let (without_keys, gently) = (arguments.without_keys, !arguments.fast);
    let options = Options { taken_at_ms: SystemClock.now().0, without_keys, gently };
    let taken = backup::back_up(&arguments.data, &arguments.to, options).map_err(failure)?;
    output::print(&describe(arguments, &taken))?;
    Ok(())
}

/// Whose fault it is, and the error's own words.
pub(super) fn failure(error: backup::BackupError) -> Failure {
    match error.is_callers_fault() {
        true => Failure::Usage(error.to_string()),
        false => Failure::Fault(error.to_string()),
    }
}

/// What a kind of folder is called.
pub(super) fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Platform => "platform",
        Kind::Ledger => "ledger",
    }
}

fn describe(arguments: &Arguments, taken: &Taken) -> String {
    let keys = match (taken.kind, taken.holds_keys) {
        (Kind::Ledger, _) => "none",
        (Kind::Platform, true) => "the tags' master key is in it: keep it as safe as the folder",
        (Kind::Platform, false) => "left out: tag-master.key must be kept elsewhere",
    };
    format!(
        "\
{:<8} {}
journal  {}, up to position {}, {}
keys     {keys}
written  {} bytes to {}
",
        name(taken.kind),
        arguments.data.display(),
        taken.journal_id,
        taken.end.position,
        taken.end.hash,
        taken.bytes,
        arguments.to.display(),
    )
}
