//! The tags of BER-TLV, and how their values are shown.

use std::fmt;
use std::str::FromStr;

/// A tag of one to three bytes (ISO/IEC 8825-1 section 8.1.2, EMV Book 3 annex B).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag(u32);

/// Tags whose values are text: payload format, application label, cardholder's name, languages, issuer's address, preferred name, payment account
/// reference.
const TEXTS: [u32; 7] = [0x85, 0x50, 0x5F20, 0x5F2D, 0x5F50, 0x9F12, 0x9F24];

impl Tag {
    /// The most bytes of a tag.
    pub(super) const BYTES_MAX: usize = 3;

    /// A tag that is written in the program.
    pub(super) const fn of(number: u32) -> Self {
        Self(number)
    }

    /// Its bytes as a number: `0x9F26` for the tag 9F26.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The tag at the beginning of some bytes, and what follows it.
    pub(super) fn split(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (first, mut rest) = bytes.split_first()?;
        let mut number = u32::from(*first);
        if first & 0x1F == 0x1F {
            loop {
                let (next, after) = rest.split_first()?;
                // A long form whose first byte has no bits of the number is no tag, nor is one of more than three bytes.
                if number >> (8 * (Self::BYTES_MAX - 1)) != 0 || (number <= 0xFF && next & 0x7F == 0) {
                    return None;
                }
                number = number << 8 | u32::from(*next);
                rest = after;
                if next & 0x80 == 0 {
                    break;
                }
            }
        }
        (number != 0).then_some((Self(number), rest))
    }

    /// Its bytes, the first first.
    pub(super) fn write(self, out: &mut Vec<u8>) {
        let bytes = self.0.to_be_bytes();
        let zeros = bytes.iter().take(bytes.len() - 1).take_while(|byte| **byte == 0).count();
        out.extend_from_slice(&bytes[zeros..]);
    }

    /// Whether values of this tag are elements themselves.
    #[must_use]
    pub fn is_template(self) -> bool {
        let zeros = self.0.leading_zeros() / 8 * 8;
        (self.0 << zeros) >> 24 & 0x20 != 0
    }

    /// Whether several of these may stand at the root: application templates.
    pub(super) const fn may_repeat(self) -> bool {
        self.0 == 0x61
    }

    fn is_text(self) -> bool {
        TEXTS.contains(&self.0)
    }

    /// A value for people: text as it is, each byte a character of ISO 8859-1, or hexadecimal digits.
    pub(super) fn show(self, bytes: &[u8]) -> String {
        if self.is_text() {
            bytes.iter().copied().map(char::from).collect()
        } else {
            bytes.iter().map(|byte| format!("{byte:02X}")).collect()
        }
    }

    /// The inverse of [`Tag::show`]; `None` if the text is none of its results.
    pub(super) fn hide(self, text: &str) -> Option<Vec<u8>> {
        if self.is_text() {
            return text.chars().map(|character| u8::try_from(u32::from(character)).ok()).collect();
        }
        from_hexadecimal(text)
    }
}

fn from_hexadecimal(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let bytes = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?));
    if rest.is_empty() { bytes.collect() } else { None }
}

impl FromStr for Tag {
    type Err = NoSuchTag;

    fn from_str(text: &str) -> Result<Self, NoSuchTag> {
        let bytes = from_hexadecimal(text).ok_or(NoSuchTag)?;
        match Self::split(&bytes) {
            Some((tag, [])) => Ok(tag),
            _ => Err(NoSuchTag),
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = if self.0 > 0xFFFF {
            6
        } else if self.0 > 0xFF {
            4
        } else {
            2
        };
        write!(f, "{:0width$X}", self.0)
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is no tag of one to three bytes in hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tag is one to three bytes of BER-TLV in hexadecimal digits, such as 9F26")]
pub struct NoSuchTag;
