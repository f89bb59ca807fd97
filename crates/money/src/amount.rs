//! Amounts without their currency, and what may be written where one is expected.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, Visitor};
use serde::ser::{Serialize, Serializer};

/// A positive amount that can be asked for or paid, in minor units: 1 to 2^63 - 1.
///
/// The bound lets every amount fit a signed 64-bit column of a database. Serialises as an integer; deserialisation
/// errors begin with `amount: `.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

impl Amount {
    /// One minor unit.
    pub const MIN: Self = Self(1);
    /// 9,223,372,036,854,775,807 minor units.
    pub const MAX: Self = Self(i64::MAX.unsigned_abs());

    /// The amount of so many minor units.
    ///
    /// # Errors
    /// [`AmountOutOfRange`] if there are none, or more than 2^63 - 1.
    pub fn new(minor_units: u64) -> Result<Self, AmountOutOfRange> {
        let amount = Self(minor_units);
        if (Self::MIN..=Self::MAX).contains(&amount) { Ok(amount) } else { Err(AmountOutOfRange) }
    }

    /// How many minor units: 1 to 2^63 - 1.
    #[must_use]
    pub fn minor_units(self) -> u64 {
        self.0
    }
}

/// Zero, or more than 2^63 - 1 minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AmountOutOfRange;

impl fmt::Display for AmountOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "must be between {} and {} minor units", Amount::MIN.0, Amount::MAX.0)
    }
}

impl std::error::Error for AmountOutOfRange {}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let written = WrittenAmount::deserialize(deserializer)?;
            written.parse().map_err(|refusal| de::Error::custom(format_args!("amount: {refusal}")))
        } else {
            let minor_units = u64::deserialize(deserializer)?;
            Self::new(minor_units).map_err(|error| de::Error::custom(format_args!("amount: {error}")))
        }
    }
}

/// Whatever a document has in an amount's place, kept until the currency is known, so that the refusal can give an
/// example in it.
#[derive(Clone, Copy)]
pub(crate) enum WrittenAmount {
    /// An integer that is not negative and fits 64 bits.
    Integer(u64),
    /// An integer below zero.
    Negative,
    /// A number with a fraction or an exponent, or too large for 64 bits.
    NotAnInteger,
    /// Text, `null`, `true`, a list or an object.
    NotANumber,
}

impl WrittenAmount {
    pub(crate) fn parse(self) -> Result<Amount, &'static str> {
        match self {
            Self::Integer(0) | Self::Negative => Err("must be at least 1, as a whole number of minor units"),
            Self::Integer(minor_units) => {
                Amount::new(minor_units).map_err(|_| "must be at most 9223372036854775807 minor units")
            }
            Self::NotAnInteger => {
                Err("must be a whole number of minor units, at most 9223372036854775807, without a decimal point")
            }
            Self::NotANumber => Err("must be a whole number of minor units, without quotes"),
        }
    }
}

impl<'de> Deserialize<'de> for WrittenAmount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenAmountVisitor)
    }
}

struct WrittenAmountVisitor;

impl<'de> Visitor<'de> for WrittenAmountVisitor {
    type Value = WrittenAmount;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of minor units")
    }

    fn visit_u64<E>(self, value: u64) -> Result<WrittenAmount, E> {
        Ok(WrittenAmount::Integer(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<WrittenAmount, E> {
        Ok(u64::try_from(value).map_or(WrittenAmount::Negative, WrittenAmount::Integer))
    }

    fn visit_f64<E>(self, _: f64) -> Result<WrittenAmount, E> {
        Ok(WrittenAmount::NotAnInteger)
    }

    fn visit_bool<E>(self, _: bool) -> Result<WrittenAmount, E> {
        Ok(WrittenAmount::NotANumber)
    }

    fn visit_str<E>(self, _: &str) -> Result<WrittenAmount, E> {
        Ok(WrittenAmount::NotANumber)
    }

    fn visit_unit<E>(self) -> Result<WrittenAmount, E> {
        Ok(WrittenAmount::NotANumber)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<WrittenAmount, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(WrittenAmount::NotANumber)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut object: A) -> Result<WrittenAmount, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(WrittenAmount::NotANumber)
    }
}
