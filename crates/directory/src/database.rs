//! The directory's SQLite file.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::cache::Cache;
use crate::change::{Author, Change};
use crate::profiles::{Entry, Purpose};
use crate::{DirectoryError, migration, rows};

/// The version of the file's layout, kept in SQLite's `user_version`.
pub(crate) const FORMAT_VERSION: i64 = 2;

/// "Tdir" in ASCII: says that an SQLite file is Tapstone's directory.
const APPLICATION_ID: i64 = 0x5464_6972;

/// The one connection, which holds the file alone.
pub(crate) struct Database {
    connection: Connection,
    path: PathBuf,
}

impl Database {
    pub(crate) fn open(path: &Path) -> Result<Self, DirectoryError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|source| error(path, source))?;
        connection.set_prepared_statement_cache_capacity(64);
        let database = Self { connection, path: path.to_owned() };
        database.run(|sql| {
            sql.busy_timeout(Duration::ZERO)?;
            // Set before the first look into the file: the cache is only true while nobody else writes.
            sql.pragma_update(None, "locking_mode", "EXCLUSIVE")
        })?;
        database.check_version()?;
        database.run(|sql| {
            sql.pragma_update(None, "journal_mode", "WAL")?;
            sql.pragma_update(None, "synchronous", "FULL")?;
            sql.pragma_update(None, "cache_size", -65_536)?;
            // Tables are made anew in a migration, which other tables refer to.
            sql.pragma_update(None, "foreign_keys", false)
        })?;
        database.run(bring_up_to_date)?;
        database.run(|sql| sql.pragma_update(None, "foreign_keys", true))?;
        Ok(database)
    }

    /// Makes one consistent file of a copied database and its copied write-ahead log. What is wrong with the copy is
    /// wrong with the `original`.
    pub(crate) fn settle_copy(copy: &Path, original: &Path) -> Result<(), DirectoryError> {
        let database = Self::open_copy(copy, original)?;
        database.check_version()?;
        database.settle()
    }

    /// The same of a file that is not the directory's.
    pub(crate) fn settle_any_copy(copy: &Path, original: &Path) -> Result<(), DirectoryError> {
        Self::open_copy(copy, original)?.settle()
    }

    fn open_copy(copy: &Path, original: &Path) -> Result<Self, DirectoryError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(copy, flags).map_err(|source| error(original, source))?;
        Ok(Self { connection, path: original.to_owned() })
    }

    fn settle(&self) -> Result<(), DirectoryError> {
        let (found, mode): (String, String) = self.run(|sql| {
            let found = sql.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            // Takes in the log and removes it.
            Ok((found, sql.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0))?))
        })?;
        if found != "ok" || mode != "delete" {
            return Err(DirectoryError::Damaged { path: self.path.clone(), damage: found });
        }
        Ok(())
    }

    fn check_version(&self) -> Result<(), DirectoryError> {
        let (application, version, tables): (i64, i64, i64) = self.run(|sql| {
            let application = sql.pragma_query_value(None, "application_id", |row| row.get(0))?;
            let version = sql.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok((application, version, sql.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?))
        })?;
        let path = || self.path.clone();
        match (application, version, tables) {
            (0, 0, 0) | (APPLICATION_ID, 1..=FORMAT_VERSION, _) => Ok(()),
            (APPLICATION_ID, found, _) => Err(DirectoryError::NewerVersion { path: path(), found }),
            _ => Err(DirectoryError::Foreign { path: path() }),
        }
    }

    /// Reads everything.
    pub(crate) fn load(&self) -> Result<Cache, DirectoryError> {
        self.run(|sql| {
            let mut cache = Cache::default();
            cache.purpose = rows::read_purpose(sql)?;
            rows::read_all(sql, |entry| cache.insert(entry))?;
            Ok(cache)
        })
    }

    pub(crate) fn declare(&self, purpose: Purpose) -> Result<(), DirectoryError> {
        self.run(|sql| rows::write_purpose(sql, purpose))
    }

    /// Runs `work` in one transaction, which stands if it succeeds; says what the cache has to take in then.
    pub(crate) fn change<T, E: From<DirectoryError>>(
        &mut self,
        author: Author,
        work: impl FnOnce(&mut Change<'_>) -> Result<T, E>,
    ) -> Result<(T, Vec<Entry>), E> {
        let path = &self.path;
        let transaction = Transaction::new(&mut self.connection, TransactionBehavior::Immediate);
        let transaction = transaction.map_err(|source| error(path, source))?;
        let mut change = Change::new(&transaction, path, author);
        let done = work(&mut change)?;
        let written = change.into_written();
        transaction.commit().map_err(|source| error(path, source))?;
        Ok((done, written))
    }

    /// Asks the file.
    pub(crate) fn ask<T>(&self, ask: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, DirectoryError> {
        self.run(ask)
    }

    fn run<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, DirectoryError> {
        work(&self.connection).map_err(|source| error(&self.path, source))
    }
}

/// Makes the tables, or makes those of an older version this one's: all in one transaction.
fn bring_up_to_date(sql: &Connection) -> rusqlite::Result<()> {
    // An immediate transaction takes the lock for good, also where nothing is to be done.
    let change = Transaction::new_unchecked(sql, TransactionBehavior::Immediate)?;
    let tables: i64 = change.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    let version: i64 = change.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if tables == 0 {
        change.execute_batch(include_str!("schema.sql"))?;
        change.pragma_update(None, "application_id", APPLICATION_ID)?;
    } else if version < 2 {
        migration::from_1_to_2(&change)?;
    }
    if version < FORMAT_VERSION {
        change.pragma_update(None, "user_version", FORMAT_VERSION)?;
    }
    change.commit()
}

/// Says what SQLite's error means for this file.
pub(crate) fn error(path: &Path, source: rusqlite::Error) -> DirectoryError {
    let path = path.to_owned();
    let damaged = |damage: String| DirectoryError::Damaged { path: path.clone(), damage };
    match &source {
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
            damaged(source.to_string())
        }
        _ => match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => DirectoryError::Locked { path },
            Some(ErrorCode::DatabaseCorrupt) => damaged(source.to_string()),
            Some(ErrorCode::NotADatabase) => damaged("it is no SQLite database".to_owned()),
            _ => DirectoryError::Sqlite { path, source },
        },
    }
}
