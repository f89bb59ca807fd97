//! The faulty disk does what it says, no more and no less.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};

use journal::{Disk, DiskFile};
use sim::{Crash, FaultyDisk, Operation, Rates};

fn folder() -> &'static Path {
    Path::new("/data")
}

fn path(name: &str) -> PathBuf {
    folder().join(name)
}

/// A disk with one file of 2000 synced bytes of 1.
fn disk(seed: u64) -> (FaultyDisk, Box<dyn DiskFile>) {
    let disk = FaultyDisk::new(seed);
    disk.create_directory(folder()).unwrap();
    let mut file = disk.create(&path("a")).unwrap();
    assert_eq!(file.write_at(&[1; 2000], 0).unwrap(), 2000);
    file.sync_data().unwrap();
    disk.sync_directory(folder()).unwrap();
    (disk, file)
}

#[test]
fn what_is_synced_survives_and_what_is_not_may() {
    let (mut kept, mut lost, mut torn) = (0, 0, 0);
    for seed in 0..300 {
        for how in [Crash::Break, Crash::Tear { sector: 512 }, Crash::Tear { sector: 4096 }] {
            let (disk, mut file) = disk(seed);
            file.write_at(&[2; 3000], 2000).unwrap();
            disk.restart(how);
            let contents = disk.contents(&path("a")).unwrap();
            assert_eq!(contents[..2000], [1; 2000]);
            let rest = &contents[2000..];
            assert!(rest.iter().all(|&byte| byte == 0 || byte == 2));
            match rest.iter().filter(|&&byte| byte == 2).count() {
                0 => lost += 1,
                3000 => kept += 1,
                _ => torn += 1,
            }
            if let Crash::Tear { sector: 512 } = how {
                for (offset, byte) in contents.iter().enumerate().skip(2049) {
                    assert!(offset % 512 == 0 || *byte == contents[offset - 1], "sectors are whole");
                }
            }
            assert_eq!(file.length().unwrap_err().kind(), io::ErrorKind::NotConnected, "of an earlier life");
        }
    }
    assert!(kept > 20 && lost > 20 && torn > 300, "{kept} {lost} {torn}");
}

#[test]
fn a_killed_process_loses_nothing_and_a_dead_machine_all() {
    for (how, length) in [(Crash::KeepAll, 5000), (Crash::LoseAll, 2000)] {
        let (disk, mut file) = disk(1);
        file.write_at(&[2; 3000], 2000).unwrap();
        disk.create(&path("b")).unwrap();
        disk.restart(how);
        assert_eq!(disk.contents(&path("a")).unwrap().len(), length);
        assert_eq!(disk.contents(&path("b")).is_some(), how == Crash::KeepAll);
    }
}

#[test]
fn names_are_kept_or_lost_until_their_directory_is_synced() {
    let mut seen = BTreeSet::new();
    for seed in 0..100 {
        let (disk, _) = disk(seed);
        disk.create(&path("b")).unwrap().sync_data().unwrap();
        disk.rename(&path("a"), &path("c")).unwrap();
        disk.restart(Crash::Tear { sector: 512 });
        let names = disk.list(folder()).unwrap();
        assert!(names.contains(&"a".to_owned()) != names.contains(&"c".to_owned()), "a rename is whole: {names:?}");
        seen.insert(names);
    }
    assert_eq!(seen.len(), 4);
    let (disk, _) = disk(0);
    disk.rename(&path("a"), &path("c")).unwrap();
    disk.sync_directory(folder()).unwrap();
    disk.restart(Crash::LoseAll);
    assert_eq!(disk.list(folder()).unwrap(), ["c"]);
}

#[test]
fn it_crashes_at_the_operation_that_was_named() {
    let mut effects = BTreeSet::new();
    for seed in 0..50 {
        let (disk, mut file) = disk(seed);
        let now = disk.operations();
        assert_eq!(now, 5);
        disk.crash_at(now + 1);
        file.write_at(&[2; 10], 2000).unwrap();
        file.sync_data().unwrap_err();
        assert!(disk.has_crashed() && file.write_at(&[3], 0).is_err() && disk.open(&path("a")).is_err());
        disk.restart(Crash::LoseAll);
        effects.insert(disk.contents(&path("a")).unwrap().len());
    }
    assert_eq!(effects, [2000, 2010].into(), "the sync was done, or was not");
}

