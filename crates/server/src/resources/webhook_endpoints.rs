//! Webhook endpoints: where a merchant is told of events.

use ::payments::{Text, UnixMillis};
use ::webhooks::{Attempt, Change, Endpoint, EndpointState, EventFilter, NewEndpoint, Outcome, Webhooks, check_url};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::{EventId, WebhookEndpointId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::orders::Nothing;
use crate::app::App;
use crate::auth::{Admitted, BackOffice, Read, Write};
use crate::control::{Control, Reply, Secret, SecretHere, control};
use crate::json::{Edit, Posted, present, respond};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;
use crate::webhooks::Service;

/// The longest that two secrets overlap, in seconds: thirty days.
const MAX_OVERLAP_SECONDS: u64 = 30 * 24 * 60 * 60;

/// Where a merchant is told of events.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoint)]
pub(crate) struct EndpointView {
    #[schema(value_type = schema::WebhookEndpointId)]
    id: WebhookEndpointId,
    /// Where deliveries go.
    #[schema(example = "https://example.com/tapstone")]
    url: String,
    /// Which events: all (`*`), a family (`payment.*`), or one (`payment.succeeded`).
    #[schema(example = json!(["payment.*"]))]
    events: Vec<String>,
    /// Your own words for it.
    #[schema(required, example = "Bookkeeping")]
    description: Option<String>,
    status: StatusName,
    /// Whether it has done nothing but fail lately: it is asked now and then whether it lives, and gets everything when
    /// it does.
    is_failing: bool,
    /// Deliveries that have not come to an end.
    pending: usize,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
}

/// Whether an endpoint is told anything.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookEndpointStatus)]
enum StatusName {
    /// It is.
    Enabled,
    /// You have disabled it. It keeps its place, and goes on from there.
    Disabled,
    /// It has answered `410 Gone`. Enable it, and it goes on.
    Gone,
}

impl EndpointView {
    fn new(webhooks: &Webhooks, endpoint: &Endpoint) -> Self {
        Self {
            id: endpoint.id,
            url: endpoint.url.to_string(),
            events: endpoint.events.patterns(),
            description: endpoint.description.clone(),
            status: match endpoint.state {
                EndpointState::Enabled => StatusName::Enabled,
                EndpointState::Disabled => StatusName::Disabled,
                EndpointState::Gone => StatusName::Gone,
            },
            is_failing: webhooks.is_failing(endpoint.id),
            pending: webhooks.waiting(endpoint.id),
            created_at: Timestamp(UnixMillis(endpoint.created_at)),
        }
    }
}

/// An endpoint with its signing secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpointWithSecret)]
struct EndpointWithSecret {
    #[serde(flatten)]
    endpoint: EndpointView,
    /// What its deliveries are signed with (Standard Webhooks). Keep it: it is not shown again.
    #[schema(value_type = String, example = "whsec_…")]
    secret: SecretHere,
}

/// All endpoints.
#[derive(Debug, Serialize, ToSchema)]
struct WebhookEndpointList {
    /// The newest first.
    data: Vec<EndpointView>,
    /// Whether older ones follow.
    has_more: bool,
}

/// An endpoint to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewWebhookEndpoint)]
pub(crate) struct EndpointRequest {
    /// Where deliveries go: `https`, a host on the public Internet, port 443 or one from 1024 on.
    #[schema(value_type = schema::EndpointUrl)]
    url: String,
    /// Which events: all (`*`), families (`payment.*`), single ones (`payment.succeeded`). Left out: all.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<schema::EventPattern>>, nullable = false, min_items = 1, max_items = 50, example = json!(["payment.*"]))]
    events: Option<Patterns>,
    /// Your own words for it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Words>, nullable = false, example = "Bookkeeping")]
    description: Option<Text>,
}

/// What to change of an endpoint. What is left out stays; `null` takes away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookEndpointChanges)]
pub(crate) struct EndpointChanges {
    /// Where deliveries go from now on, those that wait already included.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::EndpointUrl>, nullable = false)]
    url: Option<String>,
    /// Which events are told from now on.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Vec<schema::EventPattern>>, nullable = false, min_items = 1, max_items = 50, example = json!(["*"]))]
    events: Option<Patterns>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Words>)]
    description: Edit<Text>,
    /// Whether it is told anything. While it is not it keeps its place, and goes on from there.
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false)]
    enabled: Option<bool>,
}

/// Patterns of event types.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Vec<String>")]
struct Patterns(EventFilter);

impl TryFrom<Vec<String>> for Patterns {
    type Error = ::webhooks::FilterError;

    fn try_from(patterns: Vec<String>) -> Result<Self, Self::Error> {
        EventFilter::parse(patterns.iter().map(String::as_str)).map(Self)
    }
}

