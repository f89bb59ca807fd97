//! Where commands wait for the decider, and where the committer says that the disk is free.
//!
//! Group commit: while the disk is busy, commands gather here; when it is free, all of them are decided and written
//! together. The busier it gets, the larger the frames and the fewer the syncs, and nobody is woken for nothing.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::submission::Submission;

/// Commands that may wait to be decided. At 50,000 a second this is a sixth of a second.
const CAPACITY: usize = 8_192;

/// So many waiting commands are decided even while the disk is busy, so that they are ready when it is not.
const DECIDE_AHEAD: usize = 128;

pub(crate) struct Inbox {
    state: Mutex<Waiting>,
    /// Told when the decider has something to do.
    work: Condvar,
    /// Told when commands were taken.
    room: Condvar,
}

struct Waiting {
    commands: VecDeque<Submission>,
    disk_is_free: bool,
    closed: bool,
}

/// What became of a command that was handed in.
pub(crate) enum HandedIn {
    /// It will be decided.
    Taken,
    /// Too many wait.
    Full(Submission),
    /// Nothing is decided any more.
    Closed(Submission),
}

/// What the decider finds to do.
pub(crate) struct Work {
    /// Commands to decide.
    pub(crate) commands: VecDeque<Submission>,
    /// Whether what is decided can be handed to the committer now.
    pub(crate) disk_is_free: bool,
    /// Whether these are the last commands.
    pub(crate) closed: bool,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        let state = Waiting { commands: VecDeque::new(), disk_is_free: true, closed: false };
        Self { state: Mutex::new(state), work: Condvar::new(), room: Condvar::new() }
    }

    /// How many commands wait.
    pub(crate) fn len(&self) -> usize {
        self.lock().commands.len()
    }

    /// Takes a command in, unless too many wait.
    pub(crate) fn offer(&self, submission: Submission) -> HandedIn {
        let state = self.lock();
        if !state.closed && state.commands.len() >= CAPACITY {
            return HandedIn::Full(submission);
        }
        self.add(state, submission)
    }

    /// Takes a command in as soon as there is room.
    pub(crate) fn put(&self, submission: Submission) -> HandedIn {
        let full = |state: &mut Waiting| !state.closed && state.commands.len() >= CAPACITY;
        let state = self.room.wait_while(self.lock(), full).unwrap_or_else(PoisonError::into_inner);
        self.add(state, submission)
    }

    fn add(&self, mut state: MutexGuard<'_, Waiting>, submission: Submission) -> HandedIn {
        if state.closed {
            return HandedIn::Closed(submission);
        }
        state.commands.push_back(submission);
        let count = state.commands.len();
        let wake = if state.disk_is_free { count == 1 } else { count == DECIDE_AHEAD };
        drop(state);
        if wake {
            self.work.notify_one();
        }
        HandedIn::Taken
    }

    /// Waits, at most so long, until there is something to do: commands, unless there is no room for more of them; or
    /// a free disk, if something was decided.
    pub(crate) fn next(&self, has_decided: bool, has_room: bool, patience: Duration) -> Work {
        let idle = |state: &mut Waiting| {
            let wanted = if state.disk_is_free { 1 } else { DECIDE_AHEAD };
            let more = has_room && (state.closed || state.commands.len() >= wanted);
            !(more || has_decided && state.disk_is_free)
        };
        let (mut state, _) =
            self.work.wait_timeout_while(self.lock(), patience, idle).unwrap_or_else(PoisonError::into_inner);
        let commands = if has_room { std::mem::take(&mut state.commands) } else { VecDeque::new() };
        let closed = state.closed && state.commands.is_empty();
        let work = Work { commands, disk_is_free: state.disk_is_free, closed };
        drop(state);
        self.room.notify_all();
        work
    }

    /// The committer is at work from now on.
    pub(crate) fn disk_is_busy(&self) {
        self.lock().disk_is_free = false;
    }

    /// The committer can take the next batch, or is gone and will refuse it.
    pub(crate) fn disk_is_free(&self) {
        self.lock().disk_is_free = true;
        self.work.notify_one();
    }

    /// Takes in no more; what is there will be decided.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.work.notify_one();
        self.room.notify_all();
    }

    /// The decider is gone: what still waits is dropped, which tells its callers that nothing is known.
    pub(crate) fn abandon(&self) {
        self.close();
        let commands = std::mem::take(&mut self.lock().commands);
        drop(commands);
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
