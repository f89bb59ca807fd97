//! The thread that writes stretches of the journal to the tables, one after the other.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use journal::Anchor;
use ledger::{Account, AccountState, Resolution, Transfer, TransferFlags};
use runs::{Entry, Filter, Run, RunWriter, Tree, sort_entries};

use crate::catalog::{ACCOUNTS, Catalog, NewRun, Snapshot, TRANSFERS, Trees};
use crate::entries::{BalanceEntry, CLOSED, FAILED, Field, GROUP, HistoryEntry, IdEntry, IndexEntry, OpenEntry};
use crate::error::TablesError;
use crate::recent::Recent;
use crate::row_files::RowFiles;

/// How long to wait before a full disk is tried again.
const RETRY: Duration = Duration::from_millis(200);

/// Facts that are to be written, and the state after them.
#[derive(Debug)]
pub(crate) struct Stretch {
    pub(crate) recent: Arc<Recent>,
    /// The accounts that changed in it.
    pub(crate) changed: Vec<AccountState>,
    pub(crate) clock: u64,
}

/// How the tables are doing.
#[derive(Debug, Default)]
pub(crate) struct Health {
    /// Why the tables cannot be written at the moment.
    failing: Mutex<Option<TablesError>>,
    closing: Mutex<bool>,
    closes: Condvar,
    /// Nothing is written any more.
    ended: AtomicBool,
}

impl Health {
    /// Why the tables cannot be written at the moment.
    pub(crate) fn failure(&self) -> Option<TablesError> {
        self.failing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// From here on what cannot be written is left: it is in the journal.
    pub(crate) fn close(&self) {
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.closes.notify_all();
    }

    pub(crate) fn is_closing(&self) -> bool {
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a while, but not longer than until the books are closed.
    fn pause(&self, time: Duration) {
        let closing = self.closing.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.closes.wait_timeout_while(closing, time, |closing| !*closing));
    }

    /// Whether nothing is written any more: what waits for it would wait for ever.
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    fn set(&self, failure: Option<TablesError>) {
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }
}

/// Runs until there are no more stretches. A stretch that cannot be written because the disk is full is tried again
/// until there is room; after any other failure the tables stay as they are, and the journal holds what they lack.
pub(crate) fn run(catalog: &Catalog, stretches: Receiver<(Box<Stretch>, Anchor)>, health: &Health) {
    let _goodbye = Goodbye { catalog, health };
    let mut writer = TablesWriter::new(catalog);
    while let Ok((stretch, anchor)) = stretches.recv() {
        while let Err(error) = writer.write(&stretch, anchor) {
            let can_pass = error.is_full();
            tracing::error!(%error, "the ledger's tables could not be written; what was acknowledged is in its journal");
            health.set(Some(error));
            catalog.wake();
            if !can_pass || health.is_closing() {
                return;
            }
            health.pause(RETRY);
            health.set(None);
            // Handles and half-written files are of no use any more.
            writer = TablesWriter::new(catalog);
        }
    }
}

/// However the thread ends, nobody waits for it in vain.
struct Goodbye<'a> {
    catalog: &'a Catalog,
    health: &'a Health,
}

impl Drop for Goodbye<'_> {
    fn drop(&mut self) {
        self.health.ended.store(true, Ordering::Release);
        self.catalog.wake();
    }
}

/// The new runs of a stretch.
struct NewRuns {
    ids: Option<Arc<Run<IdEntry>>>,
    index: Option<Arc<Run<IndexEntry>>>,
    balances: Option<Arc<Run<BalanceEntry>>>,
    open: Option<Arc<Run<OpenEntry>>>,
    history: Option<Arc<Run<HistoryEntry>>>,
}

/// Writes stretches to the tables, one after the other.
pub(crate) struct TablesWriter<'a> {
    catalog: &'a Catalog,
    transfers: RowFiles<Transfer>,
    accounts: RowFiles<Account>,
    /// Kept for their memory: fresh memory costs more than what is done with it.
    ids: Vec<IdEntry>,
    index: Vec<IndexEntry>,
    field: Vec<IndexEntry>,
}

