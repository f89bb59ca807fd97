//! Making accounts and tags known, and money entering from outside.

use ids::{DepositId, WalletId};
use ledger::{CreateAccountStatus, CreateTransferStatus};
use money::{Currency, Money};

use super::Verdict;
use crate::account::{Account, Owner, account_code};
use crate::command::Answer;
use crate::event::{Event, Leg, Moved, Outcome, transfer_code};
use crate::model::{Deposit, RegisteredTag, UnixMillis};
use crate::rejection::Rejection;
use crate::state::State;

pub(super) fn open_account(state: &State, account: Account, now: UnixMillis) -> Verdict {
    match state.check_account(account, now) {
        Ok(_) if state.has_account_like(&account) => Verdict::no(Rejection::Exists),
        Ok(_) => Verdict::yes(Event::AccountOpened(account), Answer::Done),
        Err(CreateAccountStatus::Exists) => Verdict::unchanged(Outcome::Done, Answer::Done),
        // Another account has this id, or it is one that nobody can have.
        Err(_) => Verdict::no(Rejection::Exists),
    }
}

pub(super) fn register_tag(state: &State, tag: RegisteredTag) -> Verdict {
    let same_id = state.tag(tag.id).map(|known| known.tag);
    let same_uid = state.tags.get(&tag.uid).map(|known| known.tag);
    match (same_id, same_uid) {
        (None, None) => Verdict::yes(Event::TagRegistered(tag), Answer::Done),
        (Some(known), Some(_)) if known == tag => Verdict::unchanged(Outcome::Done, Answer::Done),
        _ => Verdict::no(Rejection::Exists),
    }
}

pub(super) fn deposit(state: &State, id: DepositId, wallet: WalletId, money: Money, now: UnixMillis) -> Verdict {
    let (currency, amount) = (money.currency(), money.amount());
    if let Some(known) = state.deposits.get(&id) {
        let same = (known.wallet, known.currency, known.amount) == (wallet, currency, amount);
        return if same {
            Verdict::unchanged(Outcome::DepositSucceeded(id), Answer::Deposit(*known))
        } else {
            Verdict::no(Rejection::Exists)
        };
    }
    let float = state.account_of(account_code::FLOAT, Owner::Platform, currency);
    let (Some(debit_account), Some(credit_account)) = (float, state.wallet_account(wallet, currency)) else {
        return Verdict::no(Rejection::CurrencyNotHeld { currency });
    };
    let deposit = Deposit { id, wallet, currency, amount, created_at: now };
    let legs = vec![Leg {
        code: transfer_code::DEPOSIT,
        debit: debit_account,
        credit: credit_account,
        amount: amount.minor_units(),
    }];
    let moved = Moved { what: deposit, legs };
    let allowed = moved.transfers().try_for_each(|transfer| state.check_transfer(&transfer, now).map(drop));
    match allowed {
        Ok(()) => Verdict::yes(Event::DepositSucceeded(moved), Answer::Deposit(deposit)),
        Err(status) => Verdict::no(refusal(status, currency)),
    }
}

/// What it means to whoever brings money that the ledger refuses it.
fn refusal(status: CreateTransferStatus, currency: Currency) -> Rejection {
    use CreateTransferStatus::*;
    match status {
        DebitAccountAlreadyClosed | CreditAccountAlreadyClosed => Rejection::CurrencyNotHeld { currency },
        // These two numbers are nobody's to take.
        IdMustNotBeZero | IdMustNotBeIntMax => Rejection::Exists,
        // An overflow, or a float with a limit. Nothing else can be, for the reasons that a payment has.
        _ => Rejection::BalanceOverflow,
    }
}
