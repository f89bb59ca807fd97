//! The disk: names, faults and crashes around the files.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use journal::{Disk, DiskFile};

use crate::file::Inode;
use crate::random::Random;

/// No space left on device.
const ENOSPC: i32 = 28;
/// Input/output error.
const EIO: i32 = 5;

/// What can be asked of the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// [`Disk::create_directory`].
    CreateDirectory,
    /// [`Disk::create`].
    Create,
    /// [`Disk::remove`].
    Remove,
    /// [`Disk::rename`].
    Rename,
    /// [`Disk::sync_directory`].
    SyncDirectory,
    /// [`DiskFile::reserve`].
    Reserve,
    /// [`DiskFile::write_at`].
    Write,
    /// [`DiskFile::sync_data`].
    Sync,
    /// [`DiskFile::truncate`].
    Truncate,
    /// [`DiskFile::read_exact_at`]. Changes nothing, so it is not among the [`operations`](FaultyDisk::operations).
    Read,
}

/// What becomes of unsynced bytes in a crash. Unsynced names are kept or lost, each by itself, except with
/// [`KeepAll`](Self::KeepAll) and [`LoseAll`](Self::LoseAll).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// The process was killed: the operating system writes everything in the end.
    KeepAll,
    /// The power failed before anything was written.
    LoseAll,
    /// The power failed in the middle: the changes to a file were made in order, up to some byte.
    Break,
    /// The power failed in the middle: of what was unsynced, each sector of so many bytes was written or not, as it was at
    /// some moment, in any order.
    Tear {
        /// The size of a sector in bytes.
        sector: usize,
    },
}

/// How often operations fail by themselves, in so many of a thousand cases.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Writes that take fewer bytes than they were given.
    pub short_writes: u64,
    /// Writes that fail with EIO, after some of their bytes.
    pub write_errors: u64,
    /// Syncs of files and directories that fail with EIO. What was to be synced may be lost, though it reads well.
    pub sync_errors: u64,
    /// Reads that fail with EIO.
    pub read_errors: u64,
}

/// A disk in memory that fails as planned. Clones are handles of the same disk.
///
/// A path's parent must have been created. Locks are between handles of the same disk and end with a crash.
#[derive(Clone, Debug)]
pub struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    random: Random,
    directories: BTreeSet<PathBuf>,
    inodes: Vec<Inode>,
    /// Names as they are shown, and their inodes.
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    unsynced_names: Vec<NameChange>,
    locks: BTreeSet<PathBuf>,
    rates: Rates,
    /// Planned failures: of which operation, after how many that work, with which error number.
    planned: Vec<(Operation, u64, i32)>,
    capacity: Option<u64>,
    can_reserve: bool,
    allocates_late: bool,
    operations: u64,
    crash_at: Option<u64>,
    crashed: bool,
    /// Counts the restarts: what was opened in an earlier life is dead.
    life: u64,
}

#[derive(Clone, Debug)]
enum NameChange {
    Add(PathBuf, usize),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf, usize),
}

