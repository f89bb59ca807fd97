//! Webhook endpoints and deliveries, as a merchant's engineer meets them.

use std::thread;

use serde_json::{Value, json};
use webhooks::{Secret, verify};

use crate::client::{Reply, Request};
use crate::platform::{MERCHANT, OTHER_MERCHANT, Platform, eventually, merchant_token};
use crate::receiver::{Answer, Receiver};

const ENDPOINTS: &str = "/v1/webhook_endpoints";

fn post(platform: &Platform, path: &str, body: &Value) -> Reply {
    platform.post(&merchant_token(MERCHANT), path, body)
}

fn get(platform: &Platform, path: &str) -> Value {
    platform.get(&merchant_token(MERCHANT), path).expect(200).json()
}

fn create(platform: &Platform, receiver: &Receiver) -> Value {
    post(platform, ENDPOINTS, &json!({ "url": receiver.url() })).expect(201).json()
}

fn path(endpoint: &Value) -> String {
    format!("{ENDPOINTS}/{}", endpoint["id"].as_str().unwrap())
}

fn delete(platform: &Platform, path: &str) -> Reply {
    platform.send(&Request { method: "DELETE", ..Request::get(path).token(&merchant_token(MERCHANT)) })
}

#[test]
fn an_endpoint_is_made_changed_and_deleted() {
    let (platform, receiver) = (Platform::start(), Receiver::well());
    let made = create(&platform, &receiver);
    assert!(Secret::parse(made["secret"].as_str().unwrap()).is_ok());
    assert_eq!((&made["events"], &made["status"], &made["pending"]), (&json!(["*"]), &json!("enabled"), &json!(0)));
    let mut shown = made.clone();
    shown.as_object_mut().unwrap().remove("secret");
    assert_eq!(get(&platform, &path(&made)), shown, "the secret is shown once");
    let changes =
        json!({ "url": "http://127.0.0.1:9/new", "events": ["payment.*"], "description": "books", "enabled": false });
    let changed = post(&platform, &path(&made), &changes).expect(200).json();
    assert_eq!((&changed["url"], &changed["events"]), (&json!("http://127.0.0.1:9/new"), &json!(["payment.*"])));
    assert_eq!((&changed["status"], &changed["description"]), (&json!("disabled"), &json!("books")));
    let cleared = post(&platform, &path(&made), &json!({ "description": null })).expect(200).json();
    assert_eq!((&cleared["description"], &cleared["url"]), (&Value::Null, &changed["url"]));
    let platform = platform.restart();
    assert_eq!(get(&platform, ENDPOINTS), json!({ "data": [cleared], "has_more": false }));
    assert_eq!(delete(&platform, &path(&made)).status, 204);
    delete(&platform, &path(&made)).expect_problem(404, "not_found", None);
    assert_eq!(get(&platform, ENDPOINTS)["data"], json!([]));
    let audit = get(&platform, "/v1/audit_log?limit=100");
    let actions: Vec<_> = audit["data"].as_array().unwrap().iter().map(|entry| entry["action"].clone()).collect();
    for action in ["created", "updated", "deleted"] {
        assert!(actions.contains(&json!(format!("webhook_endpoint.{action}"))), "{actions:?}");
    }
    assert!(!audit.to_string().contains("whsec_"));
}

#[test]
fn an_event_is_delivered_listed_and_replayed() {
    let (platform, receiver) =
        (Platform::start(), Receiver::start(|_| Answer::Full(500, "x: y".to_owned(), b"no".to_vec())));
    let endpoint = create(&platform, &receiver);
    let event = platform.tell(MERCHANT, "payment.succeeded", "pay_1");
    platform.tell(OTHER_MERCHANT, "payment.succeeded", "pay_2");
    let list = |query: &str| get(&platform, &format!("{}/deliveries{query}", path(&endpoint)))["data"].clone();
    eventually(|| list("")[0]["attempts"] == 1);
    let delivery = list("")[0].clone();
    assert_eq!((&delivery["event"], &delivery["event_type"]), (&json!(event), &json!("payment.succeeded")));
    assert_eq!((&delivery["status"], &delivery["object"]), (&json!("pending"), &json!("pay_1")));
    assert!(delivery["next_attempt_at"].is_string() && delivery["endpoint"] == endpoint["id"]);
    assert_eq!(list("?status=pending&event_type=payment.succeeded"), json!([delivery]));
    for none in ["?status=dead", "?status=succeeded", "?event_type=order.created"] {
        assert_eq!(list(none), json!([]), "{none}");
    }
    let own = format!("/v1/deliveries/{}", delivery["id"].as_str().unwrap());
    let details = get(&platform, &own);
    assert_eq!(details["body"], "{\"object\":\"pay_1\"}");
    let attempt = &details["attempt_log"][0];
    assert_eq!((&attempt["number"], &attempt["status"], &attempt["response"]), (&json!(1), &json!(500), &json!("no")));
    receiver.answer(|_| Answer::Status(200));
    post(&platform, &format!("{own}/replay"), &json!({})).expect(202);
    eventually(|| get(&platform, &own)["status"] == "succeeded");
    let received = receiver.received();
    assert_eq!(received.len(), 2);
    assert!(received.iter().all(|one| one.body == b"{\"object\":\"pay_1\"}" && one.header("webhook-id") == event));
    post(&platform, &format!("{}/replay", path(&endpoint)), &json!({ "from": event })).expect(202);
    eventually(|| receiver.count() == 3);
    assert_eq!(get(&platform, &path(&endpoint))["pending"], 0);
}

