//! Failing disks: what the writer says, that it stays refused, and that nothing acknowledged is lost.

use journal::{Journal, JournalError};
use tempfile::tempdir;

use crate::support::*;

const EIO: i32 = 5;
const ENOSPC: i32 = 28;

/// Appends two frames, then one that meets `fault`. Returns the error's text.
fn fails_and_stays_failed(fault: Fault, segment_bytes: u64) -> String {
    let folder = tempdir().unwrap();
    let disk = FailingDisk::default();
    let journal = disk.journal(folder.path());
    let (mut writer, _) = journal.writer(options(segment_bytes)).unwrap();
    let before = [append(&mut writer, 1, b"one").unwrap(), append(&mut writer, 2, b"two").unwrap()];

    disk.fail_next(fault);
    let error = append(&mut writer, 1, &[3; 200]).unwrap_err();
    assert!(matches!(error, JournalError::Io { .. }), "{fault:?}: {error}");
    disk.take_log();
    for _ in 0..3 {
        // The disk works again, the writer does not: it cannot know what is down there.
        let again = append(&mut writer, 1, b"four").unwrap_err();
        assert_eq!(again.to_string(), error.to_string());
    }
    assert!(disk.take_log().is_empty(), "a failed writer touches nothing");
    assert_eq!(writer.end(), before[1].anchor());
    drop(writer);

    let (mut writer, tail) = journal.writer(options(segment_bytes)).unwrap();
    let survived = tail.end != before[1].anchor();
    assert_eq!(survived, matches!(fault, Fault::SyncError(_)) && segment_bytes > 1000, "{fault:?}");
    append(&mut writer, 1, b"five").unwrap();
    let frames = read_all(&journal);
    assert_eq!(frames[..2], [(1, 1, b"one".to_vec()), (2, 2, b"two".to_vec())]);
    assert_eq!(frames.last().unwrap().2, b"five");
    assert_eq!(frames.len(), 3 + usize::from(survived));
    journal.verify(Some(writer.end())).unwrap();
    error.to_string()
}

#[test]
fn a_failed_write_or_sync_ends_the_writer_and_loses_nothing() {
    let large = 1 << 20;
    for bytes in [1, 95, 96, 97, 295] {
        let message = fails_and_stays_failed(Fault::ShortWriteThenError(bytes, ENOSPC), large);
        assert!(message.contains("cannot write") && message.contains("free space"), "{message}");
    }
    fails_and_stays_failed(Fault::ShortWrite(0), large);
    fails_and_stays_failed(Fault::WriteError(ENOSPC), large);
    fails_and_stays_failed(Fault::WriteError(EIO), large);
    assert!(fails_and_stays_failed(Fault::SyncError(EIO), large).contains("cannot sync"));
}

#[test]
fn a_fault_while_beginning_a_segment_ends_the_writer_and_loses_nothing() {
    let small = 320;
    for bytes in [1, 50, 95] {
        fails_and_stays_failed(Fault::ShortWriteThenError(bytes, ENOSPC), small);
    }
    fails_and_stays_failed(Fault::WriteError(EIO), small);
    fails_and_stays_failed(Fault::SyncError(EIO), small);
    fails_and_stays_failed(Fault::CreateError(ENOSPC), small);
    fails_and_stays_failed(Fault::DirectorySyncError(EIO), small);
}

#[test]
fn a_short_write_is_continued() {
    let folder = tempdir().unwrap();
    let disk = FailingDisk::default();
    let journal = disk.journal(folder.path());
    let (mut writer, _) = journal.writer(options(1 << 20)).unwrap();
    for bytes in [1, 95, 96, 100] {
        disk.fail_next(Fault::ShortWrite(bytes));
        append(&mut writer, 1, b"whole").unwrap();
    }
    assert_eq!(read_all(&journal).len(), 4);
}

#[test]
fn an_append_is_one_write_and_one_sync_and_a_new_segment_is_durable_before_its_first_frame() {
    let folder = tempdir().unwrap();
    let disk = FailingDisk::default();
    let journal = disk.journal(folder.path());
    let (mut writer, _) = journal.writer(options(300)).unwrap();
    assert_eq!(disk.take_log(), ["create", "write 96 at 0", "sync", "sync directory"]);
    append(&mut writer, 1, &[1; 100]).unwrap();
    assert_eq!(disk.take_log(), ["write 196 at 96", "sync"]);
    append(&mut writer, 1, &[1; 100]).unwrap();
    let expected = ["create", "write 96 at 0", "sync", "sync directory", "write 196 at 96", "sync"];
    assert_eq!(disk.take_log(), expected);
}

/// After a failed sync the kernel may call a page clean that the disk never got. Whoever takes over must write the
/// last frame again before building on it, and so must not trust a sync alone.
#[test]
fn opening_writes_the_last_frame_once_more() {
    let folder = tempdir().unwrap();
    let disk = FailingDisk::default();
    let journal = disk.journal(folder.path());
    let (mut writer, _) = journal.writer(options(1 << 20)).unwrap();
    drop(writer);
    disk.take_log();
    (writer, _) = journal.writer(options(1 << 20)).unwrap();
    assert_eq!(disk.take_log(), ["write 96 at 0", "sync", "sync directory"]);
    append(&mut writer, 1, b"first").unwrap();
    append(&mut writer, 1, b"second").unwrap();
    drop(writer);
    disk.take_log();

    let files = segments(folder.path());
    let before = std::fs::read(&files[0]).unwrap();
    let (mut writer, _) = journal.writer(options(1 << 20)).unwrap();
    assert_eq!(disk.take_log(), ["write 102 at 197", "sync", "sync directory"]);
    assert_eq!(std::fs::read(&files[0]).unwrap(), before);

    disk.fail_next(Fault::SyncError(EIO));
    append(&mut writer, 1, b"third").unwrap_err();
    drop(writer);
    disk.fail_next(Fault::SyncError(EIO));
    let error = journal.writer(options(1 << 20)).unwrap_err();
    assert!(matches!(error, JournalError::Io { action: "sync", .. }), "{error}");
}

#[test]
fn a_fault_while_creating_the_journal_leaves_something_that_opens() {
    let faults = [
        Fault::CreateError(ENOSPC),
        Fault::ShortWriteThenError(10, ENOSPC),
        Fault::WriteError(EIO),
        Fault::SyncError(EIO),
        Fault::DirectorySyncError(EIO),
    ];
    for fault in faults {
        let folder = tempdir().unwrap();
        let disk = FailingDisk::default();
        disk.fail_next(fault);
        let journal = disk.journal(folder.path());
        assert!(matches!(journal.writer(options(1000)).unwrap_err(), JournalError::Io { .. }));
        let (mut writer, _) = journal.writer(options(1000)).unwrap();
        append(&mut writer, 1, b"fine").unwrap();
        assert_eq!(read_all(&journal).len(), 1, "{fault:?}");
    }
}

#[test]
fn a_directory_that_cannot_be_made_is_an_error_that_names_it() {
    let folder = tempdir().unwrap();
    let journal = Journal::new(folder.path().join("missing").join("journal"));
    let message = journal.writer(options(1000)).unwrap_err().to_string();
    assert!(message.contains("cannot create") && message.contains("missing"), "{message}");
}
