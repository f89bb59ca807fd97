//! `tapstone restore`: a new data folder from a backup.

use std::fmt::{self, Write};
use std::num::NonZeroU64;
use std::path::PathBuf;

use backup::{Kind, Restored};
use clap::Args;

use super::backup::{failure, name};
use crate::failure::Failure;
use crate::output;

/// Make a new data folder from a backup, all of it or up to an earlier position of the journal.
///
/// Everything in the backup is checked. The restored folder and the original are one journal: run only one of them.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The backup.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    /// The folder to make. It must be new or empty.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Restore the journal as it was at this position, or at the last whole frame before it.
    #[arg(long, value_name = "N")]
    to_position: Option<NonZeroU64>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let restored = backup::restore(&arguments.from, &arguments.data, arguments.to_position).map_err(failure)?;
    output::print(&describe(arguments, &restored)?)?;
    Ok(())
}

fn describe(arguments: &Arguments, restored: &Restored) -> Result<String, fmt::Error> {
    let Restored { kind, end, backed_up_to, .. } = restored;
    let folder = arguments.data.display();
    let mut text = String::new();
    writeln!(text, "{:<8} {folder}", name(*kind))?;
    writeln!(text, "journal  {}, up to position {}, {}", restored.journal_id, end.position, end.hash)?;
    if let Some(asked) = arguments.to_position {
        writeln!(text, "asked    position {asked}; the backup goes on to {backed_up_to}")?;
    }
    if *kind == Kind::Platform {
        if !restored.holds_keys {
            writeln!(text, "keys     none in the backup: put tag-master.key into {folder} before you start it")?;
        }
        if end.position < *backed_up_to {
            writeln!(
                text,
                "names    as at the backup: who joined later is known but has no account; import them again"
            )?;
        }
    }
    match kind {
        Kind::Platform => writeln!(text, "next     tapstone verify --data {folder}")?,
        Kind::Ledger => writeln!(text, "next     tapstone ledger exec --data {folder}")?,
    }
    writeln!(text, "mind     it and the original are one journal: run only one of them")?;
    Ok(text)
}