#[test]
fn a_test_says_at_once_what_came_of_it() {
    let (platform, receiver) = (Platform::start(), Receiver::well());
    let endpoint = create(&platform, &receiver);
    let test = || post(&platform, &format!("{}/test", path(&endpoint)), &json!({})).expect(200).json();
    let tested = test();
    assert_eq!(
        (&tested["delivered"], &tested["status"], &tested["response"]),
        (&json!(true), &json!(200), &json!("thank you"))
    );
    let received = receiver.received().remove(0);
    let ping: Value = serde_json::from_slice(&received.body).unwrap();
    assert_eq!(
        (&ping["type"], &ping["id"], &ping["data"]["endpoint"]),
        (&json!("ping"), &tested["event"], &endpoint["id"])
    );
    let secrets = [Secret::parse(endpoint["secret"].as_str().unwrap()).unwrap()];
    let header = |name| received.header(name);
    let now = header("webhook-timestamp").parse().unwrap();
    let verdict = verify(
        &secrets,
        header("webhook-id"),
        header("webhook-timestamp"),
        header("webhook-signature"),
        &received.body,
        now,
    );
    assert_eq!(verdict, Ok(()));
    receiver.answer(|_| Answer::HangUp);
    let failed = test();
    assert_eq!((&failed["delivered"], &failed["status"]), (&json!(false), &Value::Null));
    assert!(failed["error"].is_string());
    assert_eq!(get(&platform, &format!("{}/deliveries", path(&endpoint)))["data"], json!([]), "it is in no log");
}

#[test]
fn a_secret_is_rotated_with_overlap() {
    let (platform, receiver) = (Platform::start(), Receiver::well());
    let endpoint = create(&platform, &receiver);
    let signatures = || {
        post(&platform, &format!("{}/test", path(&endpoint)), &json!({})).expect(200);
        receiver.received().pop().unwrap().header("webhook-signature").split(' ').count()
    };
    assert_eq!(signatures(), 1);
    let rotate = |body: Value| post(&platform, &format!("{}/rotate_secret", path(&endpoint)), &body).expect(200).json();
    let rotated = rotate(json!({ "overlap_seconds": 60 }));
    assert!(rotated["secret"].as_str().unwrap().starts_with("whsec_") && rotated["secret"] != endpoint["secret"]);
    assert_eq!(signatures(), 2);
    rotate(json!({ "overlap_seconds": 0 }));
    assert_eq!(signatures(), 2, "the one before the last still has its minute");
}

#[test]
fn invariant_03_making_an_endpoint_twice_with_one_key_makes_one_and_shows_its_secret_again() {
    let (platform, receiver) = (Platform::start(), Receiver::well());
    let token = merchant_token(MERCHANT);
    let request = Request::post(ENDPOINTS, json!({ "url": receiver.url() }).to_string()).token(&token).key("one");
    let first = platform.send(&request).expect(201).json();
    assert_eq!(platform.send(&request).expect(201).json(), first);
    assert_eq!(get(&platform, ENDPOINTS)["data"].as_array().unwrap().len(), 1);
    let other =
        Request::post(ENDPOINTS, json!({ "url": "http://localhost/other" }).to_string()).token(&token).key("one");
    platform.send(&other).expect_problem(409, "idempotency_conflict", None);
}

