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
    let unreadable = |source| DirectoryError::Copy { path: from.clone(), source };
    for attempt in 1.. {
        if copy_between_restarts(&from, &to).map_err(unreadable)? {
            break;
        }
        if attempt == ATTEMPTS {
            return Err(DirectoryError::Changing { path: from });
        }
        thread::sleep(PAUSE);
    }
    Database::settle_copy(&to, &from)?;
    Ok(to)
}

/// Copies database and log; false if the log was begun anew meanwhile, so that they may not belong together.
fn copy_between_restarts(from: &Path, to: &Path) -> io::Result<bool> {
    let (log, log_copy) = (log_of(from), log_of(to));
    let before = Generation::read(from, &log)?;
    fs::copy(from, to)?;
    match fs::copy(&log, &log_copy) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        copied => drop(copied?),
    }
    Ok(Generation::read(from, &log)? == before && Generation::read(to, &log_copy)?.is_log_of(&before))
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
