//! Facts. The journal holds these and nothing else, so their meaning never changes: what needs to say more becomes a
//! new variant at the end of its enum.
//!
//! What changes something that exists says what it is since, as a whole: whoever reads the event needs nothing else.

use ids::{AccountId, CaptureId, DepositId, DisputeId, MerchantId, OrderId, PaymentId, PayoutId, RefundId};
use ids::{SettlementId, TagId, TapId, WalletId};
use ledger::Transfer;
use money::Currency;
use serde::{Deserialize, Serialize};
use terms::{FeePlan, SettlementTerms};

use crate::account::Account;
use crate::command::Request;
use crate::dispute::Dispute;
use crate::merchant::MerchantStatus;
use crate::model::{Deposit, RegisteredTag, Tap, UnixMillis};
use crate::order::Order;
use crate::past;
use crate::payment::{Capture, Payment, Refund, Release};
use crate::rejection::Rejection;
use crate::settlement::{Closing, Payout, PayoutStatus, ReserveRelease, Settlement};

/// One entry of the journal: a fact, when it became one, and which repeatable request it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When it was decided.
    pub at: UnixMillis,
    /// The request that it answers, if that had an idempotency key.
    pub request: Option<Request>,
    /// The fact.
    pub event: Event,
}

/// What happened. Variants are stored by their place: only ever add at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A ledger account was opened.
    AccountOpened(Account),
    /// A tag became known.
    TagRegistered(RegisteredTag),
    /// Money entered a wallet.
    DepositSucceeded(#[serde(with = "past::deposit")] Moved<Deposit>),
    /// A merchant asks to be paid. An old form: it is read, and not written any more.
    OrderCreated(#[serde(with = "past::order")] Order),
    /// A merchant withdrew an order.
    OrderCancelled(OrderId),
    /// An order's time was over.
    OrderExpired(OrderId),
    /// A tap was accepted: the tag's counter has grown to the tap's.
    TapAccepted(Tap),
    /// A reading of a tag was refused.
    TapRefused(RefusedTap),
    /// Money moved from a wallet to a merchant. An old form: it is read, and not written any more.
    PaymentSucceeded(#[serde(with = "past::payment")] Moved<Payment>),
    /// A payer's word was good, but the payment could not be.
    PaymentDeclined(DeclinedPayment),
    /// A repeatable request was refused; the same request will be refused the same way.
    RequestRefused(Rejection),
    /// A repeatable request asked for what was so already; the same request will be answered the same way.
    RequestAnswered(Outcome),
    /// A merchant asks to be paid.
    OrderPlaced(Order),
    /// Money moved from a wallet to a merchant and other receivers, or is held for them.
    PaymentMade(Moved<Payment>),
    /// Some of a hold was taken.
    PaymentCaptured(Moved<Captured>),
    /// What was left of a hold went back.
    HoldReleased(Moved<Released>),
    /// Money went back from a merchant to a wallet.
    PaymentRefunded(Moved<Refunded>),
    /// A payer disputes a payment.
    DisputeOpened(Moved<Disputed>),
    /// A merchant has answered a dispute.
    DisputeAnswered(Dispute),
    /// A dispute was won or lost.
    DisputeClosed(Moved<Disputed>),
    /// A merchant may do more or less from now on.
    MerchantStatusSet(MerchantId, MerchantStatus),
    /// A merchant is charged by this plan from then on.
    FeePlanSet(MerchantId, UnixMillis, FeePlan),
    /// A merchant is settled on these terms. An open window keeps its cut-off.
    SettlementTermsSet(MerchantId, SettlementTerms),
    /// A window was opened, or an open one was given a closing.
    WindowOpened(OpenedWindow),
    /// A window was closed: what had gathered is settled.
    SettlementClosed(Moved<Settlement>),
    /// A reserve came free.
    ReserveReleased(Moved<ReserveRelease>),
    /// Settled money is to leave for a bank.
    PayoutCreated(Moved<Payout>),
    /// A settlement's payout was due, and there was nothing to pay, or it was withheld.
    PayoutSkipped(SettlementId),
    /// A bank was told to pay.
    PayoutSubmitted(Payout),
    /// A bank has said what came of a payout.
    PayoutReported(Moved<Payout>),
}

/// Something that moved money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved<T> {
    /// What moved it.
    pub what: T,
    /// From where to where, in this order. Empty where nothing was left to move.
    pub legs: Vec<Leg>,
}

/// One movement from one account to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// Why: one of [`transfer_code`].
    pub code: u16,
    /// The account that gave.
    pub debit: AccountId,
    /// The account that received.
    pub credit: AccountId,
    /// How much, in minor units; never 0.
    pub amount: u64,
}

