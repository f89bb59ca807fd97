//! Taps: accepted once, in the order of the chip's counter, for the wallet that opened them.

use payments::{Action, Answer, Event, Rejection, TagMode};

use crate::support::shop::Shop;
use crate::support::{cny, fen, merchant, registered, tag_id, uid, wallet};

#[test]
fn invariant_05_a_tap_url_is_accepted_once() {
    let mut shop = Shop::new();
    let url = shop.url(1);
    assert!(shop.open_tap(wallet(0), &url).is_ok());
    for who in [0, 1] {
        assert_eq!(shop.open_tap(wallet(who), &url), Err(Rejection::TapReplayed));
    }
}

#[test]
fn invariant_05_a_tap_counter_only_grows() {
    let mut shop = Shop::new();
    let (first, second, third) = (shop.url(1), shop.url(1), shop.url(1));
    assert!(shop.open_tap(wallet(0), &second).is_ok());
    assert_eq!(shop.open_tap(wallet(0), &first), Err(Rejection::TapReplayed));
    assert!(shop.open_tap(wallet(1), &third).is_ok());
    assert_eq!(shop.state.tag(tag_id(1)).unwrap().last_counter, 3);
}

#[test]
fn bug_27_a_copied_sticker_is_told_apart_by_its_counter() {
    let mut shop = Shop::new();
    let copied = shop.url(1);
    let fresh = shop.url(1);
    assert!(shop.open_tap(wallet(0), &fresh).is_ok());
    assert_eq!(shop.open_tap(wallet(1), &copied), Err(Rejection::TapReplayed));
    let [Event::TapRefused(refused)] = &shop.happened[..] else { panic!("{:?}", shop.happened) };
    assert_eq!((refused.tag, refused.merchant, refused.reason), (tag_id(1), merchant(0), Rejection::TapReplayed));
}

#[test]
fn a_till_without_an_order_does_not_use_the_reading_up() {
    let mut shop = Shop::new();
    let url = shop.url(0);
    assert_eq!(shop.open_tap(wallet(0), &url), Err(Rejection::NothingToPay));
    assert!(shop.happened.is_empty());
    let order = shop.order(0, fen(100));
    let Ok(Answer::Tap(tap, shown)) = shop.open_tap(wallet(0), &url) else { panic!("the same URL is good now") };
    assert_eq!((tap.order, shown), (Some(order.id), Some(order)));
}

#[test]
fn an_order_that_is_over_does_not_wait_at_the_till() {
    let mut shop = Shop::new();
    shop.order(0, fen(100));
    shop.wait(899_999);
    assert!(shop.tap(0, 0).order.is_some());
    shop.wait(1);
    let url = shop.url(0);
    assert_eq!(shop.open_tap(wallet(0), &url), Err(Rejection::NothingToPay));
}

#[test]
fn a_standing_tag_takes_taps_without_an_order_and_orders_too() {
    let mut shop = Shop::new();
    let tap = shop.tap(0, 1);
    assert_eq!((tap.order, tap.currency, tap.merchant), (None, cny(), merchant(0)));
    let order = shop.order(1, fen(700));
    assert_eq!(shop.tap(0, 1).order, Some(order.id));
}

#[test]
fn unknown_and_inactive_tags_are_refused() {
    let mut shop = Shop::new();
    let (unknown, inactive) = (shop.url(4), shop.url(3));
    assert_eq!(shop.open_tap(wallet(0), &unknown), Err(Rejection::TagUnknown));
    assert_eq!(shop.open_tap(wallet(0), &inactive), Err(Rejection::TagInactive));
    let action = shop.new_order(3, payments::NewOrderAmount::Fixed(fen(1)));
    assert_eq!(shop.ask(action), Err(Rejection::TagInactive));
}

#[test]
fn refusals_are_reported_once_a_second_and_always_answered() {
    let mut shop = Shop::new();
    let forged = || Action::ReportForgedTap { claimed: uid(0) };
    let mut reported = 0;
    for _ in 0..2_001 {
        assert_eq!(shop.ask(forged()), Err(Rejection::TapForged));
        reported += shop.happened.len();
        shop.wait(1);
    }
    assert_eq!(reported, 3, "at 0, 1 and 2 seconds");
    assert_eq!(shop.ask(Action::ReportForgedTap { claimed: uid(9) }), Err(Rejection::TapForged));
    assert!(shop.happened.is_empty(), "nobody to tell");
}

#[test]
fn a_forged_reading_uses_nothing_up() {
    let mut shop = Shop::new();
    let url = shop.url(1);
    assert_eq!(shop.ask(Action::ReportForgedTap { claimed: uid(1) }), Err(Rejection::TapForged));
    assert_eq!(shop.state.tag(tag_id(1)).unwrap().last_counter, 0);
    assert!(shop.open_tap(wallet(0), &url).is_ok());
}

#[test]
fn a_tag_is_registered_once_and_asking_again_is_fine() {
    let mut shop = Shop::new();
    let known = registered(0, merchant(0), TagMode::Till, cny());
    assert_eq!(shop.ask(Action::RegisterTag(known)), Ok(Answer::Done));
    assert!(shop.happened.is_empty());
    let others = [
        payments::RegisteredTag { merchant: merchant(1), ..known },
        payments::RegisteredTag { uid: uid(9), ..known },
        payments::RegisteredTag { id: tag_id(9), ..known },
        payments::RegisteredTag { id: tag_id(1), ..known },
    ];
    for other in others {
        assert_eq!(shop.ask(Action::RegisterTag(other)), Err(Rejection::Exists));
    }
}
