//! Tables: what is wrong with a row is said row by row, and what is not wrong is taken once.

use directory::Actor;
use serde_json::{Value, json};

use crate::client::{Reply, Request};
use crate::onboarding::{operator, post_once};
use crate::platform::{MERCHANT, OTHER_MERCHANT, OTHER_TAG, Platform, merchant_token, read_only_token, uid};

fn import(platform: &Platform, token: &str, kind: &str, csv: &str, rest: Value) -> Reply {
    let mut body = json!({ "kind": kind, "csv": csv });
    body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    platform.post(token, "/v1/imports", &body)
}

/// What came of it: applied, created, updated, unchanged, refused.
fn counts(report: &Value) -> (bool, [u64; 4]) {
    let count = |name: &str| report[name].as_u64().unwrap();
    (report["applied"].as_bool().unwrap(), ["created", "updated", "unchanged", "refused"].map(count))
}

fn stores(platform: &Platform) -> Vec<Value> {
    let list = platform.get(&merchant_token(MERCHANT), "/v1/stores?limit=100").expect(200).json();
    list["data"].as_array().unwrap().clone()
}

const STORES: &str = "reference,name,name_zh,line1,city,country,latitude,longitude,time_zone,friday,saturday\n\
    S-1,West Lake,西湖店,1 Lakeside Road,Hangzhou,CN,30.246,120.15,Asia/Shanghai,09:00-12:00 20:00-02:00,\n\
    S-2,\"East, Lake\",,,,,-33.8688,,Australia/Sydney,,\n\
    S-3,North Lake,,,,,,,,,\n";

/// The second row without what is wrong with it.
fn good() -> String {
    STORES.replace("-33.8688,,", "-33.8688,151.2093,")
}

#[test]
fn a_dry_run_says_everything_and_changes_nothing() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let before = (stores(&platform), platform.get(&own, "/v1/audit_log").expect(200).body);
    for partial in [false, true] {
        let report = import(&platform, &own, "stores", STORES, json!({ "dry_run": true, "partial": partial }));
        let report = report.expect(200).json();
        assert_eq!((counts(&report), &report["dry_run"]), ((false, [2, 0, 0, 1]), &json!(true)));
        let refused = &report["rows"][1];
        assert_eq!((&refused["row"], &refused["field"]), (&json!(3), &json!("longitude")), "{refused}");
    }
    assert_eq!((stores(&platform), platform.get(&own, "/v1/audit_log").expect(200).body), before);
}

#[test]
fn all_or_nothing_unless_partial_and_again_changes_nothing() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let refused = import(&platform, &own, "stores", STORES, json!({})).expect(200).json();
    assert_eq!((counts(&refused), stores(&platform).len()), ((false, [2, 0, 0, 1]), 1));
    let part = import(&platform, &own, "stores", STORES, json!({ "partial": true })).expect(200).json();
    assert_eq!((counts(&part), stores(&platform).len()), ((true, [2, 0, 0, 1]), 3));
    let rest = import(&platform, &own, "stores", &good(), json!({})).expect(200).json();
    assert_eq!((counts(&rest), stores(&platform).len()), ((true, [1, 0, 2, 0]), 4));
    let again = import(&platform, &own, "stores", &good(), json!({})).expect(200).json();
    assert_eq!(counts(&again), (true, [0, 0, 3, 0]));
    let lines = platform.get(&own, "/v1/audit_log").expect(200).json()["data"].as_array().unwrap().len();
    assert_eq!(lines, 3, "what did not change has no line");
    let lake = stores(&platform).into_iter().find(|store| store["reference"] == "S-1").unwrap();
    assert_eq!(lake["position"], json!({ "latitude_microdegrees": 30_246_000, "longitude_microdegrees": 120_150_000 }));
    assert_eq!(lake["opening_hours"]["friday"], json!(["09:00-12:00", "20:00-02:00"]));
    assert_eq!(lake["address"], "1 Lakeside Road, Hangzhou, CN");
    // An empty cell takes away, a missing column leaves.
    let fewer = "reference,name,time_zone\nS-1,West Lake,\n";
    assert_eq!(counts(&import(&platform, &own, "stores", fewer, json!({})).expect(200).json()), (true, [0, 1, 0, 0]));
    let lake = stores(&platform).into_iter().find(|store| store["reference"] == "S-1").unwrap();
    assert_eq!((&lake["time_zone"], &lake["name_zh"]), (&Value::Null, &json!("西湖店")));
}

