//! The rows of deliveries and their attempts.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::delivery::{Attempt, DeliveryNumber, DeliveryStatus, MAX_POSITION, Outcome, Selection};
use crate::queue::Progress;

/// The last attempts of a delivery that are kept.
const ATTEMPTS_KEPT: u32 = 50;

/// What a delivery takes in the file besides its body, about: the row, its places in the indexes, an attempt.
pub(crate) const ROW_BYTES: u64 = 200;

/// A delivery to store.
pub(crate) struct NewDelivery<'a> {
    pub(crate) number: DeliveryNumber,
    pub(crate) event_type: i64,
    pub(crate) event_at: u64,
    pub(crate) created_at: u64,
    pub(crate) object: &'a str,
    pub(crate) body: &'a [u8],
}

/// A delivery as it is stored, without its body.
pub(crate) struct DeliveryRow {
    pub(crate) number: DeliveryNumber,
    pub(crate) event_type: i64,
    pub(crate) status: DeliveryStatus,
    pub(crate) progress: Progress,
    pub(crate) event_at: u64,
    pub(crate) created_at: u64,
    pub(crate) finished_at: Option<u64>,
    pub(crate) object: String,
}

/// What has become of a delivery since it was stored.
pub(crate) struct Change {
    pub(crate) number: DeliveryNumber,
    pub(crate) status: DeliveryStatus,
    pub(crate) progress: Progress,
    pub(crate) finished_at: Option<u64>,
    /// The attempt that changed it, if one did.
    pub(crate) attempt: Option<Attempt>,
}

const COLUMNS: &str = "number, event_type, state, step, attempts, first_attempt_at, next_at, event_at, created_at, \
                       finished_at, object";

pub(crate) fn numbers_of(endpoint: i64) -> RangeInclusive<i64> {
    DeliveryNumber::new(endpoint, 0).0..=DeliveryNumber::new(endpoint, MAX_POSITION).0
}

fn status_code(status: DeliveryStatus) -> i64 {
    match status {
        DeliveryStatus::Pending => 0,
        DeliveryStatus::Succeeded => 1,
        DeliveryStatus::Dead => 2,
    }
}

pub(crate) fn insert(sql: &Connection, new: &NewDelivery<'_>) -> rusqlite::Result<()> {
    sql.prepare_cached("INSERT INTO deliveries VALUES (?1, ?2, 0, 0, 0, NULL, 0, ?3, ?4, NULL, ?5, ?6)")?
        .execute(params![new.number.0, new.event_type, new.event_at, new.created_at, new.object, new.body])?;
    Ok(())
}

pub(crate) fn change(sql: &Connection, change: &Change) -> rusqlite::Result<()> {
    let Progress { attempts, step, first_attempt_at, next_at } = change.progress;
    sql.prepare_cached(
        "UPDATE deliveries SET state = ?2, step = ?3, attempts = ?4, first_attempt_at = ?5, next_at = ?6, finished_at = ?7 \
         WHERE number = ?1",
    )?
    .execute(params![
        change.number.0,
        status_code(change.status),
        step,
        attempts,
        first_attempt_at,
        next_at,
        change.finished_at
    ])?;
    match &change.attempt {
        Some(attempt) => insert_attempt(sql, change.number, attempts, attempt),
        None => Ok(()),
    }
}

fn insert_attempt(sql: &Connection, number: DeliveryNumber, attempts: u32, attempt: &Attempt) -> rusqlite::Result<()> {
    let (status, error, response) = match &attempt.outcome {
        Outcome::Answered { status, response } => (Some(*status), None, response.as_slice()),
        Outcome::Failed(error) => (None, Some(error.as_ref()), [].as_slice()),
    };
    sql.prepare_cached("INSERT OR REPLACE INTO attempts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(params![
        number.0,
        attempts,
        attempt.at,
        attempt.duration_ms,
        status,
        error,
        response
    ])?;
    if let Some(too_old) = attempts.checked_sub(ATTEMPTS_KEPT).filter(|old| *old > 0) {
        sql.prepare_cached("DELETE FROM attempts WHERE delivery = ?1 AND attempt <= ?2")?
            .execute(params![number.0, too_old])?;
    }
    Ok(())
}

pub(crate) fn attempts(sql: &Connection, number: DeliveryNumber) -> rusqlite::Result<Vec<(u32, Attempt)>> {
    let mut statement = sql.prepare_cached(
        "SELECT attempt, at, duration_ms, status, error, response FROM attempts WHERE delivery = ?1 ORDER BY attempt",
    )?;
    let rows = statement.query_map([number.0], |row| {
        let outcome = match row.get(3)? {
            Some(status) => Outcome::Answered { status, response: row.get(5)? },
            None => Outcome::Failed(Cow::Owned(row.get::<_, Option<String>>(4)?.unwrap_or_default())),
        };
        Ok((row.get(0)?, Attempt { at: row.get(1)?, duration_ms: row.get(2)?, outcome }))
    })?;
    rows.collect()
}