impl FaultyDisk {
    /// An empty disk without faults, whose chances follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            random: Random::new(seed),
            directories: BTreeSet::new(),
            inodes: Vec::new(),
            names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            unsynced_names: Vec::new(),
            locks: BTreeSet::new(),
            rates: Rates::default(),
            planned: Vec::new(),
            capacity: None,
            can_reserve: true,
            allocates_late: false,
            operations: 0,
            crash_at: None,
            crashed: false,
            life: 0,
        })))
    }

    /// How many operations that change something were asked for so far: each is a boundary at which to crash.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// Crashes within the operation with this number, counted from 0 as [`operations`](Self::operations) counts. By
    /// chance it still takes effect.
    pub fn crash_at(&self, operation: u64) {
        self.state().crash_at = Some(operation);
    }

    /// Crashes now: from here on everything fails.
    pub fn crash(&self) {
        self.state().crashed = true;
    }

    /// Whether it has crashed and was not restarted yet.
    pub fn has_crashed(&self) -> bool {
        self.state().crashed
    }

    /// Comes back after a crash (which happens now, if none has yet) with what `how` and chance left. Planned faults, and
    /// rates, are forgotten; the capacity stays. What was opened before fails for ever.
    pub fn restart(&self, how: Crash) {
        let mut state = self.state();
        state.settle(how);
        state.crashed = false;
        state.crash_at = None;
        state.planned.clear();
        state.rates = Rates::default();
        state.locks.clear();
        state.life += 1;
    }

    /// From here on nothing fails that has not failed yet: planned faults, rates and the capacity are forgotten.
    pub fn heal(&self) {
        let mut state = self.state();
        state.crash_at = None;
        state.planned.clear();
        state.rates = Rates::default();
        state.capacity = None;
        state.can_reserve = true;
        state.allocates_late = false;
    }

    /// Sets how often operations fail by themselves.
    pub fn set_rates(&self, rates: Rates) {
        self.state().rates = rates;
    }

    /// Lets an operation fail with this error number, after so many of its kind that work.
    pub fn fail(&self, operation: Operation, after: u64, error_number: i32) {
        self.state().planned.push((operation, after, error_number));
    }

    /// Sets how many bytes all files may have together; `None` for any number. Beyond, writes are short or fail with
    /// ENOSPC.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity = bytes;
    }

    /// Sets whether the disk knows how to reserve space, as most do.
    pub fn set_can_reserve(&self, can: bool) {
        self.state().can_reserve = can;
    }

    /// Sets whether space is looked for only when a file is synced, so that ENOSPC shows there and not at the write.
    pub fn set_allocates_late(&self, late: bool) {
        self.state().allocates_late = late;
    }

    /// How many bytes all files have together.
    pub fn used(&self) -> u64 {
        self.state().used()
    }

    /// All files, in the order of their paths.
    pub fn files(&self) -> Vec<PathBuf> {
        self.state().names.keys().cloned().collect()
    }

    /// What a file holds, as it reads now; `None` if there is none.
    pub fn contents(&self, path: &Path) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(path).and_then(|&inode| state.inodes.get(inode)).map(|inode| inode.shown().to_vec())
    }

    /// Turns over one bit of a file, on the disk, in silence. Whether there is such a bit.
    pub fn flip_bit(&self, path: &Path, bit: u64) -> bool {
        let mut state = self.state();
        let inode = state.names.get(path).copied();
        inode.and_then(|inode| state.inodes.get_mut(inode)).is_some_and(|inode| inode.flip(bit))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An operation that changes something: it fails as planned, or crashes, or does `work`.
    fn change<T>(&self, operation: Operation, work: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        let mut state = self.state();
        state.must_be_up()?;
        let number = state.operations;
        state.operations += 1;
        if state.crash_at == Some(number) {
            if state.random.per_mille(500) {
                drop(work(&mut state));
            }
            state.crashed = true;
            return Err(gone());
        }
        state.strike(operation)?;
        work(&mut state)
    }
}

fn gone() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the disk has crashed")
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl State {
    fn must_be_up(&self) -> io::Result<()> {
        if self.crashed { Err(gone()) } else { Ok(()) }
    }

    /// Fails if a failure of this operation is planned and due.
    fn strike(&mut self, operation: Operation) -> io::Result<()> {
        let Some(at) = self.planned.iter().position(|(planned, ..)| *planned == operation) else { return Ok(()) };
        match &mut self.planned[at] {
            (_, 0, error_number) => {
                let error_number = *error_number;
                self.planned.remove(at);
                Err(io::Error::from_raw_os_error(error_number))
            }
            (_, after, _) => {
                *after -= 1;
                Ok(())
            }
        }
    }

    fn used(&self) -> u64 {
        self.names.values().filter_map(|&inode| self.inodes.get(inode)).map(|inode| inode.shown().len() as u64).sum()
    }

    fn room(&self) -> u64 {
        self.capacity.map_or(u64::MAX, |capacity| capacity.saturating_sub(self.used()))
    }

    fn inode(&mut self, number: usize) -> io::Result<&mut Inode> {
        self.inodes.get_mut(number).ok_or_else(not_found)
    }

    fn length(&mut self, number: usize) -> io::Result<u64> {
        Ok(self.inode(number)?.shown().len() as u64)
    }

    fn rename(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.unsynced_names.push(change);
    }

    fn sync_names(&mut self, directory: &Path) {
        for change in std::mem::take(&mut self.unsynced_names) {
            if change.directory() == Some(directory) {
                change.apply(&mut self.durable_names);
            } else {
                self.unsynced_names.push(change);
            }
        }
    }

    /// What the disk turns out to hold after a crash.
    fn settle(&mut self, how: Crash) {
        for change in std::mem::take(&mut self.unsynced_names) {
            let kept = match how {
                Crash::KeepAll => true,
                Crash::LoseAll => false,
                Crash::Break | Crash::Tear { .. } => self.random.per_mille(500),
            };
            if kept {
                change.apply(&mut self.durable_names);
            }
        }
        self.names.clone_from(&self.durable_names);
        for inode in &mut self.inodes {
            inode.settle(how, &mut self.random);
        }
    }
}

