//! Several versions of keys at once, in either mode.

use tag::sdm::{Mode, Settings};
use tag::{
    AesKey, DuplicateVersion, KeySet, KeyVersion, MalformedUrl, ReadCounter, SoftwareTag, TagKeys, TapError, Uid,
};

const UID: Uid = Uid([0x04, 0xDE, 0x5F, 0x1E, 0xAC, 0xC0, 0x40]);

/// Version 1 is in AES mode, the later ones in LRP mode; each has its own master key.
fn set(version: u8) -> KeySet {
    let mode = if version == 1 { Mode::Aes } else { Mode::Lrp };
    KeySet::new(KeyVersion(version), &AesKey::new([version; 16]), Settings::of_platform(mode))
}

fn url(version: u8, count: u32) -> String {
    let before = ReadCounter::new(count - 1).expect("24 bits");
    SoftwareTag::of(set(version), UID, before).touch([1, 2, 3, 4, 5]).expect("not worn out")
}

/// Version 4 is current, 3 and 1 are accepted, 2 is retired, and of 5 nobody has heard.
fn ring() -> TagKeys {
    let ring = TagKeys::new(set(4)).accepting(set(3)).and_then(|ring| ring.retiring(set(2)));
    ring.and_then(|ring| ring.accepting(set(1))).expect("four versions")
}

#[test]
fn tags_of_all_accepted_versions_verify_and_say_theirs() {
    for version in [4, 3, 1] {
        for count in 1..50 {
            let tap = ring().verify_url(&url(version, count)).unwrap();
            assert_eq!((tap.uid(), tap.counter().value(), tap.key_version()), (UID, count, KeyVersion(version)));
        }
    }
}

#[test]
fn bug_12_after_personalising_again_old_urls_are_refused_with_the_reason() {
    let old = url(2, 7);
    let before = TagKeys::new(set(2));
    assert_eq!(before.verify_url(&old).unwrap().key_version(), KeyVersion(2));
    let refusal = ring().verify_url(&old).unwrap_err();
    assert_eq!(refusal, TapError::Retired { tag: UID, version: KeyVersion(2) });
    let words =
        "the tag 04DE5F1EACC040 signed the URL with version 2 of its keys, which is retired: personalise the tag again";
    assert_eq!(refusal.to_string(), words);
    assert_eq!(ring().verify_url(&url(4, 8)).unwrap().key_version(), KeyVersion(4));
}

/// While a version is accepted for tags that have not been personalised again yet, one that has been needs its own.
#[test]
fn bug_12_an_old_url_of_one_tag_is_refused_while_others_still_use_its_version() {
    let unspent = url(3, 1_000);
    let refusal = ring().verify_url(&unspent).unwrap().at_least(KeyVersion(4)).unwrap_err();
    assert_eq!(refusal, TapError::Retired { tag: UID, version: KeyVersion(3) });
    let taken = ring().verify_url(&unspent).unwrap().at_least(KeyVersion(3)).unwrap();
    assert_eq!(taken.counter().value(), 1_000);
    assert_eq!(ring().verify_url(&url(4, 1)).unwrap().at_least(KeyVersion(4)).unwrap().uid(), UID);
}

#[test]
fn what_no_version_verifies_is_refused_by_the_one_that_came_furthest() {
    for count in 1..300 {
        let unknown = ring().verify_url(&url(5, count)).unwrap_err();
        assert!(matches!(unknown, TapError::NotOurs | TapError::Forged { .. }), "{unknown}");
    }
    for version in 1..=4 {
        let url = url(version, 9);
        let forged = format!("{}{}", &url[..url.len() - 1], if url.ends_with('0') { '1' } else { '0' });
        assert_eq!(ring().verify_url(&forged).unwrap_err(), TapError::Forged { claimed: UID }, "{version}");
    }
    let malformed = ring().verify_url("https://pay.example/").unwrap_err();
    assert_eq!(malformed, TapError::Malformed(MalformedUrl::WrongPath));
}

#[test]
fn a_version_is_there_once() {
    for version in 1..=4 {
        assert_eq!(ring().accepting(set(version)).err(), Some(DuplicateVersion(KeyVersion(version))));
        assert_eq!(ring().retiring(set(version)).err(), Some(DuplicateVersion(KeyVersion(version))));
    }
    assert!(ring().accepting(set(5)).is_ok());
}

#[test]
fn keys_do_not_show() {
    let shown = format!("{:?} {:?}", ring(), set(1));
    assert!(!shown.contains("1, 1, 1") && !shown.contains("0101"), "{shown}");
}
