//! A bank's lines in SQLite: numbered as they come, each once.

use money::{Amount, Currency, Money};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::bank::{BankLine, Cursor, Direction, LineKind, Page};
use crate::database::{damaged, parsed, signed, unsigned};

/// The table, to be part of a schema.
macro_rules! lines_table {
    () => {
        "CREATE TABLE lines (
            position INTEGER PRIMARY KEY AUTOINCREMENT,
            line TEXT NOT NULL UNIQUE,
            reference TEXT,
            amount INTEGER NOT NULL,
            currency INTEGER NOT NULL,
            direction TEXT NOT NULL,
            booked_at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            reason TEXT
        ) STRICT;"
    };
}
pub(crate) use lines_table;

/// What became of a line that was to be added.
pub(crate) enum Added {
    New,
    /// It was there, and says the same.
    Known,
    /// It was there, and says something else.
    Contradicted,
}

pub(crate) fn add(transaction: &Transaction<'_>, line: &BankLine) -> rusqlite::Result<Added> {
    let known = transaction
        .prepare_cached("SELECT * FROM lines WHERE line = ?1")?
        .query_row([&line.line], from_row)
        .optional()?;
    if let Some(known) = known {
        return Ok(if known == *line { Added::Known } else { Added::Contradicted });
    }
    let (kind, reason) = columns_of(&line.kind);
    let sql = "INSERT INTO lines (line, reference, amount, currency, direction, booked_at, kind, reason)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    transaction.prepare_cached(sql)?.execute(params![
        line.line,
        line.reference,
        signed(line.money.amount().minor_units()),
        line.money.currency().numeric(),
        direction_text(line.direction),
        signed(line.booked_at_ms),
        kind,
        reason
    ])?;
    Ok(Added::New)
}

pub(crate) fn page(connection: &Connection, cursor: Cursor, limit: usize) -> rusqlite::Result<Page> {
    let sql = "SELECT * FROM lines WHERE position > ?1 ORDER BY position LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![signed(cursor.0), signed(limit as u64)])?;
    let mut page = Page { lines: Vec::new(), next: cursor };
    while let Some(row) = rows.next()? {
        page.next = Cursor(unsigned(row, "position")?);
        page.lines.push(from_row(row)?);
    }
    Ok(page)
}

pub(crate) fn columns_of(kind: &LineKind) -> (&'static str, Option<&str>) {
    match kind {
        LineKind::Paid => ("paid", None),
        LineKind::Failed { reason } => ("failed", Some(reason)),
        LineKind::Returned { reason } => ("returned", Some(reason)),
        LineKind::Other => ("other", None),
    }
}

pub(crate) fn direction_text(direction: Direction) -> &'static str {
    match direction {
        Direction::Credit => "credit",
        Direction::Debit => "debit",
    }
}

pub(crate) fn from_row(row: &Row<'_>) -> rusqlite::Result<BankLine> {
    let reason: Option<String> = row.get("reason")?;
    let reason = reason.unwrap_or_default();
    let kind = parsed(row, "kind", |text| match text {
        "paid" => Some(LineKind::Paid),
        "failed" => Some(LineKind::Failed { reason }),
        "returned" => Some(LineKind::Returned { reason }),
        "other" => Some(LineKind::Other),
        _ => None,
    })?;
    let direction = parsed(row, "direction", |text| match text {
        "credit" => Some(Direction::Credit),
        "debit" => Some(Direction::Debit),
        _ => None,
    })?;
    Ok(BankLine {
        line: row.get("line")?,
        reference: row.get("reference")?,
        money: money_from_row(row)?,
        direction,
        booked_at_ms: unsigned(row, "booked_at")?,
        kind,
    })
}

/// The money in the columns `amount` and `currency`.
pub(crate) fn money_from_row(row: &Row<'_>) -> rusqlite::Result<Money> {
    let amount = Amount::new(unsigned(row, "amount")?).map_err(|error| damaged(format!("amount: {error}")))?;
    let currency =
        Currency::from_numeric(row.get("currency")?).map_err(|error| damaged(format!("currency: {error}")))?;
    Ok(Money::new(amount, currency))
}
