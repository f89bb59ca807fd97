//! One run: an immutable sorted file.

use std::cell::RefCell;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::OnceLock;

use journal::Disk;
use serde::{Deserialize, Serialize};

use crate::block::{self, BlockFile, Chunk, Layout};
use crate::filter::Bloom;
use crate::footer::{FOOTER_BYTES, Footer};
use crate::scan::Scan;
use crate::{Entry, Key, Place, RunError};

/// The number of a run. Its owner gives each run another one and never uses one again, so that a block that a disk
/// has left over from another file is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RunId(pub u64);

impl fmt::Display for RunId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "run {}", self.0)
    }
}

/// An open run. All reading is through `&self`, from any number of threads.
#[derive(Debug)]
pub struct Run<E: Entry> {
    pub(crate) file: BlockFile,
    pub(crate) layout: Layout,
    keys: Option<(E::Key, E::Key)>,
    /// The first key of each block of entries.
    fences: Vec<E::Key>,
    /// Read when it is first needed: many runs are never asked for a key.
    filter: OnceLock<Bloom>,
}

thread_local! {
    /// The block that a look-up reads.
    static BLOCK: RefCell<Chunk> = RefCell::default();
}

impl<E: Entry> Run<E> {
    /// Opens the run `id` in the file at `path`; checks and keeps its footer and fences, some 0.1 % of the file.
    pub fn open(disk: &dyn Disk, path: &Path, id: RunId) -> Result<Self, RunError> {
        let io = |error| RunError::io(path, "open")(error);
        let file = disk.open(path).map_err(io)?;
        let length = file.length().map_err(io)?;
        let Some(offset) = length.checked_sub(FOOTER_BYTES as u64) else {
            return Err(RunError::damaged(path, Place::Footer, "the file is too short"));
        };
        let mut bytes = [0; FOOTER_BYTES];
        file.read_exact_at(&mut bytes, offset).map_err(RunError::io(path, "read"))?;
        let footer = Footer::read::<E>(&bytes, length, id, path)?;
        let file = BlockFile::new(path, id, file);
        let fences = read_fences::<E>(&file, &footer)?;
        Ok(Self { file, layout: footer.layout, keys: footer.keys, fences, filter: OnceLock::new() })
    }

    /// The run that has just been written.
    pub(crate) fn new(file: BlockFile, footer: Footer<E::Key>, fences: Vec<E::Key>, bloom: Option<Bloom>) -> Self {
        let filter = bloom.map_or_else(OnceLock::new, OnceLock::from);
        Self { file, layout: footer.layout, keys: footer.keys, fences, filter }
    }

    /// The run's number.
    pub fn id(&self) -> RunId {
        self.file.id
    }

    /// The file's path.
    pub fn path(&self) -> &Path {
        &self.file.path
    }

    /// How many entries it has.
    pub fn count(&self) -> u64 {
        self.layout.entries.items as u64
    }

    /// The smallest key; `None` if there is no entry.
    pub fn min(&self) -> Option<E::Key> {
        self.keys.map(|(min, _)| min)
    }

    /// The largest key; `None` if there is no entry.
    pub fn max(&self) -> Option<E::Key> {
        self.keys.map(|(_, max)| max)
    }

    /// The file's length.
    pub fn bytes(&self) -> u64 {
        self.layout.end() + FOOTER_BYTES as u64
    }

    /// The entry with `key`.
    pub fn get(&self, key: E::Key) -> Result<Option<E>, RunError> {
        if self.may_contain(key)? { self.read_entry(key) } else { Ok(None) }
    }

    /// Whether an entry with `key` may be there: false is certain, and costs no read of a block.
    pub fn may_contain(&self, key: E::Key) -> Result<bool, RunError> {
        Ok(self.spans(key) && self.filter()?.is_none_or(|filter| filter.may_contain(key)))
    }

    /// Whether `key` is between the smallest and the largest.
    pub(crate) fn spans(&self, key: E::Key) -> bool {
        self.keys.is_some_and(|(min, max)| min <= key && key <= max)
    }

