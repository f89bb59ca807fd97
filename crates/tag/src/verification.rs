//! From the URL of a touch to the proof of it.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use crate::diversification::{Diversifier, Purpose};
use crate::sdm::{MetaReadKey, Mode, ReadingError, Settings, TamperStatus, VerifiedReading};
use crate::{AesKey, MalformedUrl, ReadCounter, Uid};

/// Which generation of keys a tag was personalised with: the version that ChangeKey writes beside each key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyVersion(pub u8);

impl fmt::Display for KeyVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Derives tags' own keys where the master key is out of reach, in a hardware module for example.
pub trait FileReadKeys: Send + Sync {
    /// SDMFileRead of this tag, which has claimed to be one. `None` if whoever holds the master key does not answer now.
    ///
    /// Made-up URLs make up UIDs too: once in 256 times one gets as far as here.
    fn file_read(&self, uid: Uid) -> Option<AesKey>;
}

/// Where tags' own keys come from.
enum FileRead {
    Here(Diversifier),
    Elsewhere(Box<dyn FileReadKeys>),
}

/// One version of keys with the settings that its tags have, made ready for verifying what they say.
///
/// The tags are personalised as [`diversification`](crate::diversification) says and mirror UID and counter.
pub struct KeySet {
    version: KeyVersion,
    settings: Settings,
    meta_read: MetaReadKey,
    file_read: FileRead,
}

impl KeySet {
    /// Derives and expands whatever does not depend on a tag.
    #[must_use]
    pub fn new(version: KeyVersion, master: &AesKey, settings: Settings) -> Self {
        let diversifier = Diversifier::new(master);
        let meta_read = MetaReadKey::new(settings.mode(), &diversifier.derive(Purpose::sdm_meta_read()));
        Self { version, settings, meta_read, file_read: FileRead::Here(diversifier) }
    }

    /// The same where the master key is out of reach: with SDMMetaRead, which all its tags have, and whoever derives
    /// each tag's SDMFileRead.
    #[must_use]
    pub fn derived_elsewhere(
        version: KeyVersion,
        meta_read: &AesKey,
        file_read: Box<dyn FileReadKeys>,
        settings: Settings,
    ) -> Self {
        let meta_read = MetaReadKey::new(settings.mode(), meta_read);
        Self { version, settings, meta_read, file_read: FileRead::Elsewhere(file_read) }
    }

    /// Which version.
    #[must_use]
    pub fn version(&self) -> KeyVersion {
        self.version
    }

    /// The settings of its tags.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn into_parts(self) -> (Settings, MetaReadKey) {
        (self.settings, self.meta_read)
    }

    /// `None` if the master key is out of reach and does not answer.
    pub(crate) fn file_read(&self, uid: Uid) -> Option<AesKey> {
        match &self.file_read {
            FileRead::Here(diversifier) => Some(diversifier.derive(Purpose::sdm_file_read(uid))),
            FileRead::Elsewhere(keys) => keys.file_read(uid),
        }
    }

    fn verify(&self, url: &str) -> Result<VerifiedTap, TapError> {
        let reading = self.settings.read(url)?;
        let identified = reading.identify(&self.meta_read).map_err(|_| TapError::NotOurs)?;
        let claimed = identified.claimed();
        let (Some(uid), Some(counter)) = (claimed.uid, claimed.counter) else { return Err(TapError::NotOurs) };
        let file_read = self.file_read(uid).ok_or(TapError::KeysUnavailable { version: self.version })?;
        match identified.verify(&file_read) {
            Ok(reading) => Ok(VerifiedTap { uid, counter, key_version: self.version, reading }),
            Err(ReadingError::WrongMac) => Err(TapError::Forged { claimed: uid }),
            Err(reason) => Err(TapError::Unusable { tag: uid, reason }),
        }
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { version, settings, .. } = self;
        f.debug_struct("KeySet").field("version", version).field("settings", settings).finish_non_exhaustive()
    }
}

/// The keys with which a platform's tags are verified: the current version, older ones that are still accepted, and
/// retired ones, which are kept so that their tags can be told what is wrong with them.
///
/// A URL is tried with the current version first; only what that does not verify is tried with the others, each of which
/// costs about as much again. There are at most 256.
pub struct TagKeys {
    current: KeySet,
    others: Vec<(Standing, KeySet)>,
}

#[derive(Clone, Copy)]
enum Standing {
    Accepted,
    Retired,
}

impl TagKeys {
    /// The keys of a platform that has had one master key: version 1, tags in AES mode that answer with
    /// `https://host/t?e={picc_data}&c={mac}`.
    #[must_use]
    pub fn from_master(master: &AesKey) -> Self {
        Self::new(KeySet::new(KeyVersion(1), master, Settings::of_platform(Mode::Aes)))
    }

    /// A ring with this version only: the one that tags are personalised with now.
    #[must_use]
    pub fn new(current: KeySet) -> Self {
        Self { current, others: Vec::new() }
    }

    /// The same ring, in which tags of this version are accepted too.
    ///
    /// # Errors
    /// [`DuplicateVersion`] if the ring has this version.
    pub fn accepting(self, set: KeySet) -> Result<Self, DuplicateVersion> {
        self.with(Standing::Accepted, set)
    }

    /// The same ring, in which tags of this version are refused as [`TapError::Retired`].
    ///
    /// # Errors
    /// [`DuplicateVersion`] if the ring has this version.
    pub fn retiring(self, set: KeySet) -> Result<Self, DuplicateVersion> {
        self.with(Standing::Retired, set)
    }

