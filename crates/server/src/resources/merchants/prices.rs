//! What a merchant is charged, and when it is settled: the operator says, the money core keeps it.

use ::payments::{Action, MerchantState, UnixMillis};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::MerchantId;
use serde::{Deserialize, Serialize};
use terms::{BusinessDay, CutOffTime, FeePlan, FeeRate, Reserve, Schedule, SettlementTerms, Weekdays, ZoneName};
use utoipa::ToSchema;

use super::{core, own_or_any};
use crate::app::App;
use crate::auth::{Admitted, Manager, Operator, Read, Write};
use crate::json::{Posted, present, respond};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::NoQuery;
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// What a merchant is charged from some moment on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FeePlan)]
struct FeePlanView<'a> {
    /// From when; `null` in the answer to a request that said nothing: from that moment.
    #[schema(value_type = Option<schema::Timestamp>, required)]
    valid_from: Option<Timestamp>,
    /// The prices by currency and method. What has no rate costs nothing.
    #[schema(value_type = Vec<schema::FeeRate>)]
    rates: &'a [FeeRate],
}

/// All fee plans of a merchant.
#[derive(Debug, Serialize, ToSchema)]
struct FeePlanList<'a> {
    /// The one that holds last first; at most 200.
    data: Vec<FeePlanView<'a>>,
}

/// What to charge.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewFeePlan)]
pub(crate) struct FeePlanRequest {
    /// From when; left out or past, from now on. A plan that was to begin at the same moment is replaced.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Moment>, nullable = false)]
    valid_from: Option<Moment>,
    /// The prices, at most one for each currency and method.
    #[schema(value_type = Vec<schema::FeeRate>, max_items = 100)]
    rates: FeePlan,
}

/// A moment of RFC 3339, to the millisecond.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct Moment(UnixMillis);

impl TryFrom<String> for Moment {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, &'static str> {
        let moment: Result<Timestamp, _> = text.parse();
        moment.map(|Timestamp(at)| Self(at)).map_err(|_| "must be a moment such as 2026-11-22T12:30:00Z")
    }
}

problems!(SetPlanProblems: InvalidId, NotFound, TooMany);

/// Set a fee plan
///
/// What a capture costs from then on. What was captured before keeps its price.
#[utoipa::path(
    post, path = "/v1/merchants/{id}/fee_plans", tag = "merchants", operation_id = "createFeePlan",
    params(("id" = inline(schema::MerchantId), Path, description = "The merchant's id.")),
    request_body = FeePlanRequest,
    responses((status = 201, description = "The plan holds from then on.", body = FeePlanView), SetPlanProblems),
    security(("operator_key" = ["write"])),
)]
pub(crate) async fn set_fee_plan(
    State(app): State<App>,
    id: PathId,
    posted: Posted<Operator<Write>, FeePlanRequest>,
) -> Result<Response, Problem> {
    let id = known(&app, id.parse()?)?;
    let Posted { actor, body, request } = posted;
    // What is past is now, says the money core.
    let from = body.valid_from.map_or(UnixMillis(0), |Moment(from)| from);
    app.submit(Action::SetFeePlan { merchant: id, plan: body.rates.clone(), from }, request).await?;
    let valid_from = body.valid_from.map(|Moment(from)| Timestamp(from));
    let view = FeePlanView { valid_from, rates: body.rates.rates() };
    core::note(&app, actor.key(), "merchant.fee_plan_set", id, document(&view)?, request).await?;
    respond(StatusCode::CREATED, &view)
}

problems!(GetProblems: InvalidId, NotFound);

