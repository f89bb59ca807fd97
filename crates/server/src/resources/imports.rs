//! Imports: merchants, stores, tills and tags from tables.
//!
//! A row is known by its `reference`: importing the same table again changes nothing. The directory takes all of a table in
//! one transaction, or nothing of it. What the money core must know of chips it is told before that, when everything was
//! tried once in a transaction that is undone; what it must know of merchants it is told afterwards. A crash in between is
//! repaired by importing the same table again.

mod csv;
mod kinds;
mod report;
mod tags;

use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use ::payments::{Action, RegisteredTag, TagMode, UnixMillis};
use ::tag::Uid;
use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use directory::{Author, Change, Directory, DirectoryError, Known, Reference};
use futures_util::{StreamExt, TryStreamExt, stream};
use ids::{MerchantId, StoreId, TagId, TillId};
use serde::Deserialize;
use utoipa::ToSchema;

use self::csv::{Row, Table};
use self::kinds::{Failed, required};
use self::report::{Refused, Report, RowReport, RowResult};
use super::merchants;
use crate::app::App;
use crate::auth::{Admitted, Manager, Write};
use crate::control::Reply;
use crate::idempotency;
use crate::json::{self, is_of_type, present, receive};
use crate::problem::{Code, Problem};
use crate::query::{self, Query};
use crate::reference::{problems, schema};

/// Commands that the money core is handed at once.
const AT_ONCE: usize = 256;

/// The largest table, in bytes as it is sent.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// How long a table may take to arrive.
const PATIENCE: Duration = Duration::from_secs(120);

/// The longest report that is remembered for repetitions: importing again changes nothing anyway.
const MAX_REMEMBERED: usize = 1024 * 1024;

/// What the rows of a table describe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ImportKind)]
enum Kind {
    /// Merchants; only the operator imports them.
    #[serde(alias = "brands")]
    Merchants,
    Stores,
    Tills,
    Tags,
}

impl FromStr for Kind {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "merchants" | "brands" => Ok(Self::Merchants),
            "stores" => Ok(Self::Stores),
            "tills" => Ok(Self::Tills),
            "tags" => Ok(Self::Tags),
            _ => Err(()),
        }
    }
}

impl Kind {
    fn columns(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Merchants => kinds::MERCHANTS,
            Self::Stores => kinds::STORES,
            Self::Tills => kinds::TILLS,
            Self::Tags => kinds::TAGS,
        }
    }
}

/// A table to import. It can also be the body itself, as `text/csv`, with the rest as parameters.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewImport)]
struct ImportRequest {
    kind: Kind,
    /// The table: comma-separated values (RFC 4180) with the columns' names in the first row. An empty cell takes away
    /// what was there; a column that is not there leaves it.
    #[schema(example = "reference,name,time_zone\nS-1,West Lake,Asia/Shanghai\n")]
    csv: String,
    /// Only say what would be done.
    #[serde(default)]
    dry_run: bool,
    /// Take the rows that can be taken. Otherwise one that is refused refuses all.
    #[serde(default)]
    partial: bool,
    /// Whose they are; the operator says so here, or by reference in a column `merchant`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::MerchantId>, nullable = false)]
    merchant: Option<MerchantId>,
}

/// A table that was posted, and by whom.
pub(crate) struct Import {
    actor: Manager<Write>,
    ask: ImportRequest,
    request: Option<::payments::Request>,
}

impl FromRequest<App> for Import {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &App) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let actor = Manager::authenticate(&parts, app)?;
        let bytes = receive(&parts.headers, body, MAX_BYTES, PATIENCE).await?;
        let request = idempotency::request(actor.actor(), &parts, &bytes)?;
        let ask = read(&parts, &bytes)?;
        if ask.kind == Kind::Merchants && actor.merchant().is_some() {
            return Err(Problem::new(Code::Forbidden, "only the operator takes in merchants").at("kind"));
        }
        Ok(Self { actor, ask, request })
    }
}

