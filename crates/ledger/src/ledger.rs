//! The ledger itself: batches are decided by the rules and take effect at once; recorded facts take effect without.

use crate::account::{Account, AccountBalance, AccountFlags, Balance};
use crate::accounts::{AccountNumber, AccountTable, Accounts};
use crate::batch::{AccountsBatch, CreatedAccounts, CreatedTransfers, TransfersBatch};
use crate::past::Past;
use crate::pending::Pending;
use crate::rules::{self, Allowed};
use crate::status::{CreateAccountStatus, CreateTransferStatus};
use crate::totals::Totals;
use crate::transfer::{Resolution, TIMESTAMP_MAX, Transfer, TransferFlags};

/// All accounts with their balances, and all pending transfers that are open.
#[derive(Debug, Default)]
pub struct Ledger {
    pub(crate) accounts: Accounts,
    pub(crate) pending: Pending,
    last_timestamp: u64,
}

/// A pending transfer that is not open any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClosedPending {
    /// Its id.
    pub id: u128,
    /// When it was created.
    pub timestamp: u64,
    /// How it ended.
    pub how: Resolution,
}

/// What transfers leave behind besides balances.
#[derive(Debug, Default)]
pub struct Effects {
    /// The balances of accounts that keep their history, in order.
    pub history: Vec<(AccountNumber, AccountBalance)>,
    /// The pending transfers that were resolved, in order.
    pub closed: Vec<ClosedPending>,
}

/// An account's state that changes: what a checkpoint stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountState {
    /// Which account.
    pub number: AccountNumber,
    /// Its flags; `closed` changes.
    pub flags: AccountFlags,
    /// Its four sums.
    pub balance: Balance,
}

/// A batch cannot be taken; nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LedgerFull {
    /// The clock has passed 2^63 - 1 nanoseconds since 1970.
    #[error(
        "timestamps are used up: the clock stands at the end of time, 2^63 - 1 nanoseconds after 1970; restore a backup up to a \
         position before it was set so far"
    )]
    Timestamps,
    /// All 2^32 - 1 account numbers are used.
    #[error("this ledger has 4,294,967,295 accounts, the most there can be: open further accounts in another one")]
    Accounts,
}

impl Ledger {
    /// Creates accounts, one after the other, in a batch that arrives at `clock` (nanoseconds since 1970).
    pub fn create_accounts(&mut self, events: &[Account], clock: u64) -> Result<CreatedAccounts, LedgerFull> {
        let room = (u32::MAX - self.accounts.count()) as usize;
        if events.len() > room {
            return Err(LedgerFull::Accounts);
        }
        let first_timestamp = self.take_timestamps(events.len(), clock)?;
        Ok(AccountsBatch::new(self, first_timestamp).run(events))
    }

    /// Creates transfers, one after the other, in a batch that arrives at `clock` (nanoseconds since 1970).
    ///
    /// `past` says what the ledger does not hold in memory of the ids in [`Ledger::asks`]. Pending transfers must
    /// have been expired at `clock` before ([`Ledger::expire`]).
    pub fn create_transfers(
        &mut self,
        events: &[Transfer],
        clock: u64,
        past: &Past,
    ) -> Result<CreatedTransfers, LedgerFull> {
        let mut created = CreatedTransfers::default();
        self.create_transfers_into(events, clock, past, &mut created)?;
        Ok(created)
    }

    /// As [`Ledger::create_transfers`], into what was used for the batch before: its memory is used again.
    pub fn create_transfers_into(
        &mut self,
        events: &[Transfer],
        clock: u64,
        past: &Past,
        created: &mut CreatedTransfers,
    ) -> Result<(), LedgerFull> {
        let first_timestamp = self.take_timestamps(events.len(), clock)?;
        TransfersBatch::new(self, past, first_timestamp, created).run(events);
        Ok(())
    }

    /// Voids the first pending transfer whose timeout has passed at `clock`, if there is one.
    pub fn expire_one(&mut self, clock: u64) -> Option<ClosedPending> {
        let id = self.pending.first_expired(clock)?;
        Some(self.apply_expired(id))
    }

    /// The ids that deciding a batch of transfers asks the past about.
    pub fn asks<'a>(&'a self, events: &'a [Transfer]) -> impl Iterator<Item = u128> + 'a {
        events.iter().flat_map(|event| {
            let resolves = event.flags.intersects(TransferFlags::RESOLVING);
            let pending = (resolves && self.pending.get(event.pending_id).is_none()).then_some(event.pending_id);
            std::iter::once(event.id).chain(pending)
        })
    }

    /// Whether an account may be created at `clock`, and if so, as what it would be recorded. Changes nothing.
    pub fn check_account(&self, event: &Account, clock: u64) -> Result<Account, CreateAccountStatus> {
        rules::account_form(event)?;
        if let Some(existing) = self.account(event.id) {
            return Err(rules::existing_account(event, &existing));
        }
        rules::new_account(event)?;
        Ok(Account { timestamp: self.next_timestamp(clock), ..*event })
    }

