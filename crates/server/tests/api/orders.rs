//! What an order can say: items, tips, receivers, notes, references; how it is cancelled and found.

use directory::Actor;
use serde_json::{Value, json};

use crate::client::{Events, Request};
use crate::platform::{
    MERCHANT, OTHER_MERCHANT, Platform, STANDING_TAG, TILL_TAG, merchant_token, store_of, till_of, token, wallet_token,
};

fn yuan(amount: u64) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

fn till() -> String {
    token(Actor::Till(till_of(MERCHANT))).expose().to_owned()
}

#[test]
fn an_order_says_all_that_it_was_asked_with() {
    let platform = Platform::start();
    let details = json!({
        "amount": yuan(1_250),
        "reference": "2026-000123",
        "capture": "manual",
        "hold_expires_in_seconds": 60,
        "tipping": true,
        "items": [
            { "name": "oolong", "quantity": 2, "unit_amount": 500 },
            { "name": "cake", "quantity": 1, "unit_amount": 250 },
        ],
        "splits": [{ "merchant": OTHER_MERCHANT, "basis_points": 1_000 }],
        "metadata": { "erp.id": "77-1", "table": "4 – window" },
    });
    let order = platform.ask(details.clone()).expect(201).json();
    for (name, expected) in details.as_object().unwrap() {
        let shown = match name.as_str() {
            "splits" => json!([{ "merchant": OTHER_MERCHANT, "amount": null, "basis_points": 1_000 }]),
            _ => expected.clone(),
        };
        assert_eq!(order[name], shown, "{name}");
    }
    assert_eq!(order["till"], Value::Null);
    assert_eq!(platform.look_at("orders", &order), order);
    let tap = platform.tap(0, TILL_TAG).expect(201).json();
    assert_eq!((&tap["order"]["items"], &tap["order"]["tipping"]), (&order["items"], &json!(true)));
    assert_eq!(tap["order"]["capture"], "manual");
    let paid = platform.pay(0, &json!({ "tap": tap["id"], "tip": 100 })).expect(201).json();
    assert_eq!((&paid["amount"], &paid["tip"], &paid["capturable"]), (&yuan(1_350), &yuan(100), &yuan(1_350)));
    // The payer does not learn to whom the merchant passes something on, nor what it is charged.
    assert!(paid.get("shares").is_none() && paid.get("fee").is_none());

    let plain = platform.restart();
    assert_eq!(plain.look_at("orders", &order)["items"], order["items"]);
}

#[test]
fn a_plain_order_has_nothing_of_it() {
    let platform = Platform::start();
    let order = platform.order().json();
    assert_eq!((&order["capture"], &order["hold_expires_in_seconds"]), (&json!("automatic"), &Value::Null));
    assert_eq!((&order["items"], &order["splits"], &order["metadata"]), (&json!([]), &json!([]), &json!({})));
    assert_eq!((&order["tipping"], &order["till"]), (&json!(false), &Value::Null));
    let tap = platform.tap(0, TILL_TAG).expect(201).id();
    platform.pay(0, &json!({ "tap": tap, "tip": 1 })).expect_problem(422, "tip_not_accepted", None);
    let paid = platform.pay(0, &json!({ "tap": tap })).expect(201).id();
    let seen = platform.see(&format!("/v1/payments/{paid}"));
    assert_eq!((&seen["shares"], &seen["fee"], &seen["tip"]), (&json!([]), &yuan(0), &yuan(0)));
}

