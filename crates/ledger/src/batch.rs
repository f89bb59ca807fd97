//! One batch: its events one after the other, its linked chains all or nothing.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::account::Account;
use crate::accounts::{AccountNumber, Accounts, Hot};
use crate::ledger::{Effects, Ledger};
use crate::past::{Past, Remembered};
use crate::pending::Pending;
use crate::rules::{self, Allowed, Books, Refused};
use crate::status::{
    CreateAccountResult, CreateAccountStatus, CreateResult, CreateTransferResult, CreateTransferStatus,
};
use crate::transfer::{Resolution, Transfer, TransferFlags};
use crate::{AccountFlags, BATCH_MAX};

/// What a batch of accounts did.
#[derive(Debug, Default)]
pub struct CreatedAccounts {
    /// What became of each event, in order.
    pub results: Vec<CreateAccountResult>,
    /// The accounts that were created, in order.
    pub accounts: Vec<Account>,
}

/// What a batch of transfers did: all that must be stored of it.
#[derive(Debug, Default)]
pub struct CreatedTransfers {
    /// What became of each event, in order.
    pub results: Vec<CreateTransferResult>,
    /// The transfers that were created, in order.
    pub transfers: Vec<Transfer>,
    /// The ids that fail for ever from now on.
    pub failed: Vec<u128>,
    /// What the transfers left behind besides balances.
    pub effects: Effects,
}

impl CreatedTransfers {
    fn clear(&mut self) {
        self.results.clear();
        self.transfers.clear();
        self.failed.clear();
        self.effects.history.clear();
        self.effects.closed.clear();
    }
}

/// A linked chain that is being created.
#[derive(Debug, Clone, Copy)]
struct Chain {
    first: usize,
    is_broken: bool,
}

/// Where a chain stands before one of its events: chain statuses come before those of the event itself.
enum Link {
    Open,
    Failed,
    Free,
}

/// Follows the linked chains of a batch of `count` events.
struct Chains {
    count: usize,
    chain: Option<Chain>,
}

impl Chains {
    /// The chain that begins at this event, if one does.
    fn enter(&mut self, index: usize, linked: bool) -> (bool, Link) {
        let begins = linked && self.chain.is_none();
        if begins {
            self.chain = Some(Chain { first: index, is_broken: false });
        }
        let link = match self.chain {
            _ if linked && index + 1 == self.count => Link::Open,
            Some(Chain { is_broken: true, .. }) => Link::Failed,
            _ => Link::Free,
        };
        (begins, link)
    }

    /// The event failed: the chain that breaks by it, from its first event on.
    fn fail(&mut self) -> Option<usize> {
        let chain = self.chain.as_mut().filter(|chain| !chain.is_broken)?;
        chain.is_broken = true;
        Some(chain.first)
    }

    fn leave(&mut self, linked: bool, is_last: bool) {
        if !linked || is_last {
            self.chain = None;
        }
    }
}

/// The status of an event that contradicts what kind of batch the first event makes it.
fn imported_mismatch<S>(batch: bool, event: bool, expected: S, not_expected: S) -> Result<(), S> {
    match (batch, event) {
        (true, false) => Err(expected),
        (false, true) => Err(not_expected),
        _ => Ok(()),
    }
}

pub(crate) struct AccountsBatch<'a> {
    ledger: &'a mut Ledger,
    first_timestamp: u64,
    is_imported: bool,
    created: CreatedAccounts,
}

impl<'a> AccountsBatch<'a> {
    pub(crate) fn new(ledger: &'a mut Ledger, first_timestamp: u64) -> Self {
        Self { ledger, first_timestamp, is_imported: false, created: CreatedAccounts::default() }
    }

