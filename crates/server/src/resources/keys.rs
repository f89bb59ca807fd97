//! Keys: made, rolled and revoked by whoever holds one that can do as much.

use ::payments::UnixMillis;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use directory::{Actor, Change, Filter, KeyEnd, KeyProfile, Name, Scope, Scopes, Token};
use ids::{MerchantId, TillId, TokenId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::orders::Nothing;
use crate::app::App;
use crate::auth::{self, Manager, Read, Write};
use crate::control::{Control, Reply, Secret, SecretHere, control};
use crate::json::{present, respond};
use crate::path::PathId;
use crate::problem::{Code, Problem};
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// The longest that two keys overlap, in seconds: thirty days.
const MAX_OVERLAP_SECONDS: u64 = 30 * 24 * 60 * 60;

/// The longest that a key with an end lasts, in seconds: ten years.
const MAX_LIFETIME_SECONDS: u64 = 10 * 366 * 24 * 60 * 60;

/// A key, without its token.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Key)]
struct KeyView<'a> {
    #[schema(value_type = schema::KeyId)]
    id: TokenId,
    r#type: KeyType,
    /// The merchant that it acts for, itself or by one of its tills; `null` for the operator's.
    #[schema(value_type = Option<schema::MerchantId>, required)]
    merchant: Option<MerchantId>,
    /// The till that it acts for.
    #[schema(value_type = Option<schema::TillId>, required)]
    till: Option<TillId>,
    /// What it may be used for.
    #[schema(value_type = Vec<schema::Scope>)]
    scopes: Scopes,
    #[schema(value_type = schema::Name)]
    label: &'a Name,
    /// The token's last characters, to recognise it by; `null` for very old keys.
    #[schema(required, example = "3f9a")]
    hint: Option<&'a str>,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
    /// From when it is no longer good by itself.
    #[schema(value_type = Option<schema::Timestamp>, required)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = Option<schema::Timestamp>, required)]
    revoked_at: Option<Timestamp>,
}

/// Whom a key acts for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum KeyType {
    Operator,
    Merchant,
    Till,
    Wallet,
}

/// A key with its token, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewKeyWithToken)]
struct KeyWithToken<'a> {
    #[serde(flatten)]
    key: KeyView<'a>,
    /// The token itself. Keep it: it is not kept here.
    #[schema(value_type = String, example = "tk_1f6c…")]
    token: SecretHere,
}

impl<'a> KeyView<'a> {
    fn new(key: &'a KeyProfile) -> Self {
        let (r#type, till) = match key.actor {
            Actor::Operator => (KeyType::Operator, None),
            Actor::Merchant(_) => (KeyType::Merchant, None),
            Actor::Till(till) => (KeyType::Till, Some(till)),
            Actor::Wallet(_) => (KeyType::Wallet, None),
        };
        Self {
            id: key.id,
            r#type,
            merchant: key.merchant,
            till,
            scopes: key.scopes,
            label: &key.label,
            hint: key.hint.as_deref(),
            created_at: Timestamp(key.created_at),
            expires_at: key.expires_at.map(Timestamp),
            revoked_at: key.revoked_at.map(Timestamp),
        }
    }
}

/// Part of the list of keys.
#[derive(Debug, Serialize, ToSchema)]
struct KeyList<'a> {
    /// The newest first.
    data: Vec<KeyView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

/// A key to make.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey)]
pub(crate) struct KeyRequest {
    /// The till that it acts for. Left out, it acts for the merchant.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::TillId>, nullable = false)]
    till: Option<TillId>,
    /// Only from the operator: the merchant that it acts for. If this and `till` are left out, it is an operator's key.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::MerchantId>, nullable = false)]
    merchant: Option<MerchantId>,
    /// What it may be used for: no more than the key that asks, and for a till not `settle`. Left out: all of that, but
    /// for a till `read` and `write`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<BTreeSet<schema::Scope>>, nullable = false, min_items = 1, max_items = 4)]
    scopes: Option<ScopeList>,
    /// What it is called; `API key` if nothing is said.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Name>, nullable = false)]
    label: Option<Name>,
    /// How long it is good; left out, until it is revoked.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u64>, nullable = false, minimum = 1, maximum = 316_224_000)]
    expires_in_seconds: Option<Lifetime>,
}

/// At least one scope, each once.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "Vec<Scope>")]
struct ScopeList(Scopes);

impl TryFrom<Vec<Scope>> for ScopeList {
    type Error = &'static str;

    fn try_from(scopes: Vec<Scope>) -> Result<Self, &'static str> {
        let set: Scopes = scopes.iter().copied().collect();
        if set.is_empty() || set.iter().count() != scopes.len() {
            return Err("must name at least one scope, and each once");
        }
        Ok(Self(set))
    }
}

/// How long a key is good, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
struct Lifetime(u64);

