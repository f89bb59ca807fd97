//! The sandbox: time set forward in one call, shoppers who pay when they are told to.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use directory::{Actor, Entry, Name, Token, WalletProfile};
use ids::{AccountId, DepositId, OrderId, TapId, WalletId};
use money::{Currency, Money};
use payments::{Account, AccountFlags, Action, Answer, Forced, Order, Owner, Pay, Payment, account_code};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::merchants::Place;
use super::payments::PaymentView;
use crate::app::App;
use crate::auth::{Manager, Merchant, Read, Write};
use crate::json::{Posted, present, respond};
use crate::path::PathId;
use crate::problem::{Code, Problem};
use crate::query::NoQuery;
use crate::reference::{problems, schema};
use crate::timestamp::Timestamp;

/// The wallet that pays when none is named.
const SHOPPER: WalletId = WalletId::from_u128(0x0193_0000_0000_7000_8000_7361_6e64_626f);

/// How often a touch is tried again that somebody else's has overtaken.
const TOUCHES: usize = 3;

/// What time it is in the sandbox.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SandboxClock)]
struct ClockView {
    #[schema(value_type = schema::Timestamp)]
    now: Timestamp,
}

/// How far to set the clock forward.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ClockAdvance)]
pub(crate) struct AdvanceRequest {
    /// At most 400 days at once.
    #[schema(value_type = u64, minimum = 1, maximum = 34_560_000, example = 86_400)]
    advance_seconds: Seconds,
}

/// How far a clock can be set forward at once, in seconds.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "u64")]
struct Seconds(u64);

impl TryFrom<u64> for Seconds {
    type Error = &'static str;

    fn try_from(seconds: u64) -> Result<Self, &'static str> {
        const MOST: u64 = 400 * 24 * 60 * 60;
        if (1..=MOST).contains(&seconds) { Ok(Self(seconds)) } else { Err("must be a number from 1 to 34560000") }
    }
}

problems!(ClockProblems: SandboxOnly);

/// Look at the clock
///
/// Only in a sandbox.
#[utoipa::path(
    get, path = "/v1/sandbox/clock", tag = "sandbox", operation_id = "getClock",
    responses((status = 200, description = "What time it is.", body = ClockView), ClockProblems),
    security(("operator_key" = ["read"]), ("merchant_key" = ["read"])),
)]
pub(crate) async fn clock(State(app): State<App>, _: Manager<Read>, _: NoQuery) -> Result<Response, Problem> {
    respond(StatusCode::OK, &ClockView { now: Timestamp(app.sandbox()?.now()) })
}

/// Set the clock forward
///
/// Only in a sandbox. Everything that is due by then has happened when the answer comes: orders and holds have expired,
/// windows are closed, payouts have left, deadlines are over. It never goes back.
#[utoipa::path(
    post, path = "/v1/sandbox/clock", tag = "sandbox", operation_id = "advanceClock",
    request_body = AdvanceRequest,
    responses((status = 200, description = "What time it is now.", body = ClockView), ClockProblems),
    security(("operator_key" = ["write"]), ("merchant_key" = ["write"])),
)]
pub(crate) async fn advance(
    State(app): State<App>,
    posted: Posted<Manager<Write>, AdvanceRequest>,
) -> Result<Response, Problem> {
    let sandbox = app.sandbox()?;
    sandbox.advance(posted.body.advance_seconds.0 * 1_000);
    app.do_what_is_due().await?;
    // Banks answer by the same clock, and what they answer may be the last that something waited for.
    if let Ok(bank) = app.bank() {
        bank.catch_up().await?;
        app.do_what_is_due().await?;
    }
    if let Ok(webhooks) = app.webhooks() {
        webhooks.wake();
    }
    respond(StatusCode::OK, &ClockView { now: Timestamp(sandbox.now()) })
}

/// A wallet to try out with.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewSandboxWallet)]
pub(crate) struct WalletRequest {
    /// What its holder is called.
    #[schema(value_type = schema::Name)]
    name: Name,
    /// The money that it begins with, one sum for each currency.
    #[schema(value_type = Vec<schema::Money>, min_items = 1, max_items = 20)]
    balances: Vec<Money>,
}

/// A wallet to try out with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SandboxWallet)]
struct WalletView<'a> {
    #[schema(value_type = schema::WalletId)]
    id: WalletId,
    /// The wallet's token, shown this once.
    #[schema(example = "wt_…")]
    token: &'a str,
}

