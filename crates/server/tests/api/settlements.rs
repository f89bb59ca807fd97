//! Settlements over HTTP: what a day was made of, and what is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Request;
use crate::onboarding::operator;
use crate::platform::{MERCHANT, OTHER_MERCHANT, Platform, STANDING_TAG, merchant_token, wallet_token};

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// [`MERCHANT`] is settled each day at the end of the day of Shanghai, paid out at once, and on these further terms.
pub(crate) fn settle_daily(platform: &Platform, more: &Value) {
    let days = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
    let mut terms = json!({ "time_zone": "Asia/Shanghai", "business_days": days, "payout_delay_days": 0 });
    terms.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    platform.post(&operator(), &format!("/v1/merchants/{MERCHANT}/settlement_terms"), &terms).expect(200);
}

/// [`MERCHANT`] pays so many basis points of each capture.
fn charge(platform: &Platform, currency: &str, rate: u32) {
    let tiers = json!([{ "from_volume": 0, "rate": rate, "fixed": 0 }]);
    let rate = json!({ "method": null, "currency": currency, "tiers": tiers, "minimum": null, "maximum": null });
    let path = format!("/v1/merchants/{MERCHANT}/fee_plans");
    platform.post(&operator(), &path, &json!({ "rates": [rate] })).expect(201);
}

/// [`MERCHANT`] is paid out to an account that ends like this.
pub(crate) fn pay_out_to(platform: &Platform, ending: &str) {
    let number = format!("62220200{ending}");
    let account = json!({ "bank_code": "102290000013", "account_number": number, "holder": "Lantern Tea" });
    let body = json!({ "currency": "CNY", "account": account });
    platform.merchant_posts("/v1/merchants/me/payout_accounts", &body).expect(200);
}

/// The day ends; gives the newest settlement of [`MERCHANT`].
pub(crate) fn close(platform: &Platform) -> Value {
    platform.pass(DAY);
    platform.post(&operator(), "/v1/settlements/run", &json!({})).expect(200);
    let settled = platform.see("/v1/settlements");
    settled["data"][0].clone()
}

fn amount(view: &Value, name: &str) -> u64 {
    view[name]["amount"].as_u64().unwrap_or_else(|| panic!("{name}: {view}"))
}

/// All of a list, page by page.
fn all(platform: &Platform, path: &str, limit: u32) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    loop {
        let after = items.last().map(|last| format!("&starting_after={}", last["id"].as_str().unwrap()));
        let page = platform.see(&format!("{path}?limit={limit}{}", after.unwrap_or_default()));
        items.extend(page["data"].as_array().unwrap().iter().cloned());
        if page["has_more"] == json!(false) {
            return items;
        }
    }
}

/// A settlement's own sums agree with each other and with its entries; gives these.
fn adds_up(platform: &Platform, settled: &Value) -> Vec<Value> {
    let of = |name| amount(settled, name);
    let taken = ["refunded", "disputed", "fees_from_window", "debt_repaid", "reserved"].map(of).iter().sum::<u64>();
    assert_eq!(of("gross") + of("returned") - taken, of("net"), "{settled}");
    assert_eq!(of("fees"), of("fees_from_window") + of("fees_from_elsewhere"));
    let entries = all(platform, &format!("/v1/settlements/{}/entries", settled["id"].as_str().unwrap()), 3);
    let places: BTreeSet<_> = entries.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
    assert_eq!(places.len(), entries.len(), "each once");
    let sum = |kinds: &[&str], name: &str| {
        let of_kind = entries.iter().filter(|entry| kinds.contains(&entry["type"].as_str().unwrap()));
        of_kind.map(|entry| amount(entry, name)).sum::<u64>()
    };
    assert_eq!(sum(&["payment", "capture"], "amount"), of("gross"));
    assert_eq!(sum(&["refund"], "amount"), of("refunded"));
    assert_eq!(sum(&["dispute"], "amount"), of("disputed"));
    assert_eq!(sum(&["dispute_return"], "amount"), of("returned"));
    assert_eq!(sum(&["payment", "capture"], "fee"), of("fees"));
    for entry in &entries {
        let came = ["payment", "capture", "dispute_return"].contains(&entry["type"].as_str().unwrap());
        assert_eq!(entry["direction"], if came { "credit" } else { "debit" });
    }
    entries
}

