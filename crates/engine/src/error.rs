//! What can go wrong, and whose fault it is.

use std::path::PathBuf;

use journal::JournalError;
use store::records::UnknownRecord;
use store::tables::TablesError;

/// The queue is full: nothing was done; the caller should come back in a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many commands are waiting; try again in a moment")]
pub struct Overloaded;

/// Why a command has no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The engine stopped before the outcome was durable: nothing is known about the command. Asking again with the same
    /// idempotency key, once the engine is back, tells.
    #[error("the money core is not available; ask again with the same idempotency key")]
    Stopped,
    /// The disk is full: nothing of the command was recorded. It can be tried again when there is room.
    #[error("the disk is full; nothing was done; try again when there is room")]
    DiskFull,
}

/// Why the money plane cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or used.
    #[error("{}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal holds something that this version does not know.
    #[error("journal frame at position {position}: {source}")]
    Record {
        /// The frame's first position.
        position: u64,
        /// What is unknown.
        source: UnknownRecord,
    },
    /// The tables cannot be used.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// The operating system gave no randomness for a new journal's name.
    #[error("the operating system has no randomness to give: {0}")]
    Randomness(getrandom::Error),
    /// The operating system gave no thread.
    #[error("a thread could not be started: {source}")]
    Thread {
        /// What the operating system says.
        source: std::io::Error,
    },
}

/// Why the tables could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The tables have not caught up in time.
    #[error("the tables are behind; try again in a moment")]
    Behind,
    /// The tables cannot be used.
    #[error(transparent)]
    Tables(#[from] TablesError),
}
