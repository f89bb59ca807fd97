//! Runs and trees against real files.

mod damage;
mod model;
mod round_trip;
mod support;
mod trees;
