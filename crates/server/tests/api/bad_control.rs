//! What the control plane refuses, field by field; and that nothing is changed then.

use serde_json::{Value, json};

use crate::client::Request;
use crate::onboarding::operator;
use crate::platform::{MERCHANT, OTHER_MERCHANT, Platform, merchant_token, store_of, till_of};

/// Values that are bad wherever a name is due.
fn bad_names() -> Vec<Value> {
    let long = "x".repeat(81);
    vec![json!(""), json!(" "), json!(long), json!("a\nb"), json!("a\u{202e}b"), json!(7), json!([]), json!({})]
}

fn bad_references() -> Vec<Value> {
    vec![json!(""), json!("two words"), json!("ü"), json!("x".repeat(65)), json!(7)]
}

fn bad_metadata() -> Vec<Value> {
    let many: serde_json::Map<String, Value> = (0..21).map(|n| (format!("n{n}"), json!("x"))).collect();
    vec![json!([]), json!({ "": "x" }), json!({ "a b": "x" }), json!({ "a": "" }), json!(many)]
}

/// A field, values that it must not have, and the path that the refusal names if it is not the field.
type Bad = (&'static str, Vec<Value>, Option<&'static str>);

fn of_stores() -> Vec<Bad> {
    let address = |part: &str, value: Value| {
        let mut address = json!({ "line1": "1 Road", "city": "Hangzhou", "country": "CN" });
        address[part] = value;
        address
    };
    let position = |latitude: Value, longitude: Value| json!({ "latitude_microdegrees": latitude, "longitude_microdegrees": longitude });
    vec![
        ("name", bad_names(), None),
        ("name_zh", bad_names(), None),
        ("address", vec![json!(""), json!("x".repeat(141)), json!("a\tb"), json!(7)], None),
        ("address_parts", vec![address("line1", json!(""))], Some("address_parts.line1")),
        (
            "address_parts",
            vec![address("country", json!("XX")), address("country", json!("cn"))],
            Some("address_parts.country"),
        ),
        ("address_parts", vec![address("planet", json!("Earth"))], Some("address_parts.planet")),
        ("address_parts", vec![json!({ "line1": "1 Road", "city": "Hangzhou" })], Some("address_parts.country")),
        ("position", vec![position(json!(90_000_001), json!(0)), position(json!(0), json!(-180_000_001))], None),
        ("position", vec![position(json!(1.5), json!(0))], Some("position.latitude_microdegrees")),
        ("position", vec![json!({ "latitude_microdegrees": 1 })], Some("position.longitude_microdegrees")),
        ("time_zone", vec![json!(""), json!("Mars/Olympus"), json!("asia/shanghai"), json!(8)], None),
        (
            "opening_hours",
            vec![json!({ "monday": ["9-5"] }), json!({ "monday": ["09:00-12:00", "11:00-13:00"] })],
            None,
        ),
        ("opening_hours", vec![json!({ "someday": [] })], Some("opening_hours.someday")),
        ("reference", bad_references(), None),
        ("metadata", bad_metadata(), None),
        ("metadata", vec![json!({ "a": 1 })], Some("metadata.a")),
        ("colour", vec![json!("red")], None),
    ]
}

fn of_merchants() -> Vec<Bad> {
    vec![
        ("name", bad_names(), None),
        ("name_zh", bad_names(), None),
        ("legal_name", vec![json!(""), json!("x".repeat(141)), json!(7)], None),
        ("mcc", vec![json!(""), json!("581"), json!("0000"), json!(5814)], None),
        ("country", vec![json!(""), json!("XX"), json!("cn"), json!("CHN")], None),
        ("time_zone", vec![json!("Mars"), json!("")], None),
        (
            "email",
            vec![
                json!(""),
                json!("nobody"),
                json!("a@b"),
                json!("a b@c.cn"),
                json!(format!("{}@b.cn", "a".repeat(250))),
            ],
            None,
        ),
        ("currencies", vec![json!([]), json!(["CNY", "CNY"]), json!("CNY")], None),
        ("currencies", vec![json!(["XXX"]), json!(["cny"]), json!([156])], Some("currencies[0]")),
        ("reference", bad_references(), None),
        ("metadata", bad_metadata(), None),
        ("metadata", vec![json!({ "a": 1 })], Some("metadata.a")),
        ("status", vec![json!("active")], None),
    ]
}

fn of_tills() -> Vec<Bad> {
    vec![
        ("store", vec![json!("x"), json!(till_of(MERCHANT)), json!(7)], None),
        ("name", bad_names(), None),
        ("reference", bad_references(), None),
        ("metadata", bad_metadata(), None),
        ("metadata", vec![json!({ "a": 1 })], Some("metadata.a")),
        ("colour", vec![json!("red")], None),
    ]
}

