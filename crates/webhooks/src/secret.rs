//! Signing secrets, as Standard Webhooks writes them: `whsec_` and base64.

use std::fmt;

use base64ct::{Base64, Encoding};
use zeroize::{Zeroize, Zeroizing};

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// The lengths that Standard Webhooks allows, in bytes.
const LENGTHS: std::ops::RangeInclusive<usize> = 24..=64;

/// A key that an endpoint's deliveries are signed with: 24 to 64 bytes. Redacted in Debug output, wiped from memory when
/// it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

/// Why a text is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret is `whsec_` and the base64 of 24 to 64 bytes")]
pub struct SecretError;

impl Secret {
    /// The secret made of these bytes, which must come from a cryptographic random number generator.
    #[must_use]
    pub fn from_random(random: [u8; 32]) -> Self {
        Self(random.to_vec())
    }

    /// Reads a secret as its owner has it.
    ///
    /// # Errors
    /// [`SecretError`] if the text is none.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let encoded = text.strip_prefix(PREFIX).ok_or(SecretError)?;
        Self::from_bytes(Base64::decode_vec(encoded).map_err(|_| SecretError)?)
    }

    pub(crate) fn from_bytes(bytes: Vec<u8>) -> Result<Self, SecretError> {
        if LENGTHS.contains(&bytes.len()) { Ok(Self(bytes)) } else { Err(SecretError) }
    }

    /// The key's bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The secret as its owner is shown it once; never to be logged.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        let encoded = Zeroizing::new(Base64::encode_string(&self.0));
        Zeroizing::new([PREFIX, encoded.as_str()].concat())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_says_nothing_in_debug_output() {
        let secret = Secret::from_random([7; 32]);
        assert_eq!(Secret::parse(&secret.expose()), Ok(secret.clone()));
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    }

    #[test]
    fn refuses_what_is_too_short_too_long_or_not_base64() {
        for bytes in [0, 23, 65] {
            let text = format!("{PREFIX}{}", Base64::encode_string(&vec![1; bytes]));
            assert_eq!(Secret::parse(&text), Err(SecretError), "{bytes}");
        }
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_*fKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"] {
            assert_eq!(Secret::parse(text), Err(SecretError), "{text}");
        }
    }
}