#[test]
fn a_day_is_settled_to_the_unit_and_its_statement_says_so() {
    let platform = Platform::start();
    settle_daily(&platform, &json!({ "reserve": { "rate": 500, "days": 90 } }));
    charge(&platform, "CNY", 100);
    let payments: Vec<String> = [10_000, 2_550, 1].into_iter().map(|fen| platform.paid(0, fen)).collect();
    let (order, referred) = platform
        .asked_and_paid(1, json!({ "amount": { "amount": 3_000, "currency": "CNY" }, "reference": "A-1001, \"one\"" }));
    let refund = json!({ "payment": payments[0], "amount": { "amount": 700, "currency": "CNY" } });
    let refund = platform.merchant_posts("/v1/refunds", &refund).expect(201).id();
    let word = json!({ "payment": payments[1], "amount": { "amount": 50, "currency": "CNY" }, "reason": "cold" });
    let dispute = platform.post(&wallet_token(0), "/v1/disputes", &word).expect(201).id();
    let settled = close(&platform);
    let expected = [
        ("gross", 15_551),
        ("refunded", 700),
        ("disputed", 50),
        ("returned", 0),
        ("fees", 156),
        ("reserved", 777),
        ("net", 15_551 - 700 - 50 - 156 - 777),
    ];
    for (name, units) in expected {
        assert_eq!(amount(&settled, name), units, "{name}: {settled}");
    }
    assert_eq!((settled["payments"].as_u64(), settled["refunds"].as_u64()), (Some(4), Some(1)));
    assert_eq!((&settled["status"], &settled["number"]), (&json!("paid_out"), &json!(1)));
    let entries = adds_up(&platform, &settled);
    let objects: Vec<_> = entries.iter().filter_map(|entry| entry["object"].as_str()).collect();
    assert_eq!(objects, [refund.as_str(), dispute.as_str()]);
    let of_order = entries.iter().find(|entry| entry["order"] == order["id"]).unwrap();
    assert_eq!((&of_order["payment"], &of_order["reference"]), (&referred["id"], &json!("A-1001, \"one\"")));

    let path = format!("/v1/settlements/{}/statement", settled["id"].as_str().unwrap());
    let statement = |format: &str, content_type: &str| {
        let reply = platform.get(&merchant_token(MERCHANT), &format!("{path}?format={format}")).expect(200);
        assert!(reply.header("content-type").unwrap().starts_with(content_type));
        let disposition = reply.header("content-disposition").unwrap();
        let day = settled["business_day"].as_str().unwrap();
        assert!(disposition.starts_with(&format!("attachment; filename=\"settlement-{day}-CNY-stl_")), "{disposition}");
        assert!(disposition.ends_with(&format!(".{format}\"")), "{disposition}");
        reply
    };
    let csv = statement("csv", "text/csv").text().to_owned();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 1 + entries.len(), "{csv}");
    assert!(csv.contains("\"A-1001, \"\"one\"\"\",30.00,0.30,30.00,,CNY"), "{csv}");
    assert!(csv.contains(&format!("refund,{refund},{},,7.00,0.00,,7.00,CNY", payments[0])), "{csv}");
    let document = statement("json", "application/json").json();
    assert_eq!(document["totals"]["net"], settled["net"]["amount"]);
    assert_eq!(document["merchant"]["name"], "灯笼茶");
    assert_eq!(document["lines"].as_array().unwrap().len(), entries.len());
    assert_eq!(
        platform.get(&merchant_token(MERCHANT), &path).expect(200).json(),
        document,
        "JSON unless told otherwise"
    );
    assert!(statement("pdf", "application/pdf").body.starts_with(b"%PDF-"));
    assert_eq!(platform.get(&operator(), "/v1/breaks").expect(200).json()["data"], json!([]));
}

