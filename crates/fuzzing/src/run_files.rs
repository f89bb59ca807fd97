//! Bytes as a sorted run.

use std::path::Path;

use journal::Disk;
use runs::{Entry, Filter, Run, RunError, RunId, RunWriter};
use sim::FaultyDisk;
use xxhash_rust::xxh3::xxh3_64;

use crate::files;

const FOLDER: &str = "/runs";
const FILE: &str = "/runs/1";
const ID: RunId = RunId(1);

/// The footer's length without its checksum, and with it.
const FOOTER_FIELDS: usize = 88;
const FOOTER: usize = 96;

/// An entry like those of the ledger's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Pair {
    key: u128,
    value: u64,
}

impl Entry for Pair {
    const SIZE: usize = 24;
    type Key = u128;

    fn key(&self) -> u128 {
        self.key
    }

    fn write(&self, bytes: &mut [u8]) {
        bytes[..16].copy_from_slice(&self.key.to_le_bytes());
        bytes[16..].copy_from_slice(&self.value.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        let byte = |place: usize| bytes.get(place).copied().unwrap_or_default();
        let key = u128::from_le_bytes(std::array::from_fn(byte));
        Self { key, value: u64::from_le_bytes(std::array::from_fn(|place| byte(16 + place))) }
    }
}

/// The first byte says how the others become a file: as they are with a footer that checks out, or as entries and what
/// is changed in the file, with the footer's checksum set right or not. No file stops the process, and what is read of
/// a changed one is what was written or an error.
pub fn run_files(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    match how % 3 {
        0 => {
            let mut file = rest.to_vec();
            set_footer_checksum(&mut file);
            let _any = read(&file, &[0, 1, u128::MAX]);
        }
        how => read_changed(rest, how == 1),
    }
}

fn read_changed(data: &[u8], footer_lies: bool) {
    let [shape, count, edits @ ..] = data else { return };
    let count = usize::from(*count) * if shape % 2 == 0 { 1 } else { 20 };
    let entries: Vec<_> = (0..count as u64).map(|value| Pair { key: u128::from(value) * 3 + 1, value }).collect();
    let filter = if shape & 2 == 0 { Filter::None } else { Filter::ForKeys(count) };
    let mut file = written(&entries, filter).expect("the disk has no faults");
    let is_changed = files::edit(&mut file, edits);
    if footer_lies {
        set_footer_checksum(&mut file);
    }
    let keys: Vec<_> = entries.iter().map(Entry::key).take(3).chain([0, 2, u128::MAX]).collect();
    let Ok((found, scanned, is_intact)) = read(&file, &keys) else {
        assert!(is_changed);
        return;
    };
    if footer_lies {
        return;
    }
    assert!(is_intact != is_changed, "{is_changed}");
    for (key, found) in keys.iter().zip(found) {
        let truth = entries.iter().find(|entry| entry.key == *key).copied();
        assert!(found.as_ref().map_or(is_changed, |found| *found == truth), "{key}: {found:?}");
    }
    assert!(scanned.iter().zip(&entries).all(|(scanned, entry)| scanned == entry) && scanned.len() <= entries.len());
    assert!(is_changed || scanned.len() == entries.len());
}

fn new_disk() -> FaultyDisk {
    let disk = FaultyDisk::new(0);
    disk.create_directory(Path::new(FOLDER)).expect("the disk has no faults");
    disk
}

fn written(entries: &[Pair], filter: Filter) -> Result<Vec<u8>, RunError> {
    let disk = new_disk();
    let mut writer = RunWriter::create(&disk, Path::new(FILE), ID, filter)?;
    for entry in entries {
        writer.push(entry)?;
    }
    writer.finish()?;
    Ok(files::contents(&disk, Path::new(FILE)))
}

type Found = (Vec<Result<Option<Pair>, RunError>>, Vec<Pair>, bool);

/// What a file says about some keys, its entries up to the first that cannot be read, and whether all of it checks out.
fn read(file: &[u8], keys: &[u128]) -> Result<Found, RunError> {
    let disk = new_disk();
    files::place(&disk, Path::new(FILE), file);
    let run = Run::<Pair>::open(&disk, Path::new(FILE), ID)?;
    let found = keys.iter().map(|key| run.get(*key)).collect();
    let scanned = run.range(0..=u128::MAX).map_while(Result::ok).collect();
    let _backwards = run.range_reversed(0..=u128::MAX).take_while(Result::is_ok).count();
    Ok((found, scanned, run.verify().is_ok()))
}

fn set_footer_checksum(file: &mut [u8]) {
    if let Some(footer) = file.last_chunk_mut::<FOOTER>() {
        let checksum = xxh3_64(&footer[..FOOTER_FIELDS]);
        footer[FOOTER_FIELDS..].copy_from_slice(&checksum.to_le_bytes());
    }
}
