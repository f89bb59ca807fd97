//! Several runs, read as one sorted map.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use journal::Disk;
use serde::{Deserialize, Serialize};

use crate::{Entry, Run, RunError, RunId, Scan};

/// So many neighbouring runs of one level are merged into one of the next. A tree of n new runs then holds at most
/// seven runs for each of the log₈ n levels, and each entry is written log₈ n times more.
pub const MERGE_WIDTH: usize = 8;

/// What a manifest keeps of a run in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunMeta {
    /// The run's number, from which its owner knows the file's name.
    pub id: RunId,
    /// How many merges are behind it: 0 for a run of new entries.
    pub level: u8,
    /// How many entries it has.
    pub count: u64,
    /// The smallest key; 0 if there is no entry.
    pub min: u128,
    /// The largest key; 0 if there is no entry.
    pub max: u128,
    /// The file's length.
    pub bytes: u64,
}

impl RunMeta {
    fn of<E: Entry>(run: &Run<E>, level: u8) -> Self {
        let min = run.min().map_or(0, Into::into);
        let max = run.max().map_or(0, Into::into);
        Self { id: run.id(), level, count: run.count(), min, max, bytes: run.bytes() }
    }
}

/// Runs, oldest first, that together are one map from keys to entries: of several entries with the same key only that
/// of the newest run counts. A value: whoever holds one goes on reading it while its owner replaces it.
#[derive(Debug)]
pub struct Tree<E: Entry> {
    runs: Vec<Leveled<E>>,
}

#[derive(Debug)]
struct Leveled<E: Entry> {
    run: Arc<Run<E>>,
    level: u8,
}

impl<E: Entry> Clone for Leveled<E> {
    fn clone(&self) -> Self {
        Self { run: Arc::clone(&self.run), level: self.level }
    }
}

impl<E: Entry> Clone for Tree<E> {
    fn clone(&self) -> Self {
        Self { runs: self.runs.clone() }
    }
}

impl<E: Entry> Default for Tree<E> {
    fn default() -> Self {
        Self { runs: Vec::new() }
    }
}

/// A merge that is due.
#[derive(Debug)]
pub struct MergePlan<E: Entry> {
    /// The runs to be merged, newest last, as [`merge`](crate::merge) takes them.
    pub runs: Vec<Arc<Run<E>>>,
    /// The level that the merged run will have.
    pub level: u8,
    /// Whether no older run is left in the tree: then an entry that says "this key is gone" can be left out.
    pub reaches_oldest: bool,
}

impl<E: Entry> MergePlan<E> {
    /// The numbers of the runs to be merged, as [`Tree::with_merged`] takes them.
    pub fn ids(&self) -> Vec<RunId> {
        self.runs.iter().map(|run| run.id()).collect()
    }

    /// How many entries the merged run will have at most.
    pub fn count(&self) -> u64 {
        self.runs.iter().map(|run| run.count()).sum()
    }
}

impl<E: Entry> Tree<E> {
    /// A tree without runs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Opens the tree that `metas`, oldest first, describe; `path_of` says where a run's file is.
    pub fn open(disk: &dyn Disk, metas: &[RunMeta], path_of: impl Fn(RunId) -> PathBuf) -> Result<Self, RunError> {
        let open = |meta: &RunMeta| {
            let path = path_of(meta.id);
            let run = Run::open(disk, &path, meta.id)?;
            if RunMeta::of(&run, meta.level) != *meta {
                let what = "its count, keys or length differ from the manifest";
                return Err(RunError::Foreign { path, expected: meta.id, what });
            }
            Ok(Leveled { run: Arc::new(run), level: meta.level })
        };
        Ok(Self { runs: metas.iter().map(open).collect::<Result<_, _>>()? })
    }

    /// What the manifest is to keep, oldest first.
    pub fn metas(&self) -> Vec<RunMeta> {
        self.runs.iter().map(|leveled| RunMeta::of(&leveled.run, leveled.level)).collect()
    }

