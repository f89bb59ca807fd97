//! Orders: what merchants ask to be paid.

mod new;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use directory::Scope;
use ids::{MerchantId, OrderId, PaymentId, RefundId, TagId, TillId};
use money::{Currency, Money};
use payments::{
    Action, Answer, CancelledBy, IfPaid, LineItem, Order, OrderDetails, OrderName, OrderStatus, Payment, Split,
    SplitPart, Text,
};
use serde::{Deserialize, Serialize, Serializer};
use store::tables::{OrderFilter, OrderStatusFilter};
use utoipa::ToSchema;

pub(crate) use self::new::CaptureMethod;
use self::new::{OrderRequest, Reference, reference_key};
use super::merchants::Place;
use super::payments::PaymentView;
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
    /// The till that asked.
    #[schema(value_type = Option<schema::TillId>, required)]
    till: Option<TillId>,
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
    capture: CaptureMethod,
    /// How long money is held for it at most; `null` if paying moves it at once.
    #[schema(required, example = 604_800)]
    hold_expires_in_seconds: Option<u64>,
    /// Whether the payer may add a tip.
    tipping: bool,
    /// What is bought.
    items: Vec<ItemView<'a>>,
    /// Who else receives a part of what is paid.
    splits: Vec<SplitView>,
    /// The merchant's notes, by name.
    #[schema(value_type = schema::Metadata)]
    metadata: Notes<'a>,
    /// The payment that paid it, or by which money is held for it.
    #[schema(value_type = Option<schema::PaymentId>, required)]
    payment: Option<PaymentId>,
    /// How much was paid, or is held.
    #[schema(value_type = Option<schema::Money>, required)]
    amount_paid: Option<Money>,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
    /// From when it can no longer be paid.
    #[schema(value_type = schema::Timestamp)]
    expires_at: Timestamp,
    /// When it was paid, held for, cancelled, or found expired.
    #[schema(value_type = Option<schema::Timestamp>, required)]
    closed_at: Option<Timestamp>,
}

/// What has become of an order. `held`: the payer's money is held for it, and not captured yet, or it is not known yet
/// whether the payment succeeds. All but `open` and `held` are final.
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

/// A line of what is bought.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineItem)]
pub(crate) struct ItemView<'a> {
    /// What it is.
    #[schema(value_type = String, example = "oolong")]
    name: &'a Text,
    /// How many.
    #[schema(minimum = 1, example = 2)]
    quantity: u32,
    /// What one costs, in minor units of the order's currency.
    #[schema(minimum = 1, example = 625)]
    unit_amount: u64,
}

/// A receiver's part: either `amount` or `basis_points`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Split)]
struct SplitView {
    /// Who receives it.
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    /// So many minor units of the order's currency.
    #[schema(required, example = 100)]
    amount: Option<u64>,
    /// So much of what is paid, in hundredths of a percent, rounded down.
    #[schema(required, example = 250)]
    basis_points: Option<u32>,
}

impl<'a> ItemView<'a> {
    /// What an order is for, line by line.
    pub(crate) fn of(order: &'a Order) -> Vec<Self> {
        of(order.details.as_deref(), |details| &details.items).iter().map(Self::new).collect()
    }

    fn new(item: &'a LineItem) -> Self {
        Self { name: &item.name, quantity: item.quantity, unit_amount: item.unit_amount }
    }
}

impl SplitView {
    fn new(split: &Split) -> Self {
        let (amount, basis_points) = match split.part {
            SplitPart::Fixed(amount) => (Some(amount), None),
            SplitPart::Rate(rate) => (None, Some(rate.get())),
        };
        Self { merchant: split.merchant, amount, basis_points }
    }
}

/// Notes by name, as an object.
#[derive(Debug)]
struct Notes<'a>(&'a [(Box<str>, Box<str>)]);

