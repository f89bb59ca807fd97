//! What the decider can be asked, and what it answers.

use ids::{
    CaptureId, DepositId, DisputeId, MerchantId, OrderId, PaymentId, PayoutId, RefundId, TagId, TapId, WalletId,
};
use money::{Amount, Currency, Money};
use serde::{Deserialize, Serialize};
use tag::{Uid, VerifiedTap};
use terms::{FeePlan, SettlementTerms};

use crate::account::Account;
use crate::dispute::{Dispute, Evidence};
use crate::merchant::MerchantStatus;
use crate::model::{Deposit, RegisteredTag, Tap, Text, UnixMillis};
use crate::order::{Order, OrderDetails, ReferenceKey};
use crate::payment::{Capture, Payment, Refund, Release};
use crate::rejection::Rejection;
use crate::settlement::{BankWord, Payout};

/// One thing to decide.
#[derive(Debug)]
pub struct Command {
    /// The time to decide by; never earlier than the last command's.
    pub now: UnixMillis,
    /// The caller's idempotency key, if one was given.
    pub request: Option<Request>,
    /// What is asked.
    pub action: Action,
}

/// A request that its caller may repeat: the same key and body get the same answer for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// Who asked, under which key.
    pub key: RequestKey,
    /// What was asked.
    pub body: BodyDigest,
}

/// A digest of the caller and the caller's idempotency key, so that no two callers share keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RequestKey(pub [u8; 16]);

/// A digest of everything that makes a request what it is: method, path and body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BodyDigest(pub [u8; 16]);

/// What is asked. New ids come from outside; whoever builds an action has checked that its caller may ask it.
#[derive(Debug)]
pub enum Action {
    /// Open a ledger account. Asking again for the same account changes nothing.
    OpenAccount(Account),
    /// Make a tag known. Asking again for the same tag changes nothing.
    RegisterTag(RegisteredTag),
    /// Put money from outside into a wallet. Asking again with the same id changes nothing.
    Deposit {
        /// The deposit's id.
        id: DepositId,
        /// Who receives it.
        wallet: WalletId,
        /// How much.
        money: Money,
    },
    /// Ask to be paid.
    CreateOrder(NewOrder),
    /// Withdraw an order.
    CancelOrder {
        /// Who asks.
        merchant: MerchantId,
        /// Which order.
        order: OrderId,
        /// What to do if it has been paid.
        if_paid: IfPaid,
    },
    /// Say for certain what an order has come to. Never recorded as a repeatable request: each time the truth is told.
    ResolveOrder {
        /// Who asks.
        merchant: MerchantId,
        /// Which order.
        order: OrderName,
        /// Whether to withdraw it if nobody has paid yet, so that the answer is final.
        close: bool,
    },
    /// Open a tap with a genuine reading of a tag.
    OpenTap {
        /// The new tap's id.
        id: TapId,
        /// Who touched.
        wallet: WalletId,
        /// The proof.
        reading: VerifiedTap,
    },
    /// Tell a tag's merchant that a forged reading was refused.
    ReportForgedTap {
        /// The chip that the reading claims, unproven.
        claimed: Uid,
    },
    /// Pay.
    Pay(Pay),
    /// Take some of what is held.
    Capture(NewCapture),
    /// Give back what is still held.
    Void {
        /// Who asks.
        merchant: MerchantId,
        /// Of which payment.
        payment: PaymentId,
    },
    /// Give money back.
    Refund(NewRefund),
    /// Dispute a payment.
    OpenDispute(NewDispute),
    /// Answer a dispute.
    AnswerDispute {
        /// Who asks.
        merchant: MerchantId,
        /// Which dispute.
        dispute: DisputeId,
        /// What speaks against it.
        evidence: Evidence,
    },
    /// Give in to a dispute.
    AcceptDispute {
        /// Who asks.
        merchant: MerchantId,
        /// Which dispute.
        dispute: DisputeId,
    },
    /// Decide a dispute: the platform's word.
    DecideDispute {
        /// Which dispute.
        dispute: DisputeId,
        /// Whether the merchant was right.
        won: bool,
    },
    /// Say what a merchant may do from now on. Asking again for the same changes nothing.
    SetMerchantStatus {
        /// Which merchant.
        merchant: MerchantId,
        /// What it may do.
        status: MerchantStatus,
    },
    /// Charge a merchant by this plan from then on. A moment that is past means now; a plan that was to begin at the
    /// same moment is replaced.
    SetFeePlan {
        /// Which merchant.
        merchant: MerchantId,
        /// By which plan.
        plan: FeePlan,
        /// From when.
        from: UnixMillis,
    },
    /// Settle a merchant on these terms. An open window keeps its cut-off; what is kept of it in reserve and when it is
    /// paid out follow from the terms that hold when it closes.
    SetSettlementTerms {
        /// Which merchant.
        merchant: MerchantId,
        /// On which terms.
        terms: SettlementTerms,
    },
    /// Pay out a merchant's balance.
    CreatePayout {
        /// The new payout's id.
        id: PayoutId,
        /// Whose balance.
        merchant: MerchantId,
        /// In what.
        currency: Currency,
    },
    /// A bank was told to pay. Never recorded as a repeatable request: saying the same again changes nothing.
    SubmitPayout {
        /// Which payout.
        payout: PayoutId,
        /// The bank's name for it.
        bank_reference: Option<Text>,
    },
    /// A bank has said what came of a payout. Never recorded as a repeatable request: saying the same again changes
    /// nothing.
    ReportPayout {
        /// Which payout.
        payout: PayoutId,
        /// What it said.
        word: BankWord,
    },
    /// Do what is due: orders and holds expire, windows close, payouts leave, reserves come free, unanswered disputes
    /// are lost. A bounded number of things of one kind at once; the next tick goes on. Never recorded as a repeatable
    /// request.
    Tick,
}

