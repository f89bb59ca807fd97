//! Payouts over HTTP, with a bank that pays, fails, returns, is late, pays twice, or is never heard of again.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Request;
use crate::onboarding::operator;
use crate::platform::{MERCHANT, OTHER_MERCHANT, Platform, merchant_token};
use crate::settlements::{DAY, HOUR, close, pay_out_to, settle_daily};

/// A platform whose merchant was settled over 1,000 fen, to be paid out to an account that ends like this.
fn settled(ending: &str) -> (Platform, String) {
    let platform = Platform::start();
    settle_daily(&platform, &json!({}));
    pay_out_to(&platform, ending);
    platform.paid(0, 1_000);
    let payout = close(&platform)["payout"].as_str().unwrap().to_owned();
    platform.catch_up();
    (platform, payout)
}

fn payout(platform: &Platform, id: &str) -> Value {
    platform.see(&format!("/v1/payouts/{id}"))
}

fn status(platform: &Platform, id: &str) -> String {
    payout(platform, id)["status"].as_str().unwrap().to_owned()
}

/// Time goes on, and the bank is heard.
fn pass(platform: &Platform, time: Duration) {
    platform.pass(time);
    platform.catch_up();
}

/// What is available to [`MERCHANT`], in fen.
fn available(platform: &Platform) -> u64 {
    let balances = platform.see("/v1/balance")["data"].as_array().unwrap().clone();
    balances.iter().find(|balance| balance["currency"] == "CNY").unwrap()["available"].as_u64().unwrap()
}

fn breaks(platform: &Platform, query: &str) -> Vec<Value> {
    platform.get(&operator(), &format!("/v1/breaks?{query}")).expect(200).json()["data"].as_array().unwrap().clone()
}

