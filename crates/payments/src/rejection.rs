//! Why the decider says no.

use ids::{MerchantId, OrderId};
use money::{Amount, Currency};
use serde::{Deserialize, Serialize};

use crate::merchant::MerchantStatus;

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
    /// The merchant is not one that may do this now.
    #[error("the merchant is {}", status.name())]
    MerchantNotActive {
        /// What it is.
        status: MerchantStatus,
    },
    /// A merchant cannot become this from what it is.
    #[error("a merchant that is {} cannot become this", status.name())]
    StatusNotAllowed {
        /// What it is.
        status: MerchantStatus,
    },
    /// The merchant has another order of this reference.
    #[error("the reference is taken by {order}")]
    ReferenceTaken {
        /// That order.
        order: OrderId,
    },
    /// A receiver of a part is no merchant that is paid in this currency.
    #[error("{merchant} is not a merchant that is paid in this currency")]
    ReceiverNotAccepted {
        /// The receiver.
        merchant: MerchantId,
    },
    /// The parts of an order's receivers are more than what is paid.
    #[error("the parts of the receivers are more than what is paid")]
    SplitsExceedAmount,
    /// The order takes no tip.
    #[error("no tip can be added here")]
    TipNotAccepted,
    /// The payer's wallet says no, without saying why.
    #[error("the payment was declined")]
    Declined,
    /// Nothing is held for the payment, or not any more.
    #[error("nothing is held for this payment (any more)")]
    NothingHeld,
    /// More is to be captured than is held.
    #[error("more than is held: at most {capturable} can be captured")]
    CaptureExceedsHold {
        /// What is held, in minor units.
        capturable: u64,
    },
    /// Whether the payment succeeds is not known yet.
    #[error("whether the payment succeeds is not known yet")]
    PaymentProcessing,
    /// More is to go back than is left.
    #[error("more than is left of the payment: at most {refundable} can go back")]
    RefundExceedsPayment {
        /// What is left, in minor units.
        refundable: u64,
    },
    /// The merchant does not have so much, and may not owe it.
    #[error("the merchant has {available}, and may not owe the rest")]
    MerchantFundsInsufficient {
        /// What it has and may owe, in minor units.
        available: u64,
    },
    /// The payment is too old to be disputed.
    #[error("the payment is too long ago to be disputed")]
    DisputeTooLate,
    /// The payment is disputed already.
    #[error("a dispute about this payment is open already")]
    DisputeOpen,
    /// The dispute was decided, or its answer came too late or twice.
    #[error("the dispute does not wait for this (any more)")]
    DisputeClosed,
    /// There is nothing to pay out.
    #[error("there is nothing to pay out")]
    NothingToPayOut,
    /// The payout has come to another end already.
    #[error("the payout has come to another end already")]
    PayoutClosed,
    /// As much of its kind is there as can be.
    #[error("there are too many of these already")]
    TooMany,
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
            Self::MerchantNotActive { .. } => "merchant_not_active",
            Self::StatusNotAllowed { .. } => "status_not_allowed",
            Self::ReferenceTaken { .. } => "reference_taken",
            Self::ReceiverNotAccepted { .. } => "receiver_not_accepted",
            Self::SplitsExceedAmount => "splits_exceed_amount",
            Self::TipNotAccepted => "tip_not_accepted",
            Self::Declined => "payment_declined",
            Self::NothingHeld => "nothing_held",
            Self::CaptureExceedsHold { .. } => "capture_exceeds_hold",
            Self::PaymentProcessing => "payment_processing",
            Self::RefundExceedsPayment { .. } => "refund_exceeds_payment",
            Self::MerchantFundsInsufficient { .. } => "merchant_funds_insufficient",
            Self::DisputeTooLate => "dispute_too_late",
            Self::DisputeOpen => "dispute_open",
            Self::DisputeClosed => "dispute_closed",
            Self::NothingToPayOut => "nothing_to_pay_out",
            Self::PayoutClosed => "payout_closed",
            Self::TooMany => "too_many",
        }
    }
}
