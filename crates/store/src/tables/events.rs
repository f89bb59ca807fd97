//! What merchants are told, as it is stored: which journal records are a merchant's business, and where the rest of what
//! they say is found.

use ids::{CaptureId, DisputeId, MerchantId, OrderId, PaymentId, PayoutId, RefundId, SettlementId, TapId};
use payments::{Event, Moved, Order, Record, UnixMillis};
use rusqlite::{Connection, OptionalExtension, Result, Row};

use super::rows;

/// What kind of thing happened. Stored by number: only ever add at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the record of nearly its name")]
pub enum EventKind {
    OrderCreated = 1,
    OrderCancelled = 2,
    OrderExpired = 3,
    PaymentMade = 4,
    PaymentCaptured = 5,
    HoldReleased = 6,
    PaymentRefunded = 7,
    DisputeOpened = 8,
    DisputeAnswered = 9,
    DisputeClosed = 10,
    MerchantStatusSet = 11,
    FeePlanSet = 12,
    SettlementTermsSet = 13,
    SettlementClosed = 14,
    ReserveReleased = 15,
    PayoutCreated = 16,
    PayoutSubmitted = 17,
    PayoutReported = 18,
    PaymentDeclined = 19,
}

impl EventKind {
    /// All of them.
    pub const ALL: [Self; 19] = [
        Self::OrderCreated,
        Self::OrderCancelled,
        Self::OrderExpired,
        Self::PaymentMade,
        Self::PaymentCaptured,
        Self::HoldReleased,
        Self::PaymentRefunded,
        Self::DisputeOpened,
        Self::DisputeAnswered,
        Self::DisputeClosed,
        Self::MerchantStatusSet,
        Self::FeePlanSet,
        Self::SettlementTermsSet,
        Self::SettlementClosed,
        Self::ReserveReleased,
        Self::PayoutCreated,
        Self::PayoutSubmitted,
        Self::PayoutReported,
        Self::PaymentDeclined,
    ];

    /// The kind of what merchants are told by an event; `None` of what is no merchant's business.
    pub fn of(event: &Event) -> Option<Self> {
        told(event).map(|told| told.kind)
    }

    /// Whether there is one for nearly every tap. The index by kind leaves these out.
    pub(super) fn is_frequent(self) -> bool {
        matches!(self, Self::OrderCreated | Self::PaymentMade)
    }

    /// The number under which it is stored.
    pub fn number(self) -> i64 {
        self as i64
    }
}

/// Something that a merchant is told, as of then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// The record's journal position.
    pub position: u64,
    /// What kind of thing it is.
    pub kind: EventKind,
    /// When it was decided.
    pub at: UnixMillis,
    /// What happened. The legs of payments are not kept here.
    pub event: Event,
    /// The order that was cancelled or expired, as it is since.
    pub order: Option<Order>,
}

/// What the table has of something that a merchant is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventRow {
    /// Who is told; `None` for the merchant of the order that the object is.
    pub merchant: Option<MerchantId>,
    /// The record's journal position.
    pub position: u64,
    /// What kind of thing it is.
    pub kind: EventKind,
    /// The bits of what it is about.
    pub object: [u8; 16],
    /// The record, if no other table has all of it. Whose request it answers is nobody else's business.
    pub record: Option<Box<Record>>,
}

impl EventRow {
    /// The row of a record; `None` of what is no merchant's business.
    pub fn of(record: &Record, position: u64) -> Option<Self> {
        let Told { merchant, kind, object, keeps_record } = told(&record.event)?;
        let kept = || Box::new(Record { at: record.at, request: None, event: record.event.clone() });
        let record = keeps_record.then(kept);
        Some(Self { merchant, position, kind, object, record })
    }
}

/// A record's place among what merchants are told.
struct Told {
    /// Who is told; `None` for the merchant of the order.
    merchant: Option<MerchantId>,
    kind: EventKind,
    object: [u8; 16],
    /// Whether the record itself must be kept.
    keeps_record: bool,
}

