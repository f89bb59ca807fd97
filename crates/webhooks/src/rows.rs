//! The rows of endpoints, their secrets and their replays.

use ids::{MerchantId, WebhookEndpointId};
use rusqlite::{Connection, Row, params};

use crate::endpoint::{Endpoint, EndpointState};
use crate::queue::Position;

/// An endpoint as it is stored.
pub(crate) struct EndpointRow {
    pub(crate) number: i64,
    pub(crate) id: WebhookEndpointId,
    pub(crate) merchant: MerchantId,
    pub(crate) url: String,
    pub(crate) events: String,
    pub(crate) description: Option<String>,
    /// `None`: deleted, and its deliveries with it before long.
    pub(crate) state: Option<EndpointState>,
    pub(crate) created_at: u64,
    pub(crate) position: Position,
    pub(crate) stored_bytes: u64,
}

/// A secret as it is stored.
pub(crate) struct SecretRow {
    pub(crate) endpoint: i64,
    pub(crate) serial: i64,
    pub(crate) sealed: Vec<u8>,
    pub(crate) valid_until: Option<u64>,
}

/// A range of events that are delivered once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Replay {
    pub(crate) serial: i64,
    /// Up to here it is done.
    pub(crate) after: Position,
    pub(crate) through: Position,
}

const DELETED: i64 = 3;

fn state_code(state: EndpointState) -> i64 {
    match state {
        EndpointState::Enabled => 0,
        EndpointState::Disabled => 1,
        EndpointState::Gone => 2,
    }
}

pub(crate) fn insert_endpoint(
    sql: &Connection,
    number: i64,
    endpoint: &Endpoint,
    position: Position,
) -> rusqlite::Result<()> {
    sql.execute(
        "INSERT INTO endpoints VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0)",
        params![
            number,
            endpoint.id.to_bytes(),
            endpoint.merchant.to_bytes(),
            endpoint.url.to_string(),
            endpoint.events.patterns().join("\n"),
            endpoint.description,
            state_code(endpoint.state),
            endpoint.created_at,
            position,
        ],
    )?;
    Ok(())
}

pub(crate) fn update_endpoint(sql: &Connection, number: i64, endpoint: &Endpoint) -> rusqlite::Result<()> {
    sql.execute(
        "UPDATE endpoints SET url = ?2, events = ?3, description = ?4, state = ?5 WHERE number = ?1",
        params![
            number,
            endpoint.url.to_string(),
            endpoint.events.patterns().join("\n"),
            endpoint.description,
            state_code(endpoint.state),
        ],
    )?;
    Ok(())
}

pub(crate) fn set_state(sql: &Connection, number: i64, state: EndpointState) -> rusqlite::Result<()> {
    sql.prepare_cached("UPDATE endpoints SET state = ?2 WHERE number = ?1")?
        .execute(params![number, state_code(state)])?;
    Ok(())
}

/// Its secrets and replays go at once, its deliveries little by little.
pub(crate) fn mark_deleted(sql: &Connection, number: i64) -> rusqlite::Result<()> {
    sql.execute("DELETE FROM secrets WHERE endpoint = ?1", [number])?;
    sql.execute("DELETE FROM replays WHERE endpoint = ?1", [number])?;
    sql.execute(
        "UPDATE endpoints SET state = ?2, url = '', description = NULL WHERE number = ?1",
        params![number, DELETED],
    )?;
    Ok(())
}

pub(crate) fn delete_endpoint(sql: &Connection, number: i64) -> rusqlite::Result<()> {
    sql.execute("DELETE FROM endpoints WHERE number = ?1", [number])?;
    Ok(())
}

pub(crate) fn set_position(
    sql: &Connection,
    number: i64,
    position: Position,
    stored_bytes: u64,
) -> rusqlite::Result<()> {
    sql.prepare_cached("UPDATE endpoints SET position = ?2, stored_bytes = ?3 WHERE number = ?1")?.execute(params![
        number,
        position,
        stored_bytes
    ])?;
    Ok(())
}

pub(crate) fn set_stored_bytes(sql: &Connection, number: i64, stored_bytes: u64) -> rusqlite::Result<()> {
    sql.prepare_cached("UPDATE endpoints SET stored_bytes = ?2 WHERE number = ?1")?
        .execute(params![number, stored_bytes])?;
    Ok(())
}

