//! From an application to the first payment, and who may manage what on the way.

use directory::Actor;
use serde_json::{Value, json};
use tag::{AesKey, ReadCounter, SoftwareTag, Uid};

use crate::client::{Reply, Request};
use crate::platform::{
    MASTER_KEY, MERCHANT, OTHER_MERCHANT, Platform, STANDING_TAG, TILL_TAG, merchant_token, store_of, till_of, token,
    wallet_token,
};

pub(crate) fn operator() -> String {
    token(Actor::Operator).expose().to_owned()
}

/// A merchant that has applied for CNY.
pub(crate) fn applicant(platform: &Platform) -> String {
    let body = json!({ "name": "Night Noodles", "currencies": ["CNY"], "reference": "M-7", "mcc": "5814" });
    platform.post(&operator(), "/v1/merchants", &body).expect(201).id()
}

fn status(platform: &Platform, merchant: &str) -> Value {
    platform.get(&operator(), &format!("/v1/merchants/{merchant}")).expect(200).json()["status"].clone()
}

#[test]
fn a_merchant_goes_from_application_to_its_first_payment() {
    let platform = Platform::start();
    let operator = operator();
    let merchant = applicant(&platform);
    assert_eq!(status(&platform, &merchant), "applied");
    let store = json!({ "merchant": merchant, "name": "West Lake", "time_zone": "Asia/Shanghai", "reference": "S-1" });
    let store = platform.post(&operator, "/v1/stores", &store).expect(201).id();
    let till = json!({ "store": store, "name": "Till 1", "reference": "T-1" });
    let till = platform.post(&operator, "/v1/tills", &till).expect(201).id();
    let csv = "reference,uid,store,till,label,mode,currency\nA-1,04aabbccddeeff,S-1,T-1,Till 1,till,CNY\n";
    let import = json!({ "kind": "tags", "merchant": merchant, "csv": csv });
    let report = platform.post(&operator, "/v1/imports", &import).expect(200).json();
    assert_eq!((&report["applied"], &report["created"]), (&json!(true), &json!(1)), "{report}");
    let tag = report["rows"][0]["id"].as_str().unwrap().to_owned();
    let key = platform.post(&operator, "/v1/keys", &json!({ "till": till })).expect(201).json();
    assert_eq!((&key["type"], &key["scopes"]), (&json!("till"), &json!(["read", "write"])));
    let till_key = key["token"].as_str().unwrap();

    let order = json!({ "tag": tag, "amount": { "amount": 1_250, "currency": "CNY" } });
    platform.post(till_key, "/v1/orders", &order).expect_problem(409, "merchant_not_active", None);
    let activate = format!("/v1/merchants/{merchant}/activate");
    let active = platform.post(&operator, &activate, &json!({})).expect(200).json();
    assert_eq!(active, json!({ "id": merchant, "status": "active" }));
    platform.post(till_key, "/v1/orders", &order).expect(201);

    let uid = Uid([0x04, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff]);
    let mut chip = SoftwareTag::new(&AesKey::new(MASTER_KEY), uid, ReadCounter::ZERO, "https://pay.example/t").unwrap();
    let tap = json!({ "url": chip.touch([7; 5]).unwrap() });
    let tap = platform.post(&wallet_token(0), "/v1/taps", &tap).expect(201).id();
    platform.pay(0, &json!({ "tap": tap })).expect(201);
    assert_eq!(platform.balance(0), Platform::BALANCE - 1_250);
    let seen = platform.get(till_key, "/v1/payments").expect(200).json();
    assert_eq!(seen["data"].as_array().unwrap().len(), 1);
}