impl Serialize for Notes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, note)| (name, note)))
    }
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
        let details = order.details.as_deref();
        let hold_ms = details.and_then(|details| details.hold_ms);
        Self {
            id: order.id,
            merchant: order.merchant,
            tag: order.tag,
            till: details.and_then(|details| details.till),
            status,
            amount: order.amount.map(money),
            currency: order.currency,
            description: order.description.as_ref(),
            reference: order.reference.as_ref(),
            capture: CaptureMethod::of(order),
            hold_expires_in_seconds: hold_ms.map(|milliseconds| milliseconds / 1_000),
            tipping: details.is_some_and(|details| details.tipping),
            items: ItemView::of(order),
            splits: of(details, |details| &details.splits).iter().map(SplitView::new).collect(),
            metadata: Notes(of(details, |details| &details.metadata)),
            payment,
            amount_paid,
            created_at: Timestamp(order.created_at),
            expires_at: Timestamp(order.expires_at),
            closed_at: closed_at.map(Timestamp),
        }
    }
}

/// A list of an order's details, of which most orders have none.
fn of<T>(details: Option<&OrderDetails>, list: impl FnOnce(&OrderDetails) -> &Vec<T>) -> &[T] {
    details.map_or(&[], |details| list(details))
}

/// Part of the list of orders.
#[derive(Debug, Serialize, ToSchema)]
struct OrderList<'a> {
    /// The newest first.
    data: Vec<OrderView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

problems!(CreateProblems:
    NotFound, TagInactive, TagBusy, CurrencyNotAccepted, MerchantNotActive, ReferenceTaken, ReceiverNotAccepted);

/// Create an order
///
/// It waits at a tag until a payer touches the tag and pays, it is cancelled, or its time is over. At most one order
/// waits at a tag. A till's key asks at its own tags.
///
/// No answer? Post the same again with the same `Idempotency-Key`: the order is made once. Without a key, name your
/// `reference` and ask `POST /v1/orders/resolve`.
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
    let new = body.into_order(app.new_id(), actor.id(), actor.till())?;
    match app.submit(Action::CreateOrder(new), request).await? {
        Answer::Order(order) => respond(StatusCode::CREATED, &OrderView::new(&order)),
        other => Err(unexpected(&other)),
    }
}

/// List orders
///
/// The merchant's orders, newest first. A till sees those of its store, among the merchant's last 10,000.
#[utoipa::path(
    get, path = "/v1/orders", tag = "orders", operation_id = "listOrders",
    params(
        schema::Paging<schema::OrderId>,
        ("status" = Option<StatusName>, Query, description = "Only those of this status."),
        ("reference" = Option<String>, Query, description = "Only the one that you call so.", example = "2026-000123"),
        schema::Created,
    ),
    responses((status = 200, description = "Part of the list.", body = OrderList)),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"])),
)]
pub(crate) async fn list(
    State(app): State<App>,
    merchant: Merchant<Read>,
    mut query: Query,
) -> Result<Response, Problem> {
    let id = merchant.id();
    let reference: Option<String> = query.take("reference", "must be a text")?;
    let filter = OrderFilter {
        status: query.take::<String>("status", "")?.map(|name| status_named(&name)).transpose()?,
        reference: reference.map(|reference| reference_key(id, &reference)),
        created: query.take_created()?,
        tags: merchant.tags_in_sight(&app),
    };
    let page = query.into_page::<OrderId>()?;
    let orders = app.read(move |tables| tables.list_orders(id, &filter, page.starting_after, page.limit)).await?;
    let data = orders.items.iter().map(OrderView::new).collect();
    respond(StatusCode::OK, &OrderList { data, has_more: orders.has_more })
}

fn status_named(name: &str) -> Result<OrderStatusFilter, Problem> {
    Ok(match name {
        "open" => OrderStatusFilter::Open,
        "held" => OrderStatusFilter::Held,
        "paid" => OrderStatusFilter::Paid,
        "cancelled" => OrderStatusFilter::Cancelled,
        "expired" => OrderStatusFilter::Expired,
        _ => return Err(Problem::field("status", "must be `open`, `held`, `paid`, `cancelled` or `expired`")),
    })
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

/// No body, or an empty object.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

/// How to cancel an order. No body at all says the same as an empty one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderCancellation)]
pub(crate) struct CancelRequest {
    #[serde(default, deserialize_with = "present")]
    #[schema(nullable = false, default = "refund")]
    if_paid: Option<IfPaidName>,
}

/// What to do if it has been paid. `refund`: give back what is left of it. `refuse`: nothing, and say so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", try_from = "String")]
#[schema(as = IfPaid)]
enum IfPaidName {
    Refund,
    Refuse,
}

impl TryFrom<String> for IfPaidName {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, &'static str> {
        match word.as_str() {
            "refund" => Ok(Self::Refund),
            "refuse" => Ok(Self::Refuse),
            _ => Err("must be `refund` or `refuse`"),
        }
    }
}