#[test]
fn every_cell_that_is_wrong_is_named() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    import(&platform, &own, "stores", "reference,name\nS-0,Home\n", json!({})).expect(200);
    let mut cases: Vec<(&str, String, &str)> = Vec::new();
    for (column, cell) in [
        ("reference", ""),
        ("reference", "two words"),
        ("name", ""),
        ("name", "a\u{202e}b"),
        ("latitude", "91"),
        ("latitude", "1,5"),
        ("latitude", "1.1234567"),
        ("time_zone", "Mars"),
        ("country", "cn"),
        ("line1", ""),
        ("monday", "9-5"),
        ("monday", "09:00-12:00 11:00-13:00"),
    ] {
        let cell_of = |name: &str| match name {
            _ if name == column => cell.to_owned(),
            "country" => "CN".to_owned(),
            "latitude" | "longitude" => "1".to_owned(),
            "monday" | "time_zone" => String::new(),
            _ => "S-9".to_owned(),
        };
        let columns = ["reference", "name", "latitude", "longitude", "time_zone", "line1", "city", "country", "monday"];
        let cells = columns.map(|name| format!("\"{}\"", cell_of(name)));
        cases.push(("stores", format!("{}\n{}\n", columns.join(","), cells.join(",")), column));
    }
    let tags = |row: &str| format!("reference,uid,store,till,label,mode,currency\n{row}\n");
    for (row, column) in [
        ("A-1,05aabbccddeeff,S-0,,Till,standing,CNY", "uid"),
        ("A-1,04aabbccddeef,S-0,,Till,standing,CNY", "uid"),
        ("A-1,04aabbccddeeff,S-9,,Till,standing,CNY", "store"),
        ("A-1,04aabbccddeeff,S-0,T-9,Till,standing,CNY", "till"),
        ("A-1,04aabbccddeeff,S-0,,Till,till,CNY", "till"),
        ("A-1,04aabbccddeeff,S-0,,,standing,CNY", "label"),
        ("A-1,04aabbccddeeff,S-0,,Till,sitting,CNY", "mode"),
        ("A-1,04aabbccddeeff,S-0,,Till,standing,XXX", "currency"),
        (",04aabbccddeeff,S-0,,Till,standing,CNY", "reference"),
    ] {
        cases.push(("tags", tags(row), column));
    }
    let taken = format!("A-1,{},S-0,,Till,standing,CNY", uid(OTHER_TAG));
    cases.push(("tags", tags(&taken), "uid"));
    cases.push(("tills", "reference,store,name\nT-1,S-9,Till\n".to_owned(), "store"));
    cases.push(("stores", "reference,name\nS-1,A\nS-1,B\n".to_owned(), "reference"));
    cases.push(("stores", "reference,name,merchant\nS-1,A,M-404\n".to_owned(), "merchant"));
    let position = platform.position();
    for (kind, csv, column) in cases {
        let report = import(&platform, &own, kind, &csv, json!({})).expect(200).json();
        let rows = report["rows"].as_array().unwrap();
        assert_eq!((&rows.last().unwrap()["field"], counts(&report).0), (&json!(column), false), "{csv}: {report}");
    }
    assert_eq!(platform.position(), position, "the money core heard nothing of what was refused");
}

#[test]
fn merchants_and_their_tags_come_in_by_reference_and_are_opened() {
    let platform = Platform::start();
    let operator = operator();
    let brands = "reference,name,currencies,country,mcc\nM-1,Noodles,CNY EUR,CN,5814\nM-2,Buns,CNY,,\n";
    let report = import(&platform, &operator, "brands", brands, json!({})).expect(200).json();
    assert_eq!(counts(&report), (true, [2, 0, 0, 0]), "{report}");
    let noodles = report["rows"][0]["id"].as_str().unwrap().to_owned();
    let merchant = platform.get(&operator, &format!("/v1/merchants/{noodles}")).expect(200).json();
    assert_eq!((&merchant["status"], &merchant["currencies"]), (&json!("applied"), &json!(["CNY", "EUR"])));
    let stores = "merchant,reference,name\nM-1,S-1,One\nM-2,S-1,Two\n";
    assert_eq!(counts(&import(&platform, &operator, "stores", stores, json!({})).expect(200).json()).1, [2, 0, 0, 0]);
    let missing = import(&platform, &operator, "stores", "reference,name\nS-1,One\n", json!({})).expect(200).json();
    assert_eq!(missing["rows"][0]["field"], "merchant");
    let tags = "merchant,reference,uid,store,label,mode,currency\n\
        M-1,A-1,04000000000001,S-1,Stall,standing,EUR\n\
        M-2,A-1,04000000000002,S-1,Stall,standing,CNY\n";
    for expected in [[2, 0, 0, 0], [0, 0, 2, 0]] {
        let report = import(&platform, &operator, "tags", tags, json!({})).expect(200).json();
        assert_eq!(counts(&report), (true, expected), "{report}");
    }
    // A chip that is known stays what it is.
    for (from, to, column) in
        [(",EUR", ",CNY", "currency"), ("standing,EUR", "till,EUR", "mode"), ("M-1,A", "M-2,B", "uid")]
    {
        let report = import(&platform, &operator, "tags", &tags.replacen(from, to, 1), json!({})).expect(200).json();
        assert_eq!(report["rows"][0]["field"], column, "{report}");
    }
    let own = merchant_token(MERCHANT);
    import(&platform, &own, "merchants", brands, json!({})).expect_problem(403, "forbidden", Some("kind"));
    let others = import(&platform, &own, "stores", "reference,name\n", json!({ "merchant": OTHER_MERCHANT }));
    others.expect_problem(404, "not_found", Some("merchant"));
}