/// List a merchant's fee plans
///
/// Those that hold, held, and will hold.
#[utoipa::path(
    get, path = "/v1/merchants/{id}/fee_plans", tag = "merchants", operation_id = "listFeePlans",
    params(("id" = inline(schema::MerchantOrMe), Path, description = "The merchant's id, or `me`.")),
    responses((status = 200, description = "The plans.", body = FeePlanList), GetProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"])),
)]
pub(crate) async fn fee_plans(
    State(app): State<App>,
    actor: Manager<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let state = state(&app, own_or_any(&id, actor.merchant())?).await?;
    let plans = state.fee_plans.iter().rev();
    let view = |(from, plan): &'_ (_, _)| (Some(Timestamp(*from)), FeePlan::rates(plan).to_vec());
    let plans: Vec<(Option<Timestamp>, Vec<FeeRate>)> = plans.map(view).collect();
    let data = plans.iter().map(|(valid_from, rates)| FeePlanView { valid_from: *valid_from, rates }).collect();
    respond(StatusCode::OK, &FeePlanList { data })
}

/// When a merchant is settled and paid out.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettlementTerms)]
pub(crate) struct TermsDocument {
    /// Whose clocks count.
    #[schema(value_type = schema::TimeZone)]
    time_zone: ZoneName,
    /// When a business day ends there: what comes at that very moment is in the next.
    #[serde(default = "end_of_day")]
    #[schema(value_type = Option<schema::TimeOfDay>, nullable = false, default = "24:00:00")]
    cut_off: CutOffTime,
    /// The weekdays on which business is done; left out, Monday to Friday.
    #[serde(default = "monday_to_friday")]
    #[schema(value_type = Option<BTreeSet<schema::Weekday>>, nullable = false, min_items = 1, max_items = 7)]
    business_days: Weekdays,
    /// Days on which it is not.
    #[serde(default)]
    #[schema(value_type = Option<Vec<schema::Day>>, nullable = false, max_items = 1_000, example = json!(["2027-01-01"]))]
    holidays: Vec<BusinessDay>,
    /// Which business days end with a settlement: `daily`, or once a week after a weekday: `{"weekly": "friday"}`.
    #[serde(default = "daily")]
    #[schema(value_type = Option<schema::Schedule>, nullable = false)]
    schedule: Schedule,
    /// How many business days after the settlement the money leaves: 0 is T+0.
    #[serde(default = "one")]
    #[schema(value_type = Option<u8>, nullable = false, maximum = 30, default = 1)]
    payout_delay_days: u8,
    /// What is held back of each settlement, and for how many days.
    #[serde(default)]
    #[schema(value_type = Option<schema::SettlementReserve>)]
    reserve: Option<Reserve>,
    /// How much the merchant may owe after refunds, in minor units of the currency in question.
    #[serde(default)]
    #[schema(value_type = Option<u64>, nullable = false, maximum = 18_446_744_073_709_551_615_u64, default = 0)]
    negative_balance_limit: u64,
}

fn end_of_day() -> CutOffTime {
    CutOffTime::END_OF_DAY
}

fn monday_to_friday() -> Weekdays {
    Weekdays::MONDAY_TO_FRIDAY
}

fn daily() -> Schedule {
    Schedule::Daily
}

fn one() -> u8 {
    1
}

impl TermsDocument {
    fn read(mut self) -> Result<SettlementTerms, Problem> {
        self.holidays.sort_unstable();
        self.holidays.dedup();
        let terms = SettlementTerms {
            zone: self.time_zone,
            cut_off: self.cut_off,
            business_days: self.business_days,
            holidays: self.holidays,
            schedule: self.schedule,
            payout_delay_days: self.payout_delay_days,
            reserve: self.reserve,
            negative_balance_limit: self.negative_balance_limit,
        };
        terms.validated().map_err(|error| Problem::field(field_at_fault(error), error.to_string()))
    }
}

fn field_at_fault(error: terms::SettlementTermsError) -> &'static str {
    use terms::SettlementTermsError as Error;
    match error {
        Error::TooManyHolidays | Error::HolidaysOutOfOrder => "holidays",
        Error::PayoutTooLate => "payout_delay_days",
        Error::ReserveOfNothing => "reserve.rate",
        Error::ReserveDaysOutOfRange => "reserve.days",
    }
}

