//! Codes from specifications and from circulation, and what other programs say of them.

#![allow(clippy::unwrap_used)]

use qr::emv::consumer::{self, ConsumerDraft};
use qr::emv::merchant::{self, Draft, Reading};
use qr::emv::{Code, Mode};
use serde_json::{Map, Value, json};

const VECTORS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/emv_qr.json"));

/// A row that its scheme's own program refuses, and that no program can tell from a row of the same list that is accepted: neither
/// has an account of the scheme.
const WITHOUT_ACCOUNT: &str = "Merchant type cannot be null or empty";

fn rows(mode: &str) -> Vec<Map<String, Value>> {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    vectors[mode].as_array().unwrap().iter().map(|row| row.as_object().unwrap().clone()).collect()
}

fn answer(reading: &Reading<'_>) -> Value {
    serde_json::to_value(reading).unwrap()
}

#[test]
fn merchant_presented_codes_are_read_as_others_read_them() {
    let rows = rows("mpm");
    assert_eq!(rows.len(), 90);
    let (mut agreed, mut schemes) = (0, 0);
    for row in &rows {
        let answer = answer(&merchant::read(row["payload"].as_str().unwrap(), Mode::Lenient));
        if row.get("reason").is_some_and(|reason| reason == WITHOUT_ACCOUNT) {
            assert_eq!(answer["valid"], true, "{row:#?}");
            continue;
        }
        assert_eq!(answer["scheme"], row["scheme"], "{row:#?}");
        schemes += 1;
        if row["valid"].is_null() {
            continue;
        }
        assert_eq!(answer["valid"], row["valid"], "{row:#?}\n{answer:#}");
        if let Some(fields) = row.get("fields") {
            assert_eq!(&answer["fields"], fields);
        }
        let has_errors = answer["findings"].as_array().unwrap().iter().any(|finding| finding["severity"] == "error");
        assert_eq!(has_errors, row["valid"] == false, "{answer:#}");
        agreed += 1;
    }
    assert_eq!((agreed, schemes), (88, 89));
}

#[test]
fn a_crc_over_iso_8859_1_is_taken_from_the_scheme_that_computes_it_so() {
    let row = rows("mpm").into_iter().find(|row| row["valid"].is_null()).unwrap();
    let payload = row["payload"].as_str().unwrap();
    let lenient = merchant::read(payload, Mode::Lenient);
    assert!(lenient.is_valid() && lenient.findings().iter().any(|finding| finding.code == Code::CrcCharset));
    assert!(!merchant::read(payload, Mode::Strict).is_valid());
    let elsewhere = payload.replace("int.bceao.pi", "int.bceao.px");
    assert!(
        merchant::read(&elsewhere, Mode::Lenient).findings().iter().any(|finding| finding.code == Code::CrcMismatch)
    );
}

#[test]
fn encoding_what_was_decoded_gives_the_same_code() {
    for row in rows("mpm").iter().filter(|row| row["valid"] != false) {
        let payload = row["payload"].as_str().unwrap();
        let json = serde_json::to_string(&merchant::read(payload, Mode::Lenient)).unwrap();
        // Straight from text: a map of the JSON library would sort the ids.
        let start = json.find("\"fields\":").unwrap() + "\"fields\":".len();
        let draft = Draft::deserialize_prefix(&json[start..]);
        assert_eq!(draft.encode(), payload);
    }
}

/// Reads the JSON value at the beginning of a text.
trait DeserializePrefix: Sized {
    fn deserialize_prefix(text: &str) -> Self;
}

impl<T: serde::de::DeserializeOwned> DeserializePrefix for T {
    fn deserialize_prefix(text: &str) -> Self {
        serde_json::Deserializer::from_str(text).into_iter().next().unwrap().unwrap()
    }
}

/// Whether every field of the row is in the answer: one row tells the first of its fields only.
fn contains(answer: &Value, row: &Value) -> bool {
    match (answer, row) {
        (Value::Object(answer), Value::Object(row)) => {
            row.iter().all(|(key, value)| answer.get(key).is_some_and(|answer| contains(answer, value)))
        }
        (Value::Array(answer), Value::Array(row)) => {
            answer.len() == row.len() && answer.iter().zip(row).all(|(answer, row)| contains(answer, row))
        }
        (answer, row) => answer == row,
    }
}

fn bytes_of(row: &Map<String, Value>) -> Vec<u8> {
    let digits = row["hex"].as_str().unwrap();
    (0..digits.len()).step_by(2).map(|place| u8::from_str_radix(&digits[place..place + 2], 16).unwrap()).collect()
}

#[test]
fn consumer_presented_codes_are_read_as_others_read_them() {
    let rows = rows("cpm");
    assert_eq!(rows.len(), 5);
    for row in &rows {
        let bytes = bytes_of(row);
        if let Some(base64) = row.get("base64") {
            assert_eq!(consumer::from_base64(base64.as_str().unwrap()).unwrap(), bytes);
        }
        let reading = consumer::read(&bytes, Mode::Lenient);
        let answer = serde_json::to_value(&reading).unwrap();
        assert_eq!(answer["valid"], row["valid"], "{row:#?}\n{answer:#}");
        assert_eq!(tree(reading.elements()), row["ber_tree"]);
        if let Some(fields) = row.get("fields") {
            assert!(contains(&answer["fields"], fields), "{answer:#}");
            let json = serde_json::to_string(&answer["fields"]).unwrap();
            let draft: ConsumerDraft = serde_json::from_str(&json).unwrap();
            let again = consumer::read(&draft.encode().unwrap(), Mode::Lenient).is_valid();
            assert!(again, "{json}");
        }
    }
}

fn tree(elements: &[consumer::Element<'_>]) -> Value {
    let pairs = elements.iter().map(|element| match &element.value {
        consumer::Value::Template(parts) => json!([element.tag.to_string(), tree(parts)]),
        consumer::Value::Primitive(bytes) => {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            json!([element.tag.to_string(), digits])
        }
    });
    pairs.collect()
}

#[test]
fn a_consumers_code_is_encoded_as_it_was() {
    for row in rows("cpm").iter().filter(|row| row["valid"] == true) {
        let bytes = bytes_of(row);
        let json = serde_json::to_string(&consumer::read(&bytes, Mode::Strict)).unwrap();
        let start = json.find("\"fields\":").unwrap() + "\"fields\":".len();
        let draft = ConsumerDraft::deserialize_prefix(&json[start..]);
        assert_eq!(draft.encode().unwrap(), bytes);
    }
}