/// An order that was cancelled, and what that took.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CancelledOrder)]
struct CancelledView<'a> {
    #[serde(flatten)]
    order: OrderView<'a>,
    action: CancelAction,
    /// The refund, if it was paid.
    #[schema(value_type = Option<schema::RefundId>, required)]
    refund: Option<RefundId>,
}

/// `closed`: nobody had paid. `released`: what was held went back. `refunded`: what was paid went back; the order stays
/// `paid`, and its payment says how much of it was refunded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum CancelAction {
    Closed,
    Released,
    Refunded,
}

problems!(CancelProblems:
    InvalidId, NotFound, OrderAlreadyPaid, OrderAlreadyClosed, PaymentProcessing, RefundExceedsPayment,
    MerchantFundsInsufficient, BalanceOverflow);

/// Cancel an order
///
/// Closes it if nobody has paid, gives back what is held for it, and refunds the whole of what was paid; the answer says
/// which. Closing it again changes nothing. With `if_paid` `refuse` an order that was paid stays so, and the answer is
/// `order_already_paid`: for a cashier who is overtaken by the customer.
///
/// To refund, the key needs the scope `refund`: without it, an order that was paid stays so unless `refund` is asked for,
/// which is refused.
#[utoipa::path(
    post, path = "/v1/orders/{id}/cancel", tag = "orders", operation_id = "cancelOrder",
    params(("id" = inline(schema::OrderId), Path, description = "The order's id.")),
    request_body = CancelRequest,
    responses((status = 200, description = "The order is cancelled.", body = CancelledView), CancelProblems),
    security(("merchant_key" = ["write"]), ("till_key" = ["write"])),
)]
pub(crate) async fn cancel(
    State(app): State<App>,
    id: PathId,
    posted: Posted<Merchant<Write>, CancelRequest>,
) -> Result<Response, Problem> {
    let Posted { actor, body, request } = posted;
    let order: OrderId = id.parse()?;
    check_tag(&app, actor, OrderName::Id(order)).await?;
    let if_paid = match body.if_paid {
        Some(IfPaidName::Refund) if !actor.has(Scope::Refund) => {
            return Err(Problem::insufficient_scope(Scope::Refund));
        }
        Some(IfPaidName::Refuse) => IfPaid::Refuse,
        None if !actor.has(Scope::Refund) => IfPaid::Refuse,
        Some(IfPaidName::Refund) | None => IfPaid::Refund(app.new_id()),
    };
    match app.submit(Action::CancelOrder { merchant: actor.id(), order, if_paid }, request).await {
        Ok(Answer::Cancelled(order, by)) => respond(StatusCode::OK, &CancelledView::new(&order, by)),
        Ok(other) => Err(unexpected(&other)),
        // To the payer it has expired; to the merchant, who wants it closed, it is.
        Err(problem) if problem.code() == Code::OrderExpired => {
            Err(Problem::new(Code::OrderAlreadyClosed, "the order has expired"))
        }
        Err(problem) => Err(problem),
    }
}

impl<'a> CancelledView<'a> {
    fn new(order: &'a Order, by: CancelledBy) -> Self {
        let (action, refund) = match by {
            CancelledBy::Closing => (CancelAction::Closed, None),
            CancelledBy::Releasing => (CancelAction::Released, None),
            CancelledBy::Refunding(refund) => (CancelAction::Refunded, Some(refund)),
        };
        Self { order: OrderView::new(order), action, refund }
    }
}

/// Which order to resolve, by the merchant's own name for it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderResolutionByReference)]
pub(crate) struct ResolveByReference {
    /// Your own name for the order.
    #[schema(value_type = schema::OrderReference, example = "2026-000123")]
    reference: Reference,
    /// Whether to withdraw it if nobody has paid yet.
    #[serde(default)]
    #[schema(default = false)]
    close: bool,
}

/// How to resolve an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OrderResolution)]
pub(crate) struct ResolveRequest {
    /// Whether to withdraw it if nobody has paid yet.
    #[serde(default)]
    #[schema(default = false)]
    close: bool,
}

