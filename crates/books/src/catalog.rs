//! Which files make the tables, and what of the journal they reflect.
//!
//! The file `manifest` says it: the magic `TBKM`, the version (4 bytes), the length of what follows (4 bytes), a
//! postcard record, and XXH3-64 of all before it. It is replaced as a whole: written under another name, synced, and
//! renamed. A file that no manifest names is left over from a crash and is removed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use journal::{Anchor, Disk, FrameHash};
use ledger::{Account, Transfer};
use runs::{Entry, RunId, RunMeta, Tree};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use crate::entries::{BalanceEntry, HistoryEntry, IdEntry, IndexEntry, OpenEntry};
use crate::error::TablesError;
use crate::row_files::{RowFiles, write_all};

const MANIFEST: &str = "manifest";
const NEW_MANIFEST: &str = "manifest.new";
const MAGIC: [u8; 4] = *b"TBKM";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 12;

/// The kinds of row files.
pub(crate) const TRANSFERS: &str = "transfers";
pub(crate) const ACCOUNTS: &str = "accounts";

/// The tables as they are at one moment. A value: it stays as it is while newer ones come into being.
#[derive(Debug, Clone)]
pub(crate) struct Snapshot {
    /// The last frame of the journal that the tables reflect; none at all if they are empty.
    pub(crate) anchor: Option<Anchor>,
    pub(crate) transfers: u64,
    pub(crate) accounts: u32,
    /// Nothing was created after this.
    pub(crate) last_timestamp: u64,
    pub(crate) clock: u64,
    pub(crate) trees: Trees,
    /// How many stretches of the journal were written since the books were opened.
    pub(crate) stretches: u64,
}

/// The sorted runs.
#[derive(Debug, Clone)]
pub(crate) struct Trees {
    pub(crate) ids: Tree<IdEntry>,
    pub(crate) index: Tree<IndexEntry>,
    pub(crate) balances: Tree<BalanceEntry>,
    pub(crate) open: Tree<OpenEntry>,
    pub(crate) history: Tree<HistoryEntry>,
}

/// The manifest's record. Its format is held by a golden file.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    position: u64,
    hash: [u8; 32],
    transfers: u64,
    accounts: u32,
    last_timestamp: u64,
    clock: u64,
    next_run: u64,
    ids: Vec<RunMeta>,
    index: Vec<RunMeta>,
    balances: Vec<RunMeta>,
    open: Vec<RunMeta>,
    history: Vec<RunMeta>,
}

/// The one place where the tables change: from one manifest to the next.
#[derive(Debug)]
pub(crate) struct Catalog {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) folder: PathBuf,
    next_run: AtomicU64,
    /// Held while a manifest is written.
    writing: Mutex<()>,
    current: Mutex<Arc<Snapshot>>,
    changed: Condvar,
}

impl Catalog {
    /// The tables in `folder`, which is created if it is missing; files that no manifest names are removed.
    pub(crate) fn open(disk: Arc<dyn Disk>, folder: PathBuf) -> Result<Self, TablesError> {
        disk.create_directory(&folder).map_err(TablesError::io("create", &folder))?;
        let names = disk.list(&folder).map_err(TablesError::io("list", &folder))?;
        let (snapshot, next_run) = match names.iter().any(|name| name == MANIFEST) {
            true => load(&*disk, &folder)?,
            false => (Snapshot::empty(), 1),
        };
        // The manifest that is read may be one that a crash could still take back: then what it does not name would be
        // missed.
        disk.sync_directory(&folder).map_err(TablesError::io("sync", &folder))?;
        remove_leftovers(&*disk, &folder, &names, &snapshot)?;
        Ok(Self {
            disk,
            folder,
            next_run: AtomicU64::new(next_run),
            writing: Mutex::new(()),
            current: Mutex::new(Arc::new(snapshot)),
            changed: Condvar::new(),
        })
    }

