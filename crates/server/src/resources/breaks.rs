//! Breaks: where payments, ledger and bank do not agree, until they do or a person has said why.

use ::payments::{Evidence, UnixMillis};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::BreakId;
use partners::reconciliation::{Break, BreakFilter, BreakKind, BreakState};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::amounts::MinorUnits;
use crate::app::App;
use crate::auth::{Admitted, Operator, Read, Write};
use crate::control::{Control, Reply, control};
use crate::json::respond;
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// Something that does not agree.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Break)]
struct BreakView<'a> {
    #[schema(value_type = schema::BreakId)]
    id: BreakId,
    kind: KindName,
    state: StateName,
    /// What it is about: a payout's id, a settlement's id, or `line:` and the bank's name and line.
    #[schema(example = "po_01h455vb4pex5vsknk084sn02q")]
    subject: &'a str,
    /// By how much.
    amount: MinorUnits,
    /// In words.
    #[schema(example = "due on 2026-11-22, and the bank has said nothing")]
    detail: &'a str,
    #[schema(value_type = schema::Timestamp)]
    opened_at: Timestamp,
    /// How long it has been open, or was.
    #[schema(minimum = 0, example = 86_400)]
    age_seconds: u64,
    /// When it came right, or somebody had dealt with it.
    #[schema(value_type = Option<schema::Timestamp>, required)]
    closed_at: Option<Timestamp>,
    /// The key of whoever dealt with it.
    #[schema(value_type = Option<schema::KeyId>, required)]
    closed_by: Option<&'a str>,
    /// How it came right, or what was done about it.
    #[schema(required, example = "the bank has written off the cent")]
    resolution: Option<&'a str>,
}

/// In which way something does not agree.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BreakKind)]
enum KindName {
    /// A settlement's payments add up to something else than its movements in the ledger, or than its statement.
    PaymentsDifferFromLedger,
    /// The bank has said nothing of a payout for too long.
    MissingAtBank,
    /// The bank booked something that is no payout of ours.
    UnknownAtBank,
    /// Another amount left than was asked for, or another came back than had left.
    AmountDiffers,
    /// More left than was asked for, by several payments.
    PaidTwice,
    /// The bank contradicts itself, or us.
    StatusDiffers,
}

/// Whether a break still is. `healed`: it came right by itself. `resolved`: a person has dealt with it.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = BreakState)]
enum StateName {
    Open,
    Healed,
    Resolved,
}

impl<'a> BreakView<'a> {
    fn new(found: &'a Break, now: UnixMillis) -> Self {
        let (state, closed_at, closed_by, resolution) = match &found.state {
            BreakState::Open => (StateName::Open, None, None, None),
            BreakState::Healed { at_ms, note } => (StateName::Healed, Some(*at_ms), None, Some(note.as_str())),
            BreakState::Resolved { at_ms, by, text } => {
                (StateName::Resolved, Some(*at_ms), Some(by.as_str()), Some(text.as_str()))
            }
        };
        Self {
            id: found.id,
            kind: match found.kind {
                BreakKind::PaymentsDifferFromLedger => KindName::PaymentsDifferFromLedger,
                BreakKind::MissingAtBank => KindName::MissingAtBank,
                BreakKind::UnknownAtBank => KindName::UnknownAtBank,
                BreakKind::AmountDiffers => KindName::AmountDiffers,
                BreakKind::PaidTwice => KindName::PaidTwice,
                BreakKind::StatusDiffers => KindName::StatusDiffers,
            },
            state,
            subject: &found.subject,
            amount: MinorUnits::new(found.amount, found.currency),
            detail: &found.detail,
            opened_at: Timestamp(UnixMillis(found.opened_at_ms)),
            age_seconds: found.age_ms(now.0) / 1_000,
            closed_at: closed_at.map(|at| Timestamp(UnixMillis(at))),
            closed_by,
            resolution,
        }
    }
}

/// Part of the list of breaks.
#[derive(Debug, Serialize, ToSchema)]
struct BreakList<'a> {
    /// The oldest first: the longest in the queue.
    data: Vec<BreakView<'a>>,
    /// Whether more follow.
    has_more: bool,
}