    /// The runs, oldest first.
    pub fn runs(&self) -> impl DoubleEndedIterator<Item = &Arc<Run<E>>> + ExactSizeIterator {
        self.runs.iter().map(|leveled| &leveled.run)
    }

    /// How many entries all runs have, those included that a newer one of the same key hides.
    pub fn count(&self) -> u64 {
        self.runs().map(|run| run.count()).sum()
    }

    /// The length of all files.
    pub fn bytes(&self) -> u64 {
        self.runs().map(|run| run.bytes()).sum()
    }

    /// The entry with `key`.
    pub fn get(&self, key: E::Key) -> Result<Option<E>, RunError> {
        for run in self.runs().rev() {
            if let Some(entry) = run.get(key)? {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// The entries with `keys`, in the order of `keys`: what [`get`](Self::get) finds for each. Much faster for many keys
    /// of which most are absent, because the filters' cache misses overlap.
    pub fn get_many(&self, keys: &[E::Key]) -> Result<Vec<Option<E>>, RunError> {
        let mut found = vec![None; keys.len()];
        for run in self.runs().rev() {
            let filter = run.filter()?;
            let candidates: Vec<usize> = (0..keys.len())
                .filter(|index| run.spans(keys[*index]) && filter.is_none_or(|filter| filter.may_contain(keys[*index])))
                .collect();
            for index in candidates {
                if found[index].is_none() {
                    found[index] = run.read_entry(keys[index])?;
                }
            }
        }
        Ok(found)
    }

    /// The entries with keys in `keys`, ascending.
    pub fn range(&self, keys: RangeInclusive<E::Key>) -> TreeScan<'_, E> {
        TreeScan::new(self, &keys, false)
    }

    /// The entries with keys in `keys`, descending.
    pub fn range_reversed(&self, keys: RangeInclusive<E::Key>) -> TreeScan<'_, E> {
        TreeScan::new(self, &keys, true)
    }

    /// The merge that is most due: the oldest [`MERGE_WIDTH`] neighbours of the lowest level that has so many. Lowest
    /// first, because these merges are quick and many runs of new entries make every look-up slow.
    pub fn plan_merge(&self) -> Option<MergePlan<E>> {
        let due = |start: &usize| {
            let level = self.runs[*start].level;
            self.runs[*start..*start + MERGE_WIDTH].iter().all(|leveled| leveled.level == level)
        };
        let starts = 0..(self.runs.len() + 1).saturating_sub(MERGE_WIDTH);
        let start = starts.filter(due).min_by_key(|start| self.runs[*start].level)?;
        Some(MergePlan {
            runs: self.runs().skip(start).take(MERGE_WIDTH).cloned().collect(),
            level: self.runs[start].level.saturating_add(1),
            reaches_oldest: start == 0,
        })
    }

    /// The tree with `run` as its newest, of new entries.
    #[must_use]
    pub fn with_new_run(&self, run: Arc<Run<E>>) -> Self {
        let mut tree = self.clone();
        tree.runs.push(Leveled { run, level: 0 });
        tree
    }

    /// The tree with `merged` at the place and one level above the runs `inputs`, of which it was made. It may have got
    /// new runs since the merge was planned.
    ///
    /// # Panics
    ///
    /// If `inputs` are not neighbours in this tree, in its order: their owner has then merged something else.
    #[must_use]
    pub fn with_merged(&self, inputs: &[RunId], merged: Arc<Run<E>>) -> Self {
        let start = self.runs().position(|run| Some(&run.id()) == inputs.first()).unwrap_or_default();
        let replaced = || self.runs.iter().skip(start).take(inputs.len());
        assert!(
            !inputs.is_empty() && replaced().map(|leveled| leveled.run.id()).eq(inputs.iter().copied()),
            "merged runs must be neighbours in the tree"
        );
        let level = replaced().map(|leveled| leveled.level).max().unwrap_or_default().saturating_add(1);
        let mut tree = self.clone();
        tree.runs.splice(start..start + inputs.len(), [Leveled { run: merged, level }]);
        tree
    }

    /// [Verifies](Run::verify) all runs.
    pub fn verify(&self) -> Result<(), RunError> {
        self.runs().try_for_each(|run| run.verify())
    }
}

/// The entries of a tree within a range of keys, in order, each key once. After an error there is nothing more.
///
/// A run is not read before its smallest key (largest, if reversed) can be the next one.
#[derive(Debug)]
pub struct TreeScan<'a, E: Entry> {
    /// Newest first.
    sources: Vec<Source<'a, E>>,
    reversed: bool,
}

