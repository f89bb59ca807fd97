//! Settlements: what a merchant was owed for a business day, and what that was made of.

mod statement;

use std::fmt;
use std::str::FromStr;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::Engine;
use ids::{CaptureId, DisputeId, MerchantId, OrderId, PaymentId, PayoutId, RefundId, SettlementId};
use money::Currency;
use payments::{Action, Answer, Settlement, Text, transfer_code};
use serde::Serialize;
use store::tables::{SettledPayout, SettlementFilter, StatementEntry};
use terms::BusinessDay;
use utoipa::ToSchema;

use super::amounts::MinorUnits;
use super::orders::Nothing;
use crate::app::App;
use crate::auth::{Manager, Operator, Read, Settle};
use crate::bank::pending_account;
use crate::control::{Control, Reply, control};
use crate::json::respond;
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// What a merchant was owed for a business day: `net` is `gross` and `returned`, less `refunded`, `disputed`,
/// `fees_from_window`, `debt_repaid` and `reserved`, to the unit.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Settlement)]
pub(crate) struct SettlementView {
    #[schema(value_type = schema::SettlementId)]
    id: SettlementId,
    #[schema(value_type = schema::MerchantId)]
    merchant: MerchantId,
    status: StatusName,
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// How many the merchant had in this currency, this one included.
    #[schema(minimum = 1, example = 41)]
    number: u64,
    /// The business day that ended.
    #[schema(value_type = String, format = Date, example = "2026-11-22")]
    business_day: BusinessDay,
    /// When the window was opened: by the first movement since the settlement before.
    #[schema(value_type = schema::Timestamp)]
    opened_at: Timestamp,
    /// The cut-off. What happened at this moment or later is in the next one.
    #[schema(value_type = schema::Timestamp)]
    closed_at: Timestamp,
    /// How many payments and captures came in.
    #[schema(minimum = 0, example = 212)]
    payments: u64,
    /// What they brought in.
    gross: MinorUnits,
    /// How many refunds went out.
    #[schema(minimum = 0, example = 3)]
    refunds: u64,
    /// What they took out of the window.
    refunded: MinorUnits,
    /// How many disputes took something.
    #[schema(minimum = 0, example = 1)]
    disputes: u64,
    /// What they took out of the window.
    disputed: MinorUnits,
    /// How many times something came back by disputes that were won.
    #[schema(minimum = 0, example = 0)]
    returns: u64,
    /// What came back by them.
    returned: MinorUnits,
    /// What the platform charges for the payments and captures.
    fees: MinorUnits,
    /// What of the fees was taken out of the window.
    fees_from_window: MinorUnits,
    /// What of the fees was more than had gathered: taken from the balance, then owed.
    fees_from_elsewhere: MinorUnits,
    /// What the merchant owed and now does not.
    debt_repaid: MinorUnits,
    /// What is kept for later refunds.
    reserved: MinorUnits,
    /// When that is released.
    #[schema(value_type = Option<schema::Timestamp>, required)]
    reserved_until: Option<Timestamp>,
    /// What is the merchant's.
    net: MinorUnits,
    /// When it is to be paid out.
    #[schema(value_type = schema::Timestamp)]
    payout_at: Timestamp,
    /// The payout that it called for; `null` before, or if there was nothing to pay out.
    #[schema(value_type = Option<schema::PayoutId>, required)]
    payout: Option<PayoutId>,
}

/// Where a settlement stands. `closed`: what it came to is the merchant's balance. `paid_out`: its payout was created;
/// where that stands, the payout says.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SettlementStatus)]
enum StatusName {
    Closed,
    PaidOut,
}

impl SettlementView {
    /// The settlement as it was closed.
    pub(crate) fn new(settlement: &Settlement) -> Self {
        let Settlement { currency, totals, .. } = *settlement;
        let units = |amount| MinorUnits::new(amount, currency);
        Self {
            id: settlement.id,
            merchant: settlement.merchant,
            status: StatusName::Closed,
            currency,
            number: settlement.number,
            business_day: settlement.business_day,
            opened_at: Timestamp(settlement.opened_at),
            closed_at: Timestamp(settlement.closed_at),
            payments: totals.payments,
            gross: units(totals.gross),
            refunds: totals.refunds,
            refunded: units(totals.refunded),
            disputes: totals.disputes,
            disputed: units(totals.disputed),
            returns: totals.returns,
            returned: units(totals.returned),
            fees: units(totals.fees),
            fees_from_window: units(totals.fees.saturating_sub(settlement.fees_from_elsewhere)),
            fees_from_elsewhere: units(settlement.fees_from_elsewhere),
            debt_repaid: units(settlement.debt_repaid),
            reserved: units(settlement.reserved),
            reserved_until: settlement.reserved_until.map(Timestamp),
            net: units(settlement.net),
            payout_at: Timestamp(settlement.payout_at),
            payout: None,
        }
    }