    pub(crate) fn run(mut self, events: &[Account]) -> CreatedAccounts {
        self.is_imported = events.first().is_some_and(|event| event.flags.contains(AccountFlags::IMPORTED));
        self.created.results.reserve(events.len());
        let mut chains = Chains { count: events.len(), chain: None };
        let mut created_before_chain = 0;
        for (index, event) in events.iter().enumerate() {
            let linked = event.flags.contains(AccountFlags::LINKED);
            let timestamp = self.first_timestamp + index as u64;
            let (begins, link) = chains.enter(index, linked);
            if begins {
                created_before_chain = self.created.accounts.len();
            }
            let outcome = match link {
                Link::Open => Err(CreateAccountStatus::LinkedEventChainOpen.into()),
                Link::Failed => Err(CreateAccountStatus::LinkedEventFailed.into()),
                Link::Free => self.create(event, timestamp),
            };
            let refused = outcome.err();
            if refused.is_some()
                && let Some(first) = chains.fail()
            {
                self.undo(first, created_before_chain);
            }
            self.created.results.push(result(CreateAccountStatus::Created, refused, timestamp));
            chains.leave(linked, index + 1 == events.len());
        }
        self.created
    }

    fn create(&mut self, event: &Account, timestamp: u64) -> Result<(), Refused<CreateAccountStatus>> {
        use CreateAccountStatus::*;
        let is_imported = event.flags.contains(AccountFlags::IMPORTED);
        imported_mismatch(self.is_imported, is_imported, ImportedEventExpected, ImportedEventNotExpected)?;
        rules::account_form(event)?;
        if let Some(existing) = self.ledger.account(event.id) {
            let status = rules::existing_account(event, &existing);
            return Err(Refused { status, existing: (status == Exists).then_some(existing.timestamp) });
        }
        rules::new_account(event)?;
        let account = Account { timestamp, ..*event };
        self.ledger.accounts.push(&account);
        self.created.accounts.push(account);
        Ok(())
    }

    fn undo(&mut self, first: usize, created_before: usize) {
        for _ in self.created.accounts.drain(created_before..) {
            self.ledger.accounts.pop();
        }
        for result in &mut self.created.results[first..] {
            result.status = CreateAccountStatus::LinkedEventFailed;
        }
    }
}

pub(crate) struct TransfersBatch<'a> {
    ledger: &'a mut Ledger,
    past: &'a Past,
    first_timestamp: u64,
    is_imported: bool,
    ids: Ids,
    /// Pending transfers that this batch resolved.
    resolved: HashMap<u128, (Transfer, Resolution), RandomState>,
    created: &'a mut CreatedTransfers,
    /// What the chain that is being created changed, to take it back.
    undo: Vec<Undo>,
}

/// The ids of the transfers that this batch created or failed.
enum Ids {
    /// Each event's id is higher than the one before: none comes twice, and the created ones are in order.
    Ascending,
    /// Any order.
    Any(HashMap<u128, Known, RandomState>),
}

/// What became of an id in this batch.
#[derive(Clone, Copy)]
enum Known {
    Created { index: usize },
    Failed,
}

/// What one transfer of a chain changed.
struct Undo {
    id: u128,
    debit: (AccountNumber, Hot),
    credit: (AccountNumber, Hot),
    /// The pending transfer that it resolved, to be opened again.
    resolved: Option<Transfer>,
    /// How many balances and closed transfers were remembered before.
    history: usize,
    closed: usize,
}

/// What the rules read, in the middle of a batch.
struct Standing<'a> {
    accounts: &'a Accounts,
    pending: &'a Pending,
    in_batch: Option<InBatch<'a>>,
}

struct InBatch<'a> {
    past: &'a Past,
    ids: &'a Ids,
    transfers: &'a [Transfer],
    resolved: &'a HashMap<u128, (Transfer, Resolution), RandomState>,
}

impl Ledger {
    /// What the rules read outside a batch.
    pub(crate) fn standing(&self) -> impl Books {
        Standing { accounts: &self.accounts, pending: &self.pending, in_batch: None }
    }
}

