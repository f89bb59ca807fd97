//! An order on disk.
//!
//! ```text
//! order.json            the terms, and what every chip is given
//! encoding/             encoding-00001.csv, .parquet, -reels.csv …, manifest.json
//! uids/uids.csv         the chip maker's UIDs, in the order of his lists; uids.json says which lists
//! bound/                bound-00001.csv, .parquet, -reels.csv …, manifest.json
//! lock                  held by the one process that works here
//! ```

use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, BufWriter};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tag::{KeyVersion, Uid};

use crate::binding::Binding;
use crate::check::{Check, LINE_BYTES_MAX};
use crate::order::{Order, OrderError, Seed};
use crate::parts::{self, Progress, Written};
use crate::problems::Problems;
use crate::reconciliation::{Reconciliation, Summary};
use crate::rows::Rows;
use crate::serial::{OrderCode, Serial};
use crate::table::Table;
use crate::uid::parse_uid;
use crate::uid_list::UidImport;

/// The terms of an order, as far as they are given.
#[derive(Clone, Debug)]
pub struct Request {
    /// Which order; drawn at first, kept afterwards.
    pub code: Option<OrderCode>,
    /// How many tags.
    pub count: u32,
    /// How many labels a full reel has.
    pub reel_labels: u32,
    /// Which version of keys they get.
    pub key_version: KeyVersion,
    /// Where phones reach the platform.
    pub public_url: String,
    /// Where samples are drawn from; drawn at first, kept afterwards.
    pub seed: Option<Seed>,
}

/// The folder of an order, held by this process.
pub struct Folder {
    path: PathBuf,
    order: Order,
    /// Let go of when it is closed.
    _lock: File,
}

/// What was imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// UIDs in all lists.
    pub uids: u64,
    /// Labels of the order that will have none.
    pub short: u64,
}

