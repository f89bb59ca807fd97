//! Deliveries: one event on its way to one webhook endpoint.

use ::payments::UnixMillis;
use ::webhooks::{Attempt, Delivery, DeliveryDetails, DeliveryStatus, Outcome, Selection};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::{DeliveryId, EventId, WebhookEndpointId};
use serde::Serialize;
use utoipa::ToSchema;

use super::orders::Nothing;
use crate::app::App;
use crate::auth::{BackOffice, Read, Write};
use crate::control::{Control, Reply, control};
use crate::json::respond;
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// The longest event type that a list is filtered by.
const MAX_EVENT_TYPE: usize = 64;

/// One event on its way to one endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView<'a> {
    #[schema(value_type = schema::DeliveryId)]
    id: DeliveryId,
    #[schema(value_type = schema::WebhookEndpointId)]
    endpoint: WebhookEndpointId,
    /// The event; its id is the message's `webhook-id`, the same at each attempt.
    #[schema(value_type = schema::EventId)]
    event: EventId,
    /// What happened.
    #[schema(example = "payment.succeeded")]
    event_type: &'a str,
    /// What it happened to. Deliveries about one object keep their order.
    #[schema(example = "pay_01h455vb4pex5vsknk084sn02q")]
    object: &'a str,
    status: StatusName,
    /// Attempts made.
    attempts: u32,
    /// When the next one is due; `null` if none is, or as soon as its turn comes.
    #[schema(value_type = Option<schema::Timestamp>, required)]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
    /// When it succeeded or died.
    #[schema(value_type = Option<schema::Timestamp>, required)]
    finished_at: Option<Timestamp>,
}

/// What has become of a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeliveryStatus)]
enum StatusName {
    /// It is on its way, or will be tried again.
    Pending,
    /// The answer was 2xx.
    Succeeded,
    /// It was tried for three days in vain. It can be replayed.
    Dead,
}

impl<'a> DeliveryView<'a> {
    fn new(delivery: &'a Delivery) -> Self {
        let timestamp = |at: u64| Timestamp(UnixMillis(at));
        Self {
            id: delivery.id,
            endpoint: delivery.endpoint,
            event: delivery.event,
            event_type: &delivery.event_type,
            object: &delivery.object,
            status: match delivery.status {
                DeliveryStatus::Pending => StatusName::Pending,
                DeliveryStatus::Succeeded => StatusName::Succeeded,
                DeliveryStatus::Dead => StatusName::Dead,
            },
            attempts: delivery.attempts,
            next_attempt_at: delivery.next_attempt_at.map(timestamp),
            created_at: timestamp(delivery.created_at),
            finished_at: delivery.finished_at.map(timestamp),
        }
    }
}

/// Part of the list of deliveries.
#[derive(Debug, Serialize, ToSchema)]
struct DeliveryList<'a> {
    /// The newest event first.
    data: Vec<DeliveryView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

/// One attempt to deliver.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryAttempt)]
struct AttemptView {
    /// From 1.
    number: u32,
    #[schema(value_type = schema::Timestamp)]
    at: Timestamp,
    duration_ms: u64,
    /// The answer's HTTP status; `null` if there was none.
    #[schema(required, example = 503)]
    status: Option<u16>,
    /// Why there was no answer.
    #[schema(required, example = "no answer within 15 s")]
    error: Option<String>,
    /// How the answer's body begins, at most 1,024 bytes.
    response: String,
}

impl AttemptView {
    fn new((number, attempt): (u32, Attempt)) -> Self {
        let (status, error, response) = match attempt.outcome {
            Outcome::Answered { status, response } => {
                (Some(status), None, String::from_utf8_lossy(&response).into_owned())
            }
            Outcome::Failed(error) => (None, Some(error.into_owned()), String::new()),
        };
        let at = Timestamp(UnixMillis(attempt.at));
        Self { number, at, duration_ms: attempt.duration_ms, status, error, response }
    }
}

/// A delivery with everything that is kept of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryWithAttempts)]
struct DetailsView<'a> {
    #[serde(flatten)]
    delivery: DeliveryView<'a>,
    /// The bytes that were and will be sent.
    #[schema(example = "{\"id\":\"evt_…\",\"type\":\"payment.succeeded\",…}")]
    body: String,
    /// The last 50, the oldest first.
    attempt_log: Vec<AttemptView>,
}

problems!(ListProblems: InvalidId, NotFound);

