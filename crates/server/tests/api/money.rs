//! Money fields: every one of every endpoint refuses what is no amount, and no path loses a unit or a decimal.

use std::collections::BTreeSet;

use ids::{AccountId, DepositId};
use money::Currency;
use payments::{Account, AccountFlags, Action, Owner, account_code};
use serde_json::{Value, json};

use crate::client::{Events, Reply, Request};
use crate::description::{DOCUMENT, endpoints};
use crate::platform::{
    MERCHANT, OTHER_MERCHANT, Platform, STANDING_TAG, TILL_TAG, command, deposit, merchant_token, money, wallet,
    wallet_token,
};

/// Where a request's body has money, and of which kind it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct MoneyField {
    path: String,
    field: String,
}

/// The money fields of all requests, as the API's description has them.
fn described() -> BTreeSet<MoneyField> {
    let mut found = BTreeSet::new();
    for endpoint in endpoints() {
        let schema = &endpoint.operation["requestBody"]["content"]["application/json"]["schema"];
        money_in(schema, "", &mut |field| {
            found.insert(MoneyField { path: endpoint.path.clone(), field: field.to_owned() });
        });
    }
    found
}

/// Hands over the path of each money object, and of each whole number that goes as far as amounts do.
fn money_in(schema: &Value, path: &str, found: &mut dyn FnMut(&str)) {
    if let Some(reference) = schema["$ref"].as_str() {
        if reference == "#/components/schemas/Money" {
            return found(path);
        }
        return money_in(DOCUMENT.pointer(reference.strip_prefix('#').unwrap()).unwrap(), path, found);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        schema[choice].as_array().into_iter().flatten().for_each(|schema| money_in(schema, path, found));
    }
    if schema["maximum"] == json!(i64::MAX) {
        found(path);
    }
    if schema["items"].is_object() {
        money_in(&schema["items"], &format!("{path}[0]"), found);
    }
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        money_in(member, &path, found);
    }
}

const BAD_AMOUNTS: [&str; 12] = [
    "0",
    "-1",
    "1.5",
    "1.0",
    "1e3",
    "\"12\"",
    "null",
    "true",
    "[1]",
    "{}",
    "9223372036854775808",
    "18446744073709551616",
];

