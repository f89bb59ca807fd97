//! The description of a world, and what makes sense in one.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::Hash;

use directory::Name;
use money::{Amount, Currency, Money};
use payments::Text;
use serde::{Deserialize, Serialize};
use tag::Uid;

use crate::hexadecimal;

/// A description that makes sense.
#[derive(Debug, Default)]
pub(crate) struct World {
    merchants: Vec<Merchant>,
    wallets: Vec<Wallet>,
}

/// Who is paid.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Merchant {
    pub(crate) key: Key,
    pub(crate) name: Name,
    pub(crate) name_zh: Option<Name>,
    /// What it can be paid in.
    pub(crate) currencies: Vec<Currency>,
    #[serde(default)]
    pub(crate) stores: Vec<Store>,
}

/// A place of a merchant.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Store {
    /// Unique within the merchant.
    pub(crate) key: Key,
    pub(crate) name: Name,
    pub(crate) name_zh: Option<Name>,
    pub(crate) address: Option<Text>,
    #[serde(default)]
    pub(crate) tills: Vec<Till>,
    #[serde(default)]
    pub(crate) tags: Vec<Tag>,
}

/// A place to pay in a store.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Till {
    /// Unique within the store.
    pub(crate) key: Key,
    pub(crate) name: Name,
}

/// A chip to touch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tag {
    /// Unique within the store.
    pub(crate) key: Key,
    pub(crate) label: Name,
    pub(crate) uid: UidText,
    pub(crate) mode: TagMode,
    /// The currency of amounts that a payer types; one of the merchant's.
    pub(crate) currency: Currency,
    /// The till beside it; a tag of mode `till` must have one.
    pub(crate) till: Option<Key>,
}

/// What a touch means when no order waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TagMode {
    /// Nothing to pay until the till asks.
    Till,
    /// The payer types the amount.
    Standing,
}

/// Who pays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wallet {
    pub(crate) key: Key,
    pub(crate) name: Name,
    pub(crate) name_zh: Option<Name>,
    /// What it can hold.
    pub(crate) currencies: Vec<Currency>,
    /// Money that the platform holds for it already.
    #[serde(default)]
    pub(crate) deposits: Vec<Deposit>,
}

/// Money that enters a wallet once.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Deposit {
    /// Unique within the wallet.
    pub(crate) key: Key,
    /// Minor units: 1250 is 12.50 CNY.
    pub(crate) amount: Amount,
    pub(crate) currency: Currency,
}

impl Deposit {
    pub(crate) fn money(&self) -> Money {
        Money::new(self.amount, self.currency)
    }
}

/// What the description's author calls something: 1 to 64 small letters, digits and hyphens.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Key(String);

impl Key {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Key {
    type Error = &'static str;

    fn try_from(key: String) -> Result<Self, Self::Error> {
        let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let fits = (1..=64).contains(&key.len()) && key.bytes().all(plain);
        if fits { Ok(Self(key)) } else { Err("a key must be 1 to 64 small letters, digits and hyphens") }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A chip's UID as it is printed: 14 hexadecimal digits, the first two 04 (NXP).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct UidText(pub(crate) Uid);

impl TryFrom<String> for UidText {
    type Error = &'static str;

    fn try_from(digits: String) -> Result<Self, Self::Error> {
        match hexadecimal::decode::<7>(&digits) {
            Some(bytes @ [0x04, ..]) => Ok(Self(Uid(bytes))),
            _ => Err("an NTAG 424 DNA's UID is 14 hexadecimal digits that begin with 04"),
        }
    }
}

impl std::str::FromStr for UidText {
    type Err = &'static str;

    fn from_str(digits: &str) -> Result<Self, Self::Err> {
        Self::try_from(digits.to_owned())
    }
}

/// What does not make sense, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct WorldError {
    /// The path of a field, such as `merchants[0].stores[1].name`.
    pub(crate) path: String,
    /// What to change.
    pub(crate) message: String,
}

impl fmt::Display for WorldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    #[serde(default)]
    merchants: Vec<Merchant>,
    #[serde(default)]
    wallets: Vec<Wallet>,
}

impl World {
    /// Reads a description.
    ///
    /// # Errors
    /// The first thing that is misspelt, or else everything that does not fit together. Never an empty list.
    pub(crate) fn parse(json: &str) -> Result<Self, Vec<WorldError>> {
        let mut reader = serde_json::Deserializer::from_str(json);
        let misspelt = |path: String, error: serde_json::Error| vec![WorldError { path, message: error.to_string() }];
        let description: Description = serde_path_to_error::deserialize(&mut reader)
            .map_err(|error| misspelt(error.path().to_string(), error.into_inner()))?;
        reader.end().map_err(|error| misspelt("after the description".to_owned(), error))?;
        Self::new(description.merchants, description.wallets)
    }

