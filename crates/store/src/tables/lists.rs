//! Lists that can be narrowed: orders, payments, captures, refunds and events, the newest first.
//!
//! What narrows a list has an index, or is bounded: however long a history is, no question reads all of it. Ids begin
//! with the time at which they were made, so a list of a span of time begins there.

use std::cmp::Reverse;

use ids::{CaptureId, Id, Kind, MerchantId, OrderId, PaymentId, RefundId, TagId, WalletId};
use payments::{Capture, Order, Owner, Payment, PaymentStatus, ReferenceKey, Refund, UnixMillis};
use rusqlite::{Row, params};

use super::events::{EventKind, EventRow, StoredEvent};
use super::reader::{OrderStatusFilter, Page, TablesReader, newest};
use super::{TablesError, rows};

/// How long after its id was made something may be decided, in milliseconds: more than any queue or clock is late.
const LATEST_DECISION_MS: u64 = 60 * 60 * 1000;

/// The most of a merchant's things that are looked through for those at certain tags.
pub const MOST_LOOKED_THROUGH: u32 = 10_000;

/// A span of time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Span {
    /// Only what was created at this moment or later.
    pub after: Option<UnixMillis>,
    /// Only what was created before this moment.
    pub before: Option<UnixMillis>,
}

/// Which orders a list has.
#[derive(Debug, Clone, Default)]
pub struct OrderFilter {
    /// Only those of this status.
    pub status: Option<OrderStatusFilter>,
    /// Only the one of this reference.
    pub reference: Option<ReferenceKey>,
    /// Only those created then.
    pub created: Span,
    /// Only those at these tags, of the last [`MOST_LOOKED_THROUGH`].
    pub tags: Option<Vec<TagId>>,
}

/// Which payments a list has.
#[derive(Debug, Clone, Default)]
pub struct PaymentFilter {
    /// Only those of this status.
    pub status: Option<PaymentStatusFilter>,
    /// Only that of this order.
    pub order: Option<OrderId>,
    /// Only those of this wallet.
    pub wallet: Option<WalletId>,
    /// Only those created then.
    pub created: Span,
    /// Only those at these tags, of the last [`MOST_LOOKED_THROUGH`].
    pub tags: Option<Vec<TagId>>,
}

/// Which refunds a list has.
#[derive(Debug, Clone, Default)]
pub struct RefundFilter {
    /// Only those of this payment.
    pub payment: Option<PaymentId>,
    /// Only those created then.
    pub created: Span,
    /// Only those of payments at these tags, of the last [`MOST_LOOKED_THROUGH`].
    pub tags: Option<Vec<TagId>>,
}

/// Which events a list has.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only those of these kinds, if any are named.
    pub kinds: Vec<EventKind>,
    /// Only what happened then.
    pub created: Span,
}

/// A payment's status without what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the status of its name")]
pub enum PaymentStatusFilter {
    Succeeded,
    Held,
    Processing,
    Cancelled,
    Failed,
}

impl PaymentStatusFilter {
    fn number(self) -> i64 {
        let at = UnixMillis(0);
        rows::payment_status_number(match self {
            Self::Succeeded => PaymentStatus::Succeeded,
            Self::Held => PaymentStatus::Held,
            Self::Processing => PaymentStatus::Processing,
            Self::Cancelled => PaymentStatus::Cancelled { at },
            Self::Failed => PaymentStatus::Failed { at },
        })
    }
}

/// The ends of a part of a list that is in the order of its ids, and the exact moments.
struct Ends {
    below: [u8; 16],
    from: [u8; 16],
    created_from: i64,
    created_below: i64,
}

impl Span {
    fn ends<K: Kind>(self, before: Option<Id<K>>) -> Ends {
        let first_of = |at: UnixMillis| Id::<K>::from_u128(u128::from(at.0) << 80).to_bytes();
        let below = self.before.map_or([u8::MAX; 16], first_of);
        let from = self.after.map(|after| first_of(UnixMillis(after.0.saturating_sub(LATEST_DECISION_MS))));
        let moment = |at: UnixMillis| i64::try_from(at.0).unwrap_or(i64::MAX);
        Ends {
            below: below.min(newest(before)),
            from: from.unwrap_or_default(),
            created_from: self.after.map_or(0, moment),
            created_below: self.before.map_or(i64::MAX, moment),
        }
    }

    fn is_all(self) -> bool {
        self == Self::default()
    }
}

