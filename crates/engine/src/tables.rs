//! The thread that folds durable batches into the tables, and what waits for it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use payments::Record;
use store::tables::{Mark, TablesWriter};

use crate::Durable;
use crate::error::ReadError;

/// Records that may be durable and not yet in the tables. Beyond it new commands are refused.
const MAX_RECORDS_BEHIND: usize = 400_000;

/// Records folded in one transaction at most: it bounds how long a read waits behind it.
const MAX_RECORDS_AT_ONCE: usize = 20_000;

/// How long records wait for company when nobody reads.
const LINGER: Duration = Duration::from_millis(1_000);

/// How long a read waits for the tables at most.
const MAX_READ_WAIT: Duration = Duration::from_secs(10);

/// How long the thread pauses before it tries again what the disk refused.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Durable batches that the tables do not reflect yet.
pub(crate) struct Backlog {
    waiting: Mutex<Waiting>,
    /// Told when a batch was added, a read waits, or the end has come.
    work: Condvar,
    /// Told when the tables have moved on.
    progress: Condvar,
    stored_position: AtomicU64,
    /// So much waits that no more commands are taken in.
    full: AtomicBool,
    /// The tables could not be written, the last time it was tried.
    failing: AtomicBool,
}

#[derive(Default)]
struct Waiting {
    batches: VecDeque<(Arc<Durable>, Mark)>,
    records: usize,
    /// The position that some read waits for.
    wanted: u64,
    closed: bool,
}

impl Backlog {
    pub(crate) fn new(stored_position: u64) -> Self {
        Self {
            waiting: Mutex::default(),
            work: Condvar::new(),
            progress: Condvar::new(),
            stored_position: AtomicU64::new(stored_position),
            full: AtomicBool::new(false),
            failing: AtomicBool::new(false),
        }
    }

    /// The journal position that the tables reflect.
    pub(crate) fn stored_position(&self) -> u64 {
        self.stored_position.load(Ordering::Acquire)
    }

    /// Whether no more commands should be taken in for now: the tables are too far behind.
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// Adds a durable batch. Never waits: what is durable has its callers to tell, however the tables are.
    pub(crate) fn push(&self, durable: Arc<Durable>, mark: Mark) {
        let mut waiting = self.lock();
        let before = waiting.records;
        waiting.records += durable.records.len();
        self.full.store(waiting.records >= MAX_RECORDS_BEHIND, Ordering::Release);
        waiting.batches.push_back((durable, mark));
        let enough = before < MAX_RECORDS_AT_ONCE && waiting.records >= MAX_RECORDS_AT_ONCE;
        drop(waiting);
        // In between, the thread lingers and needs no waking.
        if before == 0 || enough {
            self.work.notify_one();
        }
    }

    /// Says that no more batches will come.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_all();
        self.progress.notify_all();
    }

    /// The tables cannot be written: those who wait for them read what is stored.
    pub(crate) fn fail(&self) {
        self.failing.store(true, Ordering::Release);
        drop(self.lock());
        self.progress.notify_all();
    }

    /// Waits until the tables reflect `position`, hurrying them. Tables that cannot be written are not waited for: what
    /// they say is old, but true.
    pub(crate) fn wait_until_stored(&self, position: u64) -> Result<(), ReadError> {
        if self.stored_position() >= position {
            return Ok(());
        }
        let mut waiting = self.lock();
        waiting.wanted = waiting.wanted.max(position);
        self.work.notify_one();
        let behind = |_: &mut Waiting| self.stored_position() < position && !self.failing.load(Ordering::Acquire);
        let (_guard, wait) =
            self.progress.wait_timeout_while(waiting, MAX_READ_WAIT, behind).unwrap_or_else(PoisonError::into_inner);
        if wait.timed_out() { Err(ReadError::Behind) } else { Ok(()) }
    }

    /// Batches to fold now; `None` when all is done and no more will come.
    fn next(&self) -> Option<Vec<(Arc<Durable>, Mark)>> {
        let idle = |waiting: &mut Waiting| waiting.batches.is_empty() && !waiting.closed;
        let waiting = self.work.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
        // Many small batches in one transaction cost far less than each in its own, so they wait for company unless
        // somebody wants to read.
        let lonely = |waiting: &mut Waiting| {
            waiting.records < MAX_RECORDS_AT_ONCE && waiting.wanted <= self.stored_position() && !waiting.closed
        };
        let (mut waiting, _) =
            self.work.wait_timeout_while(waiting, LINGER, lonely).unwrap_or_else(PoisonError::into_inner);
        let mut taken = Vec::new();
        let mut records = 0;
        while let Some((durable, mark)) = waiting.batches.pop_front_if(|_| records < MAX_RECORDS_AT_ONCE) {
            records += durable.records.len();
            taken.push((durable, mark));
        }
        (!taken.is_empty()).then_some(taken)
    }

    fn stored(&self, position: u64, records: usize) {
        let mut waiting = self.lock();
        waiting.records -= records;
        self.full.store(waiting.records >= MAX_RECORDS_BEHIND, Ordering::Release);
        self.failing.store(false, Ordering::Release);
        self.stored_position.store(position, Ordering::Release);
        drop(waiting);
        self.progress.notify_all();
    }

    fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn run(mut tables: TablesWriter, backlog: &Backlog) {
    while let Some(batches) = backlog.next() {
        let Some((_, mark)) = batches.last() else { continue };
        let records: Vec<&Record> = batches.iter().flat_map(|(durable, _)| &durable.records).collect();
        while let Err(error) = tables.apply(&records, *mark) {
            // The journal has it all, so nothing is lost; reads wait.
            backlog.fail();
            tracing::error!(%error, "the tables could not be written; trying again, reads show what was stored before");
            if backlog.is_closed() {
                return;
            }
            std::thread::sleep(RETRY_PAUSE);
        }
        backlog.stored(mark.frame.position, records.len());
    }
}
