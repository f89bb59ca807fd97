//! International bank account numbers.

mod structures;

use std::fmt;
use std::str::FromStr;

use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use structures::STRUCTURES;

/// An international bank account number (ISO 13616): its country is in the registry, its length and characters are
/// what the registry says of that country, and its check digits are right (ISO 7064, mod 97-10).
///
/// Check digits that some countries have *inside* the account number are not checked, nor whether bank or account exist.
///
/// Displays in groups of four, as on paper; `Debug` shows the last four characters only. Serialises as its electronic
/// form, without spaces.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Iban(String);

impl Iban {
    /// No country has a longer one.
    const MOST_CHARACTERS: usize = 34;

    /// Reads a number with spaces anywhere or nowhere, in capitals or not.
    ///
    /// # Errors
    /// [`ParseIbanError`] says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, ParseIbanError> {
        let iban: String = text
            .chars()
            .filter(|c| *c != ' ')
            .take(Self::MOST_CHARACTERS + 1)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        if !iban.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(ParseIbanError::WrongCharacter);
        }
        let (country, rest) = iban.split_at_checked(2).ok_or(ParseIbanError::UnknownCountry)?;
        let structure = structure(country).ok_or(ParseIbanError::UnknownCountry)?;
        let (check_digits, account) = rest.split_at_checked(2).ok_or(ParseIbanError::WrongStructure)?;
        if !fits(account, structure) {
            return Err(ParseIbanError::WrongStructure);
        }
        if !check_digits_are_right(country, check_digits, account) {
            return Err(ParseIbanError::WrongCheckDigits);
        }
        Ok(Self(iban))
    }

    /// The electronic form: capitals and digits only.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country's code (ISO 3166-1 alpha-2, or `XK` for Kosovo).
    #[must_use]
    pub fn country(&self) -> &str {
        self.0.get(..2).unwrap_or_default()
    }

    /// The last four characters, for screens and logs.
    #[must_use]
    pub fn last_four(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }
}

fn structure(country: &str) -> Option<&'static str> {
    let index = STRUCTURES.binary_search_by(|(code, _)| (*code).cmp(country)).ok()?;
    STRUCTURES.get(index).map(|(_, structure)| *structure)
}

/// Whether an account number is what a structure such as `4!a14!n` says, from beginning to end.
fn fits(account: &str, structure: &str) -> bool {
    let mut characters = account.bytes();
    let mut length = 0;
    for symbol in structure.bytes() {
        let fits: fn(u8) -> bool = match symbol {
            b'0'..=b'9' => {
                length = length * 10 + usize::from(symbol - b'0');
                continue;
            }
            b'n' => |byte| byte.is_ascii_digit(),
            b'a' => |byte| byte.is_ascii_uppercase(),
            b'c' => |byte| byte.is_ascii_digit() || byte.is_ascii_uppercase(),
            _ => continue,
        };
        let part = characters.by_ref().take(length);
        if part.filter(|byte| fits(*byte)).count() != length {
            return false;
        }
        length = 0;
    }
    characters.next().is_none()
}

/// ISO 7064, mod 97-10. There is one pair of digits for each number, from 02 to 98: 00, 01 and 99 would leave the same
/// remainders as 97, 98 and 02.
fn check_digits_are_right(country: &str, check_digits: &str, account: &str) -> bool {
    let in_range = check_digits.parse().is_ok_and(|digits: u8| (2..=98).contains(&digits));
    let rearranged = account.bytes().chain(country.bytes()).chain(check_digits.bytes());
    let remainder = rearranged.fold(0_u32, |remainder, byte| match byte {
        b'0'..=b'9' => (remainder * 10 + u32::from(byte - b'0')) % 97,
        // A letter stands for two digits, A for 10 to Z for 35.
        letter => (remainder * 100 + u32::from(letter.saturating_sub(b'A')) + 10) % 97,
    });
    in_range && remainder == 1
}

impl fmt::Display for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, character) in self.0.chars().enumerate() {
            let space = if position > 0 && position % 4 == 0 { " " } else { "" };
            write!(f, "{space}{character}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Iban {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Iban(…{})", self.last_four())
    }
}

impl FromStr for Iban {
    type Err = ParseIbanError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl Serialize for Iban {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Iban {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Why a text is not a bank account number. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseIbanError {
    /// Something else than letters, digits and spaces.
    #[error("must be letters, digits and spaces only")]
    WrongCharacter,
    /// The country is not in the registry.
    #[error("must begin with the code of a country that has IBANs")]
    UnknownCountry,
    /// Too long, too short, or a letter where that country has a digit.
    #[error("must have the length and form of that country's IBANs")]
    WrongStructure,
    /// A character is wrong, or two are exchanged.
    #[error("has wrong check digits: something is mistyped")]
    WrongCheckDigits,
}
