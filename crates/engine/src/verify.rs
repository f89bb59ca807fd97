//! Checking everything, offline, trusting nothing but the format.
//!
//! The journal is read byte by byte and its hash chain checked; every record is held against the rules that no history
//! may break, and folded; at the position that the tables reflect, each row is compared with what the fold says.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ids::AccountId;
use journal::{Disk, Journal, JournalError, OsDisk, Verified};
use ledger::{Totals, Transfer};
use payments::{Event, OrderStatus, Owner, Payment, Record, State, Tap};
use store::records;
use store::tables::{Mark, RowCounts, TablesError, TablesReader};

use crate::recovery::{journal_folder, tables_file};

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
    /// The position that the tables reflect; `None` if there are no tables (they are made anew at the next start).
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
    let tables = Tables::open(&tables_file(folder))?;
    let anchor = tables.as_ref().map(|tables| tables.mark.frame).filter(|frame| frame.position > 0);
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
        let reader = TablesReader::open(file)?;
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
    rows_compared: u64,
}

impl Audit {
    fn new(tables: Option<Tables>) -> Self {
        Self { state: State::default(), tables, seen: RowCounts::default(), rows_compared: 0 }
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
            Event::OrderCreated(_) => seen.orders += 1,
            Event::TapAccepted(_) => seen.taps += 1,
            Event::DepositSucceeded(_) => (seen.deposits, seen.entries) = (seen.deposits + 1, seen.entries + 2),
            Event::PaymentSucceeded(_) => (seen.payments, seen.entries) = (seen.payments + 1, seen.entries + 2),
            Event::OrderCancelled(_)
            | Event::OrderExpired(_)
            | Event::TapRefused(_)
            | Event::PaymentDeclined(_)
            | Event::RequestRefused(_)
            | Event::RequestAnswered(_) => {}
        }
        if record.request.is_some() {
            seen.requests += 1;
        }
    }

    /// Compares the rows that this record made or finished.
    fn compare_rows(&mut self, record: &Record, position: u64) -> Result<(), VerifyError> {
        match &record.event {
            Event::TapAccepted(tap) => {
                let row = self.row(|reader| reader.tap(tap.id))?;
                self.same(&row.map(|(tap, _)| tap), &Some(*tap), tap.id)?;
            }
            Event::DepositSucceeded(settled) => {
                let row = self.row(|reader| reader.deposit(settled.what.id))?;
                self.same(&row, &Some(settled.what), settled.what.id)?;
                self.compare_entries(&settled.transfer(), position)?;
            }
            Event::PaymentSucceeded(settled) => {
                let payment = &settled.what;
                let row = self.row(|reader| reader.payment(payment.id))?;
                self.same(&row.as_ref(), &Some(payment), payment.id)?;
                self.compare_entries(&settled.transfer(), position)?;
                let used = self.row(|reader| reader.tap(payment.tap))?.and_then(|(_, payment)| payment);
                self.same(&used, &Some(payment.id), payment.tap)?;
                if let Some(order) = payment.order {
                    self.compare_order(order)?;
                }
            }
            Event::OrderCancelled(order) | Event::OrderExpired(order) => self.compare_order(*order)?,
            _ => {}
        }
        if let (Some(request), Some(outcome)) = (record.request, record.event.outcome()) {
            let row = self.row(|reader| reader.request(request.key))?;
            self.same(&row, &Some((request.body, outcome)), format_args!("the request at position {position}"))?;
        }
        Ok(())
    }

    fn compare_order(&mut self, id: ids::OrderId) -> Result<(), VerifyError> {
        let row = self.row(|reader| reader.order(id))?;
        let folded = self.state.order(id).cloned();
        self.same(&row, &folded, id)
    }

    /// Both entries of a transfer, with the balances that the fold has just reached.
    fn compare_entries(&mut self, transfer: &Transfer, position: u64) -> Result<(), VerifyError> {
        for (account, credit) in [(transfer.debit_account_id, false), (transfer.credit_account_id, true)] {
            let account = AccountId::from_u128(account);
            let after = self.state.account(account).map_or(0, |(_, balance)| balance.available());
            let row = self.row(|reader| reader.entry(account, position))?;
            self.same(&row, &Some((credit, transfer.amount, after)), format_args!("{account} at position {position}"))?;
        }
        Ok(())
    }

    /// At the position that the tables reflect: everything that can still change, and that there is nothing else.
    fn compare_at_mark(&mut self) -> Result<(), VerifyError> {
        let Some(tables) = self.tables.as_ref().filter(|tables| tables.mark.frame.position == self.state.position())
        else {
            return Ok(());
        };
        let differ = |what: String| VerifyError::TablesDiffer { what };
        if tables.counts != self.seen {
            return Err(differ(format!("rows are {:?}, the journal makes them {:?}", tables.counts, self.seen)));
        }
        let stored = tables.reader.all_accounts()?;
        for (account, balance) in &stored {
            let Some((_, folded)) = self.state.account(account.id).filter(|(known, _)| known == account) else {
                return Err(differ(format!("account {}", account.id)));
            };
            if folded != *balance {
                return Err(differ(format!("the balance of account {} is {balance:?}, not {folded:?}", account.id)));
            }
        }
        let tags = tables.reader.all_tags()?;
        for (tag, counter) in &tags {
            let folded = self.state.tag(tag.id).map(|known| (known.tag, known.last_counter));
            if folded != Some((*tag, *counter)) {
                return Err(differ(format!("tag {} has counter {counter}, not {folded:?}", tag.id)));
            }
        }
        let mut open = 0;
        for order in self.state.open_orders() {
            open += 1;
            if tables.reader.order(order.id)?.as_ref() != Some(order) {
                return Err(differ(format!("open order {}", order.id)));
            }
        }
        self.rows_compared += (stored.len() + tags.len() + open) as u64;
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
        Err(VerifyError::TablesDiffer { what: format!("{name} is {row:?}, not {folded:?}") })
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

/// Whether a payment is by the wallet, to the merchant and for the order of its tap.
fn is_of(payment: &Payment, tap: &Tap) -> bool {
    (payment.wallet, payment.merchant, payment.tag, payment.order, payment.currency)
        == (tap.wallet, tap.merchant, tap.tag, tap.order, tap.currency)
}

/// Whether a record can have happened in this state: the rules that no history may break, whatever the rules of the
/// day were.
fn plausible(state: &State, record: &Record) -> Result<(), String> {
    if record.at < state.now() {
        return Err(format!("time runs backwards, from {} to {} ms", state.now().0, record.at.0));
    }
    match &record.event {
        Event::AccountOpened(account) => {
            state.check_account(*account, record.at).map(drop).map_err(|status| status.to_string())
        }
        Event::DepositSucceeded(settled) => {
            state.check_transfer(&settled.transfer(), record.at).map(drop).map_err(|status| status.to_string())
        }
        Event::PaymentSucceeded(settled) => {
            let payment = &settled.what;
            let open = |id| state.order(id).is_some_and(|order| order.status == OrderStatus::Open);
            if payment.order.is_some_and(|order| !open(order)) {
                return Err(format!("payment {} pays an order that is not open", payment.id));
            }
            match state.tap(payment.tap) {
                None => return Err(format!("payment {} has no tap that could still pay", payment.id)),
                Some((_, Some(first))) => return Err(format!("{} and {first} are paid with one tap", payment.id)),
                Some((tap, None)) if !is_of(payment, tap) => {
                    return Err(format!("payment {} is not what its tap was for", payment.id));
                }
                Some((_, None)) => {}
            }
            let owner_of = |account| state.account(account).map(|(account, _)| account.owner);
            if owner_of(settled.debit_account) != Some(Owner::Wallet(payment.wallet).bits()) {
                return Err(format!("payment {} is not from its wallet's account", payment.id));
            }
            if owner_of(settled.credit_account) != Some(Owner::Merchant(payment.merchant).bits()) {
                return Err(format!("payment {} is not to its merchant's account", payment.id));
            }
            state.check_transfer(&settled.transfer(), record.at).map(drop).map_err(|status| status.to_string())
        }
        Event::TapAccepted(tap) => match state.tag(tap.tag) {
            Some(known) if tap.counter > known.last_counter => Ok(()),
            Some(known) => {
                Err(format!("the counter of {} goes from {} to {}", tap.tag, known.last_counter, tap.counter))
            }
            None => Err(format!("a tap on {}, which is not registered", tap.tag)),
        },
        _ => Ok(()),
    }
}
