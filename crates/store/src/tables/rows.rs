//! Between rows and the payments crate's types.

use ids::{DisputeId, Id, Kind, PaymentId};
use ledger::Balance;
use money::{Amount, Currency};
use payments::{
    Account, AccountFlags, Beginning, Capture, Deposit, Dispute, MerchantBook, MerchantState, Order, OrderDetails,
    OrderStatus, Payment, PaymentStatus, Payout, PayoutStatus, Refund, RegisteredTag, Settlement, Share, TagMode, Tap,
    Text, UnixMillis,
};
use rusqlite::types::{FromSql, Type};
use rusqlite::{Result, Row};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tag::Uid;

use super::Mark;
use journal::{Anchor, FrameHash};

/// SQLite's integers have a sign; the bits are kept, so that 64 of them fit.
pub(super) fn signed(value: u64) -> i64 {
    value.cast_signed()
}

pub(super) fn unsigned(row: &Row<'_>, column: &str) -> Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

pub(super) fn time(row: &Row<'_>, column: &str) -> Result<UnixMillis> {
    unsigned(row, column).map(UnixMillis)
}

fn optional_time(row: &Row<'_>, column: &str) -> Result<UnixMillis> {
    Ok(UnixMillis(row.get::<_, Option<i64>>(column)?.map_or(0, i64::cast_unsigned)))
}

pub(super) fn id<K: Kind>(row: &Row<'_>, column: &str) -> Result<Id<K>> {
    row.get::<_, [u8; 16]>(column).map(Id::from_bytes)
}

pub(super) fn optional_id<K: Kind>(row: &Row<'_>, column: &str) -> Result<Option<Id<K>>> {
    Ok(row.get::<_, Option<[u8; 16]>>(column)?.map(Id::from_bytes))
}

/// A stored value that no version of Tapstone writes.
fn impossible(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Null, error.into())
}

pub(super) fn currency(row: &Row<'_>, column: &str) -> Result<Currency> {
    let numeric: u16 = row.get(column)?;
    Currency::from_numeric(numeric).map_err(impossible)
}

fn amount(row: &Row<'_>, column: &str) -> Result<Amount> {
    Amount::new(unsigned(row, column)?).map_err(impossible)
}

fn optional_amount(row: &Row<'_>, column: &str) -> Result<Option<Amount>> {
    let stored: Option<i64> = row.get(column)?;
    stored.map(|minor_units| Amount::new(minor_units.cast_unsigned())).transpose().map_err(impossible)
}

pub(super) fn optional_text(row: &Row<'_>, column: &str) -> Result<Option<Text>> {
    let stored: Option<String> = row.get(column)?;
    stored.map(Text::try_from).transpose().map_err(impossible)
}

pub(super) fn mark(row: &Row<'_>) -> Result<Mark> {
    let hash = FrameHash::from_bytes(row.get("frame_hash")?);
    Ok(Mark { frame: Anchor { position: unsigned(row, "position")?, hash }, time: time(row, "time")? })
}

pub(super) fn account(row: &Row<'_>) -> Result<(Account, Balance)> {
    let account = Account {
        id: id(row, "id")?,
        ledger: row.get("ledger")?,
        code: row.get("code")?,
        owner: u128::from_be_bytes(row.get("owner")?),
        flags: AccountFlags {
            debits_must_not_exceed_credits: row.get("debits_must_not_exceed_credits")?,
            credits_must_not_exceed_debits: row.get("credits_must_not_exceed_debits")?,
        },
    };
    Ok((account, posted(unsigned(row, "debits_posted")?, unsigned(row, "credits_posted")?)))
}

/// A balance as it is stored: nothing of payments is ever pending.
pub(super) fn posted(debits_posted: u64, credits_posted: u64) -> Balance {
    Balance { debits_posted, credits_posted, ..Balance::default() }
}

pub(super) fn tag(row: &Row<'_>) -> Result<(RegisteredTag, u32)> {
    let standing: bool = row.get("standing")?;
    let uid: [u8; 7] = row.get("uid")?;
    let tag = RegisteredTag {
        id: id(row, "id")?,
        uid: Uid(uid),
        merchant: id(row, "merchant")?,
        mode: if standing { TagMode::Standing } else { TagMode::Till },
        currency: currency(row, "currency")?,
        active: row.get("active")?,
    };
    Ok((tag, row.get("last_counter")?))
}

