//! Breaks: what does not agree, until it does or a person has said why.

use ids::BreakId;
use money::Currency;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use crate::bank::BankLine;
use crate::database::{damaged, parsed, signed, unsigned};
use crate::reconciliation::Now;

/// Something that does not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Break {
    /// Its id.
    pub id: BreakId,
    /// In which way it does not agree.
    pub kind: BreakKind,
    /// What it is about: a payout's id, a settlement's id, or `line:` and the bank's name and line.
    pub subject: String,
    /// By how much, in minor units of `currency`.
    pub amount: u64,
    /// What the amount is in.
    pub currency: Currency,
    /// In words.
    pub detail: String,
    /// When it was found, in Unix milliseconds.
    pub opened_at_ms: u64,
    /// Whether it still is.
    pub state: BreakState,
}

impl Break {
    /// How long it has been open, or was, in milliseconds.
    #[must_use]
    pub fn age_ms(&self, now_ms: u64) -> u64 {
        let end = match &self.state {
            BreakState::Open => now_ms,
            BreakState::Healed { at_ms, .. } | BreakState::Resolved { at_ms, .. } => *at_ms,
        };
        end.saturating_sub(self.opened_at_ms)
    }
}

/// In which way something does not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakKind {
    /// A settlement's payments add up to something else than its movements in the ledger.
    PaymentsDifferFromLedger,
    /// The bank has said nothing of a payout for too long.
    MissingAtBank,
    /// The bank booked something that is no payout of ours.
    UnknownAtBank,
    /// Another amount left than was asked for, or another came back than had left.
    AmountDiffers,
    /// More left than was asked for, by several payments.
    PaidTwice,
    /// The bank contradicts itself, or us.
    StatusDiffers,
}

impl BreakKind {
    const ALL: [Self; 6] = [
        Self::PaymentsDifferFromLedger,
        Self::MissingAtBank,
        Self::UnknownAtBank,
        Self::AmountDiffers,
        Self::PaidTwice,
        Self::StatusDiffers,
    ];

    /// The kind that the API writes like this.
    #[must_use]
    pub fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// As the API writes it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::PaymentsDifferFromLedger => "payments_differ_from_ledger",
            Self::MissingAtBank => "missing_at_bank",
            Self::UnknownAtBank => "unknown_at_bank",
            Self::AmountDiffers => "amount_differs",
            Self::PaidTwice => "paid_twice",
            Self::StatusDiffers => "status_differs",
        }
    }
}

/// Whether a break still is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BreakState {
    /// It is.
    Open,
    /// It came right by itself.
    Healed {
        /// When, in Unix milliseconds.
        at_ms: u64,
        /// How.
        note: String,
    },
    /// A person dealt with it.
    Resolved {
        /// When, in Unix milliseconds.
        at_ms: u64,
        /// Who.
        by: String,
        /// What they say.
        text: String,
    },
}

/// Which breaks are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakFilter {
    /// Every one.
    All,
    /// Those that still are.
    Open,
    /// Those that came right by themselves.
    Healed,
    /// Those that a person dealt with.
    Resolved,
}

/// Something that does not agree now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) kind: BreakKind,
    pub(crate) amount: u64,
    pub(crate) currency: Currency,
    pub(crate) detail: String,
}

impl Finding {
    pub(crate) fn unknown_line(bank: &str, line: &BankLine) -> Self {
        Self {
            kind: BreakKind::UnknownAtBank,
            amount: line.money.amount().minor_units(),
            currency: line.money.currency(),
            detail: match &line.reference {
                Some(reference) => format!("bank {bank}, a {:?} with reference {reference:?}", line.direction),
                None => format!("bank {bank}, a {:?} without reference", line.direction),
            },
        }
    }
}