fn target(service: &Service, url: &str) -> Result<::webhooks::Target, Problem> {
    check_url(url, service.network()).map_err(|error| Problem::field("url", error.to_string()))
}

problems!(CreateProblems: TooManyEndpoints);

/// Make a webhook endpoint
///
/// It is told of what happens from now on. Deliveries are signed POSTs (Standard Webhooks), at least once each and in
/// order per object; what fails is tried again for three days. A merchant has at most 20.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints", tag = "webhooks", operation_id = "createWebhookEndpoint",
    request_body = EndpointRequest,
    responses((status = 201, description = "It is told from now on.", body = EndpointWithSecret), CreateProblems),
    security(("merchant_key" = ["write"])),
)]
pub(crate) async fn create(
    State(app): State<App>,
    request: Control<BackOffice<Write>, EndpointRequest>,
) -> Result<Response, Problem> {
    let service = app.webhooks()?.clone();
    let (id, secret) = (app.new_id(), ::webhooks::Secret::from_random(app.random()));
    let position = app.engine().status().durable_position;
    let created = control(&app, request, move |change, merchant, body| {
        let new = NewEndpoint {
            id,
            merchant: merchant.id(),
            url: target(&service, &body.url)?,
            events: body.events.map_or_else(EventFilter::all, |patterns| patterns.0),
            description: body.description.map(|text| text.as_str().to_owned()),
            position,
        };
        let shown = Secret::new(secret.expose().as_str());
        let endpoint = service.with_blocking(move |webhooks, now| {
            let made = webhooks.create(new, &secret, now)?.clone();
            Ok::<_, Problem>(EndpointView::new(webhooks, &made))
        })??;
        change.note("webhook_endpoint.created", &id.to_string(), Some(merchant.id()), &endpoint, None)?;
        Reply::with_secret(StatusCode::CREATED, &EndpointWithSecret { endpoint, secret: SecretHere }, shown)
    });
    Ok(created.await?.into_response())
}

/// List webhook endpoints
#[utoipa::path(
    get, path = "/v1/webhook_endpoints", tag = "webhooks", operation_id = "listWebhookEndpoints",
    params(schema::Paging<schema::WebhookEndpointId>),
    responses((status = 200, description = "Part of the list.", body = WebhookEndpointList)),
    security(("merchant_key" = ["read"])),
)]
pub(crate) async fn list(
    State(app): State<App>,
    merchant: BackOffice<Read>,
    query: Query,
) -> Result<Response, Problem> {
    let page = query.into_page::<WebhookEndpointId>()?;
    let all = app.webhooks()?.with(move |webhooks, _| {
        let own = webhooks.endpoints(merchant.id()).into_iter();
        let own = own.filter(|endpoint| page.starting_after.is_none_or(|after| endpoint.id < after));
        own.map(|endpoint| EndpointView::new(webhooks, endpoint)).collect::<Vec<_>>()
    });
    let mut data = all.await?;
    let limit = usize::try_from(page.limit).unwrap_or(usize::MAX);
    let has_more = data.len() > limit;
    data.truncate(limit);
    respond(StatusCode::OK, &WebhookEndpointList { data, has_more })
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a webhook endpoint
#[utoipa::path(
    get, path = "/v1/webhook_endpoints/{id}", tag = "webhooks", operation_id = "getWebhookEndpoint",
    params(("id" = inline(schema::WebhookEndpointId), Path, description = "The endpoint's id.")),
    responses((status = 200, description = "The endpoint.", body = EndpointView), GetProblems),
    security(("merchant_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    merchant: BackOffice<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let id: WebhookEndpointId = id.parse()?;
    let found = app.webhooks()?.with(move |webhooks, _| {
        let endpoint = webhooks.endpoint(merchant.id(), id)?;
        Ok::<_, Problem>(EndpointView::new(webhooks, endpoint))
    });
    respond(StatusCode::OK, &found.await??)
}

problems!(UpdateProblems: InvalidId, NotFound);

/// Change a webhook endpoint
///
/// A new URL, or enabling it, sends what waits at once.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}", tag = "webhooks", operation_id = "updateWebhookEndpoint",
    params(("id" = inline(schema::WebhookEndpointId), Path, description = "The endpoint's id.")),
    request_body = EndpointChanges,
    responses((status = 200, description = "The endpoint as it is now.", body = EndpointView), UpdateProblems),
    security(("merchant_key" = ["write"])),
)]
pub(crate) async fn update(
    State(app): State<App>,
    id: PathId,
    request: Control<BackOffice<Write>, EndpointChanges>,
) -> Result<Response, Problem> {
    let id: WebhookEndpointId = id.parse()?;
    let service = app.webhooks()?.clone();
    let updated = control(&app, request, move |change, merchant, body| {
        let url = body.url.as_deref().map(|url| target(&service, url)).transpose()?;
        let (events, enabled) = (body.events.map(|patterns| patterns.0), body.enabled);
        let endpoint = service.with_blocking(move |webhooks, _| {
            let before = webhooks.endpoint(merchant.id(), id)?.description.clone();
            let mut description = before.and_then(|text| Text::try_from(text).ok());
            body.description.apply(&mut description);
            let description = Some(description.map(|text| text.as_str().to_owned()));
            let changed = webhooks.update(merchant.id(), id, Change { url, events, description, enabled })?.clone();
            Ok::<_, Problem>(EndpointView::new(webhooks, &changed))
        })??;
        change.note("webhook_endpoint.updated", &id.to_string(), Some(merchant.id()), &endpoint, None)?;
        Reply::new(StatusCode::OK, &endpoint)
    });
    Ok(updated.await?.into_response())
}

