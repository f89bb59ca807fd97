//! Refunds: never more than came, from what is there, else as a debt that the terms allow.

use ids::MerchantId;
use money::BasisPoints;
use payments::{
    Action, Answer, Command, MerchantStatus, OrderDetails, Owner, Recalled, Refund, Rejection, Split, SplitPart, State,
    account_code, decide,
};

use crate::support::shop::{Shop, daily, request};
use crate::support::{fen, merchant};

const DAY: u64 = 86_400_000;

fn debt(shop: &Shop, who: MerchantId) -> u64 {
    shop.holds(account_code::MERCHANT_DEBT, Owner::Merchant(who))
}

/// One writer decides them one after another, however parallel they came.
#[test]
fn bug_01_a_hundred_refunds_of_three_times_the_capture_return_the_capture() {
    let part = SplitPart::Rate(BasisPoints::new(1_234).unwrap());
    let splits = vec![Split { merchant: merchant(1), part }];
    for splits in [Vec::new(), splits] {
        for (each, most) in [(300, 33), (299, 33), (1, 100)] {
            let mut shop = Shop::new();
            shop.deposit(0, fen(10_000));
            let details = OrderDetails { splits: splits.clone(), ..OrderDetails::default() };
            let payment = shop.sell(fen(10_000), details).unwrap();
            let accepted = (0..100).filter(|_| shop.refund(payment.id, Some(each)).is_ok()).count() as u64;
            assert_eq!((accepted, shop.has(0)), (most, most * each), "{each} at a time");
            let left = 10_000 - most * each;
            assert_eq!(
                shop.refund(payment.id, Some(left + 1)),
                Err(Rejection::RefundExceedsPayment { refundable: left })
            );
            shop.refund(payment.id, Some(left)).unwrap();
            assert_eq!((shop.has(0), shop.got(0), shop.got(1)), (10_000, 0, 0), "each gave back what it got");
            assert_eq!(shop.refund(payment.id, None), Err(Rejection::RefundExceedsPayment { refundable: 0 }));
        }
    }
}

#[test]
fn bug_01_a_refund_counts_what_was_captured_not_what_is_held() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let payment = shop.hold(fen(1_000), DAY);
    assert_eq!(shop.refund(payment.id, Some(1)), Err(Rejection::RefundExceedsPayment { refundable: 0 }));
    shop.capture(payment.id, Some(300), false).unwrap();
    assert_eq!(shop.refund(payment.id, Some(301)), Err(Rejection::RefundExceedsPayment { refundable: 300 }));
    shop.refund(payment.id, None).unwrap();
    shop.capture(payment.id, Some(200), false).unwrap();
    assert_eq!(shop.refund(payment.id, Some(201)), Err(Rejection::RefundExceedsPayment { refundable: 200 }));
    assert_eq!((shop.has(0), shop.got(0)), (300, 200));
}

/// From the open window, then from the balance, then as a debt up to the limit; fees that are due stay untouched.
#[test]
fn a_refund_takes_from_the_window_then_the_balance_then_a_debt() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(3_000));
    shop.charge(0, 1_000);
    shop.settle(0, terms_with_debt_up_to(150));
    let first = shop.sell(fen(1_000), OrderDetails::default()).unwrap();
    shop.wait(DAY);
    shop.ask(Action::SetMerchantStatus { merchant: merchant(0), status: MerchantStatus::Suspended }).unwrap();
    shop.ticks();
    shop.ask(Action::SetMerchantStatus { merchant: merchant(0), status: MerchantStatus::Active }).unwrap();
    let balance = |shop: &Shop| shop.holds(account_code::MERCHANT_BALANCE, Owner::Merchant(merchant(0)));
    assert_eq!((shop.got(0), balance(&shop)), (0, 900), "settled, and not paid out while suspended");
    let second = shop.sell(fen(100), OrderDetails::default()).unwrap();
    shop.refund(first.id, Some(50)).unwrap();
    assert_eq!((shop.got(0), balance(&shop), debt(&shop, merchant(0))), (50, 900, 0));
    shop.refund(first.id, Some(50)).unwrap();
    assert_eq!((shop.got(0), balance(&shop)), (10, 890), "10 of the window are the platform's fees");
    shop.refund(first.id, Some(900)).unwrap();
    assert_eq!((shop.got(0), balance(&shop), debt(&shop, merchant(0))), (10, 0, 10));
    shop.refund(second.id, Some(100)).unwrap();
    assert_eq!(debt(&shop, merchant(0)), 110);
    let third = shop.sell(fen(100), OrderDetails::default()).unwrap();
    assert_eq!(shop.got(0), 110);
    shop.wait(DAY);
    shop.ticks();
    assert_eq!((shop.got(0), debt(&shop, merchant(0)), balance(&shop)), (0, 20, 0), "20 of fees, 90 of the debt");
    shop.refund(third.id, Some(100)).unwrap();
    assert_eq!(debt(&shop, merchant(0)), 120);
    let fourth = shop.sell(fen(100), OrderDetails::default()).unwrap();
    shop.settle(0, terms_with_debt_up_to(119));
    assert_eq!(shop.refund(fourth.id, None), Err(Rejection::MerchantFundsInsufficient { available: 90 }));
    shop.settle(0, terms_with_debt_up_to(129));
    assert_eq!(shop.refund(fourth.id, None), Err(Rejection::MerchantFundsInsufficient { available: 99 }));
    shop.settle(0, terms_with_debt_up_to(130));
    shop.refund(fourth.id, None).unwrap();
    assert_eq!(debt(&shop, merchant(0)), 130);
}