    /// Whether a transfer with a new id breaks no rule at `clock`, and if so, as what it would be recorded. Changes
    /// nothing. A post or void is only found while its pending transfer is open.
    pub fn check(&self, event: &Transfer, clock: u64) -> Result<Transfer, CreateTransferStatus> {
        self.allowed(event, clock).map(|allowed| allowed.transfer)
    }

    /// Creates a transfer that [`Ledger::check`] allows, for whoever decides one at a time and knows its id to be new.
    /// What it leaves behind besides balances is added to `effects`.
    pub fn create_transfer(
        &mut self,
        event: &Transfer,
        clock: u64,
        effects: &mut Effects,
    ) -> Result<Transfer, CreateTransferStatus> {
        let allowed = self.allowed(event, clock)?;
        self.passed(allowed.transfer.timestamp);
        self.effect(&allowed, effects);
        Ok(allowed.transfer)
    }

    fn allowed(&self, event: &Transfer, clock: u64) -> Result<Allowed, CreateTransferStatus> {
        rules::transfer_form(event)?;
        let timestamp = self.next_timestamp(clock);
        let accounts = (self.accounts.number(event.debit_account_id), self.accounts.number(event.credit_account_id));
        rules::new_transfer(&self.standing(), event, accounts, timestamp)
    }

    /// The timestamp of a single event at `clock`: higher than any before, as long as there are higher ones.
    fn next_timestamp(&self, clock: u64) -> u64 {
        clock.max(self.last_timestamp.saturating_add(1)).min(TIMESTAMP_MAX)
    }

    /// The timestamps of a batch of `count` events: each higher than any before, none lower than the clock.
    fn take_timestamps(&mut self, count: usize, clock: u64) -> Result<u64, LedgerFull> {
        let first = clock.max(self.last_timestamp.saturating_add(1));
        let last = first.checked_add(count as u64).filter(|after| *after <= TIMESTAMP_MAX + 1);
        let after = last.ok_or(LedgerFull::Timestamps)?;
        if count > 0 {
            self.last_timestamp = after - 1;
        }
        Ok(first)
    }
}

/// Facts: what was decided before takes effect again. There are no rules here; a fact that cannot be means that memory
/// or history is damaged, and stops the process.
impl Ledger {
    /// An account that was created, with the balance that it carries.
    pub fn apply_account(&mut self, account: &Account) -> AccountNumber {
        assert!(self.accounts.number(account.id).is_none(), "account {:#x} created twice", account.id);
        self.passed(account.timestamp);
        self.accounts.push(account)
    }

    /// A transfer that was created. What it leaves behind besides balances is added to `effects`.
    pub fn apply_transfer(&mut self, transfer: &Transfer, effects: &mut Effects) {
        let number = |id| match self.accounts.number(id) {
            Some(number) => number,
            None => panic!("transfer {:#x} moves account {id:#x}, which does not exist", transfer.id),
        };
        let (debit, credit) = (number(transfer.debit_account_id), number(transfer.credit_account_id));
        self.passed(transfer.timestamp);
        self.effect(&Allowed { transfer: *transfer, debit, credit }, effects);
    }

    /// A pending transfer that its timeout voided.
    pub fn apply_expired(&mut self, id: u128) -> ClosedPending {
        let Some(pending) = self.pending.close(id) else {
            panic!("pending transfer {id:#x} expired, but it is not open");
        };
        self.release(&pending, Resolution::Expired, 0);
        ClosedPending { id, timestamp: pending.timestamp, how: Resolution::Expired }
    }

    /// A pending transfer that was open when it was stored; its amount is in the stored balances already.
    pub fn restore_pending(&mut self, transfer: &Transfer) {
        self.pending.open(transfer);
    }

    /// A ledger of the accounts in a table, which all have different ids.
    pub fn load(accounts: AccountTable) -> Self {
        let last_timestamp = accounts.last_timestamp();
        Self { accounts: Accounts::load(accounts), pending: Pending::default(), last_timestamp }
    }

    /// The balance and flags that an account had when they were stored.
    pub fn restore_account(&mut self, state: &AccountState) {
        let hot = self.accounts.hot_mut(state.number);
        hot.balance = state.balance;
        hot.flags = state.flags;
    }

    /// Time went on to at least `timestamp`: nothing gets a lower one.
    pub fn passed(&mut self, timestamp: u64) {
        self.last_timestamp = self.last_timestamp.max(timestamp);
    }

    /// What an allowed transfer changes.
    pub(crate) fn effect(&mut self, allowed: &Allowed, effects: &mut Effects) {
        let Allowed { transfer, debit, credit } = *allowed;
        if transfer.flags.intersects(TransferFlags::RESOLVING) {
            effects.closed.push(self.resolve(&transfer));
        } else {
            self.move_amount(&transfer, debit, credit);
        }
        self.remember_balances(debit, credit, transfer.timestamp, &mut effects.history);
    }

    /// A post or void.
    fn resolve(&mut self, transfer: &Transfer) -> ClosedPending {
        let Some(pending) = self.pending.close(transfer.pending_id) else {
            panic!("transfer {:#x} resolves {:#x}, which is not open", transfer.id, transfer.pending_id);
        };
        let (how, amount) = match transfer.flags.contains(TransferFlags::POST_PENDING_TRANSFER) {
            true => (Resolution::Posted, transfer.amount),
            false => (Resolution::Voided, 0),
        };
        self.release(&pending, how, amount);
        ClosedPending { id: pending.id, timestamp: pending.timestamp, how }
    }

