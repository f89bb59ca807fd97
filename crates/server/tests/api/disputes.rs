//! Disputes: opened by the payer, answered by the merchant, decided by the platform; and never paid back twice.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use directory::Actor;
use serde_json::{Value, json};

use crate::client::{Reply, Request};
use crate::platform::{MERCHANT, OTHER_MERCHANT, Platform, eventually, merchant_token, token, wallet, wallet_token};

const PRICE: u64 = 1_000;

fn yuan(amount: u64) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

fn dispute(platform: &Platform, body: &Value) -> Reply {
    platform.post(&wallet_token(0), "/v1/disputes", body)
}

fn operator() -> String {
    token(Actor::Operator).expose().to_owned()
}

fn decide(platform: &Platform, dispute: &Value, outcome: &str) -> Reply {
    let path = format!("/v1/disputes/{}/decide", dispute["id"].as_str().unwrap());
    platform.post(&operator(), &path, &json!({ "outcome": outcome }))
}

fn pending(platform: &Platform) -> u64 {
    let balance = platform.see("/v1/balance");
    let of_cny = balance["data"].as_array().unwrap().iter().find(|of| of["currency"] == "CNY").unwrap().clone();
    assert_eq!((&of_cny["owed"], &of_cny["available"]), (&json!(0), &json!(0)));
    of_cny["pending"].as_u64().unwrap()
}

#[test]
fn a_dispute_is_answered_and_won() {
    let platform = Platform::start();
    let paid = platform.paid(0, PRICE);
    let word = json!({ "payment": paid, "amount": yuan(400), "reason": "two cups were cold" });
    let opened = dispute(&platform, &word).expect(201).json();
    assert_eq!((&opened["status"], &opened["amount"]), (&json!("needs_response"), &yuan(400)));
    assert_eq!((&opened["merchant"], &opened["wallet"]), (&json!(MERCHANT), &json!(wallet(0))));
    assert_eq!((pending(&platform), platform.balance(0)), (PRICE - 400, Platform::BALANCE - PRICE));
    let payment = platform.see(&format!("/v1/payments/{paid}"));
    assert_eq!((&payment["disputed"], &payment["refundable"]), (&yuan(400), &yuan(600)));
    assert_eq!(payment["dispute"], opened["id"]);
    dispute(&platform, &word).expect_problem(409, "dispute_open", None);

    let path = format!("/v1/disputes/{}", opened["id"].as_str().unwrap());
    let words = json!({ "evidence": "Handed out at 12:31.\nHot." });
    let answered = platform.merchant_posts(&format!("{path}/evidence"), &words).expect(200).json();
    assert_eq!((&answered["status"], &answered["evidence"]), (&json!("under_review"), &words["evidence"]));
    platform.merchant_posts(&format!("{path}/evidence"), &words).expect_problem(409, "dispute_closed", None);
    for token in [merchant_token(MERCHANT), wallet_token(0), operator()] {
        assert_eq!(platform.get(&token, &path).expect(200).json(), answered);
        let open = platform.get(&token, "/v1/disputes?status=open").expect(200).json();
        assert_eq!(open, json!({ "data": [answered], "has_more": false }));
    }
    for stranger in [merchant_token(OTHER_MERCHANT), wallet_token(1)] {
        platform.get(&stranger, &path).expect_problem(404, "not_found", None);
        assert_eq!(platform.get(&stranger, "/v1/disputes").expect(200).json()["data"], json!([]));
    }
    let won = decide(&platform, &opened, "won").expect(200).json();
    assert_eq!((&won["status"], won["closed_at"].is_string()), (&json!("won"), true));
    assert_eq!((pending(&platform), platform.balance(0)), (PRICE, Platform::BALANCE - PRICE));
    let payment = platform.see(&format!("/v1/payments/{paid}"));
    assert_eq!(
        (&payment["disputed"], &payment["refundable"], &payment["dispute"]),
        (&yuan(0), &yuan(1_000), &Value::Null)
    );
    decide(&platform, &opened, "lost").expect_problem(409, "dispute_closed", None);
    let open = platform.see("/v1/disputes?status=open");
    assert_eq!(open["data"], json!([]));
    assert_eq!(platform.see("/v1/disputes")["data"], json!([won]));
}

