//! Every endpoint against every kind of actor. The endpoints come from the API's own description, so a new one cannot
//! be missed: it must say who may use it, and it must keep to that.

use std::sync::LazyLock;

use directory::Actor;
use serde_json::{Value, json};

use crate::client::Request;
use crate::description::{Endpoint, endpoints};
use crate::onboarding::operator;
use crate::platform::{
    MERCHANT, OTHER_MERCHANT, Platform, STANDING_TAG, TILL_TAG, eventually, merchant_token, read_only_token, store_of,
    till_of, token, wallet, wallet_token,
};

use crate::settlements::{HOUR, close, pay_out_to, settle_daily};

/// Things that belong to [`MERCHANT`] and wallet 0.
struct Things {
    order: String,
    tap: String,
    payment: String,
    refund: String,
    dispute: String,
    url: String,
    key: String,
    webhook_endpoint: String,
    delivery: String,
    /// A merchant that has only applied.
    applicant: String,
    event: String,
    settlement: String,
    payout: String,
    found_break: String,
}

impl Things {
    fn make(platform: &Platform) -> Self {
        let (settlement, payout, found_break) = paid_out(platform);
        let tap = platform.tap(0, STANDING_TAG).expect(201).id();
        let amount = json!({ "amount": 1_000, "currency": "CNY" });
        let payment = platform.pay(0, &json!({ "tap": tap, "amount": amount })).expect(201).id();
        let part = json!({ "payment": payment, "amount": *PART });
        let refund = platform.post(&merchant_token(MERCHANT), "/v1/refunds", &part).expect(201).id();
        let word = json!({ "payment": payment, "amount": *PART, "reason": "never received" });
        let dispute = platform.post(&wallet_token(0), "/v1/disputes", &word).expect(201).id();
        let key = platform.post(&merchant_token(MERCHANT), "/v1/keys", &json!({})).expect(201).id();
        let webhook_endpoint = webhook_endpoint(platform);
        platform.tell(MERCHANT, "payment.succeeded", "pay_1");
        let deliveries = || {
            let path = format!("/v1/webhook_endpoints/{webhook_endpoint}/deliveries");
            platform.get(&merchant_token(MERCHANT), &path).expect(200).json()["data"].as_array().unwrap().clone()
        };
        eventually(|| !deliveries().is_empty());
        let delivery = deliveries()[0]["id"].as_str().unwrap().to_owned();
        let terms = format!("/v1/merchants/{MERCHANT}/settlement_terms");
        platform.post(token(Actor::Operator).expose(), &terms, &json!({ "time_zone": "Asia/Shanghai" })).expect(200);
        let order = json!({ "tag": TILL_TAG, "currency": "CNY", "reference": "R-1" });
        let order = platform.post(&merchant_token(MERCHANT), "/v1/orders", &order).expect(201).id();
        let url = platform.touch(STANDING_TAG);
        let applies = json!({ "name": "Night Noodles", "currencies": ["CNY"] });
        let applicant = platform.post(token(Actor::Operator).expose(), "/v1/merchants", &applies).expect(201).id();
        let event = platform.get(&merchant_token(MERCHANT), "/v1/events").expect(200).json()["data"][0]["id"].clone();
        let event = event.as_str().unwrap().to_owned();
        Self {
            order,
            tap,
            payment,
            refund,
            dispute,
            url,
            key,
            webhook_endpoint,
            delivery,
            applicant,
            event,
            settlement,
            payout,
            found_break,
        }
    }