#[test]
fn receivers_get_their_parts_to_the_unit() {
    let platform = Platform::start();
    let fixed = json!({ "amount": yuan(1_001), "splits": [{ "merchant": OTHER_MERCHANT, "amount": 333 }] });
    let by_rate = json!({
        "currency": "CNY", "tipping": true, "splits": [{ "merchant": OTHER_MERCHANT, "basis_points": 3_333 }]
    });
    let (_, payment) = platform.asked_and_paid(0, fixed);
    let seen = platform.look_at("payments", &payment);
    let amounts = |seen: &Value| {
        let shares = seen["shares"].as_array().unwrap().clone();
        shares.iter().map(|share| share["captured"]["amount"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((amounts(&seen), &seen["shares"][0]["merchant"]), (vec![333, 668], &json!(OTHER_MERCHANT)));
    platform.ask(by_rate).expect(201);
    let tap = platform.tap(0, TILL_TAG).expect(201).id();
    let payment = platform.pay(0, &json!({ "tap": tap, "amount": yuan(1_000), "tip": 1 })).expect(201).json();
    let seen = platform.look_at("payments", &payment);
    // A third of 1,001, rounded down; the rest is the merchant's.
    assert_eq!(amounts(&seen), vec![333, 668]);
    // A refund takes from each what it received of it.
    platform.merchant_posts("/v1/refunds", &json!({ "payment": payment["id"], "amount": yuan(500) })).expect(201);
    let seen = platform.look_at("payments", &payment);
    let returned: u64 =
        seen["shares"].as_array().unwrap().iter().map(|it| it["returned"]["amount"].as_u64().unwrap()).sum();
    assert_eq!(returned, 500);
    let gathered = |merchant| {
        let balance = platform.get(&merchant_token(merchant), "/v1/balance").expect(200).json();
        let of_cny = balance["data"].as_array().unwrap().iter().find(|of| of["currency"] == "CNY").unwrap().clone();
        of_cny["pending"].as_u64().unwrap()
    };
    assert_eq!(gathered(MERCHANT) + gathered(OTHER_MERCHANT), 1_001 + 1_001 - 500);
    // Of a split payment, only who asked for it sees it.
    let path = format!("/v1/payments/{}", payment["id"].as_str().unwrap());
    platform.get(&merchant_token(OTHER_MERCHANT), &path).expect_problem(404, "not_found", None);
}

#[test]
fn orders_with_bad_details_are_refused() {
    let platform = Platform::start();
    let item = |name: Value, quantity: Value, amount: Value| json!({ "items": [{ "name": name, "quantity": quantity, "unit_amount": amount }] });
    let split = |split: Value| json!({ "splits": [split] });
    let other = json!(OTHER_MERCHANT);
    let many_items = vec![json!({ "name": "x", "quantity": 1, "unit_amount": 1 }); 101];
    let many_splits = vec![json!({ "merchant": OTHER_MERCHANT, "amount": 1 }); 21];
    let many_notes: serde_json::Map<_, _> = (0..21).map(|n| (format!("n{n}"), json!("x"))).collect();
    let cases: [(Value, &str); 48] = [
        (json!({ "capture": "later" }), "capture"),
        (json!({ "capture": null }), "capture"),
        (json!({ "capture": { "manual": null } }), "capture"),
        (json!({ "hold_expires_in_seconds": 3_600 }), "hold_expires_in_seconds"),
        (json!({ "capture": "automatic", "hold_expires_in_seconds": 60 }), "hold_expires_in_seconds"),
        (json!({ "capture": "manual", "hold_expires_in_seconds": 59 }), "hold_expires_in_seconds"),
        (json!({ "capture": "manual", "hold_expires_in_seconds": 2_592_001 }), "hold_expires_in_seconds"),
        (json!({ "capture": "manual", "hold_expires_in_seconds": null }), "hold_expires_in_seconds"),
        (json!({ "capture": "manual", "hold_expires_in_seconds": "60" }), "hold_expires_in_seconds"),
        (json!({ "tipping": 1 }), "tipping"),
        (json!({ "tipping": null }), "tipping"),
        (json!({ "items": null }), "items"),
        (json!({ "items": {} }), "items"),
        (json!({ "items": many_items }), "items"),
        (item(json!("x"), json!(1), json!(999)), "items"),
        (item(json!(""), json!(1), json!(1_000)), "items[0].name"),
        (item(json!("x".repeat(141)), json!(1), json!(1_000)), "items[0].name"),
        (item(json!("x"), json!(0), json!(1_000)), "items[0].quantity"),
        (item(json!("x"), json!(-1), json!(1_000)), "items[0].quantity"),
        (item(json!("x"), json!(1.5), json!(1_000)), "items[0].quantity"),
        (item(json!("x"), json!(1_000_001), json!(1_000)), "items[0].quantity"),
        (item(json!("x"), json!(1), json!(0)), "items[0].unit_amount"),
        (item(json!("x"), json!(1_000_000), json!(i64::MAX)), "items"),
        (json!({ "items": [{ "name": "x", "quantity": 1 }] }), "items[0].unit_amount"),
        (json!({ "items": [{ "name": "x", "quantity": 1, "unit_amount": 1_000, "sku": "y" }] }), "items[0].sku"),
        (json!({ "splits": null }), "splits"),
        (json!({ "splits": many_splits }), "splits"),
        (split(json!({ "merchant": other })), "splits[0]"),
        (split(json!({ "merchant": other, "amount": 1, "basis_points": 1 })), "splits[0]"),
        (split(json!({ "merchant": "x", "amount": 1 })), "splits[0].merchant"),
        (split(json!({ "amount": 1 })), "splits[0].merchant"),
        (split(json!({ "merchant": other, "amount": 0 })), "splits[0].amount"),
        (split(json!({ "merchant": other, "basis_points": 0 })), "splits[0].basis_points"),
        (split(json!({ "merchant": other, "basis_points": 10_001 })), "splits[0].basis_points"),
        (split(json!({ "merchant": other, "basis_points": null })), "splits[0].basis_points"),
        (split(json!({ "merchant": other, "amount": 1_001 })), "splits"),
        (split(json!({ "merchant": MERCHANT, "amount": 1 })), "splits"),
        (json!({ "splits": [{ "merchant": other, "amount": 1 }, { "merchant": other, "amount": 1 }] }), "splits"),
        (json!({ "metadata": null }), "metadata"),
        (json!({ "metadata": [] }), "metadata"),
        (json!({ "metadata": many_notes }), "metadata"),
        (json!({ "metadata": { "": "x" } }), "metadata"),
        (json!({ "metadata": { "a b": "x" } }), "metadata"),
        (json!({ "metadata": { "x".repeat(41): "x" } }), "metadata"),
        (json!({ "metadata": { "a": "x".repeat(501) } }), "metadata"),
        (json!({ "metadata": { "a": "x\n" } }), "metadata"),
        (json!({ "metadata": { "a": 1 } }), "metadata"),
        (json!({ "reference": "" }), "reference"),
    ];
    let before = platform.position();
    for (details, field) in cases {
        let mut body = json!({ "amount": yuan(1_000) });
        body.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
        let reply = platform.ask(body);
        let found = reply.json()["field"].as_str().unwrap_or_default().to_owned();
        assert_eq!((reply.status, reply.code().as_str()), (400, "invalid_field"), "{details}: {}", reply.text());
        assert!(found == field || found == format!("{field}.a"), "{details}: {}", reply.text());
    }
    // With an open amount nothing can be fixed.
    for (details, field) in [
        (item(json!("x"), json!(1), json!(1)), "items"),
        (split(json!({ "merchant": OTHER_MERCHANT, "amount": 1 })), "splits"),
    ] {
        let mut body = json!({ "currency": "CNY" });
        body.as_object_mut().unwrap().extend(details.as_object().unwrap().clone());
        platform.ask(body).expect_problem(400, "invalid_field", Some(field));
    }
    // A receiver must be paid in the order's currency.
    let nobody = split(json!({ "merchant": "mch_01h455vb4pex5vsknk084sn02q", "amount": 1 }));
    let mut body = json!({ "amount": yuan(1_000) });
    body.as_object_mut().unwrap().extend(nobody.as_object().unwrap().clone());
    platform.ask(body).expect_problem(422, "receiver_not_accepted", None);
    assert_eq!(platform.position(), before);
}

#[test]
fn a_reference_names_one_order_for_ever() {
    let platform = Platform::start();
    let body = json!({ "amount": yuan(10), "reference": "R-7" });
    let first = platform.ask(body.clone()).expect(201).id();
    let cancel = format!("/v1/orders/{first}/cancel");
    platform.merchant_posts(&cancel, &json!({})).expect(200);
    let taken = platform.ask(body.clone()).expect_problem(409, "reference_taken", Some("reference"));
    assert_eq!(taken.json()["order"], json!(first));
    let platform = platform.restart();
    let taken = platform.ask(body).expect_problem(409, "reference_taken", Some("reference"));
    assert_eq!(taken.json()["order"], json!(first));
    let found = platform.see("/v1/orders?reference=R-7");
    assert_eq!(found["data"][0]["id"], json!(first));
    assert_eq!(platform.see("/v1/orders?reference=R-8")["data"], json!([]));
    // It is the merchant's own: another's is another.
    let others = json!({ "tag": crate::platform::OTHER_TAG, "currency": "CNY", "reference": "R-7" });
    platform.post(&merchant_token(OTHER_MERCHANT), "/v1/orders", &others).expect(201);
    let found = platform.get(&merchant_token(OTHER_MERCHANT), "/v1/orders?reference=R-7").expect(200).json();
    assert_eq!(found["data"][0]["merchant"], json!(OTHER_MERCHANT));
}

#[test]
fn cancelling_says_what_it_took() {
    let platform = Platform::start();
    let cancel = |order: &Value, token: &str, body: &Value| {
        platform.post(token, &format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap()), body)
    };
    let merchant = merchant_token(MERCHANT);
    // Nobody had paid.
    let order = platform.order().json();
    let closed = cancel(&order, &merchant, &json!({})).expect(200).json();
    assert_eq!(
        (&closed["status"], &closed["action"], &closed["refund"]),
        (&json!("cancelled"), &json!("closed"), &Value::Null)
    );
    assert_eq!(cancel(&order, &merchant, &json!({})).expect(200).json(), closed);
    // It was held, and had been paid to nobody: `refuse` does not keep it.
    for body in [json!({}), json!({ "if_paid": "refuse" })] {
        let (order, _) = platform.asked_and_paid(0, json!({ "amount": yuan(10), "capture": "manual" }));
        let released = cancel(&order, &merchant, &body).expect(200).json();
        assert_eq!((&released["status"], &released["action"]), (&json!("cancelled"), &json!("released")));
        assert_eq!(platform.balance(0), Platform::BALANCE);
    }
    // It was paid.
    let (order, payment) = platform.asked_and_paid(0, json!({ "amount": yuan(10) }));
    cancel(&order, &merchant, &json!({ "if_paid": "refuse" })).expect_problem(409, "order_already_paid", None);
    // A till may not give money back: what it does not ask for does not happen, what it asks for is refused.
    cancel(&order, &till(), &json!({})).expect_problem(409, "order_already_paid", None);
    let asked = cancel(&order, &till(), &json!({ "if_paid": "refund" }));
    asked.expect_problem(403, "insufficient_scope", None);
    assert_eq!(platform.balance(0), Platform::BALANCE - 10);
    let key = Request::post(format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap()), "{}");
    let key = key.token(&merchant).key("cancel");
    let refunded = platform.send(&key).expect(200);
    let said = refunded.json();
    assert_eq!((&said["status"], &said["action"]), (&json!("paid"), &json!("refunded")));
    assert_eq!(platform.look_at("refunds", &json!({ "id": said["refund"] }))["payment"], payment["id"]);
    assert_eq!(platform.balance(0), Platform::BALANCE);
    assert_eq!(platform.send(&key).expect(200).body, refunded.body);
    cancel(&order, &merchant, &json!({})).expect_problem(422, "refund_exceeds_payment", None);
    for (body, field) in [
        (json!({ "if_paid": "keep" }), "if_paid"),
        (json!({ "if_paid": null }), "if_paid"),
        (json!({ "if_paid": { "refuse": null } }), "if_paid"),
        (json!({ "why": "x" }), "why"),
    ] {
        cancel(&order, &merchant, &body).expect_problem(400, "invalid_field", Some(field));
    }
    assert_eq!(platform.balance(0), Platform::BALANCE);
}

#[test]
fn lists_of_orders_and_payments_are_narrowed() {
    let platform = Platform::start();
    let expiring = json!({ "amount": yuan(9), "expires_in_seconds": 30 });
    let expired = platform.ask(expiring).expect(201).json();
    platform.pass(std::time::Duration::from_secs(31));
    let (paid, payment) = platform.asked_and_paid(0, json!({ "amount": yuan(10) }));
    let (held, authorized) = platform.asked_and_paid(1, json!({ "amount": yuan(11), "capture": "manual" }));
    let cancelled = platform.order().json();
    platform
        .merchant_posts(&format!("/v1/orders/{}/cancel", cancelled["id"].as_str().unwrap()), &json!({}))
        .expect(200);
    let open = platform.order().json();
    let list = |path: String| {
        let list = platform.see(&path);
        list["data"].as_array().unwrap().iter().map(|item| item["id"].clone()).collect::<Vec<_>>()
    };
    for (status, order) in
        [("open", &open), ("held", &held), ("paid", &paid), ("cancelled", &cancelled), ("expired", &expired)]
    {
        assert_eq!(list(format!("/v1/orders?status={status}")), [order["id"].clone()], "{status}");
    }
    let at = |order: &Value| platform.look_at("orders", order)["created_at"].as_str().unwrap().to_owned();
    assert_eq!(list(format!("/v1/orders?created_before={}", at(&paid))), [expired["id"].clone()]);
    assert_eq!(list(format!("/v1/orders?created_after={}&limit=100", at(&paid))).len(), 4);
    for (status, found) in [("succeeded", vec![&payment]), ("authorized", vec![&authorized]), ("failed", vec![])] {
        let found: Vec<Value> = found.iter().map(|payment| payment["id"].clone()).collect();
        assert_eq!(list(format!("/v1/payments?status={status}")), found, "{status}");
    }
    for (query, found) in [
        (format!("order={}", paid["id"].as_str().unwrap()), vec![&payment]),
        (format!("order={}", held["id"].as_str().unwrap()), vec![&authorized]),
        (format!("order={}", open["id"].as_str().unwrap()), vec![]),
        (format!("order={}&status=failed", paid["id"].as_str().unwrap()), vec![]),
        (format!("wallet={}", crate::platform::wallet(1)), vec![&authorized]),
        (format!("wallet={}&status=succeeded", crate::platform::wallet(0)), vec![&payment]),
        (format!("wallet={}", crate::platform::wallet(5)), vec![]),
        (format!("created_after={}", payment["created_at"].as_str().unwrap()), vec![&authorized, &payment]),
        ("created_before=2026-01-01T00:00:00Z".to_owned(), vec![]),
        (format!("limit=1&starting_after={}", authorized["id"].as_str().unwrap()), vec![&payment]),
    ] {
        let found: Vec<Value> = found.iter().map(|payment| payment["id"].clone()).collect();
        assert_eq!(list(format!("/v1/payments?{query}")), found, "{query}");
    }
    // Another's wallet and order lead nowhere.
    for query in [format!("wallet={}", crate::platform::wallet(0)), format!("order={}", paid["id"].as_str().unwrap())] {
        let others = platform.get(&merchant_token(OTHER_MERCHANT), &format!("/v1/payments?{query}")).expect(200).json();
        assert_eq!(others["data"], json!([]), "{query}");
        let payers = platform.get(&wallet_token(2), &format!("/v1/payments?{query}")).expect(200).json();
        assert_eq!(payers["data"], json!([]), "{query}");
    }
    for (path, field) in [
        ("orders?status=lost", "status"),
        ("orders?created_after=1", "created_after"),
        ("payments?status=held", "status"),
        ("payments?order=x", "order"),
        ("payments?wallet=x", "wallet"),
        ("payments?created_before=2026-01-01", "created_before"),
    ] {
        let reply = platform.get(&merchant_token(MERCHANT), &format!("/v1/{path}"));
        reply.expect_problem(400, "invalid_field", Some(field));
    }
}

#[test]
fn invariant_10_a_till_sees_and_touches_its_own_stores_tags_only() {
    let platform = Platform::start();
    let store = platform.merchant_posts("/v1/stores", &json!({ "name": "East Lake" })).expect(201).id();
    let there = platform.merchant_posts("/v1/tills", &json!({ "store": store, "name": "Till 9" })).expect(201).id();
    let scopes = json!({ "till": there, "scopes": ["read", "write", "refund"] });
    let elsewhere =
        platform.merchant_posts("/v1/keys", &scopes).expect(201).json()["token"].as_str().unwrap().to_owned();
    let here = json!({ "till": till_of(MERCHANT), "scopes": ["read", "write", "refund"] });
    let here = platform.merchant_posts("/v1/keys", &here).expect(201).json()["token"].as_str().unwrap().to_owned();
    assert!(store_of(MERCHANT).to_string() != store);
    let [mut hears, mut hears_elsewhere] = [&here, &elsewhere].map(|token| Events::open(platform.address, token, None));

    let body = json!({ "tag": TILL_TAG, "amount": yuan(10), "capture": "manual", "reference": "R-1" });
    platform.post(&elsewhere, "/v1/orders", &body).expect_problem(404, "not_found", None);
    let order = platform.post(&here, "/v1/orders", &body).expect(201).json();
    assert_eq!(order["till"], json!(till_of(MERCHANT)));
    let tap = platform.tap(0, TILL_TAG).expect(201).id();
    let payment = platform.pay(0, &json!({ "tap": tap })).expect(201).id();
    let order = order["id"].as_str().unwrap();
    let posts = [
        (format!("/v1/orders/{order}/resolve"), json!({ "close": true })),
        ("/v1/orders/resolve".to_owned(), json!({ "reference": "R-1" })),
        (format!("/v1/payments/{payment}/capture"), json!({ "amount": yuan(4) })),
        ("/v1/refunds".to_owned(), json!({ "payment": payment, "amount": yuan(1) })),
        (format!("/v1/payments/{payment}/void"), json!({})),
        (format!("/v1/orders/{order}/cancel"), json!({})),
    ];
    for (path, body) in &posts {
        let before = platform.position();
        platform.post(&elsewhere, path, body).expect_problem(404, "not_found", None);
        assert_eq!(platform.position(), before, "{path}");
    }
    for (path, body) in &posts {
        assert!(platform.post(&here, path, body).status < 300, "{path}");
    }
    let refund = platform.see("/v1/refunds")["data"][0]["id"].as_str().unwrap().to_owned();
    for path in [
        format!("/v1/orders/{order}"),
        format!("/v1/payments/{payment}"),
        format!("/v1/payments/{payment}/captures"),
        format!("/v1/refunds/{refund}"),
    ] {
        platform.get(&elsewhere, &path).expect_problem(404, "not_found", None);
        platform.get(&here, &path).expect(200);
    }
    for list in ["orders", "payments", "refunds"] {
        let count = |token: &str| {
            let list = platform.get(token, &format!("/v1/{list}")).expect(200).json();
            list["data"].as_array().unwrap().len()
        };
        assert_eq!(count(&elsewhere), 0, "{list}");
        assert!(count(&here) > 0, "{list}");
    }
    platform.merchant_posts(&format!("/v1/tags/{STANDING_TAG}"), &json!({ "store": store })).expect(200);
    let moved_away = platform.tap(0, STANDING_TAG).expect(201).id();
    let first = hears_elsewhere.next();
    assert_eq!((first.name.as_str(), &first.data["tap"]), ("tap.accepted", &json!(moved_away)));
    for expected in ["order.created", "tap.accepted", "payment.authorized", "payment.captured", "refund.succeeded"] {
        assert_eq!(hears.next().name, expected);
    }
}
