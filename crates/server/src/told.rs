//! What merchants and wallets are told of an event: one form for streams, lists and webhooks.
//!
//! An event is told as of then, out of the record itself: it says the same whenever and however often it is told.

use std::borrow::Cow;
use std::collections::BTreeSet;

use ::payments::{
    Beginning, DeclinedPayment, DisputeStatus, Event, Moved, Order, Payment, PaymentStatus, PayoutStatus,
    ReleaseReason, UnixMillis,
};
use ::webhooks::{Rendered, event_id};
use directory::Directory;
use engine::Engine;
use ids::{EventId, Id, Kind, MerchantId, OrderId, SettlementId, TagId, TapId, WalletId};
use money::Money;
use serde::Serialize;
use store::tables::{EventKind, StoredEvent};
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::reference::schema;
use crate::resources::captures::CaptureView;
use crate::resources::disputes::DisputeView;
use crate::resources::merchants::Place;
use crate::resources::orders::OrderView;
use crate::resources::payments::PaymentView;
use crate::resources::payouts::PayoutView;
use crate::resources::refunds::RefundView;
use crate::resources::settlements::SettlementView;
use crate::timestamp::Timestamp;
use crate::webhooks::{EventSource, SourceError};

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventView<'a> {
    #[schema(value_type = schema::EventId)]
    id: EventId,
    #[schema(example = "payment.succeeded")]
    r#type: &'static str,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
    /// What it happened to, as it was then.
    data: EventData<'a>,
}

/// A touch was genuine.
#[derive(Debug, Serialize, ToSchema)]
struct TapAccepted {
    #[schema(value_type = schema::TapId)]
    tap: TapId,
    #[schema(value_type = schema::TagId)]
    tag: TagId,
    #[schema(value_type = Option<schema::OrderId>, required)]
    order: Option<OrderId>,
}

/// A touch was refused.
#[derive(Debug, Serialize, ToSchema)]
struct TapRefused {
    #[schema(value_type = schema::TagId)]
    tag: TagId,
    /// A problem's code.
    #[schema(example = "tap_replayed")]
    reason: &'static str,
}

/// A payer wanted to pay and could not.
#[derive(Debug, Serialize, ToSchema)]
struct PaymentDeclined {
    #[schema(value_type = schema::TagId)]
    tag: TagId,
    #[schema(value_type = schema::TapId)]
    tap: TapId,
    #[schema(value_type = Option<schema::OrderId>, required)]
    order: Option<OrderId>,
    /// A problem's code.
    #[schema(example = "insufficient_funds")]
    reason: &'static str,
}

/// Money entered the wallet.
#[derive(Debug, Serialize, ToSchema)]
struct DepositSucceeded {
    #[schema(value_type = schema::WalletId)]
    wallet: WalletId,
    #[schema(value_type = schema::Money)]
    amount: Money,
}

/// Some of a hold was captured.
#[derive(Debug, Serialize, ToSchema)]
struct PaymentCaptured<'a> {
    capture: CaptureView,
    /// The payment as it is since.
    payment: PaymentView<'a>,
}

/// Money went back.
#[derive(Debug, Serialize, ToSchema)]
struct RefundSucceeded<'a> {
    refund: RefundView<'a>,
    /// The payment as it is since.
    payment: PaymentView<'a>,
}

/// A reserve came free.
#[derive(Debug, Serialize, ToSchema)]
struct ReserveReleased {
    #[schema(value_type = schema::SettlementId)]
    settlement: SettlementId,
    #[schema(value_type = schema::Money)]
    amount: Money,
}

/// What the merchant may do, is charged, or is settled on has changed.
#[derive(Debug, Serialize, ToSchema)]
struct MerchantChanged {
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    /// `status`, `fee_plan` or `settlement_terms`.
    #[schema(example = "status")]
    changed: &'static str,
    /// The new status, if that is what changed.
    #[schema(required, example = "active")]
    status: Option<&'static str>,
}

