//! Failing disks: what the writer says, that it stays refused, and that nothing acknowledged is lost.

use journal::{Journal, JournalError};
use tempfile::tempdir;

use crate::support::*;

const EIO: i32 = 5;
const EFBIG: i32 = 27;
const ENOSPC: i32 = 28;
const EOPNOTSUPP: i32 = 95;
const EDQUOT: i32 = 122;
const FULL: [i32; 3] = [ENOSPC, EDQUOT, EFBIG];

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
        assert_eq!(writer.make_room(1).unwrap_err().to_string(), error.to_string());
    }
    assert_eq!(writer.end(), before[1].anchor());
    drop(writer);
    assert!(disk.take_log().is_empty(), "a failed writer touches nothing");

    let (mut writer, tail) = journal.writer(options(segment_bytes)).unwrap();
    let survived = tail.end != before[1].anchor();
    assert_eq!(survived, matches!(fault, Fault::SyncError(_)) && segment_bytes > SMALL, "{fault:?}");
    append(&mut writer, 1, b"five").unwrap();
    let frames = read_all(&journal);
    assert_eq!(frames[..2], [(1, 1, b"one".to_vec()), (2, 2, b"two".to_vec())]);
    assert_eq!(frames.last().unwrap().2, b"five");
    assert_eq!(frames.len(), 3 + usize::from(survived));
    journal.verify(Some(writer.end())).unwrap();
    error.to_string()
}

/// A segment of this size has room for two frames.
const SMALL: u64 = 3 * SECTOR as u64;
const LARGE: u64 = 1 << 20;

#[test]
fn a_failed_write_or_sync_ends_the_writer_and_loses_nothing() {
    for bytes in [1, 95, 96, 97, 295, 511] {
        let message = fails_and_stays_failed(Fault::ShortWriteThenError(bytes, EIO), LARGE);
        assert!(message.contains("cannot write"), "{message}");
    }
    fails_and_stays_failed(Fault::ShortWrite(0), LARGE);
    fails_and_stays_failed(Fault::WriteError(EIO), LARGE);
    assert!(fails_and_stays_failed(Fault::SyncError(EIO), LARGE).contains("cannot sync"));
}

/// What the disk holds after a sync that failed is unknown, whatever it failed for.
#[test]
fn a_sync_that_fails_for_want_of_room_ends_the_writer_too() {
    for full in FULL {
        fails_and_stays_failed(Fault::SyncError(full), LARGE);
        fails_and_stays_failed(Fault::SyncError(full), SMALL);
        fails_and_stays_failed(Fault::DirectorySyncError(full), SMALL);
    }
}

#[test]
fn a_fault_while_beginning_a_segment_ends_the_writer_and_loses_nothing() {
    for bytes in [1, 50, 95, 96, 511] {
        fails_and_stays_failed(Fault::ShortWriteThenError(bytes, EIO), SMALL);
    }
    fails_and_stays_failed(Fault::WriteError(EIO), SMALL);
    fails_and_stays_failed(Fault::SyncError(EIO), SMALL);
    fails_and_stays_failed(Fault::CreateError(EIO), SMALL);
    fails_and_stays_failed(Fault::ReserveError(EIO), SMALL);
    fails_and_stays_failed(Fault::DirectorySyncError(EIO), SMALL);
}

/// Whatever says that there is no room: nothing of the frame is there, and the same writer goes on.
#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let faults = |number| {
        [1, 95, 300, 511]
            .map(|bytes| Fault::ShortWriteThenError(bytes, number))
            .into_iter()
            .chain([Fault::WriteError(number), Fault::CreateError(number)])
    };
    for (fault, size) in FULL.into_iter().flat_map(faults).flat_map(|fault| [(fault, LARGE), (fault, SMALL)]) {
        if size == LARGE && matches!(fault, Fault::CreateError(_)) {
            continue;
        }
        let folder = tempdir().unwrap();
        let disk = FailingDisk::default();
        let journal = disk.journal(folder.path());
        let (mut writer, _) = journal.writer(options(size)).unwrap();
        append(&mut writer, 1, b"one").unwrap();
        let before = append(&mut writer, 2, b"two").unwrap();
        disk.fail_next(fault);
        let error = append(&mut writer, 1, &[3; 200]).unwrap_err();
        assert!(matches!(error, JournalError::Full { .. }), "{fault:?}: {error}");
        assert!(error.to_string().contains("disk is full") && error.to_string().contains("nothing of this"), "{error}");
        assert_eq!(writer.end(), before.anchor());
        let verified = journal.verify(Some(before.anchor())).unwrap();
        assert_eq!((verified.end, verified.unfinished), (before.anchor(), None), "{fault:?}");

        append(&mut writer, 1, b"three").unwrap();
        assert_eq!(
            read_all(&journal).into_iter().map(|frame| frame.2).collect::<Vec<_>>(),
            [&b"one"[..], b"two", b"three"]
        );
    }
}

