//! Facts. The journal holds these and nothing else, so their meaning never changes: what needs to say more becomes a
//! new variant at the end of its enum.

use ids::{AccountId, DepositId, MerchantId, OrderId, PaymentId, TagId, TapId, WalletId};
use ledger::Transfer;
use money::{Amount, Currency};
use serde::{Deserialize, Serialize};

use crate::account::Account;
use crate::command::Request;
use crate::model::{Deposit, Order, Payment, RegisteredTag, Tap, UnixMillis};
use crate::rejection::Rejection;

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
    DepositSucceeded(Settled<Deposit>),
    /// A merchant asks to be paid.
    OrderCreated(Order),
    /// A merchant withdrew an order.
    OrderCancelled(OrderId),
    /// An order's time was over.
    OrderExpired(OrderId),
    /// A tap was accepted: the tag's counter has grown to the tap's.
    TapAccepted(Tap),
    /// A reading of a tag was refused.
    TapRefused(RefusedTap),
    /// Money moved from a wallet to a merchant.
    PaymentSucceeded(Settled<Payment>),
    /// A payer's word was good, but the payment could not be.
    PaymentDeclined(DeclinedPayment),
    /// A repeatable request was refused; the same request will be refused the same way.
    RequestRefused(Rejection),
    /// A repeatable request asked for what was so already; the same request will be answered the same way.
    RequestAnswered(Outcome),
}

/// Something that moved money, and the accounts it moved between.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled<T> {
    /// What moved it.
    pub what: T,
    /// The account that gave.
    pub debit_account: AccountId,
    /// The account that received.
    pub credit_account: AccountId,
}

/// Codes that say why a transfer happened.
mod transfer_code {
    pub(super) const DEPOSIT: u16 = 1;
    pub(super) const PAYMENT: u16 = 2;
}

impl Settled<Payment> {
    /// The ledger transfer of this payment, as it is asked for. It carries the order that it pays, if there is one.
    pub fn transfer(&self) -> Transfer {
        let Payment { id, order, currency, amount, .. } = self.what;
        Transfer {
            id: id.as_u128(),
            user_data_128: order.map_or(0, OrderId::as_u128),
            code: transfer_code::PAYMENT,
            ..self.movement(currency, amount)
        }
    }
}

impl Settled<Deposit> {
    /// The ledger transfer of this deposit, as it is asked for.
    pub fn transfer(&self) -> Transfer {
        let Deposit { id, currency, amount, .. } = self.what;
        Transfer { id: id.as_u128(), code: transfer_code::DEPOSIT, ..self.movement(currency, amount) }
    }
}

impl<T> Settled<T> {
    /// So much from the one account to the other.
    fn movement(&self, currency: Currency, amount: Amount) -> Transfer {
        Transfer {
            debit_account_id: self.debit_account.as_u128(),
            credit_account_id: self.credit_account.as_u128(),
            amount: amount.minor_units(),
            ledger: u32::from(currency.numeric()),
            ..Transfer::default()
        }
    }
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

/// What a repeatable request came to.
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
}

impl Event {
    /// What the event means for the repeatable request that it answers; `None` for events that answer none.
    pub fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::OrderCreated(order) => Some(Outcome::OrderCreated(order.id)),
            Self::OrderCancelled(order) => Some(Outcome::OrderCancelled(*order)),
            Self::TapAccepted(tap) => Some(Outcome::TapAccepted(tap.id)),
            Self::PaymentSucceeded(settled) => Some(Outcome::PaymentSucceeded(settled.what.id)),
            Self::DepositSucceeded(settled) => Some(Outcome::DepositSucceeded(settled.what.id)),
            Self::TapRefused(refused) => Some(Outcome::Refused(refused.reason)),
            Self::PaymentDeclined(declined) => Some(Outcome::Refused(declined.reason)),
            Self::RequestRefused(reason) => Some(Outcome::Refused(*reason)),
            Self::RequestAnswered(outcome) => Some(outcome.clone()),
            Self::AccountOpened(_) | Self::TagRegistered(_) => Some(Outcome::Done),
            Self::OrderExpired(_) => None,
        }
    }
}
