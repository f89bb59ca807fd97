//! What the parts of a profile are: each is checked when it is made, and again when it is read.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A country's code of ISO 3166-1 (alpha-2), one of those that are officially assigned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// ISO 3166-1, officially assigned alpha-2 codes.
const COUNTRIES: &str = "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCL\
CMCNCOCRCUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIEILIMIN\
IOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMUMVMWMXMYMZNANCNENFNGNI\
NLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSOSRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTO\
TRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW";

impl Country {
    /// The code, two capitals.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Country {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let (known, _) = COUNTRIES.as_bytes().as_chunks::<2>();
        let found = known.binary_search_by(|code| code.as_slice().cmp(text.as_bytes()));
        found.ok().and_then(|index| known.get(index)).map(|code| Self(*code)).ok_or(FieldError::Country)
    }
}

/// A contact's e-mail address: something, an `@`, and a domain with a dot in it; 254 characters at most (RFC 5321 leaves
/// no more). Whether it takes mail, only a mail can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email(Box<str>);

impl Email {
    /// The address as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let visible = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
        let domain = |part: &str| part.split('.').all(|label| visible(label) && !label.contains('@'));
        match text.rsplit_once('@') {
            Some((local, host))
                if text.len() <= 254
                    && visible(local)
                    && host.contains('.')
                    && domain(host)
                    && !local.contains('@') =>
            {
                Ok(Self(text.into()))
            }
            _ => Err(FieldError::Email),
        }
    }
}

/// A name that another system gives to what is here: 1 to 64 visible ASCII characters. Unique among its likes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference(Box<str>);

impl Reference {
    /// The name as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Reference {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible && (1..=64).contains(&text.len()) { Ok(Self(text.into())) } else { Err(FieldError::Reference) }
    }
}

/// Part of a bank account that is not an IBAN: 1 to 34 letters and digits of ASCII, with hyphens and spaces between them.
#[derive(Clone, PartialEq, Eq)]
pub struct AccountPart(Box<str>);

impl AccountPart {
    /// The part as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its last four characters, for screens and logs.
    pub fn last_four(&self) -> &str {
        self.0.get(self.0.len().saturating_sub(4)..).unwrap_or_default()
    }
}

impl FromStr for AccountPart {
    type Err = FieldError;

    fn from_str(text: &str) -> Result<Self, FieldError> {
        let allowed = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b' '));
        let ends = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
        let fits = allowed && ends(text.bytes().next()) && ends(text.bytes().next_back()) && text.len() <= 34;
        if fits { Ok(Self(text.into())) } else { Err(FieldError::AccountPart) }
    }
}

/// Never whole in a log.
impl fmt::Debug for AccountPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccountPart(…{})", self.last_four())
    }
}

macro_rules! texts {
    ($($name:ident)*) => { $(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    )* };
}

texts!(Country Email Reference);

/// Read, but never written out by accident.
impl<'de> Deserialize<'de> for AccountPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Notes of whoever integrates: at most 20 of them, each with a name of 1 to 40 letters, digits, `_`, `-` and `.`, and a
/// text of 1 to 500 characters without control characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<Box<str>, Box<str>>);

impl Metadata {
    /// The most notes.
    pub const MOST_NOTES: usize = 20;

    /// The notes by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (&**name, &**text))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a note.
    ///
    /// # Errors
    /// [`FieldError::Metadata`] if it breaks a rule, or its name is taken.
    pub fn add(&mut self, name: &str, text: &str) -> Result<(), FieldError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
        let name_fits = (1..=40).contains(&name.len()) && name.bytes().all(plain);
        let text_fits = (1..=500).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        let has_room = self.0.len() < Self::MOST_NOTES && !self.0.contains_key(name);
        if !(name_fits && text_fits && has_room) {
            return Err(FieldError::Metadata);
        }
        self.0.insert(name.into(), text.into());
        Ok(())
    }
}

impl Serialize for Metadata {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Metadata {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Notes;

        impl<'de> Visitor<'de> for Notes {
            type Value = Metadata;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of texts")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metadata, A::Error> {
                let mut metadata = Metadata::default();
                while let Some((name, text)) = map.next_entry::<String, String>()? {
                    metadata.add(&name, &text).map_err(A::Error::custom)?;
                }
                Ok(metadata)
            }
        }

