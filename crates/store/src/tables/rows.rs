//! Between rows and the payments crate's types.

use ids::{Id, Kind};
use ledger::Balance;
use money::{Amount, Currency};
use payments::{
    Account, AccountFlags, Deposit, Order, OrderStatus, Payment, RegisteredTag, TagMode, Tap, Text, UnixMillis,
};
use rusqlite::types::Type;
use rusqlite::{Result, Row};
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

fn optional_text(row: &Row<'_>, column: &str) -> Result<Option<Text>> {
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
        other => return Err(rusqlite::Error::IntegralValueOutOfRange(0, other)),
    };
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
    })
}

/// The number under which a status is stored.
pub(super) fn status_number(status: OrderStatus) -> i64 {
    match status {
        OrderStatus::Open => 0,
        OrderStatus::Paid { .. } => 1,
        OrderStatus::Cancelled { .. } => 2,
        OrderStatus::Expired { .. } => 3,
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

pub(super) fn payment(row: &Row<'_>) -> Result<Payment> {
    Ok(Payment {
        id: id(row, "id")?,
        wallet: id(row, "wallet")?,
        merchant: id(row, "merchant")?,
        tag: id(row, "tag")?,
        tap: id(row, "tap")?,
        order: optional_id(row, "order_id")?,
        description: optional_text(row, "description")?,
        currency: currency(row, "currency")?,
        amount: amount(row, "amount")?,
        created_at: time(row, "created_at")?,
    })
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

pub(super) fn outcome(stored: &[u8]) -> Result<payments::Outcome> {
    postcard::from_bytes(stored).map_err(impossible)
}
