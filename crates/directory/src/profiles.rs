//! What the directory knows.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use ids::{MerchantId, StoreId, TagId, TillId, WalletId};
use money::Currency;
use payments::{Text, UnixMillis};
use serde::Serialize;
use terms::{Mcc, ZoneName};

use crate::keys::{Actor, HashedKey, KeyProfile, Scopes};
use crate::token::Digest;
use crate::{Address, Country, Email, Metadata, Name, OpeningHours, PayoutAccount, Position, Reference, Token};

/// What a data folder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// For real: every key is secret.
    Live,
    /// For demonstration: the keys are published, and anybody can make taps.
    Demonstration,
    /// Trying out: the keys are secret, the money is not real, and time can be set forward.
    Sandbox,
}

/// A merchant: a brand or company that is paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MerchantProfile {
    /// The merchant's id.
    #[serde(skip)]
    pub id: MerchantId,
    /// What it is called.
    pub name: Name,
    /// What it is called in Chinese.
    pub name_zh: Option<Name>,
    /// When it was added; adding it again keeps the first time.
    #[serde(skip)]
    pub created_at: UnixMillis,
    /// What it is called in law.
    pub legal_name: Option<Text>,
    /// What trade it is in.
    pub mcc: Option<Mcc>,
    /// Where it is established.
    pub country: Option<Country>,
    /// The time zone that it keeps its books in.
    #[serde(rename = "time_zone")]
    pub zone: Option<ZoneName>,
    /// Whom to write to.
    pub email: Option<Email>,
    /// What it was opened to be paid in. Whether it can be, the money core knows.
    pub currencies: BTreeSet<Currency>,
    /// Another system's name for it, unique among merchants.
    pub reference: Option<Reference>,
    /// Its notes.
    pub metadata: Metadata,
    /// Where its settled money goes.
    pub payout_accounts: BTreeMap<Currency, PayoutAccount>,
}

impl MerchantProfile {
    /// A merchant of which no more is known than its name.
    #[must_use]
    pub fn new(id: MerchantId, name: Name, created_at: UnixMillis) -> Self {
        Self {
            id,
            name,
            created_at,
            name_zh: None,
            legal_name: None,
            mcc: None,
            country: None,
            zone: None,
            email: None,
            currencies: BTreeSet::new(),
            reference: None,
            metadata: Metadata::default(),
            payout_accounts: BTreeMap::new(),
        }
    }
}

/// A store: one place of a merchant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreProfile {
    /// The store's id.
    #[serde(skip)]
    pub id: StoreId,
    /// Whose store it is.
    pub merchant: MerchantId,
    /// What it is called.
    pub name: Name,
    /// What it is called in Chinese.
    pub name_zh: Option<Name>,
    /// Where it is, in one line for people.
    pub address: Option<Text>,
    /// Where it is, by the parts of its postal address.
    pub address_parts: Option<Address>,
    /// Where it is on the earth.
    pub position: Option<Position>,
    /// Its time zone.
    #[serde(rename = "time_zone")]
    pub zone: Option<ZoneName>,
    /// When it is open.
    #[serde(rename = "opening_hours")]
    pub hours: Option<OpeningHours>,
    /// Another system's name for it, unique among the merchant's stores.
    pub reference: Option<Reference>,
    /// Its notes.
    pub metadata: Metadata,
}

impl StoreProfile {
    /// A store of which no more is known than its name.
    #[must_use]
    pub fn new(id: StoreId, merchant: MerchantId, name: Name) -> Self {
        Self {
            id,
            merchant,
            name,
            name_zh: None,
            address: None,
            address_parts: None,
            position: None,
            zone: None,
            hours: None,
            reference: None,
            metadata: Metadata::default(),
        }
    }
}

