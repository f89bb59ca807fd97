//! Sectors: how headers and frames lie in a file of version 2, so that bytes which never reached the disk are told
//! from bytes that were changed on it.
//!
//! A file is sectors of 512 bytes. Each has 510 bytes of data and ends with a mark that is not zero. Space that was
//! reserved, and a sector that a crash kept from the disk, read as zeros: a mark that ends with zero says that this sector
//! was not completely written, so its frame was never acknowledged. No single flipped bit makes a mark end so.

/// The size of a sector: the most that disks promise to write whole.
pub(crate) const SECTOR_BYTES: usize = 512;

/// The bytes of a sector that carry something.
pub(crate) const DATA_BYTES: usize = SECTOR_BYTES - MARK.len();

/// The end of each written sector.
const MARK: [u8; 2] = [0xa5, 0x5a];

/// What the end of a sector says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// It was written to its end.
    Written,
    /// It was not, hence never acknowledged.
    Unwritten,
    /// It was written and later changed.
    Wrong,
}

/// The mark of the sector that `bytes` are; unwritten if they are fewer than a sector.
pub(crate) fn mark(bytes: &[u8]) -> Mark {
    match bytes.get(DATA_BYTES..SECTOR_BYTES) {
        Some(mark) if *mark == MARK => Mark::Written,
        // Also one that breaks off within the mark.
        Some([0, 0] | [0xa5, 0]) | None => Mark::Unwritten,
        Some(_) => Mark::Wrong,
    }
}

/// How many bytes of a file `data_bytes` take.
pub(crate) const fn stored_bytes(data_bytes: u64) -> u64 {
    data_bytes.div_ceil(DATA_BYTES as u64) * SECTOR_BYTES as u64
}

/// Lays `data` out in sectors, in place of what was in `sectors`; the last one is filled up with zeros.
pub(crate) fn spread(data: &[u8], sectors: &mut Vec<u8>) {
    sectors.clear();
    for piece in data.chunks(DATA_BYTES) {
        sectors.extend_from_slice(piece);
        sectors.resize(sectors.len().next_multiple_of(SECTOR_BYTES) - MARK.len(), 0);
        sectors.extend_from_slice(&MARK);
    }
}

/// Why sectors cannot be gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// Not all of them were written.
    Unwritten,
    /// A mark, or what fills up the last sector, was changed.
    Changed,
}

/// Puts together the data of `sectors` from `from` to `to`, in place of what was in `data`. Checks every mark, and
/// that nothing follows `to`.
pub(crate) fn gather(sectors: &[u8], from: usize, to: usize, data: &mut Vec<u8>) -> Result<(), Flaw> {
    let marks = sectors.chunks(SECTOR_BYTES).map(mark);
    if marks.clone().any(|mark| mark == Mark::Unwritten) {
        return Err(Flaw::Unwritten);
    }
    if marks.clone().any(|mark| mark == Mark::Wrong) {
        return Err(Flaw::Changed);
    }
    data.clear();
    for (index, sector) in sectors.chunks(SECTOR_BYTES).enumerate() {
        let begin = index * DATA_BYTES;
        let piece = |position: usize| position.clamp(begin, begin + DATA_BYTES) - begin;
        data.extend_from_slice(sector.get(piece(from)..piece(to)).unwrap_or_default());
        let filling = sector.get(piece(to)..DATA_BYTES).unwrap_or_default();
        if filling.iter().any(|&byte| byte != 0) {
            return Err(Flaw::Changed);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(bytes: usize) -> Vec<u8> {
        (1..=u8::MAX).cycle().take(bytes).collect()
    }

    #[test]
    fn what_is_spread_is_gathered() {
        let (mut sectors, mut gathered) = (Vec::new(), Vec::new());
        for bytes in [1, 96, 509, 510, 511, 1020, 1021, 5000] {
            spread(&data(bytes), &mut sectors);
            assert_eq!(sectors.len() as u64, stored_bytes(bytes as u64));
            for from in [0, 1, bytes / 2, bytes] {
                gather(&sectors, from, bytes, &mut gathered).unwrap();
                assert_eq!(gathered, data(bytes)[from..]);
            }
        }
    }

    #[test]
    fn each_byte_that_is_no_data_is_checked() {
        let (mut sectors, mut gathered) = (Vec::new(), Vec::new());
        spread(&data(600), &mut sectors);
        for at in (510..512).chain(512 + 90..1024) {
            let mut changed = sectors.clone();
            changed[at] ^= 4;
            assert_eq!(gather(&changed, 0, 600, &mut gathered), Err(Flaw::Changed), "{at}");
        }
        for unwritten in [0..512, 512..1024, 700..1024, 1022..1024, 1023..1024] {
            let mut torn = sectors.clone();
            torn[unwritten].fill(0);
            assert_eq!(gather(&torn, 0, 600, &mut gathered), Err(Flaw::Unwritten));
        }
    }
}
