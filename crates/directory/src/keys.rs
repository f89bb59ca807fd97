//! Keys: whom a token lets act, what for, and for how long.

use std::fmt;

use ids::{MerchantId, TillId, TokenId, WalletId};
use payments::UnixMillis;
use serde::{Deserialize, Serialize, Serializer};

use crate::token::Digest;
use crate::{Name, Token};

/// Who a key lets act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Actor {
    /// Whoever runs the platform.
    Operator,
    /// A merchant.
    Merchant(MerchantId),
    /// One till of a merchant.
    Till(TillId),
    /// A wallet.
    Wallet(WalletId),
}

impl Actor {
    /// What the API calls this kind of actor.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Merchant(_) => "merchant",
            Self::Till(_) => "till",
            Self::Wallet(_) => "wallet",
        }
    }
}

impl Serialize for Actor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Operator => serializer.serialize_str("operator"),
            Self::Merchant(id) => id.serialize(serializer),
            Self::Till(id) => id.serialize(serializer),
            Self::Wallet(id) => id.serialize(serializer),
        }
    }
}

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// To look.
    Read,
    /// To change what moves no money out: orders, captures, names and places.
    Write,
    /// To give money back.
    Refund,
    /// To say where settled money goes.
    Settle,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Read, Self::Write, Self::Refund, Self::Settle];

    /// What the API calls it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Refund => "refund",
            Self::Settle => "settle",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Refund => 4,
            Self::Settle => 8,
        }
    }
}

/// A set of scopes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Scopes(u8);

impl Scopes {
    /// Every scope.
    pub const ALL: Self = Self(15);

    /// Whether this one is in it.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// Whether every scope of the `other` set is in this one.
    #[must_use]
    pub const fn contains_all(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Those that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether none is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in it, in the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.contains(*scope))
    }

    /// What a key of this actor can at most be used for: a till's never to say where settled money goes.
    #[must_use]
    pub fn most_of(actor: Actor) -> Self {
        match actor {
            Actor::Till(_) => [Scope::Read, Scope::Write, Scope::Refund].into_iter().collect(),
            Actor::Operator | Actor::Merchant(_) | Actor::Wallet(_) => Self::ALL,
        }
    }

    /// What a key of this actor is for when nothing is said: all, but a till's only to look and to ask for payment.
    #[must_use]
    pub fn usual_of(actor: Actor) -> Self {
        match actor {
            Actor::Till(_) => [Scope::Read, Scope::Write].into_iter().collect(),
            Actor::Operator | Actor::Merchant(_) | Actor::Wallet(_) => Self::ALL,
        }
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// The set with these bits, unless one of them means nothing.
    pub(crate) const fn from_bits(bits: u8) -> Option<Self> {
        if bits & !Self::ALL.0 == 0 { Some(Self(bits)) } else { None }
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Scope::name)).finish()
    }
}

/// What a token that was recognised lets its bearer do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The key.
    pub key: TokenId,
    /// For whom.
    pub actor: Actor,
    /// The merchant: the actor itself, or the one whose till it is.
    pub merchant: Option<MerchantId>,
    /// What for.
    pub scopes: Scopes,
}

/// A key as it can be shown: all but the token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyProfile {
    /// The key's id.
    #[serde(skip)]
    pub id: TokenId,
    /// For whom it lets its bearer act.
    pub actor: Actor,
    /// The merchant: the actor itself, or the one whose till it is, which the directory fills in.
    pub merchant: Option<MerchantId>,
    /// What for.
    pub scopes: Scopes,
    /// What it is called, by whoever made it.
    pub label: Name,
    /// The token's last characters, to recognise it by; `None` for keys that were made before these were kept.
    pub hint: Option<Box<str>>,
    /// When it was made.
    #[serde(skip)]
    pub created_at: UnixMillis,
    /// From when it is no longer good.
    #[serde(rename = "expires_at_ms")]
    pub expires_at: Option<UnixMillis>,
    /// When it was revoked.
    #[serde(rename = "revoked_at_ms")]
    pub revoked_at: Option<UnixMillis>,
}

impl KeyProfile {
    /// A key that is good until it is revoked.
    #[must_use]
    pub fn new(id: TokenId, actor: Actor, scopes: Scopes, label: Name, created_at: UnixMillis) -> Self {
        let merchant = if let Actor::Merchant(merchant) = actor { Some(merchant) } else { None };
        Self { id, actor, merchant, scopes, label, hint: None, created_at, expires_at: None, revoked_at: None }
    }

    /// From when it is no longer good, one way or the other.
    #[must_use]
    pub fn ends_at(&self) -> Option<UnixMillis> {
        match (self.expires_at, self.revoked_at) {
            (Some(expires), Some(revoked)) => Some(expires.min(revoked)),
            (expires, revoked) => expires.or(revoked),
        }
    }
}

/// A key as it is kept: with its token's hash.
#[derive(Debug, Clone)]
pub struct HashedKey {
    pub(crate) profile: KeyProfile,
    pub(crate) digest: Digest,
}

impl HashedKey {
    pub(crate) fn new(profile: KeyProfile, token: &Token) -> Self {
        Self { profile: KeyProfile { hint: Some(token.hint()), ..profile }, digest: Digest::of(token) }
    }
}

/// What the cache keeps of a key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Admission {
    pub(crate) grant: Grant,
    /// `u64::MAX` if it never ends.
    pub(crate) ends_at: UnixMillis,
}

impl From<&KeyProfile> for Admission {
    fn from(key: &KeyProfile) -> Self {
        let grant = Grant { key: key.id, actor: key.actor, merchant: key.merchant, scopes: key.scopes };
        Self { grant, ends_at: key.ends_at().unwrap_or(UnixMillis(u64::MAX)) }
    }
}
