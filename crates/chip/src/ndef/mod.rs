//! NDEF messages (NFC Forum, NFC Data Exchange Format 1.0): what a phone finds on a tag.
//!
//! [`message`] has messages and records, [`content`] what the records say that this platform uses: URIs, text and the
//! name of an Android application. [`from_file`] and [`to_file`] are for the file of a Type 4 tag, which begins with the
//! message's length.
//!
//! Every malformed input has an error of its own. Nothing is allocated that the input does not pay for.

pub mod content;
pub mod message;

use alloc::vec::Vec;

pub use content::{Content, MalformedContent, Text};
pub use message::{MalformedMessage, Message, NameFormat, Record};

/// The message in a Type 4 tag's NDEF file (NFC Forum Type 4 Tag 2.0, section 4.3): two bytes of length, then as many
/// bytes; what comes after them is not looked at.
///
/// # Errors
/// [`MalformedFile`] if the length is not there or is more than the file has.
pub fn from_file(file: &[u8]) -> Result<&[u8], MalformedFile> {
    let (length, rest) = file.split_first_chunk::<2>().ok_or(MalformedFile::NoLength)?;
    let announced = usize::from(u16::from_be_bytes(*length));
    rest.get(..announced).ok_or(MalformedFile::Truncated { announced, found: rest.len() })
}

/// A message as a Type 4 tag's NDEF file begins with it.
///
/// # Errors
/// [`MessageTooLong`] above 65,533 bytes, the most that the file's length can say.
pub fn to_file(message: &[u8]) -> Result<Vec<u8>, MessageTooLong> {
    let length = u16::try_from(message.len()).ok().filter(|length| *length < 0xFFFE).ok_or(MessageTooLong)?;
    Ok([&length.to_be_bytes()[..], message].concat())
}

/// Why a file has no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedFile {
    /// It has fewer than two bytes.
    #[error("the NDEF file ends before its length")]
    NoLength,
    /// It says that it has more than it has.
    #[error("the NDEF file announces {announced} bytes and has {found}")]
    Truncated {
        /// What its length says.
        announced: usize,
        /// What follows.
        found: usize,
    },
}

/// A message is longer than a file can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an NDEF file holds at most 65533 bytes")]
pub struct MessageTooLong;

#[cfg(test)]
mod tests;
