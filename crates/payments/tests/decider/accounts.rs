//! Accounts and deposits: asking again changes nothing, asking for something else is refused.

use ids::{AccountId, DepositId};
use ledger::Balance;
use payments::{Account, AccountFlags, Action, Answer, Owner, Rejection, account_code};

use crate::support::shop::{Shop, yen};
use crate::support::{account, cny, currency, fen, wallet};

#[test]
fn an_account_is_opened_once() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(77));
    let known = account(1, account_code::WALLET, Owner::Wallet(wallet(0)), cny());
    assert_eq!(shop.ask(Action::OpenAccount(known)), Ok(Answer::Done));
    assert!(shop.happened.is_empty());
    assert_eq!(shop.has(0), 77, "opening again empties nothing");
    let elsewhere = Account { ledger: 392, ..known };
    assert_eq!(shop.ask(Action::OpenAccount(elsewhere)), Err(Rejection::Exists), "the id is taken");
    let second = Account { id: AccountId::from_u128(99), ..known };
    assert_eq!(shop.ask(Action::OpenAccount(second)), Err(Rejection::Exists), "one purse for each currency");
}

/// The ledger's own rules of accounts hold for ours too.
#[test]
fn an_account_that_no_ledger_has_is_refused() {
    let mut shop = Shop::new();
    let good = account(70, account_code::WALLET, Owner::Wallet(wallet(0)), currency("JPY"));
    let both = AccountFlags { debits_must_not_exceed_credits: true, credits_must_not_exceed_debits: true };
    let bad = [
        Account { id: AccountId::from_u128(0), ..good },
        Account { id: AccountId::from_u128(u128::MAX), ..good },
        Account { ledger: 0, ..good },
        Account { code: 0, ..good },
        Account { flags: both, ..good },
    ];
    for account in bad {
        assert_eq!(shop.ask(Action::OpenAccount(account)), Err(Rejection::Exists), "{account:?}");
        assert_eq!(shop.state.account(account.id), None);
    }
    assert_eq!(shop.ask(Action::OpenAccount(good)), Ok(Answer::Done));
    assert_eq!(shop.state.account(good.id), Some((good, Balance::default())));
}

#[test]
fn a_deposit_with_the_same_id_enters_once() {
    let mut shop = Shop::new();
    let id = DepositId::from_u128(5);
    let deposit = |id, who, money| Action::Deposit { id, wallet: wallet(who), money };
    let first = shop.ask(deposit(id, 0, fen(100)));
    shop.wait(1_000);
    assert_eq!(shop.ask(deposit(id, 0, fen(100))), first);
    assert_eq!(shop.ask(deposit(id, 0, fen(101))), Err(Rejection::Exists));
    assert_eq!(shop.ask(deposit(id, 1, fen(100))), Err(Rejection::Exists));
    assert_eq!((shop.has(0), shop.has(1)), (100, 0));
}

#[test]
fn a_deposit_needs_a_wallet_and_a_float_in_its_currency() {
    let mut shop = Shop::new();
    let expected = Err(Rejection::CurrencyNotHeld { currency: cny() });
    assert_eq!(shop.ask(Action::Deposit { id: DepositId::from_u128(5), wallet: wallet(9), money: fen(1) }), expected);
    let jpy = currency("JPY");
    let purse = account(70, account_code::WALLET, Owner::Wallet(wallet(0)), jpy);
    shop.ask(Action::OpenAccount(purse)).unwrap();
    let expected = Err(Rejection::CurrencyNotHeld { currency: jpy });
    assert_eq!(shop.ask(Action::Deposit { id: DepositId::from_u128(6), wallet: wallet(0), money: yen(1) }), expected);
}

/// A float that may not be owed, so that deposits have a limit.
#[test]
fn a_deposit_beyond_a_limit_or_under_nobodys_id_is_refused() {
    let mut shop = Shop::new();
    let jpy = currency("JPY");
    let flags = AccountFlags { debits_must_not_exceed_credits: true, ..AccountFlags::default() };
    let float = Account { flags, ..account(70, account_code::FLOAT, Owner::Platform, jpy) };
    shop.ask(Action::OpenAccount(float)).unwrap();
    shop.ask(Action::OpenAccount(account(71, account_code::WALLET, Owner::Wallet(wallet(0)), jpy))).unwrap();
    let deposit = |id, money| Action::Deposit { id: DepositId::from_u128(id), wallet: wallet(0), money };
    assert_eq!(shop.ask(deposit(6, yen(1))), Err(Rejection::BalanceOverflow));
    for nobodys in [0, u128::MAX] {
        assert_eq!(shop.ask(deposit(nobodys, fen(1))), Err(Rejection::Exists));
    }
    assert_eq!(shop.has(0), 0);
}
