//! Folding journal records into the tables, a batch in one transaction.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use ids::{AccountId, IdMap, MerchantId, OrderId, PaymentId, SettlementId, TagId, TapId};
use ledger::{Balance, Transfer};
use money::Currency;
use payments::{
    Account, Books, Capture, Deposit, Dispute, Event, MerchantState, Moved, Order, OrderStatus, Outcome, Payment,
    PaymentStatus, Payout, Record, Refund, RegisteredTag, Request, Settlement, State, TagMode, Tap, UnixMillis,
    account_code,
};
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::entries::{Cause, Entry};
use super::events::EventRow;
use super::rows::{self, signed, status_number};
use super::{Database, Mark, TablesError};

/// The one writer of the tables.
#[derive(Debug)]
pub struct TablesWriter {
    database: Database,
    mark: Mark,
    /// What the table `books` has; `None` after a batch that was not written, with which they had been folded.
    books: Option<Books>,
}

impl TablesWriter {
    /// Opens the tables' file, or creates it. One of an older version is thrown away: what it said is in the journal.
    pub fn open(path: &Path) -> Result<Self, TablesError> {
        let database = match Database::open_to_write(path) {
            Err(TablesError::OlderVersion { .. }) => {
                remove(path)?;
                Database::open_to_write(path)?
            }
            opened => opened?,
        };
        Ok(Self { mark: database.mark()?, database, books: None })
    }

    /// The mark of the tables in this file, without changing anything; `None` if there is no file yet.
    pub fn peek(path: &Path) -> Result<Option<Mark>, TablesError> {
        if !path.exists() {
            return Ok(None);
        }
        let database = Database::open_read_only(path)?;
        match database.check_version() {
            Ok(()) if database.is_empty()? => Ok(None),
            // What an older version knew of the journal is as true today.
            Ok(()) | Err(TablesError::OlderVersion { .. }) => database.mark().map(Some),
            Err(error) => Err(error),
        }
    }

    /// The journal position that the tables reflect.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// Folds the records that follow the mark, and moves the mark to `mark`: all or nothing.
    pub fn apply(&mut self, records: &[&Record], mark: Mark) -> Result<(), TablesError> {
        let before = self.mark.frame.position;
        assert_eq!(before + records.len() as u64, mark.frame.position, "records must follow the mark");
        let mut books = self.books.take().map_or_else(|| self.load_books(), Ok)?;
        self.database.run(|sql| {
            let transaction = sql.unchecked_transaction()?;
            let mut batch = Batch::new(&transaction, &mut books);
            for (record, position) in records.iter().zip(before + 1..) {
                batch.fold(record, position)?;
            }
            batch.finish()?;
            transaction
                .prepare_cached("UPDATE mark SET position = ?1, frame_hash = ?2, time = ?3")?
                .execute(params![signed(mark.frame.position), mark.frame.hash.as_bytes(), signed(mark.time.0)])?;
            transaction.commit()
        })?;
        (self.mark, self.books) = (mark, Some(books));
        Ok(())
    }

    /// The books as the table has them.
    fn load_books(&self) -> Result<Books, TablesError> {
        let mut books = Books::default();
        self.database.run(|sql| {
            let mut select = sql.prepare("SELECT * FROM books")?;
            select.query_map([], rows::book)?.try_for_each(|book| book.map(|book| books.restore(book)))
        })?;
        Ok(books)
    }

    /// The decider's state at the mark: what may still change.
    pub fn load_state(&self) -> Result<State, TablesError> {
        self.database.load_state(self.mark)
    }
}

/// Throws away a file of tables, and what belongs to it.
fn remove(path: &Path) -> Result<(), TablesError> {
    tracing::info!(file = %path.display(), "the tables are of an older version; they are made anew from the journal");
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match std::fs::remove_file(PathBuf::from(name)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(TablesError::NotRemoved { path: path.to_owned(), source }),
        }
    }
    Ok(())
}

/// The rows that a batch of records changes, each written once however often it changes.
struct Batch<'a> {
    sql: &'a Transaction<'a>,
    books: &'a mut Books,
    changed_books: IdMap<ids::Account, ()>,
    balances: IdMap<ids::Account, Balance>,
    counters: IdMap<ids::Tag, u32>,
    new_orders: NewRows<ids::Order, Order>,
    new_taps: NewRows<ids::Tap, (Tap, Option<PaymentId>)>,
    entries: Vec<(AccountId, Entry)>,
    events: Vec<(MerchantId, EventRow)>,
    requests: Vec<(Request, Outcome)>,
}

