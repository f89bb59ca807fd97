//! Writing: one writer, one frame at a time, durable before it is acknowledged.

use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use crate::disk::DiskFile;
use crate::error::{JournalError, says_full};
use crate::frame::{FrameBuffer, FrameHash, FrameHeader, FrameRefused, HEADER_BYTES, MAX_PAYLOAD_BYTES};
use crate::reader::{Cursor, JournalReader, Unfinished};
use crate::sector;
use crate::segment::{self, JournalId, LOCK_NAME, Layout, Listing, SegmentHeader};
use crate::{Anchor, Journal};

/// The segment size at which a new one is begun unless told otherwise: 256 MiB.
pub const DEFAULT_SEGMENT_BYTES: u64 = 256 * 1024 * 1024;

/// Space reserved beyond what is written now, so that a full disk shows before a write and not at its sync.
const RESERVED_AHEAD: u64 = 4 * 1024 * 1024;

/// How to open a writer.
#[derive(Clone, Copy, Debug)]
pub struct WriterOptions {
    /// The id to give a journal that is created now; 16 random bytes. An existing journal keeps its own.
    pub id_if_new: JournalId,
    /// A frame that would make the segment larger than this begins a new one. A single frame may be larger.
    pub segment_bytes: u64,
    /// What the journal must hold, checked before anything is changed. With it no journal is ever created.
    pub expect_at_least: Option<Anchor>,
}

impl WriterOptions {
    /// Segments of the default size, nothing expected.
    pub fn new(id_if_new: JournalId) -> Self {
        Self { id_if_new, segment_bytes: DEFAULT_SEGMENT_BYTES, expect_at_least: None }
    }
}

/// Where the journal ended when the writer opened it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The journal's id.
    pub journal_id: JournalId,
    /// Whether the journal was created now.
    pub created: bool,
    /// The last frame; the genesis if there is none.
    pub end: Anchor,
    /// An unfinished, never acknowledged write that was cut off.
    pub removed: Option<Unfinished>,
}

/// What became durable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The position of the first event in the frame.
    pub first_position: u64,
    /// The position of the last event in the frame.
    pub last_position: u64,
    /// The frame's hash.
    pub hash: FrameHash,
}

impl Appended {
    /// What to remember elsewhere to find this frame again.
    pub fn anchor(&self) -> Anchor {
        Anchor { position: self.last_position, hash: self.hash }
    }
}

/// The one writer of a journal. Holds the directory's lock until it is dropped, and then gives back what it reserved.
pub struct JournalWriter {
    journal: Journal,
    segment_bytes: u64,
    journal_id: JournalId,
    end: Anchor,
    segment: OpenSegment,
    /// The frame as it lies in the file; kept for its memory.
    sectors: Vec<u8>,
    /// Set by the first failed write or sync: what the disk holds after it is unknown, so it is repeated for ever.
    failed: Option<JournalError>,
    _lock: Box<dyn Send>,
}

impl JournalWriter {
    pub(crate) fn open(journal: &Journal, options: WriterOptions) -> Result<(Self, Tail), JournalError> {
        let lock = prepare_directory(journal)?;
        if let Some(anchor) = options.expect_at_least {
            JournalReader::after(journal, anchor)?;
        }
        let (segment, tail) = match Listing::read(journal)? {
            Listing::Journal(_) => resume(journal)?,
            Listing::Empty { unfinished } => begin(journal, options.id_if_new, unfinished)?,
        };
        let writer = Self {
            journal: journal.clone(),
            segment_bytes: options.segment_bytes,
            journal_id: tail.journal_id,
            end: tail.end,
            segment,
            sectors: Vec::new(),
            failed: None,
            _lock: lock,
        };
        Ok((writer, tail))
    }

    /// Appends the payload in `frame`, which holds `count` events, and returns when it is durable. The payload is
    /// left as it was.
    ///
    /// [`JournalError::Full`] and a payload that is too large are refused without harm: the journal is as before, and
    /// the next call tries again. After any other error nothing is known about the frame and every later call returns
    /// that same error: drop the writer and open a new one, which finds out.
    pub fn append(&mut self, count: NonZeroU32, frame: &mut FrameBuffer) -> Result<Appended, JournalError> {
        let header = FrameHeader::new(self.end.position, self.end.hash, count, frame.payload())
            .map_err(|refused| refusal(refused, frame.len()))?;
        self.unless_failed(|writer| writer.write_durably(&header, frame))?;
        self.end = Anchor { position: header.last_position, hash: header.hash };
        Ok(Appended { first_position: header.first_position, last_position: header.last_position, hash: header.hash })
    }

