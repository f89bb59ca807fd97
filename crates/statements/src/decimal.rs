//! Minor units as exact decimals.

use std::fmt;

use money::Currency;

/// An amount as a decimal in the currency's major unit: 1250 is `12.50` CNY, `1250` JPY, `1.250` KWD, `0.1250` CLF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decimal {
    minor: u64,
    digits: usize,
    grouped: bool,
}

impl Decimal {
    /// As machines read it: digits, and a point where the currency has decimals.
    #[must_use]
    pub fn new(minor: u64, currency: Currency) -> Self {
        Self { minor, digits: usize::from(currency.minor_unit_digits()), grouped: false }
    }

    /// As people read it: with a comma after each three digits before the point.
    #[must_use]
    pub fn grouped(minor: u64, currency: Currency) -> Self {
        Self { grouped: true, ..Self::new(minor, currency) }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // One digit before the point at least.
        let text = format!("{:0width$}", self.minor, width = self.digits + 1);
        let (whole, fraction) = text.split_at(text.len() - self.digits);
        if self.grouped {
            for (index, digit) in whole.chars().enumerate() {
                if index > 0 && (whole.len() - index).is_multiple_of(3) {
                    f.write_str(",")?;
                }
                write!(f, "{digit}")?;
            }
        } else {
            f.write_str(whole)?;
        }
        if fraction.is_empty() { Ok(()) } else { write!(f, ".{fraction}") }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(minor: u64, currency: &str) -> (String, String) {
        let currency = Currency::from_alpha(currency).unwrap();
        (Decimal::new(minor, currency).to_string(), Decimal::grouped(minor, currency).to_string())
    }

    fn both(text: &str) -> (String, String) {
        (text.replace(',', ""), text.to_owned())
    }

    #[test]
    fn bug_18_each_currency_has_its_own_decimals() {
        assert_eq!(written(1_234_567, "JPY"), both("1,234,567"));
        assert_eq!(written(1_234_567, "CNY"), both("12,345.67"));
        assert_eq!(written(1_234_567, "KWD"), both("1,234.567"));
        assert_eq!(written(1_234_567, "CLF"), both("123.4567"));
        assert_eq!(written(5, "JPY"), both("5"));
        assert_eq!(written(5, "CNY"), both("0.05"));
        assert_eq!(written(5, "KWD"), both("0.005"));
        assert_eq!(written(5, "CLF"), both("0.0005"));
        assert_eq!(written(0, "CLF"), both("0.0000"));
        assert_eq!(written(u64::MAX, "JPY"), both("18,446,744,073,709,551,615"));
        assert_eq!(written(u64::MAX, "CLF"), both("1,844,674,407,370,955.1615"));
    }

    proptest! {
        #[test]
        fn no_digit_is_lost(minor: u64, numeric in 0u16..1000) {
            if let Ok(currency) = Currency::from_numeric(numeric) {
                let text = Decimal::new(minor, currency).to_string();
                prop_assert_eq!(text.replace('.', "").parse::<u64>(), Ok(minor));
                let decimals = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
                prop_assert_eq!(decimals, usize::from(currency.minor_unit_digits()));
            }
        }
    }
}