/// Whether a record is some merchant's business, and whose.
fn told(event: &Event) -> Option<Told> {
    use EventKind as Kind;
    let order = |kind, id: OrderId| Told { merchant: None, kind, object: id.to_bytes(), keeps_record: true };
    let of = |merchant, kind, object| Told { merchant: Some(merchant), kind, object, keeps_record: true };
    let plain = |merchant, kind, object| Told { merchant: Some(merchant), kind, object, keeps_record: false };
    Some(match event {
        Event::OrderCreated(order) | Event::OrderPlaced(order) => {
            plain(order.merchant, Kind::OrderCreated, OrderId::to_bytes(order.id))
        }
        Event::OrderCancelled(id) => order(Kind::OrderCancelled, *id),
        Event::OrderExpired(id) => order(Kind::OrderExpired, *id),
        Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => {
            plain(moved.what.merchant, Kind::PaymentMade, PaymentId::to_bytes(moved.what.id))
        }
        Event::PaymentCaptured(Moved { what, .. }) => {
            of(what.payment.merchant, Kind::PaymentCaptured, CaptureId::to_bytes(what.capture.id))
        }
        Event::HoldReleased(Moved { what, .. }) => {
            of(what.payment.merchant, Kind::HoldReleased, what.payment.id.to_bytes())
        }
        Event::PaymentRefunded(Moved { what, .. }) => {
            of(what.refund.merchant, Kind::PaymentRefunded, RefundId::to_bytes(what.refund.id))
        }
        Event::DisputeOpened(Moved { what, .. }) => {
            of(what.dispute.merchant, Kind::DisputeOpened, DisputeId::to_bytes(what.dispute.id))
        }
        Event::DisputeAnswered(dispute) => of(dispute.merchant, Kind::DisputeAnswered, dispute.id.to_bytes()),
        Event::DisputeClosed(Moved { what, .. }) => {
            of(what.dispute.merchant, Kind::DisputeClosed, what.dispute.id.to_bytes())
        }
        Event::MerchantStatusSet(merchant, _) => of(*merchant, Kind::MerchantStatusSet, merchant.to_bytes()),
        Event::FeePlanSet(merchant, ..) => of(*merchant, Kind::FeePlanSet, merchant.to_bytes()),
        Event::SettlementTermsSet(merchant, _) => of(*merchant, Kind::SettlementTermsSet, merchant.to_bytes()),
        Event::SettlementClosed(Moved { what, .. }) => {
            of(what.merchant, Kind::SettlementClosed, SettlementId::to_bytes(what.id))
        }
        Event::ReserveReleased(Moved { what, .. }) => {
            of(what.merchant, Kind::ReserveReleased, what.settlement.to_bytes())
        }
        Event::PayoutCreated(Moved { what, .. }) => of(what.merchant, Kind::PayoutCreated, PayoutId::to_bytes(what.id)),
        Event::PayoutSubmitted(payout) => of(payout.merchant, Kind::PayoutSubmitted, payout.id.to_bytes()),
        Event::PayoutReported(Moved { what, .. }) => of(what.merchant, Kind::PayoutReported, what.id.to_bytes()),
        Event::PaymentDeclined(declined) => of(declined.merchant, Kind::PaymentDeclined, TapId::to_bytes(declined.tap)),
        Event::AccountOpened(_)
        | Event::TagRegistered(_)
        | Event::DepositSucceeded(_)
        | Event::TapAccepted(_)
        | Event::TapRefused(_)
        | Event::RequestRefused(_)
        | Event::RequestAnswered(_)
        | Event::WindowOpened(_)
        | Event::PayoutSkipped(_) => return None,
    })
}

impl EventRow {
    pub(super) fn read(row: &Row<'_>) -> Result<Self> {
        let number: i64 = row.get("kind")?;
        let kind = EventKind::ALL.into_iter().find(|kind| kind.number() == number);
        Ok(Self {
            merchant: Some(rows::id(row, "merchant")?),
            position: rows::unsigned(row, "position")?,
            kind: kind.ok_or(rusqlite::Error::IntegralValueOutOfRange(0, number))?,
            object: row.get("object")?,
            record: row.get_ref("record")?.as_blob_or_null()?.map(rows::decoded).transpose()?,
        })
    }

    /// The whole event, with what other tables have of it.
    pub(super) fn complete(self, sql: &Connection) -> Result<StoredEvent> {
        let Self { position, kind, object, record, .. } = self;
        let order = |id: [u8; 16]| {
            sql.prepare_cached("SELECT * FROM orders WHERE id = ?1")?.query_one([id], rows::order).optional()
        };
        let missing = rusqlite::Error::QueryReturnedNoRows;
        Ok(match (kind, record) {
            (_, Some(record)) => {
                let Record { at, event, .. } = *record;
                let closed = matches!(event, Event::OrderCancelled(_) | Event::OrderExpired(_));
                let order = if closed { order(object)? } else { None };
                StoredEvent { position, kind, at, event, order }
            }
            (EventKind::OrderCreated, None) => {
                let order = order(object)?.ok_or(missing)?.as_created();
                StoredEvent { position, kind, at: order.created_at, event: Event::OrderPlaced(order), order: None }
            }
            (EventKind::PaymentMade, None) => {
                let select = "SELECT * FROM payments WHERE id = ?1";
                let payment = sql.prepare_cached(select)?.query_one([object], rows::payment)?.as_created();
                let at = payment.created_at;
                let event = Event::PaymentMade(Moved { what: payment, legs: Vec::new() });
                StoredEvent { position, kind, at, event, order: None }
            }
            (_, None) => return Err(missing),
        })
    }
}