impl NameChange {
    fn directory(&self) -> Option<&Path> {
        match self {
            Self::Add(path, _) | Self::Remove(path) | Self::Rename(_, path, _) => path.parent(),
        }
    }

    fn apply(&self, names: &mut BTreeMap<PathBuf, usize>) {
        match self {
            Self::Add(path, inode) => {
                names.insert(path.clone(), *inode);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
            Self::Rename(from, to, inode) => {
                names.remove(from);
                names.insert(to.clone(), *inode);
            }
        }
    }
}

impl Disk for FaultyDisk {
    fn create_directory(&self, directory: &Path) -> io::Result<()> {
        self.change(Operation::CreateDirectory, |state| {
            state.directories.insert(directory.to_owned());
            Ok(())
        })
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Send>> {
        let mut state = self.state();
        state.must_be_up()?;
        if !state.locks.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        Ok(Box::new(Lock { disk: self.clone(), path: path.to_owned(), life: state.life }))
    }

    fn list(&self, directory: &Path) -> io::Result<Vec<String>> {
        let state = self.state();
        state.must_be_up()?;
        if !state.directories.contains(directory) {
            return Err(not_found());
        }
        let within = state.names.keys().filter(|path| path.parent() == Some(directory));
        Ok(within.filter_map(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned()).collect())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.change(Operation::Create, |state| {
            if state.names.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            if !path.parent().is_some_and(|parent| state.directories.contains(parent)) {
                return Err(not_found());
            }
            if state.room() == 0 {
                return Err(io::Error::from_raw_os_error(ENOSPC));
            }
            let inode = state.inodes.len();
            state.inodes.push(Inode::default());
            state.rename(NameChange::Add(path.to_owned(), inode));
            let file = FaultyFile { disk: self.clone(), inode, life: state.life, writable: true };
            Ok(Box::new(file) as Box<dyn DiskFile>)
        })
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.open_file(path, false)
    }

    fn open_writable(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.open_file(path, true)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change(Operation::Remove, |state| {
            if !state.names.contains_key(path) {
                return Err(not_found());
            }
            state.rename(NameChange::Remove(path.to_owned()));
            Ok(())
        })
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change(Operation::Rename, |state| {
            let inode = state.names.get(from).copied().ok_or_else(not_found)?;
            state.rename(NameChange::Rename(from.to_owned(), to.to_owned(), inode));
            Ok(())
        })
    }

    fn sync_directory(&self, directory: &Path) -> io::Result<()> {
        self.change(Operation::SyncDirectory, |state| {
            if state.random.per_mille(state.rates.sync_errors) {
                return Err(io::Error::from_raw_os_error(EIO));
            }
            state.sync_names(directory);
            Ok(())
        })
    }
}

impl FaultyDisk {
    fn open_file(&self, path: &Path, writable: bool) -> io::Result<Box<dyn DiskFile>> {
        let state = self.state();
        state.must_be_up()?;
        let inode = state.names.get(path).copied().ok_or_else(not_found)?;
        Ok(Box::new(FaultyFile { disk: self.clone(), inode, life: state.life, writable }))
    }
}

/// A lock that is held; given back when dropped, unless a crash took it before.
struct Lock {
    disk: FaultyDisk,
    path: PathBuf,
    life: u64,
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.life == self.life {
            state.locks.remove(&self.path);
        }
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    inode: usize,
    life: u64,
    writable: bool,
}

impl FaultyFile {
    fn change<T>(&self, operation: Operation, work: impl FnOnce(&mut State) -> io::Result<T>) -> io::Result<T> {
        self.must_live()?;
        if !self.writable {
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        self.disk.change(operation, work)
    }

    fn must_live(&self) -> io::Result<()> {
        if self.disk.state().life == self.life { Ok(()) } else { Err(gone()) }
    }
}

impl DiskFile for FaultyFile {
    fn length(&self) -> io::Result<u64> {
        self.must_live()?;
        let mut state = self.disk.state();
        state.must_be_up()?;
        state.length(self.inode)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.must_live()?;
        let mut state = self.disk.state();
        state.must_be_up()?;
        state.strike(Operation::Read)?;
        let errors = state.rates.read_errors;
        if errors > 0 && state.random.per_mille(errors) {
            return Err(io::Error::from_raw_os_error(EIO));
        }
        let from = usize::try_from(offset).unwrap_or(usize::MAX);
        let shown = state.inode(self.inode)?.shown();
        let bytes = shown.get(from..from.saturating_add(buffer.len())).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer.copy_from_slice(bytes);
        Ok(())
    }