/// List an endpoint's deliveries
///
/// The log: the newest event first. What is done is kept for thirty days, if it does not grow too large before.
#[utoipa::path(
    get, path = "/v1/webhook_endpoints/{id}/deliveries", tag = "webhooks", operation_id = "listDeliveries",
    params(
        ("id" = inline(schema::WebhookEndpointId), Path, description = "The endpoint's id."),
        schema::Paging<schema::DeliveryId>,
        ("status" = Option<StatusName>, Query, description = "Only those of this status."),
        ("event_type" = Option<String>, Query, description = "Only those of events of this type.",
            min_length = 1, max_length = 64, example = "payment.succeeded"),
    ),
    responses((status = 200, description = "Part of the list.", body = DeliveryList), ListProblems),
    security(("merchant_key" = ["read"])),
)]
pub(crate) async fn list(
    State(app): State<App>,
    merchant: BackOffice<Read>,
    id: PathId,
    mut query: Query,
) -> Result<Response, Problem> {
    let id: WebhookEndpointId = id.parse()?;
    let status = match query.take::<String>("status", "")?.as_deref() {
        None => None,
        Some("pending") => Some(DeliveryStatus::Pending),
        Some("succeeded") => Some(DeliveryStatus::Succeeded),
        Some("dead") => Some(DeliveryStatus::Dead),
        Some(_) => return Err(Problem::field("status", "must be `pending`, `succeeded` or `dead`")),
    };
    let event_type = query.take::<String>("event_type", "")?;
    if event_type.as_ref().is_some_and(|name| !(1..=MAX_EVENT_TYPE).contains(&name.chars().count())) {
        return Err(Problem::field("event_type", "must have 1 to 64 characters"));
    }
    let page = query.into_page::<DeliveryId>()?;
    let selection = Selection { status, event_type, before: page.starting_after, limit: page.limit };
    let found = app.webhooks()?.with(move |webhooks, now| webhooks.deliveries(merchant.id(), id, &selection, now));
    let part = found.await??;
    let data = part.items.iter().map(DeliveryView::new).collect();
    respond(StatusCode::OK, &DeliveryList { data, has_more: part.has_more })
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a delivery
///
/// With the bytes that are sent, and its last attempts.
#[utoipa::path(
    get, path = "/v1/deliveries/{id}", tag = "webhooks", operation_id = "getDelivery",
    params(("id" = inline(schema::DeliveryId), Path, description = "The delivery's id.")),
    responses((status = 200, description = "The delivery.", body = DetailsView), GetProblems),
    security(("merchant_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    merchant: BackOffice<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let id: DeliveryId = id.parse()?;
    let found = app.webhooks()?.with(move |webhooks, now| webhooks.delivery(merchant.id(), id, now));
    let DeliveryDetails { delivery, body, attempts } = found.await??;
    let details = DetailsView {
        delivery: DeliveryView::new(&delivery),
        body: String::from_utf8_lossy(&body).into_owned(),
        attempt_log: attempts.into_iter().map(AttemptView::new).collect(),
    };
    respond(StatusCode::OK, &details)
}

problems!(ReplayProblems: InvalidId, NotFound, EndpointBusy);

/// Replay a delivery
///
/// Sends the same bytes under the same id once more, and again on the usual ladder if need be. One that waits to be tried
/// again goes at once.
#[utoipa::path(
    post, path = "/v1/deliveries/{id}/replay", tag = "webhooks", operation_id = "replayDelivery",
    params(("id" = inline(schema::DeliveryId), Path, description = "The delivery's id.")),
    responses((status = 202, description = "It goes out once more.", body = DeliveryView), ReplayProblems),
    security(("merchant_key" = ["write"])),
)]
pub(crate) async fn replay(
    State(app): State<App>,
    id: PathId,
    request: Control<BackOffice<Write>, Nothing>,
) -> Result<Response, Problem> {
    let id: DeliveryId = id.parse()?;
    let service = app.webhooks()?.clone();
    let replayed = control(&app, request, move |change, merchant, _| {
        let delivery = service.with_blocking(move |webhooks, now| webhooks.replay(merchant.id(), id, now))??;
        change.note("delivery.replayed", &id.to_string(), Some(merchant.id()), &(), None)?;
        Reply::new(StatusCode::ACCEPTED, &DeliveryView::new(&delivery))
    });
    Ok(replayed.await?.into_response())
}