/// List breaks
///
/// The queue of what does not agree, the oldest first.
#[utoipa::path(
    get, path = "/v1/breaks", tag = "breaks", operation_id = "listBreaks",
    params(
        schema::Paging<schema::BreakId>,
        ("state" = Option<StateName>, Query, description = "Only those in this state."),
        ("kind" = Option<KindName>, Query, description = "Only those of this kind."),
    ),
    responses((status = 200, description = "Part of the list.", body = BreakList)),
    security(("operator_key" = ["read"])),
)]
pub(crate) async fn list(State(app): State<App>, _: Operator<Read>, mut query: Query) -> Result<Response, Problem> {
    let state = match query.take::<String>("state", "")?.as_deref() {
        None => BreakFilter::All,
        Some("open") => BreakFilter::Open,
        Some("healed") => BreakFilter::Healed,
        Some("resolved") => BreakFilter::Resolved,
        Some(_) => return Err(Problem::field("state", "must be `open`, `healed` or `resolved`")),
    };
    let kind = match query.take::<String>("kind", "")? {
        None => None,
        Some(code) => {
            let unknown = || Problem::field("kind", "must be one of the kinds that the reference names");
            Some(BreakKind::of_code(&code).ok_or_else(unknown)?)
        }
    };
    let page = query.into_page::<BreakId>()?;
    let limit = page.limit as usize;
    let mut found = app.bank()?.with(move |books, _| books.breaks(state, kind, page.starting_after, limit + 1)).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let data = found.iter().map(|found| BreakView::new(found, app.now())).collect();
    respond(StatusCode::OK, &BreakList { data, has_more })
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a break
#[utoipa::path(
    get, path = "/v1/breaks/{id}", tag = "breaks", operation_id = "getBreak",
    params(("id" = inline(schema::BreakId), Path, description = "The break's id.")),
    responses((status = 200, description = "The break.", body = BreakView), GetProblems),
    security(("operator_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    _: Operator<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let id: BreakId = id.parse()?;
    let found = app.bank()?.with(move |books, _| books.find_break(id)).await?.ok_or_else(Problem::not_found)?;
    respond(StatusCode::OK, &BreakView::new(&found, app.now()))
}

/// What was done about a break.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BreakResolution)]
pub(crate) struct ResolveRequest {
    /// In words; line breaks are allowed.
    #[schema(value_type = schema::Evidence, example = "The bank has written off the cent.")]
    resolution: Evidence,
}

problems!(ResolveProblems: InvalidId, NotFound, BreakClosed);

/// Resolve a break
///
/// Says what was done about it, and takes it off the queue. It stays resolved unless its figures change.
#[utoipa::path(
    post, path = "/v1/breaks/{id}/resolve", tag = "breaks", operation_id = "resolveBreak",
    params(("id" = inline(schema::BreakId), Path, description = "The break's id.")),
    request_body = ResolveRequest,
    responses((status = 200, description = "It is resolved.", body = BreakView), ResolveProblems),
    security(("operator_key" = ["write"])),
)]
pub(crate) async fn resolve(
    State(app): State<App>,
    id: PathId,
    request: Control<Operator<Write>, ResolveRequest>,
) -> Result<Response, Problem> {
    let id: BreakId = id.parse()?;
    let (bank, now) = (app.bank()?.clone(), app.now());
    let resolved = control(&app, request, move |change, operator, body| {
        let find = || bank.with_blocking(|books, _| books.find_break(id))?.ok_or_else(Problem::not_found);
        find()?;
        let (text, by) = (body.resolution.as_str().to_owned(), operator.key().to_string());
        bank.with_blocking(|books, now| books.resolve(id, &text, &by, now))?;
        let found = find()?;
        let view = BreakView::new(&found, now);
        change.note("break.resolved", &id.to_string(), None, &view, None)?;
        Reply::new(StatusCode::OK, &view)
    });
    Ok(resolved.await?.into_response())
}