    /// The endpoint's path to the things of [`MERCHANT`] and wallet 0.
    fn path(&self, template: &str) -> String {
        let id = match template.split('/').nth(2).unwrap_or_default() {
            "orders" | "sandbox" => self.order.clone(),
            "taps" => self.tap.clone(),
            "payments" => self.payment.clone(),
            "refunds" => self.refund.clone(),
            "disputes" => self.dispute.clone(),
            "events" => self.event.clone(),
            "settlements" => self.settlement.clone(),
            "payouts" => self.payout.clone(),
            "breaks" => self.found_break.clone(),
            // The others go on being paid.
            "merchants" if template.ends_with("/suspend") || template.ends_with("/close") => self.applicant.clone(),
            "merchants" => MERCHANT.to_string(),
            "stores" => store_of(MERCHANT).to_string(),
            "tills" => till_of(MERCHANT).to_string(),
            "tags" => TILL_TAG.to_string(),
            "keys" => self.key.clone(),
            "webhook_endpoints" => self.webhook_endpoint.clone(),
            "deliveries" => self.delivery.clone(),
            "wallets" => wallet(0).to_string(),
            _ if template.contains('{') => panic!("{template} is new: say which id belongs here"),
            _ => String::new(),
        };
        template.replace("{id}", &id)
    }

    /// A body that the endpoint takes from who owns these things.
    fn body(&self, path: &str) -> Value {
        match path {
            "/v1/orders" => json!({ "tag": TILL_TAG, "currency": "CNY" }),
            "/v1/orders/resolve" => json!({ "reference": "R-1" }),
            "/v1/orders/{id}/cancel" | "/v1/orders/{id}/resolve" | "/v1/sandbox/orders/{id}/pay" => json!({}),
            "/v1/sandbox/clock" => json!({ "advance_seconds": 1 }),
            "/v1/sandbox/wallets" => {
                json!({ "name": "Mo", "balances": [{ "amount": 1, "currency": "CNY" }] })
            }
            "/v1/payments/{id}/capture" | "/v1/payments/{id}/void" => json!({}),
            "/v1/refunds" => json!({ "payment": self.payment, "amount": *PART }),
            "/v1/disputes" => json!({ "payment": self.payment, "amount": *PART, "reason": "never received" }),
            "/v1/disputes/{id}/evidence" => json!({ "evidence": "It was handed out." }),
            "/v1/disputes/{id}/accept" => json!({}),
            "/v1/disputes/{id}/decide" => json!({ "outcome": "lost" }),
            "/v1/settlements/run" => json!({}),
            "/v1/payouts" => json!({ "currency": "CNY", "merchant": MERCHANT }),
            "/v1/breaks/{id}/resolve" => json!({ "resolution": "The bank has written off the cent." }),
            "/v1/stores" => json!({ "merchant": MERCHANT, "name": "East Lake" }),
            "/v1/stores/{id}" => json!({ "name": "West Lake" }),
            "/v1/tags/{id}" => json!({ "label": "Till 1" }),
            "/v1/tills" => json!({ "store": store_of(MERCHANT), "name": "Till 2" }),
            "/v1/tills/{id}" => json!({ "name": "Till 1" }),
            "/v1/merchants" => json!({ "name": "Night Noodles", "currencies": ["CNY"] }),
            "/v1/merchants/{id}" => json!({ "email": "owner@example.com" }),
            "/v1/merchants/{id}/payout_accounts" => json!({ "currency": "CNY", "account": null }),
            "/v1/merchants/{id}/activate" | "/v1/merchants/{id}/suspend" | "/v1/merchants/{id}/close" => json!({}),
            "/v1/merchants/{id}/fee_plans" => json!({ "rates": [] }),
            "/v1/merchants/{id}/settlement_terms" => json!({ "time_zone": "Asia/Shanghai" }),
            "/v1/imports" => json!({
                "kind": "stores", "merchant": MERCHANT, "csv": "reference,name\nS-1,East Lake\n"
            }),
            "/v1/keys" => json!({ "merchant": MERCHANT, "scopes": ["read"] }),
            "/v1/webhook_endpoints" => json!({ "url": UNREACHABLE }),
            "/v1/webhook_endpoints/{id}/replay" => json!({ "from": "evt_01h455vb4pex5vsknk084sn02q" }),
            path if path.starts_with("/v1/webhook_endpoints/{id}") => json!({}),
            "/v1/deliveries/{id}/replay" => json!({}),
            "/v1/keys/{id}/roll" | "/v1/keys/{id}/revoke" => json!({}),
            "/v1/taps" => json!({ "url": self.url }),
            "/v1/payments" => json!({ "tap": self.tap, "amount": { "amount": 1, "currency": "CNY" } }),
            _ => panic!("{path} is new: say what is posted there"),
        }
    }
}

