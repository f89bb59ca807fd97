//! Money as people write it.

use money::{Amount, Currency, Money, ParseMoneyError};
use proptest::prelude::*;

fn currency(alpha: &str) -> Currency {
    Currency::from_alpha(alpha).expect("a listed currency")
}

fn money(minor_units: u64, alpha: &str) -> Money {
    Money::new(Amount::new(minor_units).expect("a valid amount"), currency(alpha))
}

#[test]
fn displays_all_decimals_of_the_currency() {
    assert_eq!(money(1250, "CNY").to_string(), "12.50 CNY");
    assert_eq!(money(5, "CNY").to_string(), "0.05 CNY");
    assert_eq!(money(500, "JPY").to_string(), "500 JPY");
    assert_eq!(money(1250, "KWD").to_string(), "1.250 KWD");
    assert_eq!(money(12_345, "CLF").to_string(), "1.2345 CLF");
    assert_eq!(money(Amount::MAX.minor_units(), "CNY").to_string(), "92233720368547758.07 CNY");
}

#[test]
fn reads_exactly_what_it_displays() {
    assert_eq!(Money::parse_decimal("12.50", currency("CNY")), Ok(money(1250, "CNY")));
    assert_eq!(Money::parse_decimal("0.01", currency("CNY")), Ok(money(1, "CNY")));
    assert_eq!(Money::parse_decimal("500", currency("JPY")), Ok(money(500, "JPY")));
    assert_eq!(Money::parse_decimal("90071992547409.93", currency("CNY")), Ok(money(9_007_199_254_740_993, "CNY")));
    for text in
        ["", ".", "12.", ".50", "-1.00", "+1.00", " 1.00", "1,000.00", "1.2.3", "1e2", "01.00", "１.００", "NaN"]
    {
        assert_eq!(Money::parse_decimal(text, currency("CNY")), Err(ParseMoneyError::NotADecimal), "{text:?}");
    }
}

#[test]
fn another_number_of_decimals_is_refused_with_the_right_one() {
    for (text, alpha, hint) in [
        ("12", "CNY", "CNY has 2 decimals: 12.50 CNY is 1250"),
        ("12.5", "CNY", "CNY has 2 decimals"),
        ("12.500", "CNY", "CNY has 2 decimals"),
        ("500.0", "JPY", "JPY has 0 decimals: 500 JPY is 500"),
        ("1.25", "KWD", "KWD has 3 decimals: 12.500 KWD is 12500"),
        ("1.25", "CLF", "CLF has 4 decimals: 12.5000 CLF is 125000"),
    ] {
        let error = Money::parse_decimal(text, currency(alpha)).unwrap_err();
        assert_eq!(error, ParseMoneyError::WrongDecimals { currency: currency(alpha) });
        assert!(error.to_string().contains(hint), "{error}");
    }
}

#[test]
fn nothing_and_too_much_are_out_of_range() {
    let nine_everywhere = "9".repeat(400);
    for text in ["0", "9223372036854775808", "18446744073709551615", "18446744073709551616", &nine_everywhere] {
        let parsed = Money::parse_decimal(text, currency("JPY"));
        assert!(matches!(parsed, Err(ParseMoneyError::OutOfRange(_))), "{text}");
    }
    assert_eq!(Money::parse_decimal("9223372036854775807", currency("JPY")).unwrap().amount(), Amount::MAX);
    assert!(Amount::new(0).is_err());
    assert!(Amount::new(1 << 63).is_err());
}

proptest! {
    #[test]
    fn what_is_displayed_is_read_back(
        minor_units in prop_oneof![1..=10_000_u64, 1..=Amount::MAX.minor_units()],
        alpha in prop::sample::select(vec!["JPY", "CNY", "KWD", "CLF"]),
    ) {
        let money = money(minor_units, alpha);
        let text = money.to_string();
        let decimal = text.strip_suffix(&format!(" {alpha}")).unwrap();
        prop_assert_eq!(Money::parse_decimal(decimal, money.currency()), Ok(money));
    }

    #[test]
    fn any_text_is_refused_or_is_the_one_spelling(text in "[0-9.]{0,24}|\\PC{0,12}") {
        for alpha in ["JPY", "CNY", "KWD", "CLF"] {
            if let Ok(money) = Money::parse_decimal(&text, currency(alpha)) {
                prop_assert_eq!(money.to_string(), format!("{text} {alpha}"));
            }
        }
    }
}