impl StoreProfile {
    /// Where it is, in one line: as was said, or else by the parts of its address.
    #[must_use]
    pub fn address_line(&self) -> Option<Cow<'_, str>> {
        let line = self.address.as_ref().map(|address| Cow::Borrowed(address.as_str()));
        line.or_else(|| self.address_parts.as_ref().map(|parts| Cow::Owned(parts.line())))
    }
}

/// A till: one place to pay in a store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TillProfile {
    /// The till's id.
    #[serde(skip)]
    pub id: TillId,
    /// Whose till it is: the store's merchant, for ever.
    pub merchant: MerchantId,
    /// Where it stands.
    pub store: StoreId,
    /// What it is called.
    pub name: Name,
    /// Another system's name for it, unique among the merchant's tills.
    pub reference: Option<Reference>,
    /// Its notes.
    pub metadata: Metadata,
}

impl TillProfile {
    /// A till of which no more is known than its place and name.
    #[must_use]
    pub fn new(id: TillId, merchant: MerchantId, store: StoreId, name: Name) -> Self {
        Self { id, merchant, store, name, reference: None, metadata: Metadata::default() }
    }
}

/// A tag: where it is. Its chip and what a tap on it means is the money core's to know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TagProfile {
    /// The tag's id.
    #[serde(skip)]
    pub id: TagId,
    /// Whose tag it is, for ever.
    pub merchant: MerchantId,
    /// In which store it is.
    pub store: StoreId,
    /// At which till, if at one.
    pub till: Option<TillId>,
    /// What is written on it.
    pub label: Name,
    /// Another system's name for it, unique among the merchant's tags.
    pub reference: Option<Reference>,
}

impl TagProfile {
    /// A tag that stands at no till.
    #[must_use]
    pub fn new(id: TagId, merchant: MerchantId, store: StoreId, label: Name) -> Self {
        Self { id, merchant, store, till: None, label, reference: None }
    }
}

/// A wallet: a person's account holder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletProfile {
    /// The wallet's id.
    pub id: WalletId,
    /// What its holder is called.
    pub name: Name,
    /// What its holder is called in Chinese.
    pub name_zh: Option<Name>,
    /// When it was added; adding it again keeps the first time.
    pub created_at: UnixMillis,
}

/// Something to add to the directory.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A merchant.
    Merchant(MerchantProfile),
    /// A store of a merchant that is there.
    Store(StoreProfile),
    /// A till of a store that is there.
    Till(TillProfile),
    /// A tag of a merchant, store and till that are there.
    Tag(TagProfile),
    /// A wallet.
    Wallet(WalletProfile),
    /// A key of an actor that is there; made by [`Entry::key`].
    Key(HashedKey),
}

impl Entry {
    /// This key, with its token's hash and last characters.
    #[must_use]
    pub fn key(profile: KeyProfile, token: &Token) -> Self {
        Self::Key(HashedKey::new(profile, token))
    }

    /// A key with the usual scopes of this actor. Its id follows from the token, so that adding it again changes nothing.
    #[must_use]
    pub fn token(actor: Actor, token: &Token) -> Self {
        let id = Digest::of(token).key_id(UnixMillis(0));
        Self::key(KeyProfile::new(id, actor, Scopes::usual_of(actor), Name::of_keys(), UnixMillis(0)), token)
    }
}

/// Names the entry in error messages.
impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Merchant(merchant) => write!(f, "the merchant {}", merchant.id),
            Self::Store(store) => write!(f, "the store {}", store.id),
            Self::Till(till) => write!(f, "the till {}", till.id),
            Self::Tag(tag) => write!(f, "the tag {}", tag.id),
            Self::Wallet(wallet) => write!(f, "the wallet {}", wallet.id),
            Self::Key(HashedKey { profile, .. }) => match profile.actor {
                Actor::Operator => f.write_str("an operator's key"),
                Actor::Merchant(id) => write!(f, "a key of the merchant {id}"),
                Actor::Till(id) => write!(f, "a key of the till {id}"),
                Actor::Wallet(id) => write!(f, "a token of the wallet {id}"),
            },
        }
    }
}
