//! The bank's side of one platform, for those who start, wake and ask it.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use directory::Directory;
use engine::{Durable, Engine};
use partners::PartnerError;
use partners::bank::Bank;
use partners::reconciliation::{Now, Reconciliation};
use payments::Event;
use tokio::sync::{Semaphore, oneshot};

use super::work::{Round, Worker};
use crate::problem::Problem;
use crate::source::Source;

/// How long it waits for company when something has happened: many windows close together.
const LINGER: Duration = Duration::from_millis(250);

/// How soon it looks again while a bank owes an answer, or a payout waits.
const SOON: Duration = Duration::from_secs(10);

/// How soon it looks again while nothing is owed: what was paid may come back, and other money may be booked.
const LATER: Duration = Duration::from_secs(60);

/// How often what came to nothing is tried again when everything that can be done now is to be done.
const MOST_ATTEMPTS: u32 = 3;

/// Questions that run or wait; more are refused.
const MOST_QUESTIONS: usize = 64;

/// Much further back than those who serve requests: payments come first.
const NICENESS: i32 = 10;

/// The bank's side of one platform. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    messages: Sender<Message>,
    shared: Arc<Shared>,
    questions: Arc<Semaphore>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread shares with those who ask.
pub(super) struct Shared {
    pub(super) books: Mutex<Reconciliation>,
    pub(super) source: Box<dyn Source>,
    /// The thread was woken and has not looked yet.
    is_awake: AtomicBool,
    pub(super) is_closing: AtomicBool,
    counts: Counts,
}

/// What has happened since the start.
#[derive(Default)]
struct Counts {
    settlements_closed: AtomicU64,
    settlements_compared: AtomicU64,
    payouts_created: AtomicU64,
    open_breaks: AtomicU64,
}

enum Message {
    Wake,
    CatchUp(oneshot::Sender<()>),
    Close,
}

/// The bank's side has stopped: the server is going down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bank's side has stopped")]
pub struct Stopped;

impl Service {
    /// Begins: at once with what was left to do. Without a bank, payouts wait for one.
    ///
    /// # Errors
    /// The operating system gives no thread.
    pub fn start(
        books: Reconciliation,
        bank: Option<Box<dyn Bank>>,
        engine: &Engine,
        directory: Directory,
        source: Box<dyn Source>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            books: Mutex::new(books),
            source,
            is_awake: AtomicBool::new(false),
            is_closing: AtomicBool::new(false),
            counts: Counts::default(),
        });
        let (messages, inbox) = mpsc::channel();
        listen(engine, &shared, messages.clone());
        let worker = Worker { engine: engine.clone(), directory, bank, shared: shared.clone() };
        let thread = thread::Builder::new().name("bank".to_owned()).spawn(move || run(&worker, &inbox))?;
        let questions = Arc::new(Semaphore::new(MOST_QUESTIONS));
        Ok(Self(Arc::new(Inner { messages, shared, questions, thread: Mutex::new(Some(thread)) })))
    }

    /// Does everything that can be done at this moment, and returns when it is done: for clocks that were set forward.
    ///
    /// # Errors
    /// [`Stopped`] if it has.
    pub async fn catch_up(&self) -> Result<(), Stopped> {
        let (sender, receiver) = oneshot::channel();
        self.0.messages.send(Message::CatchUp(sender)).map_err(|_| Stopped)?;
        receiver.await.map_err(|_| Stopped)
    }

    /// Asks or changes the books of what the bank says, off the threads that serve connections.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Reconciliation, &mut Now<'_>) -> Result<T, PartnerError> + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.0.questions.clone().try_acquire_owned().map_err(|_| Problem::overloaded())?;
        let service = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            service.with_blocking(work)
        });
        work.await.map_err(Problem::internal)?
    }

    /// The same as [`Service::with`], for threads that may wait.
    pub(crate) fn with_blocking<T>(
        &self,
        work: impl FnOnce(&mut Reconciliation, &mut Now<'_>) -> Result<T, PartnerError>,
    ) -> Result<T, Problem> {
        self.0.shared.with_books(work).map_err(Problem::from)
    }

    /// What has happened since the start: settlements that closed, those of them that were compared, payouts that were
    /// created.
    pub(crate) fn counts(&self) -> [u64; 3] {
        let Counts { settlements_closed, settlements_compared, payouts_created, .. } = &self.0.shared.counts;
        [settlements_closed, settlements_compared, payouts_created].map(|count| count.load(Ordering::Relaxed))
    }

    /// How many breaks were open when it last looked.
    pub(crate) fn open_breaks(&self) -> u64 {
        self.0.shared.counts.open_breaks.load(Ordering::Relaxed)
    }

    /// Stops after the step that it is at.
    pub fn close(&self) {
        self.0.shared.is_closing.store(true, Ordering::Release);
        drop(self.0.messages.send(Message::Close));
        let thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the bank's thread has panicked");
        }
    }
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").finish_non_exhaustive()
    }
}