impl TablesReader {
    /// A merchant's orders that pass the filter and were made before `before`, newest first.
    pub fn list_orders(
        &self,
        merchant: MerchantId,
        filter: &OrderFilter,
        before: Option<OrderId>,
        limit: u32,
    ) -> Result<Page<Order>, TablesError> {
        // Said like this, the indexes of the less usual orders are used.
        let status = match filter.status {
            None => "",
            Some(OrderStatusFilter::Open) => "AND status = 0",
            Some(OrderStatusFilter::Paid) => "AND status = 1",
            Some(OrderStatusFilter::Cancelled) => "AND status = 2 AND status > 1",
            Some(OrderStatusFilter::Expired) => "AND status = 3 AND status > 1",
            Some(OrderStatusFilter::Held) => "AND status = 4 AND status > 1",
        };
        let reference = if filter.reference.is_some() { "AND reference_key = ?6" } else { "AND ?6 IS NULL" };
        let (source, at_tags) = at_tags(filter.tags.as_deref());
        let select = format!(
            "SELECT * FROM {source} WHERE merchant = ?1 AND id < ?2 AND id >= ?3 AND created_at >= ?4
                 AND created_at < ?5 {status} {reference} {at_tags} ORDER BY id DESC LIMIT ?7"
        );
        let Ends { below, from, created_from, created_below } = filter.created.ends(before);
        let (key, more) = (filter.reference.map(|key| key.0), i64::from(limit) + 1);
        let fields = params![merchant.to_bytes(), below, from, created_from, created_below, key, more];
        Ok(Page::cut(self.all(&select, fields, rows::order)?, limit))
    }

