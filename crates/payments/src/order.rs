//! Orders: what merchants ask to be paid, and who receives how much of it.

use ids::{MerchantId, OrderId, PaymentId, TagId, TillId};
use money::{Amount, BasisPoints, Currency, Rounding};
use serde::{Deserialize, Serialize};

use crate::model::{Text, UnixMillis};
use crate::payment::Share;

/// The longest that an order may wait, in milliseconds.
pub const MAX_ORDER_LIFETIME_MS: u64 = 24 * 60 * 60 * 1000;

/// The longest that a payer's money may be held for a merchant, in milliseconds: thirty days.
pub const MAX_HOLD_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// All of something, in basis points.
const WHOLE: u128 = 10_000;

/// What a merchant asks to be paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its name.
    pub id: OrderId,
    /// Who asks.
    pub merchant: MerchantId,
    /// Where it waits.
    pub tag: TagId,
    /// What it is paid in.
    pub currency: Currency,
    /// How much; `None` lets the payer type it.
    pub amount: Option<Amount>,
    /// What it is for, in words for the payer.
    pub description: Option<Text>,
    /// The merchant's own name for it.
    pub reference: Option<Text>,
    /// When it was asked.
    pub created_at: UnixMillis,
    /// From when it can no longer be paid.
    pub expires_at: UnixMillis,
    /// What has become of it.
    pub status: OrderStatus,
    /// What most orders have nothing of.
    pub details: Option<Box<OrderDetails>>,
}

impl Order {
    /// The order as it was when it was created: what a repeated request is answered with.
    #[must_use]
    pub fn as_created(&self) -> Self {
        Self { status: OrderStatus::Open, ..self.clone() }
    }

    /// Whether nothing can become of it any more.
    pub fn is_closed(&self) -> bool {
        !matches!(self.status, OrderStatus::Open | OrderStatus::Held { .. })
    }
}

/// What has become of an order. Every status but `Open` and `Held` is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OrderStatus {
    /// It waits to be paid.
    Open,
    /// It was paid, once.
    Paid {
        /// By this payment.
        payment: PaymentId,
        /// This much.
        amount: Amount,
        /// Then.
        at: UnixMillis,
    },
    /// The merchant withdrew it, or all that was held for it went back.
    Cancelled {
        /// Then.
        at: UnixMillis,
    },
    /// Nobody paid in time.
    Expired {
        /// Noticed then.
        at: UnixMillis,
    },
    /// The payer's money is held for it, and it is not known yet how much of it is taken.
    Held {
        /// By this payment.
        payment: PaymentId,
        /// This much is held.
        amount: Amount,
        /// Since then.
        at: UnixMillis,
    },
}

/// What an order can say beyond an amount and a word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDetails {
    /// How long the payer's money is held before it is captured, in milliseconds; `None` captures it at once.
    pub hold_ms: Option<u64>,
    /// Whether the payer may add a tip.
    pub tipping: bool,
    /// What is bought.
    pub items: Vec<LineItem>,
    /// Who else receives a part.
    pub splits: Vec<Split>,
    /// The merchant's own notes, by name.
    pub metadata: Vec<(Box<str>, Box<str>)>,
    /// A digest of the merchant and the reference, under which a merchant's references are unique.
    pub reference_key: Option<ReferenceKey>,
    /// The till that asked.
    pub till: Option<TillId>,
}

/// A digest of a merchant and its own name for an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReferenceKey(pub [u8; 16]);

/// A line of what is bought.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineItem {
    /// What it is.
    pub name: Text,
    /// How many; at least 1.
    pub quantity: u32,
    /// What one costs, in minor units.
    pub unit_amount: u64,
}

/// A receiver's part of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    /// Who receives it.
    pub merchant: MerchantId,
    /// How much of what is paid.
    pub part: SplitPart,
}

/// How much of what is paid a receiver gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SplitPart {
    /// So many minor units.
    Fixed(u64),
    /// So much of the whole, rounded down.
    Rate(BasisPoints),
}