    /// The world of these merchants and wallets.
    ///
    /// # Errors
    /// Everything that does not fit together. Never an empty list.
    pub(crate) fn new(merchants: Vec<Merchant>, wallets: Vec<Wallet>) -> Result<Self, Vec<WorldError>> {
        let mut check = Check::default();
        check.merchants(&merchants);
        check.wallets(&wallets);
        if check.errors.is_empty() { Ok(Self { merchants, wallets }) } else { Err(check.errors) }
    }

    /// Who is paid.
    pub(crate) fn merchants(&self) -> &[Merchant] {
        &self.merchants
    }

    /// Who pays.
    pub(crate) fn wallets(&self) -> &[Wallet] {
        &self.wallets
    }
}

/// Collects what does not fit together.
#[derive(Default)]
struct Check {
    errors: Vec<WorldError>,
    /// Where each chip was seen first.
    chips: HashMap<UidText, String>,
}

impl Check {
    fn refuse(&mut self, path: String, message: String) {
        self.errors.push(WorldError { path, message });
    }

    fn merchants(&mut self, merchants: &[Merchant]) {
        self.unique("merchants", "key", merchants.iter().map(|merchant| &merchant.key));
        for (index, merchant) in merchants.iter().enumerate() {
            let path = format!("merchants[{index}]");
            self.currencies(&path, &merchant.currencies);
            self.unique(&format!("{path}.stores"), "key", merchant.stores.iter().map(|store| &store.key));
            for (index, store) in merchant.stores.iter().enumerate() {
                self.store(&format!("{path}.stores[{index}]"), merchant, store);
            }
        }
    }

    fn store(&mut self, path: &str, merchant: &Merchant, store: &Store) {
        self.unique(&format!("{path}.tills"), "key", store.tills.iter().map(|till| &till.key));
        self.unique(&format!("{path}.tags"), "key", store.tags.iter().map(|tag| &tag.key));
        for (index, tag) in store.tags.iter().enumerate() {
            self.tag(&format!("{path}.tags[{index}]"), merchant, store, tag);
        }
    }

    fn tag(&mut self, path: &str, merchant: &Merchant, store: &Store, tag: &Tag) {
        if let Some(first) = self.chips.get(&tag.uid) {
            let message = format!("{first} has this UID too: no two chips have the same");
            self.refuse(format!("{path}.uid"), message);
        } else {
            self.chips.insert(tag.uid, path.to_owned());
        }
        if !merchant.currencies.contains(&tag.currency) {
            let message = format!("add {} to the currencies of {}, or choose one of them", tag.currency, merchant.key);
            self.refuse(format!("{path}.currency"), message);
        }
        match &tag.till {
            None if tag.mode == TagMode::Till => {
                self.refuse(format!("{path}.till"), "name the till that the tag is beside".to_owned());
            }
            Some(till) if store.tills.iter().all(|known| known.key != *till) => {
                self.refuse(format!("{path}.till"), format!("there is no till {till} in this store"));
            }
            _ => {}
        }
    }

    fn wallets(&mut self, wallets: &[Wallet]) {
        self.unique("wallets", "key", wallets.iter().map(|wallet| &wallet.key));
        for (index, wallet) in wallets.iter().enumerate() {
            let path = format!("wallets[{index}]");
            self.currencies(&path, &wallet.currencies);
            self.unique(&format!("{path}.deposits"), "key", wallet.deposits.iter().map(|deposit| &deposit.key));
            for (index, deposit) in wallet.deposits.iter().enumerate() {
                if !wallet.currencies.contains(&deposit.currency) {
                    let message = format!("add {} to the currencies of {}", deposit.currency, wallet.key);
                    self.refuse(format!("{path}.deposits[{index}].currency"), message);
                }
            }
        }
    }

    fn currencies(&mut self, path: &str, currencies: &[Currency]) {
        let path = format!("{path}.currencies");
        if currencies.is_empty() {
            self.refuse(path.clone(), "name at least one currency, such as [\"CNY\"]".to_owned());
        }
        self.unique(&path, "", currencies.iter());
    }

