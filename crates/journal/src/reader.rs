//! Reading: a cursor that walks the chain of frames over the segments and checks every link, and the public reader
//! on top of it. Memory is one frame, whatever the journal's size.

use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::error::{Damage, JournalError};
use crate::frame::{FrameHash, FrameHeader, HEADER_BYTES, HeaderRefused};
use crate::segment::{self, JournalId, Listing, SegmentHeader, Segments, only_zeros};
use crate::{Anchor, FORMAT_VERSION, Journal};

/// One frame as it was appended. Borrowed from the reader, so that nothing is allocated per frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'reader> {
    /// The position of the first event in it.
    pub first_position: u64,
    /// The position of the last event in it.
    pub last_position: u64,
    /// How many events it holds.
    pub count: NonZeroU32,
    /// The bytes that were appended.
    pub payload: &'reader [u8],
    /// Its hash.
    pub hash: FrameHash,
}

impl Frame<'_> {
    /// What to remember elsewhere to find this frame again.
    pub fn anchor(&self) -> Anchor {
        Anchor { position: self.last_position, hash: self.hash }
    }
}

/// Payloads hold people's payments: only the size is shown.
impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("first_position", &self.first_position)
            .field("last_position", &self.last_position)
            .field("payload_bytes", &self.payload.len())
            .field("hash", &self.hash)
            .finish()
    }
}

/// A write that never completed, found at the journal's end. It was never acknowledged, so nothing is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfinished {
    /// The last segment.
    pub file: PathBuf,
    /// Where it begins in that file; 0 if the segment itself was being created.
    pub offset: u64,
    /// How many bytes are there.
    pub bytes: u64,
}

/// Yields the frames of a journal in order. Needs no lock: beside a running writer it sees a prefix of the journal,
/// which may end in a frame that is not durable yet.
#[derive(Debug)]
pub struct JournalReader {
    cursor: Cursor,
    payload: Vec<u8>,
}

impl JournalReader {
    pub(crate) fn from_start(journal: &Journal) -> Result<Self, JournalError> {
        Ok(Self { cursor: Cursor::open(journal, 1)?, payload: Vec::new() })
    }

    pub(crate) fn at(journal: &Journal, position: u64) -> Result<Self, JournalError> {
        let mut cursor = Cursor::open(journal, position)?;
        while cursor.position.saturating_add(1) < position {
            match cursor.peek()? {
                Some(header) if header.last_position < position => cursor.pass(&header),
                Some(_) => break,
                None => return Err(cursor.shortened(position)),
            }
        }
        Ok(Self { cursor, payload: Vec::new() })
    }

    pub(crate) fn after(journal: &Journal, anchor: Anchor) -> Result<Self, JournalError> {
        let mut cursor = Cursor::open(journal, anchor.position)?;
        while cursor.position < anchor.position {
            match cursor.peek()? {
                Some(header) => cursor.pass(&header),
                None => return Err(cursor.shortened(anchor.position)),
            }
        }
        if cursor.anchor() != anchor {
            return Err(forked(journal, anchor));
        }
        Ok(Self { cursor, payload: Vec::new() })
    }

    /// The next frame, its place in the chain and its hash checked; `None` at the end. After an error the same error
    /// comes again.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, JournalError> {
        let Some(header) = self.cursor.peek()? else { return Ok(None) };
        self.cursor.read(&header, &mut self.payload)?;
        Ok(Some(Frame {
            first_position: header.first_position,
            last_position: header.last_position,
            count: header.count,
            payload: &self.payload,
            hash: header.hash,
        }))
    }

    /// The journal's id.
    pub fn journal_id(&self) -> JournalId {
        self.cursor.journal_id
    }

    /// The last frame that was read or passed; the genesis if there is none.
    pub fn anchor(&self) -> Anchor {
        self.cursor.anchor()
    }

    /// The unfinished write at the end, if there is one; known once [`next_frame`](Self::next_frame) gave `None`.
    pub fn unfinished(&self) -> Option<&Unfinished> {
        self.cursor.unfinished.as_ref()
    }

    pub(crate) fn segment_count(&self) -> usize {
        self.cursor.segments.complete.len()
    }

    pub(crate) fn shortened(&self, expected: u64) -> JournalError {
        self.cursor.shortened(expected)
    }
}

pub(crate) fn forked(journal: &Journal, anchor: Anchor) -> JournalError {
    JournalError::Forked { directory: journal.directory.clone(), position: anchor.position, expected: anchor.hash }
}

