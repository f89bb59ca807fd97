//! What can go wrong with a store. Nothing secret is in any of it.

use std::io;
use std::path::PathBuf;

use crate::masters::MasterUnavailable;
use crate::register::Refusal;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum KeyStoreError {
    /// The rules forbid it; nothing has changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Whoever holds the masters did not do it.
    #[error(transparent)]
    Master(#[from] MasterUnavailable),
    /// The file cannot be read.
    #[error("cannot read {path}: {reason}", path = path.display())]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// The file cannot be written. What was there before is still there, or else the whole of the change is.
    #[error("cannot write {path}: {reason}", path = path.display())]
    Unwritable {
        /// Which file.
        path: PathBuf,
        /// Why.
        reason: io::Error,
    },
    /// There is one already.
    #[error("{} is there already: it was left as it is", .0.display())]
    Exists(PathBuf),
    /// Others than its owner may read the file.
    #[error("others may read {path}, which is secret: run `chmod 600 {path}`", path = .0.display())]
    OpenToOthers(PathBuf),
    /// Some byte of the file is not what was written.
    #[error("{} is damaged, or no key store: restore it from a backup", .0.display())]
    Damaged(PathBuf),
    /// A later version of this program wrote it.
    #[error("{path} has format {format}, which this version does not know", path = path.display())]
    NewerFormat {
        /// Which file.
        path: PathBuf,
        /// Its format.
        format: u8,
    },
    /// The file is whole; what was given to open it is not what it was locked with.
    #[error("{} does not open with this {}", path.display(), given)]
    WrongLock {
        /// Which file.
        path: PathBuf,
        /// What was given: "passphrase" or "key file".
        given: &'static str,
    },
    /// The file is locked with the other kind of thing.
    #[error("{} opens with a {}", path.display(), wanted)]
    OtherLock {
        /// Which file.
        path: PathBuf,
        /// What it is locked with: "passphrase" or "key file".
        wanted: &'static str,
    },
    /// Its masters are elsewhere than they were looked for.
    #[error("the master keys of {} are {}", path.display(), wanted)]
    OtherPlace {
        /// Which file.
        path: PathBuf,
        /// Where they are.
        wanted: &'static str,
    },
    /// Somebody else changed the file after it was opened.
    #[error("somebody has changed {} meanwhile: nothing was done, ask again", .0.display())]
    ChangedMeanwhile(PathBuf),
    /// Argon2 is asked for more or less than it can do.
    #[error("Argon2 takes 8 KiB to 1 GiB for each lane, 1 to 64 passes and 1 to 16 lanes")]
    Cost,
    /// There is no randomness.
    #[error("no randomness: {0}")]
    Randomness(io::Error),
}

impl KeyStoreError {
    /// Whether something else must be asked for, and nothing is broken.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Refused(_)
                | Self::Exists(_)
                | Self::WrongLock { .. }
                | Self::OtherLock { .. }
                | Self::OtherPlace { .. }
                | Self::ChangedMeanwhile(_)
                | Self::Cost
        )
    }
}
