//! Sorts entries that are to become a run.

use crate::Entry;

/// Parts of up to so many entries are left to the general sort.
const SMALL: usize = 20;
/// At most so many bits of the keys are looked at at once: that many places to write to stay in the processor's
/// first cache, and so do their pages' addresses.
const MOST_BITS: u32 = 9;
/// After so many partitions into ever smaller parts the keys are lopsided, and the general sort does the rest.
const MOST_PARTITIONS: u32 = 6;

/// Sorts `entries` by key, stably. Entries that are in order already cost one look; others are spread by the highest
/// bits in which their keys differ, and the parts in the same way. Needs as much memory again.
pub fn sort_entries<E: Entry>(entries: &mut [E]) {
    if !entries.is_sorted_by_key(E::key) {
        sort_part(entries, &mut entries.to_vec(), false, MOST_PARTITIONS);
    }
}

/// Sorts `entries`; the result is in `scratch`, which has the same length, if `to_scratch`. Both are overwritten.
fn sort_part<E: Entry>(entries: &mut [E], scratch: &mut [E], to_scratch: bool, partitions: u32) {
    if entries.len() <= SMALL || partitions == 0 || entries.is_sorted_by_key(E::key) {
        entries.sort_by_key(E::key);
        if to_scratch {
            scratch.copy_from_slice(entries);
        }
        return;
    }
    let spread = Spread::of(entries);
    let (starts, largest) = spread.starts(entries);
    let mut ends = starts;
    for entry in &*entries {
        let end = &mut ends[spread.bucket(entry)];
        scratch[*end] = *entry;
        *end += 1;
    }
    if largest <= SMALL {
        sort_nearly_sorted(scratch);
        if !to_scratch {
            entries.copy_from_slice(scratch);
        }
        return;
    }
    for (start, end) in starts.into_iter().zip(ends).take(1 << spread.bits) {
        sort_part(&mut scratch[start..end], &mut entries[start..end], !to_scratch, partitions - 1);
    }
}

/// Insertion sort, for entries of which each is at most some places from where it belongs.
fn sort_nearly_sorted<E: Entry>(entries: &mut [E]) {
    for index in 1..entries.len() {
        let (entry, mut place) = (entries[index], index);
        while place > 0 && entries[place - 1].key() > entry.key() {
            entries[place] = entries[place - 1];
            place -= 1;
        }
        entries[place] = entry;
    }
}

/// How entries are spread over buckets: by `bits` bits of their keys from `shift` up, the highest that differ.
struct Spread {
    shift: u32,
    bits: u32,
}

impl Spread {
    /// For entries that are not all the same: so many buckets that each gets one or two, or as many as there may be.
    fn of<E: Entry>(entries: &[E]) -> Self {
        let differing = entries.windows(2).fold(0, |bits, pair| bits | (pair[0].key().into() ^ pair[1].key().into()));
        let width = u128::BITS - differing.leading_zeros();
        let bits = entries.len().ilog2().min(MOST_BITS).min(width);
        Self { shift: width - bits, bits }
    }

    fn bucket<E: Entry>(&self, entry: &E) -> usize {
        ((entry.key().into() >> self.shift) & ((1 << self.bits) - 1)) as usize
    }

    /// Where each bucket starts, and the size of the largest.
    fn starts<E: Entry>(&self, entries: &[E]) -> ([usize; 1 << MOST_BITS], usize) {
        let mut counts = [0; 1 << MOST_BITS];
        for entry in entries {
            counts[self.bucket(entry)] += 1;
        }
        let (mut start, mut largest) = (0, 0);
        for count in &mut counts {
            largest = largest.max(*count);
            start += std::mem::replace(count, start);
        }
        (counts, largest)
    }
}
