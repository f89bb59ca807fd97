//! What the fuzz targets do with the bytes that they are given, and what must hold afterwards.
//!
//! The folder `fuzz` hands these functions to libFuzzer; the tests here run them over seeds and some thousand mutations
//! of them, so that they are exercised wherever the tests run. For tests only: a target stops the process when
//! something does not hold.

mod checked_books;
mod chip_commands;
mod files;
mod journal_frames;
mod ledger_actions;
mod ledger_exec;
mod mutations;
mod ndef_messages;
mod print;
mod qr_codes;
mod records;
mod run_files;
mod tag_lines;
mod tag_urls;
mod uid_lists;

pub use checked_books::CheckedBooks;
pub use chip_commands::chip_commands;
pub use journal_frames::journal_frames;
pub use ledger_actions::{ledger_actions, requests};
pub use ledger_exec::ledger_exec;
pub use mutations::Mutations;
pub use ndef_messages::ndef_messages;
pub use print::line;
pub use qr_codes::{payment_codes, qr_consumer, qr_merchant};
pub use records::records;
pub use run_files::run_files;
pub use tag_lines::tag_lines;
pub use tag_urls::tag_urls;
pub use uid_lists::uid_lists;