#[test]
fn bug_04_one_replay_asked_for_many_times_at_once_has_one_effect_and_good_answers() {
    let (platform, receiver) = (Platform::start(), Receiver::well());
    let endpoint = create(&platform, &receiver);
    platform.tell(MERCHANT, "payment.succeeded", "pay_1");
    let list = || get(&platform, &format!("{}/deliveries?status=succeeded", path(&endpoint)))["data"].clone();
    eventually(|| list()[0]["attempts"] == 1);
    let replay = format!("/v1/deliveries/{}/replay", list()[0]["id"].as_str().unwrap());
    let token = merchant_token(MERCHANT);
    let ask = |key: &str| platform.send(&Request::post(&replay, "{}").token(&token).key(key)).expect(202).json();
    let answers: Vec<Value> = thread::scope(|scope| {
        let asking: Vec<_> = (0..20).map(|_| scope.spawn(|| ask("one"))).collect();
        asking.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    eventually(|| list()[0]["attempts"] == 2);
    thread::sleep(std::time::Duration::from_millis(50));
    assert_eq!(receiver.count(), 2);
    // Without a common key each may be done, and each is answered well.
    thread::scope(|scope| (0..20).for_each(|number| drop(scope.spawn(move || ask(&number.to_string())))));
    let received = receiver.received();
    assert!(received.iter().all(|one| one.body == received[0].body));
}

#[test]
fn invariant_12_a_merchant_has_twenty_endpoints_at_most() {
    let (platform, receiver) = (Platform::start(), Receiver::well());
    for _ in 0..20 {
        create(&platform, &receiver);
    }
    let body = json!({ "url": receiver.url() });
    post(&platform, ENDPOINTS, &body).expect_problem(409, "too_many_endpoints", None);
    let first = get(&platform, &format!("{ENDPOINTS}?limit=15"));
    let rest =
        get(&platform, &format!("{ENDPOINTS}?limit=15&starting_after={}", first["data"][14]["id"].as_str().unwrap()));
    let lengths = [&first, &rest].map(|page| (page["data"].as_array().unwrap().len(), page["has_more"].clone()));
    assert_eq!(lengths, [(15, json!(true)), (5, json!(false))]);
}

#[test]
fn bad_input_is_refused_and_named() {
    let (platform, receiver) = (Platform::start(), Receiver::well());
    let endpoint = path(&create(&platform, &receiver));
    let long = format!("http://localhost/{}", "a".repeat(2_048));
    let url = receiver.url();
    for (to, body, field) in [
        (ENDPOINTS, json!({}), "url"),
        (ENDPOINTS, json!({ "url": null }), "url"),
        (ENDPOINTS, json!({ "url": 7 }), "url"),
        (ENDPOINTS, json!({ "url": "" }), "url"),
        (ENDPOINTS, json!({ "url": "localhost" }), "url"),
        (ENDPOINTS, json!({ "url": "ftp://localhost/" }), "url"),
        (ENDPOINTS, json!({ "url": "http://user:secret@localhost/" }), "url"),
        (ENDPOINTS, json!({ "url": "http://169.254.169.254/" }), "url"),
        (ENDPOINTS, json!({ "url": "http://localhost:0/" }), "url"),
        (ENDPOINTS, json!({ "url": long }), "url"),
        (ENDPOINTS, json!({ "url": url, "events": [] }), "events"),
        (ENDPOINTS, json!({ "url": url, "events": null }), "events"),
        (ENDPOINTS, json!({ "url": url, "events": ["pay*"] }), "events"),
        (ENDPOINTS, json!({ "url": url, "events": [7] }), "events[0]"),
        (ENDPOINTS, json!({ "url": url, "events": vec!["*"; 51] }), "events"),
        (ENDPOINTS, json!({ "url": url, "description": "" }), "description"),
        (ENDPOINTS, json!({ "url": url, "description": "x".repeat(141) }), "description"),
        (ENDPOINTS, json!({ "url": url, "secret": "whsec_x" }), "secret"),
        (&endpoint, json!({ "url": null }), "url"),
        (&endpoint, json!({ "url": "gopher://x" }), "url"),
        (&endpoint, json!({ "enabled": null }), "enabled"),
        (&endpoint, json!({ "enabled": "yes" }), "enabled"),
        (&endpoint, json!({ "status": "disabled" }), "status"),
        (&format!("{endpoint}/rotate_secret"), json!({ "overlap_seconds": -1 }), "overlap_seconds"),
        (&format!("{endpoint}/rotate_secret"), json!({ "overlap_seconds": 2_592_001 }), "overlap_seconds"),
        (&format!("{endpoint}/replay"), json!({}), "from"),
        (&format!("{endpoint}/replay"), json!({ "from": "4711" }), "from"),
        (
            &format!("{endpoint}/replay"),
            json!({ "from": "evt_7zzzzzzzzzzzzzzzzzzzzzzzzz", "to": "evt_01h455vb4pe000000000000001" }),
            "to",
        ),
        (&format!("{endpoint}/test"), json!({ "x": 1 }), "x"),
    ] {
        post(&platform, to, &body).expect_problem(400, "invalid_field", Some(field));
    }
    let token = merchant_token(MERCHANT);
    for (query, field) in
        [("status=late", "status"), ("event_type=", "event_type"), ("starting_after=x", "starting_after"), ("x=1", "x")]
    {
        let reply = platform.get(&token, &format!("{endpoint}/deliveries?{query}"));
        reply.expect_problem(400, "invalid_field", Some(field));
    }
    for path in ["/v1/deliveries/x", "/v1/webhook_endpoints/x", "/v1/webhook_endpoints/x/deliveries"] {
        platform.get(&token, path).expect_problem(400, "invalid_id", Some("id"));
    }
    delete(&platform, "/v1/webhook_endpoints/x").expect_problem(400, "invalid_id", Some("id"));
}