/// Codes that say why a transfer happened.
pub mod transfer_code {
    /// Money entered a wallet.
    pub const DEPOSIT: u16 = 1;
    /// A wallet paid.
    pub const PAYMENT: u16 = 2;
    /// A wallet's money was held.
    pub const HOLD: u16 = 3;
    /// Held money was captured.
    pub const CAPTURE: u16 = 4;
    /// Held money went back.
    pub const RELEASE: u16 = 5;
    /// A merchant gave money back.
    pub const REFUND: u16 = 6;
    /// A dispute took money.
    pub const DISPUTE: u16 = 7;
    /// The merchant won it back.
    pub const DISPUTE_WON: u16 = 8;
    /// The payer got it back.
    pub const DISPUTE_LOST: u16 = 9;
    /// The platform's fees of a window.
    pub const FEES: u16 = 10;
    /// A merchant's debt, repaid out of a window.
    pub const DEBT_REPAID: u16 = 11;
    /// What is kept of a window.
    pub const RESERVE: u16 = 12;
    /// What was kept, given free.
    pub const RESERVE_RELEASE: u16 = 13;
    /// What a merchant is owed for a window.
    pub const SETTLEMENT: u16 = 14;
    /// Settled money leaving for a bank.
    pub const PAYOUT: u16 = 15;
    /// The bank has paid it.
    pub const PAYOUT_PAID: u16 = 16;
    /// The bank has not, or it came back.
    pub const PAYOUT_RETURNED: u16 = 17;
}

/// What movements have in common: a name, what they are for, and a currency.
pub trait Movement {
    /// The bits of its name.
    fn bits(&self) -> u128;
    /// The bits of the name of what it is about: an order, a payment, a settlement; 0 without.
    fn about(&self) -> u128;
    /// What it is in.
    fn currency(&self) -> Currency;
}

impl<T: Movement> Moved<T> {
    /// The ledger transfers of this movement, as they are asked for. The first has the movement's own id, the others
    /// the ids after it.
    pub fn transfers(&self) -> impl Iterator<Item = Transfer> {
        let (id, about, currency) = (self.what.bits(), self.what.about(), self.what.currency());
        self.legs.iter().zip(0u128..).map(move |(leg, place)| Transfer {
            id: id.wrapping_add(place),
            user_data_128: about,
            debit_account_id: leg.debit.as_u128(),
            credit_account_id: leg.credit.as_u128(),
            amount: leg.amount,
            ledger: u32::from(currency.numeric()),
            code: leg.code,
            ..Transfer::default()
        })
    }
}

macro_rules! movements {
    ($($what:ty: $bits:expr, $about:expr, $currency:expr;)*) => { $(
        impl Movement for $what {
            fn bits(&self) -> u128 { ($bits)(self) }
            fn about(&self) -> u128 { ($about)(self) }
            fn currency(&self) -> Currency { ($currency)(self) }
        }
    )* };
}

movements! {
    Deposit: |it: &Self| it.id.as_u128(), |_: &Self| 0, |it: &Self| it.currency;
    Payment:
        |it: &Self| it.id.as_u128(), |it: &Self| it.order.map_or(0, OrderId::as_u128), |it: &Self| it.currency;
    Captured:
        |it: &Self| it.capture.id.as_u128(), |it: &Self| it.payment.id.as_u128(), |it: &Self| it.payment.currency;
    Released:
        |it: &Self| bits_of(it.payment.id.as_u128(), transfer_code::RELEASE),
        |it: &Self| it.payment.id.as_u128(), |it: &Self| it.payment.currency;
    Refunded:
        |it: &Self| it.refund.id.as_u128(), |it: &Self| it.payment.id.as_u128(), |it: &Self| it.payment.currency;
    Disputed: Disputed::transfer_bits, |it: &Self| it.payment.id.as_u128(), |it: &Self| it.payment.currency;
    Settlement: |it: &Self| it.id.as_u128(), |_: &Self| 0, |it: &Self| it.currency;
    ReserveRelease:
        |it: &Self| bits_of(it.settlement.as_u128(), transfer_code::RESERVE_RELEASE),
        |it: &Self| it.settlement.as_u128(), |it: &Self| it.currency;
    Payout:
        Payout::transfer_bits, |it: &Self| it.settlement.map_or(0, SettlementId::as_u128), |it: &Self| it.currency;
}

