//! Hearing of what happens.

use std::time::{Duration, Instant};

use serde_json::json;
use server::Options;

use crate::client::{Events, Request};
use crate::platform::{
    MERCHANT, OTHER_MERCHANT, Platform, STANDING_TAG, TILL_TAG, deposit, eventually, merchant_token, money, wallet,
    wallet_token,
};

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap()
}

fn names(events: &mut Events, count: usize) -> Vec<String> {
    (0..count).map(|_| events.next().name).collect()
}

#[test]
fn bug_28_the_till_hears_of_every_outcome_within_a_second() {
    let platform = Platform::start();
    let mut till = Events::open(platform.address, &merchant_token(MERCHANT), None);
    let mut payer = Events::open(platform.address, &wallet_token(0), None);
    let order = platform.order().id();
    let tap = platform.tap(0, TILL_TAG).expect(201).id();
    let asked = Instant::now();
    let payment = platform.pay(0, &json!({ "tap": tap })).expect(201).json();
    let answered = asked.elapsed();
    assert_eq!(names(&mut till, 2), ["order.created", "tap.accepted"]);
    let paid = till.next();
    let told = asked.elapsed();
    println!("paid: the payer knew after {answered:?}, the till at the latest after {told:?}");
    assert!(told < Duration::from_secs(1));
    // The payer is not told what the merchant is charged.
    let seen_by_merchant = platform.get(&merchant_token(MERCHANT), &format!("/v1/payments/{}", text(&payment["id"])));
    assert_eq!((paid.name.as_str(), &paid.data), ("payment.succeeded", &seen_by_merchant.json()));
    assert_eq!(payer.next().data, payment);

    let tap = platform.tap(0, STANDING_TAG).expect(201).id();
    let too_much = json!({ "tap": tap, "amount": { "amount": Platform::BALANCE, "currency": "CNY" } });
    platform.pay(0, &too_much).expect_problem(402, "insufficient_funds", None);
    assert_eq!(till.next().name, "tap.accepted");
    for heard in [till.next(), payer.next()] {
        assert_eq!(heard.name, "payment.declined");
        assert_eq!((&heard.data["reason"], &heard.data["tap"]), (&json!("insufficient_funds"), &json!(tap)));
    }
    deposit(&platform.engine, 902, wallet(0), money(7, "JPY"));
    let deposited = payer.next();
    assert_eq!((deposited.name.as_str(), &deposited.data["amount"]["amount"]), ("deposit.succeeded", &json!(7)));
    drop(order);
}

#[test]
fn an_order_that_is_cancelled_is_told_whole() {
    let platform = Platform::start();
    let token = merchant_token(MERCHANT);
    let order = platform.order().id();
    // A listener, and a server, that have not seen it being created.
    let platform = platform.restart();
    let mut till = Events::open(platform.address, &token, None);
    let cancelled = platform.post(&token, &format!("/v1/orders/{order}/cancel"), &json!({})).expect(200).json();
    let heard = till.next();
    assert_eq!((heard.name.as_str(), &heard.data["id"]), ("order.cancelled", &cancelled["id"]));
    assert_eq!((&heard.data["status"], &heard.data["closed_at"]), (&json!("cancelled"), &cancelled["closed_at"]));
}

#[test]
fn invariant_10_nobody_hears_of_anothers_business() {
    let platform = Platform::start();
    let mut strangers = [
        Events::open(platform.address, &merchant_token(OTHER_MERCHANT), None),
        Events::open(platform.address, &wallet_token(1), None),
    ];
    let order = platform.order().id();
    let tap = platform.tap(0, TILL_TAG).expect(201).id();
    platform.pay(0, &json!({ "tap": tap })).expect(201);
    let order_again = platform.order().id();
    platform.post(&merchant_token(MERCHANT), &format!("/v1/orders/{order_again}/cancel"), &json!({})).expect(200);
    deposit(&platform.engine, 903, wallet(1), money(1, "CNY"));
    let body = json!({ "tag": crate::platform::OTHER_TAG, "currency": "CNY" });
    platform.post(&merchant_token(OTHER_MERCHANT), "/v1/orders", &body).expect(201);
    assert_eq!(strangers.each_mut().map(|stranger| stranger.next().name), ["order.created", "deposit.succeeded"]);
    drop(order);
}

