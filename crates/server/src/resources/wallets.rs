//! Wallets: whose they are, what they hold, and what has moved.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::{PaymentId, WalletId};
use money::Currency;
use payments::{Owner, account_code, transfer_code};
use serde::Serialize;
use store::tables::{HistoryEntry, TablesError, TablesReader};
use utoipa::ToSchema;

use super::amounts::MinorUnits;
use super::merchants::MerchantName;
use crate::app::App;
use crate::auth::Wallet;
use crate::json::respond;
use crate::path::PathId;
use crate::problem::Problem;
use crate::query::{NoQuery, Query};
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// A wallet, and what it holds.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Wallet)]
struct WalletView<'a> {
    #[schema(value_type = schema::WalletId)]
    id: WalletId,
    /// What its holder is called.
    #[schema(example = "Mei")]
    name: &'a str,
    /// What its holder is called in Chinese.
    #[schema(required, example = "小美")]
    name_zh: Option<&'a str>,
    /// One for each currency that it holds.
    balances: Vec<Balance>,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
}

/// What a wallet can spend of one currency.
#[derive(Debug, Serialize, ToSchema)]
struct Balance {
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// In minor units. What is held is not in it.
    #[schema(minimum = 0, example = 123_456)]
    available: u64,
    /// What is held for merchants, in minor units: it is captured, or comes back.
    #[schema(minimum = 0, example = 0)]
    held: u64,
}

/// What a wallet holds.
#[derive(Debug, Serialize, ToSchema)]
struct BalanceList {
    /// One for each currency that it holds.
    data: Vec<Balance>,
}

/// One movement of a wallet's money.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HistoryEntry)]
struct EntryView<'a> {
    /// Its place in the list.
    #[schema(value_type = String, example = "4711")]
    id: String,
    r#type: EntryType,
    direction: Direction,
    /// How much moved.
    amount: MinorUnits,
    /// What the wallet held afterwards.
    balance_after: MinorUnits,
    /// The payment that it belongs to.
    #[schema(value_type = Option<schema::PaymentId>, required)]
    payment: Option<PaymentId>,
    /// The payment's other side.
    #[schema(required)]
    merchant: Option<MerchantName<'a>>,
    #[schema(value_type = schema::Timestamp)]
    created_at: Timestamp,
}

/// Why money moved. `hold`: it is held for a merchant; `release`: what was held came back; `dispute`: the payer was right.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum EntryType {
    Payment,
    Deposit,
    Hold,
    Release,
    Refund,
    Dispute,
}

impl EntryType {
    fn of(code: u16) -> Self {
        match code {
            transfer_code::DEPOSIT => Self::Deposit,
            transfer_code::HOLD => Self::Hold,
            transfer_code::RELEASE => Self::Release,
            transfer_code::REFUND => Self::Refund,
            transfer_code::DISPUTE_LOST => Self::Dispute,
            // Nothing else moves a wallet's money.
            _ => Self::Payment,
        }
    }
}

/// `debit`: out of the wallet; `credit`: into it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Direction {
    Debit,
    Credit,
}

/// Part of a wallet's history.
#[derive(Debug, Serialize, ToSchema)]
struct HistoryList<'a> {
    /// The newest first.
    data: Vec<EntryView<'a>>,
    /// Whether older ones follow.
    has_more: bool,
}

problems!(WalletProblems: InvalidId, NotFound);

/// Get a wallet
///
/// A wallet can read itself only.
#[utoipa::path(
    get, path = "/v1/wallets/{id}", tag = "wallets", operation_id = "getWallet",
    params(("id" = inline(schema::WalletOrMe), Path, description = "The wallet's id, or `me`.")),
    responses((status = 200, description = "The wallet.", body = WalletView), WalletProblems),
    security(("wallet_token" = [])),
)]
pub(crate) async fn get(State(app): State<App>, wallet: Wallet, _: NoQuery, id: PathId) -> Result<Response, Problem> {
    let id = id.parse_own(wallet.id())?;
    let profile = app.directory().wallet(id).ok_or_else(Problem::not_found)?;
    let view = WalletView {
        id,
        name: profile.name.as_str(),
        name_zh: profile.name_zh.as_ref().map(directory::Name::as_str),
        balances: app.read(move |tables| balances_of(tables, id)).await?,
        created_at: Timestamp(profile.created_at),
    };
    respond(StatusCode::OK, &view)
}

