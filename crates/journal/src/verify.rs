//! Verification: every byte of every segment, offline or beside a running writer, trusting nothing but the format.

use crate::reader::{JournalReader, Unfinished, forked};
use crate::{Anchor, Journal, JournalError, JournalId};

/// What a full verification found to be in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The journal's id.
    pub journal_id: JournalId,
    /// Complete segments.
    pub segments: usize,
    /// Frames.
    pub frames: u64,
    /// Bytes of all payloads.
    pub payload_bytes: u64,
    /// The last frame's position and hash; the genesis if there is none. Keep it elsewhere, and a later verification
    /// can prove that nothing before it was cut off or rewritten.
    pub end: Anchor,
    /// A note, not an error: an unfinished write at the end, which the next writer will cut off.
    pub unfinished: Option<Unfinished>,
}

pub(crate) fn verify(journal: &Journal, expect_at_least: Option<Anchor>) -> Result<Verified, JournalError> {
    let mut reader = JournalReader::from_start(journal)?;
    let (mut frames, mut payload_bytes) = (0, 0);
    let mut awaited = expect_at_least;
    loop {
        if let Some(anchor) = awaited
            && reader.anchor().position >= anchor.position
        {
            if reader.anchor() != anchor {
                return Err(forked(journal, anchor));
            }
            awaited = None;
        }
        let Some(frame) = reader.next_frame()? else { break };
        frames += 1;
        payload_bytes += frame.payload.len() as u64;
    }
    if let Some(anchor) = awaited {
        return Err(reader.shortened(anchor.position));
    }
    Ok(Verified {
        journal_id: reader.journal_id(),
        segments: reader.segment_count(),
        frames,
        payload_bytes,
        end: reader.anchor(),
        unfinished: reader.unfinished().cloned(),
    })
}
