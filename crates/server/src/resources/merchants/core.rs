//! What the money core must know of a merchant that the directory knows: it is told again as often as need be.

use ::payments::{Account, AccountFlags, Action, Owner, account_code};
use ids::{AccountId, MerchantId};
use money::Currency;
use sha2::{Digest, Sha256};

use crate::app::App;
use crate::problem::{Code, Problem};

/// Lets a new merchant apply, and opens its accounts.
pub(crate) async fn open(app: &App, id: MerchantId) -> Result<(), Problem> {
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