    /// Looks for `key` in the one block where it must be.
    pub(crate) fn read_entry(&self, key: E::Key) -> Result<Option<E>, RunError> {
        let Some(index) = self.fences.partition_point(|fence| *fence <= key).checked_sub(1) else { return Ok(None) };
        BLOCK.with_borrow_mut(|chunk| {
            self.read(index..index + 1, chunk)?;
            let items = chunk.items(&self.layout.entries, index);
            let found = block::partition::<E>(items, |other| other < key);
            Ok((found * E::SIZE < items.len())
                .then(|| block::entry_at::<E>(items, found))
                .filter(|entry| entry.key() == key))
        })
    }

    /// The filter, if the run has one.
    pub(crate) fn filter(&self) -> Result<Option<&Bloom>, RunError> {
        let section = &self.layout.filter;
        if section.items == 0 || self.filter.get().is_some() {
            return Ok(self.filter.get());
        }
        let mut bloom = Bloom::with_capacity(section.items);
        self.file.read_all(section, |lines| bloom.append(lines))?;
        Ok(Some(self.filter.get_or_init(|| bloom)))
    }

    /// The entries with keys in `keys`, ascending.
    pub fn range(&self, keys: RangeInclusive<E::Key>) -> Scan<'_, E> {
        Scan::forward(self, keys)
    }

    /// The entries with keys in `keys`, descending.
    pub fn range_reversed(&self, keys: RangeInclusive<E::Key>) -> Scan<'_, E> {
        Scan::reversed(self, keys)
    }

    /// Reads blocks of entries.
    pub(crate) fn read(&self, blocks: std::ops::Range<usize>, chunk: &mut Chunk) -> Result<(), RunError> {
        self.file.read(&self.layout.entries, blocks, chunk)
    }

    /// The blocks in which the entries with keys in `keys` must be.
    pub(crate) fn blocks_of(&self, keys: &RangeInclusive<E::Key>) -> std::ops::Range<usize> {
        if keys.is_empty() {
            return 0..0;
        }
        let end = self.fences.partition_point(|fence| fence <= keys.end());
        let start = self.fences.partition_point(|fence| fence <= keys.start()).saturating_sub(1);
        start..end
    }

    /// Reads everything anew and checks that it is whole and in order, and that the fences and the filter are right.
    pub fn verify(&self) -> Result<(), RunError> {
        let damaged = |block, what| RunError::damaged(self.path(), Place::Entries(block), what);
        let footer = Footer { id: self.id(), layout: self.layout, keys: self.keys };
        if read_fences::<E>(&self.file, &footer)? != self.fences {
            return Err(RunError::damaged(self.path(), Place::Footer, "the fences have changed since it was opened"));
        }
        let mut bloom = Bloom::with_capacity(self.layout.filter.items);
        self.file.read_all(&self.layout.filter, |lines| bloom.append(lines))?;
        let (mut block, mut last, mut result) = (0, None, Ok(()));
        self.file.read_all(&self.layout.entries, |items| {
            for (index, bytes) in items.chunks_exact(E::SIZE).enumerate() {
                let key = E::read(bytes).key();
                if last.is_some_and(|last| last >= key) {
                    result = Err(damaged(block, "the entries are out of order"));
                }
                if index == 0 && self.fences.get(block) != Some(&key) {
                    result = Err(damaged(block, "the fence is not the first key"));
                }
                if bloom.lines() > 0 && !bloom.may_contain(key) {
                    result = Err(damaged(block, "the filter does not know a key"));
                }
                last = Some(key);
            }
            block += 1;
        })?;
        if last != self.max() {
            return Err(damaged(block.saturating_sub(1), "the last key is not the largest"));
        }
        result
    }
}

/// Reads the fences and checks that they are in order and agree with the footer.
fn read_fences<E: Entry>(file: &BlockFile, footer: &Footer<E::Key>) -> Result<Vec<E::Key>, RunError> {
    let section = &footer.layout.fences;
    let mut fences: Vec<E::Key> = Vec::with_capacity(section.items);
    file.read_all(section, |items| fences.extend(items.chunks_exact(E::Key::SIZE).map(E::Key::read)))?;
    let agree = match (fences.first(), fences.last(), footer.keys) {
        (Some(first), Some(last), Some((min, max))) => *first == min && *last <= max,
        (None, None, None) => true,
        _ => false,
    };
    if agree && fences.is_sorted_by(|a, b| a < b) {
        Ok(fences)
    } else {
        Err(RunError::damaged(&file.path, Place::Footer, "the fences are out of order"))
    }
}