/// A settlement of [`MERCHANT`], its payout, and a break, because the bank paid a fen too much.
fn paid_out(platform: &Platform) -> (String, String, String) {
    settle_daily(platform, &json!({}));
    pay_out_to(platform, "0005");
    platform.paid(0, 100);
    let settled = close(platform);
    platform.catch_up();
    platform.pass(HOUR);
    platform.catch_up();
    let breaks = platform.get(&operator(), "/v1/breaks").expect(200).json();
    let found_break = breaks["data"][0]["id"].as_str().unwrap().to_owned();
    (settled["id"].as_str().unwrap().to_owned(), settled["payout"].as_str().unwrap().to_owned(), found_break)
}

/// A part of the payment.
static PART: LazyLock<Value> = LazyLock::new(|| json!({ "amount": 10, "currency": "CNY" }));

/// Where nobody listens.
const UNREACHABLE: &str = "http://127.0.0.1:9/hooks";

/// A new webhook endpoint of [`MERCHANT`].
fn webhook_endpoint(platform: &Platform) -> String {
    let body = json!({ "url": UNREACHABLE });
    platform.post(&merchant_token(MERCHANT), "/v1/webhook_endpoints", &body).expect(201).id()
}

/// Which kinds of actor the description admits, and the scopes that their keys must have; none for what is open to
/// everybody.
fn admitted(endpoint: &Endpoint) -> Vec<(String, Vec<String>)> {
    let schemes = endpoint.operation["security"].as_array().cloned().unwrap_or_default();
    let of_scheme = |(scheme, scopes): (&String, &Value)| {
        let scopes = scopes.as_array().unwrap().iter().map(|scope| scope.as_str().unwrap().to_owned());
        (scheme.clone(), scopes.collect())
    };
    schemes.iter().flat_map(|scheme| scheme.as_object().unwrap().iter().map(of_scheme).collect::<Vec<_>>()).collect()
}

/// Somebody who asks.
struct Asker {
    name: &'static str,
    /// The description's name for its kind of token; `None` for who has none that is good.
    scheme: Option<&'static str>,
    scopes: &'static [&'static str],
    token: Option<String>,
}

const ALL_SCOPES: &[&str] = &["read", "write", "refund", "settle"];

/// Every kind of actor, good ones and bad ones.
fn askers() -> Vec<Asker> {
    let asker = |name, scheme, scopes, token| Asker { name, scheme, scopes, token };
    let (till, other_till) = (till_of(MERCHANT), till_of(OTHER_MERCHANT));
    let (merchant, manager, payer) = (Some("merchant_key"), Some("operator_key"), Some("wallet_token"));
    vec![
        asker("nobody", None, &[], None),
        asker("garbage", None, &[], Some("mk_0123456789abcdef".to_owned())),
        asker("operator", manager, ALL_SCOPES, Some(token(Actor::Operator).expose().to_owned())),
        asker("operator who may only look", manager, &["read"], Some(read_only_token(Actor::Operator))),
        asker("merchant", merchant, ALL_SCOPES, Some(merchant_token(MERCHANT))),
        asker("merchant who may only look", merchant, &["read"], Some(read_only_token(Actor::Merchant(MERCHANT)))),
        asker("other merchant", merchant, ALL_SCOPES, Some(merchant_token(OTHER_MERCHANT))),
        asker("till", Some("till_key"), &["read", "write"], Some(token(Actor::Till(till)).expose().to_owned())),
        asker("till that may only look", Some("till_key"), &["read"], Some(read_only_token(Actor::Till(till)))),
        asker(
            "other merchant's till",
            Some("till_key"),
            &["read", "write"],
            Some(token(Actor::Till(other_till)).expose().to_owned()),
        ),
        asker("wallet", payer, ALL_SCOPES, Some(wallet_token(0))),
        asker("other wallet", payer, ALL_SCOPES, Some(wallet_token(1))),
    ]
}

