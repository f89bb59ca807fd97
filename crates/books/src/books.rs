//! The books: decide in memory, make durable, answer.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::{Disk, Journal, JournalError, JournalId, MAX_PAYLOAD_BYTES, OsDisk, WriterOptions};
use ledger::{
    Account, AccountBalance, AccountFilter, BATCH_MAX, CreateAccountResult, CreateAccountStatus, CreateTransferResult,
    CreateTransferStatus, CreatedTransfers, Ledger, Past, QueryFilter, Remembered, TIMESTAMP_MAX, Transfer,
    TransferFlags,
};

use crate::catalog::Snapshot;
use crate::checkpoint::Stretch;
use crate::committer::Job;
use crate::error::BooksError;
use crate::facts::FactsWriter;
use crate::merger;
use crate::query::{self, Reader, View};
use crate::recent::Recent;
use crate::recovery::{self, Recovered};
use crate::threads::Threads;

/// How the books are kept. The default is right for nearly everybody.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the files are; another disk than the operating system's is for tests.
    pub disk: Arc<dyn Disk>,
    /// The id of a journal that is created now: 16 random bytes; drawn from the operating system if it is missing.
    pub journal_id: Option<[u8; 16]>,
    /// The size of one file of the journal.
    pub segment_bytes: u64,
    /// After how many new rows a stretch of the journal is written to the tables. More need more memory, and more time
    /// to recover; fewer make the merging work harder.
    pub stretch_rows: usize,
    /// Whether a stretch is written to the tables, and merged, before anything else is done. That is slow, and asks the
    /// disk for the same in the same order each time: for tests that are to be repeated.
    pub in_step: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            disk: Arc::new(OsDisk),
            journal_id: None,
            segment_bytes: journal::DEFAULT_SEGMENT_BYTES,
            stretch_rows: 1 << 18,
            in_step: false,
        }
    }
}

/// Stretches that may wait for the tables. Then new work waits, so memory stays bounded.
pub(crate) const MAX_WAITING_STRETCHES: usize = 4;

/// No event takes more bytes in the journal, and the rest of a frame hardly ever.
const EVENT_BYTES: usize = 160;
const OTHER_BYTES: usize = 64 * 1024;

/// A batch that is decided and on its way to the disk. Its results are nobody's before [`Books::finish`].
#[derive(Debug)]
#[must_use = "the batch is durable, and may be told of, only when it is finished"]
pub struct Begun<R> {
    results: Vec<R>,
    /// How many frames must be durable, and since which opening they are counted.
    frames: u64,
    opening: usize,
}

/// A durable ledger: accounts and transfers that are never lost, and can be asked about for ever.
///
/// One user at a time; share it behind a lock or a queue.
pub struct Books {
    folder: PathBuf,
    options: Options,
    ledger: Ledger,
    clock: u64,
    /// No transfer id that was ever used is higher.
    highest_id: u128,
    /// What was decided since the last stretch ended.
    newest: Recent,
    /// The stretches that are on their way to the tables, the oldest first.
    waiting: Vec<Arc<Recent>>,
    /// Stretches that were handed to the tables since the books were opened, those included that opening itself wrote.
    stretches: u64,
    tables: Arc<Snapshot>,
    reader: Reader,
    /// Frames that were handed to the committer since the books were opened.
    frames: u64,
    threads: Threads,
    /// What became of the frames before each time that the books opened themselves again, because the disk was full.
    endings: Vec<Ending>,
    /// What the batch before was decided into, and what a stretch was held in: used again for their memory.
    created: CreatedTransfers,
    spare: Option<Vec<Transfer>>,
    /// The disk was full: before anything is decided, room is looked for.
    short_of_room: bool,
}

/// How the books ended before they opened themselves again.
#[derive(Debug)]
struct Ending {
    /// Frames that were durable.
    frames: u64,
    /// Why there were no more.
    error: BooksError,
}

impl Books {
    /// Opens the books in `folder`, and creates what is missing. What was acknowledged before is there.
    pub fn open(folder: &Path, options: Options) -> Result<Self, BooksError> {
        let recovered = recovery::recover(folder, &options)?;
        let Recovered { ledger, clock, highest_id, newest, unwritten, catalog, journal } = recovered;
        let tables = catalog.current();
        let reader = Reader::new(&catalog);
        let in_step = options.in_step;
        let waiting: Vec<_> = unwritten.iter().map(|(stretch, _)| Arc::clone(&stretch.recent)).collect();
        Ok(Self {
            folder: folder.to_owned(),
            options,
            ledger,
            clock,
            highest_id,
            newest,
            stretches: tables.stretches + waiting.len() as u64,
            waiting,
            tables,
            reader,
            frames: 0,
            threads: Threads::start(journal, catalog, unwritten, in_step),
            endings: Vec::new(),
            created: CreatedTransfers::default(),
            spare: None,
            short_of_room: false,
        })
    }

