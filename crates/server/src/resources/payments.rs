//! Payments: money that moved from a wallet to a merchant, or is held for it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::{DisputeId, MerchantId, OrderId, PaymentId, TagId, TapId, WalletId};
use money::Money;
use payments::{
    Action, Answer, Beginning, Forced, Owner, Pay, Payment, PaymentStatus, Release, ReleaseReason, Share, Text,
};
use serde::{Deserialize, Serialize};
use store::tables::{PaymentFilter, PaymentStatusFilter};
use utoipa::ToSchema;

use super::amounts::{MinorUnits, WholeUnits};
use super::merchants::{MerchantName, Place, StoreView};
use super::orders::Nothing;
use crate::app::App;
use crate::auth::{Merchant, Party, Scope, Wallet, Write};
use crate::json::{Posted, present, respond};
use crate::path::PathId;
use crate::problem::{Code, Problem};
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// Money that moved from a wallet to a merchant, or is held for it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payment)]
pub(crate) struct PaymentView<'a> {
    #[schema(value_type = schema::PaymentId)]
    id: PaymentId,
    status: StatusName,
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
    /// What the payer agreed to, the tip included.
    #[schema(value_type = schema::Money)]
    amount: Money,
    /// How much of it is a tip.
    tip: MinorUnits,
    /// What of it was captured.
    captured: MinorUnits,
    /// What is held and can still be captured.
    capturable: MinorUnits,
    /// What of the captured was refunded.
    refunded: MinorUnits,
    /// What of the captured was taken away by disputes, open or lost.
    disputed: MinorUnits,
    /// What of the captured can still be refunded or disputed.
    refundable: MinorUnits,
    /// The dispute that is open.
    #[schema(value_type = Option<schema::DisputeId>, required)]
    dispute: Option<DisputeId>,
    /// Until when the money is held at most; `null` if it moved at once.
    #[schema(value_type = Option<schema::Timestamp>, required)]
    hold_expires_at: Option<Timestamp>,
    /// What the platform charges for what was captured so far. Only the merchant is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    fee: Option<MinorUnits>,
    /// Who receives how much; empty if the merchant receives all of it. Only the merchant is told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    shares: Option<Vec<ShareView>>,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
}

/// Where a payment stands. `authorized`: the money is held for the merchant to capture. `processing`: whether it succeeds
/// is not known yet. `cancelled`: what was held went back whole. `failed`: it did not succeed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PaymentStatus)]
enum StatusName {
    Succeeded,
    Authorized,
    Processing,
    Cancelled,
    Failed,
}

impl From<PaymentStatus> for StatusName {
    fn from(status: PaymentStatus) -> Self {
        match status {
            PaymentStatus::Succeeded => Self::Succeeded,
            PaymentStatus::Held => Self::Authorized,
            PaymentStatus::Processing => Self::Processing,
            PaymentStatus::Cancelled { .. } => Self::Cancelled,
            PaymentStatus::Failed { .. } => Self::Failed,
        }
    }
}

/// A receiver's share of a payment.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Share)]
struct ShareView {
    /// Who receives it.
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    /// How much of the payment's amount.
    amount: MinorUnits,
    /// How much of it was captured.
    captured: MinorUnits,
    /// How much of that went back, by refunds and disputes.
    returned: MinorUnits,
}

impl<'a> PaymentView<'a> {
    /// As the merchant sees it.
    pub(crate) fn for_merchant(payment: &'a Payment, place: &'a Place) -> Self {
        let units = |amount| MinorUnits::new(amount, payment.currency);
        let share = |share: &Share| ShareView {
            merchant: share.merchant,
            amount: units(share.amount),
            captured: units(share.captured),
            returned: units(share.returned),
        };
        let shares = Some(payment.shares.iter().map(share).collect());
        Self { fee: Some(units(payment.fee)), shares, ..Self::for_wallet(payment, place) }
    }

