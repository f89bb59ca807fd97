//! Repeatable requests (invariant 3): the same key and body get the same answer for ever, whatever has happened since.

use ids::{DepositId, OrderId};
use payments::{Action, Answer, Event, IfPaid, NewOrderAmount, Owner, Rejection, account_code};

use crate::support::shop::{Shop, request};
use crate::support::{account, cny, currency, fen, merchant, registered, uid, wallet};

fn cancel(order: OrderId) -> Action {
    Action::CancelOrder { merchant: merchant(0), order, if_paid: IfPaid::Refuse }
}

#[test]
fn invariant_03_each_kind_of_request_repeats_its_first_answer() {
    let mut shop = Shop::new();
    let deposit = || Action::Deposit { id: DepositId::from_u128(1), wallet: wallet(0), money: fen(500) };
    let deposited = shop.command(Some(request(1, 0)), deposit());
    let action = shop.new_order(0, NewOrderAmount::Fixed(fen(100)));
    let ordered = shop.command(Some(request(2, 0)), action);
    let url = shop.url(0);
    let action = shop.tap_action(wallet(0), &url);
    let tapped = shop.command(Some(request(3, 0)), action);
    let Ok(Answer::Tap(tap, Some(order))) = tapped.clone() else { panic!("{tapped:?}") };
    let action = shop.pay_action(0, tap.id, None);
    let paid = shop.command(Some(request(4, 0)), action);
    let refused = shop.command(Some(request(5, 0)), cancel(order.id));
    assert!([&deposited, &ordered, &tapped, &paid].iter().all(|answer| answer.is_ok()));
    assert_eq!(refused, Err(Rejection::OrderAlreadyPaid));

    shop.wait(86_400_000);
    let before = (shop.state.position(), shop.has(0), shop.got(0));
    let action = shop.new_order(0, NewOrderAmount::Fixed(fen(100)));
    assert_eq!(shop.command(Some(request(2, 0)), action), ordered, "as it was created, though it is paid");
    let action = shop.tap_action(wallet(0), &url);
    assert_eq!(shop.command(Some(request(3, 0)), action), tapped);
    let action = shop.pay_action(0, tap.id, None);
    assert_eq!(shop.command(Some(request(4, 0)), action), paid);
    assert_eq!(shop.command(Some(request(1, 0)), deposit()), deposited);
    assert_eq!(shop.command(Some(request(5, 0)), cancel(order.id)), refused);
    assert_eq!((shop.state.position(), shop.has(0), shop.got(0)), before, "nothing happened twice");
}

#[test]
fn bug_15_a_failed_request_fails_again() {
    let mut shop = Shop::new();
    let tap = shop.tap(0, 1);
    let poor = Err(Rejection::InsufficientFunds { available: 0 });
    let action = shop.pay_action(0, tap.id, Some(fen(10)));
    assert_eq!(shop.command(Some(request(1, 1)), action), poor);
    shop.deposit(0, fen(100));
    let action = shop.pay_action(0, tap.id, Some(fen(10)));
    assert_eq!(shop.command(Some(request(1, 1)), action), poor, "the same request, the same answer");
    let action = shop.pay_action(0, tap.id, Some(fen(10)));
    assert!(shop.command(Some(request(2, 1)), action).is_ok(), "a new request may try again");
}

#[test]
fn bug_15_failures_that_are_told_to_nobody_are_remembered_too() {
    let mut shop = Shop::new();
    let unknown = OrderId::from_u128(77);
    assert_eq!(shop.command(Some(request(1, 1)), cancel(unknown)), Err(Rejection::NotFound));
    assert_eq!(shop.happened, [Event::RequestRefused(Rejection::NotFound)]);
    assert_eq!(shop.command(Some(request(1, 1)), cancel(unknown)), Err(Rejection::NotFound));
    assert!(shop.happened.is_empty());
    // Throttled reports are remembered as well.
    for key in 2..5 {
        let action = || Action::ReportForgedTap { claimed: uid(0) };
        for _ in 0..2 {
            assert_eq!(shop.command(Some(request(key, 0)), action()), Err(Rejection::TapForged));
        }
        assert!(shop.happened.is_empty());
    }
}

