//! Where the platform keeps its money facts: the journal (files of our own, the source of truth) and the tables
//! built from it.
//!
//! This is the only crate that touches storage for the money plane. It knows bytes, positions and hashes; it does
//! not know what an event means.

pub mod journal;