#[test]
fn a_status_leads_where_it_may_and_nowhere_else() {
    let platform = Platform::start();
    let merchant = applicant(&platform);
    for (action, code, after) in [
        ("suspend", 409, "applied"),
        ("activate", 200, "active"),
        ("activate", 200, "active"),
        ("suspend", 200, "suspended"),
        ("activate", 200, "active"),
        ("suspend", 200, "suspended"),
        ("close", 200, "closed"),
        ("close", 200, "closed"),
        ("activate", 409, "closed"),
        ("suspend", 409, "closed"),
    ] {
        let reply = platform.post(&operator(), &format!("/v1/merchants/{merchant}/{action}"), &json!({}));
        assert_eq!(reply.status, code, "{action}: {}", reply.text());
        if code == 409 {
            assert_eq!(reply.code(), "status_not_allowed");
        }
        assert_eq!(status(&platform, &merchant), after, "{action}");
    }
    let nobody = "/v1/merchants/mch_01h455vb4pex5vsknk084sn02q/activate";
    platform.post(&operator(), nobody, &json!({})).expect_problem(404, "not_found", None);
}

#[test]
fn a_suspended_merchant_is_not_paid() {
    let platform = Platform::start();
    let tap = platform.tap(0, STANDING_TAG).expect(201).id();
    platform.post(&operator(), &format!("/v1/merchants/{MERCHANT}/suspend"), &json!({})).expect(200);
    let pay = json!({ "tap": tap, "amount": { "amount": 1, "currency": "CNY" } });
    platform.pay(0, &pay).expect_problem(409, "merchant_not_active", None);
    platform.post(&operator(), &format!("/v1/merchants/{MERCHANT}/activate"), &json!({})).expect(200);
    platform.pay(0, &pay).expect(201);
}

#[test]
fn a_merchant_changes_of_itself_what_is_its_own_to_change() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let changes = json!({ "email": "owner@example.cn", "metadata": { "erp": "77" } });
    let changed = platform.post(&own, "/v1/merchants/me", &changes).expect(200).json();
    assert_eq!((&changed["email"], &changed["metadata"]["erp"]), (&json!("owner@example.cn"), &json!("77")));
    for (field, value) in [
        ("name", json!("Another")),
        ("name_zh", Value::Null),
        ("legal_name", json!("Another Limited")),
        ("mcc", json!("5812")),
        ("country", json!("CN")),
        ("time_zone", json!("Asia/Shanghai")),
        ("currencies", json!(["EUR"])),
        ("reference", json!("M-1")),
    ] {
        let reply = platform.post(&own, "/v1/merchants/me", &json!({ field: value }));
        reply.expect_problem(403, "forbidden", Some(field));
        platform.post(&operator(), &format!("/v1/merchants/{MERCHANT}"), &json!({ field: value })).expect(200);
    }
    let merchant = platform.get(&own, "/v1/merchants/me").expect(200).json();
    assert_eq!((&merchant["name"], &merchant["name_zh"]), (&json!("Another"), &Value::Null));
    assert_eq!(merchant["currencies"], json!(["CNY", "JPY", "KWD", "EUR"]));
    // What it is opened for, it is paid in.
    let order = json!({ "tag": TILL_TAG, "currency": "EUR" });
    platform.post(&own, "/v1/orders", &order).expect(201);
    let cleared = platform.post(&own, "/v1/merchants/me", &json!({ "email": null })).expect(200).json();
    assert_eq!(cleared["email"], Value::Null);
}

