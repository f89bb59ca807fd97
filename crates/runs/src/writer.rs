//! Writes a run: entries in ascending order of keys, streamed into a new file.

use std::io;
use std::path::{Path, PathBuf};

use journal::{Disk, DiskFile};

use crate::block::{self, BLOCK_BYTES, BlockFile, CHECKSUM_BYTES, LINE_BYTES, Layout, PAYLOAD_BYTES};
use crate::filter::Bloom;
use crate::footer::Footer;
use crate::{Entry, Key, Run, RunError, RunId};

/// How much is collected before it is written: large enough that the call costs nothing by the byte, small enough to
/// stay in the processor's cache until then.
const WRITE_BYTES: usize = 512 << 10;
/// How much is written between two syncs. A sync of the journal may have to wait until the file system has got rid of
/// what is dirty in other files, so that must never be much: 16 MiB are some 50 ms of a modest disk.
const SYNC_BYTES: usize = 16 << 20;

/// Whether a run gets a filter, which spares most reads for keys that it does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filter {
    /// No filter.
    None,
    /// A filter of ten bits for each of so many keys, held in memory while the run is written. If there come to be more
    /// keys, it works less well, not wrongly.
    ForKeys(usize),
}

/// A run being written. Dropped unfinished, or after an error, it leaves a file that is to be removed.
#[derive(Debug)]
pub struct RunWriter<E: Entry> {
    out: BlockWriter,
    count: usize,
    /// The first key and the last so far.
    keys: Option<(E::Key, E::Key)>,
    fences: Vec<E::Key>,
    filter: Option<Bloom>,
}

impl<E: Entry> RunWriter<E> {
    const SIZE_IS_SOUND: () = assert!(E::SIZE >= <E::Key as Key>::SIZE && E::SIZE <= 4096);

    /// Creates the file at `path`, which must not exist, for the run `id`.
    pub fn create(disk: &dyn Disk, path: &Path, id: RunId, filter: Filter) -> Result<Self, RunError> {
        let () = Self::SIZE_IS_SOUND;
        let file = disk.create(path).map_err(RunError::io(path, "create"))?;
        let filter = match filter {
            Filter::None => None,
            Filter::ForKeys(keys) => Some(Bloom::for_keys(keys)),
        };
        let out = BlockWriter::new(file, path, id);
        Ok(Self { out, count: 0, keys: None, fences: Vec::new(), filter })
    }

    /// Adds one entry. [`extend`](Self::extend) is faster for many.
    ///
    /// # Panics
    ///
    /// If its key is not larger than that of the entry before: a run out of order would answer wrongly for ever.
    pub fn push(&mut self, entry: &E) -> Result<(), RunError> {
        self.extend(std::slice::from_ref(entry))
    }

    /// Adds `entries`.
    ///
    /// # Panics
    ///
    /// If they are not strictly ascending by key, or not larger than those before.
    pub fn extend(&mut self, mut entries: &[E]) -> Result<(), RunError> {
        while let Some(first) = entries.first() {
            let space = self.space_for(first.key())?;
            let (now, later) = entries.split_at(entries.len().min(space.len() / E::SIZE));
            for (slot, entry) in space.chunks_exact_mut(E::SIZE).zip(now) {
                entry.write(slot);
            }
            assert!(now.is_sorted_by(|a, b| a.key() < b.key()), "entries must be strictly ascending by key");
            self.added(first.key(), now.last().map_or(first.key(), E::key), now.iter().map(E::key), now.len());
            entries = later;
        }
        Ok(())
    }

    /// Adds entries as they are stored in another run, which has seen to their order among themselves.
    pub(crate) fn extend_stored(&mut self, mut items: &[u8]) -> Result<(), RunError> {
        while !items.is_empty() {
            let first = block::entry_at::<E>(items, 0).key();
            let space = self.space_for(first)?;
            let (now, later) = items.split_at(items.len().min(space.len()));
            space[..now.len()].copy_from_slice(now);
            let count = now.len() / E::SIZE;
            let last = block::entry_at::<E>(now, count - 1).key();
            self.added(first, last, now.chunks_exact(E::SIZE).map(|bytes| E::read(bytes).key()), count);
            items = later;
        }
        Ok(())
    }

    /// The space of at least one entry in the current block, for an entry with `key` and those that follow it.
    fn space_for(&mut self, key: E::Key) -> Result<&mut [u8], RunError> {
        assert!(self.keys.is_none_or(|(_, last)| last < key), "entries must be strictly ascending by key");
        self.out.space(E::SIZE)
    }

    /// Takes note of `count` entries, which have been written into the space, with the keys `first` to `last`.
    fn added(&mut self, first: E::Key, last: E::Key, keys: impl Iterator<Item = E::Key>, count: usize) {
        if self.out.filled == 0 {
            self.fences.push(first);
        }
        self.out.filled += count * E::SIZE;
        self.count += count;
        self.keys = Some((self.keys.map_or(first, |(min, _)| min), last));
        if let Some(filter) = &mut self.filter {
            keys.for_each(|key| filter.insert(key));
        }
    }

