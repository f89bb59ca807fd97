//! The state, and what can be done with it.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{
    Account, AccountBalance, AccountFlags, Balance, CreateAccountResult, CreateTransferResult, Resolution, Transfer,
    TransferFlags,
};

use crate::accounts::create_account;
use crate::batch::create_batch;
use crate::transfers::{create_transfer, expires_at, may_pass};

/// All accounts and transfers that ever were.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Model {
    state: State,
    failed: BTreeSet<u128>,
    last_timestamp: u64,
}

/// What a chain that fails leaves as it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) accounts: BTreeMap<u128, Account>,
    pub(crate) transfers: BTreeMap<u128, Transfer>,
    /// How each pending transfer that is not open any more was resolved.
    pub(crate) resolutions: BTreeMap<u128, Resolution>,
    /// The balances of accounts that keep their history, by the transfer's timestamp and the account's id.
    pub(crate) balances: BTreeMap<(u64, u128), Balance>,
}

impl Model {
    /// Creates accounts in a batch that arrives at `clock`.
    pub fn create_accounts(&mut self, events: &[Account], clock: u64) -> Vec<CreateAccountResult> {
        let first_timestamp = self.take_timestamps(events.len(), clock);
        create_batch(&mut self.state, events, first_timestamp, create_account)
    }

    /// Creates transfers in a batch that arrives at `clock`. Ids that fail for a reason that may pass fail for ever.
    pub fn create_transfers(&mut self, events: &[Transfer], clock: u64) -> Vec<CreateTransferResult> {
        let first_timestamp = self.take_timestamps(events.len(), clock);
        let failed = &mut self.failed;
        create_batch(&mut self.state, events, first_timestamp, |state, event, timestamp| {
            let result = create_transfer(state, failed, event, timestamp);
            if let Err(refusal) = &result
                && may_pass(refusal.status)
            {
                failed.insert(event.id);
            }
            result
        })
    }

    /// Voids the pending transfers whose timeout has passed at `clock`; their ids, in the order in which they expire.
    pub fn expire(&mut self, clock: u64) -> Vec<u128> {
        let mut expired: Vec<(u64, u64, u128)> = self
            .open_pending()
            .into_iter()
            .filter_map(|transfer| Some((expires_at(&transfer)?, transfer.timestamp, transfer.id)))
            .filter(|(expires_at, ..)| *expires_at <= clock)
            .collect();
        expired.sort_unstable();
        let ids: Vec<u128> = expired.into_iter().map(|(.., id)| id).collect();
        for id in &ids {
            let pending = self.state.transfers[id];
            self.state.resolve(&pending, Resolution::Expired, 0);
        }
        ids
    }

    /// Every account with its balance, by id.
    pub fn accounts(&self) -> &BTreeMap<u128, Account> {
        &self.state.accounts
    }

    /// Every transfer, by id.
    pub fn transfers(&self) -> &BTreeMap<u128, Transfer> {
        &self.state.transfers
    }

    /// The ids that fail for ever.
    pub fn failed(&self) -> &BTreeSet<u128> {
        &self.failed
    }

    /// The pending transfers that are open, by id.
    pub fn open_pending(&self) -> Vec<Transfer> {
        let transfers = self.state.transfers.values();
        transfers.filter(|transfer| self.state.is_open(transfer)).copied().collect()
    }

    /// How the pending transfer `id` was resolved, unless it is open.
    pub fn resolution(&self, id: u128) -> Option<Resolution> {
        self.state.resolutions.get(&id).copied()
    }

    /// The balances after each transfer of the accounts that keep their history, by timestamp, with the account's id.
    pub fn history(&self) -> Vec<(u128, AccountBalance)> {
        let balances = self.state.balances.iter();
        balances
            .map(|((timestamp, id), balance)| (*id, AccountBalance { balance: *balance, timestamp: *timestamp }))
            .collect()
    }

    /// The last timestamp that was given out.
    pub fn last_timestamp(&self) -> u64 {
        self.last_timestamp
    }

    /// The accounts that there are of these ids, in their order.
    pub fn lookup_accounts(&self, ids: &[u128]) -> Vec<Account> {
        ids.iter().filter_map(|id| self.state.accounts.get(id).copied()).collect()
    }

    /// The transfers that there are of these ids, in their order.
    pub fn lookup_transfers(&self, ids: &[u128]) -> Vec<Transfer> {
        ids.iter().filter_map(|id| self.state.transfers.get(id).copied()).collect()
    }

    /// Sets an account's balance as if transfers had led to it: a way into corners that are far by transfers alone.
    pub fn set_balance(&mut self, id: u128, balance: Balance) {
        let account = self.state.accounts.get_mut(&id).expect("the account whose balance is set exists");
        *account = account.with_balance(balance);
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Every event takes a timestamp, whatever becomes of it.
    fn take_timestamps(&mut self, count: usize, clock: u64) -> u64 {
        let first = clock.max(self.last_timestamp + 1);
        if count > 0 {
            self.last_timestamp = first + count as u64 - 1;
        }
        first
    }
}

impl State {
    pub(crate) fn is_open(&self, transfer: &Transfer) -> bool {
        transfer.flags.contains(TransferFlags::PENDING) && !self.resolutions.contains_key(&transfer.id)
    }

    /// Ends a pending transfer: its reservation goes, `amount` of it is posted, and what it had closed opens again
    /// unless it was posted.
    pub(crate) fn resolve(&mut self, pending: &Transfer, how: Resolution, amount: u64) {
        let before = self.resolutions.insert(pending.id, how);
        assert_eq!(before, None, "a pending transfer ends once");
        let reopens = how != Resolution::Posted;

        let debit = self.account_mut(pending.debit_account_id);
        debit.debits_pending -= pending.amount;
        debit.debits_posted += amount;
        if reopens && pending.flags.contains(TransferFlags::CLOSING_DEBIT) {
            debit.flags.remove(AccountFlags::CLOSED);
        }

        let credit = self.account_mut(pending.credit_account_id);
        credit.credits_pending -= pending.amount;
        credit.credits_posted += amount;
        if reopens && pending.flags.contains(TransferFlags::CLOSING_CREDIT) {
            credit.flags.remove(AccountFlags::CLOSED);
        }
    }

    pub(crate) fn account_mut(&mut self, id: u128) -> &mut Account {
        self.accounts.get_mut(&id).expect("a transfer's accounts exist")
    }
}