#[test]
fn a_listener_that_comes_back_misses_nothing() {
    let platform = Platform::start();
    let token = merchant_token(MERCHANT);
    let mut till = Events::open(platform.address, &token, None);
    platform.order();
    let last = till.next();
    drop(till);
    let tap = platform.tap(0, TILL_TAG).expect(201).id();
    platform.pay(0, &json!({ "tap": tap })).expect(201);
    let mut till = Events::open(platform.address, &token, Some(&last.id.to_string()));
    assert_eq!(names(&mut till, 2), ["tap.accepted", "payment.succeeded"]);
    platform.order();
    assert_eq!(till.next().name, "order.created");
    // A wallet that says the same hears its own only.
    let mut payer = Events::open(platform.address, &wallet_token(0), Some(&last.id.to_string()));
    assert_eq!(payer.next().name, "payment.succeeded");
    // Somebody who has heard everything hears nothing again.
    let position = platform.position().to_string();
    let mut till = Events::open(platform.address, &token, Some(&position));
    platform.tap(0, TILL_TAG).expect(201);
    assert_eq!(till.next().name, "tap.accepted");
}

#[test]
fn who_missed_too_much_starts_over() {
    let platform = Platform::start_with(Options { replayed_events: 4, ..Options::default() });
    let token = merchant_token(MERCHANT);
    let start = platform.position();
    platform.order();
    for _ in 0..10 {
        platform.tap(0, TILL_TAG).expect(201);
    }
    for unknown in [start.to_string(), "0".to_owned(), (platform.position() + 1).to_string(), "soon".to_owned()] {
        let mut till = Events::open(platform.address, &token, Some(&unknown));
        let reset = till.next();
        assert_eq!((reset.name.as_str(), reset.id), ("reset", platform.position()), "{unknown}");
    }
    let mut till = Events::open(platform.address, &token, Some(&(platform.position() - 3).to_string()));
    assert_eq!(names(&mut till, 3), ["tap.accepted"; 3]);
    // After a restart nothing is at hand, and whoever knows everything needs nothing.
    let (last, position) = (platform.position() - 1, platform.position());
    let platform = platform.restart();
    assert_eq!(Events::open(platform.address, &token, Some(&last.to_string())).next().name, "reset");
    let mut till = Events::open(platform.address, &token, Some(&position.to_string()));
    platform.tap(0, TILL_TAG).expect(201);
    assert_eq!(till.next().name, "tap.accepted");
}

#[test]
fn a_slow_listener_loses_events_is_told_and_goes_on() {
    let platform = Platform::start_with(Options { events_waiting: 2, ..Options::default() });
    let mut payer = Events::open(platform.address, &wallet_token(0), None);
    // One batch comes at once, however fast the listener reads: more than may wait.
    let before = platform.engine.status().batches;
    for number in 0..5_000_u128 {
        let action = payments::Action::Deposit {
            id: ids::DepositId::from_u128(10_000 + number),
            wallet: wallet(0),
            money: money(1, "CNY"),
        };
        platform.engine.submit(action, None, drop).unwrap();
    }
    eventually(|| platform.balance(0) == Platform::BALANCE + 5_000);
    assert!(platform.engine.status().batches < before + 5_000);
    let heard = std::iter::from_fn(|| Some(payer.next())).take(5_001).position(|event| event.name == "reset");
    assert!(heard.is_some_and(|events| events < 5_000), "{heard:?}");
    // Several batches may each have been too much.
    std::thread::sleep(Duration::from_millis(100));
    deposit(&platform.engine, 904, wallet(0), money(77, "CNY"));
    let last = std::iter::from_fn(|| Some(payer.next())).find(|event| event.data["amount"]["amount"] == 77);
    assert_eq!(last.unwrap().name, "deposit.succeeded");
}

#[test]
fn a_stream_is_kept_open_and_ends_with_the_server() {
    let heartbeat = Duration::from_millis(50);
    let mut platform = Platform::start_with(Options { heartbeat, ..Options::default() });
    let mut till = Events::open(platform.address, &merchant_token(MERCHANT), None);
    assert_eq!(till.chunk().as_deref(), Some(":\n\n"));
    assert_eq!(till.chunk().as_deref(), Some(":\n\n"));
    let told = Instant::now();
    platform.stop();
    assert!(told.elapsed() < Duration::from_secs(2), "{:?}", told.elapsed());
    while let Some(chunk) = till.chunk() {
        assert_eq!(chunk, ":\n\n");
    }
}