/// What was bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// What the run wrote.
    pub written: Written,
    /// Labels without a UID.
    pub unbound: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UidsFile {
    format: u32,
    uids: u64,
    sha256: String,
    lists: Vec<ListFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListFile {
    name: String,
    uids: u64,
    sha256: String,
}

impl Folder {
    /// Opens the folder of this order, or makes it. `drawn` are random bytes for what the request leaves open.
    ///
    /// # Errors
    /// [`FolderError::OtherOrder`] if it is there with other terms, and whatever else hinders.
    pub fn prepare(path: &Path, request: &Request, drawn: [u8; 20]) -> Result<Self, FolderError> {
        fs::create_dir_all(path).map_err(|error| FolderError::io(path, error))?;
        let lock = lock(path)?;
        let existing = read_order(path)?;
        let ([a, b, c, d, ..], seed) = (drawn, &drawn[4..]);
        let mut drawn_seed = [0; 16];
        drawn_seed.copy_from_slice(seed);
        let kept_code = existing.as_ref().map(Order::code);
        let kept_seed = existing.as_ref().map(Order::seed);
        let code = request.code.or(kept_code).unwrap_or(OrderCode::from_bits(u32::from_be_bytes([a, b, c, d])));
        let seed = request.seed.or(kept_seed).unwrap_or(Seed(drawn_seed));
        let order =
            Order::new(code, request.count, request.reel_labels, request.key_version, &request.public_url, seed)?;
        match existing {
            Some(existing) if existing != order => return Err(FolderError::OtherOrder(path.to_owned())),
            Some(_) => {}
            None => {
                let json = order.to_json();
                parts::write_whole(&path.join(ORDER_FILE), |file| file.write_all(json.as_bytes()))?;
            }
        }
        Ok(Self { path: path.to_owned(), order, _lock: lock })
    }

    /// Opens the folder of an order that is there.
    ///
    /// # Errors
    /// [`FolderError::NoOrder`] if there is none.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let order = read_order(path)?.ok_or_else(|| FolderError::NoOrder(path.to_owned()))?;
        Ok(Self { path: path.to_owned(), order, _lock: lock(path)? })
    }

    /// The order.
    #[must_use]
    pub fn order(&self) -> &Order {
        &self.order
    }

    /// Writes what is missing of the encoding files.
    ///
    /// # Errors
    /// Whatever hinders. What was written stays, and the next run goes on there.
    pub fn write_encoding(&self, progress: &mut dyn FnMut(Progress)) -> Result<Written, FolderError> {
        let from = parts::hexadecimal(&Sha256::digest(self.order.to_json()));
        let table = Table::encoding(&self.order);
        parts::write(&self.path.join(ENCODING), ENCODING, &self.order, &table, &from, progress)
    }

    /// Imports all lists of the chip maker, in place of what was imported before: everything, or nothing at all.
    ///
    /// # Errors
    /// [`FolderError::Problems`] if something is wrong with the lists.
    pub fn import_uids(&self, lists: &[PathBuf]) -> Result<Imported, FolderError> {
        let mut import = UidImport::new();
        let mut list_files = Vec::new();
        for path in lists {
            let failed = |error| FolderError::io(path, error);
            let uids = import.read(open(path)?).map_err(failed)?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            list_files.push(ListFile { name, uids, sha256: parts::sha256_of(path).map_err(failed)? });
        }
        let uids = import.finish().map_err(FolderError::Problems)?;
        let folder = self.path.join("uids");
        fs::create_dir_all(&folder).map_err(|error| FolderError::io(&folder, error))?;
        let sha256 = parts::write_whole(&folder.join(UIDS_FILE), |file| {
            let mut file = BufWriter::new(file);
            io::Write::write_all(&mut file, b"uid\r\n")?;
            uids.iter().try_for_each(|uid| io::Write::write_fmt(&mut file, format_args!("{uid}\r\n")))?;
            io::Write::flush(&mut file)
        })?;
        let count = uids.len() as u64;
        let json = UidsFile { format: 1, uids: count, sha256, lists: list_files };
        let path = folder.join(UIDS_MANIFEST);
        let json = serde_json::to_vec_pretty(&json).map_err(|error| FolderError::io(&path, error.into()))?;
        parts::write_whole(&path, |file| file.write_all(&json))?;
        Ok(Imported { uids: count, short: u64::from(self.order.count()).saturating_sub(count) })
    }

    /// Writes which UID is under which label: as the encoding machine's log says, or without a log in the order of the
    /// lists.
    ///
    /// # Errors
    /// [`FolderError::NoUids`] before an import, [`FolderError::Problems`] if something is wrong with the log.
    pub fn bind(&self, log: Option<&Path>, progress: &mut dyn FnMut(Progress)) -> Result<Bound, FolderError> {
        let (uids, mut from) = self.uids()?;
        let binding = match log {
            None => Binding::in_list_order(&self.order, &uids),
            Some(path) => {
                let failed = |error| FolderError::io(path, error);
                from.push_str(&parts::sha256_of(path).map_err(failed)?);
                Binding::from_log(&self.order, &uids, open(path)?).map_err(failed)?.map_err(FolderError::Problems)?
            }
        };
        drop(uids);
        let from = parts::hexadecimal(&Sha256::digest(from + &self.order.to_json()));
        let table = Table::bound(&self.order, binding.bits());
        let written = parts::write(&self.path.join(BOUND), BOUND, &self.order, &table, &from, progress)?;
        Ok(Bound { written, unbound: u64::from(self.order.count()) - binding.bound() })
    }

    /// Which UID is under which label, as [`Self::bind`] wrote it; `None` if it has not.
    ///
    /// # Errors
    /// [`FolderError::Unfinished`] if it was stopped on its way, [`FolderError::Damaged`] if somebody wrote into it.
    pub fn binding(&self) -> Result<Option<Binding>, FolderError> {
        let folder = self.path.join(BOUND);
        let Some(files) = parts::csv_files(&folder, BOUND, &self.order)? else { return Ok(None) };
        let mut binding = Binding::empty(&self.order);
        for path in files {
            let damaged = || FolderError::Damaged(path.clone());
            let mut rows = Rows::new(open(&path)?);
            rows.next_row().map_err(|error| FolderError::io(&path, error))?;
            while let Some((_, cells)) = rows.next_row().map_err(|error| FolderError::io(&path, error))? {
                let cells = cells.map_err(|_| damaged())?;
                let (Ok(serial), Ok(uid)) = (cells.get(3), cells.get(4)) else { return Err(damaged()) };
                let (Ok(serial), Ok(uid)) = (serial.parse::<Serial>(), parse_uid(uid)) else { return Err(damaged()) };
                binding.set(serial.number(), uid);
            }
        }
        Ok(Some(binding))
    }

    /// Reads the readings of samples.
    ///
    /// # Errors
    /// Whatever hinders reading.
    pub fn check<'a>(&'a self, binding: Option<&'a Binding>, readings: &Path) -> Result<Check<'a>, FolderError> {
        let failed = |error| FolderError::io(readings, error);
        let mut check = Check::new(&self.order, binding);
        let mut input = open(readings)?;
        let mut line = Vec::new();
        loop {
            line.clear();
            let limit = LINE_BYTES_MAX as u64 + 1;
            if io::Read::take(&mut input, limit).read_until(b'\n', &mut line).map_err(failed)? == 0 {
                return Ok(check);
            }
            if line.pop_if(|last| *last == b'\n').is_none() && line.len() > LINE_BYTES_MAX {
                input.skip_until(b'\n').map_err(failed)?;
            }
            check.read(&line);
        }
    }

    /// Compares deliveries with the order; what does not agree goes into `report`, a new file.
    ///
    /// # Errors
    /// Whatever hinders reading or writing.
    pub fn reconcile(
        &self,
        binding: Option<&Binding>,
        deliveries: &[PathBuf],
        report: &Path,
    ) -> Result<Summary, FolderError> {
        let failed = |error| FolderError::io(report, error);
        let file = BufWriter::new(File::create(report).map_err(failed)?);
        let mut reconciliation = Reconciliation::new(&self.order, binding, file).map_err(failed)?;
        for path in deliveries {
            reconciliation.read(open(path)?).map_err(|error| FolderError::io(path, error))?;
        }
        reconciliation.finish().map_err(failed)
    }

    /// The imported UIDs, and the SHA-256 of their file.
    fn uids(&self) -> Result<(Vec<Uid>, String), FolderError> {
        let folder = self.path.join("uids");
        let (manifest, path) = (folder.join(UIDS_MANIFEST), folder.join(UIDS_FILE));
        let text = match fs::read(&manifest) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(FolderError::NoUids),
            other => other.map_err(|error| FolderError::io(&manifest, error))?,
        };
        let file: UidsFile = serde_json::from_slice(&text).map_err(|_| FolderError::Damaged(manifest))?;
        if parts::sha256_of(&path).map_err(|error| FolderError::io(&path, error))? != file.sha256 {
            return Err(FolderError::Damaged(path));
        }
        let mut import = UidImport::new();
        import.read(open(&path)?).map_err(|error| FolderError::io(&path, error))?;
        let uids = import.finish().map_err(|_| FolderError::Damaged(path))?;
        Ok((uids, file.sha256))
    }
}

