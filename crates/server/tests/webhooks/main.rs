//! Webhooks over real HTTP: a real file, receivers on loopback ports, events that are made up, a clock that tests move.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod addresses;
mod deliveries;
mod receiver;
mod town;
