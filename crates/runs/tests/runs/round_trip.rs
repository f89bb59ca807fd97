//! What is written is what is read, at every boundary.

use std::fs;

use proptest::prelude::*;
use runs::{Entry, Filter, Run, RunError, RunId, sort_entries};

use crate::support::{BALANCES_PER_BLOCK, Balance, IDS_PER_BLOCK, Id, Shelf, id};

/// Everything that can be asked of `run` is answered from `entries`.
fn check<E: Entry + PartialEq + std::fmt::Debug>(run: &Run<E>, entries: &[E], absent: &[E::Key]) {
    assert_eq!(run.count(), entries.len() as u64);
    assert_eq!(run.min(), entries.first().map(E::key));
    assert_eq!(run.max(), entries.last().map(E::key));
    assert_eq!(run.bytes(), fs::metadata(run.path()).unwrap().len());
    let step = 1 + entries.len() / 500;
    for entry in entries.iter().step_by(step).chain(entries.last()) {
        assert_eq!(run.get(entry.key()).unwrap(), Some(*entry));
    }
    for key in absent.iter().step_by(step).chain(absent.last()) {
        assert_eq!(run.get(*key).unwrap(), None);
    }
    if let (Some(min), Some(max)) = (run.min(), run.max()) {
        let forward: Vec<_> = run.range(min..=max).map(Result::unwrap).collect();
        assert!(forward == entries);
        let backward: Vec<_> = run.range_reversed(min..=max).map(Result::unwrap).collect();
        assert!(backward.iter().eq(entries.iter().rev()));
    }
    run.verify().unwrap();
}

#[test]
fn every_boundary_of_blocks() {
    let shelf = Shelf::new();
    let mut number = 0;
    for blocks in [0, 1, 2, 32] {
        for count in (blocks * IDS_PER_BLOCK).saturating_sub(1)..=blocks * IDS_PER_BLOCK + 1 {
            for filter in [Filter::None, Filter::ForKeys(1_000)] {
                let entries: Vec<_> = (0..count).map(|key| id(u128::from(key) * 2 + 1)).collect();
                let absent: Vec<_> = (0..count + 1).map(|key| u128::from(key) * 2).collect();
                check(&shelf.write(number, &entries, filter), &entries, &absent);
                check(&shelf.open(number).unwrap(), &entries, &absent);
                number += 1;
            }
        }
    }
}

#[test]
fn no_entry_at_all() {
    let shelf = Shelf::new();
    for (number, filter) in [(0, Filter::None), (1, Filter::ForKeys(0))] {
        shelf.write::<Id>(number, &[], filter);
        let run = shelf.open::<Id>(number).unwrap();
        check(&run, &[], &[0, 7, u128::MAX]);
        assert_eq!(run.range(0..=u128::MAX).count(), 0);
        assert_eq!(run.range_reversed(0..=u128::MAX).count(), 0);
    }
}

#[test]
fn smallest_and_largest_keys() {
    let shelf = Shelf::new();
    let ids = [id(0), id(1), id(u128::MAX - 1), id(u128::MAX)];
    check(&shelf.write(0, &ids, Filter::ForKeys(4)), &ids, &[2, u128::MAX / 2]);
    check(&shelf.open(0).unwrap(), &ids, &[2, u128::MAX - 2]);
    let balances = [0, 1, u64::MAX].map(|account| Balance { account, amount: u32::MAX });
    check(&shelf.write(1, &balances, Filter::None), &balances, &[2, u64::MAX - 1]);
    check(&shelf.open(1).unwrap(), &balances, &[2, u64::MAX - 1]);
}

#[test]
fn pushing_singly_or_in_any_pieces_makes_the_same_file() {
    let shelf = Shelf::new();
    let entries: Vec<_> = (0..3 * IDS_PER_BLOCK).map(|key| id(u128::from(key))).collect();
    shelf.write(7, &entries, Filter::ForKeys(5_000));
    let expected = fs::read(shelf.path(7)).unwrap();
    for piece in [1, 2, 681, 682, 683, 2_000] {
        fs::remove_file(shelf.path(7)).unwrap();
        let mut writer = shelf.writer(7, Filter::ForKeys(5_000));
        for entries in entries.chunks(piece) {
            match entries {
                [entry] => writer.push(entry).unwrap(),
                _ => writer.extend(entries).unwrap(),
            }
        }
        assert_eq!(writer.count(), entries.len() as u64);
        writer.finish().unwrap();
        assert!(fs::read(shelf.path(7)).unwrap() == expected, "pieces of {piece}");
    }
}

