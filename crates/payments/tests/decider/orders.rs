//! Orders: one waits at a tag; it is paid, withdrawn or over, once.

use ids::OrderId;
use payments::{Action, Answer, CancelledBy, Event, NewOrder, NewOrderAmount, OrderStatus, Rejection, UnixMillis};

use crate::support::shop::{Shop, yen};
use crate::support::{cny, currency, fen, merchant, tag_id};

#[test]
fn a_busy_tag_names_the_order_that_waits() {
    let mut shop = Shop::new();
    let first = shop.order(0, fen(100));
    let second = shop.new_order(0, NewOrderAmount::Fixed(fen(200)));
    assert_eq!(shop.ask(second), Err(Rejection::TagBusy { order: first.id }));
}

#[test]
fn a_new_order_takes_the_place_of_one_that_is_over_at_the_exact_millisecond() {
    let mut shop = Shop::new();
    let first = shop.order(0, fen(100));
    shop.wait(899_999);
    let early = shop.new_order(0, NewOrderAmount::Fixed(fen(200)));
    assert_eq!(shop.ask(early), Err(Rejection::TagBusy { order: first.id }));
    shop.wait(1);
    let second = shop.order(0, fen(200));
    let [Event::OrderExpired(over), Event::OrderPlaced(created)] = &shop.happened[..] else {
        panic!("{:?}", shop.happened)
    };
    assert_eq!((*over, created.id), (first.id, second.id));
    assert_eq!(shop.state.tag(tag_id(0)).unwrap().waiting_order, Some(second.id));
    assert_eq!(shop.cancel(first.id), Err(Rejection::OrderExpired));
}

#[test]
fn orders_expire_at_their_millisecond_and_the_tag_is_free() {
    let mut shop = Shop::new();
    let order = shop.order(0, fen(100));
    assert_eq!(shop.state.next_due(), Some(order.expires_at));
    shop.now = UnixMillis(order.expires_at.0 - 1);
    assert_eq!(shop.ask(Action::Tick), Ok(Answer::Ticked(0)));
    assert!(shop.happened.is_empty());
    shop.now = order.expires_at;
    assert_eq!(shop.ask(Action::Tick), Ok(Answer::Ticked(1)));
    assert_eq!(shop.happened, [Event::OrderExpired(order.id)]);
    assert_eq!(shop.state.next_due(), None);
    assert_eq!(shop.state.tag(tag_id(0)).unwrap().waiting_order, None);
}

#[test]
fn invariant_12_expiring_is_bounded_and_the_rest_follows() {
    let mut shop = Shop::new();
    // One tag holds one open order, so many orders need many tags.
    for index in 0..1_500_u128 {
        let mut tag = crate::support::registered(0, merchant(0), payments::TagMode::Till, cny());
        tag.id = ids::TagId::from_u128(10_000 + index);
        tag.uid = tag::Uid([1, 0, 0, 0, 0, u8::try_from(index / 256).unwrap(), u8::try_from(index % 256).unwrap()]);
        shop.ask(Action::RegisterTag(tag)).unwrap();
        let order = NewOrder {
            id: OrderId::from_u128(20_000 + index),
            merchant: merchant(0),
            tag: tag.id,
            amount: NewOrderAmount::Open(cny()),
            description: None,
            reference: None,
            lifetime_ms: 10,
            details: None,
        };
        shop.ask(Action::CreateOrder(order)).unwrap();
    }
    shop.wait(10);
    let mut closed = Vec::new();
    for expected in [1_000, 500, 0] {
        shop.ask(Action::Tick).unwrap();
        closed.push(shop.happened.len());
        assert_eq!(shop.happened.len(), expected);
    }
    assert_eq!(shop.state.open_orders().count(), 0);
}

#[test]
fn cancel_then_pay() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let order = shop.order(0, fen(100));
    let tap = shop.tap(0, 0);
    let Ok(Answer::Cancelled(cancelled, CancelledBy::Closing)) = shop.cancel(order.id) else {
        panic!("an open order can be withdrawn")
    };
    assert_eq!(cancelled.status, OrderStatus::Cancelled { at: shop.now });
    assert_eq!(shop.pay(0, tap.id, None), Err(Rejection::OrderCancelled));
    assert_eq!((shop.has(0), shop.got(0)), (1_000, 0));
    // The tag is free for the next one, and the old tap does not pay for it.
    shop.order(0, fen(50));
    assert_eq!(shop.pay(0, tap.id, None), Err(Rejection::OrderCancelled));
}

#[test]
fn pay_then_cancel() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let order = shop.order(0, fen(100));
    let tap = shop.tap(0, 0);
    shop.pay(0, tap.id, None).unwrap();
    assert_eq!(shop.cancel(order.id), Err(Rejection::OrderAlreadyPaid));
    assert_eq!((shop.has(0), shop.got(0)), (900, 100));
}

#[test]
fn a_second_click_on_cancel_is_no_error() {
    let mut shop = Shop::new();
    let order = shop.order(0, fen(100));
    let first = shop.cancel(order.id);
    shop.wait(5);
    assert_eq!(shop.cancel(order.id), first, "with the time of the first");
    assert!(shop.happened.is_empty());
}

#[test]
fn invariant_10_another_merchants_order_and_tag_do_not_exist() {
    let mut shop = Shop::new();
    let order = shop.order(2, fen(100));
    assert_eq!(shop.cancel(order.id), Err(Rejection::NotFound));
    assert_eq!(shop.cancel(OrderId::from_u128(5)), Err(Rejection::NotFound));
    let Action::CreateOrder(order) = shop.new_order(2, NewOrderAmount::Fixed(fen(1))) else { unreachable!() };
    let elsewhere = NewOrder { merchant: merchant(0), ..order };
    assert_eq!(shop.ask(Action::CreateOrder(elsewhere)), Err(Rejection::NotFound));
}

#[test]
fn an_order_needs_a_currency_that_its_merchant_takes() {
    let mut shop = Shop::new();
    let expected = Err(Rejection::CurrencyNotAccepted { currency: currency("JPY") });
    for amount in [NewOrderAmount::Fixed(yen(100)), NewOrderAmount::Open(currency("JPY"))] {
        let action = shop.new_order(0, amount);
        assert_eq!(shop.ask(action), expected);
    }
}

#[test]
fn lifetimes_of_nothing_and_for_ever_overflow_nothing() {
    let mut shop = Shop::new();
    for (lifetime_ms, waits) in [(0, false), (u64::MAX, true)] {
        let Action::CreateOrder(order) = shop.new_order(0, NewOrderAmount::Fixed(fen(1))) else { unreachable!() };
        let id = order.id;
        shop.ask(Action::CreateOrder(NewOrder { lifetime_ms, ..order })).unwrap();
        assert_eq!(shop.cancel(id).is_ok(), waits);
    }
    shop.now = UnixMillis(u64::MAX);
    shop.order(0, fen(1));
    shop.ask(Action::Tick).unwrap();
    assert_eq!(shop.state.open_orders().count(), 0, "at the end of time all is over");
}
