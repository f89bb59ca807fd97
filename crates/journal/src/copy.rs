//! Copying: a journal's files once more, byte for byte, frame by frame, each checked against the chain on its way.
//!
//! A writer may be at work meanwhile. What is half written looks like damage for a moment, so an error counts only if it
//! comes again; the frames that were complete at the beginning are all copied.

use crate::frame::FrameHeader;
use crate::reader::JournalReader;
use crate::segment::{JournalId, Layout, SegmentHeader};
use crate::{Anchor, Journal, JournalError, sector};

/// How often the same place may give an error before it is believed.
const ATTEMPTS: u32 = 3;

/// Yields the bytes of a journal's segments up to its last whole frame.
#[derive(Debug)]
pub struct JournalCopy {
    journal: Journal,
    reader: JournalReader,
    /// The file name of the segment that the last piece was of.
    segment: String,
    begun: bool,
    /// A header or frame before it is laid out; kept for its memory.
    data: Vec<u8>,
    /// The same laid out in sectors.
    sectors: Vec<u8>,
    piece: Vec<u8>,
}

/// One frame as it lies in its file, and before the first of a file that file's header.
#[derive(Debug)]
pub struct Piece<'copy> {
    /// The name of the file.
    pub segment: &'copy str,
    /// Whether a file begins with it.
    pub begins_segment: bool,
    /// The bytes that come next in the file.
    pub bytes: &'copy [u8],
    /// The frame; in a journal without frames the one piece has the genesis.
    pub end: Anchor,
}

impl JournalCopy {
    pub(crate) fn open(journal: &Journal) -> Result<Self, JournalError> {
        let reader = settled(|| journal.reader())?;
        Ok(Self {
            journal: journal.clone(),
            reader,
            segment: String::new(),
            begun: false,
            data: Vec::new(),
            sectors: Vec::new(),
            piece: Vec::new(),
        })
    }

    /// The next frame; `None` at the end. A last segment without frames is passed over, unless it is the only one.
    pub fn next_piece(&mut self) -> Result<Option<Piece<'_>>, JournalError> {
        let before = self.reader.anchor();
        let Some(mut header) = self.next_header(before)? else {
            if self.begun {
                return Ok(None);
            }
            self.begin_segment(before);
            return Ok(Some(self.as_piece(true)));
        };
        header.layout = self.layout();
        self.piece.clear();
        let begins_segment = self.segment_name() != self.segment;
        if begins_segment {
            self.begin_segment(before);
        }
        self.data.clear();
        self.data.extend_from_slice(&header.to_bytes());
        self.data.extend_from_slice(self.reader.payload());
        self.lay_out();
        Ok(Some(self.as_piece(begins_segment)))
    }

    /// The journal's id.
    pub fn journal_id(&self) -> JournalId {
        self.reader.journal_id()
    }

    /// The last frame that was copied; the genesis if there is none.
    pub fn end(&self) -> Anchor {
        self.reader.anchor()
    }

    /// Makes durable, where it comes from, what was copied: a writer may not have come to that yet.
    pub fn sync_source(&self) -> Result<(), JournalError> {
        let path = self.journal.directory.join(&self.segment);
        let mut file = self.journal.disk.open(&path).map_err(JournalError::io("open", &path))?;
        file.sync_data().map_err(JournalError::io("sync", &path))
    }

    /// Reads the next frame; its payload is then the reader's.
    fn next_header(&mut self, before: Anchor) -> Result<Option<FrameHeader>, JournalError> {
        let Self { journal, reader, .. } = self;
        let mut first = true;
        settled(|| {
            if !std::mem::take(&mut first) {
                *reader = journal.reader_after(before)?;
            }
            let Some(frame) = reader.next_frame()? else { return Ok(None) };
            Ok(Some(FrameHeader {
                // The reader knows it of its place, not of the frame.
                layout: Layout::Sectors,
                payload_bytes: u32::try_from(frame.payload.len()).unwrap_or(u32::MAX),
                count: frame.count,
                first_position: frame.first_position,
                last_position: frame.last_position,
                previous: before.hash,
                hash: frame.hash,
            }))
        })
    }

    /// Lays out the header of the segment that the reader is in, whose frames follow this one.
    fn begin_segment(&mut self, previous: Anchor) {
        self.begun = true;
        self.segment = self.segment_name();
        let first_position = previous.position.saturating_add(1);
        let journal_id = self.reader.journal_id();
        let header = SegmentHeader { layout: self.layout(), first_position, journal_id, previous: previous.hash };
        self.data.clear();
        self.data.extend_from_slice(&header.to_bytes());
        self.lay_out();
    }

    /// Adds the data to the piece, as it lies in the file.
    fn lay_out(&mut self) {
        match self.layout() {
            Layout::Plain => self.piece.extend_from_slice(&self.data),
            Layout::Sectors => {
                sector::spread(&self.data, &mut self.sectors);
                self.piece.extend_from_slice(&self.sectors);
            }
        }
    }

    fn layout(&self) -> Layout {
        self.reader.cursor().layout()
    }

    fn segment_name(&self) -> String {
        let (path, _) = self.reader.cursor().place();
        path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }

    fn as_piece(&self, begins_segment: bool) -> Piece<'_> {
        Piece { segment: &self.segment, begins_segment, bytes: &self.piece, end: self.reader.anchor() }
    }
}

/// The first answer that is no error; the error if it comes as often as it is asked.
fn settled<T>(mut ask: impl FnMut() -> Result<T, JournalError>) -> Result<T, JournalError> {
    for _ in 1..ATTEMPTS {
        if let Ok(answer) = ask() {
            return Ok(answer);
        }
    }
    ask()
}
