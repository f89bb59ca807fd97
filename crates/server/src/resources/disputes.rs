//! Disputes: a payer's word against a payment, the merchant's answer, and the platform's decision.

use std::str::FromStr;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::{DisputeId, MerchantId, PaymentId, WalletId};
use money::Money;
use payments::{Action, Answer, Dispute, DisputeStatus, Evidence, NewDispute, Owner, Text};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::orders::Nothing;
use super::payments::sum_of;
use crate::app::App;
use crate::auth::{BackOffice, Disputant, Operator, Refund, Wallet, Write};
use crate::json::{Posted, present, respond};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// A payer's word against a payment. While it is open, the platform holds what it is about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Dispute)]
pub(crate) struct DisputeView<'a> {
    #[schema(value_type = schema::DisputeId)]
    id: DisputeId,
    status: StatusName,
    #[schema(value_type = schema::PaymentId)]
    payment: PaymentId,
    /// Whose word.
    #[schema(value_type = schema::WalletId)]
    wallet: WalletId,
    /// Who was paid.
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    /// How much of the payment it is about.
    #[schema(value_type = schema::Money)]
    amount: Money,
    /// Why, in the payer's words.
    #[schema(value_type = String, example = "never received")]
    reason: &'a Text,
    /// What the merchant answered. The payer reads it too.
    #[schema(value_type = Option<String>, required, example = "Handed out at 12:31, see the receipt below.")]
    evidence: Option<&'a Evidence>,
    /// From when the merchant can no longer answer; without an answer the dispute is lost then.
    #[schema(value_type = schema::Timestamp)]
    evidence_due_at: Timestamp,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
    /// When it was decided.
    #[schema(value_type = Option<schema::Timestamp>, required)]
    closed_at: Option<Timestamp>,
}

/// Where a dispute stands. `needs_response`: the merchant is asked for evidence. `under_review`: the platform looks at it.
/// `won`: the merchant has the money again. `lost`: the payer has.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DisputeStatus)]
enum StatusName {
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
}

impl<'a> DisputeView<'a> {
    pub(crate) fn new(dispute: &'a Dispute) -> Self {
        let (status, closed_at) = match dispute.status {
            DisputeStatus::NeedsResponse => (StatusName::NeedsResponse, None),
            DisputeStatus::UnderReview => (StatusName::UnderReview, None),
            DisputeStatus::Won { at } => (StatusName::Won, Some(at)),
            DisputeStatus::Lost { at } => (StatusName::Lost, Some(at)),
        };
        Self {
            id: dispute.id,
            status,
            payment: dispute.payment,
            wallet: dispute.wallet,
            merchant: dispute.merchant,
            amount: Money::new(dispute.amount, dispute.currency),
            reason: &dispute.reason,
            evidence: dispute.evidence.as_ref(),
            evidence_due_at: Timestamp(dispute.evidence_due),
            created_at: Timestamp(dispute.created_at),
            closed_at: closed_at.map(Timestamp),
        }
    }
}

/// Part of the list of disputes.
#[derive(Debug, Serialize, ToSchema)]
struct DisputeList<'a> {
    /// The newest first.
    data: Vec<DisputeView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

/// A dispute to open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewDispute)]
pub(crate) struct DisputeRequest {
    /// Against which payment.
    #[schema(value_type = schema::PaymentId)]
    payment: PaymentId,
    /// How much of it. Left out: all that was captured and is neither refunded nor disputed.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Money>, nullable = false)]
    amount: Option<Money>,
    /// Why, for the merchant to read.
    #[schema(value_type = schema::Words, example = "never received")]
    reason: Text,
}

problems!(OpenProblems:
    NotFound, DisputeOpen, DisputeTooLate, RefundExceedsPayment, CurrencyMismatch, CurrencyNotAccepted, BalanceOverflow);

/// Dispute a payment
///
/// Within 120 days, one dispute at a time. The platform takes what it is about from the merchant at once, and holds it
/// until the dispute is decided. The merchant has seven days to answer.
#[utoipa::path(
    post, path = "/v1/disputes", tag = "disputes", operation_id = "createDispute",
    request_body = DisputeRequest,
    responses((status = 201, description = "The dispute is open.", body = DisputeView), OpenProblems),
    security(("wallet_token" = [])),
)]
pub(crate) async fn create(
    State(app): State<App>,
    posted: Posted<Wallet, DisputeRequest>,
) -> Result<Response, Problem> {
    let Posted { actor, body, request } = posted;
    let id = body.payment;
    let payment = app.read(move |tables| tables.payment(id)).await?.filter(|payment| payment.wallet == actor.id());
    let payment = payment.ok_or_else(Problem::not_found)?;
    let amount = sum_of(&payment, body.amount)?;
    let new = NewDispute { id: app.new_id(), wallet: actor.id(), payment: payment.id, amount, reason: body.reason };
    submit(&app, StatusCode::CREATED, Action::OpenDispute(new), request).await
}

/// The disputes that a list can be narrowed to.
#[derive(Debug, Clone, Copy, ToSchema)]
#[schema(as = OpenDisputes, rename_all = "snake_case")]
enum OpenOnly {
    Open,
}

impl FromStr for OpenOnly {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text == "open" { Ok(Self::Open) } else { Err(()) }
    }
}

