//! Asking the tables.

use std::path::Path;

use ids::{AccountId, CaptureId, DisputeId, Id, MerchantId, OrderId, PaymentId, RefundId, TapId, WalletId};
use ledger::Balance;
use payments::{Account, BodyDigest, Capture, Deposit, Dispute, MerchantBook, MerchantState, Refund, RequestKey};
use payments::{Need, Order, Owner, Payment, Recalled, RegisteredTag, Request, State, Tap, UnixMillis};
use payments::{OrderStatus, ReferenceKey};
use rusqlite::{OptionalExtension, Params, Row, params};

use super::entries::Entry;
use super::events::{EventRow, StoredEvent};
use super::rows;
use super::{Database, Mark, TablesError};

/// A reader of the tables. It sees what the writer has committed.
#[derive(Debug)]
pub struct TablesReader {
    pub(super) database: Database,
}

/// Part of a list, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether older ones follow.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// Cuts a list that was asked for with one item more than `limit`.
    pub(super) fn cut(mut items: Vec<T>, limit: u32) -> Self {
        let has_more = items.len() > limit as usize;
        items.truncate(limit as usize);
        Self { items, has_more }
    }
}

/// One line of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryEntry {
    /// The journal position of the transfer.
    pub position: u64,
    /// What it is in.
    pub currency: money::Currency,
    /// Whether money came (or went).
    pub credit: bool,
    /// How much, in minor units.
    pub amount: u64,
    /// The balance after it, in minor units.
    pub balance_after: u64,
    /// Why: one of [`payments::transfer_code`].
    pub code: u16,
    /// The payment that it belongs to; `None` for a deposit.
    pub payment: Option<Payment>,
    /// When.
    pub at: UnixMillis,
}

/// How many rows each table has.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the table of its name")]
pub struct RowCounts {
    pub accounts: u64,
    pub entries: u64,
    pub tags: u64,
    pub orders: u64,
    pub taps: u64,
    pub payments: u64,
    pub captures: u64,
    pub refunds: u64,
    pub disputes: u64,
    pub settlements: u64,
    pub payouts: u64,
    pub merchants: u64,
    pub books: u64,
    pub events: u64,
    pub deposits: u64,
    pub requests: u64,
}

impl TablesReader {
    /// Opens the tables' file, which must exist.
    pub fn open(path: &Path) -> Result<Self, TablesError> {
        Ok(Self { database: Database::open_to_read(path)? })
    }

    /// Sees the tables as they are now until [`TablesReader::release_snapshot`], whatever is written meanwhile. Many
    /// small questions are also several times cheaper this way: SQLite locks its file once, not for each.
    pub fn hold_snapshot(&self) -> Result<(), TablesError> {
        if self.database.connection.is_autocommit() {
            self.database.run(|sql| sql.prepare_cached("BEGIN")?.execute([]))?;
        }
        Ok(())
    }

    /// Ends what [`TablesReader::hold_snapshot`] began, if it did.
    pub fn release_snapshot(&self) -> Result<(), TablesError> {
        if !self.database.connection.is_autocommit() {
            self.database.run(|sql| sql.prepare_cached("COMMIT")?.execute([]))?;
        }
        Ok(())
    }

    /// The journal position that the tables reflect.
    pub fn mark(&self) -> Result<Mark, TablesError> {
        self.database.mark()
    }

    /// The decider's state as the tables have it, and where in the journal that was. Within a snapshot, so that the two
    /// belong together.
    pub fn load_state(&self) -> Result<(Mark, State), TablesError> {
        let mark = self.mark()?;
        Ok((mark, self.database.load_state(mark)?))
    }

