//! Identifiers of everything that Tapstone names.
//!
//! An id is 128 bits, a UUIDv7 (RFC 9562, section 5.7): 48 bits of Unix milliseconds, then randomness, so ids sort by
//! the time they were made. Outside it is a TypeID: a prefix that says what it names, an underscore, and 26 characters
//! of lower-case Crockford base32 (TypeID specification 0.3), as in `pay_01kar6b1t0fk4v8kq2tq0xvh3r`. Inside, each kind
//! is a type of its own, so an order's id cannot stand where a payment's is due.
//!
//! This crate makes no randomness and reads no clock: both come in from the caller.

mod base32;
mod map;

use std::fmt;
use std::hash::Hash;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use map::{IdHasher, IdMap};

/// What an id can name; ties a type to its TypeID prefix.
pub trait Kind: Copy + Eq + Ord + Hash + Send + Sync + 'static {
    /// The TypeID prefix, without the underscore.
    const PREFIX: &'static str;
}

/// An identifier of one `K`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id<K>(u128, PhantomData<K>);

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident, $alias:ident, $prefix:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $kind {}
        impl Kind for $kind { const PREFIX: &'static str = $prefix; }
        $(#[$doc])*
        pub type $alias = Id<$kind>;
    )* };
}

kinds! {
    /// A merchant: a brand or company that is paid.
    Merchant, MerchantId, "mch";
    /// A store: one place of a merchant.
    Store, StoreId, "sto";
    /// A till: one place to pay in a store.
    Till, TillId, "til";
    /// A tag: an NFC chip that shoppers touch.
    Tag, TagId, "tag";
    /// A wallet: a person's account holder.
    Wallet, WalletId, "wlt";
    /// An order: what a merchant asks to be paid.
    Order, OrderId, "ord";
    /// A tap: one verified reading of a tag.
    Tap, TapId, "tap";
    /// A payment: an order's money moving.
    Payment, PaymentId, "pay";
    /// A deposit: money entering a wallet from outside.
    Deposit, DepositId, "dep";
    /// A ledger account.
    Account, AccountId, "acc";
    /// A ledger transfer.
    Transfer, TransferId, "trf";
    /// An API key or token.
    Token, TokenId, "key";
    /// One request to the API.
    Request, RequestId, "req";
    /// A capture: part of a hold that was taken.
    Capture, CaptureId, "cap";
    /// A refund: part of a payment that went back.
    Refund, RefundId, "ref";
    /// A dispute: a payer's word against a payment.
    Dispute, DisputeId, "dsp";
    /// A settlement: what a merchant is owed for a period.
    Settlement, SettlementId, "stl";
    /// A payout: settled money leaving for a bank.
    Payout, PayoutId, "po";
    /// An event: something that happened, as its merchant is told.
    Event, EventId, "evt";
    /// A webhook endpoint: where a merchant is told.
    WebhookEndpoint, WebhookEndpointId, "whe";
    /// A delivery: one event on its way to one webhook endpoint.
    Delivery, DeliveryId, "dlv";
    /// A break: where the bank, the ledger and the payments disagree.
    Break, BreakId, "brk";
    /// A line of the audit log.
    AuditEntry, AuditEntryId, "aud";
}

impl<K> Id<K> {
    /// The id with exactly these bits.
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits, PhantomData)
    }

    /// The id's bits.
    pub const fn as_u128(self) -> u128 {
        self.0
    }

    /// A UUIDv7 made at `unix_ms` (Unix milliseconds, 48 bits of it are kept) from 74 bits of `random`.
    pub const fn from_parts(unix_ms: u64, random: u128) -> Self {
        const VERSION_7: u128 = 0x7 << 76;
        const VARIANT: u128 = 0b10 << 62;
        let random_a = (random >> 62) & 0xfff;
        let random_b = random & ((1 << 62) - 1);
        let time = (unix_ms as u128 & 0xffff_ffff_ffff) << 80;
        Self::from_u128(time | VERSION_7 | (random_a << 64) | VARIANT | random_b)
    }

    /// When the id was made, in Unix milliseconds: what its maker said, so not to be trusted of a stranger's id.
    pub const fn unix_ms(self) -> u64 {
        (self.0 >> 80) as u64
    }

    /// The bits, most significant byte first: sorts as the id does.
    pub const fn to_bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// The inverse of [`Id::to_bytes`].
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self::from_u128(u128::from_be_bytes(bytes))
    }
}

