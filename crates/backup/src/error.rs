//! What can go wrong: whose fault it is and what to do.

use std::io;
use std::path::{Path, PathBuf};

use directory::DirectoryError;
use journal::JournalError;

use crate::manifest::FORMAT_VERSION;

/// Why there is no backup, or nothing was restored. Nothing is left of what was begun.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to back up.
    #[error("{} holds no journal: is this the data folder?", folder.display())]
    NoJournal {
        /// The folder.
        folder: PathBuf,
    },
    /// A part of the folder that cannot be made anew is missing.
    #[error("{} is gone, so this would not be a whole backup: put it back first{hint}", path.display())]
    Incomplete {
        /// The missing file.
        path: PathBuf,
        /// What else can be done.
        hint: &'static str,
    },
    /// The caller's fault: a backup never replaces anything.
    #[error("{} exists already; nothing was written: name another file", file.display())]
    FileExists {
        /// The file.
        file: PathBuf,
    },
    /// The caller's fault: restoring never replaces anything.
    #[error("{} is there already and not empty; nothing was changed: name a new folder", folder.display())]
    FolderExists {
        /// The folder.
        folder: PathBuf,
    },
    /// The disk has no room.
    #[error("the disk is full: no room to write {} ({source}); nothing is left of it; make room and try again", path.display())]
    Full {
        /// What was being written.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// The disk or the operating system failed.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Not a file that a backup made.
    #[error("{} is no backup of Tapstone ({what})", file.display())]
    NotABackup {
        /// The file.
        file: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// Written by a newer Tapstone.
    #[error(
        "{} was written by a newer Tapstone (backup version {found}, this one knows {FORMAT_VERSION}): restore it with \
         that version, or a newer one",
        file.display()
    )]
    NewerVersion {
        /// The file.
        file: PathBuf,
        /// Its version.
        found: u32,
    },
    /// The end of the archive is missing.
    #[error("{} is cut off: its end is missing, so not all of it is there; use another backup", file.display())]
    CutOff {
        /// The file.
        file: PathBuf,
    },
    /// The archive is not what was written.
    #[error("{} is damaged: {what}; use another backup", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What does not check out.
        what: String,
    },
    /// The caller's fault: the backup does not go that far.
    #[error("position {asked} is not in {}, which ends at position {last}", file.display())]
    PositionBeyondEnd {
        /// The file.
        file: PathBuf,
        /// The position that was asked for.
        asked: u64,
        /// The last one.
        last: u64,
    },
    /// The caller's fault: no frame ends early enough.
    #[error("nothing had been recorded yet at position {asked}: the first whole record set in {} ends at {first}", file.display())]
    PositionBeforeFirst {
        /// The file.
        file: PathBuf,
        /// The position that was asked for.
        asked: u64,
        /// Where the first frame ends; 0 if there is none.
        first: u64,
    },
    /// The journal is damaged, in the folder or in the archive.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The directory cannot be copied.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

impl BackupError {
    /// Whether something else must be asked for.
    pub fn is_callers_fault(&self) -> bool {
        matches!(
            self,
            Self::NoJournal { .. }
                | Self::FileExists { .. }
                | Self::FolderExists { .. }
                | Self::NotABackup { .. }
                | Self::PositionBeyondEnd { .. }
                | Self::PositionBeforeFirst { .. }
        )
    }

    /// For `map_err`: the failed `action` on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| match says_full(&source) {
            true => Self::Full { path, source },
            false => Self::Io { action, path, source },
        }
    }
}

/// Whether an error says that there is no room: on the disk, for its user, or for the file.
pub(crate) fn says_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}