/// What it happened to, by `type`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum EventData<'a> {
    /// `order.created`, `order.cancelled`, `order.expired`.
    Order(OrderView<'a>),
    /// `tap.accepted`.
    TapAccepted(TapAccepted),
    /// `tap.refused`.
    TapRefused(TapRefused),
    /// `payment.succeeded`, `payment.authorized`, `payment.processing`, `payment.failed`, `payment.released`.
    Payment(PaymentView<'a>),
    /// `payment.captured`.
    PaymentCaptured(PaymentCaptured<'a>),
    /// `payment.declined`.
    PaymentDeclined(PaymentDeclined),
    /// `refund.succeeded`.
    RefundSucceeded(RefundSucceeded<'a>),
    /// `dispute.opened`, `dispute.answered`, `dispute.won`, `dispute.lost`.
    Dispute(DisputeView<'a>),
    /// `settlement.closed`.
    Settlement(Box<SettlementView>),
    /// `reserve.released`.
    ReserveReleased(ReserveReleased),
    /// `payout.created`, `payout.submitted`, `payout.paid`, `payout.failed`, `payout.returned`.
    Payout(PayoutView<'a>),
    /// `merchant.updated`.
    MerchantChanged(MerchantChanged),
    /// `deposit.succeeded`.
    DepositSucceeded(DepositSucceeded),
    /// `reset`: read again what you show.
    Reset {},
}

/// An event and what it needs to be told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Telling<'a> {
    /// The record's journal position.
    pub(crate) position: u64,
    /// When it was decided.
    pub(crate) at: UnixMillis,
    /// What happened.
    pub(crate) event: &'a Event,
    /// The order that was cancelled or expired, as it is since.
    pub(crate) order: Option<&'a Order>,
    /// Who is told.
    pub(crate) to: Audience,
}

/// Who is told: a payer is not shown what the merchant is charged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// A merchant.
    Merchant,
    /// A wallet.
    Wallet,
}

impl<'a> Telling<'a> {
    /// A stored event, for its merchant.
    pub(crate) fn stored(event: &'a StoredEvent) -> Self {
        let StoredEvent { position, at, event, order, .. } = event;
        Self { position: *position, at: *at, event, order: order.as_ref(), to: Audience::Merchant }
    }

    /// Its name, such as `payment.succeeded`; `None` of what nobody is told.
    pub(crate) fn name(&self) -> Option<&'static str> {
        Some(match self.event {
            Event::OrderCreated(_) | Event::OrderPlaced(_) => "order.created",
            Event::OrderCancelled(_) => "order.cancelled",
            Event::OrderExpired(_) => "order.expired",
            Event::TapAccepted(_) => "tap.accepted",
            Event::TapRefused(_) => "tap.refused",
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => match moved.what.status {
                PaymentStatus::Held => "payment.authorized",
                PaymentStatus::Processing => "payment.processing",
                _ => "payment.succeeded",
            },
            Event::PaymentCaptured(moved) => match moved.what.payment.began {
                Beginning::Processing { .. } => "payment.succeeded",
                _ => "payment.captured",
            },
            Event::HoldReleased(moved) => match moved.what.release.reason {
                ReleaseReason::Failed => "payment.failed",
                ReleaseReason::Voided | ReleaseReason::Expired => "payment.released",
            },
            Event::PaymentDeclined(_) => "payment.declined",
            Event::PaymentRefunded(_) => "refund.succeeded",
            Event::DisputeOpened(_) => "dispute.opened",
            Event::DisputeAnswered(_) => "dispute.answered",
            Event::DisputeClosed(moved) => match moved.what.dispute.status {
                DisputeStatus::Won { .. } => "dispute.won",
                _ => "dispute.lost",
            },
            Event::MerchantStatusSet(..) | Event::FeePlanSet(..) | Event::SettlementTermsSet(..) => "merchant.updated",
            Event::SettlementClosed(_) => "settlement.closed",
            Event::ReserveReleased(_) => "reserve.released",
            Event::PayoutCreated(_) => "payout.created",
            Event::PayoutSubmitted(_) => "payout.submitted",
            Event::PayoutReported(moved) => match moved.what.status {
                PayoutStatus::Failed { .. } => "payout.failed",
                PayoutStatus::Returned { .. } => "payout.returned",
                _ => "payout.paid",
            },
            Event::DepositSucceeded(_) => "deposit.succeeded",
            Event::AccountOpened(_)
            | Event::TagRegistered(_)
            | Event::RequestRefused(_)
            | Event::RequestAnswered(_)
            | Event::WindowOpened(_)
            | Event::PayoutSkipped(_) => return None,
        })
    }

    /// The event as JSON. It is made without the tables, so that no event holds up those behind it.
    pub(crate) fn json(&self, directory: &Directory) -> Result<Vec<u8>, Problem> {
        let place = match self.payment() {
            Some(payment) => Some(Place::in_directory(directory, payment.tag)?),
            None => None,
        };
        let r#type = self.name().ok_or_else(|| Problem::internal("an event without an audience was passed on"))?;
        let data = self.data(place.as_ref())?;
        let id = event_id(self.at.0, self.position);
        let view = EventView { id, r#type, created_at: Timestamp(self.at), data };
        serde_json::to_vec(&view).map_err(Problem::internal)
    }

    /// The tag at which it happened; `None` of what happens at none, such as a settlement.
    pub(crate) fn tag(&self) -> Option<TagId> {
        Some(match self.event {
            Event::OrderCreated(order) | Event::OrderPlaced(order) => order.tag,
            Event::OrderCancelled(_) | Event::OrderExpired(_) => self.order?.tag,
            Event::TapAccepted(tap) => tap.tag,
            Event::TapRefused(refused) => refused.tag,
            Event::PaymentDeclined(declined) => declined.tag,
            _ => self.payment()?.tag,
        })
    }

    /// The payment that it is about.
    fn payment(&self) -> Option<&'a Payment> {
        Some(match self.event {
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => &moved.what,
            Event::PaymentCaptured(moved) => &moved.what.payment,
            Event::HoldReleased(moved) => &moved.what.payment,
            Event::PaymentRefunded(moved) => &moved.what.payment,
            _ => return None,
        })
    }

    fn data<'b>(&self, place: Option<&'b Place>) -> Result<EventData<'b>, Problem>
    where
        'a: 'b,
    {
        let view = |payment: &'a Payment| {
            let place = place.ok_or_else(|| Problem::internal("a payment without a place"))?;
            Ok::<_, Problem>(match self.to {
                Audience::Merchant => PaymentView::for_merchant(payment, place),
                Audience::Wallet => PaymentView::for_wallet(payment, place),
            })
        };
        Ok(match self.event {
            Event::OrderCreated(order) | Event::OrderPlaced(order) => EventData::Order(OrderView::new(order)),
            Event::OrderCancelled(_) | Event::OrderExpired(_) => {
                let order = self.order.ok_or_else(|| Problem::internal("an order was closed that was not open"))?;
                EventData::Order(OrderView::new(order))
            }
            Event::TapAccepted(tap) => {
                EventData::TapAccepted(TapAccepted { tap: tap.id, tag: tap.tag, order: tap.order })
            }
            Event::TapRefused(refused) => {
                EventData::TapRefused(TapRefused { tag: refused.tag, reason: refused.reason.code() })
            }
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => EventData::Payment(view(&moved.what)?),
            Event::PaymentCaptured(Moved { what, .. }) => match what.payment.began {
                Beginning::Processing { .. } => EventData::Payment(view(&what.payment)?),
                _ => {
                    let (capture, payment) = (CaptureView::new(&what.capture), view(&what.payment)?);
                    EventData::PaymentCaptured(PaymentCaptured { capture, payment })
                }
            },
            Event::HoldReleased(Moved { what, .. }) => EventData::Payment(view(&what.payment)?),
            Event::PaymentDeclined(declined) => {
                let DeclinedPayment { tag, tap, order, reason, .. } = *declined;
                EventData::PaymentDeclined(PaymentDeclined { tag, tap, order, reason: reason.code() })
            }
            Event::PaymentRefunded(Moved { what, .. }) => {
                let (refund, payment) = (RefundView::new(&what.refund), view(&what.payment)?);
                EventData::RefundSucceeded(RefundSucceeded { refund, payment })
            }
            Event::DisputeOpened(Moved { what, .. }) | Event::DisputeClosed(Moved { what, .. }) => {
                EventData::Dispute(DisputeView::new(&what.dispute))
            }
            Event::DisputeAnswered(dispute) => EventData::Dispute(DisputeView::new(dispute)),
            Event::MerchantStatusSet(merchant, status) => changed(*merchant, "status", Some(status.name())),
            Event::FeePlanSet(merchant, ..) => changed(*merchant, "fee_plan", None),
            Event::SettlementTermsSet(merchant, _) => changed(*merchant, "settlement_terms", None),
            Event::SettlementClosed(Moved { what, .. }) => EventData::Settlement(Box::new(SettlementView::new(what))),
            Event::ReserveReleased(Moved { what, .. }) => {
                let amount = money::Amount::new(what.amount).map_err(Problem::internal)?;
                let amount = Money::new(amount, what.currency);
                EventData::ReserveReleased(ReserveReleased { settlement: what.settlement, amount })
            }
            Event::PayoutCreated(Moved { what, .. }) | Event::PayoutReported(Moved { what, .. }) => {
                EventData::Payout(PayoutView::new(what))
            }
            Event::PayoutSubmitted(payout) => EventData::Payout(PayoutView::new(payout)),
            Event::DepositSucceeded(Moved { what, .. }) => EventData::DepositSucceeded(DepositSucceeded {
                wallet: what.wallet,
                amount: Money::new(what.amount, what.currency),
            }),
            Event::AccountOpened(_)
            | Event::TagRegistered(_)
            | Event::RequestRefused(_)
            | Event::RequestAnswered(_)
            | Event::WindowOpened(_)
            | Event::PayoutSkipped(_) => {
                return Err(Problem::internal("an event without an audience was passed on"));
            }
        })
    }

    /// The id of what it happened to: an order and its payments, refunds and disputes are one, so that what is told of
    /// them keeps its order.
    fn object(&self) -> String {
        fn text<K: Kind>(id: Id<K>) -> String {
            id.to_string()
        }
        let of_payment = |payment: &Payment| payment.order.map_or_else(|| text(payment.id), text);
        match self.event {
            Event::OrderCreated(order) | Event::OrderPlaced(order) => text(order.id),
            Event::OrderCancelled(id) | Event::OrderExpired(id) => text(*id),
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => of_payment(&moved.what),
            Event::PaymentCaptured(Moved { what, .. }) => of_payment(&what.payment),
            Event::HoldReleased(Moved { what, .. }) => of_payment(&what.payment),
            Event::PaymentRefunded(Moved { what, .. }) => of_payment(&what.payment),
            Event::DisputeOpened(Moved { what, .. }) | Event::DisputeClosed(Moved { what, .. }) => {
                text(what.dispute.id)
            }
            Event::DisputeAnswered(dispute) => text(dispute.id),
            Event::PaymentDeclined(declined) => declined.order.map_or_else(|| text(declined.tap), text),
            Event::SettlementClosed(Moved { what, .. }) => text(what.id),
            Event::ReserveReleased(Moved { what, .. }) => text(what.settlement),
            Event::PayoutCreated(Moved { what, .. }) | Event::PayoutReported(Moved { what, .. }) => text(what.id),
            Event::PayoutSubmitted(payout) => text(payout.id),
            Event::MerchantStatusSet(merchant, _)
            | Event::FeePlanSet(merchant, ..)
            | Event::SettlementTermsSet(merchant, _) => text(*merchant),
            _ => String::new(),
        }
    }
}

