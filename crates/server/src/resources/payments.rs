//! Payments: money that moved from a wallet to a merchant.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::{OrderId, PaymentId, TagId, TapId, WalletId};
use money::Money;
use payments::{Action, Answer, Forced, Owner, Pay, Payment, Text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::merchants::{MerchantName, Place, StoreView};
use crate::app::App;
use crate::auth::{Party, Wallet};
use crate::json::{Posted, present, respond};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// Money that moved from a wallet to a merchant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub(crate) struct PaymentView<'a> {
    #[schema(value_type = schema::PaymentId)]
    id: PaymentId,
    status: PaymentStatus,
    #[schema(value_type = schema::WalletId)]
    wallet: WalletId,
    /// Who was paid.
    merchant: MerchantName<'a>,
    /// Where.
    store: StoreView<'a>,
    #[schema(value_type = schema::TagId)]
    tag: TagId,
    /// The tap that proves the payer's presence.
    #[schema(value_type = schema::TapId)]
    tap: TapId,
    /// The order that it paid; `null` at a standing tag.
    #[schema(value_type = Option<schema::OrderId>, required)]
    order: Option<OrderId>,
    /// The order's words for the payer.
    #[schema(value_type = Option<String>, required, example = "2 × oolong")]
    description: Option<&'a Text>,
    #[schema(value_type = schema::Money)]
    amount: Money,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
}

/// What has become of a payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum PaymentStatus {
    Succeeded,
}

impl<'a> PaymentView<'a> {
    pub(crate) fn new(payment: &'a Payment, place: &'a Place) -> Self {
        Self {
            id: payment.id,
            status: PaymentStatus::Succeeded,
            wallet: payment.wallet,
            merchant: MerchantName::new(&place.merchant),
            store: StoreView::new(&place.store),
            tag: payment.tag,
            tap: payment.tap,
            order: payment.order,
            description: payment.description.as_ref(),
            amount: Money::new(payment.amount, payment.currency),
            created_at: Timestamp(payment.created_at),
        }
    }
}

/// Part of the list of payments.
#[derive(Debug, Serialize, ToSchema)]
struct PaymentList<'a> {
    /// The newest first.
    data: Vec<PaymentView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

/// A payer's word to pay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPayment)]
pub(crate) struct PaymentRequest {
    /// The payer's tap.
    #[schema(value_type = schema::TapId)]
    tap: TapId,
    /// The amount that the payer typed, where the order leaves it open or there is none. Where the order asks for an
    /// amount it may be left out; if it is there, it must be the same, so that nobody pays what they did not see.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Money>, nullable = false)]
    amount: Option<Money>,
}

problems!(PayProblems:
    InsufficientFunds, NotFound, TapAlreadyUsed, OrderAlreadyPaid, OrderCancelled, OrderExpired, TapExpired,
    AmountRequired, AmountMismatch, CurrencyMismatch, CurrencyNotHeld, CurrencyNotAccepted, BalanceOverflow);

/// Pay
///
/// Moves the money at once, or says why not. An order is paid at most once, and so is a tap.
#[utoipa::path(
    post, path = "/v1/payments", tag = "payments", operation_id = "createPayment",
    request_body = PaymentRequest,
    responses((status = 201, description = "The money has moved.", body = PaymentView), PayProblems),
    security(("wallet_token" = [])),
)]
pub(crate) async fn pay(State(app): State<App>, posted: Posted<Wallet, PaymentRequest>) -> Result<Response, Problem> {
    let Posted { actor, body, request } = posted;
    let pay = Pay {
        id: app.new_id(),
        wallet: actor.id(),
        tap: body.tap,
        money: body.amount,
        tip: 0,
        forced: app.is_sandbox().then_some(Forced::ByAmount),
    };
    let paid = app.submit(Action::Pay(pay), request).await;
    match app.metrics().payments.count(paid)? {
        Answer::Payment(payment) => {
            let place = Place::of(&app, payment.tag)?;
            respond(StatusCode::CREATED, &PaymentView::new(&payment, &place))
        }
        other => Err(Problem::internal(format_args!("the core answered {other:?} instead of a payment"))),
    }
}

/// List payments
///
/// What the merchant received, or the wallet paid, newest first.
#[utoipa::path(
    get, path = "/v1/payments", tag = "payments", operation_id = "listPayments",
    params(schema::Paging<schema::PaymentId>),
    responses((status = 200, description = "Part of the list.", body = PaymentList)),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"]), ("wallet_token" = [])),
)]
pub(crate) async fn list(State(app): State<App>, party: Party, query: Query) -> Result<Response, Problem> {
    let page = query.into_page::<PaymentId>()?;
    let owner = party.owner();
    let payments = app.read(move |tables| tables.payments(owner, page.starting_after, page.limit)).await?;
    let places: Vec<Place> =
        payments.items.iter().map(|payment| Place::of(&app, payment.tag)).collect::<Result<_, _>>()?;
    let data = payments.items.iter().zip(&places).map(|(payment, place)| PaymentView::new(payment, place)).collect();
    respond(StatusCode::OK, &PaymentList { data, has_more: payments.has_more })
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a payment
#[utoipa::path(
    get, path = "/v1/payments/{id}", tag = "payments", operation_id = "getPayment",
    params(("id" = inline(schema::PaymentId), Path, description = "The payment's id.")),
    responses((status = 200, description = "The payment.", body = PaymentView), GetProblems),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"]), ("wallet_token" = [])),
)]
pub(crate) async fn get(State(app): State<App>, party: Party, _: NoQuery, id: PathId) -> Result<Response, Problem> {
    let id: PaymentId = id.parse()?;
    let payment = app.read(move |tables| tables.payment(id)).await?;
    let own = payment.filter(|payment| match party.owner() {
        Owner::Merchant(merchant) => payment.merchant == merchant,
        Owner::Wallet(wallet) => payment.wallet == wallet,
        Owner::Platform => false,
    });
    let own = own.filter(|payment| party.may_see_tag(&app, payment.tag)).ok_or_else(Problem::not_found)?;
    let place = Place::of(&app, own.tag)?;
    respond(StatusCode::OK, &PaymentView::new(&own, &place))
}
