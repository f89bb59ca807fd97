//! Why the decider says no.

use ids::OrderId;
use money::{Amount, Currency};
use serde::{Deserialize, Serialize};

/// A rule that a command breaks. Stored with repeatable requests: only ever add at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum Rejection {
    /// The same idempotency key came before with another body.
    #[error("this Idempotency-Key was used before with another request")]
    IdempotencyConflict,
    /// No such thing, or another's: the two are not told apart.
    #[error("there is no such object, or it is not yours")]
    NotFound,
    /// Something else has this id, UID or name already.
    #[error("this id is taken by something else")]
    Exists,
    /// The chip is genuine by its keys but not registered here.
    #[error("this tag is not registered here")]
    TagUnknown,
    /// The tag was switched off.
    #[error("this tag is out of service")]
    TagInactive,
    /// An open order waits at the tag.
    #[error("another order waits at this tag: {order}")]
    TagBusy {
        /// The order that waits.
        order: OrderId,
    },
    /// The merchant has no account in this currency.
    #[error("the merchant is not paid in {currency}")]
    CurrencyNotAccepted {
        /// The currency asked for.
        currency: Currency,
    },
    /// The reading is forged: its authentication code is wrong.
    #[error("the tag's signature is not genuine")]
    TapForged,
    /// The reading's counter is not above the last one accepted.
    #[error("this touch was used before")]
    TapReplayed,
    /// No order waits at the till's tag yet. Neither the reading nor the idempotency key is used up.
    #[error("there is nothing to pay here yet")]
    NothingToPay,
    /// The tap's time is over.
    #[error("the touch is too long ago")]
    TapExpired,
    /// The tap has paid already.
    #[error("this touch has already paid")]
    TapAlreadyUsed,
    /// The order was paid already.
    #[error("the order has been paid already")]
    OrderAlreadyPaid,
    /// The merchant withdrew the order.
    #[error("the shop has cancelled the order")]
    OrderCancelled,
    /// The order's time is over.
    #[error("the order has expired")]
    OrderExpired,
    /// The order leaves the amount to the payer, who named none.
    #[error("the payer must name the amount")]
    AmountRequired,
    /// The payer saw another amount than the order asks.
    #[error("the order asks for another amount")]
    AmountMismatch {
        /// What the order asks.
        expected: Amount,
    },
    /// The payer named another currency than the tap's.
    #[error("the order is in {expected}")]
    CurrencyMismatch {
        /// The currency to pay in.
        expected: Currency,
    },
    /// The wallet holds no account in this currency.
    #[error("the wallet does not hold {currency}")]
    CurrencyNotHeld {
        /// The currency to pay in.
        currency: Currency,
    },
    /// The wallet has less than the amount.
    #[error("the wallet does not have enough money")]
    InsufficientFunds {
        /// What it has, in minor units of the payment's currency.
        available: u64,
    },
    /// A balance would pass what 64 bits can count.
    #[error("the amount is beyond what an account can hold")]
    BalanceOverflow,
}

impl Rejection {
    /// The stable name of the rule, as the API and the screens know it.
    pub fn code(&self) -> &'static str {
        match self {
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::NotFound => "not_found",
            Self::Exists => "already_exists",
            Self::TagUnknown => "tag_unknown",
            Self::TagInactive => "tag_inactive",
            Self::TagBusy { .. } => "tag_busy",
            Self::CurrencyNotAccepted { .. } => "currency_not_accepted",
            Self::TapForged => "tap_invalid",
            Self::TapReplayed => "tap_replayed",
            Self::NothingToPay => "nothing_to_pay",
            Self::TapExpired => "tap_expired",
            Self::TapAlreadyUsed => "tap_already_used",
            Self::OrderAlreadyPaid => "order_already_paid",
            Self::OrderCancelled => "order_cancelled",
            Self::OrderExpired => "order_expired",
            Self::AmountRequired => "amount_required",
            Self::AmountMismatch { .. } => "amount_mismatch",
            Self::CurrencyMismatch { .. } => "currency_mismatch",
            Self::CurrencyNotHeld { .. } => "currency_not_held",
            Self::InsufficientFunds { .. } => "insufficient_funds",
            Self::BalanceOverflow => "balance_overflow",
        }
    }
}