pub(super) fn order(row: &Row<'_>) -> Result<Order> {
    let at = optional_time(row, "closed_at")?;
    let status = match row.get("status")? {
        0 => OrderStatus::Open,
        1 => OrderStatus::Paid { payment: id(row, "payment")?, amount: amount(row, "amount_paid")?, at },
        2 => OrderStatus::Cancelled { at },
        3 => OrderStatus::Expired { at },
        4 => OrderStatus::Held { payment: id(row, "payment")?, amount: amount(row, "amount_paid")?, at },
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(0, other)),
    };
    let (payment, amount_paid, closed_at) = status_columns(status);
    agrees(row, "payment", payment.map(PaymentId::to_bytes))?;
    agrees(row, "amount_paid", amount_paid.map(|amount| signed(amount.minor_units())))?;
    agrees(row, "closed_at", closed_at.map(|at| signed(at.0)))?;
    let details: Option<Box<OrderDetails>> = optional_body(row, "details")?.map(Box::new);
    let reference_key = details.as_ref().and_then(|details| details.reference_key).map(|key| key.0);
    agrees(row, "reference_key", reference_key)?;
    Ok(Order {
        id: id(row, "id")?,
        merchant: id(row, "merchant")?,
        tag: id(row, "tag")?,
        currency: currency(row, "currency")?,
        amount: optional_amount(row, "amount")?,
        description: optional_text(row, "description")?,
        reference: optional_text(row, "reference")?,
        created_at: time(row, "created_at")?,
        expires_at: time(row, "expires_at")?,
        status,
        details,
    })
}

/// What an order's status says beside its number: by which payment, how much, since when.
pub(super) fn status_columns(status: OrderStatus) -> (Option<PaymentId>, Option<Amount>, Option<UnixMillis>) {
    match status {
        OrderStatus::Open => (None, None, None),
        OrderStatus::Paid { payment, amount, at } | OrderStatus::Held { payment, amount, at } => {
            (Some(payment), Some(amount), Some(at))
        }
        OrderStatus::Cancelled { at } | OrderStatus::Expired { at } => (None, None, Some(at)),
    }
}

/// The number under which a status is stored.
pub(super) fn status_number(status: OrderStatus) -> i64 {
    match status {
        OrderStatus::Open => 0,
        OrderStatus::Paid { .. } => 1,
        OrderStatus::Cancelled { .. } => 2,
        OrderStatus::Expired { .. } => 3,
        OrderStatus::Held { .. } => 4,
    }
}

pub(super) fn tap(row: &Row<'_>) -> Result<Tap> {
    Ok(Tap {
        id: id(row, "id")?,
        wallet: id(row, "wallet")?,
        tag: id(row, "tag")?,
        merchant: id(row, "merchant")?,
        counter: row.get("counter")?,
        order: optional_id(row, "order_id")?,
        currency: currency(row, "currency")?,
        created_at: time(row, "created_at")?,
    })
}

/// What a payment that was captured at once and not touched since has nothing of.
#[derive(Debug, Serialize, Deserialize)]
struct Progress {
    began: Beginning,
    tip: u64,
    captured: u64,
    refunded: u64,
    disputed: u64,
    open_dispute: Option<DisputeId>,
    shares: Vec<Share>,
    status: PaymentStatus,
}

impl Progress {
    fn of(payment: &Payment) -> Self {
        Self {
            began: payment.began,
            tip: payment.tip,
            captured: payment.captured,
            refunded: payment.refunded,
            disputed: payment.disputed,
            open_dispute: payment.open_dispute,
            shares: payment.shares.clone(),
            status: payment.status,
        }
    }

    /// What goes without saying.
    fn plain(amount: Amount) -> Self {
        Self {
            began: Beginning::Captured,
            tip: 0,
            captured: amount.minor_units(),
            refunded: 0,
            disputed: 0,
            open_dispute: None,
            shares: Vec::new(),
            status: PaymentStatus::Succeeded,
        }
    }
}

/// How far a payment is, as it is stored.
pub(super) fn progress(payment: &Payment) -> Result<Option<Vec<u8>>> {
    let is_plain = payment.began == Beginning::Captured
        && payment.status == PaymentStatus::Succeeded
        && payment.captured == payment.amount.minor_units()
        && (payment.tip, payment.refunded, payment.disputed, payment.open_dispute) == (0, 0, 0, None)
        && payment.shares.is_empty();
    if is_plain { Ok(None) } else { encoded(&Progress::of(payment)).map(Some) }
}

pub(super) fn payment(row: &Row<'_>) -> Result<Payment> {
    let amount = amount(row, "amount")?;
    let progress = optional_body(row, "progress")?.unwrap_or_else(|| Progress::plain(amount));
    let Progress { began, tip, captured, refunded, disputed, open_dispute, shares, status } = progress;
    agrees(row, "status", payment_status_number(status))?;
    Ok(Payment {
        id: id(row, "id")?,
        wallet: id(row, "wallet")?,
        merchant: id(row, "merchant")?,
        tag: id(row, "tag")?,
        tap: id(row, "tap")?,
        order: optional_id(row, "order_id")?,
        description: optional_text(row, "description")?,
        currency: currency(row, "currency")?,
        amount,
        created_at: time(row, "created_at")?,
        fee: unsigned(row, "fee")?,
        began,
        tip,
        captured,
        refunded,
        disputed,
        open_dispute,
        shares,
        status,
    })
}

/// The number under which a payment's status is stored.
pub(super) fn payment_status_number(status: PaymentStatus) -> i64 {
    match status {
        PaymentStatus::Succeeded => 0,
        PaymentStatus::Held => 1,
        PaymentStatus::Processing => 2,
        PaymentStatus::Cancelled { .. } => 3,
        PaymentStatus::Failed { .. } => 4,
    }
}

