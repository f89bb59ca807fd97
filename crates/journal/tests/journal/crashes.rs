//! Crashes: whatever prefix of the last, never acknowledged write is on disk, every acknowledged frame is there.

use std::fs::{self, OpenOptions};

use journal::{Anchor, Damage, Journal, JournalError};
use proptest::prelude::*;
use tempfile::tempdir;

use crate::support::*;

const FRAME: u64 = SECTOR as u64;

fn set_length(path: &std::path::Path, length: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

#[test]
fn any_prefix_of_the_last_write_is_cut_off_and_the_journal_continues() {
    let folder = tempdir().unwrap();
    let anchors = write_three_segments(folder.path());
    let journal = FailingDisk::default().journal(folder.path());
    let file = segment_path(folder.path(), 13);
    let intact = fs::read(&file).unwrap();
    let synced = intact.len() as u64 - FRAME;
    let lengths = (0..8).chain((8..FRAME).step_by(60)).chain([95, 96, 97, 127, 128, 129, 509, 510, 511]);
    for (kept, zeros) in lengths.flat_map(|kept| [(kept, 0), (kept, 1), (kept, 4096)]) {
        let length = synced + kept;
        fs::write(&file, &intact[..usize::try_from(length).unwrap()]).unwrap();
        set_length(&file, length + zeros);
        // What a write left ends with its last byte that is not zero: the rest looks like reserved space.
        let torn = intact[usize::try_from(synced).unwrap()..usize::try_from(length).unwrap()]
            .iter()
            .rposition(|&byte| byte != 0)
            .map_or(0, |last| last as u64 + 1);
        let unfinished = journal.verify(None).unwrap().unfinished;
        assert_eq!(unfinished.as_ref().map_or(0, |unfinished| unfinished.bytes), torn, "{kept} bytes kept");

        let (mut writer, tail) = journal.writer(options(1 << 20)).unwrap();
        assert_eq!((tail.end, &tail.removed), (anchors[7], &unfinished));
        assert!(tail.removed.is_none_or(|removed| removed.file == file && removed.offset == synced));
        assert_eq!(fs::metadata(&file).unwrap().len(), synced);

        let next = append(&mut writer, 1, b"next").unwrap();
        assert_eq!(next.first_position, anchors[7].position + 1);
        assert_eq!(journal.verify(Some(anchors[7])).unwrap().frames, 9);
    }
}

/// The blocks of one write reach the disk in any order. What is missing was never acknowledged; what is there was not
/// either.
#[test]
fn any_sectors_of_the_last_write_may_be_missing() {
    let folder = tempdir().unwrap();
    let journal = FailingDisk::default().journal(folder.path());
    let (mut writer, _) = journal.writer(options(1 << 20)).unwrap();
    let before = append(&mut writer, 1, b"before").unwrap().anchor();
    append(&mut writer, 3, &[7; 2500]).unwrap();
    drop(writer);
    let file = segment_path(folder.path(), 1);
    let intact = fs::read(&file).unwrap();
    let sectors = intact.len() / SECTOR - 2;
    assert_eq!(sectors, 6);
    for missing in 1..1 << sectors {
        let mut torn = intact.clone();
        for sector in (0..sectors).filter(|sector| missing >> sector & 1 == 1) {
            torn[(2 + sector) * SECTOR..(3 + sector) * SECTOR].fill(0);
        }
        fs::write(&file, torn).unwrap();
        assert_eq!(journal.verify(Some(before)).unwrap().end, before, "missing {missing:b}");
        assert_eq!(drain(journal.reader_at(2).unwrap()).unwrap(), [], "missing {missing:b}");
        let (mut writer, tail) = journal.writer(options(1 << 20)).unwrap();
        assert_eq!((tail.end, tail.removed.is_some()), (before, missing != (1 << sectors) - 1));
        append(&mut writer, 1, b"after").unwrap();
        assert_eq!(read_all(&journal).len(), 2);
    }
}

/// A sector that was acknowledged and later lost is no unfinished write: more was written after it.
#[test]
fn a_lost_sector_with_frames_after_it_is_damage() {
    for (sector, damage) in [(1, Damage::Unwritten), (2, Damage::Unwritten), (3, Damage::Unwritten)] {
        let folder = tempdir().unwrap();
        let journal = FailingDisk::default().journal(folder.path());
        let (mut writer, _) = journal.writer(options(1 << 20)).unwrap();
        append(&mut writer, 1, &[1; 1000]).unwrap();
        append(&mut writer, 1, &[2; 1000]).unwrap();
        drop(writer);
        let file = segment_path(folder.path(), 1);
        let mut bytes = fs::read(&file).unwrap();
        bytes[sector * SECTOR..(sector + 1) * SECTOR].fill(0);
        fs::write(&file, &bytes).unwrap();
        for error in [journal.verify(None).unwrap_err(), journal.writer(options(1 << 20)).unwrap_err()] {
            assert!(matches!(error, JournalError::Damaged { damage: found, .. } if found == damage), "{error}");
        }
        assert_eq!(fs::read(&file).unwrap(), bytes, "nothing was changed");
    }
}

#[test]
fn a_segment_whose_creation_was_interrupted_is_removed_and_the_journal_continues() {
    for length in [0, 1, 95, 96, 97, 300, 511] {
        let folder = tempdir().unwrap();
        let anchors = write_three_segments(folder.path());
        let journal = Journal::new(folder.path());
        let file = segment_path(folder.path(), 19);
        fs::write(&file, &fs::read(segment_path(folder.path(), 13)).unwrap()[..length]).unwrap();
        assert_eq!(journal.verify(Some(anchors[8])).unwrap().unfinished.unwrap().file, file);

        let (mut writer, tail) = journal.writer(options(THREE_FRAMES)).unwrap();
        assert_eq!(tail.end, anchors[8]);
        assert_eq!(tail.removed.unwrap().bytes, length as u64);
        append(&mut writer, 1, b"next").unwrap();
        assert!(file.exists(), "the next frame begins the segment again");
        assert_eq!(journal.verify(Some(anchors[8])).unwrap().frames, 10);
    }
}

#[test]
fn a_journal_whose_creation_was_interrupted_is_created_again() {
    let folder = tempdir().unwrap();
    let journal = Journal::new(folder.path());
    for length in [0, 96, 300, 512, 1 << 20] {
        fs::write(segment_path(folder.path(), 1), vec![0; length]).unwrap();
        let (mut writer, tail) = open(&journal);
        assert!(tail.created && tail.removed.is_some());
        append(&mut writer, 1, b"one").unwrap();
        assert_eq!(read_all(&journal).len(), 1);
    }
}

#[derive(Clone, Debug)]
enum Step {
    Append {
        count: u32,
        bytes: usize,
    },
    Reopen,
    /// Dies within an append: the disk has `kept` of 1000 parts of what was being written.
    Crash {
        count: u32,
        bytes: usize,
        kept: u64,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let bytes = prop_oneof![0..200usize, 0..5000usize];
    let step = prop_oneof![
        6 => (1..5u32, bytes.clone()).prop_map(|(count, bytes)| Step::Append { count, bytes }),
        1 => Just(Step::Reopen),
        3 => (1..5u32, bytes, 0..=1000u64).prop_map(|(count, bytes, kept)| Step::Crash { count, bytes, kept }),
    ];
    proptest::collection::vec(step, 1..40)
}

/// All bytes of the journal, seen as one row over its segments, cut so that only `length` of them are left.
fn keep_bytes(directory: &std::path::Path, length: u64) {
    let mut left = length;
    for path in segments(directory) {
        let size = fs::metadata(&path).unwrap().len();
        set_length(&path, size.min(left));
        left = left.saturating_sub(size);
    }
}

fn total_bytes(directory: &std::path::Path) -> u64 {
    segments(directory).iter().map(|path| fs::metadata(path).unwrap().len()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn exactly_what_was_acknowledged_is_read(steps in steps(), segment_bytes in 600..20_000u64) {
        let folder = tempdir().unwrap();
        let directory = folder.path();
        let journal = FailingDisk::default().journal(directory);
        let mut writer = Some(journal.writer(options(segment_bytes)).unwrap().0);
        let mut expected: Vec<OwnedFrame> = Vec::new();
        let mut anchor = Anchor { position: 0, hash: ID.genesis() };

        for (index, step) in steps.into_iter().enumerate() {
            let fill = u8::try_from(index + 1).unwrap();
            let mut open_writer = writer.take().unwrap();
            match step {
                Step::Append { count, bytes } => {
                    let appended = append(&mut open_writer, count, &vec![fill; bytes]).unwrap();
                    prop_assert_eq!(appended.first_position, anchor.position + 1);
                    expected.push((appended.first_position, count, vec![fill; bytes]));
                    anchor = appended.anchor();
                    writer = Some(open_writer);
                    continue;
                }
                Step::Reopen => drop(open_writer),
                Step::Crash { count, bytes, kept } => {
                    drop(open_writer);
                    let before = total_bytes(directory);
                    let (mut open_writer, _) = journal.writer(options(segment_bytes)).unwrap();
                    let lost = append(&mut open_writer, count, &vec![fill; bytes]).unwrap();
                    drop(open_writer);
                    let written = total_bytes(directory) - before;
                    keep_bytes(directory, before + written * kept / 1000);
                    if kept == 1000 {
                        expected.push((lost.first_position, count, vec![fill; bytes]));
                        anchor = lost.anchor();
                    }
                }
            }
            let expecting = journal::WriterOptions { expect_at_least: Some(anchor), ..options(segment_bytes) };
            let (reopened, tail) = journal.writer(expecting).unwrap();
            prop_assert_eq!(tail.end, anchor);
            writer = Some(reopened);
        }
        prop_assert_eq!(read_all(&journal), expected);
        prop_assert_eq!(journal.verify(Some(anchor)).unwrap().end, anchor);
    }
}