fn read(parts: &Parts, bytes: &[u8]) -> Result<ImportRequest, Problem> {
    if is_of_type(&parts.headers, "application/json") {
        query::refuse_any(&parts.uri)?;
        return json::parse(bytes);
    }
    if !is_of_type(&parts.headers, "text/csv") {
        return Err(Problem::new(Code::UnsupportedMediaType, "send `application/json` or `text/csv`"));
    }
    let mut query = Query::of(&parts.uri)?;
    let kind = query.take("kind", "must be merchants, stores, tills or tags")?;
    let ask = ImportRequest {
        kind: kind.ok_or_else(|| Problem::field("kind", "is missing"))?,
        csv: String::from_utf8(bytes.to_vec()).map_err(|_| Problem::field("csv", "must be UTF-8"))?,
        dry_run: query.take("dry_run", "must be true or false")?.unwrap_or(false),
        partial: query.take("partial", "must be true or false")?.unwrap_or(false),
        merchant: query.take("merchant", "must be a merchant's id")?,
    };
    query.finish()?;
    Ok(ask)
}

problems!(ImportProblems: NotFound);

/// Import a table
///
/// Up to 8 MB and 100,000 rows of `merchants` (also called `brands`), `stores`, `tills` or `tags`. A row is known by its
/// `reference`, so the same table can be imported again. If a row is refused, nothing is changed, unless the import is
/// `partial`. A `dry_run` changes nothing and says what would be done.
///
/// Columns, those that must be there in bold:
/// merchants: **reference**, **name**, **currencies** (`CNY EUR`), name_zh, legal_name, mcc, country, time_zone, email.
/// stores: **reference**, **name**, merchant, name_zh, address, line1, line2, city, region, postal_code, country, latitude
/// and longitude (degrees), time_zone, monday to sunday (`09:00-12:00 13:00-18:00`).
/// tills: **reference**, **store**, **name**, merchant.
/// tags: **reference**, **uid**, **store**, **label**, **mode** (`till` or `standing`), **currency**, merchant, till.
#[utoipa::path(
    post, path = "/v1/imports", tag = "imports", operation_id = "createImport",
    params(
        ("kind" = Option<Kind>, Query, description = "With `text/csv`: what the rows describe."),
        ("dry_run" = Option<bool>, Query, description = "With `text/csv`: only say what would be done."),
        ("partial" = Option<bool>, Query, description = "With `text/csv`: take the rows that can be taken."),
        schema::ByMerchant,
    ),
    request_body(content((ImportRequest = "application/json"), (String = "text/csv"))),
    responses((status = 200, description = "What was done, or would be.", body = Report), ImportProblems),
    security(("operator_key" = ["write"]), ("merchant_key" = ["write"])),
)]
pub(crate) async fn create(State(app): State<App>, import: Import) -> Result<Response, Problem> {
    let Import { actor, ask, request } = import;
    let author = app.author(actor.key());
    if let Some(reply) = answered(&app, author, request).await? {
        return Ok(reply.into_response());
    }
    let (dry_run, partial) = (ask.dry_run, ask.partial);
    let mut work = Arc::new(Work::prepare(&app, actor, ask).await?);
    let ending = if dry_run || work.kind == Kind::Tags { Ending::Undo } else { Ending::Keep { partial } };
    let (mut report, chips) = Work::run(&work, &app, author, ending).await?;
    if work.kind == Kind::Tags && !dry_run && (partial || report.refused == 0) {
        let taken = register(&app, chips).await?;
        work = Arc::new(Work { taken, ..Arc::into_inner(work).ok_or_else(|| Problem::internal("a run goes on"))? });
        (report, _) = Work::run(&work, &app, author, Ending::Keep { partial }).await?;
    }
    if work.kind == Kind::Merchants && report.applied {
        open_merchants(&app, &report).await?;
    }
    report.dry_run = dry_run;
    let reply = Reply::new(StatusCode::OK, &report)?;
    remember(&app, author, request, &reply).await?;
    Ok(reply.into_response())
}

/// Tells the money core of new chips; says which are another's already.
async fn register(app: &App, chips: Vec<RegisteredTag>) -> Result<HashSet<Uid>, Problem> {
    let told = stream::iter(chips).map(|tag| async move {
        match app.submit(Action::RegisterTag(tag), None).await {
            Ok(_) => Ok(None),
            Err(problem) if problem.code() == Code::AlreadyExists => Ok(Some(tag.uid)),
            Err(problem) => Err(problem),
        }
    });
    let taken: Vec<Option<Uid>> = told.buffered(AT_ONCE).try_collect().await?;
    Ok(taken.into_iter().flatten().collect())
}

