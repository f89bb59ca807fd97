//! Holds: the money is the payer's no more and the merchant's not yet; captured in parts, given back, over in time.

use ids::CaptureId;
use money::BasisPoints;
use payments::{
    Action, Answer, CancelledBy, Event, Forced, IfPaid, NewCapture, OrderDetails, OrderName, OrderStatus, Owner, Pay,
    Payment, PaymentStatus, Rejection, ReleaseReason, Split, SplitPart, account_code, forced_by,
};

use crate::support::shop::{Shop, request};
use crate::support::{amount, fen, merchant, wallet};

const DAY: u64 = 86_400_000;

fn held(shop: &Shop) -> u64 {
    shop.holds(account_code::WALLET_HOLD, Owner::Wallet(wallet(0)))
}

fn now(shop: &Shop, payment: &Payment) -> Payment {
    shop.state.payment(payment.id).unwrap().clone()
}

#[test]
fn bug_14_what_is_held_is_not_available() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let first = shop.hold(fen(700), DAY);
    assert_eq!((shop.has(0), held(&shop), shop.got(0)), (300, 700, 0), "available = posted - held");
    let tap = shop.tap(0, 1);
    assert_eq!(shop.pay(0, tap.id, Some(fen(301))), Err(Rejection::InsufficientFunds { available: 300 }));
    shop.pay(0, tap.id, Some(fen(100))).unwrap();
    shop.capture(first.id, Some(50), false).unwrap();
    assert_eq!((shop.has(0), held(&shop), shop.got(0)), (200, 650, 150), "a capture takes from what is held only");
    shop.capture(first.id, Some(1), true).unwrap();
    assert_eq!((shop.has(0), held(&shop), shop.got(0)), (849, 0, 151), "the last one gives the rest back");
}

#[test]
fn bug_01_captures_of_one_payment_never_exceed_what_is_held() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(5_000));
    let payment = shop.hold(fen(1_000), DAY);
    let taken = (0..100).filter(|_| shop.capture(payment.id, Some(30), false).is_ok()).count();
    assert_eq!((taken, held(&shop), shop.got(0)), (33, 10, 990), "three times as much was asked for");
    assert_eq!(shop.capture(payment.id, Some(11), false), Err(Rejection::CaptureExceedsHold { capturable: 10 }));
    shop.capture(payment.id, None, false).unwrap();
    assert_eq!(now(&shop, &payment).status, PaymentStatus::Succeeded, "nothing is left to capture");
    assert_eq!(shop.capture(payment.id, Some(1), false), Err(Rejection::NothingHeld));
    assert_eq!((shop.has(0), shop.got(0)), (4_000, 1_000));
}

#[test]
fn a_void_gives_back_what_was_not_captured_and_the_order_says_what_was() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    for (captured, status) in [(0, None), (400, Some(amount(400)))] {
        let payment = shop.hold(fen(500), DAY);
        if captured > 0 {
            shop.capture(payment.id, Some(captured), false).unwrap();
        }
        let Ok(Answer::Release(release)) = shop.ask(Action::Void { merchant: merchant(0), payment: payment.id }) else {
            panic!("what is held can be given back")
        };
        assert_eq!((release.amount, release.reason), (500 - captured, ReleaseReason::Voided));
        let at = shop.now;
        let expected = match status {
            None => OrderStatus::Cancelled { at },
            Some(amount) => OrderStatus::Paid { payment: payment.id, amount, at },
        };
        assert_eq!(shop.state.order(payment.order.unwrap()).unwrap().status, expected);
        let again = shop.ask(Action::Void { merchant: merchant(0), payment: payment.id });
        assert_eq!(again, Err(Rejection::NothingHeld));
    }
    assert_eq!((shop.has(0), shop.got(0), held(&shop)), (600, 400, 0));
}

#[test]
fn a_hold_ends_at_its_millisecond_whether_ticked_or_not() {
    for (early, is_held) in [(1, true), (0, false)] {
        let mut shop = Shop::new();
        shop.deposit(0, fen(500));
        let payment = shop.hold(fen(500), DAY);
        shop.wait(DAY - early);
        assert_eq!(shop.capture(payment.id, Some(100), false).is_ok(), is_held, "{early} ms before the end");
        shop.ticks();
        assert_eq!(held(&shop) > 0, is_held);
        shop.wait(early);
        shop.ticks();
        assert_eq!((held(&shop), shop.has(0) + shop.got(0)), (0, 500));
    }
}

#[test]
fn strangers_neither_capture_nor_void() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(500));
    let payment = shop.hold(fen(500), DAY).id;
    let (id, merchant) = (CaptureId::from_u128(5), merchant(1));
    let capture = Action::Capture(NewCapture { id, merchant, payment, amount: None, is_last: true });
    assert_eq!(shop.ask(capture), Err(Rejection::NotFound));
    assert_eq!(shop.ask(Action::Void { merchant, payment }), Err(Rejection::NotFound));
}