const ORDER_FILE: &str = "order.json";
const ENCODING: &str = "encoding";
const BOUND: &str = "bound";
const UIDS_FILE: &str = "uids.csv";
const UIDS_MANIFEST: &str = "uids.json";

fn open(path: &Path) -> Result<BufReader<File>, FolderError> {
    let file = File::open(path).map_err(|error| FolderError::io(path, error))?;
    Ok(BufReader::with_capacity(1 << 18, file))
}

fn read_order(path: &Path) -> Result<Option<Order>, FolderError> {
    let path = path.join(ORDER_FILE);
    match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(FolderError::io(&path, error)),
        Ok(text) => Ok(Some(Order::from_json(&text).map_err(|_| FolderError::Damaged(path))?)),
    }
}

fn lock(path: &Path) -> Result<File, FolderError> {
    let file = path.join("lock");
    let lock = File::create(&file).map_err(|error| FolderError::io(&file, error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(FolderError::InUse(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(FolderError::io(&file, error)),
    }
}

/// Why the folder of an order is of no use.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The disk, or a file that is not there.
    #[error("cannot use {}: {error}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What happened.
        error: io::Error,
    },
    /// There can be no such order.
    #[error(transparent)]
    Order(#[from] OrderError),
    /// It is another order's.
    #[error("{} holds an order with other terms: use another folder, or the same terms", .0.display())]
    OtherOrder(PathBuf),
    /// There is no order.
    #[error("{} holds no order: make one with `tapstone tag factory --count … --out …`", .0.display())]
    NoOrder(PathBuf),
    /// Another process works there.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// Somebody wrote into it.
    #[error("{} is not as it was written: restore it from a copy", .0.display())]
    Damaged(PathBuf),
    /// What is there was made from other lists or another log.
    #[error("{} was made from another source: move its folder away first", .0.display())]
    OtherSource(PathBuf),
    /// It was stopped on its way.
    #[error("{} is not finished: run the command that writes it again", .0.display())]
    Unfinished(PathBuf),
    /// Nothing was imported yet.
    #[error("no UIDs were imported: run `tapstone tag factory import-uids` first")]
    NoUids,
    /// Something is wrong with rows of a file from outside. Nothing was changed.
    #[error("{} rows are wrong; nothing was changed", .0.total())]
    Problems(Problems),
}

impl FolderError {
    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io { path: path.to_owned(), error }
    }
}