#[test]
fn a_dispute_is_lost_by_decision_by_acceptance_and_by_time() {
    let platform = Platform::start();
    let ends: [fn(&Platform, &Value); 3] = [
        |platform, opened| drop(decide(platform, opened, "lost").expect(200)),
        |platform, opened| {
            let path = format!("/v1/disputes/{}/accept", opened["id"].as_str().unwrap());
            assert_eq!(platform.merchant_posts(&path, &json!({})).expect(200).json()["status"], "lost");
            platform.merchant_posts(&path, &json!({})).expect_problem(409, "dispute_closed", None);
        },
        |platform, opened| {
            platform.pass(Duration::from_secs(7 * 24 * 60 * 60));
            let path = format!("/v1/disputes/{}/evidence", opened["id"].as_str().unwrap());
            let late = platform.merchant_posts(&path, &json!({ "evidence": "I was ill." }));
            late.expect_problem(409, "dispute_closed", None);
        },
    ];
    for end in ends {
        let paid = platform.paid(0, PRICE);
        let before = platform.balance(0);
        let opened = dispute(&platform, &json!({ "payment": paid, "reason": "never received" })).expect(201).json();
        end(&platform, &opened);
        eventually(|| {
            // Whatever is decided next lets the time be noticed.
            platform.paid(1, 1);
            platform.look_at("disputes", &opened)["status"] == "lost"
        });
        assert_eq!(platform.balance(0), before + PRICE);
        // All of it went back: nothing is left to refund or to dispute.
        let refund = platform.merchant_posts("/v1/refunds", &json!({ "payment": paid }));
        refund.expect_problem(422, "refund_exceeds_payment", None);
        let again = dispute(&platform, &json!({ "payment": paid, "reason": "once more" }));
        again.expect_problem(422, "refund_exceeds_payment", None);
    }
}

#[test]
fn disputes_that_cannot_be_change_nothing() {
    let platform = Platform::start();
    let [paid, another] = [PRICE, 1].map(|amount| platform.paid(0, amount));
    let before = (platform.position(), platform.balance(0));
    let good = json!({ "payment": paid, "reason": "never received" });
    let cases: [(&str, Value, u16, &str, Option<&str>); 13] = [
        ("payment", json!("x"), 400, "invalid_field", Some("payment")),
        ("payment", Value::Null, 400, "invalid_field", Some("payment")),
        ("payment", json!("pay_01h455vb4pex5vsknk084sn02q"), 404, "not_found", None),
        ("amount", Value::Null, 400, "invalid_field", Some("amount")),
        ("amount", json!(1), 400, "invalid_field", Some("amount")),
        ("amount", yuan(0), 400, "invalid_field", Some("amount.amount")),
        ("amount", yuan(PRICE + 1), 422, "refund_exceeds_payment", None),
        ("amount", json!({ "amount": 1, "currency": "JPY" }), 422, "currency_mismatch", Some("amount.currency")),
        ("reason", Value::Null, 400, "invalid_field", Some("reason")),
        ("reason", json!(""), 400, "invalid_field", Some("reason")),
        ("reason", json!("x".repeat(141)), 400, "invalid_field", Some("reason")),
        ("reason", json!("a\u{202e}b"), 400, "invalid_field", Some("reason")),
        ("evidence", json!("x"), 400, "invalid_field", Some("evidence")),
    ];
    for (name, value, status, code, field) in cases {
        let mut body = good.clone();
        body[name] = value;
        dispute(&platform, &body).expect_problem(status, code, field);
    }
    dispute(&platform, &json!({ "payment": paid })).expect_problem(400, "invalid_field", Some("reason"));
    platform.post(&wallet_token(1), "/v1/disputes", &good).expect_problem(404, "not_found", None);
    let list = platform.get(&wallet_token(0), "/v1/disputes?status=won");
    list.expect_problem(400, "invalid_field", Some("status"));
    assert_eq!((platform.position(), platform.balance(0)), before);

    let opened = dispute(&platform, &good).expect(201).id();
    let before = (platform.position(), platform.balance(0));
    let path = |what: &str| format!("/v1/disputes/{opened}/{what}");
    for (body, field) in [
        (json!({}), "evidence"),
        (json!({ "evidence": null }), "evidence"),
        (json!({ "evidence": " \n" }), "evidence"),
        (json!({ "evidence": "x".repeat(4_001) }), "evidence"),
        (json!({ "evidence": "a\u{0}" }), "evidence"),
        (json!({ "evidence": "a", "file": "b" }), "file"),
    ] {
        let reply = platform.merchant_posts(&path("evidence"), &body);
        reply.expect_problem(400, "invalid_field", Some(field));
    }
    for body in
        [json!({}), json!({ "outcome": null }), json!({ "outcome": "draw" }), json!({ "outcome": { "won": null } })]
    {
        let reply = platform.post(&operator(), &path("decide"), &body);
        reply.expect_problem(400, "invalid_field", Some("outcome"));
    }
    for (what, body) in [("evidence", json!({ "evidence": "x" })), ("accept", json!({}))] {
        platform.post(&merchant_token(OTHER_MERCHANT), &path(what), &body).expect_problem(404, "not_found", None);
        let unknown = format!("/v1/disputes/dsp_01h455vb4pex5vsknk084sn02q/{what}");
        platform.merchant_posts(&unknown, &body).expect_problem(404, "not_found", None);
        let no_id = format!("/v1/disputes/pay_01h455vb4pex5vsknk084sn02q/{what}");
        platform.merchant_posts(&no_id, &body).expect_problem(400, "invalid_id", Some("id"));
    }
    assert_eq!((platform.position(), platform.balance(0)), before);

    platform.pass(Duration::from_secs(120 * 24 * 60 * 60));
    let late = dispute(&platform, &json!({ "payment": another, "reason": "late" }));
    late.expect_problem(422, "dispute_too_late", None);
}

