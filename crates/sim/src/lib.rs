//! A world that goes wrong on purpose, for tests: [`FaultyDisk`] is a disk in memory that crashes, tears, loses, fills
//! up, fails and lies, as far as a real one and its operating system may.
//!
//! Everything follows from a seed and from the order of the calls: there is no clock and no other randomness, so the same
//! seed fails the same way again. [`Random`] is the generator, for tests that draw their workload from the seed too, and
//! [`seeds`] says how many seeds to try.
//!
//! It promises what the journal's contract asks of a disk and no more: what was synced is there after a crash, sectors
//! that were not written are as they were, a rename happens or does not. It is no model of any one file system.

mod disk;
mod file;
mod random;

pub use disk::{Crash, FaultyDisk, Operation, Rates};
pub use random::Random;

/// The seeds that a test tries: the `usual` number of them, or as many as the environment's `TAPSTONE_SEEDS` says, as
/// it does by night.
pub fn seeds(usual: u64) -> std::ops::Range<u64> {
    let wanted = std::env::var("TAPSTONE_SEEDS").ok().and_then(|number| number.parse().ok());
    0..wanted.unwrap_or(usual)
}
