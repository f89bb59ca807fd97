//! The journal: append-only, checksummed, hash-chained segment files that hold every event of the money plane.
//!
//! # Contract
//!
//! **What is promised, at each step.**
//!
//! - *Open* ([`Journal::writer`]). Takes the lock; checks the last segment in full and its link to the one before, and the
//!   anchor if one is given, before anything is changed. Then cuts off what was never acknowledged, writes the last frame
//!   once more and syncs file and directory, so that all that is there is durable. The journal may be opened, and the
//!   process may die, any number of times at any moment of this.
//! - *Append* ([`JournalWriter::append`]). `Ok` means that the frame survives a kill, a crash and a power cut. Frames
//!   become durable one by one, in order: what is found later is what was acknowledged and at most one frame more, the
//!   last one that was tried, whole.
//! - *Sync*. One for each append. One that fails is never tried again as if it had not failed.
//! - *New segment*. Before the first frame in it is written, the segment before it has its final length, and the new
//!   one's header and name are durable.
//! - *Cut*. Only bytes behind the last acknowledged frame are ever cut off or overwritten, and the last frame by itself.
//! - *Close* (dropping the writer). Gives back reserved space and the lock. Nothing depends on it.
//! - *Read*, *verify*. What was acknowledged is never dropped in silence: a change to any bit of it, a renamed, missing,
//!   swapped or foreign segment is an error that names file, offset and position. Beside a running writer, readers see a
//!   prefix, which may end in a frame that is not durable yet.
//!
//! **What the operating system and the disk must do.**
//!
//! - `fdatasync` returns only when the file's bytes and length are durable, or fails. A disk that lies about it (a volatile
//!   cache without power-loss protection that ignores flushes) loses what it lied about.
//! - A write changes no bytes but its own: what was synced stays, also if the power fails during a write behind it in the
//!   same sector or page.
//! - After a crash each sector of 512 bytes of an unsynced write is as before, or as written, or as written up to some
//!   byte. Sectors reach the disk in any order. Space that was reserved, or that a longer file brought, reads as zeros
//!   until it is written.
//! - `fsync` of a directory makes names durable. An unsynced name is there or not. A rename happens or does not.
//! - `ftruncate` followed by `fsync` makes the length durable. `fallocate` makes sure that writes into what it gave do not
//!   fail for want of room; a file system without it (`EOPNOTSUPP`) is used without.
//! - The lock (`flock`) is exclusive and ends with the process. A network file system without it is no place for a
//!   journal.
//!
//! **What happens on each failure.**
//!
//! | failure                                     | what the writer does                                              |
//! |---------------------------------------------|-------------------------------------------------------------------|
//! | a short write                               | goes on with the rest                                             |
//! | no room (`ENOSPC`, `EDQUOT`, `EFBIG`) for a write, a reservation or a new segment | undoes it, durably; [`JournalError::Full`]; the next append tries again |
//! | undoing fails                               | fails for ever                                                    |
//! | any other failed write (`EIO`)              | fails for ever                                                    |
//! | a failed sync, of file or directory, for whatever reason, `ENOSPC` too | fails for ever                         |
//! | a failed read                               | [`JournalError::Io`]; nothing was changed; try again              |
//! | killed, or the power fails, at any moment   | the next one cuts off the frame that was not acknowledged, or finds it whole |
//! | a flipped bit, in what was acknowledged     | [`JournalError::Damaged`]; nothing is changed or skipped          |
//! | a lost segment                              | [`JournalError::MissingSegment`]; the last one: see *anchors*     |
//! | the lock is held                            | [`JournalError::Locked`]; nothing was touched                     |
//!
//! *Fails for ever* means that this writer returns that error to every call and touches nothing again; a new one, opened
//! after the disk was mended, finds out what is there. It writes the last frame once more, because after a failed sync the
//! operating system shows pages as clean that the disk never got.
//!
//! Room is reserved some megabytes ahead, so that on a file system that allocates late a full disk shows at the
//! reservation and not at the sync. Without reservations such a sync fails the writer.
//!
//! **What it does not do.** It does not know what an event is (a payload is bytes that hold `count` events) and it does not
//! encrypt. *Anchors*: by itself it cannot notice that its end was cut off exactly between two frames, or is zeros; a hash
//! chain proves what is there, not that nothing followed. For that the caller keeps an [`Anchor`] elsewhere (the tables
//! do) and passes it in. Nor does a chain without a key stop somebody who rewrites all files from some point on; an anchor
//! kept out of their reach does.
//!
//! # Format, version 2
//!
//! A journal is one directory that holds the file `lock` and segments, each named by the first position it holds in
//! 20 decimal digits: `00000000000000000001.journal`. Positions count events from 1. A segment is one segment header
//! and then frames without gaps. All integers are little endian.
//!
//! A file is *sectors* of 512 bytes: 510 of data, then the mark `a5 5a`. The segment header and each frame (header, then
//! payload) begin a sector; the data of the last sector of each is filled up with zeros.
//!
//! Segment header, 96 bytes:
//!
//! | offset | bytes | field                                                                        |
//! |-------:|------:|------------------------------------------------------------------------------|
//! |      0 |     4 | magic `TJSG`                                                                 |
//! |      4 |     4 | format version, 2                                                            |
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
//! |      4 |     4 | format version, that of the segment                                          |
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
//! Version 1 has no sectors: headers and payloads follow each other byte by byte. It is read for ever and never written:
//! a journal goes on in a new segment of version 2.
//!
//! # Torn tails
//!
//! A write that a crash interrupted was never acknowledged. Since its sectors reach the disk in any order, it can look like
//! anything between nothing and all of it. The marks tell it from damage: where a sector never was written, or not to
//! its end, zeros stand in the place of its mark, and no single flipped bit makes such a one of a mark. So the last frame of
//! the last segment is *unfinished* if one of its sectors has no mark, or is not there; if all marks are there, it was
//! written completely, and whatever does not check out is damage. A frame that lacks a mark although another one follows
//! was acknowledged, hence is damaged. A last segment whose header has no mark was being created.
//!
//! The writer cuts an unfinished frame off and reports it; readers and [`Journal::verify`] report it. Zeros alone are
//! reserved space and no report. In version 1, which has no marks, only a file that ends early, or zeros to its end, say
//! that a write is unfinished.

mod copy;
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

pub use copy::{JournalCopy, Piece};
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

    /// Reads the files themselves, up to the last whole frame, checking every link: for backups. Needs no lock.
    pub fn copy(&self) -> Result<JournalCopy, JournalError> {
        JournalCopy::open(self)
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
