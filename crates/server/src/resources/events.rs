//! Events: as they happen, as server-sent events (the HTML standard, section 9.2), and listed.

use std::convert::Infallible;

use ::webhooks::event_id;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use axum::response::Response;
use futures_util::stream;
use ids::{EventId, MerchantId};
use store::tables::{EventFilter, StoredEvent};
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::app::App;
use crate::auth::{BackOffice, Party, Read};
use crate::hub::{Full, Heard, Notice, Resume, Subscription};
use crate::json::respond_with;
use crate::path::PathId;
use crate::problem::{Code, Problem};
use crate::query::{NoQuery, PageOf, Query};
use crate::reference::{problems, schema};
use crate::told::{self, Audience, EventView, Telling};

/// Where a browser's event source says what it heard last.
const LAST_EVENT_ID: &str = "last-event-id";

/// Tells clients to come back after a second.
const GREETING: &[u8] = b"retry: 1000\n\n";

const HEARTBEAT: &[u8] = b":\n\n";

/// Part of the list of events.
#[derive(Debug, ToSchema)]
#[schema(as = EventList)]
#[expect(dead_code, reason = "the events are written one by one")]
struct EventList<'a> {
    /// The newest first.
    data: Vec<EventView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

/// What a list of events can be narrowed to.
enum TypeFilter {}

impl PartialSchema for TypeFilter {
    fn schema() -> RefOr<Schema> {
        let names = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(told::filters()));
        RefOr::T(names.build().into())
    }
}

impl ToSchema for TypeFilter {}

problems!(ListenProblems: TooManyListeners);

/// List events, or listen
///
/// With `Accept: text/event-stream` a stream of server-sent events, as they happen; without it, a merchant's events so far
/// as JSON, newest first. A merchant hears of its own orders, taps, payments, refunds, disputes, settlements and payouts;
/// a wallet, which can only listen, of its payments and deposits; a till, which can only listen too, of what happens at
/// the tags of its store. Taps are told to who listens, and not kept.
///
/// In a stream each event's `id` line is a journal position; `Last-Event-ID` resumes after it. When what was missed is no
/// longer at hand, or the client was too slow, an event `reset` comes: read again what you show. A comment comes every 15
/// seconds.
#[utoipa::path(
    get, path = "/v1/events", tag = "events", operation_id = "listEvents",
    params(
        ("Last-Event-ID" = Option<String>, Header, description = "The last event heard.", example = "4711"),
        schema::Paging<schema::EventId>, schema::Created,
        ("type" = inline(Option<TypeFilter>), Query, example = "payment.*",
            description = "Only events of this type: a whole one, or its first part and `.*`."),
    ),
    responses(
        (status = 200, description = "Part of the list; or each event's `data` is such an event.", content(
            (EventList = "application/json"),
            (schema::StreamedEvent = "text/event-stream"),
        )),
        ListenProblems,
    ),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"]), ("wallet_token" = [])),
)]
pub(crate) async fn listen(
    State(app): State<App>,
    party: Party,
    query: Query,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    match party {
        Party::Merchant(merchant) if merchant.till().is_none() && !wants_stream(&headers) => {
            list(&app, merchant.id(), Asked::parse(query)?).await
        }
        // Only a list has parts, and these have none.
        _ if !wants_stream(&headers) && !query.is_empty() => {
            Asked::parse(query)?;
            let reason = "a till and a wallet have no list of events: they listen, with `Accept: text/event-stream`";
            Err(Problem::new(Code::Forbidden, reason))
        }
        party => {
            query.finish()?;
            stream_to(app, party, &headers)
        }
    }
}

fn wants_stream(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter().filter_map(|accept| accept.to_str().ok());
    accepted.flat_map(|accept| accept.split(',')).any(|media| media.trim().starts_with("text/event-stream"))
}

/// Which part of the list is asked for.
struct Asked {
    /// A whole type, or its first part and `.*`.
    r#type: Option<String>,
    filter: EventFilter,
    page: PageOf<EventId>,
}

