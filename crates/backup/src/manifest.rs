//! The manifest: what an archive is and what must be in it.

use directory::Directory;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{BANK_MEMBER, JOURNAL_FOLDER, SIDE_DATABASES, TAG_MASTER_KEY_FILE, WEBHOOKS_KEY_FILE};

/// The version of the archive that this build writes, and the newest that it reads.
pub(crate) const FORMAT_VERSION: u32 = 2;

/// What `format` says.
const FORMAT: &str = "tapstone backup";

/// What kind of folder was backed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A platform's data folder, of `tapstone init` or `tapstone serve --demo`.
    Platform,
    /// A ledger alone, of `tapstone ledger exec`.
    Ledger,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Manifest {
    pub(crate) format: String,
    pub(crate) version: u32,
    /// When the backup began, in milliseconds since 1970 in UTC.
    pub(crate) taken_at_ms: u64,
    pub(crate) kind: Kind,
    pub(crate) journal: JournalEnd,
    /// All members but the manifest, in the archive's order.
    pub(crate) members: Vec<Member>,
}

/// Which journal it is and how far it goes. Id and hash are in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct JournalEnd {
    pub(crate) id: String,
    pub(crate) position: u64,
    pub(crate) hash: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// In hexadecimal digits.
    pub(crate) sha256: String,
}

/// What every version's manifest says.
#[derive(Deserialize)]
struct Heading {
    format: String,
    version: u32,
}

/// Why a manifest is none.
pub(crate) enum ManifestRefused {
    Foreign,
    NewerVersion(u32),
    Malformed(serde_json::Error),
}

impl Manifest {
    pub(crate) fn new(taken_at_ms: u64, kind: Kind, journal: JournalEnd, members: Vec<Member>) -> Self {
        Self { format: FORMAT.to_owned(), version: FORMAT_VERSION, taken_at_ms, kind, journal, members }
    }

    pub(crate) fn parse(json: &[u8]) -> Result<Self, ManifestRefused> {
        let Heading { format, version } = serde_json::from_slice(json).map_err(ManifestRefused::Malformed)?;
        if format != FORMAT {
            return Err(ManifestRefused::Foreign);
        }
        if version > FORMAT_VERSION {
            return Err(ManifestRefused::NewerVersion(version));
        }
        serde_json::from_slice(json).map_err(ManifestRefused::Malformed)
    }
}

/// Whether a backup can have a member of this name. No other name ever becomes a path.
pub(crate) fn is_member_name(name: &str) -> bool {
    let whole = [TAG_MASTER_KEY_FILE, WEBHOOKS_KEY_FILE, Directory::FILE_NAME, BANK_MEMBER];
    whole.contains(&name) || SIDE_DATABASES.contains(&name) || segment_of(name).is_some()
}

/// The file name of the journal's segment that this member is.
pub(crate) fn segment_of(name: &str) -> Option<&str> {
    let segment = name.strip_prefix(JOURNAL_FOLDER)?.strip_prefix('/')?;
    let digits = segment.strip_suffix(".journal")?;
    (digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit())).then_some(segment)
}

/// Measures a member while it passes by.
#[derive(Default)]
pub(crate) struct Measure {
    bytes: u64,
    hasher: Sha256,
}

impl Measure {
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.hasher.update(bytes);
    }

    pub(crate) fn finish(self, name: String) -> Member {
        let sha256 = self.hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Member { name, bytes: self.bytes, sha256 }
    }
}