/// A leg's transfer has the number after that of the leg before, and the last numbers are nobody's.
#[test]
fn ids_that_no_transfer_can_have_are_taken() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(500));
    let payment = shop.hold(fen(500), DAY).id;
    for id in [0, u128::MAX, u128::MAX - 1, u128::MAX - 2] {
        let id = CaptureId::from_u128(id);
        let action = NewCapture { id, merchant: merchant(0), payment, amount: Some(amount(1)), is_last: true };
        assert_eq!(shop.ask(Action::Capture(action)), Err(Rejection::Exists), "{id:?}");
    }
    shop.capture(payment, None, true).unwrap();
    for id in [0, u128::MAX, u128::MAX - 1] {
        let Action::Refund(refund) = shop.refund_action(payment, None) else { unreachable!() };
        let id = ids::RefundId::from_u128(id);
        assert_eq!(shop.ask(Action::Refund(payments::NewRefund { id, ..refund })), Err(Rejection::Exists));
        let order = shop.state.payment(payment).unwrap().order.unwrap();
        let cancel = Action::CancelOrder { merchant: merchant(0), order, if_paid: IfPaid::Refund(id) };
        assert_eq!(shop.ask(cancel), Err(Rejection::Exists));
    }
}

fn split(rate: u32) -> OrderDetails {
    let part = SplitPart::Rate(BasisPoints::new(rate).unwrap());
    OrderDetails { splits: vec![Split { merchant: merchant(1), part }], ..OrderDetails::default() }
}

#[test]
fn parts_of_many_captures_add_up_to_the_parts_of_the_whole() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(10_000));
    let payment = shop.sell(fen(1_001), OrderDetails { hold_ms: Some(DAY), ..split(3_333) }).unwrap();
    assert_eq!(payment.shares.iter().map(|share| share.amount).collect::<Vec<_>>(), [333, 668]);
    for captured in [1, 1, 1, 500, 497, 1] {
        shop.capture(payment.id, Some(captured), false).unwrap();
    }
    assert_eq!((shop.got(0), shop.got(1), held(&shop)), (668, 333, 0));
}

/// Between the order and the payment, and between the hold and the capture.
#[test]
fn a_receiver_that_was_suspended_is_not_paid() {
    use payments::MerchantStatus::{Active, Suspended};
    let mut shop = Shop::new();
    shop.deposit(0, fen(10_000));
    let set = |shop: &mut Shop, status| {
        shop.ask(Action::SetMerchantStatus { merchant: merchant(1), status }).unwrap();
    };
    let refused = Rejection::ReceiverNotAccepted { merchant: merchant(1) };
    let held = shop.sell(fen(100), OrderDetails { hold_ms: Some(DAY), ..split(5_000) }).unwrap();
    let Action::CreateOrder(order) = shop.new_order(0, payments::NewOrderAmount::Fixed(fen(100))) else {
        unreachable!()
    };
    let order = payments::NewOrder { details: Some(Box::new(split(5_000))), ..order };
    shop.ask(Action::CreateOrder(order)).unwrap();
    let tap = shop.tap(0, 0);
    set(&mut shop, Suspended);
    assert_eq!(shop.pay(0, tap.id, None), Err(refused));
    assert_eq!(shop.capture(held.id, None, true), Err(refused));
    assert_eq!((shop.got(0), shop.got(1)), (0, 0));
    set(&mut shop, Active);
    shop.pay(0, tap.id, None).unwrap();
    shop.capture(held.id, None, true).unwrap();
    assert_eq!((shop.got(0), shop.got(1)), (100, 100));
}

fn pay_forced(shop: &mut Shop, forced: Forced) -> Result<Payment, Rejection> {
    shop.order(0, fen(100));
    let tap = shop.tap(0, 0);
    let Action::Pay(pay) = shop.pay_action(0, tap.id, None) else { unreachable!() };
    shop.ask(Action::Pay(Pay { forced: Some(forced), ..pay })).map(|answer| match answer {
        Answer::Payment(payment) => payment,
        other => panic!("{other:?}"),
    })
}

