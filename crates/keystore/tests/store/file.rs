//! The sealed file: its format, its lock, and what damage comes to.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use keystore::{KeyStore, KeyStoreError, State};
use tag::KeyVersion;
use tag::diversification::Purpose;

use crate::support::{
    CHEAP, PASSPHRASE, Place, SHARES, alice, an10922_master, at, bob, chip, counting, key_file, make, open, passphrase,
    settings, share, touch,
};

/// What AN10922, section 2.2.1, has for this master and this M.
#[test]
fn nxps_example_comes_out_of_file_and_memory() {
    let m = [4, 0x78, 0x2E, 0x21, 0x80, 0x1D, 0x80, 0x30, 0x42, 0xF5, b'N', b'X', b'P', b' ', b'A', b'b', b'u'];
    let expected = 0xA8DD_63A3_B89D_54B3_7CA8_0247_3FDA_9175_u128.to_be_bytes();
    let place = Place::new();
    place.create().adopt(alice(), at(1), &an10922_master()).unwrap();
    let mut in_memory = KeyStore::in_memory();
    in_memory.adopt(alice(), at(1), &an10922_master()).unwrap();
    for store in [place.open().unwrap(), in_memory] {
        let master = store.register().current().unwrap().master();
        assert_eq!(*store.masters().derive(master, Purpose::new(&m).unwrap()).unwrap().expose(), expected);
    }
}

/// Files that the first version of the format wrote open for ever. The check values were computed apart, with OpenSSL.
#[test]
fn golden_files_open() {
    let golden = |name| format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    for (name, lock) in [("passphrase-1.store", passphrase(PASSPHRASE)), ("key-file-1.store", key_file(7))] {
        let place = Place::new();
        let bytes = fs::read(golden(name)).unwrap();
        fs::write(&place.path, &bytes).unwrap();
        fs::set_permissions(&place.path, fs::Permissions::from_mode(0o600)).unwrap();
        let mut store = open(&place.path, &lock).unwrap();
        let states: Vec<_> = store.register().states(at(15)).collect();
        let accepted = State::Accepted { until: Some(at(20)) };
        let pending = State::Pending { begun_by: "Алиса".parse().unwrap() };
        let versions = [1, 2, 3].map(KeyVersion);
        assert_eq!(states, versions.into_iter().zip([accepted, State::Current, pending]).collect::<Vec<_>>());
        let checks: Vec<_> =
            store.register().versions().iter().map(|version| version.master().check.to_string()).collect();
        assert_eq!(checks, ["AEF50F", "76935B"]);
        assert_eq!(store.join(bob(), at(30), &share(SHARES[1])).unwrap().check.to_string(), "410782");
    }
}

/// What wrote the golden files writes the same bytes today.
#[test]
fn golden_files_are_written() {
    let golden = |name| format!("{}/tests/golden/{name}", env!("CARGO_MANIFEST_DIR"));
    for (name, lock) in [("passphrase-1.store", passphrase(PASSPHRASE)), ("key-file-1.store", key_file(7))] {
        let place = Place::new();
        let mut store = KeyStore::create(&place.path, &lock, CHEAP, None, counting()).unwrap();
        store.adopt(alice(), at(1), &an10922_master()).unwrap();
        make(&mut store, 2, at(2));
        store.activate(KeyVersion(2), at(10), Some(at(20))).unwrap();
        store.begin("Алиса".parse().unwrap(), at(12), share(SHARES[0])).unwrap();
        let bytes = fs::read(&place.path).unwrap();
        if std::env::var_os("TAPSTONE_WRITE_GOLDEN").is_some() {
            fs::write(golden(name), &bytes).unwrap();
        }
        assert!(fs::read(golden(name)).unwrap() == bytes, "{name}");
    }
}

#[test]
fn a_wrong_lock_is_told_from_damage() {
    let place = Place::new();
    place.create();
    let error = |lock| open(&place.path, &lock).unwrap_err();
    assert!(matches!(error(passphrase("incorrect horse")), KeyStoreError::WrongLock { given: "passphrase", .. }));
    assert!(matches!(error(key_file(1)), KeyStoreError::OtherLock { wanted: "passphrase", .. }));
    assert!(open(&place.path, &passphrase(&format!("{PASSPHRASE}\n"))).is_ok(), "the end of the line is not in it");
    let place = Place::new();
    KeyStore::create(&place.path, &key_file(1), CHEAP, None, counting()).unwrap();
    assert!(matches!(open(&place.path, &key_file(2)).unwrap_err(), KeyStoreError::WrongLock { given: "key file", .. }));
    assert!(matches!(open(&place.path, &passphrase(PASSPHRASE)).unwrap_err(), KeyStoreError::OtherLock { .. }));
    assert!(open(&place.path, &key_file(1)).is_ok());
}

#[test]
fn every_flipped_byte_and_every_cut_is_damage() {
    let place = Place::new();
    make(&mut place.create(), 1, at(1));
    let whole = fs::read(&place.path).unwrap();
    let refused = |bytes: &[u8]| {
        fs::write(&place.path, bytes).unwrap();
        matches!(place.open(), Err(KeyStoreError::Damaged(_)))
    };
    for index in 0..whole.len() {
        let mut bytes = whole.clone();
        for flip in [0x01, 0x80, 0xFF] {
            bytes[index] = whole[index] ^ flip;
            assert!(refused(&bytes), "byte {index} flipped by {flip:#x}");
        }
        assert!(refused(&whole[..index]), "cut at {index}");
    }
    fs::write(&place.path, &whole).unwrap();
    assert!(place.open().is_ok());
}

#[test]
fn the_file_is_its_owners_and_is_never_made_over_another() {
    let place = Place::new();
    let mut store = place.create();
    make(&mut store, 1, at(1));
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&place.path), 0o600);
    let before = fs::read(&place.path).unwrap();
    let again = KeyStore::create(&place.path, &key_file(1), CHEAP, None, counting());
    assert!(matches!(again.unwrap_err(), KeyStoreError::Exists(_)));
    assert_eq!(fs::read(&place.path).unwrap(), before);
    fs::set_permissions(&place.path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(place.open().unwrap_err(), KeyStoreError::OpenToOthers(_)));
}

#[test]
fn two_who_change_it_at_once_do_not_lose_a_change() {
    let place = Place::new();
    place.create();
    let (mut first, mut second) = (place.open().unwrap(), place.open().unwrap());
    make(&mut first, 1, at(1));
    let late = second.begin(bob(), at(2), share([3; 16])).unwrap_err();
    assert!(matches!(late, KeyStoreError::ChangedMeanwhile(_)));
    assert_eq!(place.open().unwrap().register(), first.register());
}

#[test]
fn a_store_that_was_opened_again_verifies_what_it_did_before() {
    let place = Place::new();
    let mut store = place.create();
    make(&mut store, 1, at(1));
    store.activate(KeyVersion(1), at(1), None).unwrap();
    let mut tag = chip(&store);
    let ring = place.open().unwrap().ring(at(2), &settings(), 0).unwrap();
    assert!(ring.verify_url(&touch(&mut tag)).is_ok());
}