/// New rows in the order they came, which is nearly the order of their ids.
struct NewRows<K, T> {
    rows: Vec<T>,
    places: IdMap<K, usize>,
}

impl<K: ids::Kind, T> NewRows<K, T> {
    fn empty() -> Self {
        Self { rows: Vec::new(), places: IdMap::default() }
    }

    fn push(&mut self, id: ids::Id<K>, row: T) {
        self.places.insert(id, self.rows.len());
        self.rows.push(row);
    }

    fn get_mut(&mut self, id: ids::Id<K>) -> Option<&mut T> {
        self.places.get(&id).and_then(|&place| self.rows.get_mut(place))
    }
}

impl<'a> Batch<'a> {
    fn new(sql: &'a Transaction<'a>, books: &'a mut Books) -> Self {
        Self {
            sql,
            books,
            changed_books: IdMap::default(),
            balances: IdMap::default(),
            counters: IdMap::default(),
            new_orders: NewRows::empty(),
            new_taps: NewRows::empty(),
            entries: Vec::new(),
            events: Vec::new(),
            requests: Vec::new(),
        }
    }

    fn fold(&mut self, record: &Record, position: u64) -> rusqlite::Result<()> {
        self.tell(record, position)?;
        self.change(&record.event, record.at, position)?;
        self.enter(&record.event, record.at, position)?;
        self.keep_books(&record.event, record.at, position)?;
        if let (Some(request), Some(outcome)) = (record.request, record.event.outcome()) {
            self.requests.push((request, outcome));
        }
        Ok(())
    }

    fn change(&mut self, event: &Event, at: UnixMillis, position: u64) -> rusqlite::Result<()> {
        match event {
            Event::AccountOpened(account) => self.insert_account(account)?,
            Event::TagRegistered(tag) => self.insert_tag(tag)?,
            Event::DepositSucceeded(moved) => self.insert_deposit(&moved.what)?,
            Event::OrderCreated(order) | Event::OrderPlaced(order) => {
                self.new_orders.push(order.id, order.clone());
            }
            Event::OrderCancelled(order) => self.close_order(*order, OrderStatus::Cancelled { at })?,
            Event::OrderExpired(order) => self.close_order(*order, OrderStatus::Expired { at })?,
            Event::TapAccepted(tap) => {
                self.counters.insert(tap.tag, tap.counter);
                self.new_taps.push(tap.id, (*tap, None));
            }
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => {
                self.make_payment(&moved.what, at, position)?;
            }
            Event::PaymentCaptured(Moved { what, .. }) => {
                self.insert_capture(&what.capture)?;
                self.update_payment(&what.payment)?;
                what.order.as_ref().map_or(Ok(()), |order| self.close_order(order.id, order.status))?;
            }
            Event::HoldReleased(Moved { what, .. }) => {
                self.update_payment(&what.payment)?;
                what.order.as_ref().map_or(Ok(()), |order| self.close_order(order.id, order.status))?;
            }
            Event::PaymentRefunded(Moved { what, .. }) => {
                self.insert_refund(&what.refund)?;
                self.update_payment(&what.payment)?;
            }
            Event::DisputeOpened(Moved { what, .. }) | Event::DisputeClosed(Moved { what, .. }) => {
                self.write_dispute(&what.dispute)?;
                self.update_payment(&what.payment)?;
            }
            Event::DisputeAnswered(dispute) => self.write_dispute(dispute)?,
            Event::MerchantStatusSet(merchant, _)
            | Event::FeePlanSet(merchant, ..)
            | Event::SettlementTermsSet(merchant, _) => self.write_merchant(*merchant, event)?,
            Event::SettlementClosed(moved) => self.insert_settlement(&moved.what, position)?,
            Event::ReserveReleased(moved) => self.settlement_done("reserve_due = NULL", moved.what.settlement)?,
            Event::PayoutCreated(moved) => self.create_payout(&moved.what)?,
            Event::PayoutSkipped(settlement) => self.settlement_done("payout_due = NULL", *settlement)?,
            Event::PayoutSubmitted(payout) => self.write_payout(payout)?,
            Event::PayoutReported(moved) => self.write_payout(&moved.what)?,
            Event::TapRefused(_)
            | Event::PaymentDeclined(_)
            | Event::RequestRefused(_)
            | Event::RequestAnswered(_)
            | Event::WindowOpened(_) => {}
        }
        Ok(())
    }

