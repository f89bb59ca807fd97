//! Crashes: whatever prefix of the last, never acknowledged write is on disk, every acknowledged frame is there.

use std::fs::{self, OpenOptions};

use journal::{Anchor, Journal};
use proptest::prelude::*;
use tempfile::tempdir;

use crate::support::*;

const FRAME: u64 = 96 + 32;

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
    for zeros in [0, 1, 4096] {
        for length in synced..intact.len() as u64 {
            // Zero bytes follow only a boundary: that is what a file system leaves that has the length but no data.
            let zeros = if length == synced { zeros } else { 0 };
            fs::write(&file, &intact[..usize::try_from(length).unwrap()]).unwrap();
            set_length(&file, length + zeros);

            let (mut writer, tail) = journal.writer(options(1 << 20)).unwrap();
            assert_eq!(tail.end, anchors[7]);
            let torn = length + zeros - synced;
            assert_eq!(tail.removed.as_ref().map_or(0, |removed| removed.bytes), torn);
            assert!(tail.removed.is_none_or(|removed| removed.file == file && removed.offset == synced));
            assert_eq!(fs::metadata(&file).unwrap().len(), synced);

            let next = append(&mut writer, 1, b"next").unwrap();
            assert_eq!(next.first_position, anchors[7].position + 1);
            assert_eq!(journal.verify(Some(anchors[7])).unwrap().frames, 9);
        }
    }
}

#[test]
fn a_segment_whose_creation_was_interrupted_is_removed_and_the_journal_continues() {
    for length in [0, 1, 95] {
        let folder = tempdir().unwrap();
        let anchors = write_three_segments(folder.path());
        let journal = Journal::new(folder.path());
        let file = segment_path(folder.path(), 19);
        fs::write(&file, &fs::read(segment_path(folder.path(), 13)).unwrap()[..length]).unwrap();
        assert_eq!(journal.verify(Some(anchors[8])).unwrap().unfinished.unwrap().file, file);

        let (mut writer, tail) = journal.writer(options(480)).unwrap();
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
    fs::write(segment_path(folder.path(), 1), [0; 96]).unwrap();
    let (mut writer, tail) = open(&journal);
    assert!(tail.created && tail.removed.is_some());
    append(&mut writer, 1, b"one").unwrap();
    assert_eq!(read_all(&journal).len(), 1);
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
    fn exactly_what_was_acknowledged_is_read(steps in steps(), segment_bytes in 200..6000u64) {
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
                    let before = total_bytes(directory);
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
