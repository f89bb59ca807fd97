//! What must be refused: each time with a problem that names field and reason, and with nothing changed.

use serde_json::{Value, json};

use crate::client::{Reply, Request};
use crate::platform::{
    INACTIVE_TAG, MASTER_KEY, MERCHANT, OTHER_TAG, Platform, STANDING_TAG, TILL_TAG, merchant_token, uid, wallet_token,
};

/// Runs what must change nothing, and looks.
#[track_caller]
fn unchanged(platform: &Platform, attempt: impl FnOnce() -> Reply) -> Reply {
    let before = (platform.position(), platform.balance(0));
    let reply = attempt();
    assert!((400..500).contains(&reply.status), "{reply:?}");
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
    assert_eq!((platform.position(), platform.balance(0)), before, "{}", reply.text());
    reply
}

/// What bug row 3 lists, and the field that is at fault in each.
fn bad_money() -> Vec<(String, &'static str)> {
    let amounts = [
        "0",
        "-1",
        "1.5",
        "1.0",
        "1e3",
        "\"1250\"",
        "null",
        "true",
        "[1]",
        "{}",
        "9223372036854775808",
        "18446744073709551616",
    ];
    let with_currency = |amount| (format!(r#"{{"amount":{amount},"currency":"CNY"}}"#), "amount.amount");
    let mut bad: Vec<_> = amounts.map(with_currency).into();
    for (currency, field) in [
        ("\"XXX\"", "amount.currency"),
        ("\"cny\"", "amount.currency"),
        ("\"\"", "amount.currency"),
        ("156", "amount.currency"),
        ("null", "amount.currency"),
    ] {
        bad.push((format!(r#"{{"amount":1,"currency":{currency}}}"#), field));
    }
    bad.extend([
        (r#"{"amount":1,"currency":"CNY","tip":1}"#.to_owned(), "amount.tip"),
        (r#"{"amount":1}"#.to_owned(), "amount.currency"),
        (r#"{"currency":"CNY"}"#.to_owned(), "amount.amount"),
        (r#"{"amount":1,"amount":2,"currency":"CNY"}"#.to_owned(), "amount.amount"),
        ("null".to_owned(), "amount"),
        ("1250".to_owned(), "amount"),
        ("[1250,\"CNY\"]".to_owned(), "amount"),
    ]);
    bad
}

#[test]
fn bug_03_no_money_field_takes_a_bad_amount() {
    let platform = Platform::start();
    let (merchant, payer) = (merchant_token(MERCHANT), wallet_token(0));
    let tap = platform.tap(0, STANDING_TAG).expect(201).id();
    for (money, field) in bad_money() {
        for (path, token, rest) in [
            ("/v1/orders", &merchant, format!(r#""tag":"{TILL_TAG}""#)),
            ("/v1/payments", &payer, format!(r#""tap":"{tap}""#)),
        ] {
            let body = format!(r#"{{{rest},"amount":{money}}}"#);
            let reply = unchanged(&platform, || platform.send(&Request::post(path, body.as_bytes()).token(token)));
            reply.expect_problem(400, "invalid_field", Some(field));
        }
    }
    // The tap was there to be paid with all the while.
    platform.pay(0, &json!({ "tap": tap, "amount": { "amount": 1, "currency": "CNY" } })).expect(201);
}

#[test]
fn an_amount_that_nobody_has_is_declined() {
    let platform = Platform::start();
    let tap = platform.tap(0, STANDING_TAG).expect(201).id();
    let most = json!({ "tap": tap, "amount": { "amount": i64::MAX, "currency": "CNY" } });
    platform.pay(0, &most).expect_problem(402, "insufficient_funds", None);
    assert_eq!(platform.balance(0), Platform::BALANCE);
}

#[test]
fn orders_with_bad_fields_are_refused() {
    let platform = Platform::start();
    let merchant = merchant_token(MERCHANT);
    let good = json!({ "tag": TILL_TAG, "amount": { "amount": 1, "currency": "CNY" } });
    let cases: [(&str, Value, &str); 16] = [
        ("tag", json!("ord_01h455vb4pex5vsknk084sn02q"), "tag"),
        ("tag", json!("tag_01h455vb4pex5vsknk084sn02"), "tag"),
        ("tag", json!("tag_01H455VB4PEX5VSKNK084SN02Q"), "tag"),
        ("tag", json!(7), "tag"),
        ("tag", Value::Null, "tag"),
        ("currency", json!("CNY"), "currency"),
        ("description", json!(""), "description"),
        ("description", json!("x".repeat(141)), "description"),
        ("description", json!("a\nb"), "description"),
        ("description", Value::Null, "description"),
        ("reference", json!("x".repeat(65)), "reference"),
        ("expires_in_seconds", json!(29), "expires_in_seconds"),
        ("expires_in_seconds", json!(86_401), "expires_in_seconds"),
        ("expires_in_seconds", json!(-1), "expires_in_seconds"),
        ("expires_in_seconds", json!(30.5), "expires_in_seconds"),
        ("colour", json!("red"), "colour"),
    ];
    for (name, value, field) in cases {
        let mut body = good.clone();
        body[name] = value;
        let reply = unchanged(&platform, || platform.post(&merchant, "/v1/orders", &body));
        reply.expect_problem(400, "invalid_field", Some(field));
    }
    let neither = json!({ "tag": TILL_TAG });
    let reply = unchanged(&platform, || platform.post(&merchant, "/v1/orders", &neither));
    reply.expect_problem(400, "invalid_field", Some("amount"));
    for (tag, status, code) in [(OTHER_TAG, 404, "not_found"), (INACTIVE_TAG, 409, "tag_inactive")] {
        let body = json!({ "tag": tag, "currency": "CNY" });
        let reply = unchanged(&platform, || platform.post(&merchant, "/v1/orders", &body));
        reply.expect_problem(status, code, None);
    }
    let euros = json!({ "tag": TILL_TAG, "currency": "EUR" });
    let reply = unchanged(&platform, || platform.post(&merchant, "/v1/orders", &euros));
    reply.expect_problem(422, "currency_not_accepted", None);
}

#[test]
fn bodies_that_are_no_json_are_refused() {
    let platform = Platform::start();
    let token = wallet_token(0);
    for body in [
        "{",
        "{\"tap\":",
        "tap=1",
        "[]",
        "null",
        "\"tap\"",
        "{}{}",
        "{\"tap\":\"\\ud800\"}",
        "{'tap':1}",
        "{\"tap\":1,}",
    ] {
        let request = Request::post("/v1/payments", body).token(&token);
        let reply = unchanged(&platform, || platform.send(&request));
        assert_eq!(reply.status, 400, "{body}");
        assert!(["malformed_json", "invalid_field"].contains(&reply.code().as_str()), "{body}: {}", reply.text());
    }
    let not_utf_8 = Request::post("/v1/payments", b"{\"tap\":\"\xff\"}".as_slice()).token(&token);
    unchanged(&platform, || platform.send(&not_utf_8)).expect_problem(400, "malformed_json", None);
    let deep = Request::post("/v1/payments", format!("{{\"tap\":{}", "[".repeat(10_000))).token(&token);
    assert_eq!(unchanged(&platform, || platform.send(&deep)).status, 400);
    let nothing = Request::post("/v1/payments", "").token(&token).without_content_type();
    unchanged(&platform, || platform.send(&nothing)).expect_problem(400, "invalid_field", Some("tap"));
}

#[test]
fn bodies_of_another_type_or_size_are_refused() {
    let platform = Platform::start();
    let token = wallet_token(0);
    let body = json!({ "url": platform.touch(STANDING_TAG) }).to_string();
    let post = || Request::post("/v1/taps", body.as_bytes()).token(&token);
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
        let request = post().without_content_type().header("Content-Type", content_type);
        unchanged(&platform, || platform.send(&request)).expect_problem(415, "unsupported_media_type", None);
    }
    unchanged(&platform, || platform.send(&post().without_content_type())).expect_problem(
        415,
        "unsupported_media_type",
        None,
    );
    let padded = |length: usize| format!("{body}{}", " ".repeat(length - body.len()));
    let too_large = Request::post("/v1/taps", padded(64 * 1_024 + 1)).token(&token);
    unchanged(&platform, || platform.send(&too_large)).expect_problem(413, "body_too_large", None);
    let chunked = format!(
        "POST /v1/taps HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n{}\r\n0\r\n\r\n",
        padded(64 * 1_024 + 1)
    );
    let reply = unchanged(&platform, || crate::client::exchange(platform.address, chunked.as_bytes()));
    reply.expect_problem(413, "body_too_large", None);
    let with_charset = Request::post("/v1/taps", padded(64 * 1_024)).token(&token).without_content_type();
    platform.send(&with_charset.header("Content-Type", "Application/JSON; charset=utf-8")).expect(201);
}

#[test]
fn urls_that_no_tag_made_are_refused() {
    let platform = Platform::start();
    let token = wallet_token(0);
    let url = platform.touch(STANDING_TAG);
    let (picc_data, mac) = url.split_once("e=").unwrap().1.split_once("&c=").unwrap();
    let at = |query: String| format!("https://pay.example/t?{query}");
    for malformed in [
        String::new(),
        "hello".to_owned(),
        "https://pay.example/t".to_owned(),
        at(format!("e={picc_data}")),
        at(format!("c={mac}")),
        at(format!("e={}&c={mac}", &picc_data[..31])),
        at(format!("e={picc_data}0&c={mac}")),
        at(format!("e={picc_data}&c={}", &mac[..15])),
        at(format!("e={picc_data}&c={mac}00")),
        at(format!("e={}g&c={mac}", &picc_data[..31])),
        at(format!("e={picc_data}&c={}", "é".repeat(8))),
        at(format!("e={picc_data}&e={picc_data}&c={mac}")),
        at(format!("e={picc_data}&c={mac}&x={}", "0".repeat(512))),
        url.replace("/t?", "/u?"),
    ] {
        let body = json!({ "url": malformed });
        let reply = unchanged(&platform, || platform.post(&token, "/v1/taps", &body));
        reply.expect_problem(400, "tap_url_malformed", Some("url"));
    }
    // Genuine in form, made with other keys, or by nobody: recorded at most as a refusal.
    let stranger = tag::AesKey::new([9; 16]);
    let mut foreign =
        tag::SoftwareTag::new(&stranger, uid(STANDING_TAG), tag::ReadCounter::ZERO, "https://pay.example/t").unwrap();
    for invalid in [foreign.touch([1; 5]).unwrap(), at(format!("e={}&c={mac}", "0".repeat(32)))] {
        platform.post(&token, "/v1/taps", &json!({ "url": invalid })).expect_problem(422, "tap_invalid", Some("url"));
    }
    assert_eq!(platform.balance(0), Platform::BALANCE);
    platform.post(&token, "/v1/taps", &json!({ "url": url })).expect(201);
}

#[test]
fn bug_27_a_reading_put_together_from_two_tags_is_refused() {
    let platform = Platform::start();
    let token = wallet_token(0);
    let (mine, other) = (platform.touch(STANDING_TAG), platform.touch(OTHER_TAG));
    let mac_of_other = other.split_once("&c=").unwrap().1;
    let spliced = format!("{}&c={mac_of_other}", mine.split_once("&c=").unwrap().0);
    let mut heard = crate::client::Events::open(platform.address, &merchant_token(MERCHANT), None);
    let body = json!({ "url": spliced });
    platform.post(&token, "/v1/taps", &body).expect_problem(422, "tap_invalid", Some("url"));
    let refused = heard.next();
    assert_eq!((refused.name.as_str(), &refused.data["reason"]), ("tap.refused", &json!("tap_invalid")));
    // The tag's counter has not moved: the genuine reading is still good.
    platform.post(&token, "/v1/taps", &json!({ "url": mine })).expect(201);
}

#[test]
fn a_genuine_reading_of_an_unregistered_tag_is_refused() {
    let platform = Platform::start();
    let key = tag::AesKey::new(MASTER_KEY);
    let base = "https://pay.example/t";
    let mut unknown = tag::SoftwareTag::new(&key, tag::Uid([4; 7]), tag::ReadCounter::ZERO, base).unwrap();
    let body = json!({ "url": unknown.touch([0; 5]).unwrap() });
    let reply = unchanged(&platform, || platform.post(&wallet_token(0), "/v1/taps", &body));
    reply.expect_problem(422, "tag_unknown", None);
    let body = json!({ "url": platform.touch(INACTIVE_TAG) });
    let reply = unchanged(&platform, || platform.post(&wallet_token(0), "/v1/taps", &body));
    reply.expect_problem(409, "tag_inactive", None);
}

#[test]
fn a_counter_at_or_below_the_last_is_refused() {
    let platform = Platform::start();
    let token = wallet_token(0);
    let earlier = platform.touch(STANDING_TAG);
    let later = platform.touch(STANDING_TAG);
    platform.post(&token, "/v1/taps", &json!({ "url": later })).expect(201);
    for used in [later, earlier] {
        platform.post(&wallet_token(1), "/v1/taps", &json!({ "url": used })).expect_problem(409, "tap_replayed", None);
    }
    assert_eq!(platform.balance(0), Platform::BALANCE);
    assert_eq!(platform.balance(1), Platform::BALANCE);
}

#[test]
fn ids_in_paths_are_judged_by_their_text_only() {
    let platform = Platform::start();
    let (merchant, payer) = (merchant_token(MERCHANT), wallet_token(0));
    for (token, path) in [(&merchant, "/v1/orders/{}"), (&merchant, "/v1/payments/{}"), (&payer, "/v1/taps/{}")] {
        for id in ["x", "me", "mch_01h455vb4pex5vsknk084sn02q", "ord_", "%F0%9F", "%20"] {
            let reply = unchanged(&platform, || platform.get(token, &path.replace("{}", id)));
            reply.expect_problem(400, "invalid_id", Some("id"));
        }
    }
    let reply = unchanged(&platform, || platform.post(&merchant, "/v1/orders/nothing/cancel", &json!({})));
    reply.expect_problem(400, "invalid_id", Some("id"));
    let reply = unchanged(&platform, || platform.get(&payer, "/v1/wallets/you"));
    reply.expect_problem(400, "invalid_id", Some("id"));
}

#[test]
fn parameters_and_headers_are_judged_too() {
    let platform = Platform::start();
    let (merchant, payer) = (merchant_token(MERCHANT), wallet_token(0));
    for (token, path, field) in [
        (&merchant, "/v1/orders?limit=0", "limit"),
        (&merchant, "/v1/orders?limit=101", "limit"),
        (&merchant, "/v1/orders?limit=1&limit=1", "limit"),
        (&merchant, "/v1/orders?starting_after=pay_01h455vb4pex5vsknk084sn02q", "starting_after"),
        (&merchant, "/v1/orders?status=lost", "status"),
        (&merchant, "/v1/payments?offset=3", "offset"),
        (&payer, "/v1/wallets/me/history?starting_after=-1", "starting_after"),
        (&payer, "/v1/wallets/me?verbose", "verbose"),
        (&payer, "/v1/events?token=x", "token"),
    ] {
        let reply = unchanged(&platform, || platform.get(token, path));
        reply.expect_problem(400, "invalid_field", Some(field));
    }
    let body = json!({ "tag": TILL_TAG, "currency": "CNY" }).to_string();
    for key in ["", "two words", &"k".repeat(256), "schlüssel"] {
        let request = Request::post("/v1/orders", body.as_bytes()).token(&merchant).key(key);
        let reply = unchanged(&platform, || platform.send(&request));
        reply.expect_problem(400, "invalid_field", Some("Idempotency-Key"));
    }
    let twice = Request::post("/v1/orders", body.as_bytes()).token(&merchant).key("a").key("a");
    let reply = unchanged(&platform, || platform.send(&twice));
    reply.expect_problem(400, "invalid_field", Some("Idempotency-Key"));
    let query = Request::post("/v1/orders?dry_run=1", body.as_bytes()).token(&merchant);
    unchanged(&platform, || platform.send(&query)).expect_problem(400, "invalid_field", Some("dry_run"));
}

#[test]
fn what_does_not_exist_is_a_problem_too() {
    let platform = Platform::start();
    for path in
        ["/v1", "/v1/chargebacks", "/v1/orders/", "/admin", "/assets/none.js", "/assets/../Cargo.toml", "/demo/world"]
    {
        platform.send(&Request::get(path)).expect_problem(404, "not_found", None);
    }
    let reply = platform.send(&Request { method: "DELETE", ..Request::get("/v1/orders") });
    let reply = reply.expect_problem(405, "method_not_allowed", None);
    assert_eq!(reply.header("allow").map(|methods| methods.contains("GET") && methods.contains("POST")), Some(true));
    platform.send(&Request { method: "POST", ..Request::get("/") }).expect_problem(405, "method_not_allowed", None);
}

/// The parser of a tap's URL is the tag crate's; what is checked here is that nothing a body can hold makes a 5xx.
#[test]
fn bytes_that_mean_nothing_never_make_a_fault_of_ours() {
    let platform = Platform::start();
    let token = wallet_token(0);
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..300 {
        let mut body = json!({ "url": platform.touch(STANDING_TAG) }).to_string().into_bytes();
        for _ in 0..1 + seed % 3 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let place = usize::try_from(seed >> 8).unwrap() % body.len();
            body[place] = seed.to_le_bytes()[0];
        }
        let status = platform.send(&Request::post("/v1/taps", body).token(&token)).status;
        assert!(status == 201 || (400..500).contains(&status), "{status}");
    }
}
