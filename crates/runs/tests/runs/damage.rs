//! Every byte of a file matters, and what is wrong with it is told from what is newer.

use std::fs;

use runs::{Filter, Place, Run, RunError};
use xxhash_rust::xxh3::xxh3_64;

use crate::support::{IDS_PER_BLOCK, Id, Shelf, id};

/// Opens the file and reads everything in it in every way; the first error, if any.
fn read_everything(shelf: &Shelf, expected: &[Id]) -> Result<(), RunError> {
    let run: Run<Id> = shelf.open(0)?;
    let mut right = true;
    for entry in expected.iter().step_by(expected.len().div_ceil(7)) {
        right &= run.get(entry.id)? == Some(*entry);
    }
    let entries = run.range(0..=u128::MAX).collect::<Result<Vec<_>, _>>()?;
    assert!(right && entries == expected, "wrong data, and no error");
    run.verify()
}

fn entries(count: u64) -> Vec<Id> {
    (0..count).map(|key| id(u128::from(key) * 3)).collect()
}

#[test]
fn every_flipped_bit_of_a_small_run_is_noticed() {
    let shelf = Shelf::new();
    let entries = entries(3);
    shelf.write(0, &entries, Filter::ForKeys(3));
    let whole = fs::read(shelf.path(0)).unwrap();
    assert_eq!(whole.len(), (3 * 24 + 8) + (16 + 8) + (64 + 8) + 96);
    read_everything(&shelf, &entries).unwrap();
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(shelf.path(0), bytes).unwrap();
        let error = read_everything(&shelf, &entries).expect_err("a flipped bit went unnoticed");
        let place = match bit / 8 {
            0..80 => Place::Entries(0),
            80..104 => Place::Fences(1),
            104..176 => Place::Filter(2),
            _ => Place::Footer,
        };
        assert!(matches!(error, RunError::Damaged { place: found, .. } if found == place), "bit {bit}: {error}");
    }
}

#[test]
fn flipped_bytes_of_a_larger_run_are_noticed_and_the_block_is_named() {
    let shelf = Shelf::new();
    let entries = entries(2 * IDS_PER_BLOCK + 10);
    shelf.write(0, &entries, Filter::None);
    let whole = fs::read(shelf.path(0)).unwrap();
    for byte in (0..whole.len()).step_by(311).chain(16_368..16_384) {
        let mut bytes = whole.clone();
        bytes[byte] ^= 0x80;
        fs::write(shelf.path(0), bytes).unwrap();
        let error = read_everything(&shelf, &entries).expect_err("a flipped byte went unnoticed");
        let block = byte / 16_384;
        if block < 2 {
            assert!(matches!(error, RunError::Damaged { place: Place::Entries(found), .. } if found == block));
        }
        assert!(error.to_string().starts_with(&shelf.path(0).display().to_string()), "{error}");
    }
}

#[test]
fn any_other_length_is_noticed() {
    let shelf = Shelf::new();
    shelf.write(0, &entries(3), Filter::None);
    let whole = fs::read(shelf.path(0)).unwrap();
    for length in 0..whole.len() {
        fs::write(shelf.path(0), &whole[..length]).unwrap();
        let error = shelf.open::<Id>(0).unwrap_err();
        assert!(matches!(error, RunError::Damaged { place: Place::Footer, .. }), "{error}");
    }
    for (front, back) in [(1, 0), (0, 1), (96, 0), (0, 96), (16_384, 0)] {
        let bytes = [vec![0; front], whole.clone(), vec![0; back]].concat();
        fs::write(shelf.path(0), bytes).unwrap();
        assert!(matches!(shelf.open::<Id>(0), Err(RunError::Damaged { place: Place::Footer, .. })));
    }
}

#[test]
fn blocks_in_each_others_place_are_noticed() {
    let shelf = Shelf::new();
    let entries = entries(3 * IDS_PER_BLOCK);
    shelf.write(0, &entries, Filter::None);
    shelf.write(1, &entries, Filter::None);
    let whole = fs::read(shelf.path(0)).unwrap();
    let (first, rest) = whole.split_at(16_384);
    let (second, rest) = rest.split_at(16_384);
    fs::write(shelf.path(0), [second, first, rest].concat()).unwrap();
    let error = read_everything(&shelf, &entries).unwrap_err();
    assert!(matches!(error, RunError::Damaged { place: Place::Entries(0), .. }), "{error}");
    let other = fs::read(shelf.path(1)).unwrap();
    fs::write(shelf.path(0), [first, &other[16_384..32_768], rest].concat()).unwrap();
    let error = read_everything(&shelf, &entries).unwrap_err();
    assert!(matches!(error, RunError::Damaged { place: Place::Entries(1), .. }), "{error}");
}

#[test]
fn a_newer_version_is_called_so() {
    let shelf = Shelf::new();
    shelf.write(0, &entries(3), Filter::None);
    let mut bytes = fs::read(shelf.path(0)).unwrap();
    let footer = bytes.len() - 96;
    bytes[footer + 4] = 2;
    let checksum = xxh3_64(&bytes[footer..footer + 88]);
    bytes[footer + 88..].copy_from_slice(&checksum.to_le_bytes());
    fs::write(shelf.path(0), bytes).unwrap();
    let error = shelf.open::<Id>(0).unwrap_err();
    assert!(matches!(error, RunError::Newer { version: 2, .. }), "{error}");
}

#[test]
fn an_impossible_footer_with_a_right_checksum_is_damage() {
    let shelf = Shelf::new();
    shelf.write(0, &entries(3), Filter::None);
    let whole = fs::read(shelf.path(0)).unwrap();
    let footer = whole.len() - 96;
    for (at, byte) in [(0, 0xFF), (23, 0xFF), (16, 2), (16, 0), (31, 0x7F), (24, 1), (55, 0xFF)] {
        let mut bytes = whole.clone();
        bytes[footer + at] = byte;
        let checksum = xxh3_64(&bytes[footer..footer + 88]);
        bytes[footer + 88..].copy_from_slice(&checksum.to_le_bytes());
        fs::write(shelf.path(0), bytes).unwrap();
        let error = shelf.open::<Id>(0).unwrap_err();
        assert!(matches!(error, RunError::Damaged { place: Place::Footer, .. }), "{at}: {error}");
    }
}