#[test]
fn a_bank_account_is_taken_whole_and_shown_by_its_end() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let path = "/v1/merchants/me/payout_accounts";
    let iban = json!({ "iban": "DE89 3704 0044 0532 0130 00", "holder": "Lantern Tea" });
    let set = platform.post(&own, path, &json!({ "currency": "CNY", "account": iban })).expect(200);
    let shown = json!({ "type": "iban", "country": "DE", "last_four": "3000", "holder": "Lantern Tea" });
    assert_eq!(set.json()["payout_accounts"]["CNY"], shown);
    let local = json!({ "bank_code": "102290000013", "account_number": "6222021001116245", "holder": "Lantern Tea" });
    let set = platform.post(&own, path, &json!({ "currency": "JPY", "account": local })).expect(200);
    assert_eq!(set.json()["payout_accounts"]["JPY"]["last_four"], "6245");
    for account in [
        (json!({ "holder": "x" }), "account.iban"),
        (json!({ "iban": "DE89370400440532013000" }), "account.holder"),
        (json!({ "iban": "DE88370400440532013000", "holder": "x" }), "account.iban"),
        (json!({ "iban": "XX89370400440532013000", "holder": "x" }), "account.iban"),
        (json!({ "bank_code": "1", "holder": "x" }), "account.account_number"),
        (json!({ "account_number": "1", "holder": "x" }), "account.bank_code"),
        (json!({ "bank_code": "_", "account_number": "1", "holder": "x" }), "account.bank_code"),
        (json!({ "iban": "DE89370400440532013000", "bank_code": "1", "holder": "x" }), "account.bank_code"),
        (json!({ "iban": "DE89370400440532013000", "holder": "" }), "account.holder"),
        (json!({ "iban": "DE89370400440532013000", "holder": "x", "swift": "x" }), "account.swift"),
    ] {
        let reply = platform.post(&own, path, &json!({ "currency": "CNY", "account": account.0 }));
        reply.expect_problem(400, "invalid_field", Some(account.1));
    }
    let euros = platform.post(&own, path, &json!({ "currency": "EUR", "account": iban }));
    euros.expect_problem(422, "currency_not_accepted", None);
    platform.post(&own, path, &json!({ "currency": "CNY" })).expect_problem(400, "invalid_field", Some("account"));
    let cleared = platform.post(&own, path, &json!({ "currency": "CNY", "account": null })).expect(200).json();
    assert_eq!(cleared["payout_accounts"]["CNY"], Value::Null);
    let log = platform.get(&own, "/v1/audit_log").expect(200).text().to_owned();
    assert!(log.contains("6245") && !log.contains("622202") && !log.contains("3704"));
}

#[test]
fn fee_plans_and_terms_are_kept_as_they_were_set() {
    let platform = Platform::start();
    let (own, operator) = (merchant_token(MERCHANT), operator());
    let plans = format!("/v1/merchants/{MERCHANT}/fee_plans");
    let rate = |rate: u32| {
        let tiers = json!([{ "from_volume": 0, "rate": rate, "fixed": 10 }]);
        json!({ "method": null, "currency": "CNY", "tiers": tiers, "minimum": null, "maximum": null })
    };
    let first = platform.post(&operator, &plans, &json!({ "rates": [rate(60)] })).expect(201).json();
    assert_eq!(first, json!({ "valid_from": null, "rates": [rate(60)] }));
    let later = json!({ "valid_from": "2099-01-01T08:00:00+08:00", "rates": [rate(50)] });
    let later = platform.post(&operator, &plans, &later).expect(201).json();
    assert_eq!(later["valid_from"], "2099-01-01T00:00:00.000Z");
    let listed = platform.get(&own, "/v1/merchants/me/fee_plans").expect(200).json();
    assert_eq!((&listed["data"][0], &listed["data"][1]["rates"]), (&later, &json!([rate(60)])));
    let mut upside_down = rate(60);
    (upside_down["minimum"], upside_down["maximum"]) = (json!(2), json!(1));
    for (body, field) in [
        (json!({}), "rates"),
        (json!({ "rates": {} }), "rates"),
        (json!({ "rates": [upside_down] }), "rates"),
        (json!({ "rates": [rate(60), rate(60)] }), "rates"),
        (json!({ "rates": [rate(10_001)] }), "rates[0].tiers[0].rate"),
        (json!({ "rates": [], "valid_from": "tomorrow" }), "valid_from"),
        (json!({ "rates": [], "valid_from": null }), "valid_from"),
        (json!({ "rates": [], "plan": 1 }), "plan"),
    ] {
        platform.post(&operator, &plans, &body).expect_problem(400, "invalid_field", Some(field));
    }

    let terms = format!("/v1/merchants/{MERCHANT}/settlement_terms");
    platform.get(&own, "/v1/merchants/me/settlement_terms").expect_problem(404, "not_found", None);
    let body = json!({
        "time_zone": "Asia/Shanghai", "cut_off": "18:00:00", "schedule": { "weekly": "friday" },
        "holidays": ["2027-01-01"], "reserve": { "rate": 500, "days": 30 }, "negative_balance_limit": 10_000,
    });
    let set = platform.post(&operator, &terms, &body).expect(200).json();
    assert_eq!(platform.get(&own, "/v1/merchants/me/settlement_terms").expect(200).json(), set);
    assert_eq!(set["payout_delay_days"], 1);
    for (field, value, at) in [
        ("time_zone", json!("Mars/Olympus"), "time_zone"),
        ("time_zone", Value::Null, "time_zone"),
        ("cut_off", json!("24:00:01"), "cut_off"),
        ("cut_off", json!("18:00"), "cut_off"),
        ("business_days", json!([]), "business_days"),
        ("business_days", json!(["monday", "someday"]), "business_days[1]"),
        ("holidays", json!(["2027-02-30"]), "holidays[0]"),
        ("schedule", json!("monthly"), "schedule"),
        ("payout_delay_days", json!(31), "payout_delay_days"),
        ("payout_delay_days", json!(-1), "payout_delay_days"),
        ("reserve", json!({ "rate": 0, "days": 1 }), "reserve.rate"),
        ("reserve", json!({ "rate": 1, "days": 0 }), "reserve.days"),
        ("negative_balance_limit", json!(1.5), "negative_balance_limit"),
        ("colour", json!("red"), "colour"),
    ] {
        let mut bad = body.clone();
        bad[field] = value.clone();
        let reply = platform.post(&operator, &terms, &bad);
        assert_eq!(reply.status, 400, "{field} {value}: {}", reply.text());
        reply.expect_problem(400, "invalid_field", Some(at));
    }
    platform.post(&own, &terms, &body).expect_problem(403, "forbidden", None);
    platform.post(&own, &plans, &json!({ "rates": [] })).expect_problem(403, "forbidden", None);
}

