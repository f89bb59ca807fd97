//! Holds: captured in parts, given back, expired; and what is held is nobody's to spend.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Reply;
use crate::platform::{
    MERCHANT, OTHER_MERCHANT, Platform, STANDING_TAG, TILL_TAG, eventually, merchant_token, wallet_token,
};

fn yuan(amount: u64) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// A payment of wallet 0 for an order that is captured by hand.
fn hold(platform: &Platform, fen: u64) -> (Value, Value) {
    platform.asked_and_paid(0, json!({ "amount": yuan(fen), "capture": "manual", "hold_expires_in_seconds": 3_600 }))
}

fn to(payment: &Value, what: &str) -> String {
    format!("/v1/payments/{}/{what}", payment["id"].as_str().unwrap())
}

fn capture(platform: &Platform, payment: &Value, body: &Value) -> Reply {
    platform.merchant_posts(&to(payment, "capture"), body)
}

/// What wallet 0 can spend and what is held of its money, in fen.
fn available_and_held(platform: &Platform) -> (u64, u64) {
    let balances = platform.get(&wallet_token(0), "/v1/wallets/me/balances").expect(200).json();
    let of_cny = balances["data"].as_array().unwrap().iter().find(|balance| balance["currency"] == "CNY").unwrap();
    (of_cny["available"].as_u64().unwrap(), of_cny["held"].as_u64().unwrap())
}

