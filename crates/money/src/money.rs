//! An amount with its currency: text, JSON and binary forms.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::amount::WrittenAmount;
use crate::{Amount, AmountOutOfRange, Currency};

/// A positive amount of one currency.
///
/// Displays in the major unit with all of the currency's decimals: `12.50 CNY`, `500 JPY`, `1.250 KWD`.
///
/// Human-readable formats carry `{"amount":1250,"currency":"CNY"}`. Reading is strict: both fields, once each, nothing
/// else, and the amount an integer literal of minor units (`1250.0`, `"1250"`, 0 and -1 are refused). An error begins
/// with the field at fault, as in `amount: must be …`. Binary formats carry the amount, then the numeric currency code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Money {
    amount: Amount,
    currency: Currency,
}

impl Money {
    /// So much of that currency.
    #[must_use]
    pub fn new(amount: Amount, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// How much.
    #[must_use]
    pub fn amount(self) -> Amount {
        self.amount
    }

    /// Of which currency.
    #[must_use]
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// Reads an amount written in the major unit, such as `12.50`, exactly.
    ///
    /// Only the form that [`Money`] displays is read: digits without needless leading zeros, then a point and exactly
    /// as many digits as the currency has decimals (no point if it has none). No sign, spaces or separators.
    ///
    /// # Errors
    /// [`ParseMoneyError`] if the text is no such decimal, has another number of decimals, or is out of range.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, ParseMoneyError> {
        let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
        let needless_zero = whole.len() > 1 && whole.starts_with('0');
        if !is_digits(whole) || needless_zero || fraction.is_some_and(|fraction| !is_digits(fraction)) {
            return Err(ParseMoneyError::NotADecimal);
        }
        let fraction = fraction.unwrap_or_default();
        if fraction.len() != usize::from(currency.minor_unit_digits()) {
            return Err(ParseMoneyError::WrongDecimals { currency });
        }
        let minor_units = whole.bytes().chain(fraction.bytes()).try_fold(0_u64, append_digit);
        let amount = minor_units.ok_or(AmountOutOfRange).and_then(Amount::new).map_err(ParseMoneyError::OutOfRange)?;
        Ok(Self::new(amount, currency))
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn append_digit(number: u64, digit: u8) -> Option<u64> {
    number.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (minor_units, currency) = (self.amount.minor_units(), self.currency);
        let digits = currency.minor_unit_digits();
        if digits == 0 {
            return write!(f, "{minor_units} {currency}");
        }
        let one_major = 10_u64.pow(u32::from(digits));
        let (whole, fraction) = (minor_units / one_major, minor_units % one_major);
        write!(f, "{whole}.{fraction:0width$} {currency}", width = usize::from(digits))
    }
}

/// Why a text is not an amount of that currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseMoneyError {
    /// Not digits with at most one point between them.
    NotADecimal,
    /// More or fewer decimals than the currency has.
    WrongDecimals {
        /// The currency whose decimals were missed.
        currency: Currency,
    },
    /// Zero, or too much.
    OutOfRange(AmountOutOfRange),
}

impl fmt::Display for ParseMoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADecimal => f.write_str("must be digits with at most one decimal point, such as 12.50"),
            Self::WrongDecimals { currency } => {
                write!(f, "must be written with all its decimals: {}", Example(*currency))
            }
            Self::OutOfRange(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ParseMoneyError {}

/// Displays how the currency relates to its minor unit: `CNY has 2 decimals: 12.50 CNY is 1250`.
struct Example(Currency);

impl fmt::Display for Example {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = match self.0.minor_unit_digits() {
            0 => ("500", 500),
            2 => ("12.50", 1250),
            3 => ("12.500", 12_500),
            _ => ("12.5000", 125_000),
        };
        let currency = self.0;
        write!(f, "{currency} has {} decimals: {major} {currency} is {minor}", currency.minor_unit_digits())
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_struct("Money", 2)?;
        fields.serialize_field("amount", &self.amount)?;
        fields.serialize_field("currency", &self.currency)?;
        fields.end()
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_map(MoneyVisitor)
        } else {
            // A binary structure is its fields in order, which is what a tuple is.
            let (amount, currency) = Deserialize::deserialize(deserializer)?;
            Ok(Self { amount, currency })
        }
    }
}

struct MoneyVisitor;

impl<'de> Visitor<'de> for MoneyVisitor {
    type Value = Money;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object such as {\"amount\":1250,\"currency\":\"CNY\"}")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut object: A) -> Result<Money, A::Error> {
        let (mut amount, mut currency) = (None, None);
        while let Some(field) = object.next_key()? {
            match field {
                Field::Amount => once(&mut amount, object.next_value::<WrittenAmount>()?, "amount")?,
                Field::Currency => once(&mut currency, object.next_value::<Currency>()?, "currency")?,
            }
        }
        let currency = currency.ok_or_else(|| de::Error::custom("currency: is missing"))?;
        let amount: WrittenAmount = amount.ok_or_else(|| de::Error::custom("amount: is missing"))?;
        let amount = amount
            .parse()
            .map_err(|refusal| de::Error::custom(format_args!("amount: {refusal} ({})", Example(currency))))?;
        Ok(Money::new(amount, currency))
    }
}

fn once<T, E: de::Error>(slot: &mut Option<T>, value: T, name: &str) -> Result<(), E> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(E::custom(format_args!("{name}: is given twice"))),
    }
}

enum Field {
    Amount,
    Currency,
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_identifier(FieldVisitor)
    }
}

struct FieldVisitor;

impl Visitor<'_> for FieldVisitor {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Field, E> {
        match name {
            "amount" => Ok(Field::Amount),
            "currency" => Ok(Field::Currency),
            _ => Err(E::custom(format_args!(
                "{}: is not a field of money, which has amount and currency",
                Clipped(name)
            ))),
        }
    }
}

/// Displays the beginning of a name that a stranger chose, without its control characters.
struct Clipped<'a>(&'a str);

impl fmt::Display for Clipped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MOST_CHARACTERS: usize = 32;
        self.0.chars().take(MOST_CHARACTERS).try_for_each(|c| write!(f, "{}", c.escape_debug()))
    }
}