    fn reserve(&mut self, offset: u64, bytes: u64) -> io::Result<()> {
        self.change(Operation::Reserve, |state| {
            if !state.can_reserve {
                return Err(io::ErrorKind::Unsupported.into());
            }
            let room = state.room();
            let length = |bytes: u64| usize::try_from(offset + bytes).unwrap_or(usize::MAX);
            if bytes > room {
                // A part of it may have been found.
                let found = state.random.below(room + 1);
                state.inode(self.inode)?.lengthen(length(found));
                return Err(io::Error::from_raw_os_error(ENOSPC));
            }
            state.inode(self.inode)?.lengthen(length(bytes));
            Ok(())
        })
    }

    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        self.change(Operation::Write, |state| {
            let begin = usize::try_from(offset).unwrap_or(usize::MAX);
            let within = usize::try_from(state.length(self.inode)?.saturating_sub(offset)).unwrap_or(usize::MAX);
            let room = if state.allocates_late { u64::MAX } else { state.room() };
            let possible = bytes.len().min(within.saturating_add(usize::try_from(room).unwrap_or(usize::MAX)));
            if possible == 0 && !bytes.is_empty() {
                return Err(io::Error::from_raw_os_error(ENOSPC));
            }
            let mut taken = possible;
            if state.random.per_mille(state.rates.write_errors) {
                let landed = state.random.index(possible + 1);
                state.inode(self.inode)?.write(begin, &bytes[..landed]);
                return Err(io::Error::from_raw_os_error(EIO));
            }
            if state.random.per_mille(state.rates.short_writes) && possible > 1 {
                taken = 1 + state.random.index(possible - 1);
            }
            state.inode(self.inode)?.write(begin, &bytes[..taken]);
            Ok(taken)
        })
    }

    fn sync_data(&mut self) -> io::Result<()> {
        let result = self.change(Operation::Sync, |state| {
            if state.capacity.is_some_and(|capacity| state.used() > capacity) {
                return Err(io::Error::from_raw_os_error(ENOSPC));
            }
            if state.random.per_mille(state.rates.sync_errors) {
                return Err(io::Error::from_raw_os_error(EIO));
            }
            state.inode(self.inode)?.sync();
            Ok(())
        });
        let mut state = self.disk.state();
        if result.is_err() && !state.crashed {
            let mut random = state.random.clone();
            state.inode(self.inode)?.fail_sync(&mut random);
            state.random = random;
        }
        result
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.change(Operation::Truncate, |state| {
            state.inode(self.inode)?.truncate(usize::try_from(length).unwrap_or(usize::MAX));
            Ok(())
        })
    }
}