/// Get a wallet's balances
#[utoipa::path(
    get, path = "/v1/wallets/{id}/balances", tag = "wallets", operation_id = "getBalances",
    params(("id" = inline(schema::WalletOrMe), Path, description = "The wallet's id, or `me`.")),
    responses((status = 200, description = "The balances.", body = BalanceList), WalletProblems),
    security(("wallet_token" = [])),
)]
pub(crate) async fn balances(
    State(app): State<App>,
    wallet: Wallet,
    _: NoQuery,
    id: PathId,
) -> Result<Response, Problem> {
    let id = id.parse_own(wallet.id())?;
    respond(StatusCode::OK, &BalanceList { data: app.read(move |tables| balances_of(tables, id)).await? })
}

fn balances_of(tables: &TablesReader, wallet: WalletId) -> Result<Vec<Balance>, TablesError> {
    let accounts = tables.accounts(Owner::Wallet(wallet))?;
    let held_in = |ledger: u32| {
        let hold = |(account, _): &&(payments::Account, ledger::Balance)| {
            (account.code, account.ledger) == (account_code::WALLET_HOLD, ledger)
        };
        accounts.iter().find(hold).map_or(0, |(_, balance)| balance.available())
    };
    let spendable = accounts.iter().filter(|(account, _)| account.code == account_code::WALLET);
    let balance = |(account, balance): &(payments::Account, ledger::Balance)| {
        let currency = u16::try_from(account.ledger).ok().and_then(|numeric| Currency::from_numeric(numeric).ok())?;
        Some(Balance { currency, available: balance.available(), held: held_in(account.ledger) })
    };
    Ok(spendable.filter_map(balance).collect())
}

/// List what has moved
///
/// Everything that moved money into the wallet or out of it, newest first.
#[utoipa::path(
    get, path = "/v1/wallets/{id}/history", tag = "wallets", operation_id = "getHistory",
    params(
        ("id" = inline(schema::WalletOrMe), Path, description = "The wallet's id, or `me`."),
        schema::Paging<schema::HistoryCursor>,
    ),
    responses((status = 200, description = "Part of the list.", body = HistoryList), WalletProblems),
    security(("wallet_token" = [])),
)]
pub(crate) async fn history(
    State(app): State<App>,
    wallet: Wallet,
    query: Query,
    id: PathId,
) -> Result<Response, Problem> {
    let id = id.parse_own(wallet.id())?;
    let page = query.into_page::<u64>()?;
    let entries = app.read(move |tables| tables.history(id, page.starting_after, page.limit)).await?;
    let merchants: Vec<_> =
        entries.items.iter().map(|entry| app.directory().merchant(entry.payment.as_ref()?.merchant)).collect();
    let views = entries.items.iter().zip(&merchants).map(|(entry, merchant)| {
        let merchant = merchant.as_ref().map(|merchant| MerchantName::new(merchant));
        EntryView::new(entry, merchant)
    });
    respond(StatusCode::OK, &HistoryList { data: views.collect(), has_more: entries.has_more })
}

impl<'a> EntryView<'a> {
    fn new(entry: &HistoryEntry, merchant: Option<MerchantName<'a>>) -> Self {
        let currency = entry.currency;
        Self {
            id: entry.position.to_string(),
            r#type: EntryType::of(entry.code),
            direction: if entry.credit { Direction::Credit } else { Direction::Debit },
            amount: MinorUnits::new(entry.amount, currency),
            balance_after: MinorUnits::new(entry.balance_after, currency),
            payment: entry.payment.as_ref().map(|payment| payment.id),
            merchant,
            created_at: Timestamp(entry.at),
        }
    }
}