    fn with(mut self, standing: Standing, set: KeySet) -> Result<Self, DuplicateVersion> {
        let mut versions = self.others.iter().map(|(_, set)| set.version).chain([self.current.version]);
        if versions.any(|version| version == set.version) {
            return Err(DuplicateVersion(set.version));
        }
        self.others.push((standing, set));
        Ok(self)
    }

    /// Verifies the URL that a phone got from a tag.
    ///
    /// The proof is that this tag made this URL at this count, not that nobody has shown it before: a copied URL
    /// verifies too, and is told apart by a counter that has not grown.
    ///
    /// # Errors
    /// [`TapError`]: the text is no tap's URL, the tag is none of ours, its keys are retired, or the URL is forged. If
    /// several versions refuse it, the one that came furthest says why.
    pub fn verify_url(&self, url: &str) -> Result<VerifiedTap, TapError> {
        let mut refusal = match self.current.verify(url) {
            Ok(tap) => return Ok(tap),
            Err(refusal) => refusal,
        };
        for (standing, set) in &self.others {
            match (set.verify(url), standing) {
                (Ok(tap), Standing::Accepted) => return Ok(tap),
                (Ok(tap), Standing::Retired) => {
                    return Err(TapError::Retired { tag: tap.uid, version: set.version });
                }
                (Err(other), _) if other.progress() > refusal.progress() => refusal = other,
                (Err(_), _) => {}
            }
        }
        Err(refusal)
    }
}

impl fmt::Debug for TagKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKeys(redacted)")
    }
}

/// A ring has each version once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there are keys of version {0} already")]
pub struct DuplicateVersion(pub KeyVersion);

/// The proof that a tag was read at a count. Only [`TagKeys::verify_url`] makes one, and it is for using once:
///
/// ```compile_fail
/// fn twice(tap: tag::VerifiedTap) -> (tag::VerifiedTap, tag::VerifiedTap) {
///     (tap.clone(), tap)
/// }
/// ```
///
/// ```compile_fail
/// fn invent(uid: tag::Uid, counter: tag::ReadCounter, reading: tag::sdm::VerifiedReading) -> tag::VerifiedTap {
///     tag::VerifiedTap { uid, counter, key_version: tag::KeyVersion(1), reading }
/// }
/// ```
#[derive(Debug)]
#[must_use]
pub struct VerifiedTap {
    uid: Uid,
    counter: ReadCounter,
    key_version: KeyVersion,
    reading: VerifiedReading,
}

impl VerifiedTap {
    /// Which tag.
    #[must_use]
    pub fn uid(&self) -> Uid {
        self.uid
    }

    /// The tag's read counter at this reading. To be accepted it must be above the last one accepted of this tag.
    #[must_use]
    pub fn counter(&self) -> ReadCounter {
        self.counter
    }

    /// Which version of the keys the tag signed with.
    #[must_use]
    pub fn key_version(&self) -> KeyVersion {
        self.key_version
    }

    /// The same tap, if the tag signed with this version of the keys or a later one.
    ///
    /// A tag that was personalised again has one version; URLs that it made before, and that nobody had shown yet, still
    /// verify while other tags use the old version. Whoever keeps the tags knows each one's version, and asks for it.
    ///
    /// # Errors
    /// [`TapError::Retired`] if it is an older version.
    pub fn at_least(self, version: KeyVersion) -> Result<Self, TapError> {
        if self.key_version >= version {
            Ok(self)
        } else {
            Err(TapError::Retired { tag: self.uid, version: self.key_version })
        }
    }

    /// Whether the tag was opened, if it is a TagTamper and its settings mirror that.
    #[must_use]
    pub fn tamper(&self) -> Option<TamperStatus> {
        self.reading.tamper()
    }

    /// What the tag encrypted of its file, decrypted; empty if its settings encrypt nothing.
    #[must_use]
    pub fn file_data(&self) -> &[u8] {
        self.reading.file_data()
    }
}

/// Why a URL proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TapError {
    /// It is not the URL of a tap at all.
    #[error(transparent)]
    Malformed(#[from] MalformedUrl),
    /// The PICC data was not encrypted with our key, or lacks the UID or the counter.
    #[error("the URL is not from a tag of this platform")]
    NotOurs,
    /// The MAC is wrong: somebody made it up, or put it together from two URLs.
    #[error("the URL was not signed by the tag that it names")]
    Forged {
        /// Whom the PICC data names. Unproven: good for telling a till that something is odd at its tag, not for
        /// holding anything against the tag. Made-up PICC data decrypts to a made-up UID here once in 256 times.
        claimed: Uid,
    },
    /// The tag has signed it, with keys that are no longer accepted.
    #[error(
        "the tag {tag} signed the URL with version {version} of its keys, which is retired: personalise the tag again"
    )]
    Retired {
        /// Which tag.
        tag: Uid,
        /// The version of the keys that it signed with.
        version: KeyVersion,
    },
    /// Whoever holds the master key does not answer: nothing is known of the URL, and it may be shown again.
    #[error("the keys of version {version} cannot be asked for now: try again")]
    KeysUnavailable {
        /// The version of the keys that the tag seems to have.
        version: KeyVersion,
    },
    /// The tag has signed it, but says what a tag with its settings cannot.
    #[error("the tag {tag} is not set up as the platform knows it: {reason}")]
    Unusable {
        /// Which tag.
        tag: Uid,
        /// What is wrong with what it says.
        reason: ReadingError,
    },
}

impl TapError {
    /// How far verification came: how much the refusal knows.
    fn progress(&self) -> u8 {
        match self {
            Self::Malformed(_) => 0,
            Self::NotOurs => 1,
            Self::Forged { .. } => 2,
            Self::Retired { .. } | Self::Unusable { .. } => 3,
            // It might have been the right one.
            Self::KeysUnavailable { .. } => 4,
        }
    }
}
