//! Many at once: what may happen once happens once.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use crate::client::{Reply, Request};
use crate::platform::{Platform, STANDING_TAG, TILL_TAG, wallet_token};

const AT_ONCE: usize = 100;

/// Runs this many at once and counts the replies by code; `ok` for successes.
fn at_once(attempt: impl Fn(usize) -> Reply + Sync) -> BTreeMap<String, usize> {
    let barrier = Barrier::new(AT_ONCE);
    let replies: Vec<Reply> = thread::scope(|scope| {
        let (barrier, attempt) = (&barrier, &attempt);
        let threads: Vec<_> = (0..AT_ONCE)
            .map(|n| {
                scope.spawn(move || {
                    barrier.wait();
                    attempt(n)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut counts = BTreeMap::new();
    for reply in replies {
        let code = if reply.status < 300 { "ok".to_owned() } else { reply.code() };
        *counts.entry(code).or_default() += 1;
    }
    counts
}

fn counts<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.into_iter().map(|(code, count)| (code.to_owned(), count)).collect()
}

fn wallet_of(n: usize) -> u8 {
    u8::try_from(n % usize::from(Platform::WALLETS)).unwrap()
}

fn received(platform: &Platform) -> u64 {
    let spent = |n| Platform::BALANCE - platform.balance(n);
    (0..Platform::WALLETS).map(spent).sum()
}

#[test]
fn bug_09_one_tap_url_is_accepted_once() {
    let platform = Platform::start();
    let body = json!({ "url": platform.touch(STANDING_TAG) });
    let outcome = at_once(|n| platform.post(&wallet_token(wallet_of(n)), "/v1/taps", &body));
    assert_eq!(outcome, counts([("ok", 1), ("tap_replayed", AT_ONCE - 1)]));
}

#[test]
fn invariant_05_an_order_is_paid_once_by_many_wallets() {
    let platform = Platform::start();
    platform.order();
    let taps: Vec<String> = (0..AT_ONCE).map(|n| platform.tap(wallet_of(n), TILL_TAG).expect(201).id()).collect();
    let outcome = at_once(|n| platform.pay(wallet_of(n), &json!({ "tap": taps[n] })));
    assert_eq!(outcome, counts([("ok", 1), ("order_already_paid", AT_ONCE - 1)]));
    assert_eq!(received(&platform), 1_250);
}

#[test]
fn bug_10_one_tap_pays_once() {
    let platform = Platform::start();
    let tap = platform.tap(0, STANDING_TAG).expect(201).id();
    let outcome =
        at_once(|n| platform.pay(0, &json!({ "tap": tap, "amount": { "amount": n + 1, "currency": "CNY" } })));
    assert_eq!(outcome, counts([("ok", 1), ("tap_already_used", AT_ONCE - 1)]));
}

#[test]
fn invariant_05_an_order_is_paid_once_by_one_wallet() {
    let platform = Platform::start();
    platform.order();
    let taps: Vec<String> = (0..AT_ONCE).map(|_| platform.tap(0, TILL_TAG).expect(201).id()).collect();
    let outcome = at_once(|n| platform.pay(0, &json!({ "tap": taps[n] })));
    assert_eq!(outcome, counts([("ok", 1), ("order_already_paid", AT_ONCE - 1)]));
    assert_eq!(platform.balance(0), Platform::BALANCE - 1_250);
}

#[test]
fn invariant_04_a_wallet_with_money_for_37_pays_37_times() {
    const PRICE: u64 = Platform::BALANCE / 37;
    let platform = Platform::start();
    let taps: Vec<String> = (0..AT_ONCE).map(|_| platform.tap(0, STANDING_TAG).expect(201).id()).collect();
    let pay = |tap: &String| platform.pay(0, &json!({ "tap": tap, "amount": { "amount": PRICE, "currency": "CNY" } }));
    let outcome = at_once(|n| pay(&taps[n]));
    assert_eq!(outcome, counts([("ok", 37), ("insufficient_funds", AT_ONCE - 37)]));
    assert_eq!(platform.balance(0), Platform::BALANCE - 37 * PRICE);
}

#[test]
fn bug_16_one_key_in_parallel_has_one_effect() {
    let platform = Platform::start();
    let tap = platform.tap(0, STANDING_TAG).expect(201).id();
    let token = wallet_token(0);
    let body = |amount: usize| json!({ "tap": tap, "amount": { "amount": amount, "currency": "CNY" } }).to_string();
    let payment = |amount| Request::post("/v1/payments", body(amount)).token(&token).key("one");
    let same = at_once(|_| platform.send(&payment(5)));
    assert_eq!(same, counts([("ok", AT_ONCE)]));
    assert_eq!(platform.balance(0), Platform::BALANCE - 5);
    let other = at_once(|n| platform.send(&payment(if n % 2 == 0 { 5 } else { 6 })));
    assert_eq!(other, counts([("ok", AT_ONCE / 2), ("idempotency_conflict", AT_ONCE / 2)]));
    assert_eq!(platform.balance(0), Platform::BALANCE - 5);
}

#[test]
fn one_order_at_a_time_waits_at_a_tag() {
    let platform = Platform::start();
    let token = crate::platform::merchant_token(crate::platform::MERCHANT);
    let body: Value = json!({ "tag": TILL_TAG, "currency": "CNY" });
    let outcome = at_once(|_| platform.post(&token, "/v1/orders", &body));
    assert_eq!(outcome, counts([("ok", 1), ("tag_busy", AT_ONCE - 1)]));
}