    fn with_payout(settled: &SettledPayout) -> Self {
        let status = if settled.payout.is_some() { StatusName::PaidOut } else { StatusName::Closed };
        Self { status, payout: settled.payout, ..Self::new(&settled.settlement) }
    }
}

/// Part of the list of settlements.
#[derive(Debug, Serialize, ToSchema)]
struct SettlementList {
    /// The newest first.
    data: Vec<SettlementView>,
    /// Whether older ones follow.
    has_more: bool,
}

problems!(ListProblems: NotFound);

/// List settlements
///
/// A merchant's own; the operator's list has everybody's, or one merchant's.
#[utoipa::path(
    get, path = "/v1/settlements", tag = "settlements", operation_id = "listSettlements",
    params(
        schema::Paging<schema::SettlementId>,
        schema::ByMerchant,
        schema::ByCurrency,
        ("business_day_from" = Option<String>, Query, format = Date, example = "2026-11-01",
            description = "Only those for this business day or later."),
        ("business_day_to" = Option<String>, Query, format = Date, example = "2026-11-30",
            description = "Only those for this business day or earlier."),
    ),
    responses((status = 200, description = "Part of the list.", body = SettlementList), ListProblems),
    security(("merchant_key" = ["read"]), ("operator_key" = ["read"])),
)]
pub(crate) async fn list(State(app): State<App>, actor: Manager<Read>, mut query: Query) -> Result<Response, Problem> {
    const DAY: &str = "must be a day such as 2026-11-22";
    let filter = SettlementFilter {
        merchant: actor.listing(query.take("merchant", "must be a merchant's id")?)?,
        currency: query.take_currency()?,
        from: query.take("business_day_from", DAY)?,
        to: query.take("business_day_to", DAY)?,
    };
    let page = query.into_page::<SettlementId>()?;
    let found = app.read(move |tables| tables.settlements(&filter, page.starting_after, page.limit)).await?;
    let data = found.items.iter().map(SettlementView::with_payout).collect();
    respond(StatusCode::OK, &SettlementList { data, has_more: found.has_more })
}

problems!(GetProblems: InvalidId, NotFound);

/// Get a settlement
#[utoipa::path(
    get, path = "/v1/settlements/{id}", tag = "settlements", operation_id = "getSettlement",
    params(("id" = inline(schema::SettlementId), Path, description = "The settlement's id.")),
    responses((status = 200, description = "The settlement.", body = SettlementView), GetProblems),
    security(("merchant_key" = ["read"]), ("operator_key" = ["read"])),
)]
pub(crate) async fn get(
    State(app): State<App>,
    actor: Manager<Read>,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    respond(StatusCode::OK, &SettlementView::with_payout(&own(&app, actor, id.parse()?).await?))
}

/// The settlement, if it is the asker's to see.
async fn own(app: &App, actor: Manager<Read>, id: SettlementId) -> Result<SettledPayout, Problem> {
    let settled = app.read(move |tables| tables.settlement(id)).await?;
    settled.filter(|settled| actor.is_over(settled.settlement.merchant)).ok_or_else(Problem::not_found)
}

/// One movement that a settlement is made of.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettlementEntry)]
struct EntryView {
    /// Its place in the journal.
    #[schema(value_type = schema::EntryCursor)]
    id: EntryCursor,
    r#type: EntryType,
    direction: Direction,
    /// How much moved.
    amount: MinorUnits,
    /// What the settlement charges for it.
    fee: MinorUnits,
    #[schema(value_type = Option<schema::PaymentId>, required)]
    payment: Option<PaymentId>,
    /// The capture, refund or dispute, if it is one.
    #[schema(required, example = "ref_01h455vb4pex5vsknk084sn02q")]
    object: Option<String>,
    #[schema(value_type = Option<schema::OrderId>, required)]
    order: Option<OrderId>,
    /// Your own name for the order.
    #[schema(value_type = Option<String>, required, example = "A-1001")]
    reference: Option<Text>,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
}

