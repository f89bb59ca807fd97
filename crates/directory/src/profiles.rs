//! What the directory knows.

use std::fmt;

use ids::{MerchantId, StoreId, TagId, TillId, WalletId};
use payments::{Text, UnixMillis};

use crate::keys::{Actor, HashedKey, KeyProfile, Scopes};
use crate::token::Digest;
use crate::{Name, Token};

/// What a data folder is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// For real: every key is secret.
    Live,
    /// For demonstration: the keys are published, and anybody can make taps.
    Demonstration,
}

/// A merchant: a brand or company that is paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MerchantProfile {
    /// The merchant's id.
    pub id: MerchantId,
    /// What it is called.
    pub name: Name,
    /// What it is called in Chinese.
    pub name_zh: Option<Name>,
    /// When it was added; adding it again keeps the first time.
    pub created_at: UnixMillis,
}

/// A store: one place of a merchant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreProfile {
    /// The store's id.
    pub id: StoreId,
    /// Whose store it is.
    pub merchant: MerchantId,
    /// What it is called.
    pub name: Name,
    /// What it is called in Chinese.
    pub name_zh: Option<Name>,
    /// Where it is, in one line for people.
    pub address: Option<Text>,
}

/// A till: one place to pay in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TillProfile {
    /// The till's id.
    pub id: TillId,
    /// Where it stands.
    pub store: StoreId,
    /// What it is called.
    pub name: Name,
}

/// A tag: where it is. Its chip and what a tap on it means is the money core's to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagProfile {
    /// The tag's id.
    pub id: TagId,
    /// Whose tag it is.
    pub merchant: MerchantId,
    /// In which store it is.
    pub store: StoreId,
    /// At which till, if at one.
    pub till: Option<TillId>,
    /// What is written on it.
    pub label: Name,
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
