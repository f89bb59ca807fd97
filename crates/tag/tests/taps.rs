//! URLs of touches: right ones verify, and no others do.

use proptest::prelude::*;
use tag::sdm::Mirror;
use tag::{AesKey, CounterExhausted, MalformedUrl, ReadCounter, SoftwareTag, TagKeys, TapError, Uid};

const MASTER: [u8; 16] = [0x11; 16];
const BASE_URL: &str = "https://pay.example/t";
const UID: Uid = Uid([0x04, 0xDE, 0x5F, 0x1E, 0xAC, 0xC0, 0x40]);
const OTHER_UID: Uid = Uid([0x04, 0x95, 0x8C, 0xAA, 0x5C, 0x5E, 0x80]);

fn keys() -> TagKeys {
    TagKeys::from_master(&AesKey::new(MASTER))
}

fn tag(uid: Uid) -> SoftwareTag {
    SoftwareTag::new(&AesKey::new(MASTER), uid, ReadCounter::ZERO, BASE_URL).expect("a good base URL")
}

/// The two parameters of one touch.
fn touch(tag: &mut SoftwareTag) -> (String, String) {
    let url = tag.touch([1, 2, 3, 4, 5]).expect("a fresh tag");
    let (e, c) = url.split_once("?e=").and_then(|(_, query)| query.split_once("&c=")).expect("both parameters");
    (e.to_owned(), c.to_owned())
}

fn refusal(url: &str) -> TapError {
    keys().verify_url(url).expect_err("must be refused")
}

fn malformed(url: &str) -> MalformedUrl {
    match refusal(url) {
        TapError::Malformed(reason) => reason,
        other => panic!("{url}: {other}"),
    }
}

#[test]
fn touches_count_from_one_and_verify() {
    let mut tag = tag(UID);
    for count in 1..=300 {
        let verified = keys().verify_url(&tag.touch([9; 5]).unwrap()).unwrap();
        assert_eq!((verified.uid(), verified.counter().value()), (UID, count));
    }
    assert_eq!(tag.counter().value(), 300);
}

/// Computed with OpenSSL from the documented derivation. Chips hold these keys, so that it never changes.
#[test]
fn a_touch_is_this_url() {
    let url = tag(UID).touch([1, 2, 3, 4, 5]).unwrap();
    assert_eq!(url, "https://pay.example/t?e=20748B44BD1926E740DFB09D34C3BBC7&c=84CEBB97CFF3CF5F");
}

#[test]
fn the_padding_changes_the_encryption_and_nothing_else() {
    let (one, two) = (tag(UID).touch([0; 5]).unwrap(), tag(UID).touch([1; 5]).unwrap());
    assert_ne!(one, two);
    assert_eq!(one.split_once("&c=").map(|(_, c)| c), two.split_once("&c=").map(|(_, c)| c));
}

#[test]
fn a_tag_wears_out() {
    let almost = ReadCounter::new(ReadCounter::MAX.value() - 1).unwrap();
    let mut tag = SoftwareTag::new(&AesKey::new(MASTER), UID, almost, BASE_URL).unwrap();
    let last = keys().verify_url(&tag.touch([0; 5]).unwrap()).unwrap();
    assert_eq!(last.counter(), ReadCounter::MAX);
    assert_eq!(tag.touch([0; 5]), Err(CounterExhausted));
    assert_eq!(tag.touch([0; 5]), Err(CounterExhausted));
    assert!(ReadCounter::new(1 << 24).is_err());
}

/// Verification has no memory. That a URL is accepted once is for the keeper of the last counter.
#[test]
fn a_copied_url_verifies_again_with_the_same_counter() {
    let url = tag(UID).touch([0; 5]).unwrap();
    let (first, second) = (keys().verify_url(&url).unwrap(), keys().verify_url(&url).unwrap());
    assert_eq!((first.uid(), first.counter()), (second.uid(), second.counter()));
}

#[test]
fn what_does_not_decide_may_differ() {
    let (e, c) = touch(&mut tag(UID));
    let (lower_e, lower_c) = (e.to_lowercase(), c.to_lowercase());
    for url in [
        format!("http://127.0.0.1:8080/t?e={e}&c={c}"),
        format!("https://[::1]/a/%E4%BB%98/t?e={e}&c={c}"),
        format!("tapstone+dev://x/t?e={e}&c={c}"),
        format!("https://pay.example/t?e={lower_e}&c={lower_c}"),
        format!("https://pay.example/t?c={c}&e={e}"),
        format!("https://pay.example/t?utm_source=a%20b&e={e}&flag&c={c}&&E=1&x=1&x=2"),
        format!("https://pay.example/t?e={e}&c={c}#e=1&e=2?x"),
    ] {
        assert_eq!(keys().verify_url(&url).unwrap().uid(), UID, "{url}");
    }
}