impl Books for Standing<'_> {
    fn number(&self, id: u128) -> Option<AccountNumber> {
        self.accounts.number(id)
    }

    fn hot(&self, number: AccountNumber) -> &Hot {
        self.accounts.hot(number)
    }

    fn find(&self, id: u128) -> Option<Remembered> {
        let in_batch = || {
            let batch = self.in_batch.as_ref()?;
            let created = match batch.ids {
                Ids::Ascending => batch.transfers.binary_search_by_key(&id, |transfer| transfer.id).ok(),
                Ids::Any(known) => match known.get(&id)? {
                    Known::Created { index } => Some(*index),
                    Known::Failed => return Some(Remembered::Failed),
                },
            };
            created.map(|index| Remembered::Created(batch.transfers[index]))
        };
        let open = self.pending.get(id).map(|transfer| Remembered::Created(*transfer));
        open.or_else(in_batch).or_else(|| {
            let batch = self.in_batch.as_ref()?;
            let resolved = batch.resolved.get(&id).map(|(transfer, _)| Remembered::Created(*transfer));
            resolved.or_else(|| batch.past.find(id))
        })
    }

    fn resolution(&self, pending: &Transfer) -> Option<Resolution> {
        if self.pending.get(pending.id).is_some() {
            return None;
        }
        let batch = self.in_batch.as_ref()?;
        let in_batch = batch.resolved.get(&pending.id).map(|(_, how)| *how);
        in_batch.or_else(|| batch.past.resolution(pending.id))
    }
}

impl<'a> TransfersBatch<'a> {
    pub(crate) fn new(
        ledger: &'a mut Ledger,
        past: &'a Past,
        first_timestamp: u64,
        created: &'a mut CreatedTransfers,
    ) -> Self {
        created.clear();
        Self {
            ledger,
            past,
            first_timestamp,
            is_imported: false,
            ids: Ids::Ascending,
            resolved: HashMap::default(),
            created,
            undo: Vec::new(),
        }
    }

    pub(crate) fn run(mut self, events: &[Transfer]) {
        self.is_imported = events.first().is_some_and(|event| event.flags.contains(TransferFlags::IMPORTED));
        if !events.is_sorted_by(|a, b| a.id < b.id) {
            self.ids = Ids::Any(HashMap::with_capacity_and_hasher(events.len(), RandomState::default()));
        }
        self.created.results.reserve(events.len());
        self.created.transfers.reserve(events.len());
        let mut chains = Chains { count: events.len(), chain: None };
        let mut numbers = Vec::with_capacity(PREFETCH);
        for (group, some) in events.chunks(PREFETCH).enumerate() {
            self.ledger.accounts.numbers_of(some, &mut numbers);
            for (place, (event, [debit, credit])) in some.iter().zip(&numbers).enumerate() {
                self.event(group * PREFETCH + place, event, (*debit, *credit), &mut chains);
            }
        }
    }

    fn event(
        &mut self,
        index: usize,
        event: &Transfer,
        accounts: (Option<AccountNumber>, Option<AccountNumber>),
        chains: &mut Chains,
    ) {
        let linked = event.flags.contains(TransferFlags::LINKED);
        let timestamp = self.first_timestamp + index as u64;
        let (begins, link) = chains.enter(index, linked);
        if begins {
            self.undo.clear();
        }
        let in_chain = chains.chain.is_some();
        let outcome = match link {
            Link::Open => Err(CreateTransferStatus::LinkedEventChainOpen.into()),
            Link::Failed => Err(CreateTransferStatus::LinkedEventFailed.into()),
            Link::Free => self.create(event, accounts, timestamp, in_chain),
        };
        let refused = outcome.err();
        if let Some(refused) = refused {
            if let Some(first) = chains.fail() {
                self.undo(first);
            }
            if refused.status.transient() {
                self.fail_for_ever(event.id);
            }
        }
        self.created.results.push(result(CreateTransferStatus::Created, refused, timestamp));
        chains.leave(linked, index + 1 == chains.count);
    }

