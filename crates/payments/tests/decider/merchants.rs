//! Merchants: what their status allows, and from when a price holds.

use money::BasisPoints;
use payments::{
    Action, Answer, MerchantState, MerchantStatus, NewOrderAmount, OrderDetails, ReferenceKey, Rejection, UnixMillis,
};
use terms::{FeePlan, FeeRate, Tier};

use crate::support::shop::{Shop, daily};
use crate::support::{cny, fen, merchant, wallet};

use MerchantStatus::{Active, Applied, Closed, Suspended};

fn set(shop: &mut Shop, status: MerchantStatus) -> Result<Answer, Rejection> {
    shop.ask(Action::SetMerchantStatus { merchant: merchant(0), status })
}

#[test]
fn a_status_becomes_what_it_may_and_asking_again_changes_nothing() {
    let allowed = [
        (Applied, Active),
        (Applied, Closed),
        (Active, Suspended),
        (Active, Closed),
        (Suspended, Active),
        (Suspended, Closed),
    ];
    for from in [Applied, Active, Suspended, Closed] {
        for to in [Applied, Active, Suspended, Closed] {
            let mut shop = Shop::new();
            // One of whom nothing is known can become anything at first.
            set(&mut shop, from).unwrap();
            let answer = set(&mut shop, to);
            if from == to || allowed.contains(&(from, to)) {
                assert_eq!(answer, Ok(Answer::Done), "{from:?} to {to:?}");
                assert_eq!(shop.happened.len(), usize::from(from != to));
            } else {
                assert_eq!(answer, Err(Rejection::StatusNotAllowed { status: from }), "{from:?} to {to:?}");
            }
        }
    }
}

#[test]
fn only_an_active_merchant_is_paid_and_any_gives_money_back() {
    for status in [Suspended, Closed] {
        let mut shop = Shop::new();
        shop.deposit(0, fen(1_000));
        let paid = shop.sell(fen(100), OrderDetails::default()).unwrap();
        let held = shop.hold(fen(100), 1_000);
        let tap = shop.tap(0, 1);
        set(&mut shop, status).unwrap();
        let refused = Err(Rejection::MerchantNotActive { status });
        let order = shop.new_order(0, NewOrderAmount::Fixed(fen(1)));
        assert_eq!(shop.ask(order), refused);
        let url = shop.url(1);
        assert_eq!(shop.open_tap(wallet(0), &url), refused);
        assert_eq!(shop.pay(0, tap.id, Some(fen(1))).map(Answer::Payment), refused);
        assert_eq!(shop.capture(held.id, None, true), refused);
        shop.ask(Action::Void { merchant: merchant(0), payment: held.id }).unwrap();
        shop.refund(paid.id, None).unwrap();
        assert_eq!((shop.has(0), shop.got(0)), (1_000, 0));
    }
}

fn plan(rate: u32) -> FeePlan {
    let tiers = vec![Tier { from_volume: 0, rate: BasisPoints::new(rate).unwrap(), fixed: 0 }];
    FeePlan::new(vec![FeeRate { method: None, currency: cny(), tiers, minimum: None, maximum: None }]).unwrap()
}

#[test]
fn a_price_holds_from_its_millisecond_on() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(10_000));
    let start = shop.now;
    let set = |shop: &mut Shop, rate, from| {
        shop.ask(Action::SetFeePlan { merchant: merchant(0), plan: plan(rate), from }).unwrap();
    };
    set(&mut shop, 100, UnixMillis(0));
    set(&mut shop, 300, start.plus(2_000));
    set(&mut shop, 200, start.plus(1_000));
    set(&mut shop, 250, start.plus(1_000));
    let mut fee = |at| {
        shop.now = at;
        shop.sell(fen(100), OrderDetails::default()).unwrap().fee
    };
    let fees = [0, 999, 1_000, 1_999, 2_000].map(|after| fee(start.plus(after)));
    assert_eq!(fees, [1, 1, 3, 3, 3], "2.5 are rounded half up, and the one that came later replaced the other");
}

#[test]
fn invariant_12_a_merchant_has_a_bounded_number_of_plans() {
    let mut shop = Shop::new();
    for number in 0..=MerchantState::MAX_FEE_PLANS {
        let from = shop.now.plus(number as u64);
        let answer = shop.ask(Action::SetFeePlan { merchant: merchant(0), plan: plan(1), from });
        let expected = if number < MerchantState::MAX_FEE_PLANS { Ok(Answer::Done) } else { Err(Rejection::TooMany) };
        assert_eq!(answer, expected, "{number}");
    }
}

/// Volume counts by the month in which the window closes.
#[test]
fn tiers_go_by_what_was_captured_in_the_month_before() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(10_000));
    let tier = |from_volume, rate| Tier { from_volume, rate: BasisPoints::new(rate).unwrap(), fixed: 0 };
    let tiers = vec![tier(0, 1_000), tier(150, 100)];
    let rate = FeeRate { method: None, currency: cny(), tiers, minimum: None, maximum: None };
    let plan = FeePlan::new(vec![rate]).unwrap();
    shop.ask(Action::SetFeePlan { merchant: merchant(0), plan, from: shop.now }).unwrap();
    shop.settle(0, daily());
    let fee = |shop: &mut Shop| shop.sell(fen(100), OrderDetails::default()).unwrap().fee;
    assert_eq!([fee(&mut shop), fee(&mut shop), fee(&mut shop)], [10, 10, 1]);
    // To 30 November 2026, 17:59:59.999 in Shanghai.
    shop.now = UnixMillis(1_796_032_799_999);
    assert_eq!(fee(&mut shop), 1, "still November");
    shop.wait(1);
    assert_eq!(fee(&mut shop), 10, "the business day is the first of December");
}

/// Each counts what the one before has added.
#[test]
fn captures_of_one_tick_count_on() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(10_000));
    let tier = |from_volume, rate| Tier { from_volume, rate: BasisPoints::new(rate).unwrap(), fixed: 0 };
    let tiers = vec![tier(0, 1_000), tier(150, 100)];
    let rate = FeeRate { method: None, currency: cny(), tiers, minimum: None, maximum: None };
    let plan = FeePlan::new(vec![rate]).unwrap();
    shop.ask(Action::SetFeePlan { merchant: merchant(0), plan, from: shop.now }).unwrap();
    for _ in 0..3 {
        shop.sell_slowly(0, fen(100), OrderDetails::default());
        shop.wait(1);
    }
    shop.wait(60_000);
    shop.ask(Action::Tick).unwrap();
    let fee = |event: &payments::Event| match event {
        payments::Event::PaymentCaptured(moved) => Some(moved.what.capture.fee),
        _ => None,
    };
    assert_eq!(shop.happened.iter().filter_map(fee).collect::<Vec<_>>(), [10, 10, 1]);
}

#[test]
fn a_reference_is_one_orders() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let details = || OrderDetails { reference_key: Some(ReferenceKey([7; 16])), ..OrderDetails::default() };
    let payment = shop.sell(fen(10), details()).unwrap();
    let payments::Action::CreateOrder(order) = shop.new_order(0, NewOrderAmount::Fixed(fen(5))) else { unreachable!() };
    let again = || {
        Action::CreateOrder(payments::NewOrder {
            details: Some(Box::new(details())),
            description: None,
            reference: None,
            ..order
        })
    };
    let taken = Err(Rejection::ReferenceTaken { order: payment.order.unwrap() });
    assert_eq!(shop.ask(again()), taken, "though it is paid");
}
