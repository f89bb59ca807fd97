//! The demonstration: its keys for everybody to see, and its tags for everybody to touch.
//!
//! These routes exist only when a [`Demo`] was handed in. A real platform has none of them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::{get, post};
use ids::{MerchantId, TagId, WalletId};
use serde::Serialize;
use tag::SoftwareTag;

use crate::app::App;
use crate::json::respond;
use crate::path::PathId;
use crate::problem::{Code, Problem};
use crate::query::NoQuery;

/// A demonstration.
pub struct Demo {
    world: World,
    tags: HashMap<TagId, Mutex<SoftwareTag>>,
}

impl Demo {
    /// The demonstration of this world. Each tag must have counted as far as the engine has accepted its taps.
    pub fn new(world: World, tags: impl IntoIterator<Item = (TagId, SoftwareTag)>) -> Self {
        Self { world, tags: tags.into_iter().map(|(id, tag)| (id, Mutex::new(tag))).collect() }
    }
}

/// Shows no keys.
impl fmt::Debug for Demo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Demo").field("tags", &self.tags.len()).finish_non_exhaustive()
    }
}

/// Who takes part in a demonstration.
#[derive(Clone, Serialize)]
pub struct World {
    /// The operator's key, published.
    pub operator_key: String,
    /// Those who are paid.
    pub merchants: Vec<DemoMerchant>,
    /// Those who pay.
    pub wallets: Vec<DemoWallet>,
}

/// A merchant of a demonstration.
#[derive(Clone, Serialize)]
pub struct DemoMerchant {
    /// The merchant's id.
    pub id: MerchantId,
    /// What it is called.
    pub name: String,
    /// What it is called in Chinese.
    pub name_zh: Option<String>,
    /// Its key, published.
    pub key: String,
    /// Its tags.
    pub tags: Vec<DemoTag>,
}

/// A tag of a demonstration.
#[derive(Clone, Serialize)]
pub struct DemoTag {
    /// The tag's id.
    pub id: TagId,
    /// What is written on it.
    pub label: String,
    /// `till` or `standing`.
    pub mode: &'static str,
}

/// A wallet of a demonstration.
#[derive(Clone, Serialize)]
pub struct DemoWallet {
    /// The wallet's id.
    pub id: WalletId,
    /// What its holder is called.
    pub name: String,
    /// What its holder is called in Chinese.
    pub name_zh: Option<String>,
    /// Its token, published.
    pub token: String,
}

/// The routes of a demonstration.
pub(crate) fn routes() -> Router<App> {
    Router::new().route("/demo/world", get(world)).route("/demo/tags/{id}/touch", post(touch))
}

/// Who takes part, with their keys.
async fn world(State(app): State<App>, _: NoQuery) -> Result<Response, Problem> {
    respond(StatusCode::OK, &demo(&app)?.world)
}

/// What a phone reads from the tag at this moment.
async fn touch(State(app): State<App>, _: NoQuery, id: PathId) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct Touched {
        url: String,
    }
    let id: TagId = id.parse()?;
    let tag = demo(&app)?.tags.get(&id).ok_or_else(Problem::not_found)?;
    let [a, b, c, d, e, ..] = app.options().source.random().to_le_bytes();
    let url = tag.lock().unwrap_or_else(PoisonError::into_inner).touch([a, b, c, d, e]);
    let url = url.map_err(|exhausted| Problem::new(Code::TagInactive, exhausted.to_string()))?;
    respond(StatusCode::OK, &Touched { url })
}

fn demo(app: &App) -> Result<&Demo, Problem> {
    app.options().demo.as_ref().ok_or_else(Problem::not_found)
}
