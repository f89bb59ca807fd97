//! Bytes as records of the platform's journal.

use journal::FrameBuffer;
use store::records::{decode, encode};

/// The first byte says how many records the others hold. What can be read is written and read again as the same.
pub fn records(data: &[u8]) {
    let Some((count, payload)) = data.split_first() else { return };
    let count = u32::from(*count);
    let _absurd = decode(payload, u32::MAX);
    let Ok(records) = decode(payload, count) else { return };
    let mut frame = FrameBuffer::new();
    records.iter().for_each(|record| encode(record, &mut frame));
    assert_eq!(decode(frame.payload(), count).as_ref(), Ok(&records));
}