    /// A transfer of its own: posted, or reserved if it is pending.
    fn move_amount(&mut self, transfer: &Transfer, debit: AccountNumber, credit: AccountNumber) {
        let is_pending = transfer.flags.contains(TransferFlags::PENDING);
        let account = self.accounts.hot_mut(debit);
        let sum = if is_pending { &mut account.balance.debits_pending } else { &mut account.balance.debits_posted };
        *sum = sum.checked_add(transfer.amount).expect("the rules refuse what overflows");
        account.flags.set(
            AccountFlags::CLOSED,
            account.flags.contains(AccountFlags::CLOSED) || transfer.flags.contains(TransferFlags::CLOSING_DEBIT),
        );
        let account = self.accounts.hot_mut(credit);
        let sum = if is_pending { &mut account.balance.credits_pending } else { &mut account.balance.credits_posted };
        *sum = sum.checked_add(transfer.amount).expect("the rules refuse what overflows");
        account.flags.set(
            AccountFlags::CLOSED,
            account.flags.contains(AccountFlags::CLOSED) || transfer.flags.contains(TransferFlags::CLOSING_CREDIT),
        );
        if is_pending {
            self.pending.open(transfer);
        }
    }

    /// Takes a pending transfer's reservation off both accounts, and posts `amount` of it.
    fn release(&mut self, pending: &Transfer, how: Resolution, amount: u64) {
        let reopens = |closing| how != Resolution::Posted && pending.flags.contains(closing);
        for (id, is_debit) in [(pending.debit_account_id, true), (pending.credit_account_id, false)] {
            let number = self.accounts.number(id).expect("a pending transfer's accounts exist");
            let account = self.accounts.hot_mut(number);
            let balance = &mut account.balance;
            let (reserved, posted, closing) = match is_debit {
                true => (&mut balance.debits_pending, &mut balance.debits_posted, TransferFlags::CLOSING_DEBIT),
                false => (&mut balance.credits_pending, &mut balance.credits_posted, TransferFlags::CLOSING_CREDIT),
            };
            *reserved = reserved.checked_sub(pending.amount).expect("what is pending was reserved");
            *posted = posted.checked_add(amount).expect("posted and pending together never overflow");
            if reopens(closing) {
                account.flags.remove(AccountFlags::CLOSED);
            }
        }
    }

    /// The balances of both accounts after a transfer, for those that keep their history.
    fn remember_balances(
        &self,
        debit: AccountNumber,
        credit: AccountNumber,
        timestamp: u64,
        history: &mut Vec<(AccountNumber, AccountBalance)>,
    ) {
        for number in [debit, credit] {
            let hot = self.accounts.hot(number);
            if hot.flags.contains(AccountFlags::HISTORY) {
                history.push((number, AccountBalance { balance: hot.balance, timestamp }));
            }
        }
    }
}

/// Looking at it.
impl Ledger {
    /// An account with its balance.
    pub fn account(&self, id: u128) -> Option<Account> {
        self.accounts.number(id).and_then(|number| self.accounts.get(number))
    }

    /// How many accounts were created before this one.
    pub fn account_number(&self, id: u128) -> Option<AccountNumber> {
        self.accounts.number(id)
    }

    /// The account that so many were created before.
    pub fn account_at(&self, number: AccountNumber) -> Option<Account> {
        self.accounts.get(number)
    }

    /// How many accounts there are.
    pub fn account_count(&self) -> u32 {
        self.accounts.count()
    }

    /// Every account with its balance, in order of creation.
    pub fn accounts(&self) -> impl Iterator<Item = Account> {
        self.accounts.iter()
    }

    /// The open pending transfer with this id.
    pub fn pending(&self, id: u128) -> Option<&Transfer> {
        self.pending.get(id)
    }

    /// Every open pending transfer, in no particular order.
    pub fn open_pending(&self) -> impl Iterator<Item = &Transfer> {
        self.pending.iter()
    }

    /// How many pending transfers are open.
    pub fn open_pending_count(&self) -> usize {
        self.pending.count()
    }

    /// The last timestamp that was given out, or the time that passed since.
    pub fn last_timestamp(&self) -> u64 {
        self.last_timestamp
    }

    /// The accounts whose state changed since the last call, as they are now, in order of their numbers.
    pub fn take_changed(&mut self) -> Vec<AccountState> {
        let numbers = self.accounts.take_changed();
        numbers.into_iter().map(|number| self.account_state(number)).collect()
    }

    fn account_state(&self, number: AccountNumber) -> AccountState {
        let hot = self.accounts.hot(number);
        AccountState { number, flags: hot.flags, balance: hot.balance }
    }

    /// The sums over all accounts of each ledger number: debits equal credits in a ledger that is sound.
    pub fn totals(&self) -> std::collections::BTreeMap<u32, Totals> {
        Totals::of(self.accounts())
    }
}
