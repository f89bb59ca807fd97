//! The webhooks' SQLite file: opened alone, one writer, write-ahead log.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};

use crate::error::WebhooksError;

/// The version of the file's layout, kept in SQLite's `user_version`.
pub(crate) const FORMAT_VERSION: i64 = 1;

/// "Twhk" in ASCII: says that an SQLite file holds Tapstone's webhooks.
const APPLICATION_ID: i64 = 0x5477_686b;

/// Prepared statements that are kept.
const STATEMENTS: usize = 64;

/// The one connection, which holds the file alone.
pub(crate) struct Database {
    connection: Connection,
    path: PathBuf,
}

impl Database {
    pub(crate) fn open(path: &Path) -> Result<Self, WebhooksError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(|source| error(path, source))?;
        let database = Self { connection, path: path.to_owned() };
        database.run(|sql| {
            sql.busy_timeout(Duration::ZERO)?;
            sql.set_prepared_statement_cache_capacity(STATEMENTS);
            sql.pragma_update(None, "locking_mode", "EXCLUSIVE")
        })?;
        database.check_version()?;
        database.run(|sql| {
            sql.pragma_update(None, "journal_mode", "WAL")?;
            // What is sent must be stored; and a cursor that has moved must not move back.
            sql.pragma_update(None, "synchronous", "FULL")?;
            sql.pragma_update(None, "cache_size", -65_536)
        })?;
        database.create_if_empty()?;
        Ok(database)
    }

    fn check_version(&self) -> Result<(), WebhooksError> {
        let (application, version, tables): (i64, i64, i64) = self.run(|sql| {
            let application = sql.pragma_query_value(None, "application_id", |row| row.get(0))?;
            let version = sql.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok((application, version, sql.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?))
        })?;
        let path = self.path.clone();
        match (application, version, tables) {
            (0, 0, 0) | (APPLICATION_ID, FORMAT_VERSION, _) => Ok(()),
            (APPLICATION_ID, found, _) => Err(WebhooksError::NewerVersion { path, found }),
            _ => Err(WebhooksError::Foreign { path }),
        }
    }

    fn create_if_empty(&self) -> Result<(), WebhooksError> {
        self.write(|sql| {
            let tables: i64 = sql.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if tables == 0 {
                sql.execute_batch(include_str!("schema.sql"))?;
                sql.pragma_update(None, "application_id", APPLICATION_ID)?;
                sql.pragma_update(None, "user_version", FORMAT_VERSION)?;
            }
            Ok(())
        })
    }

    /// Reads.
    pub(crate) fn run<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, WebhooksError> {
        work(&self.connection).map_err(|source| error(&self.path, source))
    }

    /// Writes all or nothing; durable when it returns.
    pub(crate) fn write<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, WebhooksError> {
        self.run(|sql| {
            let transaction = Transaction::new_unchecked(sql, TransactionBehavior::Immediate)?;
            let outcome = work(&transaction)?;
            transaction.commit()?;
            Ok(outcome)
        })
    }

    /// Something in the file cannot be what we wrote.
    pub(crate) fn damaged(&self, damage: impl Into<String>) -> WebhooksError {
        WebhooksError::Damaged { path: self.path.clone(), damage: damage.into() }
    }
}

/// Says what SQLite's error means for this file.
fn error(path: &Path, source: rusqlite::Error) -> WebhooksError {
    let path = path.to_owned();
    match &source {
        rusqlite::Error::FromSqlConversionFailure(..) | rusqlite::Error::InvalidColumnType(..) => {
            WebhooksError::Damaged { path, damage: source.to_string() }
        }
        _ => match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => WebhooksError::Locked { path },
            Some(ErrorCode::DatabaseCorrupt) => WebhooksError::Damaged { path, damage: source.to_string() },
            Some(ErrorCode::NotADatabase) => {
                WebhooksError::Damaged { path, damage: "it is no SQLite database".to_owned() }
            }
            _ => WebhooksError::Sqlite { path, source },
        },
    }
}