    /// Refuses each value of a list that was there before.
    fn unique<T: Eq + Hash + fmt::Display>(&mut self, list: &str, field: &str, values: impl Iterator<Item = T>) {
        let mut seen = HashSet::new();
        for (index, value) in values.enumerate() {
            if seen.contains(&value) {
                let dot = if field.is_empty() { "" } else { "." };
                self.refuse(format!("{list}[{index}]{dot}{field}"), format!("{value} is there already"));
            }
            seen.insert(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = r#"{
        "merchants": [{
            "key": "lantern-tea", "name": "Lantern Tea", "currencies": ["CNY"],
            "stores": [{
                "key": "bund", "name": "The Bund",
                "tills": [{"key": "1", "name": "Till 1"}],
                "tags": [{"key": "1", "label": "Till 1", "uid": "04A1B2C3D4E5F6", "mode": "till", "currency": "CNY",
                    "till": "1"}]
            }]
        }],
        "wallets": [{"key": "mei", "name": "Mei", "currencies": ["CNY"],
            "deposits": [{"key": "opening", "amount": 1250, "currency": "CNY"}]}]
    }"#;

    fn errors(json: &str) -> Vec<String> {
        World::parse(json).err().into_iter().flatten().map(|error| error.to_string()).collect()
    }

    fn assert_refused(from: &str, to: &str, expected: &[&str]) {
        assert!(SHOP.contains(from), "{from}");
        let errors = errors(&SHOP.replace(from, to));
        assert_eq!(errors.len(), expected.len(), "{errors:?}");
        for (error, expected) in errors.iter().zip(expected) {
            assert!(error.starts_with(expected), "{error}, not {expected}");
        }
    }

    #[test]
    fn a_sound_description_is_taken() {
        let world = World::parse(SHOP).unwrap();
        assert_eq!((world.merchants.len(), world.wallets.len()), (1, 1));
        assert_eq!(world.merchants[0].stores[0].tags[0].uid.0.to_string(), "04A1B2C3D4E5F6");
        assert!(World::parse("{}").is_ok());
    }

    #[test]
    fn what_is_misspelt_is_named_by_its_path() {
        let store = "merchants[0].stores[0]";
        assert_refused("\"The Bund\"", "\"\"", &[&format!("{store}.name: must have at least one visible character")]);
        assert_refused("04A1B2C3D4E5F6", "05A1B2C3D4E5F6", &[&format!("{store}.tags[0].uid: an NTAG 424 DNA's UID")]);
        assert_refused("lantern-tea", "Lantern Tea", &["merchants[0].key: a key must be"]);
        assert_refused("1250", "12.50", &["wallets[0].deposits[0].amount: amount: must be a whole number"]);
        assert_refused("1250", "0", &["wallets[0].deposits[0].amount: amount: must be at least 1"]);
        assert_refused("\"till\", \"cur", "\"tip\", \"cur", &[&format!("{store}.tags[0].mode: unknown variant")]);
        assert_refused("\"currencies\": [\"CNY\"],\n            \"dep", "\"dep", &["wallets[0]: missing field"]);
        assert_refused("\"wallets\"", "\"walets\"", &["walets: unknown field"]);
        assert_refused(
            "[\"CNY\"],\n            \"st",
            "[\"XXX\"],\n            \"st",
            &["merchants[0].currencies[0]: "],
        );
        let unfinished = errors(&SHOP[..SHOP.len() - 1]);
        assert!(unfinished[0].contains("EOF"), "{unfinished:?}");
        let continued = errors(&format!("{SHOP} x"));
        assert!(continued[0].starts_with("after the description: trailing characters"), "{continued:?}");
    }

    #[test]
    fn what_does_not_fit_together_is_named_all_at_once() {
        let tag = "merchants[0].stores[0].tags[0]";
        assert_refused("\"till\": \"1\"", "\"till\": \"2\"", &[&format!("{tag}.till: there is no till 2")]);
        assert_refused(
            "\"currency\": \"CNY\",\n                    \"till\": \"1\"",
            "\"currency\": \"EUR\"",
            &[&format!("{tag}.currency: add EUR to"), &format!("{tag}.till: name the till")],
        );
        assert_refused("1250, \"currency\": \"CNY\"", "1, \"currency\": \"JPY\"", &["wallets[0].deposits[0].currency"]);
        assert_refused(
            "[{\"key\": \"1\", \"name\": \"Till 1\"}]",
            "[{\"key\": \"1\", \"name\": \"Till 1\"}, {\"key\": \"1\", \"name\": \"Till 2\"}]",
            &["merchants[0].stores[0].tills[1].key: 1 is there already"],
        );
        assert_refused(
            "\"currencies\": [\"CNY\"],\n            \"stores\"",
            "\"currencies\": [\"CNY\", \"CNY\"],\n            \"stores\"",
            &["merchants[0].currencies[1]: CNY is there already"],
        );
    }

    #[test]
    fn a_chip_is_in_one_place() {
        let twice = SHOP.replace(
            "\"stores\": [{",
            r#""stores": [{"key": "2", "name": "2", "tags": [
                {"key": "9", "label": "Stall", "uid": "04a1b2c3d4e5f6", "mode": "standing", "currency": "CNY"}]}, {"#,
        );
        let errors = errors(&twice);
        assert_eq!(
            errors,
            ["merchants[0].stores[1].tags[0].uid: merchants[0].stores[0].tags[0] has this UID too: no two chips have \
              the same"]
        );
    }
}