    /// Notes what some merchant is to be told.
    fn tell(&mut self, record: &Record, position: u64) -> rusqlite::Result<()> {
        let Some(row) = EventRow::of(record, position) else { return Ok(()) };
        let merchant = match row.merchant {
            Some(merchant) => merchant,
            None => self.merchant_of(OrderId::from_bytes(row.object))?,
        };
        self.events.push((merchant, row));
        Ok(())
    }

    fn keep_books(&mut self, event: &Event, at: UnixMillis, position: u64) -> rusqlite::Result<()> {
        let Self { sql, books, changed_books, .. } = self;
        let failed = RefCell::new(Ok(()));
        let owner = |account| {
            pending_owner(sql, account).unwrap_or_else(|error| {
                *failed.borrow_mut() = Err(error);
                None
            })
        };
        books.fold(event, at, position, owner, |pending| {
            changed_books.insert(pending, ());
        });
        failed.into_inner()
    }

    fn insert_account(&mut self, account: &Account) -> rusqlite::Result<()> {
        self.sql.prepare_cached("INSERT INTO accounts VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0, 0)")?.execute(params![
            account.id.to_bytes(),
            account.ledger,
            account.code,
            account.owner.to_be_bytes(),
            account.flags.debits_must_not_exceed_credits,
            account.flags.credits_must_not_exceed_debits,
        ])?;
        self.balances.insert(account.id, Balance::default());
        Ok(())
    }

    fn insert_tag(&self, tag: &RegisteredTag) -> rusqlite::Result<()> {
        self.sql.prepare_cached("INSERT INTO tags VALUES (?1, ?2, ?3, ?4, ?5, ?6, 0)")?.execute(params![
            tag.id.to_bytes(),
            tag.uid.0,
            tag.merchant.to_bytes(),
            tag.mode == TagMode::Standing,
            tag.currency.numeric(),
            tag.active,
        ])?;
        Ok(())
    }

    fn insert_deposit(&self, deposit: &Deposit) -> rusqlite::Result<()> {
        self.sql.prepare_cached("INSERT INTO deposits VALUES (?1, ?2, ?3, ?4, ?5)")?.execute(params![
            deposit.id.to_bytes(),
            deposit.wallet.to_bytes(),
            deposit.currency.numeric(),
            signed(deposit.amount.minor_units()),
            signed(deposit.created_at.0),
        ])?;
        Ok(())
    }

    fn make_payment(&mut self, payment: &Payment, at: UnixMillis, position: u64) -> rusqlite::Result<()> {
        self.insert_payment(payment, position)?;
        self.use_tap(payment.tap, payment.id)?;
        let Some(order) = payment.order else { return Ok(()) };
        let (id, amount) = (payment.id, payment.amount);
        self.close_order(
            order,
            match payment.status {
                PaymentStatus::Succeeded => OrderStatus::Paid { payment: id, amount, at },
                _ => OrderStatus::Held { payment: id, amount, at },
            },
        )
    }

