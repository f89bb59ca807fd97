//! Each rule of the decider, told as a story. Numbers are those of docs: the invariants, and the bugs that others had.
#![allow(clippy::unwrap_used)]

mod support;

#[path = "decider/accounts.rs"]
mod accounts;
#[path = "decider/orders.rs"]
mod orders;
#[path = "decider/payments.rs"]
mod payments_rules;
#[path = "decider/repeats.rs"]
mod repeats;
#[path = "decider/taps.rs"]
mod taps;
#[path = "decider/times.rs"]
mod times;
