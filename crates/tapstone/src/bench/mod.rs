//! `tapstone bench`: what this machine does, measured as users would see it, and checked afterwards.
//!
//! The server under test is this same binary in a process of its own, on a folder of its own, with every sync to disk
//! in place. The load comes over real HTTP. At the end the server is killed in mid-work (SIGKILL), recovered, and its
//! books are compared with what was acknowledged: a figure only counts if nothing was lost.

mod books;
mod client;
mod figures;
mod kills;
mod ledger;
mod load;
mod plan;
mod receiver;
mod server;
mod settlement;
mod taps;
mod till;
mod town;
mod webhooks;

pub(crate) use kills::run as kills;
pub(crate) use ledger::{LedgerArguments, LoadArguments, load as ledger_load, run as ledger};
pub(crate) use plan::{KillsArguments, SettlementArguments, TapsArguments, WebhooksArguments};
pub(crate) use settlement::run as settlement;
pub(crate) use taps::run as taps;
pub(crate) use webhooks::run as webhooks;
