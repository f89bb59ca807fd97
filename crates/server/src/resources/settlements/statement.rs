//! Statements on their way out: read part by part, written as they are read, at the pace of whoever downloads them.
//!
//! A million lines take no more memory than a thousand. A few statements are written at once, each by a thread that steps
//! back for payments; a reader that stands still loses its download.

use std::io::{self, Write};
use std::str::FromStr;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use ::statements::{Counted, Effect, Fonts, Line, Merchant, Period, Statement, Totals};
use axum::body::{Body, Bytes};
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::Response;
use engine::Engine;
use futures_util::stream;
use ids::AccountId;
use jiff::tz::TimeZone;
use payments::{Payout, Settlement, UnixMillis};
use store::tables::{SettledPayout, StatementEntry};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use utoipa::ToSchema;

use super::Kind;
use crate::app::App;
use crate::bank::pending_account;
use crate::problem::Problem;

/// Lines that are read at once.
const LINES_AT_ONCE: u32 = 1_000;

/// Bytes that leave at once.
const CHUNK: usize = 64 * 1024;

/// Chunks that may wait for whoever downloads.
const CHUNKS_WAITING: usize = 2;

/// How long a download may stand still.
const PATIENCE: Duration = Duration::from_secs(30);

/// Much further back than those who serve requests: payments come first.
const NICENESS: i32 = 10;

/// In which form a statement is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ToSchema)]
#[schema(as = StatementFormat, rename_all = "snake_case")]
pub(super) enum Format {
    #[default]
    Json,
    Csv,
    Pdf,
}

impl FromStr for Format {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            "pdf" => Ok(Self::Pdf),
            _ => Err(()),
        }
    }
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Pdf => "application/pdf",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Pdf => "pdf",
        }
    }
}

/// A response that carries the statement as it is written.
pub(super) async fn download(app: &App, settled: SettledPayout, format: Format) -> Result<Response, Problem> {
    let permit = app.statements().clone().try_acquire_owned().map_err(|_| Problem::overloaded())?;
    let settlement = settled.settlement;
    let (statement, pending) = begin(app, &settled).await?;
    let (sender, receiver) = mpsc::channel(CHUNKS_WAITING);
    let writing = Writing {
        lines: Lines { engine: app.engine().clone(), settled, pending, after: None, read: Vec::new().into_iter() },
        statement,
        out: Chunks { sender, runtime: Handle::current(), buffer: Vec::with_capacity(CHUNK) },
        _permit: permit,
    };
    let thread = thread::Builder::new().name("statement".to_owned());
    thread.spawn(move || writing.run(format)).map_err(Problem::internal)?;
    let body = stream::unfold(receiver, async |mut receiver| receiver.recv().await.map(|chunk| (chunk, receiver)));
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    let (day, currency, id) = (settlement.business_day, settlement.currency, settlement.id);
    let name = format!("attachment; filename=\"settlement-{day}-{currency}-{id}.{}\"", format.extension());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(format.content_type()));
    headers.insert(CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(Problem::internal)?);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// All of a statement but its lines, and the account that they are of.
async fn begin(app: &App, settled: &SettledPayout) -> Result<(Statement, Option<AccountId>), Problem> {
    let Settlement { merchant, currency, .. } = settled.settlement;
    let payout = settled.payout;
    let read = app.read(move |tables| {
        let payout = payout.map(|id| tables.payout(id)).transpose()?.flatten();
        Ok((tables.merchant(merchant)?, payout, pending_account(tables, merchant, currency)?))
    });
    let (merchant, payout, pending) = read.await?;
    let zone = merchant.and_then(|merchant| merchant.terms).map(|terms| terms.zone.rules().clone());
    let payout = match payout {
        Some(payout) => Some(paid_to(app, &payout, zone.as_ref()).await?),
        None => None,
    };
    Ok((statement(app, &settled.settlement, zone.unwrap_or(TimeZone::UTC), payout)?, pending))
}

fn statement(
    app: &App,
    settlement: &Settlement,
    zone: TimeZone,
    payout: Option<::statements::Payout>,
) -> Result<Statement, Problem> {
    let Settlement { totals, .. } = settlement;
    let counted = |count, amount| Counted { count, amount };
    Ok(Statement {
        settlement: settlement.id.to_string(),
        merchant: named(app, settlement)?,
        currency: settlement.currency,
        business_day: settlement.business_day.date(),
        zone,
        period: Period { from: moment(settlement.opened_at)?, to: moment(settlement.closed_at)? },
        totals: Totals {
            payments: counted(totals.payments, totals.gross),
            refunds: counted(totals.refunds, totals.refunded),
            disputes: counted(totals.disputes, totals.disputed),
            dispute_returns: counted(totals.returns, totals.returned),
            fees: totals.fees.saturating_sub(settlement.fees_from_elsewhere),
            debt_repaid: settlement.debt_repaid,
            reserve_held: settlement.reserved,
            net: settlement.net,
        },
        payout,
    })
}

fn named(app: &App, settlement: &Settlement) -> Result<Merchant, Problem> {
    let profile = app.directory().merchant(settlement.merchant).ok_or_else(Problem::not_found)?;
    let name = profile.name.as_str().to_owned();
    let legal_name = profile.legal_name.as_ref().map_or_else(|| name.clone(), |legal| legal.as_str().to_owned());
    Ok(match &profile.name_zh {
        Some(own) => {
            Merchant { name: own.as_str().to_owned(), legal_name, latin_name: Some(name), address: Vec::new() }
        }
        None => Merchant { name, legal_name, latin_name: None, address: Vec::new() },
    })
}

