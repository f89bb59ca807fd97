//! Versions: what each is good for, and when.

use keystore::{
    AuditLog, DerivedKeys, KeyStore, MasterId, MasterKeys, MasterUnavailable, Refusal, RetiredBecause, State,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tag::diversification::Purpose;
use tag::{AesKey, FileReadKeys, KeyVersion, TapError, Uid};

use crate::support::{Place, UID, alice, an10922_master, at, bob, chip, make, settings, touch};

#[test]
fn bug_12_keys_of_an_old_version_are_accepted_in_their_overlap_and_refused_after_it_with_a_reason() {
    let mut store = KeyStore::in_memory();
    store.adopt(alice(), at(0), &an10922_master()).unwrap();
    let mut old = chip(&store);
    let second = make(&mut store, 2, at(1));
    // Made is not activated: the old version goes on.
    assert_eq!(store.ring(at(2), &settings(), 0).unwrap().verify_url(&touch(&mut old)).unwrap().key_version().0, 1);
    store.activate(second, at(10), Some(at(20))).unwrap();
    let mut new = chip(&store);
    assert_eq!(store.register().next_change(at(10)), Some(at(20)));

    let overlap = store.ring(at(19), &settings(), 0).unwrap();
    assert_eq!(overlap.verify_url(&touch(&mut old)).unwrap().key_version(), KeyVersion(1));
    assert_eq!(overlap.verify_url(&touch(&mut new)).unwrap().key_version(), KeyVersion(2));

    let after = store.ring(at(20), &settings(), 0).unwrap();
    let refusal = after.verify_url(&touch(&mut old)).unwrap_err();
    assert_eq!(refusal, TapError::Retired { tag: UID, version: KeyVersion(1) });
    assert!(refusal.to_string().contains("personalise the tag again"), "{refusal}");
    assert_eq!(after.verify_url(&touch(&mut new)).unwrap().key_version(), KeyVersion(2));
    let states: Vec<_> = store.register().states(at(20)).map(|(_, state)| state).collect();
    let ended = State::Retired(RetiredBecause::OverlapEnded { at: at(20) });
    assert_eq!(states, [ended, State::Current]);
    assert_eq!(store.register().next_change(at(20)), None);
}

#[test]
fn an_overlap_without_end_ends_when_somebody_says_so() {
    let place = Place::new();
    let mut store = place.create();
    make(&mut store, 1, at(1));
    store.activate(KeyVersion(1), at(1), None).unwrap();
    let mut old = chip(&store);
    make(&mut store, 2, at(2));
    store.activate(KeyVersion(2), at(2), None).unwrap();
    let url = touch(&mut old);
    assert!(store.ring(at(1_000_000), &settings(), 0).unwrap().verify_url(&url).is_ok());
    store.retire(KeyVersion(1), bob(), at(5)).unwrap();
    let store = place.open().unwrap();
    let refusal = store.ring(at(6), &settings(), 0).unwrap().verify_url(&url).unwrap_err();
    assert_eq!(refusal, TapError::Retired { tag: UID, version: KeyVersion(1) });
    let told = State::Retired(RetiredBecause::Told { by: bob(), at: at(5) });
    assert_eq!(store.register().versions()[0].state(at(6)), told);
}

#[test]
fn what_the_rules_forbid_changes_nothing() {
    let mut store = KeyStore::in_memory();
    make(&mut store, 1, at(1));
    store.activate(KeyVersion(1), at(1), None).unwrap();
    make(&mut store, 2, at(2));
    let before = store.register().clone();
    let (one, two, nine) = (KeyVersion(1), KeyVersion(2), KeyVersion(9));
    let outcomes = [
        (store.activate(one, at(3), None), Refusal::NotActivatable(one)),
        (store.activate(nine, at(3), None), Refusal::NoSuchVersion(nine)),
        (store.activate(two, at(3), Some(at(3))), Refusal::OverlapInThePast),
        (store.retire(one, bob(), at(3)), Refusal::RetiringCurrent(one)),
        (store.retire(nine, bob(), at(3)), Refusal::NoSuchVersion(nine)),
        (store.adopt(bob(), at(3), &an10922_master()).map(drop), Refusal::NotEmpty),
    ];
    for (outcome, refusal) in outcomes {
        assert_eq!(outcome.unwrap_err().to_string(), refusal.to_string());
        assert_eq!(*store.register(), before);
    }
    store.retire(two, bob(), at(4)).unwrap();
    assert_eq!(store.retire(two, bob(), at(5)).unwrap_err().to_string(), Refusal::RetiredAlready(two).to_string());
    assert!(store.activate(two, at(5), None).is_err());
}

#[test]
fn chips_get_keys_of_the_current_version_and_each_leaves_a_line() {
    let place = Place::new();
    let audit_path = place.folder.path().join("audit.jsonl");
    let mut audit = AuditLog::open(&audit_path).unwrap();
    let mut store = place.create();
    assert!(store.personalise(UID, &alice(), at(1), &mut audit).is_err());
    store.adopt(alice(), at(2), &an10922_master()).unwrap();
    let keys = store.personalise(UID, &bob(), at(3), &mut audit).unwrap();
    let diversifier = tag::diversification::Diversifier::new(&an10922_master());
    assert_eq!(keys.meta_read.expose(), diversifier.derive(Purpose::sdm_meta_read()).expose());
    assert_eq!(keys.file_read.expose(), diversifier.derive(Purpose::sdm_file_read(UID)).expose());
    let expected = concat!(
        r#"{"at_ms":3000,"who":"Bob","deed":"personalise","version":1,"uid":"04DE5F1EACC040","purpose":"SDMMetaRead"}"#,
        "\n",
        r#"{"at_ms":3000,"who":"Bob","deed":"personalise","version":1,"uid":"04DE5F1EACC040","purpose":"SDMFileRead"}"#,
        "\n",
    );
    assert_eq!(std::fs::read_to_string(&audit_path).unwrap(), expected);
    // A line that a crash cut off spoils no other.
    std::fs::write(&audit_path, r#"{"at_ms":30"#).unwrap();
    let mut audit = AuditLog::open(&audit_path).unwrap();
    store.personalise(UID, &bob(), at(3), &mut audit).unwrap();
    assert_eq!(std::fs::read_to_string(&audit_path).unwrap(), format!("{{\"at_ms\":30\n{expected}"));
}

/// A module: never shows a master, counts how often it is asked, and can be out of order.
#[derive(Debug, Default)]
struct Aloof {
    inner: keystore::InMemory,
    asked: AtomicUsize,
    broken: AtomicBool,
}

impl MasterKeys for Aloof {
    fn derive(&self, master: MasterId, purpose: Purpose) -> Result<AesKey, MasterUnavailable> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.broken.load(Ordering::Relaxed) {
            return Err(MasterUnavailable::new("out of order"));
        }
        self.inner.derive(master, purpose)
    }

    fn make(&self, version: KeyVersion, of_shares: &AesKey) -> Result<keystore::CheckValue, MasterUnavailable> {
        self.inner.make(version, of_shares)
    }

    fn adopt(&self, version: KeyVersion, master: &AesKey) -> Result<keystore::CheckValue, MasterUnavailable> {
        self.inner.adopt(version, master)
    }

    fn master(&self, _: MasterId) -> Option<AesKey> {
        None
    }
}

#[test]
fn a_modules_tags_verify_from_the_cache_and_are_not_refused_for_ever_when_it_fails() {
    let place = Place::new();
    let module = Arc::new(Aloof::default());
    let lock = crate::support::passphrase(crate::support::PASSPHRASE);
    let random = crate::support::counting();
    let held = Some(module.clone() as Arc<dyn MasterKeys>);
    let mut store = KeyStore::create(&place.path, &lock, crate::support::CHEAP, held, random).unwrap();
    store.adopt(alice(), at(1), &an10922_master()).unwrap();
    assert!(crate::support::open(&place.path, &lock).is_err(), "its masters are not in the file");
    let mut own = KeyStore::in_memory();
    own.adopt(alice(), at(1), &an10922_master()).unwrap();
    let mut tag = chip(&own);

    let ring = store.ring(at(2), &settings(), 32).unwrap();
    module.broken.store(true, Ordering::Relaxed);
    let url = touch(&mut tag);
    assert_eq!(ring.verify_url(&url).unwrap_err(), TapError::KeysUnavailable { version: KeyVersion(1) });
    module.broken.store(false, Ordering::Relaxed);
    let before = module.asked.load(Ordering::Relaxed);
    for _ in 0..100 {
        assert!(ring.verify_url(&touch(&mut tag)).is_ok());
    }
    assert_eq!(module.asked.load(Ordering::Relaxed), before + 1);
    assert!(store.ring(at(2), &settings(), 32).is_ok());
}

#[test]
fn the_cache_is_bounded_and_keeps_what_is_asked_for_often() {
    let module = Arc::new(Aloof::default());
    let check = module.adopt(KeyVersion(1), &an10922_master()).unwrap();
    let cache = DerivedKeys::new(module.clone(), MasterId { version: KeyVersion(1), check }, 3_200);
    let uid = |number: u32| {
        let [a, b, c, d] = number.to_be_bytes();
        Uid([4, a, b, c, d, 1, 2])
    };
    let often = uid(0);
    for number in 0..20_000 {
        cache.file_read(uid(number)).unwrap();
        cache.file_read(often).unwrap();
        assert!(cache.len() <= 3_200);
    }
    assert_eq!(module.asked.load(Ordering::Relaxed), 20_000, "the one that is asked for often was derived once");
    let expected = tag::diversification::Diversifier::new(&an10922_master()).derive(Purpose::sdm_file_read(uid(7)));
    assert_eq!(cache.file_read(uid(7)).unwrap().expose(), expected.expose());
}
