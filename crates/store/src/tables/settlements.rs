//! Asking the tables about settlements: what they were made of, what was paid out.

use ids::{AccountId, Id, MerchantId, OrderId, PaymentId, PayoutId, SettlementId};
use money::Currency;
use payments::{Payment, Payout, Settlement, Text, UnixMillis, transfer_code};
use rusqlite::{Row, ToSql, params};
use terms::BusinessDay;

use super::TablesError;
use super::reader::{Page, TablesReader, newest};
use super::rows;

/// A settlement, and the payout that it called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledPayout {
    /// The settlement.
    pub settlement: Settlement,
    /// The journal position of its closing: it covers the entries before it.
    pub position: u64,
    /// Its payout.
    pub payout: Option<PayoutId>,
}

/// Which settlements a list has; all of them by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SettlementFilter {
    /// Only this merchant's.
    pub merchant: Option<MerchantId>,
    /// Only those in this currency.
    pub currency: Option<Currency>,
    /// Only those for this business day or later.
    pub from: Option<BusinessDay>,
    /// Only those for this business day or earlier.
    pub to: Option<BusinessDay>,
}

/// Which payouts a list has; all of them by default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PayoutFilter {
    /// Only this merchant's.
    pub merchant: Option<MerchantId>,
    /// Only those in this currency.
    pub currency: Option<Currency>,
    /// Only those that stand there.
    pub status: Option<PayoutStatusFilter>,
}

/// Where a payout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayoutStatusFilter {
    /// The bank has not been told.
    Created,
    /// The bank has been told.
    Submitted,
    /// The bank has paid.
    Paid,
    /// The bank could not pay.
    Failed,
    /// It came back.
    Returned,
}

/// A line of a merchant's pending account: what a settlement is made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatementEntry {
    /// The journal position.
    pub position: u64,
    /// Which movement of several there.
    pub leg: u32,
    /// Why: one of [`payments::transfer_code`].
    pub code: u16,
    /// Whether money came (or went).
    pub credit: bool,
    /// How much, in minor units.
    pub amount: u64,
    /// When.
    pub at: UnixMillis,
    /// The payment that it belongs to.
    pub payment: Option<PaymentId>,
    /// The bits of the capture, refund or dispute, if not the payment itself.
    pub object: Option<[u8; 16]>,
    /// What the platform charges for it, if it is the merchant's own payment or capture.
    pub fee: u64,
    /// The payment's order, if it is the merchant's own.
    pub order: Option<OrderId>,
    /// The merchant's own name for the order.
    pub reference: Option<Text>,
}

/// What part of a settlement's payments and captures adds up to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddedUp {
    /// By the rows of the payments and captures, in minor units.
    pub payments: u64,
    /// By what the ledger moved, in minor units.
    pub ledger: u64,
    /// The journal position to go on after; `None` if this was the last part.
    pub next: Option<u64>,
}

impl TablesReader {
    /// A settlement and its payout.
    pub fn settlement(&self, id: SettlementId) -> Result<Option<SettledPayout>, TablesError> {
        self.one("SELECT * FROM settlements WHERE id = ?1", [id.to_bytes()], settled_payout)
    }

    /// Settlements before `before`, newest first.
    pub fn settlements(
        &self,
        filter: &SettlementFilter,
        before: Option<SettlementId>,
        limit: u32,
    ) -> Result<Page<SettledPayout>, TablesError> {
        let mut select = Select::from("settlements");
        let end = filter.to.map(first_id_after).into_iter().chain(before).min();
        select.and("id < ?", Some(newest(end)));
        select.and("merchant = ?", filter.merchant.map(|merchant| merchant.to_bytes()));
        select.and("currency = ?", filter.currency.map(|currency| currency.numeric()));
        select.and("business_day >= ?", filter.from.map(|from| from.to_string()));
        select.and("id >= ?", filter.from.map(|from| first_id_of(from).to_bytes()));
        select.and("business_day <= ?", filter.to.map(|to| to.to_string()));
        self.page(select, limit, settled_payout)
    }

