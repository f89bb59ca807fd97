//! Queries: every row is looked at.

use ledger::{
    Account, AccountBalance, AccountFilter, AccountFilterFlags, AccountFlags, BATCH_MAX, QueryFilter, QueryFilterFlags,
    TIMESTAMP_MAX, Transfer,
};

use crate::model::Model;

impl Model {
    /// The transfers of an account.
    pub fn get_account_transfers(&self, filter: &AccountFilter) -> Vec<Transfer> {
        let sides = AccountFilterFlags::DEBITS | AccountFilterFlags::CREDITS;
        let is_valid = filter.account_id != 0
            && filter.account_id != u128::MAX
            && is_valid_range(filter.timestamp_min, filter.timestamp_max)
            && filter.limit != 0
            && filter.flags.intersects(sides)
            && filter.flags.bits() < 8;
        if !is_valid {
            return Vec::new();
        }
        let is_debit = |transfer: &Transfer| {
            filter.flags.contains(AccountFilterFlags::DEBITS) && transfer.debit_account_id == filter.account_id
        };
        let is_credit = |transfer: &Transfer| {
            filter.flags.contains(AccountFilterFlags::CREDITS) && transfer.credit_account_id == filter.account_id
        };
        let found = self.transfers().values().copied().filter(|transfer| {
            (is_debit(transfer) || is_credit(transfer))
                && is_in_range(transfer.timestamp, filter.timestamp_min, filter.timestamp_max)
                && is_or_any(transfer.user_data_128, filter.user_data_128)
                && is_or_any(transfer.user_data_64, filter.user_data_64)
                && is_or_any(transfer.user_data_32, filter.user_data_32)
                && is_or_any(transfer.code, filter.code)
        });
        let is_reversed = filter.flags.contains(AccountFilterFlags::REVERSED);
        in_order(found.collect(), |transfer| transfer.timestamp, is_reversed, filter.limit)
    }

    /// The balances of an account that keeps its history, after each of the transfers that the filter finds.
    pub fn get_account_balances(&self, filter: &AccountFilter) -> Vec<AccountBalance> {
        let account = self.accounts().get(&filter.account_id);
        if !account.is_some_and(|account| account.flags.contains(AccountFlags::HISTORY)) {
            return Vec::new();
        }
        let balance_after = |transfer: Transfer| AccountBalance {
            balance: self.state().balances[&(transfer.timestamp, filter.account_id)],
            timestamp: transfer.timestamp,
        };
        self.get_account_transfers(filter).into_iter().map(balance_after).collect()
    }

    /// The accounts that the filter finds.
    pub fn query_accounts(&self, filter: &QueryFilter) -> Vec<Account> {
        if !is_valid_query(filter) {
            return Vec::new();
        }
        let found = self.accounts().values().copied().filter(|account| {
            is_in_range(account.timestamp, filter.timestamp_min, filter.timestamp_max)
                && is_or_any(account.user_data_128, filter.user_data_128)
                && is_or_any(account.user_data_64, filter.user_data_64)
                && is_or_any(account.user_data_32, filter.user_data_32)
                && is_or_any(account.ledger, filter.ledger)
                && is_or_any(account.code, filter.code)
        });
        let is_reversed = filter.flags.contains(QueryFilterFlags::REVERSED);
        in_order(found.collect(), |account| account.timestamp, is_reversed, filter.limit)
    }

    /// The transfers that the filter finds.
    pub fn query_transfers(&self, filter: &QueryFilter) -> Vec<Transfer> {
        if !is_valid_query(filter) {
            return Vec::new();
        }
        let found = self.transfers().values().copied().filter(|transfer| {
            is_in_range(transfer.timestamp, filter.timestamp_min, filter.timestamp_max)
                && is_or_any(transfer.user_data_128, filter.user_data_128)
                && is_or_any(transfer.user_data_64, filter.user_data_64)
                && is_or_any(transfer.user_data_32, filter.user_data_32)
                && is_or_any(transfer.ledger, filter.ledger)
                && is_or_any(transfer.code, filter.code)
        });
        let is_reversed = filter.flags.contains(QueryFilterFlags::REVERSED);
        in_order(found.collect(), |transfer| transfer.timestamp, is_reversed, filter.limit)
    }
}

fn is_valid_query(filter: &QueryFilter) -> bool {
    is_valid_range(filter.timestamp_min, filter.timestamp_max) && filter.limit != 0 && filter.flags.bits() < 2
}

fn is_valid_range(min: u64, max: u64) -> bool {
    min <= TIMESTAMP_MAX && max <= TIMESTAMP_MAX && (max == 0 || min <= max)
}

fn is_in_range(timestamp: u64, min: u64, max: u64) -> bool {
    timestamp >= min && (max == 0 || timestamp <= max)
}

/// Whether a value is what is asked for, which is 0 for any.
fn is_or_any<T: Default + PartialEq>(value: T, wanted: T) -> bool {
    wanted == T::default() || value == wanted
}

/// By timestamp, from the first or from the last on, no more than the limit.
fn in_order<T>(mut rows: Vec<T>, timestamp: impl Fn(&T) -> u64, is_reversed: bool, limit: u32) -> Vec<T> {
    rows.sort_by_key(|row| timestamp(row));
    if is_reversed {
        rows.reverse();
    }
    rows.truncate(BATCH_MAX.min(limit as usize));
    rows
}
