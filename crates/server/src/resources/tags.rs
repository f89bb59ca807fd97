//! Tags: the chips that shoppers touch.

use std::collections::HashMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::{MerchantId, OrderId, TagId};
use money::Currency;
use payments::{RegisteredTag, TagMode};
use serde::Serialize;
use store::tables::OrderStatusFilter;
use utoipa::ToSchema;

use super::merchants::{Place, StoreView, TillView};
use crate::app::App;
use crate::auth::{Merchant, Read};
use crate::json::respond;
use crate::problem::Problem;
use crate::query::{PageOf, Query};
use crate::reference::schema;

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

/// List tags
///
/// The merchant's tags, newest first, and the orders that wait at them.
#[utoipa::path(
    get, path = "/v1/tags", tag = "tags", operation_id = "listTags",
    params(schema::Paging<schema::TagId>),
    responses((status = 200, description = "Part of the list.", body = TagList)),
    security(("merchant_key" = ["read"]), ("till_key" = ["read"])),
)]
pub(crate) async fn list(State(app): State<App>, merchant: Merchant<Read>, query: Query) -> Result<Response, Problem> {
    let page = query.into_page::<TagId>()?;
    let merchant = merchant.id();
    let (tags, orders) = app
        .read(move |tables| {
            let tags = tables.tags(merchant)?;
            // At most one order waits at a tag.
            let most = u32::try_from(tags.len()).unwrap_or(u32::MAX - 1);
            Ok((tags, tables.orders(merchant, Some(OrderStatusFilter::Open), None, most)?.items))
        })
        .await?;
    let waiting: HashMap<TagId, OrderId> = orders.iter().map(|order| (order.tag, order.id)).collect();
    let (tags, has_more) = part(tags.into_iter().map(|(tag, _)| tag).collect(), page);
    let places: Vec<_> = tags.iter().map(|tag| Place::of(&app, tag.id)).collect::<Result<_, _>>()?;
    let tills: Vec<_> = places.iter().map(|place| app.directory().till(place.tag.till?)).collect();
    let views = tags.iter().zip(places.iter().zip(&tills)).map(|(tag, (place, till))| TagView {
        id: tag.id,
        label: place.tag.label.as_str(),
        merchant: tag.merchant,
        store: StoreView::new(&place.store),
        till: till.as_ref().map(|till| TillView::new(till)),
        mode: match tag.mode {
            TagMode::Till => Mode::Till,
            TagMode::Standing => Mode::Standing,
        },
        currency: tag.currency,
        active: tag.active,
        waiting_order: waiting.get(&tag.id).copied(),
    });
    respond(StatusCode::OK, &TagList { data: views.collect(), has_more })
}

/// The part of all tags that is asked for, newest first, and whether older ones follow.
fn part(mut tags: Vec<RegisteredTag>, page: PageOf<TagId>) -> (Vec<RegisteredTag>, bool) {
    tags.sort_unstable_by_key(|tag| std::cmp::Reverse(tag.id));
    tags.retain(|tag| page.starting_after.is_none_or(|after| tag.id < after));
    let limit = page.limit as usize;
    let has_more = tags.len() > limit;
    tags.truncate(limit);
    (tags, has_more)
}