#[test]
fn bug_22_invariant_10_every_endpoint_refuses_who_may_not() {
    let platform = Platform::start();
    let things = Things::make(&platform);
    let askers = askers();
    let mut asked = 0;
    for endpoint in endpoints() {
        let admitted = admitted(&endpoint);
        assert_eq!(admitted.is_empty(), !endpoint.path.starts_with("/v1/"), "{} must say who may", endpoint.path);
        for Asker { name, scheme, scopes, token } in &askers {
            let path = things.path(&endpoint.path);
            let mut request = match endpoint.method.as_str() {
                "GET" if endpoint.path == "/v1/events" => Request { method: "HEAD", ..Request::get(&path) },
                "GET" => Request::get(&path),
                "POST" => Request::post(&path, things.body(&endpoint.path).to_string()),
                "DELETE" => {
                    let path = format!("/v1/webhook_endpoints/{}", webhook_endpoint(&platform));
                    Request { method: "DELETE", ..Request::get(path) }
                }
                method => panic!("{method} is new here"),
            };
            request.token = token.as_deref();
            let reply = platform.send(&request);
            let case = format!("{} {} by {name}: {} {}", endpoint.method, endpoint.path, reply.status, reply.text());
            asked += 1;
            let needed = scheme.and_then(|scheme| admitted.iter().find(|(admitted, _)| admitted == scheme));
            if admitted.is_empty() {
                assert_eq!(reply.status, 200, "{case}");
            } else if scheme.is_none() {
                assert_eq!((reply.status, reply.header("www-authenticate")), (401, Some("Bearer")), "{case}");
            } else if let Some((_, needed)) = needed {
                if let Some(lacking) = needed.iter().find(|needed| !scopes.contains(&needed.as_str())) {
                    lacks_scope(&reply, lacking, &case);
                } else if endpoint.path.starts_with("/v1/sandbox/") {
                    // Here the money is as good as real.
                    assert_eq!((reply.status, reply.code().as_str()), (404, "sandbox_only"), "{case}");
                } else if name.starts_with("other") {
                    sees_nothing_of_others(&endpoint, &reply, &case);
                } else {
                    assert!(reply.status < 300 || reply.status == 409, "{case}");
                }
            } else {
                assert_eq!(reply.status, 403, "{case}");
                assert!(request.method == "HEAD" || reply.code() == "forbidden", "{case}");
            }
        }
    }
    assert!(asked >= 12 * 16, "{asked}");
    // Whoever may not, changed nothing: the order was cancelled by its owner, the tap paid by its.
    assert_eq!(platform.balance(1), Platform::BALANCE);
}

/// The refusal names the scope, for people and for programs (RFC 6750, section 3.1).
fn lacks_scope(reply: &crate::client::Reply, scope: &str, case: &str) {
    assert_eq!(reply.status, 403, "{case}");
    if !reply.body.is_empty() {
        assert_eq!(reply.code(), "insufficient_scope", "{case}");
        assert!(reply.json()["detail"].as_str().unwrap().contains(scope), "{case}");
    }
    let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
    assert_eq!(reply.header("www-authenticate"), Some(challenge.as_str()), "{case}");
}

