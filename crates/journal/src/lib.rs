//! The journal: append-only, checksummed, hash-chained segment files that hold every event of the money plane.
//!
//! **Promises.** When [`JournalWriter::append`] returns `Ok`, the frame survives a kill, a crash and a power cut.
//! What was acknowledged is never dropped in silence: a change to any byte of any file, a renamed, missing, swapped
//! or foreign segment is an error that names file, offset and position. After a failed write or sync the writer
//! refuses everything.
//!
//! **Does not.** It does not know what an event is (a payload is bytes that hold `count` events), it does not
//! encrypt, and by itself it cannot notice that its end was cut off exactly between two frames: a hash chain proves
//! what is there, not that nothing followed. For that the caller keeps an [`Anchor`] elsewhere (the tables do) and
//! passes it in. Nor does a chain without a key stop somebody who rewrites all files from some point on; an anchor
//! kept out of their reach does.
//!
//! # Format, version 1
//!
//! A journal is one directory that holds the file `lock` and segments, each named by the first position it holds in
//! 20 decimal digits: `00000000000000000001.journal`. Positions count events from 1. A segment is one segment header
//! and then frames without gaps. All integers are little endian.
//!
//! Segment header, 96 bytes:
//!
//! | offset | bytes | field                                                                        |
//! |-------:|------:|------------------------------------------------------------------------------|
//! |      0 |     4 | magic `TJSG`                                                                 |
//! |      4 |     4 | format version, 1                                                            |
//! |      8 |     8 | first position, equal to the file's name                                     |
//! |     16 |    16 | journal id, the same in every segment                                        |
//! |     32 |    32 | previous hash: that of the last frame of the segment before, or the genesis  |
//! |     64 |    32 | SHA-256 of bytes 0..64                                                       |
//!
//! Frame header, 96 bytes, followed by the payload:
//!
//! | offset | bytes | field                                                                        |
//! |-------:|------:|------------------------------------------------------------------------------|
//! |      0 |     4 | magic `TJFR`                                                                 |
//! |      4 |     4 | format version, 1                                                            |
//! |      8 |     4 | payload length in bytes, at most 16 MiB                                      |
//! |     12 |     4 | count of events, at least 1                                                  |
//! |     16 |     8 | first position                                                               |
//! |     24 |    32 | previous hash: that of the frame before, or the genesis                      |
//! |     56 |    32 | frame hash: SHA-256 of bytes 0..56 followed by the payload                   |
//! |     88 |     8 | header checksum: the first 8 bytes of SHA-256 of bytes 0..88                 |
//!
//! The genesis is SHA-256 of the 27 bytes `tapstone journal genesis v1` followed by the journal id. Both header
//! sizes, and the places of magic, version and checksum, stay the same in every later version, so that a flipped
//! version field is told from a newer one.
//!
//! # Torn tails
//!
//! A write that a crash interrupted was never acknowledged. It is recognised only at the very end of the last
//! segment, and only if fewer bytes are left than a header or than the payload length of an intact header, or if
//! nothing but zero bytes is left. A last segment with less than its header, or only zeros, is the same thing: it was
//! being created. The writer cuts such a tail off and reports it; readers and [`Journal::verify`] report it.
//! Everything else that does not check out is damage.

mod disk;
mod error;
mod frame;
mod reader;
mod sector;
mod segment;
mod verify;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

pub use disk::{Disk, DiskFile, OsDisk};
pub use error::{Damage, JournalError};
pub use frame::{FrameBuffer, FrameHash, MAX_PAYLOAD_BYTES};
pub use reader::{Frame, JournalReader, Unfinished};
pub use segment::JournalId;
pub use verify::Verified;
pub use writer::{Appended, DEFAULT_SEGMENT_BYTES, JournalWriter, Tail, WriterOptions};

/// The version of the file format that this build writes; it reads this and version 1.
pub const FORMAT_VERSION: u32 = 2;

/// A journal's directory and the disk it is on: the door to reading, writing and verifying. Holds nothing open.
#[derive(Clone, Debug)]
pub struct Journal {
    directory: PathBuf,
    disk: Arc<dyn Disk>,
}

impl Journal {
    /// The journal in `directory`, through the operating system's files. Touches nothing yet.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self::on_disk(directory, Arc::new(OsDisk))
    }

    /// The journal in `directory` on some other disk, such as one that injects faults.
    pub fn on_disk(directory: impl Into<PathBuf>, disk: Arc<dyn Disk>) -> Self {
        Self { directory: directory.into(), disk }
    }

    /// The directory that holds the segments.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Opens the journal for appending, creating it if the directory has none; checks the last segment in full, cuts
    /// off an unfinished tail and says where the journal ends. One writer at a time.
    pub fn writer(&self, options: WriterOptions) -> Result<(JournalWriter, Tail), JournalError> {
        JournalWriter::open(self, options)
    }

    /// Reads every frame from position 1 on.
    pub fn reader(&self) -> Result<JournalReader, JournalError> {
        JournalReader::from_start(self)
    }

    /// Reads from the frame that holds `position` on. Earlier segments are not opened, and earlier frames of that
    /// segment are passed by their headers only. One past the end is allowed and yields nothing; further is
    /// [`JournalError::Shortened`].
    pub fn reader_at(&self, position: u64) -> Result<JournalReader, JournalError> {
        JournalReader::at(self, position)
    }

    /// Reads what follows the frame that `anchor` names, having checked that this very frame is in the journal:
    /// [`JournalError::Shortened`] or [`JournalError::Forked`] otherwise. This is how tables catch up.
    pub fn reader_after(&self, anchor: Anchor) -> Result<JournalReader, JournalError> {
        JournalReader::after(self, anchor)
    }

    /// Reads every byte of every segment and checks all of it. With an anchor, also that the journal reaches at
    /// least that frame, which is the only way to notice an end that was cut off between two frames.
    pub fn verify(&self, expect_at_least: Option<Anchor>) -> Result<Verified, JournalError> {
        verify::verify(self, expect_at_least)
    }
}

/// A frame that somebody outside the journal remembers: its last position and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The frame's last position; 0 stands for the genesis, before any frame.
    pub position: u64,
    /// The frame's hash; for position 0 the genesis hash.
    pub hash: FrameHash,
}