impl From<SettlementTerms> for TermsDocument {
    fn from(terms: SettlementTerms) -> Self {
        Self {
            time_zone: terms.zone,
            cut_off: terms.cut_off,
            business_days: terms.business_days,
            holidays: terms.holidays,
            schedule: terms.schedule,
            payout_delay_days: terms.payout_delay_days,
            reserve: terms.reserve,
            negative_balance_limit: terms.negative_balance_limit,
        }
    }
}

problems!(SetTermsProblems: InvalidId, NotFound);

/// Set settlement terms
///
/// When a merchant is settled, and what of it is held back: from its next settlement on. Without terms it is not settled.
#[utoipa::path(
    post, path = "/v1/merchants/{id}/settlement_terms", tag = "merchants", operation_id = "setSettlementTerms",
    params(("id" = inline(schema::MerchantId), Path, description = "The merchant's id.")),
    request_body = TermsDocument,
    responses((status = 200, description = "The terms hold.", body = TermsDocument), SetTermsProblems),
    security(("operator_key" = ["write"])),
)]
pub(crate) async fn set_settlement_terms(
    State(app): State<App>,
    id: PathId,
    posted: Posted<Operator<Write>, TermsDocument>,
) -> Result<Response, Problem> {
    let id = known(&app, id.parse()?)?;
    let Posted { actor, body, request } = posted;
    let terms = body.read()?;
    app.submit(Action::SetSettlementTerms { merchant: id, terms: terms.clone() }, request).await?;
    let view = TermsDocument::from(terms);
    core::note(&app, actor.key(), "merchant.settlement_terms_set", id, document(&view)?, request).await?;
    respond(StatusCode::OK, &view)
}

/// Get a merchant's settlement terms
///
/// `not_found` while none are set.
#[utoipa::path(
    get, path = "/v1/merchants/{id}/settlement_terms", tag = "merchants", operation_id = "getSettlementTerms",
    params(("id" = inline(schema::MerchantOrMe), Path, description = "The merchant's id, or `me`.")),
    responses((status = 200, description = "The terms.", body = TermsDocument), GetProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"])),
)]
pub(crate) async fn settlement_terms(
    State(app): State<App>,
    actor: Manager<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let state = state(&app, own_or_any(&id, actor.merchant())?).await?;
    let terms = state.terms.ok_or_else(Problem::not_found)?;
    respond(StatusCode::OK, &TermsDocument::from(terms))
}

/// The id of a merchant that is there.
fn known(app: &App, id: MerchantId) -> Result<MerchantId, Problem> {
    app.directory().merchant(id).map(|merchant| merchant.id).ok_or_else(Problem::not_found)
}

async fn state(app: &App, id: MerchantId) -> Result<MerchantState, Problem> {
    let id = known(app, id)?;
    let state = app.read(move |tables| tables.merchant(id)).await?;
    Ok(state.unwrap_or_else(|| MerchantState::unwritten(id)))
}

fn document(view: &impl Serialize) -> Result<serde_json::Value, Problem> {
    serde_json::to_value(view).map_err(Problem::internal)
}

#[cfg(test)]
mod tests {
    use terms::Weekday;

    use super::*;

    #[test]
    fn terms_have_sensible_defaults() {
        let terms: TermsDocument = serde_json::from_str(r#"{"time_zone":"Asia/Shanghai"}"#).unwrap();
        assert_eq!(
            serde_json::to_value(&terms).unwrap(),
            serde_json::json!({
                "time_zone": "Asia/Shanghai", "cut_off": "24:00:00",
                "business_days": ["monday", "tuesday", "wednesday", "thursday", "friday"], "holidays": [],
                "schedule": "daily", "payout_delay_days": 1, "reserve": null, "negative_balance_limit": 0,
            })
        );
        let weekly: Schedule = serde_json::from_str(r#"{"weekly":"friday"}"#).unwrap();
        assert_eq!(weekly, Schedule::Weekly(Weekday::Friday));
    }
}
