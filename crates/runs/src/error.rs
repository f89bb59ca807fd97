//! What can go wrong with a run, in words for the operator.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::RunId;

/// Why a run could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The disk refused. After this while writing, the file is of no use and is to be removed.
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What the disk said.
        source: io::Error,
    },
    /// The file does not hold what was written: what is asked for cannot be answered from it. It can be made anew from
    /// the journal.
    #[error("{}: damaged in {place}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        place: Place,
        /// What does not check out.
        what: &'static str,
    },
    /// A newer build has written the file.
    #[error("{}: format version {version} is newer than {newest}, the newest that this build reads", path.display(),
        newest = crate::FORMAT_VERSION)]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its version.
        version: u32,
    },
    /// The file is an intact run, but not the one that was asked for: of other entries, or another run by number,
    /// count, keys or size.
    #[error("{}: not the run that was expected here, {expected}: {what}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The run that was asked for.
        expected: RunId,
        /// What is different.
        what: &'static str,
    },
}

/// A place in a run's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The last 96 bytes, or the file's length.
    Footer,
    /// A block of entries, by its number in the file.
    Entries(usize),
    /// A block of fences, by its number in the file.
    Fences(usize),
    /// A block of the filter, by its number in the file.
    Filter(usize),
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Footer => formatter.write_str("the footer"),
            Self::Entries(block) => write!(formatter, "block {block} (entries)"),
            Self::Fences(block) => write!(formatter, "block {block} (fences)"),
            Self::Filter(block) => write!(formatter, "block {block} (filter)"),
        }
    }
}

impl RunError {
    /// To be given to `map_err` around an operation on the file at `path`.
    pub(crate) fn io(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), action, source }
    }

    pub(crate) fn damaged(path: &Path, place: Place, what: &'static str) -> Self {
        Self::Damaged { path: path.to_owned(), place, what }
    }
}
