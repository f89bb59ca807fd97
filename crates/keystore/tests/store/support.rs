//! People, shares, locks and files.

use std::path::{Path, PathBuf};

use keystore::{Argon2Cost, KeyStore, KeyStoreError, Lock, Passphrase, Person, Randomness, Share, Timestamp};
use tag::sdm::{Mode, Settings};
use tag::{AesKey, KeySet, KeyVersion, ReadCounter, SoftwareTag, Uid};
use tempfile::TempDir;
use zeroize::Zeroizing;

pub(crate) const PASSPHRASE: &str = "correct horse battery staple";
/// As little as Argon2 takes: tests open stores by the thousand.
pub(crate) const CHEAP: Argon2Cost = Argon2Cost { memory_kib: 8, passes: 1, lanes: 1 };
pub(crate) const UID: Uid = Uid([0x04, 0xDE, 0x5F, 0x1E, 0xAC, 0xC0, 0x40]);
pub(crate) const SHARES: [[u8; 16]; 2] = [[0x5A; 16], [0xC3; 16]];

pub(crate) fn alice() -> Person {
    "Alice".parse().unwrap()
}

pub(crate) fn bob() -> Person {
    "Bob".parse().unwrap()
}

pub(crate) fn share(bytes: [u8; 16]) -> Share {
    Share::from_random(bytes)
}

pub(crate) fn at(seconds: u64) -> Timestamp {
    Timestamp(seconds * 1_000)
}

pub(crate) fn passphrase(text: &str) -> Lock {
    Lock::Passphrase(Passphrase::new(text).unwrap())
}

pub(crate) fn key_file(byte: u8) -> Lock {
    Lock::KeyFile(Zeroizing::new([byte; 32]))
}

/// Counts: the same in each run, and never the same twice in one.
pub(crate) fn counting() -> Randomness {
    let mut next = 0_u8;
    Box::new(move |bytes| {
        bytes.fill_with(|| {
            next = next.wrapping_add(1);
            next
        });
        Ok(())
    })
}

pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) path: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tag-keys.store");
        Self { folder, path }
    }

    pub(crate) fn create(&self) -> KeyStore {
        KeyStore::create(&self.path, &passphrase(PASSPHRASE), CHEAP, None, counting()).unwrap()
    }

    pub(crate) fn open(&self) -> Result<KeyStore, KeyStoreError> {
        open(&self.path, &passphrase(PASSPHRASE))
    }
}

pub(crate) fn open(path: &Path, lock: &Lock) -> Result<KeyStore, KeyStoreError> {
    KeyStore::open(path, lock, None, counting())
}

/// The whole ceremony, with shares of that byte and its complement.
pub(crate) fn make(store: &mut KeyStore, byte: u8, now: Timestamp) -> KeyVersion {
    store.begin(alice(), now, share([byte; 16])).unwrap();
    store.join(bob(), now, &share([!byte; 16])).unwrap().version
}

/// A chip that was personalised with the store's current version.
pub(crate) fn chip(store: &KeyStore) -> SoftwareTag {
    let current = store.register().current().unwrap().master();
    let master = store.masters().master(current).unwrap();
    SoftwareTag::of(KeySet::new(current.version, &master, settings()), UID, ReadCounter::ZERO)
}

pub(crate) fn touch(tag: &mut SoftwareTag) -> String {
    tag.touch([1, 2, 3, 4, 5]).unwrap()
}

pub(crate) fn settings() -> Settings {
    Settings::parse(Mode::Aes, "https://pay.example/t?e={picc_data}&c={mac}").unwrap()
}

pub(crate) fn an10922_master() -> AesKey {
    AesKey::new([0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xAA, 0xBB, 0xCC, 0xDD, 0xEE, 0xFF])
}