/// List disputes
///
/// Those that the wallet opened, the merchant has to answer, or (of the operator) everybody's; newest first.
#[utoipa::path(
    get, path = "/v1/disputes", tag = "disputes", operation_id = "listDisputes",
    params(
        schema::Paging<schema::DisputeId>,
        ("status" = inline(Option<OpenOnly>), Query, description = "`open`: only those that are not decided."),
    ),
    responses((status = 200, description = "Part of the list.", body = DisputeList)),
    security(("merchant_key" = ["read"]), ("wallet_token" = []), ("operator_key" = ["read"])),
)]
pub(crate) async fn list(State(app): State<App>, actor: Disputant, mut query: Query) -> Result<Response, Problem> {
    let open_only = query.take::<OpenOnly>("status", "must be `open`, or left out")?.is_some();
    let page = query.into_page::<DisputeId>()?;
    let owner = actor.owner();
    let disputes = app.read(move |tables| tables.disputes(owner, open_only, page.starting_after, page.limit)).await?;
    let data = disputes.items.iter().map(DisputeView::new).collect();
    respond(StatusCode::OK, &DisputeList { data, has_more: disputes.has_more })
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a dispute
#[utoipa::path(
    get, path = "/v1/disputes/{id}", tag = "disputes", operation_id = "getDispute",
    params(("id" = inline(schema::DisputeId), Path, description = "The dispute's id.")),
    responses((status = 200, description = "The dispute.", body = DisputeView), GetProblems),
    security(("merchant_key" = ["read"]), ("wallet_token" = []), ("operator_key" = ["read"])),
)]
pub(crate) async fn get(State(app): State<App>, actor: Disputant, _: NoQuery, id: PathId) -> Result<Response, Problem> {
    let id: DisputeId = id.parse()?;
    let dispute = app.read(move |tables| tables.dispute(id)).await?.filter(|dispute| match actor.owner() {
        Owner::Wallet(wallet) => dispute.wallet == wallet,
        Owner::Merchant(merchant) => dispute.merchant == merchant,
        Owner::Platform => true,
    });
    respond(StatusCode::OK, &DisputeView::new(&dispute.ok_or_else(Problem::not_found)?))
}

/// What speaks against a dispute.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DisputeAnswer)]
pub(crate) struct EvidenceRequest {
    /// In words; line breaks are allowed. The payer reads it too.
    #[schema(value_type = schema::Evidence)]
    evidence: Evidence,
}

problems!(AnswerProblems: InvalidId, NotFound, DisputeClosed);

/// Answer a dispute
///
/// Once, and in time. The platform decides afterwards.
#[utoipa::path(
    post, path = "/v1/disputes/{id}/evidence", tag = "disputes", operation_id = "answerDispute",
    params(("id" = inline(schema::DisputeId), Path, description = "The dispute's id.")),
    request_body = EvidenceRequest,
    responses((status = 200, description = "The dispute.", body = DisputeView), AnswerProblems),
    security(("merchant_key" = ["write"])),
)]
pub(crate) async fn answer(
    State(app): State<App>,
    id: PathId,
    posted: Posted<BackOffice<Write>, EvidenceRequest>,
) -> Result<Response, Problem> {
    let Posted { actor, body, request } = posted;
    let action = Action::AnswerDispute { merchant: actor.id(), dispute: id.parse()?, evidence: body.evidence };
    submit(&app, StatusCode::OK, action, request).await
}

problems!(DecisionProblems: InvalidId, NotFound, DisputeClosed, CurrencyNotAccepted, BalanceOverflow);

/// Accept a dispute
///
/// Gives in: the payer gets the money.
#[utoipa::path(
    post, path = "/v1/disputes/{id}/accept", tag = "disputes", operation_id = "acceptDispute",
    params(("id" = inline(schema::DisputeId), Path, description = "The dispute's id.")),
    responses((status = 200, description = "The dispute is lost.", body = DisputeView), DecisionProblems),
    security(("merchant_key" = ["refund"])),
)]
pub(crate) async fn accept(
    State(app): State<App>,
    id: PathId,
    posted: Posted<BackOffice<Refund>, Nothing>,
) -> Result<Response, Problem> {
    let action = Action::AcceptDispute { merchant: posted.actor.id(), dispute: id.parse()? };
    submit(&app, StatusCode::OK, action, posted.request).await
}

/// The platform's decision.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DisputeDecision)]
pub(crate) struct DecisionRequest {
    outcome: Outcome,
}

/// `won`: the merchant was right. `lost`: the payer was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", try_from = "String")]
#[schema(as = DisputeOutcome)]
enum Outcome {
    Won,
    Lost,
}

impl TryFrom<String> for Outcome {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, &'static str> {
        match word.as_str() {
            "won" => Ok(Self::Won),
            "lost" => Ok(Self::Lost),
            _ => Err("must be `won` or `lost`"),
        }
    }
}

/// Decide a dispute
///
/// Whoever was right gets the money at once. Decided is decided.
#[utoipa::path(
    post, path = "/v1/disputes/{id}/decide", tag = "disputes", operation_id = "decideDispute",
    params(("id" = inline(schema::DisputeId), Path, description = "The dispute's id.")),
    request_body = DecisionRequest,
    responses((status = 200, description = "The dispute is decided.", body = DisputeView), DecisionProblems),
    security(("operator_key" = ["write"])),
)]
pub(crate) async fn decide(
    State(app): State<App>,
    id: PathId,
    posted: Posted<Operator<Write>, DecisionRequest>,
) -> Result<Response, Problem> {
    let won = posted.body.outcome == Outcome::Won;
    submit(&app, StatusCode::OK, Action::DecideDispute { dispute: id.parse()?, won }, posted.request).await
}

async fn submit(
    app: &App,
    status: StatusCode,
    action: Action,
    request: Option<payments::Request>,
) -> Result<Response, Problem> {
    match app.submit(action, request).await? {
        Answer::Dispute(dispute) => respond(status, &DisputeView::new(&dispute)),
        other => Err(Problem::internal(format_args!("the core answered {other:?} instead of a dispute"))),
    }
}
