//! `tapstone init`: makes the data folder of a platform for real payments.

use std::path::PathBuf;

use clap::Args;
use directory::{Actor, Entry, KeyProfile, Name, Purpose, Scopes, Token};
use engine::{Clock, SystemClock};
use ids::TokenId;

use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::{output, provision};

/// Make the data folder of a new platform.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The folder to make.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Make it for trying out: no real money, and time can be set forward.
    #[arg(long)]
    sandbox: bool,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let (directory, key_is_new) = DataFolder(&arguments.data).initialise()?;
    let key = Token::from_random(Actor::Operator, provision::random()?);
    eprintln!("The operator's key follows. It is not shown again.");
    // Only its hash is kept, so it must have arrived before the folder is made for good.
    output::print(&format!("{}\n", key.expose()))
        .map_err(|error| Failure::Fault(format!("cannot hand over the operator's key: {error}; run it again")))?;
    let now = SystemClock.now();
    let id = TokenId::from_parts(now.0, u128::from_le_bytes(provision::random()?));
    let profile = KeyProfile::new(id, Actor::Operator, Scopes::ALL, Name::try_from("First key")?, now);
    directory.add([Entry::key(profile, &key)])?;
    directory.declare(if arguments.sandbox { Purpose::Sandbox } else { Purpose::Live })?;
    let folder = arguments.data.display();
    let master_key = if key_is_new { "a new tag master key" } else { "the tag master key that was there" };
    eprintln!("{folder} is ready, with {master_key} in {folder}/tag-master.key: keep a copy of it elsewhere.");
    eprintln!("Next: describe merchants and wallets in a file, `tapstone import --data {folder} world.json`,");
    eprintln!("then `tapstone serve --data {folder}`.");
    Ok(())
}