#[test]
fn malformed_urls_are_refused_by_reason() {
    let (e, c) = touch(&mut tag(UID));
    let long = "a".repeat(512);
    for (url, reason) in [
        (String::new(), MalformedUrl::NotAbsolute),
        (format!("pay.example/t?e={e}&c={c}"), MalformedUrl::NotAbsolute),
        (format!("/t?e={e}&c={c}"), MalformedUrl::NotAbsolute),
        (format!("https:///t?e={e}&c={c}"), MalformedUrl::NotAbsolute),
        (format!("1https://x/t?e={e}&c={c}"), MalformedUrl::NotAbsolute),
        (format!("://x/t?e={e}&c={c}"), MalformedUrl::NotAbsolute),
        (format!("https://x?e={e}&c={c}"), MalformedUrl::WrongPath),
        (format!("https://t?e={e}&c={c}"), MalformedUrl::WrongPath),
        (format!("https://x/?e={e}&c={c}"), MalformedUrl::WrongPath),
        (format!("https://x/tt?e={e}&c={c}"), MalformedUrl::WrongPath),
        (format!("https://x/t/?e={e}&c={c}"), MalformedUrl::WrongPath),
        (format!("https://x/%74?e={e}&c={c}"), MalformedUrl::WrongPath),
        ("https://x/t".to_owned(), MalformedUrl::NoQuery),
        (format!("https://x/t#?e={e}&c={c}"), MalformedUrl::NoQuery),
        ("https://x/t?".to_owned(), MalformedUrl::Missing(Mirror::PiccData)),
        (format!("https://x/t?c={c}"), MalformedUrl::Missing(Mirror::PiccData)),
        (format!("https://x/t?e={e}"), MalformedUrl::Missing(Mirror::Mac)),
        (
            format!("https://x/t?e={e};c={c}"),
            MalformedUrl::WrongLength { mirror: Mirror::PiccData, expected: 32, found: 51 },
        ),
        (format!("https://x/t?e={e}&c={c}&e={e}"), MalformedUrl::Duplicated(Mirror::PiccData)),
        (format!("https://x/t?c={c}&e={e}&c"), MalformedUrl::Duplicated(Mirror::Mac)),
        (format!("https://x/t?%65={e}&c={c}"), MalformedUrl::EscapedName),
        (format!("https://x/t?e={e}&c={c}&%65={e}"), MalformedUrl::EscapedName),
        (format!("https://x/t?e={e}&c={c}&x=%4"), MalformedUrl::BrokenEscape),
        (format!("https://x/t?e={e}&c={c}&x=%"), MalformedUrl::BrokenEscape),
        (format!("https://x/t?e={e}&c={c}&x=%zz"), MalformedUrl::BrokenEscape),
        (format!("https://x/t?e={e}&c={c} "), MalformedUrl::IllegalCharacter),
        (format!("https://x\\t?e={e}&c={c}"), MalformedUrl::IllegalCharacter),
        (format!("https://付/t?e={e}&c={c}"), MalformedUrl::IllegalCharacter),
        (format!("https://x/t?e={e}&c={c}&x={long}"), MalformedUrl::TooLong),
        (format!("https://x/t?e=g{}&c={c}", &e[1..]), MalformedUrl::NotHexadecimal(Mirror::PiccData)),
        (format!("https://x/t?e=%41{}&c={c}", &e[3..]), MalformedUrl::NotHexadecimal(Mirror::PiccData)),
        (format!("https://x/t?e={e}&c={}+", &c[1..]), MalformedUrl::NotHexadecimal(Mirror::Mac)),
    ] {
        assert_eq!(malformed(&url), reason, "{url}");
    }
}

#[test]
fn every_other_length_is_refused() {
    let (e, c) = touch(&mut tag(UID));
    for found in (0..=80).filter(|length| *length != 32) {
        let digits = e.repeat(3)[..found].to_owned();
        let mirror = Mirror::PiccData;
        let reason = malformed(&format!("{BASE_URL}?e={digits}&c={c}"));
        assert_eq!(reason, MalformedUrl::WrongLength { mirror, expected: 32, found });
    }
    for found in (0..=40).filter(|length| *length != 16) {
        let digits = c.repeat(3)[..found].to_owned();
        let mirror = Mirror::Mac;
        let reason = malformed(&format!("{BASE_URL}?e={e}&c={digits}"));
        assert_eq!(reason, MalformedUrl::WrongLength { mirror, expected: 16, found });
    }
}

