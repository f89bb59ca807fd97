//! The ledger's meaning: beside a slow, obvious model, event by event in the reference's order of precedence, and at the
//! edges of how accounts are kept. Holds invariants 1 (debits equal credits at every moment), 3 (the same id gives the
//! same answer for ever), 4 (no account passes its limit) and 8 (state equals the fold of what was recorded).

mod accounts;
mod beside_model;
mod coverage;
mod expiry;
mod filters;
mod keeper;
mod precedence;
