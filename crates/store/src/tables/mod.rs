//! The tables: what the journal has said so far, ready to be asked.
//!
//! One SQLite file, written by one [`TablesWriter`] a batch of journal records at a time, read by any number of
//! [`TablesReader`]s. Each write carries the journal position that the tables reflect from then on, in the same
//! transaction, so after a crash the tables are a true picture of some earlier position and the journal's tail brings
//! them up to date. They promise nothing on their own: lost or damaged, they are made again from the journal.

mod entries;
mod events;
mod lists;
mod reader;
mod rows;
mod settlements;
mod state;
mod writer;

use std::path::{Path, PathBuf};
use std::time::Duration;

use payments::UnixMillis;
use rusqlite::{Connection, OpenFlags};

use journal::Anchor;

pub use entries::{Cause, Entry};
pub use events::{EventKind, EventRow, StoredEvent};
pub use lists::{
    EventFilter, MOST_LOOKED_THROUGH, OrderFilter, PaymentFilter, PaymentStatusFilter, RefundFilter, Span,
};
pub use reader::{HistoryEntry, OrderStatusFilter, Page, RowCounts, TablesReader};
pub use settlements::{AddedUp, PayoutFilter, PayoutStatusFilter, SettledPayout, SettlementFilter, StatementEntry};
pub use writer::TablesWriter;

/// The version of the tables' layout, kept in SQLite's `user_version`.
const FORMAT_VERSION: i64 = 2;

/// How long to wait for somebody else's lock on the file, a backup tool's for instance.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// "Tsto" in ASCII: says that an SQLite file is Tapstone's tables.
const APPLICATION_ID: i64 = 0x5473_746f;

/// Where in the journal the tables are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// The journal frame that the tables reflect last; position 0 (and no meaningful hash) before the first.
    pub frame: Anchor,
    /// When that was decided.
    pub time: UnixMillis,
}

/// Why the tables cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TablesError {
    /// Written by a newer Tapstone.
    #[error(
        "{} was written by a newer Tapstone (tables version {found}, this one knows {FORMAT_VERSION}): \
         start that version, or a newer one",
        path.display()
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// Written by an older Tapstone: to be made anew from the journal.
    #[error("{} was written by an older Tapstone", path.display())]
    OlderVersion {
        /// The file.
        path: PathBuf,
    },
    /// The file is of an older version and cannot be removed.
    #[error("{} is to be made anew and cannot be removed: {source}", path.display())]
    NotRemoved {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// An SQLite file of something else.
    #[error("{} is not Tapstone's: point --data to another folder, or move the file away", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// SQLite's own check found the file damaged.
    #[error("{} is damaged ({what}): move it away and start again, it is made anew from the journal", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        what: String,
    },
    /// SQLite cannot read or write the file.
    #[error(
        "{}: {source}. If the disk has room and the file may be written, it is damaged: move it away and start \
         again, it is made anew from the journal",
        path.display()
    )]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
}

/// A connection that knows its file's name, for errors.
#[derive(Debug)]
struct Database {
    connection: Connection,
    path: PathBuf,
}

impl Database {
    fn open_to_write(path: &Path) -> Result<Self, TablesError> {
        let database = Self::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        database.check_version()?;
        // The journal is what makes an answer durable. The tables need only be consistent, which WAL with
        // `synchronous=NORMAL` keeps them through power loss.
        database.run(|sql| {
            sql.pragma_update(None, "journal_mode", "WAL")?;
            sql.pragma_update(None, "synchronous", "NORMAL")?;
            sql.pragma_update(None, "cache_size", -65_536)?;
            // Pages, 64 MB of them: a checkpoint syncs, and the journal's syncs wait behind it. Rarer is better.
            sql.pragma_update(None, "wal_autocheckpoint", 16_000)
        })?;
        database.create_if_empty()?;
        Ok(database)
    }

    fn open_to_read(path: &Path) -> Result<Self, TablesError> {
        let database = Self::open_read_only(path)?;
        database.check_version()?;
        database.run(|sql| sql.pragma_update(None, "cache_size", -32_768))?;
        Ok(database)
    }

    /// A connection that changes nothing, to a file of any version.
    fn open_read_only(path: &Path) -> Result<Self, TablesError> {
        let database = Self::open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        database.run(|sql| sql.pragma_update(None, "query_only", true))?;
        Ok(database)
    }

    fn open(path: &Path, flags: OpenFlags) -> Result<Self, TablesError> {
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)
            .map_err(|source| TablesError::Sqlite { path: path.to_owned(), source })?;
        connection.set_prepared_statement_cache_capacity(64);
        connection
            .busy_timeout(BUSY_TIMEOUT)
            .map_err(|source| TablesError::Sqlite { path: path.to_owned(), source })?;
        Ok(Self { connection, path: path.to_owned() })
    }

    fn check_version(&self) -> Result<(), TablesError> {
        let (application, version): (i64, i64) = self.run(|sql| {
            let application = sql.pragma_query_value(None, "application_id", |row| row.get(0))?;
            Ok((application, sql.pragma_query_value(None, "user_version", |row| row.get(0))?))
        })?;
        let path = || self.path.clone();
        match (application, version) {
            (APPLICATION_ID, FORMAT_VERSION) => Ok(()),
            // So says an empty file, and every SQLite file whose maker did not care.
            (0, 0) if self.is_empty()? => Ok(()),
            (APPLICATION_ID, ..FORMAT_VERSION) => Err(TablesError::OlderVersion { path: path() }),
            (APPLICATION_ID, found) => Err(TablesError::NewerVersion { path: path(), found }),
            _ => Err(TablesError::Foreign { path: path() }),
        }
    }

    fn is_empty(&self) -> Result<bool, TablesError> {
        self.run(|sql| sql.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0)))
    }

    fn create_if_empty(&self) -> Result<(), TablesError> {
        if !self.is_empty()? {
            return Ok(());
        }
        self.run(|sql| {
            let create = sql.unchecked_transaction()?;
            create.execute_batch(include_str!("schema.sql"))?;
            create.execute("INSERT INTO mark VALUES (1, 0, zeroblob(32), 0)", [])?;
            create.pragma_update(None, "application_id", APPLICATION_ID)?;
            create.pragma_update(None, "user_version", FORMAT_VERSION)?;
            create.commit()
        })
    }

    fn run<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, TablesError> {
        work(&self.connection).map_err(|source| TablesError::Sqlite { path: self.path.clone(), source })
    }

    fn mark(&self) -> Result<Mark, TablesError> {
        self.run(|sql| sql.query_row("SELECT position, frame_hash, time FROM mark", [], rows::mark))
    }
}
