//! The demonstration's own routes.

use directory::Actor;
use serde_json::json;
use server::{Demo, DemoMerchant, DemoTag, DemoWallet, Options, World};
use tag::{AesKey, ReadCounter, SoftwareTag};

use crate::client::Request;
use crate::platform::{MASTER_KEY, MERCHANT, Platform, STANDING_TAG, merchant_token, token, uid, wallet, wallet_token};

fn demo() -> Demo {
    let tags = vec![DemoTag { id: STANDING_TAG, label: "Stall".to_owned(), mode: "standing" }];
    let name = || "Lantern Tea".to_owned();
    let merchant = DemoMerchant { id: MERCHANT, name: name(), name_zh: None, key: merchant_token(MERCHANT), tags };
    let wallet = DemoWallet { id: wallet(0), name: "Mei".to_owned(), name_zh: None, token: wallet_token(0) };
    let key = AesKey::new(MASTER_KEY);
    let tag = SoftwareTag::new(&key, uid(STANDING_TAG), ReadCounter::ZERO, "http://127.0.0.1:8080/t").unwrap();
    Demo::new(
        World {
            operator_key: token(Actor::Operator).expose().to_owned(),
            merchants: vec![merchant],
            wallets: vec![wallet],
        },
        [(STANDING_TAG, tag)],
    )
}

#[test]
fn anybody_can_look_around_and_touch_a_tag() {
    let platform = Platform::start_with(Options { demo: Some(demo()), ..Options::default() });
    let world = platform.send(&Request::get("/demo/world")).expect(200).json();
    let merchant = &world["merchants"][0];
    assert_eq!((&merchant["id"], &merchant["key"]), (&json!(MERCHANT), &json!(merchant_token(MERCHANT))));
    assert_eq!(merchant["tags"][0], json!({ "id": STANDING_TAG, "label": "Stall", "mode": "standing" }));
    assert_eq!(world["operator_key"], json!(token(Actor::Operator).expose()));
    assert_eq!(world["wallets"][0]["token"], json!(wallet_token(0)));
    let touch = format!("/demo/tags/{STANDING_TAG}/touch");
    for _ in 0..2 {
        let touched = platform.send(&Request { method: "POST", ..Request::get(&touch) }).expect(200).json();
        platform.post(&wallet_token(0), "/v1/taps", &touched).expect(201);
    }
    let unknown = "/demo/tags/tag_01h455vb4pex5vsknk084sn02q/touch";
    platform.send(&Request { method: "POST", ..Request::get(unknown) }).expect_problem(404, "not_found", None);
    let nonsense = Request { method: "POST", ..Request::get("/demo/tags/x/touch") };
    platform.send(&nonsense).expect_problem(400, "invalid_id", Some("id"));
    assert!(!format!("{:?}", demo()).contains("mk_"));
}
