//! The same key and body get the same answer, for ever.

use serde_json::{Value, json};

use crate::client::{Reply, Request};
use crate::platform::{MERCHANT, Platform, STANDING_TAG, TILL_TAG, merchant_token, wallet_token};

/// What must be equal: all of it; of a problem, all but the request's own id.
fn essence(reply: &Reply) -> (u16, Vec<u8>) {
    if reply.status < 300 {
        return (reply.status, reply.body.clone());
    }
    let mut problem = reply.json();
    problem.as_object_mut().unwrap().remove("request_id");
    (reply.status, problem.to_string().into_bytes())
}

struct Asked {
    token: String,
    path: String,
    body: String,
    answer: (u16, Vec<u8>),
}

fn ask(platform: &Platform, number: usize, token: &str, path: &str, body: &Value) -> Asked {
    let (token, path, body) = (token.to_owned(), path.to_owned(), body.to_string());
    let reply = platform.send(&Request::post(&path, body.as_bytes()).token(&token).key(&format!("key-{number}")));
    let answer = essence(&reply);
    Asked { token, path, body, answer }
}

fn assert_same_answers(platform: &Platform, asked: &[Asked]) {
    let before = (platform.position(), platform.balance(0));
    for (number, Asked { token, path, body, answer }) in asked.iter().enumerate() {
        let again = Request::post(path, body.as_bytes()).token(token).key(&format!("key-{number}"));
        assert_eq!(&essence(&platform.send(&again)), answer, "{path} {body}");
        let other = Request::post(path, format!("{body} ")).token(token).key(&format!("key-{number}"));
        platform.send(&other).expect_problem(409, "idempotency_conflict", None);
    }
    assert_eq!((platform.position(), platform.balance(0)), before, "replays change nothing");
}

#[test]
fn invariant_03_replays_are_equal_byte_for_byte_also_after_a_restart() {
    let platform = Platform::start();
    let (merchant, payer) = (merchant_token(MERCHANT), wallet_token(0));
    let mut asked: Vec<Asked> = Vec::new();
    let mut ask_next = |token: &str, path: &str, body: Value| {
        asked.push(ask(&platform, asked.len(), token, path, &body));
        serde_json::from_slice::<Value>(&asked.last().unwrap().answer.1).unwrap()
    };
    let amount = json!({ "amount": 1_250, "currency": "CNY" });
    let refuse = json!({ "if_paid": "refuse" });
    let order = ask_next(&merchant, "/v1/orders", json!({ "tag": TILL_TAG, "amount": amount, "description": "tea" }));
    ask_next(&merchant, "/v1/orders", json!({ "tag": TILL_TAG, "amount": amount }));
    let tap = ask_next(&payer, "/v1/taps", json!({ "url": platform.touch(TILL_TAG) }));
    ask_next(&payer, "/v1/payments", json!({ "tap": tap["id"], "amount": { "amount": 1, "currency": "CNY" } }));
    ask_next(&payer, "/v1/payments", json!({ "tap": tap["id"] }));
    ask_next(&payer, "/v1/payments", json!({ "tap": tap["id"] }));
    ask_next(&merchant, &format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap()), refuse);
    let order = ask_next(&merchant, "/v1/orders", json!({ "tag": TILL_TAG, "currency": "JPY" }));
    let cancel = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    ask_next(&merchant, &cancel, json!({}));
    ask_next(&merchant, &cancel, json!({}));
    let tap = ask_next(&payer, "/v1/taps", json!({ "url": platform.touch(STANDING_TAG) }));
    let too_much = json!({ "amount": Platform::BALANCE + 1, "currency": "CNY" });
    ask_next(&payer, "/v1/payments", json!({ "tap": tap["id"], "amount": too_much }));
    let statuses: Vec<u16> = asked.iter().map(|asked| asked.answer.0).collect();
    assert_eq!(statuses, [201, 409, 201, 422, 201, 409, 409, 201, 200, 200, 201, 402]);

    assert_same_answers(&platform, &asked);
    let platform = platform.restart();
    assert_same_answers(&platform, &asked);
}

#[test]
fn bug_15_a_failure_stays_a_failure_when_there_is_money_again() {
    let platform = Platform::start();
    let token = wallet_token(0);
    let tap = platform.tap(0, STANDING_TAG).expect(201).id();
    let amount = json!({ "amount": Platform::BALANCE + 1, "currency": "CNY" });
    let body = json!({ "tap": tap, "amount": amount }).to_string();
    let payment = Request::post("/v1/payments", body.as_bytes()).token(&token);
    let with_key = payment.clone().key("once");
    platform.send(&with_key).expect_problem(402, "insufficient_funds", None);
    crate::platform::deposit(&platform.engine, 901, crate::platform::wallet(0), crate::platform::money(1, "CNY"));
    platform.send(&with_key).expect_problem(402, "insufficient_funds", None);
    platform.send(&payment.key("another")).expect(201);
    platform.send(&with_key).expect_problem(402, "insufficient_funds", None);
}

#[test]
fn a_phone_that_waits_for_the_shop_keeps_its_key() {
    let platform = Platform::start();
    let token = wallet_token(0);
    let body = json!({ "url": platform.touch(TILL_TAG) }).to_string();
    let tap = Request::post("/v1/taps", body).token(&token).key("one-touch");
    let before = platform.position();
    for _ in 0..3 {
        platform.send(&tap).expect_problem(409, "nothing_to_pay", None);
    }
    assert_eq!(platform.position(), before);
    platform.order();
    let accepted = platform.send(&tap).expect(201);
    assert_eq!(platform.send(&tap).expect(201).body, accepted.body);
}

#[test]
fn keys_of_two_actors_and_two_paths_do_not_meet() {
    let platform = Platform::start();
    let taps = [0, 1].map(|n| {
        let body = json!({ "url": platform.touch(STANDING_TAG) }).to_string();
        let token = wallet_token(n);
        platform.send(&Request::post("/v1/taps", body).token(&token).key("1")).expect(201).id()
    });
    let token = wallet_token(0);
    let body = json!({ "tap": taps[0], "amount": { "amount": 1, "currency": "CNY" } }).to_string();
    let reply = platform.send(&Request::post("/v1/payments", body).token(&token).key("1"));
    reply.expect_problem(409, "idempotency_conflict", None);
}
