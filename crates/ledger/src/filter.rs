//! Queries: which transfers, balances or accounts are asked for.

use bitflags::bitflags;

use crate::transfer::TIMESTAMP_MAX;

/// The most events in one batch and the most results of one query, as the reference's.
pub const BATCH_MAX: usize = 8189;

/// Which transfers or balances of one account are asked for: the reference's `AccountFilter`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AccountFilter {
    /// The account.
    pub account_id: u128,
    /// Only transfers with this value; 0 for any.
    pub user_data_128: u128,
    /// Only transfers with this value; 0 for any.
    pub user_data_64: u64,
    /// Only transfers with this value; 0 for any.
    pub user_data_32: u32,
    /// Only transfers with this code; 0 for any.
    pub code: u16,
    /// The first timestamp, inclusive; 0 for no bound.
    pub timestamp_min: u64,
    /// The last timestamp, inclusive; 0 for no bound.
    pub timestamp_max: u64,
    /// The most results; not 0. More than [`BATCH_MAX`] are never returned.
    pub limit: u32,
    /// Which side, which order.
    pub flags: AccountFilterFlags,
}

bitflags! {
    /// How an account is queried, at the reference's bits.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct AccountFilterFlags: u32 {
        /// Transfers that debit the account.
        const DEBITS = 1;
        /// Transfers that credit the account.
        const CREDITS = 1 << 1;
        /// The latest first.
        const REVERSED = 1 << 2;
    }
}

/// Which accounts or transfers are asked for: the reference's `QueryFilter`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueryFilter {
    /// Only those with this value; 0 for any.
    pub user_data_128: u128,
    /// Only those with this value; 0 for any.
    pub user_data_64: u64,
    /// Only those with this value; 0 for any.
    pub user_data_32: u32,
    /// Only those of this ledger; 0 for any.
    pub ledger: u32,
    /// Only those with this code; 0 for any.
    pub code: u16,
    /// The first timestamp, inclusive; 0 for no bound.
    pub timestamp_min: u64,
    /// The last timestamp, inclusive; 0 for no bound.
    pub timestamp_max: u64,
    /// The most results; not 0. More than [`BATCH_MAX`] are never returned.
    pub limit: u32,
    /// Which order.
    pub flags: QueryFilterFlags,
}

bitflags! {
    /// How accounts or transfers are queried, at the reference's bits.
    #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
    pub struct QueryFilterFlags: u32 {
        /// The latest first.
        const REVERSED = 1;
    }
}

/// An inclusive range of timestamps, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampRange {
    /// The first.
    pub min: u64,
    /// The last.
    pub max: u64,
}

impl TimestampRange {
    fn parse(min: u64, max: u64) -> Option<Self> {
        let range = Self { min: min.max(1), max: if max == 0 { TIMESTAMP_MAX } else { max } };
        (range.max <= TIMESTAMP_MAX && range.min <= range.max).then_some(range)
    }

    /// Whether `timestamp` is in it.
    pub fn contains(&self, timestamp: u64) -> bool {
        self.min <= timestamp && timestamp <= self.max
    }
}

impl AccountFilter {
    /// The range of timestamps and the most results, unless the filter breaks a constraint: then nothing matches it.
    pub fn parse(&self) -> Option<(TimestampRange, usize)> {
        let sides = AccountFilterFlags::DEBITS | AccountFilterFlags::CREDITS;
        let valid = self.account_id != 0
            && self.account_id != u128::MAX
            && self.flags.intersects(sides)
            && AccountFilterFlags::all().contains(self.flags);
        if !valid {
            return None;
        }
        Some((TimestampRange::parse(self.timestamp_min, self.timestamp_max)?, parse_limit(self.limit)?))
    }
}

impl QueryFilter {
    /// The range of timestamps and the most results, unless the filter breaks a constraint: then nothing matches it.
    pub fn parse(&self) -> Option<(TimestampRange, usize)> {
        if !QueryFilterFlags::all().contains(self.flags) {
            return None;
        }
        Some((TimestampRange::parse(self.timestamp_min, self.timestamp_max)?, parse_limit(self.limit)?))
    }
}

fn parse_limit(limit: u32) -> Option<usize> {
    let limit = usize::try_from(limit).unwrap_or(BATCH_MAX);
    (limit > 0).then_some(limit.min(BATCH_MAX))
}
