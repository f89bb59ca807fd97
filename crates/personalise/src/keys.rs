//! Where keys come from, and who is told that one was used.

use chip::access::KeyNumber;
use tag::diversification::{Diversifier, Purpose};
use tag::{AesKey, KeyVersion, Uid};

/// Master keys, by version, from which the keys of tags follow.
pub trait Keys {
    /// The version that tags are personalised with now. 0 is what chips have at delivery, so it is no version.
    fn current(&self) -> KeyVersion;

    /// The key that a tag of that version has in that slot; nothing if there is no such version.
    ///
    /// # Errors
    /// [`KeysUnavailable`] if whoever keeps the keys does not answer.
    fn derive(&mut self, version: KeyVersion, slot: KeyNumber, uid: Uid) -> Result<Option<AesKey>, KeysUnavailable>;
}

/// Whoever keeps the keys does not give one, in its own words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the keys are not available: {0}")]
pub struct KeysUnavailable(pub String);

/// One version: a platform that has had one master key.
#[derive(Debug)]
pub struct MasterKey {
    version: KeyVersion,
    diversifier: RedactedDiversifier,
}

/// A diversifier whose Debug form says nothing.
struct RedactedDiversifier(Diversifier);

impl std::fmt::Debug for RedactedDiversifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Diversifier(redacted)")
    }
}

impl MasterKey {
    /// The master key of that version.
    #[must_use]
    pub fn new(version: KeyVersion, master: &AesKey) -> Self {
        Self { version, diversifier: RedactedDiversifier(Diversifier::new(master)) }
    }
}

impl Keys for MasterKey {
    fn current(&self) -> KeyVersion {
        self.version
    }

    fn derive(&mut self, version: KeyVersion, slot: KeyNumber, uid: Uid) -> Result<Option<AesKey>, KeysUnavailable> {
        let purpose = Purpose::of_slot(slot.value(), uid);
        Ok((version == self.version).then(|| self.diversifier.0.derive(purpose)))
    }
}

/// Who is told of each use of a key, before it happens: without a record there is no use.
pub trait Audit {
    /// Keeps it.
    ///
    /// # Errors
    /// [`NotRecorded`] if it could not be kept. Then the key is not used.
    fn record(&mut self, used: KeyUsed) -> Result<(), NotRecorded>;
}

/// A key that is about to be used. It says which one, and has nothing of the key itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsed {
    /// The tag.
    pub uid: Uid,
    /// The version of the master key from which it follows.
    pub version: KeyVersion,
    /// The tag's slot that it is for.
    pub slot: KeyNumber,
    /// What for.
    pub used_to: Use,
}

/// What a key is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// To authenticate to the tag.
    Authenticate,
    /// To be replaced: the tag wants to see that the old key is known.
    Replace,
    /// To be written into the tag.
    Install,
}

impl std::fmt::Display for Use {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Authenticate => "authenticate",
            Self::Replace => "replace",
            Self::Install => "install",
        })
    }
}

/// The record could not be kept, in the words of whoever keeps it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the use of a key could not be recorded: {0}")]
pub struct NotRecorded(pub String);
