//! A run that version 1 has written opens for ever, and today's writer still writes these bytes.

use std::fs;
use std::path::Path;

use journal::OsDisk;
use runs::{Filter, Run, RunId};

use crate::support::{Id, Shelf};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/version-1.run");
const NUMBER: u64 = 0x0102_0304_0506_0708;

/// Two blocks of entries, a filter, and keys of all sizes.
fn entries() -> Vec<Id> {
    let small = (0..690_u64).map(|key| Id { id: u128::from(key * key), number: u64::MAX - key });
    small.chain([Id { id: u128::MAX - 1, number: 0 }]).collect()
}

#[test]
fn the_bytes_of_version_1_open() {
    let run = Run::<Id>::open(&OsDisk, Path::new(GOLDEN), RunId(NUMBER)).unwrap();
    assert!(run.range(0..=u128::MAX).map(Result::unwrap).eq(entries()));
    for entry in entries() {
        assert_eq!(run.get(entry.id).unwrap(), Some(entry));
    }
    assert!((2..300).filter(|key| run.may_contain(key * key - 1).unwrap()).count() < 20);
    run.verify().unwrap();
}

#[test]
fn the_same_bytes_are_written_today() {
    let shelf = Shelf::new();
    shelf.write(NUMBER, &entries(), Filter::ForKeys(691));
    let written = fs::read(shelf.path(NUMBER)).unwrap();
    assert!(written == fs::read(GOLDEN).unwrap());
}
