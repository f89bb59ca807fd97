//! Where the time comes from.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use payments::UnixMillis;

/// A source of the time. It may jump: the engine never lets a command be decided earlier than the one before.
pub trait Clock: Send {
    /// The time now.
    fn now(&self) -> UnixMillis;
}

/// The operating system's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> UnixMillis {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMillis(u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX))
    }
}

/// A clock that can be set forward: a sandbox's. Clones are one clock.
#[derive(Debug, Clone, Default)]
pub struct TestClock(Arc<AtomicU64>);

impl TestClock {
    /// Goes forward by so many milliseconds.
    pub fn advance(&self, milliseconds: u64) {
        // A sum beyond what can be counted would set it back.
        let ahead = |ahead: u64| Some(ahead.saturating_add(milliseconds));
        let _always_done = self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, ahead);
    }

    /// Goes forward to this moment, if that is later than now.
    pub fn advance_to(&self, moment: UnixMillis) {
        self.advance(moment.0.saturating_sub(self.now().0));
    }
}

impl Clock for TestClock {
    fn now(&self) -> UnixMillis {
        SystemClock.now().plus(self.0.load(Ordering::Acquire))
    }
}