#[derive(Debug)]
struct Source<'a, E: Entry> {
    scan: Scan<'a, E>,
    next: Next<E>,
}

/// What is known of a source's next entry.
#[derive(Clone, Copy, Debug)]
enum Next<E: Entry> {
    /// Nothing has been read; its key is this one or comes later.
    NotBefore(E::Key),
    Entry(E),
}

impl<E: Entry> Next<E> {
    fn key(&self) -> E::Key {
        match self {
            Self::NotBefore(key) => *key,
            Self::Entry(entry) => entry.key(),
        }
    }
}

impl<'a, E: Entry> TreeScan<'a, E> {
    fn new(tree: &'a Tree<E>, keys: &RangeInclusive<E::Key>, reversed: bool) -> Self {
        let source = |run: &'a Arc<Run<E>>| {
            let (start, end) = (run.min()?.max(*keys.start()), run.max()?.min(*keys.end()));
            let (scan, bound) = match reversed {
                false => (run.range(keys.clone()), start),
                true => (run.range_reversed(keys.clone()), end),
            };
            (start <= end).then_some(Source { scan, next: Next::NotBefore(bound) })
        };
        Self { sources: tree.runs().rev().filter_map(source).collect(), reversed }
    }

    /// The next key, or a bound on it.
    fn next_key(&self) -> Option<E::Key> {
        let keys = self.sources.iter().map(|source| source.next.key());
        if self.reversed { keys.max() } else { keys.min() }
    }

    /// Goes on by one entry in all sources that are at `key`; the newest one's entry is the result, `None` if only
    /// bounds were at `key`.
    fn advance(&mut self, key: E::Key) -> Result<Option<E>, RunError> {
        // First replace bounds by entries: such an entry may be the newest one with this key.
        let bounds = self.step(|next| matches!(next, Next::NotBefore(bound) if *bound == key))?;
        if bounds.is_some() {
            return Ok(None);
        }
        match self.step(|next| next.key() == key)? {
            Some(Next::Entry(entry)) => Ok(Some(entry)),
            _ => Ok(None),
        }
    }

    /// Goes on in each source of which `at` is true, and gives what the newest of them had; removes those at their end.
    fn step(&mut self, at: impl Fn(&Next<E>) -> bool) -> Result<Option<Next<E>>, RunError> {
        let mut newest = None;
        let mut index = 0;
        while let Some(source) = self.sources.get_mut(index) {
            index += 1;
            if at(&source.next) {
                newest = newest.or(Some(source.next));
                match source.scan.next().transpose()? {
                    Some(entry) => source.next = Next::Entry(entry),
                    None => {
                        index -= 1;
                        self.sources.remove(index);
                    }
                }
            }
        }
        Ok(newest)
    }
}

impl<E: Entry> Iterator for TreeScan<'_, E> {
    type Item = Result<E, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let key = self.next_key()?;
            match self.advance(key) {
                Ok(Some(entry)) => return Some(Ok(entry)),
                Ok(None) => {}
                Err(error) => {
                    self.sources.clear();
                    return Some(Err(error));
                }
            }
        }
    }
}
