//! Payouts: settled money on its way to a merchant's bank.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::{MerchantId, PayoutId, SettlementId};
use money::{Currency, Money};
use payments::{Action, Answer, Payout, PayoutStatus, Text, UnixMillis};
use serde::{Deserialize, Serialize};
use store::tables::{PayoutFilter, PayoutStatusFilter};
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Admitted, Manager, Read, Settle};
use crate::json::{Posted, present, respond};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// Settled money on its way to a merchant's bank.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Payout)]
pub(crate) struct PayoutView<'a> {
    #[schema(value_type = schema::PayoutId)]
    id: PayoutId,
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    status: StatusName,
    #[schema(value_type = schema::Money)]
    amount: Money,
    /// The settlement that called for it; `null` if somebody asked.
    #[schema(value_type = Option<schema::SettlementId>, required)]
    settlement: Option<SettlementId>,
    /// The bank's name for it.
    #[schema(value_type = Option<String>, required, example = "PO01H455VB4PEX5VSKNK084SN02Q")]
    bank_reference: Option<&'a Text>,
    /// Why it failed or came back, in the bank's words.
    #[schema(value_type = Option<String>, required, example = "AC04 account closed")]
    reason: Option<&'a Text>,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
    /// Since when it stands where it does.
    #[schema(value_type = schema::Timestamp)]
    changed_at: Timestamp,
}

/// Where a payout stands. `created`: the bank has not been told. `submitted`: the bank has been told, and it is not known
/// what came of it. `paid`: the money has left. `failed`: the bank could not pay. `returned`: the money had left and came
/// back. What failed or came back is the merchant's balance again.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PayoutStatus)]
enum StatusName {
    Created,
    Submitted,
    Paid,
    Failed,
    Returned,
}

impl<'a> PayoutView<'a> {
    pub(crate) fn new(payout: &'a Payout) -> Self {
        let (status, changed_at, reason): (_, UnixMillis, _) = match &payout.status {
            PayoutStatus::Created => (StatusName::Created, payout.created_at, None),
            PayoutStatus::Submitted { at } => (StatusName::Submitted, *at, None),
            PayoutStatus::Paid { at } => (StatusName::Paid, *at, None),
            PayoutStatus::Failed { at, reason } => (StatusName::Failed, *at, Some(reason)),
            PayoutStatus::Returned { at, reason } => (StatusName::Returned, *at, Some(reason)),
        };
        Self {
            id: payout.id,
            merchant: payout.merchant,
            status,
            amount: Money::new(payout.amount, payout.currency),
            settlement: payout.settlement,
            bank_reference: payout.bank_reference.as_ref(),
            reason,
            created_at: Timestamp(payout.created_at),
            changed_at: Timestamp(changed_at),
        }
    }
}

/// A payout, and where it goes.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PayoutWithAccount)]
struct DetailsView<'a> {
    #[serde(flatten)]
    payout: PayoutView<'a>,
    /// The last four characters of the account that the bank was or will be asked to pay to.
    #[schema(required, min_length = 1, max_length = 4, example = "3000")]
    account_last_four: Option<String>,
    /// What it waits for, if it waits: `payout_account` until the merchant has one for the currency.
    #[schema(required)]
    waits_for: Option<WaitsFor>,
}

/// What a payout waits for.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = PayoutWaitsFor)]
enum WaitsFor {
    PayoutAccount,
}

/// With where they go: as the bank was asked; before it was, as it would be.
async fn with_accounts<'a>(app: &App, payouts: &'a [Payout]) -> Result<Vec<DetailsView<'a>>, Problem> {
    let asked = accounts_asked(app, payouts.iter().map(|payout| payout.id).collect()).await?;
    let details = payouts.iter().zip(asked).map(|(payout, asked)| {
        let account_last_four = asked.or_else(|| {
            let profile = app.directory().merchant(payout.merchant)?;
            Some(profile.payout_accounts.get(&payout.currency)?.last_four().to_owned())
        });
        let waits = payout.status == PayoutStatus::Created && account_last_four.is_none();
        let waits_for = waits.then_some(WaitsFor::PayoutAccount);
        DetailsView { payout: PayoutView::new(payout), account_last_four, waits_for }
    });
    Ok(details.collect())
}

async fn accounts_asked(app: &App, payouts: Vec<PayoutId>) -> Result<Vec<Option<String>>, Problem> {
    let Ok(bank) = app.bank() else { return Ok(vec![None; payouts.len()]) };
    let read = bank.with(move |books, _| {
        let account = |id| Ok(books.instruction(id)?.map(|asked| asked.account.last_four().to_owned()));
        payouts.into_iter().map(account).collect()
    });
    read.await
}

