//! Reads a run in order, forward or backward.

use std::ops::{Range, RangeInclusive};

use crate::block::{self, Chunk, READ_AHEAD_BLOCKS};
use crate::{Entry, Run, RunError};

/// The entries of a run within a range of keys, in order. After an error there is nothing more.
///
/// It reads one block first, then twice as many each time up to 16: who wants one page of a history pays for little,
/// who wants everything reads in large pieces.
#[derive(Debug)]
pub struct Scan<'a, E: Entry> {
    run: &'a Run<E>,
    keys: RangeInclusive<E::Key>,
    reversed: bool,
    /// The blocks not begun yet.
    blocks: Range<usize>,
    /// The block being read, and which of its entries are left.
    block: usize,
    entries: Range<usize>,
    chunk: Chunk,
    /// How many blocks are read next time.
    ahead: usize,
}

impl<'a, E: Entry> Scan<'a, E> {
    pub(crate) fn forward(run: &'a Run<E>, keys: RangeInclusive<E::Key>) -> Self {
        let blocks = run.blocks_of(&keys);
        Self { run, keys, reversed: false, blocks, block: 0, entries: 0..0, chunk: Chunk::default(), ahead: 1 }
    }

    pub(crate) fn reversed(run: &'a Run<E>, keys: RangeInclusive<E::Key>) -> Self {
        Self { reversed: true, ..Self::forward(run, keys) }
    }

    /// Begins the next block; false if there is none.
    fn next_block(&mut self) -> Result<bool, RunError> {
        let Some(block) = (if self.reversed { self.blocks.next_back() } else { self.blocks.next() }) else {
            return Ok(false);
        };
        if !self.chunk.blocks.contains(&block) {
            let wanted = match self.reversed {
                false => block..self.blocks.end.min(block + self.ahead),
                true => self.blocks.start.max((block + 1).saturating_sub(self.ahead))..block + 1,
            };
            self.run.read(wanted, &mut self.chunk)?;
            self.ahead = READ_AHEAD_BLOCKS.min(self.ahead * 2);
        }
        let items = self.chunk.items(&self.run.layout.entries, block);
        let start = block::partition::<E>(items, |key| key < *self.keys.start());
        let end = block::partition::<E>(items, |key| key <= *self.keys.end());
        self.entries = start..end;
        self.block = block;
        Ok(true)
    }
}

impl<E: Entry> Iterator for Scan<'_, E> {
    type Item = Result<E, RunError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let index = if self.reversed { self.entries.next_back() } else { self.entries.next() };
            if let Some(index) = index {
                return Some(Ok(block::entry_at(self.chunk.items(&self.run.layout.entries, self.block), index)));
            }
            match self.next_block() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => {
                    self.blocks = 0..0;
                    return Some(Err(error));
                }
            }
        }
    }
}
