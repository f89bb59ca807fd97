//! A small life, crashed at each operation on the disk in turn.

use sim::{Crash, seeds};

use crate::simulation::world::World;

const CRASHES: [Crash; 5] =
    [Crash::KeepAll, Crash::LoseAll, Crash::Break, Crash::Tear { sector: 512 }, Crash::Tear { sector: 4096 }];

#[test]
fn a_crash_at_any_operation_loses_nothing() {
    // By day each operation is crashed in one way, by night in all.
    let ways = if seeds(0).is_empty() { 1 } else { CRASHES.len() };
    let crash = |operation: usize, way: usize| CRASHES[(operation + way) % CRASHES.len()];
    let is_crashed =
        |operation: &usize| (0..ways).all(|way| World::crash_once(*operation as u64, crash(*operation, way)));
    let operations = (0..).take_while(is_crashed).count();
    println!("crashed at {operations} operations in {ways} ways");
    assert!(operations > 200, "a life of {operations} operations says little");
}

#[test]
fn what_is_seen_but_may_not_last_is_not_relied_on() {
    for syncs in 0..100 {
        (4..20).step_by(3).for_each(|operations| World::fail_once(syncs, operations + syncs % 3));
    }
}