impl Action {
    /// Whether its answer is kept for whoever asks again under the same key. What tells the truth of the moment, and what
    /// does by itself nothing twice, is decided anew each time.
    pub(crate) fn is_repeatable(&self) -> bool {
        !matches!(self, Self::ResolveOrder { .. } | Self::SubmitPayout { .. } | Self::ReportPayout { .. } | Self::Tick)
    }
}

/// An order by one of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderName {
    /// Ours.
    Id(OrderId),
    /// Its merchant's.
    Reference(ReferenceKey),
}

/// What to do with an order that is to be withdrawn and has been paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfPaid {
    /// Refuse: it stays paid.
    Refuse,
    /// Give back what was paid and not given back yet, under this name.
    Refund(RefundId),
}

/// An order to create.
#[derive(Debug)]
pub struct NewOrder {
    /// The new order's id.
    pub id: OrderId,
    /// Who asks.
    pub merchant: MerchantId,
    /// Where it will wait.
    pub tag: TagId,
    /// How much.
    pub amount: NewOrderAmount,
    /// Words for the payer.
    pub description: Option<Text>,
    /// The merchant's own name for it.
    pub reference: Option<Text>,
    /// How long it may wait, in milliseconds.
    pub lifetime_ms: u64,
    /// More of it; [checked](OrderDetails::check).
    pub details: Option<Box<OrderDetails>>,
}

/// How much an order asks.
#[derive(Debug, Clone, Copy)]
pub enum NewOrderAmount {
    /// So much.
    Fixed(Money),
    /// What the payer types, in this currency.
    Open(Currency),
}

impl NewOrderAmount {
    pub(crate) fn currency(self) -> Currency {
        match self {
            Self::Fixed(money) => money.currency(),
            Self::Open(currency) => currency,
        }
    }

    pub(crate) fn amount(self) -> Option<Amount> {
        match self {
            Self::Fixed(money) => Some(money.amount()),
            Self::Open(_) => None,
        }
    }
}

