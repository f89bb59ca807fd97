//! Checking everything, offline, trusting nothing but the format.
//!
//! The journal is read byte by byte and its hash chain checked; every record is held against the rules that no history
//! may break, and folded; at the position that the tables reflect, each row is compared with what the fold says.

use std::collections::BTreeMap;
use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use ids::{AccountId, PaymentId};
use journal::{Disk, Journal, JournalError, OsDisk, Verified};
use ledger::{Totals, Transfer};
use payments::{Event, Moved, OrderStatus, Owner, Payment, Record, State, Tap};
use store::records;
use store::tables::{EventKind, Mark, RowCounts, TablesError, TablesReader};

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
    /// Payments that changed after they were made, as they are since.
    changed: BTreeMap<PaymentId, Payment>,
    rows_compared: u64,
}

impl Audit {
    fn new(tables: Option<Tables>) -> Self {
        Self { state: State::default(), tables, seen: RowCounts::default(), changed: BTreeMap::new(), rows_compared: 0 }
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

    /// Compares the rows that this record made or finished.
    fn compare_rows(&mut self, record: &Record, position: u64) -> Result<(), VerifyError> {
        match &record.event {
            Event::TapAccepted(tap) => {
                let row = self.row(|reader| reader.tap(tap.id))?;
                self.same(&row.map(|(tap, _)| tap), &Some(*tap), tap.id)?;
            }
            Event::DepositSucceeded(moved) => {
                let row = self.row(|reader| reader.deposit(moved.what.id))?;
                self.same(&row, &Some(moved.what), moved.what.id)?;
            }
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => {
                let payment = &moved.what;
                // What it became later is compared with the fold at the end, where it can still change, and at each change.
                let row = self.row(|reader| reader.payment(payment.id))?.map(|row| row.as_created());
                self.same(&row.as_ref(), &Some(payment), payment.id)?;
                let used = self.row(|reader| reader.tap(payment.tap))?.and_then(|(_, payment)| payment);
                self.same(&used, &Some(payment.id), payment.tap)?;
                if let Some(order) = payment.order.filter(|_| !payment.is_open()) {
                    self.compare_order(order)?;
                }
            }
            Event::PaymentCaptured(Moved { what, .. }) => {
                let row = self.row(|reader| reader.capture(what.capture.id))?;
                self.same(&row, &Some(what.capture), what.capture.id)?;
                self.note_payment(&what.payment);
            }
            Event::HoldReleased(Moved { what, .. }) => self.note_payment(&what.payment),
            Event::PaymentRefunded(Moved { what, .. }) => {
                let row = self.row(|reader| reader.refund(what.refund.id))?;
                self.same(&row.as_ref(), &Some(&what.refund), what.refund.id)?;
                self.note_payment(&what.payment);
            }
            Event::DisputeOpened(Moved { what, .. }) => self.note_payment(&what.payment),
            Event::DisputeClosed(Moved { what, .. }) => {
                let row = self.row(|reader| reader.dispute(what.dispute.id))?;
                self.same(&row.as_ref(), &Some(&what.dispute), what.dispute.id)?;
                self.note_payment(&what.payment);
            }
            Event::SettlementClosed(Moved { what, .. }) => {
                let row = self.row(|reader| reader.settlement(what.id))?.map(|row| (row.settlement, row.position));
                self.same(&row, &Some((*what, position)), what.id)?;
            }
            Event::OrderCancelled(order) | Event::OrderExpired(order) => self.compare_order(*order)?,
            _ => {}
        }
        self.compare_entries(&record.event, position)?;
        if let (Some(request), Some(outcome)) = (record.request, record.event.outcome()) {
            let row = self.row(|reader| reader.request(request.key))?;
            self.same(&row, &Some((request.body, outcome)), format_args!("the request at position {position}"))?;
        }
        Ok(())
    }

    /// What a payment has become. Its row is compared at the tables' position: until then it may change again.
    fn note_payment(&mut self, payment: &Payment) {
        self.changed.insert(payment.id, payment.clone());
    }

    fn compare_order(&mut self, id: ids::OrderId) -> Result<(), VerifyError> {
        let row = self.row(|reader| reader.order(id))?;
        let folded = self.state.order(id).cloned();
        self.same(&row, &folded, id)
    }

    /// Both entries of each transfer, with the balances that the fold has reached after the last of them.
    fn compare_entries(&mut self, event: &Event, position: u64) -> Result<(), VerifyError> {
        let mut transfers = Vec::new();
        event.for_each_transfer(|transfer: Transfer| transfers.push(transfer));
        // Several movements of one account follow each other: only after the last the fold has the balance.
        let mut last: Vec<AccountId> = Vec::new();
        let legs: Vec<(&Transfer, u32)> = transfers.iter().zip(0..).collect();
        for (transfer, leg) in legs.into_iter().rev() {
            for (account, credit) in [(transfer.debit_account_id, false), (transfer.credit_account_id, true)] {
                let account = AccountId::from_u128(account);
                let is_last = !last.contains(&account);
                last.push(account);
                let after = self.state.account(account).map_or(0, |(_, balance)| balance.available());
                let row = self.row(|reader| reader.entry(account, position, leg))?;
                let expected = (credit, transfer.amount, if is_last { after } else { row.map_or(0, |row| row.2) });
                self.same(&row, &Some(expected), format_args!("{account} at position {position}"))?;
            }
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
        let (merchants, books) = (self.state.merchants().count() as u64, self.state.books().count() as u64);
        let counts = RowCounts { merchants, books, ..self.seen };
        if tables.counts != counts {
            return Err(differ(format!("rows are {:?}, the journal makes them {counts:?}", tables.counts)));
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
        for order in self.state.held_orders() {
            open += 1;
            if tables.reader.order(order.id)?.as_ref() != Some(order) {
                return Err(differ(format!("held order {}", order.id)));
            }
        }
        for payment in self.changed.values() {
            open += 1;
            if tables.reader.payment(payment.id)?.as_ref() != Some(payment) {
                return Err(differ(format!("payment {}", payment.id)));
            }
        }
        self.rows_compared += (stored.len() + tags.len() + open) as u64;
        let merchants = tables.reader.all_merchants()?;
        if let Some(merchant) = merchants.iter().find(|row| self.state.merchant(row.id) != Some(row)) {
            return Err(differ(format!("merchant {}", merchant.id)));
        }
        let books = tables.reader.all_books()?;
        if let Some(book) = books.iter().find(|row| self.state.book(row.pending) != Some(row)) {
            return Err(differ(format!("the book of {} in {}", book.merchant, book.currency)));
        }
        let again = tables.reader.load_state()?.1;
        for (what, same) in [
            ("open payments", self.state.open_payments().eq(again.open_payments())),
            ("open disputes", sorted(self.state.open_disputes()) == sorted(again.open_disputes())),
            ("open payouts", sorted(self.state.open_payouts()) == sorted(again.open_payouts())),
            ("settlements to pay out", self.state.due_payouts().eq(again.due_payouts())),
            ("reserves", self.state.reserves().eq(again.reserves())),
        ] {
            if !same {
                return Err(differ(format!("the {what}")));
            }
        }
        self.rows_compared += (merchants.len() + books.len()) as u64;
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
        Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => {
            let payment = &moved.what;
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
            if moved.legs.iter().any(|leg| owner_of(leg.debit) != Some(Owner::Wallet(payment.wallet).bits())) {
                return Err(format!("payment {} is not from its wallet's account", payment.id));
            }
            let receives = |owner| {
                let shares = payment.shares.iter().any(|share| owner == Some(Owner::Merchant(share.merchant).bits()));
                shares
                    || owner == Some(Owner::Merchant(payment.merchant).bits())
                    || payment.is_open() && owner == Some(Owner::Wallet(payment.wallet).bits())
            };
            if !moved.legs.iter().all(|leg| receives(owner_of(leg.credit))) {
                return Err(format!("payment {} is not to its merchant's account", payment.id));
            }
            let sum: u128 = moved.legs.iter().map(|leg| u128::from(leg.amount)).sum();
            if sum != u128::from(payment.amount.minor_units()) {
                return Err(format!("payment {} moves {sum}, not its amount", payment.id));
            }
            first_transfer_fits(state, record)
        }
        Event::PaymentCaptured(Moved { what, .. }) if what.payment.captured > what.payment.amount.minor_units() => {
            Err(format!("more is captured of {} than was held", what.payment.id))
        }
        Event::PaymentRefunded(Moved { what, .. }) => returned_fits(&what.payment),
        Event::DisputeOpened(Moved { what, .. }) => returned_fits(&what.payment),
        Event::TapAccepted(tap) => match state.tag(tap.tag) {
            Some(known) if tap.counter > known.last_counter => Ok(()),
            Some(known) => {
                Err(format!("the counter of {} goes from {} to {}", tap.tag, known.last_counter, tap.counter))
            }
            None => Err(format!("a tap on {}, which is not registered", tap.tag)),
        },
        _ => first_transfer_fits(state, record),
    }
}

/// Whether what went back of a payment is no more than had been captured.
fn returned_fits(payment: &Payment) -> Result<(), String> {
    if u128::from(payment.refunded) + u128::from(payment.disputed) <= u128::from(payment.captured) {
        return Ok(());
    }
    Err(format!("more went back of {} than was captured", payment.id))
}

/// Whether the ledger lets a record's first transfer be posted. The others stand on it; folding asserts them.
fn first_transfer_fits(state: &State, record: &Record) -> Result<(), String> {
    let mut first = None;
    record.event.for_each_transfer(|transfer: Transfer| {
        first.get_or_insert(transfer);
    });
    match first {
        Some(transfer) => state.check_transfer(&transfer, record.at).map(drop).map_err(|status| status.to_string()),
        None => Ok(()),
    }
}

fn sorted<'a, T: fmt::Debug + 'a>(things: impl Iterator<Item = &'a T>) -> Vec<String> {
    let mut all: Vec<String> = things.map(|thing| format!("{thing:?}")).collect();
    all.sort_unstable();
    all
}
