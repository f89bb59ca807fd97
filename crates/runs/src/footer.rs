//! The last bytes of a file: what it is and how much of it there is.

use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use crate::block::Layout;
use crate::{Entry, FORMAT_VERSION, Key, Place, RunError, RunId};

pub(crate) const FOOTER_BYTES: usize = 96;
const MAGIC: &[u8] = b"TRUN";
const CHECKSUM_AT: usize = 88;

/// What the footer says of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Footer<K> {
    pub(crate) id: RunId,
    pub(crate) layout: Layout,
    /// The smallest and the largest key; `None` without entries.
    pub(crate) keys: Option<(K, K)>,
}

impl<K: Key> Footer<K> {
    pub(crate) fn write(&self) -> [u8; FOOTER_BYTES] {
        let (min, max) = self.keys.map_or((0, 0), |(min, max)| (min.into(), max.into()));
        let mut bytes = [0; FOOTER_BYTES];
        bytes[0..4].copy_from_slice(MAGIC);
        bytes[4..8].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes[8..16].copy_from_slice(&self.id.0.to_le_bytes());
        bytes[16..24].copy_from_slice(&(self.layout.entries.items as u64).to_le_bytes());
        bytes[24..32].copy_from_slice(&(self.layout.filter.items as u64).to_le_bytes());
        bytes[32..36].copy_from_slice(&size_field(self.layout.entries.item_bytes));
        bytes[36..40].copy_from_slice(&size_field(K::SIZE));
        bytes[40..56].copy_from_slice(&u128::to_le_bytes(min));
        bytes[56..72].copy_from_slice(&u128::to_le_bytes(max));
        let checksum = xxh3_64(&bytes[..CHECKSUM_AT]);
        bytes[CHECKSUM_AT..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Parses the footer of the file at `path`, which is `length` bytes long and is to hold the run `expected` of
    /// entries `E`.
    pub(crate) fn read<E: Entry<Key = K>>(
        bytes: &[u8; FOOTER_BYTES],
        length: u64,
        expected: RunId,
        path: &Path,
    ) -> Result<Self, RunError> {
        let damaged = |what| RunError::damaged(path, Place::Footer, what);
        let foreign = |what| RunError::Foreign { path: path.to_owned(), expected, what };
        if xxh3_64(&bytes[..CHECKSUM_AT]) != u64::read(&bytes[CHECKSUM_AT..]) {
            return Err(damaged("the checksum does not match"));
        }
        if &bytes[0..4] != MAGIC {
            return Err(damaged("this is not a run"));
        }
        let version = field_u32(&bytes[4..8]);
        if version > FORMAT_VERSION {
            return Err(RunError::Newer { path: path.to_owned(), version });
        }
        if bytes[32..36] != size_field(E::SIZE) || bytes[36..40] != size_field(K::SIZE) {
            return Err(foreign("its entries are of another kind"));
        }
        let id = RunId(u64::read(&bytes[8..16]));
        if id != expected {
            return Err(foreign("it has another number"));
        }
        let items = |at: usize| usize::try_from(u64::read(&bytes[at..at + 8])).ok();
        let layout = items(16)
            .zip(items(24))
            .and_then(|(entries, lines)| Layout::new::<E>(entries, lines))
            .filter(|layout| Some(length) == layout.end().checked_add(FOOTER_BYTES as u64))
            .ok_or_else(|| damaged("the file's length does not fit its count of entries"))?;
        let keys = K::narrow(u128::read(&bytes[40..56]))
            .zip(K::narrow(u128::read(&bytes[56..72])))
            .filter(|(min, max)| min <= max)
            .ok_or_else(|| damaged("the smallest or largest key is impossible"))?;
        Ok(Self { id, layout, keys: (layout.entries.items > 0).then_some(keys) })
    }
}

/// A size that is known to be small, as it is stored.
fn size_field(size: usize) -> [u8; 4] {
    let [a, b, c, d, ..] = size.to_le_bytes();
    [a, b, c, d]
}

fn field_u32(bytes: &[u8]) -> u32 {
    let mut own = [0; 4];
    own.copy_from_slice(bytes);
    u32::from_le_bytes(own)
}