#[test]
fn bug_02_over_http_a_refund_and_a_dispute_never_pay_back_twice() {
    let platform = Platform::start();
    let refund = |paid: &str, amount: u64| {
        platform.merchant_posts("/v1/refunds", &json!({ "payment": paid, "amount": yuan(amount) }))
    };
    let word = |paid: &str, amount: u64| {
        dispute(&platform, &json!({ "payment": paid, "amount": yuan(amount), "reason": "never received" }))
    };
    // So that it is the payment that bounds them, not what the merchant has.
    platform.paid(1, 100 * PRICE);
    for (refunded, disputed) in [(PRICE, PRICE), (600, 600), (PRICE, 1), (1, PRICE), (400, 600)] {
        for (refund_first, outcome) in [(true, "lost"), (false, "lost"), (true, "won"), (false, "won")] {
            let before = platform.balance(0);
            let paid = platform.paid(0, PRICE);
            let replies = if refund_first {
                let first = refund(&paid, refunded);
                (first, word(&paid, disputed))
            } else {
                let first = word(&paid, disputed);
                (refund(&paid, refunded), first)
            };
            let (refund_reply, dispute_reply) = replies;
            let first = if refund_first { &refund_reply } else { &dispute_reply };
            assert_eq!(first.status, 201);
            let mut back = if refund_reply.status == 201 { refunded } else { 0 };
            if dispute_reply.status == 201 {
                decide(&platform, &dispute_reply.json(), outcome).expect(200);
                back += if outcome == "lost" { disputed } else { 0 };
            }
            for reply in [&refund_reply, &dispute_reply] {
                assert!(reply.status == 201 || reply.code() == "refund_exceeds_payment", "{}", reply.text());
            }
            assert!(back <= PRICE);
            let payment = platform.see(&format!("/v1/payments/{paid}"));
            assert_eq!(payment["refundable"], yuan(PRICE - back));
            assert_eq!(platform.balance(0), before - PRICE + back);
        }
    }
}

#[test]
fn bug_02_over_http_together_they_pay_back_once() {
    let platform = Platform::start();
    platform.paid(1, 100 * PRICE);
    for _ in 0..20 {
        let before = platform.balance(0);
        let paid = platform.paid(0, PRICE);
        let barrier = Barrier::new(2);
        let (refunded, disputed) = thread::scope(|scope| {
            let refund = scope.spawn(|| {
                barrier.wait();
                platform.merchant_posts("/v1/refunds", &json!({ "payment": paid }))
            });
            let word = scope.spawn(|| {
                barrier.wait();
                dispute(&platform, &json!({ "payment": paid, "reason": "never received" }))
            });
            (refund.join().unwrap(), word.join().unwrap())
        });
        let statuses = [refunded.status, disputed.status];
        assert!([[201, 422], [422, 201]].contains(&statuses), "{statuses:?}");
        if disputed.status == 201 {
            decide(&platform, &disputed.json(), "lost").expect(200);
        }
        assert_eq!(platform.balance(0), before);
    }
}

#[test]
fn bug_16_what_a_dispute_was_answered_is_answered_again() {
    let platform = Platform::start();
    let paid = platform.paid(0, PRICE);
    let ask = |token: &str, path: &str, body: &Value, key: &str| {
        platform.send(&Request::post(path, body.to_string()).token(token).key(key))
    };
    let (payer, merchant, operator) = (wallet_token(0), merchant_token(MERCHANT), operator());
    let word = json!({ "payment": paid, "reason": "never received" });
    let opened = ask(&payer, "/v1/disputes", &word, "open").expect(201);
    let path = |what: &str| format!("/v1/disputes/{}/{what}", opened.id());
    let answer = json!({ "evidence": "Handed out." });
    let answered = ask(&merchant, &path("evidence"), &answer, "answer").expect(200);
    let decided = ask(&operator, &path("decide"), &json!({ "outcome": "won" }), "decide").expect(200);
    // Each says again what it said then, though the dispute has gone on.
    assert_eq!(ask(&payer, "/v1/disputes", &word, "open").expect(201).body, opened.body);
    assert_eq!(ask(&merchant, &path("evidence"), &answer, "answer").expect(200).body, answered.body);
    let again = ask(&operator, &path("decide"), &json!({ "outcome": "won" }), "decide").expect(200);
    assert_eq!(again.body, decided.body);
    let other = json!({ "payment": paid, "reason": "something else" });
    ask(&payer, "/v1/disputes", &other, "open").expect_problem(409, "idempotency_conflict", None);
    let other = json!({ "evidence": "Something else." });
    ask(&merchant, &path("evidence"), &other, "answer").expect_problem(409, "idempotency_conflict", None);
    let other = ask(&operator, &path("decide"), &json!({ "outcome": "lost" }), "decide");
    other.expect_problem(409, "idempotency_conflict", None);
    assert_eq!(platform.balance(0), Platform::BALANCE - PRICE);
}
