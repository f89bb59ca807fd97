//! A journal of format version 1, written once and kept: every later build must read it for ever.

use std::path::{Path, PathBuf};

use journal::{FrameHash, Journal};
use sha2::{Digest, Sha256};
use tempfile::tempdir;

use crate::support::*;

/// The hash of its last frame.
const END: [u8; 32] = [
    0x85, 0x34, 0x6b, 0x0d, 0x88, 0xa2, 0x2f, 0x45, 0xb6, 0x86, 0x60, 0xf3, 0x34, 0xa0, 0xa6, 0xe5, 0x84, 0x8c, 0x93,
    0x6a, 0xef, 0xd8, 0x00, 0x1c, 0x4f, 0x1b, 0xc8, 0x01, 0xdf, 0x85, 0x62, 0x00,
];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/journal-v1")
}

/// What is in the golden journal; also how it was made: segments of at most 400 bytes.
const FRAMES: [(u32, &[u8]); 5] =
    [(1, b"first"), (3, b"three events in one frame"), (1, b""), (2, &[0xff; 300]), (70_000, b"many")];

#[test]
fn version_1_opens_and_verifies() {
    let journal = Journal::new(golden());
    let verified = journal.verify(None).unwrap();
    assert_eq!((verified.journal_id, verified.frames, verified.segments), (ID, 5, 4));
    assert_eq!(verified.end.position, 70_007);
    assert_eq!(verified.end.hash, FrameHash::from_bytes(END));
    let frames = read_all(&journal);
    let expected: Vec<_> = FRAMES.map(|(count, payload)| (count, payload.to_vec())).to_vec();
    assert_eq!(frames.into_iter().map(|(_, count, payload)| (count, payload)).collect::<Vec<_>>(), expected);
}

#[test]
fn version_1_is_still_written_the_same() {
    let folder = tempdir().unwrap();
    let (mut writer, _) = Journal::new(folder.path()).writer(options(400)).unwrap();
    for (count, payload) in FRAMES {
        append(&mut writer, count, payload).unwrap();
    }
    let written = segments(folder.path());
    let kept = segments(&golden());
    assert_eq!(written.len(), kept.len());
    for (written, kept) in written.iter().zip(&kept) {
        assert_eq!(written.file_name(), kept.file_name());
        assert_eq!(std::fs::read(written).unwrap(), std::fs::read(kept).unwrap());
    }
}

#[test]
fn version_1_is_continued() {
    let folder = tempdir().unwrap();
    for file in segments(&golden()) {
        std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    let journal = Journal::new(folder.path());
    let (mut writer, tail) = journal.writer(options(400)).unwrap();
    assert_eq!((tail.created, tail.end.position), (false, 70_007));
    append(&mut writer, 1, b"later").unwrap();
    assert_eq!(journal.verify(Some(tail.end)).unwrap().frames, 6);
}

/// The documented layout read by other code than the journal's own, as an auditor would.
#[test]
fn the_documented_format_is_enough_to_read_it() {
    let field = |bytes: &[u8], at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let mut previous = Sha256::digest([b"tapstone journal genesis v1".as_slice(), ID.as_bytes()].concat()).to_vec();
    let mut position = 1u64;
    for file in segments(&golden()) {
        let bytes = std::fs::read(file).unwrap();
        assert_eq!(&bytes[..4], b"TJSG");
        assert_eq!(bytes[32..64], previous);
        assert_eq!(bytes[64..96], Sha256::digest(&bytes[..64])[..]);
        let mut rest = &bytes[96..];
        while !rest.is_empty() {
            let payload = &rest[96..96 + field(rest, 8) as usize];
            assert_eq!((&rest[..4], field(rest, 4)), (b"TJFR".as_slice(), 1));
            assert_eq!(rest[16..24], position.to_le_bytes());
            assert_eq!(rest[24..56], previous);
            assert_eq!(rest[56..88], Sha256::digest([&rest[..56], payload].concat())[..]);
            assert_eq!(rest[88..96], Sha256::digest(&rest[..88])[..8]);
            position += u64::from(field(rest, 12));
            previous = rest[56..88].to_vec();
            rest = &rest[96 + payload.len()..];
        }
    }
    assert_eq!((position, previous.as_slice()), (70_008, END.as_slice()));
}
