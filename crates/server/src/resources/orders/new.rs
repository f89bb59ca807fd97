//! What a merchant may ask for: the body of `POST /v1/orders`, read strictly.

use ids::{MerchantId, OrderId, TagId, TillId};
use money::{BasisPoints, Currency, Money};
use payments::{LineItem, NewOrder, NewOrderAmount, Order, OrderDetails, ReferenceKey, Split, SplitPart, Text};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use crate::json::present;
use crate::problem::Problem;
use crate::reference::schema;
use crate::resources::amounts::{AtMost, WholeUnits};

const MAX_ITEMS: usize = 100;
const MAX_SPLITS: usize = 20;

/// How long money is held if nobody says, in seconds: seven days.
const USUAL_HOLD_SECONDS: u64 = 7 * 24 * 60 * 60;

/// An order to create. Either `amount` or `currency` must be there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOrder)]
pub(crate) struct OrderRequest {
    /// The tag that it will wait at.
    #[schema(value_type = schema::TagId)]
    pub(crate) tag: TagId,
    /// How much to ask for.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Money>, nullable = false)]
    amount: Option<Money>,
    /// Instead of `amount`: the payer types the amount, in this currency.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Currency>, nullable = false)]
    currency: Option<Currency>,
    /// Words for the payer.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Words>, nullable = false, example = "2 × oolong")]
    description: Option<Text>,
    /// Your own name for it. No two of your orders can have the same, ever.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::OrderReference>, nullable = false, example = "2026-000123")]
    reference: Option<Reference>,
    /// How long it may wait.
    #[serde(default)]
    #[schema(value_type = u32, minimum = 30, maximum = 86_400, default = 900)]
    expires_in_seconds: Lifetime,
    /// `manual` holds the payer's money until you capture it.
    #[serde(default)]
    #[schema(default = "automatic")]
    capture: CaptureMethod,
    /// How long the money is held at most, with `capture` `manual`. Left out: seven days.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, nullable = false, minimum = 60, maximum = 2_592_000)]
    hold_expires_in_seconds: Option<HoldLifetime>,
    /// Whether the payer may add a tip.
    #[serde(default)]
    #[schema(default = false)]
    tipping: bool,
    /// What is bought. Together the items cost what the order asks.
    #[serde(default)]
    #[schema(value_type = Vec<ItemRequest>, required = false, max_items = 100)]
    items: AtMost<ItemRequest, MAX_ITEMS>,
    /// Who else receives a part of what is paid. You receive what is left, and are charged for all of it.
    #[serde(default)]
    #[schema(value_type = Vec<SplitRequest>, required = false, max_items = 20)]
    splits: AtMost<SplitRequest, MAX_SPLITS>,
    /// Your notes, by name.
    #[serde(default)]
    #[schema(value_type = schema::Metadata, required = false)]
    metadata: directory::Metadata,
}

/// `automatic`: paying moves the money. `manual`: paying holds it, and you capture it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case", try_from = "String")]
pub(crate) enum CaptureMethod {
    #[default]
    Automatic,
    Manual,
}

impl TryFrom<String> for CaptureMethod {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, &'static str> {
        match word.as_str() {
            "automatic" => Ok(Self::Automatic),
            "manual" => Ok(Self::Manual),
            _ => Err("must be `automatic` or `manual`"),
        }
    }
}

impl CaptureMethod {
    /// What paying this order does.
    pub(crate) fn of(order: &Order) -> Self {
        let is_held = order.details.as_ref().is_some_and(|details| details.hold_ms.is_some());
        if is_held { Self::Manual } else { Self::Automatic }
    }
}

/// A line of what is bought.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewLineItem)]
struct ItemRequest {
    /// What it is.
    #[schema(value_type = schema::Words, example = "oolong")]
    name: Text,
    /// How many.
    #[schema(value_type = u32, minimum = 1, maximum = 1_000_000, example = 2)]
    quantity: Quantity,
    /// What one costs, in minor units of the order's currency.
    #[schema(value_type = u64, minimum = 1, maximum = 9_223_372_036_854_775_807_u64, example = 625)]
    unit_amount: WholeUnits,
}

/// How many of something: 1 to 1,000,000.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
struct Quantity(u32);

impl TryFrom<u32> for Quantity {
    type Error = &'static str;

    fn try_from(quantity: u32) -> Result<Self, &'static str> {
        if (1..=1_000_000).contains(&quantity) { Ok(Self(quantity)) } else { Err("must be a number from 1 to 1000000") }
    }
}

/// A receiver's part: either `amount` or `basis_points`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSplit)]
struct SplitRequest {
    /// Who receives it.
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    /// So many minor units of the order's currency.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, nullable = false, minimum = 1, maximum = 9_223_372_036_854_775_807_u64)]
    amount: Option<WholeUnits>,
    /// So much of what is paid, in hundredths of a percent, rounded down.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>, nullable = false, minimum = 1, maximum = 10_000, example = 250)]
    basis_points: Option<Rate>,
}

/// A rate that is more than nothing.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u32")]
struct Rate(BasisPoints);

impl TryFrom<u32> for Rate {
    type Error = &'static str;

    fn try_from(basis_points: u32) -> Result<Self, &'static str> {
        let rate = BasisPoints::new(basis_points).ok().filter(|rate| *rate != BasisPoints::ZERO);
        rate.map(Self).ok_or("must be a number from 1 to 10000")
    }
}

