//! Checking everything, offline, trusting nothing but the format.
//!
//! The journal is read byte by byte and its hash chain checked; every record is held against the rules that no history
//! may break, and folded; at the position that the tables reflect, each row is compared with what the fold says.

mod plausible;
mod rows;

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use journal::{Disk, Journal, JournalError, OsDisk, Verified};
use ledger::Totals;
use payments::{Event, Record, State};
use store::records;
use store::tables::{EventKind, Mark, RowCounts, TablesError, TablesReader, TablesWriter};

use crate::recovery::{journal_folder, tables_file};
use plausible::plausible;
use rows::Ahead;

/// What was checked and found sound.
#[derive(Debug)]
pub struct Report {
    /// The journal's own findings.
    pub journal: Verified,
    /// The last journal position.
    pub position: u64,
    /// What the records said, by kind.
    pub payments: u64,
    /// Taps accepted.
    pub taps: u64,
    /// Orders asked for.
    pub orders: u64,
    /// Deposits.
    pub deposits: u64,
    /// Debits and credits per ledger number (ISO 4217).
    pub totals: BTreeMap<u32, Totals>,
    /// The position that the tables reflect; `None` if there are none, or of an older version (they are made anew at the
    /// next start).
    pub tables_position: Option<u64>,
    /// Rows compared, one by one.
    pub rows_compared: u64,
}

/// Why the data cannot be vouched for.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// There is no money plane here.
    #[error("{} holds no journal: is this the data folder?", folder.display())]
    Nothing {
        /// The folder.
        folder: PathBuf,
    },
    /// A server is at work on it.
    #[error("{} is in use: stop the server first", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
    },
    /// The journal is damaged, incomplete or of a newer version.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The tables cannot be read.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// A record says what cannot have happened.
    #[error("journal position {position}: {what}")]
    Record {
        /// Where.
        position: u64,
        /// What is wrong.
        what: String,
    },
    /// The tables say something else than the journal.
    #[error(
        "the tables differ from the journal: {what}. The journal is the truth: move tables.sqlite away and start again, \
         it is made anew"
    )]
    TablesDiffer {
        /// What differs.
        what: String,
    },
}

/// Checks the money plane in `folder`. Takes the journal's lock meanwhile; changes nothing.
pub fn verify(folder: &Path) -> Result<Report, VerifyError> {
    let journal = Journal::new(journal_folder(folder));
    if !journal.directory().is_dir() {
        return Err(VerifyError::Nothing { folder: folder.to_owned() });
    }
    let _lock = match OsDisk.lock(&journal.directory().join("lock")) {
        Ok(lock) => Some(lock),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            return Err(VerifyError::InUse { folder: folder.to_owned() });
        }
        // A copy that nobody may write to needs no lock.
        Err(_) => None,
    };
    // Tables of an older version have nothing to compare, but what they know of the journal must be in it.
    let anchor = TablesWriter::peek(&tables_file(folder))?.map(|mark| mark.frame).filter(|frame| frame.position > 0);
    let tables = Tables::open(&tables_file(folder))?;
    let verified = journal.verify(anchor)?;
    let mut audit = Audit::new(tables);
    audit.compare_at_mark()?;
    let mut reader = journal.reader()?;
    while let Some(frame) = reader.next_frame()? {
        let position = frame.first_position;
        let records = records::decode(frame.payload, frame.count.get())
            .map_err(|unknown| VerifyError::Record { position, what: unknown.to_string() })?;
        for record in &records {
            audit.take(record)?;
        }
        audit.compare_at_mark()?;
        audit.state.forget(frame.last_position);
    }
    audit.finish(verified)
}

struct Tables {
    reader: TablesReader,
    mark: Mark,
    counts: RowCounts,
}

impl Tables {
    fn open(file: &Path) -> Result<Option<Self>, TablesError> {
        if !file.exists() {
            return Ok(None);
        }
        let reader = match TablesReader::open(file) {
            Err(TablesError::OlderVersion { .. }) => return Ok(None),
            opened => opened?,
        };
        reader.check_integrity()?;
        reader.hold_snapshot()?;
        Ok(Some(Self { mark: reader.mark()?, counts: reader.row_counts()?, reader }))
    }
}

/// A fold of the journal beside the tables that claim to be one.
struct Audit {
    state: State,
    tables: Option<Tables>,
    seen: RowCounts,
    /// Rows that say more than the journal has said so far.
    ahead: Ahead,
    rows_compared: u64,
}

impl Audit {
    fn new(tables: Option<Tables>) -> Self {
        Self { state: State::default(), tables, seen: RowCounts::default(), ahead: Ahead::default(), rows_compared: 0 }
    }

    fn take(&mut self, record: &Record) -> Result<(), VerifyError> {
        let position = self.state.position() + 1;
        plausible(&self.state, record).map_err(|what| VerifyError::Record { position, what })?;
        self.state.evolve(record);
        self.count(record);
        if self.tables.as_ref().is_some_and(|tables| position <= tables.mark.frame.position) {
            self.compare_rows(record, position)?;
        }
        Ok(())
    }

    fn count(&mut self, record: &Record) {
        let seen = &mut self.seen;
        match &record.event {
            Event::AccountOpened(_) => seen.accounts += 1,
            Event::TagRegistered(_) => seen.tags += 1,
            Event::OrderCreated(_) | Event::OrderPlaced(_) => seen.orders += 1,
            Event::TapAccepted(_) => seen.taps += 1,
            Event::DepositSucceeded(_) => seen.deposits += 1,
            Event::PaymentSucceeded(_) | Event::PaymentMade(_) => seen.payments += 1,
            Event::PaymentCaptured(_) => seen.captures += 1,
            Event::PaymentRefunded(_) => seen.refunds += 1,
            Event::DisputeOpened(_) => seen.disputes += 1,
            Event::SettlementClosed(_) => seen.settlements += 1,
            Event::PayoutCreated(_) => seen.payouts += 1,
            _ => {}
        }
        record.event.for_each_transfer(|_| seen.entries += 2);
        if EventKind::of(&record.event).is_some() {
            seen.events += 1;
        }
        if record.request.is_some() {
            seen.requests += 1;
        }
    }