    /// The settlements that the journal has after this position, the first first.
    pub fn settlements_after(&self, position: u64, limit: u32) -> Result<Vec<SettledPayout>, TablesError> {
        let select = "SELECT * FROM settlements WHERE position > ?1 ORDER BY position LIMIT ?2";
        self.all(select, params![rows::signed(position), limit], settled_payout)
    }

    /// How many settlements the journal has after this position.
    pub fn count_settlements_after(&self, position: u64) -> Result<u64, TablesError> {
        let select = "SELECT count(*) FROM settlements WHERE position > ?1";
        let count = self.one(select, [rows::signed(position)], |row| row.get::<_, i64>(0))?;
        Ok(count.unwrap_or(0).cast_unsigned())
    }

    /// The lines that a settlement is made of, in order: those after the position `after` and the leg there.
    pub fn statement(
        &self,
        settled: &SettledPayout,
        pending: AccountId,
        after: Option<(u64, u32)>,
        limit: u32,
    ) -> Result<Vec<StatementEntry>, TablesError> {
        let from = (settled.settlement.after_position, u32::MAX);
        let (position, leg) = after.map_or(from, |after| after.max(from));
        let merchant = settled.settlement.merchant.to_bytes();
        self.all(
            "SELECT entries.*, own.order_id, orders.reference,
                 CASE entries.code WHEN 2 THEN own.fee WHEN 4 THEN iif(own.id IS NULL, 0, captures.fee) ELSE 0 END AS fee
             FROM entries LEFT JOIN payments AS own ON own.id = entries.payment AND own.merchant = ?5
             LEFT JOIN orders ON orders.id = own.order_id
             LEFT JOIN captures ON captures.id = entries.object
             WHERE entries.account = ?1 AND (entries.position, entries.leg) > (?2, ?3) AND entries.position < ?4
             ORDER BY entries.position, entries.leg LIMIT ?6",
            params![pending.to_bytes(), rows::signed(position), leg, rows::signed(settled.position), merchant, limit],
            statement_entry,
        )
    }

    /// Adds up the payments and captures of a settlement after the position `after`: so many movements at most, and what
    /// should have moved with them. The parts of several receivers in a hold are known to the ledger alone.
    pub fn add_up(
        &self,
        settled: &SettledPayout,
        pending: AccountId,
        after: u64,
        limit: u32,
    ) -> Result<AddedUp, TablesError> {
        let after = after.max(settled.settlement.after_position);
        let mut moved = self.moved(settled, pending, after, limit)?;
        let mut until = settled.position - 1;
        let mut next = None;
        if let Some(last) = moved.last().filter(|_| moved.len() >= limit as usize).map(|last| last.position) {
            // Movements at one position stay together.
            until = last - 1;
            next = Some(until).filter(|until| *until > after);
            moved.retain(|movement| next.is_none() || movement.position <= until);
            until = next.unwrap_or(last);
            next = Some(until);
        }
        let own = self.own_parts(settled, after, until)?;
        let mut payments = 0_u64;
        for part in &own {
            let by_ledger = || moved.iter().filter(|movement| movement.position == part.position);
            let amount = part.amount.unwrap_or_else(|| by_ledger().map(|movement| movement.amount).sum());
            payments = payments.saturating_add(amount);
        }
        for movement in &moved {
            if own.binary_search_by_key(&movement.position, |part| part.position).is_err() {
                payments = payments.saturating_add(self.others_part(settled, movement)?);
            }
        }
        let ledger = moved.iter().fold(0, |sum: u64, movement| sum.saturating_add(movement.amount));
        Ok(AddedUp { payments, ledger, next })
    }

