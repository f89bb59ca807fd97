//! Keys: what they are good for, how long, and who can make them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use directory::Actor;
use payments::UnixMillis;
use serde_json::{Value, json};
use server::{Options, Source};

use crate::onboarding::{operator, post_once};
use crate::platform::{
    MERCHANT, OTHER_MERCHANT, Platform, TILL_TAG, merchant_token, read_only_token, till_of, token, wallet_token,
};

const NOON: u64 = 1_795_350_600_000;

/// A clock that stands where it is put.
#[derive(Clone)]
struct Standing(Arc<AtomicU64>);

impl Source for Standing {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }

    fn random(&self) -> u128 {
        server::SystemSource.random()
    }
}

fn standing() -> (Platform, Arc<AtomicU64>) {
    let clock = Arc::new(AtomicU64::new(NOON));
    let source = Box::new(Standing(clock.clone()));
    (Platform::start_with(Options { source, ..Options::default() }), clock)
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap().to_owned()
}

#[test]
fn an_old_token_lives_to_the_very_end_of_the_overlap_and_no_longer() {
    let (platform, clock) = standing();
    let own = merchant_token(MERCHANT);
    let made = platform.post(&own, "/v1/keys", &json!({ "label": "Back office", "scopes": ["read"] })).expect(201);
    let (old, old_id) = (text(&made.json(), "token"), made.id());
    let roll = json!({ "overlap_seconds": 60 });
    let rolled = platform.post(&own, &format!("/v1/keys/{old_id}/roll"), &roll).expect(201).json();
    let new = text(&rolled, "token");
    assert_ne!(old, new);
    assert_eq!((&rolled["label"], &rolled["scopes"]), (&json!("Back office"), &json!(["read"])));
    let works = |token: &str| platform.get(token, "/v1/stores").status == 200;
    clock.store(NOON + 59_999, Ordering::SeqCst);
    assert_eq!((works(&old), works(&new)), (true, true));
    clock.store(NOON + 60_000, Ordering::SeqCst);
    assert_eq!((works(&old), works(&new)), (false, true));
    platform.get(&old, "/v1/stores").expect_problem(401, "unauthenticated", None);
    let again = platform.post(&own, &format!("/v1/keys/{old_id}/roll"), &roll);
    again.expect_problem(409, "key_ended", None);
    let ended = platform.get(&own, &format!("/v1/keys/{old_id}")).expect(200).json();
    assert_eq!(ended["expires_at"], "2026-11-22T12:31:00.000Z");
    // Without an overlap it ends at once.
    let id = text(&rolled, "id");
    platform.post(&own, &format!("/v1/keys/{id}/roll"), &json!({ "overlap_seconds": 0 })).expect(201);
    assert!(!works(&new));
}

#[test]
fn a_key_with_an_end_ends_and_rolls_into_one_as_long() {
    let (platform, clock) = standing();
    let own = merchant_token(MERCHANT);
    let made = platform.post(&own, "/v1/keys", &json!({ "expires_in_seconds": 3_600 })).expect(201).json();
    assert_eq!(made["expires_at"], "2026-11-22T13:30:00.000Z");
    clock.store(NOON + 1_800_000, Ordering::SeqCst);
    let path = format!("/v1/keys/{}/roll", text(&made, "id"));
    let rolled = platform.post(&own, &path, &json!({ "overlap_seconds": 2_592_000 })).expect(201).json();
    assert_eq!(rolled["expires_at"], "2026-11-22T14:00:00.000Z");
    clock.store(NOON + 3_600_000, Ordering::SeqCst);
    assert_eq!(platform.get(&text(&made, "token"), "/v1/stores").status, 401, "an overlap prolongs nothing");
    assert_eq!(platform.get(&text(&rolled, "token"), "/v1/stores").status, 200);
}

#[test]
fn a_revoked_key_is_good_for_nothing_at_once() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let made = platform.post(&own, "/v1/keys", &json!({})).expect(201).json();
    let (token, id) = (text(&made, "token"), text(&made, "id"));
    platform.get(&token, "/v1/stores").expect(200);
    let revoked = platform.post(&token, &format!("/v1/keys/{id}/revoke"), &json!({})).expect(200).json();
    assert!(revoked["revoked_at"].is_string());
    platform.get(&token, "/v1/stores").expect_problem(401, "unauthenticated", None);
    let again = platform.post(&own, &format!("/v1/keys/{id}/revoke"), &json!({})).expect(200).json();
    assert_eq!(again, revoked);
    let platform = platform.restart();
    platform.get(&token, "/v1/stores").expect_problem(401, "unauthenticated", None);
}

