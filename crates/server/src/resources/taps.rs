//! Taps: a phone has touched a tag.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::{OrderId, TagId, TapId, WalletId};
use money::{Currency, Money};
use payments::{Action, Answer, Order, Tap, Text};
use serde::{Deserialize, Serialize};
use tag::{TapError, VerifiedTap};
use utoipa::ToSchema;

use super::merchants::{MerchantName, Place, StoreView};
use super::orders::{CaptureMethod, ItemView};
use crate::app::App;
use crate::auth::Wallet;
use crate::json::{Posted, respond};
use crate::path::PathId;
use crate::problem::{Code, Problem};
use crate::query::NoQuery;
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// One verified touch of a tag, and what it leads to.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tap)]
struct TapView<'a> {
    #[schema(value_type = schema::TapId)]
    id: TapId,
    #[schema(value_type = schema::WalletId)]
    wallet: WalletId,
    #[schema(value_type = schema::TagId)]
    tag: TagId,
    /// What is written on the tag.
    #[schema(example = "Till 1")]
    label: &'a str,
    /// Who will be paid.
    merchant: MerchantName<'a>,
    /// Where.
    store: StoreView<'a>,
    /// The order that waits there; `null` at a standing tag, where the payer types the amount.
    #[schema(required)]
    order: Option<TapOrder<'a>>,
    /// What will be paid in.
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
    /// From when the tap can no longer be paid with.
    #[schema(value_type = schema::Timestamp)]
    expires_at: Timestamp,
}

/// What the payer is told of an order.
#[derive(Debug, Serialize, ToSchema)]
struct TapOrder<'a> {
    #[schema(value_type = schema::OrderId)]
    id: OrderId,
    /// How much; `null` lets the payer type it.
    #[schema(value_type = Option<schema::Money>, required)]
    amount: Option<Money>,
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// The merchant's words.
    #[schema(value_type = Option<String>, required, example = "2 × oolong")]
    description: Option<&'a Text>,
    /// What is bought.
    items: Vec<ItemView<'a>>,
    /// Whether the payer may add a tip.
    tipping: bool,
    /// `manual`: paying holds the money until the merchant captures it.
    capture: CaptureMethod,
    /// From when it can no longer be paid.
    #[schema(value_type = schema::Timestamp)]
    expires_at: Timestamp,
}

impl<'a> TapOrder<'a> {
    fn new(order: &'a Order) -> Self {
        Self {
            id: order.id,
            amount: order.amount.map(|amount| Money::new(amount, order.currency)),
            currency: order.currency,
            description: order.description.as_ref(),
            items: ItemView::of(order),
            tipping: order.details.as_ref().is_some_and(|details| details.tipping),
            capture: CaptureMethod::of(order),
            expires_at: Timestamp(order.expires_at),
        }
    }
}

/// A touch to report.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTap)]
pub(crate) struct TapRequest {
    /// The URL that the phone read from the tag, as it is.
    #[schema(value_type = schema::TouchUrl)]
    url: String,
}

problems!(OpenProblems:
    TapUrlMalformed, TapInvalid, TagUnknown, TagInactive, TapReplayed, NothingToPay);

/// Report a touch of a tag
///
/// The server verifies that the tag signed the URL just now: its read counter must be above the last one accepted. The
/// tap belongs to this wallet and can be paid with for three minutes. A URL that met `nothing_to_pay` is not used up,
/// nor is its idempotency key: post the same again until the shop has asked.
#[utoipa::path(
    post, path = "/v1/taps", tag = "taps", operation_id = "openTap",
    request_body = TapRequest,
    responses((status = 201, description = "The touch is genuine and new.", body = TapView), OpenProblems),
    security(("wallet_token" = [])),
)]
pub(crate) async fn open(State(app): State<App>, posted: Posted<Wallet, TapRequest>) -> Result<Response, Problem> {
    let opened = open_tap(&app, posted).await;
    let (tap, order) = app.metrics().taps.count(opened)?;
    respond_tap(&app, StatusCode::CREATED, &tap, order.as_ref())
}

async fn open_tap(app: &App, posted: Posted<Wallet, TapRequest>) -> Result<(Tap, Option<Order>), Problem> {
    let Posted { actor, body, request } = posted;
    let reading = verify(app, &body.url, request).await?;
    match app.submit(Action::OpenTap { id: app.new_id(), wallet: actor.id(), reading }, request).await? {
        Answer::Tap(tap, order) => Ok((tap, order)),
        other => Err(Problem::internal(format_args!("the core answered {other:?} instead of a tap"))),
    }
}

async fn verify(app: &App, url: &str, request: Option<payments::Request>) -> Result<VerifiedTap, Problem> {
    match app.tag_keys().verify_url(url) {
        Ok(reading) => Ok(reading),
        Err(TapError::Malformed(reason)) => Err(Problem::new(Code::TapUrlMalformed, reason.to_string()).at("url")),
        Err(refusal @ (TapError::NotOurs | TapError::Retired { .. } | TapError::Unusable { .. })) => {
            Err(Problem::new(Code::TapInvalid, refusal.to_string()).at("url"))
        }
        Err(refusal @ TapError::KeysUnavailable { .. }) => Err(Problem::new(Code::Unavailable, refusal.to_string())),
        Err(TapError::Forged { claimed }) => {
            let told = app.submit(Action::ReportForgedTap { claimed }, request).await;
            let refused = told.err().unwrap_or_else(|| Problem::internal("the core accepted a forged tap"));
            Err(refused.at("url"))
        }
    }
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a tap
#[utoipa::path(
    get, path = "/v1/taps/{id}", tag = "taps", operation_id = "getTap",
    params(("id" = inline(schema::TapId), Path, description = "The tap's id.")),
    responses((status = 200, description = "The tap.", body = TapView), GetProblems),
    security(("wallet_token" = [])),
)]
pub(crate) async fn get(State(app): State<App>, wallet: Wallet, _: NoQuery, id: PathId) -> Result<Response, Problem> {
    let id: TapId = id.parse()?;
    let found = app
        .read(move |tables| {
            let Some((tap, _)) = tables.tap(id)? else { return Ok(None) };
            let order = tap.order.map(|order| tables.order(order)).transpose()?.flatten();
            Ok(Some((tap, order)))
        })
        .await?;
    let own = found.filter(|(tap, _)| tap.wallet == wallet.id());
    let (tap, order) = own.ok_or_else(Problem::not_found)?;
    respond_tap(&app, StatusCode::OK, &tap, order.as_ref())
}

fn respond_tap(app: &App, status: StatusCode, tap: &Tap, order: Option<&Order>) -> Result<Response, Problem> {
    let place = Place::of(app, tap.tag)?;
    let view = TapView {
        id: tap.id,
        wallet: tap.wallet,
        tag: tap.tag,
        label: place.tag.label.as_str(),
        merchant: MerchantName::new(&place.merchant),
        store: StoreView::new(&place.store),
        order: order.map(TapOrder::new),
        currency: tap.currency,
        created_at: Timestamp(tap.created_at),
        expires_at: Timestamp(tap.expires_at()),
    };
    respond(status, &view)
}