    /// Looks up what a command needs.
    pub fn recall(&self, need: Need) -> Result<Option<Recalled>, TablesError> {
        Ok(match need {
            Need::Request(key) => {
                self.request(key)?.map(|(body, outcome)| Recalled::Request(Request { key, body }, outcome))
            }
            Need::Order(id) => self.order(id)?.map(Recalled::Order),
            Need::Tap(id) => self.tap(id)?.map(|(tap, payment)| Recalled::Tap(tap, payment)),
            Need::Reference(key) => self.order_of_reference(key)?.map(|order| Recalled::Reference(key, order.id)),
            Need::Payment(id) => self.payment(id)?.map(Recalled::Payment),
            Need::Capture(id) => self.capture(id)?.map(Recalled::Capture),
            Need::Refund(id) => self.refund(id)?.map(Recalled::Refund),
            Need::Dispute(id) => self.dispute(id)?.map(Recalled::Dispute),
            Need::Payout(id) => self.payout(id)?.map(Recalled::Payout),
            Need::Deposit(id) => self.deposit(id)?.map(Recalled::Deposit),
        })
    }

    /// What a repeatable request came to.
    pub fn request(&self, key: RequestKey) -> Result<Option<(BodyDigest, payments::Outcome)>, TablesError> {
        self.one("SELECT body, outcome FROM requests WHERE key = ?1", [key.0], |row| {
            Ok((BodyDigest(row.get("body")?), rows::decoded(row.get_ref("outcome")?.as_blob()?)?))
        })
    }

    /// An order.
    pub fn order(&self, id: OrderId) -> Result<Option<Order>, TablesError> {
        self.one("SELECT * FROM orders WHERE id = ?1", [id.to_bytes()], rows::order)
    }

    /// A tap, and the payment that used it.
    pub fn tap(&self, id: TapId) -> Result<Option<(Tap, Option<PaymentId>)>, TablesError> {
        self.one("SELECT * FROM taps WHERE id = ?1", [id.to_bytes()], |row| {
            Ok((rows::tap(row)?, rows::optional_id(row, "payment")?))
        })
    }

    /// A payment.
    pub fn payment(&self, id: PaymentId) -> Result<Option<Payment>, TablesError> {
        self.one("SELECT * FROM payments WHERE id = ?1", [id.to_bytes()], rows::payment)
    }

    /// A deposit.
    pub fn deposit(&self, id: ids::DepositId) -> Result<Option<Deposit>, TablesError> {
        self.one("SELECT * FROM deposits WHERE id = ?1", [id.to_bytes()], rows::deposit)
    }

    /// The order that a merchant calls by this reference.
    pub fn order_of_reference(&self, key: ReferenceKey) -> Result<Option<Order>, TablesError> {
        self.one("SELECT * FROM orders WHERE reference_key = ?1 ORDER BY id DESC LIMIT 1", [key.0], rows::order)
    }

    /// A capture.
    pub fn capture(&self, id: CaptureId) -> Result<Option<Capture>, TablesError> {
        self.one("SELECT * FROM captures WHERE id = ?1", [id.to_bytes()], rows::capture)
    }

    /// A refund.
    pub fn refund(&self, id: RefundId) -> Result<Option<Refund>, TablesError> {
        self.one("SELECT * FROM refunds WHERE id = ?1", [id.to_bytes()], rows::refund)
    }

    /// A dispute.
    pub fn dispute(&self, id: DisputeId) -> Result<Option<Dispute>, TablesError> {
        self.one("SELECT * FROM disputes WHERE id = ?1", [id.to_bytes()], rows::dispute)
    }

    /// The disputes that a wallet opened or a merchant has to answer, or (of the platform) all, before `before`, newest
    /// first; only the undecided if so asked.
    pub fn disputes(
        &self,
        owner: Owner,
        open_only: bool,
        before: Option<DisputeId>,
        limit: u32,
    ) -> Result<Page<Dispute>, TablesError> {
        let whose = match owner {
            Owner::Platform => "?1 = ?1",
            Owner::Wallet(_) => "wallet = ?1",
            Owner::Merchant(_) => "merchant = ?1",
        };
        let open = if open_only { "AND open = 1" } else { "" };
        let select = format!("SELECT * FROM disputes WHERE {whose} {open} AND id < ?2 ORDER BY id DESC LIMIT ?3");
        let fields = params![owner.bits().to_be_bytes(), newest(before), i64::from(limit) + 1];
        Ok(Page::cut(self.all(&select, fields, rows::dispute)?, limit))
    }

