//! Events as they happen, as server-sent events (the HTML standard, section 9.2).

use std::convert::Infallible;

use ::payments::{DeclinedPayment, Event, UnixMillis};
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use axum::response::Response;
use futures_util::stream;
use ids::{OrderId, TagId, TapId, WalletId};
use money::Money;
use serde::Serialize;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};
use utoipa::ToSchema;

use super::merchants::Place;
use super::orders::OrderView;
use super::payments::PaymentView;
use crate::app::App;
use crate::auth::Party;
use crate::hub::{Full, Heard, Notice, Resume, Subscription};
use crate::problem::{Code, Problem};
use crate::query::NoQuery;
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// Where a browser's event source says what it heard last.
const LAST_EVENT_ID: &str = "last-event-id";

/// Tells clients to come back after a second.
const GREETING: &[u8] = b"retry: 1000\n\n";

const HEARTBEAT: &[u8] = b":\n\n";

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
struct EventView<'a> {
    /// The journal position of the event, in decimal.
    #[schema(example = "4711")]
    id: String,
    #[schema(example = "payment.succeeded")]
    r#type: &'static str,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
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
    /// `payment.succeeded`.
    Payment(PaymentView<'a>),
    /// `payment.declined`.
    PaymentDeclined(PaymentDeclined),
    /// `deposit.succeeded`.
    DepositSucceeded(DepositSucceeded),
    /// `reset`: read again what you show.
    Reset {},
}

problems!(ListenProblems: TooManyListeners);

/// Listen
///
/// Server-sent events: `order.created`, `order.cancelled`, `order.expired`, `tap.accepted`, `tap.refused`,
/// `payment.succeeded`, `payment.declined`, `deposit.succeeded`. A merchant hears of its own orders, taps and payments,
/// a wallet of its payments and deposits. Each event's `id` is a journal position; `Last-Event-ID` resumes after it.
/// When what was missed is no longer at hand, or the client was too slow, an event `reset` comes: read again what you
/// show. A comment comes every 15 seconds.
#[utoipa::path(
    get, path = "/v1/events", tag = "events", operation_id = "listen",
    params(("Last-Event-ID" = Option<String>, Header, description = "The last event heard.", example = "4711")),
    responses(
        (status = 200, description = "Each event's `data` is such an object.", body = EventView,
            content_type = "text/event-stream"),
        ListenProblems,
    ),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"]), ("wallet_token" = [])),
)]
pub(crate) async fn listen(
    State(app): State<App>,
    party: Party,
    _: NoQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let resume = headers.get(LAST_EVENT_ID).map(|id| {
        let position = id.to_str().ok().and_then(|text| text.parse().ok());
        position.map_or(Resume::Unknown, Resume::After)
    });
    let subscription = app.hub().subscribe(party.owner(), resume).map_err(|full| match full {
        Full::OfOne => Problem::new(Code::TooManyListeners, "close another event stream first"),
        Full::Altogether => Problem::overloaded(),
    })?;
    let writer = Writer::new(app, subscription);
    let body = stream::unfold((Some(GREETING), writer), async |(greeting, mut writer)| {
        let chunk = match greeting {
            Some(greeting) => Bytes::from_static(greeting),
            None => writer.next().await?,
        };
        Some((Ok::<_, Infallible>(chunk), (None, writer)))
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A proxy that collects bytes before it passes them on would hold events back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Writes one event stream.
struct Writer {
    app: App,
    subscription: Subscription,
    heartbeat: Interval,
    closing: watch::Receiver<bool>,
}

impl Writer {
    fn new(app: App, subscription: Subscription) -> Self {
        let mut heartbeat = interval(app.options().heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        Self { closing: app.closing(), app, subscription, heartbeat }
    }

    /// The next bytes; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        let heard = tokio::select! {
            biased;
            _ = self.closing.wait_for(|closing| *closing) => return None,
            heard = self.subscription.next() => heard?,
            _ = self.heartbeat.tick() => return Some(Bytes::from_static(HEARTBEAT)),
        };
        self.heartbeat.reset();
        let text = match heard {
            Heard::Reset(position) => self.write_reset(position),
            Heard::Event(notice) => match write_event(&self.app, &notice) {
                Ok(text) => Ok(text),
                Err(problem) => {
                    let (code, cause) = (problem.code().name(), problem.cause());
                    tracing::error!(code, cause, "an event could not be written; its listener is told to start over");
                    self.write_reset(notice.position())
                }
            },
        };
        text.ok().map(Bytes::from)
    }

    /// What cannot be told must at least be read again.
    fn write_reset(&self, position: u64) -> Result<String, Problem> {
        write(position, self.app.options().source.now(), "reset", EventData::Reset {})
    }
}

/// The text of an event. It is made without the tables, so that no event holds up those behind it.
fn write_event(app: &App, notice: &Notice) -> Result<String, Problem> {
    let write = |name, data| write(notice.position(), notice.record().at, name, data);
    match &notice.record().event {
        Event::OrderCreated(order) | Event::OrderPlaced(order) => {
            write("order.created", EventData::Order(OrderView::new(order)))
        }
        Event::OrderCancelled(_) => write("order.cancelled", closed_order(notice)?),
        Event::OrderExpired(_) => write("order.expired", closed_order(notice)?),
        Event::TapAccepted(tap) => {
            let accepted = TapAccepted { tap: tap.id, tag: tap.tag, order: tap.order };
            write("tap.accepted", EventData::TapAccepted(accepted))
        }
        Event::TapRefused(refused) => {
            let refused = TapRefused { tag: refused.tag, reason: refused.reason.code() };
            write("tap.refused", EventData::TapRefused(refused))
        }
        Event::PaymentSucceeded(settled) | Event::PaymentMade(settled) => {
            let place = Place::of(app, settled.what.tag)?;
            write("payment.succeeded", EventData::Payment(PaymentView::for_wallet(&settled.what, &place)))
        }
        Event::PaymentDeclined(declined) => {
            let DeclinedPayment { tag, tap, order, reason, .. } = *declined;
            let declined = PaymentDeclined { tag, tap, order, reason: reason.code() };
            write("payment.declined", EventData::PaymentDeclined(declined))
        }
        Event::DepositSucceeded(settled) => {
            let amount = Money::new(settled.what.amount, settled.what.currency);
            let deposited = DepositSucceeded { wallet: settled.what.wallet, amount };
            write("deposit.succeeded", EventData::DepositSucceeded(deposited))
        }
        _ => Err(Problem::internal("an event without an audience was passed on")),
    }
}

fn closed_order(notice: &Notice) -> Result<EventData<'_>, Problem> {
    let order = notice.closed_order().ok_or_else(|| Problem::internal("an order was closed that was not open"))?;
    Ok(EventData::Order(OrderView::new(order)))
}

/// JSON has no line breaks, so one `data` line holds it.
fn write(position: u64, at: UnixMillis, r#type: &'static str, data: EventData<'_>) -> Result<String, Problem> {
    let event = EventView { id: position.to_string(), r#type, created_at: Timestamp(at), data };
    let json = serde_json::to_string(&event).map_err(Problem::internal)?;
    Ok(format!("id: {position}\nevent: {type}\ndata: {json}\n\n"))
}
