//! Entries and short ways to make runs of them.

use std::path::{Path, PathBuf};

use journal::OsDisk;
use runs::{Entry, Filter, Key, Run, RunId, RunWriter};
use tempfile::TempDir;

/// An entry with a small key, sorted by account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) account: u64,
    pub(crate) amount: u32,
}

impl Entry for Balance {
    const SIZE: usize = 12;
    type Key = u64;

    fn key(&self) -> u64 {
        self.account
    }

    fn write(&self, bytes: &mut [u8]) {
        self.account.write(&mut bytes[..8]);
        bytes[8..].copy_from_slice(&self.amount.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        Self { account: u64::read(&bytes[..8]), amount: u32::from_le_bytes(bytes[8..].try_into().unwrap()) }
    }
}

/// An entry with a large key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id {
    pub(crate) id: u128,
    pub(crate) number: u64,
}

impl Entry for Id {
    const SIZE: usize = 24;
    type Key = u128;

    fn key(&self) -> u128 {
        self.id
    }

    fn write(&self, bytes: &mut [u8]) {
        self.id.write(&mut bytes[..16]);
        self.number.write(&mut bytes[16..]);
    }

    fn read(bytes: &[u8]) -> Self {
        Self { id: u128::read(&bytes[..16]), number: u64::read(&bytes[16..]) }
    }
}

/// How many [`Id`]s, [`Balance`]s fit into a block.
pub(crate) const IDS_PER_BLOCK: u64 = 682;
pub(crate) const BALANCES_PER_BLOCK: u64 = 1364;

pub(crate) fn id(id: u128) -> Id {
    Id { id, number: u64::MAX - u64::try_from(id).unwrap_or(7) }
}

/// A directory for runs, named by number.
pub(crate) struct Shelf(TempDir);

impl Shelf {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, number: u64) -> PathBuf {
        path_in(self.0.path(), RunId(number))
    }

    pub(crate) fn directory(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn writer<E: Entry>(&self, number: u64, filter: Filter) -> RunWriter<E> {
        RunWriter::create(&OsDisk, &self.path(number), RunId(number), filter).unwrap()
    }

    /// Writes a run of `entries`.
    pub(crate) fn write<E: Entry>(&self, number: u64, entries: &[E], filter: Filter) -> Run<E> {
        let mut writer = self.writer(number, filter);
        writer.extend(entries).unwrap();
        writer.finish().unwrap()
    }

    pub(crate) fn open<E: Entry>(&self, number: u64) -> Result<Run<E>, runs::RunError> {
        Run::open(&OsDisk, &self.path(number), RunId(number))
    }
}

pub(crate) fn path_in(directory: &Path, id: RunId) -> PathBuf {
    directory.join(format!("{:020}.run", id.0))
}
