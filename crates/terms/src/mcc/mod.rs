//! Merchant category codes.

mod private_use;
mod table;

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use private_use::PRIVATE_USE;
use table::ASSIGNED;

/// A merchant category code (ISO 18245) that somebody has assigned: what trade a merchant is in.
///
/// Its text is four digits, `0742`; in binary formats it is the number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mcc(u16);

impl Mcc {
    /// The code of four digits.
    ///
    /// # Errors
    /// [`UnknownMcc`] if they are not, or the code is not assigned.
    pub fn parse(text: &str) -> Result<Self, UnknownMcc> {
        let four_digits = text.len() == 4 && text.bytes().all(|byte| byte.is_ascii_digit());
        let code = text.parse().ok().filter(|_| four_digits).ok_or(UnknownMcc)?;
        Self::from_number(code)
    }

    /// The code as a number: 742 for `0742`.
    #[must_use]
    pub fn number(self) -> u16 {
        self.0
    }

    /// What the trade is called in the list; for 3000 to 3999 a company's name.
    #[must_use]
    pub fn description(self) -> &'static str {
        match describe(self.0) {
            Some(description) => description,
            None => unreachable!("a code is only made from a row of the table"),
        }
    }

    /// What kind of trade it is: the range of ISO 18245 that the code is in, or `Other` for what is in none.
    #[must_use]
    pub fn range(self) -> &'static str {
        RANGES.iter().find(|(last, _)| self.0 <= *last).map_or("Other", |(_, range)| range)
    }

    fn from_number(number: u16) -> Result<Self, UnknownMcc> {
        if describe(number).is_some() { Ok(Self(number)) } else { Err(UnknownMcc) }
    }
}

fn describe(number: u16) -> Option<&'static str> {
    let table = if (3000..=3999).contains(&number) { PRIVATE_USE } else { ASSIGNED };
    let index = table.binary_search_by_key(&number, |(code, _)| *code).ok()?;
    table.get(index).map(|(_, description)| *description)
}

/// The last code of each range of ISO 18245, and its name.
const RANGES: &[(u16, &str)] = &[
    (1499, "Agricultural services"),
    (2999, "Contracted services"),
    (3999, "Reserved for private use"),
    (4799, "Transportation"),
    (4999, "Utilities"),
    (5599, "Retail outlets"),
    (5699, "Clothing outlets"),
    (5999, "Miscellaneous outlets"),
    (7299, "Service providers"),
    (7529, "Business services"),
    (7799, "Repair services"),
    (7999, "Amusement and entertainment"),
    (8999, "Professional services and membership organizations"),
    (9402, "Government services"),
];

impl fmt::Display for Mcc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}", self.0)
    }
}

impl fmt::Debug for Mcc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Mcc {
    type Err = UnknownMcc;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Mcc {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() { serializer.collect_str(self) } else { serializer.serialize_u16(self.0) }
    }
}

impl<'de> Deserialize<'de> for Mcc {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = if deserializer.is_human_readable() {
            Self::parse(&String::deserialize(deserializer)?)
        } else {
            Self::from_number(u16::deserialize(deserializer)?)
        };
        code.map_err(de::Error::custom)
    }
}

/// Not four digits, or not an assigned code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the four digits of a merchant category code, such as \"5812\"")]
pub struct UnknownMcc;
