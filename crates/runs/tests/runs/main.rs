//! Runs and trees against real files.

#![allow(clippy::unwrap_used)]

mod damage;
mod faults;
mod golden;
mod model;
mod round_trip;
mod support;
mod trees;