impl<'a> TablesWriter<'a> {
    pub(crate) fn new(catalog: &'a Catalog) -> Self {
        let (disk, folder) = (&catalog.disk, &catalog.folder);
        Self {
            catalog,
            transfers: RowFiles::new(Arc::clone(disk), folder.clone(), TRANSFERS),
            accounts: RowFiles::new(Arc::clone(disk), folder.clone(), ACCOUNTS),
            ids: Vec::new(),
            index: Vec::new(),
            field: Vec::new(),
        }
    }

    /// Writes one stretch, which ends with the frame `anchor`. Either all of it is in the tables afterwards, or none.
    pub(crate) fn write(&mut self, stretch: &Stretch, anchor: Anchor) -> Result<(), TablesError> {
        let recent = &stretch.recent;
        self.transfers.write(recent.first_transfer, &recent.transfers)?;
        self.accounts.write(u64::from(recent.first_account), &recent.accounts)?;
        id_entries(recent, &mut self.ids);
        IndexEntries { entries: &mut self.index, field: &mut self.field }.collect(recent);
        let mut new = Vec::new();
        let runs = NewRuns {
            ids: self.run(&self.ids, id_filter(recent, self.ids.len()), &mut new)?,
            index: self.run(&self.index, Filter::None, &mut new)?,
            balances: self.run(&balance_entries(stretch), Filter::None, &mut new)?,
            open: self.run(&open_entries(recent), Filter::None, &mut new)?,
            history: self.run(&history_entries(recent), Filter::None, &mut new)?,
        };
        self.catalog.change(new, |snapshot| snapshot.add(stretch, anchor, runs))
    }

    fn run<E: Entry>(
        &self,
        entries: &[E],
        filter: Filter,
        new: &mut Vec<NewRun<'a>>,
    ) -> Result<Option<Arc<Run<E>>>, TablesError> {
        if entries.is_empty() {
            return Ok(None);
        }
        let run = self.catalog.new_run();
        let (id, path) = (run.id, run.path.clone());
        new.push(run);
        let mut writer = RunWriter::create(&*self.catalog.disk, &path, id, filter)?;
        writer.extend(entries)?;
        Ok(Some(Arc::new(writer.finish()?)))
    }
}

impl Snapshot {
    fn add(&mut self, stretch: &Stretch, anchor: Anchor, runs: NewRuns) {
        fn with<E: Entry>(tree: &mut Tree<E>, run: Option<Arc<Run<E>>>) {
            if let Some(run) = run {
                *tree = tree.with_new_run(run);
            }
        }
        let recent = &stretch.recent;
        let count = u32::try_from(recent.accounts.len()).expect("accounts are numbered with 32 bits");
        self.anchor = Some(anchor);
        self.transfers = recent.first_transfer + recent.transfers.len() as u64;
        self.accounts = recent.first_account + count;
        self.last_timestamp = self.last_timestamp.max(recent.last_timestamp());
        self.clock = stretch.clock;
        self.stretches += 1;
        let Trees { ids, index, balances, open, history } = &mut self.trees;
        with(ids, runs.ids);
        with(index, runs.index);
        with(balances, runs.balances);
        with(open, runs.open);
        with(history, runs.history);
    }
}

fn id_entries(recent: &Recent, entries: &mut Vec<IdEntry>) {
    let numbered = recent.transfers.iter().zip(recent.first_transfer..);
    entries.clear();
    entries.extend(numbered.map(|(transfer, number)| IdEntry { id: transfer.id, number }));
    entries.extend(recent.failed.iter().map(|id| IdEntry { id: *id, number: FAILED }));
    sort_entries(entries);
}

/// Ids in the order of time need no filter: a run's first and last one say which run a given id can be in.
fn id_filter(recent: &Recent, ids: usize) -> Filter {
    if recent.has_ascending_ids() { Filter::None } else { Filter::ForKeys(ids) }
}

