//! Segments: the journal's files, their names, their headers and which of them a directory holds.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::disk::{Disk, DiskFile};
use crate::error::{Damage, JournalError};
use crate::frame::{FrameHash, HEADER_BYTES, HeaderRefused, array_at, check_magic_and_version};
use crate::sector::{self, DATA_BYTES, Mark, SECTOR_BYTES};
use crate::{FORMAT_VERSION, Journal};

/// The file that the one writer holds locked.
pub(crate) const LOCK_NAME: &str = "lock";

const MAGIC: [u8; 4] = *b"TJSG";
const CHECKSUMMED: usize = 64;
const GENESIS: &[u8] = b"tapstone journal genesis v1";
const EXTENSION: &str = ".journal";
const NAME_DIGITS: usize = 20;

/// Sixteen random bytes that tell one journal from every other; chosen at its creation.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct JournalId([u8; 16]);

impl JournalId {
    /// An id from 16 random bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The hash that the first frame names as the one before it.
    pub fn genesis(&self) -> FrameHash {
        FrameHash::from_bytes(Sha256::new_with_prefix(GENESIS).chain_update(self.0).finalize().into())
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How a segment's headers and frames lie in its file: one way for each version of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Version 1: one after the other, without gaps. Only read.
    Plain,
    /// Version 2: each begins a [sector](crate::sector).
    Sectors,
}

impl Layout {
    /// The version of the format.
    pub(crate) const fn version(self) -> u32 {
        match self {
            Self::Plain => 1,
            Self::Sectors => FORMAT_VERSION,
        }
    }

    /// Where the first frame begins.
    pub(crate) const fn first_frame(self) -> u64 {
        match self {
            Self::Plain => HEADER_BYTES as u64,
            Self::Sectors => SECTOR_BYTES as u64,
        }
    }
}

/// The 96 bytes that begin a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SegmentHeader {
    pub(crate) layout: Layout,
    pub(crate) first_position: u64,
    pub(crate) journal_id: JournalId,
    pub(crate) previous: FrameHash,
}

impl SegmentHeader {
    pub(crate) fn parse(bytes: &[u8; HEADER_BYTES]) -> Result<Self, HeaderRefused> {
        if array_at(bytes, CHECKSUMMED) != checksum(bytes) {
            return Err(HeaderRefused::Damaged(Damage::HeaderChecksum));
        }
        Ok(Self {
            layout: check_magic_and_version(bytes, MAGIC)?,
            first_position: u64::from_le_bytes(array_at(bytes, 8)),
            journal_id: JournalId(array_at(bytes, 16)),
            previous: FrameHash::from_bytes(array_at(bytes, 32)),
        })
    }

    pub(crate) fn to_bytes(self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[0..4].copy_from_slice(&MAGIC);
        bytes[4..8].copy_from_slice(&self.layout.version().to_le_bytes());
        bytes[8..16].copy_from_slice(&self.first_position.to_le_bytes());
        bytes[16..32].copy_from_slice(&self.journal_id.0);
        bytes[32..64].copy_from_slice(self.previous.as_bytes());
        let checksum = checksum(&bytes);
        bytes[CHECKSUMMED..].copy_from_slice(&checksum);
        bytes
    }
}

fn checksum(bytes: &[u8; HEADER_BYTES]) -> [u8; 32] {
    Sha256::digest(&bytes[..CHECKSUMMED]).into()
}

/// The path of the segment that begins at `first_position`.
pub(crate) fn path(directory: &Path, first_position: u64) -> PathBuf {
    directory.join(format!("{first_position:0NAME_DIGITS$}{EXTENSION}"))
}

fn first_position_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(EXTENSION)?;
    if digits.len() != NAME_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok().filter(|&position| position > 0)
}

/// The segments that a directory holds, by the first position in their names, ascending.
#[derive(Debug)]
pub(crate) struct Segments {
    /// Those with a complete header; never empty.
    pub(crate) complete: Vec<u64>,
    /// A last segment whose creation did not finish, and its length in bytes.
    pub(crate) unfinished: Option<(u64, u64)>,
}

/// What a directory holds.
#[derive(Debug)]
pub(crate) enum Listing {
    /// No journal has begun; perhaps there is a first segment whose creation did not finish.
    Empty { unfinished: Option<(u64, u64)> },
    /// A journal.
    Journal(Segments),
}

impl Listing {
    pub(crate) fn read(journal: &Journal) -> Result<Self, JournalError> {
        let (directory, disk) = (&journal.directory, journal.disk.as_ref());
        let names = match disk.list(directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::Empty { unfinished: None }),
            other => other.map_err(JournalError::io("list", directory))?,
        };
        let mut complete = Vec::new();
        for name in names {
            match first_position_of(&name) {
                Some(position) => complete.push(position),
                None if name == LOCK_NAME => {}
                None => return Err(JournalError::UnexpectedFile { path: directory.join(name) }),
            }
        }
        complete.sort_unstable();
        let unfinished = match complete.last() {
            Some(&last) => unfinished_length(disk, &path(directory, last))?.map(|bytes| (last, bytes)),
            None => None,
        };
        if unfinished.is_some() {
            complete.pop();
        }
        Ok(if complete.is_empty() {
            Self::Empty { unfinished }
        } else {
            Self::Journal(Segments { complete, unfinished })
        })
    }
}

/// The length of the segment at `path` if its creation did not finish: it ends within its header, or its header was not
/// completely written. Until the header is durable nothing follows it but reserved zeros.
fn unfinished_length(disk: &dyn Disk, path: &Path) -> Result<Option<u64>, JournalError> {
    let file = disk.open(path).map_err(JournalError::io("open", path))?;
    let length = file.length().map_err(JournalError::io("measure", path))?;
    if length < HEADER_BYTES as u64 {
        return Ok(Some(length));
    }
    let mut begin = [0; SECTOR_BYTES];
    let begin = &mut begin[..usize::try_from(length).map_or(SECTOR_BYTES, |length| length.min(SECTOR_BYTES))];
    file.read_exact_at(begin, 0).map_err(JournalError::io("read", path))?;
    let could_be = match begin.first_chunk().map(SegmentHeader::parse) {
        Some(Ok(header)) => header.layout == Layout::Sectors,
        // A file shorter than a sector has an intact header, or ends within it, or has only the length of one.
        _ => begin.len() == SECTOR_BYTES || begin.iter().all(|&byte| byte == 0),
    };
    let filling = begin.get(HEADER_BYTES..begin.len().min(DATA_BYTES)).unwrap_or_default();
    let unfinished = could_be
        && sector::mark(begin) == Mark::Unwritten
        && filling.iter().all(|&byte| byte == 0)
        && only_zeros(file.as_ref(), SECTOR_BYTES as u64, length, path)?;
    Ok(unfinished.then_some(length))
}

/// Whether the file has nothing but zero bytes from `offset` to `length`.
pub(crate) fn only_zeros(file: &dyn DiskFile, offset: u64, length: u64, path: &Path) -> Result<bool, JournalError> {
    let mut chunk = [0; 4096];
    let mut offset = offset;
    while offset < length {
        let size = usize::try_from(length - offset).map_or(chunk.len(), |left| left.min(chunk.len()));
        let chunk = &mut chunk[..size];
        file.read_exact_at(chunk, offset).map_err(JournalError::io("read", path))?;
        if chunk.iter().any(|&byte| byte != 0) {
            return Ok(false);
        }
        offset += size as u64;
    }
    Ok(true)
}
