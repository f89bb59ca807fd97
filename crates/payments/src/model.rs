//! What the decider decides about, in its smaller parts: moments, texts, tags, taps and deposits.

use std::fmt;

use ids::{DepositId, MerchantId, OrderId, TagId, TapId, WalletId};
use ledger::TIMESTAMP_MAX;
use money::{Amount, Currency};
use serde::{Deserialize, Serialize};
use tag::Uid;

/// How long a tap can be paid with, in milliseconds: a shopper confirms within seconds, and a phone that was put away
/// must not pay an hour later.
pub const TAP_LIFETIME_MS: u64 = 3 * 60 * 1000;

const NANOSECONDS_PER_MILLISECOND: u64 = 1_000_000;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnixMillis(pub u64);

impl UnixMillis {
    /// This many milliseconds later.
    pub fn plus(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }

    /// The moment as the ledger counts time, in nanoseconds; its last moment, in the year 2262, for any later one.
    pub(crate) fn nanoseconds(self) -> u64 {
        self.0.saturating_mul(NANOSECONDS_PER_MILLISECOND).min(TIMESTAMP_MAX)
    }
}

/// A short text that people read: 1 to 140 characters, not all blank, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text(Box<str>);

impl Text {
    /// The longest text, in characters.
    pub const MAX_CHARACTERS: usize = 140;

    /// The text as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Text {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        if text.chars().any(is_control) {
            return Err(TextError::ControlCharacter);
        }
        if text.chars().all(is_blank) {
            return Err(TextError::Empty);
        }
        match text.chars().count() {
            0..=Self::MAX_CHARACTERS => Ok(Self(text.into())),
            found => Err(TextError::TooLong { found }),
        }
    }
}

/// Control characters, and those that turn the writing direction: with one of these a text could show another amount
/// than it says.
fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// White space, and what is as invisible.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0.into()
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing in it; leave the field out instead.
    #[error("must not be empty or blank: leave the field out instead")]
    Empty,
    /// Longer than [`Text::MAX_CHARACTERS`].
    #[error("has {found} characters, at most {} are allowed", Text::MAX_CHARACTERS)]
    TooLong {
        /// How long it is, in characters.
        found: usize,
    },
    /// A line break, an escape or another control character, or one that turns the writing direction.
    #[error("must not hold control characters, such as line breaks or marks that turn the writing direction")]
    ControlCharacter,
}

/// A tag as the money core knows it: whom it pays. Names and places are the directory's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredTag {
    /// Tapstone's name for it.
    pub id: TagId,
    /// The chip's own name.
    #[serde(with = "uid")]
    pub uid: Uid,
    /// Who is paid through it.
    pub merchant: MerchantId,
    /// What a tap without a waiting order means.
    pub mode: TagMode,
    /// The currency of amounts that a payer types.
    pub currency: Currency,
    /// Whether taps are accepted.
    pub active: bool,
}

/// What a tap on a tag means when no order waits there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum TagMode {
    /// The tag stands beside a till: there is nothing to pay until the till asks.
    Till,
    /// The tag stands alone (a market stall, a donation box): the payer types the amount.
    Standing,
}

/// One verified reading of a tag, belonging to the wallet that opened it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tap {
    /// Its name.
    pub id: TapId,
    /// Whose tap it is.
    pub wallet: WalletId,
    /// Which tag was touched.
    pub tag: TagId,
    /// Who will be paid.
    pub merchant: MerchantId,
    /// The tag's read counter.
    pub counter: u32,
    /// The order that waited there; `None` at a standing tag.
    pub order: Option<OrderId>,
    /// What it is paid in.
    pub currency: Currency,
    /// When the tap was accepted.
    pub created_at: UnixMillis,
}

impl Tap {
    /// From when the tap can no longer be paid with.
    pub fn expires_at(&self) -> UnixMillis {
        self.created_at.plus(TAP_LIFETIME_MS)
    }
}

/// Money that entered a wallet from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deposit {
    /// Its name; its ledger transfer has the same bits.
    pub id: DepositId,
    /// Who received it.
    pub wallet: WalletId,
    /// In what.
    pub currency: Currency,
    /// How much.
    pub amount: Amount,
    /// When.
    pub created_at: UnixMillis,
}

/// A chip's UID is stored as its seven bytes.
mod uid {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use tag::Uid;

    pub(super) fn serialize<S: Serializer>(uid: &Uid, serializer: S) -> Result<S::Ok, S::Error> {
        uid.0.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Uid, D::Error> {
        <[u8; 7]>::deserialize(deserializer).map(Uid)
    }
}
