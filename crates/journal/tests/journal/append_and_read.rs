//! What is appended is what is read, from any position, over segments and reopenings.

use journal::{Anchor, FrameBuffer, FrameHash, Journal, JournalError, MAX_PAYLOAD_BYTES};
use tempfile::tempdir;

use crate::support::*;

#[test]
fn an_empty_directory_becomes_a_journal_and_continues_after_reopening() {
    let folder = tempdir().unwrap();
    let journal = Journal::new(folder.path().join("journal"));
    assert!(matches!(journal.reader().unwrap_err(), JournalError::NoJournal { .. }));

    let (mut writer, tail) = open(&journal);
    assert!(tail.created);
    assert_eq!(tail.end, Anchor { position: 0, hash: ID.genesis() });
    let first = append(&mut writer, 3, b"abc").unwrap();
    assert_eq!((first.first_position, first.last_position), (1, 3));
    let second = append(&mut writer, 1, b"").unwrap();
    assert_eq!((second.first_position, second.last_position), (4, 4));
    drop(writer);

    let (mut writer, tail) = open(&journal);
    assert!(!tail.created);
    assert_eq!((tail.journal_id, tail.end, tail.removed), (ID, second.anchor(), None));
    append(&mut writer, 2, b"de").unwrap();
    assert_eq!(read_all(&journal), [(1, 3, b"abc".to_vec()), (4, 1, vec![]), (5, 2, b"de".to_vec())]);

    let verified = journal.verify(Some(second.anchor())).unwrap();
    assert_eq!((verified.frames, verified.segments, verified.payload_bytes), (3, 1, 5));
    assert_eq!((verified.journal_id, verified.end, verified.unfinished), (ID, writer.end(), None));
}

#[test]
fn a_reader_starts_at_the_frame_that_holds_a_position() {
    let folder = tempdir().unwrap();
    write_three_segments(folder.path());
    let journal = Journal::new(folder.path());
    let all = read_all(&journal);
    let last = 18;
    for position in 0..=last + 1 {
        let expected: Vec<_> =
            all.iter().filter(|(first, count, _)| first + u64::from(*count) > position).cloned().collect();
        assert_eq!(drain(journal.reader_at(position).unwrap()).unwrap(), expected, "from {position}");
    }
    let error = journal.reader_at(last + 2).unwrap_err();
    assert!(matches!(error, JournalError::Shortened { expected: 20, last: 18, .. }), "{error}");
}

#[test]
fn a_reader_starts_after_an_anchor_and_only_after_that_one() {
    let folder = tempdir().unwrap();
    let anchors = write_three_segments(folder.path());
    let journal = Journal::new(folder.path());
    let all = read_all(&journal);
    assert_eq!(drain(journal.reader_after(Anchor { position: 0, hash: ID.genesis() }).unwrap()).unwrap(), all);
    for (index, &anchor) in anchors.iter().enumerate() {
        assert_eq!(drain(journal.reader_after(anchor).unwrap()).unwrap(), all[index + 1..]);
        let inside = Anchor { position: anchor.position - 1, ..anchor };
        let other = Anchor { hash: FrameHash::from_bytes([7; 32]), ..anchor };
        for wrong in [inside, other] {
            assert!(matches!(journal.reader_after(wrong).unwrap_err(), JournalError::Forked { .. }));
            assert!(matches!(journal.verify(Some(wrong)).unwrap_err(), JournalError::Forked { .. }));
        }
    }
    let beyond = Anchor { position: 19, hash: anchors[8].hash };
    assert!(matches!(journal.reader_after(beyond).unwrap_err(), JournalError::Shortened { .. }));
    assert!(matches!(journal.verify(Some(beyond)).unwrap_err(), JournalError::Shortened { .. }));
}

#[test]
fn segments_are_named_by_their_first_position_and_a_large_frame_gets_its_own() {
    let folder = tempdir().unwrap();
    let journal = Journal::new(folder.path());
    let (mut writer, _) = journal.writer(options(1100)).unwrap();
    for payload in [10, 1000, 10, 10] {
        append(&mut writer, 2, &vec![1; payload]).unwrap();
    }
    let expected: Vec<_> = [1, 3, 5, 7].map(|first| segment_path(folder.path(), first)).to_vec();
    // 512 + 512 leaves no room for another 512 below 1100; the large frame never had any.
    assert_eq!(segments(folder.path()), expected);
    assert_eq!(read_all(&journal).len(), 4);
}

#[test]
fn a_second_writer_is_refused_until_the_first_is_gone() {
    let folder = tempdir().unwrap();
    let journal = Journal::new(folder.path());
    let (first, _) = open(&journal);
    let error = journal.writer(options(1000)).unwrap_err();
    assert!(matches!(error, JournalError::Locked { .. }));
    assert!(error.to_string().contains("another process"), "{error}");
    drop(first);
    open(&journal);
}

#[test]
fn a_reader_works_beside_a_writer() {
    let folder = tempdir().unwrap();
    let journal = Journal::new(folder.path());
    let (mut writer, _) = open(&journal);
    for n in 1..=5 {
        append(&mut writer, 1, &[n; 100]).unwrap();
        assert_eq!(read_all(&journal).len(), usize::from(n));
    }
}

#[test]
fn a_payload_that_is_too_large_is_refused_without_harm() {
    let folder = tempdir().unwrap();
    let journal = Journal::new(folder.path());
    let (mut writer, _) = open(&journal);
    let error = append(&mut writer, 1, &vec![0; MAX_PAYLOAD_BYTES + 1]).unwrap_err();
    assert!(matches!(error, JournalError::PayloadTooLarge { bytes } if bytes == MAX_PAYLOAD_BYTES + 1));
    append(&mut writer, 1, &vec![1; MAX_PAYLOAD_BYTES]).unwrap();
    assert_eq!(read_all(&journal).len(), 1);
}

#[test]
fn a_frame_buffer_is_reused_and_shows_no_payload() {
    use std::io::Write as _;
    let mut buffer = FrameBuffer::new();
    buffer.extend(*b"ab");
    buffer.write_all(b"cd").unwrap();
    assert_eq!((buffer.payload(), buffer.len()), (b"abcd".as_slice(), 4));
    assert_eq!(format!("{buffer:?}"), "FrameBuffer { len: 4, .. }");
    buffer.clear();
    assert!(buffer.is_empty());
}
