//! Every row of the published vectors as a line, and lines that are wrong.

#![allow(clippy::unwrap_used)]

use readings::answer;
use serde_json::{Value, json};

const VECTORS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/sun_vectors.json"));

fn rows() -> Vec<Value> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    vectors["sun"].as_array().unwrap().clone()
}

fn row(name: &str) -> Value {
    rows().into_iter().find(|row| row["name"] == name).unwrap()
}

fn ask(row: &Value) -> Value {
    serde_json::from_str(&answer(row.to_string().as_bytes())).unwrap()
}

/// The row with another value in a field.
fn with(name: &str, field: &str, value: Value) -> Value {
    let mut row = row(name);
    row[field] = value;
    row
}

fn refusal(row: &Value) -> String {
    let answer = ask(row);
    assert_eq!(answer["valid"], false, "{row}: {answer}");
    assert_eq!(answer.as_object().unwrap().len(), 2, "{answer}");
    answer["reason"].as_str().unwrap().to_owned()
}

#[test]
fn every_published_row_is_answered_as_it_says() {
    let rows = rows();
    assert!(rows.len() >= 15);
    for row in &rows {
        let answer = ask(row);
        assert_eq!(answer["valid"], row["valid"], "{row}: {answer}");
        if row["valid"] == false {
            assert!(!answer["reason"].as_str().unwrap().is_empty());
            continue;
        }
        assert_eq!((&answer["uid"], &answer["counter"]), (&row["uid"], &row["counter"]), "{answer}");
        let file_data = row["expected_file_data_hex"].as_str().map(str::to_uppercase);
        assert_eq!(answer["file_data_hex"].as_str(), file_data.as_deref(), "{row}");
        assert_eq!(answer.get("authenticated"), row["cmac"].is_null().then_some(&json!(false)), "{answer}");
    }
}

