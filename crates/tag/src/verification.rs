//! From the URL of a touch to the proof of it.

use core::fmt;

use crate::diversification::{Diversifier, Purpose};
use crate::sdm::{MetaReadKey, PiccData, SessionKeys};
use crate::url::{MalformedUrl, TapUrl};
use crate::{AesKey, ReadCounter, Uid};

/// The keys of all tags under one master key, made ready for verifying what they say.
///
/// The tags are personalised as [`diversification`](crate::diversification) says, mirror UID and counter in encrypted
/// PICC data, and compute the SDMMAC over nothing (SDMMACInputOffset equals SDMMACOffset): the session key already
/// binds the UID and the counter.
pub struct TagKeys {
    meta_read: MetaReadKey,
    diversifier: Diversifier,
}

impl TagKeys {
    /// Derives and expands whatever does not depend on a tag.
    #[must_use]
    pub fn from_master(master: &AesKey) -> Self {
        let diversifier = Diversifier::new(master);
        Self { meta_read: MetaReadKey::new(&diversifier.derive(Purpose::sdm_meta_read())), diversifier }
    }

    /// Verifies the URL that a phone got from a tag.
    ///
    /// The proof is that this tag made this URL at this count, not that nobody has shown it before: a copied URL
    /// verifies too, and is told apart by a counter that has not grown.
    ///
    /// # Errors
    /// [`TapError`]: the text is no tap's URL, the tag is none of ours, or the URL is forged.
    pub fn verify_url(&self, url: &str) -> Result<VerifiedTap, TapError> {
        let TapUrl { encrypted_picc_data, mac } = TapUrl::parse(url)?;
        let picc_data = self.meta_read.decrypt(encrypted_picc_data).map_err(|_| TapError::NotOurs)?;
        let PiccData { uid: Some(uid), counter: Some(counter) } = picc_data else {
            return Err(TapError::NotOurs);
        };
        let file_read_key = self.diversifier.derive(Purpose::sdm_file_read(uid));
        if SessionKeys::derive(&file_read_key, picc_data).mac(&[]) == mac {
            Ok(VerifiedTap { uid, counter })
        } else {
            Err(TapError::Forged { claimed: uid })
        }
    }
}

impl fmt::Debug for TagKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKeys(redacted)")
    }
}

/// The proof that a tag was read at a count. Only [`TagKeys::verify_url`] makes one, and it is for using once:
///
/// ```compile_fail
/// fn twice(tap: tag::VerifiedTap) -> (tag::VerifiedTap, tag::VerifiedTap) {
///     (tap.clone(), tap)
/// }
/// ```
///
/// ```compile_fail
/// fn invent(uid: tag::Uid, counter: tag::ReadCounter) -> tag::VerifiedTap {
///     tag::VerifiedTap { uid, counter }
/// }
/// ```
#[derive(Debug)]
#[must_use]
pub struct VerifiedTap {
    uid: Uid,
    counter: ReadCounter,
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
}
