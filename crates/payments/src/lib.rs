//! The decider: every rule of orders, taps, payments, refunds, disputes and settlements, as a pure function.
//!
//! [`decide`] reads the [`State`] and one [`Command`] and says what happens: [`Event`]s, which are facts, and the
//! answer for the caller. [`State::evolve`] folds an event into the state; it holds no rules and cannot fail. Nothing
//! else changes the state, so the state is the fold of the journal, on any machine, in any year.
//!
//! No clock, no randomness, no floats, no I/O: the time and all new ids come in with the command, and proofs (a tag's
//! reading) come in as types that only their checker can make.
//!
//! Memory holds what may still change (balances, tags, open orders, live taps) and what was decided lately. Older,
//! closed things may be [forgotten](State::forget) once they are stored, and [recalled](State::recall) before a
//! command that needs them is decided.

mod account;
mod books;
mod command;
mod decide;
mod derived;
mod dispute;
mod event;
mod merchant;
mod model;
mod order;
mod past;
mod payment;
mod rejection;
mod settlement;
mod state;

pub use account::{Account, AccountFlags, Owner, account_code};
pub use books::Books;
pub use command::{
    Action, Answer, BodyDigest, CancelledBy, Command, Forced, IfPaid, NewCapture, NewDispute, NewOrder, NewOrderAmount,
    NewRefund, OrderName, Pay, Request, RequestKey, forced_by,
};
pub use decide::{Decision, decide};
pub use dispute::{DISPUTABLE_MS, Dispute, DisputeStatus, EVIDENCE_MS, Evidence, EvidenceError};
pub use event::{
    Captured, DeclinedPayment, Disputed, Event, Leg, Moved, Movement, OpenedWindow, Outcome, Record, Refunded,
    RefusedTap, Released, transfer_code,
};
pub use merchant::{MerchantState, MerchantStatus};
pub use model::{Deposit, RegisteredTag, TAP_LIFETIME_MS, TagMode, Tap, Text, TextError, UnixMillis};
pub use order::{
    DetailsError, LineItem, MAX_HOLD_MS, MAX_ORDER_LIFETIME_MS, Order, OrderDetails, OrderStatus, ReferenceKey, Split,
    SplitPart,
};
pub use payment::{Beginning, Capture, Part, Payment, PaymentStatus, Refund, Release, ReleaseReason, Share};
pub use rejection::Rejection;
pub use settlement::{
    BankWord, Closing, MerchantBook, Payout, PayoutStatus, ReserveRelease, Settlement, Totals, Window,
};
pub use state::{DuePayout, Need, Recalled, State, TagState};
