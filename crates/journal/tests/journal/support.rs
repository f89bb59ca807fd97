//! What the journal's tests share: making journals, reading them back, and a disk that fails on command.

use std::fs::{File, OpenOptions};
use std::io;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use journal::{
    Anchor, Appended, Disk, DiskFile, FrameBuffer, Journal, JournalError, JournalId, JournalReader, JournalWriter,
    OsDisk, Tail, WriterOptions,
};

pub(crate) const ID: JournalId = JournalId::from_bytes(*b"0123456789abcdef");

/// What a frame holds, owned: first position, count, payload.
pub(crate) type OwnedFrame = (u64, u32, Vec<u8>);

pub(crate) fn options(segment_bytes: u64) -> WriterOptions {
    WriterOptions { segment_bytes, ..WriterOptions::new(ID) }
}

pub(crate) fn open(journal: &Journal) -> (JournalWriter, Tail) {
    journal.writer(WriterOptions::new(ID)).unwrap()
}

pub(crate) fn append(writer: &mut JournalWriter, count: u32, payload: &[u8]) -> Result<Appended, JournalError> {
    let mut frame = FrameBuffer::new();
    frame.extend_from_slice(payload);
    writer.append(NonZeroU32::new(count).unwrap(), &mut frame)
}

pub(crate) fn drain(mut reader: JournalReader) -> Result<Vec<OwnedFrame>, JournalError> {
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame()? {
        assert_eq!(frame.last_position, frame.first_position + u64::from(frame.count.get()) - 1);
        frames.push((frame.first_position, frame.count.get(), frame.payload.to_vec()));
    }
    Ok(frames)
}

pub(crate) fn read_all(journal: &Journal) -> Vec<OwnedFrame> {
    drain(journal.reader().unwrap()).unwrap()
}

/// A segment of this size holds three frames of one sector each.
pub(crate) const THREE_FRAMES: u64 = 4 * SECTOR as u64;

/// The unit of a file's layout.
pub(crate) const SECTOR: usize = 512;

/// Nine frames of 1, 2, 3, 1 … events in three segments. Returns each frame's anchor.
pub(crate) fn write_three_segments(directory: &Path) -> Vec<Anchor> {
    let (mut writer, _) = Journal::new(directory).writer(options(THREE_FRAMES)).unwrap();
    let anchors = (0..9u8).map(|n| append(&mut writer, u32::from(n % 3) + 1, &[n + 1; 32]).unwrap().anchor()).collect();
    assert_eq!(segments(directory).len(), 3);
    anchors
}

pub(crate) fn segment_path(directory: &Path, first_position: u64) -> PathBuf {
    directory.join(format!("{first_position:020}.journal"))
}

/// All segment files, in order.
pub(crate) fn segments(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "journal"))
        .collect();
    paths.sort();
    paths
}

/// How the failing disk fails the next time it is asked to write or sync.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// The next write takes only this many bytes; the one after is normal.
    ShortWrite(usize),
    /// The next write takes this many bytes, the one after fails with this error number.
    ShortWriteThenError(usize, i32),
    /// The next write fails with this error number.
    WriteError(i32),
    /// The next reservation of space fails with this error number.
    ReserveError(i32),
    /// The next sync of a file fails with this error number; the bytes stay.
    SyncError(i32),
    /// The next sync of a directory fails with this error number.
    DirectorySyncError(i32),
    /// The next creation of a file fails with this error number.
    CreateError(i32),
}

/// The operating system's disk with one fault planned, and without real syncs, which makes it fast.
#[derive(Clone, Debug, Default)]
pub(crate) struct FailingDisk {
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    fault: Option<Fault>,
    /// One that comes again and again.
    lasting: Option<Fault>,
    log: Vec<String>,
}

impl FailingDisk {
    pub(crate) fn journal(&self, directory: &Path) -> Journal {
        Journal::on_disk(directory, Arc::new(self.clone()))
    }

    pub(crate) fn fail_next(&self, fault: Fault) {
        self.plan.lock().unwrap().fault = Some(fault);
    }

    /// From now on everything that `fault` means fails; until it is `None`.
    pub(crate) fn fail_all(&self, fault: impl Into<Option<Fault>>) {
        self.plan.lock().unwrap().lasting = fault.into();
    }

    /// What was written and synced since the last call, in order.
    pub(crate) fn take_log(&self) -> Vec<String> {
        std::mem::take(&mut self.plan.lock().unwrap().log)
    }

    fn log(&self, entry: String) {
        self.plan.lock().unwrap().log.push(entry);
    }

    /// Consumes the planned fault if it is of the wanted kind.
    fn strike(&self, wanted: impl Fn(Fault) -> Option<i32>) -> io::Result<()> {
        let mut plan = self.plan.lock().unwrap();
        if let Some(number) = plan.lasting.and_then(&wanted) {
            return Err(io::Error::from_raw_os_error(number));
        }
        match plan.fault.and_then(&wanted) {
            Some(number) => {
                plan.fault = None;
                Err(io::Error::from_raw_os_error(number))
            }
            None => Ok(()),
        }
    }
}

impl Disk for FailingDisk {
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        match std::fs::create_dir(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            _ => Ok(()),
        }
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send>> {
        OsDisk.lock(path)
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        OsDisk.list(directory)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.strike(|fault| if let Fault::CreateError(number) = fault { Some(number) } else { None })?;
        self.log("create".to_owned());
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Box::new(FailingFile { disk: self.clone(), file }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        OsDisk.open(path)
    }

    fn open_writable(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(path)?;
        Ok(Box::new(FailingFile { disk: self.clone(), file }))
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.log("remove".to_owned());
        OsDisk.remove(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.log("rename".to_owned());
        OsDisk.rename(from, to)
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        self.strike(|fault| if let Fault::DirectorySyncError(number) = fault { Some(number) } else { None })?;
        self.log("sync directory".to_owned());
        Ok(())
    }
}

#[derive(Debug)]
struct FailingFile {
    disk: FailingDisk,
    file: File,
}

impl DiskFile for FailingFile {
    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        DiskFile::read_exact_at(&self.file, buffer, offset)
    }

    fn reserve(&mut self, offset: u64, bytes: u64) -> io::Result<()> {
        self.disk.strike(|fault| if let Fault::ReserveError(number) = fault { Some(number) } else { None })?;
        self.disk.log(format!("reserve {bytes} at {offset}"));
        self.file.reserve(offset, bytes)
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.disk.strike(|fault| if let Fault::WriteError(number) = fault { Some(number) } else { None })?;
        let (allowed, next) = match self.disk.plan.lock().unwrap().fault {
            Some(Fault::ShortWrite(bytes)) => (bytes, None),
            Some(Fault::ShortWriteThenError(bytes, number)) => (bytes, Some(Fault::WriteError(number))),
            other => (bytes.len(), other),
        };
        self.disk.plan.lock().unwrap().fault = next;
        let bytes = &bytes[..allowed.min(bytes.len())];
        self.disk.log(format!("write {} at {offset}", bytes.len()));
        DiskFile::write_at(&mut self.file, bytes, offset)
    }

    fn sync_data(&mut self) -> io::Result<()> {
        self.disk.strike(|fault| if let Fault::SyncError(number) = fault { Some(number) } else { None })?;
        self.disk.log("sync".to_owned());
        Ok(())
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.disk.log(format!("truncate to {length}"));
        self.file.set_len(length)
    }
}
