//! Who got no answer asks, and is told the truth.

use std::io::Write;
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::{Reply, connect};
use crate::platform::{MERCHANT, OTHER_MERCHANT, Platform, TILL_TAG, merchant_token, wallet_token};

fn yuan(amount: u64) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

fn resolve(platform: &Platform, order: &str, body: &Value) -> Reply {
    platform.merchant_posts(&format!("/v1/orders/{order}/resolve"), body)
}

/// Sends a request and hangs up after a while, whatever the server says.
fn give_up(platform: &Platform, token: &str, path: &str, body: &Value, after: Duration) {
    let body = body.to_string();
    let mut stream = connect(platform.address);
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    std::thread::sleep(after);
}

#[test]
fn resolving_says_what_an_order_is() {
    let platform = Platform::start();
    let order = platform.ask(json!({ "amount": yuan(10), "reference": "R-1" })).expect(201).json();
    let id = order["id"].as_str().unwrap();
    let open = resolve(&platform, id, &json!({})).expect(200).json();
    assert_eq!(open, json!({ "order": order, "payment": null, "final": false }));
    let tap = platform.tap(0, TILL_TAG).expect(201).id();
    let payment = platform.pay(0, &json!({ "tap": tap })).expect(201).id();
    let payment = platform.see(&format!("/v1/payments/{payment}"));
    for body in [json!({}), json!({ "close": true })] {
        let paid = resolve(&platform, id, &body).expect(200).json();
        assert_eq!(
            (&paid["final"], &paid["payment"], &paid["order"]["status"]),
            (&json!(true), &payment, &json!("paid"))
        );
        let mut by_reference = body.clone();
        by_reference["reference"] = json!("R-1");
        assert_eq!(platform.merchant_posts("/v1/orders/resolve", &by_reference).expect(200).json(), paid);
    }

    let unpaid = platform.order().id();
    let closed = resolve(&platform, &unpaid, &json!({ "close": true })).expect(200).json();
    assert_eq!((&closed["final"], &closed["order"]["status"]), (&json!(true), &json!("cancelled")));
    assert_eq!(resolve(&platform, &unpaid, &json!({ "close": true })).expect(200).json(), closed);

    let late = platform.ask(json!({ "amount": yuan(10), "expires_in_seconds": 30 })).expect(201).id();
    platform.pass(Duration::from_secs(30));
    let expired = resolve(&platform, &late, &json!({})).expect(200).json();
    assert_eq!((&expired["final"], &expired["order"]["status"]), (&json!(true), &json!("expired")));

    let (held, _) = platform.asked_and_paid(0, json!({ "amount": yuan(10), "capture": "manual" }));
    let held = resolve(&platform, held["id"].as_str().unwrap(), &json!({ "close": true })).expect(200).json();
    assert_eq!((&held["final"], &held["payment"]["status"]), (&json!(false), &json!("authorized")));
    assert_eq!(held["order"]["status"], "held");
}

#[test]
fn what_cannot_be_resolved_is_refused() {
    let platform = Platform::start();
    let order = platform.ask(json!({ "amount": yuan(10), "reference": "R-1" })).expect(201).id();
    let before = platform.position();
    for (body, field) in [
        (json!({}), "reference"),
        (json!({ "reference": null }), "reference"),
        (json!({ "reference": "" }), "reference"),
        (json!({ "reference": "x".repeat(65) }), "reference"),
        (json!({ "reference": "R-1", "close": "yes" }), "close"),
        (json!({ "reference": "R-1", "close": null }), "close"),
        (json!({ "reference": "R-1", "order": order }), "order"),
    ] {
        platform.merchant_posts("/v1/orders/resolve", &body).expect_problem(400, "invalid_field", Some(field));
    }
    for (body, field) in [(json!({ "close": 1 }), "close"), (json!({ "reference": "R-1" }), "reference")] {
        resolve(&platform, &order, &body).expect_problem(400, "invalid_field", Some(field));
    }
    resolve(&platform, "x", &json!({})).expect_problem(400, "invalid_id", Some("id"));
    let nobodys = resolve(&platform, "ord_01h455vb4pex5vsknk084sn02q", &json!({ "close": true }));
    nobodys.expect_problem(404, "not_found", None);
    let unknown = platform.merchant_posts("/v1/orders/resolve", &json!({ "reference": "R-2" }));
    unknown.expect_problem(404, "not_found", None);
    let other = merchant_token(OTHER_MERCHANT);
    for (path, body) in [
        (format!("/v1/orders/{order}/resolve"), json!({ "close": true })),
        ("/v1/orders/resolve".to_owned(), json!({ "reference": "R-1", "close": true })),
    ] {
        platform.post(&other, &path, &body).expect_problem(404, "not_found", None);
    }
    assert_eq!(platform.position(), before);
}

