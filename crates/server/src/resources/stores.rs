//! Stores: the places of merchants.

use std::borrow::Cow;

use ::payments::Text;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use directory::{Address, Change, Filter, Metadata, Name, OpeningHours, Position, Reference, StoreProfile};
use ids::{MerchantId, StoreId};
use serde::{Deserialize, Serialize};
use terms::ZoneName;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Manager, Read, Write};
use crate::control::{Control, Reply, control};
use crate::json::{Edit, present, respond};
use crate::path::PathId;
use crate::problem::{Code, Problem};
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};

/// A store, with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoreDetails)]
struct StoreDetails<'a> {
    #[schema(value_type = schema::StoreId)]
    id: StoreId,
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    #[schema(value_type = schema::Name)]
    name: &'a Name,
    /// What it is called in Chinese.
    #[schema(value_type = Option<schema::Name>, required)]
    name_zh: Option<&'a Name>,
    /// Where it is, in one line for people.
    #[schema(value_type = Option<String>, required, example = "1 Lakeside Road, Hangzhou")]
    address: Option<Cow<'a, str>>,
    #[schema(value_type = Option<schema::Address>, required)]
    address_parts: Option<&'a Address>,
    #[schema(value_type = Option<schema::Position>, required)]
    position: Option<Position>,
    #[schema(value_type = Option<schema::TimeZone>, required)]
    time_zone: Option<&'a ZoneName>,
    #[schema(value_type = Option<schema::OpeningHours>, required)]
    opening_hours: Option<&'a OpeningHours>,
    #[schema(value_type = Option<schema::Reference>, required)]
    reference: Option<&'a Reference>,
    #[schema(value_type = schema::Metadata)]
    metadata: &'a Metadata,
}

impl<'a> StoreDetails<'a> {
    fn new(store: &'a StoreProfile) -> Self {
        Self {
            id: store.id,
            merchant: store.merchant,
            name: &store.name,
            name_zh: store.name_zh.as_ref(),
            address: store.address_line(),
            address_parts: store.address_parts.as_ref(),
            position: store.position,
            time_zone: store.zone.as_ref(),
            opening_hours: store.hours.as_ref(),
            reference: store.reference.as_ref(),
            metadata: &store.metadata,
        }
    }
}

/// Part of the list of stores.
#[derive(Debug, Serialize, ToSchema)]
struct StoreList<'a> {
    /// The newest first.
    data: Vec<StoreDetails<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

/// A store to open.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewStore)]
pub(crate) struct StoreRequest {
    /// Whose store it is; the operator must say so.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::MerchantId>, nullable = false)]
    merchant: Option<MerchantId>,
    #[schema(value_type = schema::Name)]
    name: Name,
    /// What it is called in Chinese.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Name>, nullable = false)]
    name_zh: Option<Name>,
    /// Where it is, in one line for people. Left out, it follows from its parts.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Words>, nullable = false)]
    address: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Address>, nullable = false)]
    address_parts: Option<Address>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Position>, nullable = false)]
    position: Option<Position>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::TimeZone>, nullable = false)]
    time_zone: Option<ZoneName>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::OpeningHours>, nullable = false)]
    opening_hours: Option<OpeningHours>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Reference>, nullable = false)]
    reference: Option<Reference>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Metadata>, nullable = false)]
    metadata: Metadata,
}

/// What to change of a store. What is left out stays; `null` takes away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = StoreChanges)]
pub(crate) struct StoreChanges {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Name>, nullable = false)]
    name: Option<Name>,
    /// What it is called in Chinese.
    #[serde(default)]
    #[schema(value_type = Option<schema::Name>)]
    name_zh: Edit<Name>,
    /// Where it is, in one line for people.
    #[serde(default)]
    #[schema(value_type = Option<schema::Words>)]
    address: Edit<Text>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Address>)]
    address_parts: Edit<Address>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Position>)]
    position: Edit<Position>,
    #[serde(default)]
    #[schema(value_type = Option<schema::TimeZone>)]
    time_zone: Edit<ZoneName>,
    #[serde(default)]
    #[schema(value_type = Option<schema::OpeningHours>)]
    opening_hours: Edit<OpeningHours>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Reference>)]
    reference: Edit<Reference>,
    /// All notes anew.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Metadata>, nullable = false)]
    metadata: Option<Metadata>,
}

impl StoreChanges {
    fn apply(self, store: &mut StoreProfile) {
        store.name = self.name.unwrap_or_else(|| store.name.clone());
        self.name_zh.apply(&mut store.name_zh);
        self.address.apply(&mut store.address);
        self.address_parts.apply(&mut store.address_parts);
        self.position.apply(&mut store.position);
        self.time_zone.apply(&mut store.zone);
        self.opening_hours.apply(&mut store.hours);
        self.reference.apply(&mut store.reference);
        if let Some(metadata) = self.metadata {
            store.metadata = metadata;
        }
    }
}

