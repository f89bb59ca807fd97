//! What the description allows is not refused as malformed, and what it forbids is: findings of `make api-fuzz`.

use serde_json::{Value, json};

use crate::client::Request;
use crate::description::DOCUMENT;
use crate::onboarding::{applicant, operator};
use crate::platform::{MERCHANT, Platform, STANDING_TAG, merchant_token};

#[test]
fn me_is_nobody_when_the_operator_says_it() {
    let platform = Platform::start();
    for part in ["", "/fee_plans", "/settlement_terms"] {
        platform.get(&operator(), &format!("/v1/merchants/me{part}")).expect_problem(404, "not_found", None);
    }
    platform.get(&merchant_token(MERCHANT), "/v1/merchants/me").expect(200);
}

#[test]
fn lists_take_every_moment_of_the_standard() {
    let platform = Platform::start();
    let ask = |moment: &str| {
        let path = format!("/v1/orders?created_after={moment}&created_before=9999-12-31T23:59:60Z");
        platform.send(&Request::get(&path).token(&merchant_token(MERCHANT)))
    };
    for moment in ["0383-09-13T04:28:53.216602Z", "0000-01-01T00:00:00Z", "1970-01-01T00:00:00%2B14:16"] {
        ask(moment).expect(200);
    }
    ask("1900-02-29T00:00:00Z").expect_problem(400, "invalid_field", Some("created_after"));
}

#[test]
fn filters_are_as_long_in_any_script() {
    let platform = Platform::start();
    let ask = |action: &str| platform.get(&operator(), &format!("/v1/audit_log?action={action}"));
    ask(&"%E7%A6%8F".repeat(64)).expect(200);
    ask(&"%E7%A6%8F".repeat(65)).expect_problem(400, "invalid_field", Some("action"));
    ask("").expect_problem(400, "invalid_field", Some("action"));
}

#[test]
fn holidays_come_in_any_order() {
    let platform = Platform::start();
    let merchant = applicant(&platform);
    let terms = json!({ "time_zone": "Asia/Shanghai", "holidays": ["2027-05-01", "2027-01-01", "2027-05-01"] });
    let kept = platform.post(&operator(), &format!("/v1/merchants/{merchant}/settlement_terms"), &terms).expect(200);
    assert_eq!(kept.json()["holidays"], json!(["2027-01-01", "2027-05-01"]));
}

#[test]
fn no_name_turns_the_writing_direction_or_is_invisible() {
    let platform = Platform::start();
    for name in ["\u{200f}Till", "Till\u{61c}", "\u{200b}\u{feff}", "\u{2060}"] {
        let body = json!({ "name": name, "currencies": ["CNY"] });
        platform.post(&operator(), "/v1/merchants", &body).expect_problem(400, "invalid_field", Some("name"));
    }
}

#[test]
fn a_body_that_need_not_be_there_is_described_so() {
    let required = |path: &str| DOCUMENT["paths"][path]["post"]["requestBody"]["required"].clone();
    assert_eq!((required("/v1/orders/{id}/cancel"), required("/v1/orders")), (json!(false), json!(true)));
    let platform = Platform::start();
    let body = json!({ "tag": STANDING_TAG, "amount": { "amount": 1, "currency": "CNY" } });
    let token = merchant_token(MERCHANT);
    let order = platform.post(&token, "/v1/orders", &body).expect(201).id();
    let cancel = Request::post(format!("/v1/orders/{order}/cancel"), "").token(&token);
    platform.send(&cancel).expect(200);
}

#[test]
fn the_description_says_which_fields_exclude_each_other() {
    let choice = |name: &str| &DOCUMENT["components"]["schemas"][name];
    let only = |one: &[&str], other: &[&str]| {
        let others: serde_json::Map<_, _> = other.iter().map(|name| ((*name).to_owned(), json!(false))).collect();
        json!({ "required": one, "properties": others })
    };
    let either = |one: &[&str], other: &[&str]| Value::from(vec![only(one, other), only(other, one)]);
    assert_eq!(choice("NewOrder")["allOf"][0]["oneOf"], either(&["amount"], &["currency"]));
    assert_eq!(choice("NewSplit")["oneOf"], either(&["amount"], &["basis_points"]));
    assert_eq!(choice("BankAccount")["oneOf"], either(&["iban"], &["bank_code", "account_number"]));
    assert!(choice("EventData")["anyOf"].is_array());
}

#[test]
fn every_type_that_events_can_be_filtered_by_is_described_and_taken() {
    let parameters = DOCUMENT["paths"]["/v1/events"]["get"]["parameters"].as_array().unwrap();
    let filter = parameters.iter().find(|parameter| parameter["name"] == "type").unwrap();
    let platform = Platform::start();
    let ask = |name: &str| platform.get(&merchant_token(MERCHANT), &format!("/v1/events?type={name}"));
    let types = filter["schema"]["enum"].as_array().unwrap();
    assert!(types.contains(&json!("payment.*")) && types.contains(&json!("dispute.won")));
    for name in types {
        ask(name.as_str().unwrap()).expect(200);
    }
    ask("payment.lost").expect_problem(400, "invalid_field", Some("type"));
}
