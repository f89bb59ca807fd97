//! What works: from an order to the money, and everything that can be read afterwards.

use serde_json::{Value, json};

use crate::client::Request;
use crate::platform::{MERCHANT, OTHER_TAG, Platform, STANDING_TAG, TILL_TAG, merchant_token, wallet, wallet_token};

#[test]
fn an_order_is_tapped_and_paid() {
    let platform = Platform::start();
    let (merchant, payer) = (merchant_token(MERCHANT), wallet_token(0));
    let wanted = json!({
        "tag": TILL_TAG, "amount": { "amount": 1_250, "currency": "CNY" }, "description": "2 × oolong", "reference": "R-1",
        "expires_in_seconds": 30,
    });
    let order = platform.post(&merchant, "/v1/orders", &wanted).expect(201).json();
    assert_eq!(order["status"], "open");
    assert_eq!((&order["description"], &order["reference"]), (&json!("2 × oolong"), &json!("R-1")));
    let tags = platform.get(&merchant, "/v1/tags").expect(200).json();
    let waiting = |tag: Value| tag["waiting_order"] == order["id"];
    assert_eq!(tags["data"].as_array().unwrap().iter().filter(|tag| waiting((*tag).clone())).count(), 1);

    let tap = platform.tap(0, TILL_TAG).expect(201).json();
    assert_eq!(tap["order"]["amount"], json!({ "amount": 1_250, "currency": "CNY" }));
    assert_eq!((&tap["merchant"]["name"], &tap["merchant"]["name_zh"]), (&json!("Lantern Tea"), &json!("灯笼茶")));
    assert_eq!((&tap["label"], &tap["store"]["name"]), (&json!("Till 1"), &json!("West Lake")));
    let read_again = platform.get(&payer, &format!("/v1/taps/{}", tap["id"].as_str().unwrap())).expect(200);
    assert_eq!(read_again.json(), tap);

    let payment = platform.pay(0, &json!({ "tap": tap["id"], "amount": { "amount": 1_250, "currency": "CNY" } }));
    let payment = payment.expect(201).json();
    assert_eq!((&payment["order"], &payment["description"]), (&order["id"], &json!("2 × oolong")));
    let path = format!("/v1/payments/{}", payment["id"].as_str().unwrap());
    // The merchant is told besides what it is charged, and who receives how much.
    let mut received = payment.clone();
    received["fee"] = json!({ "amount": 0, "currency": "CNY" });
    received["shares"] = json!([]);
    for (party, seen) in [(&merchant, &received), (&payer, &payment)] {
        assert_eq!(&platform.get(party, &path).expect(200).json(), seen);
        let listed = platform.get(party, "/v1/payments").expect(200).json();
        assert_eq!(listed, json!({ "data": [seen], "has_more": false }));
    }
    let order = platform.get(&merchant, &format!("/v1/orders/{}", order["id"].as_str().unwrap())).expect(200).json();
    assert_eq!((&order["status"], &order["payment"]), (&json!("paid"), &payment["id"]));
    assert_eq!(order["amount_paid"], payment["amount"]);
    assert_eq!(platform.balance(0), Platform::BALANCE - 1_250);

    let history = platform.get(&payer, "/v1/wallets/me/history?limit=1").expect(200).json();
    let entry = &history["data"][0];
    assert_eq!(
        (&entry["type"], &entry["direction"], &entry["payment"]),
        (&json!("payment"), &json!("debit"), &payment["id"])
    );
    assert_eq!(entry["balance_after"], json!({ "amount": Platform::BALANCE - 1_250, "currency": "CNY" }));
    assert_eq!(history["has_more"], true);
}

#[test]
fn the_payer_types_the_amount_where_nothing_is_asked() {
    let platform = Platform::start();
    let tap = platform.tap(1, STANDING_TAG).expect(201).json();
    assert_eq!(tap["order"], Value::Null);
    platform.pay(1, &json!({ "tap": tap["id"] })).expect_problem(422, "amount_required", None);
    let yen = json!({ "tap": tap["id"], "amount": { "amount": 5, "currency": "JPY" } });
    platform.pay(1, &yen).expect_problem(422, "currency_mismatch", None);
    let yuan = json!({ "tap": tap["id"], "amount": { "amount": 5, "currency": "CNY" } });
    platform.pay(1, &yuan).expect(201);
    platform.pay(1, &yuan).expect_problem(409, "tap_already_used", None);

    let open = json!({ "tag": TILL_TAG, "currency": "JPY" });
    let order = platform.post(&merchant_token(MERCHANT), "/v1/orders", &open).expect(201).json();
    assert_eq!((&order["amount"], &order["currency"]), (&Value::Null, &json!("JPY")));
    let tap = platform.tap(2, TILL_TAG).expect(201).json();
    assert_eq!(tap["currency"], "JPY");
    let payment = platform.pay(2, &json!({ "tap": tap["id"], "amount": { "amount": 777, "currency": "JPY" } }));
    assert_eq!(payment.expect(201).json()["amount"], json!({ "amount": 777, "currency": "JPY" }));
}

