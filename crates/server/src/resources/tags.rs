//! Tags: the chips that shoppers touch.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use directory::{Change, Filter, Name, Reference, TagProfile};
use ids::{MerchantId, OrderId, StoreId, TagId, TillId};
use money::Currency;
use payments::{RegisteredTag, TagMode};
use serde::{Deserialize, Serialize};
use store::tables::OrderStatusFilter;
use utoipa::ToSchema;

use super::merchants::{Place, StoreView, TillView};
use super::stores::reference_taken;
use super::tills::owner_of_store;
use crate::app::App;
use crate::auth::{Manager, Read, Staff, Write};
use crate::control::{Control, Reply, control};
use crate::json::{Edit, present, respond};
use crate::path::PathId;
use crate::problem::{Code, Problem};
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};

/// A chip that shoppers touch.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tag)]
struct TagView<'a> {
    #[schema(value_type = schema::TagId)]
    id: TagId,
    /// What is written on it.
    #[schema(example = "Till 1")]
    label: &'a str,
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    /// Where it is.
    store: StoreView<'a>,
    /// The till that it stands beside.
    #[schema(required)]
    till: Option<TillView<'a>>,
    mode: Mode,
    /// The currency of amounts that a payer types.
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// Whether taps are accepted.
    active: bool,
    /// Its chip's number.
    #[schema(example = "04A1B2C3D4E5F6")]
    uid: String,
    #[schema(value_type = Option<schema::Reference>, required)]
    reference: Option<&'a Reference>,
    /// The order that waits here.
    #[schema(value_type = Option<schema::OrderId>, required)]
    waiting_order: Option<OrderId>,
}

/// `till`: orders wait here, without one there is nothing to pay. `standing`: without an order, the payer types the
/// amount.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = TagMode)]
enum Mode {
    Till,
    Standing,
}

/// Part of the list of tags.
#[derive(Debug, Serialize, ToSchema)]
struct TagList<'a> {
    /// The newest first.
    data: Vec<TagView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

/// What the money core and the directory know of a tag.
struct Known {
    tag: RegisteredTag,
    place: Place,
    till: Option<Arc<directory::TillProfile>>,
    waiting_order: Option<OrderId>,
}

impl Known {
    fn new(app: &App, tag: RegisteredTag, waiting_order: Option<OrderId>) -> Result<Self, Problem> {
        let place = Place::of(app, tag.id)?;
        let till = place.tag.till.and_then(|till| app.directory().till(till));
        Ok(Self { tag, place, till, waiting_order })
    }

    fn view(&self) -> TagView<'_> {
        TagView {
            id: self.tag.id,
            label: self.place.tag.label.as_str(),
            merchant: self.tag.merchant,
            store: StoreView::new(&self.place.store),
            till: self.till.as_ref().map(|till| TillView::new(till)),
            mode: match self.tag.mode {
                TagMode::Till => Mode::Till,
                TagMode::Standing => Mode::Standing,
            },
            currency: self.tag.currency,
            active: self.tag.active,
            uid: self.tag.uid.to_string(),
            reference: self.place.tag.reference.as_ref(),
            waiting_order: self.waiting_order,
        }
    }
}

/// What the money core knows of these merchants' tags, and the orders that wait at them.
async fn registered(
    app: &App,
    merchants: BTreeSet<MerchantId>,
) -> Result<HashMap<TagId, (RegisteredTag, Option<OrderId>)>, Problem> {
    app.read(move |tables| {
        let mut known = HashMap::new();
        for merchant in merchants {
            let tags = tables.tags(merchant)?;
            // At most one order waits at a tag.
            let most = u32::try_from(tags.len()).unwrap_or(u32::MAX - 1);
            let orders = tables.orders(merchant, Some(OrderStatusFilter::Open), None, most)?.items;
            let waiting: HashMap<TagId, OrderId> = orders.iter().map(|order| (order.tag, order.id)).collect();
            known.extend(tags.into_iter().map(|(tag, _)| (tag.id, (tag, waiting.get(&tag.id).copied()))));
        }
        Ok(known)
    })
    .await
}

problems!(ListProblems: NotFound);

/// List tags
///
/// A merchant's tags, or everybody's, and the orders that wait at them; newest first. A till's key sees those in its
/// store.
#[utoipa::path(
    get, path = "/v1/tags", tag = "tags", operation_id = "listTags",
    params(schema::Paging<schema::TagId>, schema::Search, schema::ByMerchant, schema::ByStore, schema::ByTill),
    responses((status = 200, description = "Part of the list.", body = TagList), ListProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"]), ("till_key" = ["read"])),
)]
pub(crate) async fn list(State(app): State<App>, actor: Staff<Read>, mut query: Query) -> Result<Response, Problem> {
    let merchant = actor.listing(query.take("merchant", "must be a merchant's id")?)?;
    let (store, till) = (query.take("store", "must be a store's id")?, query.take("till", "must be a till's id")?);
    let search = query.take_search()?;
    let page = query.into_page::<TagId>()?;
    let own_store = actor.till().and_then(|till| app.directory().till(till)).map(|till| till.store);
    if own_store.is_some() && store.is_some_and(|store| Some(store) != own_store) {
        return Err(Problem::not_found().at("store"));
    }
    let filter = Filter { merchant, store: store.or(own_store), till, search };
    let part = app
        .with_directory(move |directory| Ok(directory.list::<TagProfile>(&filter, page.starting_after, page.limit)?))
        .await?;
    let registered = registered(&app, part.items.iter().map(|tag| tag.merchant).collect()).await?;
    // What only the directory knows is not there yet: it is being made known.
    let known: Vec<Known> = part
        .items
        .iter()
        .filter_map(|tag| registered.get(&tag.id))
        .map(|(tag, waiting)| Known::new(&app, *tag, *waiting))
        .collect::<Result<_, _>>()?;
    let data = known.iter().map(Known::view).collect();
    respond(StatusCode::OK, &TagList { data, has_more: part.has_more })
}

