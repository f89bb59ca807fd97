//! Tills: the places to pay in a store.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use directory::{Change, Filter, Metadata, Name, Reference, TillProfile};
use ids::{MerchantId, StoreId, TillId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::stores::reference_taken;
use crate::app::App;
use crate::auth::{Manager, Read, Write};
use crate::control::{Control, Reply, control};
use crate::json::{Edit, present, respond};
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};

/// A till, with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = TillDetails)]
struct TillDetails<'a> {
    #[schema(value_type = schema::TillId)]
    id: TillId,
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    /// Where it stands.
    #[schema(value_type = schema::StoreId)]
    store: StoreId,
    #[schema(value_type = schema::Name)]
    name: &'a Name,
    #[schema(value_type = Option<schema::Reference>, required)]
    reference: Option<&'a Reference>,
    #[schema(value_type = schema::Metadata)]
    metadata: &'a Metadata,
}

impl<'a> TillDetails<'a> {
    fn new(till: &'a TillProfile) -> Self {
        Self {
            id: till.id,
            merchant: till.merchant,
            store: till.store,
            name: &till.name,
            reference: till.reference.as_ref(),
            metadata: &till.metadata,
        }
    }
}

/// Part of the list of tills.
#[derive(Debug, Serialize, ToSchema)]
struct TillList<'a> {
    /// The newest first.
    data: Vec<TillDetails<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

/// A till to put up.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewTill)]
pub(crate) struct TillRequest {
    /// Where it stands, for ever in a store of the same merchant.
    #[schema(value_type = schema::StoreId)]
    store: StoreId,
    #[schema(value_type = schema::Name)]
    name: Name,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Reference>, nullable = false)]
    reference: Option<Reference>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Metadata>, nullable = false)]
    metadata: Metadata,
}

/// What to change of a till. What is left out stays; `null` takes away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TillChanges)]
pub(crate) struct TillChanges {
    /// Another store of the same merchant, to which it moves with its tags.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::StoreId>, nullable = false)]
    store: Option<StoreId>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Name>, nullable = false)]
    name: Option<Name>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Reference>)]
    reference: Edit<Reference>,
    /// All notes anew.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Metadata>, nullable = false)]
    metadata: Option<Metadata>,
}

problems!(CreateProblems: NotFound, ReferenceTaken, AlreadyExists);

/// Put up a till
#[utoipa::path(
    post, path = "/v1/tills", tag = "tills", operation_id = "createTill",
    request_body = TillRequest,
    responses((status = 201, description = "The till stands.", body = TillDetails), CreateProblems),
    security(("operator_key" = ["write"]), ("merchant_key" = ["write"])),
)]
pub(crate) async fn create(
    State(app): State<App>,
    request: Control<Manager<Write>, TillRequest>,
) -> Result<Response, Problem> {
    let id: TillId = app.new_id();
    let created = control(&app, request, move |change, actor, body| {
        let merchant = owner_of_store(change, actor, body.store)?;
        let till = TillProfile {
            reference: body.reference,
            metadata: body.metadata,
            ..TillProfile::new(id, merchant, body.store, body.name)
        };
        put(change, till, StatusCode::CREATED)
    });
    Ok(created.await?.into_response())
}

/// The merchant of a store that the asker may put something into.
pub(crate) fn owner_of_store(
    change: &Change<'_>,
    actor: Manager<Write>,
    store: StoreId,
) -> Result<MerchantId, Problem> {
    let own = change.store(store)?.filter(|store| actor.is_over(store.merchant));
    own.map(|store| store.merchant).ok_or_else(|| Problem::not_found().at("store"))
}

fn put(change: &mut Change<'_>, till: TillProfile, status: StatusCode) -> Result<Reply, Problem> {
    if let Some(reference) = &till.reference
        && change.till_named(till.merchant, reference)?.is_some_and(|other| other.id != till.id)
    {
        return Err(reference_taken());
    }
    change.put_till(till.clone())?;
    Reply::new(status, &TillDetails::new(&till))
}

problems!(ListProblems: NotFound);

/// List tills
///
/// A merchant's own, or everybody's; newest first.
#[utoipa::path(
    get, path = "/v1/tills", tag = "tills", operation_id = "listTills",
    params(
        schema::Paging<schema::TillId>,
        schema::Search,
        schema::ByMerchant,
        schema::ByStore,
    ),
    responses((status = 200, description = "Part of the list.", body = TillList), ListProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"])),
)]
pub(crate) async fn list(State(app): State<App>, actor: Manager<Read>, mut query: Query) -> Result<Response, Problem> {
    let merchant = actor.listing(query.take("merchant", "must be a merchant's id")?)?;
    let store = query.take("store", "must be a store's id")?;
    let filter = Filter { merchant, store, search: query.take_search()?, ..Filter::default() };
    let page = query.into_page::<TillId>()?;
    let part = app
        .with_directory(move |directory| Ok(directory.list::<TillProfile>(&filter, page.starting_after, page.limit)?))
        .await?;
    let data = part.items.iter().map(TillDetails::new).collect();
    respond(StatusCode::OK, &TillList { data, has_more: part.has_more })
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a till
#[utoipa::path(
    get, path = "/v1/tills/{id}", tag = "tills", operation_id = "getTill",
    params(("id" = inline(schema::TillId), Path, description = "The till's id.")),
    responses((status = 200, description = "The till.", body = TillDetails), GetProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    actor: Manager<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let till = app.directory().till(id.parse()?).filter(|till| actor.is_over(till.merchant));
    respond(StatusCode::OK, &TillDetails::new(&*till.ok_or_else(Problem::not_found)?))
}

problems!(ChangeProblems: InvalidId, NotFound, ReferenceTaken, AlreadyExists);

/// Change a till
///
/// A till that moves to another store takes its tags along.
#[utoipa::path(
    post, path = "/v1/tills/{id}", tag = "tills", operation_id = "updateTill",
    params(("id" = inline(schema::TillId), Path, description = "The till's id.")),
    request_body = TillChanges,
    responses((status = 200, description = "The till as it is now.", body = TillDetails), ChangeProblems),
    security(("operator_key" = ["write"]), ("merchant_key" = ["write"])),
)]
pub(crate) async fn update(
    State(app): State<App>,
    id: PathId,
    request: Control<Manager<Write>, TillChanges>,
) -> Result<Response, Problem> {
    let id: TillId = id.parse()?;
    let changed = control(&app, request, move |change, actor, changes| {
        let own = change.till(id)?.filter(|till| actor.is_over(till.merchant));
        let mut till = own.ok_or_else(Problem::not_found)?;
        if let Some(store) = changes.store {
            if owner_of_store(change, actor, store)? != till.merchant {
                return Err(Problem::not_found().at("store"));
            }
            till.store = store;
        }
        till.name = changes.name.unwrap_or(till.name);
        till.metadata = changes.metadata.unwrap_or(till.metadata);
        changes.reference.apply(&mut till.reference);
        put(change, till, StatusCode::OK)
    });
    Ok(changed.await?.into_response())
}
