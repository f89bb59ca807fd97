//! What a merchant may do: the operator says.

use ::payments::{Action, MerchantStatus};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::MerchantId;
use serde::Serialize;
use utoipa::ToSchema;

use super::core;
use crate::app::App;
use crate::auth::{Admitted, Operator, Write};
use crate::json::{Posted, respond};
use crate::path::PathId;
use crate::problem::Problem;
use crate::reference::{problems, schema};
use crate::resources::orders::Nothing;

/// What a merchant may do.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = MerchantStatus)]
pub(super) enum StatusName {
    /// It can prepare everything and is not paid yet.
    Applied,
    /// It is paid.
    Active,
    /// It is not paid and gets no payouts; it can give money back.
    Suspended,
    /// It is not paid any more, for ever; it gets what it is owed.
    Closed,
}

impl From<MerchantStatus> for StatusName {
    fn from(status: MerchantStatus) -> Self {
        match status {
            MerchantStatus::Applied => Self::Applied,
            MerchantStatus::Active => Self::Active,
            MerchantStatus::Suspended => Self::Suspended,
            MerchantStatus::Closed => Self::Closed,
        }
    }
}

/// What a merchant may do from now on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MerchantStatusChange)]
struct StatusView {
    #[schema(value_type = schema::MerchantId)]
    id: MerchantId,
    status: StatusName,
}

problems!(StatusProblems: InvalidId, NotFound, StatusNotAllowed);

/// Activate a merchant
///
/// From now on it is paid. One that is closed stays closed. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/merchants/{id}/activate", tag = "merchants", operation_id = "activateMerchant",
    params(("id" = inline(schema::MerchantId), Path, description = "The merchant's id.")),
    responses((status = 200, description = "It is active.", body = StatusView), StatusProblems),
    security(("operator_key" = ["write"])),
)]
pub(crate) async fn activate(
    State(app): State<App>,
    id: PathId,
    posted: Posted<Operator<Write>, Nothing>,
) -> Result<Response, Problem> {
    set(&app, id.parse()?, posted, MerchantStatus::Active, "merchant.activated").await
}

/// Suspend a merchant
///
/// It is not paid and gets no payouts until it is activated again; it can give money back.
#[utoipa::path(
    post, path = "/v1/merchants/{id}/suspend", tag = "merchants", operation_id = "suspendMerchant",
    params(("id" = inline(schema::MerchantId), Path, description = "The merchant's id.")),
    responses((status = 200, description = "It is suspended.", body = StatusView), StatusProblems),
    security(("operator_key" = ["write"])),
)]
pub(crate) async fn suspend(
    State(app): State<App>,
    id: PathId,
    posted: Posted<Operator<Write>, Nothing>,
) -> Result<Response, Problem> {
    set(&app, id.parse()?, posted, MerchantStatus::Suspended, "merchant.suspended").await
}

/// Close a merchant
///
/// It is not paid any more, for ever; it can give money back, and gets what it is owed.
#[utoipa::path(
    post, path = "/v1/merchants/{id}/close", tag = "merchants", operation_id = "closeMerchant",
    params(("id" = inline(schema::MerchantId), Path, description = "The merchant's id.")),
    responses((status = 200, description = "It is closed.", body = StatusView), StatusProblems),
    security(("operator_key" = ["write"])),
)]
pub(crate) async fn close(
    State(app): State<App>,
    id: PathId,
    posted: Posted<Operator<Write>, Nothing>,
) -> Result<Response, Problem> {
    set(&app, id.parse()?, posted, MerchantStatus::Closed, "merchant.closed").await
}

async fn set(
    app: &App,
    id: MerchantId,
    posted: Posted<Operator<Write>, Nothing>,
    status: MerchantStatus,
    audited: &'static str,
) -> Result<Response, Problem> {
    if app.directory().merchant(id).is_none() {
        return Err(Problem::not_found());
    }
    if status == MerchantStatus::Active {
        core::open(app, id).await?;
    }
    app.submit(Action::SetMerchantStatus { merchant: id, status }, posted.request).await?;
    let view = StatusView { id, status: status.into() };
    let after = serde_json::json!({ "status": view.status });
    core::note(app, posted.actor.key(), audited, id, after, posted.request).await?;
    respond(StatusCode::OK, &view)
}
