//! Every change to a journal's files is found: each byte, each file, each order. What a chain cannot find by itself,
//! an end cut off between two frames, an anchor finds.

use std::fs;
use std::path::Path;

use journal::{Anchor, Damage, Journal, JournalError};
use sha2::{Digest, Sha256};
use tempfile::{TempDir, tempdir};

use crate::support::*;

struct Sample {
    folder: TempDir,
    anchors: Vec<Anchor>,
}

impl Sample {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let anchors = write_three_segments(folder.path());
        let sample = Self { folder, anchors };
        sample.journal().verify(Some(sample.end())).unwrap();
        sample
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn journal(&self) -> Journal {
        Journal::new(self.path())
    }

    fn end(&self) -> Anchor {
        self.anchors[8]
    }

    /// The error of a verification that knows nothing but the files.
    fn error(&self) -> JournalError {
        self.journal().verify(None).unwrap_err()
    }

    fn damage(&self) -> Damage {
        match self.error() {
            JournalError::Damaged { damage, .. } => damage,
            other => panic!("{other}"),
        }
    }
}

const FRAME: usize = SECTOR;

#[test]
fn every_flipped_bit_is_found() {
    let sample = Sample::new();
    let mut flips = 0;
    for file in segments(sample.path()) {
        let intact = fs::read(&file).unwrap();
        for offset in 0..intact.len() {
            let mut damaged = intact.clone();
            damaged[offset] ^= 1 << (offset % 8);
            fs::write(&file, damaged).unwrap();
            let JournalError::Damaged { file: found, offset: at, .. } = sample.error() else {
                panic!("{file:?} offset {offset}: {}", sample.error());
            };
            assert_eq!(found, file);
            assert!(offset as u64 >= at && (offset as u64) < at + FRAME as u64, "{offset} was found at {at}");
            flips += 1;
        }
        fs::write(&file, intact).unwrap();
    }
    assert_eq!(flips, 3 * SECTOR + 9 * FRAME);
    sample.journal().verify(Some(sample.end())).unwrap();
}

#[test]
fn a_writer_refuses_damage_in_the_last_segment_and_changes_nothing() {
    let sample = Sample::new();
    let file = segments(sample.path()).pop().unwrap();
    let intact = fs::read(&file).unwrap();
    for offset in 0..intact.len() {
        let mut damaged = intact.clone();
        damaged[offset] ^= 0x10;
        fs::write(&file, &damaged).unwrap();
        assert!(sample.journal().writer(options(THREE_FRAMES)).is_err(), "offset {offset}");
        assert_eq!(fs::read(&file).unwrap(), damaged);
    }
}