#[test]
fn a_phone_that_waits_for_the_shop_uses_up_nothing() {
    let mut shop = Shop::new();
    let url = shop.url(0);
    for _ in 0..3 {
        let action = shop.tap_action(wallet(0), &url);
        assert_eq!(shop.command(Some(request(1, 1)), action), Err(Rejection::NothingToPay));
        assert!(shop.happened.is_empty(), "asking again and again must not fill the journal");
    }
    shop.order(0, fen(100));
    let action = shop.tap_action(wallet(0), &url);
    assert!(shop.command(Some(request(1, 1)), action).is_ok(), "the same request, once there is something to pay");
}

#[test]
fn bug_16_same_key_other_body_conflicts_also_in_one_batch() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(100));
    // Nothing is stored between these two: a batch is decided like this.
    let tap = shop.tap(0, 1);
    let action = shop.pay_action(0, tap.id, Some(fen(10)));
    assert!(shop.command(Some(request(1, 1)), action).is_ok());
    let action = shop.pay_action(0, tap.id, Some(fen(20)));
    assert_eq!(shop.command(Some(request(1, 2)), action), Err(Rejection::IdempotencyConflict));
    assert!(shop.happened.is_empty());
    let action = shop.pay_action(0, tap.id, Some(fen(10)));
    assert!(shop.command(Some(request(1, 1)), action).is_ok(), "the first is not spoilt");
    assert_eq!(shop.has(0), 90);
}

#[test]
fn bug_16_a_request_that_changed_nothing_is_remembered_too() {
    let mut shop = Shop::new();
    let order = shop.order(0, fen(100));
    let cancelled = shop.cancel(order.id);
    let again = || cancel(order.id);
    assert_eq!(shop.command(Some(request(1, 1)), again()), cancelled);
    let money = || Action::Deposit { id: DepositId::from_u128(1), wallet: wallet(0), money: fen(5) };
    let deposited = shop.ask(money());
    assert_eq!(shop.command(Some(request(2, 1)), money()), deposited);
    let purse = || Action::OpenAccount(account(1, account_code::WALLET, Owner::Wallet(wallet(0)), cny()));
    assert_eq!(shop.command(Some(request(3, 1)), purse()), Ok(Answer::Done));
    for key in 1..=3 {
        let other = || Action::Deposit { id: DepositId::from_u128(2), wallet: wallet(0), money: fen(5) };
        assert_eq!(shop.command(Some(request(key, 2)), other()), Err(Rejection::IdempotencyConflict), "key {key}");
    }
    assert_eq!(shop.command(Some(request(1, 1)), again()), cancelled);
    assert_eq!(shop.command(Some(request(2, 1)), money()), deposited);
    assert_eq!(shop.has(0), 5);
}

#[test]
fn bug_15_registering_is_remembered_though_a_retry_carries_new_ids() {
    let mut shop = Shop::new();
    let tag = |id| payments::RegisteredTag {
        id: ids::TagId::from_u128(id),
        uid: uid(20),
        ..registered(0, merchant(0), payments::TagMode::Till, cny())
    };
    for id in [900, 901] {
        assert_eq!(shop.command(Some(request(1, 1)), Action::RegisterTag(tag(id))), Ok(Answer::Done));
    }
    let purse = |id| Action::OpenAccount(account(id, account_code::WALLET, Owner::Wallet(wallet(0)), currency("JPY")));
    for id in [902, 903] {
        assert_eq!(shop.command(Some(request(2, 1)), purse(id)), Ok(Answer::Done));
    }
}

#[test]
fn an_order_that_took_anothers_place_is_what_the_request_made() {
    let mut shop = Shop::new();
    shop.order(0, fen(100));
    shop.wait(900_000);
    let action = shop.new_order(0, NewOrderAmount::Fixed(fen(200)));
    let created = shop.command(Some(request(1, 1)), action);
    assert_eq!(shop.happened.len(), 2);
    let action = shop.new_order(0, NewOrderAmount::Fixed(fen(200)));
    assert_eq!(shop.command(Some(request(1, 1)), action), created);
}