    /// Whether a frame with a payload of so many bytes has room now: reserves it, without writing anything. On a disk
    /// that cannot reserve, the answer is always yes, and only [`append`](Self::append) finds out.
    pub fn make_room(&mut self, payload_bytes: usize) -> Result<(), JournalError> {
        let bytes = sector::stored_bytes((HEADER_BYTES + payload_bytes.min(MAX_PAYLOAD_BYTES)) as u64);
        self.unless_failed(|writer| writer.prepare(bytes))
    }

    /// The last durable frame; the genesis if there is none.
    pub fn end(&self) -> Anchor {
        self.end
    }

    /// The journal's id.
    pub fn journal_id(&self) -> JournalId {
        self.journal_id
    }

    /// Does `work`, unless something failed before. Whatever fails now, other than for want of room, fails for ever.
    fn unless_failed(&mut self, work: impl FnOnce(&mut Self) -> Result<(), JournalError>) -> Result<(), JournalError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let result = work(self);
        if let Err(error) = &result
            && !matches!(error, JournalError::Full { .. })
        {
            self.failed = Some(error.clone());
        }
        result
    }

    fn write_durably(&mut self, header: &FrameHeader, frame: &mut FrameBuffer) -> Result<(), JournalError> {
        self.prepare(header.stored_bytes())?;
        sector::spread(frame.seal(header), &mut self.sectors);
        self.segment.append(&self.sectors)?;
        self.segment.sync()
    }

    /// Finds room for so many bytes, in a new segment if this one has none.
    fn prepare(&mut self, bytes: u64) -> Result<(), JournalError> {
        if !self.segment.takes(bytes, self.segment_bytes) {
            self.segment.cut()?;
            self.segment = create_segment(&self.journal, self.journal_id, self.end)?;
        }
        self.segment.reserve(bytes, self.segment_bytes)
    }
}

/// Gives back the reserved space. Should that fail, it stays for the next writer to find.
impl Drop for JournalWriter {
    fn drop(&mut self) {
        if self.failed.is_none() {
            drop(self.segment.cut());
        }
    }
}

impl fmt::Debug for JournalWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalWriter")
            .field("journal", &self.journal)
            .field("end", &self.end)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

fn refusal(refused: FrameRefused, bytes: usize) -> JournalError {
    match refused {
        FrameRefused::PayloadTooLarge => JournalError::PayloadTooLarge { bytes },
        FrameRefused::PositionsExhausted => JournalError::PositionsExhausted,
    }
}

/// Makes the directory and takes its lock.
fn prepare_directory(journal: &Journal) -> Result<Box<dyn Send>, JournalError> {
    let Journal { directory, disk } = journal;
    disk.create_directory(directory).map_err(JournalError::io("create", directory))?;
    let path = directory.join(LOCK_NAME);
    disk.lock(&path).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => JournalError::Locked { directory: directory.clone() },
        _ => JournalError::io("lock", &path)(error),
    })
}

/// Begins a new journal in a directory that has none.
fn begin(
    journal: &Journal,
    journal_id: JournalId,
    unfinished: Option<(u64, u64)>,
) -> Result<(OpenSegment, Tail), JournalError> {
    let directory = &journal.directory;
    let removed = match unfinished {
        Some((first, _)) if first != 1 => {
            return Err(JournalError::MissingSegment { directory: directory.clone(), expected: 1, found: first });
        }
        Some((first, bytes)) => Some(Unfinished { file: segment::path(directory, first), offset: 0, bytes }),
        None => None,
    };
    if let Some(unfinished) = &removed {
        remove(journal, &unfinished.file)?;
    }
    let end = Anchor { position: 0, hash: journal_id.genesis() };
    let segment = create_segment(journal, journal_id, end)?;
    Ok((segment, Tail { journal_id, created: true, end, removed }))
}

