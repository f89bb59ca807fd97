//! The rows of reconciliation's file.

use ids::PayoutId;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::bank::{BankLine, Cursor, log};
use crate::database::{damaged, parsed, signed, unsigned};
use crate::reconciliation::facts::{PayoutFact, PayoutState};
use crate::reconciliation::judge::{Happening, Known, Report};
use crate::reconciliation::{START, reference};

/// Remembers a fact; what is remembered already keeps the time at which it was first said.
pub(crate) fn put_payout(transaction: &Transaction<'_>, fact: &PayoutFact, now_ms: u64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO payouts (payout, reference, amount, currency, state, due_on, noted_at)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT (payout) DO UPDATE SET
                   amount = ?3, currency = ?4, state = ?5, due_on = ?6, noted_at = max(noted_at, ?7)";
    transaction.prepare_cached(sql)?.execute(params![
        fact.payout.to_bytes(),
        reference(fact.payout),
        signed(fact.money.amount().minor_units()),
        fact.money.currency().numeric(),
        fact.state.text(),
        fact.due_on.to_string(),
        signed(now_ms)
    ])?;
    Ok(())
}

/// Gives a payout the lines with its reference that belong to none.
pub(crate) fn claim_lines(transaction: &Transaction<'_>, payout: PayoutId) -> rusqlite::Result<()> {
    let sql = "UPDATE lines SET payout = ?1 WHERE reference = ?2 AND payout IS NULL AND kind != 'other'";
    transaction.prepare_cached(sql)?.execute(params![payout.to_bytes(), reference(payout)])?;
    Ok(())
}

pub(crate) fn payout_of_reference(connection: &Connection, reference: &str) -> rusqlite::Result<Option<PayoutId>> {
    let mut statement = connection.prepare_cached("SELECT payout FROM payouts WHERE reference = ?1")?;
    let payout: Option<[u8; 16]> = statement.query_row([reference], |row| row.get(0)).optional()?;
    Ok(payout.map(PayoutId::from_bytes))
}

/// Payouts due until this day that no bank has said anything of.
pub(crate) fn silent_payouts(connection: &Connection, until: Date) -> rusqlite::Result<Vec<PayoutId>> {
    let sql = "SELECT payout FROM payouts WHERE due_on <= ?1 AND state != 'failed'
               AND NOT EXISTS (SELECT 1 FROM lines WHERE lines.payout = payouts.payout) ORDER BY payout";
    let mut statement = connection.prepare_cached(sql)?;
    let payouts = statement.query_map([until.to_string()], |row| row.get(0).map(PayoutId::from_bytes))?;
    payouts.collect()
}

/// Remembers a line, and says whether it is new.
pub(crate) fn put_line(
    transaction: &Transaction<'_>,
    bank: &str,
    line: &BankLine,
    payout: Option<PayoutId>,
) -> rusqlite::Result<bool> {
    let (kind, reason) = log::columns_of(&line.kind);
    let sql = "INSERT OR IGNORE INTO lines
                   (bank, line, reference, amount, currency, direction, booked_at, kind, reason, payout)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    let written = transaction.prepare_cached(sql)?.execute(params![
        bank,
        line.line,
        line.reference,
        signed(line.money.amount().minor_units()),
        line.money.currency().numeric(),
        log::direction_text(line.direction),
        signed(line.booked_at_ms),
        kind,
        reason,
        payout.map(PayoutId::to_bytes)
    ])?;
    Ok(written == 1)
}

/// What a break about a line is about.
pub(crate) fn subject(bank: &str, line: &str) -> String {
    format!("line:{bank}/{line}")
}

/// The subjects of all lines of a payout.
pub(crate) fn subjects_of_lines(connection: &Connection, payout: PayoutId) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare_cached("SELECT bank, line FROM lines WHERE payout = ?1")?;
    let rows = statement.query_map([payout.to_bytes()], |row| {
        let (bank, line): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(subject(&bank, &line))
    })?;
    rows.collect()
}

pub(crate) fn cursor(connection: &Connection, bank: &str) -> rusqlite::Result<Cursor> {
    let mut statement = connection.prepare_cached("SELECT position FROM cursors WHERE bank = ?1")?;
    let position = statement.query_row([bank], |row| unsigned(row, "position")).optional()?;
    Ok(position.map_or(START, Cursor))
}

