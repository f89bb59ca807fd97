//! Lines in, lines out: every request, every way to get one wrong.

#![allow(clippy::unwrap_used)]

use exec::{LINE_BYTES_MAX, Line, answer};
use fuzzing::CheckedBooks;

/// What a ledger that begins empty answers to these lines.
fn talk(lines: &[&str]) -> Vec<String> {
    let mut books = CheckedBooks::default();
    lines.iter().map(|line| ask(&mut books, line.as_bytes())).collect()
}

fn ask(books: &mut CheckedBooks, line: &[u8]) -> String {
    let mut out = Vec::new();
    let _told = answer(Line::Whole(line), books, &mut out);
    let text = String::from_utf8(out).unwrap();
    text.strip_suffix('\n').unwrap().to_owned()
}

fn assert_talk(exchanges: &[(&str, &str)]) {
    let lines: Vec<_> = exchanges.iter().map(|(line, _)| *line).collect();
    for (answer, (line, expected)) in talk(&lines).iter().zip(exchanges) {
        assert_eq!(answer, expected, "{line}");
    }
}

const TWO_ACCOUNTS: &str =
    r#"{"create_accounts":[{"id":"1","ledger":1,"code":1},{"id":2,"ledger":1,"code":"1","flags":["history"]}]}"#;
const TWO_CREATED: &str = r#"{"results":[{"status":"created","timestamp":"1"},{"status":"created","timestamp":"2"}]}"#;

