//! Writing: one writer, one frame at a time, durable before it is acknowledged.

use std::fmt;
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use crate::disk::DiskFile;
use crate::error::JournalError;
use crate::frame::{FrameBuffer, FrameHash, FrameHeader, FrameRefused, HEADER_BYTES};
use crate::reader::{Cursor, JournalReader, Unfinished};
use crate::segment::{self, JournalId, LOCK_NAME, Listing, SegmentHeader};
use crate::{Anchor, Journal};

/// The segment size at which a new one is begun unless told otherwise: 256 MiB.
pub const DEFAULT_SEGMENT_BYTES: u64 = 256 * 1024 * 1024;

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

/// The one writer of a journal. Holds the directory's lock until it is dropped.
pub struct JournalWriter {
    journal: Journal,
    segment_bytes: u64,
    journal_id: JournalId,
    end: Anchor,
    segment: OpenSegment,
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
            failed: None,
            _lock: lock,
        };
        Ok((writer, tail))
    }

    /// Appends the payload in `frame`, which holds `count` events, and returns when it is durable. The payload is
    /// left as it was.
    ///
    /// After an I/O error nothing is known about the frame and every later call returns that same error: drop the
    /// writer and open a new one, which finds out. A payload that is too large is refused without harm.
    pub fn append(&mut self, count: NonZeroU32, frame: &mut FrameBuffer) -> Result<Appended, JournalError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let header = FrameHeader::new(self.end.position, self.end.hash, count, frame.payload())
            .map_err(|refused| refusal(refused, frame.len()))?;
        if let Err(error) = self.write_durably(&header, frame) {
            self.failed = Some(error.clone());
            return Err(error);
        }
        self.end = Anchor { position: header.last_position, hash: header.hash };
        Ok(Appended { first_position: header.first_position, last_position: header.last_position, hash: header.hash })
    }

    /// The last durable frame; the genesis if there is none.
    pub fn end(&self) -> Anchor {
        self.end
    }

    /// The journal's id.
    pub fn journal_id(&self) -> JournalId {
        self.journal_id
    }

    fn write_durably(&mut self, header: &FrameHeader, frame: &mut FrameBuffer) -> Result<(), JournalError> {
        let has_frames = self.segment.length > HEADER_BYTES as u64;
        if has_frames && self.segment.length.saturating_add(header.frame_bytes()) > self.segment_bytes {
            self.segment = create_segment(&self.journal, self.journal_id, self.end)?;
        }
        self.segment.append(frame.seal(header))?;
        self.segment.sync()
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
        remove(journal, unfinished)?;
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
    let mut segment = OpenSegment::open(journal, path, length)?;
    if let Some(unfinished) = &tail.removed {
        if unfinished.file == path { segment.cut()? } else { remove(journal, unfinished)? }
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

fn remove(journal: &Journal, unfinished: &Unfinished) -> Result<(), JournalError> {
    journal.disk.remove(&unfinished.file).map_err(JournalError::io("remove", &unfinished.file))?;
    sync_directory(journal)
}

fn sync_directory(journal: &Journal) -> Result<(), JournalError> {
    journal.disk.sync_directory(&journal.directory).map_err(JournalError::io("sync", &journal.directory))
}

/// Creates the segment that follows `end`, durably: its header and its name.
fn create_segment(journal: &Journal, journal_id: JournalId, end: Anchor) -> Result<OpenSegment, JournalError> {
    let first_position = end.position.saturating_add(1);
    let path = segment::path(&journal.directory, first_position);
    let file = journal.disk.create(&path).map_err(JournalError::io("create", &path))?;
    let mut segment = OpenSegment { path, file, length: 0 };
    let header = SegmentHeader { first_position, journal_id, previous: end.hash };
    segment.append(&header.to_bytes())?;
    segment.sync()?;
    sync_directory(journal)?;
    Ok(segment)
}

/// The segment that is being appended to.
struct OpenSegment {
    path: PathBuf,
    file: Box<dyn DiskFile>,
    length: u64,
}

impl OpenSegment {
    fn open(journal: &Journal, path: &Path, length: u64) -> Result<Self, JournalError> {
        let file = journal.disk.open_writable(path).map_err(JournalError::io("open", path))?;
        Ok(Self { path: path.to_owned(), file, length })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        self.write_all(bytes, self.length)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Cuts off what follows `length`.
    fn cut(&mut self) -> Result<(), JournalError> {
        self.file.truncate(self.length).map_err(JournalError::io("truncate", &self.path))
    }

    /// Writes the last write once more, the same bytes to the same place, and syncs. If its sync had failed, the
    /// kernel may hold it in memory as clean although the disk never got it; a sync alone would then do nothing.
    fn repeat(&mut self, last: LastWrite, payload: &[u8], tail: &Tail) -> Result<(), JournalError> {
        match last {
            LastWrite::Frame { header, offset } => {
                let mut frame = FrameBuffer::new();
                frame.extend_from_slice(payload);
                self.write_all(frame.seal(&header), offset)?;
            }
            LastWrite::Header => {
                let first_position = tail.end.position.saturating_add(1);
                let header = SegmentHeader { first_position, journal_id: tail.journal_id, previous: tail.end.hash };
                self.write_all(&header.to_bytes(), 0)?;
            }
        }
        self.sync()
    }

    fn write_all(&mut self, bytes: &[u8], offset: u64) -> Result<(), JournalError> {
        let (mut bytes, mut offset) = (bytes, offset);
        while !bytes.is_empty() {
            match self.file.write_at(bytes, offset) {
                Ok(0) => return Err(JournalError::io("write", &self.path)(io::ErrorKind::WriteZero.into())),
                Ok(written) => {
                    bytes = bytes.get(written..).unwrap_or_default();
                    offset += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(JournalError::io("write", &self.path)(error)),
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), JournalError> {
        self.file.sync_data().map_err(JournalError::io("sync", &self.path))
    }
}