#[test]
fn no_field_takes_what_it_must_not_have() {
    let platform = Platform::start();
    let (own, operator) = (merchant_token(MERCHANT), operator());
    let store = format!("/v1/stores/{}", store_of(MERCHANT));
    let till = format!("/v1/tills/{}", till_of(MERCHANT));
    let merchant = format!("/v1/merchants/{MERCHANT}");
    let log = || platform.get(&operator, "/v1/audit_log").expect(200).body;
    let before = (log(), platform.position());
    let new_merchant = json!({ "name": "Noodles", "currencies": ["CNY"] });
    for (path, token, good, bad) in [
        ("/v1/stores", &own, json!({ "name": "East Lake" }), of_stores()),
        (store.as_str(), &own, json!({}), of_stores()),
        ("/v1/merchants", &operator, new_merchant, of_merchants()),
        (merchant.as_str(), &operator, json!({}), of_merchants()),
        ("/v1/tills", &own, json!({ "name": "Till 2", "store": store_of(MERCHANT) }), of_tills()),
        (till.as_str(), &own, json!({}), of_tills()),
    ] {
        for (field, values, named) in bad {
            for value in values {
                let mut body = good.clone();
                body[field] = value.clone();
                let reply = platform.post(token, path, &body);
                let found = (reply.status, reply.json()["code"].clone(), reply.json()["field"].clone());
                let expected = (400, json!("invalid_field"), json!(named.unwrap_or(field)));
                assert_eq!(found, expected, "{path} {field} {value}: {}", reply.text());
            }
        }
        // In creation `null` is nothing that could be meant; of what must be there, never.
        let reply = platform.post(token, path, &json!({ "name": null }));
        reply.expect_problem(400, "invalid_field", Some("name"));
        platform.post(token, &format!("{path}?name=x"), &good).expect_problem(400, "invalid_field", Some("name"));
        let twice = Request::post(path, r#"{"name":"a","name":"b"}"#).token(token);
        platform.send(&twice).expect_problem(400, "invalid_field", Some("name"));
    }
    assert_eq!((log(), platform.position()), before);
}

#[test]
fn anothers_and_nobodys_things_look_alike() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let without_id = |reply: crate::client::Reply| {
        let mut problem = reply.expect_problem(404, "not_found", None).json();
        problem.as_object_mut().unwrap().remove("request_id");
        problem
    };
    for (kind, others, nobodys) in [
        ("stores", store_of(OTHER_MERCHANT).to_string(), "sto_01h455vb4pex5vsknk084sn02q"),
        ("tills", till_of(OTHER_MERCHANT).to_string(), "til_01h455vb4pex5vsknk084sn02q"),
        ("tags", crate::platform::OTHER_TAG.to_string(), "tag_01h455vb4pex5vsknk084sn02q"),
        ("merchants", OTHER_MERCHANT.to_string(), "mch_01h455vb4pex5vsknk084sn02q"),
    ] {
        let (others, nobodys) = (format!("/v1/{kind}/{others}"), format!("/v1/{kind}/{nobodys}"));
        assert_eq!(without_id(platform.get(&own, &others)), without_id(platform.get(&own, &nobodys)));
        let post = |path: &str| without_id(platform.post(&own, path, &json!({})));
        assert_eq!(post(&others), post(&nobodys));
    }
    for kind in ["stores", "tills", "tags", "merchants", "keys"] {
        for id in ["x", "ord_01h455vb4pex5vsknk084sn02q", "%20"] {
            platform.get(&own, &format!("/v1/{kind}/{id}")).expect_problem(400, "invalid_id", Some("id"));
        }
    }
    for (path, body) in [
        ("/v1/stores", json!({ "name": "East Lake", "merchant": OTHER_MERCHANT })),
        ("/v1/tills", json!({ "name": "Till 2", "store": store_of(OTHER_MERCHANT) })),
    ] {
        assert_eq!(platform.post(&own, path, &body).status, 404);
    }
    let nobody = json!({ "name": "East Lake" });
    platform.post(&operator(), "/v1/stores", &nobody).expect_problem(400, "invalid_field", Some("merchant"));
}

#[test]
fn a_reference_names_one_store_of_a_merchant() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let store = json!({ "name": "East Lake", "reference": "S-1" });
    let first = platform.post(&own, "/v1/stores", &store).expect(201).id();
    platform.post(&own, "/v1/stores", &store).expect_problem(409, "reference_taken", Some("reference"));
    platform.post(&merchant_token(OTHER_MERCHANT), "/v1/stores", &store).expect(201);
    platform.post(&own, &format!("/v1/stores/{first}"), &json!({ "reference": "S-1" })).expect(200);
    let path = format!("/v1/stores/{}", store_of(MERCHANT));
    let taken = platform.post(&own, &path, &json!({ "reference": "S-1" }));
    taken.expect_problem(409, "reference_taken", Some("reference"));
    let merchant = json!({ "name": "Noodles", "currencies": ["CNY"], "reference": "M-1" });
    platform.post(&operator(), "/v1/merchants", &merchant).expect(201);
    let taken = platform.post(&operator(), "/v1/merchants", &merchant);
    taken.expect_problem(409, "reference_taken", Some("reference"));
}