    /// Begins anew with what is on the disk, after a frame had no room: what is in memory is ahead of it.
    fn open_again(&mut self, error: JournalError) -> Result<(), BooksError> {
        self.threads.stop();
        let opened = Self::open(&self.folder, self.options.clone())?;
        let mut endings = std::mem::take(&mut self.endings);
        endings.push(Ending { frames: self.threads.progress.frames(), error: error.into() });
        *self = Self { endings, short_of_room: true, ..opened };
        Ok(())
    }

    /// Creates accounts. They are durable when this returns.
    pub fn create_accounts(&mut self, events: &[Account]) -> Result<Vec<CreateAccountResult>, BooksError> {
        let begun = self.begin_accounts(events)?;
        self.finish(begun)
    }

    /// Creates transfers. They are durable when this returns.
    pub fn create_transfers(&mut self, events: &[Transfer]) -> Result<Vec<CreateTransferResult>, BooksError> {
        let begun = self.begin_transfers(events)?;
        self.finish(begun)
    }

    /// Decides a batch of accounts, and sends it to the disk without waiting.
    pub fn begin_accounts(&mut self, events: &[Account]) -> Result<Begun<CreateAccountResult>, BooksError> {
        self.prepare(events.len())?;
        let created = self.ledger.create_accounts(events, self.clock)?;
        self.newest.add_accounts(&created);
        let mut facts = FactsWriter::new(self.threads.progress.buffer());
        facts.accounts(&created.accounts);
        if created.results.last().is_some_and(|last| last.status != CreateAccountStatus::Created) {
            self.pass(&mut facts);
        }
        Ok(Begun { results: created.results, frames: self.send(facts)?, opening: self.endings.len() })
    }

    /// Decides a batch of transfers, and sends it to the disk without waiting: the next one can be decided meanwhile.
    pub fn begin_transfers(&mut self, events: &[Transfer]) -> Result<Begun<CreateTransferResult>, BooksError> {
        self.prepare(events.len())?;
        let mut facts = FactsWriter::new(self.threads.progress.buffer());
        self.expire(self.clock.max(self.ledger.last_timestamp().saturating_add(1)), &mut facts);
        let mut created = std::mem::take(&mut self.created);
        if let Err(error) = self.decide(events, &mut created) {
            self.send(facts)?;
            return Err(error);
        }
        let ids = created.transfers.iter().map(|transfer| transfer.id).chain(created.failed.iter().copied());
        self.highest_id = ids.fold(self.highest_id, u128::max);
        facts.transfers(&created.transfers);
        facts.failed(&created.failed);
        self.newest.add_transfers(&created);
        if created.results.last().is_some_and(|last| last.status != CreateTransferStatus::Created) {
            self.pass(&mut facts);
        }
        let results = std::mem::take(&mut created.results);
        self.created = created;
        Ok(Begun { results, frames: self.send(facts)?, opening: self.endings.len() })
    }

    /// Waits until a batch is durable, and says what became of its events.
    pub fn finish<R>(&mut self, begun: Begun<R>) -> Result<Vec<R>, BooksError> {
        match self.endings.get(begun.opening) {
            None => self.threads.durable(begun.frames)?,
            Some(ending) if begun.frames > ending.frames => return Err(ending.error.clone()),
            Some(_) => {}
        }
        Ok(begun.results)
    }

    /// Sets the clock, in nanoseconds since 1970, and voids the pending transfers whose timeouts have passed; says how
    /// many. Durable when it returns. Timestamps are never lower than the clock, and never the same.
    pub fn tick(&mut self, nanoseconds: u64) -> Result<u64, BooksError> {
        self.prepare(0)?;
        if nanoseconds < self.clock {
            return Err(BooksError::ClockBackwards { clock: self.clock, asked: nanoseconds });
        }
        if nanoseconds > TIMESTAMP_MAX {
            return Err(BooksError::ClockOutOfRange { asked: nanoseconds });
        }
        let mut facts = FactsWriter::new(self.threads.progress.buffer());
        if nanoseconds > self.clock {
            facts.clock(nanoseconds);
        }
        self.clock = nanoseconds;
        let expired = self.expire(nanoseconds, &mut facts);
        let frames = self.send(facts)?;
        self.threads.durable(frames)?;
        Ok(expired)
    }

    /// Where the clock stands, in nanoseconds since 1970.
    pub fn clock(&self) -> u64 {
        self.clock
    }

    /// The accounts with these ids, as far as they exist.
    pub fn lookup_accounts(&mut self, ids: &[u128]) -> Result<Vec<Account>, BooksError> {
        self.prepare_reading(ids.len())?;
        Ok(ids.iter().filter_map(|id| self.ledger.account(*id)).collect())
    }