/// What is known of a tag that is there, and that the asker may know of.
async fn find(app: &App, id: TagId, may_see: impl FnOnce(&TagProfile) -> bool) -> Result<Known, Problem> {
    let tag = app.directory().tag(id).filter(|tag| may_see(tag)).ok_or_else(Problem::not_found)?;
    let mut registered = registered(app, [tag.merchant].into()).await?;
    let (tag, waiting) = registered.remove(&id).ok_or_else(Problem::not_found)?;
    Known::new(app, tag, waiting)
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a tag
#[utoipa::path(
    get, path = "/v1/tags/{id}", tag = "tags", operation_id = "getTag",
    params(("id" = inline(schema::TagId), Path, description = "The tag's id.")),
    responses((status = 200, description = "The tag.", body = TagView), GetProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"]), ("till_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    actor: Staff<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let id = id.parse()?;
    let known = find(&app, id, |tag| actor.is_over(tag.merchant) && actor.may_see_tag(&app, id)).await?;
    respond(StatusCode::OK, &known.view())
}

/// What to change of a tag. What is left out stays; `null` takes away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TagChanges)]
pub(crate) struct TagChanges {
    /// Another store of the same merchant. A till that is not named with it stays behind.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::StoreId>, nullable = false)]
    store: Option<StoreId>,
    /// The till that it stands beside, in whichever store that is.
    #[serde(default)]
    #[schema(value_type = Option<schema::TillId>)]
    till: Edit<TillId>,
    /// What is written on it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Name>, nullable = false)]
    label: Option<Name>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Reference>)]
    reference: Edit<Reference>,
}

problems!(ChangeProblems: InvalidId, NotFound, ReferenceTaken, AlreadyExists);

/// Move or rename a tag
///
/// To another store or till of the same merchant. An order that waits at it goes on waiting.
#[utoipa::path(
    post, path = "/v1/tags/{id}", tag = "tags", operation_id = "updateTag",
    params(("id" = inline(schema::TagId), Path, description = "The tag's id.")),
    request_body = TagChanges,
    responses((status = 200, description = "The tag as it is now.", body = TagView), ChangeProblems),
    security(("operator_key" = ["write"]), ("merchant_key" = ["write"])),
)]
pub(crate) async fn update(
    State(app): State<App>,
    id: PathId,
    request: Control<Manager<Write>, TagChanges>,
) -> Result<Response, Problem> {
    let id: TagId = id.parse()?;
    let asker = request.posted.actor;
    let known = match find(&app, id, |tag| asker.is_over(tag.merchant)).await {
        Ok(known) => Some(known),
        Err(problem) if problem.code() == Code::NotFound => None,
        Err(problem) => return Err(problem),
    };
    let changed = control(&app, request, move |change, actor, changes| {
        let mut known = known.ok_or_else(Problem::not_found)?;
        let own = change.tag(id)?.filter(|tag| actor.is_over(tag.merchant));
        let tag = moved(change, actor, own.ok_or_else(Problem::not_found)?, changes)?;
        change.put_tag(tag.clone())?;
        let store = change.store(tag.store)?.ok_or_else(Problem::not_found)?;
        known.till = tag.till.map(|till| change.till(till)).transpose()?.flatten().map(Arc::new);
        known.place = Place { tag: Arc::new(tag), store: Arc::new(store), ..known.place };
        Reply::new(StatusCode::OK, &known.view())
    });
    Ok(changed.await?.into_response())
}

/// The tag as it is to be.
fn moved(
    change: &Change<'_>,
    actor: Manager<Write>,
    mut tag: TagProfile,
    changes: TagChanges,
) -> Result<TagProfile, Problem> {
    if let Some(store) = changes.store {
        if owner_of_store(change, actor, store)? != tag.merchant {
            return Err(Problem::not_found().at("store"));
        }
        if store != tag.store {
            (tag.store, tag.till) = (store, None);
        }
    }
    match changes.till {
        Edit::Keep => {}
        Edit::Clear => tag.till = None,
        Edit::Set(till) => {
            let till = change.till(till)?.filter(|till| till.merchant == tag.merchant);
            let till = till.ok_or_else(|| Problem::not_found().at("till"))?;
            if changes.store.is_some_and(|store| store != till.store) {
                return Err(Problem::new(Code::NotFound, "there is no such till in that store").at("till"));
            }
            (tag.store, tag.till) = (till.store, Some(till.id));
        }
    }
    tag.label = changes.label.unwrap_or(tag.label);
    changes.reference.apply(&mut tag.reference);
    if let Some(reference) = &tag.reference
        && change.tag_named(tag.merchant, reference)?.is_some_and(|other| other.id != tag.id)
    {
        return Err(reference_taken());
    }
    Ok(tag)
}
