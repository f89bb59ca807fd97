//! The record of what was done with master keys, and by whom: one line of JSON each, in a file that only grows.
//!
//! A line is on the disk before what it tells of is answered, so a key that left has its line; a line's key may not have
//! left. No line has anything of a key in it but check values. Whoever may write the file may also change it: ship the
//! lines elsewhere if that matters.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use serde::Serialize;
use tag::{KeyVersion, Uid};

use crate::error::KeyStoreError;
use crate::person::Person;
use crate::register::Timestamp;
use crate::share::CheckValue;

/// The audit file, opened for appending.
#[derive(Debug)]
pub struct AuditLog {
    path: PathBuf,
    file: File,
}

/// What somebody did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Was given a key of a tag, to write it into the chip.
    Personalise {
        /// The tag.
        uid: Uid,
        /// What the key is for, such as `SDMFileRead`.
        purpose: &'static str,
    },
    /// Gave the first share.
    Begin,
    /// Gave the second share; the master is made.
    Join(CheckValue),
    /// Cancelled the ceremony.
    Cancel,
    /// Made the version the current one.
    Activate,
    /// Retired the version.
    Retire,
    /// Brought a master in that was there before.
    Adopt(CheckValue),
}

#[derive(Serialize)]
struct Line<'a> {
    at_ms: u64,
    who: &'a str,
    deed: &'static str,
    version: u8,
    #[serde(skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_value: Option<String>,
}

impl AuditLog {
    /// Opens the file, and makes it if there is none; only its owner may read it. If the last line was cut off by a crash,
    /// it is ended, so that the next one stands by itself.
    ///
    /// # Errors
    /// [`KeyStoreError::Unwritable`], [`KeyStoreError::OpenToOthers`].
    pub fn open(path: &Path) -> Result<Self, KeyStoreError> {
        let failed = |reason| KeyStoreError::Unwritable { path: path.to_owned(), reason };
        let mut file =
            OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(KeyStoreError::OpenToOthers(path.to_owned()));
        }
        if metadata.len() > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1)).and_then(|_| file.read_exact(&mut last)).map_err(failed)?;
            if last != *b"\n" {
                file.write_all(b"\n").map_err(failed)?;
            }
        }
        Ok(Self { path: path.to_owned(), file })
    }

    /// Writes down that somebody does that, and syncs.
    ///
    /// # Errors
    /// [`KeyStoreError::Unwritable`]: then it must not be done.
    pub fn record(
        &mut self,
        at: Timestamp,
        who: &Person,
        version: KeyVersion,
        deed: Deed,
    ) -> Result<(), KeyStoreError> {
        let (name, mut uid, mut purpose, mut check_value) = (deed.name(), None, None, None);
        match deed {
            Deed::Personalise { uid: tag, purpose: what } => (uid, purpose) = (Some(tag.to_string()), Some(what)),
            Deed::Join(check) | Deed::Adopt(check) => check_value = Some(check.to_string()),
            Deed::Begin | Deed::Cancel | Deed::Activate | Deed::Retire => {}
        }
        let line = Line { at_ms: at.0, who: who.name(), deed: name, version: version.0, uid, purpose, check_value };
        let mut text = serde_json::to_string(&line).unwrap_or_default();
        text.push('\n');
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|reason| KeyStoreError::Unwritable { path: self.path.clone(), reason })
    }
}

impl Deed {
    fn name(self) -> &'static str {
        match self {
            Self::Personalise { .. } => "personalise",
            Self::Begin => "begin",
            Self::Join(_) => "join",
            Self::Cancel => "cancel",
            Self::Activate => "activate",
            Self::Retire => "retire",
            Self::Adopt(_) => "adopt",
        }
    }
}
