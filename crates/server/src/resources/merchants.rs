//! Merchants: those who are paid. What others say of them, of their stores and tills, in a few words is here too.

mod core;
pub(crate) mod prices;
pub(crate) mod status;

pub(crate) use self::core::open;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ::payments::Text;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use directory::{
    AccountPart, Change, Country, Directory, Email, Filter, MerchantProfile, Metadata, Name, PayoutAccount, Reference,
    StoreProfile, TagProfile, TillProfile,
};
use ids::{MerchantId, StoreId, TagId, TillId};
use money::Currency;
use serde::{Deserialize, Serialize};
use terms::{Iban, Mcc, ZoneName};
use utoipa::ToSchema;

use self::core::Facts;
use self::status::StatusName;
use super::stores::reference_taken;
use crate::app::App;
use crate::auth::{Manager, Operator, Read, Settle, Staff, Write};
use crate::control::{Control, Reply, control};
use crate::json::{Edit, present, respond};
use crate::path::PathId;
use crate::problem::{Code, Problem};
use crate::query::NoQuery;
use crate::query::Query;
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// The most currencies that a merchant can be paid in.
const MOST_CURRENCIES: usize = 30;

/// The most stores that are shown with a merchant, and the most tills with each.
const MOST_SHOWN: u32 = 100;

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
        Self::in_directory(app.directory(), id)
    }

    /// The same, for who has nothing but the directory.
    pub(crate) fn in_directory(directory: &Directory, id: TagId) -> Result<Self, Problem> {
        let find = || {
            let tag = directory.tag(id)?;
            let merchant = directory.merchant(tag.merchant)?;
            let store = directory.store(tag.store)?;
            Some(Self { tag, merchant, store })
        };
        find().ok_or_else(|| Problem::internal(format_args!("the directory does not know {id}: provision it again")))
    }
}

/// A store and its tills.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoreWithTills)]
struct StoreWithTills<'a> {
    #[serde(flatten)]
    store: StoreView<'a>,
    /// Its tills, at most 100 of them.
    tills: Vec<TillView<'a>>,
}

/// A merchant.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Merchant)]
struct MerchantView<'a> {
    #[serde(flatten)]
    merchant: MerchantName<'a>,
    status: StatusName,
    /// What it is called in law.
    #[schema(value_type = Option<String>, required, example = "Lantern Tea Company Limited")]
    legal_name: Option<&'a Text>,
    #[schema(value_type = Option<schema::Mcc>, required)]
    mcc: Option<Mcc>,
    /// Where it is established.
    #[schema(value_type = Option<schema::Country>, required)]
    country: Option<Country>,
    /// The time zone that it keeps its books in.
    #[schema(value_type = Option<schema::TimeZone>, required)]
    time_zone: Option<&'a ZoneName>,
    /// Whom to write to.
    #[schema(value_type = Option<String>, required, example = "owner@example.com")]
    email: Option<&'a Email>,
    /// What it can be paid in.
    #[schema(value_type = Vec<schema::Currency>)]
    currencies: BTreeSet<Currency>,
    #[schema(value_type = Option<schema::Reference>, required)]
    reference: Option<&'a Reference>,
    #[schema(value_type = schema::Metadata)]
    metadata: &'a Metadata,
    /// Where its settled money goes, by currency. Account numbers are shown by their last characters only.
    #[schema(value_type = schema::PayoutAccounts)]
    payout_accounts: &'a BTreeMap<Currency, PayoutAccount>,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
}

impl<'a> MerchantView<'a> {
    fn new(merchant: &'a MerchantProfile, facts: Option<&Facts>) -> Self {
        let unknown = Facts::default();
        let facts = facts.unwrap_or(&unknown);
        Self {
            merchant: MerchantName::new(merchant),
            status: facts.status.into(),
            legal_name: merchant.legal_name.as_ref(),
            mcc: merchant.mcc,
            country: merchant.country,
            time_zone: merchant.zone.as_ref(),
            email: merchant.email.as_ref(),
            currencies: merchant.currencies.union(&facts.currencies).copied().collect(),
            reference: merchant.reference.as_ref(),
            metadata: &merchant.metadata,
            payout_accounts: &merchant.payout_accounts,
            created_at: Timestamp(merchant.created_at),
        }
    }
}