/// An order as it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ResolvedOrder)]
struct ResolvedView<'a> {
    order: OrderView<'a>,
    /// Its payment.
    #[schema(required)]
    payment: Option<PaymentView<'a>>,
    /// Whether nothing can become of the order any more. What was paid can still be refunded or disputed.
    r#final: bool,
}

problems!(ResolveProblems: NotFound);

/// Resolve an order by its reference
///
/// As by its id, for a till that never learned the id. `not_found` says that no order of this reference was placed until
/// now; a request that is still on its way may yet place it, so post the order again, with the same reference, before you
/// give up: it is placed once.
#[utoipa::path(
    post, path = "/v1/orders/resolve", tag = "orders", operation_id = "resolveOrderByReference",
    request_body = ResolveByReference,
    responses((status = 200, description = "The order as it is.", body = ResolvedView), ResolveProblems),
    security(("merchant_key" = ["write"]), ("till_key" = ["write"])),
)]
pub(crate) async fn resolve_by_reference(
    State(app): State<App>,
    posted: Posted<Merchant<Write>, ResolveByReference>,
) -> Result<Response, Problem> {
    let Posted { actor, body, .. } = posted;
    resolved(&app, actor, OrderName::Reference(body.reference.key(actor.id())), body.close).await
}

problems!(ResolveByIdProblems: InvalidId, NotFound);

/// Resolve an order
///
/// For who got no answer, from the one who knows: what the order is at this moment, in the order of all decisions, never
/// a guess. A till that waits and hears nothing does this:
///
/// 1. Ask with `close` true. Whoever has not paid by then never will: the answer is `final`, the order `paid` (hand out
///    the goods) or `cancelled` or `expired` (do not, and ask anew).
/// 2. If it is not `final`, the order is `held`: the money is the payer's until you capture it (`authorized`), or
///    somebody else has not answered yet (`processing`). Ask again until it is; hand out nothing for `processing`.
/// 3. If this has no answer either, ask again. It changes nothing twice, and needs no `Idempotency-Key`: each time the
///    truth of the moment is told.
#[utoipa::path(
    post, path = "/v1/orders/{id}/resolve", tag = "orders", operation_id = "resolveOrder",
    params(("id" = inline(schema::OrderId), Path, description = "The order's id.")),
    request_body = ResolveRequest,
    responses((status = 200, description = "The order as it is.", body = ResolvedView), ResolveByIdProblems),
    security(("merchant_key" = ["write"]), ("till_key" = ["write"])),
)]
pub(crate) async fn resolve(
    State(app): State<App>,
    id: PathId,
    posted: Posted<Merchant<Write>, ResolveRequest>,
) -> Result<Response, Problem> {
    resolved(&app, posted.actor, OrderName::Id(id.parse()?), posted.body.close).await
}

async fn resolved(app: &App, actor: Merchant<Write>, order: OrderName, close: bool) -> Result<Response, Problem> {
    check_tag(app, actor, order).await?;
    match app.submit(Action::ResolveOrder { merchant: actor.id(), order, close }, None).await? {
        Answer::Resolved(order, payment) => {
            let place = payment.as_ref().map(|payment| Place::of(app, payment.tag)).transpose()?;
            let is_over = |payment: &Payment| !payment.is_open();
            let view = ResolvedView {
                order: OrderView::new(&order),
                payment: payment.as_ref().zip(place.as_ref()).map(|(it, place)| PaymentView::for_merchant(it, place)),
                r#final: order.is_closed() && payment.as_ref().is_none_or(is_over),
            };
            respond(StatusCode::OK, &view)
        }
        other => Err(unexpected(&other)),
    }
}

/// A till touches the orders of its own tags only. Whose order it is, the money core knows.
async fn check_tag(app: &App, actor: Merchant<Write>, name: OrderName) -> Result<(), Problem> {
    if actor.till().is_none() {
        return Ok(());
    }
    let order = app.read(move |tables| match name {
        OrderName::Id(id) => tables.order(id),
        OrderName::Reference(key) => tables.order_of_reference(key),
    });
    let own = order.await?.filter(|order| actor.may_use_tag(app, order.tag));
    own.map(drop).ok_or_else(Problem::not_found)
}

fn unexpected(answer: &Answer) -> Problem {
    Problem::internal(format_args!("the core answered {answer:?} instead of an order"))
}
