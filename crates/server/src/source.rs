//! Where the time and the randomness of new ids come from.

use std::fmt;

use engine::Clock;
use payments::UnixMillis;

/// A source of what only the outside knows. Tests bring their own.
pub trait Source: Send + Sync + 'static {
    /// The time now; goes into new ids, decides nothing.
    fn now(&self) -> UnixMillis;

    /// 128 bits that nobody can guess.
    fn random(&self) -> u128;
}

/// The operating system's clock, and a cryptographic generator in each thread that it has seeded.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemSource;

impl Source for SystemSource {
    fn now(&self) -> UnixMillis {
        engine::Clock::now(&engine::SystemClock)
    }

    fn random(&self) -> u128 {
        rand::random()
    }
}

/// Some clock, and the same generator.
pub struct ClockSource(pub Box<dyn Clock + Sync>);

impl Source for ClockSource {
    fn now(&self) -> UnixMillis {
        self.0.now()
    }

    fn random(&self) -> u128 {
        SystemSource.random()
    }
}

impl fmt::Debug for ClockSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ClockSource").field(&self.0.now()).finish()
    }
}