#[test]
#[should_panic(expected = "strictly ascending")]
fn a_key_twice_is_refused() {
    let _ = Shelf::new().writer(0, Filter::None).extend(&[id(1), id(1)]);
}

#[test]
#[should_panic(expected = "strictly ascending")]
fn a_smaller_key_later_is_refused() {
    let shelf = Shelf::new();
    let mut writer = shelf.writer(0, Filter::None);
    writer.push(&id(2)).unwrap();
    let _ = writer.push(&id(1));
}

#[test]
fn a_range_is_cut_at_both_ends() {
    let shelf = Shelf::new();
    let entries: Vec<_> = (0..5 * BALANCES_PER_BLOCK).map(|key| Balance { account: key * 10, amount: 1 }).collect();
    let run = shelf.write(0, &entries, Filter::None);
    let last = 5 * BALANCES_PER_BLOCK * 10 - 10;
    let edge = BALANCES_PER_BLOCK * 10;
    for (from, to) in [
        (0, 0),
        (0, 9),
        (1, 9),
        (5, 25),
        (edge - 10, edge),
        (edge, edge),
        (edge - 9, 3 * edge - 1),
        (last, u64::MAX),
        (last + 1, u64::MAX),
        (30, 20),
        (0, u64::MAX),
    ] {
        let expected: Vec<_> = entries.iter().filter(|entry| from <= entry.account && entry.account <= to).collect();
        let forward: Vec<_> = run.range(from..=to).map(Result::unwrap).collect();
        assert!(forward.iter().eq(expected.iter().copied()), "{from}..={to}");
        let backward: Vec<_> = run.range_reversed(from..=to).map(Result::unwrap).collect();
        assert!(backward.iter().eq(expected.into_iter().rev()), "{from}..={to} reversed");
    }
}

#[test]
fn the_filter_spares_most_absent_keys() {
    let shelf = Shelf::new();
    let key = |number: u128| number * 0x1_0000_0000_0000_0001;
    let entries: Vec<_> = (0..20_000).map(|number| id(key(2 * number))).collect();
    shelf.write(0, &entries, Filter::ForKeys(entries.len()));
    let run = shelf.open::<Id>(0).unwrap();
    let passed = (0..19_999).filter(|number| run.may_contain(key(2 * number + 1)).unwrap()).count();
    assert!((1..500).contains(&passed), "{passed} of 19,999 absent keys pass");
    assert!(entries.iter().all(|entry| run.may_contain(entry.id).unwrap()));
}

#[test]
fn another_run_is_not_taken_for_this_one() {
    let shelf = Shelf::new();
    shelf.write(1, &[id(1)], Filter::None);
    fs::rename(shelf.path(1), shelf.path(2)).unwrap();
    let error = shelf.open::<Id>(2).unwrap_err();
    assert!(matches!(error, RunError::Foreign { expected: RunId(2), .. }), "{error}");
    fs::rename(shelf.path(2), shelf.path(1)).unwrap();
    let error = shelf.open::<Balance>(1).unwrap_err();
    assert!(matches!(error, RunError::Foreign { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn sorting_is_sorting(
        seeds in prop::collection::vec(any::<u64>(), 0..6_000),
        mask in any::<u128>(),
        lopsided in any::<bool>(),
    ) {
        let key = |seed: u64| {
            let wide = u128::from(seed) << 64 | u128::from(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            if lopsided { wide >> (seed % 128) } else { wide & mask }
        };
        let mut entries: Vec<_> = (0..).zip(&seeds).map(|(number, seed)| Id { id: key(*seed), number }).collect();
        let mut expected = entries.clone();
        expected.sort_by_key(|entry| entry.id);
        sort_entries(&mut entries);
        prop_assert!(entries == expected);
        sort_entries(&mut entries);
        prop_assert!(entries == expected);
    }
}
