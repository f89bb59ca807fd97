//! Double entry: accounts, and the transfers that move amounts between them.
//!
//! The data model, the rules, the statuses and their precedence are TigerBeetle's public ones (its reference:
//! `Account`, `Transfer`, `create_accounts`, `create_transfers`), with amounts of 64 bits and without imported events.
//! A transfer debits one account and credits another by the same amount, so debits equal credits at every moment, and
//! an account's limit is a flag that no transfer can pass.
//!
//! Rules and effects are apart, as everywhere in the money core. [`Ledger::create_transfers`] decides a batch by the
//! rules and lets it take effect; what it returns is all that must be stored. [`Ledger::apply_transfer`] and its like
//! let stored facts take effect again: they hold no rule, and stop the process rather than do what cannot be, because
//! a ledger that is known to be wrong must not go on.
//!
//! In memory are the accounts and the pending transfers that are open. Transfers themselves are not: whoever stores
//! them answers, before a batch is decided, what became of the ids that it names ([`Past`]).
//!
//! Not here: durability and queries (the crate `books`); clocks (the time comes in with each batch); what an account
//! is for (codes and user data are the user's).

mod account;
mod accounts;
mod batch;
mod filter;
mod index;
mod ledger;
mod past;
mod pending;
mod rules;
mod status;
mod totals;
mod transfer;

pub use account::{Account, AccountBalance, AccountFlags, Balance};
pub use accounts::{AccountNumber, AccountTable};
pub use batch::{CreatedAccounts, CreatedTransfers};
pub use filter::{AccountFilter, AccountFilterFlags, BATCH_MAX, QueryFilter, QueryFilterFlags, TimestampRange};
pub use ledger::{AccountState, ClosedPending, Effects, Ledger, LedgerFull};
pub use past::{Past, Remembered};
pub use status::{CreateAccountResult, CreateAccountStatus, CreateResult, CreateTransferResult, CreateTransferStatus};
pub use totals::Totals;
pub use transfer::{AMOUNT_MAX, NANOSECONDS_PER_SECOND, Resolution, TIMESTAMP_MAX, Transfer, TransferFlags};
