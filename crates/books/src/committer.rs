//! The thread that waits for the disk: frames become durable in order, and stretches of them go on to the tables.

use std::num::NonZeroU32;
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use journal::{Anchor, FrameBuffer, JournalError, JournalWriter};

use crate::checkpoint::Stretch;

/// What the committer is given, in order.
pub(crate) enum Job {
    /// The facts of a batch.
    Frame { frame: FrameBuffer, events: NonZeroU32 },
    /// All frames before this belong to a stretch of the journal that is to be written to the tables.
    Stretch(Box<Stretch>),
    /// Whether a frame with a payload of so many bytes has room now.
    Room { payload_bytes: usize, answer: SyncSender<Result<(), JournalError>> },
}

/// How far the journal is durable, for those who wait.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Frames that are durable, counted since the books were opened.
    frames: u64,
    /// Why there will be no more.
    end: Option<End>,
    /// Buffers to be used again.
    buffers: Vec<FrameBuffer>,
}

/// Why no more frames become durable.
#[derive(Debug, Clone)]
enum End {
    Failed(JournalError),
    Gone,
}

impl Progress {
    /// Waits until so many frames are durable.
    pub(crate) fn wait(&self, frames: u64) -> Result<(), Option<JournalError>> {
        let waits = |state: &mut State| state.frames < frames && state.end.is_none();
        let state = self.changed.wait_while(self.lock(), waits).unwrap_or_else(PoisonError::into_inner);
        match &state.end {
            _ if state.frames >= frames => Ok(()),
            Some(End::Failed(error)) => Err(Some(error.clone())),
            _ => Err(None),
        }
    }

    /// Why there will be no more frames, if so.
    pub(crate) fn failure(&self) -> Option<Option<JournalError>> {
        match &self.lock().end {
            None => None,
            Some(End::Failed(error)) => Some(Some(error.clone())),
            Some(End::Gone) => Some(None),
        }
    }

    /// How many frames are durable.
    pub(crate) fn frames(&self) -> u64 {
        self.lock().frames
    }

    /// A buffer for the next frame.
    pub(crate) fn buffer(&self) -> FrameBuffer {
        self.lock().buffers.pop().unwrap_or_default()
    }

    fn durable(&self, buffer: FrameBuffer) {
        let mut state = self.lock();
        state.frames += 1;
        state.buffers.push(buffer);
        drop(state);
        self.changed.notify_all();
    }

    fn end(&self, end: End) {
        self.lock().end.get_or_insert(end);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Runs until all jobs are done or the journal fails. After a failure nothing more is taken, not even a stretch that
/// was durable before: what is in memory ahead of the journal must not reach the tables.
pub(crate) fn run(
    mut journal: JournalWriter,
    jobs: Receiver<Job>,
    tables: Sender<(Box<Stretch>, Anchor)>,
    progress: &Progress,
) {
    let goodbye = Goodbye(progress);
    while let Ok(job) = jobs.recv() {
        match job {
            Job::Frame { mut frame, events } => match journal.append(events, &mut frame) {
                Ok(_) => progress.durable(frame),
                Err(error) => {
                    tracing::error!(%error, "the ledger's journal could not be written");
                    progress.end(End::Failed(error));
                    break;
                }
            },
            Job::Stretch(stretch) => {
                // If the tables' thread is gone, the books find out when they wait for it.
                let _ = tables.send((stretch, journal.end()));
            }
            Job::Room { payload_bytes, answer } => {
                let _ = answer.send(journal.make_room(payload_bytes));
            }
        }
    }
    drop(goodbye);
}

/// However the committer ends, nobody waits for it in vain.
struct Goodbye<'a>(&'a Progress);

impl Drop for Goodbye<'_> {
    fn drop(&mut self) {
        self.0.end(End::Gone);
    }
}
