//! The API as its callers meet it: a real server on a loopback port, a real folder, a small client.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "../webhooks/receiver.rs"]
#[allow(dead_code, reason = "shared: each uses a part of it")]
mod receiver;

mod bad_control;
mod imports;
mod keys;
mod limits;
mod onboarding;

mod actors;
mod bad_input;
mod client;
mod connections;
mod demo;
mod description;
mod descriptive;
mod disputes;
mod events;
mod holds;
mod logs;
mod money;
mod orders;
mod pages;
mod payments;
mod payouts;
mod platform;
mod races;
mod reference;
mod refunds;
mod replays;
mod resolve;
mod settlements;
mod webhooks;