    /// The transfers with these ids, as far as they exist.
    pub fn lookup_transfers(&mut self, ids: &[u128]) -> Result<Vec<Transfer>, BooksError> {
        self.prepare_reading(ids.len())?;
        let (view, reader) = self.view();
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            if let Some(Remembered::Created(transfer)) = reader.find(&view, *id)? {
                found.push(transfer);
            }
        }
        Ok(found)
    }

    /// The transfers of an account.
    pub fn get_account_transfers(&mut self, filter: &AccountFilter) -> Result<Vec<Transfer>, BooksError> {
        self.prepare_reading(0)?;
        let (view, reader) = self.view();
        Ok(reader.account_transfers(&view, filter)?)
    }

    /// The balances of an account that keeps its history, after each of its transfers.
    pub fn get_account_balances(&mut self, filter: &AccountFilter) -> Result<Vec<AccountBalance>, BooksError> {
        self.prepare_reading(0)?;
        let (view, reader) = self.view();
        Ok(reader.account_balances(&view, filter)?)
    }

    /// The accounts that match a filter.
    pub fn query_accounts(&mut self, filter: &QueryFilter) -> Result<Vec<Account>, BooksError> {
        self.prepare_reading(0)?;
        let (view, _) = self.view();
        Ok(query::query_accounts(&view, filter)?)
    }

    /// The transfers that match a filter.
    pub fn query_transfers(&mut self, filter: &QueryFilter) -> Result<Vec<Transfer>, BooksError> {
        self.prepare_reading(0)?;
        let (view, reader) = self.view();
        Ok(reader.query_transfers(&view, filter)?)
    }

    /// The ledger in memory: accounts, open pending transfers, totals. It may be ahead of the disk by what was begun and
    /// is not finished.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// How many transfers there are.
    pub fn transfer_count(&self) -> u64 {
        self.newest.first_transfer + self.newest.transfers.len() as u64
    }

    /// Brings the tables up to the journal's end, so that opening the books again has nothing to catch up with.
    pub fn checkpoint(&mut self) -> Result<(), BooksError> {
        self.threads.durable(self.frames)?;
        self.end_stretch()?;
        while !self.waiting.is_empty() {
            self.wait_for_tables()?;
        }
        Ok(())
    }

    /// Brings everything to rest. Without it nothing is lost either: opening takes a little longer.
    pub fn close(mut self) -> Result<(), BooksError> {
        self.checkpoint()
    }

    /// The folder that the books are in.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What must be so before a batch of `events` is decided: nothing is decided that cannot be recorded.
    fn prepare(&mut self, events: usize) -> Result<(), BooksError> {
        self.prepare_reading(events)?;
        if self.short_of_room {
            self.threads.make_room(events * EVENT_BYTES + OTHER_BYTES)?;
            self.short_of_room = self.threads.make_room(MAX_PAYLOAD_BYTES).is_err();
        }
        while self.newest.size() >= self.options.stretch_rows && self.waiting.len() >= MAX_WAITING_STRETCHES {
            self.wait_for_tables()?;
        }
        if self.newest.size() >= self.options.stretch_rows {
            self.end_stretch()?;
        }
        Ok(())
    }

    fn prepare_reading(&mut self, events: usize) -> Result<(), BooksError> {
        if events > BATCH_MAX {
            return Err(BooksError::BatchTooLarge { events });
        }
        match self.threads.progress.failure() {
            None => {}
            Some(Some(full @ JournalError::Full { .. })) => self.open_again(full)?,
            Some(failure) => return Err(failure.map_or(BooksError::Stopped, BooksError::from)),
        }
        self.see_tables();
        Ok(())
    }

    /// Lets go of what has reached the tables.
    fn see_tables(&mut self) {
        let tables = self.threads.catalog.current();
        let written =
            self.waiting.len().saturating_sub(usize::try_from(self.stretches - tables.stretches).unwrap_or(0));
        // The thread that wrote it may hold it a moment longer; then its memory is let go.
        let mut written = self.waiting.drain(..written).filter_map(Arc::into_inner);
        if let Some(last) = written.next_back() {
            self.spare = Some(last.into_memory());
        }
        self.tables = tables;
    }

    /// Waits until one more stretch has reached the tables.
    fn wait_for_tables(&mut self) -> Result<(), BooksError> {
        let Threads { catalog, health, .. } = &self.threads;
        let seen = self.tables.stretches;
        let mut failure = None;
        catalog.wait(|snapshot| {
            failure = health.failure();
            failure.is_some() || health.has_ended() || snapshot.stretches > seen
        });
        self.see_tables();
        match failure {
            _ if self.tables.stretches > seen => Ok(()),
            Some(failure) => Err(failure.into()),
            // Nothing reaches the tables after the journal has failed.
            None => Err(self.threads.progress.failure().flatten().map_or(BooksError::Stopped, BooksError::from)),
        }
    }

    /// What was decided since the last stretch goes to the tables, once it is durable.
    fn end_stretch(&mut self) -> Result<(), BooksError> {
        let changed = self.ledger.take_changed();
        if self.newest.size() == 0 && changed.is_empty() && self.tables.clock == self.clock {
            return Ok(());
        }
        let memory = self.spare.take().unwrap_or_default();
        let empty = Recent::new(self.transfer_count(), self.ledger.account_count(), memory);
        let recent = Arc::new(std::mem::replace(&mut self.newest, empty));
        self.waiting.push(Arc::clone(&recent));
        self.stretches += 1;
        self.threads.send(Job::Stretch(Box::new(Stretch { recent, changed, clock: self.clock })))?;
        if self.options.in_step { self.keep_step() } else { Ok(()) }
    }

    /// Waits until the tables reflect all that was handed to them, and merges what is due.
    fn keep_step(&mut self) -> Result<(), BooksError> {
        while !self.waiting.is_empty() {
            self.wait_for_tables()?;
        }
        merger::merge_once(&self.threads.catalog, &self.threads.health);
        self.see_tables();
        Ok(())
    }

    /// What the past says about the ids that a batch names.
    fn recall(&mut self, events: &[Transfer]) -> Result<Past, BooksError> {
        let highest_id = self.highest_id;
        let (view, reader) = self.view();
        let mut past = Past::new();
        for event in events {
            if event.id <= highest_id {
                recall_one(&view, reader, &mut past, event.id)?;
            }
            let resolves = event.flags.intersects(TransferFlags::RESOLVING);
            if resolves && view.ledger.pending(event.pending_id).is_none() {
                recall_one(&view, reader, &mut past, event.pending_id)?;
            }
        }
        Ok(past)
    }

    fn decide(&mut self, events: &[Transfer], created: &mut CreatedTransfers) -> Result<(), BooksError> {
        let past = self.recall(events)?;
        Ok(self.ledger.create_transfers_into(events, self.clock, &past, created)?)
    }

    /// The last event failed, but its timestamp is told: nothing gets it again, and time does not go back behind it.
    fn pass(&mut self, facts: &mut FactsWriter) {
        let timestamp = self.ledger.last_timestamp();
        facts.passed(timestamp);
        self.newest.add_passed(timestamp);
    }

    fn expire(&mut self, now: u64, facts: &mut FactsWriter) -> u64 {
        let mut ids = Vec::new();
        while let Some(closed) = self.ledger.expire_one(now) {
            self.newest.add_closed(closed);
            ids.push(closed.id);
        }
        facts.expired(&ids);
        ids.len() as u64
    }

    /// Hands facts to the committer. Returns how many frames must be durable for them to be.
    fn send(&mut self, facts: FactsWriter) -> Result<u64, BooksError> {
        let (frame, events) = facts.finish();
        if let Some(events) = NonZeroU32::new(events) {
            self.frames += 1;
            self.threads.send(Job::Frame { frame, events })?;
        }
        Ok(self.frames)
    }

    fn view(&mut self) -> (View<'_>, &mut Reader) {
        let view = View { ledger: &self.ledger, tables: &self.tables, recent: &self.waiting, newest: &self.newest };
        (view, &mut self.reader)
    }
}