/// What moved. `dispute_return`: what a dispute had taken and the merchant has won.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SettlementEntryType)]
enum EntryType {
    Payment,
    Capture,
    Refund,
    Dispute,
    DisputeReturn,
}

/// Whether it came (`credit`) or went (`debit`).
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = SettlementEntryDirection)]
enum Direction {
    Credit,
    Debit,
}

/// Part of what a settlement is made of.
#[derive(Debug, Serialize, ToSchema)]
struct SettlementEntryList {
    /// The oldest first, as on the statement.
    data: Vec<EntryView>,
    /// Whether more follow.
    has_more: bool,
}

/// A place in what a settlement is made of: journal position and leg.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct EntryCursor(u64, u32);

impl fmt::Display for EntryCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

impl Serialize for EntryCursor {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl FromStr for EntryCursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        let (position, leg) = text.split_once('-').filter(|(one, other)| digits(one) && digits(other)).ok_or(())?;
        // Beyond what is stored, nothing follows.
        let position: u64 = position.parse().map_err(drop)?;
        Ok(Self(position.min(i64::MAX.cast_unsigned()), leg.parse().map_err(drop)?))
    }
}

impl EntryView {
    fn new(entry: StatementEntry, currency: Currency) -> Result<Self, Problem> {
        let kind = Kind::of(&entry).ok_or_else(|| unknown_movement(&entry))?;
        Ok(Self {
            id: EntryCursor(entry.position, entry.leg),
            r#type: kind.entry_type(),
            direction: if entry.credit { Direction::Credit } else { Direction::Debit },
            amount: MinorUnits::new(entry.amount, currency),
            fee: MinorUnits::new(entry.fee, currency),
            payment: entry.payment,
            object: kind.object(),
            order: entry.order,
            reference: entry.reference,
            created_at: Timestamp(entry.at),
        })
    }
}

/// What a movement is, with the id of what made it.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Payment,
    Capture(CaptureId),
    Refund(RefundId),
    Dispute(DisputeId),
    DisputeReturn(DisputeId),
}

impl Kind {
    fn of(entry: &StatementEntry) -> Option<Self> {
        Some(match entry.code {
            transfer_code::PAYMENT => Self::Payment,
            transfer_code::CAPTURE => Self::Capture(CaptureId::from_bytes(entry.object?)),
            transfer_code::REFUND => Self::Refund(RefundId::from_bytes(entry.object?)),
            transfer_code::DISPUTE => Self::Dispute(DisputeId::from_bytes(entry.object?)),
            transfer_code::DISPUTE_WON => Self::DisputeReturn(DisputeId::from_bytes(entry.object?)),
            _ => return None,
        })
    }

    fn entry_type(self) -> EntryType {
        match self {
            Self::Payment => EntryType::Payment,
            Self::Capture(_) => EntryType::Capture,
            Self::Refund(_) => EntryType::Refund,
            Self::Dispute(_) => EntryType::Dispute,
            Self::DisputeReturn(_) => EntryType::DisputeReturn,
        }
    }

    fn object(self) -> Option<String> {
        match self {
            Self::Payment => None,
            Self::Capture(id) => Some(id.to_string()),
            Self::Refund(id) => Some(id.to_string()),
            Self::Dispute(id) | Self::DisputeReturn(id) => Some(id.to_string()),
        }
    }
}

fn unknown_movement(entry: &StatementEntry) -> Problem {
    Problem::internal(format_args!("a pending account moved with code {} at {}", entry.code, entry.position))
}

