//! Makes one run of several.
//!
//! It goes in rounds. A round takes from every input all entries up to some key, the horizon, which is chosen so that
//! they fit the processor's cache: sorted pieces in a row, which the standard library's stable sort finds and merges
//! without unpredictable branches. Where only one input has entries before the others' next one, whole stretches are
//! copied as they are stored.

use std::sync::Arc;

use crate::block::{self, Chunk, READ_AHEAD_BLOCKS};
use crate::{Entry, Run, RunError, RunWriter};

/// How many blocks each input adds to a round at most, about.
const ROUND_BLOCKS: usize = 4;

/// Merges `inputs`, newest last, into `writer` and finishes it. Of entries with the same key the newest is kept.
pub fn merge<E: Entry>(inputs: &[Arc<Run<E>>], writer: RunWriter<E>) -> Result<Run<E>, RunError> {
    merge_runs(inputs, writer, None::<fn(&E) -> bool>)
}

/// Like [`merge`], and leaves out each surviving entry of which `keep` is false. An entry that says "this key is gone"
/// can be left out only when no older run is left that may still have the key: see
/// [`MergePlan::reaches_oldest`](crate::MergePlan::reaches_oldest).
pub fn merge_filtered<E: Entry>(
    inputs: &[Arc<Run<E>>],
    writer: RunWriter<E>,
    keep: impl FnMut(&E) -> bool,
) -> Result<Run<E>, RunError> {
    merge_runs(inputs, writer, Some(keep))
}

fn merge_runs<E: Entry>(
    inputs: &[Arc<Run<E>>],
    mut writer: RunWriter<E>,
    mut keep: Option<impl FnMut(&E) -> bool>,
) -> Result<Run<E>, RunError> {
    // Newest first: the sort is stable, so the entry to be kept comes first among equals.
    let mut inputs = inputs.iter().rev().map(|run| Input::open(run)).collect::<Result<Vec<_>, _>>()?;
    let mut round = Vec::new();
    loop {
        inputs.retain(|input| !input.ended());
        let Some(least) = least(&inputs) else { return writer.finish() };
        if keep.is_none() {
            let others = inputs.iter().enumerate().filter(|(index, _)| *index != least);
            let next = others.map(|(_, input)| input.head()).min();
            if inputs[least].copy_before(next, &mut writer)? {
                continue;
            }
        }
        round.clear();
        if let Some(horizon) = inputs.iter().map(Input::horizon).min() {
            for input in &mut inputs {
                input.take_up_to(horizon, &mut round)?;
            }
        }
        round.sort_by_key(E::key);
        round.dedup_by_key(|entry| entry.key());
        if let Some(keep) = &mut keep {
            round.retain(keep);
        }
        writer.extend(&round)?;
    }
}

/// The input with the smallest next key.
fn least<E: Entry>(inputs: &[Input<'_, E>]) -> Option<usize> {
    (0..inputs.len()).min_by_key(|index| inputs[*index].head())
}

/// A run being merged.
struct Input<'a, E: Entry> {
    run: &'a Run<E>,
    chunk: Chunk,
    /// The current block, which is in the chunk unless the input has ended, and how many of its bytes are taken.
    block: usize,
    taken: usize,
}

impl<'a, E: Entry> Input<'a, E> {
    fn open(run: &'a Run<E>) -> Result<Self, RunError> {
        let mut input = Self { run, chunk: Chunk::default(), block: 0, taken: 0 };
        input.read()?;
        Ok(input)
    }

    fn read(&mut self) -> Result<(), RunError> {
        let end = self.run.layout.entries.blocks().min(self.block + READ_AHEAD_BLOCKS);
        self.run.read(self.block..end, &mut self.chunk)
    }

    fn ended(&self) -> bool {
        self.block == self.run.layout.entries.blocks()
    }

    /// What is left of the current block; empty only at the end.
    fn left(&self) -> &[u8] {
        &self.items(self.block)[self.taken..]
    }

    fn items(&self, block: usize) -> &[u8] {
        self.chunk.items(&self.run.layout.entries, block)
    }

    /// The next key; of an input that has not ended.
    fn head(&self) -> E::Key {
        block::entry_at::<E>(self.left(), 0).key()
    }

    /// The last key that this input would add to a round.
    fn horizon(&self) -> E::Key {
        last_key::<E>(self.items((self.block + ROUND_BLOCKS).min(self.chunk.blocks.end) - 1))
    }

    /// Takes the entries up to and with `horizon`.
    fn take_up_to(&mut self, horizon: E::Key, round: &mut Vec<E>) -> Result<(), RunError> {
        while !self.ended() {
            let left = self.left();
            let taken = match last_key::<E>(left) <= horizon {
                true => left.len(),
                false => block::partition::<E>(left, |key| key <= horizon) * E::SIZE,
            };
            round.extend(left[..taken].chunks_exact(E::SIZE).map(E::read));
            let all = taken == left.len();
            self.advance(taken)?;
            if !all {
                break;
            }
        }
        Ok(())
    }

    /// Copies the rest of the current block if all of it comes before `next`, the others' next key; says whether it
    /// has.
    fn copy_before(&mut self, next: Option<E::Key>, writer: &mut RunWriter<E>) -> Result<bool, RunError> {
        let left = self.left();
        let comes_before = next.is_none_or(|next| last_key::<E>(left) < next);
        if comes_before {
            writer.extend_stored(left)?;
            self.advance(left.len())?;
        }
        Ok(comes_before)
    }

    /// Goes on by `bytes` of the current block, and to the next one if that was the rest.
    fn advance(&mut self, bytes: usize) -> Result<(), RunError> {
        self.taken += bytes;
        if self.taken == self.items(self.block).len() {
            self.taken = 0;
            self.block += 1;
            if self.block == self.chunk.blocks.end {
                self.read()?;
            }
        }
        Ok(())
    }
}

fn last_key<E: Entry>(items: &[u8]) -> E::Key {
    block::entry_at::<E>(items, items.len() / E::SIZE - 1).key()
}
