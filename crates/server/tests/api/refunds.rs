//! Refunds: in part, in full, in parallel, and never more than there is.

use std::sync::Barrier;
use std::thread;

use serde_json::{Value, json};

use crate::client::{Reply, Request};
use crate::platform::{
    MERCHANT, OTHER_MERCHANT, Platform, merchant_token, read_only_token, till_of, wallet, wallet_token,
};

fn yuan(amount: u64) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

fn refund(platform: &Platform, body: &Value) -> Reply {
    platform.post(&merchant_token(MERCHANT), "/v1/refunds", body)
}

fn payment(platform: &Platform, id: &str) -> Value {
    platform.get(&merchant_token(MERCHANT), &format!("/v1/payments/{id}")).expect(200).json()
}

#[test]
fn a_payment_goes_back_in_parts() {
    let platform = Platform::start();
    let paid = platform.paid(0, 1_000);
    let some = refund(&platform, &json!({ "payment": paid, "amount": yuan(300), "reason": "one cup was cold" }));
    let some = some.expect(201).json();
    assert_eq!((&some["payment"], &some["amount"]), (&json!(paid), &yuan(300)));
    assert_eq!((&some["reason"], &some["wallet"]), (&json!("one cup was cold"), &json!(wallet(0))));
    let now = payment(&platform, &paid);
    assert_eq!((&now["refunded"], &now["refundable"]), (&yuan(300), &yuan(700)));
    assert_eq!(now["status"], "succeeded");
    let too_much = json!({ "payment": paid, "amount": yuan(701) });
    refund(&platform, &too_much).expect_problem(422, "refund_exceeds_payment", None);
    let rest = refund(&platform, &json!({ "payment": paid })).expect(201).json();
    assert_eq!((&rest["amount"], &rest["reason"]), (&yuan(700), &Value::Null));
    refund(&platform, &json!({ "payment": paid })).expect_problem(422, "refund_exceeds_payment", None);
    assert_eq!(platform.balance(0), Platform::BALANCE);

    let token = merchant_token(MERCHANT);
    let read = platform.get(&token, &format!("/v1/refunds/{}", some["id"].as_str().unwrap())).expect(200).json();
    assert_eq!(read, some);
    let listed = platform.get(&token, "/v1/refunds").expect(200).json();
    assert_eq!(listed, json!({ "data": [rest, some], "has_more": false }));
    let history = platform.get(&wallet_token(0), "/v1/wallets/me/history").expect(200).json();
    let types: Vec<&str> = history["data"].as_array().unwrap().iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(&types[..3], ["refund", "refund", "payment"]);
}

#[test]
fn lists_of_refunds_are_narrowed() {
    let platform = Platform::start();
    let token = merchant_token(MERCHANT);
    let payments = [platform.paid(0, 100), platform.paid(1, 100)];
    let made: Vec<Value> = payments
        .iter()
        .flat_map(|paid| [10, 20].map(|amount| json!({ "payment": paid, "amount": yuan(amount) })))
        .map(|body| refund(&platform, &body).expect(201).json())
        .collect();
    let list = |query: &str| {
        let list = platform.get(&token, &format!("/v1/refunds?{query}")).expect(200).json();
        list["data"].as_array().unwrap().iter().map(|refund| refund["id"].clone()).collect::<Vec<_>>()
    };
    let ids = |places: &[usize]| places.iter().map(|place| made[*place]["id"].clone()).collect::<Vec<_>>();
    assert_eq!(list(&format!("payment={}", payments[0])), ids(&[1, 0]));
    assert_eq!(list(&format!("starting_after={}&limit=2", made[3]["id"].as_str().unwrap())), ids(&[2, 1]));
    assert_eq!(list("created_before=2026-01-01T00:00:00Z"), Vec::<Value>::new());
    assert_eq!(list("created_after=2026-01-01T00:00:00%2B08:00"), ids(&[3, 2, 1, 0]));
    let of_first = made[0]["created_at"].as_str().unwrap();
    let before_first = list(&format!("created_before={of_first}"));
    let since_first = list(&format!("created_after={of_first}"));
    assert_eq!((before_first, since_first), (Vec::new(), ids(&[3, 2, 1, 0])));
    for (query, field) in [
        ("created_after=yesterday", "created_after"),
        ("created_before=2026-02-30T00:00:00Z", "created_before"),
        ("payment=ref_01h455vb4pex5vsknk084sn02q", "payment"),
        ("status=open", "status"),
    ] {
        platform.get(&token, &format!("/v1/refunds?{query}")).expect_problem(400, "invalid_field", Some(field));
    }
    let till = platform.get(&read_only_token(directory::Actor::Till(till_of(MERCHANT))), "/v1/refunds").expect(200);
    assert_eq!(till.json()["data"].as_array().unwrap().len(), 4);
}