/// While nobody knows, nobody says so; then it is known for ever.
#[test]
fn bug_21_a_payment_whose_outcome_is_not_known_is_neither_failed_nor_taken_back() {
    for (succeeds, moved) in [(true, 100), (false, 0)] {
        let mut shop = Shop::new();
        shop.deposit(0, fen(500));
        let payment = pay_forced(&mut shop, Forced::Processing { for_ms: 60_000, succeeds }).unwrap();
        let order = payment.order.unwrap();
        assert_eq!((payment.status, shop.has(0), shop.got(0)), (PaymentStatus::Processing, 400, 0));
        let not_known = Err(Rejection::PaymentProcessing);
        assert_eq!(shop.capture(payment.id, None, true), not_known);
        assert_eq!(shop.ask(Action::Void { merchant: merchant(0), payment: payment.id }), not_known);
        assert_eq!(shop.refund(payment.id, None), not_known);
        assert_eq!(shop.cancel(order), not_known);
        let if_paid = IfPaid::Refund(ids::RefundId::from_u128(9));
        assert_eq!(shop.ask(Action::CancelOrder { merchant: merchant(0), order, if_paid }), not_known);
        let resolve = || Action::ResolveOrder { merchant: merchant(0), order: OrderName::Id(order), close: true };
        let Ok(Answer::Resolved(_, Some(seen))) = shop.command(Some(request(1, 1)), resolve()) else { panic!() };
        assert_eq!(seen.status, PaymentStatus::Processing);
        shop.wait(60_000);
        shop.ticks();
        assert_eq!((shop.has(0), shop.got(0), held(&shop)), (500 - moved, moved, 0));
        // The same key is told the truth of the moment.
        let Ok(Answer::Resolved(order, seen)) = shop.command(Some(request(1, 1)), resolve()) else { panic!() };
        if succeeds {
            assert_eq!(seen.unwrap().status, PaymentStatus::Succeeded);
        } else {
            assert_eq!(order.status, OrderStatus::Cancelled { at: shop.now });
            assert_eq!(now(&shop, &payment).status, PaymentStatus::Failed { at: shop.now });
        }
    }
}

#[test]
fn bug_21_a_merchant_that_got_no_answer_asks_and_gets_the_truth() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(500));
    let order = shop.order(0, fen(100)).id;
    let resolve = |close| Action::ResolveOrder { merchant: merchant(0), order: OrderName::Id(order), close };
    let Ok(Answer::Resolved(seen, None)) = shop.ask(resolve(false)) else { panic!() };
    assert_eq!((seen.status, shop.happened.len()), (OrderStatus::Open, 0));
    let tap = shop.tap(0, 0);
    let payment = shop.pay(0, tap.id, None).unwrap();
    let Ok(Answer::Resolved(seen, Some(paid))) = shop.ask(resolve(true)) else { panic!() };
    assert_eq!(seen.status, OrderStatus::Paid { payment: payment.id, amount: amount(100), at: shop.now });
    assert_eq!(paid, payment);
    // Nobody paid: asking closes it, and then nobody can.
    let late = shop.order(0, fen(100)).id;
    let tap = shop.tap(0, 0);
    let close = Action::ResolveOrder { merchant: merchant(0), order: OrderName::Id(late), close: true };
    let Ok(Answer::Resolved(seen, None)) = shop.ask(close) else { panic!() };
    assert_eq!(seen.status, OrderStatus::Cancelled { at: shop.now });
    assert_eq!(shop.pay(0, tap.id, None), Err(Rejection::OrderCancelled));
}

#[test]
fn a_sandbox_forces_outcomes_by_amounts() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(10_000_000));
    let mut outcome = |minor_units| {
        let tap = shop.tap(0, 1);
        let Action::Pay(pay) = shop.pay_action(0, tap.id, Some(fen(minor_units))) else { unreachable!() };
        let answer = shop.ask(Action::Pay(Pay { forced: Some(Forced::ByAmount), ..pay }));
        answer.map(|answer| match answer {
            Answer::Payment(payment) => payment.status,
            other => panic!("{other:?}"),
        })
    };
    assert_eq!(outcome(400_001), Err(Rejection::Declined));
    assert_eq!(outcome(400_002), Err(Rejection::InsufficientFunds { available: 0 }));
    for processing in 400_003..=400_005 {
        assert_eq!(outcome(processing), Ok(PaymentStatus::Processing));
    }
    assert_eq!(outcome(400_000), Ok(PaymentStatus::Succeeded));
    assert_eq!(forced_by(400_006), None);
}

#[test]
fn withdrawing_an_order_says_what_that_took() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let held = shop.hold(fen(100), DAY);
    let released = shop.cancel(held.order.unwrap()).unwrap();
    assert!(matches!(released, Answer::Cancelled(_, CancelledBy::Releasing)), "{released:?}");
    let paid = shop.sell(fen(100), OrderDetails::default()).unwrap();
    let id = ids::RefundId::from_u128(9);
    let cancel =
        || Action::CancelOrder { merchant: merchant(0), order: paid.order.unwrap(), if_paid: IfPaid::Refund(id) };
    let refunded = shop.command(Some(request(1, 1)), cancel());
    assert!(matches!(refunded, Ok(Answer::Cancelled(_, CancelledBy::Refunding(refund))) if refund == id));
    assert!(matches!(&shop.happened[..], [.., Event::PaymentRefunded(_), Event::RequestAnswered(_)]));
    assert_eq!(shop.command(Some(request(1, 1)), cancel()), refunded, "and says so again");
    assert_eq!((shop.has(0), shop.got(0)), (1_000, 0));
    // Another payment's refund does not bury this one.
    let other = shop.sell(fen(100), OrderDetails::default()).unwrap();
    let if_paid = IfPaid::Refund(id);
    let buried = Action::CancelOrder { merchant: merchant(0), order: other.order.unwrap(), if_paid };
    assert_eq!(shop.ask(buried), Err(Rejection::Exists));
}
