//! `tapstone import`: makes merchants, stores, tills, tags and wallets known.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use directory::Actor;
use engine::{Clock, SystemClock};

use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::output;
use crate::world::{ApplyError, Keys, NewKey, World};

/// A description with one of everything.
const EXAMPLE: &str = include_str!("../../../../docs/world.json");

/// What the example does not show.
const FORM: &str = "\
A key is 1 to 64 small letters, digits and hyphens; ids follow from it, so it stays as it is for ever. Amounts are in
minor units: 125000 is 1250.00 CNY. A tag's UID is 14 hexadecimal digits that begin with 04. A tag of mode `till` stands
beside a till and takes what the till asks for; at one of mode `standing` the payer types the amount. name_zh, address,
stores, tills, tags, deposits and a standing tag's till may be left out.";

/// Make merchants, stores, tills, tags and wallets known, from a description in JSON, while no server runs.
///
/// Everything in the description has a key of yours; importing it again adds what is new and renames what is called
/// otherwise. The API keys of those who are new are printed, once: a line each, `kind key id token`.
#[derive(Args)]
#[command(after_long_help = format!("A description:\n\n{EXAMPLE}\n{FORM}"))]
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
    let new_keys = applied.map_err(|error| failure(arguments, &error))?;
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

fn failure(arguments: &Arguments, error: &ApplyError) -> Failure {
    let file = arguments.description.display();
    let advice = match error {
        ApplyError::Refused { .. } => {
            "\n  What comes before it in the file is done and stays done, and so may be some of what comes after it; \
             nobody was given an API key or a new name.\n  Correct the file and import it again: that completes it."
        }
        _ => "",
    };
    Failure::Fault(format!("{file}: {error}{advice}"))
}

fn describe(NewKey { key, actor, token }: &NewKey) -> String {
    let token = token.expose();
    match actor {
        Actor::Operator => format!("operator {key} - {token}\n"),
        Actor::Merchant(id) => format!("merchant {key} {id} {token}\n"),
        Actor::Till(id) => format!("till {key} {id} {token}\n"),
        Actor::Wallet(id) => format!("wallet {key} {id} {token}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::TagMode;

    #[test]
    fn the_example_shows_one_of_everything() {
        let world = World::parse(EXAMPLE).unwrap();
        let ([merchant], [wallet]) = (world.merchants(), world.wallets()) else { panic!("{world:?}") };
        let [store] = &merchant.stores[..] else { panic!("{merchant:?}") };
        let modes: Vec<_> = store.tags.iter().map(|tag| tag.mode).collect();
        assert_eq!((store.tills.len(), modes), (1, vec![TagMode::Till, TagMode::Standing]));
        assert_eq!(wallet.deposits.len(), 1);
    }
}
