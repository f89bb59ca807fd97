//! Balances: what a merchant has, what gathers for it, and what it owes.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use ids::MerchantId;
use ledger::Balance;
use money::Currency;
use payments::{MerchantBook, Owner, Window, account_code};
use serde::Serialize;
use store::tables::{TablesError, TablesReader};
use terms::BusinessDay;
use utoipa::ToSchema;

use crate::app::App;
use crate::auth::{BackOffice, Read};
use crate::json::respond;
use crate::problem::Problem;
use crate::query::NoQuery;
use crate::reference::schema;
use crate::timestamp::Timestamp;

/// What a merchant has of one currency, in minor units.
#[derive(Debug, Serialize, ToSchema)]
struct MerchantBalance {
    #[schema(value_type = schema::Currency)]
    currency: Currency,
    /// What was captured and not settled yet, less what went back of it.
    #[schema(minimum = 0, example = 123_456)]
    pending: u64,
    /// What the platform will charge for it when the window closes.
    #[schema(minimum = 0, example = 741)]
    fees: u64,
    /// What was settled and has not been paid out.
    #[schema(minimum = 0, example = 50_000)]
    available: u64,
    /// What is kept of settlements, for later refunds.
    #[schema(minimum = 0, example = 0)]
    reserved: u64,
    /// What the merchant owes the platform.
    #[schema(minimum = 0, example = 0)]
    owed: u64,
    /// The window in which `pending` has gathered; `null` while it is empty.
    #[schema(required)]
    window: Option<WindowView>,
}

/// What gathers until the next cut-off.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SettlementWindow)]
struct WindowView {
    /// When it was opened: by the first movement since the last cut-off.
    #[schema(value_type = schema::Timestamp)]
    opened_at: Timestamp,
    /// The cut-off; `null` for a merchant without settlement terms.
    #[schema(value_type = Option<schema::Timestamp>, required)]
    closes_at: Option<Timestamp>,
    /// The business day that ends then.
    #[schema(value_type = Option<String>, required, format = Date, example = "2026-11-22")]
    business_day: Option<BusinessDay>,
}

/// What a merchant has.
#[derive(Debug, Serialize, ToSchema)]
struct MerchantBalanceList {
    /// One for each currency that it is paid in.
    data: Vec<MerchantBalance>,
}

/// Get your balance
///
/// Currency by currency: what gathers, what was settled, what is kept, what you owe; and when the open window closes.
#[utoipa::path(
    get, path = "/v1/balance", tag = "balance", operation_id = "getBalance",
    responses((status = 200, description = "The balance.", body = MerchantBalanceList)),
    security(("merchant_key" = ["read"])),
)]
pub(crate) async fn get(State(app): State<App>, actor: BackOffice<Read>, _: NoQuery) -> Result<Response, Problem> {
    let id = actor.id();
    respond(StatusCode::OK, &MerchantBalanceList { data: app.read(move |tables| balances_of(tables, id)).await? })
}

/// Accounts and books as of the same moment.
fn balances_of(tables: &TablesReader, merchant: MerchantId) -> Result<Vec<MerchantBalance>, TablesError> {
    tables.hold_snapshot()?;
    let seen = tables.accounts(Owner::Merchant(merchant)).and_then(|accounts| Ok((accounts, tables.books(merchant)?)));
    tables.release_snapshot()?;
    let (accounts, books) = seen?;
    let mut balances: BTreeMap<u32, MerchantBalance> = BTreeMap::new();
    for (account, balance) in accounts {
        let currency = u16::try_from(account.ledger).ok().and_then(|numeric| Currency::from_numeric(numeric).ok());
        let Some(currency) = currency else { continue };
        let book = books.iter().find(|book| book.currency == currency);
        let of_currency = balances.entry(account.ledger).or_insert_with(|| MerchantBalance::gathering(currency, book));
        match account.code {
            account_code::MERCHANT_PENDING => of_currency.pending = balance.available(),
            account_code::MERCHANT_BALANCE => of_currency.available = balance.available(),
            account_code::MERCHANT_RESERVE => of_currency.reserved = balance.available(),
            account_code::MERCHANT_DEBT => of_currency.owed = owed(balance),
            _ => {}
        }
    }
    Ok(balances.into_values().collect())
}

/// What an account that counts debts has.
fn owed(balance: Balance) -> u64 {
    balance.debits_posted.saturating_sub(balance.credits_posted)
}

impl MerchantBalance {
    fn gathering(currency: Currency, book: Option<&MerchantBook>) -> Self {
        let window = book.and_then(|book| book.window);
        let fees = window.map_or(0, |window| window.totals.fees);
        let window = window.as_ref().map(WindowView::new);
        Self { currency, pending: 0, fees, available: 0, reserved: 0, owed: 0, window }
    }
}

impl WindowView {
    fn new(window: &Window) -> Self {
        Self {
            opened_at: Timestamp(window.opened_at),
            closes_at: window.closes.map(|closes| Timestamp(closes.at)),
            business_day: window.closes.map(|closes| closes.business_day),
        }
    }
}
