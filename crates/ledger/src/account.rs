//! An account: what it is, the limits it keeps, and what has moved through it.

use bitflags::bitflags;

/// An account, as the reference's `Account`. All fields but the four sums and `flags.closed` stay as they were given.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Unique among all accounts; neither 0 nor 2^128 - 1.
    pub id: u128,
    /// Debits reserved by pending transfers, in minor units.
    pub debits_pending: u64,
    /// Debits that have been posted, in minor units.
    pub debits_posted: u64,
    /// Credits reserved by pending transfers, in minor units.
    pub credits_pending: u64,
    /// Credits that have been posted, in minor units.
    pub credits_posted: u64,
    /// The user's meaning, such as whose account it is; 0 for none.
    pub user_data_128: u128,
    /// The user's meaning; 0 for none.
    pub user_data_64: u64,
    /// The user's meaning; 0 for none.
    pub user_data_32: u32,
    /// Must be 0.
    pub reserved: u32,
    /// Which accounts can move amounts to which: one ledger number per currency (ISO 4217 numeric). Not 0.
    pub ledger: u32,
    /// What kind of account it is; the user's meaning. Not 0.
    pub code: u16,
    /// Its limits and states.
    pub flags: AccountFlags,
    /// When it was created, in nanoseconds since 1970; unique among all accounts and transfers. 0 in a request.
    pub timestamp: u64,
}

impl Account {
    /// The four sums.
    pub fn balance(&self) -> Balance {
        Balance {
            debits_pending: self.debits_pending,
            debits_posted: self.debits_posted,
            credits_pending: self.credits_pending,
            credits_posted: self.credits_posted,
        }
    }

    /// The same account with these four sums.
    pub fn with_balance(self, balance: Balance) -> Self {
        Self {
            debits_pending: balance.debits_pending,
            debits_posted: balance.debits_posted,
            credits_pending: balance.credits_pending,
            credits_posted: balance.credits_posted,
            ..self
        }
    }
}

bitflags! {
    /// An account's flags, at the reference's bits.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct AccountFlags: u16 {
        /// Created only together with the next account of the batch.
        const LINKED = 1;
        /// The account holds somebody's money: it cannot be overdrawn.
        const DEBITS_MUST_NOT_EXCEED_CREDITS = 1 << 1;
        /// The account's mirror image: it cannot be owed.
        const CREDITS_MUST_NOT_EXCEED_DEBITS = 1 << 2;
        /// Its balance after each transfer is kept for ever.
        const HISTORY = 1 << 3;
        /// Not supported here: refused as a reserved flag.
        const IMPORTED = 1 << 4;
        /// It takes no transfers but voids.
        const CLOSED = 1 << 5;
    }
}

/// What has moved through an account, in minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// Debits reserved by pending transfers.
    pub debits_pending: u64,
    /// Debits that have been posted.
    pub debits_posted: u64,
    /// Credits reserved by pending transfers.
    pub credits_pending: u64,
    /// Credits that have been posted.
    pub credits_posted: u64,
}

impl Balance {
    /// Posted and pending debits. Cannot overflow: no transfer that would make it is accepted.
    pub fn debits(self) -> u64 {
        self.debits_posted.saturating_add(self.debits_pending)
    }

    /// Posted and pending credits. Cannot overflow: no transfer that would make it is accepted.
    pub fn credits(self) -> u64 {
        self.credits_posted.saturating_add(self.credits_pending)
    }

    /// What the owner of a credit-balance account can spend: posted credits less all debits, 0 if debits are more.
    pub fn available(self) -> u64 {
        self.credits_posted.saturating_sub(self.debits())
    }
}

/// The balance of an account right after a transfer; kept for accounts with [`AccountFlags::HISTORY`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountBalance {
    /// The four sums.
    pub balance: Balance,
    /// The timestamp of the transfer.
    pub timestamp: u64,
}
