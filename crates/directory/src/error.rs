//! What can go wrong with the directory: whose fault it is and what to do.

use std::path::PathBuf;

use crate::Purpose;
use crate::database::FORMAT_VERSION;

/// Why the directory refused.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// Written by a newer Tapstone.
    #[error(
        "{} was written by a newer Tapstone (directory version {found}, this one knows {FORMAT_VERSION}): start that \
         version, or a newer one",
        path.display()
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// Something else's file.
    #[error("{} is not Tapstone's directory: point --data to another folder, or move the file away", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Another process has the file open.
    #[error("another process is using {}: stop it first", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// The file's contents no longer make sense.
    #[error("{} is damaged ({damage}): restore it from a backup", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not make sense.
        damage: String,
    },
    /// SQLite cannot read or write the file.
    #[error(
        "cannot read or write {}: {source}. See that the folder exists, that its files may be written and that the \
         disk has room",
        path.display()
    )]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file cannot be copied.
    #[error("cannot copy {}: {source}", path.display())]
    Copy {
        /// The file that was to be copied.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The file was changed too fast to be copied.
    #[error("{} is being changed all the time, by an import perhaps: try again when that is done", path.display())]
    Changing {
        /// The file.
        path: PathBuf,
    },
    /// The caller's fault: an entry belongs to something that is not there. Nothing was added.
    #[error("{entry} belongs to something that is not in the directory: add that first")]
    UnknownReference {
        /// What was to be added.
        entry: String,
    },
    /// The caller's fault: the entry is there already and belongs to something else. Nothing was added.
    #[error("{entry} is in the directory already and belongs to something else: give the new one another id")]
    Conflict {
        /// What was to be added.
        entry: String,
    },
    /// The caller's fault: the folder was declared for something else.
    #[error(
        "the data folder is for {}, which cannot be changed: use another folder",
        match declared { Purpose::Live => "real payments", Purpose::Demonstration => "demonstration", Purpose::Sandbox => "trying out" }
    )]
    OtherPurpose {
        /// What it was declared for.
        declared: Purpose,
    },
}

impl DirectoryError {
    /// Whether the disk has no room left.
    #[must_use]
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::Sqlite { source, .. } if source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull))
    }
}