impl TryFrom<u64> for Lifetime {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, &'static str> {
        let allowed = 1..=MAX_LIFETIME_SECONDS;
        if allowed.contains(&seconds) { Ok(Self(seconds)) } else { Err("must be a number from 1 to 316224000") }
    }
}

/// How to roll a key.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = KeyRoll)]
pub(crate) struct RollRequest {
    /// How long the old token stays good beside the new one; 0 ends it at once.
    #[serde(default)]
    #[schema(value_type = u64, maximum = 2_592_000, default = 86_400)]
    overlap_seconds: Overlap,
}

/// How long two tokens are good together, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
struct Overlap(u64);

impl Default for Overlap {
    fn default() -> Self {
        Self(24 * 60 * 60)
    }
}

impl TryFrom<u64> for Overlap {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, &'static str> {
        if seconds <= MAX_OVERLAP_SECONDS { Ok(Self(seconds)) } else { Err("must be a number from 0 to 2592000") }
    }
}

problems!(CreateProblems: NotFound);

/// Make a key
///
/// Its token is in the answer and nowhere else. Nobody can make a key that can do more than the one that asks.
#[utoipa::path(
    post, path = "/v1/keys", tag = "keys", operation_id = "createKey",
    request_body = KeyRequest,
    responses((status = 201, description = "The key is good.", body = KeyWithToken), CreateProblems),
    security(("operator_key" = ["write"]), ("merchant_key" = ["write"])),
)]
pub(crate) async fn create(
    State(app): State<App>,
    request: Control<Manager<Write>, KeyRequest>,
) -> Result<Response, Problem> {
    let (id, random, now) = (app.new_id(), app.random(), app.now());
    let created = control(&app, request, move |change, asker, body| {
        let actor = actor_of_new_key(change, asker, &body)?;
        let label = body.label.unwrap_or_else(Name::of_keys);
        let scopes = scopes_of_new_key(asker, actor, body.scopes)?;
        let mut key = KeyProfile::new(id, actor, scopes, label, now);
        key.expires_at = body.expires_in_seconds.map(|lifetime| now.plus(lifetime.0 * 1_000));
        add(change, key, random)
    });
    Ok(created.await?.into_response())
}

fn actor_of_new_key(change: &Change<'_>, asker: Manager<Write>, body: &KeyRequest) -> Result<Actor, Problem> {
    let named = body.merchant.filter(|_| asker.merchant().is_none());
    if let Some(own) = asker.merchant() {
        asker.acting_for(body.merchant.or(Some(own)))?;
    }
    let actor = match (body.till, asker.merchant().or(named)) {
        (Some(till), _) => Actor::Till(till),
        (None, Some(merchant)) => Actor::Merchant(merchant),
        (None, None) => return Ok(Actor::Operator),
    };
    let at = if body.till.is_some() { "till" } else { "merchant" };
    let merchant = change.merchant_of(actor)?.filter(|merchant| asker.is_over(*merchant));
    let merchant = merchant.ok_or_else(|| Problem::not_found().at(at))?;
    if named.is_some_and(|named| named != merchant) {
        return Err(Problem::not_found().at("till"));
    }
    Ok(actor)
}

fn scopes_of_new_key(asker: Manager<Write>, actor: Actor, asked: Option<ScopeList>) -> Result<Scopes, Problem> {
    let Some(ScopeList(asked)) = asked else { return Ok(Scopes::usual_of(actor).and(asker.scopes())) };
    if !Scopes::most_of(actor).contains_all(asked) {
        return Err(Problem::field("scopes", "a till's key can have read, write and refund only"));
    }
    no_more_than(asker, asked).map(|()| asked)
}

/// Refuses to hand on what the asking key itself cannot do.
fn no_more_than(asker: Manager<Write>, scopes: Scopes) -> Result<(), Problem> {
    let lacking = scopes.iter().find(|scope| !asker.scopes().contains(*scope));
    lacking.map_or(Ok(()), |scope| Err(Problem::insufficient_scope(scope)))
}

fn add(change: &mut Change<'_>, key: KeyProfile, random: [u8; 32]) -> Result<Reply, Problem> {
    let token = Token::from_random(key.actor, random);
    let key = change.add_key(key, &token)?;
    let document = KeyWithToken { key: KeyView::new(&key), token: SecretHere };
    Reply::with_secret(StatusCode::CREATED, &document, Secret::new(token.expose()))
}

problems!(ListProblems: NotFound);

