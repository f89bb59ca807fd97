//! The ledger's line protocol: one JSON request a line in, one JSON answer a line out.
//!
//! The words are TigerBeetle's (its reference: `Account`, `Transfer`, `AccountFilter`, `QueryFilter`,
//! `AccountBalance` and the names of requests, flags and statuses); `docs/ledger.md` is the guide to them.
//!
//! **Promises.** [`answer`] appends exactly one line for each line that it is given, whatever the line holds: no input
//! can make it panic, and a refused line has changed nothing. A refusal says where in the line what is wrong. Memory is
//! bounded by [`LINE_BYTES_MAX`] and [`ledger::BATCH_MAX`]. What is printed reads back as the same value.
//!
//! **Does not.** It keeps no ledger: whoever has one lends it as [`Books`]. It makes nothing durable; that is the
//! [`Books`]' promise, before each of their methods returns. It knows no files, signals or processes.

mod answer;
mod books;
mod integer;
mod lines;
mod objects;
mod request;

pub use answer::{answer, refuse};
pub use books::Books;
pub use lines::{LINE_BYTES_MAX, Line, Lines};
pub use request::{Request, RequestError};
