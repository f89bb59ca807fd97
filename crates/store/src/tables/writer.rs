//! Folding journal records into the tables, a batch in one transaction.

use std::path::Path;

use ids::{AccountId, IdMap, OrderId, PaymentId, TagId, TapId};
use ledger::{Balance, Transfer};
use payments::UnixMillis;
use payments::{
    Account, Deposit, Event, Order, OrderStatus, Outcome, Payment, Record, RegisteredTag, Request, State, TagMode, Tap,
};
use rusqlite::{OptionalExtension, Transaction, params};

use super::rows::{self, signed, status_number};
use super::{Database, Mark, TablesError};

/// The one writer of the tables.
#[derive(Debug)]
pub struct TablesWriter {
    database: Database,
    mark: Mark,
}

impl TablesWriter {
    /// Opens the tables' file, or creates it.
    pub fn open(path: &Path) -> Result<Self, TablesError> {
        let database = Database::open_to_write(path)?;
        let mark = database.mark()?;
        Ok(Self { database, mark })
    }

    /// The mark of the tables in this file, without changing anything; `None` if there is no file yet.
    pub fn peek(path: &Path) -> Result<Option<Mark>, TablesError> {
        if !path.exists() {
            return Ok(None);
        }
        let database = Database::open_to_read(path)?;
        if database.is_empty()? { Ok(None) } else { database.mark().map(Some) }
    }

    /// The journal position that the tables reflect.
    pub fn mark(&self) -> Mark {
        self.mark
    }

    /// Folds the records that follow the mark, and moves the mark to `mark`: all or nothing.
    pub fn apply(&mut self, records: &[&Record], mark: Mark) -> Result<(), TablesError> {
        let before = self.mark.frame.position;
        assert_eq!(before + records.len() as u64, mark.frame.position, "records must follow the mark");
        self.database.run(|sql| {
            let transaction = sql.unchecked_transaction()?;
            let mut batch = Batch::new(&transaction);
            for (record, position) in records.iter().zip(before + 1..) {
                batch.fold(record, position)?;
            }
            batch.finish()?;
            transaction
                .prepare_cached("UPDATE mark SET position = ?1, frame_hash = ?2, time = ?3")?
                .execute(params![signed(mark.frame.position), mark.frame.hash.as_bytes(), signed(mark.time.0)])?;
            transaction.commit()
        })?;
        self.mark = mark;
        Ok(())
    }

    /// The decider's state at the mark: what may still change.
    pub fn load_state(&self) -> Result<State, TablesError> {
        self.database.load_state(self.mark)
    }
}

/// The rows that a batch of records changes, each written once however often it changes.
struct Batch<'a> {
    sql: &'a Transaction<'a>,
    balances: IdMap<ids::Account, Balance>,
    counters: IdMap<ids::Tag, u32>,
    new_orders: NewRows<ids::Order, Order>,
    new_taps: NewRows<ids::Tap, (Tap, Option<PaymentId>)>,
    entries: Vec<Entry>,
    requests: Vec<(Request, Outcome)>,
}

/// One line of an account, to be written.
struct Entry {
    account: AccountId,
    position: u64,
    credit: bool,
    amount: u64,
    balance_after: u64,
    at: UnixMillis,
    payment: Option<PaymentId>,
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
    fn new(sql: &'a Transaction<'a>) -> Self {
        Self {
            sql,
            balances: IdMap::default(),
            counters: IdMap::default(),
            new_orders: NewRows::empty(),
            new_taps: NewRows::empty(),
            entries: Vec::new(),
            requests: Vec::new(),
        }
    }

