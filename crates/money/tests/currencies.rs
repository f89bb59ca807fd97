//! The table against ISO 4217 list one, and the two forms of a currency.

use money::{Currency, UnknownCurrency};
use serde_json::{Value, json};

const LIST_ONE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/iso4217.json"));

#[test]
fn every_row_of_list_one_is_known_or_not_payable() {
    let list: Value = serde_json::from_str(LIST_ONE).unwrap();
    let mut payable = 0;
    for row in list["currencies"].as_array().unwrap() {
        let alpha = row["alpha"].as_str().unwrap();
        let numeric: u16 = row["numeric"].as_str().unwrap().parse().unwrap();
        let Some(digits) = row["minor_units"].as_u64() else {
            assert_eq!(Currency::from_alpha(alpha), Err(UnknownCurrency), "{alpha}");
            assert_eq!(Currency::from_numeric(numeric), Err(UnknownCurrency), "{alpha}");
            continue;
        };
        let currency = Currency::from_alpha(alpha).unwrap();
        assert_eq!(currency.alpha(), alpha);
        assert_eq!(currency.numeric(), numeric, "{alpha}");
        assert_eq!(u64::from(currency.minor_unit_digits()), digits, "{alpha}");
        assert_eq!(Currency::from_numeric(numeric), Ok(currency), "{alpha}");
        payable += 1;
    }
    let known = (0..=u16::MAX).filter(|numeric| Currency::from_numeric(*numeric).is_ok()).count();
    assert_eq!(known, payable, "the table has rows that the list has not");
    assert_eq!(payable, 165);
}

#[test]
fn only_the_exact_code_is_a_currency() {
    for code in ["", "cny", "CN", "CNYY", " CNY", "CNY ", "CN\u{0}", "XAU", "XXX", "XTS", "DEM", "¥"] {
        assert_eq!(Currency::from_alpha(code), Err(UnknownCurrency), "{code:?}");
    }
    for code in [0, 1, 959, 999, 1000, u16::MAX] {
        assert_eq!(Currency::from_numeric(code), Err(UnknownCurrency), "{code}");
    }
}

#[test]
fn json_has_the_alphabetic_code_and_binary_the_numeric_one() {
    let cny = Currency::from_alpha("CNY").unwrap();
    assert_eq!(serde_json::to_value(cny).unwrap(), json!("CNY"));
    assert_eq!(serde_json::from_str::<Currency>("\"CNY\"").unwrap(), cny);
    let bytes = postcard::to_allocvec(&cny).unwrap();
    assert_eq!(bytes, postcard::to_allocvec(&156_u16).unwrap());
    assert_eq!(postcard::from_bytes::<Currency>(&bytes).unwrap(), cny);
    let gold = postcard::to_allocvec(&959_u16).unwrap();
    assert!(postcard::from_bytes::<Currency>(&gold).is_err());
}

#[test]
fn what_is_not_a_code_is_refused_by_name() {
    for text in ["156", "-1", "1.5", "null", "true", "[\"CNY\"]", "{\"a\":1}", "\"cny\"", "\"XXX\"", "\"\""] {
        let error = serde_json::from_str::<Currency>(text).unwrap_err().to_string();
        assert!(error.starts_with("currency: must be the code of an active ISO 4217 currency"), "{text}: {error}");
    }
}
