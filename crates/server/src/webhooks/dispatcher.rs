//! The thread that holds the webhooks: everything about them happens here, one thing after the other.

use std::collections::HashSet;
use std::mem;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use ::webhooks::{Attempt, Position, Read, Sending, Taken, Webhooks, WebhooksError};
use ids::WebhookEndpointId;
use tokio::runtime::Runtime;

use super::bell::Bell;
use super::client::Client;
use super::service::Settings;

/// How long answers gather before they are looked at: together they cost less, and nobody waits for them.
const GATHERING: Duration = Duration::from_millis(1);

/// The longest sleep: the clock may be moved, and old deliveries go little by little.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// How long what attempts have come to may wait to be written, when there is nothing else to write.
const WRITE_AFTER: Duration = Duration::from_millis(200);

/// After writing it rests so many times as long before it reads again: the busier it is, the more goes into one write. Merchants
/// are told within a blink all the same.
const REST_AFTER_WRITING: u32 = 4;
const LONGEST_REST: Duration = Duration::from_millis(100);

/// How long to wait after the disk has failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// Time between two looks for old deliveries while nothing is written.
const TIDY_EVERY: Duration = Duration::from_secs(10);

/// Something to do with the webhooks at a time.
pub(crate) type Work = Box<dyn FnOnce(&mut Webhooks, u64) + Send>;

/// What the dispatcher is told.
pub(crate) enum Message {
    /// The bell was rung, or the clock moved.
    Wake,
    /// Something to do.
    Work(Work),
    /// Events were read for these endpoints; for others they could not be.
    Read { taken: Vec<Taken>, failed: Vec<WebhookEndpointId> },
    /// An attempt has ended.
    Ended { endpoint: WebhookEndpointId, position: Position, attempt: Attempt },
    /// The server stops.
    Close,
}

/// The thread's own.
pub(crate) struct Dispatcher {
    pub(crate) webhooks: Webhooks,
    pub(crate) bell: Arc<Bell>,
    pub(crate) client: Client,
    pub(crate) settings: Settings,
    pub(crate) runtime: Runtime,
    /// To itself: what tasks send back.
    pub(crate) messages: Sender<Message>,
    /// To the reader.
    pub(crate) reads: Sender<Vec<Read>>,
}

/// What is going on.
struct Turn {
    under_way: usize,
    /// Endpoints that the reader reads for.
    reading: HashSet<WebhookEndpointId>,
    taken: Vec<Taken>,
    read_after: Instant,
    has_ended: bool,
    written_at: Instant,
    tidied_at: Instant,
    closing: bool,
}