/// Checks the end of an existing journal, cuts off what never completed and makes the rest durable.
fn resume(journal: &Journal) -> Result<(OpenSegment, Tail), JournalError> {
    let mut cursor = Cursor::open_near_end(journal)?;
    let mut last = LastWrite::Header;
    let mut payload = Vec::new();
    while let Some(header) = cursor.peek()? {
        if cursor.in_last_segment() {
            last = LastWrite::Frame { header, offset: cursor.place().1 };
            cursor.read(&header, &mut payload)?;
        } else {
            cursor.pass(&header);
        }
    }
    let tail = Tail {
        journal_id: cursor.journal_id(),
        created: false,
        end: cursor.anchor(),
        removed: cursor.unfinished().cloned(),
    };
    let (path, length) = cursor.place();
    if let Some(unfinished) = tail.removed.as_ref().filter(|unfinished| unfinished.file != path) {
        remove(journal, &unfinished.file)?;
    }
    if cursor.layout() == Layout::Plain && matches!(last, LastWrite::Header) {
        // A segment of version 1 without frames: one of today's takes its place.
        remove(journal, path)?;
        return Ok((create_segment(journal, tail.journal_id, tail.end)?, tail));
    }
    let mut segment = OpenSegment::open(journal, path, cursor.layout(), length)?;
    if cursor.has_rest() {
        segment.truncate()?;
    }
    segment.repeat(last, &payload, &tail)?;
    sync_directory(journal)?;
    Ok((segment, tail))
}

/// The write that a writer before this one did last in the segment.
enum LastWrite {
    Header,
    Frame { header: FrameHeader, offset: u64 },
}

fn remove(journal: &Journal, path: &Path) -> Result<(), JournalError> {
    journal.disk.remove(path).map_err(JournalError::io("remove", path))?;
    sync_directory(journal)
}

fn sync_directory(journal: &Journal) -> Result<(), JournalError> {
    journal.disk.sync_directory(&journal.directory).map_err(JournalError::io("sync", &journal.directory))
}

/// Creates the segment that follows `end`, durably: its header and its name. On a full disk nothing is left of it.
fn create_segment(journal: &Journal, journal_id: JournalId, end: Anchor) -> Result<OpenSegment, JournalError> {
    let first_position = end.position.saturating_add(1);
    let path = segment::path(&journal.directory, first_position);
    let header = SegmentHeader { layout: Layout::Sectors, first_position, journal_id, previous: end.hash };
    let mut sectors = Vec::new();
    sector::spread(&header.to_bytes(), &mut sectors);

    let file = journal.disk.create(&path).map_err(refused_by_disk("create", &path, sectors.len() as u64))?;
    let mut segment = OpenSegment::new(path, file, Layout::Sectors, 0);
    let written = segment.reserve(sectors.len() as u64, 0).and_then(|()| segment.append(&sectors));
    if let Err(error @ JournalError::Full { .. }) = written {
        remove(journal, &segment.path)?;
        return Err(error);
    }
    written?;
    segment.sync()?;
    sync_directory(journal)?;
    Ok(segment)
}

/// For `map_err`: the failed `action` on `path`, which needed room for so many bytes. Only where nothing was changed.
fn refused_by_disk(action: &'static str, path: &Path, bytes: u64) -> impl FnOnce(io::Error) -> JournalError {
    move |source| match says_full(&source) {
        true => JournalError::Full { path: path.to_owned(), bytes, source: source.into() },
        false => JournalError::io(action, path)(source),
    }
}

/// The segment that is being appended to.
struct OpenSegment {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    layout: Layout,
    /// Where the last frame ends.
    length: u64,
    /// To where the file has room for certain.
    reserved: u64,
    /// How long the file is at most: a reservation that failed may have made it longer.
    longest: u64,
    /// Whether the disk knows how to reserve.
    can_reserve: bool,
}

impl OpenSegment {
    fn new(path: PathBuf, file: Box<dyn DiskFile>, layout: Layout, length: u64) -> Self {
        Self { path, file, layout, length, reserved: length, longest: length, can_reserve: true }
    }

