//! How the platform's money facts are kept: the records that the journal holds, and the tables that are built from
//! them (SQLite).
//!
//! It stores what was decided and hands it back; it decides nothing. The journal itself is the crate [`journal`].

pub mod records;
pub mod tables;
