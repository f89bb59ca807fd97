//! Payment codes from a wallet's side to the server's.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use money::{Amount, Currency, Money};
use qr::payment_code::{
    BusinessType, CodeError, CodeIssuer, CodeProof, CodeUse, IssuerBlock, IssuerRanges, IssuerRangesError,
    MalformedCode, MasterKey, PaymentCode, Seed, Standing, Step, TryLimit, UsedCodes, WalletNumber,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const NOW: Step = Step(29_400_030);
const WALLETS: u32 = 2_500_000;

fn yuan(fen: u64) -> Money {
    Money::new(Amount::new(fen).unwrap(), Currency::from_alpha("CNY").unwrap())
}

fn issuer() -> CodeIssuer {
    CodeIssuer::new(&MasterKey::new([42; 32]), IssuerBlock::new(288_800, 3).unwrap())
}

fn standing(wallet: WalletNumber) -> Option<Standing> {
    (wallet.0 < WALLETS).then(|| Standing { generation: wallet.0 % 3, limit: yuan(20_000) })
}

fn seed(issuer: &CodeIssuer, wallet: u32) -> Seed {
    issuer.seed(WalletNumber(wallet), wallet % 3, NOW.hour(), 24).unwrap()
}

fn verify(issuer: &CodeIssuer, code: &PaymentCode, now: Step) -> Result<CodeProof, CodeError> {
    issuer.verify(code, now, standing)
}

fn later(minutes: i32) -> Step {
    Step(NOW.0.checked_add_signed(minutes).unwrap())
}

#[test]
fn a_wallets_code_names_the_wallet_and_its_minute() {
    let issuer = issuer();
    for wallet in [0, 1, 999_999, 1_000_000, WALLETS - 1] {
        let seed = seed(&issuer, wallet);
        // As it goes over the counter: the seed as bytes, the code as digits.
        let seed = Seed::from_bytes(&seed.expose()).unwrap();
        for minutes in [0, 29, 30, 60, 1_409] {
            let digits = seed.code(later(minutes), BusinessType::PAYMENT).unwrap().to_string();
            assert!(digits.len() == 24 && digits.starts_with("2888") && &digits[6..8] == "01", "{digits}");
            let code = digits.parse().unwrap();
            let proof = verify(&issuer, &code, later(minutes)).unwrap();
            assert_eq!(proof.wallet(), WalletNumber(wallet));
            assert_eq!(proof.code_use(), CodeUse { wallet: WalletNumber(wallet), step: later(minutes) });
        }
        assert!(seed.code(later(1_410), BusinessType::PAYMENT).is_err());
    }
}

#[test]
fn clocks_may_differ_by_a_minute_across_the_hour_too() {
    let issuer = issuer();
    let seed = issuer.seed(WalletNumber(7), 1, later(-60).hour(), 48).unwrap();
    // Each minute of two hours, so that every place in an hour is met.
    for start in 0..120 {
        let code = seed.code(later(start), BusinessType::PAYMENT).unwrap();
        let outcome = |minutes| verify(&issuer, &code, later(start + minutes)).map(|proof| proof.wallet().0);
        for minutes in -1..=1 {
            assert_eq!(outcome(minutes), Ok(7), "{start} {minutes}");
        }
        for minutes in [2, 10] {
            assert_eq!(outcome(minutes), Err(CodeError::Expired));
            // Nobody is told which codes will be good.
            assert_eq!(outcome(-minutes), Err(CodeError::Unknown));
        }
        assert_eq!(outcome(11), Err(CodeError::Unknown));
    }
}

#[test]
fn each_refusal_has_its_word() {
    let issuer = issuer();
    let code = seed(&issuer, 5).code(NOW, BusinessType::PAYMENT).unwrap();
    let digits = code.to_string();
    let refused = |digits: &str| match digits.parse::<PaymentCode>() {
        Err(malformed) => malformed.code(),
        Ok(code) => verify(&issuer, &code, NOW).unwrap_err().code(),
    };
    for text in ["", "2888", "28880001123456123456789x", "２８８８", &format!("{digits}0"), &format!(" {digits}")] {
        assert_eq!(refused(text), "payment_code_malformed", "{text}");
    }
    for place in 0..24 {
        let mut wrong = digits.clone().into_bytes();
        wrong[place] = if wrong[place] == b'9' { b'0' } else { wrong[place] + 1 };
        let wrong = String::from_utf8(wrong).unwrap();
        assert_eq!(wrong.parse::<PaymentCode>(), Err(MalformedCode::CheckDigit));
        assert_eq!(refused(&wrong), "payment_code_mistyped");
    }
    let elsewhere = CodeIssuer::new(&MasterKey::new([42; 32]), IssuerBlock::new(299_900, 3).unwrap());
    let foreign = seed(&elsewhere, 5).code(NOW, BusinessType::PAYMENT).unwrap();
    assert_eq!(refused(&foreign.to_string()), "payment_code_foreign");
    let forged = CodeIssuer::new(&MasterKey::new([43; 32]), IssuerBlock::new(288_800, 3).unwrap());
    let forged = seed(&forged, 5).code(NOW, BusinessType::PAYMENT).unwrap();
    assert_eq!(refused(&forged.to_string()), "payment_code_unknown");
    // A wallet that does not exist, though its code is genuine.
    let nobody = issuer.seed(WalletNumber(WALLETS), 0, NOW.hour(), 1).unwrap();
    assert_eq!(refused(&nobody.code(NOW, BusinessType::PAYMENT).unwrap().to_string()), "payment_code_unknown");
}

#[test]
fn a_revoked_seed_makes_codes_that_nobody_knows() {
    let issuer = issuer();
    let old = issuer.seed(WalletNumber(8), 1, NOW.hour(), 2).unwrap();
    let code = old.code(NOW, BusinessType::PAYMENT).unwrap();
    // The wallet 8 has had two revocations.
    assert_eq!(verify(&issuer, &code, NOW), Err(CodeError::Unknown));
}

#[test]
fn a_code_pays_within_the_wallets_limit_only() {
    let issuer = issuer();
    let code = seed(&issuer, 9).code(NOW, BusinessType::PAYMENT).unwrap();
    let proof = verify(&issuer, &code, NOW).unwrap();
    assert_eq!(proof.covers(yuan(20_000)), Ok(()));
    assert_eq!(proof.covers(yuan(20_001)), Err(CodeError::AboveLimit));
    let yen = Money::new(Amount::MIN, Currency::from_alpha("JPY").unwrap());
    assert_eq!(proof.covers(yen), Err(CodeError::AboveLimit));
}

#[test]
fn the_business_type_cannot_be_changed() {
    let issuer = issuer();
    let code = seed(&issuer, 9).code(NOW, BusinessType::PAYMENT).unwrap();
    let other = seed(&issuer, 9).code(NOW, BusinessType::new(2).unwrap()).unwrap();
    // The other's digits with this one's type, check digit and all, are what a forger could make.
    let digits = other.to_string();
    let forged = format!("{}01{}", &digits[..6], &digits[8..23]);
    let forged: PaymentCode = (0..10).find_map(|check| format!("{forged}{check}").parse().ok()).unwrap();
    assert_eq!(forged.business(), code.business());
    assert_eq!(verify(&issuer, &forged, NOW), Err(CodeError::Unknown));
}

#[test]
fn of_a_hundred_that_show_one_code_one_is_let_in_and_none_after_a_restart() {
    let issuer = issuer();
    let code = seed(&issuer, 11).code(NOW, BusinessType::PAYMENT).unwrap();
    let used = Mutex::new(UsedCodes::default());
    let accepted = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                let proof = verify(&issuer, &code, NOW).unwrap();
                if used.lock().unwrap().redeem(proof.code_use(), NOW).is_ok() {
                    accepted.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(accepted.into_inner(), 1);
    // What was written down is read again.
    let mut again: UsedCodes = used.into_inner().unwrap().iter().collect();
    let code_use = verify(&issuer, &code, NOW).unwrap().code_use();
    for now in [NOW, later(1)] {
        assert!(again.redeem(code_use, now).is_err());
    }
    // The last moment at which the code verifies is before the first at which it is forgotten.
    assert!(verify(&issuer, &code, Step(code_use.forgettable_from().0 - 1)).is_ok());
    assert_eq!(verify(&issuer, &code, code_use.forgettable_from()), Err(CodeError::Expired));
    assert!(again.redeem(code_use, code_use.forgettable_from()).is_err());
    assert_eq!(again.iter().count(), 0);
}

#[test]
fn names_of_an_hour_say_nothing_of_the_next() {
    let issuer = issuer();
    let seed = seed(&issuer, 12);
    let name = |minutes| {
        let digits = seed.code(later(minutes), BusinessType::PAYMENT).unwrap().to_string();
        format!("{}{}", &digits[..6], &digits[8..14])
    };
    let names: HashSet<_> = (0..23).map(|hour| name(hour * 60)).collect();
    assert_eq!(names.len(), 23);
    assert_eq!(name(0), name(29));
}

#[test]
fn guesses_fail() {
    let issuer = issuer();
    let mut random = StdRng::seed_from_u64(3);
    let tries: u32 = std::env::var("TAPSTONE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(5_000);
    let right = (0..tries).filter(|_| {
        let digits = format!("28880{}01{:015}", random.random_range(0..3), random.random_range(0..10_u64.pow(15)));
        let code: PaymentCode = (0..10).find_map(|check| format!("{digits}{check}").parse().ok()).unwrap();
        verify(&issuer, &code, NOW).is_ok()
    });
    assert_eq!(right.count(), 0);
}

#[test]
fn a_till_may_be_wrong_ten_times_in_ten_minutes() {
    let mut tries = TryLimit::default();
    let start = Step(1_000);
    for _ in 0..TryLimit::FAILURES_MAX {
        assert!(tries.allow(start).is_ok());
        tries.record_failure(start);
    }
    assert_eq!(tries.allow(Step(1_009)).unwrap_err().code(), "payment_code_too_many_tries");
    assert!(tries.allow(Step(1_010)).is_ok());
    tries.record_failure(Step(1_010));
    assert!(tries.allow(Step(1_010)).is_ok());
}

#[test]
fn secrets_do_not_show_in_debug_output() {
    let issuer = issuer();
    let seed = seed(&issuer, 5);
    let code = seed.code(NOW, BusinessType::PAYMENT).unwrap();
    let shown = format!("{issuer:?} {seed:?} {code:?} {:?}", MasterKey::new([42; 32]));
    assert!(!shown.contains("42, 42") && !shown.contains(&code.to_string()[8..]), "{shown}");
    assert!(shown.contains("redacted"));
}

#[test]
fn seeds_of_any_bytes_are_refused() {
    let bytes = seed(&issuer(), 5).expose();
    for cut in [0, 1, 2, 28, bytes.len() - 1] {
        assert!(Seed::from_bytes(&bytes[..cut]).is_err(), "{cut}");
    }
    let mut other = bytes;
    other[0] = 2;
    assert!(Seed::from_bytes(&other).is_err());
}

#[test]
fn blocks_have_six_digits() {
    for (first, count) in [(288_800, 0), (288_800, 101), (99_999, 1), (999_999, 2), (1_000_000, 1)] {
        assert!(IssuerBlock::new(first, count).is_err(), "{first} {count}");
    }
    assert_eq!(IssuerBlock::new(999_900, 100).unwrap().capacity(), 100_000_000);
}

#[test]
fn codes_of_other_wallets_reach_their_partner() {
    let table = "# prefixes of two digits\n25,27,16,24,harbour\n28,28,18,18,lotus\n29,30,16,24,river\n\n2888,2888,24,24,tapstone # ours\n";
    let ranges = IssuerRanges::parse(table).unwrap();
    let code = |prefix: &str, length: usize| format!("{prefix:0<length$}");
    for length in 16..=24 {
        assert_eq!(ranges.partner(&code("25", length)), Some("harbour"));
        assert_eq!(ranges.partner(&code("30", length)), Some("river"));
        assert_eq!(ranges.partner(&code("28", length)), (length == 18).then_some("lotus"));
    }
    assert_eq!(ranges.partner(&code("2888", 24)), Some("tapstone"));
    assert_eq!(ranges.partner(&code("2888", 18)), Some("lotus"));
    for nobodys in [
        "",
        "25",
        &code("25", 15),
        &code("25", 25),
        &code("24", 18),
        &code("31", 18),
        "25abcdefghijklmn",
        "２５２５２５",
    ] {
        assert_eq!(ranges.partner(nobodys), None, "{nobodys}");
    }
}

#[test]
fn tables_that_contradict_themselves_are_refused() {
    let error = |table: &str| IssuerRanges::parse(table).unwrap_err();
    assert_eq!(error("25,28,16,24,a\n28,30,16,24,b"), IssuerRangesError::Overlap { line: 2 });
    assert_eq!(error("25,28,16,18,a\n26,26,18,24,b"), IssuerRangesError::Overlap { line: 2 });
    assert!(IssuerRanges::parse("25,28,16,18,a\n26,26,19,24,b\n261,261,16,24,c").is_ok());
    for line in [
        "25",
        "25,30,16,24,",
        "30,25,16,24,a",
        "25,300,16,24,a",
        "25,30,15,24,a",
        "25,30,24,16,a",
        "x5,30,16,24,a",
        "123456789,123456789,16,24,a",
        ",,16,24,a",
        "25,30,16,24,a,b",
        "+5,30,16,24,a",
    ] {
        assert_eq!(error(line), IssuerRangesError::Malformed { line: 1 }, "{line}");
    }
}
