//! Partners: who else moves money for us, in their own formats.
//!
//! - [`bank`]: banks that pay merchants out. The trait [`bank::Bank`], the adapter for files (ISO 20022) and the sandbox.
//! - [`reconciliation`]: what the bank says beside what we think: reports for the money core, and breaks for people.
//!
//! Time comes in with each call, as Unix milliseconds. No network, no threads: who calls decides when.

pub mod bank;
mod database;
mod error;
pub mod reconciliation;

pub use error::PartnerError;