/// List keys
///
/// A merchant's own and those of its tills, or everybody's but wallets'; newest first. The tokens are not kept here.
#[utoipa::path(
    get, path = "/v1/keys", tag = "keys", operation_id = "listKeys",
    params(
        schema::Paging<schema::KeyId>,
        schema::ByMerchant,
        schema::ByTill,
    ),
    responses((status = 200, description = "Part of the list.", body = KeyList), ListProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"])),
)]
pub(crate) async fn list(State(app): State<App>, actor: Manager<Read>, mut query: Query) -> Result<Response, Problem> {
    let merchant = actor.listing(query.take("merchant", "must be a merchant's id")?)?;
    let till = query.take("till", "must be a till's id")?;
    let filter = Filter { merchant, till, ..Filter::default() };
    let page = query.into_page::<TokenId>()?;
    let part = app
        .with_directory(move |directory| Ok(directory.list::<KeyProfile>(&filter, page.starting_after, page.limit)?))
        .await?;
    let data = part.items.iter().map(KeyView::new).collect();
    respond(StatusCode::OK, &KeyList { data, has_more: part.has_more })
}

/// Whether the key is one that the asker may see: not a wallet's, and not the operator's or another merchant's for a
/// merchant.
fn is_visible<S: auth::Scope>(asker: Manager<S>, key: &KeyProfile) -> bool {
    match key.actor {
        Actor::Wallet(_) => false,
        Actor::Operator => asker.merchant().is_none(),
        Actor::Merchant(_) | Actor::Till(_) => key.merchant.is_some_and(|merchant| asker.is_over(merchant)),
    }
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a key
#[utoipa::path(
    get, path = "/v1/keys/{id}", tag = "keys", operation_id = "getKey",
    params(("id" = inline(schema::KeyId), Path, description = "The key's id.")),
    responses((status = 200, description = "The key.", body = KeyView), GetProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    actor: Manager<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let id: TokenId = id.parse()?;
    let key = app.with_directory(move |directory| Ok(directory.key(id)?)).await?;
    let key = key.filter(|key| is_visible(actor, key)).ok_or_else(Problem::not_found)?;
    respond(StatusCode::OK, &KeyView::new(&key))
}

problems!(RollProblems: InvalidId, NotFound, KeyEnded);

/// Roll a key
///
/// Makes a new key that can do the same, and lets the old one live a while longer: put the new token in place before the
/// old one ends. Only a key that can do as much can roll another.
#[utoipa::path(
    post, path = "/v1/keys/{id}/roll", tag = "keys", operation_id = "rollKey",
    params(("id" = inline(schema::KeyId), Path, description = "The old key's id.")),
    request_body = RollRequest,
    responses((status = 201, description = "The new key is good.", body = KeyWithToken), RollProblems),
    security(("operator_key" = ["write"]), ("merchant_key" = ["write"])),
)]
pub(crate) async fn roll(
    State(app): State<App>,
    id: PathId,
    request: Control<Manager<Write>, RollRequest>,
) -> Result<Response, Problem> {
    let old: TokenId = id.parse()?;
    let (id, random, now) = (app.new_id(), app.random(), app.now());
    let rolled = control(&app, request, move |change, asker, body| {
        let old = change.key(old)?.filter(|key| is_visible(asker, key)).ok_or_else(Problem::not_found)?;
        if old.ends_at().is_some_and(|end| end <= now) {
            return Err(Problem::new(Code::KeyEnded, "a key that has ended cannot be rolled: make a new one"));
        }
        no_more_than(asker, old.scopes)?;
        change.end_key(old.id, KeyEnd::Expires(now.plus(body.overlap_seconds.0 * 1_000)))?;
        let mut key = KeyProfile::new(id, old.actor, old.scopes, old.label.clone(), now);
        // It lasts as long from now as the old one did from its beginning.
        key.expires_at = old.expires_at.map(|UnixMillis(end)| now.plus(end.saturating_sub(old.created_at.0)));
        add(change, key, random)
    });
    Ok(rolled.await?.into_response())
}

problems!(RevokeProblems: InvalidId, NotFound);

/// Revoke a key
///
/// At once and for ever. Revoking it again changes nothing.
#[utoipa::path(
    post, path = "/v1/keys/{id}/revoke", tag = "keys", operation_id = "revokeKey",
    params(("id" = inline(schema::KeyId), Path, description = "The key's id.")),
    responses((status = 200, description = "The key is no longer good.", body = KeyView), RevokeProblems),
    security(("operator_key" = ["write"]), ("merchant_key" = ["write"])),
)]
pub(crate) async fn revoke(
    State(app): State<App>,
    id: PathId,
    request: Control<Manager<Write>, Nothing>,
) -> Result<Response, Problem> {
    let id: TokenId = id.parse()?;
    let revoked = control(&app, request, move |change, asker, _| {
        if !change.key(id)?.is_some_and(|key| is_visible(asker, &key)) {
            return Err(Problem::not_found());
        }
        let key = change.end_key(id, KeyEnd::Revoked)?.ok_or_else(Problem::not_found)?;
        Reply::new(StatusCode::OK, &KeyView::new(&key))
    });
    Ok(revoked.await?.into_response())
}