#[test]
fn a_table_can_be_the_body_itself() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let send = |query: &str, body: &[u8]| {
        let request = Request::post(format!("/v1/imports{query}"), body).token(&own).without_content_type();
        platform.send(&request.header("Content-Type", "text/csv; charset=utf-8"))
    };
    let report = send("?kind=stores&dry_run=true", good().as_bytes()).expect(200).json();
    assert_eq!(counts(&report), (false, [3, 0, 0, 0]));
    assert_eq!(counts(&send("?kind=stores", good().as_bytes()).expect(200).json()), (true, [3, 0, 0, 0]));
    for (query, body, field) in [
        ("", "reference,name\n", "kind"),
        ("?kind=shoes", "reference,name\n", "kind"),
        ("?kind=stores&dry_run=yes", "reference,name\n", "dry_run"),
        ("?kind=stores&csv=x", "reference,name\n", "csv"),
        ("?kind=stores", "", "csv"),
        ("?kind=stores", "name\nx\n", "csv"),
        ("?kind=stores", "reference,name,colour\n", "csv"),
        ("?kind=stores", "reference,name\nonly\n", "csv"),
        ("?kind=stores", "reference,name\n\"S-1,x\n", "csv"),
    ] {
        send(query, body.as_bytes()).expect_problem(400, "invalid_field", Some(field));
    }
    send("?kind=stores", b"reference,name\nS-1,\xff\n").expect_problem(400, "invalid_field", Some("csv"));
    let html = Request::post("/v1/imports?kind=stores", "x").token(&own).without_content_type();
    let html = platform.send(&html.header("Content-Type", "text/html"));
    html.expect_problem(415, "unsupported_media_type", None);
    for (body, field) in [
        (json!({ "kind": "stores" }), "csv"),
        (json!({ "csv": "" }), "kind"),
        (json!({ "kind": "shoes", "csv": "" }), "kind"),
        (json!({ "kind": "stores", "csv": "", "dry_run": 1 }), "dry_run"),
        (json!({ "kind": "stores", "csv": "", "merchant": "x" }), "merchant"),
        (json!({ "kind": "stores", "csv": "", "colour": "x" }), "colour"),
    ] {
        platform.post(&own, "/v1/imports", &body).expect_problem(400, "invalid_field", Some(field));
    }
    let read_only = read_only_token(Actor::Merchant(MERCHANT));
    import(&platform, &read_only, "stores", "", json!({})).expect_problem(403, "insufficient_scope", None);
}

#[test]
fn invariant_03_an_import_is_answered_as_it_was_the_first_time() {
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let body = json!({ "kind": "stores", "csv": good() });
    let first = post_once(&platform, &own, "/v1/imports", &body, "import-1").expect(200);
    assert_eq!(post_once(&platform, &own, "/v1/imports", &body, "import-1").expect(200).body, first.body);
    let other = json!({ "kind": "stores", "csv": STORES });
    post_once(&platform, &own, "/v1/imports", &other, "import-1").expect_problem(409, "idempotency_conflict", None);
}

/// Rows of some 800 bytes, so that it is the bytes that count; the time is printed.
#[test]
fn eight_megabytes_are_taken_and_one_byte_more_is_not() {
    const LIMIT: usize = 8 * 1_024 * 1_024;
    let platform = Platform::start();
    let own = merchant_token(MERCHANT);
    let hours = "00:00-01:00 02:00-03:00 04:00-05:00 06:00-07:00 08:00-09:00 10:00-11:00 12:00-13:00 14:00-15:00";
    let mut csv = "reference,name,address,monday,tuesday,wednesday,thursday,friday,saturday,sunday\n".to_owned();
    let mut count = 0;
    while csv.len() < LIMIT - 2_000 {
        count += 1;
        let days = [hours; 7].join(",");
        csv.push_str(&format!("S-{count},Store {count},{},{days}\n", "x".repeat(100)));
    }
    csv.push_str(&format!("S-last,{}\n", ",".repeat(8)));
    let padding = LIMIT - csv.len();
    let last = csv.rfind("S-last,").unwrap() + "S-last,".len();
    csv.insert_str(last, &format!("\"{}\"", "x".repeat(padding - 2)));
    assert_eq!(csv.len(), LIMIT);
    let send = |body: String, query: &str| {
        let path = format!("/v1/imports?kind=stores{query}");
        let request = Request::post(path, body).token(&own).without_content_type();
        platform.send(&request.header("Content-Type", "text/csv"))
    };
    let begin = std::time::Instant::now();
    let report = send(csv.clone(), "&partial=true").expect(200).json();
    println!("{count} rows, 8 MB, in {:?}", begin.elapsed());
    // The last one's name is too long: it is the padding.
    assert_eq!(counts(&report), (true, [count, 0, 0, 1]));
    let found = platform.get(&own, "/v1/stores?search=store%20777").expect(200).json();
    assert_eq!(found["data"].as_array().unwrap().len(), 11);
    send(format!("{csv} "), "").expect_problem(413, "body_too_large", None);
}
