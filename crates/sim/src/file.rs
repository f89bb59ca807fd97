//! One file: what the disk holds of it, what the operating system shows, and what lies between the two.

use std::collections::BTreeMap;
use std::fmt;

use crate::disk::Crash;
use crate::random::Random;

/// What the operating system writes at once.
const PAGE_BYTES: usize = 4096;

/// A file without its names.
#[derive(Clone, Default)]
pub(crate) struct Inode {
    /// What a crash cannot take.
    durable: Vec<u8>,
    /// What reading shows.
    shown: Vec<u8>,
    /// What was done since the last sync, in order.
    unsynced: Vec<Change>,
}

#[derive(Clone)]
enum Change {
    Write {
        offset: usize,
        bytes: Vec<u8>,
    },
    /// The file became so long, with zeros.
    Lengthen(usize),
}

impl Inode {
    pub(crate) fn shown(&self) -> &[u8] {
        &self.shown
    }

    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.change(Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(crate) fn lengthen(&mut self, length: usize) {
        self.change(Change::Lengthen(length));
    }

    fn change(&mut self, change: Change) {
        change.apply(&mut self.shown);
        self.unsynced.push(change);
    }

    pub(crate) fn sync(&mut self) {
        self.unsynced.drain(..).for_each(|change| change.apply(&mut self.durable));
    }

    /// A sync failed: the operating system calls the changes clean and goes on showing them, but by chance some pages
    /// never reached the disk and never will.
    pub(crate) fn fail_sync(&mut self, random: &mut Random) {
        let chance = random.below(1001);
        let mut lost = BTreeMap::new();
        let mut is_lost = |page: usize| *lost.entry(page).or_insert_with(|| random.per_mille(chance));
        let mut left = Vec::new();
        for change in std::mem::take(&mut self.unsynced) {
            let Change::Write { offset, bytes } = change else {
                left.push(change);
                continue;
            };
            for piece in pieces(offset, bytes.len(), PAGE_BYTES) {
                if !is_lost((offset + piece.start) / PAGE_BYTES) {
                    left.push(Change::Write { offset: offset + piece.start, bytes: bytes[piece].to_vec() });
                }
            }
        }
        self.unsynced = left;
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        self.sync();
        self.shown.resize(length, 0);
        self.durable.resize(length, 0);
    }

    /// What the disk turns out to hold after a crash.
    pub(crate) fn settle(&mut self, how: Crash, random: &mut Random) {
        let changes = std::mem::take(&mut self.unsynced);
        match how {
            Crash::LoseAll => {}
            Crash::KeepAll => changes.iter().for_each(|change| change.apply(&mut self.durable)),
            Crash::Break => self.break_off(&changes, random),
            Crash::Tear { sector } => self.tear(&changes, sector.max(1), random),
        }
        self.shown.clone_from(&self.durable);
    }

    /// The changes were made in order, up to some byte.
    fn break_off(&mut self, changes: &[Change], random: &mut Random) {
        let whole = random.index(changes.len() + 1);
        changes.iter().take(whole).for_each(|change| change.apply(&mut self.durable));
        if let Some(Change::Write { offset, bytes }) = changes.get(whole) {
            let kept = random.index(bytes.len() + 1);
            overwrite(&mut self.durable, *offset, &bytes[..kept]);
        }
    }

    /// Each sector was written, as it was at some moment, or not, in any order.
    fn tear(&mut self, changes: &[Change], sector: usize, random: &mut Random) {
        let chance = random.below(1001);
        let mut moments = BTreeMap::new();
        let mut moment = |sector: usize, random: &mut Random| {
            *moments.entry(sector).or_insert_with(|| match random.per_mille(chance) {
                true => changes.len(),
                false => random.index(changes.len()) * usize::from(random.per_mille(200)),
            })
        };
        for (number, change) in changes.iter().enumerate() {
            match change {
                Change::Lengthen(_) if random.per_mille(500) => change.apply(&mut self.durable),
                Change::Lengthen(_) => {}
                Change::Write { offset, bytes } => {
                    for piece in pieces(*offset, bytes.len(), sector) {
                        if number < moment((offset + piece.start) / sector, random) {
                            overwrite(&mut self.durable, offset + piece.start, &bytes[piece]);
                        }
                    }
                }
            }
        }
    }

    /// Turns one bit over, on the disk and in what is shown. Whether there is such a bit.
    pub(crate) fn flip(&mut self, bit: u64) -> bool {
        let (byte, mask) = (usize::try_from(bit / 8).unwrap_or(usize::MAX), 1 << (bit % 8));
        for bytes in [&mut self.durable, &mut self.shown] {
            match bytes.get_mut(byte) {
                Some(byte) => *byte ^= mask,
                None => return false,
            }
        }
        true
    }
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => overwrite(to, *offset, bytes),
            Self::Lengthen(length) => to.resize(to.len().max(*length), 0),
        }
    }
}

/// Contents are long and nobody reads them.
impl fmt::Debug for Inode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { durable, shown, unsynced } = self;
        write!(f, "{} bytes, {} of them durable, {} unsynced changes", shown.len(), durable.len(), unsynced.len())
    }
}

fn overwrite(to: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if bytes.is_empty() {
        return;
    }
    let end = offset + bytes.len();
    to.resize(to.len().max(end), 0);
    to[offset..end].copy_from_slice(bytes);
}

/// A write of `length` bytes at `offset`, cut at the file's sectors.
fn pieces(offset: usize, length: usize, sector: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
    let mut begin = 0;
    std::iter::from_fn(move || {
        let to_next = sector - (offset + begin) % sector;
        let piece = begin..(begin + to_next).min(length);
        begin = piece.end;
        (!piece.is_empty()).then_some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_is_cut_at_the_files_sectors() {
        assert_eq!(pieces(500, 600, 512).collect::<Vec<_>>(), [0..12, 12..524, 524..600]);
        assert_eq!(pieces(512, 600, 512).collect::<Vec<_>>(), [0..512, 512..600]);
        assert_eq!(pieces(7, 0, 512).count(), 0);
    }
}