fn terms_with_debt_up_to(negative_balance_limit: u64) -> terms::SettlementTerms {
    terms::SettlementTerms { negative_balance_limit, ..daily() }
}

#[test]
fn bug_16_a_refunds_key_has_one_body_and_one_answer_also_in_one_batch() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let payment = shop.sell(fen(1_000), OrderDetails::default()).unwrap().id;
    let action = shop.refund_action(payment, Some(100));
    let first = shop.command(Some(request(1, 1)), action);
    let Ok(Answer::Refund(Refund { id, .. })) = first.clone() else { panic!("{first:?}") };
    // Each try comes with a new id of ours; the key is what counts.
    let action = shop.refund_action(payment, Some(100));
    assert_eq!(shop.command(Some(request(1, 1)), action), first);
    let action = shop.refund_action(payment, Some(200));
    assert_eq!(shop.command(Some(request(1, 2)), action), Err(Rejection::IdempotencyConflict));
    assert_eq!((shop.has(0), shop.got(0)), (100, 900));
    let Action::Refund(again) = shop.refund_action(payment, Some(1)) else { unreachable!() };
    assert_eq!(shop.ask(Action::Refund(payments::NewRefund { id, ..again })), Err(Rejection::Exists));
}

#[test]
fn bug_15_a_refund_that_was_refused_stays_refused() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let payment = shop.hold(fen(1_000), DAY).id;
    let action = shop.refund_action(payment, Some(100));
    let refused = Err(Rejection::RefundExceedsPayment { refundable: 0 });
    assert_eq!(shop.command(Some(request(1, 1)), action), refused);
    shop.capture(payment, None, true).unwrap();
    let action = shop.refund_action(payment, Some(100));
    assert_eq!(shop.command(Some(request(1, 1)), action), refused);
    let action = shop.refund_action(payment, Some(100));
    assert!(shop.command(Some(request(2, 1)), action).is_ok());
}

/// The tables lag: a payment that was refunded since must not be forgotten, and recalled as if it were not.
#[test]
fn bug_20_a_refunded_payment_is_remembered_until_its_refund_is_stored() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let payment = shop.sell(fen(1_000), OrderDetails::default()).unwrap();
    let stored = shop.state.position();
    shop.state.forget(stored);
    assert_eq!(shop.state.payment(payment.id), None, "it is stored, and forgotten");
    shop.state.recall(Recalled::Payment(payment.clone()));
    shop.refund(payment.id, Some(700)).unwrap();
    shop.state.forget(stored);
    assert_eq!(shop.state.payment(payment.id).map(payments::Payment::refundable), Some(300), "the tables do not know");
    // Recalled for something else, and stored up to the recall but not up to the refund.
    shop.refund(payment.id, Some(300)).unwrap();
    shop.state.forget(shop.state.position() - 1);
    assert_eq!(shop.refund(payment.id, Some(1)), Err(Rejection::RefundExceedsPayment { refundable: 0 }));
    shop.state.forget(shop.state.position());
    assert_eq!(shop.state.payment(payment.id), None);
}

/// Two commands of one batch need the same cold payment: the second look-up comes back when the first has refunded.
#[test]
fn bug_20_a_recall_that_comes_late_overwrites_nothing() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let tap = shop.tap(0, 1);
    let payment = shop.pay(0, tap.id, Some(fen(1_000))).unwrap();
    shop.refund(payment.id, Some(1_000)).unwrap();
    shop.state.recall(Recalled::Payment(payment.clone()));
    shop.state.recall(Recalled::Tap(tap, None));
    assert_eq!(shop.refund(payment.id, Some(1)), Err(Rejection::RefundExceedsPayment { refundable: 0 }));
    assert_eq!(shop.pay(0, tap.id, Some(fen(1))), Err(Rejection::TapAlreadyUsed));
}

/// The process stops between any two records of a life of refunds and comes back with what is durable.
#[test]
fn bug_20_a_restart_between_any_two_records_refunds_nothing_twice() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let payment = shop.hold(fen(1_000), DAY).id;
    shop.capture(payment, Some(600), true).unwrap();
    let (stored, accounts): (u64, Vec<_>) = (shop.state.position(), shop.state.accounts().collect());
    let whole = shop.state.payment(payment).unwrap().clone();
    let mut records = Vec::new();
    for key in 1..=5 {
        let action = shop.refund_action(payment, Some(150));
        let decision = decide(&shop.state, Command { now: shop.now, request: Some(request(key, 1)), action });
        assert_eq!(decision.answer.is_ok(), key <= 4, "{decision:?}");
        decision.records.iter().for_each(|record| shop.state.evolve(record));
        records.extend(decision.records);
    }
    for survived in 0..=records.len() {
        let mut state = State::restored_at(stored, shop.now);
        accounts.iter().for_each(|(account, balance)| state.restore_account(*account, *balance));
        state.recall(Recalled::Payment(whole.clone()));
        records[..survived].iter().for_each(|record| state.evolve(record));
        for key in 1..=5 {
            let action = shop.refund_action(payment, Some(150));
            let decision = decide(&state, Command { now: shop.now, request: Some(request(key, 1)), action });
            decision.records.iter().for_each(|record| state.evolve(record));
            assert_eq!(decision.answer.is_ok(), key <= 4, "{decision:?}");
        }
        assert_eq!(state.payment(payment).unwrap().refunded, 600, "after {survived} records");
    }
}
