//! What can go wrong: whose fault it is and what to do.

use std::path::PathBuf;

/// Why a file of ours could not be used. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum PartnerError {
    /// Written by a newer Tapstone.
    #[error("{} was written by a newer Tapstone (version {found}): start that version, or a newer one", path.display())]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// Something else's file.
    #[error("{} is not Tapstone's: move it away", path.display())]
    Foreign {
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
    #[error("cannot read or write {}: {source}. See that the folder exists and that the disk has room", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// A file or folder of the spool cannot be read or written.
    #[error("cannot read or write {}: {source}. See that the folder exists and that the disk has room", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The caller's fault: there is no such break, or it is not open.
    #[error("no open break has this id")]
    NoOpenBreak,
}