fn kinds(platform: &Platform, query: &str) -> Vec<String> {
    breaks(platform, query).iter().map(|found| found["kind"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_payout_is_submitted_and_paid() {
    let (platform, id) = settled("1234");
    let submitted = payout(&platform, &id);
    assert_eq!(submitted["status"], "submitted");
    assert_eq!(submitted["amount"], json!({ "amount": 1_000, "currency": "CNY" }));
    assert_eq!((&submitted["account_last_four"], &submitted["waits_for"]), (&json!("1234"), &Value::Null));
    assert!(submitted["bank_reference"].as_str().unwrap().starts_with("SANDBOX-PO"));
    assert_eq!(available(&platform), 0);
    pass(&platform, HOUR);
    let paid = payout(&platform, &id);
    assert_eq!((&paid["status"], &paid["bank_reference"]), (&json!("paid"), &submitted["bank_reference"]));
    assert_eq!(platform.see("/v1/payouts?status=paid")["data"], json!([paid]));
    assert_eq!(platform.see("/v1/payouts?status=submitted")["data"], json!([]));
    assert_eq!(breaks(&platform, ""), [] as [Value; 0]);
    pass(&platform, 30 * DAY);
    assert_eq!((status(&platform, &id).as_str(), breaks(&platform, "").len()), ("paid", 0));
}

#[test]
fn what_fails_or_comes_back_is_the_merchants_balance_again() {
    let (platform, id) = settled("0002");
    pass(&platform, HOUR);
    let failed = payout(&platform, &id);
    assert_eq!((&failed["status"], &failed["reason"]), (&json!("failed"), &json!("AC04 account closed")));
    assert_eq!((available(&platform), breaks(&platform, "").len()), (1_000, 0));
    // With another account it is paid.
    pay_out_to(&platform, "1234");
    let again = platform.merchant_posts("/v1/payouts", &json!({ "currency": "CNY" })).expect(201).json();
    assert_eq!((&again["amount"]["amount"], &again["settlement"]), (&json!(1_000), &Value::Null));
    platform.catch_up();
    pass(&platform, HOUR);
    assert_eq!(status(&platform, again["id"].as_str().unwrap()), "paid");

    let (platform, id) = settled("0003");
    pass(&platform, HOUR);
    assert_eq!((status(&platform, &id).as_str(), available(&platform)), ("paid", 0));
    pass(&platform, 2 * DAY);
    let returned = payout(&platform, &id);
    assert_eq!((&returned["status"], &returned["reason"]), (&json!("returned"), &json!("AC06 account blocked")));
    assert_eq!((available(&platform), breaks(&platform, "").len()), (1_000, 0));

    let (platform, id) = settled("0008");
    assert_eq!((status(&platform, &id).as_str(), available(&platform)), ("failed", 1_000));
    pass(&platform, 30 * DAY);
    assert_eq!(breaks(&platform, "").len(), 0, "nothing is expected of it");
}

#[test]
fn silence_opens_a_break_that_a_late_word_heals() {
    let (platform, id) = settled("0004");
    pass(&platform, 3 * DAY);
    assert_eq!(breaks(&platform, ""), [] as [Value; 0], "three business days are not over");
    pass(&platform, DAY);
    let found = breaks(&platform, "state=open");
    assert_eq!((found.len(), &found[0]["kind"], &found[0]["subject"]), (1, &json!("missing_at_bank"), &json!(id)));
    assert_eq!(found[0]["amount"], json!({ "amount": 1_000, "currency": "CNY" }));
    pass(&platform, 2 * DAY);
    assert_eq!(status(&platform, &id), "paid");
    let healed = breaks(&platform, "");
    assert_eq!((healed.len(), &healed[0]["state"]), (1, &json!("healed")));
    assert!(healed[0]["resolution"].as_str().unwrap().contains("settled it"), "{healed:?}");
    assert!(healed[0]["age_seconds"].as_u64().unwrap() >= 2 * 86_400);
    assert_eq!(healed[0]["id"], found[0]["id"]);

    let (platform, id) = settled("0007");
    pass(&platform, 40 * DAY);
    assert_eq!(status(&platform, &id), "submitted");
    assert_eq!(kinds(&platform, "state=open&kind=missing_at_bank"), ["missing_at_bank"]);
}

#[test]
fn a_wrong_sum_stays_a_break_until_a_person_has_dealt_with_it() {
    for (ending, kind, state) in [("0005", "amount_differs", "submitted"), ("0006", "paid_twice", "paid")] {
        let (platform, id) = settled(ending);
        pass(&platform, 3 * HOUR);
        assert_eq!(status(&platform, &id), state, "{ending}");
        assert_eq!(kinds(&platform, "state=open"), [kind]);
        let found = breaks(&platform, "")[0].clone();
        let path = format!("/v1/breaks/{}", found["id"].as_str().unwrap());
        let words = json!({ "resolution": "The bank was told.\nIt will put it right." });
        let token = operator();
        let resolve = |key: &str| {
            platform.send(&Request::post(format!("{path}/resolve"), words.to_string()).token(&token).key(key))
        };
        let resolved = resolve("one").expect(200).json();
        assert_eq!((&resolved["state"], &resolved["resolution"]), (&json!("resolved"), &words["resolution"]));
        assert!(resolved["closed_by"].as_str().unwrap().starts_with("key_"), "{resolved}");
        assert_eq!(resolve("one").expect(200).json(), resolved, "the same request, the same answer");
        resolve("two").expect_problem(409, "break_closed", None);
        pass(&platform, DAY);
        assert_eq!(kinds(&platform, "state=open"), [""; 0], "it stays resolved");
        assert_eq!(kinds(&platform, "state=resolved"), [kind]);
        let log = platform.get(&operator(), "/v1/audit_log").expect(200).text().to_owned();
        assert!(log.contains("break.resolved"), "{log}");
    }
}

/// The bank's answer is lost, and the server is started anew before it asks again: paid once.
#[test]
fn bug_20_a_payout_whose_answer_was_lost_is_paid_once() {
    for restart in [false, true] {
        let (mut platform, id) = settled("0009");
        if restart {
            platform = platform.restart();
            // Another account by now: the bank is asked for the same all the same.
            pay_out_to(&platform, "7777");
            platform.pass(DAY);
        }
        platform.catch_up();
        assert_eq!(payout(&platform, &id)["account_last_four"], "0009");
        pass(&platform, 3 * HOUR);
        assert_eq!((status(&platform, &id).as_str(), breaks(&platform, "").len()), ("paid", 0));
    }
}

#[test]
fn a_payout_waits_for_an_account_and_says_so() {
    let platform = Platform::start();
    settle_daily(&platform, &json!({}));
    platform.paid(0, 1_000);
    let id = close(&platform)["payout"].as_str().unwrap().to_owned();
    pass(&platform, 10 * DAY);
    let waiting = payout(&platform, &id);
    assert_eq!((&waiting["status"], &waiting["waits_for"]), (&json!("created"), &json!("payout_account")));
    assert_eq!((&waiting["account_last_four"], breaks(&platform, "").len()), (&Value::Null, 0));
    pay_out_to(&platform, "1234");
    assert_eq!(payout(&platform, &id)["waits_for"], Value::Null);
    platform.catch_up();
    pass(&platform, HOUR);
    assert_eq!(status(&platform, &id), "paid");
}

#[test]
fn a_payout_that_is_asked_for_takes_the_whole_balance() {
    let platform = Platform::start();
    settle_daily(&platform, &json!({ "payout_delay_days": 30 }));
    let ask = |token: &str, body: Value| platform.post(token, "/v1/payouts", &body);
    let own = merchant_token(MERCHANT);
    ask(&own, json!({ "currency": "CNY" })).expect_problem(409, "nothing_to_pay_out", None);
    platform.paid(0, 1_000);
    let settled = close(&platform);
    assert_eq!((&settled["status"], &settled["payout"]), (&json!("closed"), &Value::Null));
    assert_eq!(available(&platform), 1_000);
    ask(&operator(), json!({ "currency": "CNY" })).expect_problem(400, "invalid_field", Some("merchant"));
    let others = json!({ "currency": "CNY", "merchant": OTHER_MERCHANT });
    ask(&own, others).expect_problem(404, "not_found", Some("merchant"));
    let nobody = json!({ "currency": "CNY", "merchant": "mch_01h455vb4pex5vsknk084sn02q" });
    ask(&operator(), nobody).expect_problem(404, "not_found", Some("merchant"));
    let made = ask(&operator(), json!({ "currency": "CNY", "merchant": MERCHANT })).expect(201).json();
    assert_eq!((&made["amount"]["amount"], available(&platform)), (&json!(1_000), 0));
    let log = platform.get(&own, "/v1/audit_log").expect(200).text().to_owned();
    assert!(log.contains("payout.created"), "{log}");
}

#[test]
fn what_payouts_and_breaks_refuse() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    for (body, field) in [
        (json!({}), "currency"),
        (json!({ "currency": "cny" }), "currency"),
        (json!({ "currency": null }), "currency"),
        (json!({ "currency": 156 }), "currency"),
        (json!({ "currency": "CNY", "amount": 1 }), "amount"),
        (json!({ "currency": "CNY", "merchant": null }), "merchant"),
        (json!({ "currency": "CNY", "merchant": "me" }), "merchant"),
    ] {
        platform.post(&own, "/v1/payouts", &body).expect_problem(400, "invalid_field", Some(field));
    }
    let nobodys = "/v1/payouts/po_01h455vb4pex5vsknk084sn02q";
    platform.get(&own, nobodys).expect_problem(404, "not_found", None);
    platform.get(&own, "/v1/payouts/stl_01h455vb4pex5vsknk084sn02q").expect_problem(400, "invalid_id", Some("id"));
    for (path, field) in [
        ("/v1/breaks?state=shut", "state"),
        ("/v1/breaks?kind=odd", "kind"),
        ("/v1/breaks?starting_after=x", "starting_after"),
        ("/v1/breaks?merchant=x", "merchant"),
    ] {
        platform.get(&operator(), path).expect_problem(400, "invalid_field", Some(field));
    }
    let nobodys = "/v1/breaks/brk_01h455vb4pex5vsknk084sn02q";
    platform.get(&operator(), nobodys).expect_problem(404, "not_found", None);
    platform.get(&operator(), "/v1/breaks/1").expect_problem(400, "invalid_id", Some("id"));
    let resolve = format!("{nobodys}/resolve");
    platform.post(&operator(), &resolve, &json!({ "resolution": "x" })).expect_problem(404, "not_found", None);
    for words in [json!(""), json!(" "), json!("a\u{0}"), json!("x".repeat(4_001)), json!(7), Value::Null] {
        let body = json!({ "resolution": words });
        platform.post(&operator(), &resolve, &body).expect_problem(400, "invalid_field", Some("resolution"));
    }
    platform.post(&operator(), &resolve, &json!({})).expect_problem(400, "invalid_field", Some("resolution"));
}
