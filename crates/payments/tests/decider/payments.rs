//! Payments: one tap pays at most once, an order is paid at most once, no wallet goes below zero.

use ids::TapId;
use payments::{Action, Answer, Command, Event, NewOrderAmount, OrderStatus, Recalled, Rejection, State};
use payments::{TAP_LIFETIME_MS, UnixMillis};

use crate::support::shop::{Shop, yen};
use crate::support::{amount, cny, fen, merchant, tag_id, wallet};

const MOST: u64 = i64::MAX.unsigned_abs();

#[test]
fn invariant_01_a_payment_moves_the_amount_once_and_names_everything() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let order = shop.order(0, fen(1_250 - 250));
    let tap = shop.tap(0, 0);
    let payment = shop.pay(0, tap.id, Some(fen(1_000))).unwrap();
    assert_eq!((payment.wallet, payment.merchant, payment.tag), (wallet(0), merchant(0), tag_id(0)));
    assert_eq!((payment.tap, payment.order, payment.amount), (tap.id, Some(order.id), amount(1_000)));
    assert_eq!((shop.has(0), shop.got(0)), (0, 1_000));
    let [Event::WindowOpened(_), Event::PaymentMade(moved)] = &shop.happened[..] else { panic!("{:?}", shop.happened) };
    let transfers: Vec<_> = moved.transfers().collect();
    let [transfer] = &transfers[..] else { panic!("{transfers:?}") };
    assert_eq!((transfer.amount, transfer.ledger, transfer.id), (1_000, 156, payment.id.as_u128()));
    assert_eq!((transfer.user_data_128, transfer.code), (order.id.as_u128(), 2));
    for totals in shop.state.ledger().totals().values() {
        assert!(totals.balanced(), "{totals:?}");
    }
}

#[test]
fn invariant_04_a_wallet_never_goes_below_zero_and_is_told_what_it_has() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(999));
    let tap = shop.tap(0, 1);
    assert_eq!(shop.pay(0, tap.id, Some(fen(1_000))), Err(Rejection::InsufficientFunds { available: 999 }));
    assert_eq!(shop.pay(0, tap.id, Some(fen(MOST))), Err(Rejection::InsufficientFunds { available: 999 }));
    shop.pay(0, tap.id, Some(fen(999))).unwrap();
    let again = shop.tap(0, 1);
    assert_eq!(shop.pay(0, again.id, Some(fen(1))), Err(Rejection::InsufficientFunds { available: 0 }));
}

#[test]
fn invariant_05_an_order_is_paid_at_most_once() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    shop.deposit(1, fen(1_000));
    let order = shop.order(0, fen(100));
    let (mine, theirs, later) = (shop.tap(0, 0), shop.tap(1, 0), shop.tap(0, 0));
    let payment = shop.pay(0, mine.id, None).unwrap();
    assert_eq!(shop.pay(1, theirs.id, None), Err(Rejection::OrderAlreadyPaid));
    assert_eq!(shop.pay(0, later.id, None), Err(Rejection::OrderAlreadyPaid));
    assert_eq!((shop.has(0), shop.has(1), shop.got(0)), (900, 1_000, 100));
    let paid = OrderStatus::Paid { payment: payment.id, amount: amount(100), at: shop.now };
    assert_eq!(shop.state.order(order.id).unwrap().status, paid);
}

#[test]
fn bug_10_one_tap_two_charges() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let tap = shop.tap(0, 1);
    shop.pay(0, tap.id, Some(fen(100))).unwrap();
    for other in [100, 200] {
        assert_eq!(shop.pay(0, tap.id, Some(fen(other))), Err(Rejection::TapAlreadyUsed));
        assert!(shop.happened.is_empty(), "a second click is nobody else's business");
    }
    assert_eq!((shop.has(0), shop.got(0)), (900, 100));
}

/// A restart may come back without a tap that can still pay (its id is from a clock that ran behind). Recalled from the
/// tables it pays; then it must not be forgotten, and recalled unpaid, before the tables know.
#[test]
fn bug_20_a_restart_with_stale_state_pays_twice() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let tap = shop.tap(0, 1);
    let mut restarted = State::restored_at(shop.state.position(), shop.state.now());
    shop.state.accounts().for_each(|(account, balance)| restarted.restore_account(account, balance));
    shop.state.tags().for_each(|tag| restarted.restore_tag(tag.tag, tag.last_counter));
    shop.state = restarted;
    let stored = shop.state.position();
    let pay = shop.pay_action(0, tap.id, Some(fen(10)));
    let command = Command { now: shop.now, request: None, action: pay };
    assert_eq!(shop.state.next_need(&command, &[]), Some(payments::Need::Tap(tap.id)));
    shop.state.recall(Recalled::Tap(tap, None));
    shop.ask(command.action).unwrap();
    shop.state.forget(stored);
    assert_eq!(shop.pay(0, tap.id, Some(fen(10))), Err(Rejection::TapAlreadyUsed));
    assert_eq!((shop.has(0), shop.got(0)), (990, 10));
}