/// Tells the money core of the merchants in a report, also of those that it should know.
async fn open_merchants(app: &App, report: &Report) -> Result<(), Problem> {
    let ids: Vec<MerchantId> = report.rows.iter().filter_map(|row| row.id.as_deref()?.parse().ok()).collect();
    stream::iter(ids).map(|id| merchants::open(app, id)).buffered(AT_ONCE).try_collect().await
}

/// What the same request was answered before.
async fn answered(app: &App, author: Author, request: Option<::payments::Request>) -> Result<Option<Reply>, Problem> {
    let Some(request) = request else { return Ok(None) };
    let known = app.with_directory(move |directory| Ok(directory.change(author, |change| change.known(&request))?));
    match known.await? {
        Known::New => Ok(None),
        Known::Answered(stored) => Reply::from_stored(stored, None).map(Some),
        Known::Conflict => Err(::payments::Rejection::IdempotencyConflict.into()),
    }
}

async fn remember(
    app: &App,
    author: Author,
    request: Option<::payments::Request>,
    reply: &Reply,
) -> Result<(), Problem> {
    let stored = reply.stored(None);
    let Some(request) = request.filter(|_| stored.answer.len() <= MAX_REMEMBERED) else { return Ok(()) };
    let remember = move |directory: &Directory| {
        directory.change(author, |change| match change.known(&request)? {
            Known::New => change.remember(&request, &stored),
            // The same was asked twice at once, and the other was faster.
            Known::Answered(_) | Known::Conflict => Ok(()),
        })?;
        Ok(())
    };
    app.with_directory(remember).await
}

/// How a run ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Nothing of it stands.
    Undo,
    /// What could be taken stands; if it is not `partial`, only if all of it could be.
    Keep { partial: bool },
}

/// A table that is being imported.
struct Work {
    kind: Kind,
    table: Table,
    /// Whose all rows are, if that is said.
    merchant: Option<MerchantId>,
    /// An id for each row, if it is new.
    new_ids: Vec<u128>,
    now: UnixMillis,
    /// What the money core knows of the chips in the table.
    known: HashMap<Uid, RegisteredTag>,
    /// Chips that somebody else made known in the meantime.
    taken: HashSet<Uid>,
}

/// What a run found: the report, and the chips that the money core does not know yet.
type Found = (Report, Vec<RegisteredTag>);

/// Undoes a transaction, and brings out what was found.
enum Undone {
    Found(Found),
    Failed(DirectoryError),
}

impl From<DirectoryError> for Undone {
    fn from(error: DirectoryError) -> Self {
        Self::Failed(error)
    }
}

impl Work {
    async fn prepare(app: &App, actor: Manager<Write>, ask: ImportRequest) -> Result<Self, Problem> {
        let (required, optional) = ask.kind.columns();
        let table = Table::parse(&ask.csv, required, optional).map_err(|reason| Problem::field("csv", reason))?;
        let merchant = match (actor.merchant(), ask.merchant) {
            (None, None) => None,
            _ => Some(actor.acting_for(ask.merchant)?),
        };
        if merchant.is_some_and(|merchant| app.directory().merchant(merchant).is_none()) {
            return Err(Problem::not_found().at("merchant"));
        }
        let known = if ask.kind == Kind::Tags { tags::known(app, &table).await? } else { HashMap::new() };
        let new_ids = table.rows().map(|_| app.new_id::<ids::Store>().as_u128()).collect();
        Ok(Self { kind: ask.kind, table, merchant, new_ids, now: app.now(), known, taken: HashSet::new() })
    }

    /// Goes through all rows in one transaction.
    async fn run(work: &Arc<Self>, app: &App, author: Author, ending: Ending) -> Result<Found, Problem> {
        let work = work.clone();
        let run = move |directory: &Directory| {
            let done = directory.change(author, |change| {
                let (mut report, chips) = work.rows(change)?;
                match ending {
                    Ending::Keep { partial } if partial || report.refused == 0 => {
                        report.applied = true;
                        Ok((report, chips))
                    }
                    Ending::Keep { .. } | Ending::Undo => Err(Undone::Found((report, chips))),
                }
            });
            match done {
                Ok(found) | Err(Undone::Found(found)) => Ok(found),
                Err(Undone::Failed(error)) => Err(error.into()),
            }
        };
        app.with_directory(run).await
    }

