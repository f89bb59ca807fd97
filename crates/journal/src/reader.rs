//! Reading: a cursor that walks the chain of frames over the segments and checks every link, and the public reader
//! on top of it. Memory is one frame, whatever the journal's size.

use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::disk::{Disk, DiskFile};
use crate::error::{Damage, JournalError};
use crate::frame::{FrameHash, FrameHeader, HEADER_BYTES, HeaderRefused};
use crate::sector::{self, Flaw, Mark, SECTOR_BYTES};
use crate::segment::{self, JournalId, Layout, Listing, SegmentHeader, Segments, only_zeros};
use crate::{Anchor, FORMAT_VERSION, Journal};

/// Bytes read at once while looking for what follows the end; a multiple of a sector.
const SCANNED_AT_ONCE: usize = 128 * SECTOR_BYTES;

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
    /// How many bytes are there, up to the last one that is not zero.
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

    /// Where the next frame is looked for.
    pub(crate) fn cursor(&self) -> &Cursor {
        &self.cursor
    }

    /// The payload of the last frame that was read.
    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
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
    layout: Layout,
    length: u64,
    offset: u64,
    journal_id: JournalId,
    /// Last position before this place.
    position: u64,
    /// Hash of the frame before this place.
    hash: FrameHash,
    unfinished: Option<Unfinished>,
    /// The sectors of one frame; kept for its memory.
    sectors: Vec<u8>,
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
            layout: header.layout,
            length: opened.length,
            offset: header.layout.first_frame(),
            journal_id: header.journal_id,
            position: first - 1,
            hash: header.previous,
            unfinished: None,
            sectors: Vec::new(),
        })
    }

    /// The header of the frame that begins here, having checked that it continues the chain and was completely written;
    /// goes over to the next segment when this one is done. `None` at the end of the journal.
    pub(crate) fn peek(&mut self) -> Result<Option<FrameHeader>, JournalError> {
        loop {
            match self.peek_once() {
                Err(error) if self.was_cut(&error)? => {}
                other => return other,
            }
        }
    }

    /// Steps over the frame that [`peek`](Self::peek) gave, without reading its payload.
    pub(crate) fn pass(&mut self, header: &FrameHeader) {
        self.offset += header.stored_bytes();
        self.position = header.last_position;
        self.hash = header.hash;
    }

    /// Steps over the frame that [`peek`](Self::peek) gave, reading its payload and checking its hash.
    pub(crate) fn read(&mut self, header: &FrameHeader, payload: &mut Vec<u8>) -> Result<(), JournalError> {
        match self.layout {
            Layout::Plain => {
                payload.resize(header.payload_bytes as usize, 0);
                self.read_at(payload, self.offset + HEADER_BYTES as u64)?;
            }
            Layout::Sectors => {
                self.read_sectors(header)?;
                let end = HEADER_BYTES + header.payload_bytes as usize;
                sector::gather(&self.sectors, HEADER_BYTES, end, payload).map_err(|flaw| match flaw {
                    Flaw::Unwritten => self.damaged(Damage::Unwritten),
                    Flaw::Changed => self.damaged(Damage::SectorMark),
                })?;
            }
        }
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

    /// How the open segment is laid out.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether bytes follow this place in the open segment: an unfinished write, or reserved space.
    pub(crate) fn has_rest(&self) -> bool {
        self.offset < self.length
    }

    fn shortened(&self, expected: u64) -> JournalError {
        JournalError::Shortened { directory: self.directory.clone(), expected, last: self.position }
    }

    fn peek_once(&mut self) -> Result<Option<FrameHeader>, JournalError> {
        self.unfinished = None;
        while self.offset >= self.length {
            if !self.enter_next_segment()? {
                self.note_unfinished_segment()?;
                return Ok(None);
            }
        }
        match self.layout {
            Layout::Plain => self.peek_plain(),
            Layout::Sectors => self.peek_sectors(),
        }
    }

    /// In version 1 only the file's length, or zeros to its end, say that a write did not finish.
    fn peek_plain(&mut self) -> Result<Option<FrameHeader>, JournalError> {
        let left = self.length - self.offset;
        if left < HEADER_BYTES as u64 {
            return self.end_unfinished();
        }
        let mut bytes = [0; HEADER_BYTES];
        self.read_at(&mut bytes, self.offset)?;
        if bytes == [0; HEADER_BYTES] && only_zeros(self.file.as_ref(), self.offset, self.length, &self.path)? {
            return self.end_unfinished();
        }
        let header = self.parse(&bytes)?;
        if left < header.stored_bytes() {
            return self.end_unfinished();
        }
        Ok(Some(header))
    }

    fn peek_sectors(&mut self) -> Result<Option<FrameHeader>, JournalError> {
        let left = self.length - self.offset;
        if left < SECTOR_BYTES as u64 {
            return self.end_unfinished();
        }
        let mut sector = [0; SECTOR_BYTES];
        self.read_at(&mut sector, self.offset)?;
        match sector::mark(&sector) {
            Mark::Written => {}
            Mark::Unwritten => return self.end_unfinished(),
            Mark::Wrong => return Err(self.damaged(Damage::SectorMark)),
        }
        let header = self.parse(&std::array::from_fn(|index| sector[index]))?;
        if left < header.stored_bytes() || self.is_torn(&header)? {
            return self.end_unfinished();
        }
        Ok(Some(header))
    }

    /// Whether a part of this frame never reached the disk. Only the last one can be torn: none is written before the
    /// one before it is durable.
    fn is_torn(&mut self, header: &FrameHeader) -> Result<bool, JournalError> {
        let end = self.offset + header.stored_bytes();
        if !self.in_last_segment() || self.segments.unfinished.is_some() {
            return Ok(false);
        }
        if end + SECTOR_BYTES as u64 <= self.length {
            let mut next = [0; SECTOR_BYTES];
            self.read_at(&mut next, end)?;
            if sector::mark(&next) != Mark::Unwritten {
                return Ok(false);
            }
        }
        self.read_sectors(header)?;
        Ok(self.sectors.chunks(SECTOR_BYTES).any(|sector| sector::mark(sector) == Mark::Unwritten))
    }

    /// A frame's header whose place in the chain is here.
    fn parse(&self, bytes: &[u8; HEADER_BYTES]) -> Result<FrameHeader, JournalError> {
        let header = FrameHeader::parse(bytes).map_err(|refused| self.refused(refused))?;
        if header.layout != self.layout {
            return Err(self.damaged(Damage::HeaderFields));
        }
        if header.previous != self.hash || Some(header.first_position) != self.position.checked_add(1) {
            return Err(self.damaged(Damage::BrokenChain));
        }
        Ok(header)
    }

    fn read_sectors(&mut self, header: &FrameHeader) -> Result<(), JournalError> {
        let mut sectors = std::mem::take(&mut self.sectors);
        // At most a frame of the largest payload: the header was checked.
        sectors.resize(usize::try_from(header.stored_bytes()).unwrap_or(usize::MAX), 0);
        let read = self.read_at(&mut sectors, self.offset);
        self.sectors = sectors;
        read
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
        self.layout = opened.header.layout;
        self.offset = self.layout.first_frame();
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

    /// The bytes left are an unfinished write, or space that was reserved, if no frame was begun after them; damage
    /// otherwise.
    fn end_unfinished(&mut self) -> Result<Option<FrameHeader>, JournalError> {
        if !self.in_last_segment() || self.segments.unfinished.is_some() {
            return Err(self.damaged(Damage::EndsEarly));
        }
        let mut end = self.offset;
        let mut chunk = vec![0; SCANNED_AT_ONCE];
        for begin in (self.offset..self.length).step_by(SCANNED_AT_ONCE) {
            let left = usize::try_from(self.length - begin).unwrap_or(usize::MAX);
            chunk.truncate(left);
            self.read_at(&mut chunk, begin)?;
            for (offset, sector) in (begin..).step_by(SECTOR_BYTES).zip(chunk.chunks(SECTOR_BYTES)) {
                if offset > self.offset && self.begins_later_frame(sector) {
                    return Err(self.damaged(Damage::Unwritten));
                }
                if let Some(last) = sector.iter().rposition(|&byte| byte != 0) {
                    end = offset + last as u64 + 1;
                }
            }
        }
        if end > self.offset {
            let bytes = end - self.offset;
            self.unfinished = Some(Unfinished { file: self.path.clone(), offset: self.offset, bytes });
        }
        Ok(None)
    }

    fn begins_later_frame(&self, sector: &[u8]) -> bool {
        let header = sector.first_chunk().and_then(|bytes| FrameHeader::parse(bytes).ok());
        header.is_some_and(|header| header.first_position > self.position)
    }

    /// Whether the error comes from a writer that cut off what it had reserved after this place was opened.
    fn was_cut(&mut self, error: &JournalError) -> Result<bool, JournalError> {
        let JournalError::Io { source, .. } = error else { return Ok(false) };
        if source.kind() != io::ErrorKind::UnexpectedEof {
            return Ok(false);
        }
        let length = self.file.length().map_err(JournalError::io("measure", &self.path))?;
        Ok(length < std::mem::replace(&mut self.length, length))
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
        let file = disk.open(&path).map_err(JournalError::io("open", &path))?;
        let length = file.length().map_err(JournalError::io("measure", &path))?;
        let damaged =
            |damage| JournalError::Damaged { file: path.clone(), offset: 0, position: first_position, damage };
        let mut begin = [0; SECTOR_BYTES];
        let begin = &mut begin[..usize::try_from(length).map_or(SECTOR_BYTES, |length| length.min(SECTOR_BYTES))];
        file.read_exact_at(begin, 0).map_err(JournalError::io("read", &path))?;
        let bytes = begin.first_chunk().ok_or_else(|| damaged(Damage::EndsEarly))?;
        let header = SegmentHeader::parse(bytes).map_err(|refused| match refused {
            HeaderRefused::Damaged(damage) => damaged(damage),
            HeaderRefused::NewerVersion(found) => {
                JournalError::NewerVersion { file: path.clone(), found, supported: FORMAT_VERSION }
            }
        })?;
        if header.layout == Layout::Sectors && sector::gather(begin, 0, HEADER_BYTES, &mut Vec::new()).is_err() {
            return Err(damaged(Damage::SectorMark));
        }
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