/// List what a settlement is made of
///
/// Every payment, capture, refund and dispute of the business day, the oldest first: the lines of its statement.
#[utoipa::path(
    get, path = "/v1/settlements/{id}/entries", tag = "settlements", operation_id = "listSettlementEntries",
    params(
        ("id" = inline(schema::SettlementId), Path, description = "The settlement's id."),
        schema::Paging<schema::EntryCursor>,
    ),
    responses((status = 200, description = "Part of the list.", body = SettlementEntryList), GetProblems),
    security(("merchant_key" = ["read"]), ("operator_key" = ["read"])),
)]
pub(crate) async fn entries(
    State(app): State<App>,
    actor: Manager<Read>,
    id: PathId,
    query: Query,
) -> Result<Response, Problem> {
    let id = id.parse()?;
    let page = query.into_page::<EntryCursor>()?;
    let settled = own(&app, actor, id).await?;
    let Settlement { merchant, currency, .. } = settled.settlement;
    let after = page.starting_after.map(|EntryCursor(position, leg)| (position, leg));
    let read = app.read(move |tables| match pending_account(tables, merchant, currency)? {
        Some(pending) => tables.statement(&settled, pending, after, page.limit + 1),
        None => Ok(Vec::new()),
    });
    let mut entries = read.await?;
    let has_more = entries.len() > page.limit as usize;
    entries.truncate(page.limit as usize);
    let data = entries.into_iter().map(|entry| EntryView::new(entry, currency)).collect::<Result<_, _>>()?;
    respond(StatusCode::OK, &SettlementEntryList { data, has_more })
}

/// Download a statement
///
/// As JSON, as CSV with every line (UTF-8, exact decimals, one currency), or as a PDF to be read, with the first 1,000
/// lines. However long it is, it comes as it is written; if it cannot be written to its end, the connection breaks.
#[utoipa::path(
    get, path = "/v1/settlements/{id}/statement", tag = "settlements", operation_id = "getSettlementStatement",
    params(
        ("id" = inline(schema::SettlementId), Path, description = "The settlement's id."),
        ("format" = inline(Option<statement::Format>), Query, description = "In which form."),
    ),
    responses(
        (status = 200, description = "The statement.", content(
            (schema::AnyObject = "application/json"), (String = "text/csv"), (Vec<u8> = "application/pdf"),
        )),
        GetProblems,
    ),
    security(("merchant_key" = ["read"]), ("operator_key" = ["read"])),
)]
pub(crate) async fn statement(
    State(app): State<App>,
    actor: Manager<Read>,
    id: PathId,
    mut query: Query,
) -> Result<Response, Problem> {
    let id = id.parse()?;
    let format = query.take("format", "must be `json`, `csv` or `pdf`")?.unwrap_or_default();
    query.finish()?;
    statement::download(&app, own(&app, actor, id).await?, format).await
}

/// What was due is done.
#[derive(Debug, Serialize, ToSchema)]
struct SettlementRun {
    /// How many settlements were closed meanwhile.
    #[schema(minimum = 0, example = 3)]
    closed: u64,
    /// How many things happened in all: closings, payouts, releases, expiries.
    #[schema(minimum = 0, example = 6)]
    happened: usize,
}

/// Settle what is due
///
/// Closes the windows whose cut-off is past, creates the payouts and releases the reserves whose time has come. The
/// platform does this by itself, to the moment; asking for it changes nothing more, however often.
#[utoipa::path(
    post, path = "/v1/settlements/run", tag = "settlements", operation_id = "runSettlements",
    responses((status = 200, description = "Nothing is due any more.", body = SettlementRun)),
    security(("operator_key" = ["settle"])),
)]
pub(crate) async fn run(
    State(app): State<App>,
    request: Control<Operator<Settle>, Nothing>,
) -> Result<Response, Problem> {
    let engine = app.engine().clone();
    let ran = control(&app, request, move |change, _, _| {
        let run = run_what_is_due(&engine)?;
        change.note("settlements.run", "settlements", None, &run, None)?;
        Reply::new(StatusCode::OK, &run)
    });
    Ok(ran.await?.into_response())
}

fn run_what_is_due(engine: &Engine) -> Result<SettlementRun, Problem> {
    let before = engine.status().durable_position;
    let mut happened = 0;
    loop {
        match engine.submit_and_wait(Action::Tick, None)?.map_err(Problem::from)? {
            Answer::Ticked(0) => break,
            Answer::Ticked(more) => happened += more,
            other => return Err(Problem::internal(format_args!("the core answered {other:?} to a tick"))),
        }
    }
    let closed = engine.read(move |tables| tables.count_settlements_after(before)).map_err(Problem::internal)?;
    Ok(SettlementRun { closed, happened })
}