/// Whatever small writes a sector was made of: on the disk it is what was shown at some moment.
#[test]
fn a_sector_is_never_mixed() {
    for seed in 0..300 {
        let (disk, mut file) = disk(seed);
        for value in 2..6 {
            file.write_at(&[value; 100], 2048 + 100 * u64::from(value)).unwrap();
        }
        disk.restart(Crash::Tear { sector: 512 });
        let contents = disk.contents(&path("a")).unwrap();
        let written: Vec<bool> =
            (2..6).map(|value| contents.get(2048 + 100 * value) == Some(&u8::try_from(value).unwrap())).collect();
        assert!(written[..3].is_sorted_by(|before, after| before >= after), "{written:?}");
    }
}

/// What Linux does: the pages are clean, read well, and are gone after the crash.
#[test]
fn after_a_failed_sync_a_good_one_does_not_bring_back_what_was_lost() {
    let mut lengths = BTreeSet::new();
    for seed in 0..200 {
        let (disk, mut file) = disk(seed);
        file.write_at(&[2; 10], 2000).unwrap();
        disk.fail(Operation::Sync, 0, 5);
        assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(5));
        file.sync_data().unwrap();
        assert_eq!(disk.contents(&path("a")).unwrap().len(), 2010);
        disk.restart(Crash::KeepAll);
        lengths.insert(disk.contents(&path("a")).unwrap().len());
    }
    assert_eq!(lengths, [2000, 2010].into());
}

#[test]
fn a_full_disk_takes_what_fits_and_goes_on_when_there_is_room() {
    let (disk, mut file) = disk(3);
    disk.set_capacity(Some(2100));
    assert_eq!(file.write_at(&[2; 200], 1950).unwrap(), 150, "what is there may be written again");
    assert_eq!(file.write_at(&[2; 200], 2100).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(file.reserve(2100, 1).unwrap_err().kind(), io::ErrorKind::StorageFull);
    disk.create(&path("b")).unwrap_err();
    disk.set_capacity(Some(3000));
    file.reserve(2100, 900).unwrap();
    assert_eq!(file.write_at(&[2; 900], 2100).unwrap(), 900);
    file.sync_data().unwrap();
    file.truncate(10).unwrap();
    assert_eq!(disk.used(), 10);

    disk.set_allocates_late(true);
    assert_eq!(file.write_at(&[2; 5000], 10).unwrap(), 5000);
    assert_eq!(file.sync_data().unwrap_err().kind(), io::ErrorKind::StorageFull);
    disk.set_can_reserve(false);
    assert_eq!(file.reserve(5010, 1).unwrap_err().kind(), io::ErrorKind::Unsupported);
}

#[test]
fn rates_and_flips() {
    let (disk, mut file) = disk(4);
    disk.set_rates(Rates { short_writes: 1000, read_errors: 1000, ..Rates::default() });
    assert!((1..100).contains(&file.write_at(&[2; 100], 0).unwrap()));
    assert_eq!(file.read_exact_at(&mut [0], 0).unwrap_err().raw_os_error(), Some(5));
    disk.set_rates(Rates { write_errors: 1000, sync_errors: 1000, ..Rates::default() });
    assert_eq!(file.write_at(&[2; 100], 0).unwrap_err().raw_os_error(), Some(5));
    assert_eq!(file.sync_data().unwrap_err().raw_os_error(), Some(5));
    assert_eq!(disk.sync_directory(folder()).unwrap_err().raw_os_error(), Some(5));

    disk.restart(Crash::LoseAll);
    let before = disk.contents(&path("a")).unwrap();
    assert!(disk.flip_bit(&path("a"), 8 * 1999 + 3) && !disk.flip_bit(&path("a"), 8 * 2000));
    let after = disk.contents(&path("a")).unwrap();
    assert_eq!((after[1999], &after[..1999]), (before[1999] ^ 8, &before[..1999]));
}

#[test]
fn one_holds_a_lock_until_it_lets_go_or_crashes() {
    let (disk, _) = disk(5);
    let lock = disk.lock(&path("lock")).unwrap();
    assert_eq!(disk.lock(&path("lock")).err().unwrap().kind(), io::ErrorKind::WouldBlock);
    drop(lock);
    let _old = disk.lock(&path("lock")).unwrap();
    disk.restart(Crash::KeepAll);
    let _new = disk.lock(&path("lock")).unwrap();
    drop(_old);
    assert!(disk.lock(&path("lock")).is_err(), "the new one is still held");
}

#[test]
fn a_seed_fails_the_same_way_again() {
    let run = |seed| {
        let (disk, mut file) = disk(seed);
        disk.set_rates(Rates { short_writes: 500, write_errors: 100, sync_errors: 100, read_errors: 0 });
        for offset in 0..50 {
            drop(file.write_at(&[3; 700], 2000 + offset * 600));
            drop(file.sync_data());
        }
        disk.restart(Crash::Tear { sector: 512 });
        disk.contents(&path("a")).unwrap()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
}
