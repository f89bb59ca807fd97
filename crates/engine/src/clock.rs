//! Where the time comes from.

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
