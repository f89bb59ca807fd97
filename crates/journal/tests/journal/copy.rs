//! Copies beside a writer: whatever it does between any two reads, the copy is a prefix of the journal.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use journal::{Anchor, Disk, DiskFile, Journal, JournalWriter, OsDisk};

use super::support::{self, THREE_FRAMES, append, options};

/// A disk on which something happens once, just before one of the reads.
#[derive(Debug, Clone)]
struct Interrupted {
    reads_before: Arc<Mutex<usize>>,
    writer: Arc<Mutex<JournalWriter>>,
    /// How many frames are appended then.
    frames: u8,
}

impl Interrupted {
    fn before_read(&self) {
        let mut left = self.reads_before.lock().unwrap();
        *left = left.wrapping_sub(1);
        if *left == 0 {
            for n in 0..self.frames {
                append(&mut self.writer.lock().unwrap(), 1, &vec![n + 1; 700 * usize::from(n)]).unwrap();
            }
        }
    }
}

impl Disk for Interrupted {
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        OsDisk.create_directory(directory)
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send>> {
        OsDisk.lock(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        self.before_read();
        OsDisk.list(directory)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        OsDisk.create(path)
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.before_read();
        Ok(Box::new(InterruptedFile { disk: self.clone(), file: OsDisk.open(path)? }))
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

#[derive(Debug)]
struct InterruptedFile {
    disk: Interrupted,
    file: Box<dyn DiskFile>,
}

impl DiskFile for InterruptedFile {
    fn length(&self) -> io::Result<u64> {
        self.disk.before_read();
        self.file.length()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.before_read();
        self.file.read_exact_at(buffer, offset)
    }

    fn reserve(&mut self, offset: u64, bytes: u64) -> io::Result<()> {
        self.file.reserve(offset, bytes)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.file.write_at(bytes, offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.file.truncate(length)
    }
}

/// The bytes of the copy, file after file, and its end.
fn copy(journal: &Journal) -> (Vec<u8>, Anchor) {
    let (mut copy, mut bytes) = (journal.copy().unwrap(), Vec::new());
    while let Some(piece) = copy.next_piece().unwrap() {
        bytes.extend_from_slice(piece.bytes);
    }
    copy.sync_source().unwrap();
    (bytes, copy.end())
}

#[test]
fn a_writer_may_go_on_before_any_read() {
    for segment_bytes in [THREE_FRAMES, 1 << 20] {
        for frames in [1, 2, 9] {
            for read in 1.. {
                let directory = tempfile::tempdir().unwrap();
                let journal = Journal::new(directory.path());
                let (mut writer, _) = journal.writer(options(segment_bytes)).unwrap();
                let before = (0..5).map(|n| append(&mut writer, 2, &[n; 40]).unwrap().anchor()).next_back().unwrap();
                let disk = Interrupted {
                    reads_before: Arc::new(Mutex::new(read)),
                    writer: Arc::new(Mutex::new(writer)),
                    frames,
                };
                let (copied, end) = copy(&Journal::on_disk(directory.path(), Arc::new(disk.clone())));
                let happened = *disk.reads_before.lock().unwrap() > read;
                assert!(end.position >= before.position, "frames are missing: {frames} before read {read}");
                drop(disk);
                let all: Vec<u8> =
                    support::segments(directory.path()).iter().flat_map(|path| std::fs::read(path).unwrap()).collect();
                assert!(all.starts_with(&copied), "{frames} frames before read {read}");
                if !happened {
                    break;
                }
            }
        }
    }
}
