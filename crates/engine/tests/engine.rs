//! The engine as its callers see it: many at once, killed and opened again, its files moved and cut.
#![allow(clippy::unwrap_used)]

#[path = "../../payments/tests/support/mod.rs"]
mod support;

#[path = "engine/bench.rs"]
mod bench;
#[path = "engine/crowds.rs"]
mod crowds;
#[path = "engine/disks.rs"]
mod disks;
#[path = "engine/dues.rs"]
mod dues;
#[path = "engine/full.rs"]
mod full;
#[path = "engine/lives.rs"]
mod lives;
#[path = "engine/tampering.rs"]
mod tampering;
