//! Orders: what merchants ask to be paid.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::{MerchantId, OrderId, PaymentId, TagId};
use money::{Currency, Money};
use payments::{Action, Answer, IfPaid, NewOrder, NewOrderAmount, Order, OrderStatus, Text};
use serde::{Deserialize, Serialize};
use store::tables::OrderStatusFilter;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Merchant, Read, Write};
use crate::json::{Posted, present, respond};
use crate::path::PathId;
use crate::problem::{Code, Problem};
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// What a merchant asks to be paid.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub(crate) struct OrderView<'a> {
    #[schema(value_type = schema::OrderId)]
    id: OrderId,
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    /// The tag that it waits at.
    #[schema(value_type = schema::TagId)]
    tag: TagId,
    status: StatusName,
    /// How much; `null` lets the payer type it.
    #[schema(value_type = Option<schema::Money>, required)]
    amount: Option<Money>,
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// Words for the payer.
    #[schema(value_type = Option<String>, required, example = "2 × oolong")]
    description: Option<&'a Text>,
    /// The merchant's own name for it.
    #[schema(value_type = Option<String>, required, example = "2026-000123")]
    reference: Option<&'a Text>,
    /// The payment that paid it.
    #[schema(value_type = Option<schema::PaymentId>, required)]
    payment: Option<PaymentId>,
    /// How much was paid.
    #[schema(value_type = Option<schema::Money>, required)]
    amount_paid: Option<Money>,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
    /// From when it can no longer be paid.
    #[schema(value_type = schema::Timestamp)]
    expires_at: Timestamp,
    /// When it was paid, cancelled, or found expired.
    #[schema(value_type = Option<schema::Timestamp>, required)]
    closed_at: Option<Timestamp>,
}

/// What has become of an order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = OrderStatus)]
enum StatusName {
    Open,
    Held,
    Paid,
    Cancelled,
    Expired,
}

impl<'a> OrderView<'a> {
    pub(crate) fn new(order: &'a Order) -> Self {
        let money = |amount| Money::new(amount, order.currency);
        let (status, payment, amount_paid, closed_at) = match order.status {
            OrderStatus::Open => (StatusName::Open, None, None, None),
            OrderStatus::Paid { payment, amount, at } => {
                (StatusName::Paid, Some(payment), Some(money(amount)), Some(at))
            }
            OrderStatus::Held { payment, amount, at } => {
                (StatusName::Held, Some(payment), Some(money(amount)), Some(at))
            }
            OrderStatus::Cancelled { at } => (StatusName::Cancelled, None, None, Some(at)),
            OrderStatus::Expired { at } => (StatusName::Expired, None, None, Some(at)),
        };
        Self {
            id: order.id,
            merchant: order.merchant,
            tag: order.tag,
            status,
            amount: order.amount.map(money),
            currency: order.currency,
            description: order.description.as_ref(),
            reference: order.reference.as_ref(),
            payment,
            amount_paid,
            created_at: Timestamp(order.created_at),
            expires_at: Timestamp(order.expires_at),
            closed_at: closed_at.map(Timestamp),
        }
    }
}

/// Part of the list of orders.
#[derive(Debug, Serialize, ToSchema)]
struct OrderList<'a> {
    /// The newest first.
    data: Vec<OrderView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

/// An order to create. Either `amount` or `currency` must be there.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewOrder)]
pub(crate) struct OrderRequest {
    /// The tag that it will wait at.
    #[schema(value_type = schema::TagId)]
    tag: TagId,
    /// How much to ask for.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Money>, nullable = false)]
    amount: Option<Money>,
    /// Instead of `amount`: the payer types the amount, in this currency.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Currency>, nullable = false)]
    currency: Option<Currency>,
    /// Words for the payer.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, nullable = false, min_length = 1, max_length = 140, example = "2 × oolong")]
    description: Option<Text>,
    /// Your own name for it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, nullable = false, min_length = 1, max_length = 64, example = "2026-000123")]
    reference: Option<Reference>,
    /// How long it may wait.
    #[serde(default)]
    #[schema(value_type = u32, minimum = 30, maximum = 86_400, default = 900)]
    expires_in_seconds: Lifetime,
}

/// A merchant's own name for an order: 1 to 64 characters.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Text")]
struct Reference(Text);

impl TryFrom<Text> for Reference {
    type Error = String;

    fn try_from(text: Text) -> Result<Self, String> {
        const MAX_CHARACTERS: usize = 64;
        match text.as_str().chars().count() {
            ..=MAX_CHARACTERS => Ok(Self(text)),
            found => Err(format!("has {found} characters, at most {MAX_CHARACTERS} are allowed")),
        }
    }
}

/// How long an order may wait, in seconds: 30 to 86,400.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
struct Lifetime(u64);

impl Default for Lifetime {
    fn default() -> Self {
        Self(900)
    }
}

impl TryFrom<u64> for Lifetime {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, &'static str> {
        let allowed = 30..=payments::MAX_ORDER_LIFETIME_MS / 1_000;
        if allowed.contains(&seconds) { Ok(Self(seconds)) } else { Err("must be a number from 30 to 86400") }
    }
}