/// The number under which a payout's status is stored.
pub(super) fn payout_status_number(status: &PayoutStatus) -> i64 {
    match status {
        PayoutStatus::Created => 0,
        PayoutStatus::Submitted { .. } => 1,
        PayoutStatus::Paid { .. } => 2,
        PayoutStatus::Failed { .. } => 3,
        PayoutStatus::Returned { .. } => 4,
    }
}

pub(super) fn capture(row: &Row<'_>) -> Result<Capture> {
    Ok(Capture {
        id: id(row, "id")?,
        payment: id(row, "payment")?,
        merchant: id(row, "merchant")?,
        currency: currency(row, "currency")?,
        amount: amount(row, "amount")?,
        fee: unsigned(row, "fee")?,
        released: unsigned(row, "released")?,
        created_at: time(row, "created_at")?,
    })
}

pub(super) fn refund(row: &Row<'_>) -> Result<Refund> {
    Ok(Refund {
        id: id(row, "id")?,
        payment: id(row, "payment")?,
        merchant: id(row, "merchant")?,
        wallet: id(row, "wallet")?,
        currency: currency(row, "currency")?,
        amount: amount(row, "amount")?,
        reason: optional_text(row, "reason")?,
        created_at: time(row, "created_at")?,
    })
}

/// Something stored whole, in the column `body`. Other columns have parts of it, to find it by: whoever finds it by a
/// part that is not its own is told of the damage, and nobody reads what is another's.
fn body<T: DeserializeOwned>(row: &Row<'_>) -> Result<T> {
    decoded(row.get_ref("body")?.as_blob()?)
}

/// Whether a column has the part that the whole has.
fn agrees<T: FromSql + PartialEq>(row: &Row<'_>, column: &'static str, whole: T) -> Result<()> {
    let part: T = row.get(column)?;
    if part == whole { Ok(()) } else { Err(impossible(Disagreement(column))) }
}

/// A column that says something else than the rest of its row.
#[derive(Debug, thiserror::Error)]
#[error("the column {0} says something else than the rest of the row")]
struct Disagreement(&'static str);

pub(super) fn dispute(row: &Row<'_>) -> Result<Dispute> {
    let dispute: Dispute = body(row)?;
    agrees(row, "id", dispute.id.to_bytes())?;
    agrees(row, "payment", dispute.payment.to_bytes())?;
    agrees(row, "merchant", dispute.merchant.to_bytes())?;
    agrees(row, "wallet", dispute.wallet.to_bytes())?;
    agrees(row, "open", dispute.is_open())?;
    Ok(dispute)
}

pub(super) fn settlement(row: &Row<'_>) -> Result<Settlement> {
    let settlement: Settlement = body(row)?;
    agrees(row, "id", settlement.id.to_bytes())?;
    agrees(row, "merchant", settlement.merchant.to_bytes())?;
    agrees(row, "currency", settlement.currency.numeric())?;
    agrees(row, "business_day", settlement.business_day.to_string())?;
    // Both are there until it is done.
    let payout_due: Option<i64> = row.get("payout_due")?;
    agrees(row, "payout_due", payout_due.map(|_| signed(settlement.payout_at.0)))?;
    let reserve_due: Option<i64> = row.get("reserve_due")?;
    agrees(row, "reserve_due", reserve_due.and(settlement.reserved_until).map(|until| signed(until.0)))?;
    Ok(settlement)
}

pub(super) fn payout(row: &Row<'_>) -> Result<Payout> {
    let payout: Payout = body(row)?;
    agrees(row, "id", payout.id.to_bytes())?;
    agrees(row, "merchant", payout.merchant.to_bytes())?;
    agrees(row, "currency", payout.currency.numeric())?;
    agrees(row, "status", payout_status_number(&payout.status))?;
    agrees(row, "open", !payout.status.is_final())?;
    Ok(payout)
}

pub(super) fn merchant(row: &Row<'_>) -> Result<MerchantState> {
    let merchant: MerchantState = body(row)?;
    agrees(row, "id", merchant.id.to_bytes())?;
    Ok(merchant)
}

pub(super) fn book(row: &Row<'_>) -> Result<MerchantBook> {
    let book: MerchantBook = body(row)?;
    agrees(row, "pending", book.pending.to_bytes())?;
    agrees(row, "merchant", book.merchant.to_bytes())?;
    Ok(book)
}

fn optional_body<T: DeserializeOwned>(row: &Row<'_>, column: &str) -> Result<Option<T>> {
    row.get_ref(column)?.as_blob_or_null()?.map(decoded).transpose()
}

/// Something as it is stored whole.
pub(super) fn encoded(value: &impl Serialize) -> Result<Vec<u8>> {
    postcard::to_allocvec(value).map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

pub(super) fn decoded<T: DeserializeOwned>(stored: &[u8]) -> Result<T> {
    postcard::from_bytes(stored).map_err(impossible)
}

pub(super) fn deposit(row: &Row<'_>) -> Result<Deposit> {
    Ok(Deposit {
        id: id(row, "id")?,
        wallet: id(row, "wallet")?,
        currency: currency(row, "currency")?,
        amount: amount(row, "amount")?,
        created_at: time(row, "created_at")?,
    })
}