#[test]
fn bug_06_settling_twice_changes_nothing_the_second_time() {
    let platform = Platform::start();
    settle_daily(&platform, &json!({}));
    let nothing = platform.post(&operator(), "/v1/settlements/run", &json!({})).expect(200).json();
    assert_eq!(nothing, json!({ "closed": 0, "happened": 0 }));
    platform.paid(0, 1_000);
    platform.pass(DAY);
    let run = |key: &str| {
        let token = operator();
        platform.send(&Request::post("/v1/settlements/run", "{}").token(&token).key(key)).expect(200).json()
    };
    // It may have noticed by itself meanwhile.
    let first = run("one");
    let position = platform.position();
    assert_eq!(run("two"), json!({ "closed": 0, "happened": 0 }));
    assert_eq!(run("one"), first, "the same request, the same answer");
    assert_eq!((platform.position(), platform.see("/v1/settlements")["data"].as_array().unwrap().len()), (position, 1));
}

/// Whatever happens while windows close: each payment and capture is in exactly one settlement, or gathers for the next.
#[test]
fn bug_06_bug_08_under_load_each_payment_is_settled_once_or_waits() {
    const SHOPPERS: u8 = 3;
    let platform = Platform::start();
    settle_daily(&platform, &json!({}));
    let paid: Vec<String> = std::thread::scope(|scope| {
        let shoppers: Vec<_> = (0..SHOPPERS)
            .map(|n| {
                let platform = &platform;
                scope.spawn(move || {
                    (0..60).filter_map(|round| pay_if_time_allows(platform, n, 100 + round)).collect::<Vec<_>>()
                })
            })
            .collect();
        let closing = scope.spawn(|| {
            for _ in 0..12 {
                platform.pass(DAY);
                platform.post(&operator(), "/v1/settlements/run", &json!({})).expect(200);
                std::thread::sleep(Duration::from_millis(60));
            }
        });
        closing.join().unwrap();
        shoppers.into_iter().flat_map(|shopper| shopper.join().unwrap()).collect()
    });
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let settlements = all(&platform, "/v1/settlements", 5);
    assert!(settlements.len() > 1, "{}", settlements.len());
    for settled in &settlements {
        for entry in adds_up(&platform, settled) {
            *seen.entry(entry["payment"].as_str().unwrap().to_owned()).or_default() += 1;
        }
    }
    assert!(seen.values().all(|times| *times == 1));
    assert!(seen.keys().all(|payment| paid.contains(payment)));
    let numbers: Vec<_> = settlements.iter().map(|settled| settled["number"].as_u64().unwrap()).collect();
    assert!(numbers.is_sorted_by(|next, before| *next == before + 1), "{numbers:?}");
    // What is in none gathers.
    let waiting: u64 = paid
        .iter()
        .filter(|payment| !seen.contains_key(*payment))
        .map(|payment| amount(&platform.see(&format!("/v1/payments/{payment}")), "amount"))
        .sum();
    let pending = platform.see("/v1/balance")["data"].as_array().unwrap().clone();
    let pending = pending.iter().find(|of_currency| of_currency["currency"] == "CNY").unwrap()["pending"].as_u64();
    assert_eq!(pending, Some(waiting));
    platform.catch_up();
    assert_eq!(platform.get(&operator(), "/v1/breaks").expect(200).json()["data"], json!([]));
}

/// A payment, unless a day passes between the touch and the word, or somebody else touches in between.
fn pay_if_time_allows(platform: &Platform, n: u8, fen: u64) -> Option<String> {
    let tap = platform.tap(n, STANDING_TAG);
    if tap.status != 201 {
        return None;
    }
    let body = json!({ "tap": tap.id(), "amount": { "amount": fen, "currency": "CNY" } });
    Some(platform.pay(n, &body)).filter(|paid| paid.status == 201).map(|paid| paid.id())
}