/// Why an order's details cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DetailsError {
    /// The items cost another sum than the order asks.
    #[error("the items cost {sum} together, the order asks for {amount}")]
    ItemsMismatch {
        /// What the items cost together, in minor units.
        sum: u128,
        /// What the order asks.
        amount: u64,
    },
    /// The payer names the amount, so items have none, and no receiver can have a fixed part.
    #[error("the payer types the amount: leave this out, or name the order's amount")]
    NeedsAmount,
    /// The receivers' parts are more than the whole.
    #[error("the parts of the receivers are more than the whole")]
    SplitsExceedAmount,
    /// A receiver is named twice, or is the merchant itself, which gets the rest anyway.
    #[error("name each receiver once; the order's own merchant gets what is left")]
    ReceiverTwice,
}

impl OrderDetails {
    /// Whether an order of this merchant over this amount can have these details. Says which field cannot be, and why.
    pub fn check(&self, merchant: MerchantId, amount: Option<Amount>) -> Result<(), (&'static str, DetailsError)> {
        self.check_items(amount).map_err(|error| ("items", error))?;
        self.check_splits(merchant, amount).map_err(|error| ("splits", error))
    }

    fn check_items(&self, amount: Option<Amount>) -> Result<(), DetailsError> {
        if self.items.is_empty() {
            return Ok(());
        }
        let amount = amount.ok_or(DetailsError::NeedsAmount)?.minor_units();
        let costs = self.items.iter().map(|item| u128::from(item.quantity) * u128::from(item.unit_amount));
        let sum = costs.sum::<u128>();
        if sum == u128::from(amount) { Ok(()) } else { Err(DetailsError::ItemsMismatch { sum, amount }) }
    }

    fn check_splits(&self, merchant: MerchantId, amount: Option<Amount>) -> Result<(), DetailsError> {
        let mut receivers: Vec<MerchantId> = self.splits.iter().map(|split| split.merchant).collect();
        receivers.push(merchant);
        receivers.sort_unstable();
        if receivers.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(DetailsError::ReceiverTwice);
        }
        let parts = self.splits.iter().map(|split| split.part);
        let rate = |part| if let SplitPart::Rate(rate) = part { u128::from(rate.get()) } else { 0 };
        let fixed = |part| if let SplitPart::Fixed(part) = part { u128::from(part) } else { 0 };
        let rates: u128 = parts.clone().map(rate).sum();
        let has_fixed = parts.clone().any(|part| matches!(part, SplitPart::Fixed(_)));
        let fixed: u128 = parts.map(fixed).sum();
        match amount.map(|amount| u128::from(amount.minor_units())) {
            None if has_fixed => Err(DetailsError::NeedsAmount),
            // Exactly, before any rounding: what fits the amount also fits whatever tip comes on top of it.
            Some(amount) if fixed * WHOLE + rates * amount > amount * WHOLE => Err(DetailsError::SplitsExceedAmount),
            _ if rates > WHOLE => Err(DetailsError::SplitsExceedAmount),
            _ => Ok(()),
        }
    }

    /// Who receives how much of `amount`; what the parts leave over is the merchant's own, so that no unit is lost.
    /// Empty without splits; `None` if the parts are more than the whole.
    pub fn shares(&self, merchant: MerchantId, amount: u64) -> Option<Vec<Share>> {
        if self.splits.is_empty() {
            return Some(Vec::new());
        }
        let mut rest = amount;
        let mut shares = Vec::with_capacity(self.splits.len() + 1);
        for split in &self.splits {
            let part = match split.part {
                SplitPart::Fixed(part) => part,
                SplitPart::Rate(rate) => rate.of(amount, Rounding::Down),
            };
            rest = rest.checked_sub(part)?;
            shares.push(Share::new(split.merchant, part));
        }
        shares.push(Share::new(merchant, rest));
        Some(shares)
    }
}
