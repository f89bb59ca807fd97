//! An account: what it is, the limits it keeps, and its balance.

use ids::AccountId;
use serde::{Deserialize, Serialize};

/// An account as it was opened. It never changes afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Unique among all accounts.
    pub id: AccountId,
    /// Which amounts can be moved into which: one ledger number per currency (ISO 4217 numeric).
    pub ledger: u32,
    /// What kind of account it is; the user's meaning.
    pub code: u16,
    /// Whose account it is (the reference's `user_data_128`); the user's meaning.
    pub owner: u128,
    /// The limits it keeps.
    pub flags: AccountFlags,
}

/// Limits that an account keeps whatever happens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountFlags {
    /// The account holds somebody's money: it cannot be overdrawn.
    pub debits_must_not_exceed_credits: bool,
    /// The account's mirror image: it cannot be owed.
    pub credits_must_not_exceed_debits: bool,
}

/// What has moved through an account, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// Sum of all transfers that debited the account.
    pub debits_posted: u64,
    /// Sum of all transfers that credited the account.
    pub credits_posted: u64,
}

impl Balance {
    /// What the owner of a credit-balance account can spend: credits less debits, 0 if debits are more.
    pub fn available(self) -> u64 {
        self.credits_posted.saturating_sub(self.debits_posted)
    }

    /// The balance after a debit, unless the sum overflows.
    pub fn debited(self, amount: u64) -> Option<Self> {
        let debits_posted = self.debits_posted.checked_add(amount)?;
        Some(Self { debits_posted, ..self })
    }

    /// The balance after a credit, unless the sum overflows.
    pub fn credited(self, amount: u64) -> Option<Self> {
        let credits_posted = self.credits_posted.checked_add(amount)?;
        Some(Self { credits_posted, ..self })
    }
}

/// Why an account may not be opened; the reference's `create_accounts` statuses of these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AccountRejection {
    /// The very same account is open already.
    #[error("the account exists")]
    Exists,
    /// Another account has this id.
    #[error("an account with this id and other fields exists")]
    ExistsWithDifferentFields,
}
