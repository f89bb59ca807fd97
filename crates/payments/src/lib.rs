//! The decider: every rule of orders, taps and payments, as a pure function.
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
mod command;
mod decide;
mod event;
mod model;
mod rejection;
mod state;

pub use account::{Account, AccountFlags, Owner, account_code};
pub use command::{Action, Answer, BodyDigest, Command, NewOrder, NewOrderAmount, Pay, Request, RequestKey};
pub use decide::{Decision, decide};
pub use event::{DeclinedPayment, Event, Outcome, Record, RefusedTap, Settled};
pub use model::{
    Deposit, MAX_ORDER_LIFETIME_MS, Order, OrderStatus, Payment, RegisteredTag, TAP_LIFETIME_MS, TagMode, Tap, Text,
    TextError, UnixMillis,
};
pub use rejection::Rejection;
pub use state::{Need, Recalled, State, TagState};
