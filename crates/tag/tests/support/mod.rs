//! The published vectors, as rows of JSON.

#![allow(dead_code, reason = "each test file uses some of it")]

use serde_json::Value;

const VECTORS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/sun_vectors.json"));

/// A part of the vectors.
pub(crate) fn section(name: &str) -> Value {
    let vectors: Value = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    vectors[name].clone()
}

/// A part that is a list.
pub(crate) fn rows(name: &str) -> Vec<Value> {
    section(name).as_array().expect("a section is a list").clone()
}

/// The bytes of hexadecimal digits.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).expect("a digit");
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// The field's bytes, or nothing if it is null or missing.
pub(crate) fn field<const N: usize>(row: &Value, name: &str) -> Option<[u8; N]> {
    row[name].as_str().map(|hex| bytes(hex).try_into().expect("the field has its length"))
}

/// The field's bytes, which must be there.
pub(crate) fn required<const N: usize>(row: &Value, name: &str) -> [u8; N] {
    field(row, name).unwrap_or_else(|| panic!("no {name}: {row}"))
}
