//! What is written reads back as the same; and a character that is changed in it is noticed.
//!
//! `TAPSTONE_CASES` says how many cases to try.

#![allow(clippy::unwrap_used)]

mod random;

use money::Money;
use qr::emv::merchant::{self, Draft, PresentedCode, Tip};
use qr::emv::{Id, Mode};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

fn cases(usual: u64) -> u64 {
    std::env::var("TAPSTONE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

fn check(code: &PresentedCode) -> String {
    let draft = code.draft().unwrap();
    let text = draft.encode();
    let reading = merchant::read(&text, Mode::Lenient);
    assert!(reading.findings().iter().all(|finding| finding.code == qr::emv::Code::TooLong), "{text}\n{reading:#?}");
    assert_eq!(Draft::of(reading.objects()).unwrap().encode(), text);
    let payload = reading.accept().unwrap();
    let tip = code.tip;
    assert_eq!(payload.initiation(), Some(code.initiation));
    assert_eq!(payload.category(), Some(format!("{:04}", code.category).as_str()));
    assert_eq!(payload.amount().unwrap(), code.amount.map(|amount| Money::new(amount, code.currency)));
    assert_eq!(payload.tip(), tip.filter(|tip| *tip != Tip::Fixed(0)));
    assert_eq!(payload.merchant_name(), Some(code.name.as_str()));
    assert_eq!(payload.merchant_city(), Some(code.city.as_str()));
    assert_eq!(payload.postal_code(), code.postal_code.as_ref().map(|text| text.as_str()));
    assert_eq!(payload.additional(Id::of(1)), code.additional.bill_number.as_ref().map(|text| text.as_str()));
    assert_eq!(payload.additional(Id::of(5)), code.additional.reference.as_ref().map(|text| text.as_str()));
    assert_eq!(
        payload.language().map(|language| language.name),
        code.language.as_ref().map(|language| language.name.as_str())
    );
    let json = serde_json::to_string(payload.objects()).unwrap();
    assert_eq!(serde_json::from_str::<Draft>(&json).unwrap().encode(), text);
    text
}

#[test]
fn random_codes_read_back_as_what_was_written() {
    let mut random = StdRng::seed_from_u64(1);
    for _ in 0..cases(5_000) {
        check(&random::code(&mut random));
    }
}

#[test]
fn a_changed_character_is_noticed() {
    let mut random = StdRng::seed_from_u64(2);
    for _ in 0..cases(2_000) {
        let text = check(&random::code(&mut random));
        let mut characters: Vec<char> = text.chars().collect();
        let ascii: Vec<usize> = (0..characters.len()).filter(|place| characters[*place].is_ascii()).collect();
        let place = ascii[random.random_range(0..ascii.len())];
        let another = if characters[place] == '7' { '8' } else { '7' };
        characters[place] = another;
        let changed: String = characters.into_iter().collect();
        assert!(!merchant::read(&changed, Mode::Lenient).is_valid(), "{text}\n{changed}");
    }
}
