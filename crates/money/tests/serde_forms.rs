//! Money in JSON, strictly, and in binary, compactly.

use money::{Amount, Currency, Money};
use proptest::prelude::*;

fn money(minor_units: u64, alpha: &str) -> Money {
    let amount = Amount::new(minor_units).expect("a valid amount");
    Money::new(amount, Currency::from_alpha(alpha).expect("a listed currency"))
}

fn refusal(json: &str) -> String {
    serde_json::from_str::<Money>(json).expect_err("must be refused").to_string()
}

#[test]
fn json_is_an_object_of_minor_units_and_code() {
    assert_eq!(serde_json::to_string(&money(1250, "CNY")).unwrap(), r#"{"amount":1250,"currency":"CNY"}"#);
    for json in [r#"{"amount":1250,"currency":"CNY"}"#, r#" { "currency" : "CNY" , "amount" : 1250 } "#] {
        assert_eq!(serde_json::from_str::<Money>(json).unwrap(), money(1250, "CNY"));
    }
    let value = serde_json::to_value(money(1250, "CNY")).unwrap();
    assert_eq!(serde_json::from_value::<Money>(value).unwrap(), money(1250, "CNY"));
}

#[test]
fn no_amount_passes_through_a_float() {
    for minor_units in [9_007_199_254_740_993, Amount::MAX.minor_units()] {
        let json = serde_json::to_string(&money(minor_units, "CNY")).unwrap();
        assert!(json.contains(&minor_units.to_string()));
        assert_eq!(serde_json::from_str::<Money>(&json).unwrap().amount().minor_units(), minor_units);
    }
}

#[test]
fn a_wrong_amount_is_refused_with_what_to_change() {
    for amount in [
        "0",
        "-1",
        "-0",
        "-9223372036854775808",
        "12.50",
        "1250.0",
        "1e3",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "\"1250\"",
        "null",
        "true",
        "[1250]",
        "{\"a\":[1]}",
    ] {
        for json in
            [format!(r#"{{"amount":{amount},"currency":"CNY"}}"#), format!(r#"{{"currency":"CNY","amount":{amount}}}"#)]
        {
            let error = refusal(&json);
            assert!(error.starts_with("amount: must be "), "{json}: {error}");
            assert!(error.contains("minor units"), "{json}: {error}");
            assert!(error.contains("(CNY has 2 decimals: 12.50 CNY is 1250)"), "{json}: {error}");
        }
    }
    assert!(refusal(r#"{"amount":1.5,"currency":"JPY"}"#).contains("(JPY has 0 decimals: 500 JPY is 500)"));
}

#[test]
fn a_wrong_shape_is_refused_by_field() {
    for (json, start) in [
        (r#"{}"#, "currency: is missing"),
        (r#"{"amount":1}"#, "currency: is missing"),
        (r#"{"currency":"CNY"}"#, "amount: is missing"),
        (r#"{"amount":1,"amount":1,"currency":"CNY"}"#, "amount: is given twice"),
        (r#"{"amount":1,"currency":"CNY","currency":"CNY"}"#, "currency: is given twice"),
        (r#"{"amount":1,"currency":"cny"}"#, "currency: must be the code of"),
        (r#"{"amount":"1","currency":156}"#, "currency: must be the code of"),
        (r#"{"amount":1,"currency":null}"#, "currency: must be the code of"),
        (r#"{"amount":1,"currency":"CNY","tip":0}"#, "tip: is not a field of money"),
        (r#"{"Amount":1,"currency":"CNY"}"#, "Amount: is not a field of money"),
        (r#"[1250,"CNY"]"#, "invalid type: sequence, expected an object such as"),
        ("null", "invalid type: null, expected an object such as"),
        ("1250", "invalid type: integer `1250`, expected an object such as"),
    ] {
        let error = refusal(json);
        assert!(error.starts_with(start), "{json}: {error}");
    }
}

#[test]
fn a_strangers_field_name_is_clipped_and_escaped() {
    let error = refusal(&format!(r#"{{"\n{}":1}}"#, "a".repeat(10_000)));
    assert!(error.starts_with(r"\naaa"), "{error}");
    assert!(error.len() < 160, "{error}");
}

#[test]
fn an_amount_alone_is_as_strict() {
    assert_eq!(serde_json::from_str::<Amount>("1250").unwrap().minor_units(), 1250);
    for text in ["0", "-1", "1.0", "\"1\"", "null", "9223372036854775808"] {
        let error = serde_json::from_str::<Amount>(text).unwrap_err().to_string();
        assert!(error.starts_with("amount: must be "), "{text}: {error}");
    }
}

/// The stored form: journals hold these bytes, so they never change.
#[test]
fn binary_is_two_variable_length_integers() {
    let bytes = postcard::to_allocvec(&money(1250, "CNY")).unwrap();
    assert_eq!(bytes, [0xE2, 0x09, 0x9C, 0x01]);
    assert_eq!(postcard::from_bytes::<Money>(&bytes).unwrap(), money(1250, "CNY"));
    let nothing = postcard::to_allocvec(&(0_u64, 156_u16)).unwrap();
    let too_much = postcard::to_allocvec(&(1_u64 << 63, 156_u16)).unwrap();
    let gold = postcard::to_allocvec(&(1_u64, 959_u16)).unwrap();
    for bytes in [nothing, too_much, gold] {
        assert!(postcard::from_bytes::<Money>(&bytes).is_err());
    }
}

proptest! {
    #[test]
    fn both_forms_round_trip(
        minor_units in 1..=Amount::MAX.minor_units(),
        alpha in prop::sample::select(vec!["JPY", "CNY", "KWD", "CLF"]),
    ) {
        let money = money(minor_units, alpha);
        let json = serde_json::to_vec(&money).unwrap();
        prop_assert_eq!(serde_json::from_slice::<Money>(&json).unwrap(), money);
        let bytes = postcard::to_allocvec(&money).unwrap();
        prop_assert_eq!(postcard::from_bytes::<Money>(&bytes).unwrap(), money);
    }

    #[test]
    fn any_bytes_are_refused_or_round_trip(bytes in prop::collection::vec(any::<u8>(), 0..16)) {
        if let Ok(money) = postcard::from_bytes::<Money>(&bytes) {
            prop_assert!((1..=Amount::MAX.minor_units()).contains(&money.amount().minor_units()));
        }
        let _ = serde_json::from_slice::<Money>(&bytes);
    }
}