        deserializer.deserialize_map(Notes)
    }
}

/// What a field of a profile must be like, and is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// Not a [`Country`].
    #[error("must be an assigned code of ISO 3166-1, two capitals such as `CN`")]
    Country,
    /// Not an [`Email`].
    #[error("must be an e-mail address of at most 254 characters")]
    Email,
    /// Not a [`Reference`].
    #[error("must have 1 to 64 visible ASCII characters")]
    Reference,
    /// Not an [`AccountPart`].
    #[error("must have 1 to 34 ASCII letters and digits, with hyphens and spaces between them only")]
    AccountPart,
    /// Not [`Metadata`].
    #[error(
        "must be at most 20 different names of 1 to 40 letters, digits, `_`, `-` and `.`, each with a text of 1 to 500 \
         characters"
    )]
    Metadata,
    /// Not a [`Position`](crate::Position).
    #[error("must be within -90,000,000 to 90,000,000 of latitude and -180,000,000 to 180,000,000 of longitude")]
    Position,
    /// Not [`OpeningHours`](crate::OpeningHours): a range is none.
    #[error(
        "must be ranges such as `09:00-18:30`, to at most `24:00`; one that ends earlier than it begins ends the next day"
    )]
    HoursRange,
    /// Not [`OpeningHours`](crate::OpeningHours): ranges do not fit each other.
    #[error("must be at most 8 ranges a day, in their order, none of which begins before the one before it has ended")]
    HoursOrder,
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_those_of_the_standard() {
        let (known, rest) = COUNTRIES.as_bytes().as_chunks::<2>();
        assert!(known.is_sorted() && rest.is_empty());
        assert_eq!(known.len(), 249);
        assert_eq!("CN".parse::<Country>().unwrap().as_str(), "CN");
        for bad in ["", "C", "cn", "CHN", "XX", "EU", "UK", "中国"] {
            assert_eq!(bad.parse::<Country>(), Err(FieldError::Country), "{bad}");
        }
    }

    #[test]
    fn addresses_of_mail_look_like_it() {
        for good in ["a@b.cn", "first.last+tag@mail.example.org", "李@例子.中国"] {
            assert!(good.parse::<Email>().is_ok(), "{good}");
        }
        let long = format!("{}@b.cn", "a".repeat(250));
        for bad in ["", "@", "a@", "@b.cn", "a@b", "a b@c.cn", "a@b..cn", "a@@b.cn", "a@b.cn\n", "a@.cn", &long] {
            assert_eq!(bad.parse::<Email>(), Err(FieldError::Email), "{bad}");
        }
    }

    #[test]
    fn references_and_account_parts_are_plain() {
        assert!("S-0001/a".parse::<Reference>().is_ok() && "x".repeat(64).parse::<Reference>().is_ok());
        for bad in ["", "a b", "ü", "a\n", &"x".repeat(65)] {
            assert_eq!(bad.parse::<Reference>(), Err(FieldError::Reference), "{bad:?}");
        }
        let part: AccountPart = "6222 0210-0111 6245".parse().unwrap();
        assert_eq!((part.last_four(), format!("{part:?}").contains("6222")), ("6245", false));
        for bad in ["", " 1", "1 ", "-", "1_2", "１", &"1".repeat(35)] {
            assert_eq!(bad.parse::<AccountPart>(), Err(FieldError::AccountPart), "{bad:?}");
        }
    }

    #[test]
    fn metadata_is_bounded_and_named_once() {
        let read = |json: &str| serde_json::from_str::<Metadata>(json).map_err(|error| error.to_string());
        assert_eq!(read(r#"{"b":"2","a":"1"}"#).unwrap().iter().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
        for bad in [r#"{"a":"1","a":"1"}"#, r#"{"":"1"}"#, r#"{"a":""}"#, r#"{"ä":"1"}"#, r#"{"a":"\n"}"#] {
            assert!(read(bad).unwrap_err().contains("at most 20"), "{bad}");
        }
        assert!(read(r#"{"a":1}"#).is_err() && read("[]").is_err() && read("null").is_err());
        let many: Vec<_> = (0..21).map(|n| format!("\"n{n}\":\"x\"")).collect();
        assert!(read(&format!("{{{}}}", many[..20].join(","))).is_ok());
        assert!(read(&format!("{{{}}}", many.join(","))).is_err());
    }
}