/// The name of a movement that shares its object with another: the object's, and why it moves.
fn bits_of(object: u128, code: u16) -> u128 {
    crate::derived::bits(&[object, u128::from(code)])
}

impl Disputed {
    fn transfer_bits(&self) -> u128 {
        let code = if self.dispute.is_open() { transfer_code::DISPUTE } else { transfer_code::DISPUTE_WON };
        bits_of(self.dispute.id.as_u128(), code)
    }
}

impl Payout {
    fn transfer_bits(&self) -> u128 {
        match self.status {
            PayoutStatus::Created | PayoutStatus::Submitted { .. } => bits_of(self.id.as_u128(), transfer_code::PAYOUT),
            PayoutStatus::Paid { .. } => bits_of(self.id.as_u128(), transfer_code::PAYOUT_PAID),
            PayoutStatus::Failed { .. } | PayoutStatus::Returned { .. } => {
                bits_of(self.id.as_u128(), transfer_code::PAYOUT_RETURNED)
            }
        }
    }
}

/// A capture, and its payment and order as they are since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// The capture.
    pub capture: Capture,
    /// Its payment.
    pub payment: Payment,
    /// The payment's order, if that changed.
    pub order: Option<Order>,
}

/// The end of a hold, and its payment and order as they are since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// What went back.
    pub release: Release,
    /// Its payment.
    pub payment: Payment,
    /// The payment's order.
    pub order: Option<Order>,
}

/// A refund, and its payment as it is since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// The refund.
    pub refund: Refund,
    /// Its payment.
    pub payment: Payment,
}

/// A dispute, and its payment as it is since.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disputed {
    /// The dispute.
    pub dispute: Dispute,
    /// Its payment.
    pub payment: Payment,
}

/// A window that was opened, or given a closing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenedWindow {
    /// Whose.
    pub merchant: MerchantId,
    /// In what.
    pub currency: Currency,
    /// The account in which its payments gather.
    pub pending: AccountId,
    /// When it closes; `None` for a merchant without settlement terms: not by itself.
    pub closes: Option<Closing>,
}

/// A reading that was refused, for the merchant's eyes. At most one a second is kept for each tag.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedTap {
    /// The tag that was read, or that a forged reading claims to be.
    pub tag: TagId,
    /// The tag's merchant.
    pub merchant: MerchantId,
    /// Why.
    pub reason: Rejection,
}

/// A payment that could not be, for the merchant's and the payer's eyes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclinedPayment {
    /// Who wanted to pay.
    pub wallet: WalletId,
    /// Who would have been paid.
    pub merchant: MerchantId,
    /// Where.
    pub tag: TagId,
    /// With which tap.
    pub tap: TapId,
    /// For which order.
    pub order: Option<OrderId>,
    /// Why not.
    pub reason: Rejection,
}

/// What a repeatable request came to. Stored by place: only ever add at the end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It created this order.
    OrderCreated(OrderId),
    /// It cancelled this order.
    OrderCancelled(OrderId),
    /// It opened this tap.
    TapAccepted(TapId),
    /// It made this payment.
    PaymentSucceeded(PaymentId),
    /// It made this deposit.
    DepositSucceeded(DepositId),
    /// It was refused.
    Refused(Rejection),
    /// It was done, with nothing to show.
    Done,
    /// It captured.
    Captured(CaptureId),
    /// It gave a hold back.
    Released(Release),
    /// It refunded.
    Refunded(RefundId),
    /// It opened this dispute.
    DisputeOpened(DisputeId),
    /// It answered this dispute.
    DisputeAnswered(DisputeId),
    /// It decided this dispute.
    DisputeClosed(DisputeId),
    /// It created this payout.
    PayoutCreated(PayoutId),
    /// It cancelled an order whose payment it gave back.
    OrderRefunded(OrderId, RefundId),
    /// It cancelled an order whose hold it gave back.
    OrderReleased(OrderId),
}

