//! Backups: one file that holds a data folder as it was at one moment, and the way back.
//!
//! **Promises.** [`back_up`] works beside a running server and asks nothing of it. Whatever was acknowledged before it
//! began is in the file. The journal's hash chain is checked while it is copied, so a damaged journal gives an error that
//! says where, and no backup. The file gets its name when all of it is on the disk: what was cut off is never taken for a
//! backup. [`restore`] checks every byte before the folder gets its name, and gives back the journal as it was, or as it
//! was at an earlier position.
//!
//! **Does not.** It does not compress or encrypt: the file holds keys and people's payments, and only its owner may
//! read it. It does not keep what the journal can make anew: `tables.sqlite` and `tables/` are left out. It cannot tell
//! a restored folder from the original: who runs both has two histories that begin alike.
//!
//! # Format, version 2
//!
//! A tar archive (POSIX ustar headers, GNU's form for sizes of 8 GiB and more) of regular files:
//!
//! | member                                   | what it is                                                             |
//! |------------------------------------------|------------------------------------------------------------------------|
//! | `tag-master.key`                         | the file of that name; only of platforms, and not if it was left out   |
//! | `webhooks.key`                           | the same of the key of the webhooks' secrets                           |
//! | `directory.sqlite`                       | a consistent copy; only of platforms                                   |
//! | `webhooks.sqlite`, `reconciliation.sqlite`, `bank.sqlite` | the same, each if it is there                         |
//! | `bank.tar`                               | of the bank's files: what was sent, what is to be sent, what was read  |
//! | `journal/00000000000000000001.journal` … | the journal's segments, the last one cut after its last whole frame    |
//! | `manifest.json`                          | what the archive is, and each other member's size and SHA-256          |
//!
//! The manifest comes last, so an archive without one is a backup that was cut off. It also names the journal's id and
//! its last position and hash, by which a journal that has gone on since can be recognised.
//!
//! # In which order
//!
//! The directory is copied before the journal. Whoever is in the directory was in the journal first, so a journal that
//! is copied later knows everybody in the copy of the directory. The other way round, somebody who joins in between would
//! have a key and no account.
//!
//! So it is with the webhooks, which are told of nothing that is not in the journal, and with what the bank has said, which
//! is marked as taken in when the journal has it. What was sent to the bank is copied before what is to be sent, so that
//! nothing is between the two: what is in both is the same payment, by its reference. Version 1 had none of these.

mod archive;
mod archive_writer;
mod bank;
mod error;
mod manifest;
mod restore;
mod take;

pub use error::BackupError;
pub use manifest::Kind;
pub use restore::{Restored, restore};
pub use take::{Options, Taken, back_up};

/// The file that says that a folder is a ledger by itself, and what it says.
pub const LEDGER_MARKER_FILE: &str = "ledger";
/// See [`LEDGER_MARKER_FILE`].
pub const LEDGER_MARKER: &str = "This folder is a ledger: see `tapstone ledger --help`.\n";

const JOURNAL_FOLDER: &str = "journal";
const TAG_MASTER_KEY_FILE: &str = "tag-master.key";
const MANIFEST_FILE: &str = "manifest.json";
const WEBHOOKS_KEY_FILE: &str = "webhooks.key";

/// The databases beside the directory, in the order in which they are copied.
const SIDE_DATABASES: [&str; 3] = ["webhooks.sqlite", "reconciliation.sqlite", "bank.sqlite"];

/// The folder of the bank's files, and the member that has what is kept of it.
const BANK_FOLDER: &str = "bank";
const BANK_MEMBER: &str = "bank.tar";

/// How much is read or written at once.
const AT_ONCE: usize = 1 << 20;

/// The folder that holds this file or folder.
fn parent_of(path: &std::path::Path) -> &std::path::Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => std::path::Path::new("."),
    }
}