#[test]
fn listeners_are_bounded() {
    let options = Options { max_listeners: 3, max_listeners_of_one: 2, ..Options::default() };
    let platform = Platform::start_with(options);
    let open = |token: &str| Events::open(platform.address, token, None);
    let (token, other) = (merchant_token(MERCHANT), wallet_token(0));
    let first = (open(&token), open(&token));
    let listen =
        |token: &str| platform.send(&Request::get("/v1/events").token(token).header("Accept", "text/event-stream"));
    let refused = listen(&token).expect_problem(429, "too_many_listeners", None);
    assert_eq!(refused.header("retry-after"), Some("1"));
    let _third = open(&other);
    listen(&wallet_token(1)).expect_problem(503, "overloaded", None);
    drop(first);
    eventually(|| {
        platform.order();
        let order = platform.get(&token, "/v1/orders?status=open").json()["data"][0]["id"].clone();
        let cancel = format!("/v1/orders/{}/cancel", order.as_str().unwrap());
        platform.post(&token, &cancel, &json!({})).expect(200);
        let metrics = platform.send(&Request::get("/metrics")).expect(200);
        metrics.text().contains("tapstone_event_listeners 1\n")
    });
    open(&token);
}

#[test]
fn what_happened_is_listed_as_it_was_then() {
    let platform = Platform::start();
    let token = merchant_token(MERCHANT);
    let order = platform.order().id();
    let tap = platform.tap(0, TILL_TAG).expect(201).id();
    let payment = platform.pay(0, &json!({ "tap": tap })).expect(201).id();
    let refund = json!({ "payment": payment, "amount": { "amount": 1, "currency": "CNY" }, "reason": "cold" });
    platform.post(&token, "/v1/refunds", &refund).expect(201);
    let cancelled = platform.order().id();
    platform.post(&token, &format!("/v1/orders/{cancelled}/cancel"), &json!({})).expect(200);

    let list = |query: &str| platform.get(&token, &format!("/v1/events{query}")).expect(200).json();
    let all = list("");
    let types: Vec<&str> = all["data"].as_array().unwrap().iter().map(|event| text(&event["type"])).collect();
    let expected = ["order.cancelled", "order.created", "refund.succeeded", "payment.succeeded", "order.created"];
    assert_eq!((types.as_slice(), &all["has_more"]), (expected.as_slice(), &json!(false)));
    // As of then: the order was open when it was created, and nothing had gone back when it was paid.
    assert_eq!((&all["data"][4]["data"]["id"], &all["data"][4]["data"]["status"]), (&json!(order), &json!("open")));
    assert_eq!(all["data"][3]["data"]["refunded"]["amount"], json!(0));
    assert_eq!(all["data"][2]["data"]["payment"]["refunded"]["amount"], json!(1));

    let mut pages = Vec::new();
    let mut query = "?limit=2".to_owned();
    loop {
        let page = list(&query);
        pages.extend(page["data"].as_array().unwrap().clone());
        if page["has_more"] == json!(false) {
            break;
        }
        query = format!("?limit=2&starting_after={}", text(&pages[pages.len() - 1]["id"]));
    }
    assert_eq!(&pages, all["data"].as_array().unwrap());
    for (filter, count) in [("payment.*", 1), ("order.created", 2), ("payment.authorized", 0), ("refund.*", 1)] {
        assert_eq!(list(&format!("?type={filter}"))["data"].as_array().unwrap().len(), count, "{filter}");
    }
    platform.get(&token, "/v1/events?type=soup").expect_problem(400, "invalid_field", Some("type"));
    for event in &pages {
        let path = format!("/v1/events/{}", text(&event["id"]));
        assert_eq!(&platform.get(&token, &path).expect(200).json(), event);
        platform.get(&merchant_token(OTHER_MERCHANT), &path).expect_problem(404, "not_found", None);
    }
    let platform = platform.restart();
    assert_eq!(platform.get(&token, "/v1/events").expect(200).json(), all);
}

#[test]
fn who_can_only_listen_is_told_so_when_it_asks_for_a_list() {
    let platform = Platform::start();
    let narrowed = "/v1/events?limit=3&created_after=2026-11-22T12:30:00Z";
    platform.get(&wallet_token(0), narrowed).expect_problem(403, "forbidden", None);
    let listed = platform.get(&merchant_token(MERCHANT), narrowed).expect(200).json();
    assert!(listed["data"].is_array());
}
