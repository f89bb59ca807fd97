//! A journal of each format version, written once and kept: every later build must read it for ever.

use std::path::{Path, PathBuf};

use journal::{FrameHash, Journal, JournalError};
use sha2::{Digest, Sha256};
use tempfile::{TempDir, tempdir};

use crate::support::*;

/// The hash of its last frame.
const END: [u8; 32] = [
    0x85, 0x34, 0x6b, 0x0d, 0x88, 0xa2, 0x2f, 0x45, 0xb6, 0x86, 0x60, 0xf3, 0x34, 0xa0, 0xa6, 0xe5, 0x84, 0x8c, 0x93,
    0x6a, 0xef, 0xd8, 0x00, 0x1c, 0x4f, 0x1b, 0xc8, 0x01, 0xdf, 0x85, 0x62, 0x00,
];

/// The same for version 2; another hash, because it covers the version.
const END_2: [u8; 32] = [
    0x28, 0xf3, 0x38, 0x43, 0x2b, 0xc3, 0x2f, 0x50, 0xd4, 0x29, 0xa4, 0x2d, 0xef, 0x7d, 0x56, 0x0d, 0x33, 0x5f, 0x51,
    0x25, 0x8f, 0xb6, 0x78, 0x37, 0x88, 0xf7, 0x80, 0x96, 0xc9, 0x13, 0x58, 0xaf,
];

fn golden(version: u32) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/journal-v{version}"))
}

/// What is in the golden journals; also how they were made: segments of at most 400 bytes in version 1, of three
/// sectors in version 2.
const FRAMES: [(u32, &[u8]); 5] =
    [(1, b"first"), (3, b"three events in one frame"), (1, b""), (2, &[0xff; 300]), (70_000, b"many")];

const SEGMENT: u64 = 3 * SECTOR as u64;

#[test]
fn every_version_opens_and_verifies() {
    for (version, end, segments) in [(1, END, 4), (2, END_2, 3)] {
        let journal = Journal::new(golden(version));
        let verified = journal.verify(None).unwrap();
        assert_eq!((verified.journal_id, verified.frames, verified.segments), (ID, 5, segments));
        assert_eq!(verified.end.position, 70_007);
        assert_eq!(verified.end.hash, FrameHash::from_bytes(end), "{}", verified.end.hash);
        let frames = read_all(&journal);
        let expected: Vec<_> = FRAMES.map(|(count, payload)| (count, payload.to_vec())).to_vec();
        assert_eq!(frames.into_iter().map(|(_, count, payload)| (count, payload)).collect::<Vec<_>>(), expected);
    }
}

#[test]
fn version_2_is_still_written_the_same() {
    let folder = tempdir().unwrap();
    let (mut writer, _) = Journal::new(folder.path()).writer(options(SEGMENT)).unwrap();
    for (count, payload) in FRAMES {
        append(&mut writer, count, payload).unwrap();
    }
    drop(writer);
    let written = segments(folder.path());
    let kept = segments(&golden(2));
    assert_eq!(written.len(), kept.len());
    for (written, kept) in written.iter().zip(&kept) {
        assert_eq!(written.file_name(), kept.file_name());
        assert_eq!(std::fs::read(written).unwrap(), std::fs::read(kept).unwrap());
    }
}

fn copy_of_version_1() -> TempDir {
    let folder = tempdir().unwrap();
    for file in segments(&golden(1)) {
        std::fs::copy(&file, folder.path().join(file.file_name().unwrap())).unwrap();
    }
    folder
}

#[test]
fn every_version_is_continued() {
    let folder = copy_of_version_1();
    let journal = Journal::new(folder.path());
    let (mut writer, tail) = journal.writer(options(SEGMENT)).unwrap();
    assert_eq!((tail.created, tail.end.position), (false, 70_007));
    let later = append(&mut writer, 1, b"later").unwrap().anchor();
    drop(writer);
    let (mut writer, tail) = journal.writer(options(SEGMENT)).unwrap();
    assert_eq!(tail.end, later);
    append(&mut writer, 1, b"still later").unwrap();
    let verified = journal.verify(Some(tail.end)).unwrap();
    assert_eq!((verified.frames, verified.segments), (7, 5), "a segment has one version");
}