/// Adds what became of one id, and what is asked about it further.
fn recall_one(view: &View<'_>, reader: &mut Reader, past: &mut Past, id: u128) -> Result<(), BooksError> {
    if past.find(id).is_some() {
        return Ok(());
    }
    let Some(what) = reader.find(view, id)? else { return Ok(()) };
    past.remember(id, what);
    let Remembered::Created(transfer) = what else { return Ok(()) };
    if transfer.flags.contains(TransferFlags::PENDING) && view.ledger.pending(id).is_none() {
        past.resolve(id, reader.resolution(view, &transfer)?);
    }
    if transfer.flags.intersects(TransferFlags::RESOLVING) {
        recall_one(view, reader, past, transfer.pending_id)?;
    }
    Ok(())
}

/// The writer of the journal in `folder`, and the journal itself.
pub(crate) fn journal(folder: &Path, options: &Options) -> Result<(Journal, WriterOptions), BooksError> {
    let id = match options.journal_id {
        Some(id) => id,
        None => {
            let mut id = [0; 16];
            getrandom::fill(&mut id).map_err(|_| BooksError::Stopped)?;
            id
        }
    };
    let journal = Journal::on_disk(folder.join("journal"), Arc::clone(&options.disk));
    let mut writer = WriterOptions::new(JournalId::from_bytes(id));
    writer.segment_bytes = options.segment_bytes;
    Ok((journal, writer))
}