    fn open(journal: &Journal, path: &Path, layout: Layout, length: u64) -> Result<Self, JournalError> {
        let file = journal.disk.open_writable(path).map_err(JournalError::io("open", path))?;
        Ok(Self::new(path.to_owned(), file, layout, length))
    }

    /// Whether a frame of so many bytes may go into this segment.
    fn takes(&self, bytes: u64, segment_bytes: u64) -> bool {
        let has_frames = self.length > self.layout.first_frame();
        match self.layout {
            Layout::Plain => false,
            Layout::Sectors => !has_frames || self.length.saturating_add(bytes) <= segment_bytes,
        }
    }

    /// Makes sure that so many bytes can be written: more than these if there is room, but not more than the segment is
    /// to hold.
    fn reserve(&mut self, bytes: u64, segment_bytes: u64) -> Result<(), JournalError> {
        let needed = self.length.saturating_add(bytes);
        if needed <= self.reserved || !self.can_reserve {
            return Ok(());
        }
        let ahead = needed.saturating_add(RESERVED_AHEAD).min(segment_bytes).max(needed);
        let result = match self.reserve_to(ahead) {
            Err(error) if says_full(&error) && ahead > needed => self.reserve_to(needed),
            other => other,
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                self.can_reserve = false;
                Ok(())
            }
            other => self.or_cut("reserve", bytes, other),
        }
    }

    fn reserve_to(&mut self, end: u64) -> io::Result<()> {
        self.longest = self.longest.max(end);
        self.file.reserve(self.reserved, end - self.reserved)?;
        self.reserved = end;
        Ok(())
    }

    /// Writes after the last frame. If the disk has no room, the file is as before.
    fn append(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        let written = self.write_all(bytes, self.length);
        self.or_cut("write", bytes.len() as u64, written)?;
        self.length += bytes.len() as u64;
        self.reserved = self.reserved.max(self.length);
        self.longest = self.longest.max(self.length);
        Ok(())
    }

    /// For want of room the file is cut back to what is durable: then it is as if `action` had not been tried.
    fn or_cut(&mut self, action: &'static str, bytes: u64, result: io::Result<()>) -> Result<(), JournalError> {
        let Err(source) = result else { return Ok(()) };
        if says_full(&source) {
            self.truncate()?;
        }
        Err(refused_by_disk(action, &self.path, bytes)(source))
    }

    /// Gives back the reserved space, if there is some.
    fn cut(&mut self) -> Result<(), JournalError> {
        if self.longest > self.length { self.truncate() } else { Ok(()) }
    }

    /// Cuts off whatever follows the last frame.
    fn truncate(&mut self) -> Result<(), JournalError> {
        self.file.truncate(self.length).map_err(JournalError::io("truncate", &self.path))?;
        (self.reserved, self.longest) = (self.length, self.length);
        Ok(())
    }

    /// Writes the last write once more, the same bytes to the same place, and syncs. If its sync had failed, the
    /// kernel may hold it in memory as clean although the disk never got it; a sync alone would then do nothing.
    fn repeat(&mut self, last: LastWrite, payload: &[u8], tail: &Tail) -> Result<(), JournalError> {
        let layout = self.layout;
        let (data, offset) = match last {
            LastWrite::Frame { header, offset } => {
                let mut frame = FrameBuffer::new();
                frame.extend_from_slice(payload);
                (frame.seal(&header).to_vec(), offset)
            }
            LastWrite::Header => {
                let first_position = tail.end.position.saturating_add(1);
                let (journal_id, previous) = (tail.journal_id, tail.end.hash);
                (SegmentHeader { layout, first_position, journal_id, previous }.to_bytes().to_vec(), 0)
            }
        };
        let mut stored = Vec::new();
        match layout {
            Layout::Plain => stored = data,
            Layout::Sectors => sector::spread(&data, &mut stored),
        }
        self.write_all(&stored, offset).map_err(JournalError::io("write", &self.path))?;
        self.sync()
    }

    fn write_all(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let (mut bytes, mut offset) = (bytes, offset);
        while !bytes.is_empty() {
            match self.file.write_at(bytes, offset) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    bytes = bytes.get(written..).unwrap_or_default();
                    offset += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(JournalError::io("sync", &self.path))
    }
}