    fn fold(&mut self, record: &Record, position: u64) -> rusqlite::Result<()> {
        match &record.event {
            Event::AccountOpened(account) => self.insert_account(account)?,
            Event::TagRegistered(tag) => self.insert_tag(tag)?,
            Event::DepositSucceeded(settled) => {
                self.insert_deposit(&settled.what)?;
                self.enter(&settled.transfer(), position, record.at, None)?;
            }
            Event::OrderCreated(order) => self.new_orders.push(order.id, order.clone()),
            Event::OrderCancelled(order) => self.close_order(*order, OrderStatus::Cancelled { at: record.at })?,
            Event::OrderExpired(order) => self.close_order(*order, OrderStatus::Expired { at: record.at })?,
            Event::TapAccepted(tap) => {
                self.counters.insert(tap.tag, tap.counter);
                self.new_taps.push(tap.id, (*tap, None));
            }
            Event::PaymentSucceeded(settled) => {
                let payment = &settled.what;
                self.insert_payment(payment, position)?;
                self.enter(&settled.transfer(), position, record.at, Some(payment.id))?;
                self.use_tap(payment.tap, payment.id)?;
                if let Some(order) = payment.order {
                    let paid = OrderStatus::Paid { payment: payment.id, amount: payment.amount, at: record.at };
                    self.close_order(order, paid)?;
                }
            }
            Event::TapRefused(_) | Event::PaymentDeclined(_) | Event::RequestRefused(_) | Event::RequestAnswered(_) => {
            }
        }
        if let (Some(request), Some(outcome)) = (record.request, record.event.outcome()) {
            self.requests.push((request, outcome));
        }
        Ok(())
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

    fn insert_payment(&self, payment: &Payment, position: u64) -> rusqlite::Result<()> {
        let insert = "INSERT INTO payments VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
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
        ])?;
        Ok(())
    }

    /// Writes a transfer's two entries and moves the two balances.
    fn enter(
        &mut self,
        transfer: &Transfer,
        position: u64,
        at: UnixMillis,
        payment: Option<PaymentId>,
    ) -> rusqlite::Result<()> {
        for (account, credit) in [(transfer.debit_account_id, false), (transfer.credit_account_id, true)] {
            let account = AccountId::from_u128(account);
            let mut after = self.balance(account)?;
            let sum = if credit { &mut after.credits_posted } else { &mut after.debits_posted };
            let overflow = rusqlite::Error::IntegralValueOutOfRange(0, i64::MAX);
            *sum = sum.checked_add(transfer.amount).ok_or(overflow)?;
            self.balances.insert(account, after);
            let (amount, balance_after) = (transfer.amount, after.available());
            self.entries.push(Entry { account, position, credit, amount, balance_after, at, payment });
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

    fn close_order(&mut self, id: OrderId, status: OrderStatus) -> rusqlite::Result<()> {
        if let Some(order) = self.new_orders.get_mut(id) {
            order.status = status;
            return Ok(());
        }
        let select = "SELECT * FROM orders WHERE id = ?1";
        let stored = self.sql.prepare_cached(select)?.query_one([id.to_bytes()], rows::order).optional()?;
        match stored {
            Some(order) => self.write_order(&Order { status, ..order }),
            None => Err(rusqlite::Error::QueryReturnedNoRows),
        }
    }

    fn write_order(&self, order: &Order) -> rusqlite::Result<()> {
        let (payment, amount_paid, closed_at) = match order.status {
            OrderStatus::Open => (None, None, None),
            OrderStatus::Paid { payment, amount, at } => (Some(payment), Some(amount), Some(at)),
            OrderStatus::Cancelled { at } | OrderStatus::Expired { at } => (None, None, Some(at)),
        };
        let replace = "REPLACE INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";
        self.sql.prepare_cached(replace)?.execute(params![
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
        self.entries.sort_unstable_by_key(|entry| (entry.account, entry.position));
        let mut insert = self.sql.prepare_cached("INSERT INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
        for entry in &self.entries {
            insert.execute(params![
                entry.account.to_bytes(),
                signed(entry.position),
                entry.credit,
                signed(entry.amount),
                signed(entry.balance_after),
                signed(entry.at.0),
                entry.payment.map(PaymentId::to_bytes),
            ])?;
        }
        Ok(())
    }

    /// In the order of their keys, which are random: see [`Self::write_entries`].
    fn write_requests(&mut self) -> rusqlite::Result<()> {
        self.requests.sort_unstable_by_key(|(request, _)| request.key);
        let mut insert = self.sql.prepare_cached("INSERT INTO requests VALUES (?1, ?2, ?3)")?;
        for (request, outcome) in &self.requests {
            let stored = postcard::to_allocvec(outcome)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            insert.execute(params![request.key.0, request.body.0, stored])?;
        }
        Ok(())
    }

    fn finish(mut self) -> rusqlite::Result<()> {
        self.write_entries()?;
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
        self.new_orders.rows.iter().try_for_each(|order| self.write_order(order))?;
        self.new_taps.rows.iter().try_for_each(|(tap, payment)| self.write_tap(tap, *payment))
    }
}
