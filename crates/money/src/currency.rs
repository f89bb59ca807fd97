//! Currencies, and how they are spelt.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Serialize, Serializer};

use crate::table;

/// An active ISO 4217 currency that has a minor unit, and so can be priced and paid in.
///
/// Serialises as its alphabetic code (`"CNY"`) in human-readable formats and as its numeric code (156) in binary ones.
/// Deserialisation errors begin with `currency: `.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency {
    /// Always the code of a row of the table.
    numeric: u16,
}

impl Currency {
    /// The currency of a three-letter code in capitals, such as `CNY`.
    ///
    /// # Errors
    /// [`UnknownCurrency`] if ISO 4217 lists no such code, or lists it without a minor unit (`XAU`, `XTS`, `XXX`).
    pub fn from_alpha(alpha: &str) -> Result<Self, UnknownCurrency> {
        table::by_alpha(alpha).map(Self::from_entry).ok_or(UnknownCurrency)
    }

    /// The currency of a three-digit code, such as 156 for `CNY`.
    ///
    /// # Errors
    /// [`UnknownCurrency`] if ISO 4217 lists no such code, or lists it without a minor unit.
    pub fn from_numeric(numeric: u16) -> Result<Self, UnknownCurrency> {
        table::by_numeric(numeric).map(Self::from_entry).ok_or(UnknownCurrency)
    }

    /// The three-letter code.
    #[must_use]
    pub fn alpha(self) -> &'static str {
        self.entry().alpha
    }

    /// The three-digit code, at most 999.
    #[must_use]
    pub fn numeric(self) -> u16 {
        self.numeric
    }

    /// How many decimals an amount has when it is written in the major unit: 0 to 4, and 2 for most currencies.
    #[must_use]
    pub fn minor_unit_digits(self) -> u8 {
        self.entry().minor_unit_digits
    }

    fn from_entry(entry: &'static table::Entry) -> Self {
        Self { numeric: entry.numeric }
    }

    fn entry(self) -> &'static table::Entry {
        match table::by_numeric(self.numeric) {
            Some(entry) => entry,
            None => unreachable!("a currency is only made from a row of the table"),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.alpha())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.alpha())
    }
}

/// The code names no currency that can be paid in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCurrency;

impl fmt::Display for UnknownCurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be the code of an active ISO 4217 currency that has a minor unit, such as \"CNY\"")
    }
}

impl std::error::Error for UnknownCurrency {}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.alpha())
        } else {
            serializer.serialize_u16(self.numeric)
        }
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(AlphaVisitor)
        } else {
            Self::from_numeric(u16::deserialize(deserializer)?).map_err(refused)
        }
    }
}

fn refused<E: de::Error>(error: UnknownCurrency) -> E {
    E::custom(format_args!("currency: {error}"))
}

/// Takes a string; says of everything else what a currency looks like.
struct AlphaVisitor;

impl<'de> Visitor<'de> for AlphaVisitor {
    type Value = Currency;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an ISO 4217 currency code such as \"CNY\"")
    }

    fn visit_str<E: de::Error>(self, alpha: &str) -> Result<Currency, E> {
        Currency::from_alpha(alpha).map_err(refused)
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Currency, E> {
        Err(refused(UnknownCurrency))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Currency, E> {
        Err(refused(UnknownCurrency))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Currency, E> {
        Err(refused(UnknownCurrency))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Currency, E> {
        Err(refused(UnknownCurrency))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Currency, E> {
        Err(refused(UnknownCurrency))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<Currency, A::Error> {
        Err(refused(UnknownCurrency))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, _: A) -> Result<Currency, A::Error> {
        Err(refused(UnknownCurrency))
    }
}
