//! Captures: parts of a hold that were taken.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::{CaptureId, MerchantId, PaymentId};
use money::Money;
use payments::{Action, Answer, Capture, NewCapture};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::amounts::MinorUnits;
use super::payments::{own_payment, sum_of};
use crate::app::App;
use crate::auth::{Merchant, Read, Write};
use crate::json::{Posted, present, respond};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::Query;
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// A part of a hold that was taken.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Capture)]
pub(crate) struct CaptureView {
    #[schema(value_type = schema::CaptureId)]
    id: CaptureId,
    #[schema(value_type = schema::PaymentId)]
    payment: PaymentId,
    /// Who took it.
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    #[schema(value_type = schema::Money)]
    amount: Money,
    /// What of the hold went back to the payer with it: all the rest, if it was the last one.
    released: MinorUnits,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
}

impl CaptureView {
    pub(crate) fn new(capture: &Capture) -> Self {
        Self {
            id: capture.id,
            payment: capture.payment,
            merchant: capture.merchant,
            amount: Money::new(capture.amount, capture.currency),
            released: MinorUnits::new(capture.released, capture.currency),
            created_at: Timestamp(capture.created_at),
        }
    }
}

/// Part of the list of captures.
#[derive(Debug, Serialize, ToSchema)]
struct CaptureList {
    /// The newest first.
    data: Vec<CaptureView>,
    /// Whether older ones follow.
    has_more: bool,
}

/// What to capture.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewCapture)]
pub(crate) struct CaptureRequest {
    /// How much. Left out: all that is still held.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Money>, nullable = false)]
    amount: Option<Money>,
    /// Whether it is the last capture: what is left then goes back to the payer at once. Otherwise it stays held until you
    /// capture or void it, or the hold expires.
    #[serde(default)]
    #[schema(default = false)]
    r#final: bool,
}

problems!(CaptureProblems:
    InvalidId, NotFound, NothingHeld, CaptureExceedsHold, PaymentProcessing, CurrencyMismatch, MerchantNotActive,
    ReceiverNotAccepted, CurrencyNotAccepted, BalanceOverflow);

/// Capture a payment
///
/// Takes all that is held, or a part. Captures together never pass the hold.
#[utoipa::path(
    post, path = "/v1/payments/{id}/capture", tag = "payments", operation_id = "capturePayment",
    params(("id" = inline(schema::PaymentId), Path, description = "The payment's id.")),
    request_body = CaptureRequest,
    responses((status = 201, description = "The money is the merchant's.", body = CaptureView), CaptureProblems),
    security(("merchant_key" = ["write"]), ("till_key" = ["write"])),
)]
pub(crate) async fn create(
    State(app): State<App>,
    id: PathId,
    posted: Posted<Merchant<Write>, CaptureRequest>,
) -> Result<Response, Problem> {
    let Posted { actor, body, request } = posted;
    let payment = own_payment(&app, actor, id.parse()?).await?;
    let new = NewCapture {
        id: app.new_id(),
        merchant: actor.id(),
        payment: payment.id,
        amount: sum_of(&payment, body.amount)?,
        is_last: body.r#final,
    };
    match app.submit(Action::Capture(new), request).await? {
        Answer::Capture(capture) => respond(StatusCode::CREATED, &CaptureView::new(&capture)),
        other => Err(Problem::internal(format_args!("the core answered {other:?} instead of a capture"))),
    }
}

problems!(ListProblems: InvalidId, NotFound);

/// List a payment's captures
///
/// The newest first. A payment that moved at once has none.
#[utoipa::path(
    get, path = "/v1/payments/{id}/captures", tag = "payments", operation_id = "listCaptures",
    params(
        ("id" = inline(schema::PaymentId), Path, description = "The payment's id."),
        schema::Paging<schema::CaptureId>,
    ),
    responses((status = 200, description = "Part of the list.", body = CaptureList), ListProblems),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"])),
)]
pub(crate) async fn list(
    State(app): State<App>,
    actor: Merchant<Read>,
    query: Query,
    id: PathId,
) -> Result<Response, Problem> {
    let page = query.into_page::<CaptureId>()?;
    let payment = own_payment(&app, actor, id.parse()?).await?.id;
    let captures = app.read(move |tables| tables.captures_of(payment, page.starting_after, page.limit)).await?;
    let data = captures.items.iter().map(CaptureView::new).collect();
    respond(StatusCode::OK, &CaptureList { data, has_more: captures.has_more })
}
