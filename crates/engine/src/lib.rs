//! The one writer of the money plane, and everybody's way to it.
//!
//! A command goes through three threads, each doing one thing:
//!
//! 1. the **decider** drains the queue, recalls from the tables what memory has forgotten, decides each command,
//!    folds its events into the state and encodes them: one batch;
//! 2. the **committer** appends the batch to the journal and waits for the disk, while the decider is at the next
//!    batch; only then does anybody hear of it: listeners first, then the callers;
//! 3. the **tables** thread folds durable batches into the tables, a little later, or at once when a read waits.
//!
//! Promises: a reply, a notification or a read never shows what is not durable. A reply comes exactly once, in the
//! order of decisions; if the engine stops first, it says that nothing is known. Queues are bounded: what does not fit
//! is refused at once. On a full disk everything is refused, what had been decided on top of it included, until there is
//! room. After any other failed write to the journal nothing more is decided. A command that finds the state
//! broken stops the engine rather than guess.
//!
//! Not here: rules (the payments crate), bytes (the store), HTTP (the server).

mod clock;
mod committer;
mod decider;
mod error;
mod inbox;
mod reads;
mod recovery;
mod room;
mod submission;
mod tables;
mod verify;

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use journal::{Disk, OsDisk};
use payments::{Action, Record, Request, UnixMillis};
use store::tables::{TablesError, TablesReader};

pub use clock::{Clock, SystemClock, TestClock};
pub use error::{OpenError, Overloaded, ReadError, Unavailable};
pub use submission::Reply;
pub use verify::{Report, VerifyError, verify};

use inbox::{HandedIn, Inbox};
use submission::Submission;

/// The one writer of the money plane. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    closing: AtomicBool,
    /// The time of the last record when it was opened.
    opened_at: UnixMillis,
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What the engine's threads tell each other and the world.
struct Shared {
    inbox: Inbox,
    commands: AtomicU64,
    batches: AtomicU64,
    durable_position: AtomicU64,
    /// Set when the journal failed or a thread found the state broken: nothing more is decided.
    broken: AtomicBool,
    room: room::Room,
    listeners: Mutex<Vec<Listener>>,
    tables: tables::Backlog,
    readers: reads::Readers,
}

type Listener = Box<dyn Fn(&Arc<Durable>) + Send>;

/// A batch of records that has become durable.
#[derive(Debug)]
pub struct Durable {
    /// The journal position of the first record; the others follow.
    pub first_position: u64,
    /// The records.
    pub records: Vec<Record>,
}

impl Durable {
    /// The journal position of the last record.
    pub fn last_position(&self) -> u64 {
        self.first_position + self.records.len() as u64 - 1
    }
}

/// How the engine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// Whether commands are taken in and decided.
    pub healthy: bool,
    /// Whether none are because the disk is full. It goes on by itself when there is room.
    pub disk_full: bool,
    /// The last durable journal position.
    pub durable_position: u64,
    /// The journal position that the tables reflect.
    pub stored_position: u64,
    /// Commands that wait to be decided.
    pub queued: u64,
    /// Commands decided since the start.
    pub commands: u64,
    /// Journal frames written since the start.
    pub batches: u64,
}

