//! Reconciliation: what the bank says beside what we think.
//!
//! Three things are compared: the payments' rows with the ledger, settlement by settlement; and the payouts, which come
//! from the ledger, with the bank's lines. Out come
//!
//! - *reports* for the money core: payout X was paid, failed, came back. Each is made once and handed out until it is
//!   acknowledged, always with the same number, so that a crash between the two loses nothing and doubles nothing;
//! - *breaks* for people: what does not agree. A break opens once, keeps its age, closes by itself with a note when what
//!   it was about has come right, and else when a person resolves it in words. What a person resolved stays resolved,
//!   unless the figures change.
//!
//! All of it is `reconciliation.sqlite` in the data folder. Each call is one transaction (`pull`: one a page): after a
//! crash at any moment, doing the same again comes to the same. What a payout's lines mean is decided by one pure
//! function, `judge`, over all of its lines.

mod breaks;
mod facts;
mod judge;
mod rows;
#[cfg(test)]
mod tests;

use std::path::Path;

use ids::{BreakId, PayoutId};
use rusqlite::{Transaction, params};

use crate::PartnerError;
use crate::bank::{Bank, BankLine, Cursor, LineKind, PayoutInstruction, end_to_end};
use crate::database::{Database, Kind, signed};

pub use breaks::{Break, BreakFilter, BreakKind, BreakState};
pub use facts::{PayoutFact, PayoutState, SettlementFact};
pub use judge::{Happening, Report};

/// "Trec" in ASCII.
const KIND: Kind = Kind { application: 0x5472_6563, version: 1, schema: include_str!("schema.sql") };

/// How many lines are taken in one transaction.
const PAGE: usize = 500;

/// The moment of a call, and where new ids come from.
pub struct Now<'a> {
    /// Unix milliseconds.
    pub at_ms: u64,
    /// Makes random bits for the ids of new breaks.
    pub random: &'a mut dyn FnMut() -> u128,
}

impl Now<'_> {
    fn new_break(&mut self) -> BreakId {
        BreakId::from_parts(self.at_ms, (self.random)())
    }
}

/// The open books.
pub struct Reconciliation {
    database: Database,
}

impl Reconciliation {
    /// The file's name in the data folder.
    pub const FILE_NAME: &'static str = "reconciliation.sqlite";

    /// Opens the books in this data folder, and makes empty ones where there are none.
    ///
    /// # Errors
    /// [`PartnerError`] says what is wrong with the file.
    pub fn open(folder: &Path) -> Result<Self, PartnerError> {
        Ok(Self { database: Database::open(&folder.join(Self::FILE_NAME), &KIND)? })
    }

    /// Takes in what we think of these payouts. To be called when a payout is made, and whenever its state changes other
    /// than by a report; saying the same again changes nothing.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be written: then none was taken in.
    pub fn note_payouts(&mut self, facts: &[PayoutFact], now: &mut Now<'_>) -> Result<(), PartnerError> {
        self.database.write(|transaction| facts.iter().try_for_each(|fact| take_payout(transaction, fact, now)))
    }

    /// Takes in payouts that a bank is about to be asked for, with what it is asked for. An instruction that was prepared
    /// before stays as it was, so that asking again, after a crash or a change of the merchant's account, asks for the
    /// same.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be written: then none was taken in, and no bank must be asked.
    pub fn prepare(
        &mut self,
        payouts: &[(PayoutFact, PayoutInstruction)],
        now: &mut Now<'_>,
    ) -> Result<(), PartnerError> {
        self.database.write(|transaction| {
            payouts.iter().try_for_each(|(fact, instruction)| {
                rows::put_instruction(transaction, instruction)?;
                take_payout(transaction, fact, now)
            })
        })
    }

    /// What a bank was or is to be asked for, once that was prepared.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be read.
    pub fn instruction(&self, payout: PayoutId) -> Result<Option<PayoutInstruction>, PartnerError> {
        self.database.read(|connection| rows::instruction(connection, payout))
    }

    /// Up to which journal position the settlements were compared.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be read.
    pub fn compared_until(&self) -> Result<u64, PartnerError> {
        self.database.read(rows::compared_until)
    }

    /// Compares the payments' rows of these settlements with the ledger. They are all that the journal has up to the
    /// position `until`, or some that were compared before.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be written: then none was compared.
    pub fn note_settlements(
        &mut self,
        facts: &[SettlementFact],
        until: u64,
        now: &mut Now<'_>,
    ) -> Result<(), PartnerError> {
        self.database.write(|transaction| {
            for fact in facts {
                let findings: Vec<_> = fact.finding().into_iter().collect();
                let note = "payments and ledger agree now";
                breaks::agree(transaction, &fact.settlement.to_string(), &findings, note, now)?;
            }
            rows::set_compared_until(transaction, rows::compared_until(transaction)?.max(until))
        })
    }

    /// Takes in all lines that the bank has told since the last time, page by page, and says how many were new.
    ///
    /// # Errors
    /// [`PartnerError`] if the bank or the file cannot be read or written: the pages before are taken in.
    pub fn pull(&mut self, bank: &dyn Bank, now: &mut Now<'_>) -> Result<usize, PartnerError> {
        let mut new = 0;
        loop {
            let cursor = self.database.read(|connection| rows::cursor(connection, bank.name()))?;
            let page = bank.lines_since(cursor, PAGE, now.at_ms)?;
            // A cursor that stands still would be read for ever.
            if page.lines.is_empty() || page.next <= cursor {
                return Ok(new);
            }
            new += self.database.write(|transaction| {
                let mut new = 0;
                for line in &page.lines {
                    new += usize::from(take_line(transaction, bank.name(), line, now)?);
                }
                rows::set_cursor(transaction, bank.name(), page.next)?;
                Ok(new)
            })?;
        }
    }