impl Shared {
    /// Each call is a transaction or a question: a panic in between leaves nothing half done.
    pub(super) fn with_books<T>(
        &self,
        work: impl FnOnce(&mut Reconciliation, &mut Now<'_>) -> Result<T, PartnerError>,
    ) -> Result<T, PartnerError> {
        let mut random = || self.source.random();
        let mut now = Now { at_ms: self.source.now().0, random: &mut random };
        work(&mut self.books.lock().unwrap_or_else(PoisonError::into_inner), &mut now)
    }

    pub(super) fn count_compared(&self, settlements: usize) {
        self.counts.settlements_compared.fetch_add(settlements as u64, Ordering::Relaxed);
    }

    pub(super) fn set_open_breaks(&self, open: u64) {
        self.counts.open_breaks.store(open, Ordering::Relaxed);
    }

    /// Counts what is of interest in a batch, and says whether anything is.
    fn count(&self, durable: &Durable) -> bool {
        let (mut closed, mut created) = (0, 0);
        for record in &durable.records {
            match &record.event {
                Event::SettlementClosed(_) => closed += 1,
                Event::PayoutCreated(_) => created += 1,
                _ => {}
            }
        }
        if closed + created > 0 {
            self.counts.settlements_closed.fetch_add(closed, Ordering::Relaxed);
            self.counts.payouts_created.fetch_add(created, Ordering::Relaxed);
        }
        closed + created > 0
    }
}

/// Wakes the thread when a window has closed or a payout was created.
fn listen(engine: &Engine, shared: &Arc<Shared>, messages: Sender<Message>) {
    let shared = shared.clone();
    engine.listen(move |durable| {
        if shared.count(durable) && !shared.is_awake.swap(true, Ordering::AcqRel) {
            // If it has stopped, it will look for itself when it starts again.
            drop(messages.send(Message::Wake));
        }
    });
}

fn run(worker: &Worker, inbox: &Receiver<Message>) {
    // Where that cannot be said, it is merely a worse neighbour.
    let _as_it_was = rustix::process::nice(NICENESS);
    let mut waiting = Vec::new();
    let mut pause = Some(Duration::ZERO);
    loop {
        match hear(inbox, pause) {
            Heard::Close => return,
            Heard::CatchUp(reply) => waiting.push(reply),
            // It is worth a moment: what happens seldom happens alone.
            Heard::Wake => match hear(inbox, Some(LINGER)) {
                Heard::Close => return,
                Heard::CatchUp(reply) => waiting.push(reply),
                Heard::Wake | Heard::Time => {}
            },
            Heard::Time => {}
        }
        worker.shared.is_awake.store(false, Ordering::Release);
        let round = do_all(worker, !waiting.is_empty());
        for reply in waiting.drain(..) {
            let _nobody_waits_any_more = oneshot::Sender::send(reply, ());
        }
        pause = match round {
            Round { is_owed: true, .. } => Some(SOON),
            Round { has_payouts: true, .. } => Some(LATER),
            Round { .. } => None,
        };
    }
}

/// Goes on while there is something that can be done.
fn do_all(worker: &Worker, is_pressing: bool) -> Round {
    let mut attempts = 0;
    loop {
        let round = worker.round();
        attempts += u32::from(!round.did_something);
        let is_done = !(round.did_something || is_pressing && round.is_unanswered && attempts < MOST_ATTEMPTS);
        if is_done || worker.shared.is_closing.load(Ordering::Acquire) {
            return round;
        }
    }
}

enum Heard {
    Wake,
    Time,
    CatchUp(oneshot::Sender<()>),
    Close,
}

fn hear(inbox: &Receiver<Message>, pause: Option<Duration>) -> Heard {
    let heard = match pause {
        Some(pause) => inbox.recv_timeout(pause),
        None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
    };
    match heard {
        Ok(Message::Wake) => Heard::Wake,
        Ok(Message::CatchUp(reply)) => Heard::CatchUp(reply),
        Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => Heard::Close,
        Err(RecvTimeoutError::Timeout) => Heard::Time,
    }
}