#[test]
fn refunds_that_cannot_be_change_nothing() {
    let platform = Platform::start();
    let paid = platform.paid(0, 1_000);
    let before = (platform.position(), platform.balance(0));
    let cases: [(Value, u16, &str, Option<&str>); 14] = [
        (json!({}), 400, "invalid_field", Some("payment")),
        (json!({ "payment": "ord_01h455vb4pex5vsknk084sn02q" }), 400, "invalid_field", Some("payment")),
        (json!({ "payment": null }), 400, "invalid_field", Some("payment")),
        (json!({ "payment": "pay_01h455vb4pex5vsknk084sn02q" }), 404, "not_found", None),
        (json!({ "payment": paid, "amount": null }), 400, "invalid_field", Some("amount")),
        (json!({ "payment": paid, "amount": 5 }), 400, "invalid_field", Some("amount")),
        (json!({ "payment": paid, "amount": yuan(0) }), 400, "invalid_field", Some("amount.amount")),
        (
            json!({ "payment": paid, "amount": { "amount": 5, "currency": "JPY" } }),
            422,
            "currency_mismatch",
            Some("amount.currency"),
        ),
        (json!({ "payment": paid, "amount": yuan(1_001) }), 422, "refund_exceeds_payment", None),
        (json!({ "payment": paid, "amount": yuan(i64::MAX as u64) }), 422, "refund_exceeds_payment", None),
        (json!({ "payment": paid, "reason": "" }), 400, "invalid_field", Some("reason")),
        (json!({ "payment": paid, "reason": "x".repeat(141) }), 400, "invalid_field", Some("reason")),
        (json!({ "payment": paid, "reason": null }), 400, "invalid_field", Some("reason")),
        (json!({ "payment": paid, "colour": "red" }), 400, "invalid_field", Some("colour")),
    ];
    for (body, status, code, field) in cases {
        refund(&platform, &body).expect_problem(status, code, field);
    }
    let other = platform.post(&merchant_token(OTHER_MERCHANT), "/v1/refunds", &json!({ "payment": paid }));
    other.expect_problem(404, "not_found", None);
    assert_eq!((platform.position(), platform.balance(0)), before);
}

#[test]
fn a_refund_comes_out_of_what_there_is() {
    let platform = Platform::start();
    let paid = platform.paid(0, 1_000);
    let other = platform.paid(1, 500);
    refund(&platform, &json!({ "payment": paid })).expect(201);
    // The rest of what has gathered covers the whole of it, and not a unit more.
    refund(&platform, &json!({ "payment": other })).expect(201);
    let balance = platform.get(&merchant_token(MERCHANT), "/v1/balance").expect(200).json();
    let yuan_account = balance["data"].as_array().unwrap().iter().find(|of| of["currency"] == "CNY").unwrap().clone();
    assert_eq!((&yuan_account["pending"], &yuan_account["owed"]), (&json!(0), &json!(0)));
}

#[test]
fn bug_01_over_http_a_hundred_parallel_refunds_come_to_the_capture() {
    const AT_ONCE: usize = 100;
    const CAPTURED: u64 = 1_000;
    let platform = Platform::start();
    let paid = platform.paid(0, CAPTURED);
    // So that it is the payment that bounds them, not what the merchant has.
    (1..4).for_each(|n| drop(platform.paid(n, 10 * CAPTURED)));
    // Sums of all sizes, three times the capture together.
    let amounts: Vec<u64> = (0..AT_ONCE as u64).map(|n| 1 + n % 37).collect();
    let amounts: Vec<u64> = {
        let sum: u64 = amounts.iter().sum();
        let rest = 3 * CAPTURED - sum;
        amounts.iter().zip(money::allocate(rest, &vec![1; AT_ONCE])).map(|(amount, more)| amount + more).collect()
    };
    assert_eq!(amounts.iter().sum::<u64>(), 3 * CAPTURED);
    let barrier = Barrier::new(AT_ONCE);
    let replies: Vec<(u64, Reply)> = thread::scope(|scope| {
        let (platform, paid, barrier) = (&platform, &paid, &barrier);
        let ask = |amount: u64| {
            scope.spawn(move || {
                barrier.wait();
                (amount, refund(platform, &json!({ "payment": paid, "amount": yuan(amount) })))
            })
        };
        let threads: Vec<_> = amounts.iter().map(|amount| ask(*amount)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let accepted: u64 = replies.iter().filter(|(_, reply)| reply.status == 201).map(|(amount, _)| amount).sum();
    assert!(replies.iter().all(|(_, reply)| reply.status == 201 || reply.code() == "refund_exceeds_payment"));
    let left = payment(&platform, &paid)["refundable"]["amount"].as_u64().unwrap();
    assert_eq!(accepted + left, CAPTURED);
    // What none of them could take is taken unit by unit, to the last.
    (0..left).for_each(|_| drop(refund(&platform, &json!({ "payment": paid, "amount": yuan(1) })).expect(201)));
    refund(&platform, &json!({ "payment": paid, "amount": yuan(1) })).expect_problem(
        422,
        "refund_exceeds_payment",
        None,
    );
    let now = payment(&platform, &paid);
    assert_eq!((&now["refunded"], &now["refundable"]), (&yuan(CAPTURED), &yuan(0)));
    assert_eq!(platform.balance(0), Platform::BALANCE);
}

#[test]
fn bug_15_a_refund_that_failed_fails_again_under_its_key() {
    let platform = Platform::start();
    let token = merchant_token(MERCHANT);
    let paid = platform.paid(0, 100);
    let ask = |amount: u64, key: &str| {
        let body = json!({ "payment": paid, "amount": yuan(amount) }).to_string();
        platform.send(&Request::post("/v1/refunds", body).token(&token).key(key))
    };
    ask(101, "too-much").expect_problem(422, "refund_exceeds_payment", None);
    ask(60, "some").expect(201);
    ask(60, "again").expect_problem(422, "refund_exceeds_payment", None);
    ask(101, "too-much").expect_problem(422, "refund_exceeds_payment", None);
    let first = ask(60, "some").expect(201);
    assert_eq!(first.body, ask(60, "some").expect(201).body);
    assert_eq!(payment(&platform, &paid)["refunded"], yuan(60));
}
