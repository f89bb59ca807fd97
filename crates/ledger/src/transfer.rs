//! A transfer: one movement of an amount, for ever the same.

use bitflags::bitflags;

/// In a request, the highest amount there is: post everything that is pending, or balance as far as possible.
pub const AMOUNT_MAX: u64 = u64::MAX;

/// Nanoseconds in a second: timeouts are in seconds, timestamps in nanoseconds.
pub const NANOSECONDS_PER_SECOND: u64 = 1_000_000_000;

/// The highest timestamp, in nanoseconds since 1970: 2^63 - 1, in the year 2262.
pub const TIMESTAMP_MAX: u64 = (1 << 63) - 1;

/// A transfer, as the reference's `Transfer`.
///
/// Once created, `amount` is what moved, and a post or void carries the accounts, ledger and code of what it resolves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Transfer {
    /// Unique among all transfers; the client makes it so. Neither 0 nor 2^128 - 1.
    pub id: u128,
    /// The account that gives.
    pub debit_account_id: u128,
    /// The account that receives.
    pub credit_account_id: u128,
    /// Minor units.
    pub amount: u64,
    /// The pending transfer that this one posts or voids; 0 for none.
    pub pending_id: u128,
    /// The user's meaning, such as what the transfer belongs to; 0 for none.
    pub user_data_128: u128,
    /// The user's meaning; 0 for none.
    pub user_data_64: u64,
    /// The user's meaning; 0 for none.
    pub user_data_32: u32,
    /// How long a pending transfer may be posted or voided, in seconds; 0 for ever.
    pub timeout: u32,
    /// The ledger number of both accounts. Not 0.
    pub ledger: u32,
    /// Why it moves; the user's meaning. Not 0.
    pub code: u16,
    /// How it moves.
    pub flags: TransferFlags,
    /// When it was created, in nanoseconds since 1970; unique among all accounts and transfers. 0 in a request.
    pub timestamp: u64,
}

impl Transfer {
    /// When a pending transfer expires, in nanoseconds since 1970; never, if it has no timeout.
    pub fn expires_at(&self) -> Option<u64> {
        let nanoseconds = u64::from(self.timeout) * NANOSECONDS_PER_SECOND;
        (self.timeout > 0).then(|| self.timestamp.saturating_add(nanoseconds))
    }
}

bitflags! {
    /// A transfer's flags, at the reference's bits.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct TransferFlags: u16 {
        /// Created only together with the next transfer of the batch.
        const LINKED = 1;
        /// Reserves the amount, to be posted or voided later.
        const PENDING = 1 << 1;
        /// Posts a pending transfer.
        const POST_PENDING_TRANSFER = 1 << 2;
        /// Voids a pending transfer.
        const VOID_PENDING_TRANSFER = 1 << 3;
        /// Moves at most what the debit account has.
        const BALANCING_DEBIT = 1 << 4;
        /// Moves at most what the credit account is owed.
        const BALANCING_CREDIT = 1 << 5;
        /// Closes the debit account, until this pending transfer is voided.
        const CLOSING_DEBIT = 1 << 6;
        /// Closes the credit account, until this pending transfer is voided.
        const CLOSING_CREDIT = 1 << 7;
        /// Not supported here: refused as a reserved flag.
        const IMPORTED = 1 << 8;

        /// Either of the two that resolve a pending transfer.
        const RESOLVING = Self::POST_PENDING_TRANSFER.bits() | Self::VOID_PENDING_TRANSFER.bits();
    }
}

/// How a pending transfer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Posted, in whole or in part.
    Posted,
    /// Voided by its user.
    Voided,
    /// Voided by its timeout.
    Expired,
}