impl Event {
    /// What the event means for the repeatable request that it answers; `None` for events that answer none.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::OrderCreated(order) | Self::OrderPlaced(order) => Some(Outcome::OrderCreated(order.id)),
            Self::OrderCancelled(order) => Some(Outcome::OrderCancelled(*order)),
            Self::TapAccepted(tap) => Some(Outcome::TapAccepted(tap.id)),
            Self::PaymentSucceeded(moved) | Self::PaymentMade(moved) => Some(Outcome::PaymentSucceeded(moved.what.id)),
            Self::DepositSucceeded(moved) => Some(Outcome::DepositSucceeded(moved.what.id)),
            Self::TapRefused(refused) => Some(Outcome::Refused(refused.reason)),
            Self::PaymentDeclined(declined) => Some(Outcome::Refused(declined.reason)),
            Self::RequestRefused(reason) => Some(Outcome::Refused(*reason)),
            Self::RequestAnswered(outcome) => Some(outcome.clone()),
            Self::PaymentCaptured(moved) => Some(Outcome::Captured(moved.what.capture.id)),
            Self::HoldReleased(moved) => Some(Outcome::Released(moved.what.release)),
            Self::PaymentRefunded(moved) => Some(Outcome::Refunded(moved.what.refund.id)),
            Self::DisputeOpened(moved) => Some(Outcome::DisputeOpened(moved.what.dispute.id)),
            Self::DisputeAnswered(dispute) => Some(Outcome::DisputeAnswered(dispute.id)),
            Self::DisputeClosed(moved) => Some(Outcome::DisputeClosed(moved.what.dispute.id)),
            Self::PayoutCreated(moved) => Some(Outcome::PayoutCreated(moved.what.id)),
            Self::AccountOpened(_)
            | Self::TagRegistered(_)
            | Self::MerchantStatusSet(..)
            | Self::FeePlanSet(..)
            | Self::SettlementTermsSet(..)
            | Self::PayoutSubmitted(_)
            | Self::PayoutReported(_) => Some(Outcome::Done),
            Self::OrderExpired(_)
            | Self::WindowOpened(_)
            | Self::SettlementClosed(_)
            | Self::ReserveReleased(_)
            | Self::PayoutSkipped(_) => None,
        }
    }

    /// Hands every ledger transfer of the event to `take`, in order.
    pub fn for_each_transfer(&self, take: impl FnMut(Transfer)) {
        match self {
            Self::DepositSucceeded(moved) => moved.transfers().for_each(take),
            Self::PaymentSucceeded(moved) | Self::PaymentMade(moved) => moved.transfers().for_each(take),
            Self::PaymentCaptured(moved) => moved.transfers().for_each(take),
            Self::HoldReleased(moved) => moved.transfers().for_each(take),
            Self::PaymentRefunded(moved) => moved.transfers().for_each(take),
            Self::DisputeOpened(moved) | Self::DisputeClosed(moved) => moved.transfers().for_each(take),
            Self::SettlementClosed(moved) => moved.transfers().for_each(take),
            Self::ReserveReleased(moved) => moved.transfers().for_each(take),
            Self::PayoutCreated(moved) | Self::PayoutReported(moved) => moved.transfers().for_each(take),
            Self::AccountOpened(_)
            | Self::TagRegistered(_)
            | Self::OrderCreated(_)
            | Self::OrderCancelled(_)
            | Self::OrderExpired(_)
            | Self::TapAccepted(_)
            | Self::TapRefused(_)
            | Self::PaymentDeclined(_)
            | Self::RequestRefused(_)
            | Self::RequestAnswered(_)
            | Self::OrderPlaced(_)
            | Self::DisputeAnswered(_)
            | Self::MerchantStatusSet(..)
            | Self::FeePlanSet(..)
            | Self::SettlementTermsSet(..)
            | Self::WindowOpened(_)
            | Self::PayoutSkipped(_)
            | Self::PayoutSubmitted(_) => {}
        }
    }
}