    fn create(
        &mut self,
        event: &Transfer,
        accounts: (Option<AccountNumber>, Option<AccountNumber>),
        timestamp: u64,
        in_chain: bool,
    ) -> Result<(), Refused<CreateTransferStatus>> {
        use CreateTransferStatus::*;
        let is_imported = event.flags.contains(TransferFlags::IMPORTED);
        imported_mismatch(self.is_imported, is_imported, ImportedEventExpected, ImportedEventNotExpected)?;
        rules::transfer_form(event)?;
        let standing = Standing {
            accounts: &self.ledger.accounts,
            pending: &self.ledger.pending,
            in_batch: Some(InBatch {
                past: self.past,
                ids: &self.ids,
                transfers: &self.created.transfers,
                resolved: &self.resolved,
            }),
        };
        match self.find_own(&standing, event.id) {
            Some(Remembered::Created(existing)) => {
                let status = rules::existing_transfer(event, &existing, |id| standing.find(id));
                return Err(Refused { status, existing: (status == Exists).then_some(existing.timestamp) });
            }
            Some(Remembered::Failed) => return Err(IdAlreadyFailed.into()),
            None => {}
        }
        let allowed = rules::new_transfer(&standing, event, accounts, timestamp)?;
        self.record(&allowed, in_chain);
        Ok(())
    }

    /// What became of an event's own id. In a batch of ascending ids no other event can have used it.
    fn find_own(&self, standing: &Standing<'_>, id: u128) -> Option<Remembered> {
        match self.ids {
            Ids::Ascending => self.past.find(id),
            Ids::Any(_) => standing.find(id),
        }
    }

    fn record(&mut self, allowed: &Allowed, in_chain: bool) {
        let Allowed { transfer, debit, credit } = *allowed;
        let resolves = transfer.flags.intersects(TransferFlags::RESOLVING);
        let resolved = if resolves { self.ledger.pending.get(transfer.pending_id).copied() } else { None };
        if in_chain {
            let hot = |number| (number, *self.ledger.accounts.hot(number));
            let (history, closed) = (self.created.effects.history.len(), self.created.effects.closed.len());
            self.undo.push(Undo { id: transfer.id, debit: hot(debit), credit: hot(credit), resolved, history, closed });
        }
        if let Some(pending) = resolved {
            let is_post = transfer.flags.contains(TransferFlags::POST_PENDING_TRANSFER);
            let how = if is_post { Resolution::Posted } else { Resolution::Voided };
            self.resolved.insert(pending.id, (pending, how));
        }
        self.ledger.effect(allowed, &mut self.created.effects);
        if let Ids::Any(known) = &mut self.ids {
            known.insert(transfer.id, Known::Created { index: self.created.transfers.len() });
        }
        self.created.transfers.push(transfer);
    }

    /// Takes back what the chain did, the last first.
    fn undo(&mut self, first: usize) {
        for undo in std::mem::take(&mut self.undo).into_iter().rev() {
            self.created.transfers.pop();
            self.created.effects.history.truncate(undo.history);
            self.created.effects.closed.truncate(undo.closed);
            self.ledger.pending.close(undo.id);
            if let Ids::Any(known) = &mut self.ids {
                known.remove(&undo.id);
            }
            if let Some(pending) = undo.resolved {
                self.resolved.remove(&pending.id);
                self.ledger.pending.open(&pending);
            }
            *self.ledger.accounts.hot_mut(undo.debit.0) = undo.debit.1;
            *self.ledger.accounts.hot_mut(undo.credit.0) = undo.credit.1;
        }
        for result in &mut self.created.results[first..] {
            result.status = CreateTransferStatus::LinkedEventFailed;
        }
    }

    fn fail_for_ever(&mut self, id: u128) {
        if let Ids::Any(known) = &mut self.ids {
            known.insert(id, Known::Failed);
        }
        self.created.failed.push(id);
    }
}

/// Events whose accounts are looked up together: their cache lines fit the processor's second cache many times over.
const PREFETCH: usize = 512;
const _: () = assert!(PREFETCH < BATCH_MAX);

fn result<S>(created: S, refused: Option<Refused<S>>, timestamp: u64) -> CreateResult<S> {
    match refused {
        None => CreateResult { status: created, timestamp },
        Some(refused) => CreateResult { status: refused.status, timestamp: refused.existing.unwrap_or(timestamp) },
    }
}