/// A phone sends its payment and loses the network; the till asks what has become of the order and withdraws it. However
/// the two meet, what the till is told is what has happened to the money, and stays so.
#[test]
fn bug_21_a_payment_without_an_answer_is_resolved() {
    const PRICE: u64 = 10;
    let platform = Platform::start();
    let payer = wallet_token(0);
    let mut paid = 0;
    for n in 0..30_u64 {
        let order = platform.ask(json!({ "amount": yuan(PRICE) })).expect(201).id();
        let tap = json!({ "tap": platform.tap(0, TILL_TAG).expect(201).id() });
        let before = platform.balance(0);
        give_up(&platform, &payer, "/v1/payments", &tap, Duration::from_micros(n % 10 * 300));
        let told = resolve(&platform, &order, &json!({ "close": true })).expect(200).json();
        assert_eq!(told["final"], true);
        let is_paid = match told["order"]["status"].as_str().unwrap() {
            "paid" => true,
            "cancelled" => false,
            status => panic!("{status}"),
        };
        assert_eq!(told["payment"].is_object(), is_paid);
        paid += u32::from(is_paid);
        // If the payment came later than the question, it was refused; the phone asks again and hears of it.
        let again = platform.pay(0, &tap);
        let codes = if is_paid { ["tap_already_used", "order_already_paid"] } else { ["order_cancelled"; 2] };
        assert!(codes.contains(&again.code().as_str()), "{}", again.text());
        assert_eq!(platform.balance(0), before - if is_paid { PRICE } else { 0 });
        assert_eq!(resolve(&platform, &order, &json!({})).expect(200).json(), told);
    }
    println!("{paid} of 30 payments were quicker than the question");
}

/// A till sends its order and loses the network before it learns the order's id: it knows its own reference.
#[test]
fn bug_21_an_order_without_an_answer_is_resolved_by_its_reference() {
    let platform = Platform::start();
    let till = merchant_token(MERCHANT);
    for n in 0..20_u64 {
        let reference = format!("R-{n}");
        let order = json!({ "tag": TILL_TAG, "amount": yuan(10), "reference": reference });
        give_up(&platform, &till, "/v1/orders", &order, Duration::from_micros(n % 10 * 300));
        // It posts the same again: the order is there once, whichever of the two was first.
        let again = platform.post(&till, "/v1/orders", &order);
        match again.status {
            201 => {}
            409 => assert!(["reference_taken", "tag_busy"].contains(&again.code().as_str()), "{}", again.text()),
            _ => panic!("{}", again.text()),
        }
        let body = json!({ "reference": reference, "close": true });
        let told = platform.merchant_posts("/v1/orders/resolve", &body).expect(200).json();
        assert_eq!((&told["final"], &told["order"]["status"]), (&json!(true), &json!("cancelled")));
        assert_eq!(told["order"]["reference"], json!(reference));
        assert_eq!(platform.see(&format!("/v1/orders?reference={reference}"))["data"].as_array().unwrap().len(), 1);
    }
}