/// Why a text is not an id of the kind that is due.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdError {
    /// Another kind of id, or no TypeID at all.
    #[error("expected an id that starts with `{expected}_`")]
    WrongPrefix {
        /// The prefix that is due here.
        expected: &'static str,
    },
    /// The part after the underscore is not 26 base32 characters of 128 bits.
    #[error("after `{prefix}_` an id has 26 characters of 0-9 and a-z without i, l, o, u, the first at most 7")]
    BadSuffix {
        /// The prefix of the kind that is due here.
        prefix: &'static str,
    },
}

impl<K: Kind> FromStr for Id<K> {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let suffix = text
            .strip_prefix(K::PREFIX)
            .and_then(|rest| rest.strip_prefix('_'))
            .ok_or(ParseIdError::WrongPrefix { expected: K::PREFIX })?;
        base32::decode(suffix).map(Self::from_u128).ok_or(ParseIdError::BadSuffix { prefix: K::PREFIX })
    }
}

impl<K: Kind> fmt::Display for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(K::PREFIX)?;
        f.write_str("_")?;
        f.write_str(base32::encode(self.0, &mut [0; base32::LENGTH]))
    }
}

impl<K: Kind> fmt::Debug for Id<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A TypeID in texts meant for people (JSON), 16 bytes in binary formats (the journal).
impl<K: Kind> Serialize for Id<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.to_bytes().serialize(serializer)
        }
    }
}

impl<'de, K: Kind> Deserialize<'de> for Id<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            text.parse().map_err(D::Error::custom)
        } else {
            <[u8; 16]>::deserialize(deserializer).map(Self::from_bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn agrees_with_the_typeid_specification() {
        // Specification 0.3, valid.yml: `nil`, `max-valid` and `valid-uuidv7`, with a prefix of ours.
        let cases = [
            (0u128, "ord_00000000000000000000000000"),
            (u128::MAX, "ord_7zzzzzzzzzzzzzzzzzzzzzzzzz"),
            (0x0189_0a5d_ac96_774b_bcce_b302_099a_8057, "ord_01h455vb4pex5vsknk084sn02q"),
        ];
        for (bits, text) in cases {
            assert_eq!(OrderId::from_u128(bits).to_string(), text);
            assert_eq!(text.parse(), Ok(OrderId::from_u128(bits)));
        }
    }

    #[test]
    fn refuses_other_kinds_and_malformed_suffixes() {
        let wrong = Err(ParseIdError::WrongPrefix { expected: "ord" });
        let bad = Err(ParseIdError::BadSuffix { prefix: "ord" });
        assert_eq!("pay_01h455vb4pex5vsknk084sn02q".parse::<OrderId>(), wrong);
        assert_eq!("".parse::<OrderId>(), wrong);
        for suffix in [
            "",
            "01h455vb4pex5vsknk084sn02",
            "01h455vb4pex5vsknk084sn02qq",
            "81h455vb4pex5vsknk084sn02q",
            "01H455VB4PEX5VSKNK084SN02Q",
            "01h455vb4pex5vsknk084sn02u",
            "01h455vb4pex5vsknk084sn0é",
        ] {
            assert_eq!(format!("ord_{suffix}").parse::<OrderId>(), bad, "{suffix}");
        }
    }

    #[test]
    fn a_made_id_is_a_uuid_of_version_7() {
        let id = PaymentId::from_parts(1_795_350_600_000, u128::MAX);
        assert_eq!(id.unix_ms(), 1_795_350_600_000);
        assert_eq!((id.as_u128() >> 76) & 0xf, 7);
        assert_eq!((id.as_u128() >> 62) & 0b11, 0b10);
    }

    proptest! {
        #[test]
        fn text_json_and_binary_round_trip(bits: u128) {
            let id = TapId::from_u128(bits);
            prop_assert_eq!(id.to_string().parse::<TapId>(), Ok(id));
            let json = serde_json::to_string(&id).unwrap();
            prop_assert_eq!(serde_json::from_str::<TapId>(&json).unwrap(), id);
            let binary = postcard::to_allocvec(&id).unwrap();
            prop_assert_eq!(binary.len(), 16);
            prop_assert_eq!(postcard::from_bytes::<TapId>(&binary).unwrap(), id);
        }

        #[test]
        fn any_text_parses_or_is_refused(text in ".{0,40}") {
            let _ = text.parse::<TapId>();
        }

        #[test]
        fn order_is_the_order_of_making(a in 0u64..1 << 48, b in 0u64..1 << 48, x: u128, y: u128) {
            let (first, second) = (TapId::from_parts(a, x), TapId::from_parts(b, y));
            if a < b { prop_assert!(first < second && first.to_bytes() < second.to_bytes()); }
        }
    }
}