#[test]
fn a_full_disk_shows_when_room_is_reserved() {
    let folder = tempdir().unwrap();
    let disk = FailingDisk::default();
    let journal = disk.journal(folder.path());
    let (mut writer, _) = journal.writer(options(64 << 20)).unwrap();
    append(&mut writer, 1, b"one").unwrap();
    let reserved = std::fs::metadata(&segments(folder.path())[0]).unwrap().len();
    assert!(reserved > 4 << 20);

    // More than what is reserved, refused; then less than that, for which there is room.
    disk.fail_next(Fault::ReserveError(ENOSPC));
    append(&mut writer, 1, &[2; 5 << 20]).expect("it has room without reserving ahead");
    disk.take_log();
    disk.fail_all(Fault::ReserveError(ENOSPC));
    assert!(matches!(writer.make_room(9 << 20).unwrap_err(), JournalError::Full { bytes, .. } if bytes > 9 << 20));
    assert!(matches!(append(&mut writer, 1, &[3; 9 << 20]).unwrap_err(), JournalError::Full { .. }));
    assert!(disk.take_log().iter().all(|entry| !entry.starts_with("write") && entry != "sync"), "nothing was tried");
    disk.fail_all(None);
    writer.make_room(9 << 20).unwrap();
    append(&mut writer, 1, &[3; 9 << 20]).unwrap();
    drop(writer);
    assert_eq!(journal.verify(None).unwrap().frames, 3);
    let length = std::fs::metadata(&segments(folder.path())[0]).unwrap().len();
    assert!(length < (14 << 20) + (1 << 18), "what was reserved is given back at the end");
}

#[test]
fn a_disk_that_cannot_reserve_is_used_without() {
    let folder = tempdir().unwrap();
    let disk = FailingDisk::default();
    disk.fail_all(Fault::ReserveError(EOPNOTSUPP));
    let journal = disk.journal(folder.path());
    let (mut writer, _) = journal.writer(options(LARGE)).unwrap();
    append(&mut writer, 1, b"one").unwrap();
    append(&mut writer, 1, b"two").unwrap();
    assert_eq!(std::fs::metadata(&segments(folder.path())[0]).unwrap().len(), 3 * SECTOR as u64);
    assert_eq!(read_all(&journal).len(), 2);
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
    let (mut writer, _) = journal.writer(options(1600)).unwrap();
    let begun = ["create", "reserve 512 at 0", "write 512 at 0", "sync", "sync directory"];
    assert_eq!(disk.take_log(), begun);
    append(&mut writer, 1, &[1; 100]).unwrap();
    // To the end that the segment is to have.
    assert_eq!(disk.take_log(), ["reserve 1088 at 512", "write 512 at 512", "sync"]);
    append(&mut writer, 1, &[1; 100]).unwrap();
    assert_eq!(disk.take_log(), ["write 512 at 1024", "sync"]);
    append(&mut writer, 1, &[1; 100]).unwrap();
    let log = disk.take_log();
    assert_eq!(log[0], "truncate to 1536", "what was reserved is given back before the segment is left");
    assert_eq!(log[1..6], begun);
    assert_eq!(log[6..], ["reserve 1088 at 512", "write 512 at 512", "sync"]);
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
    assert_eq!(disk.take_log(), ["write 512 at 0", "sync", "sync directory"]);
    append(&mut writer, 1, b"first").unwrap();
    append(&mut writer, 1, b"second").unwrap();
    drop(writer);
    disk.take_log();

    let files = segments(folder.path());
    let before = std::fs::read(&files[0]).unwrap();
    let (mut writer, _) = journal.writer(options(1 << 20)).unwrap();
    assert_eq!(disk.take_log(), ["write 512 at 1024", "sync", "sync directory"]);
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
        let error = journal.writer(options(1000)).unwrap_err();
        assert!(matches!(error, JournalError::Io { .. } | JournalError::Full { .. }), "{fault:?}: {error}");
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