impl Asked {
    fn parse(mut query: Query) -> Result<Self, Problem> {
        let r#type: Option<String> = query.take("type", "must be an event's type")?;
        let kinds = r#type.as_deref().map(told::kinds_of).unwrap_or_default();
        if r#type.is_some() && kinds.is_empty() {
            return Err(Problem::field("type", "is no event's type: `payment.succeeded` and `payment.*` are"));
        }
        let filter = EventFilter { kinds, created: query.take_created()? };
        Ok(Self { r#type, filter, page: query.into_page()? })
    }
}

async fn list(app: &App, merchant: MerchantId, asked: Asked) -> Result<Response, Problem> {
    let Asked { r#type, filter, page } = asked;
    let before = page.starting_after.map(position_of);
    let events = app.read(move |tables| tables.list_events(merchant, &filter, before, page.limit)).await?;
    let wanted = |event: &&StoredEvent| {
        let name = Telling::stored(event).name().unwrap_or_default();
        r#type.as_deref().is_none_or(|asked| asked.ends_with(".*") || asked == name)
    };
    let mut body = br#"{"data":["#.to_vec();
    for (index, event) in events.items.iter().filter(wanted).enumerate() {
        body.extend(if index > 0 { b",".as_slice() } else { b"" });
        body.extend(Telling::stored(event).json(app.directory())?);
    }
    body.extend(if events.has_more { br#"],"has_more":true}"#.as_slice() } else { br#"],"has_more":false}"# });
    Ok(respond_with(StatusCode::OK, body))
}

/// An event's id has its journal position in it.
fn position_of(id: EventId) -> u64 {
    u64::try_from(id.as_u128() & ((1 << 62) - 1)).unwrap_or(u64::MAX)
}

problems!(GetProblems: InvalidId, NotFound);

/// Get an event
///
/// The same bytes each time.
#[utoipa::path(
    get, path = "/v1/events/{id}", tag = "events", operation_id = "getEvent",
    params(("id" = inline(schema::EventId), Path, description = "The event's id.")),
    responses((status = 200, description = "The event.", body = EventView), GetProblems),
    security(("merchant_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    merchant: BackOffice<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let id: EventId = id.parse()?;
    let merchant = merchant.id();
    let event = app.read(move |tables| tables.event(merchant, position_of(id))).await?;
    let event = event.filter(|event| event_id(event.at.0, event.position) == id).ok_or_else(Problem::not_found)?;
    Ok(respond_with(StatusCode::OK, Telling::stored(&event).json(app.directory())?))
}

fn stream_to(app: App, party: Party, headers: &HeaderMap) -> Result<Response, Problem> {
    let resume = headers.get(LAST_EVENT_ID).map(|id| {
        let position = id.to_str().ok().and_then(|text| text.parse().ok());
        position.map_or(Resume::Unknown, Resume::After)
    });
    let subscription = app.hub().subscribe(party.owner(), resume).map_err(|full| match full {
        Full::OfOne => Problem::new(Code::TooManyListeners, "close another event stream first"),
        Full::Altogether => Problem::overloaded(),
    })?;
    let writer = Writer::new(app, subscription, party);
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
    party: Party,
    heartbeat: Interval,
    closing: watch::Receiver<bool>,
}

impl Writer {
    fn new(app: App, subscription: Subscription, party: Party) -> Self {
        let mut heartbeat = interval(app.options().heartbeat);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.reset();
        Self { closing: app.closing(), app, subscription, party, heartbeat }
    }

    /// The next bytes; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        let heard = loop {
            let heard = tokio::select! {
                biased;
                _ = self.closing.wait_for(|closing| *closing) => return None,
                heard = self.subscription.next() => heard?,
                _ = self.heartbeat.tick() => return Some(Bytes::from_static(HEARTBEAT)),
            };
            match &heard {
                Heard::Event(notice) if !self.is_in_sight(notice) => {}
                _ => break heard,
            }
        };
        self.heartbeat.reset();
        let text = match heard {
            Heard::Reset(position) => self.write_reset(position),
            Heard::Event(notice) => match self.write_event(&notice) {
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

    /// A till hears of its store only.
    fn is_in_sight(&self, notice: &Notice) -> bool {
        match self.party {
            Party::Merchant(merchant) if merchant.till().is_some() => {
                self.telling(notice).tag().is_some_and(|tag| merchant.may_see_tag(&self.app, tag))
            }
            Party::Merchant(_) | Party::Wallet(_) => true,
        }
    }

    fn telling<'a>(&self, notice: &'a Notice) -> Telling<'a> {
        let record = notice.record();
        let to = match self.party {
            Party::Merchant(_) => Audience::Merchant,
            Party::Wallet(_) => Audience::Wallet,
        };
        Telling { position: notice.position(), at: record.at, event: &record.event, order: notice.closed_order(), to }
    }

    /// What cannot be told must at least be read again.
    fn write_reset(&self, position: u64) -> Result<Vec<u8>, Problem> {
        let json = told::reset(position, self.app.options().source.now())?;
        Ok(framed(position, "reset", &json))
    }

    /// The text of an event. It is made without the tables, so that no event holds up those behind it.
    fn write_event(&self, notice: &Notice) -> Result<Vec<u8>, Problem> {
        let telling = self.telling(notice);
        let json = telling.json(self.app.directory())?;
        Ok(framed(telling.position, telling.name().unwrap_or_default(), &json))
    }
}

/// JSON has no line breaks, so one `data` line holds it.
fn framed(position: u64, name: &str, json: &[u8]) -> Vec<u8> {
    let mut text = format!("id: {position}\nevent: {name}\ndata: ").into_bytes();
    text.extend(json);
    text.extend(b"\n\n");
    text
}
