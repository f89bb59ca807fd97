//! What a tag says of itself: who it is, and how often it has been read.

use core::fmt;

use crate::hexadecimal;

/// A tag's permanent 7-byte unique identifier, as it is printed: manufacturer's byte first.
///
/// Displays as 14 upper-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub [u8; 7]);

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hexadecimal::encode(&self.0))
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Uid({self})")
    }
}

/// How many times a tag has been read since it was personalised (NXP's SDMReadCtr): 0 to 2^24 - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadCounter(u32);

impl ReadCounter {
    /// A tag that has not been read yet. The first reading mirrors 1.
    pub const ZERO: Self = Self(0);
    /// 16,777,215: a tag that has been read so often signs no more.
    pub const MAX: Self = Self(0x00FF_FFFF);

    /// The counter at that value.
    ///
    /// # Errors
    /// [`ReadCounterOutOfRange`] if the value needs more than 24 bits.
    pub fn new(value: u32) -> Result<Self, ReadCounterOutOfRange> {
        if value <= Self::MAX.0 { Ok(Self(value)) } else { Err(ReadCounterOutOfRange) }
    }

    /// The count.
    #[must_use]
    pub fn value(self) -> u32 {
        self.0
    }

    /// The counter after one more reading, if there can be one.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::new(self.0 + 1).ok()
    }

    /// From the chip's three bytes, least significant first.
    pub(crate) fn from_little_endian([low, middle, high]: [u8; 3]) -> Self {
        Self(u32::from_le_bytes([low, middle, high, 0]))
    }

    /// As the chip's three bytes, least significant first.
    pub(crate) fn to_little_endian(self) -> [u8; 3] {
        let [low, middle, high, _] = self.0.to_le_bytes();
        [low, middle, high]
    }
}

/// A read counter has 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a read counter is at most 16777215")]
pub struct ReadCounterOutOfRange;