/// A merchant and its stores.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MerchantWithStores)]
struct MerchantWithStores<'a> {
    #[serde(flatten)]
    merchant: MerchantView<'a>,
    /// Its stores, the newest first, at most 100 of them.
    stores: Vec<StoreWithTills<'a>>,
}

/// Part of the list of merchants.
#[derive(Debug, Serialize, ToSchema)]
struct MerchantList<'a> {
    /// The newest first.
    data: Vec<MerchantView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

/// A merchant that applies.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewMerchant)]
pub(crate) struct MerchantRequest {
    #[schema(value_type = schema::Name)]
    name: Name,
    /// What it is called in Chinese.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Name>, nullable = false)]
    name_zh: Option<Name>,
    /// What it is called in law.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Words>, nullable = false)]
    legal_name: Option<Text>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Mcc>, nullable = false)]
    mcc: Option<Mcc>,
    /// Where it is established.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Country>, nullable = false)]
    country: Option<Country>,
    /// The time zone that it keeps its books in.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::TimeZone>, nullable = false)]
    time_zone: Option<ZoneName>,
    /// Whom to write to.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Email>, nullable = false)]
    email: Option<Email>,
    /// What it can be paid in.
    #[schema(value_type = BTreeSet<schema::Currency>, min_items = 1, max_items = 30)]
    currencies: Currencies,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Reference>, nullable = false)]
    reference: Option<Reference>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Metadata>, nullable = false)]
    metadata: Metadata,
}

/// At least one currency, each once.
#[derive(Debug, Deserialize)]
#[serde(try_from = "Vec<ListedCurrency>")]
struct Currencies(BTreeSet<Currency>);

/// A currency in a list, where its refusal needs no field's name.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "String")]
struct ListedCurrency(Currency);

impl TryFrom<String> for ListedCurrency {
    type Error = money::UnknownCurrency;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        Currency::from_alpha(&code).map(Self)
    }
}

impl TryFrom<Vec<ListedCurrency>> for Currencies {
    type Error = &'static str;

    fn try_from(list: Vec<ListedCurrency>) -> Result<Self, &'static str> {
        let set: BTreeSet<Currency> = list.iter().map(|listed| listed.0).collect();
        if set.len() == list.len() && (1..=MOST_CURRENCIES).contains(&set.len()) {
            Ok(Self(set))
        } else {
            Err("must name 1 to 30 currencies, each once")
        }
    }
}

/// What to change of a merchant. What is left out stays; `null` takes away. A merchant itself can change `email` and
/// `metadata`; the rest is the operator's to change.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MerchantChanges)]
pub(crate) struct MerchantChanges {
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Name>, nullable = false)]
    name: Option<Name>,
    /// What it is called in Chinese.
    #[serde(default)]
    #[schema(value_type = Option<schema::Name>)]
    name_zh: Edit<Name>,
    /// What it is called in law.
    #[serde(default)]
    #[schema(value_type = Option<schema::Words>)]
    legal_name: Edit<Text>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Mcc>)]
    mcc: Edit<Mcc>,
    /// Where it is established.
    #[serde(default)]
    #[schema(value_type = Option<schema::Country>)]
    country: Edit<Country>,
    /// The time zone that it keeps its books in.
    #[serde(default)]
    #[schema(value_type = Option<schema::TimeZone>)]
    time_zone: Edit<ZoneName>,
    /// Whom to write to.
    #[serde(default)]
    #[schema(value_type = Option<schema::Email>)]
    email: Edit<Email>,
    /// What it can be paid in besides what it already can: none is taken away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<BTreeSet<schema::Currency>>, nullable = false, min_items = 1, max_items = 30)]
    currencies: Option<Currencies>,
    #[serde(default)]
    #[schema(value_type = Option<schema::Reference>)]
    reference: Edit<Reference>,
    /// All notes anew.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Metadata>, nullable = false)]
    metadata: Option<Metadata>,
}