async fn one(app: &App, status: StatusCode, payout: &Payout) -> Result<Response, Problem> {
    let details = with_accounts(app, std::slice::from_ref(payout)).await?;
    respond(status, &details.into_iter().next())
}

/// Part of the list of payouts.
#[derive(Debug, Serialize, ToSchema)]
struct PayoutList<'a> {
    /// The newest first.
    data: Vec<DetailsView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

/// What to pay out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPayout)]
pub(crate) struct PayoutRequest {
    /// Which balance.
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// Whose balance. A merchant's key pays out its own, and need not say so; the operator's must.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::MerchantId>, nullable = false)]
    merchant: Option<MerchantId>,
}

problems!(CreateProblems: NotFound, NothingToPayOut, MerchantNotActive, CurrencyNotAccepted, BalanceOverflow);

/// Pay out a balance
///
/// All that was settled in a currency and not paid out yet, before its time, less what the merchant owes.
#[utoipa::path(
    post, path = "/v1/payouts", tag = "payouts", operation_id = "createPayout",
    request_body = PayoutRequest,
    responses((status = 201, description = "The payout is on its way.", body = DetailsView), CreateProblems),
    security(("merchant_key" = ["settle"]), ("operator_key" = ["settle"])),
)]
pub(crate) async fn create(
    State(app): State<App>,
    posted: Posted<Manager<Settle>, PayoutRequest>,
) -> Result<Response, Problem> {
    let Posted { actor, body, request } = posted;
    let merchant = actor.acting_for(body.merchant)?;
    if app.directory().merchant(merchant).is_none() {
        return Err(Problem::not_found().at("merchant"));
    }
    let action = Action::CreatePayout { id: app.new_id(), merchant, currency: body.currency };
    let payout = match app.submit(action, request).await? {
        Answer::Payout(payout) => payout,
        other => return Err(Problem::internal(format_args!("the core answered {other:?} instead of a payout"))),
    };
    let (author, id) = (app.author(actor.key()), payout.id.to_string());
    let after = serde_json::to_value(PayoutView::new(&payout)).map_err(Problem::internal)?;
    let origin = request.map(|request| request.key.0);
    let note = move |directory: &directory::Directory| {
        directory.change(author, |change| change.note("payout.created", &id, Some(merchant), &after, origin))?;
        Ok(())
    };
    app.with_directory(note).await?;
    one(&app, StatusCode::CREATED, &payout).await
}

problems!(ListProblems: NotFound);

/// List payouts
///
/// A merchant's own; the operator's list has everybody's, or one merchant's.
#[utoipa::path(
    get, path = "/v1/payouts", tag = "payouts", operation_id = "listPayouts",
    params(
        schema::Paging<schema::PayoutId>,
        schema::ByMerchant,
        schema::ByCurrency,
        ("status" = Option<StatusName>, Query, description = "Only those that stand there."),
    ),
    responses((status = 200, description = "Part of the list.", body = PayoutList), ListProblems),
    security(("merchant_key" = ["read"]), ("operator_key" = ["read"])),
)]
pub(crate) async fn list(State(app): State<App>, actor: Manager<Read>, mut query: Query) -> Result<Response, Problem> {
    let filter = PayoutFilter {
        merchant: actor.listing(query.take("merchant", "must be a merchant's id")?)?,
        currency: query.take_currency()?,
        status: match query.take::<String>("status", "")?.as_deref() {
            None => None,
            Some("created") => Some(PayoutStatusFilter::Created),
            Some("submitted") => Some(PayoutStatusFilter::Submitted),
            Some("paid") => Some(PayoutStatusFilter::Paid),
            Some("failed") => Some(PayoutStatusFilter::Failed),
            Some("returned") => Some(PayoutStatusFilter::Returned),
            Some(_) => {
                let reason = "must be `created`, `submitted`, `paid`, `failed` or `returned`";
                return Err(Problem::field("status", reason));
            }
        },
    };
    let page = query.into_page::<PayoutId>()?;
    let found = app.read(move |tables| tables.payouts(&filter, page.starting_after, page.limit)).await?;
    let data = with_accounts(&app, &found.items).await?;
    respond(StatusCode::OK, &PayoutList { data, has_more: found.has_more })
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a payout
#[utoipa::path(
    get, path = "/v1/payouts/{id}", tag = "payouts", operation_id = "getPayout",
    params(("id" = inline(schema::PayoutId), Path, description = "The payout's id.")),
    responses((status = 200, description = "The payout.", body = DetailsView), GetProblems),
    security(("merchant_key" = ["read"]), ("operator_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    actor: Manager<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let id: PayoutId = id.parse()?;
    let payout = app.read(move |tables| tables.payout(id)).await?;
    let own = payout.filter(|payout| actor.is_over(payout.merchant)).ok_or_else(Problem::not_found)?;
    one(&app, StatusCode::OK, &own).await
}
