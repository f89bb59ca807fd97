//! A transfer: one movement of an amount, for ever the same.

use ids::{AccountId, TransferId};
use serde::{Deserialize, Serialize};

/// One movement of an amount from the debit account to the credit account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transfer {
    /// Unique among all transfers; the caller makes it so.
    pub id: TransferId,
    /// The account that gives.
    pub debit_account: AccountId,
    /// The account that receives.
    pub credit_account: AccountId,
    /// Minor units.
    pub amount: u64,
    /// The ledger number of both accounts.
    pub ledger: u32,
    /// Why it moved; the user's meaning.
    pub code: u16,
}

/// Why a chain of transfers may not be posted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("transfer {index} of the chain: {rejection}")]
pub struct ChainRejection {
    /// Which transfer of the chain broke a rule, from 0.
    pub index: usize,
    /// The rule that it broke.
    pub rejection: TransferRejection,
}

/// The reference's `create_transfers` statuses of these names, in its order of precedence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TransferRejection {
    /// Both sides are the same account.
    #[error("accounts_must_be_different")]
    AccountsMustBeDifferent,
    /// No account has the debit account's id.
    #[error("debit_account_not_found")]
    DebitAccountNotFound,
    /// No account has the credit account's id.
    #[error("credit_account_not_found")]
    CreditAccountNotFound,
    /// The two accounts are of different ledgers, that is, currencies.
    #[error("accounts_must_have_the_same_ledger")]
    AccountsMustHaveTheSameLedger,
    /// The transfer is of another ledger than its accounts.
    #[error("transfer_must_have_the_same_ledger_as_accounts")]
    TransferMustHaveTheSameLedgerAsAccounts,
    /// The debit account's sum of debits would pass 64 bits.
    #[error("overflows_debits_posted")]
    OverflowsDebitsPosted,
    /// The credit account's sum of credits would pass 64 bits.
    #[error("overflows_credits_posted")]
    OverflowsCreditsPosted,
    /// The debit account would be overdrawn.
    #[error("exceeds_credits")]
    ExceedsCredits,
    /// The credit account would be owed more than it gave.
    #[error("exceeds_debits")]
    ExceedsDebits,
}
