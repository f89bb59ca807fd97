//! Prints how fast runs are written, merged, read and sorted: `cargo run --release -p runs --example measure DIR`.
//! DIR must not hold files of an earlier measurement; under `/dev/shm` only the processor is measured, else the disk too.
//! Figures are times on the clock; the machine should have nothing else to do.
#![expect(clippy::float_arithmetic, reason = "figures for people")]

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use journal::{Disk, OsDisk};
use runs::{Entry, Filter, Key, RunError, RunId, RunWriter, Tree, merge, merge_filtered, sort_entries};

const ENTRIES: u64 = 500_000;
const LOOK_UPS: u64 = 200_000;

/// Like an index: two numbers, both of them the key.
#[derive(Clone, Copy)]
struct Index {
    key: u64,
    number: u64,
}

impl Entry for Index {
    const SIZE: usize = 16;
    type Key = u128;

    fn key(&self) -> u128 {
        u128::from(self.key) << 64 | u128::from(self.number)
    }

    fn write(&self, bytes: &mut [u8]) {
        let (key, number) = bytes.split_at_mut(8);
        self.key.write(key);
        self.number.write(number);
    }

    fn read(bytes: &[u8]) -> Self {
        let (key, number) = bytes.split_at(8);
        Self { key: u64::read(key), number: u64::read(number) }
    }
}

/// Like the table of ids.
#[derive(Clone, Copy)]
struct Id {
    id: u128,
    number: u64,
}

impl Entry for Id {
    const SIZE: usize = 24;
    type Key = u128;

    fn key(&self) -> u128 {
        self.id
    }

    fn write(&self, bytes: &mut [u8]) {
        let (id, number) = bytes.split_at_mut(16);
        self.id.write(id);
        self.number.write(number);
    }

