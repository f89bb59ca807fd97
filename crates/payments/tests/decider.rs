//! Each rule of the decider, told as a story. Numbers are those of docs: the invariants, and the bugs that others had.
#![allow(clippy::unwrap_used)]

mod support;

#[path = "decider/accounts.rs"]
mod accounts;
#[path = "decider/disputes.rs"]
mod disputes;
#[path = "decider/holds.rs"]
mod holds;
#[path = "decider/merchants.rs"]
mod merchants;
#[path = "decider/orders.rs"]
mod orders;
#[path = "decider/payments.rs"]
mod payments_rules;
#[path = "decider/refunds.rs"]
mod refunds;
#[path = "decider/repeats.rs"]
mod repeats;
#[path = "decider/settlements.rs"]
mod settlements;
#[path = "decider/taps.rs"]
mod taps;
#[path = "decider/times.rs"]
mod times;