/// Of another's things there is no trace: a list is empty, anything named is not there.
fn sees_nothing_of_others(endpoint: &Endpoint, reply: &crate::client::Reply, case: &str) {
    let is_list = endpoint.method == "GET" && !endpoint.path.contains('{');
    match endpoint.path.as_str() {
        "/v1/events" => assert_eq!(reply.status, 200, "{case}"),
        // It has a tag of its own.
        "/v1/tags" => assert_eq!(reply.json()["data"].as_array().unwrap().len(), 1, "{case}"),
        // It has its own here too.
        "/v1/stores" | "/v1/tills" | "/v1/keys" if is_list => {
            let data = reply.json()["data"].as_array().unwrap().clone();
            assert!(!data.is_empty(), "{case}");
            assert!(data.iter().all(|item| item["merchant"] == json!(OTHER_MERCHANT)), "{case}");
        }
        // A touch is whose phone it was; this one was taken by its first reporter.
        "/v1/taps" => assert_eq!((reply.status, reply.code().as_str()), (409, "tap_replayed"), "{case}"),
        // It has accounts, and nothing in them.
        "/v1/balance" => {
            let data = reply.json()["data"].as_array().unwrap().clone();
            assert!(!data.is_empty() && data.iter().all(|of_currency| of_currency["pending"] == 0), "{case}");
        }
        // It makes one of its own.
        "/v1/webhook_endpoints" if !is_list => assert_eq!(reply.status, 201, "{case}"),
        _ if is_list => assert_eq!(reply.json()["data"], json!([]), "{case}"),
        _ => assert_eq!((reply.status, reply.code().as_str()), (404, "not_found"), "{case}"),
    }
}

#[test]
fn invariant_10_anothers_object_looks_like_none() {
    let platform = Platform::start();
    let things = Things::make(&platform);
    let without_id = |reply: crate::client::Reply| {
        let mut problem = reply.expect_problem(404, "not_found", None).json();
        problem.as_object_mut().unwrap().remove("request_id");
        problem
    };
    let cases = [
        (
            merchant_token(OTHER_MERCHANT),
            format!("/v1/orders/{}", things.order),
            "/v1/orders/ord_01h455vb4pex5vsknk084sn02q",
        ),
        (wallet_token(1), format!("/v1/taps/{}", things.tap), "/v1/taps/tap_01h455vb4pex5vsknk084sn02q"),
        (wallet_token(1), format!("/v1/payments/{}", things.payment), "/v1/payments/pay_01h455vb4pex5vsknk084sn02q"),
        (wallet_token(1), format!("/v1/wallets/{}", wallet(0)), "/v1/wallets/wlt_01h455vb4pex5vsknk084sn02q"),
        (
            merchant_token(OTHER_MERCHANT),
            format!("/v1/merchants/{MERCHANT}"),
            "/v1/merchants/mch_01h455vb4pex5vsknk084sn02q",
        ),
    ];
    for (token, anothers, nobodys) in cases {
        let (anothers, nobodys) = (platform.get(&token, &anothers), platform.get(&token, nobodys));
        assert_eq!(without_id(anothers), without_id(nobodys));
    }
}

#[test]
fn a_token_is_given_once_and_as_a_bearer() {
    let platform = Platform::start();
    let token = wallet_token(0);
    let path = "/v1/wallets/me";
    for authorization in [
        format!("Basic {token}"),
        token.clone(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("Bearer  {token}"),
        format!("Bearer {}", "w".repeat(10_000)),
        "Bearer ü".to_owned(),
    ] {
        let request = Request::get(path).header("Authorization", authorization.as_str());
        platform.send(&request).expect_problem(401, "unauthenticated", None);
    }
    let twice = Request::get(path).token(&token).header("Authorization", format!("Bearer {token}"));
    platform.send(&twice).expect_problem(401, "unauthenticated", None);
    let in_url = Request::get(format!("{path}?token={token}"));
    platform.send(&in_url).expect_problem(401, "unauthenticated", None);
    platform.send(&Request::get(path).header("Authorization", format!("bearer {token}"))).expect(200);
}