/// Makes the open breaks of a subject those that were found: opens what is new, brings up to date what changed, closes
/// with `note` what is no more. What a person resolved is not opened again with the same figures.
pub(crate) fn agree(
    transaction: &Transaction<'_>,
    subject: &str,
    findings: &[Finding],
    note: &str,
    now: &mut Now<'_>,
) -> rusqlite::Result<()> {
    for open in of_subject(transaction, subject, "open")? {
        if findings.iter().all(|finding| finding.kind != open.kind) {
            let sql = "UPDATE breaks SET state = 'healed', closed_at = ?2, resolution = ?3 WHERE id = ?1";
            transaction.execute(sql, params![open.id.to_bytes(), signed(now.at_ms), note])?;
        }
    }
    for finding in findings {
        let sql = "UPDATE breaks SET amount = ?3, currency = ?4, detail = ?5
                   WHERE subject = ?1 AND kind = ?2 AND state = 'open'";
        let (amount, currency) = (signed(finding.amount), finding.currency.numeric());
        let values = params![subject, finding.kind.code(), amount, currency, finding.detail];
        let resolved = of_subject(transaction, subject, "resolved")?;
        let known = |resolved: &Break| {
            resolved.kind == finding.kind && resolved.amount == finding.amount && resolved.detail == finding.detail
        };
        if transaction.execute(sql, values)? == 0 && !resolved.iter().any(known) {
            open(transaction, subject, finding, now)?;
        }
    }
    Ok(())
}

fn open(transaction: &Transaction<'_>, subject: &str, finding: &Finding, now: &mut Now<'_>) -> rusqlite::Result<()> {
    let sql = "INSERT INTO breaks (id, kind, subject, amount, currency, detail, opened_at, state)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'open')";
    let (amount, currency) = (signed(finding.amount), finding.currency.numeric());
    let (id, at) = (now.new_break().to_bytes(), signed(now.at_ms));
    transaction.execute(sql, params![id, finding.kind.code(), subject, amount, currency, finding.detail, at])?;
    Ok(())
}

pub(crate) fn resolve(
    transaction: &Transaction<'_>,
    id: BreakId,
    text: &str,
    by: &str,
    now_ms: u64,
) -> rusqlite::Result<bool> {
    let sql = "UPDATE breaks SET state = 'resolved', closed_at = ?2, closed_by = ?3, resolution = ?4
               WHERE id = ?1 AND state = 'open'";
    Ok(transaction.execute(sql, params![id.to_bytes(), signed(now_ms), by, text])? == 1)
}

pub(crate) fn list(
    connection: &Connection,
    filter: BreakFilter,
    kind: Option<BreakKind>,
    after: Option<BreakId>,
    limit: usize,
) -> rusqlite::Result<Vec<Break>> {
    let state = match filter {
        BreakFilter::All => None,
        BreakFilter::Open => Some("open"),
        BreakFilter::Healed => Some("healed"),
        BreakFilter::Resolved => Some("resolved"),
    };
    let sql = "SELECT * FROM breaks WHERE id > ?1 AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR kind = ?3)
               ORDER BY id LIMIT ?4";
    let after = after.map_or([0; 16], BreakId::to_bytes);
    let mut statement = connection.prepare_cached(sql)?;
    let fields = params![after, state, kind.map(BreakKind::code), signed(limit as u64)];
    statement.query_map(fields, from_row)?.collect()
}

pub(crate) fn count_open(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT count(*) AS open FROM breaks WHERE state = 'open'", [], |row| unsigned(row, "open"))
}

pub(crate) fn find(connection: &Connection, id: BreakId) -> rusqlite::Result<Option<Break>> {
    let mut statement = connection.prepare_cached("SELECT * FROM breaks WHERE id = ?1")?;
    statement.query_row([id.to_bytes()], from_row).optional()
}

fn of_subject(connection: &Connection, subject: &str, state: &str) -> rusqlite::Result<Vec<Break>> {
    let mut statement = connection.prepare_cached("SELECT * FROM breaks WHERE subject = ?1 AND state = ?2")?;
    statement.query_map([subject, state], from_row)?.collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Break> {
    let kind = parsed(row, "kind", BreakKind::of_code)?;
    let currency = Currency::from_numeric(row.get("currency")?).map_err(|error| damaged(error.to_string()))?;
    let state: String = row.get("state")?;
    let state = match state.as_str() {
        "open" => BreakState::Open,
        "healed" => BreakState::Healed { at_ms: unsigned(row, "closed_at")?, note: row.get("resolution")? },
        "resolved" => BreakState::Resolved {
            at_ms: unsigned(row, "closed_at")?,
            by: row.get("closed_by")?,
            text: row.get("resolution")?,
        },
        _ => return Err(damaged(format!("state is {state:?}"))),
    };
    Ok(Break {
        id: BreakId::from_bytes(row.get("id")?),
        kind,
        subject: row.get("subject")?,
        amount: unsigned(row, "amount")?,
        currency,
        detail: row.get("detail")?,
        opened_at_ms: unsigned(row, "opened_at")?,
        state,
    })
}