#[test]
fn nobody_makes_a_key_that_can_do_more() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let make = |token: &str, body: Value| platform.post(token, "/v1/keys", &body);
    let clerk = make(&own, json!({ "scopes": ["read", "write"] })).expect(201).json();
    let clerk_token = text(&clerk, "token");
    let child = make(&clerk_token, json!({})).expect(201).json();
    assert_eq!(child["scopes"], json!(["read", "write"]), "no more than its maker");
    make(&clerk_token, json!({ "scopes": ["refund"] })).expect_problem(403, "insufficient_scope", None);
    let treasurer = make(&own, json!({ "scopes": ["read", "settle"] })).expect(201).json();
    let roll = format!("/v1/keys/{}/roll", text(&treasurer, "id"));
    platform.post(&clerk_token, &roll, &json!({})).expect_problem(403, "insufficient_scope", None);
    make(&own, json!({ "till": till_of(MERCHANT), "scopes": ["settle"] })).expect_problem(
        400,
        "invalid_field",
        Some("scopes"),
    );
    for (body, status, code, field) in [
        (json!({ "merchant": OTHER_MERCHANT }), 404, "not_found", "merchant"),
        (json!({ "till": till_of(OTHER_MERCHANT) }), 404, "not_found", "till"),
        (json!({ "scopes": [] }), 400, "invalid_field", "scopes"),
        (json!({ "scopes": ["read", "read"] }), 400, "invalid_field", "scopes"),
        (json!({ "scopes": ["rule"] }), 400, "invalid_field", "scopes[0]"),
        (json!({ "label": "" }), 400, "invalid_field", "label"),
        (json!({ "expires_in_seconds": 0 }), 400, "invalid_field", "expires_in_seconds"),
        (json!({ "expires_in_seconds": 316_224_001 }), 400, "invalid_field", "expires_in_seconds"),
        (json!({ "token": "mk_mine" }), 400, "invalid_field", "token"),
    ] {
        make(&own, body).expect_problem(status, code, Some(field));
    }
    for overlap in [json!(-1), json!(2_592_001), json!("1"), Value::Null] {
        let path = format!("/v1/keys/{}/roll", text(&clerk, "id"));
        let reply = platform.post(&own, &path, &json!({ "overlap_seconds": overlap }));
        reply.expect_problem(400, "invalid_field", Some("overlap_seconds"));
    }
    // A till's key makes none, nor does a wallet's.
    make(token(Actor::Till(till_of(MERCHANT))).expose(), json!({})).expect_problem(403, "forbidden", None);
    make(&wallet_token(0), json!({})).expect_problem(403, "forbidden", None);
    make(&read_only_token(Actor::Merchant(MERCHANT)), json!({})).expect_problem(403, "insufficient_scope", None);
    let of_operator = make(&operator(), json!({})).expect(201).json();
    assert_eq!((&of_operator["type"], &of_operator["merchant"]), (&json!("operator"), &Value::Null));
    let id = text(&of_operator, "id");
    for path in [format!("/v1/keys/{id}/roll"), format!("/v1/keys/{id}/revoke")] {
        platform.post(&own, &path, &json!({})).expect_problem(404, "not_found", None);
    }
    platform.get(&own, &format!("/v1/keys/{id}")).expect_problem(404, "not_found", None);
}

#[test]
fn a_scope_opens_its_own_doors_only() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let with =
        |scope: &str| text(&platform.post(&own, "/v1/keys", &json!({ "scopes": [scope] })).expect(201).json(), "token");
    let keys: Vec<(&str, String)> = ["read", "write", "refund", "settle"].map(|scope| (scope, with(scope))).into();
    let account = json!({ "currency": "CNY", "account": null });
    for (scope, token) in &keys {
        for (needed, reply) in [
            ("read", platform.get(token, "/v1/stores")),
            ("write", platform.post(token, "/v1/orders", &json!({ "tag": TILL_TAG, "currency": "CNY" }))),
            ("settle", platform.post(token, "/v1/merchants/me/payout_accounts", &account)),
        ] {
            if *scope == needed {
                assert!(reply.status < 300, "{scope} {needed}: {}", reply.text());
            } else {
                let problem = reply.expect_problem(403, "insufficient_scope", None);
                assert!(problem.json()["detail"].as_str().unwrap().contains(needed), "{}", problem.text());
            }
        }
    }
}

#[test]
fn invariant_11_a_token_is_shown_once_to_who_asked_and_kept_by_nobody() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let body = json!({ "label": "Once" });
    let made = post_once(&platform, &own, "/v1/keys", &body, "k-1").expect(201);
    let token = text(&made.json(), "token");
    assert_eq!(post_once(&platform, &own, "/v1/keys", &body, "k-1").expect(201).body, made.body);
    // Another key of the same merchant gets the answer's place, not its secret.
    let second = text(&platform.post(&own, "/v1/keys", &json!({})).expect(201).json(), "token");
    let refused = post_once(&platform, &second, "/v1/keys", &body, "k-1");
    refused.expect_problem(409, "idempotency_conflict", None);
    let listed = platform.get(&own, "/v1/keys").expect(200);
    assert!(!listed.text().contains(&token[3..]) && listed.text().contains(&token[token.len() - 4..]));
    assert!(!platform.get(&own, "/v1/audit_log").expect(200).text().contains(&token[3..35]));
    for file in platform.files() {
        let found = file.1.windows(32).any(|window| window == &token.as_bytes()[3..35]);
        assert!(!found, "{} holds a token", file.0);
    }
    let platform = platform.restart();
    assert_eq!(post_once(&platform, &own, "/v1/keys", &body, "k-1").expect(201).body, made.body);
}

#[test]
fn keys_are_listed_by_whose_they_are() {
    let platform = Platform::start();
    let count = |token: &str, query: &str| {
        platform.get(token, &format!("/v1/keys{query}")).expect(200).json()["data"].as_array().unwrap().len()
    };
    let own = merchant_token(MERCHANT);
    assert_eq!((count(&own, ""), count(&own, &format!("?till={}", till_of(MERCHANT)))), (4, 2));
    assert_eq!((count(&operator(), ""), count(&operator(), &format!("?merchant={MERCHANT}"))), (10, 4));
    platform.get(&own, &format!("/v1/keys?merchant={OTHER_MERCHANT}")).expect_problem(
        404,
        "not_found",
        Some("merchant"),
    );
    for id in ["x", "tok_01h455vb4pex5vsknk084sn02q"] {
        platform.get(&own, &format!("/v1/keys/{id}")).expect_problem(400, "invalid_id", Some("id"));
    }
}
