//! Two people make a master key; one does not.

use std::fs;

use keystore::{CheckValue, KeyStore, KeyStoreError, Person, Refusal, State};
use tag::KeyVersion;

use crate::support::{Place, SHARES, alice, at, bob, make, share};

fn refused<T: std::fmt::Debug>(outcome: Result<T, KeyStoreError>) -> Refusal {
    match outcome.unwrap_err() {
        KeyStoreError::Refused(refusal) => refusal,
        other => panic!("{other}"),
    }
}

#[test]
fn one_person_alone_makes_no_master() {
    let mut store = KeyStore::in_memory();
    store.begin(alice(), at(1), share(SHARES[0])).unwrap();
    for name in ["Alice", "ALICE", "  alice "] {
        let person: Person = name.parse().unwrap();
        assert_eq!(refused(store.join(person, at(2), &share(SHARES[1]))), Refusal::SamePerson(alice()));
    }
    assert_eq!(refused(store.join(bob(), at(2), &share(SHARES[0]))), Refusal::SameShare);
    assert_eq!(store.register().versions(), []);
    assert_eq!(refused(store.activate(KeyVersion(1), at(3), None)), Refusal::NoSuchVersion(KeyVersion(1)));
    assert!(matches!(store.ring(at(3), &crate::support::settings(), 0), Err(KeyStoreError::Refused(_))));
}

#[test]
fn shares_in_either_order_make_the_same_key_and_each_share_matters() {
    let made = |first, second| {
        let mut store = KeyStore::in_memory();
        store.begin(alice(), at(1), share(first)).unwrap();
        store.join(bob(), at(2), &share(second)).unwrap().check
    };
    let check = made(SHARES[0], SHARES[1]);
    assert_eq!(made(SHARES[1], SHARES[0]), check);
    let mut other = SHARES[1];
    other[15] ^= 1;
    assert_ne!(made(SHARES[0], other), check);
    for share_of_one in SHARES.map(share) {
        assert_ne!(share_of_one.check(), check);
    }
}

#[test]
fn the_check_value_is_the_masters_own() {
    let mut store = KeyStore::in_memory();
    store.begin(alice(), at(1), share(SHARES[0])).unwrap();
    let joined = store.join(bob(), at(2), &share(SHARES[1])).unwrap();
    let version = &store.register().versions()[0];
    assert_eq!(version.master().check, joined.check);
    let master = store.masters().master(version.master()).unwrap();
    assert_eq!(CheckValue::of_key(&master), joined.check);
    assert_eq!(version.state(at(3)), State::Made);
}

#[test]
fn a_ceremony_waits_in_the_file_and_the_share_is_not_to_be_read_there() {
    let place = Place::new();
    place.create().begin(alice(), at(1), share(SHARES[0])).unwrap();
    let bytes = fs::read(&place.path).unwrap();
    assert!(!bytes.windows(4).any(|window| window == &SHARES[0][..4] || window == b"5A5A"));
    let mut store = place.open().unwrap();
    let states: Vec<_> = store.register().states(at(2)).collect();
    assert_eq!(states, [(KeyVersion(1), State::Pending { begun_by: alice() })]);
    let check = store.join(bob(), at(3), &share(SHARES[1])).unwrap().check;
    let mut at_once = KeyStore::in_memory();
    at_once.begin(alice(), at(1), share(SHARES[0])).unwrap();
    assert_eq!(at_once.join(bob(), at(1), &share(SHARES[1])).unwrap().check, check);
}

#[test]
fn either_cancels_and_nothing_is_left() {
    let place = Place::new();
    let mut store = place.create();
    assert_eq!(refused(store.cancel()), Refusal::NoCeremony);
    store.begin(alice(), at(1), share(SHARES[0])).unwrap();
    let under_way = Refusal::CeremonyUnderWay { version: KeyVersion(1), begun_by: alice() };
    assert_eq!(refused(store.begin(bob(), at(2), share(SHARES[1]))), under_way);
    assert_eq!(store.cancel().unwrap(), KeyVersion(1));
    let mut store = place.open().unwrap();
    assert_eq!(refused(store.join(bob(), at(3), &share(SHARES[1]))), Refusal::NoCeremony);
    assert_eq!(store.begin(bob(), at(4), share(SHARES[1])).unwrap(), KeyVersion(1));
}

#[test]
fn what_was_made_is_activated_or_retired_before_the_next() {
    let mut store = KeyStore::in_memory();
    assert_eq!(make(&mut store, 1, at(1)), KeyVersion(1));
    assert_eq!(refused(store.begin(alice(), at(2), share([9; 16]))), Refusal::NotActivated(KeyVersion(1)));
    store.retire(KeyVersion(1), bob(), at(2)).unwrap();
    assert_eq!(make(&mut store, 2, at(3)), KeyVersion(2));
}

#[test]
fn versions_end_where_a_chips_byte_does() {
    let mut store = KeyStore::in_memory();
    for number in 1..=255 {
        assert_eq!(make(&mut store, number, at(1)), KeyVersion(number));
        store.activate(KeyVersion(number), at(1), None).unwrap();
    }
    assert_eq!(refused(store.begin(alice(), at(2), share([0; 16]))), Refusal::NoMoreVersions);
}

#[test]
fn a_share_is_typed_as_it_was_shown() {
    let shown = share(SHARES[0]).expose();
    assert_eq!(shown.len(), 39);
    assert!(shown.parse::<keystore::Share>().unwrap() == share(SHARES[0]));
    for wrong in ["", "5A", "5A5A 5A5A 5A5A 5A5A 5A5A 5A5A 5A5A 5A5G", "5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A5A"] {
        assert!(wrong.parse::<keystore::Share>().is_err(), "{wrong}");
    }
}
