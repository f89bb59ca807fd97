//! The audit log: who did what.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use directory::{AuditEntry, AuditFilter};
use ids::{AuditEntryId, MerchantId, TokenId};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Manager, Read};
use crate::json::respond;
use crate::problem::Problem;
use crate::query::Query;
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// The longest name of an action or of an object that a list is filtered by.
const MAX_FILTER: usize = 64;

/// One thing that somebody did.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AuditEntry)]
struct EntryView<'a> {
    #[schema(value_type = schema::AuditEntryId)]
    id: AuditEntryId,
    /// What was done.
    #[schema(example = "store.updated")]
    action: &'a str,
    /// The id of what it was done to.
    #[schema(example = "sto_01h455vb4pex5vsknk084sn02q")]
    object: &'a str,
    /// The merchant that it belongs to; `null` for the operator's own.
    #[schema(value_type = Option<schema::MerchantId>, required)]
    merchant: Option<MerchantId>,
    /// The key that asked for it.
    #[schema(value_type = schema::KeyId)]
    key: TokenId,
    /// The fields that were otherwise; `null` for what was new. Nothing secret is in it.
    #[schema(value_type = Option<schema::AnyObject>, required)]
    before: Option<&'a Value>,
    /// What they became; of what was new, all fields.
    #[schema(value_type = Option<schema::AnyObject>, required)]
    after: Option<&'a Value>,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
}

impl<'a> EntryView<'a> {
    fn new(entry: &'a AuditEntry) -> Self {
        Self {
            id: entry.id,
            action: &entry.action,
            object: &entry.object,
            merchant: entry.merchant,
            key: entry.key,
            before: entry.before.as_ref(),
            after: entry.after.as_ref(),
            created_at: Timestamp(entry.at),
        }
    }
}

/// Part of the audit log.
#[derive(Debug, Serialize, ToSchema)]
struct AuditLog<'a> {
    /// The newest first.
    data: Vec<EntryView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

problems!(ListProblems: NotFound);

/// List what was done
///
/// Who changed what, when and how: to a merchant what was done to its own, to the operator everything; newest first.
#[utoipa::path(
    get, path = "/v1/audit_log", tag = "audit_log", operation_id = "listAuditLog",
    params(
        schema::Paging<schema::AuditEntryId>,
        schema::ByMerchant,
        schema::ByKey,
        ("object" = Option<String>, Query, description = "Only what was done to what has this id.",
            min_length = 1, max_length = 64, example = "sto_01h455vb4pex5vsknk084sn02q"),
        ("action" = Option<String>, Query, description = "Only such actions.", min_length = 1, max_length = 64,
            example = "store.updated"),
    ),
    responses((status = 200, description = "Part of the log.", body = AuditLog), ListProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"])),
)]
pub(crate) async fn list(State(app): State<App>, actor: Manager<Read>, mut query: Query) -> Result<Response, Problem> {
    let filter = AuditFilter {
        merchant: actor.listing(query.take("merchant", "must be a merchant's id")?)?,
        key: query.take("key", "must be a key's id")?,
        object: named(&mut query, "object")?,
        action: named(&mut query, "action")?,
    };
    let page = query.into_page::<AuditEntryId>()?;
    let part =
        app.with_directory(move |directory| Ok(directory.audit_log(&filter, page.starting_after, page.limit)?)).await?;
    let data = part.items.iter().map(EntryView::new).collect();
    respond(StatusCode::OK, &AuditLog { data, has_more: part.has_more })
}

fn named(query: &mut Query, name: &'static str) -> Result<Option<String>, Problem> {
    let text: Option<String> = query.take(name, "must be a text")?;
    match text {
        Some(text) if !(1..=MAX_FILTER).contains(&text.chars().count()) => {
            Err(Problem::field(name, "must have 1 to 64 characters"))
        }
        text => Ok(text),
    }
}
