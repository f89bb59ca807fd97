//! What a run's writer does when the disk does less than it was asked to.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use journal::{Disk, DiskFile, OsDisk};
use runs::{Filter, RunError, RunId, RunWriter};

use crate::support::{Id, Shelf, id};

/// When the next operations of a kind are to fail, and what was done.
#[derive(Debug, Default)]
struct Plan {
    most_bytes_a_write: Option<usize>,
    failing_write: Option<usize>,
    failing_sync: Option<usize>,
    writes: usize,
    syncs: usize,
}

#[derive(Debug)]
struct Faulty(Box<dyn DiskFile>, Arc<Mutex<Plan>>);

impl DiskFile for Faulty {
    fn length(&self) -> io::Result<u64> {
        self.0.length()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut plan = self.1.lock().unwrap();
        plan.writes += 1;
        if plan.failing_write == Some(plan.writes) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let most = plan.most_bytes_a_write.unwrap_or(bytes.len()).min(bytes.len());
        self.0.write_at(&bytes[..most], offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let mut plan = self.1.lock().unwrap();
        plan.syncs += 1;
        if plan.failing_sync == Some(plan.syncs) { Err(io::Error::other("broken")) } else { Ok(()) }
    }

    fn reserve(&mut self, offset: u64, bytes: u64) -> io::Result<()> {
        self.0.reserve(offset, bytes)
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.0.truncate(length)
    }
}

/// The real disk with a plan for its files.
#[derive(Clone, Debug)]
struct FaultyDisk(Arc<Mutex<Plan>>);

impl Disk for FaultyDisk {
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        OsDisk.create_directory(directory)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send>> {
        OsDisk.lock(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        OsDisk.list(directory)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(Faulty(OsDisk.create(path)?, Arc::clone(&self.0))))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        OsDisk.open(path)
    }

    fn open_writable(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        OsDisk.open_writable(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        OsDisk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        OsDisk.rename(from, to)
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        OsDisk.sync_directory(directory)
    }
}

fn create(shelf: &Shelf, plan: Plan) -> (RunWriter<Id>, Arc<Mutex<Plan>>) {
    let plan = Arc::new(Mutex::new(plan));
    let disk = FaultyDisk(Arc::clone(&plan));
    (RunWriter::create(&disk, &shelf.path(0), RunId(0), Filter::None).unwrap(), plan)
}

/// Some 24 MB: several writes, and a sync before the last one.
fn many() -> Vec<Id> {
    (0..1_000_000).map(id).collect()
}

#[test]
fn short_writes_are_continued() {
    let shelf = Shelf::new();
    let entries: Vec<_> = (0..50_000).map(id).collect();
    shelf.write(0, &entries, Filter::None);
    let expected = fs::read(shelf.path(0)).unwrap();
    fs::remove_file(shelf.path(0)).unwrap();
    let (mut writer, _) = create(&shelf, Plan { most_bytes_a_write: Some(10_007), ..Plan::default() });
    writer.extend(&entries).unwrap();
    writer.finish().unwrap();
    assert!(fs::read(shelf.path(0)).unwrap() == expected);
}

#[test]
fn a_full_disk_is_an_error_and_nothing_is_written_after_it() {
    let shelf = Shelf::new();
    let (mut writer, plan) = create(&shelf, Plan { failing_write: Some(3), ..Plan::default() });
    let error = writer.extend(&many()).unwrap_err();
    let RunError::Io { action: "write", source, .. } = error else { panic!("{error}") };
    assert_eq!(source.kind(), io::ErrorKind::StorageFull);
    assert!(matches!(writer.finish(), Err(RunError::Io { action: "go on", .. })));
    assert_eq!(plan.lock().unwrap().writes, 3);
}

#[test]
fn a_failed_sync_is_not_tried_again() {
    let shelf = Shelf::new();
    let (mut writer, plan) = create(&shelf, Plan { failing_sync: Some(1), ..Plan::default() });
    let error = writer.extend(&many()).unwrap_err();
    assert!(matches!(error, RunError::Io { action: "sync", .. }), "{error}");
    assert!(matches!(writer.finish(), Err(RunError::Io { action: "go on", .. })));
    assert_eq!(plan.lock().unwrap().syncs, 1);
}

#[test]
fn it_syncs_on_the_way_and_at_the_end() {
    let shelf = Shelf::new();
    let (mut writer, plan) = create(&shelf, Plan::default());
    writer.extend(&many()).unwrap();
    assert_eq!(plan.lock().unwrap().syncs, 1);
    writer.finish().unwrap();
    assert_eq!(plan.lock().unwrap().syncs, 2);
    fs::remove_file(shelf.path(0)).unwrap();

    let (mut writer, _) = create(&shelf, Plan { failing_sync: Some(1), ..Plan::default() });
    writer.push(&id(1)).unwrap();
    assert!(matches!(writer.finish(), Err(RunError::Io { action: "sync", .. })));
}
