//! The bank's side of payouts: what merchants are owed leaves, and what the bank says of it comes back.
//!
//! One thread does all of it (`work`), and sleeps while there is nothing to do: it is woken by the money core's events, and
//! looks at the clock only while a bank owes an answer. It compares what closed settlements say with the rows of their
//! payments and with the ledger; asks the bank for the payouts that were created; takes in the bank's lines; and tells
//! the money core what came of payouts.
//!
//! A crash between any two steps loses nothing and doubles nothing. What the bank is asked for is written down before it is
//! asked, and asked again it is asked for the same, by the same reference; what the bank says has a number, and is handed
//! to the money core until that has taken it in, which says the same to the same twice.

mod service;
mod work;

pub use partners::PartnerError;
pub use partners::bank::{Bank, Debtor, DebtorError, FileBank, SandboxBank};
pub use partners::reconciliation::Reconciliation;

pub(crate) use work::pending_account;

pub use service::{Service, Stopped};
