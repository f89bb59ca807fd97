//! The ledger once more, slow and obvious: what the tests of the real ones are compared with.
//!
//! [`Model`] is written from TigerBeetle's public reference, not from the crate `ledger`: maps sorted by id, the whole
//! state cloned before each chain and put back when the chain fails, every rule in the order in which the reference
//! lists the statuses. It keeps all transfers, so it also answers lookups and queries. [`random`] makes batches and
//! queries that collide, break and overflow as often as they succeed.
//!
//! For tests only. It stops the process where a test asks for what cannot be, and forgets everything at the end.

mod accounts;
mod batch;
mod model;
mod queries;
pub mod random;
mod transfers;

pub use model::Model;