problems!(WalletProblems: SandboxOnly, BalanceOverflow);

/// Make a wallet
///
/// Only in a sandbox: a wallet with money that nobody has paid in. Each request makes another one.
#[utoipa::path(
    post, path = "/v1/sandbox/wallets", tag = "sandbox", operation_id = "createSandboxWallet",
    request_body = WalletRequest,
    responses((status = 201, description = "The wallet.", body = WalletView), WalletProblems),
    security(("operator_key" = ["write"]), ("merchant_key" = ["write"])),
)]
pub(crate) async fn create_wallet(
    State(app): State<App>,
    posted: Posted<Manager<Write>, WalletRequest>,
) -> Result<Response, Problem> {
    const MOST: usize = 20;
    app.sandbox()?;
    let WalletRequest { name, balances } = posted.body;
    if balances.is_empty() || balances.len() > MOST {
        return Err(Problem::field("balances", "must have 1 to 20 sums"));
    }
    let id: WalletId = app.new_id();
    for money in balances {
        fund(&app, id, money).await?;
    }
    let token = Token::from_random(Actor::Wallet(id), random_bytes(&app));
    add_wallet(&app, id, name, Some(&token)).await?;
    respond(StatusCode::CREATED, &WalletView { id, token: token.expose() })
}

/// How a shopper pays an order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SandboxPayment)]
pub(crate) struct PayRequest {
    /// What the shopper types, where the order leaves the amount open.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Money>, nullable = false)]
    amount: Option<Money>,
    /// A tip on top, in minor units, where the order takes tips.
    #[serde(default)]
    #[schema(maximum = 9_223_372_036_854_775_807_u64, default = 0)]
    tip: u64,
    /// Which wallet pays. Left out, one pays that always has enough.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::WalletId>, nullable = false)]
    wallet: Option<WalletId>,
}

problems!(PayProblems:
    InvalidId, SandboxOnly, NotFound, InsufficientFunds, OrderAlreadyPaid, OrderCancelled, OrderExpired, AmountRequired,
    AmountMismatch, CurrencyMismatch, CurrencyNotHeld, BalanceOverflow, MerchantNotActive, TipNotAccepted,
    SplitsExceedAmount, PaymentDeclined, TagInactive, TapReplayed);

/// Let a shopper pay
///
/// Only in a sandbox: a shopper touches the order's tag and confirms. Some amounts force an outcome, in minor units of
/// any currency: 400001 is declined, 400002 finds too little money, 400003 is `processing` for a minute and then succeeds,
/// 400004 for a minute and then fails, 400005 for a day and then succeeds.
#[utoipa::path(
    post, path = "/v1/sandbox/orders/{id}/pay", tag = "sandbox", operation_id = "paySandboxOrder",
    params(("id" = inline(schema::OrderId), Path, description = "The order's id.")),
    request_body = PayRequest,
    responses((status = 201, description = "The payment.", body = PaymentView), PayProblems),
    security(("merchant_key" = ["write"]), ("till_key" = ["write"])),
)]
pub(crate) async fn pay(
    State(app): State<App>,
    id: PathId,
    posted: Posted<Merchant<Write>, PayRequest>,
) -> Result<Response, Problem> {
    app.sandbox()?;
    let Posted { actor, body, .. } = posted;
    let id: OrderId = id.parse()?;
    let order = app.read(move |tables| tables.order(id)).await?;
    let own = order.filter(|order| order.merchant == actor.id() && actor.may_use_tag(&app, order.tag));
    let order = own.ok_or_else(Problem::not_found)?;
    let wallet = match body.wallet {
        Some(wallet) if app.directory().wallet(wallet).is_none() => return Err(Problem::not_found().at("wallet")),
        Some(wallet) => wallet,
        None => shopper(&app, &order, &body).await?,
    };
    let payment = touch_and_pay(&app, &order, wallet, &body).await?;
    let place = Place::of(&app, payment.tag)?;
    respond(StatusCode::CREATED, &PaymentView::for_merchant(&payment, &place))
}

