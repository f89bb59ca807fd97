//! Rounding, beside an independent implementation's results.

use money::{Decimal, DecimalOutOfRange, ParseDecimalError, Rounding};
use serde_json::Value;

const MODES: [(&str, Rounding); 7] = [
    ("HALF_EVEN", Rounding::HalfEven),
    ("HALF_UP", Rounding::HalfUp),
    ("HALF_DOWN", Rounding::HalfDown),
    ("UP", Rounding::Up),
    ("DOWN", Rounding::Down),
    ("CEILING", Rounding::Ceiling),
    ("FLOOR", Rounding::Floor),
];

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_row_and_mode_of_the_vectors() {
    let vectors = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/rounding.json"));
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let mut checked = 0;
    for case in vectors["cases"].as_array().unwrap() {
        let value = case["value"].as_str().unwrap();
        let decimals = u8::try_from(case["minor_units"].as_u64().unwrap()).unwrap();
        for (name, rounding) in MODES {
            let expected = case[name].as_str().unwrap();
            let rounded = decimal(value).round(decimals, rounding).unwrap();
            assert_eq!(rounded.to_string(), expected, "{value} to {decimals}, {name}");
            let units: i128 = expected.replace('.', "").parse().unwrap();
            assert_eq!(decimal(value).to_minor_units(decimals, rounding), Ok(units), "{value} to {decimals}, {name}");
            checked += 1;
        }
    }
    assert_eq!(checked, 75 * 7);
}

#[test]
fn what_is_written_stays_as_it_is() {
    let smallest = format!("0.{}1", "0".repeat(36));
    for (text, decimals) in
        [("0", 0), ("-0", 0), ("0.00", 2), ("-0.00", 2), ("10.50", 2), ("9007199254740993.01", 2), (&smallest, 37)]
    {
        assert_eq!(decimal(text).to_string(), text);
        assert_eq!(decimal(text).round(decimals, Rounding::Up), Ok(decimal(text)));
    }
}

#[test]
fn anything_but_a_plain_decimal_is_refused() {
    let not_decimals =
        ["", "-", ".", ".5", "5.", "-.5", "+1", "--1", "01", "00", "-00.1", "1.2.3", "1e3", "1E3", "0x10", "1_000"];
    let nor_these = ["1,5", " 1", "1 ", "1 .5", "NaN", "inf", "١", "1\u{0}", "1.-5", "1.+5"];
    for text in not_decimals.into_iter().chain(nor_these) {
        assert_eq!(Decimal::parse(text), Err(ParseDecimalError::NotADecimal), "{text:?}");
    }
}

#[test]
fn digits_are_bounded() {
    let longest = "9".repeat(38);
    assert_eq!(decimal(&longest).to_minor_units(0, Rounding::Up), Ok(10_i128.pow(38) - 1));
    assert_eq!(decimal(&format!("-{longest}")).to_minor_units(0, Rounding::Up), Ok(1 - 10_i128.pow(38)));
    for text in ["9".repeat(39), format!("{longest}.0"), format!("0.{longest}"), format!("0.{}", "0".repeat(1_000_000))]
    {
        assert_eq!(Decimal::parse(&text), Err(ParseDecimalError::TooManyDigits));
    }
    assert_eq!(decimal(&longest).round(1, Rounding::Down), Err(DecimalOutOfRange));
    assert_eq!(decimal("1").round(38, Rounding::Down), Err(DecimalOutOfRange));
    assert_eq!(decimal("0.9").round(38, Rounding::Down).map(|decimal| decimal.to_string().len()), Ok(40));
    assert_eq!(decimal("0").round(39, Rounding::Down), Err(DecimalOutOfRange));
    assert_eq!(decimal("0").round(255, Rounding::Down), Err(DecimalOutOfRange));
    let nearly = format!("9.{}", "9".repeat(37));
    assert_eq!(decimal(&nearly).round(0, Rounding::HalfEven), Ok(decimal("10")));
    assert_eq!(decimal(&nearly).round(37, Rounding::Up), Ok(decimal(&nearly)));
}