    /// As the payer sees it: without what the merchant is charged, and to whom it passes something on.
    pub(crate) fn for_wallet(payment: &'a Payment, place: &'a Place) -> Self {
        let units = |amount| MinorUnits::new(amount, payment.currency);
        let hold_expires_at = match payment.began {
            Beginning::Held { until } => Some(Timestamp(until)),
            Beginning::Captured | Beginning::Processing { .. } => None,
        };
        Self {
            id: payment.id,
            status: payment.status.into(),
            wallet: payment.wallet,
            merchant: MerchantName::new(&place.merchant),
            store: StoreView::new(&place.store),
            tag: payment.tag,
            tap: payment.tap,
            order: payment.order,
            description: payment.description.as_ref(),
            amount: Money::new(payment.amount, payment.currency),
            tip: units(payment.tip),
            captured: units(payment.captured),
            capturable: units(payment.capturable()),
            refunded: units(payment.refunded),
            disputed: units(payment.disputed),
            refundable: units(payment.refundable()),
            dispute: payment.open_dispute,
            hold_expires_at,
            fee: None,
            shares: None,
            created_at: Timestamp(payment.created_at),
        }
    }

    fn for_party(party: Party, payment: &'a Payment, place: &'a Place) -> Self {
        match party {
            Party::Merchant(_) => Self::for_merchant(payment, place),
            Party::Wallet(_) => Self::for_wallet(payment, place),
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
    /// A tip on top of it, in minor units of the same currency, where the order takes one.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, nullable = false, minimum = 1, maximum = 9_223_372_036_854_775_807_u64, example = 100)]
    tip: Option<WholeUnits>,
}

problems!(PayProblems:
    InsufficientFunds, NotFound, TapAlreadyUsed, OrderAlreadyPaid, OrderCancelled, OrderExpired, TapExpired,
    AmountRequired, AmountMismatch, CurrencyMismatch, CurrencyNotHeld, CurrencyNotAccepted, BalanceOverflow,
    TipNotAccepted, MerchantNotActive, ReceiverNotAccepted, SplitsExceedAmount, PaymentDeclined);

/// Pay
///
/// Moves the money at once, or holds it where the order says so, or says why not. An order is paid at most once, and so
/// is a tap. `processing` is no answer yet: get the payment until it says another status.
#[utoipa::path(
    post, path = "/v1/payments", tag = "payments", operation_id = "createPayment",
    request_body = PaymentRequest,
    responses((status = 201, description = "The money has moved, or is held.", body = PaymentView), PayProblems),
    security(("wallet_token" = [])),
)]
pub(crate) async fn pay(State(app): State<App>, posted: Posted<Wallet, PaymentRequest>) -> Result<Response, Problem> {
    let Posted { actor, body, request } = posted;
    let pay = Pay {
        id: app.new_id(),
        wallet: actor.id(),
        tap: body.tap,
        money: body.amount,
        tip: body.tip.map_or(0, WholeUnits::get),
        forced: app.is_sandbox().then_some(Forced::ByAmount),
    };
    let paid = app.submit(Action::Pay(pay), request).await;
    match app.metrics().payments.count(paid)? {
        Answer::Payment(payment) => {
            let place = Place::of(&app, payment.tag)?;
            respond(StatusCode::CREATED, &PaymentView::for_wallet(&payment, &place))
        }
        other => Err(Problem::internal(format_args!("the core answered {other:?} instead of a payment"))),
    }
}

/// List payments
///
/// What the merchant received, or the wallet paid, newest first. A till sees those of its store, among the merchant's
/// last 10,000.
#[utoipa::path(
    get, path = "/v1/payments", tag = "payments", operation_id = "listPayments",
    params(
        schema::Paging<schema::PaymentId>,
        ("status" = Option<StatusName>, Query, description = "Only those of this status."),
        schema::ByOrder,
        schema::ByWallet,
        schema::Created,
    ),
    responses((status = 200, description = "Part of the list.", body = PaymentList)),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"]), ("wallet_token" = [])),
)]
pub(crate) async fn list(State(app): State<App>, party: Party, mut query: Query) -> Result<Response, Problem> {
    let filter = PaymentFilter {
        status: query.take::<String>("status", "")?.map(|name| status_named(&name)).transpose()?,
        order: query.take("order", "must be an order's id")?,
        wallet: query.take("wallet", "must be a wallet's id")?,
        created: query.take_created()?,
        tags: party.tags_in_sight(&app),
    };
    let page = query.into_page::<PaymentId>()?;
    let owner = party.owner();
    let payments =
        app.read(move |tables| tables.list_payments(owner, &filter, page.starting_after, page.limit)).await?;
    let places: Vec<Place> =
        payments.items.iter().map(|payment| Place::of(&app, payment.tag)).collect::<Result<_, _>>()?;
    let views = payments.items.iter().zip(&places);
    let data = views.map(|(payment, place)| PaymentView::for_party(party, payment, place)).collect();
    respond(StatusCode::OK, &PaymentList { data, has_more: payments.has_more })
}