fn types(platform: &Platform) -> Vec<String> {
    let history = platform.get(&wallet_token(0), "/v1/wallets/me/history").expect(200).json();
    history["data"].as_array().unwrap().iter().map(|entry| entry["type"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_hold_is_captured_in_parts() {
    let platform = Platform::start();
    let (order, held) = hold(&platform, 1_000);
    assert_eq!((&order["capture"], &order["hold_expires_in_seconds"]), (&json!("manual"), &json!(3_600)));
    assert_eq!((&held["status"], &held["capturable"]), (&json!("authorized"), &yuan(1_000)));
    assert_eq!((&held["captured"], &held["refundable"]), (&yuan(0), &yuan(0)));
    assert!(held["hold_expires_at"].is_string());
    let waiting = platform.look_at("orders", &order);
    assert_eq!((&waiting["status"], &waiting["payment"]), (&json!("held"), &held["id"]));
    assert_eq!(available_and_held(&platform), (Platform::BALANCE - 1_000, 1_000));
    // Nothing to refund as long as nothing was captured.
    let refund = platform.merchant_posts("/v1/refunds", &json!({ "payment": held["id"] }));
    refund.expect_problem(422, "refund_exceeds_payment", None);

    let first = capture(&platform, &held, &json!({ "amount": yuan(300) })).expect(201).json();
    assert_eq!((&first["amount"], &first["released"]), (&yuan(300), &yuan(0)));
    let now = platform.look_at("payments", &held);
    assert_eq!((&now["status"], &now["captured"], &now["capturable"]), (&json!("authorized"), &yuan(300), &yuan(700)));
    let last = capture(&platform, &held, &json!({ "amount": yuan(500), "final": true })).expect(201).json();
    assert_eq!((&last["amount"], &last["released"]), (&yuan(500), &yuan(200)));
    let now = platform.look_at("payments", &held);
    assert_eq!((&now["status"], &now["captured"], &now["capturable"]), (&json!("succeeded"), &yuan(800), &yuan(0)));
    let paid = platform.look_at("orders", &order);
    assert_eq!((&paid["status"], &paid["amount_paid"]), (&json!("paid"), &yuan(800)));
    assert_eq!(available_and_held(&platform), (Platform::BALANCE - 800, 0));
    assert_eq!(types(&platform)[..2], ["release", "hold"]);
    let captures = platform.see(&to(&held, "captures"));
    assert_eq!(captures, json!({ "data": [last, first], "has_more": false }));
    let part = platform.see(&to(&held, "captures?limit=1"));
    assert_eq!(part, json!({ "data": [last], "has_more": true }));
    capture(&platform, &held, &json!({})).expect_problem(409, "nothing_held", None);
    platform.merchant_posts("/v1/refunds", &json!({ "payment": held["id"], "amount": yuan(800) })).expect(201);
    assert_eq!(available_and_held(&platform), (Platform::BALANCE, 0));
}

#[test]
fn a_hold_is_given_back() {
    let platform = Platform::start();
    let (order, held) = hold(&platform, 1_000);
    let release = platform.merchant_posts(&to(&held, "void"), &json!({})).expect(200).json();
    assert_eq!((&release["amount"], &release["reason"]), (&yuan(1_000), &json!("voided")));
    assert_eq!(available_and_held(&platform), (Platform::BALANCE, 0));
    assert_eq!(platform.look_at("orders", &order)["status"], "cancelled");
    let now = platform.look_at("payments", &held);
    assert_eq!((&now["status"], &now["capturable"]), (&json!("cancelled"), &yuan(0)));
    for again in ["void", "capture"] {
        platform.merchant_posts(&to(&held, again), &json!({})).expect_problem(409, "nothing_held", None);
    }
    // Its order names it no more; it is found by it all the same.
    for query in [format!("order={}", order["id"].as_str().unwrap()), "status=cancelled".to_owned()] {
        let found = platform.see(&format!("/v1/payments?{query}"));
        assert_eq!(found["data"], json!([now]), "{query}");
    }
    // The rest of one of which a part was captured.
    let (order, held) = hold(&platform, 1_000);
    capture(&platform, &held, &json!({ "amount": yuan(1) })).expect(201);
    let release = platform.merchant_posts(&to(&held, "void"), &json!({})).expect(200).json();
    assert_eq!(release["amount"], yuan(999));
    assert_eq!(platform.look_at("payments", &held)["status"], "succeeded");
    assert_eq!(platform.look_at("orders", &order)["amount_paid"], yuan(1));
}

#[test]
fn a_hold_expires() {
    let platform = Platform::start();
    let (order, held) = hold(&platform, 1_000);
    platform.pass(Duration::from_secs(3_599));
    capture(&platform, &held, &json!({ "amount": yuan(1) })).expect(201);
    platform.pass(Duration::from_secs(2));
    capture(&platform, &held, &json!({ "amount": yuan(1) })).expect_problem(409, "nothing_held", None);
    eventually(|| {
        // Whatever is decided next lets the time be noticed.
        platform.paid(1, 1);
        platform.look_at("orders", &order)["status"] == "paid"
    });
    assert_eq!(available_and_held(&platform), (Platform::BALANCE - 1, 0));
    assert_eq!(platform.look_at("payments", &held)["status"], "succeeded");
}

#[test]
fn captures_that_cannot_be_change_nothing() {
    let platform = Platform::start();
    let (_, held) = hold(&platform, 1_000);
    let moved_at_once = json!({ "id": platform.paid(1, 5) });
    let before = (platform.position(), available_and_held(&platform));
    let cases: [(Value, u16, &str, Option<&str>); 10] = [
        (json!({ "amount": yuan(1_001) }), 422, "capture_exceeds_hold", None),
        (json!({ "amount": yuan(0) }), 400, "invalid_field", Some("amount.amount")),
        (json!({ "amount": null }), 400, "invalid_field", Some("amount")),
        (json!({ "amount": 5 }), 400, "invalid_field", Some("amount")),
        (json!({ "amount": { "amount": 5, "currency": "KWD" } }), 422, "currency_mismatch", Some("amount.currency")),
        (json!({ "amount": { "amount": 5, "currency": "XXX" } }), 400, "invalid_field", Some("amount.currency")),
        (json!({ "final": "yes" }), 400, "invalid_field", Some("final")),
        (json!({ "final": null }), 400, "invalid_field", Some("final")),
        (json!({ "is_last": true }), 400, "invalid_field", Some("is_last")),
        (json!([]), 400, "malformed_json", None),
    ];
    for (body, status, code, field) in cases {
        capture(&platform, &held, &body).expect_problem(status, code, field);
    }
    let void = to(&held, "void");
    platform.merchant_posts(&void, &json!({ "reason": "x" })).expect_problem(400, "invalid_field", Some("reason"));
    for (id, status, code, field) in [
        ("x", 400, "invalid_id", Some("id")),
        ("ord_01h455vb4pex5vsknk084sn02q", 400, "invalid_id", Some("id")),
        ("pay_01h455vb4pex5vsknk084sn02q", 404, "not_found", None),
    ] {
        for what in ["capture", "void"] {
            let reply = platform.merchant_posts(&format!("/v1/payments/{id}/{what}"), &json!({}));
            reply.expect_problem(status, code, field);
        }
        let captures = platform.get(&merchant_token(MERCHANT), &format!("/v1/payments/{id}/captures"));
        captures.expect_problem(status, code, field);
    }
    for what in ["capture", "void"] {
        let others = platform.post(&merchant_token(OTHER_MERCHANT), &to(&held, what), &json!({}));
        others.expect_problem(404, "not_found", None);
    }
    assert_eq!((platform.position(), available_and_held(&platform)), before);
    for what in ["capture", "void"] {
        platform.merchant_posts(&to(&moved_at_once, what), &json!({})).expect_problem(409, "nothing_held", None);
    }
}

/// Runs this for each amount at once, and gives the sum of those that succeeded; all others must have this code, or say
/// that all of it is taken.
fn sum_at_once(amounts: &[u64], code: &str, attempt: impl Fn(usize, u64) -> Reply + Sync) -> u64 {
    let barrier = Barrier::new(amounts.len());
    thread::scope(|scope| {
        let (barrier, attempt) = (&barrier, &attempt);
        let ask = |(n, amount): (usize, &u64)| {
            let amount = *amount;
            scope.spawn(move || {
                barrier.wait();
                let reply = attempt(n, amount);
                let refused = || reply.code() == code || reply.code() == "nothing_held";
                assert!(reply.status == 201 || refused(), "{}", reply.text());
                if reply.status == 201 { amount } else { 0 }
            })
        };
        let threads: Vec<_> = amounts.iter().enumerate().map(ask).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    })
}

#[test]
fn bug_01_over_http_a_hundred_parallel_captures_come_to_the_hold() {
    let platform = Platform::start();
    let (_, held) = hold(&platform, 1_000);
    let amounts: Vec<u64> = (0..100).map(|n| 20 + n % 21 + u64::from(n < 40)).collect();
    assert_eq!(amounts.iter().sum::<u64>(), 3_000);
    let captured = sum_at_once(&amounts, "capture_exceeds_hold", |_, amount| {
        capture(&platform, &held, &json!({ "amount": yuan(amount) }))
    });
    let now = platform.look_at("payments", &held);
    let left = now["capturable"]["amount"].as_u64().unwrap();
    assert_eq!((captured + left, &now["captured"]), (1_000, &yuan(captured)));
    assert!(left < 42, "{left}");
    if left > 0 {
        capture(&platform, &held, &json!({})).expect(201);
    }
    capture(&platform, &held, &json!({ "amount": yuan(1) })).expect_problem(409, "nothing_held", None);
    assert_eq!(available_and_held(&platform), (Platform::BALANCE - 1_000, 0));
}

#[test]
fn bug_14_over_http_held_money_is_not_spent_again() {
    const PRICE: u64 = 10_000;
    let platform = Platform::start();
    // Of a hundred such sums, forty are held: sixty can be spent, whoever is first.
    let (_, held) = hold(&platform, 40 * PRICE);
    assert_eq!(available_and_held(&platform), (60 * PRICE, 40 * PRICE));
    let taps: Vec<String> = (0..100).map(|_| platform.tap(0, STANDING_TAG).expect(201).id()).collect();
    let spent = sum_at_once(&[PRICE; 100], "insufficient_funds", |n, amount| {
        platform.pay(0, &json!({ "tap": taps[n], "amount": yuan(amount) }))
    });
    assert_eq!(spent, 60 * PRICE);
    assert_eq!(available_and_held(&platform), (0, 40 * PRICE));
    platform.ask(json!({ "amount": yuan(1), "capture": "manual" })).expect(201);
    let tap = platform.tap(0, TILL_TAG).expect(201).id();
    platform.pay(0, &json!({ "tap": tap })).expect_problem(402, "insufficient_funds", None);
    platform.merchant_posts(&to(&held, "void"), &json!({})).expect(200);
    assert_eq!(available_and_held(&platform), (40 * PRICE, 0));
}