/// All 32 * 15 changes of `e` and all 16 * 15 of `c`.
#[test]
fn no_digit_can_be_changed() {
    let (e, c) = touch(&mut tag(UID));
    let changes = |digits: &str| -> Vec<String> {
        let change = |position: usize, to: char| {
            let (before, after) = (&digits[..position], &digits[position + 1..]);
            (!digits[position..].starts_with(to)).then(|| format!("{before}{to}{after}"))
        };
        (0..digits.len())
            .flat_map(|position| "0123456789ABCDEF".chars().filter_map(move |to| change(position, to)))
            .collect()
    };
    for e in changes(&e) {
        let error = refusal(&format!("{BASE_URL}?e={e}&c={c}"));
        assert!(matches!(error, TapError::NotOurs | TapError::Forged { .. }), "{error}");
    }
    let macs = changes(&c);
    assert_eq!(macs.len(), 16 * 15);
    for c in macs {
        assert_eq!(refusal(&format!("{BASE_URL}?e={e}&c={c}")), TapError::Forged { claimed: UID });
    }
}

#[test]
fn the_mac_of_another_tag_or_another_touch_is_forged() {
    let (mut one, mut other) = (tag(UID), tag(OTHER_UID));
    let ((e, c), (other_e, other_c), (next_e, next_c)) = (touch(&mut one), touch(&mut other), touch(&mut one));
    let refusal = |e: &str, c: &str| refusal(&format!("{BASE_URL}?e={e}&c={c}"));
    assert_eq!(refusal(&e, &other_c), TapError::Forged { claimed: UID });
    assert_eq!(refusal(&other_e, &c), TapError::Forged { claimed: OTHER_UID });
    assert_eq!(refusal(&e, &next_c), TapError::Forged { claimed: UID });
    assert_eq!(refusal(&next_e, &c), TapError::Forged { claimed: UID });
}

#[test]
fn a_tag_of_another_master_key_is_not_ours() {
    let url = SoftwareTag::new(&AesKey::new([0x22; 16]), UID, ReadCounter::ZERO, BASE_URL)
        .map(|mut tag| tag.touch([0; 5]).unwrap())
        .unwrap();
    assert_eq!(refusal(&url), TapError::NotOurs);
}

#[test]
fn a_software_tag_needs_a_base_url_that_verifies() {
    let new = |base_url: &str| SoftwareTag::new(&AesKey::new(MASTER), UID, ReadCounter::ZERO, base_url).map(drop);
    assert_eq!(new("http://127.0.0.1:8080/t"), Ok(()));
    assert_eq!(new("https://pay.example/"), Err(MalformedUrl::WrongPath));
    assert_eq!(new("https://pay.example/t#"), Err(MalformedUrl::NoQuery));
    assert_eq!(new("https://pay.example/t?x=1"), Err(MalformedUrl::Missing(Mirror::PiccData)));
    assert_eq!(new(&format!("https://{}/t", "a".repeat(500))), Err(MalformedUrl::TooLong));
}

#[test]
fn keys_do_not_show() {
    let shown = format!("{:?} {:?} {:?}", AesKey::new(MASTER), keys(), tag(UID));
    let shown = shown.to_lowercase();
    assert!(shown.contains("redacted"), "{shown}");
    assert!(!shown.contains("1111") && !shown.contains("17, 17"), "{shown}");
}

proptest! {
    #[test]
    fn any_text_is_refused_without_a_panic(text in "\\PC{0,80}", bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let keys = keys();
        prop_assert!(keys.verify_url(&text).is_err());
        prop_assert!(keys.verify_url(&String::from_utf8_lossy(&bytes)).is_err());
        let query = format!("{BASE_URL}?{text}");
        prop_assert!(keys.verify_url(&query).is_err());
    }

    #[test]
    fn any_digits_are_refused(e in "[0-9a-fA-F]{32}", c in "[0-9a-fA-F]{16}") {
        let verdict = keys().verify_url(&format!("{BASE_URL}?e={e}&c={c}"));
        let refused = matches!(verdict, Err(TapError::NotOurs | TapError::Forged { .. }));
        prop_assert!(refused);
    }

    #[test]
    fn a_damaged_url_says_the_same_tap_or_nothing(
        position in 0..90_usize, removed in 0..4_usize, inserted in "[ -~]{0,3}", padding: [u8; 5],
    ) {
        let mut url = tag(UID).touch(padding).unwrap();
        let position = position.min(url.len());
        url.replace_range(position..(position + removed).min(url.len()), &inserted);
        if let Ok(tap) = keys().verify_url(&url) {
            prop_assert_eq!((tap.uid(), tap.counter().value()), (UID, 1));
        }
    }

    #[test]
    fn every_tag_at_every_count_verifies(master: [u8; 16], uid: [u8; 7], count in 0..ReadCounter::MAX.value(), padding: [u8; 5]) {
        let counter = ReadCounter::new(count).unwrap();
        let mut tag = SoftwareTag::new(&AesKey::new(master), Uid(uid), counter, BASE_URL).unwrap();
        let url = tag.touch(padding).unwrap();
        let tap = TagKeys::from_master(&AesKey::new(master)).verify_url(&url).unwrap();
        prop_assert_eq!((tap.uid(), tap.counter().value()), (Uid(uid), count + 1));
    }
}