#[test]
fn bug_03_every_money_field_of_every_endpoint_refuses_what_is_no_amount() {
    let platform = Platform::start();
    let (merchant, payer) = (merchant_token(MERCHANT), wallet_token(0));
    let paid = platform.paid(0, 1_000);
    let (_, held) = platform.asked_and_paid(0, json!({ "amount": yuan(1_000), "capture": "manual" }));
    let tap = platform.tap(0, STANDING_TAG).expect(201).id();
    let capture = format!("/v1/payments/{}/capture", held["id"].as_str().unwrap());
    let order = |rest: &str| format!(r#"{{"tag":"{TILL_TAG}",{rest}}}"#);
    // The path, the money field, who asks, where, and a body with a place for the money.
    let object = r#"{"amount":@,"currency":"CNY"}"#;
    let cases = [
        ("/v1/orders", "amount", &merchant, "/v1/orders", order(&format!(r#""amount":{object}"#))),
        (
            "/v1/orders",
            "items[0].unit_amount",
            &merchant,
            "/v1/orders",
            order(r#""amount":{"amount":5,"currency":"CNY"},"items":[{"name":"x","quantity":1,"unit_amount":@}]"#),
        ),
        (
            "/v1/orders",
            "splits[0].amount",
            &merchant,
            "/v1/orders",
            order(&format!(
                r#""amount":{{"amount":5,"currency":"CNY"}},"splits":[{{"merchant":"{OTHER_MERCHANT}","amount":@}}]"#
            )),
        ),
        ("/v1/payments", "amount", &payer, "/v1/payments", format!(r#"{{"tap":"{tap}","amount":{object}}}"#)),
        ("/v1/payments", "tip", &payer, "/v1/payments", format!(r#"{{"tap":"{tap}","tip":@}}"#)),
        ("/v1/payments/{id}/capture", "amount", &merchant, &capture, format!(r#"{{"amount":{object}}}"#)),
        ("/v1/refunds", "amount", &merchant, "/v1/refunds", format!(r#"{{"payment":"{paid}","amount":{object}}}"#)),
        (
            "/v1/disputes",
            "amount",
            &payer,
            "/v1/disputes",
            format!(r#"{{"payment":"{paid}","reason":"x","amount":{object}}}"#),
        ),
    ];
    let before = (platform.position(), platform.balance(0));
    for (_, field, token, path, body) in &cases {
        let is_object = body.contains(object);
        for amount in BAD_AMOUNTS {
            let body = body.replace('@', amount);
            let reply = platform.send(&Request::post(*path, body.as_bytes()).token(token));
            let at = if is_object { format!("{field}.amount") } else { (*field).to_owned() };
            let found = (reply.status, reply.code(), reply.json()["field"].as_str().unwrap_or_default().to_owned());
            assert_eq!(found, (400, "invalid_field".to_owned(), at), "{path} {body}: {}", reply.text());
        }
    }
    assert_eq!((platform.position(), platform.balance(0)), before);
    // The table is whole. A platform for real payments has no sandbox, and what terms and fee plans may be has tests of
    // its own.
    let covered: BTreeSet<MoneyField> = cases
        .iter()
        .map(|(path, field, ..)| MoneyField { path: (*path).to_owned(), field: (*field).to_owned() })
        .collect();
    let elsewhere = |found: &MoneyField| {
        let path = &found.path;
        path.starts_with("/v1/sandbox/") || path.ends_with("/fee_plans") || path.ends_with("/settlement_terms")
    };
    let missing: Vec<_> =
        described().into_iter().filter(|found| !covered.contains(found) && !elsewhere(found)).collect();
    assert!(missing.is_empty(), "these are new: {missing:#?}");
    assert!(covered.is_subset(&described()), "{:#?}", described());
}

fn yuan(amount: u64) -> Value {
    json!({ "amount": amount, "currency": "CNY" })
}

/// Lets the platform, wallet 0 and both merchants deal in a currency.
fn deal_in(platform: &Platform, currency: &str) {
    let ledger = u32::from(Currency::from_alpha(currency).unwrap().numeric());
    for (code, owner) in [
        (account_code::FLOAT, Owner::Platform),
        (account_code::WALLET, Owner::Wallet(wallet(0))),
        (account_code::MERCHANT_PENDING, Owner::Merchant(MERCHANT)),
        (account_code::MERCHANT_PENDING, Owner::Merchant(OTHER_MERCHANT)),
    ] {
        let id = AccountId::from_u128(owner.bits() << 32 | u128::from(code) << 16 | u128::from(ledger));
        let debits_must_not_exceed_credits = code != account_code::FLOAT;
        let flags = AccountFlags { debits_must_not_exceed_credits, credits_must_not_exceed_debits: false };
        command(&platform.engine, Action::OpenAccount(Account { id, ledger, code, owner: owner.bits(), flags }));
    }
    let id = DepositId::from_u128(7_000 + u128::from(ledger));
    command(&platform.engine, Action::Deposit { id, wallet: wallet(0), money: money(Platform::BALANCE, currency) });
}

fn held_of(platform: &Platform, currency: &str) -> [u64; 2] {
    let balances = platform.get(&wallet_token(0), "/v1/wallets/me/balances").expect(200).json();
    let of_it = balances["data"].as_array().unwrap().iter().find(|balance| balance["currency"] == currency).unwrap();
    ["available", "held"].map(|what| of_it[what].as_u64().unwrap())
}

/// Amounts are minor units whatever the currency: of 0, 2, 3 and 4 decimals.
#[test]
fn bug_18_orders_payments_and_refunds_in_currencies_of_all_decimals() {
    let platform = Platform::start();
    deal_in(&platform, "CLF");
    for currency in ["JPY", "CNY", "KWD", "CLF"] {
        let of = |amount: u64| json!({ "amount": amount, "currency": currency });
        let asked = json!({
            "amount": of(1_001), "capture": "manual", "tipping": true,
            "items": [{ "name": "oolong", "quantity": 7, "unit_amount": 143 }],
            "splits": [{ "merchant": OTHER_MERCHANT, "basis_points": 3_333 }],
        });
        let order = platform.ask(asked).expect(201).json();
        assert_eq!((&order["amount"], &order["currency"]), (&of(1_001), &json!(currency)));
        let tap = platform.tap(0, TILL_TAG).expect(201).json();
        assert_eq!(tap["order"]["amount"], of(1_001));
        let held = platform.pay(0, &json!({ "tap": tap["id"], "amount": of(1_001), "tip": 1 })).expect(201).json();
        assert_eq!((&held["amount"], &held["capturable"]), (&of(1_002), &of(1_002)));
        assert_eq!(held_of(&platform, currency), [Platform::BALANCE - 1_002, 1_002]);
        let path = format!("/v1/payments/{}/capture", held["id"].as_str().unwrap());
        let taken = platform.merchant_posts(&path, &json!({ "amount": of(1_000), "final": true })).expect(201).json();
        assert_eq!((&taken["amount"], &taken["released"]), (&of(1_000), &of(2)));
        assert_eq!(held_of(&platform, currency), [Platform::BALANCE - 1_000, 0]);
        let refund = json!({ "payment": held["id"], "amount": of(999) });
        assert_eq!(platform.merchant_posts("/v1/refunds", &refund).expect(201).json()["amount"], of(999));
        let word = json!({ "payment": held["id"], "reason": "never received" });
        let dispute = platform.post(&wallet_token(0), "/v1/disputes", &word).expect(201).json();
        assert_eq!(dispute["amount"], of(1));
        let seen = platform.look_at("payments", &held);
        assert_eq!((&seen["captured"], &seen["refunded"], &seen["disputed"]), (&of(1_000), &of(999), &of(1)));
        assert_eq!((&seen["refundable"], &seen["fee"]), (&of(0), &of(0)));
        let shares: u64 =
            seen["shares"].as_array().unwrap().iter().map(|it| it["captured"]["amount"].as_u64().unwrap()).sum();
        assert_eq!(shares, 1_000);
        assert_eq!(held_of(&platform, currency), [Platform::BALANCE - 1, 0]);
        let other = json!({ "payment": held["id"], "amount": { "amount": 1, "currency": "USD" } });
        let other = platform.merchant_posts("/v1/refunds", &other);
        other.expect_problem(422, "currency_mismatch", Some("amount.currency"));
    }
    let currencies = platform.see("/v1/balance")["data"].as_array().unwrap().len();
    assert_eq!(currencies, 4);
}

/// One more than a double can hold.
#[test]
fn bug_25_a_large_amount_survives_holds_refunds_and_disputes() {
    const AMOUNT: u64 = 9_007_199_254_740_993;
    let platform = Platform::start();
    deposit(&platform.engine, 900, wallet(0), money(4 * AMOUNT, "KWD"));
    let of = |amount: u64| json!({ "amount": amount, "currency": "KWD" });
    let digits = |reply: &Reply| assert!(reply.text().contains("9007199254740993"), "{}", reply.text());
    let (merchant, payer) = (merchant_token(MERCHANT), wallet_token(0));
    let get = |token: &str, path: &str| digits(&platform.get(token, path).expect(200));
    let mut heard = Events::open(platform.address, &merchant, None);

    // An odd number of units, by items, with a receiver of half of it.
    let asked = json!({
        "amount": of(AMOUNT), "capture": "manual", "reference": "R-1",
        "items": [{ "name": "gold", "quantity": 1, "unit_amount": AMOUNT }],
        "splits": [{ "merchant": OTHER_MERCHANT, "basis_points": 5_000 }],
    });
    let order = platform.ask(asked).expect(201);
    digits(&order);
    let tap = platform.tap(0, TILL_TAG).expect(201);
    digits(&tap);
    let held = platform.pay(0, &json!({ "tap": tap.id() })).expect(201);
    digits(&held);
    get(&payer, "/v1/wallets/me/balances");
    let resolved = platform.merchant_posts("/v1/orders/resolve", &json!({ "reference": "R-1" })).expect(200);
    digits(&resolved);
    let captured = platform.merchant_posts(&format!("/v1/payments/{}/capture", held.id()), &json!({})).expect(201);
    digits(&captured);
    get(&merchant, &format!("/v1/payments/{}/captures", held.id()));
    for token in [&merchant, &payer] {
        get(token, &format!("/v1/payments/{}", held.id()));
        get(token, &format!("/v1/payments?order={}", order.id()));
    }
    get(&merchant, "/v1/orders?status=paid");
    let shares = platform.see(&format!("/v1/payments/{}", held.id()))["shares"].clone();
    let share = |place: usize| shares[place]["captured"]["amount"].as_u64().unwrap();
    assert_eq!([share(0), share(1)], [AMOUNT / 2, AMOUNT - AMOUNT / 2]);
    let refund = platform.merchant_posts("/v1/refunds", &json!({ "payment": held.id() })).expect(201);
    digits(&refund);
    get(&merchant, &format!("/v1/refunds/{}", refund.id()));
    get(&merchant, "/v1/refunds");

    let (_, paid) = platform.asked_and_paid(0, json!({ "amount": of(AMOUNT) }));
    get(&merchant, "/v1/balance");
    let word = json!({ "payment": paid["id"], "amount": of(AMOUNT), "reason": "never received" });
    let dispute = platform.post(&payer, "/v1/disputes", &word).expect(201);
    digits(&dispute);
    get(&payer, &format!("/v1/disputes/{}", dispute.id()));
    let lost = platform.merchant_posts(&format!("/v1/disputes/{}/accept", dispute.id()), &json!({})).expect(200);
    digits(&lost);
    get(&payer, "/v1/wallets/me/history");

    // A tip that is as large, on top of a unit.
    platform.ask(json!({ "amount": of(1), "tipping": true })).expect(201);
    let tap = platform.tap(0, TILL_TAG).expect(201).id();
    let tipped = platform.pay(0, &json!({ "tap": tap, "tip": AMOUNT })).expect(201).json();
    assert_eq!((&tipped["amount"], &tipped["tip"]), (&of(AMOUNT + 1), &of(AMOUNT)));
    let order = platform.order();
    let cancelled = platform.merchant_posts(&format!("/v1/orders/{}/cancel", order.id()), &json!({})).expect(200);
    assert_eq!(cancelled.json()["action"], "closed");
    let created = std::iter::from_fn(|| Some(heard.next())).find(|event| event.name == "order.created").unwrap();
    assert_eq!(created.data["items"][0]["unit_amount"], json!(AMOUNT));
    assert_eq!(held_of(&platform, "KWD"), [Platform::BALANCE + 4 * AMOUNT - AMOUNT - 1, 0]);
}

/// The same key and body: the same answer, failures included. The same key and another body: a conflict.
#[test]
fn bug_15_and_16_of_holds_refunds_and_cancellations() {
    let platform = Platform::start();
    let merchant = merchant_token(MERCHANT);
    let ask = |path: &str, body: &Value, key: &str| {
        platform.send(&Request::post(path, body.to_string()).token(&merchant).key(key))
    };
    let held = |fen: u64| platform.asked_and_paid(0, json!({ "amount": yuan(fen), "capture": "manual" }));
    let (_, first) = held(100);
    let (second_order, second) = held(100);
    let paid = platform.paid(0, 100);
    let of = |payment: &Value, what: &str| format!("/v1/payments/{}/{what}", payment["id"].as_str().unwrap());
    let cancel = format!("/v1/orders/{}/cancel", second_order["id"].as_str().unwrap());
    // Where, what, and the same with another body; then whether it succeeds.
    let void = of(&first, "void");
    let steps = [
        (of(&first, "capture"), json!({ "amount": yuan(101) }), json!({ "amount": yuan(1) }), false),
        (of(&first, "capture"), json!({ "amount": yuan(40) }), json!({ "amount": yuan(41) }), true),
        (void.clone(), json!({}), json!({}), true),
        (void, json!({}), json!({}), false),
        (of(&first, "capture"), json!({ "amount": yuan(40) }), json!({ "amount": yuan(41) }), false),
        ("/v1/refunds".to_owned(), json!({ "payment": paid, "amount": yuan(101) }), json!({ "payment": paid }), false),
        ("/v1/refunds".to_owned(), json!({ "payment": paid, "amount": yuan(10) }), json!({ "payment": paid }), true),
        (cancel.clone(), json!({}), json!({ "if_paid": "refuse" }), true),
        (cancel, json!({ "if_paid": "refund" }), json!({}), true),
        (of(&second, "capture"), json!({}), json!({ "final": true }), false),
    ];
    let essence = |reply: &Reply| {
        let mut said = reply.json();
        said.as_object_mut().unwrap().remove("request_id");
        (reply.status, said)
    };
    let answers: Vec<_> = steps
        .iter()
        .enumerate()
        .map(|(number, (path, body, _, succeeds))| {
            let reply = ask(path, body, &format!("key-{number}"));
            assert_eq!(reply.status < 300, *succeeds, "{path} {body}: {}", reply.text());
            essence(&reply)
        })
        .collect();
    let before = (platform.position(), platform.balance(0));
    for (number, (path, body, other, _)) in steps.iter().enumerate() {
        let key = format!("key-{number}");
        assert_eq!(essence(&ask(path, body, &key)), answers[number], "{path} {body}");
        if other != body {
            ask(path, other, &key).expect_problem(409, "idempotency_conflict", None);
        }
    }
    assert_eq!((platform.position(), platform.balance(0)), before);
}
