//! Command APDUs of ISO/IEC 7816-4 (section 5.1): a header of four bytes, then perhaps data and the length of the
//! expected answer, in the short or in the extended form.
//!
//! Every string of bytes is exactly one command or one [`MalformedApdu`]. Whether a chip takes the command is for the
//! chip to say.

use alloc::vec::Vec;

use crate::Status;

/// A command, split into its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command<'a> {
    /// CLA.
    pub class: u8,
    /// INS.
    pub instruction: u8,
    /// P1 and P2.
    pub parameters: [u8; 2],
    /// The data field; empty if there is none.
    pub data: &'a [u8],
    /// Le: how many bytes of answer the reader takes at most, 1 to 65536; none if it expects no data.
    pub expected: Option<u32>,
    /// Whether the lengths came in the extended form.
    pub extended: bool,
}

impl<'a> Command<'a> {
    /// Splits a command APDU.
    ///
    /// # Errors
    /// [`MalformedApdu`]: the lengths that it announces are not those that it has.
    pub fn parse(apdu: &'a [u8]) -> Result<Self, MalformedApdu> {
        let (header, body) =
            apdu.split_first_chunk::<4>().ok_or(MalformedApdu::HeaderIncomplete { found: apdu.len() })?;
        let [class, instruction, p1, p2] = *header;
        let (data, expected, extended) = match body {
            [] => (&[][..], None, false),
            [expected] => (&[][..], Some(short_length(*expected)), false),
            [0, rest @ ..] => {
                let (data, expected) = parse_extended(rest)?;
                (data, expected, true)
            }
            [length, rest @ ..] => {
                let (data, expected) = parse_short(usize::from(*length), rest)?;
                (data, expected, false)
            }
        };
        Ok(Self { class, instruction, parameters: [p1, p2], data, expected, extended })
    }

    /// How many bytes an answer may have in the short form: 256, or what the reader asked for.
    pub(crate) fn answer_limit(&self) -> usize {
        self.expected.map_or(256, |expected| usize::try_from(expected).unwrap_or(usize::MAX)).min(256)
    }
}

/// The fields after a short Lc.
fn parse_short(announced: usize, rest: &[u8]) -> Result<(&[u8], Option<u32>), MalformedApdu> {
    let mismatch = MalformedApdu::DataLength { announced, found: rest.len() };
    let (data, expected) = rest.split_at_checked(announced).ok_or(mismatch)?;
    match expected {
        [] => Ok((data, None)),
        [expected] => Ok((data, Some(short_length(*expected)))),
        _ => Err(mismatch),
    }
}

/// The fields after the zero byte that announces the extended form.
fn parse_extended(rest: &[u8]) -> Result<(&[u8], Option<u32>), MalformedApdu> {
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(MalformedApdu::ExtendedLengthIncomplete)?;
    if rest.is_empty() {
        return Ok((&[], Some(extended_length(*length))));
    }
    let announced = usize::from(u16::from_be_bytes(*length));
    if announced == 0 {
        return Err(MalformedApdu::ExtendedDataEmpty);
    }
    let mismatch = MalformedApdu::DataLength { announced, found: rest.len() };
    let (data, expected) = rest.split_at_checked(announced).ok_or(mismatch)?;
    match expected {
        [] => Ok((data, None)),
        [high, low] => Ok((data, Some(extended_length([*high, *low])))),
        _ => Err(mismatch),
    }
}

fn short_length(length: u8) -> u32 {
    if length == 0 { 256 } else { u32::from(length) }
}

fn extended_length(length: [u8; 2]) -> u32 {
    match u16::from_be_bytes(length) {
        0 => 65_536,
        length => u32::from(length),
    }
}

/// Why bytes are no command APDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedApdu {
    /// There are not even CLA, INS, P1 and P2.
    #[error("a command has at least 4 bytes, not {found}")]
    HeaderIncomplete {
        /// How many there are.
        found: usize,
    },
    /// Lc announces another number of bytes than there are.
    #[error("the command announces {announced} bytes of data and has {found} bytes after their length")]
    DataLength {
        /// What Lc says.
        announced: usize,
        /// What comes after it, an Le included.
        found: usize,
    },
    /// The extended form begins and its length does not follow.
    #[error("the command ends within its extended length")]
    ExtendedLengthIncomplete,
    /// An extended Lc of zero, with something behind it.
    #[error("the command has an extended data field of no bytes")]
    ExtendedDataEmpty,
}

/// What the chip answers: data, and how it went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The data field, at most 256 bytes.
    pub data: Vec<u8>,
    /// SW1 and SW2.
    pub status: Status,
    /// Whether the chip's [`image`](crate::Chip::image) has changed. Who keeps it must have stored it before this answer
    /// leaves: a reader that saw a counter must never see it again after the power was cut.
    pub image_changed: bool,
}

impl Response {
    pub(crate) fn new(data: Vec<u8>, status: Status) -> Self {
        Self { data, status, image_changed: false }
    }

    /// The answer as it goes over the air.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.data.clone();
        bytes.extend_from_slice(&self.status.0.to_be_bytes());
        bytes
    }
}
