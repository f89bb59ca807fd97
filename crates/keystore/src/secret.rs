//! Secrets as text inside the sealed part of the file: hexadecimal digits, wiped when they are dropped.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// Sixteen secret bytes, as 32 hexadecimal digits where they are serialised.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) Zeroizing<[u8; 16]>);

impl Secret {
    pub(crate) fn new(bytes: [u8; 16]) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&encode(&*self.0))
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;
        impl Visitor<'_> for Digits {
            type Value = Secret;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("32 hexadecimal digits")
            }
            // Without the text: it is secret.
            fn visit_str<E: Error>(self, text: &str) -> Result<Secret, E> {
                decode(text).map(Secret).ok_or_else(|| E::custom("not 32 hexadecimal digits"))
            }
        }
        deserializer.deserialize_str(Digits)
    }
}

/// Two capital digits for each byte.
pub(crate) fn encode(bytes: &[u8]) -> Zeroizing<String> {
    let mut digits = Zeroizing::new(String::with_capacity(2 * bytes.len()));
    for nibble in bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]) {
        digits.extend(char::from_digit(u32::from(nibble), 16).map(|digit| digit.to_ascii_uppercase()));
    }
    digits
}

/// The bytes of exactly `2 * N` digits of either case.
pub(crate) fn decode<const N: usize>(digits: &str) -> Option<Zeroizing<[u8; N]>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = Zeroizing::new([0; N]);
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