    /// At the position that the tables reflect: everything that can still change, and that there is nothing else.
    fn compare_at_mark(&mut self) -> Result<(), VerifyError> {
        let Some(tables) = self.tables.as_ref().filter(|tables| tables.mark.frame.position == self.state.position())
        else {
            return Ok(());
        };
        let (merchants, books) = (self.state.merchants().count() as u64, self.state.books().count() as u64);
        let counts = RowCounts { merchants, books, ..self.seen };
        if tables.counts != counts {
            return differ(format!("rows are {:?}, the journal makes them {counts:?}", tables.counts));
        }
        if tables.mark.time != self.state.now() {
            return differ(format!("their time is {:?}, not {:?}", tables.mark.time, self.state.now()));
        }
        if let Some(ahead) = self.ahead.first() {
            return differ(ahead);
        }
        let compared = compare_accounts_and_tags(tables, &self.state)?
            + compare_merchants(tables, &self.state)?
            + compare_open(tables, &self.state)?;
        self.rows_compared += compared;
        Ok(())
    }

    fn row<T>(
        &self,
        ask: impl FnOnce(&TablesReader) -> Result<Option<T>, TablesError>,
    ) -> Result<Option<T>, VerifyError> {
        match &self.tables {
            Some(tables) => Ok(ask(&tables.reader)?),
            None => Ok(None),
        }
    }

    fn same<T: PartialEq + fmt::Debug>(
        &mut self,
        row: &T,
        folded: &T,
        name: impl fmt::Display,
    ) -> Result<(), VerifyError> {
        self.rows_compared += 1;
        if row == folded {
            return Ok(());
        }
        differ(format!("{name} is {row:?}, not {folded:?}"))
    }

    fn finish(self, journal: Verified) -> Result<Report, VerifyError> {
        let totals = self.state.ledger().totals();
        if let Some((ledger, totals)) = totals.iter().find(|(_, totals)| !totals.balanced()) {
            let what = format!("ledger {ledger} is out of balance: {totals:?}");
            return Err(VerifyError::Record { position: self.state.position(), what });
        }
        Ok(Report {
            position: self.state.position(),
            payments: self.seen.payments,
            taps: self.seen.taps,
            orders: self.seen.orders,
            deposits: self.seen.deposits,
            totals,
            tables_position: self.tables.map(|tables| tables.mark.frame.position),
            rows_compared: self.rows_compared,
            journal,
        })
    }
}

fn differ<T>(what: String) -> Result<T, VerifyError> {
    Err(VerifyError::TablesDiffer { what })
}

fn compare_accounts_and_tags(tables: &Tables, state: &State) -> Result<u64, VerifyError> {
    let accounts = tables.reader.all_accounts()?;
    for (account, balance) in &accounts {
        let Some((_, folded)) = state.account(account.id).filter(|(known, _)| known == account) else {
            return differ(format!("account {}", account.id));
        };
        if folded != *balance {
            return differ(format!("the balance of account {} is {balance:?}, not {folded:?}", account.id));
        }
    }
    let tags = tables.reader.all_tags()?;
    for (tag, counter) in &tags {
        let folded = state.tag(tag.id).map(|known| (known.tag, known.last_counter));
        if folded != Some((*tag, *counter)) {
            return differ(format!("tag {} has counter {counter}, not {folded:?}", tag.id));
        }
    }
    Ok((accounts.len() + tags.len()) as u64)
}

fn compare_merchants(tables: &Tables, state: &State) -> Result<u64, VerifyError> {
    let merchants = tables.reader.all_merchants()?;
    if let Some(merchant) = merchants.iter().find(|row| state.merchant(row.id) != Some(row)) {
        return differ(format!("merchant {}", merchant.id));
    }
    let books = tables.reader.all_books()?;
    if let Some(book) = books.iter().find(|row| state.book(row.pending) != Some(row)) {
        return differ(format!("the book of {} in {}", book.merchant, book.currency));
    }
    Ok((merchants.len() + books.len()) as u64)
}

/// What is open, and what is due: as a platform that starts from these tables would have it.
fn compare_open(tables: &Tables, state: &State) -> Result<u64, VerifyError> {
    let mut compared = 0;
    for order in state.open_orders().chain(state.held_orders()) {
        compared += 1;
        if tables.reader.order(order.id)?.as_ref() != Some(order) {
            return differ(format!("open order {}", order.id));
        }
    }
    let again = tables.reader.load_state()?.1;
    for (what, same) in [
        ("open orders", state.open_orders().eq(again.open_orders())),
        ("held orders", state.held_orders().eq(again.held_orders())),
        ("open payments", state.open_payments().eq(again.open_payments())),
        ("open disputes", sorted(state.open_disputes()) == sorted(again.open_disputes())),
        ("open payouts", sorted(state.open_payouts()) == sorted(again.open_payouts())),
        ("settlements to pay out", state.due_payouts().eq(again.due_payouts())),
        ("reserves", state.reserves().eq(again.reserves())),
    ] {
        if !same {
            return differ(format!("the {what}"));
        }
    }
    Ok(compared)
}

fn sorted<'a, T: fmt::Debug + 'a>(things: impl Iterator<Item = &'a T>) -> Vec<String> {
    let mut all: Vec<String> = things.map(|thing| format!("{thing:?}")).collect();
    all.sort_unstable();
    all
}