fn status_named(name: &str) -> Result<PaymentStatusFilter, Problem> {
    Ok(match name {
        "succeeded" => PaymentStatusFilter::Succeeded,
        "authorized" => PaymentStatusFilter::Held,
        "processing" => PaymentStatusFilter::Processing,
        "cancelled" => PaymentStatusFilter::Cancelled,
        "failed" => PaymentStatusFilter::Failed,
        _ => {
            let reason = "must be `succeeded`, `authorized`, `processing`, `cancelled` or `failed`";
            return Err(Problem::field("status", reason));
        }
    })
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
    respond(StatusCode::OK, &PaymentView::for_party(party, &own, &place))
}

/// A payment of the asker's own, at a tag that it may see.
pub(crate) async fn own_payment<S: Scope>(app: &App, actor: Merchant<S>, id: PaymentId) -> Result<Payment, Problem> {
    let payment = app.read(move |tables| tables.payment(id)).await?;
    let own = payment.filter(|payment| payment.merchant == actor.id() && actor.may_see_tag(app, payment.tag));
    own.ok_or_else(Problem::not_found)
}

/// The sum to capture, give back or dispute, if one is named: of the payment's own currency.
pub(crate) fn sum_of(payment: &Payment, named: Option<Money>) -> Result<Option<money::Amount>, Problem> {
    match named {
        Some(money) if money.currency() != payment.currency => {
            let reason = format!("the payment is in {}", payment.currency);
            Err(Problem::new(Code::CurrencyMismatch, reason).at("amount.currency"))
        }
        named => Ok(named.map(Money::amount)),
    }
}

/// What was left of a hold going back to the payer.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Release)]
struct ReleaseView {
    #[schema(value_type = schema::PaymentId)]
    payment: PaymentId,
    /// How much went back.
    amount: MinorUnits,
    reason: ReleaseReasonName,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
}

/// Why a hold was given back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ReleaseReason)]
enum ReleaseReasonName {
    Voided,
    Expired,
    Failed,
}

impl ReleaseView {
    fn new(release: &Release) -> Self {
        let reason = match release.reason {
            ReleaseReason::Voided => ReleaseReasonName::Voided,
            ReleaseReason::Expired => ReleaseReasonName::Expired,
            ReleaseReason::Failed => ReleaseReasonName::Failed,
        };
        Self {
            payment: release.payment,
            amount: MinorUnits::new(release.amount, release.currency),
            reason,
            created_at: Timestamp(release.created_at),
        }
    }
}

problems!(VoidProblems: InvalidId, NotFound, NothingHeld, PaymentProcessing);

/// Void a payment
///
/// Gives back to the payer what is still held. What was captured before stays so.
#[utoipa::path(
    post, path = "/v1/payments/{id}/void", tag = "payments", operation_id = "voidPayment",
    params(("id" = inline(schema::PaymentId), Path, description = "The payment's id.")),
    responses((status = 200, description = "What went back.", body = ReleaseView), VoidProblems),
    security(("merchant_key" = ["write"]), ("till_key" = ["write"])),
)]
pub(crate) async fn void(
    State(app): State<App>,
    id: PathId,
    posted: Posted<Merchant<Write>, Nothing>,
) -> Result<Response, Problem> {
    let Posted { actor, request, .. } = posted;
    let payment = own_payment(&app, actor, id.parse()?).await?;
    match app.submit(Action::Void { merchant: actor.id(), payment: payment.id }, request).await? {
        Answer::Release(release) => respond(StatusCode::OK, &ReleaseView::new(&release)),
        other => Err(Problem::internal(format_args!("the core answered {other:?} instead of a release"))),
    }
}
