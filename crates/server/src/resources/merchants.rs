//! Merchants, their stores and their tills, as the directory names them.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use directory::{MerchantProfile, StoreProfile, TagProfile, TillProfile};
use ids::{MerchantId, StoreId, TagId, TillId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{Merchant, Read};
use crate::json::respond;
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::NoQuery;
use crate::reference::{problems, schema};

/// A merchant by name.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MerchantName)]
pub(crate) struct MerchantName<'a> {
    #[schema(value_type = schema::MerchantId)]
    id: MerchantId,
    /// What it is called.
    #[schema(example = "Lantern Tea")]
    name: &'a str,
    /// What it is called in Chinese.
    #[schema(required, example = "灯笼茶")]
    name_zh: Option<&'a str>,
}

impl<'a> MerchantName<'a> {
    pub(crate) fn new(merchant: &'a MerchantProfile) -> Self {
        let name_zh = merchant.name_zh.as_ref().map(directory::Name::as_str);
        Self { id: merchant.id, name: merchant.name.as_str(), name_zh }
    }
}

/// A store: one place of a merchant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Store)]
pub(crate) struct StoreView<'a> {
    #[schema(value_type = schema::StoreId)]
    id: StoreId,
    /// What it is called.
    #[schema(example = "West Lake")]
    name: &'a str,
    /// What it is called in Chinese.
    #[schema(required, example = "西湖店")]
    name_zh: Option<&'a str>,
    /// Where it is, in one line for people.
    #[schema(value_type = Option<String>, required, example = "1 Lakeside Road, Hangzhou")]
    address: Option<Cow<'a, str>>,
}

impl<'a> StoreView<'a> {
    pub(crate) fn new(store: &'a StoreProfile) -> Self {
        Self {
            id: store.id,
            name: store.name.as_str(),
            name_zh: store.name_zh.as_ref().map(directory::Name::as_str),
            address: store.address_line(),
        }
    }
}

/// A till: one place to pay in a store.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Till)]
pub(crate) struct TillView<'a> {
    #[schema(value_type = schema::TillId)]
    id: TillId,
    /// What it is called.
    #[schema(example = "Till 1")]
    name: &'a str,
}

impl<'a> TillView<'a> {
    pub(crate) fn new(till: &'a TillProfile) -> Self {
        Self { id: till.id, name: till.name.as_str() }
    }
}

/// A store and its tills.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoreWithTills)]
struct StoreWithTills<'a> {
    #[serde(flatten)]
    store: StoreView<'a>,
    /// Its tills.
    tills: Vec<TillView<'a>>,
}

/// A merchant and its stores.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Merchant)]
struct MerchantView<'a> {
    #[serde(flatten)]
    merchant: MerchantName<'a>,
    /// Its stores, in the order in which they were added.
    stores: Vec<StoreWithTills<'a>>,
}

/// Where a tag is: who is paid there, and in which store.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) tag: Arc<TagProfile>,
    pub(crate) merchant: Arc<MerchantProfile>,
    pub(crate) store: Arc<StoreProfile>,
}

impl Place {
    /// The place of a tag that the money core knows. The directory must know it too: provisioning adds both.
    pub(crate) fn of(app: &App, id: TagId) -> Result<Self, Problem> {
        let find = || {
            let tag = app.directory().tag(id)?;
            let merchant = app.directory().merchant(tag.merchant)?;
            let store = app.directory().store(tag.store)?;
            Some(Self { tag, merchant, store })
        };
        find().ok_or_else(|| Problem::internal(format_args!("the directory does not know {id}: provision it again")))
    }
}

problems!(MerchantProblems: InvalidId, NotFound);

/// Get a merchant
///
/// A merchant can read itself only.
#[utoipa::path(
    get, path = "/v1/merchants/{id}", tag = "merchants", operation_id = "getMerchant",
    params(("id" = String, Path, description = "The merchant's id, or `me`.", example = "me")),
    responses((status = 200, description = "The merchant.", body = MerchantView), MerchantProblems),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    merchant: Merchant<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let id = id.parse_own(merchant.id())?;
    let profile = app.directory().merchant(id).ok_or_else(Problem::not_found)?;
    let stores: Vec<_> = app
        .directory()
        .stores_of(id)
        .into_iter()
        .map(|store| {
            let tills = app.directory().tills_of(store.id);
            (store, tills)
        })
        .collect();
    let stores = stores.iter().map(|(store, tills)| StoreWithTills {
        store: StoreView::new(store),
        tills: tills.iter().map(|till| TillView::new(till)).collect(),
    });
    respond(StatusCode::OK, &MerchantView { merchant: MerchantName::new(&profile), stores: stores.collect() })
}
