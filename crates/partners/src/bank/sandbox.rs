//! A bank that pays nobody, but behaves like each kind of bank there is, by the last four characters of the account.
//!
//! | account ends in | what happens |
//! |---|---|
//! | anything else | paid after one hour |
//! | `0002` | fails after one hour: the account is closed |
//! | `0003` | paid after one hour, returned two days later |
//! | `0004` | paid after one hour, but reported five days later |
//! | `0005` | one minor unit too much is paid after one hour |
//! | `0006` | paid twice: after one hour, and after two |
//! | `0007` | accepted, and never heard of again |
//! | `0008` | refused when it is submitted |
//! | `0009` | the first answer is lost (`Unknown`), the payment is not: asked again it is accepted; paid once, after one hour |
//!
//! Its books are `bank.sqlite`, so that a restart forgets nothing. Its time is the caller's.

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use money::{Amount, Money};
use rusqlite::{OptionalExtension, Transaction, params};
use sha2::{Digest, Sha256};

use crate::PartnerError;
use crate::bank::log::{self, lines_table};
use crate::bank::{
    Account, Bank, BankLine, Cursor, Direction, LineKind, OTHER_PAYMENT, Page, PayoutInstruction, Submission,
};
use crate::database::{Database, Kind, signed};

const HOUR_MS: u64 = 3_600_000;
const DAY_MS: u64 = 24 * HOUR_MS;

/// "Tbnk" in ASCII.
const KIND: Kind = Kind {
    application: 0x5462_6e6b,
    version: 1,
    schema: concat!(
        lines_table!(),
        "CREATE TABLE instructions (reference TEXT PRIMARY KEY, digest BLOB NOT NULL) STRICT;
         CREATE TABLE scheduled (
            reported_at INTEGER NOT NULL,
            line TEXT NOT NULL UNIQUE,
            reference TEXT,
            amount INTEGER NOT NULL,
            currency INTEGER NOT NULL,
            direction TEXT NOT NULL,
            booked_at INTEGER NOT NULL,
            kind TEXT NOT NULL,
            reason TEXT
         ) STRICT;
         CREATE INDEX scheduled_by_time ON scheduled (reported_at);"
    ),
};

/// The sandbox's bank. All of it is in its file.
pub struct SandboxBank {
    database: Mutex<Database>,
}

/// What the sandbox's bank does with a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Pays after an hour.
    Pays,
    /// Fails after an hour.
    Fails,
    /// Pays, and returns it two days later.
    Returns,
    /// Pays, and reports it five days later.
    ReportsLate,
    /// Pays one minor unit too much.
    PaysWrongAmount,
    /// Pays twice.
    PaysTwice,
    /// Accepts, and is never heard of again.
    NeverReports,
    /// Refuses at once.
    Refuses,
    /// Accepts and pays, but its first answer is lost.
    AnswersLate,
}

impl Outcome {
    /// What the account's last four characters force.
    #[must_use]
    pub fn of(account: &Account) -> Self {
        match account.last_four() {
            "0002" => Self::Fails,
            "0003" => Self::Returns,
            "0004" => Self::ReportsLate,
            "0005" => Self::PaysWrongAmount,
            "0006" => Self::PaysTwice,
            "0007" => Self::NeverReports,
            "0008" => Self::Refuses,
            "0009" => Self::AnswersLate,
            _ => Self::Pays,
        }
    }
}

impl SandboxBank {
    /// The file's name in the data folder.
    pub const FILE_NAME: &'static str = "bank.sqlite";

    /// Opens the bank in this data folder, and founds one where there is none.
    ///
    /// # Errors
    /// [`PartnerError`] says what is wrong with the file.
    pub fn open(folder: &Path) -> Result<Self, PartnerError> {
        let database = Database::open(&folder.join(Self::FILE_NAME), &KIND)?;
        Ok(Self { database: Mutex::new(database) })
    }

    fn database(&self) -> MutexGuard<'_, Database> {
        // Each change is one transaction: a panic elsewhere leaves nothing half done.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bank for SandboxBank {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn submit(&self, instruction: &PayoutInstruction, now_ms: u64) -> Submission {
        let outcome = Outcome::of(&instruction.account);
        if outcome == Outcome::Refuses {
            return Submission::Refused { reason: "the account does not exist (sandbox: it ends in 0008)".to_owned() };
        }
        let taken = self.database().write(|transaction| take(transaction, instruction, outcome, now_ms));
        match taken {
            Ok(Taken::New) if outcome == Outcome::AnswersLate => {
                Submission::Unknown { because: "the answer was lost (sandbox: the account ends in 0009)".to_owned() }
            }
            Ok(Taken::New | Taken::Before) => {
                Submission::Accepted { bank_reference: format!("SANDBOX-{}", instruction.end_to_end()) }
            }
            Ok(Taken::Other) => Submission::Unknown { because: OTHER_PAYMENT.to_owned() },
            Err(error) => Submission::Unknown { because: error.to_string() },
        }
    }

    fn lines_since(&self, cursor: Cursor, limit: usize, now_ms: u64) -> Result<Page, PartnerError> {
        self.database().write(|transaction| {
            report_what_is_due(transaction, now_ms)?;
            log::page(transaction, cursor, limit)
        })
    }
}

