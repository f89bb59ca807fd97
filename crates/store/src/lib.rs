//! Where the platform keeps its money facts: the journal (files of our own, the source of truth) and the tables that
//! are built from it (SQLite).
//!
//! This is the only crate that touches storage for the money plane. It stores what was decided and hands it back; it
//! decides nothing.

pub mod journal;
pub mod records;
pub mod tables;
