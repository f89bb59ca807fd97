//! The ids of data objects.

use std::fmt;
use std::str::FromStr;

/// The id of a data object: two decimal digits, 00 to 99 (Merchant-Presented Mode section 4.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(u8);

impl Id {
    /// How many ids there are.
    pub(crate) const COUNT: usize = 100;

    /// The id of a number, for those that are written in the program.
    ///
    /// # Panics
    /// If there is no such id; at compile time where it is used in a constant.
    #[must_use]
    pub const fn of(number: u8) -> Self {
        assert!(number < 100, "an id has two digits");
        Self(number)
    }

    /// Its number: 0 to 99.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// The id of two ASCII digits.
    pub(crate) fn from_digits(tens: u8, units: u8) -> Option<Self> {
        let number = (tens.is_ascii_digit() && units.is_ascii_digit()).then(|| (tens - b'0') * 10 + (units - b'0'));
        number.map(Self)
    }

    /// Whether objects of this id hold other objects: merchant accounts (26 to 51), additional data (62), the language
    /// template (64) and the unreserved templates (80 to 99).
    #[must_use]
    pub const fn is_template(self) -> bool {
        self.is_account_template() || matches!(self.0, 62 | 64) || self.is_unreserved()
    }

    /// Whether this is one of the merchant accounts that are templates: 26 to 51.
    #[must_use]
    pub const fn is_account_template(self) -> bool {
        self.0 >= 26 && self.0 <= 51
    }

    /// Whether this is one of the card schemes' merchant accounts, which are text: 02 to 25.
    #[must_use]
    pub const fn is_primitive_account(self) -> bool {
        self.0 >= 2 && self.0 <= 25
    }

    /// Whether this is one of the unreserved templates: 80 to 99.
    #[must_use]
    pub const fn is_unreserved(self) -> bool {
        self.0 >= 80
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}", self.0)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Id {
    type Err = NoSuchId;

    fn from_str(text: &str) -> Result<Self, NoSuchId> {
        match text.as_bytes() {
            [tens, units] => Self::from_digits(*tens, *units).ok_or(NoSuchId),
            _ => Err(NoSuchId),
        }
    }
}

/// The text is not two decimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an id is two decimal digits, 00 to 99")]
pub struct NoSuchId;