/// The clock leaps by a day while the tables are behind: the tap's time is over, its payment is not stored.
#[test]
fn bug_20_a_paid_tap_is_remembered_until_its_payment_is_stored() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let tap = shop.tap(0, 1);
    let stored = shop.state.position();
    shop.pay(0, tap.id, Some(fen(10))).unwrap();
    shop.wait(86_400_000);
    shop.deposit(1, fen(1));
    shop.state.forget(stored);
    assert_eq!(shop.pay(0, tap.id, Some(fen(10))), Err(Rejection::TapAlreadyUsed));
}

#[test]
fn new_things_do_not_bury_what_has_their_id() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let order = shop.order(0, fen(100));
    let tap = shop.tap(0, 0);
    let payment = shop.pay(0, tap.id, None).unwrap();
    let Action::CreateOrder(again) = shop.new_order(0, NewOrderAmount::Fixed(fen(5))) else { unreachable!() };
    let again = payments::NewOrder { id: order.id, ..again };
    assert_eq!(shop.ask(Action::CreateOrder(again)), Err(Rejection::Exists));
    let url = shop.url(1);
    let Action::OpenTap { reading, wallet, .. } = shop.tap_action(wallet(0), &url) else { unreachable!() };
    assert_eq!(shop.ask(Action::OpenTap { id: tap.id, wallet, reading }), Err(Rejection::Exists));
    let other = shop.tap(0, 1);
    let Action::Pay(again) = shop.pay_action(0, other.id, Some(fen(5))) else { unreachable!() };
    assert_eq!(shop.ask(Action::Pay(payments::Pay { id: payment.id, ..again })), Err(Rejection::Exists));
    assert_eq!((shop.has(0), shop.got(0)), (900, 100));
}

#[test]
fn bug_11_declined_taps_move_no_money_and_can_still_pay() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(50));
    shop.order(0, fen(100));
    let tap = shop.tap(0, 0);
    for _ in 0..20 {
        assert_eq!(shop.pay(0, tap.id, None), Err(Rejection::InsufficientFunds { available: 50 }));
    }
    assert_eq!((shop.has(0), shop.got(0)), (50, 0));
    shop.deposit(0, fen(50));
    shop.pay(0, tap.id, None).unwrap();
    assert_eq!((shop.has(0), shop.got(0)), (0, 100));
}

#[test]
fn bug_28_the_merchant_hears_of_declines_but_not_for_ever() {
    let mut shop = Shop::new();
    let order = shop.order(0, fen(100));
    let tap = shop.tap(0, 0);
    let mut heard = 0;
    for _ in 0..50 {
        shop.pay(0, tap.id, None).unwrap_err();
        if let [Event::PaymentDeclined(declined)] = &shop.happened[..] {
            assert_eq!((declined.order, declined.merchant), (Some(order.id), merchant(0)));
            assert_eq!(declined.reason, Rejection::InsufficientFunds { available: 0 });
            heard += 1;
        }
    }
    assert_eq!(heard, 10);
}

#[test]
fn bug_28_the_merchant_hears_of_a_tap_that_came_too_late() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let tap = shop.tap(0, 1);
    shop.wait(TAP_LIFETIME_MS + 60_000);
    shop.deposit(1, fen(1));
    shop.state.forget(u64::MAX);
    assert_eq!(shop.pay(0, tap.id, Some(fen(1))), Err(Rejection::TapExpired));
    assert!(matches!(&shop.happened[..], [Event::PaymentDeclined(_)]), "{:?}", shop.happened);
}

#[test]
fn someone_elses_tap_does_not_exist() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    shop.deposit(1, fen(1_000));
    let tap = shop.tap(0, 1);
    assert_eq!(shop.pay(1, tap.id, Some(fen(1))), Err(Rejection::NotFound));
    assert!(shop.happened.is_empty(), "the merchant hears nothing of strangers");
    // An id that was never made gives the same answers, then and later.
    let never = TapId::from_parts(tap.id.unix_ms(), 77);
    assert_eq!(shop.pay(1, never, Some(fen(1))), Err(Rejection::NotFound));
    shop.wait(TAP_LIFETIME_MS + 1);
    assert_eq!(shop.pay(1, tap.id, Some(fen(1))), Err(Rejection::TapExpired));
    assert_eq!(shop.pay(1, never, Some(fen(1))), Err(Rejection::TapExpired));
}

#[test]
fn a_tap_expires_at_the_exact_millisecond() {
    for (age, expected) in [(TAP_LIFETIME_MS - 1, None), (TAP_LIFETIME_MS, Some(Rejection::TapExpired))] {
        let mut shop = Shop::new();
        shop.deposit(0, fen(1_000));
        let tap = shop.tap(0, 1);
        shop.wait(age);
        assert_eq!(shop.pay(0, tap.id, Some(fen(1))).err(), expected, "{age} ms old");
    }
}

