//! Copying the directory's file while another process may hold and change it.
//!
//! That process holds the file alone, so SQLite would let nobody else in; the files themselves can be read. In WAL mode a
//! transaction is appended to the write-ahead log, and its pages go to the database later, in any order. A page that
//! changes while the database is being read is therefore in the log that is read after it, as long as the log was not
//! begun anew in between. That shows in the log's header, whose salts are others then (SQLite, "WAL-mode File Format",
//! section 1). So: the header, the database, the log, the header again; if it is the same, database and log together are
//! what a crash would have left, and SQLite makes one consistent file of them.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::database::Database;
use crate::{Directory, DirectoryError};

/// The log's header.
const LOG_HEADER_BYTES: usize = 32;

/// How often the log may be begun anew, and how long to wait each time.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// Copies the directory in the data folder `from` to a file in the folder `to`, which must hold none, and says which.
/// Whatever was added before is in it. The copy is one file, checked for consistency.
///
/// # Errors
/// [`DirectoryError`] says what is wrong with which of the two. Something may be left in `to`.
pub fn copy_file(from: &Path, to: &Path) -> Result<PathBuf, DirectoryError> {
    let (from, to) = (from.join(Directory::FILE_NAME), to.join(Directory::FILE_NAME));
    copy_raw(&from, &to)?;
    Database::settle_copy(&to, &from)?;
    Ok(to)
}

/// Copies any other SQLite file that a process of ours keeps in the same way. The copy is one file, checked by SQLite.
///
/// # Errors
/// [`DirectoryError`] says what is wrong with which of the two. Something may be left at `to`.
pub fn copy_database(from: &Path, to: &Path) -> Result<(), DirectoryError> {
    copy_raw(from, to)?;
    Database::settle_any_copy(to, from)
}

fn copy_raw(from: &Path, to: &Path) -> Result<(), DirectoryError> {
    let unreadable = |source| DirectoryError::Copy { path: from.to_owned(), source };
    for attempt in 1.. {
        if copy_between_restarts(from, to).map_err(unreadable)? {
            break;
        }
        if attempt == ATTEMPTS {
            return Err(DirectoryError::Changing { path: from.to_owned() });
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Copies database and log; false if the log was begun anew meanwhile, so that they may not belong together.
fn copy_between_restarts(from: &Path, to: &Path) -> io::Result<bool> {
    let attempt = Attempt::begin(from, to)?;
    attempt.copy_database()?;
    attempt.copy_log()
}

/// The steps of one attempt.
struct Attempt<'a> {
    from: &'a Path,
    to: &'a Path,
    log: PathBuf,
    before: Generation,
}

impl<'a> Attempt<'a> {
    fn begin(from: &'a Path, to: &'a Path) -> io::Result<Self> {
        let log = log_of(from);
        let before = Generation::read(from, &log)?;
        Ok(Self { from, to, log, before })
    }

    fn copy_database(&self) -> io::Result<()> {
        fs::copy(self.from, self.to).map(drop)
    }

    /// Says whether the log was the same all the time.
    fn copy_log(self) -> io::Result<bool> {
        let log_copy = log_of(self.to);
        match fs::copy(&self.log, &log_copy) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            copied => drop(copied?),
        }
        let same = Generation::read(self.to, &log_copy)?.is_log_of(&self.before);
        Ok(same && Generation::read(self.from, &self.log)? == self.before)
    }
}

fn log_of(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

/// Which log it is.
#[derive(PartialEq, Eq)]
enum Generation {
    /// There is none, so only the database itself can say whether it was changed.
    None(SystemTime, u64),
    Log([u8; LOG_HEADER_BYTES]),
}

impl Generation {
    fn read(database: &Path, log: &Path) -> io::Result<Self> {
        let mut header = [0; LOG_HEADER_BYTES];
        match File::open(log).and_then(|mut log| log.read_exact(&mut header)) {
            Ok(()) => return Ok(Self::Log(header)),
            Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::UnexpectedEof].contains(&error.kind()) => {}
            Err(error) => return Err(error),
        }
        let metadata = fs::metadata(database)?;
        Ok(Self::None(metadata.modified()?, metadata.len()))
    }

    /// Whether both have the same log, or none.
    fn is_log_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Log(one), Self::Log(other)) => one == other,
            (Self::None(..), Self::None(..)) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use ids::WalletId;
    use payments::UnixMillis;

    use super::*;
    use crate::{Entry, Name, Purpose, WalletProfile};

    /// Scattered, so that each addition changes pages all over the file.
    fn wallet(n: u64) -> WalletProfile {
        let name = Name::try_from("Somebody with a name of some length").unwrap();
        let id = WalletId::from_parts(1, u128::from(n.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        WalletProfile { id, name, name_zh: None, created_at: UnixMillis(1) }
    }

    fn add(directory: &Directory, first: u64, count: u64) -> u64 {
        // In small transactions: between two of them the log may be begun anew.
        for first in (first..first + count).step_by(50) {
            directory.add((first..first + 50).map(|n| Entry::Wallet(wallet(n)))).unwrap();
        }
        first + count
    }

    /// What the holder adds before the database is copied, and between that and the log: nothing, little, or so much that
    /// the log is begun anew. Either the attempt says that it failed, or the copy is whole.
    #[test]
    fn an_attempt_fails_or_is_consistent_whatever_is_added_meanwhile() {
        let (mut failed, mut copied) = (0, 0);
        for (first, second) in [(0, 0), (50, 50), (0, 100), (100, 0), (3_000, 0), (0, 3_000), (50, 3_000), (3_000, 50)]
        {
            let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            let directory = Directory::open(from.path()).unwrap();
            directory.declare(Purpose::Live).unwrap();
            let before = add(&directory, 0, 2_000);
            let (source, target) = (from.path().join(Directory::FILE_NAME), to.path().join(Directory::FILE_NAME));
            let attempt = Attempt::begin(&source, &target).unwrap();
            let between = add(&directory, before, first);
            attempt.copy_database().unwrap();
            let after = add(&directory, between, second);
            if !attempt.copy_log().unwrap() {
                failed += 1;
                continue;
            }
            copied += 1;
            Database::settle_copy(&target, &source).unwrap();
            let copy = Directory::open(to.path()).unwrap();
            assert!((0..after).all(|n| copy.wallet(wallet(n).id).is_some()), "{first} {second}");
        }
        assert_eq!((copied, failed), (4, 4));
    }
}
