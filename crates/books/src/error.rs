//! What can go wrong with the books: whose fault it is and what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::JournalError;
use ledger::{BATCH_MAX, LedgerFull};
use runs::RunError;

use crate::facts::FactsError;

/// Why the books refused. Unless it says otherwise, nothing of the request was recorded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BooksError {
    /// The caller's fault: too many events in one batch.
    #[error("a batch of {events} events is too large: send at most {BATCH_MAX} at once")]
    BatchTooLarge {
        /// How many there were.
        events: usize,
    },
    /// The caller's fault: time does not go backwards.
    #[error("the clock stands at {clock} and cannot go back to {asked}")]
    ClockBackwards {
        /// Where the clock stands, in nanoseconds since 1970.
        clock: u64,
        /// What was asked for.
        asked: u64,
    },
    /// The caller's fault: a time after 2^63 - 1.
    #[error("{asked} is no time: the last is 2^63 - 1 nanoseconds since 1970")]
    ClockOutOfRange {
        /// What was asked for.
        asked: u64,
    },
    /// The ledger has no room left for what was asked.
    #[error(transparent)]
    Full(#[from] LedgerFull),
    /// The journal cannot be written or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The journal holds something that this program did not write.
    #[error("the frame that ends at position {position} cannot be read: {source}; restore the journal from a backup")]
    Facts {
        /// The frame's last position.
        position: u64,
        /// What is wrong with it.
        source: FactsError,
    },
    /// The tables cannot be written or read.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// A background thread is gone: it stopped because it found the books' own state broken.
    #[error("a part of the books has stopped; what was acknowledged is kept: close them and open them again")]
    Stopped,
}

impl BooksError {
    /// Whether another request would have been taken.
    pub fn is_callers_fault(&self) -> bool {
        matches!(self, Self::BatchTooLarge { .. } | Self::ClockBackwards { .. } | Self::ClockOutOfRange { .. })
    }
}

/// What is wrong with the tables. They can be made anew from the journal: move their folder away and open again.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TablesError {
    /// The disk or operating system failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: Arc<io::Error>,
    },
    /// A file does not hold what was written.
    #[error("{} is damaged: {what}; move the folder of the tables away: they are made anew from the journal", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What does not check out.
        what: String,
    },
    /// A sorted run cannot be written or read.
    #[error("{0}; if it is damaged, move the folder of the tables away: they are made anew from the journal")]
    Run(Arc<RunError>),
    /// Written by a newer release.
    #[error("{} has version {found}, but this build reads version {supported}: start it with the newer release", file.display())]
    NewerVersion {
        /// The file.
        file: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version that this build reads.
        supported: u32,
    },
}

impl TablesError {
    /// Whether the disk has no room, which can change.
    pub(crate) fn is_full(&self) -> bool {
        let source = match self {
            Self::Io { source, .. } => source,
            Self::Run(error) => match &**error {
                RunError::Io { source, .. } => source,
                _ => return false,
            },
            _ => return false,
        };
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge)
    }

    /// For `map_err`: the failed `action` on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source: Arc::new(source) }
    }
}

impl From<RunError> for TablesError {
    fn from(error: RunError) -> Self {
        Self::Run(Arc::new(error))
    }
}