/// Where a payout goes, as the bank was asked; before it was, as it would be.
async fn paid_to(app: &App, payout: &Payout, zone: Option<&TimeZone>) -> Result<::statements::Payout, Problem> {
    let id = payout.id;
    let asked = match app.bank() {
        Ok(bank) => bank.with(move |books, _| books.instruction(id)).await?,
        Err(_) => None,
    };
    let created = moment(payout.created_at)?;
    let today = || zone.unwrap_or(&TimeZone::UTC).to_datetime(created).date();
    let profile = app.directory().merchant(payout.merchant);
    let account = profile.as_ref().and_then(|profile| profile.payout_accounts.get(&payout.currency));
    Ok(::statements::Payout {
        id: id.to_string(),
        account_last4: match &asked {
            Some(asked) => asked.account.last_four().to_owned(),
            None => account.map(|account| account.last_four().to_owned()).unwrap_or_default(),
        },
        due_on: asked.map_or_else(today, |asked| asked.due_on),
    })
}

fn moment(at: UnixMillis) -> Result<jiff::Timestamp, Problem> {
    let milliseconds = i64::try_from(at.0).map_err(Problem::internal)?;
    jiff::Timestamp::from_millisecond(milliseconds).map_err(Problem::internal)
}

/// A statement that is being written.
struct Writing {
    statement: Statement,
    lines: Lines,
    out: Chunks,
    _permit: OwnedSemaphorePermit,
}

impl Writing {
    fn run(self, format: Format) {
        static FONTS: OnceLock<Fonts> = OnceLock::new();
        // Where that cannot be said, it is merely a worse neighbour.
        let _as_it_was = rustix::process::nice(NICENESS);
        let Self { statement, lines, mut out, .. } = self;
        let written = match format {
            Format::Json => ::statements::write_json(&mut out, &statement, lines),
            Format::Csv => ::statements::write_csv(&mut out, &statement, lines),
            Format::Pdf => ::statements::write_pdf(&mut out, &statement, lines, FONTS.get_or_init(Fonts::of_system)),
        };
        if let Err(error) = written.and_then(|()| out.flush()) {
            if error.kind() != io::ErrorKind::BrokenPipe {
                tracing::error!(%error, settlement = statement.settlement, "a statement could not be written to its end");
            }
            // Whoever downloads it must not take it for whole. Nobody may be there.
            drop(out.sender.try_send(Err(error)));
        }
    }
}

/// The lines of a statement, read part by part.
struct Lines {
    engine: Engine,
    settled: SettledPayout,
    pending: Option<AccountId>,
    after: Option<(u64, u32)>,
    read: std::vec::IntoIter<StatementEntry>,
}

impl Iterator for Lines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<io::Result<Line>> {
        if self.read.len() == 0
            && let Err(error) = self.read_on()
        {
            return Some(Err(io::Error::other(error)));
        }
        let entry = self.read.next()?;
        self.after = Some((entry.position, entry.leg));
        Some(line(entry))
    }
}

impl Lines {
    fn read_on(&mut self) -> Result<(), engine::ReadError> {
        let Some(pending) = self.pending else { return Ok(()) };
        let (settled, after) = (&self.settled, self.after);
        let read = |tables: &store::tables::TablesReader| tables.statement(settled, pending, after, LINES_AT_ONCE);
        // What is settled does not change any more.
        self.read = self.engine.read_from(settled.position, read)?.into_iter();
        Ok(())
    }
}

fn line(entry: StatementEntry) -> io::Result<Line> {
    let kind = Kind::of(&entry)
        .ok_or_else(|| io::Error::other(format!("a movement with code {} at {}", entry.code, entry.position)))?;
    let payment = entry.payment.map(|payment| payment.to_string());
    Ok(Line {
        at: moment(entry.at).map_err(|_| io::Error::other("a moment beyond the calendar"))?,
        kind: match kind {
            Kind::Payment => ::statements::Kind::Payment,
            Kind::Capture(_) => ::statements::Kind::Capture,
            Kind::Refund(_) => ::statements::Kind::Refund,
            Kind::Dispute(_) => ::statements::Kind::Dispute,
            Kind::DisputeReturn(_) => ::statements::Kind::DisputeReturn,
        },
        object: kind.object().or_else(|| payment.clone()).unwrap_or_default(),
        payment,
        reference: entry.reference.map(|reference| reference.as_str().to_owned()),
        gross: entry.amount,
        fee: entry.fee,
        effect: if entry.credit { Effect::Credit(entry.amount) } else { Effect::Debit(entry.amount) },
    })
}

/// Bytes on their way to whoever downloads.
struct Chunks {
    sender: mpsc::Sender<io::Result<Bytes>>,
    runtime: Handle,
    buffer: Vec<u8>,
}

impl Write for Chunks {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let chunk = std::mem::replace(&mut self.buffer, Vec::with_capacity(CHUNK));
        let sender = &self.sender;
        let sending = async move { tokio::time::timeout(PATIENCE, sender.send(Ok(chunk.into()))).await };
        match self.runtime.block_on(sending) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}
