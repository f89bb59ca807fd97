//! Random trees against a map.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use runs::{Filter, Tree, merge};

use crate::support::{BALANCES_PER_BLOCK, Balance, Shelf};

#[derive(Clone, Debug)]
enum Step {
    /// A new run of `count` keys from `from` on, `step` apart.
    Write { from: u64, step: u64, count: u64, filter: bool },
    /// A merge of some neighbours.
    Merge { start: prop::sample::Index, count: usize, filter: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let most = 3 * BALANCES_PER_BLOCK;
    let write = (0..2 * most, 1..4_u64, 1..most, any::<bool>());
    let merge = (any::<prop::sample::Index>(), 1..5_usize, any::<bool>());
    prop_oneof![
        2 => write.prop_map(|(from, step, count, filter)| Step::Write { from, step, count, filter }),
        1 => merge.prop_map(|(start, count, filter)| Step::Merge { start, count, filter }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_tree_is_a_map(
        steps in prop::collection::vec(step(), 1..12),
        ranges in prop::collection::vec((0..25_000_u64, 0..3_000_u64), 1..6),
    ) {
        let shelf = Shelf::new();
        let mut tree = Tree::new();
        let mut model = BTreeMap::new();
        for (number, step) in (0..).zip(steps) {
            match step {
                Step::Write { from, step, count, filter } => {
                    let entry = |index| Balance { account: from + index * step, amount: number };
                    let entries: Vec<_> = (0..count).map(entry).collect();
                    let filter = if filter { Filter::ForKeys(entries.len()) } else { Filter::None };
                    tree = tree.with_new_run(Arc::new(shelf.write(number.into(), &entries, filter)));
                    model.extend(entries.iter().map(|entry| (entry.account, *entry)));
                }
                Step::Merge { start, count, filter } if tree.runs().len() > 0 => {
                    let start = start.index(tree.runs().len());
                    let inputs: Vec<_> = tree.runs().skip(start).take(count).cloned().collect();
                    let ids: Vec<_> = inputs.iter().map(|run| run.id()).collect();
                    let filter = if filter { Filter::ForKeys(5_000) } else { Filter::None };
                    let merged = merge(&inputs, shelf.writer(number.into(), filter)).unwrap();
                    tree = tree.with_merged(&ids, Arc::new(merged));
                }
                Step::Merge { .. } => {}
            }
        }
        tree.verify().unwrap();

        let all: Vec<_> = tree.range(0..=u64::MAX).map(Result::unwrap).collect();
        prop_assert!(all.iter().eq(model.values()));
        let reversed: Vec<_> = tree.range_reversed(0..=u64::MAX).map(Result::unwrap).collect();
        prop_assert!(reversed.iter().eq(model.values().rev()));
        for (from, length) in ranges {
            let range = from..=from + length;
            let part: Vec<_> = tree.range(range.clone()).map(Result::unwrap).collect();
            prop_assert!(part.iter().eq(model.range(range.clone()).map(|(_, entry)| entry)));
            let part: Vec<_> = tree.range_reversed(range.clone()).map(Result::unwrap).collect();
            prop_assert!(part.iter().eq(model.range(range).rev().map(|(_, entry)| entry)));
        }
        let keys: Vec<_> = (0..25_000).step_by(97).chain([u64::MAX]).collect();
        let expected: Vec<_> = keys.iter().map(|key| model.get(key).copied()).collect();
        let singly: Vec<_> = keys.iter().map(|key| tree.get(*key).unwrap()).collect();
        prop_assert!(singly == expected);
        prop_assert!(tree.get_many(&keys).unwrap() == expected);
    }
}