/// The wallet that always has enough, with enough for this order.
async fn shopper(app: &App, order: &Order, body: &PayRequest) -> Result<WalletId, Problem> {
    if app.directory().wallet(SHOPPER).is_none() {
        let name = Name::try_from("Sandbox shopper".to_owned()).map_err(Problem::internal)?;
        add_wallet(app, SHOPPER, name, None).await?;
    }
    let asked = order.amount.map(|amount| Money::new(amount, order.currency)).or(body.amount);
    let needed = asked.map(|money| money.amount().minor_units().saturating_add(body.tip));
    if let Some(amount) = needed.and_then(|minor_units| money::Amount::new(minor_units).ok()) {
        fund(app, SHOPPER, Money::new(amount, order.currency)).await?;
    }
    Ok(SHOPPER)
}

async fn touch_and_pay(app: &App, order: &Order, wallet: WalletId, body: &PayRequest) -> Result<Payment, Problem> {
    let tap = touch(app, order, wallet).await?;
    let forced = Some(Forced::ByAmount);
    let pay = Pay { id: app.new_id(), wallet, tap, money: body.amount, tip: body.tip, forced };
    match app.submit(Action::Pay(pay), None).await? {
        Answer::Payment(payment) => Ok(payment),
        other => Err(Problem::internal(format_args!("the core answered {other:?} instead of a payment"))),
    }
}

async fn touch(app: &App, order: &Order, wallet: WalletId) -> Result<TapId, Problem> {
    let (merchant, tag) = (order.merchant, order.tag);
    let mut last = Problem::not_found();
    for _ in 0..TOUCHES {
        let tags = app.read(move |tables| tables.tags(merchant)).await?;
        let known = tags.into_iter().find(|(known, _)| known.id == tag).ok_or_else(Problem::not_found)?;
        let url = app.sandbox()?.touch(&known.0, known.1, app.options().source.random())?;
        let reading = app.tag_keys().verify_url(&url).map_err(Problem::internal)?;
        match app.submit(Action::OpenTap { id: app.new_id(), wallet, reading }, None).await {
            Ok(Answer::Tap(tap, waiting)) if waiting.as_ref().is_some_and(|waiting| waiting.id == order.id) => {
                return Ok(tap.id);
            }
            Ok(_) => return Err(Problem::new(Code::NotFound, "the order does not wait at its tag any more")),
            // Another touch came in between.
            Err(problem) if problem.code() == Code::TapReplayed => last = problem,
            Err(problem) if problem.code() == Code::NothingToPay => {
                return Err(Problem::new(Code::OrderAlreadyClosed, "the order does not wait at its tag any more"));
            }
            Err(problem) => return Err(problem),
        }
    }
    Err(last)
}

/// Makes sure that a wallet has an account in this currency, and puts so much into it.
async fn fund(app: &App, wallet: WalletId, money: Money) -> Result<(), Problem> {
    open_account(app, account_code::FLOAT, Owner::Platform, money.currency()).await?;
    open_account(app, account_code::WALLET, Owner::Wallet(wallet), money.currency()).await?;
    let id: DepositId = app.new_id();
    app.submit(Action::Deposit { id, wallet, money }, None).await.map(drop)
}

async fn open_account(app: &App, code: u16, owner: Owner, currency: Currency) -> Result<(), Problem> {
    let id: AccountId = app.new_id();
    let flags = AccountFlags { debits_must_not_exceed_credits: code != account_code::FLOAT, ..AccountFlags::default() };
    let ledger = u32::from(currency.numeric());
    let opened = app.submit(Action::OpenAccount(Account { id, ledger, code, owner: owner.bits(), flags }), None).await;
    match opened {
        Ok(_) => Ok(()),
        // It is open under another id.
        Err(problem) if problem.code() == Code::AlreadyExists => Ok(()),
        Err(problem) => Err(problem),
    }
}

async fn add_wallet(app: &App, id: WalletId, name: Name, token: Option<&Token>) -> Result<(), Problem> {
    let profile = WalletProfile { id, name, name_zh: None, created_at: app.options().source.now() };
    let entries: Vec<Entry> = std::iter::once(Entry::Wallet(profile))
        .chain(token.map(|token| Entry::token(Actor::Wallet(id), token)))
        .collect();
    app.with_directory(move |directory| Ok(directory.add(entries)?)).await
}

fn random_bytes(app: &App) -> [u8; 32] {
    let source = &app.options().source;
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(&source.random().to_le_bytes());
    bytes[16..].copy_from_slice(&source.random().to_le_bytes());
    bytes
}