#[test]
fn bug_18_statements_have_the_decimals_of_their_currency() {
    let platform = Platform::start();
    settle_daily(&platform, &json!({}));
    for currency in ["JPY", "KWD", "CNY"] {
        platform.asked_and_paid(2, json!({ "amount": { "amount": 1_250, "currency": currency } }));
    }
    close(&platform);
    for (currency, written) in [("JPY", "1250"), ("KWD", "1.250"), ("CNY", "12.50")] {
        let listed = platform.see(&format!("/v1/settlements?currency={currency}"));
        let settled = &listed["data"][0];
        assert_eq!((amount(settled, "net"), listed["data"].as_array().unwrap().len()), (1_250, 1), "{listed}");
        let path = format!("/v1/settlements/{}/statement?format=csv", settled["id"].as_str().unwrap());
        let csv = platform.get(&merchant_token(MERCHANT), &path).expect(200).text().to_owned();
        assert!(csv.contains(&format!(",{written},0{},{written},,{currency}\r\n", &zeros(written))), "{csv}");
    }
}

/// The decimals of an amount, all of them nothing.
fn zeros(written: &str) -> String {
    written.split_once('.').map_or_else(String::new, |(_, decimals)| format!(".{}", "0".repeat(decimals.len())))
}

/// Parts of several receivers, holds and their captures are in the settlements of those who received them.
#[test]
fn bug_08_splits_and_captures_are_settled_with_who_received_them() {
    let platform = Platform::start();
    settle_daily(&platform, &json!({}));
    let money = |amount: u64| json!({ "amount": amount, "currency": "CNY" });
    let splits = json!([{ "merchant": OTHER_MERCHANT, "amount": 300 }]);
    let (_, split) = platform.asked_and_paid(0, json!({ "amount": money(1_000), "splits": splits }));
    let (_, held) = platform.asked_and_paid(1, json!({ "amount": money(900), "capture": "manual" }));
    for part in [400, 100] {
        let path = format!("/v1/payments/{}/capture", held["id"].as_str().unwrap());
        platform.merchant_posts(&path, &json!({ "amount": money(part), "final": false })).expect(201);
    }
    let entries = adds_up(&platform, &close(&platform));
    let moved: Vec<_> =
        entries.iter().map(|entry| (entry["type"].as_str().unwrap(), amount(entry, "amount"))).collect();
    assert_eq!(moved, [("payment", 700), ("capture", 400), ("capture", 100)]);
    assert_eq!(entries[0]["payment"], split["id"]);
    platform.catch_up();
    assert_eq!(platform.get(&operator(), "/v1/breaks").expect(200).json()["data"], json!([]), "rows and ledger agree");
}

/// More lines than are read at once; and one reader more than are served.
#[test]
fn a_long_statement_is_whole() {
    const LINES: usize = 1_205;
    let platform = Platform::start();
    settle_daily(&platform, &json!({}));
    for n in 0..LINES {
        platform.paid(u8::try_from(n % 20).unwrap(), 1 + n as u64);
    }
    let settled = close(&platform);
    assert_eq!(settled["payments"].as_u64(), Some(LINES as u64));
    let path = format!("/v1/settlements/{}/statement", settled["id"].as_str().unwrap());
    let read = |format: &str| platform.get(&merchant_token(MERCHANT), &format!("{path}?format={format}")).expect(200);
    let csv = read("csv");
    let sum: u64 = csv
        .text()
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(6).unwrap().replace('.', ""))
        .map(|fen| fen.parse::<u64>().unwrap())
        .sum();
    assert_eq!((csv.text().lines().count(), sum), (LINES + 1, amount(&settled, "gross")));
    assert_eq!(read("json").json()["lines"].as_array().unwrap().len(), LINES);
    assert!(read("pdf").body.ends_with(b"%%EOF") || read("pdf").body.ends_with(b"%%EOF\n"));
}

