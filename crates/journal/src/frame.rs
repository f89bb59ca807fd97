//! Frames: the unit that is appended, made durable and hashed as one. The byte layout is in the [crate documentation](crate).

use std::fmt;
use std::io;
use std::num::NonZeroU32;

use sha2::{Digest, Sha256};

use crate::error::Damage;
use crate::segment::Layout;
use crate::{FORMAT_VERSION, sector};

/// The size of both the frame header and the segment header.
pub(crate) const HEADER_BYTES: usize = 96;

/// The largest payload of one frame: 16 MiB. It bounds the memory of every reader.
pub const MAX_PAYLOAD_BYTES: usize = 16 * 1024 * 1024;

const MAGIC: [u8; 4] = *b"TJFR";
const HASHED_FIELDS: usize = 56;
const CHECKSUMMED: usize = 88;

/// The SHA-256 that ends the chain at a frame: it covers the frame and, through the previous hash, all before it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct FrameHash([u8; 32]);

impl FrameHash {
    /// A hash that was stored elsewhere.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for FrameHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for FrameHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A payload under construction with room for the header before it, so that a frame is one buffer and one write.
/// Reuse it: [`clear`](Self::clear) keeps the memory.
#[derive(Clone)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
}

impl FrameBuffer {
    /// An empty payload.
    pub fn new() -> Self {
        Self { bytes: vec![0; HEADER_BYTES] }
    }

    /// Forgets the payload, keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.truncate(HEADER_BYTES);
    }

    /// Adds bytes to the payload.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The payload so far.
    pub fn payload(&self) -> &[u8] {
        self.bytes.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// The payload's length in bytes.
    pub fn len(&self) -> usize {
        self.payload().len()
    }

    /// Whether the payload is empty.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts the header in its place and returns the whole frame.
    pub(crate) fn seal(&mut self, header: &FrameHeader) -> &[u8] {
        self.bytes[..HEADER_BYTES].copy_from_slice(&header.to_bytes());
        &self.bytes
    }
}

impl Default for FrameBuffer {
    fn default() -> Self {
        Self::new()
    }
}

/// Payloads hold people's payments: only the size is shown.
impl fmt::Debug for FrameBuffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameBuffer").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Extend<u8> for FrameBuffer {
    fn extend<I: IntoIterator<Item = u8>>(&mut self, bytes: I) {
        self.bytes.extend(bytes);
    }
}

impl io::Write for FrameBuffer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A frame header whose fields are valid: positions do not overflow and the payload is within bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameHeader {
    pub(crate) layout: Layout,
    pub(crate) payload_bytes: u32,
    pub(crate) count: NonZeroU32,
    pub(crate) first_position: u64,
    pub(crate) last_position: u64,
    pub(crate) previous: FrameHash,
    pub(crate) hash: FrameHash,
}

impl FrameHeader {
    /// The header of `payload` as the frame after position `after`, whose hash is `previous`.
    pub(crate) fn new(
        after: u64,
        previous: FrameHash,
        count: NonZeroU32,
        payload: &[u8],
    ) -> Result<Self, FrameRefused> {
        let payload_bytes = u32::try_from(payload.len())
            .ok()
            .filter(|_| payload.len() <= MAX_PAYLOAD_BYTES)
            .ok_or(FrameRefused::PayloadTooLarge)?;
        let last_position = after.checked_add(u64::from(count.get())).ok_or(FrameRefused::PositionsExhausted)?;
        let placeholder = FrameHash([0; 32]);
        let first_position = after + 1;
        let layout = Layout::Sectors;
        let mut header =
            Self { layout, payload_bytes, count, first_position, last_position, previous, hash: placeholder };
        header.hash = header.hash_with(payload);
        Ok(header)
    }

