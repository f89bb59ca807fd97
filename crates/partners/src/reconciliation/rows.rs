//! The rows of reconciliation's file.

use ids::PayoutId;
use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use terms::Iban;

use crate::bank::{Account, BankLine, Cursor, LocalAccount, PayoutInstruction, log};
use crate::database::{damaged, parsed, signed, unsigned};
use crate::reconciliation::facts::{PayoutFact, PayoutState};
use crate::reconciliation::judge::{Happening, Known, Report};
use crate::reconciliation::{START, reference};

/// Remembers a fact. When the bank should have said something does not change any more.
pub(crate) fn put_payout(transaction: &Transaction<'_>, fact: &PayoutFact) -> rusqlite::Result<()> {
    let sql = "INSERT INTO payouts (payout, reference, amount, currency, state, due_on, expected_by)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               ON CONFLICT (payout) DO UPDATE SET amount = ?3, currency = ?4, state = ?5";
    transaction.prepare_cached(sql)?.execute(params![
        fact.payout.to_bytes(),
        reference(fact.payout),
        signed(fact.money.amount().minor_units()),
        fact.money.currency().numeric(),
        fact.state.text(),
        fact.due_on.to_string(),
        signed(fact.expected_by_ms)
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

/// Marks the payouts of which a bank should have said something by now, and says which are newly so.
pub(crate) fn mark_overdue(transaction: &Transaction<'_>, now_ms: u64) -> rusqlite::Result<Vec<PayoutId>> {
    let sql = "UPDATE payouts SET overdue = 1 WHERE overdue = 0 AND expected_by <= ?1 RETURNING payout";
    let mut statement = transaction.prepare_cached(sql)?;
    let payouts = statement.query_map([signed(now_ms)], |row| row.get(0).map(PayoutId::from_bytes))?;
    payouts.collect()
}

/// Remembers an instruction; one that is remembered already stays as it was.
pub(crate) fn put_instruction(transaction: &Transaction<'_>, instruction: &PayoutInstruction) -> rusqlite::Result<()> {
    let sql = "INSERT OR IGNORE INTO instructions (payout, bank_code, account, holder, created_at)
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let bank_code = match &instruction.account {
        Account::Iban(_) => None,
        Account::Local(local) => Some(local.bank()),
    };
    transaction.prepare_cached(sql)?.execute(params![
        instruction.payout.to_bytes(),
        bank_code,
        instruction.account.number(),
        instruction.holder,
        signed(instruction.created_at_ms)
    ])?;
    Ok(())
}

/// What a bank was or is to be asked for.
pub(crate) fn instruction(connection: &Connection, payout: PayoutId) -> rusqlite::Result<Option<PayoutInstruction>> {
    let sql = "SELECT * FROM instructions JOIN payouts USING (payout) WHERE payout = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let read = |row: &Row<'_>| {
        let fact = fact_from_row(row, payout)?;
        Ok(PayoutInstruction {
            payout,
            money: fact.money,
            account: account_from_row(row)?,
            holder: row.get("holder")?,
            due_on: fact.due_on,
            created_at_ms: unsigned(row, "created_at")?,
        })
    };
    statement.query_row([payout.to_bytes()], read).optional()
}

fn account_from_row(row: &Row<'_>) -> rusqlite::Result<Account> {
    let (bank, number): (Option<String>, String) = (row.get("bank_code")?, row.get("account")?);
    let account = match bank {
        None => Iban::parse(&number).ok().map(Account::Iban),
        Some(bank) => LocalAccount::new(&bank, &number).ok().map(Account::Local),
    };
    // Nobody's number in a log.
    account.ok_or_else(|| damaged("account is none".to_owned()))
}

/// Up to which journal position the settlements were compared.
pub(crate) fn compared_until(connection: &Connection) -> rusqlite::Result<u64> {
    let position = connection.query_row("SELECT position FROM compared", [], |row| unsigned(row, "position"));
    Ok(position.optional()?.unwrap_or(0))
}

pub(crate) fn set_compared_until(transaction: &Transaction<'_>, position: u64) -> rusqlite::Result<()> {
    let sql = "INSERT INTO compared (only, position) VALUES (1, ?1) ON CONFLICT (only) DO UPDATE SET position = ?1";
    transaction.execute(sql, [signed(position)])?;
    Ok(())
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

/// All that is known of a payout; nothing if it is not known.
pub(crate) fn known(connection: &Connection, payout: PayoutId) -> rusqlite::Result<Option<Known>> {
    let mut statement = connection.prepare_cached("SELECT * FROM payouts WHERE payout = ?1")?;
    let found = statement
        .query_row([payout.to_bytes()], |row| Ok((fact_from_row(row, payout)?, row.get("overdue")?)))
        .optional()?;
    let Some((fact, overdue)) = found else { return Ok(None) };
    let mut statement = connection.prepare_cached("SELECT * FROM lines WHERE payout = ?1 ORDER BY position")?;
    let lines = statement.query_map([payout.to_bytes()], log::from_row)?.collect::<rusqlite::Result<_>>()?;
    let sql = "SELECT count(acknowledged_at) FROM reports WHERE payout = ?1";
    let acknowledged = connection.prepare_cached(sql)?.query_row([payout.to_bytes()], |row| row.get(0))?;
    Ok(Some(Known { fact, lines, overdue, acknowledged }))
}

fn fact_from_row(row: &Row<'_>, payout: PayoutId) -> rusqlite::Result<PayoutFact> {
    Ok(PayoutFact {
        payout,
        money: log::money_from_row(row)?,
        state: parsed(row, "state", PayoutState::parse)?,
        due_on: parsed_date(row, "due_on")?,
        expected_by_ms: unsigned(row, "expected_by")?,
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
