//! The API's resources: a file for each, a function for each endpoint.

pub(crate) mod amounts;
pub(crate) mod audit_log;
pub(crate) mod balances;
pub(crate) mod breaks;
pub(crate) mod captures;
pub(crate) mod deliveries;
pub(crate) mod disputes;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod imports;
pub(crate) mod keys;
pub(crate) mod merchants;
pub(crate) mod orders;
pub(crate) mod payments;
pub(crate) mod payouts;
pub(crate) mod refunds;
pub(crate) mod sandbox;
pub(crate) mod settlements;
pub(crate) mod stores;
pub(crate) mod tags;
pub(crate) mod taps;
pub(crate) mod tills;
pub(crate) mod wallets;
pub(crate) mod webhook_endpoints;
