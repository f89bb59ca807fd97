//! What each of two people brings to a new master key, and how they check that it arrived.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tag::diversification::{Diversifier, Purpose};
use tag::{AesKey, KeyVersion};
use zeroize::Zeroizing;

use crate::masters::MasterUnavailable;
use crate::secret::{self, Secret};

/// One of the two shares of a master key: 16 random bytes that only one person has seen.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(Secret);

impl Share {
    /// A share of bytes from a good source of randomness.
    #[must_use]
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(Secret::new(bytes))
    }

    /// The share as its owner writes it down, 32 hexadecimal digits in groups of four; to be shown to nobody else.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let digits = secret::encode(&*self.0.0);
        let mut text = Zeroizing::new(String::with_capacity(40));
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && index % 4 == 0 {
                text.push(' ');
            }
            text.push(digit);
        }
        text
    }

    /// What its owner compares, to see that it was typed in right.
    #[must_use]
    pub fn check(&self) -> CheckValue {
        CheckValue::of_key(&AesKey::new(*self.0.0))
    }

    /// The master key of both shares, in either order: the first half of the SHA-256 of a label, the version, and both.
    /// Whoever knows one share and chose the other knows nothing of the result until both are there.
    pub(crate) fn combine(&self, other: &Self, version: KeyVersion) -> AesKey {
        let (first, second) = if *self.0.0 <= *other.0.0 { (self, other) } else { (other, self) };
        let mut hash = Sha256::new();
        hash.update(b"Tapstone master key of two shares");
        hash.update([version.0]);
        hash.update(*first.0.0);
        hash.update(*second.0.0);
        let digest: Zeroizing<[u8; 32]> = Zeroizing::new(hash.finalize().into());
        AesKey::new(std::array::from_fn(|index| digest[index]))
    }
}

impl fmt::Debug for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Share(redacted)")
    }
}

impl FromStr for Share {
    type Err = ShareText;

    fn from_str(text: &str) -> Result<Self, ShareText> {
        let digits: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
        secret::decode(&digits).map(|bytes| Self(Secret(bytes))).ok_or(ShareText)
    }
}

/// A share is 32 hexadecimal digits, with any spaces between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a share is 32 hexadecimal digits")]
pub struct ShareText;

/// Three bytes that tell whether two people speak of one key, and say next to nothing of it: the beginning of the key
/// that follows from it (AN10922) for a purpose of which no chip has a key.
///
/// Displays as six upper-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CheckValue([u8; 3]);

impl CheckValue {
    /// Of a key that is here.
    #[must_use]
    pub fn of_key(key: &AesKey) -> Self {
        let diversifier = Diversifier::new(key);
        match Self::by(|purpose| Ok(diversifier.derive(purpose))) {
            Ok(check) => check,
            Err(MasterUnavailable { .. }) => Self([0; 3]),
        }
    }

    /// Of a key that only `derive` can use.
    ///
    /// # Errors
    /// Those of `derive`.
    pub fn by(derive: impl FnOnce(Purpose) -> Result<AesKey, MasterUnavailable>) -> Result<Self, MasterUnavailable> {
        let purpose = Purpose::new(b"Tapstone key check value").map_err(|error| MasterUnavailable::new(&error))?;
        let [first, second, third, ..] = *derive(purpose)?.expose();
        Ok(Self([first, second, third]))
    }
}

impl fmt::Display for CheckValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for CheckValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CheckValue({self})")
    }
}

impl From<CheckValue> for String {
    fn from(check: CheckValue) -> Self {
        check.to_string()
    }
}

impl TryFrom<String> for CheckValue {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        secret::decode(&text).map(|bytes| Self(*bytes)).ok_or("a check value is six hexadecimal digits")
    }
}