    fn rows(&self, change: &mut Change<'_>) -> Result<Found, DirectoryError> {
        let (mut reports, mut chips) = (Vec::with_capacity(self.new_ids.len()), Vec::new());
        let mut seen = Seen::default();
        for (row, new_id) in self.table.rows().zip(&self.new_ids) {
            let done = change.attempt(|change| self.row(change, row, *new_id, &mut seen))?;
            reports.push(match done {
                Ok(Done { id, result, chip }) => {
                    chips.extend(chip);
                    RowReport { row: row.number, result, id: Some(id), field: None, reason: None }
                }
                Err(Failed::Refused(refused)) => RowReport::refused(row.number, refused),
                Err(Failed::Directory(error)) => return Err(error),
            });
        }
        Ok((Report::new(reports), chips))
    }

    fn row<'a>(
        &self,
        change: &mut Change<'_>,
        row: Row<'a>,
        new_id: u128,
        seen: &mut Seen<'a>,
    ) -> Result<Done, Failed> {
        if self.kind == Kind::Merchants {
            seen.once(None, row)?;
            let (id, result) = kinds::merchant(change, row, MerchantId::from_u128(new_id), self.now)?;
            return Ok(Done::new(id, result));
        }
        let merchant = self.merchant_of(change, row)?;
        seen.once(Some(merchant), row)?;
        match self.kind {
            Kind::Merchants | Kind::Stores => {
                let (id, result) = kinds::store(change, row, merchant, StoreId::from_u128(new_id))?;
                Ok(Done::new(id, result))
            }
            Kind::Tills => {
                let (id, result) = kinds::till(change, row, merchant, TillId::from_u128(new_id))?;
                Ok(Done::new(id, result))
            }
            Kind::Tags => {
                let chip = tags::chip(change, row, merchant, TagId::from_u128(new_id), &self.known)?;
                let uid = chip.tag.uid;
                if self.taken.contains(&uid) || !seen.chips.insert(uid) {
                    return Err(Refused::new("uid", "is another tag's already").into());
                }
                let stands_at_till = chip.tag.mode == TagMode::Till;
                let (id, result) = kinds::tag(change, row, merchant, chip.tag.id, stands_at_till)?;
                Ok(Done { chip: chip.is_new.then_some(chip.tag), ..Done::new(id, result) })
            }
        }
    }

    /// Whose the row is: what the request says, or what the row's own column says.
    fn merchant_of(&self, change: &Change<'_>, row: Row<'_>) -> Result<MerchantId, Failed> {
        let named = match row.cell("merchant").unwrap_or_default() {
            "" => None,
            _ => {
                let reference: Reference = required(row, "merchant")?;
                let found = change.merchant_named(&reference)?.map(|merchant| merchant.id);
                let known = found.filter(|found| self.merchant.is_none_or(|merchant| merchant == *found));
                Some(known.ok_or_else(|| Refused::new("merchant", "no merchant here has this reference"))?)
            }
        };
        let missing = || Refused::new("merchant", "is missing: say whose it is, here or for the whole import");
        Ok(named.or(self.merchant).ok_or_else(missing)?)
    }
}

/// A row that could be taken.
struct Done {
    id: String,
    result: RowResult,
    /// A chip that the money core must be told of.
    chip: Option<RegisteredTag>,
}

impl Done {
    fn new(id: impl ToString, result: RowResult) -> Self {
        Self { id: id.to_string(), result, chip: None }
    }
}

/// What was in a row before.
#[derive(Default)]
struct Seen<'a> {
    references: HashMap<(Option<MerchantId>, &'a str), usize>,
    chips: HashSet<Uid>,
}

impl<'a> Seen<'a> {
    /// Refuses a reference that an earlier row had.
    fn once(&mut self, merchant: Option<MerchantId>, row: Row<'a>) -> Result<(), Refused> {
        let reference = row.cell("reference").unwrap_or_default();
        match self.references.insert((merchant, reference), row.number) {
            Some(earlier) => Err(Refused::new("reference", format!("row {earlier} has it too"))),
            None => Ok(()),
        }
    }
}
