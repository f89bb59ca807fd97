//! The ledger made durable, and queryable for ever: [`Books`].
//!
//! **The way of a batch.** It is decided in memory by the rules of [`ledger`]; its facts become one frame of the
//! [`journal`]; when that is on the disk, and not before, its results are told. Deciding goes on meanwhile.
//!
//! **The tables.** After some hundred thousand new rows, a stretch of the journal, its rows are written to the folder
//! `tables` in the background: transfers and accounts in dense files, and [`runs`] of what leads to them, of balances,
//! of open pending transfers and of balances kept. A manifest names these files and the journal's frame that they
//! reflect, and is replaced as a whole, so there is no moment at which a crash leaves half of a stretch. The tables
//! hold nothing that the journal does not: without them they are made anew.
//!
//! **Promises.** What was acknowledged survives a kill, a crash and a power cut. What was not may vanish but never
//! half-happens. An answer never shows what is not durable, unless it was begun and not finished by the same user. A
//! damaged byte is an error, never a wrong answer. Memory holds the accounts, the open pending transfers and the last
//! stretches; it does not grow with the history, but for some tenth of a byte for each transfer, and some ten bits more
//! where ids are not in the order of time.
//!
//! **Does not.** It reads no clock ([`Books::tick`] sets it). It does not copy itself to another machine.

mod books;
mod catalog;
mod checkpoint;
mod committer;
mod entries;
mod error;
mod facts;
mod merger;
mod numbers;
mod query;
mod recent;
mod recovery;
mod row_files;
mod rows;
mod threads;

pub use books::{Begun, Books, Options};
pub use error::{BooksError, TablesError};
pub use facts::FactsError;