    /// How many entries there are so far.
    pub fn count(&self) -> u64 {
        self.count as u64
    }

    /// Completes the file, makes its content durable and opens it. Its name is durable only after a
    /// [`Disk::sync_directory`].
    pub fn finish(mut self) -> Result<Run<E>, RunError> {
        let out = &mut self.out;
        out.end_section()?;
        for fence in &self.fences {
            fence.write(&mut out.space(E::Key::SIZE)?[..E::Key::SIZE]);
            out.filled += E::Key::SIZE;
        }
        out.end_section()?;
        for line in self.filter.iter().flat_map(Bloom::stored) {
            out.space(LINE_BYTES)?[..LINE_BYTES].copy_from_slice(&line);
            out.filled += LINE_BYTES;
        }
        out.end_section()?;
        let lines = self.filter.as_ref().map_or(0, Bloom::lines);
        let layout = Layout::new::<E>(self.count, lines)
            .ok_or_else(|| RunError::io(&out.path, "write")(io::ErrorKind::FileTooLarge.into()))?;
        let footer = Footer { id: out.id, layout, keys: self.keys };
        let file = self.out.finish(&footer.write())?;
        Ok(Run::new(file, footer, self.fences, self.filter))
    }
}

/// Puts items into blocks, and blocks into the file.
#[derive(Debug)]
struct BlockWriter {
    file: Box<dyn DiskFile>,
    path: PathBuf,
    id: RunId,
    /// Closed blocks, then the current one from `start` on, of which `filled` bytes hold items. There is always room
    /// for a whole block after `start`.
    buffer: Vec<u8>,
    start: usize,
    filled: usize,
    /// The current block's number.
    block: usize,
    /// Where in the file the buffer belongs.
    offset: u64,
    unsynced: usize,
    /// Whether a write or sync has failed: what the file holds is then unknown, and nothing may follow.
    failed: bool,
}

impl BlockWriter {
    fn new(file: Box<dyn DiskFile>, path: &Path, id: RunId) -> Self {
        let buffer = vec![0; WRITE_BYTES];
        let path = path.to_owned();
        Self { file, path, id, buffer, start: 0, filled: 0, block: 0, offset: 0, unsynced: 0, failed: false }
    }

    /// What is left of the current block for items of `item_bytes`, or a new block if that is nothing.
    fn space(&mut self, item_bytes: usize) -> Result<&mut [u8], RunError> {
        self.refuse_after_failure()?;
        if PAYLOAD_BYTES - self.filled < item_bytes {
            self.close_block(PAYLOAD_BYTES)?;
        }
        let whole_items = (PAYLOAD_BYTES - self.filled) / item_bytes * item_bytes;
        Ok(&mut self.buffer[self.start + self.filled..][..whole_items])
    }

    /// Ends the section: its last block, if it has any, ends after its items.
    fn end_section(&mut self) -> Result<(), RunError> {
        self.refuse_after_failure()?;
        if self.filled > 0 { self.close_block(self.filled) } else { Ok(()) }
    }

    /// Closes the current block with `content` bytes before the checksum.
    fn close_block(&mut self, content: usize) -> Result<(), RunError> {
        let block = &mut self.buffer[self.start..][..content + CHECKSUM_BYTES];
        block[self.filled..content].fill(0);
        let checksum = block::checksum(&block[..content], self.id, self.block);
        checksum.write(&mut block[content..]);
        self.start += content + CHECKSUM_BYTES;
        self.filled = 0;
        self.block += 1;
        if self.start + BLOCK_BYTES > self.buffer.len() { self.write() } else { Ok(()) }
    }

    /// Writes the closed blocks, and syncs if much has been written since the last time.
    fn write(&mut self) -> Result<(), RunError> {
        let mut written = 0;
        while written < self.start {
            let result = self.file.write_at(&self.buffer[written..self.start], self.offset);
            let count = match result {
                Ok(0) => Err(io::ErrorKind::WriteZero.into()),
                other => other,
            };
            self.failed = count.is_err();
            let count = count.map_err(RunError::io(&self.path, "write"))?;
            written += count;
            self.offset += count as u64;
        }
        self.start = 0;
        self.unsynced += written;
        if self.unsynced >= SYNC_BYTES { self.sync() } else { Ok(()) }
    }

    fn sync(&mut self) -> Result<(), RunError> {
        let result = self.file.sync_data();
        self.failed = result.is_err();
        self.unsynced = 0;
        result.map_err(RunError::io(&self.path, "sync"))
    }

    fn refuse_after_failure(&self) -> Result<(), RunError> {
        match self.failed {
            false => Ok(()),
            true => Err(RunError::io(&self.path, "go on")(io::Error::other("an earlier write or sync has failed"))),
        }
    }

    /// Adds the footer after the last section and makes everything durable.
    fn finish(mut self, footer: &[u8]) -> Result<BlockFile, RunError> {
        self.buffer[self.start..][..footer.len()].copy_from_slice(footer);
        self.start += footer.len();
        self.write()?;
        self.sync()?;
        Ok(BlockFile::new(&self.path, self.id, self.file))
    }
}