    /// Reads a header. Checks everything except its place in the chain and the payload.
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, HeaderRefused> {
        if array_at(bytes, CHECKSUMMED) != checksum(bytes) {
            return Err(HeaderRefused::Damaged(Damage::HeaderChecksum));
        }
        let layout = check_magic_and_version(bytes, MAGIC)?;
        let invalid = HeaderRefused::Damaged(Damage::HeaderFields);
        let payload_bytes = u32::from_le_bytes(array_at(bytes, 8));
        let count = NonZeroU32::new(u32::from_le_bytes(array_at(bytes, 12))).ok_or(invalid)?;
        let first_position = u64::from_le_bytes(array_at(bytes, 16));
        let last_position = first_position.checked_add(u64::from(count.get()) - 1).ok_or(invalid)?;
        if first_position == 0 || payload_bytes as usize > MAX_PAYLOAD_BYTES {
            return Err(invalid);
        }
        let previous = FrameHash(array_at(bytes, 24));
        let hash = FrameHash(array_at(bytes, HASHED_FIELDS));
        Ok(Self { layout, payload_bytes, count, first_position, last_position, previous, hash })
    }

    /// The hash of this header's fields with `payload`; an intact frame has it as its `hash`.
    pub(crate) fn hash_with(&self, payload: &[u8]) -> FrameHash {
        let fields = self.to_bytes();
        let hasher = Sha256::new_with_prefix(&fields[..HASHED_FIELDS]);
        FrameHash(hasher.chain_update(payload).finalize().into())
    }

    /// Bytes of header and payload.
    pub(crate) fn data_bytes(&self) -> u64 {
        HEADER_BYTES as u64 + u64::from(self.payload_bytes)
    }

    /// Bytes of the whole frame in the file.
    pub(crate) fn stored_bytes(&self) -> u64 {
        match self.layout {
            Layout::Plain => self.data_bytes(),
            Layout::Sectors => sector::stored_bytes(self.data_bytes()),
        }
    }

    pub(crate) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.layout.version().to_le_bytes());
        bytes[8..12].copy_from_slice(&self.payload_bytes.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.count.get().to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first_position.to_le_bytes());
        bytes[24..56].copy_from_slice(&self.previous.0);
        bytes[HASHED_FIELDS..CHECKSUMMED].copy_from_slice(&self.hash.0);
        let checksum = checksum(&bytes);
        bytes[CHECKSUMMED..].copy_from_slice(&checksum);
        bytes
    }
}

/// Why a payload cannot become a frame.
#[derive(Clone, Copy, Debug)]
pub(crate) enum FrameRefused {
    PayloadTooLarge,
    PositionsExhausted,
}

/// Why the bytes of a header, of a frame or of a segment, are not accepted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum HeaderRefused {
    Damaged(Damage),
    NewerVersion(u32),
}

/// Every header of every version begins with its magic and its version. Call it after the checksum held.
pub(crate) fn check_magic_and_version(bytes: &[u8; HEADER_BYTES], magic: [u8; 4]) -> Result<Layout, HeaderRefused> {
    let version = u32::from_le_bytes(array_at(bytes, 4));
    if array_at(bytes, 0) != magic {
        return Err(HeaderRefused::Damaged(Damage::HeaderFields));
    }
    match version {
        0 => Err(HeaderRefused::Damaged(Damage::HeaderFields)),
        1 => Ok(Layout::Plain),
        FORMAT_VERSION => Ok(Layout::Sectors),
        newer => Err(HeaderRefused::NewerVersion(newer)),
    }
}

/// The `N` bytes at a fixed offset of a header.
pub(crate) fn array_at<const N: usize>(bytes: &[u8; HEADER_BYTES], offset: usize) -> [u8; N] {
    std::array::from_fn(|index| bytes[offset + index])
}

fn checksum(bytes: &[u8; HEADER_BYTES]) -> [u8; 8] {
    let digest = Sha256::digest(&bytes[..CHECKSUMMED]);
    std::array::from_fn(|index| digest[index])
}