impl Engine {
    /// Opens the money plane in `folder`, creating it if there is none: checks versions and the journal's end, brings
    /// state and tables up to date with the journal, and starts.
    pub fn open(folder: &Path, clock: Box<dyn Clock>) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(OsDisk), folder, clock)
    }

    /// The same with the journal on some other disk, such as one that injects faults. The tables stay in `folder`.
    pub fn open_on(disk: Arc<dyn Disk>, folder: &Path, clock: Box<dyn Clock>) -> Result<Self, OpenError> {
        let recovered = recovery::recover(folder, disk)?;
        let (position, opened_at) = (recovered.state.position(), recovered.state.now());
        let shared = Arc::new(Shared {
            inbox: Inbox::new(),
            commands: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            durable_position: AtomicU64::new(position),
            broken: AtomicBool::new(false),
            room: room::Room::default(),
            listeners: Mutex::default(),
            tables: tables::Backlog::new(position),
            readers: reads::Readers::new(recovery::tables_file(folder)),
        });
        let (to_committer, decided) = sync_channel(1);
        let threads = vec![
            spawn("decider", &shared, {
                let (shared, reader) = (shared.clone(), shared.readers.take()?);
                let (state, journal) = (recovered.state, recovered.journal);
                let beginning = decider::Beginning { state, clock, reader, journal };
                move || decider::run(beginning, &to_committer, &shared)
            })?,
            spawn("committer", &shared, {
                let shared = shared.clone();
                move || committer::run(recovered.writer, decided, &shared)
            })?,
            spawn("tables", &shared, {
                let shared = shared.clone();
                move || tables::run(recovered.tables, &shared.tables)
            })?,
        ];
        let closing = AtomicBool::new(false);
        Ok(Self(Arc::new(Inner { closing, opened_at, shared, threads: Mutex::new(threads) })))
    }

    /// Hands in a command and returns at once. `reply` is called from the engine's threads when the outcome is
    /// durable; it must be quick and must not block.
    pub fn submit(
        &self,
        action: Action,
        request: Option<Request>,
        reply: impl FnOnce(Reply) + Send + 'static,
    ) -> Result<(), Overloaded> {
        let submission = Submission::new(action, request, Box::new(reply));
        if self.0.shared.tables.is_full() {
            submission.withdraw();
            return Err(Overloaded);
        }
        if self.0.shared.room.is_full() {
            submission.caller.tell(Err(Unavailable::DiskFull));
            return Ok(());
        }
        match self.0.shared.inbox.offer(submission) {
            HandedIn::Taken => Ok(()),
            HandedIn::Full(submission) => {
                submission.withdraw();
                Err(Overloaded)
            }
            // Dropping it tells the caller that the engine is gone.
            HandedIn::Closed(submission) => {
                drop(submission);
                Ok(())
            }
        }
    }

    /// Hands in a command and waits for its outcome, for callers that may block and have no hurry.
    pub fn submit_and_wait(&self, action: Action, request: Option<Request>) -> Reply {
        let (sender, receiver) = sync_channel(1);
        let submission = Submission::new(action, request, Box::new(move |reply| drop(sender.send(reply))));
        // A refused submission is dropped here, which answers it.
        drop(self.0.shared.inbox.put(submission));
        receiver.recv().unwrap_or(Err(Unavailable::Stopped))
    }

    /// Asks the tables, once they reflect everything that is durable now. Blocks for as long as that takes: a
    /// millisecond when idle.
    pub fn read<T>(&self, ask: impl FnOnce(&TablesReader) -> Result<T, TablesError>) -> Result<T, ReadError> {
        self.read_from(self.0.shared.durable_position.load(Ordering::Acquire), ask)
    }

    /// The same for who needs no more than what is durable up to this journal position: it hurries nobody when the tables
    /// reflect that already. For long lists of what does not change any more.
    pub fn read_from<T>(
        &self,
        position: u64,
        ask: impl FnOnce(&TablesReader) -> Result<T, TablesError>,
    ) -> Result<T, ReadError> {
        self.0.shared.tables.wait_until_stored(position)?;
        self.0.shared.readers.with(ask)
    }

    /// Calls `listener` with every batch that becomes durable from now on, in order, before its callers are answered.
    /// It runs on the committer's thread: it must be quick.
    pub fn listen(&self, listener: impl Fn(&Arc<Durable>) + Send + 'static) {
        self.0.shared.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(Box::new(listener));
    }

    /// The time of the last record when the engine was opened: nothing is decided at an earlier one.
    pub fn opened_at(&self) -> UnixMillis {
        self.0.opened_at
    }

    /// How the engine is.
    pub fn status(&self) -> Status {
        let shared = &self.0.shared;
        Status {
            healthy: !shared.broken.load(Ordering::Acquire)
                && !self.0.closing.load(Ordering::Acquire)
                && !shared.tables.is_full()
                && !shared.room.is_full(),
            disk_full: shared.room.is_full(),
            durable_position: shared.durable_position.load(Ordering::Acquire),
            stored_position: shared.tables.stored_position(),
            queued: shared.inbox.len() as u64,
            commands: shared.commands.load(Ordering::Relaxed),
            batches: shared.batches.load(Ordering::Relaxed),
        }
    }

    /// Decides what was accepted, brings the tables up to date, and stops. Everything handed in later is answered
    /// with [`Unavailable::Stopped`]. A second call changes nothing.
    pub fn close(&self) {
        if self.0.closing.swap(true, Ordering::AcqRel) {
            return;
        }
        self.0.shared.inbox.close();
        let threads = std::mem::take(&mut *self.0.threads.lock().unwrap_or_else(PoisonError::into_inner));
        join(threads, &self.0.shared);
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let threads = std::mem::take(self.threads.get_mut().unwrap_or_else(PoisonError::into_inner));
        self.shared.inbox.close();
        // A reply or a listener may hold the last handle. Its thread cannot wait for itself, and need not: all stop by
        // themselves.
        if threads.iter().any(|thread| thread.thread().id() == std::thread::current().id()) {
            return;
        }
        join(threads, &self.shared);
    }
}

/// Waits for the decider, the committer and the tables' thread, which stop in this order.
fn join(mut threads: Vec<JoinHandle<()>>, shared: &Shared) {
    let tables = threads.pop();
    for thread in threads {
        drop(thread.join());
    }
    // After a failed write they were kept up for reading.
    shared.tables.close();
    if let Some(tables) = tables {
        drop(tables.join());
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Engine").field(&self.status()).finish()
    }
}

/// Starts a thread that marks the engine broken should it panic.
fn spawn(name: &str, shared: &Arc<Shared>, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    struct Guard(Arc<Shared>);
    impl Drop for Guard {
        fn drop(&mut self) {
            if std::thread::panicking() {
                self.0.broken.store(true, Ordering::Release);
                self.0.inbox.close();
                self.0.tables.fail();
                self.0.tables.close();
                tracing::error!("the money core has found itself broken and has stopped; run `tapstone verify`");
            }
        }
    }
    let guard = Guard(shared.clone());
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            let _guard = guard;
            work();
        })
        .map_err(|source| OpenError::Thread { source })
}
