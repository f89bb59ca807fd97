//! The tables: whatever happens, in whatever pieces it is stored, they say what the journal says.
#![allow(clippy::unwrap_used)]

#[path = "../../payments/tests/support/mod.rs"]
mod support;

mod samples;

#[path = "tables/files.rs"]
mod files;
#[path = "tables/golden.rs"]
mod golden;
#[path = "tables/histories.rs"]
mod histories;
#[path = "tables/lists.rs"]
mod lists;
#[path = "tables/plans.rs"]
mod plans;
#[path = "tables/story.rs"]
mod story;

use journal::{Anchor, FrameHash};
use payments::{Record, State, UnixMillis};
use store::tables::{Mark, TablesWriter};

/// The mark after the first `position` records.
fn mark(records: &[Record], position: usize) -> Mark {
    let time = records[..position].last().map_or(UnixMillis(0), |record| record.at);
    let hash = FrameHash::from_bytes([u8::try_from(position % 251).unwrap(); 32]);
    Mark { frame: Anchor { position: position as u64, hash }, time }
}

/// Stores the next `count` records, or as many as there are.
fn store_next(tables: &mut TablesWriter, records: &[Record], count: usize) {
    let from = usize::try_from(tables.mark().frame.position).unwrap();
    let to = records.len().min(from + count);
    tables.apply(&records[from..to].iter().collect::<Vec<_>>(), mark(records, to)).unwrap();
}

fn fold(records: &[Record]) -> State {
    let mut state = State::default();
    records.iter().for_each(|record| state.evolve(record));
    state
}