#[test]
fn an_order_waits_is_cancelled_and_makes_room() {
    let platform = Platform::start();
    let merchant = merchant_token(MERCHANT);
    let order = platform.order().id();
    let another = json!({ "tag": TILL_TAG, "currency": "CNY" });
    let busy = platform.post(&merchant, "/v1/orders", &another).expect_problem(409, "tag_busy", None);
    assert_eq!(busy.json()["order"], json!(order));
    let tap = platform.tap(0, TILL_TAG).expect(201).id();
    let cancel = format!("/v1/orders/{order}/cancel");
    let cancelled = platform.send(&Request { body: None, ..Request::post(&cancel, "").token(&merchant) }).expect(200);
    assert_eq!(cancelled.json()["status"], "cancelled");
    assert_eq!(platform.post(&merchant, &cancel, &json!({})).expect(200).json(), cancelled.json());
    platform.pay(0, &json!({ "tap": tap })).expect_problem(409, "order_cancelled", None);
    let order = platform.order().id();
    let tap = platform.tap(0, TILL_TAG).expect(201).id();
    platform.pay(0, &json!({ "tap": tap })).expect(201);
    let cancel = format!("/v1/orders/{order}/cancel");
    let refuse = json!({ "if_paid": "refuse" });
    platform.post(&merchant, &cancel, &refuse).expect_problem(409, "order_already_paid", None);
    let open = platform.get(&merchant, "/v1/orders?status=open").expect(200).json();
    assert_eq!(open, json!({ "data": [], "has_more": false }));
}

#[test]
fn time_closes_orders_and_taps() {
    let platform = Platform::start();
    let merchant = merchant_token(MERCHANT);
    let order = json!({ "tag": TILL_TAG, "currency": "CNY", "expires_in_seconds": 30 });
    let order = platform.post(&merchant, "/v1/orders", &order).expect(201).id();
    let mut till = crate::client::Events::open(platform.address, &merchant, None);
    let amount = json!({ "amount": 1, "currency": "CNY" });
    let taps = [TILL_TAG, STANDING_TAG].map(|tag| platform.tap(0, tag).expect(201).id());
    platform.pass(std::time::Duration::from_secs(31));
    platform.pay(0, &json!({ "tap": taps[0], "amount": amount })).expect_problem(409, "order_expired", None);
    let expired = std::iter::from_fn(|| Some(till.next())).find(|event| event.name == "order.expired").unwrap();
    assert_eq!((&expired.data["id"], &expired.data["status"]), (&json!(order), &json!("expired")));
    let read = platform.get(&merchant, &format!("/v1/orders/{order}")).expect(200).json();
    assert_eq!(read, expired.data);
    let cancel = format!("/v1/orders/{order}/cancel");
    platform.post(&merchant, &cancel, &json!({})).expect_problem(409, "order_already_closed", None);
    platform.pass(std::time::Duration::from_secs(150));
    platform.pay(0, &json!({ "tap": taps[1], "amount": amount })).expect_problem(410, "tap_expired", None);
    assert_eq!(platform.balance(0), Platform::BALANCE);
}

#[test]
fn a_touch_without_an_order_is_not_used_up() {
    let platform = Platform::start();
    let url = json!({ "url": platform.touch(TILL_TAG) });
    platform.post(&wallet_token(0), "/v1/taps", &url).expect_problem(409, "nothing_to_pay", None);
    platform.order();
    platform.post(&wallet_token(0), "/v1/taps", &url).expect(201);
    platform.post(&wallet_token(0), "/v1/taps", &url).expect_problem(409, "tap_replayed", None);
    platform.tap(0, OTHER_TAG).expect_problem(409, "nothing_to_pay", None);
}