#[test]
fn an_order_expires_for_payers_at_the_exact_millisecond() {
    for (early, expected) in [(1, None), (0, Some(Rejection::OrderExpired))] {
        let mut shop = Shop::new();
        shop.deposit(0, fen(1_000));
        let order = shop.order(0, fen(100));
        shop.now = UnixMillis(order.expires_at.0 - 10);
        let tap = shop.tap(0, 0);
        shop.now = UnixMillis(order.expires_at.0 - early);
        assert_eq!(shop.pay(0, tap.id, None).err(), expected, "{early} ms before the end");
    }
}

#[test]
fn an_expired_order_stays_expired_whether_swept_or_not() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let order = shop.order(0, fen(100));
    shop.now = UnixMillis(order.expires_at.0 - 1);
    let tap = shop.tap(0, 0);
    shop.now = order.expires_at;
    assert_eq!(shop.pay(0, tap.id, None), Err(Rejection::OrderExpired));
    shop.ask(payments::Action::Tick).unwrap();
    assert_eq!(shop.pay(0, tap.id, None), Err(Rejection::OrderExpired));
}

#[test]
fn the_payer_pays_what_was_shown_or_nothing() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    shop.order(0, fen(100));
    let tap = shop.tap(0, 0);
    let expected = Rejection::AmountMismatch { expected: amount(100) };
    assert_eq!(shop.pay(0, tap.id, Some(fen(101))), Err(expected));
    assert_eq!(shop.pay(0, tap.id, Some(fen(99))), Err(expected));
    assert_eq!(shop.pay(0, tap.id, Some(yen(100))), Err(Rejection::CurrencyMismatch { expected: cny() }));
    assert!(shop.happened.is_empty(), "slips of the payer are not told");
    assert_eq!(shop.pay(0, tap.id, Some(fen(100))).unwrap().amount, amount(100));
}

#[test]
fn an_open_order_is_paid_as_the_payer_types() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let action = shop.new_order(0, NewOrderAmount::Open(cny()));
    let Ok(Answer::Order(order)) = shop.ask(action) else { panic!("an open order") };
    assert_eq!(order.amount, None);
    let tap = shop.tap(0, 0);
    assert_eq!(shop.pay(0, tap.id, None), Err(Rejection::AmountRequired));
    let payment = shop.pay(0, tap.id, Some(fen(321))).unwrap();
    let paid = OrderStatus::Paid { payment: payment.id, amount: amount(321), at: shop.now };
    assert_eq!(shop.state.order(order.id).unwrap().status, paid);
}

#[test]
fn a_standing_tag_needs_an_amount_and_pays_no_order() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let tap = shop.tap(0, 1);
    // An order that comes later is not the one that the payer saw.
    let order = shop.order(1, fen(500));
    assert_eq!(shop.pay(0, tap.id, None), Err(Rejection::AmountRequired));
    assert_eq!(shop.pay(0, tap.id, Some(fen(7))).unwrap().order, None);
    assert_eq!(shop.state.order(order.id).unwrap().status, OrderStatus::Open);
}

#[test]
fn currencies_that_a_side_does_not_have_are_refused() {
    use crate::support::{account, currency, registered};
    let mut shop = Shop::new();
    let jpy = currency("JPY");
    let tag = registered(4, merchant(1), payments::TagMode::Standing, jpy);
    shop.ask(payments::Action::RegisterTag(tag)).unwrap();
    let tap = shop.tap(0, 4);
    assert_eq!(shop.pay(0, tap.id, Some(yen(5))), Err(Rejection::CurrencyNotHeld { currency: jpy }));
    let owner = payments::Owner::Wallet(wallet(0));
    shop.ask(payments::Action::OpenAccount(account(50, payments::account_code::WALLET, owner, jpy))).unwrap();
    assert_eq!(shop.pay(0, tap.id, Some(yen(5))), Err(Rejection::CurrencyNotAccepted { currency: jpy }));
    let owner = payments::Owner::Merchant(merchant(1));
    shop.ask(payments::Action::OpenAccount(account(51, payments::account_code::MERCHANT_PENDING, owner, jpy))).unwrap();
    assert_eq!(shop.pay(0, tap.id, Some(yen(5))), Err(Rejection::InsufficientFunds { available: 0 }));
}

#[test]
fn sums_beyond_64_bits_are_refused_not_wrapped() {
    let mut shop = Shop::new();
    // Two of the largest amounts fit a wallet's lifetime sums, a third does not.
    for _ in 0..2 {
        shop.deposit(0, fen(MOST));
        let tap = shop.tap(0, 1);
        shop.pay(0, tap.id, Some(fen(MOST))).unwrap();
    }
    let action = payments::Action::Deposit { id: ids::DepositId::from_u128(9), wallet: wallet(0), money: fen(MOST) };
    assert_eq!(shop.ask(action), Err(Rejection::BalanceOverflow));
    let tap = shop.tap(0, 1);
    assert_eq!(shop.pay(0, tap.id, Some(fen(MOST))), Err(Rejection::BalanceOverflow));
    assert_eq!((shop.has(0), shop.got(0)), (0, 2 * MOST));
}