    fn insert_payment(&self, payment: &Payment, position: u64) -> rusqlite::Result<()> {
        let insert = "INSERT INTO payments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        self.sql.prepare_cached(insert)?.execute(params![
            payment.id.to_bytes(),
            payment.wallet.to_bytes(),
            payment.merchant.to_bytes(),
            payment.tag.to_bytes(),
            payment.tap.to_bytes(),
            payment.order.map(OrderId::to_bytes),
            payment.description.as_ref().map(payments::Text::as_str),
            payment.currency.numeric(),
            signed(payment.amount.minor_units()),
            signed(payment.created_at.0),
            signed(position),
            signed(payment.fee),
            rows::payment_status_number(payment.status),
            rows::progress(payment)?,
        ])?;
        Ok(())
    }

    fn update_payment(&self, payment: &Payment) -> rusqlite::Result<()> {
        let update = "UPDATE payments SET fee = ?2, status = ?3, progress = ?4 WHERE id = ?1";
        let status = rows::payment_status_number(payment.status);
        let fields = params![payment.id.to_bytes(), signed(payment.fee), status, rows::progress(payment)?];
        self.sql.prepare_cached(update)?.execute(fields)?;
        Ok(())
    }

    fn insert_capture(&self, capture: &Capture) -> rusqlite::Result<()> {
        let insert = "INSERT INTO captures VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.sql.prepare_cached(insert)?.execute(params![
            capture.id.to_bytes(),
            capture.payment.to_bytes(),
            capture.merchant.to_bytes(),
            capture.currency.numeric(),
            signed(capture.amount.minor_units()),
            signed(capture.fee),
            signed(capture.released),
            signed(capture.created_at.0),
        ])?;
        Ok(())
    }

    fn insert_refund(&self, refund: &Refund) -> rusqlite::Result<()> {
        let insert = "INSERT INTO refunds VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.sql.prepare_cached(insert)?.execute(params![
            refund.id.to_bytes(),
            refund.payment.to_bytes(),
            refund.merchant.to_bytes(),
            refund.wallet.to_bytes(),
            refund.currency.numeric(),
            signed(refund.amount.minor_units()),
            refund.reason.as_ref().map(payments::Text::as_str),
            signed(refund.created_at.0),
        ])?;
        Ok(())
    }

    fn write_dispute(&self, dispute: &Dispute) -> rusqlite::Result<()> {
        self.sql.prepare_cached("REPLACE INTO disputes VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
            dispute.id.to_bytes(),
            dispute.payment.to_bytes(),
            dispute.merchant.to_bytes(),
            dispute.wallet.to_bytes(),
            dispute.is_open(),
            rows::encoded(dispute)?,
        ])?;
        Ok(())
    }

    /// A merchant's row is what the state makes of the same events.
    fn write_merchant(&self, id: MerchantId, event: &Event) -> rusqlite::Result<()> {
        let select = "SELECT * FROM merchants WHERE id = ?1";
        let stored = self.sql.prepare_cached(select)?.query_one([id.to_bytes()], rows::merchant).optional()?;
        let mut merchant = stored.unwrap_or_else(|| MerchantState::unwritten(id));
        merchant.fold(event);
        let replace = "REPLACE INTO merchants VALUES (?1, ?2)";
        self.sql.prepare_cached(replace)?.execute(params![id.to_bytes(), rows::encoded(&merchant)?])?;
        Ok(())
    }

    fn insert_settlement(&self, settlement: &Settlement, position: u64) -> rusqlite::Result<()> {
        let insert = "INSERT INTO settlements VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6, ?7, ?8)";
        self.sql.prepare_cached(insert)?.execute(params![
            settlement.id.to_bytes(),
            settlement.merchant.to_bytes(),
            settlement.currency.numeric(),
            signed(position),
            settlement.business_day.to_string(),
            (settlement.net > 0).then_some(signed(settlement.payout_at.0)),
            settlement.reserved_until.map(|until| signed(until.0)),
            rows::encoded(settlement)?,
        ])?;
        Ok(())
    }

    fn settlement_done(&self, what: &str, id: SettlementId) -> rusqlite::Result<()> {
        let update = format!("UPDATE settlements SET {what} WHERE id = ?1");
        self.sql.prepare_cached(&update)?.execute([id.to_bytes()])?;
        Ok(())
    }

    fn create_payout(&self, payout: &Payout) -> rusqlite::Result<()> {
        if let Some(settlement) = payout.settlement {
            let update = "UPDATE settlements SET payout_due = NULL, payout = ?2 WHERE id = ?1";
            self.sql.prepare_cached(update)?.execute(params![settlement.to_bytes(), payout.id.to_bytes()])?;
        }
        self.write_payout(payout)
    }

    fn write_payout(&self, payout: &Payout) -> rusqlite::Result<()> {
        self.sql.prepare_cached("REPLACE INTO payouts VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute(params![
            payout.id.to_bytes(),
            payout.merchant.to_bytes(),
            payout.currency.numeric(),
            rows::payout_status_number(&payout.status),
            !payout.status.is_final(),
            rows::encoded(payout)?,
        ])?;
        Ok(())
    }

    /// Writes the two entries of each transfer and moves the two balances.
    fn enter(&mut self, event: &Event, at: UnixMillis, position: u64) -> rusqlite::Result<()> {
        let cause = Cause::of(event);
        let mut transfers = Vec::with_capacity(1);
        event.for_each_transfer(|transfer: Transfer| transfers.push(transfer));
        for (transfer, leg) in transfers.iter().zip(0..) {
            for (account, credit) in [(transfer.debit_account_id, false), (transfer.credit_account_id, true)] {
                let account = AccountId::from_u128(account);
                let mut after = self.balance(account)?;
                let sum = if credit { &mut after.credits_posted } else { &mut after.debits_posted };
                let overflow = rusqlite::Error::IntegralValueOutOfRange(0, i64::MAX);
                *sum = sum.checked_add(transfer.amount).ok_or(overflow)?;
                self.balances.insert(account, after);
                let (amount, balance_after, code) = (transfer.amount, after.available(), transfer.code);
                let entry = Entry { position, leg, credit, amount, balance_after, at, code, cause };
                self.entries.push((account, entry));
            }
        }
        Ok(())
    }

    fn balance(&self, account: AccountId) -> rusqlite::Result<Balance> {
        if let Some(balance) = self.balances.get(&account) {
            return Ok(*balance);
        }
        // By place, not by name: this is asked for every account of every batch.
        let select = "SELECT debits_posted, credits_posted FROM accounts WHERE id = ?1";
        self.sql.prepare_cached(select)?.query_one([account.to_bytes()], |row| {
            let (debits, credits): (i64, i64) = (row.get(0)?, row.get(1)?);
            Ok(rows::posted(debits.cast_unsigned(), credits.cast_unsigned()))
        })
    }

    fn merchant_of(&mut self, id: OrderId) -> rusqlite::Result<MerchantId> {
        if let Some(order) = self.new_orders.get_mut(id) {
            return Ok(order.merchant);
        }
        let select = "SELECT merchant FROM orders WHERE id = ?1";
        self.sql.prepare_cached(select)?.query_one([id.to_bytes()], |row| rows::id(row, "merchant"))
    }

    /// What has become of an order: nothing else of it changes.
    fn close_order(&mut self, id: OrderId, status: OrderStatus) -> rusqlite::Result<()> {
        if let Some(order) = self.new_orders.get_mut(id) {
            order.status = status;
            return Ok(());
        }
        let (payment, amount_paid, closed_at) = rows::status_columns(status);
        let update = "UPDATE orders SET status = ?2, closed_at = ?3, payment = ?4, amount_paid = ?5 WHERE id = ?1";
        let changed = self.sql.prepare_cached(update)?.execute(params![
            id.to_bytes(),
            status_number(status),
            closed_at.map(|at| signed(at.0)),
            payment.map(PaymentId::to_bytes),
            amount_paid.map(|amount| signed(amount.minor_units())),
        ])?;
        if changed == 1 { Ok(()) } else { Err(rusqlite::Error::QueryReturnedNoRows) }
    }

    fn insert_order(&self, order: &Order) -> rusqlite::Result<()> {
        let (payment, amount_paid, closed_at) = rows::status_columns(order.status);
        let insert = "INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";
        self.sql.prepare_cached(insert)?.execute(params![
            order.id.to_bytes(),
            order.merchant.to_bytes(),
            order.tag.to_bytes(),
            order.currency.numeric(),
            order.amount.map(|amount| signed(amount.minor_units())),
            order.description.as_ref().map(payments::Text::as_str),
            order.reference.as_ref().map(payments::Text::as_str),
            signed(order.created_at.0),
            signed(order.expires_at.0),
            status_number(order.status),
            closed_at.map(|at| signed(at.0)),
            payment.map(PaymentId::to_bytes),
            amount_paid.map(|amount| signed(amount.minor_units())),
            order.details.as_ref().and_then(|details| details.reference_key).map(|key| key.0),
            order.details.as_ref().map(rows::encoded).transpose()?,
        ])?;
        Ok(())
    }

    fn use_tap(&mut self, id: TapId, by: PaymentId) -> rusqlite::Result<()> {
        if let Some((_, payment)) = self.new_taps.get_mut(id) {
            *payment = Some(by);
            return Ok(());
        }
        let update = "UPDATE taps SET payment = ?2 WHERE id = ?1";
        self.sql.prepare_cached(update)?.execute(params![id.to_bytes(), by.to_bytes()])?;
        Ok(())
    }

    fn write_tap(&self, tap: &Tap, payment: Option<PaymentId>) -> rusqlite::Result<()> {
        let insert = "INSERT INTO taps VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.sql.prepare_cached(insert)?.execute(params![
            tap.id.to_bytes(),
            tap.wallet.to_bytes(),
            tap.tag.to_bytes(),
            tap.merchant.to_bytes(),
            tap.counter,
            tap.order.map(OrderId::to_bytes),
            tap.currency.numeric(),
            signed(tap.created_at.0),
            payment.map(PaymentId::to_bytes),
        ])?;
        Ok(())
    }

    /// In the order of their keys: neighbours share a page, which is then found, and balanced, while it is at hand.
    fn write_entries(&mut self) -> rusqlite::Result<()> {
        self.entries.sort_unstable_by_key(|(account, entry)| (*account, entry.position, entry.leg));
        let insert = "INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
        let mut insert = self.sql.prepare_cached(insert)?;
        for (account, entry) in &self.entries {
            insert.execute(params![
                account.to_bytes(),
                signed(entry.position),
                entry.leg,
                entry.credit,
                signed(entry.amount),
                signed(entry.balance_after),
                signed(entry.at.0),
                entry.code,
                entry.cause.payment.map(PaymentId::to_bytes),
                entry.cause.object,
            ])?;
        }
        Ok(())
    }

    /// In the order of their keys: see [`Self::write_entries`].
    fn write_events(&mut self) -> rusqlite::Result<()> {
        self.events.sort_unstable_by_key(|(merchant, row)| (*merchant, row.position));
        let mut insert = self.sql.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5)")?;
        for (merchant, EventRow { position, kind, object, record, .. }) in &self.events {
            let record = record.as_ref().map(rows::encoded).transpose()?;
            insert.execute(params![merchant.to_bytes(), signed(*position), kind.number(), object, record])?;
        }
        Ok(())
    }

    /// In the order of their keys: see [`Self::write_entries`].
    fn write_books(&self) -> rusqlite::Result<()> {
        let mut changed: Vec<AccountId> = self.changed_books.keys().copied().collect();
        changed.sort_unstable();
        let write = "INSERT INTO books VALUES (?1, ?2, ?3) ON CONFLICT (pending) DO UPDATE SET body = excluded.body";
        let mut write = self.sql.prepare_cached(write)?;
        for book in changed.into_iter().filter_map(|pending| self.books.get(pending)) {
            write.execute(params![book.pending.to_bytes(), book.merchant.to_bytes(), rows::encoded(book)?])?;
        }
        Ok(())
    }

    /// In the order of their keys, which are random: see [`Self::write_entries`].
    fn write_requests(&mut self) -> rusqlite::Result<()> {
        self.requests.sort_unstable_by_key(|(request, _)| request.key);
        let mut insert = self.sql.prepare_cached("INSERT INTO requests VALUES (?1, ?2, ?3)")?;
        for (request, outcome) in &self.requests {
            insert.execute(params![request.key.0, request.body.0, rows::encoded(outcome)?])?;
        }
        Ok(())
    }

    fn finish(mut self) -> rusqlite::Result<()> {
        self.write_entries()?;
        self.write_events()?;
        self.write_books()?;
        self.write_requests()?;
        let mut balance =
            self.sql.prepare_cached("UPDATE accounts SET debits_posted = ?2, credits_posted = ?3 WHERE id = ?1")?;
        for (account, after) in &self.balances {
            balance.execute(params![account.to_bytes(), signed(after.debits_posted), signed(after.credits_posted)])?;
        }
        let mut counter = self.sql.prepare_cached("UPDATE tags SET last_counter = ?2 WHERE id = ?1")?;
        for (tag, last_counter) in &self.counters {
            counter.execute(params![TagId::to_bytes(*tag), last_counter])?;
        }
        self.new_orders.rows.iter().try_for_each(|order| self.insert_order(order))?;
        self.new_taps.rows.iter().try_for_each(|(tap, payment)| self.write_tap(tap, *payment))
    }
}

/// Whose money gathers in an account, and in what; `None` of accounts in which none does.
fn pending_owner(sql: &Transaction<'_>, account: AccountId) -> rusqlite::Result<Option<(MerchantId, Currency)>> {
    let select = "SELECT owner, ledger FROM accounts WHERE id = ?1 AND code = ?2";
    let fields = params![account.to_bytes(), account_code::MERCHANT_PENDING];
    let owner = |row: &Row<'_>| Ok((rows::id(row, "owner")?, rows::currency(row, "ledger")?));
    sql.prepare_cached(select)?.query_one(fields, owner).optional()
}