    /// Makes breaks of the payouts of which a bank should have said something by now, and has not.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be written: then nothing changed.
    pub fn look_for_silence(&mut self, now: &mut Now<'_>) -> Result<(), PartnerError> {
        self.database.write(|transaction| {
            let overdue = rows::mark_overdue(transaction, now.at_ms)?;
            overdue.into_iter().try_for_each(|payout| assess(transaction, payout, now))
        })
    }

    /// Reports that were not acknowledged yet, the oldest first: at most `limit`.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be read.
    pub fn reports(&self, limit: usize) -> Result<Vec<Report>, PartnerError> {
        self.database.read(|connection| rows::reports(connection, limit))
    }

    /// The money core has taken these reports in, durably, by their numbers, and this is what it thinks of their payouts
    /// since. Saying it again changes nothing.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be written: the reports will be handed out again.
    pub fn acknowledge(&mut self, taken_in: &[(u64, PayoutFact)], now: &mut Now<'_>) -> Result<(), PartnerError> {
        self.database.write(|transaction| {
            for (number, fact) in taken_in {
                let sql = "UPDATE reports SET acknowledged_at = ?2 WHERE number = ?1 AND acknowledged_at IS NULL";
                transaction.execute(sql, params![signed(*number), signed(now.at_ms)])?;
                take_payout(transaction, fact, now)?;
            }
            Ok(())
        })
    }

    /// What we think of a payout; nothing if it is not known.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be read.
    pub fn payout(&self, payout: PayoutId) -> Result<Option<PayoutFact>, PartnerError> {
        Ok(self.database.read(|connection| rows::known(connection, payout))?.map(|known| known.fact))
    }

    /// Whether any payout is known: if none is, there is nothing to ask a bank about.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be read.
    pub fn has_payouts(&self) -> Result<bool, PartnerError> {
        self.database
            .read(|connection| connection.query_row("SELECT EXISTS (SELECT 1 FROM payouts)", [], |row| row.get(0)))
    }

    /// How many breaks are open.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be read.
    pub fn open_breaks(&self) -> Result<u64, PartnerError> {
        self.database.read(breaks::count_open)
    }

    /// Breaks, the oldest first: at most `limit` of those after `after`.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be read.
    pub fn breaks(
        &self,
        filter: BreakFilter,
        kind: Option<BreakKind>,
        after: Option<BreakId>,
        limit: usize,
    ) -> Result<Vec<Break>, PartnerError> {
        self.database.read(|connection| breaks::list(connection, filter, kind, after, limit))
    }

    /// One break.
    ///
    /// # Errors
    /// [`PartnerError`] if the file cannot be read.
    pub fn find_break(&self, id: BreakId) -> Result<Option<Break>, PartnerError> {
        self.database.read(|connection| breaks::find(connection, id))
    }

    /// A person says what became of an open break.
    ///
    /// # Errors
    /// [`PartnerError::NoOpenBreak`] if there is none with this id; else the file cannot be written.
    pub fn resolve(&mut self, id: BreakId, text: &str, by: &str, now: &mut Now<'_>) -> Result<(), PartnerError> {
        let found = self.database.write(|transaction| breaks::resolve(transaction, id, text, by, now.at_ms))?;
        if found { Ok(()) } else { Err(PartnerError::NoOpenBreak) }
    }
}

/// Takes in what we think of a payout.
fn take_payout(transaction: &Transaction<'_>, fact: &PayoutFact, now: &mut Now<'_>) -> rusqlite::Result<()> {
    rows::put_payout(transaction, fact)?;
    // Lines that came before the payout was known are its lines now.
    rows::claim_lines(transaction, fact.payout)?;
    assess(transaction, fact.payout, now)?;
    let note = format!("it belongs to {}, which was not known then", fact.payout);
    for line in rows::subjects_of_lines(transaction, fact.payout)? {
        breaks::agree(transaction, &line, &[], &note, now)?;
    }
    Ok(())
}

/// Takes in one line, and says whether it is new.
fn take_line(transaction: &Transaction<'_>, bank: &str, line: &BankLine, now: &mut Now<'_>) -> rusqlite::Result<bool> {
    let payout = match (&line.kind, &line.reference) {
        // A charge for a payout carries its reference too.
        (LineKind::Other, _) | (_, None) => None,
        (_, Some(reference)) => rows::payout_of_reference(transaction, reference)?,
    };
    if !rows::put_line(transaction, bank, line, payout)? {
        return Ok(false);
    }
    match payout {
        Some(payout) => assess(transaction, payout, now)?,
        None => {
            let finding = breaks::Finding::unknown_line(bank, line);
            breaks::agree(transaction, &rows::subject(bank, &line.line), &[finding], "", now)?;
        }
    }
    Ok(true)
}

/// Judges a payout by all that is known of it: makes the reports that are new, opens and closes breaks.
fn assess(transaction: &Transaction<'_>, payout: PayoutId, now: &mut Now<'_>) -> rusqlite::Result<()> {
    let Some(known) = rows::known(transaction, payout)? else { return Ok(()) };
    let judgement = judge::judge(&known);
    for happening in &judgement.happenings {
        rows::put_report(transaction, payout, happening)?;
    }
    breaks::agree(transaction, &payout.to_string(), &judgement.findings, &judgement.note, now)
}

/// Which cursor a bank is read from at first.
const START: Cursor = Cursor(0);

/// The reference that a payout's lines carry.
fn reference(payout: PayoutId) -> String {
    end_to_end(payout)
}
