//! How the server is: for load balancers, process supervisors and monitoring.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, HeaderValue};
use axum::response::{IntoResponse, Response};

use crate::app::App;
use crate::bank;
use crate::metrics::Gauges;
use crate::problem::{Code, Problem};
use crate::reference::problems;

/// Whether the process is up
#[utoipa::path(
    get, path = "/healthz", tag = "operations", operation_id = "isAlive",
    responses((status = 200, description = "It is.", body = String, content_type = "text/plain", example = "ok\n")),
)]
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

problems!(ReadyProblems: Unavailable);

/// Whether commands are being decided
#[utoipa::path(
    get, path = "/readyz", tag = "operations", operation_id = "isReady",
    responses(
        (status = 200, description = "They are.", body = String, content_type = "text/plain", example = "ok\n"),
        ReadyProblems,
    ),
)]
pub(crate) async fn ready(State(app): State<App>) -> Result<&'static str, Problem> {
    let status = app.engine().status();
    if status.healthy && !*app.closing().borrow() {
        Ok("ok\n")
    } else if status.disk_full {
        Err(Problem::new(Code::Unavailable, "the disk is full; it goes on by itself when there is room"))
    } else {
        Err(Problem::new(Code::Unavailable, "the money core has stopped, or is about to"))
    }
}

/// Counters and histograms, for Prometheus
#[utoipa::path(
    get, path = "/metrics", tag = "operations", operation_id = "getMetrics",
    responses((status = 200, description = "The text format, version 0.0.4.", body = String, content_type = "text/plain")),
)]
pub(crate) async fn metrics(State(app): State<App>) -> Result<Response, Problem> {
    let bank = app.bank().ok();
    let gauges = Gauges {
        engine: app.engine().status(),
        listeners: app.hub().listening(),
        settled: bank.map(|bank| bank.counts()),
        open_breaks: bank.map(bank::Service::open_breaks),
        connections: app.options().max_connections.saturating_sub(app.connections().available_permits()),
    };
    let mut response = (StatusCode::OK, app.metrics().render(&gauges)?).into_response();
    let format = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, format);
    Ok(response)
}
