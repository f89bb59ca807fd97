//! Whether the disk has room, and what that makes of decisions that were not recorded.
//!
//! While one batch is written, the next is decided on top of it. If the disk has no room for the first, both are refused,
//! and the state that holds them is worth nothing: it is thrown away and made again from what is durable. Each such
//! refusal has a number, so that the committer knows a batch that was decided before the decider heard of it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What the committer tells the decider and the callers about the disk.
#[derive(Default)]
pub(crate) struct Room {
    full: AtomicBool,
    refusals: AtomicU64,
}

impl Room {
    /// Whether there was none when it was last looked for.
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// How often a batch was refused for want of room.
    pub(crate) fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Acquire)
    }

    /// A batch is refused, and with it all that was decided since.
    pub(crate) fn refuse(&self) {
        self.refusals.fetch_add(1, Ordering::AcqRel);
        self.full.store(true, Ordering::Release);
    }

    /// There is room again.
    pub(crate) fn found(&self) {
        self.full.store(false, Ordering::Release);
    }
}