    /// What the money core knows of a merchant beside its accounts.
    pub fn merchant(&self, id: MerchantId) -> Result<Option<MerchantState>, TablesError> {
        self.one("SELECT * FROM merchants WHERE id = ?1", [id.to_bytes()], rows::merchant)
    }

    /// Every merchant of whom more is known than that it has accounts.
    pub fn all_merchants(&self) -> Result<Vec<MerchantState>, TablesError> {
        self.all("SELECT * FROM merchants", [], rows::merchant)
    }

    /// Every book.
    pub fn all_books(&self) -> Result<Vec<MerchantBook>, TablesError> {
        self.all("SELECT * FROM books", [], rows::book)
    }

    /// A merchant's books, one for each currency.
    pub fn books(&self, merchant: MerchantId) -> Result<Vec<MerchantBook>, TablesError> {
        // A merchant has an account for each; books have no index by merchant.
        let select = "SELECT books.* FROM accounts JOIN books ON books.pending = accounts.id
                      WHERE accounts.owner = ?1 ORDER BY accounts.ledger";
        self.all(select, [merchant.to_bytes()], rows::book)
    }

    /// What a merchant was told after this position, oldest first.
    pub fn events_after(
        &self,
        merchant: MerchantId,
        position: u64,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, TablesError> {
        let select = "SELECT * FROM events WHERE merchant = ?1 AND position > ?2 ORDER BY position LIMIT ?3";
        let position = i64::try_from(position).unwrap_or(i64::MAX);
        self.complete(self.all(select, params![merchant.to_bytes(), position, limit], EventRow::read)?)
    }

    /// What a merchant was told at this position.
    pub fn event(&self, merchant: MerchantId, position: u64) -> Result<Option<StoredEvent>, TablesError> {
        let row = self.event_row(merchant, position)?;
        row.map(|row| self.database.run(|sql| row.complete(sql))).transpose()
    }

    /// What the table of events itself has at this position.
    pub fn event_row(&self, merchant: MerchantId, position: u64) -> Result<Option<EventRow>, TablesError> {
        let select = "SELECT * FROM events WHERE merchant = ?1 AND position = ?2";
        self.one(select, params![merchant.to_bytes(), rows::signed(position)], EventRow::read)
    }

    pub(super) fn complete(&self, events: Vec<EventRow>) -> Result<Vec<StoredEvent>, TablesError> {
        self.database.run(|sql| events.into_iter().map(|event| event.complete(sql)).collect())
    }

    /// A merchant's orders made before `before`, newest first; only those of one status if so asked.
    pub fn orders(
        &self,
        merchant: MerchantId,
        status: Option<OrderStatusFilter>,
        before: Option<OrderId>,
        limit: u32,
    ) -> Result<Page<Order>, TablesError> {
        let status = match status {
            // Said like this, the indexes of those that are few are used.
            Some(OrderStatusFilter::Open) => "AND status = 0",
            Some(OrderStatusFilter::Paid) => "AND status = 1",
            Some(OrderStatusFilter::Cancelled) => "AND status = 2 AND status > 1",
            Some(OrderStatusFilter::Expired) => "AND status = 3 AND status > 1",
            Some(OrderStatusFilter::Held) => "AND status = 4 AND status > 1",
            None => "",
        };
        let select = format!("SELECT * FROM orders WHERE merchant = ?1 AND id < ?2 {status} ORDER BY id DESC LIMIT ?3");
        let fields = params![merchant.to_bytes(), newest(before), i64::from(limit) + 1];
        Ok(Page::cut(self.all(&select, fields, rows::order)?, limit))
    }

    /// The payments that an owner made or received before the payment `before`, newest first.
    pub fn payments(&self, owner: Owner, before: Option<PaymentId>, limit: u32) -> Result<Page<Payment>, TablesError> {
        let before = match before {
            // No payment, no position: nothing is before it, and the list has ended.
            Some(id) => rows::signed(self.position_of(id)?.unwrap_or(0)),
            None => i64::MAX,
        };
        let fields = params![owner.bits().to_be_bytes(), before, i64::from(limit) + 1];
        let payments = match owner {
            Owner::Merchant(_) => self.all(
                "SELECT payments.* FROM events JOIN payments ON payments.id = events.object
                 WHERE events.merchant = ?1 AND events.position < ?2 AND events.kind = 4
                 ORDER BY events.position DESC LIMIT ?3",
                fields,
                rows::payment,
            )?,
            // The newest of each account, of which an owner has a few, and of these the newest: however long the lists
            // are, no more than a page of each is read.
            Owner::Wallet(_) | Owner::Platform => self.all(
                "SELECT payments.* FROM accounts JOIN entries ON entries.account = accounts.id AND entries.position IN (
                     SELECT newest.position FROM entries AS newest
                     WHERE newest.account = accounts.id AND newest.code IN (2, 3) AND newest.leg = 0
                         AND newest.position < ?2
                     ORDER BY newest.position DESC LIMIT ?3)
                 JOIN payments ON payments.id = entries.payment
                 WHERE accounts.owner = ?1 AND accounts.code = 2 AND entries.leg = 0
                 ORDER BY entries.position DESC LIMIT ?3",
                fields,
                rows::payment,
            )?,
        };
        Ok(Page::cut(payments, limit))
    }