#[test]
fn lists_come_in_parts_newest_first() {
    let platform = Platform::start();
    let merchant = merchant_token(MERCHANT);
    let made: Vec<String> = (0..7)
        .map(|_| {
            let order = platform.order().id();
            platform.post(&merchant, &format!("/v1/orders/{order}/cancel"), &json!({})).expect(200);
            order
        })
        .collect();
    let (mut listed, mut after) = (Vec::new(), String::new());
    loop {
        let page = platform.get(&merchant, &format!("/v1/orders?limit=3{after}")).expect(200).json();
        let ids = page["data"].as_array().unwrap().iter().map(|order| order["id"].as_str().unwrap().to_owned());
        listed.extend(ids);
        if page["has_more"] == false {
            break;
        }
        after = format!("&starting_after={}", listed.last().unwrap());
    }
    assert!(listed.iter().rev().eq(&made), "{listed:?} is not {made:?} backwards");
    let tags = platform.get(&merchant, "/v1/tags?limit=2").expect(200).json();
    assert_eq!((tags["data"].as_array().unwrap().len(), &tags["has_more"]), (2, &json!(true)));
    let rest = format!("/v1/tags?limit=2&starting_after={}", tags["data"][1]["id"].as_str().unwrap());
    let rest = platform.get(&merchant, &rest).expect(200).json();
    assert_eq!((rest["data"].as_array().unwrap().len(), &rest["has_more"]), (1, &json!(false)));
}

#[test]
fn a_merchant_and_a_wallet_read_themselves() {
    let platform = Platform::start();
    let merchant = platform.get(&merchant_token(MERCHANT), "/v1/merchants/me").expect(200).json();
    assert_eq!((&merchant["id"], &merchant["name_zh"]), (&json!(MERCHANT), &json!("灯笼茶")));
    assert_eq!(merchant["stores"][0]["tills"][0]["name"], "Till 1");
    let by_id = platform.get(&merchant_token(MERCHANT), &format!("/v1/merchants/{MERCHANT}")).expect(200).json();
    assert_eq!(by_id, merchant);
    let me = platform.get(&wallet_token(3), "/v1/wallets/me").expect(200).json();
    assert_eq!((&me["id"], &me["created_at"]), (&json!(wallet(3)), &json!("2026-11-22T12:30:00.000Z")));
    assert_eq!(me["balances"].as_array().unwrap().len(), 3);
}

#[test]
fn bug_25_a_large_amount_survives_every_path() {
    const AMOUNT: u64 = 9_007_199_254_740_993;
    let platform = Platform::start();
    crate::platform::deposit(&platform.engine, 900, wallet(0), crate::platform::money(AMOUNT, "KWD"));
    let digits = |reply: crate::client::Reply| assert!(reply.text().contains("9007199254740993"), "{}", reply.text());
    let merchant = merchant_token(MERCHANT);
    let amount = json!({ "amount": AMOUNT, "currency": "KWD" });
    let mut heard = crate::client::Events::open(platform.address, &merchant, None);
    let order = platform.post(&merchant, "/v1/orders", &json!({ "tag": TILL_TAG, "amount": amount })).expect(201);
    let path = format!("/v1/orders/{}", order.id());
    digits(order);
    digits(platform.get(&merchant, &path));
    let tap = platform.tap(0, TILL_TAG).expect(201);
    let id = tap.id();
    digits(tap);
    digits(platform.get(&wallet_token(0), &format!("/v1/taps/{id}")));
    let payment = platform.pay(0, &json!({ "tap": id, "amount": amount })).expect(201);
    let id = payment.id();
    digits(payment);
    digits(platform.get(&merchant, &path));
    digits(platform.get(&merchant, &format!("/v1/payments/{id}")));
    digits(platform.get(&wallet_token(0), "/v1/payments"));
    digits(platform.get(&wallet_token(0), "/v1/wallets/me/history?limit=1"));
    let paid = std::iter::from_fn(|| Some(heard.next())).find(|event| event.name == "payment.succeeded").unwrap();
    assert_eq!(paid.data["amount"], amount);
    let balances = platform.get(&wallet_token(0), "/v1/wallets/me/balances").expect(200).json();
    let of_kwd = balances["data"].as_array().unwrap().iter().find(|balance| balance["currency"] == "KWD").unwrap();
    assert_eq!(of_kwd["available"], Platform::BALANCE);
}