#[test]
fn what_lists_and_statements_refuse() {
    let platform = Platform::start();
    let nobodys = "stl_01h455vb4pex5vsknk084sn02q";
    let own = merchant_token(MERCHANT);
    for (path, field) in [
        ("/v1/settlements?currency=cny", "currency"),
        ("/v1/settlements?currency=XXX", "currency"),
        ("/v1/settlements?business_day_from=2026-02-30", "business_day_from"),
        ("/v1/settlements?business_day_to=22.11.2026", "business_day_to"),
        ("/v1/settlements?business_day=2026-11-22", "business_day"),
        ("/v1/settlements?limit=0", "limit"),
        ("/v1/settlements?starting_after=po_01h455vb4pex5vsknk084sn02q", "starting_after"),
        ("/v1/settlements?merchant=me", "merchant"),
        ("/v1/payouts?status=lost", "status"),
        ("/v1/payouts?currency=1", "currency"),
        ("/v1/payouts?limit=101", "limit"),
    ] {
        platform.get(&own, path).expect_problem(400, "invalid_field", Some(field));
    }
    let others = format!("/v1/settlements?merchant={OTHER_MERCHANT}");
    platform.get(&own, &others).expect_problem(404, "not_found", Some("merchant"));
    let entries = |cursor: &str| format!("/v1/settlements/{nobodys}/entries?starting_after={cursor}");
    for cursor in ["1", "1-", "-1", "a-b", "1-1-1", "+1-1", "1-99999999999"] {
        platform.get(&own, &entries(cursor)).expect_problem(400, "invalid_field", Some("starting_after"));
    }
    let statement = format!("/v1/settlements/{nobodys}/statement");
    for format in ["xls", "", "PDF"] {
        let path = format!("{statement}?format={format}");
        platform.get(&own, &path).expect_problem(400, "invalid_field", Some("format"));
    }
    for path in [format!("/v1/settlements/{nobodys}"), entries("1-0"), statement] {
        platform.get(&own, &path).expect_problem(404, "not_found", None);
    }
    for path in
        ["/v1/settlements/po_01h455vb4pex5vsknk084sn02q", "/v1/settlements/x/entries", "/v1/settlements/9/statement"]
    {
        platform.get(&own, path).expect_problem(400, "invalid_id", Some("id"));
    }
    platform.post(&operator(), "/v1/settlements/run", &json!({ "force": true })).expect_problem(
        400,
        "invalid_field",
        Some("force"),
    );
}

#[test]
fn lists_are_filtered_by_day_and_by_merchant() {
    let platform = Platform::start();
    settle_daily(&platform, &json!({}));
    let mut days = Vec::new();
    for fen in [100, 200, 300] {
        platform.paid(0, fen);
        days.push(close(&platform)["business_day"].as_str().unwrap().to_owned());
    }
    let nets = |token: &str, query: String| -> Vec<u64> {
        let listed = platform.get(token, &format!("/v1/settlements?{query}")).expect(200).json();
        listed["data"].as_array().unwrap().iter().map(|settled| amount(settled, "net")).collect()
    };
    let own = merchant_token(MERCHANT);
    assert_eq!(nets(&own, String::new()), [300, 200, 100]);
    assert_eq!(nets(&own, format!("business_day_from={}", days[1])), [300, 200]);
    assert_eq!(nets(&own, format!("business_day_to={}", days[1])), [200, 100]);
    assert_eq!(nets(&own, format!("business_day_from={0}&business_day_to={0}", days[1])), [200]);
    assert_eq!(nets(&own, "business_day_from=9999-12-31".to_owned()), [0; 0]);
    assert_eq!(nets(&own, "business_day_to=0000-01-01".to_owned()), [0; 0]);
    assert_eq!(nets(&operator(), format!("merchant={MERCHANT}&limit=2")), [300, 200]);
    assert_eq!(nets(&operator(), format!("merchant={OTHER_MERCHANT}")), [0; 0]);
}