    /// Where a payment is in the journal.
    pub fn position_of(&self, payment: PaymentId) -> Result<Option<u64>, TablesError> {
        let select = "SELECT position FROM payments WHERE id = ?1";
        self.one(select, [payment.to_bytes()], |row| rows::unsigned(row, "position"))
    }

    /// An owner's accounts.
    pub fn accounts(&self, owner: Owner) -> Result<Vec<(Account, Balance)>, TablesError> {
        let select = "SELECT * FROM accounts WHERE owner = ?1 ORDER BY ledger";
        self.all(select, [owner.bits().to_be_bytes()], rows::account)
    }

    /// A wallet's movements before the journal position `before`, newest first.
    pub fn history(
        &self,
        wallet: WalletId,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page<HistoryEntry>, TablesError> {
        let before = before.map_or(i64::MAX, |position| i64::try_from(position).unwrap_or(i64::MAX));
        let entries = self.all(
            "SELECT entries.*, accounts.ledger FROM accounts
             JOIN entries ON entries.account = accounts.id AND entries.position IN (
                 SELECT DISTINCT newest.position FROM entries AS newest
                 WHERE newest.account = accounts.id AND newest.position < ?2
                 ORDER BY newest.position DESC LIMIT ?3)
             WHERE accounts.owner = ?1 AND accounts.code = 2
             ORDER BY entries.position DESC, entries.leg",
            params![wallet.to_bytes(), before, i64::from(limit) + 1],
            history_entry,
        )?;
        let mut movements: Vec<(HistoryEntry, Option<PaymentId>)> = Vec::with_capacity(entries.len());
        for (entry, payment) in entries {
            match movements.last_mut() {
                // Several receivers of one payment are one movement to the payer.
                Some((last, _)) if last.position == entry.position && last.credit == entry.credit => {
                    last.amount = last.amount.saturating_add(entry.amount);
                    last.balance_after = entry.balance_after;
                }
                _ => movements.push((entry, payment)),
            }
        }
        let mut page = Page::cut(movements, limit);
        for (entry, payment) in &mut page.items {
            entry.payment = payment.map(|id| self.payment(id)).transpose()?.flatten();
        }
        Ok(Page { items: page.items.into_iter().map(|(entry, _)| entry).collect(), has_more: page.has_more })
    }

    /// A merchant's tags and their counters.
    pub fn tags(&self, merchant: MerchantId) -> Result<Vec<(RegisteredTag, u32)>, TablesError> {
        self.all("SELECT * FROM tags WHERE merchant = ?1 ORDER BY id", [merchant.to_bytes()], rows::tag)
    }

    /// One line of an account.
    pub fn entry(&self, account: AccountId, position: u64, leg: u32) -> Result<Option<Entry>, TablesError> {
        let select = "SELECT * FROM entries WHERE account = ?1 AND position = ?2 AND leg = ?3";
        self.one(select, params![account.to_bytes(), rows::signed(position), leg], Entry::read)
    }

    /// Every account.
    pub fn all_accounts(&self) -> Result<Vec<(Account, Balance)>, TablesError> {
        self.all("SELECT * FROM accounts", [], rows::account)
    }

    /// Every tag and its counter.
    pub fn all_tags(&self) -> Result<Vec<(RegisteredTag, u32)>, TablesError> {
        self.all("SELECT * FROM tags", [], rows::tag)
    }

    /// How many rows each table has.
    pub fn row_counts(&self) -> Result<RowCounts, TablesError> {
        let count = |table: &str| {
            let select = format!("SELECT count(*) FROM {table}");
            self.database.run(|sql| sql.query_row(&select, [], |row| row.get::<_, i64>(0).map(i64::cast_unsigned)))
        };
        Ok(RowCounts {
            accounts: count("accounts")?,
            entries: count("entries")?,
            tags: count("tags")?,
            orders: count("orders")?,
            taps: count("taps")?,
            payments: count("payments")?,
            captures: count("captures")?,
            refunds: count("refunds")?,
            disputes: count("disputes")?,
            settlements: count("settlements")?,
            payouts: count("payouts")?,
            merchants: count("merchants")?,
            books: count("books")?,
            events: count("events")?,
            deposits: count("deposits")?,
            requests: count("requests")?,
        })
    }

    /// SQLite's own check of its file.
    pub fn check_integrity(&self) -> Result<(), TablesError> {
        let verdict: String =
            self.database.run(|sql| sql.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)))?;
        if verdict == "ok" {
            return Ok(());
        }
        Err(TablesError::Damaged { path: self.database.path.clone(), what: verdict })
    }

    pub(super) fn one<T>(
        &self,
        select: &str,
        parameters: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, TablesError> {
        self.database.run(|sql| sql.prepare_cached(select)?.query_one(parameters, map).optional())
    }

    pub(super) fn all<T>(
        &self,
        select: &str,
        parameters: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, TablesError> {
        self.database.run(|sql| sql.prepare_cached(select)?.query_map(parameters, map)?.collect())
    }
}

fn history_entry(row: &Row<'_>) -> rusqlite::Result<(HistoryEntry, Option<PaymentId>)> {
    let entry = HistoryEntry {
        position: rows::unsigned(row, "position")?,
        currency: rows::currency(row, "ledger")?,
        credit: row.get("credit")?,
        amount: rows::unsigned(row, "amount")?,
        balance_after: rows::unsigned(row, "balance_after")?,
        code: row.get("code")?,
        payment: None,
        at: rows::time(row, "at")?,
    };
    Ok((entry, rows::optional_id(row, "payment")?))
}

/// Which orders a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OrderStatusFilter {
    /// Those that wait to be paid.
    Open,
    /// Those that were paid.
    Paid,
    /// Those that were withdrawn.
    Cancelled,
    /// Those that nobody paid in time.
    Expired,
    /// Those for which money is held.
    Held,
}

impl OrderStatusFilter {
    /// The filter that an order passes.
    pub fn of(status: OrderStatus) -> Self {
        match status {
            OrderStatus::Open => Self::Open,
            OrderStatus::Paid { .. } => Self::Paid,
            OrderStatus::Cancelled { .. } => Self::Cancelled,
            OrderStatus::Expired { .. } => Self::Expired,
            OrderStatus::Held { .. } => Self::Held,
        }
    }
}

/// The id that a list begins before.
pub(super) fn newest<K: ids::Kind>(before: Option<Id<K>>) -> [u8; 16] {
    before.unwrap_or(Id::from_u128(u128::MAX)).to_bytes()
}