/// A merchant's own name for an order: 1 to 64 characters.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Text")]
pub(crate) struct Reference(Text);

impl Reference {
    /// The digest under which a merchant's references are unique.
    pub(crate) fn key(&self, merchant: MerchantId) -> ReferenceKey {
        reference_key(merchant, self.0.as_str())
    }
}

/// The first half of the SHA-256 of the merchant's id, which is 16 bytes, and its name for the order.
pub(crate) fn reference_key(merchant: MerchantId, reference: &str) -> ReferenceKey {
    let full: [u8; 32] = Sha256::new().chain_update(merchant.to_bytes()).chain_update(reference).finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&full[..16]);
    ReferenceKey(half)
}

impl TryFrom<Text> for Reference {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        const MAX_CHARACTERS: usize = 64;
        match text.as_str().chars().count() {
            ..=MAX_CHARACTERS => Ok(Self(text)),
            found => Err(format!("has {found} characters, at most {MAX_CHARACTERS} are allowed")),
        }
    }
}

/// How long an order may wait, in seconds: 30 to 86,400.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
struct Lifetime(u64);

impl Default for Lifetime {
    fn default() -> Self {
        Self(900)
    }
}

impl TryFrom<u64> for Lifetime {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, &'static str> {
        let allowed = 30..=payments::MAX_ORDER_LIFETIME_MS / 1_000;
        if allowed.contains(&seconds) { Ok(Self(seconds)) } else { Err("must be a number from 30 to 86400") }
    }
}

/// How long money may be held, in seconds: 60 to 2,592,000.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
struct HoldLifetime(u64);

impl TryFrom<u64> for HoldLifetime {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, &'static str> {
        let allowed = 60..=payments::MAX_HOLD_MS / 1_000;
        if allowed.contains(&seconds) { Ok(Self(seconds)) } else { Err("must be a number from 60 to 2592000") }
    }
}

impl OrderRequest {
    /// The order that this asks for, under a new id.
    pub(crate) fn into_order(
        self,
        id: OrderId,
        merchant: MerchantId,
        till: Option<TillId>,
    ) -> Result<NewOrder, Problem> {
        let amount = self.asked()?;
        let hold_ms = self.hold_ms()?;
        let details = OrderDetails {
            hold_ms,
            tipping: self.tipping,
            items: self.items.0.into_iter().map(ItemRequest::into_item).collect(),
            splits: splits(self.splits.0)?,
            metadata: self.metadata.iter().map(|(name, note)| (name.into(), note.into())).collect(),
            reference_key: self.reference.as_ref().map(|reference| reference.key(merchant)),
            till,
        };
        let asked = match amount {
            NewOrderAmount::Fixed(money) => Some(money.amount()),
            NewOrderAmount::Open(_) => None,
        };
        details.check(merchant, asked).map_err(|(field, reason)| Problem::field(field, reason.to_string()))?;
        Ok(NewOrder {
            id,
            merchant,
            tag: self.tag,
            amount,
            description: self.description,
            reference: self.reference.map(|reference| reference.0),
            lifetime_ms: self.expires_in_seconds.0 * 1_000,
            details: (details != OrderDetails::default()).then(|| Box::new(details)),
        })
    }

    fn asked(&self) -> Result<NewOrderAmount, Problem> {
        match (self.amount, self.currency) {
            (Some(money), None) => Ok(NewOrderAmount::Fixed(money)),
            (None, Some(currency)) => Ok(NewOrderAmount::Open(currency)),
            (None, None) => {
                Err(Problem::field("amount", "is missing: name an amount, or a currency to let the payer type it"))
            }
            (Some(_), Some(_)) => Err(Problem::field("currency", "the amount has its currency already")),
        }
    }

    fn hold_ms(&self) -> Result<Option<u64>, Problem> {
        match (self.capture, self.hold_expires_in_seconds) {
            (CaptureMethod::Automatic, None) => Ok(None),
            (CaptureMethod::Automatic, Some(_)) => {
                Err(Problem::field("hold_expires_in_seconds", "nothing is held unless `capture` is `manual`"))
            }
            (CaptureMethod::Manual, seconds) => {
                Ok(Some(seconds.map_or(USUAL_HOLD_SECONDS, |seconds| seconds.0) * 1_000))
            }
        }
    }
}

impl ItemRequest {
    fn into_item(self) -> LineItem {
        LineItem { name: self.name, quantity: self.quantity.0, unit_amount: self.unit_amount.get() }
    }
}

fn splits(requests: Vec<SplitRequest>) -> Result<Vec<Split>, Problem> {
    let split = |(place, request): (usize, SplitRequest)| {
        let part = match (request.amount, request.basis_points) {
            (Some(amount), None) => SplitPart::Fixed(amount.get()),
            (None, Some(rate)) => SplitPart::Rate(rate.0),
            _ => {
                let reason = "must have either an amount or basis points";
                return Err(Problem::field(format!("splits[{place}]"), reason));
            }
        };
        Ok(Split { merchant: request.merchant, part })
    };
    requests.into_iter().enumerate().map(split).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_merchants_may_use_the_same_reference() {
        let [one, other] = [1, 2].map(|number| reference_key(MerchantId::from_u128(number), "R-1"));
        assert_ne!(one, other);
        assert_ne!(one, reference_key(MerchantId::from_u128(1), "R-2"));
        assert_eq!(one, reference_key(MerchantId::from_u128(1), "R-1"));
    }
}