fn changed(merchant: MerchantId, changed: &'static str, status: Option<&'static str>) -> EventData<'static> {
    EventData::MerchantChanged(MerchantChanged { merchant, changed, status })
}

/// What a stream says when what was missed cannot be told.
pub(crate) fn reset(position: u64, at: UnixMillis) -> Result<Vec<u8>, Problem> {
    let id = event_id(at.0, position);
    let view = EventView { id, r#type: "reset", created_at: Timestamp(at), data: EventData::Reset {} };
    serde_json::to_vec(&view).map_err(Problem::internal)
}

/// What stored events are called, by their kinds.
const NAMES: [(EventKind, &[&str]); 19] = [
    (EventKind::OrderCreated, &["order.created"]),
    (EventKind::OrderCancelled, &["order.cancelled"]),
    (EventKind::OrderExpired, &["order.expired"]),
    (EventKind::PaymentMade, &["payment.succeeded", "payment.authorized", "payment.processing"]),
    (EventKind::PaymentCaptured, &["payment.captured", "payment.succeeded"]),
    (EventKind::HoldReleased, &["payment.released", "payment.failed"]),
    (EventKind::PaymentRefunded, &["refund.succeeded"]),
    (EventKind::DisputeOpened, &["dispute.opened"]),
    (EventKind::DisputeAnswered, &["dispute.answered"]),
    (EventKind::DisputeClosed, &["dispute.won", "dispute.lost"]),
    (EventKind::MerchantStatusSet, &["merchant.updated"]),
    (EventKind::FeePlanSet, &["merchant.updated"]),
    (EventKind::SettlementTermsSet, &["merchant.updated"]),
    (EventKind::SettlementClosed, &["settlement.closed"]),
    (EventKind::ReserveReleased, &["reserve.released"]),
    (EventKind::PayoutCreated, &["payout.created"]),
    (EventKind::PayoutSubmitted, &["payout.submitted"]),
    (EventKind::PayoutReported, &["payout.paid", "payout.failed", "payout.returned"]),
    (EventKind::PaymentDeclined, &["payment.declined"]),
];

/// What events can be filtered by: whole names, and first parts with `.*`.
pub(crate) fn filters() -> BTreeSet<String> {
    let names = NAMES.iter().flat_map(|(_, names)| *names);
    names
        .flat_map(|name| [Some((*name).to_owned()), name.split_once('.').map(|(first, _)| format!("{first}.*"))])
        .flatten()
        .collect()
}

/// The kinds of stored events that have a name that a filter names: a whole one, or its first part and `.*`.
pub(crate) fn kinds_of(filter: &str) -> Vec<EventKind> {
    let matches = |name: &&str| match filter.strip_suffix(".*") {
        Some(family) => name.split_once('.').is_some_and(|(first, _)| first == family),
        None => *name == filter,
    };
    NAMES.iter().filter(|(_, names)| names.iter().any(&matches)).map(|(kind, _)| *kind).collect()
}

/// The events of merchants, out of the tables, as webhooks send them.
pub struct StoredEvents {
    engine: Engine,
    directory: Directory,
}

impl StoredEvents {
    /// The events that this engine has decided.
    pub fn new(engine: Engine, directory: Directory) -> Self {
        Self { engine, directory }
    }

    fn render(&self, event: &StoredEvent) -> Result<Rendered, Problem> {
        let telling = Telling::stored(event);
        Ok(Rendered {
            position: event.position,
            event_type: Cow::Borrowed(telling.name().unwrap_or_default()),
            object: telling.object(),
            at_ms: event.at.0,
            body: telling.json(&self.directory)?,
        })
    }
}

impl EventSource for StoredEvents {
    fn events_after(&self, merchant: MerchantId, position: u64, limit: usize) -> Result<Vec<Rendered>, SourceError> {
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let events = self.engine.read(|tables| tables.events_after(merchant, position, limit))?;
        let cause = |problem: Problem| problem.cause().unwrap_or("an event could not be told").to_owned();
        Ok(events.iter().map(|event| self.render(event).map_err(cause)).collect::<Result<_, _>>()?)
    }
}