/// A place between two frames, and the state of the chain there.
#[derive(Debug)]
pub(crate) struct Cursor {
    disk: Arc<dyn Disk>,
    directory: PathBuf,
    segments: Segments,
    /// Index of the open segment.
    index: usize,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    length: u64,
    offset: u64,
    journal_id: JournalId,
    /// Last position before this place.
    position: u64,
    /// Hash of the frame before this place.
    hash: FrameHash,
    unfinished: Option<Unfinished>,
}

impl Cursor {
    /// Opens the last segment whose name is not beyond `position`; position 0 is before the first one.
    fn open(journal: &Journal, position: u64) -> Result<Self, JournalError> {
        let segments = segments_of(journal)?;
        if let Some(&found) = segments.complete.first().filter(|&&first| first > position.max(1)) {
            let directory = journal.directory.clone();
            return Err(JournalError::MissingSegment { directory, expected: 1, found });
        }
        let index = segments.complete.partition_point(|&first| first <= position).saturating_sub(1);
        Self::open_segment(journal, segments, index)
    }

    /// Opens the last segment but one, from where the link to the last one can be checked.
    pub(crate) fn open_near_end(journal: &Journal) -> Result<Self, JournalError> {
        let segments = segments_of(journal)?;
        let index = segments.complete.len().saturating_sub(2);
        Self::open_segment(journal, segments, index)
    }

    fn open_segment(journal: &Journal, segments: Segments, index: usize) -> Result<Self, JournalError> {
        let first = segments.complete.get(index).copied().unwrap_or(1);
        let opened = OpenedSegment::open(journal.disk.as_ref(), &journal.directory, first)?;
        let header = opened.header;
        if first == 1 && header.previous != header.journal_id.genesis() {
            return Err(opened.damaged(Damage::BrokenChain));
        }
        Ok(Self {
            disk: Arc::clone(&journal.disk),
            directory: journal.directory.clone(),
            segments,
            index,
            path: opened.path,
            file: opened.file,
            length: opened.length,
            offset: HEADER_BYTES as u64,
            journal_id: header.journal_id,
            position: first - 1,
            hash: header.previous,
            unfinished: None,
        })
    }

    /// The header of the frame that begins here, having checked that it continues the chain and that all its bytes
    /// are there; goes over to the next segment when this one is done. `None` at the end of the journal.
    pub(crate) fn peek(&mut self) -> Result<Option<FrameHeader>, JournalError> {
        while self.offset == self.length {
            if !self.enter_next_segment()? {
                self.note_unfinished_segment()?;
                return Ok(None);
            }
        }
        let left = self.length - self.offset;
        if left < HEADER_BYTES as u64 {
            return self.end_unfinished();
        }
        let mut bytes = [0; HEADER_BYTES];
        self.read_at(&mut bytes, self.offset)?;
        if bytes == [0; HEADER_BYTES] && only_zeros(self.file.as_ref(), self.offset, self.length, &self.path)? {
            return self.end_unfinished();
        }
        let header = FrameHeader::parse(&bytes).map_err(|refused| self.refused(refused))?;
        if header.previous != self.hash || Some(header.first_position) != self.position.checked_add(1) {
            return Err(self.damaged(Damage::BrokenChain));
        }
        if left < header.frame_bytes() {
            return self.end_unfinished();
        }
        Ok(Some(header))
    }

    /// Steps over the frame that [`peek`](Self::peek) gave, without reading its payload.
    pub(crate) fn pass(&mut self, header: &FrameHeader) {
        self.offset += header.frame_bytes();
        self.position = header.last_position;
        self.hash = header.hash;
    }

    /// Steps over the frame that [`peek`](Self::peek) gave, reading its payload and checking its hash.
    pub(crate) fn read(&mut self, header: &FrameHeader, payload: &mut Vec<u8>) -> Result<(), JournalError> {
        payload.resize(header.payload_bytes as usize, 0);
        self.read_at(payload, self.offset + HEADER_BYTES as u64)?;
        if header.hash_with(payload) != header.hash {
            return Err(self.damaged(Damage::FrameHash));
        }
        self.pass(header);
        Ok(())
    }

    pub(crate) fn journal_id(&self) -> JournalId {
        self.journal_id
    }

    pub(crate) fn anchor(&self) -> Anchor {
        Anchor { position: self.position, hash: self.hash }
    }

    pub(crate) fn unfinished(&self) -> Option<&Unfinished> {
        self.unfinished.as_ref()
    }

    /// Whether the open segment is the last one with a header.
    pub(crate) fn in_last_segment(&self) -> bool {
        self.index + 1 >= self.segments.complete.len()
    }

    /// The open segment's file and the offset of this place in it.
    pub(crate) fn place(&self) -> (&Path, u64) {
        (&self.path, self.offset)
    }

