//! A folder for books on a disk in memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use books::Options;
use journal::Disk;
use sim::FaultyDisk;

/// A folder on a disk of its own.
pub(crate) struct Folder {
    disk: FaultyDisk,
    path: PathBuf,
}

impl Folder {
    /// An empty one on a disk that does not fail.
    pub(crate) fn new() -> Self {
        Self::on(FaultyDisk::new(0))
    }

    /// On this disk.
    pub(crate) fn on(disk: FaultyDisk) -> Self {
        Self { disk, path: PathBuf::from("/books") }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn disk(&self) -> &FaultyDisk {
        &self.disk
    }

    /// Options that are the same each time.
    pub(crate) fn options(&self) -> Options {
        Options { disk: Arc::new(self.disk.clone()), journal_id: Some([7; 16]), ..Options::default() }
    }

    /// Loses the tables.
    pub(crate) fn remove_tables(&self) {
        let tables = self.path.join("tables");
        for file in self.disk.files().iter().filter(|file| file.starts_with(&tables)) {
            self.disk.remove(file).expect("a file that is there");
        }
        self.disk.sync_directory(&tables).expect("a disk that is well");
    }

    /// Gives a file other contents, or makes one.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) {
        if self.disk.contents(path).is_some() {
            self.remove(path);
        }
        write(&self.disk, path, bytes);
    }

    /// Loses a file.
    pub(crate) fn remove(&self, path: &Path) {
        self.disk.remove(path).expect("a file that is there");
    }

    /// A folder on another disk with a copy of the journal and nothing else.
    pub(crate) fn with_the_journal_alone(&self) -> Self {
        self.copy(&self.path.join("journal"))
    }

    /// A folder on another disk with a copy of what is in here in `part`.
    pub(crate) fn copy(&self, part: &Path) -> Self {
        let copy = Self::new();
        let directories = [self.path().to_owned(), self.path.join("journal"), self.path.join("tables")];
        for directory in &directories {
            copy.disk.create_directory(directory).expect("a new disk");
        }
        for path in self.disk.files().iter().filter(|file| file.starts_with(part)) {
            write(&copy.disk, path, &self.disk.contents(path).expect("a file that is there"));
        }
        for directory in &directories {
            copy.disk.sync_directory(directory).expect("a new disk");
        }
        copy
    }
}

fn write(disk: &FaultyDisk, path: &Path, bytes: &[u8]) {
    let mut file = disk.create(path).expect("a disk that is well");
    let written = file.write_at(bytes, 0).expect("a disk that is well");
    assert_eq!(written, bytes.len());
    file.sync_data().expect("a disk that is well");
}