impl Dispatcher {
    /// Works until it is told to stop.
    pub(crate) fn run(mut self, inbox: &Receiver<Message>) {
        let now = Instant::now();
        let mut turn = Turn {
            under_way: 0,
            reading: HashSet::new(),
            taken: Vec::new(),
            read_after: now,
            has_ended: false,
            written_at: now,
            tidied_at: now,
            closing: false,
        };
        while !turn.closing {
            match inbox.recv_timeout(self.sleep(&turn)) {
                Ok(message) => {
                    self.hear(&mut turn, message);
                    thread::sleep(GATHERING);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            while let Ok(message) = inbox.try_recv() {
                self.hear(&mut turn, message);
            }
            if let Err(error) = self.work(&mut turn) {
                tracing::error!(%error, "webhooks cannot be stored; nothing new is sent until they can");
                turn.read_after = Instant::now() + PAUSE_AFTER_FAILURE;
                thread::sleep(PAUSE_AFTER_FAILURE);
            }
        }
        let now = (self.settings.now)();
        if let Err(error) = self.webhooks.flush(now) {
            tracing::error!(%error, "what some deliveries have come to is not written: they are sent again");
        }
        // What is under way ends unanswered: nobody waits for a receiver.
        self.runtime.shutdown_background();
    }

    fn hear(&mut self, turn: &mut Turn, message: Message) {
        match message {
            Message::Wake => {}
            Message::Work(work) => {
                work(&mut self.webhooks, (self.settings.now)());
                self.bell.listen_for(self.webhooks.merchants());
            }
            Message::Read { taken, failed } => {
                let answered = taken.iter().map(|taken| &taken.read.endpoint).chain(&failed);
                answered.for_each(|endpoint| _ = turn.reading.remove(endpoint));
                if !failed.is_empty() {
                    turn.read_after = Instant::now() + PAUSE_AFTER_FAILURE;
                }
                turn.taken.extend(taken);
            }
            Message::Ended { endpoint, position, attempt } => {
                turn.under_way -= 1;
                turn.has_ended = true;
                self.webhooks.finished(endpoint, position, attempt, rand::random());
            }
            Message::Close => turn.closing = true,
        }
    }

    /// Stores, asks for events, sends.
    fn work(&mut self, turn: &mut Turn) -> Result<(), WebhooksError> {
        let (now, instant) = ((self.settings.now)(), Instant::now());
        let is_overdue = turn.has_ended && instant >= turn.written_at + WRITE_AFTER;
        if !turn.taken.is_empty() || is_overdue {
            self.webhooks.store(mem::take(&mut turn.taken), now)?;
            (turn.has_ended, turn.written_at) = (false, instant);
            let rest = (instant.elapsed() * REST_AFTER_WRITING).min(LONGEST_REST);
            turn.read_after = turn.read_after.max(Instant::now() + rest);
        }
        if instant >= turn.tidied_at + TIDY_EVERY {
            turn.tidied_at = instant;
            self.webhooks.tidy(now)?;
        }
        if instant >= turn.read_after {
            self.ask(turn, now, instant);
        }
        let room = self.settings.under_way.saturating_sub(turn.under_way);
        let due = self.webhooks.due(now, room)?;
        if !due.is_empty() {
            turn.under_way += due.len();
            self.send(due);
        }
        Ok(())
    }

    fn ask(&mut self, turn: &mut Turn, now: u64, instant: Instant) {
        self.bell.answer().into_iter().for_each(|merchant| self.webhooks.mark(merchant));
        let mut reads = self.webhooks.reads(now);
        reads.retain(|read| !turn.reading.contains(&read.endpoint));
        if !reads.is_empty() {
            turn.reading.extend(reads.iter().map(|read| read.endpoint));
            turn.read_after = instant + self.settings.pace;
            // Without a reader the server is going down.
            drop(self.reads.send(reads));
        }
    }

    fn send(&self, due: Vec<Sending>) {
        let (client, messages, clock) = (self.client.clone(), self.messages.clone(), self.settings.now.clone());
        self.runtime.spawn(async move {
            for sending in due {
                let (client, messages, clock) = (client.clone(), messages.clone(), clock.clone());
                tokio::spawn(async move {
                    let (at, begin) = (clock(), Instant::now());
                    let outcome = client.deliver(&sending, at / 1_000).await;
                    let duration_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
                    let attempt = Attempt { at, duration_ms, outcome };
                    let Sending { endpoint, position, .. } = sending;
                    drop(messages.send(Message::Ended { endpoint, position, attempt }));
                });
            }
        });
    }

    /// How long there is nothing to do unless something is heard.
    fn sleep(&self, turn: &Turn) -> Duration {
        let (now, instant) = ((self.settings.now)(), Instant::now());
        let mut sleep = LONGEST_SLEEP;
        if turn.under_way < self.settings.under_way
            && let Some(at) = self.webhooks.wakes_at(now)
        {
            sleep = sleep.min(Duration::from_millis(at.saturating_sub(now)));
        }
        if turn.has_ended {
            sleep = sleep.min((turn.written_at + WRITE_AFTER).saturating_duration_since(instant));
        }
        if self.bell.has_rung() || self.webhooks.reads(now).iter().any(|read| !turn.reading.contains(&read.endpoint)) {
            sleep = sleep.min(turn.read_after.saturating_duration_since(instant));
        }
        sleep
    }
}