#[test]
fn accounts_are_created_looked_up_and_queried() {
    assert_talk(&[
        (TWO_ACCOUNTS, TWO_CREATED),
        (
            r#"{"create_accounts":[{"id":"2","ledger":1,"code":1,"flags":["history"]},{"id":"3","code":1},{"id":0}]}"#,
            r#"{"results":[{"status":"exists","timestamp":"2"},{"status":"ledger_must_not_be_zero","timestamp":"4"},{"status":"id_must_not_be_zero","timestamp":"5"}]}"#,
        ),
        (
            r#"{"lookup_accounts":["2",9,1]}"#,
            concat!(
                r#"{"results":[{"id":"2","debits_pending":"0","debits_posted":"0","credits_pending":"0","credits_posted":"0","user_data_128":"0","user_data_64":"0","user_data_32":0,"ledger":1,"code":1,"flags":["history"],"timestamp":"2"},"#,
                r#"{"id":"1","debits_pending":"0","debits_posted":"0","credits_pending":"0","credits_posted":"0","user_data_128":"0","user_data_64":"0","user_data_32":0,"ledger":1,"code":1,"flags":[],"timestamp":"1"}]}"#
            ),
        ),
        (
            r#"{"query_accounts":{"limit":1,"flags":["reversed"]}}"#,
            r#"{"results":[{"id":"2","debits_pending":"0","debits_posted":"0","credits_pending":"0","credits_posted":"0","user_data_128":"0","user_data_64":"0","user_data_32":0,"ledger":1,"code":1,"flags":["history"],"timestamp":"2"}]}"#,
        ),
        (r#"{"query_accounts":{"ledger":2}}"#, r#"{"results":[]}"#),
        (r#"{"lookup_accounts":[]}"#, r#"{"results":[]}"#),
        (r#"{"create_accounts":[]}"#, r#"{"results":[]}"#),
    ]);
}

#[test]
fn transfers_move_wait_and_expire() {
    let first = r#"{"id":"10","debit_account_id":"1","credit_account_id":"2","amount":"100","pending_id":"0","user_data_128":"7","user_data_64":"0","user_data_32":0,"timeout":0,"ledger":1,"code":1,"flags":[],"timestamp":"3"}"#;
    let pending = r#"{"id":"11","debit_account_id":"1","credit_account_id":"2","amount":"50","pending_id":"0","user_data_128":"0","user_data_64":"0","user_data_32":0,"timeout":2,"ledger":1,"code":1,"flags":["pending"],"timestamp":"4"}"#;
    assert_talk(&[
        (TWO_ACCOUNTS, TWO_CREATED),
        (
            r#"{"create_transfers":[{"id":10,"debit_account_id":1,"credit_account_id":"2","amount":"100","user_data_128":"7","ledger":1,"code":1},{"id":11,"debit_account_id":1,"credit_account_id":2,"amount":50,"timeout":2,"ledger":1,"code":1,"flags":["pending"]}]}"#,
            r#"{"results":[{"status":"created","timestamp":"3"},{"status":"created","timestamp":"4"}]}"#,
        ),
        (r#"{"tick":"2000000003"}"#, r#"{"timestamp":"2000000003","expired":0}"#),
        (r#"{"tick":2000000004}"#, r#"{"timestamp":"2000000004","expired":1}"#),
        (r#"{"tick":1}"#, r#"{"error":"the clock stands at 2000000004 and cannot go back to 1"}"#),
        (
            r#"{"create_transfers":[{"id":12,"pending_id":11,"amount":"18446744073709551615","flags":["post_pending_transfer"]}]}"#,
            r#"{"results":[{"status":"pending_transfer_expired","timestamp":"2000000004"}]}"#,
        ),
        (r#"{"lookup_transfers":["10"]}"#, &format!(r#"{{"results":[{first}]}}"#)),
        (r#"{"get_account_transfers":{"account_id":2}}"#, &format!(r#"{{"results":[{first},{pending}]}}"#)),
        (
            r#"{"get_account_transfers":{"account_id":2,"limit":1,"flags":["credits","reversed"]}}"#,
            &format!(r#"{{"results":[{pending}]}}"#),
        ),
        (r#"{"get_account_transfers":{"account_id":2,"flags":["debits"]}}"#, r#"{"results":[]}"#),
        (r#"{"get_account_transfers":{"account_id":2,"flags":[]}}"#, r#"{"results":[]}"#),
        (r#"{"get_account_transfers":{"account_id":2,"limit":0}}"#, r#"{"results":[]}"#),
        (
            r#"{"get_account_balances":{"account_id":"2"}}"#,
            concat!(
                r#"{"results":[{"debits_pending":"0","debits_posted":"0","credits_pending":"0","credits_posted":"100","timestamp":"3"},"#,
                r#"{"debits_pending":"0","debits_posted":"0","credits_pending":"50","credits_posted":"100","timestamp":"4"}]}"#
            ),
        ),
        (r#"{"query_transfers":{"user_data_128":"7"}}"#, &format!(r#"{{"results":[{first}]}}"#)),
        (r#"{"query_transfers":{"timestamp_min":"4","timestamp_max":4}}"#, &format!(r#"{{"results":[{pending}]}}"#)),
    ]);
}

#[test]
fn the_highest_values_go_through() {
    let account = r#"{"create_accounts":[{"id":"340282366920938463463374607431768211454","user_data_128":"340282366920938463463374607431768211455","user_data_64":"18446744073709551615","user_data_32":4294967295,"ledger":"4294967295","code":65535}]}"#;
    assert_talk(&[
        (account, r#"{"results":[{"status":"created","timestamp":"1"}]}"#),
        (
            r#"{"lookup_accounts":["340282366920938463463374607431768211454"]}"#,
            r#"{"results":[{"id":"340282366920938463463374607431768211454","debits_pending":"0","debits_posted":"0","credits_pending":"0","credits_posted":"0","user_data_128":"340282366920938463463374607431768211455","user_data_64":"18446744073709551615","user_data_32":4294967295,"ledger":4294967295,"code":65535,"flags":[],"timestamp":"1"}]}"#,
        ),
    ]);
}

#[test]
fn what_json_allows_is_read() {
    for line in [
        " { \"lookup_accounts\" :\t[ \"1\" , 2 ] } ",
        "{\"lookup_accounts\":[\"1\",2]}\r",
        r#"{"lookup\u005faccounts":["\u0031","0002"]}"#,
        r#"{"lookup_accounts":[9007199254740991]}"#,
    ] {
        assert_eq!(talk(&[line]), [r#"{"results":[]}"#], "{line}");
    }
}

const REQUESTS: &str = "create_accounts, create_transfers, lookup_accounts, lookup_transfers, get_account_transfers, get_account_balances, query_accounts, query_transfers, tick";

#[test]
fn a_wrong_line_is_told_where_it_is_wrong() {
    let accounts = "id, debits_pending, debits_posted, credits_pending, credits_posted, user_data_128, user_data_64, user_data_32, reserved, ledger, code, flags, timestamp";
    let highest = "340282366920938463463374607431768211455";
    let form = "a string of decimal digits, or a JSON integer below 2^53";
    let digits = "a string with a number holds decimal digits and nothing else";
    let cases = [
        ("", "the line is empty: every line is one request".to_owned()),
        (" \t\r", "the line is empty: every line is one request".to_owned()),
        ("{", "this is not JSON from byte 1 on: EOF while parsing an object".to_owned()),
        ("nonsense", "this is not JSON from byte 2 on: expected ident".to_owned()),
        (r#"{"tick":1}{"#, "this is not JSON from byte 11 on: trailing characters".to_owned()),
        (r#"{"tick":01}"#, "this is not JSON from byte 10 on: invalid number".to_owned()),
        ("{}", format!("the request is missing: one of {REQUESTS}")),
        ("[]", format!("invalid type: sequence, expected an object with one of {REQUESTS}")),
        ("7", format!("invalid type: integer `7`, expected an object with one of {REQUESTS}")),
        (r#"{"ticks":1}"#, format!("ticks: unknown; there are {REQUESTS}")),
        (r#"{"tick":1,"tick":1}"#, "one request a line: put the second one on a line of its own".to_owned()),
        (r#"{"tick":1,"tock":1}"#, format!("tock: unknown; there are {REQUESTS}")),
        (r#"{"tick":-1}"#, format!("tick: invalid type: integer `-1`, expected a whole number from 0 to 18446744073709551615: {form}")),
        (r#"{"tick":9007199254740992}"#, "tick: numbers from 2^53 on must be strings of decimal digits".to_owned()),
        (r#"{"tick":"18446744073709551616"}"#, "tick: at most 18446744073709551615 fits here".to_owned()),
        (r#"{"lookup_accounts":"1"}"#, "lookup_accounts: invalid type: string \"1\", expected a list of at most 8189".to_owned()),
        (r#"{"lookup_accounts":["1","+1"]}"#, format!("lookup_accounts[1]: {digits}")),
        (r#"{"lookup_accounts":[""]}"#, format!("lookup_accounts[0]: {digits}")),
        (r#"{"lookup_accounts":["0x1"]}"#, format!("lookup_accounts[0]: {digits}")),
        (r#"{"lookup_accounts":[" 1"]}"#, format!("lookup_accounts[0]: {digits}")),
        (r#"{"lookup_accounts":["1e3"]}"#, format!("lookup_accounts[0]: {digits}")),
        (r#"{"lookup_accounts":[1.0]}"#, format!("lookup_accounts[0]: invalid type: floating point `1.0`, expected a whole number from 0 to {highest}: {form}")),
        (r#"{"lookup_accounts":[1e3]}"#, format!("lookup_accounts[0]: invalid type: floating point `1000.0`, expected a whole number from 0 to {highest}: {form}")),
        (r#"{"lookup_accounts":[-0]}"#, format!("lookup_accounts[0]: invalid type: floating point `-0.0`, expected a whole number from 0 to {highest}: {form}")),
        (r#"{"lookup_accounts":[null]}"#, format!("lookup_accounts[0]: invalid type: null, expected a whole number from 0 to {highest}: {form}")),
        (r#"{"lookup_accounts":["340282366920938463463374607431768211456"]}"#, format!("lookup_accounts[0]: at most {highest} fits here")),
        (r#"{"create_accounts":{}}"#, "create_accounts: invalid type: map, expected a list of at most 8189".to_owned()),
        (r#"{"create_accounts":[[1,2]]}"#, "create_accounts[0]: invalid type: sequence, expected an object with the fields of an account".to_owned()),
        (r#"{"create_accounts":[{"id":1},{"name":"x"}]}"#, format!("create_accounts[1].name: unknown; there are {accounts}")),
        (r#"{"create_accounts":[{"id":1,"id":1}]}"#, "create_accounts[0]: `id` comes twice".to_owned()),
        (r#"{"create_accounts":[{"flags":"history"}]}"#, "create_accounts[0].flags: invalid type: string \"history\", expected a list of flag names".to_owned()),
        (r#"{"create_accounts":[{"flags":[2]}]}"#, "create_accounts[0].flags[0]: invalid type: integer `2`, expected the name of a flag".to_owned()),
        (r#"{"create_accounts":[{"flags":["linked","History"]}]}"#, "create_accounts[0].flags[1]: `History` is unknown; there are linked, debits_must_not_exceed_credits, credits_must_not_exceed_debits, history, imported, closed".to_owned()),
        (r#"{"create_accounts":[{"flags":["linked","linked"]}]}"#, "create_accounts[0].flags: `linked` comes twice".to_owned()),
        (r#"{"create_accounts":[{"code":65536}]}"#, "create_accounts[0].code: at most 65535 fits here".to_owned()),
        (r#"{"create_accounts":[{"ledger":"4294967296"}]}"#, "create_accounts[0].ledger: at most 4294967295 fits here".to_owned()),
        (r#"{"create_transfers":[{},{},{},{"amount":"18446744073709551616"}]}"#, "create_transfers[3].amount: at most 18446744073709551615 fits here".to_owned()),
        (r#"{"create_transfers":[{"flags":["resolving"]}]}"#, "create_transfers[0].flags[0]: `resolving` is unknown; there are linked, pending, post_pending_transfer, void_pending_transfer, balancing_debit, balancing_credit, closing_debit, closing_credit, imported".to_owned()),
        (r#"{"get_account_transfers":[]}"#, "get_account_transfers: invalid type: sequence, expected an object with the fields of an account filter".to_owned()),
        (r#"{"get_account_balances":{"account_id":"1","ledger":1}}"#, "get_account_balances.ledger: unknown; there are account_id, user_data_128, user_data_64, user_data_32, code, timestamp_min, timestamp_max, limit, flags".to_owned()),
        (r#"{"query_accounts":{"flags":["debits"]}}"#, "query_accounts.flags[0]: `debits` is unknown; there are reversed".to_owned()),
        (r#"{"query_transfers":{"limit":-1}}"#, format!("query_transfers.limit: invalid type: integer `-1`, expected a whole number from 0 to 4294967295: {form}")),
    ];
    for (line, reason) in cases {
        let answer: serde_json::Value = serde_json::from_str(&talk(&[line])[0]).unwrap();
        assert_eq!(answer["error"].as_str(), Some(&*reason), "{line}");
    }
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    let mut books = CheckedBooks::default();
    assert_eq!(ask(&mut books, b"{\"tick\":\"\xff\"}"), r#"{"error":"byte 10 is not UTF-8"}"#);
    assert_eq!(
        ask(&mut books, b"{\"tick\":1}\0"),
        r#"{"error":"this is not JSON from byte 11 on: trailing characters"}"#
    );
}

#[test]
fn an_error_with_quotes_is_json_all_the_same() {
    let answer = &talk(&[r#"{"a\"b\\\u0007":1}"#])[0];
    assert_eq!(*answer, format!(r#"{{"error":"a\"b\\\u0007: unknown; there are {REQUESTS}"}}"#));
}

#[test]
fn a_batch_is_full_at_its_bound() {
    let mut books = CheckedBooks::default();
    let ids = |count: usize| format!(r#"{{"lookup_accounts":[{}]}}"#, vec!["1"; count].join(","));
    assert_eq!(ask(&mut books, ids(8189).as_bytes()), r#"{"results":[]}"#);
    let refused = r#"{"error":"lookup_accounts: more than 8189 in one batch: split it"}"#;
    assert_eq!(ask(&mut books, ids(8190).as_bytes()), refused);
    assert_eq!(ask(&mut books, ids(100_000).as_bytes()), refused);
    let events = format!(r#"{{"create_transfers":[{}]}}"#, vec!["{}"; 8190].join(","));
    assert_eq!(
        ask(&mut books, events.as_bytes()),
        r#"{"error":"create_transfers: more than 8189 in one batch: split it"}"#
    );
}

#[test]
fn a_refusal_is_short_whatever_the_line() {
    let long = "é".repeat(1_000_000);
    for line in [
        format!(r#"{{"{long}":1}}"#),
        format!(r#"{{"create_accounts":[{{"{long}":1}}]}}"#),
        format!(r#"{{"create_accounts":[{{"flags":["{long}"]}}]}}"#),
        format!(r#"{{"create_accounts":"{long}"}}"#),
    ] {
        let answer = &talk(&[&line])[0];
        assert!(answer.starts_with(r#"{"error":"#) && answer.contains('…') && answer.len() < 1_200, "{answer}");
    }
}

#[test]
fn depth_is_bounded() {
    for (open, close) in [("[", "]"), ("{\"tick\":", "}")] {
        let line = format!("{}{}", open.repeat(1_000_000), close.repeat(1_000_000));
        assert!(talk(&[&line])[0].starts_with(r#"{"error":"#));
    }
}

#[test]
fn a_line_that_was_too_long_is_told() {
    let mut out = Vec::new();
    answer(Line::TooLong, &mut CheckedBooks::default(), &mut out).unwrap();
    assert_eq!(out, format!("{{\"error\":\"the line has more than {LINE_BYTES_MAX} bytes: split it\"}}\n").as_bytes());
}
