//! Journal records as bytes: what a frame's payload holds.
//!
//! The format is postcard's (version 1 of its wire format), one record after the other. Variants and fields are stored
//! by their place, so records only ever grow new variants at the end; golden files in the tests hold this.

use payments::Record;

use journal::FrameBuffer;

/// What a record takes in a frame, about. Payments with their request take twice that.
const TYPICAL_RECORD_BYTES: usize = 100;

/// Appends a record to a frame.
pub fn encode(record: &Record, frame: &mut FrameBuffer) {
    // Nothing in a record can fail to serialise, and memory is the only thing that the buffer can run out of.
    if let Err(error) = postcard::to_extend(record, Appender(frame)) {
        panic!("a record could not be encoded: {error}");
    }
}

/// Takes `count` records out of a frame's payload.
pub fn decode(payload: &[u8], count: u32) -> Result<Vec<Record>, UnknownRecord> {
    let mut rest = payload;
    // A record takes many times the memory of its shortest encoding: a count that lies must not claim it in advance.
    let mut records = Vec::with_capacity((count as usize).min(payload.len() / TYPICAL_RECORD_BYTES));
    for index in 0..count {
        let (record, after) = postcard::take_from_bytes(rest).map_err(|_| UnknownRecord { index })?;
        records.push(record);
        rest = after;
    }
    if rest.is_empty() { Ok(records) } else { Err(UnknownRecord { index: count }) }
}

/// A frame whose hash is right but whose payload this version cannot read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "record {index} of the frame is of a kind that this version does not know: start the version that wrote it, or a newer one"
)]
pub struct UnknownRecord {
    /// Which record of the frame, from 0; the frame's count if something follows the last.
    pub index: u32,
}

struct Appender<'a>(&'a mut FrameBuffer);

impl Extend<u8> for Appender<'_> {
    fn extend<T: IntoIterator<Item = u8>>(&mut self, bytes: T) {
        self.0.extend(bytes);
    }
}