pub(crate) fn set_cursor(transaction: &Transaction<'_>, bank: &str, cursor: Cursor) -> rusqlite::Result<()> {
    let sql = "INSERT INTO cursors (bank, position) VALUES (?1, ?2) ON CONFLICT (bank) DO UPDATE SET position = ?2";
    transaction.execute(sql, params![bank, signed(cursor.0)])?;
    Ok(())
}

pub(crate) fn set_expected_until(transaction: &Transaction<'_>, day: Date) -> rusqlite::Result<()> {
    let sql = "INSERT INTO expectation (only, until) VALUES (1, ?1) ON CONFLICT (only) DO UPDATE SET until = ?1";
    transaction.execute(sql, [day.to_string()])?;
    Ok(())
}

/// All that is known of a payout; nothing if it is not known.
pub(crate) fn known(connection: &Connection, payout: PayoutId) -> rusqlite::Result<Option<Known>> {
    let mut statement = connection.prepare_cached("SELECT * FROM payouts WHERE payout = ?1")?;
    let found = statement
        .query_row([payout.to_bytes()], |row| Ok((fact_from_row(row, payout)?, unsigned(row, "noted_at")?)))
        .optional()?;
    let Some((fact, noted_at_ms)) = found else { return Ok(None) };
    let mut statement = connection.prepare_cached("SELECT * FROM lines WHERE payout = ?1 ORDER BY position")?;
    let lines = statement.query_map([payout.to_bytes()], log::from_row)?.collect::<rusqlite::Result<_>>()?;
    let until =
        connection.query_row("SELECT until FROM expectation", [], |row| parsed_date(row, "until")).optional()?;
    let sql = "SELECT count(*) > 0 AND count(*) = count(acknowledged_at) AND max(acknowledged_at) < ?2
               FROM reports WHERE payout = ?1";
    let told: Option<bool> =
        connection.query_row(sql, params![payout.to_bytes(), signed(noted_at_ms)], |row| row.get(0))?;
    Ok(Some(Known { fact, lines, expected_until: until, told: told.unwrap_or(false) }))
}

fn fact_from_row(row: &Row<'_>, payout: PayoutId) -> rusqlite::Result<PayoutFact> {
    Ok(PayoutFact {
        payout,
        money: log::money_from_row(row)?,
        state: parsed(row, "state", PayoutState::parse)?,
        due_on: parsed_date(row, "due_on")?,
    })
}

fn parsed_date(row: &Row<'_>, column: &str) -> rusqlite::Result<Date> {
    parsed(row, column, |text| text.parse().ok())
}

/// Adds a report, unless the payout has it.
pub(crate) fn put_report(
    transaction: &Transaction<'_>,
    payout: PayoutId,
    happening: &Happening,
) -> rusqlite::Result<()> {
    let (name, at_ms, reason) = match happening {
        Happening::Paid { at_ms } => ("paid", *at_ms, ""),
        Happening::Failed { at_ms, reason } => ("failed", *at_ms, reason.as_str()),
        Happening::Returned { at_ms, reason } => ("returned", *at_ms, reason.as_str()),
    };
    let sql = "INSERT OR IGNORE INTO reports (payout, happening, at, reason) VALUES (?1, ?2, ?3, ?4)";
    transaction.execute(sql, params![payout.to_bytes(), name, signed(at_ms), reason])?;
    Ok(())
}

pub(crate) fn reports(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<Report>> {
    let sql = "SELECT * FROM reports WHERE acknowledged_at IS NULL ORDER BY number LIMIT ?1";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map([signed(limit as u64)], report_from_row)?.collect()
}

fn report_from_row(row: &Row<'_>) -> rusqlite::Result<Report> {
    let (at_ms, reason): (u64, String) = (unsigned(row, "at")?, row.get("reason")?);
    let name: String = row.get("happening")?;
    let happening = match name.as_str() {
        "paid" => Happening::Paid { at_ms },
        "failed" => Happening::Failed { at_ms, reason },
        "returned" => Happening::Returned { at_ms, reason },
        _ => return Err(damaged(format!("happening is {name:?}"))),
    };
    Ok(Report { number: unsigned(row, "number")?, payout: PayoutId::from_bytes(row.get("payout")?), happening })
}