problems!(DeleteProblems: InvalidId, NotFound, Unavailable, DiskFull);

/// Delete a webhook endpoint
///
/// And all its deliveries. What is under way may still arrive.
#[utoipa::path(
    delete, path = "/v1/webhook_endpoints/{id}", tag = "webhooks", operation_id = "deleteWebhookEndpoint",
    params(("id" = inline(schema::WebhookEndpointId), Path, description = "The endpoint's id.")),
    responses((status = 204, description = "It is deleted."), DeleteProblems),
    security(("merchant_key" = ["write"])),
)]
pub(crate) async fn delete(
    State(app): State<App>,
    merchant: BackOffice<Write>,
    _: NoQuery,
    id: PathId,
) -> Result<StatusCode, Problem> {
    let id: WebhookEndpointId = id.parse()?;
    let (service, author) = (app.webhooks()?.clone(), app.author(merchant.key()));
    app.with_directory(move |directory| {
        directory.change(author, |change| {
            service.with_blocking(move |webhooks, _| webhooks.delete(merchant.id(), id))??;
            change.note("webhook_endpoint.deleted", &id.to_string(), Some(merchant.id()), &(), None)?;
            Ok(StatusCode::NO_CONTENT)
        })
    })
    .await
}

/// How to rotate a secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SecretRotation)]
pub(crate) struct RotateRequest {
    /// How long deliveries are signed with the old secret too; 0 ends it at once.
    #[serde(default)]
    #[schema(value_type = u64, maximum = 2_592_000, default = 86_400)]
    overlap_seconds: Overlap,
}

/// How long two secrets are good together, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
struct Overlap(u64);

impl Default for Overlap {
    fn default() -> Self {
        Self(24 * 60 * 60)
    }
}

impl TryFrom<u64> for Overlap {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, &'static str> {
        if seconds <= MAX_OVERLAP_SECONDS { Ok(Self(seconds)) } else { Err("must be a number from 0 to 2592000") }
    }
}

problems!(RotateProblems: InvalidId, NotFound);

/// Rotate an endpoint's secret
///
/// Deliveries are signed with the new secret, and for a while with the old one too: put the new one in place before that
/// is over.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/rotate_secret", tag = "webhooks", operation_id = "rotateWebhookSecret",
    params(("id" = inline(schema::WebhookEndpointId), Path, description = "The endpoint's id.")),
    request_body = RotateRequest,
    responses((status = 200, description = "The new secret is in use.", body = EndpointWithSecret), RotateProblems),
    security(("merchant_key" = ["write"])),
)]
pub(crate) async fn rotate_secret(
    State(app): State<App>,
    id: PathId,
    request: Control<BackOffice<Write>, RotateRequest>,
) -> Result<Response, Problem> {
    let id: WebhookEndpointId = id.parse()?;
    let (service, secret) = (app.webhooks()?.clone(), ::webhooks::Secret::from_random(app.random()));
    let rotated = control(&app, request, move |change, merchant, body| {
        let (shown, overlap_ms) = (Secret::new(secret.expose().as_str()), body.overlap_seconds.0 * 1_000);
        let endpoint = service.with_blocking(move |webhooks, now| {
            let rotated = webhooks.rotate_secret(merchant.id(), id, &secret, overlap_ms, now)?.clone();
            Ok::<_, Problem>(EndpointView::new(webhooks, &rotated))
        })??;
        change.note("webhook_endpoint.secret_rotated", &id.to_string(), Some(merchant.id()), &(), None)?;
        Reply::with_secret(StatusCode::OK, &EndpointWithSecret { endpoint, secret: SecretHere }, shown)
    });
    Ok(rotated.await?.into_response())
}

/// The body of a message of trial.
#[derive(Debug, Serialize)]
struct Ping {
    id: EventId,
    r#type: &'static str,
    created_at: Timestamp,
    data: PingData,
}

#[derive(Debug, Serialize)]
struct PingData {
    endpoint: WebhookEndpointId,
}