enum Taken {
    New,
    Before,
    /// The reference is known, but not for this payment.
    Other,
}

fn take(
    transaction: &Transaction<'_>,
    instruction: &PayoutInstruction,
    outcome: Outcome,
    now_ms: u64,
) -> rusqlite::Result<Taken> {
    let (reference, digest) = (instruction.end_to_end(), digest(instruction));
    let known: Option<Vec<u8>> = transaction
        .query_row("SELECT digest FROM instructions WHERE reference = ?1", [&reference], |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        return Ok(if known == digest { Taken::Before } else { Taken::Other });
    }
    transaction.execute("INSERT INTO instructions (reference, digest) VALUES (?1, ?2)", params![reference, digest])?;
    for (reported_at_ms, line) in what_will_happen(instruction, outcome, now_ms) {
        schedule(transaction, reported_at_ms, &line)?;
    }
    Ok(Taken::New)
}

/// The lines that the bank will report for a payment, each with the time when it does.
fn what_will_happen(instruction: &PayoutInstruction, outcome: Outcome, now_ms: u64) -> Vec<(u64, BankLine)> {
    let reference = instruction.end_to_end();
    let line = |name: &str, booked_at_ms, kind, direction, money| BankLine {
        line: format!("{reference}-{name}"),
        reference: Some(reference.clone()),
        money,
        direction,
        booked_at_ms,
        kind,
    };
    let asked = instruction.money;
    let paid = |name, at_ms, money| line(name, at_ms, LineKind::Paid, Direction::Debit, money);
    let hour = now_ms + HOUR_MS;
    let first = (hour, paid("1", hour, asked));
    match outcome {
        Outcome::Pays | Outcome::AnswersLate => vec![first],
        Outcome::Fails => {
            let kind = LineKind::Failed { reason: "AC04 account closed".to_owned() };
            vec![(hour, line("1", hour, kind, Direction::Debit, asked))]
        }
        Outcome::Returns => {
            let kind = LineKind::Returned { reason: "AC06 account blocked".to_owned() };
            let back = hour + 2 * DAY_MS;
            vec![first, (back, line("2", back, kind, Direction::Credit, asked))]
        }
        Outcome::ReportsLate => vec![(hour + 5 * DAY_MS, first.1)],
        Outcome::PaysWrongAmount => {
            let more = Amount::new(asked.amount().minor_units() + 1).unwrap_or(Amount::MIN);
            vec![(hour, paid("1", hour, Money::new(more, asked.currency())))]
        }
        Outcome::PaysTwice => vec![first, (hour + HOUR_MS, paid("2", hour + HOUR_MS, asked))],
        Outcome::NeverReports | Outcome::Refuses => Vec::new(),
    }
}

fn schedule(transaction: &Transaction<'_>, reported_at_ms: u64, line: &BankLine) -> rusqlite::Result<()> {
    let (kind, reason) = log::columns_of(&line.kind);
    let sql =
        "INSERT INTO scheduled (reported_at, line, reference, amount, currency, direction, booked_at, kind, reason)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    transaction.execute(
        sql,
        params![
            signed(reported_at_ms),
            line.line,
            line.reference,
            signed(line.money.amount().minor_units()),
            line.money.currency().numeric(),
            log::direction_text(line.direction),
            signed(line.booked_at_ms),
            kind,
            reason
        ],
    )?;
    Ok(())
}

/// Numbers the lines whose time has come, in the order in which it came: a line never gets a place before one that was
/// told already.
fn report_what_is_due(transaction: &Transaction<'_>, now_ms: u64) -> rusqlite::Result<()> {
    let due = {
        let sql = "SELECT * FROM scheduled WHERE reported_at <= ?1 ORDER BY reported_at, line";
        let mut statement = transaction.prepare_cached(sql)?;
        let lines = statement.query_map([signed(now_ms)], log::from_row)?;
        lines.collect::<rusqlite::Result<Vec<BankLine>>>()?
    };
    for line in &due {
        log::add(transaction, line)?;
    }
    transaction.execute("DELETE FROM scheduled WHERE reported_at <= ?1", [signed(now_ms)])?;
    Ok(())
}

/// What the bank compares when it is asked again.
fn digest(instruction: &PayoutInstruction) -> Vec<u8> {
    let PayoutInstruction { payout, money, account, holder, due_on, created_at_ms: _ } = instruction;
    let text = format!(
        "{payout}|{}|{}|{}|{due_on}|{holder}",
        money.amount().minor_units(),
        money.currency(),
        account.number()
    );
    Sha256::digest(text.as_bytes()).to_vec()
}
