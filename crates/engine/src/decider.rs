//! The thread that decides. It owns the state; nobody else sees it.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::atomic::Ordering;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use journal::{FrameBuffer, Journal};
use payments::{Action, Answer, Command, Record, Rejection, State, UnixMillis, decide};
use store::records;
use store::tables::{TablesError, TablesReader};

use crate::clock::Clock;
use crate::error::{OpenError, Unavailable};
use crate::inbox::Inbox;
use crate::submission::{Caller, Submission};
use crate::{Shared, recovery};

/// Commands decided into one journal frame at most.
const MAX_COMMANDS: usize = 4_096;

/// Bytes of one journal frame after which no more commands are added to it.
const MAX_FRAME_BYTES: usize = 2 << 20;

/// Bytes of one journal frame after which no more of what is due is done in it.
const MAX_DUE_BYTES: usize = 256 << 10;

/// How long the decider sleeps at most, so that what is due is noticed in an idle shop.
const IDLE_TICK: Duration = Duration::from_millis(250);

/// Commands that were decided together, on their way to the disk.
pub(crate) struct Batch {
    /// The records, encoded.
    pub(crate) frame: FrameBuffer,
    pub(crate) records: Vec<Record>,
    pub(crate) callers: Vec<(Caller, Result<Answer, Rejection>)>,
    /// How many batches had been refused for want of room when the state was made on which this one was decided.
    pub(crate) refusals: u64,
}

impl Batch {
    fn new(refusals: u64) -> Self {
        Self { frame: FrameBuffer::new(), records: Vec::new(), callers: Vec::new(), refusals }
    }

    /// Tells its callers that nothing of it was recorded.
    pub(crate) fn refuse(self, why: Unavailable) {
        self.callers.into_iter().for_each(|(caller, _)| caller.tell(Err(why)));
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

/// What the decider begins with.
pub(crate) struct Beginning {
    pub(crate) state: State,
    pub(crate) clock: Box<dyn Clock>,
    pub(crate) reader: TablesReader,
    pub(crate) journal: Journal,
}

pub(crate) fn run(beginning: Beginning, to_committer: &SyncSender<Batch>, shared: &Shared) {
    let _abandon = Abandon(&shared.inbox);
    let Beginning { state, clock, reader, journal } = beginning;
    let (now, refusals) = (state.now(), 0);
    let waiting = VecDeque::new();
    let mut decider = Decider { now, state, refusals, clock, reader, journal, waiting, more_is_due: false, shared };
    let mut batch = Batch::new(decider.refusals);
    loop {
        // What a frame had no room for is done in the next one; while the disk is busy with the last, nothing is.
        let patience = if decider.more_is_due && batch.is_empty() { Duration::ZERO } else { IDLE_TICK };
        let work = shared.inbox.next(!batch.is_empty(), decider.waiting.is_empty(), patience);
        decider.waiting.extend(work.commands);
        if decider.is_stale() {
            batch.refuse(Unavailable::DiskFull);
            decider.start_over();
            batch = Batch::new(decider.refusals);
        }
        if shared.room.is_full() || decider.is_stale() {
            decider.refuse_waiting();
        } else {
            decider.fill(&mut batch);
        }
        let done = work.closed && decider.waiting.is_empty();
        if !batch.is_empty() && (work.disk_is_free || done) {
            shared.inbox.disk_is_busy();
            // A committer that is gone has failed: dropping the batch tells its callers that nothing is known.
            if to_committer.send(std::mem::replace(&mut batch, Batch::new(decider.refusals))).is_err() {
                return;
            }
        }
        if done {
            return;
        }
    }
}

/// However the decider ends, nobody waits for it in vain.
struct Abandon<'a>(&'a Inbox);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

struct Decider<'a> {
    /// Never back, not even behind a command that changed nothing.
    now: UnixMillis,
    state: State,
    /// How many batches had been refused for want of room when the state was made.
    refusals: u64,
    clock: Box<dyn Clock>,
    reader: TablesReader,
    journal: Journal,
    /// Commands that the last batch had no room for.
    waiting: VecDeque<Submission>,
    /// Whether the last batch had no room for more of what is due.
    more_is_due: bool,
    shared: &'a Shared,
}

impl Decider<'_> {
    /// Whether the state holds what was refused since it was made.
    fn is_stale(&self) -> bool {
        self.refusals != self.shared.room.refusals()
    }

    /// Throws the state away and makes it again from what is durable. Nothing is appended meanwhile: the committer takes
    /// nothing that was decided on the old one.
    fn start_over(&mut self) {
        let refusals = self.shared.room.refusals();
        match self.recover() {
            Ok(state) => (self.state, self.refusals) = (state, refusals),
            // It is tried again; until then nothing is decided.
            Err(error) => tracing::error!(%error, "what is durable could not be read; trying again"),
        }
    }

    fn recover(&self) -> Result<State, OpenError> {
        self.reader.hold_snapshot()?;
        let loaded = self.reader.load_state();
        self.reader.release_snapshot()?;
        let (mark, state) = loaded?;
        recovery::fold_tail(&self.journal, mark, state)
    }

    fn refuse_waiting(&mut self) {
        self.more_is_due = false;
        for submission in self.waiting.drain(..) {
            submission.caller.tell(Err(Unavailable::DiskFull));
        }
    }

    /// Decides what waits, until the batch is full.
    fn fill(&mut self, batch: &mut Batch) {
        self.now = self.now.max(self.clock.now());
        self.state.forget(self.shared.tables.stored_position());
        self.tick(batch);
        let before = self.waiting.len();
        while !batch.is_full()
            && let Some(submission) = self.waiting.pop_front()
        {
            self.take(batch, submission);
        }
        self.shared.commands.fetch_add((before - self.waiting.len()) as u64, Ordering::Relaxed);
        if let Err(error) = self.reader.release_snapshot() {
            tracing::error!(%error, "the tables could not be let go of");
        }
    }

    /// Does what is due, until nothing is or the batch has enough of it: those who ask must not wait for all of it.
    fn tick(&mut self, batch: &mut Batch) {
        let until = MAX_FRAME_BYTES.min(batch.frame.len() + MAX_DUE_BYTES);
        self.more_is_due = false;
        while self.state.next_due().is_some_and(|at| at <= self.now) {
            if batch.frame.len() >= until {
                self.more_is_due = true;
                break;
            }
            let before = batch.records.len();
            match self.recall(Command { now: self.now, request: None, action: Action::Tick }) {
                Ok(command) => drop(self.decide(batch, command)),
                Err(error) => tracing::error!(%error, "what is due needs something that the tables cannot give"),
            }
            if batch.records.len() == before {
                break;
            }
        }
    }

    fn take(&mut self, batch: &mut Batch, submission: Submission) {
        let Submission { action, request, caller } = submission;
        match self.recall(Command { now: self.now, request, action }) {
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
