//! Bytes as a segment of the journal.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use journal::{FrameBuffer, Journal, JournalError, JournalId, JournalReader, WriterOptions};
use sha2::{Digest, Sha256};
use sim::FaultyDisk;

use crate::files;

const FOLDER: &str = "/journal";
const SEGMENT: &str = "/journal/00000000000000000001.journal";
const ID: JournalId = JournalId::from_bytes([7; 16]);

/// Bytes of both headers, and the place of a header's checksum.
const HEADER: usize = 96;
const SEGMENT_CHECKSUM: usize = 64;
const FRAME_HASH: usize = 56;
const FRAME_CHECKSUM: usize = 88;

/// The sectors of version 2.
const SECTOR: usize = 512;
const MARK: [u8; 2] = [0xa5, 0x5a];

const GENESIS: &[u8] = b"tapstone journal genesis v1";

/// The first byte says how the others become a segment: as they are, as headers and payloads with the checksums set
/// right, or as frames and what is changed in them. No segment stops the process, what was changed is never read as if it were what was
/// written, and a journal that opens goes on.
pub fn journal_frames(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    match how % 3 {
        0 => read_everything(&journal_of(rest)),
        1 => read_everything(&journal_of(&with_checksums(rest))),
        _ => read_changed(rest),
    }
}

fn journal_of(segment: &[u8]) -> Journal {
    let disk = new_disk();
    files::place(&disk, Path::new(SEGMENT), segment);
    Journal::on_disk(FOLDER, Arc::new(disk))
}

fn new_disk() -> FaultyDisk {
    let disk = FaultyDisk::new(0);
    journal::Disk::create_directory(&disk, Path::new(FOLDER)).expect("the disk has no faults");
    disk
}

/// Reads to the end in every way there is; then opens it for writing, and reads what was appended.
fn read_everything(journal: &Journal) {
    let (_, end) = payloads(journal.reader());
    let verified = journal.verify(None);
    assert_eq!(end.is_ok(), verified.is_ok(), "{end:?} {verified:?}");
    for position in [1, 2, u64::MAX] {
        let _any = payloads(journal.reader_at(position));
    }
    let Ok((mut writer, tail)) = journal.writer(WriterOptions::new(ID)) else { return };
    let mut frame = FrameBuffer::new();
    frame.extend_from_slice(b"more");
    let Ok(appended) = writer.append(NonZeroU32::MIN, &mut frame) else { return };
    drop(writer);
    assert_eq!(appended.first_position, tail.end.position + 1);
    let mut reader = journal.reader_after(tail.end).expect("the journal ends where its writer says");
    let last = reader.next_frame().expect("what was appended is read").map(|frame| frame.payload.to_vec());
    assert_eq!(last.as_deref(), Some(&b"more"[..]));
}

fn payloads(reader: Result<JournalReader, JournalError>) -> (Vec<Vec<u8>>, Result<bool, JournalError>) {
    let mut payloads = Vec::new();
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => return (payloads, Err(error)),
    };
    loop {
        match reader.next_frame() {
            Ok(Some(frame)) => payloads.push(frame.payload.to_vec()),
            Ok(None) => return (payloads, Ok(reader.unfinished().is_some())),
            Err(error) => return (payloads, Err(error)),
        }
    }
}

/// Headers and payloads, one after the other, laid out as a segment of their version, with each link and checksum set
/// right.
fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let Some((header, mut rest)) = bytes.split_first_chunk::<HEADER>() else { return bytes.to_vec() };
    let mut header = *header;
    let is_plain = header[4..8] == 1_u32.to_le_bytes();
    let mut previous = Sha256::new_with_prefix(GENESIS).chain_update(&header[16..32]).finalize();
    header[32..SEGMENT_CHECKSUM].copy_from_slice(&previous);
    let checksum = Sha256::digest(&header[..SEGMENT_CHECKSUM]);
    header[SEGMENT_CHECKSUM..].copy_from_slice(&checksum);
    let mut segment = Vec::new();
    lay_out(&header, is_plain, &mut segment);
    while let Some((header, after)) = rest.split_first_chunk::<HEADER>() {
        let mut header = *header;
        let length = u32::from_le_bytes([header[8], header[9], header[10], header[11]]) as usize;
        let (payload, after) = after.split_at(length.min(after.len()));
        header[24..FRAME_HASH].copy_from_slice(&previous);
        previous = Sha256::new_with_prefix(&header[..FRAME_HASH]).chain_update(payload).finalize();
        header[FRAME_HASH..FRAME_CHECKSUM].copy_from_slice(&previous);
        let checksum = Sha256::digest(&header[..FRAME_CHECKSUM]);
        header[FRAME_CHECKSUM..].copy_from_slice(&checksum[..HEADER - FRAME_CHECKSUM]);
        lay_out(&[&header, payload].concat(), is_plain, &mut segment);
        rest = after;
    }
    segment.extend_from_slice(rest);
    segment
}

fn lay_out(data: &[u8], is_plain: bool, segment: &mut Vec<u8>) {
    if is_plain {
        return segment.extend_from_slice(data);
    }
    for piece in data.chunks(SECTOR - MARK.len()) {
        segment.extend_from_slice(piece);
        segment.resize(segment.len().next_multiple_of(SECTOR) - MARK.len(), 0);
        segment.extend_from_slice(&MARK);
    }
}

/// The first byte says how many frames there are, as many bytes how long they are; the others change the file.
fn read_changed(data: &[u8]) {
    let Some((count, rest)) = data.split_first() else { return };
    let (lengths, edits) = rest.split_at(rest.len().min(usize::from(count % 8)));
    let written: Vec<_> = lengths.iter().map(|length| vec![*length | 1; usize::from(*length)]).collect();
    let disk = new_disk();
    let journal = Journal::on_disk(FOLDER, Arc::new(disk.clone()));
    let (mut writer, _) = journal.writer(WriterOptions::new(ID)).expect("the disk has no faults");
    for payload in &written {
        let mut frame = FrameBuffer::new();
        frame.extend_from_slice(payload);
        writer.append(NonZeroU32::MIN, &mut frame).expect("the disk has no faults");
    }
    drop(writer);
    let mut segment = files::contents(&disk, Path::new(SEGMENT));
    let is_changed = files::edit(&mut segment, edits);

    let changed = journal_of(&segment);
    let (read, end) = payloads(changed.reader());
    assert!(written.starts_with(&read), "{written:?} {read:?}");
    let is_noticed = !matches!(end, Ok(false));
    assert!(is_noticed || read.len() == written.len() && !is_changed, "{end:?}");
    read_everything(&changed);
}
