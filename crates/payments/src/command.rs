//! What the decider can be asked, and what it answers.

use ids::{DepositId, MerchantId, OrderId, PaymentId, TagId, TapId, WalletId};
use money::{Amount, Currency, Money};
use serde::{Deserialize, Serialize};
use tag::{Uid, VerifiedTap};

use crate::account::Account;
use crate::model::{Deposit, Order, Payment, RegisteredTag, Tap, Text, UnixMillis};

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
    /// Close the orders whose time is over.
    ExpireOrders,
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
    /// The amount as the payer saw or typed it.
    pub money: Option<Money>,
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
}
