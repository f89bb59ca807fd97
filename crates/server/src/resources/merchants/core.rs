//! What the money core knows of merchants, and what it must be told: again as often as need be, for the directory may
//! know something that it has not heard yet.

use std::collections::{BTreeSet, HashMap};

use ::payments::{Account, AccountFlags, Action, MerchantState, MerchantStatus, Owner, account_code};
use ids::{AccountId, MerchantId, TokenId};
use money::Currency;
use sha2::{Digest, Sha256};
use store::tables::{TablesError, TablesReader};

use crate::app::App;
use crate::problem::{Code, Problem};

/// What the money core says of a merchant.
#[derive(Debug, Clone)]
pub(super) struct Facts {
    pub(super) status: MerchantStatus,
    /// What it has accounts in.
    pub(super) currencies: BTreeSet<Currency>,
}

/// Of a merchant that the money core has not heard of.
impl Default for Facts {
    fn default() -> Self {
        Self { status: MerchantStatus::Applied, currencies: BTreeSet::new() }
    }
}

/// What the money core says of these merchants.
pub(super) async fn facts(app: &App, ids: Vec<MerchantId>) -> Result<HashMap<MerchantId, Facts>, Problem> {
    let look = |tables: &TablesReader, id| Ok((id, facts_of(tables, id)?));
    app.read(move |tables| ids.into_iter().map(|id| look(tables, id)).collect()).await
}

fn facts_of(tables: &TablesReader, id: MerchantId) -> Result<Facts, TablesError> {
    let accounts = tables.accounts(Owner::Merchant(id))?;
    let pending = accounts.iter().filter(|(account, _)| account.code == account_code::MERCHANT_PENDING);
    let currency = |ledger| u16::try_from(ledger).ok().and_then(|numeric| Currency::from_numeric(numeric).ok());
    let currencies: BTreeSet<Currency> = pending.filter_map(|(account, _)| currency(account.ledger)).collect();
    let status = match tables.merchant(id)? {
        Some(known) => known.status,
        // It is paid since before merchants had a status.
        None if !currencies.is_empty() => MerchantState::unwritten(id).status,
        None => MerchantStatus::Applied,
    };
    Ok(Facts { status, currencies })
}

/// Lets a new merchant apply, and opens its accounts. One that has applied before keeps its status.
pub(crate) async fn open(app: &App, id: MerchantId) -> Result<(), Problem> {
    if facts(app, vec![id]).await?.remove(&id).unwrap_or_default().currencies.is_empty() {
        let apply = Action::SetMerchantStatus { merchant: id, status: MerchantStatus::Applied };
        match app.submit(apply, None).await {
            // It has become something else since.
            Err(problem) if problem.code() == Code::StatusNotAllowed => {}
            done => drop(done?),
        }
    }
    open_accounts(app, id).await
}

/// Opens an account for each currency that the merchant is to be paid in, where there is none.
pub(super) async fn open_accounts(app: &App, id: MerchantId) -> Result<(), Problem> {
    let merchant = app.directory().merchant(id).ok_or_else(Problem::not_found)?;
    for currency in &merchant.currencies {
        match app.submit(Action::OpenAccount(account(id, *currency)), None).await {
            // It has one already, of another id.
            Err(problem) if problem.code() == Code::AlreadyExists => {}
            done => drop(done?),
        }
    }
    Ok(())
}

/// The account that holds what the merchant was paid in this currency and is not settled yet.
fn account(merchant: MerchantId, currency: Currency) -> Account {
    let owner = Owner::Merchant(merchant);
    let hash = Sha256::new_with_prefix(b"account of a merchant\0")
        .chain_update(merchant.to_bytes())
        .chain_update(currency.alpha())
        .finalize();
    let random = hash.first_chunk().copied().unwrap_or_default();
    Account {
        id: AccountId::from_parts(merchant.unix_ms(), u128::from_be_bytes(random)),
        ledger: u32::from(currency.numeric()),
        code: account_code::MERCHANT_PENDING,
        owner: owner.bits(),
        flags: AccountFlags { debits_must_not_exceed_credits: true, ..AccountFlags::default() },
    }
}

/// Adds a line to the audit log about what the money core has done.
pub(super) async fn note(
    app: &App,
    key: TokenId,
    action: &'static str,
    id: MerchantId,
    after: serde_json::Value,
    request: Option<::payments::Request>,
) -> Result<(), Problem> {
    let author = app.author(key);
    let origin = request.map(|request| request.key.0);
    let note = move |directory: &directory::Directory| {
        directory.change(author, |change| change.note(action, &id.to_string(), Some(id), &after, origin))?;
        Ok(())
    };
    app.with_directory(note).await
}