    /// What came into the pending account by payments and captures.
    fn moved(
        &self,
        settled: &SettledPayout,
        pending: AccountId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Movement>, TablesError> {
        let select = "SELECT position, amount, code, payment FROM entries WHERE account = ?1 AND position > ?2
                      AND position < ?3 AND credit = 1 AND code IN (2, 4) ORDER BY position, leg LIMIT ?4";
        let until = rows::signed(settled.position);
        self.all(select, params![pending.to_bytes(), rows::signed(after), until, limit], |row| {
            Ok(Movement {
                position: rows::unsigned(row, "position")?,
                amount: rows::unsigned(row, "amount")?,
                code: row.get("code")?,
                payment: rows::optional_id(row, "payment")?,
            })
        })
    }

    /// What the rows of the merchant's own payments and captures say that it received, by position.
    fn own_parts(&self, settled: &SettledPayout, after: u64, until: u64) -> Result<Vec<Part>, TablesError> {
        let Settlement { merchant, currency, .. } = settled.settlement;
        let fields = || {
            let (after, until) = (rows::signed(after), rows::signed(until));
            (merchant.to_bytes(), after, until, currency.numeric())
        };
        let plain =
            "SELECT events.position AS told, payments.* FROM events JOIN payments ON payments.id = events.object
             WHERE events.merchant = ?1 AND events.position > ?2 AND events.position <= ?3 AND events.kind = 4
             AND payments.currency = ?4 ORDER BY events.position";
        let captured = "SELECT events.position AS told, captures.amount AS taken, payments.* FROM events
             JOIN captures ON captures.id = events.object JOIN payments ON payments.id = captures.payment
             WHERE events.merchant = ?1 AND events.position > ?2 AND events.position <= ?3 AND events.kind = 5
             AND payments.currency = ?4 ORDER BY events.position";
        let mut parts = self.all(plain, fields(), |row| {
            let amount = match row.get_ref("progress")?.as_blob_or_null()? {
                None => rows::unsigned(row, "amount")?,
                Some(_) => part_of(&rows::payment(row)?.as_created(), merchant),
            };
            Ok(Part { position: rows::unsigned(row, "told")?, amount: Some(amount) })
        })?;
        parts.extend(self.all(captured, fields(), |row| {
            let is_split = !rows::payment(row)?.shares.is_empty();
            let amount = if is_split { None } else { Some(rows::unsigned(row, "taken")?) };
            Ok(Part { position: rows::unsigned(row, "told")?, amount })
        })?);
        parts.sort_unstable_by_key(|part| part.position);
        Ok(parts)
    }

    /// What the row of somebody else's payment says that the merchant received of it.
    fn others_part(&self, settled: &SettledPayout, movement: &Movement) -> Result<u64, TablesError> {
        if movement.code != transfer_code::PAYMENT {
            return Ok(movement.amount);
        }
        let payment = movement.payment.map(|id| self.payment(id)).transpose()?.flatten();
        Ok(payment.map_or(0, |payment| part_of(&payment.as_created(), settled.settlement.merchant)))
    }

    /// A payout.
    pub fn payout(&self, id: PayoutId) -> Result<Option<Payout>, TablesError> {
        self.one("SELECT * FROM payouts WHERE id = ?1", [id.to_bytes()], rows::payout)
    }

    /// Payouts before `before`, newest first.
    pub fn payouts(
        &self,
        filter: &PayoutFilter,
        before: Option<PayoutId>,
        limit: u32,
    ) -> Result<Page<Payout>, TablesError> {
        let mut select = Select::from("payouts");
        select.and("id < ?", Some(newest(before)));
        select.and("merchant = ?", filter.merchant.map(|merchant| merchant.to_bytes()));
        select.and("currency = ?", filter.currency.map(|currency| currency.numeric()));
        match filter.status {
            // Said like this, the index of those that wait is used.
            Some(PayoutStatusFilter::Created) => select.conditions.push_str(" AND status = 0"),
            status => select.and("status = ?", status.map(PayoutStatusFilter::number)),
        }
        self.page(select, limit, rows::payout)
    }

    /// Payouts that no bank was told of after `after`, the oldest first.
    pub fn payouts_to_submit(&self, after: Option<PayoutId>, limit: u32) -> Result<Vec<Payout>, TablesError> {
        let after = after.unwrap_or(PayoutId::from_u128(0)).to_bytes();
        let select = "SELECT * FROM payouts WHERE status = 0 AND id > ?1 ORDER BY id LIMIT ?2";
        self.all(select, params![after, limit], rows::payout)
    }

    /// Payouts of which a bank still has something to say, some of them.
    pub fn open_payouts(&self, limit: u32) -> Result<Vec<Payout>, TablesError> {
        self.all("SELECT * FROM payouts WHERE open = 1 ORDER BY id LIMIT ?1", [limit], rows::payout)
    }

    fn page<T>(
        &self,
        select: Select,
        limit: u32,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Page<T>, TablesError> {
        let Select { list, conditions, mut fields } = select;
        fields.push(Box::new(i64::from(limit) + 1));
        let sql = format!("SELECT * FROM {list} WHERE TRUE{conditions} ORDER BY id DESC LIMIT ?");
        let items = self.all(&sql, rusqlite::params_from_iter(fields.iter()), map)?;
        Ok(Page::cut(items, limit))
    }
}

/// A list that is asked for, condition by condition.
struct Select {
    list: &'static str,
    conditions: String,
    fields: Vec<Box<dyn ToSql>>,
}

impl Select {
    fn from(list: &'static str) -> Self {
        Self { list, conditions: String::new(), fields: Vec::new() }
    }

    /// Adds a condition, if there is something to hold it to.
    fn and(&mut self, condition: &str, field: Option<impl ToSql + 'static>) {
        if let Some(field) = field {
            self.conditions.push_str(" AND ");
            self.conditions.push_str(condition);
            self.fields.push(Box::new(field));
        }
    }
}

impl PayoutStatusFilter {
    fn number(self) -> i64 {
        match self {
            Self::Created => 0,
            Self::Submitted => 1,
            Self::Paid => 2,
            Self::Failed => 3,
            Self::Returned => 4,
        }
    }
}

/// What came into the pending account.
struct Movement {
    position: u64,
    amount: u64,
    code: u16,
    payment: Option<PaymentId>,
}

/// What a row says that the merchant received at a position; `None` if the row does not say how it was split.
struct Part {
    position: u64,
    amount: Option<u64>,
}

/// What a merchant received when a payment was made.
fn part_of(created: &Payment, merchant: MerchantId) -> u64 {
    if created.shares.is_empty() {
        return if created.merchant == merchant { created.captured } else { 0 };
    }
    let own = created.shares.iter().filter(|share| share.merchant == merchant);
    own.fold(0, |sum, share| sum.saturating_add(share.captured))
}

/// A settlement's id begins with its cut-off, which is at most so far from the start of its business day in UTC: zones are
/// up to a day away, and days end the day after.
const MARGIN_MS: u64 = 3 * 24 * 60 * 60 * 1000;

fn start_of(day: BusinessDay) -> u64 {
    const DAY_MS: u64 = 24 * 60 * 60 * 1000;
    u64::try_from(day.days_since_epoch()).unwrap_or(0).saturating_mul(DAY_MS)
}

/// No settlement for this day or later has an id before this one.
fn first_id_of(day: BusinessDay) -> SettlementId {
    Id::from_u128(u128::from(start_of(day).saturating_sub(MARGIN_MS)) << 80)
}

/// No settlement for this day or earlier has this id or a later one.
fn first_id_after(day: BusinessDay) -> SettlementId {
    Id::from_u128(u128::from(start_of(day) + MARGIN_MS) << 80)
}

fn settled_payout(row: &Row<'_>) -> rusqlite::Result<SettledPayout> {
    let (settlement, payout) = (rows::settlement(row)?, rows::optional_id(row, "payout")?);
    Ok(SettledPayout { settlement, position: rows::unsigned(row, "position")?, payout })
}

fn statement_entry(row: &Row<'_>) -> rusqlite::Result<StatementEntry> {
    Ok(StatementEntry {
        position: rows::unsigned(row, "position")?,
        leg: row.get("leg")?,
        code: row.get("code")?,
        credit: row.get("credit")?,
        amount: rows::unsigned(row, "amount")?,
        at: rows::time(row, "at")?,
        payment: rows::optional_id(row, "payment")?,
        object: row.get("object")?,
        fee: row.get::<_, Option<i64>>("fee")?.unwrap_or(0).cast_unsigned(),
        order: rows::optional_id(row, "order_id")?,
        reference: rows::optional_text(row, "reference")?,
    })
}
