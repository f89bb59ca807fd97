//! The thread that decides. It owns the state; nobody else sees it.

use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::time::Duration;

use payments::{Action, Answer, Command, Record, Rejection, State, UnixMillis, decide};
use store::journal::FrameBuffer;
use store::records;
use store::tables::{TablesError, TablesReader};

use crate::Shared;
use crate::clock::Clock;
use crate::submission::{Caller, Message, Submission};

/// Commands decided into one journal frame at most.
const MAX_COMMANDS: usize = 4_096;

/// Bytes of one journal frame after which no more commands are added to it.
const MAX_FRAME_BYTES: usize = 2 << 20;

/// How long the decider sleeps at most, so that expired orders are noticed in an idle shop.
const IDLE_TICK: Duration = Duration::from_millis(250);

/// Commands that were decided together, on their way to the disk.
pub(crate) struct Batch {
    /// The records, encoded.
    pub(crate) frame: FrameBuffer,
    pub(crate) records: Vec<Record>,
    pub(crate) callers: Vec<(Caller, Result<Answer, Rejection>)>,
}

impl Batch {
    fn new() -> Self {
        Self { frame: FrameBuffer::new(), records: Vec::new(), callers: Vec::new() }
    }

    pub(crate) fn count(&self) -> Option<NonZeroU32> {
        u32::try_from(self.records.len()).ok().and_then(NonZeroU32::new)
    }

    fn is_full(&self) -> bool {
        self.callers.len() >= MAX_COMMANDS || self.frame.len() >= MAX_FRAME_BYTES
    }

    fn is_empty(&self) -> bool {
        self.callers.is_empty() && self.records.is_empty()
    }
}

pub(crate) fn run(
    state: State,
    clock: Box<dyn Clock>,
    reader: TablesReader,
    queue: &Receiver<Message>,
    to_committer: &SyncSender<Batch>,
    shared: &Shared,
) {
    let mut now = state.now();
    let mut decider = Decider { state, reader, shared };
    loop {
        let first = match queue.recv_timeout(IDLE_TICK) {
            Ok(Message::Decide(submission)) => Some(submission),
            Err(RecvTimeoutError::Timeout) => None,
            Ok(Message::Close) | Err(RecvTimeoutError::Disconnected) => return,
        };
        // Never back, not even behind a command that changed nothing.
        now = now.max(clock.now());
        let mut batch = Batch::new();
        let more = decider.fill(&mut batch, first, queue, now);
        if let Err(error) = decider.reader.release_snapshot() {
            tracing::error!(%error, "the tables could not be let go of");
        }
        shared.commands.fetch_add(batch.callers.len() as u64, Ordering::Relaxed);
        // A committer that is gone has failed: dropping the batch tells its callers that nothing is known.
        if !batch.is_empty() && to_committer.send(batch).is_err() {
            return;
        }
        if !more {
            return;
        }
    }
}

struct Decider<'a> {
    state: State,
    reader: TablesReader,
    shared: &'a Shared,
}

impl Decider<'_> {
    /// Decides what waits, until the batch is full or the queue empty. False when the engine is being closed.
    fn fill(
        &mut self,
        batch: &mut Batch,
        first: Option<Submission>,
        queue: &Receiver<Message>,
        now: UnixMillis,
    ) -> bool {
        self.state.forget(self.shared.tables.stored_position());
        if self.state.next_expiry().is_some_and(|at| at <= now) {
            let expire = Command { now, request: None, action: Action::ExpireOrders };
            drop(self.decide(batch, expire));
        }
        let mut next = first;
        while let Some(submission) = next {
            self.take(batch, submission, now);
            if batch.is_full() {
                break;
            }
            next = match queue.try_recv() {
                Ok(Message::Decide(submission)) => Some(submission),
                Ok(Message::Close) => return false,
                Err(_) => None,
            };
        }
        true
    }

    fn take(&mut self, batch: &mut Batch, submission: Submission, now: UnixMillis) {
        self.shared.queued.fetch_sub(1, Ordering::Relaxed);
        let Submission { action, request, caller } = submission;
        match self.recall(Command { now, request, action }) {
            Ok(command) => {
                let answer = self.decide(batch, command);
                batch.callers.push((caller, answer));
            }
            // Dropping the caller tells it that nothing is known.
            Err(error) => tracing::error!(%error, "a command needs something that the tables cannot give"),
        }
    }

    fn decide(&mut self, batch: &mut Batch, command: Command) -> Result<Answer, Rejection> {
        let decision = decide(&self.state, command);
        for record in decision.records {
            records::encode(&record, &mut batch.frame);
            self.state.evolve(&record);
            batch.records.push(record);
        }
        decision.answer
    }

    /// Takes back from the tables what the command refers to and memory has forgotten.
    fn recall(&mut self, command: Command) -> Result<Command, TablesError> {
        let mut asked = Vec::new();
        while let Some(need) = self.state.next_need(&command, &asked) {
            // Begun after the state forgot, so it holds all that was forgotten.
            self.reader.hold_snapshot()?;
            if let Some(recalled) = self.reader.recall(need)? {
                self.state.recall(recalled);
            }
            asked.push(need);
        }
        Ok(command)
    }
}
