//! An SQLite file of ours: opened, recognised, made where there is none.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{Connection, Row, Transaction, TransactionBehavior};

use crate::PartnerError;

/// What kind of file it is.
pub(crate) struct Kind {
    /// Kept in SQLite's `application_id`.
    pub(crate) application: i64,
    /// Kept in SQLite's `user_version`.
    pub(crate) version: i64,
    /// Makes an empty one.
    pub(crate) schema: &'static str,
}

/// An open file, for one user at a time.
pub(crate) struct Database {
    connection: Connection,
    path: PathBuf,
}

impl Database {
    pub(crate) fn open(path: &Path, kind: &Kind) -> Result<Self, PartnerError> {
        let connection = Connection::open(path).map_err(|source| sqlite(path, source))?;
        let mut database = Self { connection, path: path.to_owned() };
        database.check(kind)?;
        database.prepare().map_err(|source| sqlite(path, source))?;
        database.write(|transaction| {
            let tables: i64 = transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            if tables == 0 {
                transaction.execute_batch(kind.schema)?;
                transaction.pragma_update(None, "application_id", kind.application)?;
                transaction.pragma_update(None, "user_version", kind.version)?;
            }
            Ok(())
        })?;
        Ok(database)
    }

    fn check(&self, kind: &Kind) -> Result<(), PartnerError> {
        let found = (|| {
            let application: i64 = self.connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
            let version: i64 = self.connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            let tables: i64 = self.connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
            Ok((application, version, tables))
        })();
        let path = self.path.clone();
        match found.map_err(|source| sqlite(&self.path, source))? {
            (0, 0, 0) => Ok(()),
            (application, version, _) if application == kind.application && version == kind.version => Ok(()),
            (application, found, _) if application == kind.application => {
                Err(PartnerError::NewerVersion { path, found })
            }
            _ => Err(PartnerError::Foreign { path }),
        }
    }

    fn prepare(&self) -> rusqlite::Result<()> {
        self.connection.busy_timeout(Duration::from_secs(5))?;
        self.connection.pragma_update(None, "journal_mode", "WAL")?;
        self.connection.pragma_update(None, "synchronous", "FULL")
    }

    /// All that `work` does, or nothing of it.
    pub(crate) fn write<T>(
        &mut self,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, PartnerError> {
        let path = &self.path;
        let run = || {
            let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        run().map_err(|source| sqlite(path, source))
    }

    /// Looks without changing anything.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, PartnerError> {
        look(&self.connection).map_err(|source| sqlite(&self.path, source))
    }

    #[cfg(test)]
    pub(crate) fn connection_mut(&mut self) -> &mut Connection {
        &mut self.connection
    }
}

/// What a column holds, as a type that cannot hold everything: what does not fit says that the file is damaged.
pub(crate) fn parsed<T>(row: &Row<'_>, column: &str, parse: impl FnOnce(&str) -> Option<T>) -> rusqlite::Result<T> {
    let text: String = row.get(column)?;
    parse(&text).ok_or_else(|| damaged(format!("{column} is {text:?}")))
}

/// A number that is never negative.
pub(crate) fn unsigned(row: &Row<'_>, column: &str) -> rusqlite::Result<u64> {
    let number: i64 = row.get(column)?;
    u64::try_from(number).map_err(|_| damaged(format!("{column} is {number}")))
}

/// A number for a column. Times and amounts are far below the limit; what is not becomes the largest number there is.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Carries what is wrong with a row through SQLite's own errors.
pub(crate) fn damaged(damage: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Text, damage.into())
}

fn sqlite(path: &Path, source: rusqlite::Error) -> PartnerError {
    let path = path.to_owned();
    match source {
        rusqlite::Error::FromSqlConversionFailure(_, _, damage) => {
            PartnerError::Damaged { path, damage: damage.to_string() }
        }
        source => PartnerError::Sqlite { path, source },
    }
}
