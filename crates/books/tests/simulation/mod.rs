//! Books on a disk that crashes, tears, fails and fills up, driven by a seed. Whatever happens, what was acknowledged
//! is there afterwards, and what was begun is there whole or not at all, in its order.
//!
//! With [`Options::in_step`](books::Options) the disk is asked for the same in the same order each time, and a seed
//! repeats itself, except while several batches are on their way: then deciding reads while the disk is written, and how
//! far it is ahead when that fails is up to the threads. Without it the threads interleave as they like; only the
//! workload and the plan of faults follow from the seed. A life that is crashed at each operation in turn is in step, one
//! batch after the other, and repeats itself to the byte.
//!
//! `TAPSTONE_SEEDS` says how many seeds to try.

mod boundaries;
mod faults;
mod pipeline;
mod world;

use sim::seeds;

use crate::simulation::world::World;

#[test]
fn nothing_is_lost_in_step() {
    seeds(250).for_each(|seed| World::live(seed, true));
}

#[test]
fn nothing_is_lost_by_threads() {
    seeds(250).for_each(|seed| World::live(seed, false));
}
