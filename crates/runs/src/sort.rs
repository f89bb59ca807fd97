//! Sorts entries that are to become a run.

use crate::Entry;

/// Buckets of about so many entries are left to the general sort.
const BUCKET: usize = 64;
/// At most so many buckets at once: more than that many places to write to do not stay in the processor's cache.
const MOST_BUCKET_BITS: u32 = 11;
/// After so many partitions of ever smaller parts the keys are lopsided, and the general sort does the rest.
const MOST_PARTITIONS: u32 = 4;

/// Sorts `entries` by key, stably. Entries that are in order already cost one look; others are spread by the highest
/// bits in which their keys differ, so that each part fits the processor's cache. Needs as much memory again.
pub fn sort_entries<E: Entry>(entries: &mut [E]) {
    if entries.is_sorted_by_key(E::key) {
        return;
    }
    let mut scratch = entries.to_vec();
    sort_part(entries, &mut scratch, MOST_PARTITIONS);
}

/// Sorts `entries` with `scratch`, of the same length and any content.
fn sort_part<E: Entry>(entries: &mut [E], scratch: &mut [E], partitions: u32) {
    if partitions == 0 || entries.len() <= 4 * BUCKET {
        return entries.sort_by_key(E::key);
    }
    let Some(spread) = Spread::of(entries) else { return };
    let mut ends = spread.starts(entries);
    for entry in &*entries {
        let end = &mut ends[spread.bucket(entry)];
        scratch[*end] = *entry;
        *end += 1;
    }
    entries.copy_from_slice(scratch);
    let mut start = 0;
    for end in ends {
        sort_part(&mut entries[start..end], &mut scratch[start..end], partitions - 1);
        start = end;
    }
}

/// How entries are spread over buckets: by `bits` bits of their keys from `shift` up, the highest that differ.
struct Spread {
    shift: u32,
    bits: u32,
}

impl Spread {
    /// `None` if all keys are the same.
    fn of<E: Entry>(entries: &[E]) -> Option<Self> {
        let first: u128 = entries.first()?.key().into();
        let differing = entries.iter().fold(0, |bits, entry| bits | (entry.key().into() ^ first));
        let width = u128::BITS - differing.leading_zeros();
        let bits = (entries.len() / BUCKET).ilog2().clamp(1, MOST_BUCKET_BITS).min(width);
        (width > 0).then_some(Self { shift: width - bits, bits })
    }

    fn bucket<E: Entry>(&self, entry: &E) -> usize {
        let key: u128 = entry.key().into();
        low_bits(key >> self.shift) & ((1 << self.bits) - 1)
    }

    /// Where each bucket starts.
    fn starts<E: Entry>(&self, entries: &[E]) -> Vec<usize> {
        let mut counts = vec![0; 1 << self.bits];
        for entry in entries {
            counts[self.bucket(entry)] += 1;
        }
        let mut start = 0;
        for count in &mut counts {
            start += std::mem::replace(count, start);
        }
        counts
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low bits are what is wanted")]
fn low_bits(bits: u128) -> usize {
    bits as usize
}