    fn shortened(&self, expected: u64) -> JournalError {
        JournalError::Shortened { directory: self.directory.clone(), expected, last: self.position }
    }

    fn enter_next_segment(&mut self) -> Result<bool, JournalError> {
        let Some(&first) = self.segments.complete.get(self.index + 1) else { return Ok(false) };
        self.check_next_name(first)?;
        let opened = OpenedSegment::open(self.disk.as_ref(), &self.directory, first)?;
        if opened.header.journal_id != self.journal_id {
            return Err(opened.damaged(Damage::JournalId));
        }
        if opened.header.previous != self.hash {
            return Err(opened.damaged(Damage::BrokenChain));
        }
        self.index += 1;
        self.path = opened.path;
        self.file = opened.file;
        self.length = opened.length;
        self.offset = HEADER_BYTES as u64;
        Ok(true)
    }

    fn check_next_name(&self, found: u64) -> Result<(), JournalError> {
        let expected = self.position.saturating_add(1);
        if found == expected {
            return Ok(());
        }
        if found < expected {
            let file = segment::path(&self.directory, found);
            return Err(JournalError::Damaged { file, offset: 0, position: expected, damage: Damage::BrokenChain });
        }
        Err(JournalError::MissingSegment { directory: self.directory.clone(), expected, found })
    }

    fn note_unfinished_segment(&mut self) -> Result<(), JournalError> {
        let Some((first, bytes)) = self.segments.unfinished else { return Ok(()) };
        self.check_next_name(first)?;
        self.unfinished = Some(Unfinished { file: segment::path(&self.directory, first), offset: 0, bytes });
        Ok(())
    }

    /// The bytes left are an unfinished write if nothing follows this segment, and damage otherwise.
    fn end_unfinished(&mut self) -> Result<Option<FrameHeader>, JournalError> {
        if !self.in_last_segment() || self.segments.unfinished.is_some() {
            return Err(self.damaged(Damage::EndsEarly));
        }
        let bytes = self.length - self.offset;
        self.unfinished = Some(Unfinished { file: self.path.clone(), offset: self.offset, bytes });
        Ok(None)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), JournalError> {
        self.file.read_exact_at(buffer, offset).map_err(JournalError::io("read", &self.path))
    }

    fn damaged(&self, damage: Damage) -> JournalError {
        let position = self.position.saturating_add(1);
        JournalError::Damaged { file: self.path.clone(), offset: self.offset, position, damage }
    }

    fn refused(&self, refused: HeaderRefused) -> JournalError {
        match refused {
            HeaderRefused::Damaged(damage) => self.damaged(damage),
            HeaderRefused::NewerVersion(found) => {
                JournalError::NewerVersion { file: self.path.clone(), found, supported: FORMAT_VERSION }
            }
        }
    }
}

fn segments_of(journal: &Journal) -> Result<Segments, JournalError> {
    match Listing::read(journal)? {
        Listing::Journal(segments) => Ok(segments),
        Listing::Empty { .. } => Err(JournalError::NoJournal { directory: journal.directory.clone() }),
    }
}

/// A segment whose header is intact and agrees with its name.
struct OpenedSegment {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    length: u64,
    header: SegmentHeader,
}

impl OpenedSegment {
    fn open(disk: &dyn Disk, directory: &Path, first_position: u64) -> Result<Self, JournalError> {
        let path = segment::path(directory, first_position);
        let damaged =
            |damage| JournalError::Damaged { file: path.clone(), offset: 0, position: first_position, damage };
        let file = disk.open(&path).map_err(JournalError::io("open", &path))?;
        let length = file.length().map_err(JournalError::io("measure", &path))?;
        if length < HEADER_BYTES as u64 {
            return Err(damaged(Damage::EndsEarly));
        }
        let mut bytes = [0; HEADER_BYTES];
        file.read_exact_at(&mut bytes, 0).map_err(JournalError::io("read", &path))?;
        let header = SegmentHeader::parse(&bytes).map_err(|refused| match refused {
            HeaderRefused::Damaged(damage) => damaged(damage),
            HeaderRefused::NewerVersion(found) => {
                JournalError::NewerVersion { file: path.clone(), found, supported: FORMAT_VERSION }
            }
        })?;
        if header.first_position != first_position {
            return Err(damaged(Damage::SegmentName));
        }
        Ok(Self { path, file, length, header })
    }

    fn damaged(&self, damage: Damage) -> JournalError {
        let position = self.header.first_position;
        JournalError::Damaged { file: self.path.clone(), offset: 0, position, damage }
    }
}