pub(crate) fn endpoints(sql: &Connection) -> rusqlite::Result<Vec<EndpointRow>> {
    let mut statement = sql.prepare("SELECT * FROM endpoints ORDER BY id")?;
    let rows = statement.query_map([], endpoint_row)?;
    rows.collect()
}

fn endpoint_row(row: &Row<'_>) -> rusqlite::Result<EndpointRow> {
    Ok(EndpointRow {
        number: row.get(0)?,
        id: WebhookEndpointId::from_bytes(row.get(1)?),
        merchant: MerchantId::from_bytes(row.get(2)?),
        url: row.get(3)?,
        events: row.get(4)?,
        description: row.get(5)?,
        state: match row.get(6)? {
            0 => Some(EndpointState::Enabled),
            1 => Some(EndpointState::Disabled),
            2 => Some(EndpointState::Gone),
            DELETED => None,
            other => return Err(rusqlite::Error::IntegralValueOutOfRange(6, other)),
        },
        created_at: row.get(7)?,
        position: row.get(8)?,
        stored_bytes: row.get(9)?,
    })
}

pub(crate) fn insert_secret(sql: &Connection, secret: &SecretRow) -> rusqlite::Result<()> {
    let SecretRow { endpoint, serial, sealed, valid_until } = secret;
    sql.execute("INSERT INTO secrets VALUES (?1, ?2, ?3, ?4)", params![endpoint, serial, sealed, valid_until])?;
    Ok(())
}

pub(crate) fn retire_secret(sql: &Connection, endpoint: i64, serial: i64, valid_until: u64) -> rusqlite::Result<()> {
    sql.execute(
        "UPDATE secrets SET valid_until = ?3 WHERE endpoint = ?1 AND serial = ?2",
        params![endpoint, serial, valid_until],
    )?;
    Ok(())
}

pub(crate) fn delete_secret(sql: &Connection, endpoint: i64, serial: i64) -> rusqlite::Result<()> {
    sql.execute("DELETE FROM secrets WHERE endpoint = ?1 AND serial = ?2", params![endpoint, serial])?;
    Ok(())
}

pub(crate) fn secrets(sql: &Connection) -> rusqlite::Result<Vec<SecretRow>> {
    let mut statement = sql.prepare("SELECT endpoint, serial, sealed, valid_until FROM secrets ORDER BY 1, 2")?;
    let rows = statement.query_map([], |row| {
        Ok(SecretRow { endpoint: row.get(0)?, serial: row.get(1)?, sealed: row.get(2)?, valid_until: row.get(3)? })
    })?;
    rows.collect()
}

pub(crate) fn put_replay(sql: &Connection, endpoint: i64, replay: Replay) -> rusqlite::Result<()> {
    sql.prepare_cached("INSERT OR REPLACE INTO replays VALUES (?1, ?2, ?3, ?4)")?.execute(params![
        endpoint,
        replay.serial,
        replay.after,
        replay.through
    ])?;
    Ok(())
}

pub(crate) fn delete_replay(sql: &Connection, endpoint: i64, serial: i64) -> rusqlite::Result<()> {
    sql.prepare_cached("DELETE FROM replays WHERE endpoint = ?1 AND serial = ?2")?.execute([endpoint, serial])?;
    Ok(())
}

/// Each with its endpoint's number.
pub(crate) fn replays(sql: &Connection) -> rusqlite::Result<Vec<(i64, Replay)>> {
    let mut statement = sql.prepare("SELECT endpoint, serial, after, through FROM replays ORDER BY 1, 2")?;
    let rows = statement.query_map([], |row| {
        Ok((row.get(0)?, Replay { serial: row.get(1)?, after: row.get(2)?, through: row.get(3)? }))
    })?;
    rows.collect()
}

/// The names of event types by their codes.
pub(crate) fn event_types(sql: &Connection) -> rusqlite::Result<Vec<(i64, String)>> {
    let mut statement = sql.prepare("SELECT code, name FROM event_types ORDER BY code")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

pub(crate) fn insert_event_type(sql: &Connection, code: i64, name: &str) -> rusqlite::Result<()> {
    sql.execute("INSERT INTO event_types VALUES (?1, ?2)", params![code, name])?;
    Ok(())
}