/// What came of a message of trial.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookTest)]
struct TestView {
    /// The message's id.
    #[schema(value_type = schema::EventId)]
    event: EventId,
    /// Whether it was taken: the answer was 2xx.
    delivered: bool,
    /// The answer's HTTP status; `null` if there was none.
    #[schema(required, example = 200)]
    status: Option<u16>,
    /// Why there was no answer.
    #[schema(required, example = "no answer within 15 s")]
    error: Option<String>,
    /// How the answer's body begins.
    response: String,
    duration_ms: u64,
}

impl TestView {
    fn new(event: EventId, attempt: Attempt) -> Self {
        let (status, error, response) = match attempt.outcome {
            Outcome::Answered { status, response } => {
                (Some(status), None, String::from_utf8_lossy(&response).into_owned())
            }
            Outcome::Failed(error) => (None, Some(error.into_owned()), String::new()),
        };
        let delivered = status.is_some_and(|status| (200..300).contains(&status));
        Self { event, delivered, status, error, response, duration_ms: attempt.duration_ms }
    }
}

problems!(TestProblems: InvalidId, NotFound);

/// Test a webhook endpoint
///
/// Sends an event of the type `ping` at once, also to one that is disabled, and says what came of it. It is tried once, is
/// in no log, and is sent anew each time this is asked.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/test", tag = "webhooks", operation_id = "testWebhookEndpoint",
    params(("id" = inline(schema::WebhookEndpointId), Path, description = "The endpoint's id.")),
    responses((status = 200, description = "What came of it.", body = TestView), TestProblems),
    security(("merchant_key" = ["write"])),
)]
pub(crate) async fn test(
    State(app): State<App>,
    id: PathId,
    posted: Posted<BackOffice<Write>, Nothing>,
) -> Result<Response, Problem> {
    let id: WebhookEndpointId = id.parse()?;
    let random = u64::from_le_bytes(*app.random().first_chunk().unwrap_or(&[0; 8]));
    let render = move |event, now| {
        let created_at = Timestamp(UnixMillis(now));
        let ping = Ping { id: event, r#type: "ping", created_at, data: PingData { endpoint: id } };
        // Nothing in it can fail to serialise.
        serde_json::to_vec(&ping).unwrap_or_default()
    };
    let (event, attempt) = app.webhooks()?.ping(posted.actor.id(), id, random, render).await??;
    respond(StatusCode::OK, &TestView::new(event, attempt))
}

/// Which events to deliver once more.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WebhookReplay)]
pub(crate) struct ReplayRequest {
    /// The first event.
    #[schema(value_type = schema::EventId)]
    from: EventId,
    /// The last event; left out, the newest that the endpoint was told of.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::EventId>, nullable = false)]
    to: Option<EventId>,
}

problems!(ReplayProblems: InvalidId, NotFound, EndpointBusy);

/// Replay a range of events
///
/// Delivers the events from one to another once more, both included, as far as the endpoint was told of them and they
/// match what it asks for. They have the same ids and, as long as they are in the log, the same bytes.
#[utoipa::path(
    post, path = "/v1/webhook_endpoints/{id}/replay", tag = "webhooks", operation_id = "replayWebhookEvents",
    params(("id" = inline(schema::WebhookEndpointId), Path, description = "The endpoint's id.")),
    request_body = ReplayRequest,
    responses((status = 202, description = "They go out once more.", body = EndpointView), ReplayProblems),
    security(("merchant_key" = ["write"])),
)]
pub(crate) async fn replay(
    State(app): State<App>,
    id: PathId,
    request: Control<BackOffice<Write>, ReplayRequest>,
) -> Result<Response, Problem> {
    let id: WebhookEndpointId = id.parse()?;
    let service = app.webhooks()?.clone();
    let replayed = control(&app, request, move |change, merchant, body| {
        let (from, to) = (position(body.from), body.to.map_or(u64::MAX, position));
        if from > to {
            return Err(Problem::field("to", "must not be an event before `from`"));
        }
        let endpoint = service.with_blocking(move |webhooks, _| {
            webhooks.replay_range(merchant.id(), id, from, to)?;
            let endpoint = webhooks.endpoint(merchant.id(), id)?;
            Ok::<_, Problem>(EndpointView::new(webhooks, endpoint))
        })??;
        change.note("webhook_endpoint.replayed", &id.to_string(), Some(merchant.id()), &(), None)?;
        Reply::new(StatusCode::ACCEPTED, &endpoint)
    });
    Ok(replayed.await?.into_response())
}

/// The position that is in an event's id.
fn position(event: EventId) -> u64 {
    const POSITION: u128 = (1 << 62) - 1;
    u64::try_from(event.as_u128() & POSITION).unwrap_or(u64::MAX)
}
