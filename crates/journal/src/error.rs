//! What can go wrong with a journal: whose fault it is and what to do.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::frame::{FrameHash, MAX_PAYLOAD_BYTES};

/// Why the journal refused. `Clone`, because a failed writer repeats its error for ever.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk is full, or a quota or limit is reached. Nothing of what was appended was kept, nothing is lost, and the
    /// writer goes on as soon as there is room.
    #[error(
        "the disk is full: {} has no room for {bytes} more bytes ({source}); nothing of this was recorded; free some and \
         try again",
        path.display()
    )]
    Full {
        /// The segment file.
        path: PathBuf,
        /// How many bytes need room.
        bytes: u64,
        /// The operating system's reason.
        source: Arc<io::Error>,
    },

    /// The disk or operating system failed. After this a writer takes nothing more.
    #[error(
        "cannot {action} {}: {source}; free space or repair the disk, then restart: what was acknowledged is kept",
        path.display()
    )]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The operating system's reason.
        source: Arc<io::Error>,
    },

    /// Bytes that had been written completely no longer check out. Nothing was changed on disk.
    #[error(
        "{} is damaged at byte {offset}, where position {position} was expected: {damage}; everything before it is \
         intact; change nothing, restore this file from a backup or replica and verify again",
        file.display()
    )]
    Damaged {
        /// The segment file.
        file: PathBuf,
        /// The offset in the file of the header that begins the damaged part.
        offset: u64,
        /// The first position that can no longer be read.
        position: u64,
        /// What does not check out.
        damage: Damage,
    },

    /// A segment is not where the chain of names says it must be.
    #[error(
        "the segment that begins at position {expected} is missing in {} (the next one there begins at {found}); \
         restore it from a backup or replica",
        directory.display()
    )]
    MissingSegment {
        /// The journal's directory.
        directory: PathBuf,
        /// The first position of the missing segment.
        expected: u64,
        /// The first position of the segment found in its place.
        found: u64,
    },

    /// The directory holds a file that the journal did not put there.
    #[error(
        "{} is no journal segment: a segment has 20 digits, not all zero, and .journal; if it was renamed, name it \
         back, otherwise move it elsewhere",
        path.display()
    )]
    UnexpectedFile {
        /// The file.
        path: PathBuf,
    },

    /// The directory holds no journal.
    #[error(
        "there is no journal in {}; check the data folder's path, or restore the journal from a backup or replica",
        directory.display()
    )]
    NoJournal {
        /// The journal's directory.
        directory: PathBuf,
    },

    /// The journal ends before a position that is known to have been written: its end is missing.
    #[error(
        "the journal in {} ends at position {last}, but position {expected} had been written; its end is lost: \
         restore the newest segments from a backup or replica",
        directory.display()
    )]
    Shortened {
        /// The journal's directory.
        directory: PathBuf,
        /// The position that must be there.
        expected: u64,
        /// The last position that is there.
        last: u64,
    },

    /// The journal holds something else at a position than what the anchor remembers.
    #[error(
        "the journal in {} is not the one that was written up to position {position}: it has no frame there with \
         hash {expected}; journal and tables come from different histories: restore both from the same backup",
        directory.display()
    )]
    Forked {
        /// The journal's directory.
        directory: PathBuf,
        /// The anchor's position.
        position: u64,
        /// The anchor's hash.
        expected: FrameHash,
    },

    /// The file was written by a newer release.
    #[error(
        "{} has format version {found}, but this build reads up to {supported}; start it with the newer release that \
         wrote it",
        file.display()
    )]
    NewerVersion {
        /// The segment file.
        file: PathBuf,
        /// The version in the file.
        found: u32,
        /// The newest version this build reads.
        supported: u32,
    },

    /// Another writer has the journal open.
    #[error(
        "another process is writing the journal in {}; stop it first: two writers would destroy it",
        directory.display()
    )]
    Locked {
        /// The journal's directory.
        directory: PathBuf,
    },

    /// The caller's fault: the payload is too large for one frame. Nothing was written.
    #[error("a payload of {bytes} bytes is too large for one frame; append at most {MAX_PAYLOAD_BYTES} bytes at once")]
    PayloadTooLarge {
        /// The payload's size.
        bytes: usize,
    },

    /// All 2^64 - 1 positions are used. Nothing was written.
    #[error("the journal has no positions left; begin a new journal")]
    PositionsExhausted,
}

impl JournalError {
    /// For `map_err`: the failed `action` on `path`.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.to_owned(), source: Arc::new(source) }
    }
}

/// Whether an error says that there is no room: for the disk, for its user, or for the file.
pub(crate) fn says_full(error: &io::Error) -> bool {
    use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | FileTooLarge)
}

/// What does not check out in a damaged segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// The header's bytes do not match the header's checksum.
    #[error("the header's checksum is wrong")]
    HeaderChecksum,
    /// The checksum is right, but the fields are none that a writer writes.
    #[error("the header's fields are not valid")]
    HeaderFields,
    /// The payload does not match the frame hash.
    #[error("the frame's hash is wrong")]
    FrameHash,
    /// The previous hash is not that of the frame before: something was swapped, repeated or taken out.
    #[error("it does not follow the frame before it")]
    BrokenChain,
    /// The segment's header says another first position than its name.
    #[error("the segment's name and header disagree")]
    SegmentName,
    /// The segment belongs to another journal.
    #[error("the segment belongs to another journal")]
    JournalId,
    /// The end of a sector, or what fills it up, is none that a writer writes.
    #[error("a sector was changed")]
    SectorMark,
    /// A part of the frame was never written, although frames follow that were written after it.
    #[error("a part of it was never written although more follows")]
    Unwritten,
    /// The segment ends within a header or frame although another segment follows.
    #[error("the segment ends early although another one follows")]
    EndsEarly,
}