problems!(CreateProblems: NotFound, ReferenceTaken, AlreadyExists);

/// Open a store
///
/// A merchant opens its own; the operator says whose.
#[utoipa::path(
    post, path = "/v1/stores", tag = "stores", operation_id = "createStore",
    request_body = StoreRequest,
    responses((status = 201, description = "The store is open.", body = StoreDetails), CreateProblems),
    security(("operator_key" = ["write"]), ("merchant_key" = ["write"])),
)]
pub(crate) async fn create(
    State(app): State<App>,
    request: Control<Manager<Write>, StoreRequest>,
) -> Result<Response, Problem> {
    let id: StoreId = app.new_id();
    let created = control(&app, request, move |change, actor, body| {
        let merchant = actor.acting_for(body.merchant)?;
        if change.merchant(merchant)?.is_none() {
            return Err(Problem::not_found().at("merchant"));
        }
        let store = StoreProfile {
            name_zh: body.name_zh,
            address: body.address,
            address_parts: body.address_parts,
            position: body.position,
            zone: body.time_zone,
            hours: body.opening_hours,
            reference: body.reference,
            metadata: body.metadata,
            ..StoreProfile::new(id, merchant, body.name)
        };
        put(change, store, StatusCode::CREATED)
    });
    Ok(created.await?.into_response())
}

fn put(change: &mut Change<'_>, store: StoreProfile, status: StatusCode) -> Result<Reply, Problem> {
    if let Some(reference) = &store.reference
        && change.store_named(store.merchant, reference)?.is_some_and(|other| other.id != store.id)
    {
        return Err(reference_taken());
    }
    change.put_store(store.clone())?;
    Reply::new(status, &StoreDetails::new(&store))
}

/// The reference is in use.
pub(crate) fn reference_taken() -> Problem {
    Problem::new(Code::ReferenceTaken, "give it another reference, or change the one that has it").at("reference")
}

/// List stores
///
/// A merchant's own, or everybody's; newest first.
#[utoipa::path(
    get, path = "/v1/stores", tag = "stores", operation_id = "listStores",
    params(
        schema::Paging<schema::StoreId>,
        schema::Search,
        schema::ByMerchant,
    ),
    responses((status = 200, description = "Part of the list.", body = StoreList), ListProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"])),
)]
pub(crate) async fn list(State(app): State<App>, actor: Manager<Read>, mut query: Query) -> Result<Response, Problem> {
    let merchant = actor.listing(query.take("merchant", "must be a merchant's id")?)?;
    let filter = Filter { merchant, search: query.take_search()?, ..Filter::default() };
    let page = query.into_page::<StoreId>()?;
    let part = app
        .with_directory(move |directory| {
            Ok(directory.list::<StoreProfile>(&filter, page.starting_after, page.limit)?)
        })
        .await?;
    let data = part.items.iter().map(StoreDetails::new).collect();
    respond(StatusCode::OK, &StoreList { data, has_more: part.has_more })
}

problems!(ListProblems: NotFound);

problems!(GetProblems: InvalidId, NotFound);

/// Get a store
#[utoipa::path(
    get, path = "/v1/stores/{id}", tag = "stores", operation_id = "getStore",
    params(("id" = inline(schema::StoreId), Path, description = "The store's id.")),
    responses((status = 200, description = "The store.", body = StoreDetails), GetProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    actor: Manager<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let store = app.directory().store(id.parse()?).filter(|store| actor.is_over(store.merchant));
    respond(StatusCode::OK, &StoreDetails::new(&*store.ok_or_else(Problem::not_found)?))
}

problems!(ChangeProblems: InvalidId, NotFound, ReferenceTaken, AlreadyExists);

/// Change a store
#[utoipa::path(
    post, path = "/v1/stores/{id}", tag = "stores", operation_id = "updateStore",
    params(("id" = inline(schema::StoreId), Path, description = "The store's id.")),
    request_body = StoreChanges,
    responses((status = 200, description = "The store as it is now.", body = StoreDetails), ChangeProblems),
    security(("operator_key" = ["write"]), ("merchant_key" = ["write"])),
)]
pub(crate) async fn update(
    State(app): State<App>,
    id: PathId,
    request: Control<Manager<Write>, StoreChanges>,
) -> Result<Response, Problem> {
    let id: StoreId = id.parse()?;
    let changed = control(&app, request, move |change, actor, changes| {
        let own = change.store(id)?.filter(|store| actor.is_over(store.merchant));
        let mut store = own.ok_or_else(Problem::not_found)?;
        changes.apply(&mut store);
        put(change, store, StatusCode::OK)
    });
    Ok(changed.await?.into_response())
}