    /// The last frame of the journal that the tables in `folder` reflect, if there are any. Changes nothing.
    pub(crate) fn peek(disk: &dyn Disk, folder: &Path) -> Result<Option<Anchor>, TablesError> {
        let path = folder.join(MANIFEST);
        let bytes = match read_all(disk, &path) {
            Err(TablesError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        Ok(decode(&bytes, &path)?.anchor())
    }

    /// The tables as they are now.
    pub(crate) fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A number that no run has had, and the path of its file.
    pub(crate) fn new_run(&self) -> NewRun<'_> {
        let id = RunId(self.next_run.fetch_add(1, Ordering::Relaxed));
        NewRun { id, path: run_path(&self.folder, id), catalog: self, may_be_named: false }
    }

    /// Makes a changed snapshot the current one, durably. All files that it names are durable but for their names, and
    /// the new runs among them are `new_runs`.
    pub(crate) fn change(
        &self,
        mut new_runs: Vec<NewRun<'_>>,
        change: impl FnOnce(&mut Snapshot),
    ) -> Result<(), TablesError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut snapshot = (*self.current()).clone();
        change(&mut snapshot);
        self.write_manifest(&snapshot)?;
        // From here on, also if this fails, the next to open may find the new manifest.
        new_runs.iter_mut().for_each(|run| run.may_be_named = true);
        self.replace_manifest()?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(snapshot);
        self.changed.notify_all();
        Ok(())
    }

    /// Waits until the current snapshot satisfies `enough`, or somebody calls [`Catalog::wake`].
    pub(crate) fn wait(&self, mut enough: impl FnMut(&Snapshot) -> bool) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.changed.wait_while(current, |snapshot| !enough(snapshot)));
    }

    /// Lets those who wait look again.
    pub(crate) fn wake(&self) {
        let _current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        self.changed.notify_all();
    }

    /// Removes files that no manifest names. What is left of them by a crash is removed when opening.
    pub(crate) fn remove_runs(&self, ids: impl Iterator<Item = RunId>) {
        for id in ids {
            let path = run_path(&self.folder, id);
            if let Err(error) = self.disk.remove(&path) {
                tracing::warn!(%error, path = %path.display(), "a run that is of no use could not be removed");
            }
        }
    }

    /// Writes the manifest of a snapshot under another name.
    fn write_manifest(&self, snapshot: &Snapshot) -> Result<(), TablesError> {
        let bytes = encode(&snapshot.manifest(self.next_run.load(Ordering::Relaxed)));
        let new = self.folder.join(NEW_MANIFEST);
        let io = |action| TablesError::io(action, &new);
        let mut file = match self.disk.create(&new) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => self.disk.open_writable(&new),
            other => other,
        }
        .map_err(io("create"))?;
        file.truncate(0).map_err(io("truncate"))?;
        write_all(&mut *file, &bytes, 0).map_err(io("write"))?;
        file.sync_data().map_err(io("sync"))?;
        // The names of new runs and rows come before the manifest that needs them.
        self.disk.sync_directory(&self.folder).map_err(TablesError::io("sync", &self.folder))
    }

    fn replace_manifest(&self) -> Result<(), TablesError> {
        let (new, path) = (self.folder.join(NEW_MANIFEST), self.folder.join(MANIFEST));
        self.disk.rename(&new, &path).map_err(TablesError::io("rename", &new))?;
        self.disk.sync_directory(&self.folder).map_err(TablesError::io("sync", &self.folder))
    }
}

/// A run that is being written. When it is dropped its file is removed, unless a manifest may name it: it would only
/// take room.
#[derive(Debug)]
pub(crate) struct NewRun<'a> {
    pub(crate) id: RunId,
    pub(crate) path: PathBuf,
    catalog: &'a Catalog,
    may_be_named: bool,
}

impl Drop for NewRun<'_> {
    fn drop(&mut self) {
        if !self.may_be_named {
            self.catalog.remove_runs(std::iter::once(self.id));
        }
    }
}

impl Snapshot {
    fn empty() -> Self {
        let trees = Trees {
            ids: Tree::new(),
            index: Tree::new(),
            balances: Tree::new(),
            open: Tree::new(),
            history: Tree::new(),
        };
        Self { anchor: None, transfers: 0, accounts: 0, last_timestamp: 0, clock: 0, trees, stretches: 0 }
    }

    fn manifest(&self, next_run: u64) -> Manifest {
        let (position, hash) = match self.anchor {
            Some(anchor) => (anchor.position, *anchor.hash.as_bytes()),
            None => (0, [0; 32]),
        };
        Manifest {
            position,
            hash,
            transfers: self.transfers,
            accounts: self.accounts,
            last_timestamp: self.last_timestamp,
            clock: self.clock,
            next_run,
            ids: self.trees.ids.metas(),
            index: self.trees.index.metas(),
            balances: self.trees.balances.metas(),
            open: self.trees.open.metas(),
            history: self.trees.history.metas(),
        }
    }
}

