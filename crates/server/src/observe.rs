//! Around every request: an id, the time it took, its problem's document, and a line in the log when we failed.
//!
//! Nothing that is logged here was written by the caller, except a route that exists.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderValue;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use ids::RequestId;

use crate::app::App;
use crate::problem::{Code, Problem};
use crate::rate;

/// The header with the request's id.
pub(crate) const REQUEST_ID: &str = "request-id";

pub(crate) async fn observe(State(app): State<App>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id: RequestId = app.new_id();
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map(MatchedPath::as_str);
    let (handled, allowance) = rate::observe(AssertUnwindSafe(next.run(request)).catch_unwind()).await;
    let mut response = handled.unwrap_or_else(|_| Problem::internal("the handler panicked").into_response());
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = problem.write(id, response);
        // A refusal for load, or for want of room, is no failure, and a line for each would turn a flood of requests into
        // one of the log.
        if response.status().is_server_error() && !matches!(problem.code(), Code::Overloaded | Code::DiskFull) {
            let (code, cause) = (problem.code().name(), problem.cause());
            tracing::error!(request_id = %id, %method, route, code, cause, "a request failed");
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let Some(allowance) = allowance {
        allowance.write(response.headers_mut());
    }
    let latency = started.elapsed();
    app.metrics().count(route, &method, response.status(), latency);
    tracing::debug!(request_id = %id, %method, route, status = response.status().as_u16(), ?latency, "answered");
    response
}
