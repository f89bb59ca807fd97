//! What repeatable requests were answered, so that the same request gets the same answer.
//!
//! An answer is written in the transaction of the change that it tells of: both are there after a crash, or neither.
//! Answers are kept for thirty days at least, and no more than ten million of them, the oldest going first.

use payments::{Request, UnixMillis};
use rusqlite::{OptionalExtension, Row, params};

use crate::{Change, DirectoryError};

/// How long an answer is kept at least, if there is room, in milliseconds.
const KEPT_MS: u64 = 30 * 24 * 60 * 60 * 1_000;

/// The most answers kept.
const MOST_KEPT: i64 = 10_000_000;

/// How many old answers may go for each that comes: more than one, so that they do go.
const GOING: i64 = 16;

/// An answer as it was given.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    /// The HTTP status.
    pub status: u16,
    /// The answer's bytes, without what is secret in it.
    pub answer: Vec<u8>,
    /// The answer's secret, sealed by whoever gave it.
    pub sealed: Option<Vec<u8>>,
}

impl std::fmt::Debug for StoredAnswer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StoredAnswer").field("status", &self.status).finish_non_exhaustive()
    }
}

/// What is known of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// Nothing.
    New,
    /// It was answered so.
    Answered(StoredAnswer),
    /// Its key was used with another body.
    Conflict,
}

impl Change<'_> {
    /// What this request was answered before.
    ///
    /// # Errors
    /// [`DirectoryError`] if the file cannot be read.
    pub fn known(&self, request: &Request) -> Result<Known, DirectoryError> {
        const READ: &str = "SELECT body, status, answer, sealed FROM answers WHERE request = ?1";
        let read = |row: &Row<'_>| {
            let body: [u8; 16] = row.get(0)?;
            let answer = StoredAnswer { status: row.get(1)?, answer: row.get(2)?, sealed: row.get(3)? };
            Ok(if body == request.body.0 { Known::Answered(answer) } else { Known::Conflict })
        };
        let found = self.run(|sql| sql.prepare_cached(READ)?.query_row([request.key.0], read).optional())?;
        Ok(found.unwrap_or(Known::New))
    }

    /// Remembers what a request was answered, and forgets some that are too old.
    ///
    /// # Errors
    /// [`DirectoryError`] if the file cannot be written, or the request was answered before.
    pub fn remember(&mut self, request: &Request, answer: &StoredAnswer) -> Result<(), DirectoryError> {
        const WRITE: &str =
            "INSERT INTO answers (request, body, at, status, answer, sealed) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        const FORGET: &str = "DELETE FROM answers WHERE number IN (
            SELECT number FROM (SELECT number, at FROM answers ORDER BY number LIMIT ?3)
            WHERE at < ?1 OR number <= (SELECT max(number) FROM answers) - ?2)";
        let UnixMillis(now) = self.author().at;
        let fields =
            params![request.key.0, request.body.0, now.cast_signed(), answer.status, answer.answer, answer.sealed,];
        self.run(|sql| {
            sql.prepare_cached(WRITE)?.execute(fields)?;
            let forget = params![now.saturating_sub(KEPT_MS).cast_signed(), MOST_KEPT, GOING];
            sql.prepare_cached(FORGET)?.execute(forget).map(drop)
        })
    }
}