impl MerchantChanges {
    /// The first field that a merchant cannot change itself.
    fn reserved(&self) -> Option<&'static str> {
        let reserved = [
            ("name", self.name.is_some()),
            ("name_zh", !self.name_zh.is_kept()),
            ("legal_name", !self.legal_name.is_kept()),
            ("mcc", !self.mcc.is_kept()),
            ("country", !self.country.is_kept()),
            ("time_zone", !self.time_zone.is_kept()),
            ("currencies", self.currencies.is_some()),
            ("reference", !self.reference.is_kept()),
        ];
        reserved.into_iter().find(|(_, named)| *named).map(|(field, _)| field)
    }

    fn apply(self, merchant: &mut MerchantProfile) {
        if let Some(name) = self.name {
            merchant.name = name;
        }
        self.name_zh.apply(&mut merchant.name_zh);
        self.legal_name.apply(&mut merchant.legal_name);
        self.mcc.apply(&mut merchant.mcc);
        self.country.apply(&mut merchant.country);
        self.time_zone.apply(&mut merchant.zone);
        self.email.apply(&mut merchant.email);
        self.reference.apply(&mut merchant.reference);
        merchant.currencies.extend(self.currencies.into_iter().flat_map(|Currencies(more)| more));
        if let Some(metadata) = self.metadata {
            merchant.metadata = metadata;
        }
    }
}

problems!(CreateProblems: ReferenceTaken, AlreadyExists, Overloaded);

/// Take in a merchant
///
/// It begins as `applied`: everything can be prepared, and it is paid once it is activated.
#[utoipa::path(
    post, path = "/v1/merchants", tag = "merchants", operation_id = "createMerchant",
    request_body = MerchantRequest,
    responses((status = 201, description = "The merchant has applied.", body = MerchantView), CreateProblems),
    security(("operator_key" = ["write"])),
)]
pub(crate) async fn create(
    State(app): State<App>,
    request: Control<Operator<Write>, MerchantRequest>,
) -> Result<Response, Problem> {
    let (id, now): (MerchantId, _) = (app.new_id(), app.now());
    let created = control(&app, request, move |change, _, body| {
        let merchant = MerchantProfile {
            name_zh: body.name_zh,
            legal_name: body.legal_name,
            mcc: body.mcc,
            country: body.country,
            zone: body.time_zone,
            email: body.email,
            currencies: body.currencies.0,
            reference: body.reference,
            metadata: body.metadata,
            ..MerchantProfile::new(id, body.name, now)
        };
        put(change, merchant, &Facts::default(), StatusCode::CREATED)
    });
    let reply = created.await?;
    // Also when this is a repetition: the money core may not have heard of it the first time.
    core::open(&app, reply.id()?).await?;
    Ok(reply.into_response())
}

fn put(
    change: &mut Change<'_>,
    merchant: MerchantProfile,
    facts: &Facts,
    status: StatusCode,
) -> Result<Reply, Problem> {
    if let Some(reference) = &merchant.reference
        && change.merchant_named(reference)?.is_some_and(|other| other.id != merchant.id)
    {
        return Err(reference_taken());
    }
    change.put_merchant(merchant.clone())?;
    Reply::new(status, &MerchantView::new(&merchant, Some(facts)))
}

