//! What can go wrong with the webhooks' files, and what callers may ask in vain.

use std::path::PathBuf;

use crate::database::FORMAT_VERSION;

/// Why something could not be done. Nothing was changed then.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    /// Written by a newer Tapstone.
    #[error(
        "{} was written by a newer Tapstone (webhooks version {found}, this one knows {FORMAT_VERSION}): start that \
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
    #[error("{} does not hold Tapstone's webhooks: point --data to another folder, or move the file away", path.display())]
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
    /// The key that the signing secrets are encrypted with cannot be had.
    #[error("{}: {reason}", path.display())]
    Key {
        /// The key's file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The operating system gives no random numbers.
    #[error("the operating system gives no random numbers: {0}")]
    Random(getrandom::Error),
    /// The caller's fault: there is no such endpoint or delivery, or it is another merchant's.
    #[error("there is no such thing here")]
    NotFound,
    /// The caller's fault: the merchant has as many endpoints as it may have.
    #[error("a merchant may have {most} webhook endpoints: delete one first")]
    TooManyEndpoints {
        /// How many.
        most: usize,
    },
    /// The caller's fault: so much waits for this endpoint that nothing more can be replayed now.
    #[error("too much waits for this endpoint already: let it be delivered first")]
    Busy,
}

impl WebhooksError {
    /// Whether nothing was done because the disk has no room left.
    #[must_use]
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::Sqlite { source, .. } if source.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull))
    }
}

impl From<getrandom::Error> for WebhooksError {
    fn from(error: getrandom::Error) -> Self {
        Self::Random(error)
    }
}