/// Each length to which a crash of the release that wrote it could have cut version 1.
#[test]
fn an_unfinished_write_of_version_1_is_cut_off() {
    let first = Journal::new(golden(1)).reader_at(70_007).unwrap().anchor();
    let last = segments(&golden(1)).pop().unwrap();
    let intact = std::fs::read(&last).unwrap();
    for length in 0..intact.len() {
        for zeros in [0, 600] {
            let folder = copy_of_version_1();
            let file = folder.path().join(last.file_name().unwrap());
            let zeros = if length == 96 || length == 0 { zeros } else { 0 };
            std::fs::write(&file, [&intact[..length], &vec![0; zeros]].concat()).unwrap();
            let journal = FailingDisk::default().journal(folder.path());
            let (mut writer, tail) = journal.writer(options(SEGMENT)).unwrap();
            assert_eq!(tail.end, first, "{length} bytes");
            append(&mut writer, 1, b"later").unwrap();
            drop(writer);
            assert_eq!(journal.verify(Some(first)).unwrap().frames, 5);
        }
    }
}

#[test]
fn each_flipped_bit_of_version_1_is_found() {
    let folder = copy_of_version_1();
    let journal = FailingDisk::default().journal(folder.path());
    for file in segments(folder.path()) {
        let intact = std::fs::read(&file).unwrap();
        for at in 0..intact.len() {
            let mut flipped = intact.clone();
            flipped[at] ^= 1 << (at % 8);
            std::fs::write(&file, &flipped).unwrap();
            assert!(matches!(journal.verify(None), Err(JournalError::Damaged { .. })), "{file:?} at {at}");
            if at % 16 == 0 {
                assert!(journal.writer(options(SEGMENT)).is_err() || file != segments(folder.path())[3]);
            }
        }
        std::fs::write(&file, intact).unwrap();
    }
}

/// The documented layout read by other code than the journal's own, as an auditor would.
#[test]
fn the_documented_format_is_enough_to_read_it() {
    for (version, end) in [(1, END), (2, END_2)] {
        let mut previous = Sha256::digest([b"tapstone journal genesis v1".as_slice(), ID.as_bytes()].concat()).to_vec();
        let mut position = 1u64;
        for file in segments(&golden(version)) {
            let bytes = std::fs::read(file).unwrap();
            assert_eq!((&bytes[..4], field(&bytes, 4)), (b"TJSG".as_slice(), version));
            assert_eq!(bytes[32..64], previous);
            assert_eq!(bytes[64..96], Sha256::digest(&bytes[..64])[..]);
            let mut rest = if version == 1 { &bytes[96..] } else { &bytes[512..] };
            while !rest.is_empty() {
                let size = 96 + field(rest, 8) as usize;
                let (data, after) =
                    if version == 1 { rest.split_at(size) } else { rest.split_at(size.div_ceil(510) * 512) };
                let data = if version == 1 { data.to_vec() } else { without_marks(data) };
                assert_eq!((&data[..4], field(&data, 4)), (b"TJFR".as_slice(), version));
                assert_eq!(data[16..24], position.to_le_bytes());
                assert_eq!(data[24..56], previous);
                assert_eq!(data[56..88], Sha256::digest([&data[..56], &data[96..size]].concat())[..]);
                assert_eq!(data[88..96], Sha256::digest(&data[..88])[..8]);
                position += u64::from(field(&data, 12));
                previous = data[56..88].to_vec();
                rest = after;
            }
        }
        assert_eq!((position, previous.as_slice()), (70_008, end.as_slice()));
    }
}

fn field(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

fn without_marks(sectors: &[u8]) -> Vec<u8> {
    assert!(sectors.chunks(512).all(|sector| sector[510..] == [0xa5, 0x5a]));
    sectors.chunks(512).flat_map(|sector| &sector[..510]).copied().collect()
}