#[test]
fn the_error_says_where_and_what_to_do() {
    let sample = Sample::new();
    let file = segment_path(sample.path(), 7);
    let mut bytes = fs::read(&file).unwrap();
    bytes[SECTOR + FRAME + 96] ^= 1;
    fs::write(&file, bytes).unwrap();
    let message = sample.error().to_string();
    for part in ["00000000000000000007.journal", "byte 1024", "position 8", "hash is wrong", "restore"] {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn a_missing_segment_is_found() {
    for (index, first) in [1, 7].into_iter().enumerate() {
        let sample = Sample::new();
        fs::remove_file(&segments(sample.path())[index]).unwrap();
        let missing = |error| matches!(error, JournalError::MissingSegment { expected, .. } if expected == first);
        assert!(missing(sample.error()));
        // Also by who does not start at position 1, but within or before the missing segment.
        assert!(missing(sample.journal().reader_at(first + 2).unwrap_err()));
        assert!(missing(sample.journal().reader_after(sample.anchors[index * 3]).unwrap_err()));
    }
}

#[test]
fn a_missing_last_segment_is_found_with_an_anchor_only() {
    let sample = Sample::new();
    fs::remove_file(&segments(sample.path())[2]).unwrap();
    assert_eq!(sample.journal().verify(None).unwrap().end, sample.anchors[5]);
    assert!(matches!(
        sample.journal().verify(Some(sample.end())).unwrap_err(),
        JournalError::Shortened { expected: 18, last: 12, .. }
    ));
    let expecting = journal::WriterOptions { expect_at_least: Some(sample.end()), ..options(THREE_FRAMES) };
    assert!(matches!(sample.journal().writer(expecting).unwrap_err(), JournalError::Shortened { .. }));
}

#[test]
fn a_lost_journal_is_not_replaced_by_a_new_one_when_an_anchor_is_expected() {
    let sample = Sample::new();
    for file in segments(sample.path()) {
        fs::remove_file(file).unwrap();
    }
    let expecting = journal::WriterOptions { expect_at_least: Some(sample.end()), ..options(THREE_FRAMES) };
    assert!(matches!(sample.journal().writer(expecting).unwrap_err(), JournalError::NoJournal { .. }));
    assert!(segments(sample.path()).is_empty());
}

#[test]
fn swapped_segments_are_found() {
    let sample = Sample::new();
    let [_, second, third] = segments(sample.path()).try_into().unwrap();
    let spare = sample.path().join("spare");
    fs::rename(&second, &spare).unwrap();
    fs::rename(&third, &second).unwrap();
    fs::rename(&spare, &third).unwrap();
    assert_eq!(sample.damage(), Damage::SegmentName);
}

#[test]
fn renamed_and_extra_files_are_found() {
    let names = ["00000000000000000014.journal", "00000000000000000013.journak", "13.journal", "13", "notes.txt"];
    for name in names {
        let sample = Sample::new();
        fs::rename(segment_path(sample.path(), 13), sample.path().join(name)).unwrap();
        let in_form = name == "00000000000000000014.journal";
        assert_eq!(matches!(sample.error(), JournalError::UnexpectedFile { .. }), !in_form, "{name}");
    }
    // A copy under a name that fits nowhere, before the start, within and after the end; and an empty file.
    for first in [0, 2, 8, 16, 19, 99] {
        let sample = Sample::new();
        fs::copy(segment_path(sample.path(), 13), segment_path(sample.path(), first)).unwrap();
        sample.error();
        fs::write(segment_path(sample.path(), first), b"").unwrap();
        match sample.journal().verify(None) {
            // Just what a crash leaves that interrupts the creation of the next segment.
            Ok(verified) => assert!(first == 19 && verified.unfinished.is_some()),
            Err(_) => assert_ne!(first, 19),
        }
    }
}

#[test]
fn a_segment_of_another_journal_is_found() {
    let sample = Sample::new();
    let other = tempdir().unwrap();
    let id = journal::JournalId::from_bytes([9; 16]);
    let (mut writer, _) =
        Journal::new(other.path()).writer(journal::WriterOptions { id_if_new: id, ..options(THREE_FRAMES) }).unwrap();
    for n in 0..9u8 {
        append(&mut writer, u32::from(n % 3) + 1, &[n + 1; 32]).unwrap();
    }
    for first in [1, 7, 13] {
        let intact = fs::read(segment_path(sample.path(), first)).unwrap();
        fs::copy(segment_path(other.path(), first), segment_path(sample.path(), first)).unwrap();
        assert!(matches!(sample.damage(), Damage::JournalId));
        fs::write(segment_path(sample.path(), first), intact).unwrap();
    }
}

#[test]
fn repeated_removed_and_reordered_frames_are_found() {
    type Edit = fn(&[u8], &[u8], &[u8]) -> Vec<u8>;
    let edits: [Edit; 5] = [
        |a, b, c| [a, a, b, c].concat(),
        |a, b, c| [a, b, c, c].concat(),
        |_, b, c| [b, c].concat(),
        |a, _, c| [a, c].concat(),
        |a, b, c| [a, c, b].concat(),
    ];
    for first in [1, 7, 13] {
        for edit in edits {
            let sample = Sample::new();
            let file = segment_path(sample.path(), first);
            let bytes = fs::read(&file).unwrap();
            let (header, frames) = bytes.split_at(SECTOR);
            let edited = edit(&frames[..FRAME], &frames[FRAME..2 * FRAME], &frames[2 * FRAME..]);
            fs::write(&file, [header, &edited].concat()).unwrap();
            assert_eq!(sample.damage(), Damage::BrokenChain);
        }
    }
}

/// Somebody who knows the format changes a payload and makes all checksums of that frame right.
#[test]
fn a_forged_frame_is_found_by_the_one_after_it() {
    for (first, frame, found_in, found_at) in [(1, 0, 1, SECTOR + FRAME), (1, 2, 7, 0), (7, 1, 7, SECTOR + 2 * FRAME)] {
        let sample = Sample::new();
        let file = segment_path(sample.path(), first);
        let mut bytes = fs::read(&file).unwrap();
        let forged = &mut bytes[SECTOR + frame * FRAME..SECTOR + (frame + 1) * FRAME];
        forged[100] ^= 1;
        let hash = Sha256::digest([&forged[..56], &forged[96..96 + 32]].concat());
        forged[56..88].copy_from_slice(&hash);
        let checksum = Sha256::digest(&forged[..88]);
        forged[88..96].copy_from_slice(&checksum[..8]);
        fs::write(&file, bytes).unwrap();
        let JournalError::Damaged { file, offset, damage: Damage::BrokenChain, .. } = sample.error() else {
            panic!("{}", sample.error());
        };
        assert_eq!((file, offset), (segment_path(sample.path(), found_in), found_at as u64));
    }
}

#[test]
fn a_first_segment_with_another_id_is_found_by_its_genesis() {
    let sample = Sample::new();
    for file in &segments(sample.path())[1..] {
        fs::remove_file(file).unwrap();
    }
    let file = segment_path(sample.path(), 1);
    let mut bytes = fs::read(&file).unwrap();
    bytes[16] ^= 1;
    let checksum = Sha256::digest(&bytes[..64]);
    bytes[64..96].copy_from_slice(&checksum);
    fs::write(&file, bytes).unwrap();
    assert_eq!(sample.damage(), Damage::BrokenChain);
}

#[test]
fn only_the_very_last_write_can_be_unfinished() {
    let sample = Sample::new();
    fs::write(segment_path(sample.path(), 17), b"").unwrap();
    let file = segment_path(sample.path(), 13);
    let intact = fs::read(&file).unwrap();
    fs::write(&file, &intact[..intact.len() - 1]).unwrap();
    assert_eq!(sample.damage(), Damage::EndsEarly);
}

#[test]
fn an_unfinished_segment_alone_is_no_journal_to_continue() {
    let folder = tempdir().unwrap();
    fs::write(segment_path(folder.path(), 7), b"").unwrap();
    let error = Journal::new(folder.path()).writer(options(THREE_FRAMES)).unwrap_err();
    assert!(matches!(error, JournalError::MissingSegment { expected: 1, found: 7, .. }), "{error}");
    assert_eq!(segments(folder.path()).len(), 1);
}

#[test]
fn truncation_of_an_inner_segment_is_found_at_every_length() {
    let sample = Sample::new();
    for file in &segments(sample.path())[..2] {
        let intact = fs::read(file).unwrap();
        for length in 0..intact.len() {
            fs::write(file, &intact[..length]).unwrap();
            sample.error();
        }
        fs::write(file, intact).unwrap();
    }
}

#[test]
fn truncation_of_the_last_segment_is_a_note_within_a_frame_and_needs_an_anchor_between_frames() {
    let sample = Sample::new();
    let file = segment_path(sample.path(), 13);
    let intact = fs::read(&file).unwrap();
    for length in 0..intact.len() {
        fs::write(&file, &intact[..length]).unwrap();
        let verified = sample.journal().verify(None).unwrap();
        let frames_left = length.saturating_sub(SECTOR) / FRAME;
        assert_eq!(verified.end, sample.anchors[5 + frames_left], "length {length}");
        let cut_within = length < SECTOR || !(length - SECTOR).is_multiple_of(FRAME);
        assert_eq!(verified.unfinished.is_some(), cut_within, "length {length}");
        let error = sample.journal().verify(Some(sample.end())).unwrap_err();
        assert!(matches!(error, JournalError::Shortened { expected: 18, .. }));
    }
}

#[test]
fn bytes_after_the_end_are_a_note_only_if_a_crash_could_have_left_them() {
    let sample = Sample::new();
    let file = segment_path(sample.path(), 13);
    let intact = fs::read(&file).unwrap();
    // Beyond an unwritten sector, more sectors of the same write may be there. One that was written and is no frame's
    // begin is nothing that a crash leaves.
    for (tail, acceptable) in
        [(vec![0; 5000], true), (vec![7; 511], true), (vec![7; 512], false), ([vec![0; 5000], vec![1]].concat(), true)]
    {
        fs::write(&file, [intact.clone(), tail].concat()).unwrap();
        match sample.journal().verify(None) {
            Ok(verified) => assert!(acceptable && verified.end == sample.end()),
            Err(error) => assert!(!acceptable && matches!(error, JournalError::Damaged { .. }), "{error}"),
        }
    }
}

/// Sets the version field at `header` and makes the checksum right, as a newer release would.
fn set_version(file: &Path, header: usize, checksum: std::ops::Range<usize>) {
    let mut bytes = fs::read(file).unwrap();
    let header = &mut bytes[header..header + 96];
    header[4..8].copy_from_slice(&3u32.to_le_bytes());
    let digest = Sha256::digest(&header[..checksum.start]);
    header[checksum.clone()].copy_from_slice(&digest[..checksum.len()]);
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_newer_version_is_told_from_damage() {
    for (header, checksum) in [(0, 64..96), (SECTOR + FRAME, 88..96)] {
        let sample = Sample::new();
        set_version(&segment_path(sample.path(), 13), header, checksum);
        for error in [sample.error(), sample.journal().writer(options(THREE_FRAMES)).unwrap_err()] {
            assert!(matches!(error, JournalError::NewerVersion { found: 3, supported: 2, .. }));
            assert!(error.to_string().contains("newer release"), "{error}");
        }
    }
}

/// A valid checksum does not make fields valid.
#[test]
fn fields_that_no_writer_writes_are_found() {
    let edits: [(usize, &[u8]); 5] =
        [(0, b"TJFX"), (4, &[0; 4]), (8, &u32::MAX.to_le_bytes()), (12, &[0; 4]), (16, &[0xff; 8])];
    for (field, value) in edits {
        let sample = Sample::new();
        let file = segment_path(sample.path(), 13);
        let mut bytes = fs::read(&file).unwrap();
        let header = &mut bytes[SECTOR..SECTOR + 96];
        header[field..field + value.len()].copy_from_slice(value);
        let digest = Sha256::digest(&header[..88]);
        header[88..].copy_from_slice(&digest[..8]);
        fs::write(&file, bytes).unwrap();
        let expected = if field == 16 { Damage::BrokenChain } else { Damage::HeaderFields };
        assert_eq!(sample.damage(), expected, "field {field}");
    }
}
