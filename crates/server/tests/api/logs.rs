//! What is written to the log.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use crate::client::Request;
use crate::platform::{MASTER_KEY, MERCHANT, Platform, STANDING_TAG, merchant_token, wallet_token};

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Everything is logged here, dependencies included; all tests of this program that run by then write into it.
#[test]
fn bug_23_invariant_11_no_secret_reaches_the_log() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone());
    subscriber.with_ansi(false).init();
    let platform = Platform::start();
    let (merchant, payer) = (merchant_token(MERCHANT), wallet_token(0));
    platform.order();
    let url = platform.touch(STANDING_TAG);
    let tap = platform.post(&payer, "/v1/taps", &json!({ "url": url })).expect(201).id();
    platform.post(&payer, "/v1/taps", &json!({ "url": url, "token": merchant })).expect(400);
    platform.post(&payer, "/v1/taps", &json!({ "url": url.replace("c=", "c=F") })).expect(400);
    platform.pay(0, &json!({ "tap": tap, "amount": { "amount": 1, "currency": "CNY" } })).expect(201);
    platform.get(&merchant, "/v1/payments").expect(200);
    let key = Request::post("/v1/keys", "{}").token(&merchant).key("once");
    let made = platform.send(&key).expect(201).json()["token"].as_str().unwrap().to_owned();
    platform.send(&key).expect(201);
    let account = json!({ "iban": "DE89370400440532013000", "holder": "Lantern Tea" });
    let account = json!({ "currency": "CNY", "account": account });
    platform.post(&made, "/v1/merchants/me/payout_accounts", &account).expect(200);
    platform.get(&made, &format!("/v1/stores?search={made}")).expect(200);
    let wrong = format!("{payer}0");
    platform.get(&wrong, &format!("/v1/wallets/me?token={payer}")).expect(401);
    platform.send(&Request::get(format!("/t?{}", url.split_once('?').unwrap().1))).expect(200);
    platform.engine.close();
    let refused = platform.pay(0, &json!({ "tap": tap })).expect_problem(503, "unavailable", None);
    assert_eq!(refused.header("retry-after"), Some("1"));
    platform.send(&Request::get("/readyz")).expect_problem(503, "unavailable", None);
    platform.send(&Request::get("/healthz")).expect(200);

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains(refused.json()["request_id"].as_str().unwrap()), "what is ours is logged with its id");
    assert!(log.contains("route=\"/v1/taps\""));
    let mac = url.split_once("&c=").unwrap().1;
    let master: String = MASTER_KEY.iter().map(|byte| format!("{byte:02x}")).collect();
    let raw_master = std::str::from_utf8(&MASTER_KEY).unwrap();
    for secret in [&merchant[3..], &payer[3..], &made[3..], "370400440532013000", mac, &master, raw_master, "Bearer "] {
        assert!(!log.to_lowercase().contains(&secret.to_lowercase()), "{secret} is in the log");
    }
}