/// List merchants
///
/// Newest first.
#[utoipa::path(
    get, path = "/v1/merchants", tag = "merchants", operation_id = "listMerchants",
    params(schema::Paging<schema::MerchantId>, schema::Search),
    responses((status = 200, description = "Part of the list.", body = MerchantList)),
    security(("operator_key" = ["read"])),
)]
pub(crate) async fn list(State(app): State<App>, _: Operator<Read>, mut query: Query) -> Result<Response, Problem> {
    let filter = Filter { search: query.take_search()?, ..Filter::default() };
    let page = query.into_page::<MerchantId>()?;
    let part = app
        .with_directory(move |directory| {
            Ok(directory.list::<MerchantProfile>(&filter, page.starting_after, page.limit)?)
        })
        .await?;
    let facts = core::facts(&app, part.items.iter().map(|merchant| merchant.id).collect()).await?;
    let data = part.items.iter().map(|merchant| MerchantView::new(merchant, facts.get(&merchant.id))).collect();
    respond(StatusCode::OK, &MerchantList { data, has_more: part.has_more })
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a merchant
///
/// A merchant can read itself only.
#[utoipa::path(
    get, path = "/v1/merchants/{id}", tag = "merchants", operation_id = "getMerchant",
    params(("id" = inline(schema::MerchantOrMe), Path, description = "The merchant's id, or `me`.")),
    responses((status = 200, description = "The merchant.", body = MerchantWithStores), GetProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"]), ("till_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    actor: Staff<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let id = own_or_any(&id, actor.merchant())?;
    let profile = app.directory().merchant(id).ok_or_else(Problem::not_found)?;
    let stores = app.with_directory(move |directory| stores_of(directory, id)).await?;
    let stores = stores.iter().map(|(store, tills)| StoreWithTills {
        store: StoreView::new(store),
        tills: tills.iter().map(TillView::new).collect(),
    });
    let facts = core::facts(&app, vec![id]).await?;
    let merchant = MerchantView::new(&profile, facts.get(&id));
    let view = MerchantWithStores { merchant, stores: stores.collect() };
    respond(StatusCode::OK, &view)
}

fn stores_of(directory: &Directory, id: MerchantId) -> Result<Vec<(StoreProfile, Vec<TillProfile>)>, Problem> {
    let of_merchant = Filter { merchant: Some(id), ..Filter::default() };
    let stores = directory.list::<StoreProfile>(&of_merchant, None, MOST_SHOWN)?.items;
    let with_tills = |store: StoreProfile| {
        let of_store = Filter { store: Some(store.id), ..Filter::default() };
        let tills = directory.list::<TillProfile>(&of_store, None, MOST_SHOWN)?.items;
        Ok((store, tills))
    };
    stores.into_iter().map(with_tills).collect()
}

problems!(ChangeProblems: InvalidId, NotFound, ReferenceTaken, AlreadyExists);

/// Change a merchant
///
/// A merchant can change its own contact and notes.
#[utoipa::path(
    post, path = "/v1/merchants/{id}", tag = "merchants", operation_id = "updateMerchant",
    params(("id" = inline(schema::MerchantOrMe), Path, description = "The merchant's id, or `me`.")),
    request_body = MerchantChanges,
    responses((status = 200, description = "The merchant as it is now.", body = MerchantView), ChangeProblems),
    security(("operator_key" = ["write"]), ("merchant_key" = ["write"])),
)]
pub(crate) async fn update(
    State(app): State<App>,
    id: PathId,
    request: Control<Manager<Write>, MerchantChanges>,
) -> Result<Response, Problem> {
    let id = own_or_any(&id, request.posted.actor.merchant())?;
    let facts = core::facts(&app, vec![id]).await?.remove(&id).unwrap_or_default();
    let changed = control(&app, request, move |change, actor, changes| {
        if let Some(field) = changes.reserved().filter(|_| actor.merchant().is_some()) {
            return Err(Problem::new(Code::Forbidden, "only the operator can change this").at(field));
        }
        let mut merchant = change.merchant(id)?.ok_or_else(Problem::not_found)?;
        changes.apply(&mut merchant);
        if merchant.currencies.len() > MOST_CURRENCIES {
            return Err(Problem::field("currencies", "must be no more than 30 with those that it has"));
        }
        put(change, merchant, &facts, StatusCode::OK)
    });
    let reply = changed.await?;
    core::open_accounts(&app, id).await?;
    Ok(reply.into_response())
}