    /// The payments that an owner made or received, that pass the filter and were made before `before`, newest first.
    pub fn list_payments(
        &self,
        owner: Owner,
        filter: &PaymentFilter,
        before: Option<PaymentId>,
        limit: u32,
    ) -> Result<Page<Payment>, TablesError> {
        if let Some(order) = filter.order {
            let payments: Vec<Payment> = self.payment_of(order)?.into_iter().collect();
            let passes = |payment: &Payment| {
                is_partys(payment, owner) && filter.passes(payment) && before.is_none_or(|before| payment.id < before)
            };
            return Ok(Page::cut(payments.into_iter().filter(passes).collect(), limit));
        }
        if let (Owner::Wallet(own), Some(named)) = (owner, filter.wallet)
            && own != named
        {
            return Ok(Page { items: Vec::new(), has_more: false });
        }
        let [from, below] = self.positions(filter.created, before)?;
        let narrowed = filter.conditions();
        let more = i64::from(limit) + 1;
        let (created_from, created_below) = filter.created.moments();
        let times = "payments.created_at >= ?5 AND payments.created_at < ?6";
        let whose = owner.bits().to_be_bytes();
        let payments = match (owner, filter.wallet) {
            (Owner::Merchant(_), None) if filter.is_of_unusual_status() => {
                let select = format!(
                    "SELECT * FROM payments WHERE merchant = ?1 AND status <> 0 AND position < ?2 AND position >= ?4
                         AND {times} {narrowed} ORDER BY position DESC LIMIT ?3"
                );
                let fields = params![whose, below, more, from, created_from, created_below];
                self.all(&select, fields, rows::payment)?
            }
            (Owner::Merchant(_), None) => {
                let looked = if filter.tags.is_some() { i64::from(MOST_LOOKED_THROUGH) } else { -1 };
                let select = format!(
                    "SELECT payments.* FROM (SELECT position, object FROM events WHERE merchant = ?1
                         AND kind = 4 AND position < ?2 AND position >= ?4 ORDER BY position DESC LIMIT ?7) AS made
                     CROSS JOIN payments ON payments.id = made.object
                     WHERE {times} {narrowed} ORDER BY made.position DESC LIMIT ?3"
                );
                let fields = params![whose, below, more, from, created_from, created_below, looked];
                self.all(&select, fields, rows::payment)?
            }
            // What a wallet paid are entries of its accounts, of which it has a few.
            (owner, wallet) => {
                let payer = wallet.map_or(whose, WalletId::to_bytes);
                let payee = if matches!(owner, Owner::Merchant(_)) { "payments.merchant = ?7" } else { "?7 = ?7" };
                let select = format!(
                    "SELECT payments.* FROM entries CROSS JOIN payments ON payments.id = entries.payment
                     WHERE entries.account = ?1 AND entries.leg = 0 AND entries.code IN (2, 3)
                         AND entries.position < ?2 AND entries.position >= ?4 AND {times} AND {payee} {narrowed}
                     ORDER BY entries.position DESC LIMIT ?3"
                );
                let accounts = "SELECT id FROM accounts WHERE owner = ?1 AND code = 2";
                let accounts: Vec<[u8; 16]> = self.all(accounts, [payer], |row| row.get(0))?;
                let placed = |row: &Row<'_>| Ok((row.get::<_, i64>("position")?, rows::payment(row)?));
                let mut newest = Vec::new();
                for account in accounts {
                    let fields = params![account, below, more, from, created_from, created_below, whose];
                    newest.extend(self.all(&select, fields, placed)?);
                }
                newest.sort_by_key(|(position, _)| Reverse(*position));
                newest.into_iter().map(|(_, payment)| payment).collect()
            }
        };
        Ok(Page::cut(payments, limit))
    }

    /// The payment that paid an order, or holds or held money for it. An order has at most one.
    fn payment_of(&self, order: OrderId) -> Result<Option<Payment>, TablesError> {
        let paid = "SELECT payments.* FROM orders JOIN payments ON payments.id = orders.payment WHERE orders.id = ?1";
        let payment = self.one(paid, [order.to_bytes()], rows::payment)?;
        match payment {
            Some(payment) => Ok(Some(payment)),
            // All that was held for it went back: the order was closed, and does not name it any more.
            None => {
                let ended = "SELECT * FROM payments WHERE order_id = ?1 AND status <> 0";
                self.one(ended, [order.to_bytes()], rows::payment)
            }
        }
    }

    /// Between which journal positions the payments of a span of time are that come before `before`.
    fn positions(&self, created: Span, before: Option<PaymentId>) -> Result<[i64; 2], TablesError> {
        let mut below = match before {
            Some(id) => rows::signed(self.position_of(id)?.unwrap_or(0)),
            None => i64::MAX,
        };
        if created.is_all() {
            return Ok([0, below]);
        }
        let mut from = 0;
        let Ends { from: first, .. } = created.ends::<ids::Payment>(None);
        if created.after.is_some() {
            let select = "SELECT position FROM payments WHERE id < ?1 ORDER BY id DESC LIMIT 1";
            from = self.one(select, [first], |row| row.get(0))?.unwrap_or(0);
        }
        if let Some(end) = created.before {
            let late = Span { after: Some(end.plus(2 * LATEST_DECISION_MS)), before: None };
            let select = "SELECT position FROM payments WHERE id >= ?1 ORDER BY id LIMIT 1";
            let next = self.one(select, [late.ends::<ids::Payment>(None).from], |row| row.get(0))?;
            below = below.min(next.unwrap_or(i64::MAX));
        }
        Ok([from, below])
    }

    /// A payment's captures made before `before`, newest first.
    pub fn captures_of(
        &self,
        payment: PaymentId,
        before: Option<CaptureId>,
        limit: u32,
    ) -> Result<Page<Capture>, TablesError> {
        let select = "SELECT * FROM captures WHERE payment = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
        let fields = params![payment.to_bytes(), newest(before), i64::from(limit) + 1];
        Ok(Page::cut(self.all(select, fields, rows::capture)?, limit))
    }

    /// A merchant's refunds that pass the filter and were made before `before`, newest first.
    pub fn list_refunds(
        &self,
        merchant: MerchantId,
        filter: &RefundFilter,
        before: Option<RefundId>,
        limit: u32,
    ) -> Result<Page<Refund>, TablesError> {
        let payment = if filter.payment.is_some() { "payment = ?6" } else { "?6 IS NULL" };
        let (source, at_tags) = match filter.tags.as_deref() {
            None => ("refunds".to_owned(), String::new()),
            Some(tags) => (
                format!(
                    "(SELECT refunds.*, payments.tag FROM refunds JOIN payments ON payments.id = refunds.payment
                      WHERE refunds.merchant = ?1 AND refunds.id < ?2 AND refunds.id >= ?3 AND {payment}
                      ORDER BY refunds.id DESC LIMIT {MOST_LOOKED_THROUGH})"
                ),
                among(tags),
            ),
        };
        let select = format!(
            "SELECT * FROM {source} WHERE merchant = ?1 AND id < ?2 AND id >= ?3 AND created_at >= ?4
                 AND created_at < ?5 AND {payment} {at_tags} ORDER BY id DESC LIMIT ?7"
        );
        let Ends { below, from, created_from, created_below } = filter.created.ends(before);
        let (payment, more) = (filter.payment.map(PaymentId::to_bytes), i64::from(limit) + 1);
        let fields = params![merchant.to_bytes(), below, from, created_from, created_below, payment, more];
        Ok(Page::cut(self.all(&select, fields, rows::refund)?, limit))
    }

    /// What a merchant was told that passes the filter, before the position `before`, newest first.
    pub fn list_events(
        &self,
        merchant: MerchantId,
        filter: &EventFilter,
        before: Option<u64>,
        limit: u32,
    ) -> Result<Page<StoredEvent>, TablesError> {
        let position_of = |moment: Option<UnixMillis>| moment.map(|at| self.first_event_from(merchant, at)).transpose();
        let from = position_of(filter.created.after)?.unwrap_or(0);
        let below = position_of(filter.created.before)?.unwrap_or(i64::MAX).min(before.map_or(i64::MAX, rows::signed));
        let fields = params![merchant.to_bytes(), below, i64::from(limit) + 1, from];
        let page = Page::cut(self.all(&events_of_kinds(&filter.kinds), fields, EventRow::read)?, limit);
        Ok(Page { items: self.complete(page.items)?, has_more: page.has_more })
    }

    /// Where the first thing is that a merchant was told at this moment or later; beyond all if there is none. The
    /// journal's time never goes back, so it is found by halving.
    fn first_event_from(&self, merchant: MerchantId, at: UnixMillis) -> Result<i64, TablesError> {
        let next = "SELECT * FROM events WHERE merchant = ?1 AND position >= ?2 ORDER BY position LIMIT 1";
        let (mut low, mut high) = (0, i64::MAX);
        while low < high {
            let middle = low + (high - low) / 2;
            let event = self.one(next, params![merchant.to_bytes(), middle], EventRow::read)?;
            match self.complete(event.into_iter().collect())?.first() {
                Some(event) if event.at < at => low = rows::signed(event.position) + 1,
                _ => high = middle,
            }
        }
        Ok(low)
    }
}

