//! Which runs are merged when, and what becomes of the list.

use std::sync::Arc;

use journal::OsDisk;
use runs::{Filter, MERGE_WIDTH, RunError, RunId, RunMeta, Tree, merge, merge_filtered};

use crate::support::{Id, Shelf, id, path_in};

/// Adds a run of one entry, then does all merges that are due.
fn grow(shelf: &Shelf, tree: Tree<Id>, number: &mut u64) -> Tree<Id> {
    let mut next = || {
        *number += 1;
        *number
    };
    let key = tree.count();
    let mut tree = tree.with_new_run(Arc::new(shelf.write(next(), &[id(u128::from(key))], Filter::None)));
    while let Some(plan) = tree.plan_merge() {
        let merged = merge(&plan.runs, shelf.writer(next(), Filter::None)).unwrap();
        tree = tree.with_merged(&plan.ids(), Arc::new(merged));
    }
    tree
}

#[test]
fn levels_fill_like_digits() {
    let shelf = Shelf::new();
    let (mut tree, mut number) = (Tree::new(), 0);
    for count in 1..=130_u64 {
        tree = grow(&shelf, tree, &mut number);
        let levels: Vec<_> = tree.metas().iter().map(|meta| (meta.level, meta.count)).collect();
        let digit = |level: u8| (0..count / 8_u64.pow(level.into()) % 8).map(move |_| (level, 8_u64.pow(level.into())));
        let expected: Vec<_> = digit(2).chain(digit(1)).chain(digit(0)).collect();
        assert_eq!(levels, expected, "after {count} runs");
        assert_eq!(tree.count(), count);
    }
    tree.verify().unwrap();
}

#[test]
fn a_tree_opens_from_its_metas() {
    let shelf = Shelf::new();
    let (mut tree, mut number) = (Tree::new(), 0);
    for _ in 0..20 {
        tree = grow(&shelf, tree, &mut number);
    }
    let stored = postcard::to_allocvec(&tree.metas()).unwrap();
    let metas: Vec<RunMeta> = postcard::from_bytes(&stored).unwrap();
    assert_eq!(metas, tree.metas());
    let opened = Tree::<Id>::open(&OsDisk, &metas, |id| path_in(shelf.directory(), id)).unwrap();
    assert_eq!(opened.metas(), metas);
    assert_eq!(opened.bytes(), tree.bytes());
    let all: Vec<_> = opened.range(0..=u128::MAX).map(Result::unwrap).collect();
    assert_eq!(all, (0..20).map(id).collect::<Vec<_>>());

    let mut wrong = metas.clone();
    wrong[1].max += 1;
    let error = Tree::<Id>::open(&OsDisk, &wrong, |id| path_in(shelf.directory(), id)).unwrap_err();
    assert!(matches!(error, RunError::Foreign { expected, .. } if expected == metas[1].id), "{error}");
}

#[test]
fn a_merge_takes_its_place_below_runs_that_came_meanwhile() {
    let shelf = Shelf::new();
    let run = |number: u64, value: u64| Arc::new(shelf.write(number, &[Id { id: 5, number: value }], Filter::None));
    let width = MERGE_WIDTH as u64;
    let tree = (0..width).fold(Tree::new(), |tree, number| tree.with_new_run(run(number, number)));
    let plan = tree.plan_merge().unwrap();
    assert!(plan.reaches_oldest);
    assert_eq!((plan.level, plan.count()), (1, width));
    let later = tree.with_new_run(run(50, 99));
    let merged = Arc::new(merge(&plan.runs, shelf.writer(60, Filter::None)).unwrap());
    assert_eq!(merged.get(5).unwrap(), Some(Id { id: 5, number: width - 1 }));
    let after = later.with_merged(&plan.ids(), merged);
    let list: Vec<_> = after.metas().iter().map(|meta| (meta.id.0, meta.level)).collect();
    assert_eq!(list, [(60, 1), (50, 0)]);
    assert_eq!(after.get(5).unwrap(), Some(Id { id: 5, number: 99 }));
    assert_eq!(tree.get(5).unwrap(), Some(Id { id: 5, number: width - 1 }));
}

#[test]
#[should_panic(expected = "neighbours")]
fn a_merge_of_runs_that_are_not_there_is_refused() {
    let shelf = Shelf::new();
    let run = Arc::new(shelf.write(1, &[id(1)], Filter::None));
    let _ = Tree::new().with_new_run(Arc::clone(&run)).with_merged(&[RunId(2)], run);
}

#[test]
fn low_levels_are_merged_first_and_only_neighbours() {
    let shelf = Shelf::new();
    let levels =
        [[2, 2, 2, 2, 2, 2, 2, 2], [1, 0, 0, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 0]];
    let metas: Vec<_> = (0..)
        .zip(levels.concat())
        .map(|(number, level)| {
            let run = shelf.write(number, &[id(number.into())], Filter::None);
            RunMeta { level, ..Tree::new().with_new_run(Arc::new(run)).metas()[0] }
        })
        .collect();
    let tree = Tree::<Id>::open(&OsDisk, &metas, |id| path_in(shelf.directory(), id)).unwrap();
    let plan = tree.plan_merge().unwrap();
    assert_eq!(plan.ids(), (17..25).map(RunId).collect::<Vec<_>>());
    assert!(!plan.reaches_oldest);
    let tree = Tree::<Id>::open(&OsDisk, &metas[..16], |id| path_in(shelf.directory(), id)).unwrap();
    let plan = tree.plan_merge().unwrap();
    assert_eq!((plan.level, plan.reaches_oldest), (3, true));
    let tree = Tree::<Id>::open(&OsDisk, &metas[1..16], |id| path_in(shelf.directory(), id)).unwrap();
    assert!(tree.plan_merge().is_none());
}

#[test]
fn filtered_entries_are_gone_and_hide_nothing_older() {
    let shelf = Shelf::new();
    let entry = |id: u128, number| Id { id, number };
    let runs = [
        Arc::new(shelf.write(0, &[entry(1, 10), entry(2, 10), entry(3, 10)], Filter::None)),
        Arc::new(shelf.write(1, &[entry(1, 0), entry(3, 30)], Filter::None)),
    ];
    let merged = merge_filtered(&runs, shelf.writer(2, Filter::None), |entry| entry.number > 0).unwrap();
    let left: Vec<_> = merged.range(0..=9).map(Result::unwrap).collect();
    assert_eq!(left, [entry(2, 10), entry(3, 30)]);
    let nothing = merge_filtered(&runs, shelf.writer(3, Filter::ForKeys(5)), |_| false).unwrap();
    assert_eq!(nothing.count(), 0);
    nothing.verify().unwrap();
}