impl Manifest {
    fn anchor(&self) -> Option<Anchor> {
        let anchor = Anchor { position: self.position, hash: FrameHash::from_bytes(self.hash) };
        (self.position > 0).then_some(anchor)
    }
}

fn encode(manifest: &Manifest) -> Vec<u8> {
    let record = postcard::to_allocvec(manifest).expect("numbers and lists can be written to memory");
    let length = u32::try_from(record.len()).expect("a manifest is some kilobytes");
    let mut bytes = [&MAGIC[..], &VERSION.to_le_bytes(), &length.to_le_bytes(), &record].concat();
    bytes.extend_from_slice(&xxh3_64(&bytes).to_le_bytes());
    bytes
}

fn load(disk: &dyn Disk, folder: &Path) -> Result<(Snapshot, u64), TablesError> {
    let path = folder.join(MANIFEST);
    let bytes = read_all(disk, &path)?;
    let manifest = decode(&bytes, &path)?;
    let trees = Trees {
        ids: open_tree(disk, folder, &manifest.ids)?,
        index: open_tree(disk, folder, &manifest.index)?,
        balances: open_tree(disk, folder, &manifest.balances)?,
        open: open_tree(disk, folder, &manifest.open)?,
        history: open_tree(disk, folder, &manifest.history)?,
    };
    let snapshot = Snapshot {
        anchor: manifest.anchor(),
        transfers: manifest.transfers,
        accounts: manifest.accounts,
        last_timestamp: manifest.last_timestamp,
        clock: manifest.clock,
        trees,
        stretches: 0,
    };
    Ok((snapshot, manifest.next_run))
}

fn open_tree<E: Entry>(disk: &dyn Disk, folder: &Path, metas: &[RunMeta]) -> Result<Tree<E>, TablesError> {
    Ok(Tree::open(disk, metas, |id| run_path(folder, id))?)
}

fn read_all(disk: &dyn Disk, path: &Path) -> Result<Vec<u8>, TablesError> {
    let io = |action| TablesError::io(action, path);
    let file = disk.open(path).map_err(io("open"))?;
    let length = file.length().map_err(io("read"))?;
    let mut bytes = vec![0; usize::try_from(length.min(1 << 30)).unwrap_or_default()];
    file.read_exact_at(&mut bytes, 0).map_err(io("read"))?;
    Ok(bytes)
}

fn decode(bytes: &[u8], path: &Path) -> Result<Manifest, TablesError> {
    let damaged = |what: &str| TablesError::Damaged { file: path.to_owned(), what: what.to_owned() };
    let header = bytes.first_chunk::<HEADER_BYTES>().ok_or_else(|| damaged("it is too short"))?;
    let (magic, version, length) = (&header[..4], &header[4..8], &header[8..12]);
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte));
    let end = HEADER_BYTES + number(length) as usize;
    let (checked, sum) = bytes.split_at_checked(end).ok_or_else(|| damaged("it is too short"))?;
    if *magic != MAGIC || xxh3_64(checked).to_le_bytes() != *sum {
        return Err(damaged("its checksum is wrong"));
    }
    if number(version) != VERSION {
        let file = path.to_owned();
        return Err(TablesError::NewerVersion { file, found: number(version), supported: VERSION });
    }
    postcard::from_bytes(&checked[HEADER_BYTES..]).map_err(|_| damaged("its record cannot be read"))
}

fn remove_leftovers(disk: &dyn Disk, folder: &Path, names: &[String], snapshot: &Snapshot) -> Result<(), TablesError> {
    let trees = &snapshot.trees;
    let runs = (trees.ids.metas().into_iter())
        .chain(trees.index.metas())
        .chain(trees.balances.metas())
        .chain(trees.open.metas())
        .chain(trees.history.metas());
    let mut known: HashSet<String> = runs.map(|meta| run_name(meta.id)).collect();
    known.extend(RowFiles::<Transfer>::names(TRANSFERS, snapshot.transfers));
    known.extend(RowFiles::<Account>::names(ACCOUNTS, u64::from(snapshot.accounts)));
    known.insert(MANIFEST.to_owned());
    for name in names.iter().filter(|name| !known.contains(*name)) {
        let path = folder.join(name);
        disk.remove(&path).map_err(TablesError::io("remove", &path))?;
    }
    Ok(())
}

fn run_path(folder: &Path, id: RunId) -> PathBuf {
    folder.join(run_name(id))
}

fn run_name(id: RunId) -> String {
    format!("{:012}.run", id.0)
}
