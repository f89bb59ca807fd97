//! Merchant category codes, beside the list.

use serde_json::Value;
use terms::Mcc;

fn rows() -> Vec<(String, String, String)> {
    let vectors = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/mcc_iso18245.json"));
    let vectors: Value = serde_json::from_str(vectors).expect("vectors are JSON");
    let text = |row: &Value, field| row[field].as_str().expect("a text").to_owned();
    let rows = vectors["mcc"].as_array().expect("a list");
    rows.iter().map(|row| (text(row, "mcc"), text(row, "description"), text(row, "range"))).collect()
}

#[test]
fn every_row_of_the_list() {
    let rows = rows();
    assert_eq!(rows.len(), 932);
    for (code, description, range) in rows {
        let mcc: Mcc = code.parse().unwrap();
        assert_eq!((mcc.to_string(), mcc.description(), mcc.range()), (code.clone(), &*description, &*range), "{code}");
        assert_eq!(mcc.number().to_string(), code.trim_start_matches('0'));
        assert_eq!(serde_json::from_str::<Mcc>(&format!("\"{code}\"")).unwrap(), mcc);
        assert_eq!(postcard::from_bytes::<Mcc>(&postcard::to_allocvec(&mcc).unwrap()).unwrap(), mcc);
    }
}

#[test]
fn no_other_code_is_one() {
    let listed: std::collections::BTreeSet<String> = rows().into_iter().map(|(code, ..)| code).collect();
    for number in 0..=u16::MAX {
        let code = format!("{number:04}");
        assert_eq!(Mcc::parse(&code).is_ok(), listed.contains(&code), "{code}");
        let stored = postcard::to_allocvec(&number).unwrap();
        assert_eq!(postcard::from_bytes::<Mcc>(&stored).is_ok(), listed.contains(&code), "{code}");
    }
    for text in ["", "742", "00742", "+742", "-742", " 5812", "5812 ", "58 12", "581２", "abcd", "5.12"] {
        assert!(Mcc::parse(text).is_err(), "{text:?}");
    }
    for json in ["5812", "null", "\"812\"", "[\"5812\"]"] {
        assert!(serde_json::from_str::<Mcc>(json).is_err(), "{json}");
    }
}
