//! `tapstone import`: makes merchants, stores, tills, tags and wallets known.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use directory::Actor;
use engine::{Clock, SystemClock};

use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::output;
use crate::world::{Keys, NewKey, World};

/// Make merchants, stores, tills, tags and wallets known, from a description in JSON, while no server runs.
///
/// Everything in the description has a key of yours; importing it again adds what is new and renames what is called
/// otherwise. The API keys of those who are new are printed, once: a line each, `kind key id token`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The description.
    #[arg(value_name = "FILE")]
    description: PathBuf,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let world = read(arguments)?;
    let folder = DataFolder(&arguments.data).open_any()?;
    let hand_over = |keys: &[NewKey]| output::print(&keys.iter().map(describe).collect::<String>());
    let applied = world.apply(&folder.engine, &folder.directory, Keys::Secret, SystemClock.now(), hand_over);
    folder.close();
    let new_keys = applied.map_err(|error| Failure::Fault(format!("{}: {error}", arguments.description.display())))?;
    eprintln!("Imported. {} API keys are new; they are not shown again.", new_keys.len());
    Ok(())
}

fn read(arguments: &Arguments) -> Result<World, Failure> {
    let file = arguments.description.display();
    let json = fs::read_to_string(&arguments.description)
        .map_err(|error| Failure::Usage(format!("cannot read {file}: {error}")))?;
    World::parse(&json).map_err(|errors| {
        let lines: Vec<_> = errors.iter().map(|error| format!("\n  {error}")).collect();
        Failure::Usage(format!("{file} cannot be imported; nothing was changed:{}", lines.concat()))
    })
}

fn describe(NewKey { key, actor, token }: &NewKey) -> String {
    let token = token.expose();
    match actor {
        Actor::Operator => format!("operator {key} - {token}\n"),
        Actor::Merchant(id) => format!("merchant {key} {id} {token}\n"),
        Actor::Wallet(id) => format!("wallet {key} {id} {token}\n"),
    }
}