#[test]
fn whoever_changed_something_is_in_the_log() {
    let platform = Platform::start();
    let merchant = applicant(&platform);
    platform.post(&operator(), &format!("/v1/merchants/{merchant}/activate"), &json!({})).expect(200);
    let own = merchant_token(MERCHANT);
    platform.post(&own, "/v1/stores", &json!({ "name": "East Lake" })).expect(201);
    platform.post(&own, &format!("/v1/stores/{}", store_of(MERCHANT)), &json!({ "name": "North Lake" })).expect(200);
    platform.post(&own, &format!("/v1/tills/{}", till_of(MERCHANT)), &json!({ "name": "Till 1" })).expect(200);
    let log = |token: &str, query: &str| {
        let log = platform.get(token, &format!("/v1/audit_log{query}")).expect(200).json();
        let actions = log["data"].as_array().unwrap().iter().map(|line| line["action"].as_str().unwrap().to_owned());
        (actions.collect::<Vec<_>>(), log)
    };
    let (actions, lines) = log(&own, "");
    assert_eq!(actions, ["store.updated", "store.created"], "what changed nothing has no line");
    let line = &lines["data"][0];
    assert_eq!((&line["before"], &line["after"]), (&json!({ "name": "West Lake" }), &json!({ "name": "North Lake" })));
    assert_eq!((&line["merchant"], &line["object"]), (&json!(MERCHANT), &json!(store_of(MERCHANT))));
    let key = line["key"].as_str().unwrap();
    let by = platform.get(&own, &format!("/v1/keys/{key}")).expect(200).json();
    assert_eq!((&by["type"], &by["merchant"]), (&json!("merchant"), &json!(MERCHANT)));
    assert_eq!(log(&merchant_token(OTHER_MERCHANT), "").0, [""; 0]);
    let of_applicant = log(&operator(), &format!("?merchant={merchant}")).0;
    assert_eq!(of_applicant, ["merchant.activated", "merchant.created"]);
    assert_eq!(log(&operator(), &format!("?key={key}")).0.len(), 2);
    assert_eq!(log(&operator(), "?action=store.created").0.len(), 1);
    assert_eq!(log(&operator(), &format!("?object={}", store_of(MERCHANT))).0, ["store.updated"]);
    let (first, part) = log(&operator(), "?limit=1");
    assert_eq!((first.len(), &part["has_more"]), (1, &json!(true)));
    let after = part["data"][0]["id"].as_str().unwrap();
    assert_eq!(log(&operator(), &format!("?starting_after={after}")).0.len(), 3);
    let others = platform.get(&own, &format!("/v1/audit_log?merchant={OTHER_MERCHANT}"));
    others.expect_problem(404, "not_found", Some("merchant"));
}