pub(crate) fn get(sql: &Connection, number: DeliveryNumber) -> rusqlite::Result<Option<DeliveryRow>> {
    sql.prepare_cached(&format!("SELECT {COLUMNS} FROM deliveries WHERE number = ?1"))?
        .query_row([number.0], read)
        .optional()
}

pub(crate) fn body(sql: &Connection, number: DeliveryNumber) -> rusqlite::Result<Option<Vec<u8>>> {
    sql.prepare_cached("SELECT body FROM deliveries WHERE number = ?1")?
        .query_row([number.0], |row| row.get(0))
        .optional()
}

/// All that has not come to an end, by number.
pub(crate) fn waiting(sql: &Connection, mut each: impl FnMut(DeliveryRow)) -> rusqlite::Result<()> {
    let mut statement = sql.prepare(&format!(
        "SELECT {COLUMNS} FROM deliveries INDEXED BY waiting_deliveries WHERE state = 0 ORDER BY number"
    ))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(read(row)?);
    }
    Ok(())
}

/// The newest first; one more than the selection's limit, if there is one.
pub(crate) fn list(
    sql: &Connection,
    endpoint: i64,
    selection: &Selection,
    event_type: Option<i64>,
) -> rusqlite::Result<Vec<DeliveryRow>> {
    let all = numbers_of(endpoint);
    let last = selection.before.map_or(*all.end(), |before| (DeliveryNumber::of(before).0 - 1).min(*all.end()));
    // The state is a number in the text: only then does SQLite know that the index of that state will do.
    let state = selection.status.map(|status| format!("AND state = {}", status_code(status))).unwrap_or_default();
    let index = match (selection.status, event_type) {
        (Some(DeliveryStatus::Pending), _) => "INDEXED BY waiting_deliveries",
        (Some(DeliveryStatus::Dead), _) => "INDEXED BY dead_deliveries",
        (_, Some(_)) => "INDEXED BY deliveries_of_type",
        (_, None) => "",
    };
    let event_type = event_type.map(|code| format!("AND event_type = {code}")).unwrap_or_default();
    let query = format!(
        "SELECT {COLUMNS} FROM deliveries {index} WHERE number BETWEEN ?1 AND ?2 {state} {event_type} \
         ORDER BY number DESC LIMIT ?3"
    );
    let mut statement = sql.prepare_cached(&query)?;
    let rows = statement.query_map(params![all.start(), last, selection.limit.saturating_add(1)], read)?;
    rows.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<DeliveryRow> {
    Ok(DeliveryRow {
        number: DeliveryNumber(row.get(0)?),
        event_type: row.get(1)?,
        status: match row.get(2)? {
            0 => DeliveryStatus::Pending,
            1 => DeliveryStatus::Succeeded,
            2 => DeliveryStatus::Dead,
            other => return Err(rusqlite::Error::IntegralValueOutOfRange(2, other)),
        },
        progress: Progress {
            step: row.get(3)?,
            attempts: row.get(4)?,
            first_attempt_at: row.get(5)?,
            next_at: row.get(6)?,
        },
        event_at: row.get(7)?,
        created_at: row.get(8)?,
        finished_at: row.get(9)?,
        object: row.get(10)?,
    })
}

/// What a look at some of an endpoint's deliveries found.
pub(crate) struct Pruned {
    /// The bytes that were given free.
    pub(crate) bytes: u64,
    /// Where the next look begins; `None` after the last delivery.
    pub(crate) next: Option<i64>,
}

/// Looks at up to `most` deliveries from the number `from` on, the oldest first, and deletes those that `is_old` says of
/// what it is told: when it came to an end (`None`: not yet), and how many bytes would be free with it.
pub(crate) fn prune(
    sql: &Connection,
    endpoint: i64,
    from: i64,
    most: u32,
    is_old: impl Fn(Option<u64>, u64) -> bool,
) -> rusqlite::Result<Pruned> {
    let mut pruned = Pruned { bytes: 0, next: None };
    let mut select = sql.prepare_cached(
        "SELECT number, finished_at, length(body) FROM deliveries WHERE number BETWEEN ?1 AND ?2 ORDER BY number LIMIT ?3",
    )?;
    let rows = select.query_map(params![from, numbers_of(endpoint).end(), most], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, Option<u64>>(1)?, row.get::<_, u64>(2)?))
    })?;
    let rows: Vec<_> = rows.collect::<rusqlite::Result<_>>()?;
    let mut delete = sql.prepare_cached("DELETE FROM deliveries WHERE number = ?1")?;
    let mut delete_attempts = sql.prepare_cached("DELETE FROM attempts WHERE delivery = ?1")?;
    for (number, finished_at, length) in &rows {
        if is_old(*finished_at, pruned.bytes) {
            delete.execute([number])?;
            delete_attempts.execute([number])?;
            pruned.bytes += length + ROW_BYTES;
        } else if finished_at.is_some() {
            // What follows is younger.
            return Ok(pruned);
        }
    }
    if usize::try_from(most).is_ok_and(|most| rows.len() == most) {
        pruned.next = rows.last().map(|(number, ..)| number + 1);
    }
    Ok(pruned)
}