#[test]
fn an_answer_reads_like_this() {
    let valid = answer(row("an12196-t2-t4-empty-mac").to_string().as_bytes());
    assert_eq!(valid, r#"{"valid":true,"uid":"04DE5F1EACC040","counter":61,"file_data_hex":null}"#);
    let invalid = answer(row("sdm-backend-plain-wrong").to_string().as_bytes());
    let reason = "cmac is wrong: made with another file_read_key, or over another mac_input_ascii, UID or read counter";
    assert_eq!(invalid, format!(r#"{{"valid":false,"reason":"{reason}"}}"#));
}

#[test]
fn digits_have_either_case_and_only_the_listed_fields_count() {
    for row in rows() {
        let expected = ask(&row);
        let mut lower = row.clone();
        for field in ["mode", "meta_read_key", "file_read_key", "picc_data", "cmac", "uid", "enc_file_data"] {
            if let Some(text) = row[field].as_str() {
                lower[field] = text.to_lowercase().into();
            }
        }
        assert_eq!(ask(&lower), expected, "{lower}");
        let listed = "mode meta_read_key file_read_key picc_data cmac uid counter mac_input_ascii enc_file_data";
        let is_listed = |name: &str| listed.split(' ').any(|listed| listed == name);
        let fields = row.as_object().unwrap().iter().filter(|(name, value)| is_listed(name) && !value.is_null());
        let bare: serde_json::Map<_, _> = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
        assert_eq!(ask(&Value::Object(bare)), expected, "{row}");
    }
}

#[test]
fn no_digit_of_a_signed_row_can_be_changed() {
    for row in rows().iter().filter(|row| row["valid"] == true && !row["cmac"].is_null()) {
        for field in ["file_read_key", "picc_data", "cmac", "uid", "mac_input_ascii"] {
            let Some(text) = row[field].as_str().filter(|text| !text.is_empty()) else { continue };
            for place in 0..text.len() {
                let other = if text[place..].starts_with('0') { "1" } else { "0" };
                let mut changed = row.clone();
                changed[field] = format!("{}{other}{}", &text[..place], &text[place + 1..]).into();
                assert_eq!(ask(&changed)["valid"], false, "{field} {place}: {changed}");
            }
        }
    }
}

#[test]
fn what_is_wrong_with_a_line_is_said() {
    let aes = "an12196-t2-t4-empty-mac";
    let lrp = "sdm-backend-lrp-nofile";
    let plain = "sdm-backend-plain";
    let file = "sdm-backend-custom-keys";
    let no_uid = "ntag424java-lrp-noUid";
    let null = Value::Null;
    let zeros = |count: usize| Value::from("0".repeat(count));
    let cases = [
        (with(aes, "mode", null.clone()), "mode is missing or unknown: write \"AES\" or \"LRP\""),
        (with(aes, "mode", json!("DES")), "mode is missing"),
        (with(aes, "mode", json!(1)), "mode is not text"),
        (with(aes, "mode", json!("LRP")), "picc_data must have 48 hexadecimal digits in LRP mode, not 32"),
        (with(lrp, "mode", json!("AES")), "picc_data must have 32 hexadecimal digits in AES mode, not 48"),
        (with(aes, "picc_data", json!("")), "picc_data must have 32 hexadecimal digits in AES mode, not 0"),
        (with(aes, "picc_data", zeros(31)), "picc_data has an odd number"),
        (with(aes, "picc_data", json!("zz")), "picc_data has characters that are no hexadecimal digits"),
        (with(aes, "picc_data", json!("é")), "picc_data has characters that are no hexadecimal digits"),
        (with(aes, "picc_data", zeros(32)), "picc_data was not encrypted with meta_read_key"),
        (with(aes, "meta_read_key", null.clone()), "meta_read_key is missing: picc_data cannot be checked"),
        (with(aes, "meta_read_key", zeros(30)), "meta_read_key must have 32 hexadecimal digits, not 30"),
        (with(aes, "meta_read_key", json!("F".repeat(32))), "picc_data was not encrypted with meta_read_key"),
        (with(aes, "file_read_key", null.clone()), "file_read_key is missing: cmac cannot be checked"),
        (with(aes, "file_read_key", json!(["00"])), "file_read_key is not text"),
        (with(aes, "cmac", zeros(14)), "cmac must have 16 hexadecimal digits, not 14"),
        (with(aes, "cmac", zeros(32)), "cmac must have 16 hexadecimal digits, not 32"),
        (with(aes, "cmac", zeros(16)), "cmac is wrong"),
        (with(aes, "mac_input_ascii", json!("x")), "cmac is wrong"),
        (with(aes, "mac_input_ascii", json!("付")), "mac_input_ascii has characters outside ASCII"),
        (with(aes, "uid", json!("04DE5F1EACC041")), "uid is not what picc_data says"),
        (with(aes, "uid", json!("04DE5F1EACC0")), "uid must have 14 hexadecimal digits, not 12"),
        (with(aes, "counter", json!(62)), "counter is not what picc_data says"),
        (with(aes, "counter", json!("61")), "counter is not a whole number"),
        (with(aes, "counter", json!(-1)), "counter is not a whole number"),
        (with(aes, "counter", json!(61.5)), "counter is not a whole number"),
        (with(aes, "counter", json!(1 << 24)), "counter is above 16777215"),
        (with(aes, "counter", json!(u64::MAX)), "counter is above 16777215"),
        (with(plain, "counter", json!(7)), "cmac is wrong"),
        (with(plain, "cmac", null.clone()), "cmac is missing: nothing proves"),
        (with(plain, "counter", null.clone()), "cmac is wrong"),
        (with(no_uid, "uid", json!("04DE5F1EACC040")), "uid is not what picc_data says"),
        (with(no_uid, "enc_file_data", zeros(32)), "enc_file_data is there, but not both"),
        (with(file, "enc_file_data", zeros(30)), "enc_file_data must have a multiple of 32"),
        (
            with(file, "enc_file_data", zeros(544)),
            "enc_file_data must have a multiple of 32 hexadecimal digits, at most 512",
        ),
        (with("ntag424java-lrp-encfile1", "file_read_key", null), "file_read_key is missing: enc_file_data"),
        (json!({"mode": "AES"}), "picc_data and uid and counter are missing"),
        (json!({}), "mode is missing"),
    ];
    for (row, expected) in cases {
        let reason = refusal(&row);
        assert!(reason.starts_with(expected), "{reason}, not {expected}: {row}");
    }
}

#[test]
fn lines_that_are_no_objects_are_answered_too() {
    let lines: [&[u8]; 9] = [b"", b" ", b"{", b"[]", b"null", b"\"x\"", b"\xff\xfe", b"{} {}", &[b'['; 60_000]];
    for line in lines {
        let answer: Value = serde_json::from_str(&answer(line)).unwrap();
        assert_eq!(answer["valid"], false);
        assert!(answer["reason"].as_str().unwrap().starts_with("the line is not"), "{answer}");
    }
    let padded = |bytes: usize| {
        let line = row("boltcard-2").to_string();
        format!("{line}{}", " ".repeat(bytes - line.len()))
    };
    assert!(answer(padded(readings::LINE_BYTES_MAX).as_bytes()).starts_with(r#"{"valid":true"#));
    let refused = answer(padded(readings::LINE_BYTES_MAX + 1).as_bytes());
    assert_eq!(refused, r#"{"valid":false,"reason":"the line has more than 65536 bytes"}"#);
    assert_eq!(refused, readings::answer_to_too_long_a_line());
}

/// Also not when it is the key that is wrong, or the JSON.
#[test]
fn bug_23_no_answer_repeats_a_key() {
    let secret = "C0FFEE00C0FFEE00C0FFEE00C0FFEE0";
    for row in rows() {
        for field in ["meta_read_key", "file_read_key"] {
            for value in [
                json!(secret),
                json!(format!("{secret}0")),
                json!(format!("{secret}z")),
                json!([secret]),
                json!({secret: 1}),
            ] {
                let mut changed = row.clone();
                changed[field] = value;
                let line = changed.to_string();
                for line in [line.clone(), line.replace(secret, &format!("{secret}\u{1}")), line[1..].to_owned()] {
                    let answer = answer(line.as_bytes());
                    assert!(!answer.to_uppercase().contains("C0FFEE"), "{line}: {answer}");
                }
            }
        }
    }
}
