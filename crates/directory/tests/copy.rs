//! Copies of the directory's file beside the process that holds it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use directory::{Directory, DirectoryError, Entry, Name, Purpose, WalletProfile, copy_file};
use ids::WalletId;
use payments::UnixMillis;

const NOON: u64 = 1_795_350_600_000;

fn wallet(n: u64) -> WalletProfile {
    let name = Name::try_from(format!("Wallet {n} {}", "x".repeat(40)).as_str()).unwrap();
    // Scattered, so that each addition changes pages all over the file.
    let scattered = u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    WalletProfile { id: WalletId::from_parts(NOON, scattered), name, name_zh: None, created_at: UnixMillis(NOON) }
}

/// How many wallets the copy has, all of them before the first that is missing.
fn count(folder: &Path) -> u64 {
    let directory = Directory::open(folder).unwrap();
    assert_eq!(directory.purpose(), Some(Purpose::Live));
    let known = |n| directory.wallet(wallet(n).id).is_some();
    let count = (0..).find(|n| !known(*n)).unwrap();
    assert!((count..count + 1_000).all(|n| !known(n)));
    count
}

#[test]
fn a_copy_beside_its_holder_has_all_that_was_added_before() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = Directory::open(temporary.path()).unwrap();
    directory.declare(Purpose::Live).unwrap();
    let (added, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        let _stop = SetAtEnd(&stop);
        scope.spawn(|| {
            // Transactions of all sizes, so that the log is begun anew at odd moments.
            for n in 1.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let first = added.load(Ordering::SeqCst);
                let last = first + n * 37 % 300;
                directory.add((first..last).map(|n| Entry::Wallet(wallet(n)))).unwrap();
                added.store(last, Ordering::SeqCst);
                thread::sleep(std::time::Duration::from_millis(10));
            }
        });
        let (mut copied, mut too_fast) = (0, 0);
        while copied < 8 {
            let folder = tempfile::tempdir().unwrap();
            let before = added.load(Ordering::SeqCst);
            match copy_file(temporary.path(), folder.path()) {
                Ok(file) => {
                    copied += 1;
                    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{} alone", file.display());
                    let found = count(folder.path());
                    assert!((before..=added.load(Ordering::SeqCst) + 400).contains(&found), "{before} {found}");
                }
                Err(DirectoryError::Changing { .. }) => too_fast += 1,
                Err(error) => panic!("{error}"),
            }
            assert!(too_fast < 5);
        }
    });
    drop(directory);
    // With nobody there, it is the whole file and changes nothing.
    let before = fs::read(temporary.path().join(Directory::FILE_NAME)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    copy_file(temporary.path(), folder.path()).unwrap();
    assert_eq!(count(folder.path()), added.load(Ordering::SeqCst));
    assert_eq!(fs::read(temporary.path().join(Directory::FILE_NAME)).unwrap(), before);
}

/// Lets the other thread end, however this one does.
struct SetAtEnd<'a>(&'a AtomicBool);

impl Drop for SetAtEnd<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_damaged_or_foreign_file_is_not_copied() {
    let (temporary, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = temporary.path().join(Directory::FILE_NAME);
    let refused = || copy_file(temporary.path(), to.path()).unwrap_err();
    assert!(matches!(refused(), DirectoryError::Copy { .. }), "there is none");
    let directory = Directory::open(temporary.path()).unwrap();
    directory.declare(Purpose::Live).unwrap();
    directory.add((0..2_000).map(|n| Entry::Wallet(wallet(n)))).unwrap();
    drop(directory);
    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    let middle = damaged.len() / 2;
    damaged[middle..middle + 4096].fill(0x5a);
    fs::write(&file, damaged).unwrap();
    assert!(matches!(refused(), DirectoryError::Damaged { .. }), "{}", refused());
    fs::write(&file, "a letter").unwrap();
    assert!(matches!(refused(), DirectoryError::Damaged { .. }), "{}", refused());
}