#[test]
fn lists_are_searched_filtered_and_read_in_parts() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    for n in 0..25 {
        let body = json!({ "name": format!("Riverside {n:02}"), "name_zh": "河畔店", "reference": format!("S-{n}") });
        platform.post(&own, "/v1/stores", &body).expect(201);
    }
    let names = |query: &str| {
        let part = platform.get(&own, &format!("/v1/stores{query}")).expect(200).json();
        let data = part["data"].as_array().unwrap().clone();
        (data.iter().map(|store| store["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), part)
    };
    let (first, part) = names("?search=riverSIDE&limit=20");
    assert_eq!((first.len(), first[0].as_str(), &part["has_more"]), (20, "Riverside 24", &json!(true)));
    let after = part["data"][19]["id"].as_str().unwrap();
    let (rest, part) = names(&format!("?search=riverside&starting_after={after}"));
    assert_eq!((rest.len(), rest[4].as_str(), &part["has_more"]), (5, "Riverside 00", &json!(false)));
    assert_eq!(names("?search=S-24").0, ["Riverside 24"]);
    assert_eq!(names("?search=%E6%B2%B3%E7%95%94&limit=100").0.len(), 25);
    assert_eq!(names("?search=%25").0.len(), 0);
    assert_eq!(names(&format!("?merchant={MERCHANT}&limit=100")).0.len(), 26);
    for (query, field) in [
        ("?search=", "search"),
        ("?search=a&search=b", "search"),
        ("?merchant=x", "merchant"),
        ("?limit=0", "limit"),
        ("?starting_after=til_01h455vb4pex5vsknk084sn02q", "starting_after"),
        ("?colour=red", "colour"),
    ] {
        platform.get(&own, &format!("/v1/stores{query}")).expect_problem(400, "invalid_field", Some(field));
    }
    let long = format!("/v1/stores?search={}", "x".repeat(81));
    platform.get(&own, &long).expect_problem(400, "invalid_field", Some("search"));
    let merchants = |query: &str| {
        platform.get(&operator(), &format!("/v1/merchants{query}")).expect(200).json()["data"].as_array().unwrap().len()
    };
    assert_eq!((merchants(""), merchants("?search=lantern"), merchants("?search=%E7%81%AF%E7%AC%BC")), (2, 1, 1));
}

#[test]
fn a_tag_moves_between_the_places_of_its_merchant() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let store = platform.post(&own, "/v1/stores", &json!({ "name": "East Lake" })).expect(201).id();
    let till = platform.post(&own, "/v1/tills", &json!({ "store": store, "name": "Till 9" })).expect(201).id();
    let path = format!("/v1/tags/{TILL_TAG}");
    let moved = platform.post(&own, &path, &json!({ "till": till, "label": "Nine" })).expect(200).json();
    let place = (moved["store"]["id"].as_str(), moved["till"]["id"].as_str(), moved["label"].as_str());
    assert_eq!(place, (Some(store.as_str()), Some(till.as_str()), Some("Nine")));
    assert_eq!(platform.get(&own, &path).expect(200).json(), moved);
    // The old till's key has no business there any more.
    let old_till = token(Actor::Till(till_of(MERCHANT))).expose().to_owned();
    let order = json!({ "tag": TILL_TAG, "currency": "CNY" });
    platform.post(&old_till, "/v1/orders", &order).expect_problem(404, "not_found", None);
    platform.get(&old_till, &path).expect_problem(404, "not_found", None);
    let seen = platform.get(&old_till, "/v1/tags").expect(200).json();
    let ids: Vec<_> = seen["data"].as_array().unwrap().iter().map(|tag| tag["id"].clone()).collect();
    assert!(!ids.contains(&json!(TILL_TAG)) && ids.contains(&json!(STANDING_TAG)));
    // A till that moves takes it along; a store without the till leaves the till behind.
    let back = json!({ "store": store_of(MERCHANT) });
    platform.post(&own, &format!("/v1/tills/{till}"), &back).expect(200);
    assert_eq!(platform.get(&own, &path).expect(200).json()["store"]["id"], json!(store_of(MERCHANT)));
    let away = platform.post(&own, &path, &json!({ "store": store })).expect(200).json();
    assert_eq!((&away["store"]["id"], &away["till"]), (&json!(store), &Value::Null));
    for (body, status, code, field) in [
        (json!({ "store": store, "till": till }), 404, "not_found", "till"),
        (json!({ "store": store_of(OTHER_MERCHANT) }), 404, "not_found", "store"),
        (json!({ "till": till_of(OTHER_MERCHANT) }), 404, "not_found", "till"),
        (json!({ "label": "" }), 400, "invalid_field", "label"),
        (json!({ "uid": "04" }), 400, "invalid_field", "uid"),
    ] {
        platform.post(&own, &path, &body).expect_problem(status, code, Some(field));
    }
}

/// Posts with an idempotency key.
pub(crate) fn post_once(platform: &Platform, token: &str, path: &str, body: &Value, key: &str) -> Reply {
    platform.send(&Request::post(path, body.to_string()).token(token).key(key))
}

#[test]
fn invariant_03_a_change_of_the_directory_is_made_once_also_after_a_restart() {
    let mut platform = Platform::start();
    let (own, operator) = (merchant_token(MERCHANT), operator());
    let store = format!("/v1/stores/{}", store_of(MERCHANT));
    let asked = [
        (&operator, "/v1/merchants".to_owned(), json!({ "name": "Noodles", "currencies": ["CNY"] }), 201),
        (&own, "/v1/stores".to_owned(), json!({ "name": "East Lake", "reference": "S-1" }), 201),
        (&own, "/v1/stores".to_owned(), json!({ "name": "South Lake", "reference": "S-1" }), 409),
        (&own, store, json!({ "name": "North Lake" }), 200),
        (&own, "/v1/tills".to_owned(), json!({ "store": store_of(OTHER_MERCHANT), "name": "Till 2" }), 404),
        (&own, "/v1/tills".to_owned(), json!({ "store": store_of(MERCHANT), "name": "Till 2" }), 201),
        (&own, "/v1/keys".to_owned(), json!({ "till": till_of(MERCHANT) }), 201),
        (&operator, format!("/v1/merchants/{MERCHANT}/suspend"), json!({}), 200),
    ];
    let without_id = |reply: &Reply| {
        let mut answer = reply.json();
        answer.as_object_mut().unwrap().remove("request_id");
        (reply.status, answer)
    };
    let ask = |platform: &Platform, n: usize| {
        let (token, path, body, _) = &asked[n];
        post_once(platform, token, path, body, &format!("key-{n}"))
    };
    let answers: Vec<_> = (0..asked.len()).map(|n| without_id(&ask(&platform, n))).collect();
    for ((status, answer), (_, path, _, expected)) in answers.iter().zip(&asked) {
        assert_eq!(status, expected, "{path}: {answer}");
    }
    // Nothing of this is true any more when it is asked again.
    platform.post(&own, "/v1/stores", &json!({ "name": "West Lake" })).expect(201);
    let first_store = answers[1].1["id"].as_str().unwrap();
    platform.post(&own, &format!("/v1/stores/{first_store}"), &json!({ "reference": null })).expect(200);
    for _ in 0..2 {
        let stores = platform.get(&own, "/v1/stores").expect(200).body;
        for (n, answer) in answers.iter().enumerate() {
            assert_eq!(&without_id(&ask(&platform, n)), answer, "{}", asked[n].1);
            let (token, path, body, _) = &asked[n];
            let other = Request::post(path, format!("{body} ")).token(token).key(&format!("key-{n}"));
            platform.send(&other).expect_problem(409, "idempotency_conflict", None);
        }
        assert_eq!(platform.get(&own, "/v1/stores").expect(200).body, stores, "replays change nothing");
        platform = platform.restart();
    }
    // What was never looked at is asked anew.
    let read_only = crate::platform::read_only_token(Actor::Merchant(MERCHANT));
    let body = json!({ "name": "Never" });
    post_once(&platform, &read_only, "/v1/stores", &body, "fresh").expect_problem(403, "insufficient_scope", None);
    post_once(&platform, &own, "/v1/stores", &body, "fresh").expect(201);
}