    fn read(bytes: &[u8]) -> Self {
        let (id, number) = bytes.split_at(16);
        Self { id: u128::read(id), number: u64::read(number) }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(env::args_os().nth(1).ok_or("which directory?")?);
    OsDisk.create_directory(&directory)?;
    let mut random = Random(1);

    println!("sort, {ENTRIES} entries of 16 bytes");
    sort("random", (0..ENTRIES).map(|number| Index { key: random.next(), number }).collect());
    sort("10,000 accounts", (0..ENTRIES).map(|number| Index { key: random.next() % 10_000, number }).collect());
    sort("lopsided", (0..ENTRIES).map(|number| Index { key: random.next() >> (random.next() % 64), number }).collect());
    sort("sorted", (0..ENTRIES).map(|number| Index { key: number, number }).collect());

    println!("index of 10,000 accounts, {ENTRIES} entries a run, without filter");
    let indexes = (0..8).map(|run| {
        let entries = (0..ENTRIES).map(|i| Index { key: random.next() % 10_000, number: run * ENTRIES + i });
        entries.collect::<Vec<_>>()
    });
    measure(&directory, 100, indexes.collect(), Filter::None)?;
    println!("random index");
    let indexes = (0..8).map(|run| {
        let entries = (0..ENTRIES).map(|i| Index { key: random.next(), number: run * ENTRIES + i });
        entries.collect::<Vec<_>>()
    });
    measure(&directory, 200, indexes.collect(), Filter::None)?;
    println!("random ids, with filter");
    let mut ids = || (0..ENTRIES).map(|number| Id { id: random.wide(), number }).collect::<Vec<_>>();
    measure(&directory, 300, (0..8).map(|_| ids()).collect(), Filter::ForKeys(0))?;
    println!("ids in order of time, with filter");
    let ids = |run: u64| {
        let id = |number: u64| Id { id: u128::from(run * ENTRIES + number) << 64 | 7, number };
        (0..ENTRIES).map(id).collect::<Vec<_>>()
    };
    measure(&directory, 400, (0..8).map(ids).collect(), Filter::ForKeys(0))?;
    Ok(())
}

fn sort(what: &str, mut entries: Vec<Index>) {
    let start = Watch::start();
    sort_entries(&mut entries);
    start.print(what, ENTRIES);
    let mut again = entries.clone();
    again.sort_by_key(Entry::key);
    assert!(again.iter().map(Entry::key).eq(entries.iter().map(Entry::key)));
}

/// Writes eight runs, merges them in two ways, and looks up.
fn measure<E: Entry<Key = u128>>(
    directory: &Path,
    base: u64,
    parts: Vec<Vec<E>>,
    filter: Filter,
) -> Result<(), RunError> {
    let filter = |count| if filter == Filter::None { filter } else { Filter::ForKeys(count) };
    let mut tree = Tree::new();
    let mut some = Vec::new();
    let mut sorted = Vec::new();
    for (number, mut part) in (base..).zip(parts) {
        sort_entries(&mut part);
        part.dedup_by_key(|entry| entry.key());
        some.extend(part.iter().step_by(7).map(Entry::key));
        sorted.push((number, part));
    }
    let start = Watch::start();
    for (number, part) in &sorted {
        let mut writer = create(directory, *number, filter(part.len()))?;
        writer.extend(part)?;
        tree = tree.with_new_run(Arc::new(writer.finish()?));
    }
    let count = tree.count();
    start.print(&format!("write, {} bytes an entry", tree.bytes() / count), count);
    let runs: Vec<_> = tree.runs().cloned().collect();
    let entries = usize::try_from(count).unwrap_or(usize::MAX);
    for round in 0..2 {
        let writer = create(directory, base + 10 + round, filter(entries))?;
        let start = Watch::start();
        merge(&runs, writer)?;
        start.print("merge of 8", count);
    }
    let writer = create(directory, base + 20, filter(entries))?;
    let start = Watch::start();
    let merged = Arc::new(merge_filtered(&runs, writer, |_| true)?);
    start.print("merge of 8, filtered", count);

    let mut random = Random(base);
    let present: Vec<_> = (0..LOOK_UPS).map(|_| some[random.below(some.len())]).collect();
    let absent: Vec<_> = present.iter().map(|key| key ^ 1 << 40).collect();
    let single = Tree::new().with_new_run(merged);
    for (what, tree) in [("one run", &single), ("eight runs", &tree)] {
        look_up(&format!("get present, {what}"), tree, &present)?;
        look_up(&format!("get absent, {what}"), tree, &absent)?;
        let start = Watch::start();
        let found = absent.chunks(8189).map(|keys| tree.get_many(keys)).collect::<Result<Vec<_>, _>>()?;
        assert!(found.iter().flatten().all(Option::is_none));
        start.print(&format!("many absent, {what}"), LOOK_UPS);
        let start = Watch::start();
        let scanned = tree.range(0..=u128::MAX).count() as u64;
        start.print(&format!("scan, {what}"), scanned);
    }
    Ok(())
}

fn look_up<E: Entry>(what: &str, tree: &Tree<E>, keys: &[E::Key]) -> Result<(), RunError> {
    let start = Watch::start();
    let mut found = 0;
    for key in keys {
        found += u64::from(tree.get(*key)?.is_some());
    }
    start.print(&format!("{what}, {found} found"), keys.len() as u64);
    Ok(())
}

fn create<E: Entry>(directory: &Path, number: u64, filter: Filter) -> Result<RunWriter<E>, RunError> {
    let path = directory.join(format!("{number:020}.run"));
    RunWriter::create(&OsDisk, &path, RunId(number), filter)
}

struct Watch(Instant);

impl Watch {
    fn start() -> Self {
        Self(Instant::now())
    }

    /// Prints the nanoseconds for each of `count`.
    fn print(&self, what: &str, count: u64) {
        println!("  {what:<42} {:>8.1} ns", self.0.elapsed().as_nanos() as f64 / count as f64);
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ z >> 31
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap_or_default()
    }
}
