//! A blocked Bloom filter: says at the cost of one cache line that a key is certainly not in a run.

use crate::Key;
use crate::block::LINE_BYTES;

/// How many bits there are for each expected key. With six bits set a key, about 1.5 in 100 absent keys pass.
const BITS_PER_KEY: usize = 10;
/// How many bits each key sets in its line.
const BITS_SET: u32 = 6;
/// 2^64 divided by the golden ratio: makes the bits in the line independent of its number.
const SCATTER: u64 = 0x9E37_79B9_7F4A_7C15;

/// Aligned so that a line of the filter is one of the processor's cache.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
struct Line([u64; LINE_BYTES / 8]);

#[derive(Debug)]
pub(crate) struct Bloom {
    lines: Vec<Line>,
}

impl Bloom {
    pub(crate) fn for_keys(keys: usize) -> Self {
        let lines = keys.saturating_mul(BITS_PER_KEY).div_ceil(LINE_BYTES * 8).max(1);
        Self { lines: vec![Line::default(); lines] }
    }

    pub(crate) fn insert(&mut self, key: impl Key) {
        let (line, bits) = self.place(key.hash());
        for (word, bit) in bits {
            self.lines[line].0[word] |= bit;
        }
    }

    pub(crate) fn may_contain(&self, key: impl Key) -> bool {
        let (line, mut bits) = self.place(key.hash());
        let line = &self.lines[line].0;
        bits.all(|(word, bit)| line[word] & bit != 0)
    }

    /// The line of a hash, and its bits as words of the line and masks.
    fn place(&self, hash: u64) -> (usize, impl Iterator<Item = (usize, u64)> + use<>) {
        let line = high_half(u128::from(hash) * self.lines.len() as u128);
        let scattered = hash.wrapping_mul(SCATTER) >> 10;
        let bits = (0..BITS_SET).map(move |index| {
            let group = scattered >> (9 * index);
            ((group >> 6 & 7) as usize, 1 << (group & 63))
        });
        (line, bits)
    }

    pub(crate) fn lines(&self) -> usize {
        self.lines.len()
    }

    /// The lines as they are stored.
    pub(crate) fn stored(&self) -> impl Iterator<Item = [u8; LINE_BYTES]> {
        self.lines.iter().map(|line| {
            let mut bytes = [0; LINE_BYTES];
            for (bytes, word) in bytes.chunks_exact_mut(8).zip(line.0) {
                bytes.copy_from_slice(&word.to_le_bytes());
            }
            bytes
        })
    }

    /// A filter without lines yet, to which [`append`](Self::append) adds those that are stored.
    pub(crate) fn with_capacity(lines: usize) -> Self {
        Self { lines: Vec::with_capacity(lines) }
    }

    pub(crate) fn append(&mut self, stored: &[u8]) {
        self.lines.extend(stored.chunks_exact(LINE_BYTES).map(|bytes| {
            let mut line = Line::default();
            for (word, bytes) in line.0.iter_mut().zip(bytes.chunks_exact(8)) {
                *word = u64::read(bytes);
            }
            line
        }));
    }
}

/// The upper 64 bits of a product.
#[expect(clippy::cast_possible_truncation, reason = "64 bits are left, and the product's factor is a usize")]
fn high_half(product: u128) -> usize {
    (product >> 64) as usize
}