/// The merchant that a path names: a merchant may only name itself, and may say `me`, which is nobody when the operator
/// says it.
fn own_or_any(path: &PathId, own: Option<MerchantId>) -> Result<MerchantId, Problem> {
    match own {
        Some(own) => path.parse_own(own),
        None if path.is_me() => Err(Problem::not_found()),
        None => path.parse(),
    }
}

/// Where the money of one currency is to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewPayoutAccount)]
pub(crate) struct PayoutAccountRequest {
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// The account; `null` takes it away, and nothing is paid out any more.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required)]
    account: Option<AccountRequest>,
}

/// A bank account: an `iban`, or a `bank_code` and an `account_number`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BankAccount)]
struct AccountRequest {
    /// Its international number (ISO 13616).
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Iban>, nullable = false)]
    iban: Option<Iban>,
    /// Which bank or branch, where there are no IBANs.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::AccountPart>, nullable = false, example = "102290000013")]
    bank_code: Option<AccountPart>,
    /// Which account there.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::AccountPart>, nullable = false, example = "6222021001116245")]
    account_number: Option<AccountPart>,
    /// Whose account it is.
    #[schema(value_type = schema::Name)]
    holder: Name,
}

impl AccountRequest {
    fn read(self) -> Result<PayoutAccount, Problem> {
        let missing = |field| Problem::field(field, "is missing: give an IBAN, or a bank code and an account number");
        match (self.iban, self.bank_code, self.account_number) {
            (Some(iban), None, None) => Ok(PayoutAccount::Iban { iban, holder: self.holder }),
            (None, Some(bank_code), Some(account_number)) => {
                Ok(PayoutAccount::Local { bank_code, account_number, holder: self.holder })
            }
            (Some(_), Some(_), _) => Err(Problem::field("account.bank_code", "an IBAN names the bank already")),
            (Some(_), None, Some(_)) => Err(Problem::field("account.account_number", "an IBAN is the number already")),
            (None, Some(_), None) => Err(missing("account.account_number")),
            (None, None, Some(_)) => Err(missing("account.bank_code")),
            (None, None, None) => Err(missing("account.iban")),
        }
    }
}

problems!(AccountProblems: InvalidId, NotFound, CurrencyNotAccepted);

/// Say where settled money goes
///
/// For one currency, from the next payout on. The account's number is not shown again: only its last characters.
#[utoipa::path(
    post, path = "/v1/merchants/{id}/payout_accounts", tag = "merchants", operation_id = "setPayoutAccount",
    params(("id" = inline(schema::MerchantOrMe), Path, description = "The merchant's id, or `me`.")),
    request_body = PayoutAccountRequest,
    responses((status = 200, description = "The merchant as it is now.", body = MerchantView), AccountProblems),
    security(("operator_key" = ["settle"]), ("merchant_key" = ["settle"])),
)]
pub(crate) async fn set_payout_account(
    State(app): State<App>,
    id: PathId,
    request: Control<Manager<Settle>, PayoutAccountRequest>,
) -> Result<Response, Problem> {
    let id = own_or_any(&id, request.posted.actor.merchant())?;
    let request =
        request.try_map(|_, body| Ok((body.currency, body.account.map(AccountRequest::read).transpose()?)))?;
    let facts = core::facts(&app, vec![id]).await?.remove(&id).unwrap_or_default();
    let set = control(&app, request, move |change, _, (currency, account)| {
        let mut merchant = change.merchant(id)?.ok_or_else(Problem::not_found)?;
        match account {
            Some(_) if !merchant.currencies.contains(&currency) && !facts.currencies.contains(&currency) => {
                return Err(::payments::Rejection::CurrencyNotAccepted { currency }.into());
            }
            Some(account) => drop(merchant.payout_accounts.insert(currency, account)),
            None => drop(merchant.payout_accounts.remove(&currency)),
        }
        put(change, merchant, &facts, StatusCode::OK)
    });
    Ok(set.await?.into_response())
}