impl PaymentFilter {
    fn is_of_unusual_status(&self) -> bool {
        self.status.is_some_and(|status| status != PaymentStatusFilter::Succeeded)
    }

    /// What else a payment must be, in SQL.
    fn conditions(&self) -> String {
        let status =
            self.status.map_or_else(String::new, |status| format!("AND payments.status = {}", status.number()));
        let tags = self.tags.as_deref().map_or_else(String::new, among);
        format!("{status} {tags}")
    }

    /// The same of one that was looked up.
    fn passes(&self, payment: &Payment) -> bool {
        let Span { after, before } = self.created;
        self.status.is_none_or(|status| status.number() == rows::payment_status_number(payment.status))
            && self.wallet.is_none_or(|wallet| payment.wallet == wallet)
            && self.tags.as_ref().is_none_or(|tags| tags.contains(&payment.tag))
            && after.is_none_or(|after| payment.created_at >= after)
            && before.is_none_or(|before| payment.created_at < before)
    }
}

impl Span {
    fn moments(self) -> (i64, i64) {
        let Ends { created_from, created_below, .. } = self.ends::<ids::Payment>(None);
        (created_from, created_below)
    }
}

fn is_partys(payment: &Payment, owner: Owner) -> bool {
    match owner {
        Owner::Merchant(merchant) => payment.merchant == merchant,
        Owner::Wallet(wallet) => payment.wallet == wallet,
        Owner::Platform => false,
    }
}

/// Where to look for the orders at these tags, and the condition.
fn at_tags(tags: Option<&[TagId]>) -> (String, String) {
    match tags {
        None => ("orders".to_owned(), String::new()),
        Some(tags) => (
            format!(
                "(SELECT * FROM orders WHERE merchant = ?1 AND id < ?2 AND id >= ?3
                  ORDER BY id DESC LIMIT {MOST_LOOKED_THROUGH})"
            ),
            among(tags),
        ),
    }
}

/// A condition on the tag. Ids have no quotes in them.
fn among(tags: &[TagId]) -> String {
    let literals: Vec<String> = tags.iter().map(|tag| format!("x'{:032x}'", tag.as_u128())).collect();
    format!("AND tag IN ({})", literals.join(", "))
}

/// A question for the newest events of these kinds, or of all if none is named.
fn events_of_kinds(kinds: &[EventKind]) -> String {
    let numbers: Vec<String> = kinds.iter().map(|kind| kind.number().to_string()).collect();
    let numbers = numbers.join(", ");
    let list = |condition: &str| {
        format!(
            "SELECT * FROM events WHERE merchant = ?1 AND position < ?2 AND position >= ?4 {condition} ORDER BY position DESC LIMIT ?3"
        )
    };
    if kinds.is_empty() {
        return list("");
    }
    if kinds.iter().any(|kind| kind.is_frequent()) {
        return list(&format!("AND kind IN ({numbers})"));
    }
    // The newest of each kind, and of these the newest: however long the lists are, no more than a page of each is read.
    let newest = |kind: &EventKind| {
        let kind = kind.number();
        format!(
            "SELECT * FROM (SELECT position FROM events INDEXED BY events_by_kind
                 WHERE merchant = ?1 AND kind = {kind} AND kind NOT IN (1, 4) AND position < ?2 AND position >= ?4
                 ORDER BY position DESC LIMIT ?3)"
        )
    };
    let newest: Vec<String> = kinds.iter().map(newest).collect();
    list(&format!("AND position IN ({})", newest.join(" UNION ALL ")))
}
