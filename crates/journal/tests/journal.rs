//! The journal: writing, reading, tampering, failing disks, crashes.
#![allow(clippy::unwrap_used)]

#[path = "journal/support.rs"]
mod support;

#[path = "journal/append_and_read.rs"]
mod append_and_read;
#[path = "journal/copy.rs"]
mod copy;
#[path = "journal/crashes.rs"]
mod crashes;
#[path = "journal/faults.rs"]
mod faults;
#[path = "journal/golden.rs"]
mod golden;
#[path = "journal/tampering.rs"]
mod tampering;