impl OrderRequest {
    fn amount(&self) -> Result<NewOrderAmount, Problem> {
        match (self.amount, self.currency) {
            (Some(money), None) => Ok(NewOrderAmount::Fixed(money)),
            (None, Some(currency)) => Ok(NewOrderAmount::Open(currency)),
            (None, None) => {
                Err(Problem::field("amount", "is missing: name an amount, or a currency to let the payer type it"))
            }
            (Some(_), Some(_)) => Err(Problem::field("currency", "the amount has its currency already")),
        }
    }
}

problems!(CreateProblems: NotFound, TagInactive, TagBusy, CurrencyNotAccepted);

/// Create an order
///
/// It waits at a tag until a payer touches the tag and pays, it is cancelled, or its time is over. At most one order
/// waits at a tag.
#[utoipa::path(
    post, path = "/v1/orders", tag = "orders", operation_id = "createOrder",
    request_body = OrderRequest,
    responses((status = 201, description = "The order waits.", body = OrderView), CreateProblems),
    security(("merchant_key" = ["write"]), ("till_key" = ["write"])),
)]
pub(crate) async fn create(
    State(app): State<App>,
    posted: Posted<Merchant<Write>, OrderRequest>,
) -> Result<Response, Problem> {
    let Posted { actor, body, request } = posted;
    if !actor.may_use_tag(&app, body.tag) {
        return Err(Problem::not_found());
    }
    let new = NewOrder {
        id: app.new_id(),
        merchant: actor.id(),
        tag: body.tag,
        amount: body.amount()?,
        description: body.description,
        reference: body.reference.map(|reference| reference.0),
        lifetime_ms: body.expires_in_seconds.0 * 1_000,
        details: None,
    };
    order_response(StatusCode::CREATED, app.submit(Action::CreateOrder(new), request).await?)
}

/// List orders
///
/// The merchant's orders, newest first.
#[utoipa::path(
    get, path = "/v1/orders", tag = "orders", operation_id = "listOrders",
    params(
        schema::Paging<schema::OrderId>,
        ("status" = Option<String>, Query, description = "`open`: only those that wait to be paid.", example = "open"),
    ),
    responses((status = 200, description = "Part of the list.", body = OrderList)),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"])),
)]
pub(crate) async fn list(
    State(app): State<App>,
    merchant: Merchant<Read>,
    mut query: Query,
) -> Result<Response, Problem> {
    let status = match query.take::<String>("status", "")?.as_deref() {
        None => None,
        Some("open") => Some(OrderStatusFilter::Open),
        Some(_) => return Err(Problem::field("status", "must be `open`, or left out")),
    };
    let page = query.into_page::<OrderId>()?;
    let merchant = merchant.id();
    let orders = app.read(move |tables| tables.orders(merchant, status, page.starting_after, page.limit)).await?;
    let data = orders.items.iter().map(OrderView::new).collect();
    respond(StatusCode::OK, &OrderList { data, has_more: orders.has_more })
}

problems!(GetProblems: InvalidId, NotFound);

/// Get an order
#[utoipa::path(
    get, path = "/v1/orders/{id}", tag = "orders", operation_id = "getOrder",
    params(("id" = inline(schema::OrderId), Path, description = "The order's id.")),
    responses((status = 200, description = "The order.", body = OrderView), GetProblems),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    merchant: Merchant<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let id: OrderId = id.parse()?;
    let order = app.read(move |tables| tables.order(id)).await?;
    let own = order.filter(|order| order.merchant == merchant.id() && merchant.may_see_tag(&app, order.tag));
    respond(StatusCode::OK, &OrderView::new(&own.ok_or_else(Problem::not_found)?))
}

problems!(CancelProblems: InvalidId, NotFound, OrderAlreadyPaid, OrderAlreadyClosed);

/// No body, or an empty object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// Cancel an order
///
/// Cancelling it again changes nothing.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancel", tag = "orders", operation_id = "cancelOrder",
    params(("id" = inline(schema::OrderId), Path, description = "The order's id.")),
    responses((status = 200, description = "The order is cancelled.", body = OrderView), CancelProblems),
    security(("merchant_key" = ["write"]), ("till_key" = ["write"])),
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    id: PathId,
    posted: Posted<Merchant<Write>, Nothing>,
) -> Result<Response, Problem> {
    let order = id.parse()?;
    let action = Action::CancelOrder { merchant: posted.actor.id(), order, if_paid: IfPaid::Refuse };
    match app.submit(action, posted.request).await {
        Ok(answer) => order_response(StatusCode::OK, answer),
        // To the payer it has expired; to the merchant, who wants it closed, it is.
        Err(problem) if problem.code() == Code::OrderExpired => {
            Err(Problem::new(Code::OrderAlreadyClosed, "the order has expired"))
        }
        Err(problem) => Err(problem),
    }
}

fn order_response(status: StatusCode, answer: Answer) -> Result<Response, Problem> {
    match answer {
        Answer::Order(order) | Answer::Cancelled(order, _) => respond(status, &OrderView::new(&order)),
        other => Err(Problem::internal(format_args!("the core answered {other:?} instead of an order"))),
    }
}
