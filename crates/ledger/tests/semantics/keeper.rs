//! The ledger with the simplest store there can be around it.

use std::collections::{BTreeMap, BTreeSet};

use ledger::{
    Account, AccountBalance, AccountState, ClosedPending, CreateAccountResult, CreateTransferResult, Effects, Ledger,
    Past, Remembered, Resolution, Transfer, TransferFlags,
};

/// A ledger, all that it ever said must be stored, and a copy of its accounts as a checkpoint would keep them.
#[derive(Default)]
pub(crate) struct Keeper {
    pub(crate) ledger: Ledger,
    pub(crate) transfers: BTreeMap<u128, Transfer>,
    pub(crate) failed: BTreeSet<u128>,
    pub(crate) resolutions: BTreeMap<u128, Resolution>,
    pub(crate) history: Vec<(u128, AccountBalance)>,
    checkpoint: Checkpoint,
    facts: Vec<Fact>,
}

/// What happened, as a journal would keep it.
#[derive(Clone, Copy)]
enum Fact {
    Account(Account),
    Transfer(Transfer),
    Expired(u128),
}

/// Accounts as they were created, and what changed of them since.
#[derive(Default)]
struct Checkpoint {
    accounts: Vec<Account>,
    states: BTreeMap<u32, AccountState>,
}

impl Keeper {
    pub(crate) fn create_accounts(&mut self, events: &[Account], clock: u64) -> Vec<CreateAccountResult> {
        let created = self.ledger.create_accounts(events, clock).expect("there is room");
        self.checkpoint.accounts.extend(&created.accounts);
        self.facts.extend(created.accounts.into_iter().map(Fact::Account));
        created.results
    }

    pub(crate) fn create_transfers(&mut self, events: &[Transfer], clock: u64) -> Vec<CreateTransferResult> {
        let past = self.past(events);
        let created = self.ledger.create_transfers(events, clock, &past).expect("there is room");
        for transfer in created.transfers {
            let before = self.transfers.insert(transfer.id, transfer);
            assert_eq!(before, None, "a transfer is created once");
            self.facts.push(Fact::Transfer(transfer));
        }
        for id in created.failed {
            assert!(self.failed.insert(id), "an id fails for the first time once");
        }
        self.keep(created.effects);
        created.results
    }

    /// Expires what has expired at `clock`; the ids, in order.
    pub(crate) fn expire(&mut self, clock: u64) -> Vec<u128> {
        let mut ids = Vec::new();
        while let Some(closed) = self.ledger.expire_one(clock) {
            assert_eq!(closed.how, Resolution::Expired);
            self.facts.push(Fact::Expired(closed.id));
            self.close(closed);
            ids.push(closed.id);
        }
        ids
    }

    /// What is known of the ids that the batch asks about.
    pub(crate) fn past(&self, events: &[Transfer]) -> Past {
        let mut past = Past::new();
        for id in self.ledger.asks(events) {
            self.tell(id, &mut past);
            if let Some(found) =
                self.transfers.get(&id).filter(|found| found.flags.intersects(TransferFlags::RESOLVING))
            {
                self.tell(found.pending_id, &mut past);
            }
        }
        past
    }

    fn tell(&self, id: u128, past: &mut Past) {
        if let Some(transfer) = self.transfers.get(&id) {
            past.remember(id, Remembered::Created(*transfer));
        } else if self.failed.contains(&id) {
            past.remember(id, Remembered::Failed);
        }
        if let Some(how) = self.resolutions.get(&id) {
            past.resolve(id, *how);
        }
    }

    fn keep(&mut self, effects: Effects) {
        for (number, balance) in effects.history {
            let account = self.ledger.account_at(number).expect("an account that moved");
            self.history.push((account.id, balance));
        }
        effects.closed.into_iter().for_each(|closed| self.close(closed));
    }

    fn close(&mut self, closed: ClosedPending) {
        assert_eq!(self.transfers[&closed.id].timestamp, closed.timestamp);
        let before = self.resolutions.insert(closed.id, closed.how);
        assert_eq!(before, None, "a pending transfer ends once");
    }

    /// A ledger made of nothing but what happened, and what that left behind besides balances.
    pub(crate) fn replayed(&self) -> (Ledger, Effects) {
        let (mut ledger, mut effects) = (Ledger::default(), Effects::default());
        for fact in &self.facts {
            match fact {
                Fact::Account(account) => {
                    ledger.apply_account(account);
                }
                Fact::Transfer(transfer) => ledger.apply_transfer(transfer, &mut effects),
                Fact::Expired(id) => effects.closed.push(ledger.apply_expired(*id)),
            }
        }
        ledger.passed(self.ledger.last_timestamp());
        (ledger, effects)
    }

    /// A ledger made of a checkpoint: accounts as they were created, what changed of them, and what is still open.
    pub(crate) fn restored(&mut self) -> Ledger {
        let changed = self.ledger.take_changed();
        self.checkpoint.states.extend(changed.into_iter().map(|state| (state.number, state)));
        let mut ledger = Ledger::default();
        for account in &self.checkpoint.accounts {
            ledger.apply_account(account);
        }
        self.checkpoint.states.values().for_each(|state| ledger.restore_account(state));
        let open = self.transfers.values().filter(|transfer| transfer.flags.contains(TransferFlags::PENDING));
        open.filter(|transfer| !self.resolutions.contains_key(&transfer.id))
            .for_each(|transfer| ledger.restore_pending(transfer));
        ledger.passed(self.ledger.last_timestamp());
        ledger
    }

    /// Every open pending transfer, by id.
    pub(crate) fn open_pending(&self) -> Vec<Transfer> {
        open_pending(&self.ledger)
    }
}

/// Every open pending transfer of a ledger, by id.
pub(crate) fn open_pending(ledger: &Ledger) -> Vec<Transfer> {
    let mut open: Vec<Transfer> = ledger.open_pending().copied().collect();
    assert_eq!(open.len(), ledger.open_pending_count());
    open.sort_by_key(|transfer| transfer.id);
    open
}
