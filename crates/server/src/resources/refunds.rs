//! Refunds: money that went back from a merchant to a wallet.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::{MerchantId, PaymentId, RefundId, WalletId};
use money::Money;
use payments::{Action, Answer, NewRefund, Refund as Refunded, Text};
use serde::{Deserialize, Serialize};
use store::tables::RefundFilter;
use utoipa::ToSchema;

use super::payments::{own_payment, sum_of};
use crate::app::App;
use crate::auth::{Merchant, Read, Refund};
use crate::json::{Posted, present, respond};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// Money that went back from a merchant to a wallet.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refund)]
pub(crate) struct RefundView<'a> {
    #[schema(value_type = schema::RefundId)]
    id: RefundId,
    #[schema(value_type = schema::PaymentId)]
    payment: PaymentId,
    /// Who gave it back.
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    /// Who received it.
    #[schema(value_type = schema::WalletId)]
    wallet: WalletId,
    #[schema(value_type = schema::Money)]
    amount: Money,
    /// Why, in the merchant's words.
    #[schema(value_type = Option<String>, required, example = "one cup was cold")]
    reason: Option<&'a Text>,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
}

impl<'a> RefundView<'a> {
    pub(crate) fn new(refund: &'a Refunded) -> Self {
        Self {
            id: refund.id,
            payment: refund.payment,
            merchant: refund.merchant,
            wallet: refund.wallet,
            amount: Money::new(refund.amount, refund.currency),
            reason: refund.reason.as_ref(),
            created_at: Timestamp(refund.created_at),
        }
    }
}

/// Part of the list of refunds.
#[derive(Debug, Serialize, ToSchema)]
struct RefundList<'a> {
    /// The newest first.
    data: Vec<RefundView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

/// What to give back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewRefund)]
pub(crate) struct RefundRequest {
    /// Of which payment.
    #[schema(value_type = schema::PaymentId)]
    payment: PaymentId,
    /// How much. Left out: all that was captured and is neither refunded nor disputed.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Money>, nullable = false)]
    amount: Option<Money>,
    /// Why, for the payer to read.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Words>, nullable = false)]
    reason: Option<Text>,
}

problems!(RefundProblems:
    NotFound, RefundExceedsPayment, MerchantFundsInsufficient, PaymentProcessing, CurrencyMismatch, CurrencyNotAccepted,
    BalanceOverflow);

/// Refund a payment
///
/// Gives back all of it, or a part, as often as you like: refunds and disputes together never pass what was captured. The
/// money comes out of what waits to be settled, then out of your balance; beyond that you owe it, as far as your terms
/// let you. The fee of the payment is not given back.
#[utoipa::path(
    post, path = "/v1/refunds", tag = "refunds", operation_id = "createRefund",
    request_body = RefundRequest,
    responses((status = 201, description = "The payer has the money.", body = RefundView), RefundProblems),
    security(("merchant_key" = ["refund"]), ("till_key" = ["refund"])),
)]
pub(crate) async fn create(
    State(app): State<App>,
    posted: Posted<Merchant<Refund>, RefundRequest>,
) -> Result<Response, Problem> {
    let Posted { actor, body, request } = posted;
    let payment = own_payment(&app, actor, body.payment).await?;
    let amount = sum_of(&payment, body.amount)?;
    let new = NewRefund { id: app.new_id(), merchant: actor.id(), payment: payment.id, amount, reason: body.reason };
    match app.submit(Action::Refund(new), request).await? {
        Answer::Refund(refund) => respond(StatusCode::CREATED, &RefundView::new(&refund)),
        other => Err(Problem::internal(format_args!("the core answered {other:?} instead of a refund"))),
    }
}

/// List refunds
///
/// The merchant's refunds, newest first. A till sees those of its store, among the merchant's last 10,000.
#[utoipa::path(
    get, path = "/v1/refunds", tag = "refunds", operation_id = "listRefunds",
    params(schema::Paging<schema::RefundId>, schema::ByPayment, schema::Created),
    responses((status = 200, description = "Part of the list.", body = RefundList)),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"])),
)]
pub(crate) async fn list(State(app): State<App>, actor: Merchant<Read>, mut query: Query) -> Result<Response, Problem> {
    let filter = RefundFilter {
        payment: query.take("payment", "must be a payment's id")?,
        created: query.take_created()?,
        tags: actor.tags_in_sight(&app),
    };
    let page = query.into_page::<RefundId>()?;
    let id = actor.id();
    let refunds = app.read(move |tables| tables.list_refunds(id, &filter, page.starting_after, page.limit)).await?;
    let data = refunds.items.iter().map(RefundView::new).collect();
    respond(StatusCode::OK, &RefundList { data, has_more: refunds.has_more })
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a refund
#[utoipa::path(
    get, path = "/v1/refunds/{id}", tag = "refunds", operation_id = "getRefund",
    params(("id" = inline(schema::RefundId), Path, description = "The refund's id.")),
    responses((status = 200, description = "The refund.", body = RefundView), GetProblems),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    actor: Merchant<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let id: RefundId = id.parse()?;
    let refund = app.read(move |tables| tables.refund(id)).await?.ok_or_else(Problem::not_found)?;
    // Whose payment it was, and where, is whose refund it is.
    own_payment(&app, actor, refund.payment).await?;
    respond(StatusCode::OK, &RefundView::new(&refund))
}