/// A payer's word to pay.
#[derive(Debug)]
pub struct Pay {
    /// The new payment's id.
    pub id: PaymentId,
    /// Who pays.
    pub wallet: WalletId,
    /// The payer's tap.
    pub tap: TapId,
    /// The amount as the payer saw or typed it, without a tip.
    pub money: Option<Money>,
    /// A tip on top of it, in minor units.
    pub tip: u64,
    /// What a sandbox makes of it; `None` leaves it to the rules.
    pub forced: Option<Forced>,
}

/// An outcome that a sandbox forces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forced {
    /// What the amount says: see [`forced_by`]. Most amounts say nothing.
    ByAmount,
    /// The payment is refused for this reason.
    Declined(Rejection),
    /// The payment's outcome is known only later, as if somebody else had to answer.
    Processing {
        /// How long that takes, in milliseconds.
        for_ms: u64,
        /// What it will be.
        succeeds: bool,
    },
}

/// The outcome that a sandbox forces on a payment of this amount, in minor units: a few amounts that nobody pays by chance
/// stand for what can happen.
pub fn forced_by(minor_units: u64) -> Option<Forced> {
    const MINUTE_MS: u64 = 60 * 1000;
    Some(match minor_units {
        400_001 => Forced::Declined(Rejection::Declined),
        400_002 => Forced::Declined(Rejection::InsufficientFunds { available: 0 }),
        400_003 => Forced::Processing { for_ms: MINUTE_MS, succeeds: true },
        400_004 => Forced::Processing { for_ms: MINUTE_MS, succeeds: false },
        400_005 => Forced::Processing { for_ms: 24 * 60 * MINUTE_MS, succeeds: true },
        _ => return None,
    })
}

/// Some of a hold to take.
#[derive(Debug, Clone, Copy)]
pub struct NewCapture {
    /// The new capture's id.
    pub id: CaptureId,
    /// Who asks.
    pub merchant: MerchantId,
    /// Of which payment.
    pub payment: PaymentId,
    /// How much; `None` is all that is left.
    pub amount: Option<Amount>,
    /// Whether it is the last one: what is left then goes back to the payer.
    pub is_last: bool,
}

/// Money to give back.
#[derive(Debug, Clone)]
pub struct NewRefund {
    /// The new refund's id.
    pub id: RefundId,
    /// Who asks.
    pub merchant: MerchantId,
    /// Of which payment.
    pub payment: PaymentId,
    /// How much; `None` is all that is left.
    pub amount: Option<Amount>,
    /// Why.
    pub reason: Option<Text>,
}

/// A payer's word against a payment.
#[derive(Debug, Clone)]
pub struct NewDispute {
    /// The new dispute's id.
    pub id: DisputeId,
    /// Who asks.
    pub wallet: WalletId,
    /// Against which payment.
    pub payment: PaymentId,
    /// How much of it; `None` is all that is left.
    pub amount: Option<Amount>,
    /// Why.
    pub reason: Text,
}

/// What came of a command that was allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// An order, as it was then.
    Order(Order),
    /// A tap, and the order that waited.
    Tap(Tap, Option<Order>),
    /// A payment.
    Payment(Payment),
    /// A deposit.
    Deposit(Deposit),
    /// Done, with nothing to show.
    Done,
    /// An order that was withdrawn, and what that took.
    Cancelled(Order, CancelledBy),
    /// An order as it is, and its payment.
    Resolved(Order, Option<Payment>),
    /// A capture.
    Capture(Capture),
    /// The end of a hold.
    Release(Release),
    /// A refund.
    Refund(Refund),
    /// A dispute.
    Dispute(Dispute),
    /// A payout.
    Payout(Payout),
    /// What was due: so many things happened. Perhaps more is due, unless it is none.
    Ticked(usize),
}

/// What withdrawing an order took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelledBy {
    /// Nobody had paid: it was closed.
    Closing,
    /// What was held for it went back.
    Releasing,
    /// What was paid went back, by this refund.
    Refunding(RefundId),
}