/// The entries of all fields, field by field: they are sorted one field at a time, which is faster than all at once.
struct IndexEntries<'a> {
    entries: &'a mut Vec<IndexEntry>,
    field: &'a mut Vec<IndexEntry>,
}

impl IndexEntries<'_> {
    fn collect(mut self, recent: &Recent) {
        self.entries.clear();
        let transfers = || recent.transfers.iter().zip(recent.first_transfer..);
        let mut transfer_field = |field: Field, value: fn(&Transfer) -> u128| {
            self.add(field, transfers().map(|(transfer, number)| (value(transfer), number)));
        };
        transfer_field(Field::TransferDebitAccount, |transfer| transfer.debit_account_id);
        transfer_field(Field::TransferCreditAccount, |transfer| transfer.credit_account_id);
        transfer_field(Field::TransferUserData128, |transfer| transfer.user_data_128);
        transfer_field(Field::TransferUserData64, |transfer| transfer.user_data_64.into());
        transfer_field(Field::TransferUserData32, |transfer| transfer.user_data_32.into());
        transfer_field(Field::TransferLedger, |transfer| transfer.ledger.into());
        transfer_field(Field::TransferCode, |transfer| transfer.code.into());
        transfer_field(Field::TransferPendingId, |transfer| transfer.pending_id);
        let expired = recent.effects.closed.iter().filter(|closed| closed.how == Resolution::Expired);
        self.add(Field::Expired, expired.map(|closed| (closed.id, closed.timestamp)));
        let accounts = || recent.accounts.iter().zip(u64::from(recent.first_account)..);
        let mut account_field = |field: Field, value: fn(&Account) -> u128| {
            self.add(field, accounts().map(|(account, number)| (value(account), number)));
        };
        account_field(Field::AccountUserData128, |account| account.user_data_128);
        account_field(Field::AccountUserData64, |account| account.user_data_64.into());
        account_field(Field::AccountUserData32, |account| account.user_data_32.into());
        account_field(Field::AccountLedger, |account| account.ledger.into());
        account_field(Field::AccountCode, |account| account.code.into());
    }

    /// Adds one field's entries, sorted. 0 means "no value" and is not indexed.
    fn add(&mut self, field: Field, values: impl Iterator<Item = (u128, u64)>) {
        self.field.clear();
        let (mut last_value, mut last_key) = (0, 0);
        for (value, number) in values.filter(|(value, _)| *value != 0) {
            // Values repeat, and hashing them is most of the work.
            if last_value != value {
                (last_value, last_key) = (value, field.key(value));
            }
            let number = if field.is_grouped() { number / GROUP } else { number };
            self.field.push(IndexEntry { key: last_key, number });
        }
        if field.is_grouped() {
            self.field.dedup();
        }
        sort_entries(self.field);
        self.field.dedup();
        self.entries.extend_from_slice(self.field);
    }
}

fn balance_entries(stretch: &Stretch) -> Vec<BalanceEntry> {
    stretch.changed.iter().map(|state| BalanceEntry(*state)).collect()
}

/// The pending transfers that were opened in a stretch and are still open after it, and those from before that were
/// closed in it.
fn open_entries(recent: &Recent) -> Vec<OpenEntry> {
    let opened = recent.transfers.iter().zip(recent.first_transfer..);
    let opened = opened.filter(|(transfer, _)| transfer.flags.contains(TransferFlags::PENDING));
    let mut entries: std::collections::BTreeMap<u64, u64> =
        opened.map(|(transfer, number)| (transfer.timestamp, number)).collect();
    for closed in &recent.effects.closed {
        if entries.remove(&closed.timestamp).is_none() {
            entries.insert(closed.timestamp, CLOSED);
        }
    }
    entries.into_iter().map(|(timestamp, number)| OpenEntry { timestamp, number }).collect()
}

fn history_entries(recent: &Recent) -> Vec<HistoryEntry> {
    let history = recent.effects.history.iter();
    let mut entries: Vec<_> = history
        .map(|(account, after)| HistoryEntry { account: *account, timestamp: after.timestamp, balance: after.balance })
        .collect();
    sort_entries(&mut entries);
    entries
}
