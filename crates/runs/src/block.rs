//! Blocks: where they are in a file, their checksums, and reading some in a row.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use journal::DiskFile;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::{Entry, Key, Place, RunError, RunId};

/// A whole block.
pub(crate) const BLOCK_BYTES: usize = 16 << 10;
/// The checksum at its end.
pub(crate) const CHECKSUM_BYTES: usize = 8;
/// What is left for items.
pub(crate) const PAYLOAD_BYTES: usize = BLOCK_BYTES - CHECKSUM_BYTES;
/// How much is read at once where everything will be needed: one seek or request for some 100 µs of transfer.
pub(crate) const READ_AHEAD_BLOCKS: usize = 16;

/// The checksum of block `block` of run `id`. A block that has got into the wrong file or place does not match.
pub(crate) fn checksum(content: &[u8], id: RunId, block: usize) -> u64 {
    xxh3_64_with_seed(content, id.0.rotate_left(32) ^ block as u64)
}

/// One of the three parts of a file: `items` of `item_bytes` each, in blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    pub(crate) items: usize,
    pub(crate) item_bytes: usize,
    /// The number of its first block.
    first_block: usize,
    /// Where it starts in the file.
    offset: u64,
    /// How a block of it is called.
    place: fn(usize) -> Place,
}

impl Section {
    /// The section after `before`, or the first. `None` if there is no file of that size.
    fn after(before: Option<&Section>, items: usize, item_bytes: usize, place: fn(usize) -> Place) -> Option<Self> {
        let (first_block, offset) = before.map_or((0, 0), |section| (section.end_block(), section.end()));
        let section = Self { items, item_bytes, first_block, offset, place };
        let most = (section.blocks() as u64).checked_mul(BLOCK_BYTES as u64)?;
        offset.checked_add(most).map(|_| section)
    }

    pub(crate) fn items_per_block(&self) -> usize {
        PAYLOAD_BYTES / self.item_bytes
    }

    pub(crate) fn blocks(&self) -> usize {
        self.items.div_ceil(self.items_per_block())
    }

    /// How many items block `block` of this section holds.
    pub(crate) fn items_in(&self, block: usize) -> usize {
        self.items.saturating_sub(block.saturating_mul(self.items_per_block())).min(self.items_per_block())
    }

    /// How long block `block` of this section is, with its checksum.
    fn bytes_of(&self, block: usize) -> usize {
        if block + 1 < self.blocks() { BLOCK_BYTES } else { self.items_in(block) * self.item_bytes + CHECKSUM_BYTES }
    }

    fn end_block(&self) -> usize {
        self.first_block + self.blocks()
    }

    fn end(&self) -> u64 {
        match self.blocks().checked_sub(1) {
            Some(last) => self.offset + (last * BLOCK_BYTES + self.bytes_of(last)) as u64,
            None => self.offset,
        }
    }
}

/// Where everything is in a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) entries: Section,
    pub(crate) fences: Section,
    pub(crate) filter: Section,
}

/// The size of a line of the filter.
pub(crate) const LINE_BYTES: usize = 64;

impl Layout {
    /// The layout of a file of `entries` entries and `lines` lines of filter; `None` if no file can be that large.
    pub(crate) fn new<E: Entry>(entries: usize, lines: usize) -> Option<Self> {
        let entries = Section::after(None, entries, E::SIZE, Place::Entries)?;
        let fences = Section::after(Some(&entries), entries.blocks(), E::Key::SIZE, Place::Fences)?;
        let filter = Section::after(Some(&fences), lines, LINE_BYTES, Place::Filter)?;
        Some(Self { entries, fences, filter })
    }

    /// Where the footer starts.
    pub(crate) fn end(&self) -> u64 {
        self.filter.end()
    }
}

/// An open file of a run.
#[derive(Debug)]
pub(crate) struct BlockFile {
    pub(crate) path: PathBuf,
    pub(crate) id: RunId,
    /// Behind a lock because a [`DiskFile`] need not be fit for several threads; held for one read.
    file: Mutex<Box<dyn DiskFile>>,
}

impl BlockFile {
    pub(crate) fn new(path: &Path, id: RunId, file: Box<dyn DiskFile>) -> Self {
        Self { path: path.to_owned(), id, file: Mutex::new(file) }
    }

    /// Reads the blocks `blocks` of `section` into `chunk` and checks them.
    pub(crate) fn read(&self, section: &Section, blocks: Range<usize>, chunk: &mut Chunk) -> Result<(), RunError> {
        chunk.blocks = 0..0;
        let Some(last) = blocks.clone().next_back() else { return Ok(()) };
        let length = (last - blocks.start) * BLOCK_BYTES + section.bytes_of(last);
        if chunk.bytes.len() < length {
            chunk.bytes.resize(length, 0);
        }
        let offset = section.offset + (blocks.start * BLOCK_BYTES) as u64;
        self.file
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .read_exact_at(&mut chunk.bytes[..length], offset)
            .map_err(RunError::io(&self.path, "read"))?;
        for (block, bytes) in blocks.clone().zip(chunk.bytes[..length].chunks(BLOCK_BYTES)) {
            let number = section.first_block + block;
            let (content, stored) = bytes.split_at(bytes.len() - CHECKSUM_BYTES);
            if checksum(content, self.id, number) != u64::read(stored) {
                return Err(RunError::damaged(&self.path, (section.place)(number), "the checksum does not match"));
            }
        }
        chunk.blocks = blocks;
        Ok(())
    }

    /// Reads all of `section` and gives each block's items to `take`.
    pub(crate) fn read_all(&self, section: &Section, mut take: impl FnMut(&[u8])) -> Result<(), RunError> {
        let mut chunk = Chunk::default();
        let blocks = section.blocks();
        for start in (0..blocks).step_by(READ_AHEAD_BLOCKS) {
            let end = blocks.min(start + READ_AHEAD_BLOCKS);
            self.read(section, start..end, &mut chunk)?;
            (start..end).for_each(|block| take(chunk.items(section, block)));
        }
        Ok(())
    }
}

/// Some blocks in a row of one section, checked.
#[derive(Debug, Default)]
pub(crate) struct Chunk {
    /// Which blocks are there.
    pub(crate) blocks: Range<usize>,
    bytes: Vec<u8>,
}

impl Chunk {
    /// The items of block `block` of `section`, which has been read; nothing if it has not.
    pub(crate) fn items(&self, section: &Section, block: usize) -> &[u8] {
        if !self.blocks.contains(&block) {
            return &[];
        }
        let start = (block - self.blocks.start) * BLOCK_BYTES;
        &self.bytes[start..start + section.items_in(block) * section.item_bytes]
    }
}

/// The item at `index` of `items`.
pub(crate) fn entry_at<E: Entry>(items: &[u8], index: usize) -> E {
    E::read(&items[index * E::SIZE..][..E::SIZE])
}

/// How many entries at the start of `items` have a key of which `before` is true; it is true of none after the first of
/// which it is not.
pub(crate) fn partition<E: Entry>(items: &[u8], before: impl Fn(E::Key) -> bool) -> usize {
    let (mut start, mut length) = (0, items.len() / E::SIZE);
    while length > 0 {
        let half = length / 2;
        if before(entry_at::<E>(items, start + half).key()) {
            start += half + 1;
            length -= half + 1;
        } else {
            length = half;
        }
    }
    start
}
