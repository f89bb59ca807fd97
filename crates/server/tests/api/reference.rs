//! The API's description.

use std::collections::BTreeSet;
use std::fs;

use crate::client::Request;
use crate::description::{DOCUMENT, endpoints};
use crate::platform::Platform;

const CHECKED_IN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

#[test]
fn the_checked_in_description_is_the_code_s() {
    let generated = server::openapi_json() + "\n";
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(CHECKED_IN, &generated).unwrap();
    }
    let checked_in = fs::read_to_string(CHECKED_IN).unwrap_or_default();
    assert!(
        checked_in == generated,
        "docs/openapi.json is not what the code says. If the API was meant to change, run\n\
         UPDATE_OPENAPI=1 cargo test -p server --test api reference"
    );
}

#[test]
fn the_description_is_served_and_whole() {
    let platform = Platform::start();
    let served = platform.send(&Request::get("/openapi.json")).expect(200);
    assert_eq!(served.text(), server::openapi_json());
    assert!(DOCUMENT["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut names = BTreeSet::new();
    for endpoint in endpoints() {
        let operation = &endpoint.operation;
        let text = |name: &str| operation[name].as_str().unwrap_or_default().to_owned();
        assert!(!text("summary").is_empty(), "{}", endpoint.path);
        assert!(names.insert(text("operationId")), "{} is there twice", text("operationId"));
        if endpoint.method == "POST" {
            let parameters = operation["parameters"].as_array().unwrap();
            assert!(parameters.iter().any(|parameter| parameter["name"] == "Idempotency-Key"), "{}", endpoint.path);
        }
    }
    assert!(names.len() >= 32, "{}", names.len());
}

#[test]
fn every_reference_in_the_description_leads_somewhere() {
    let text = server::openapi_json();
    for reference in text.split("\"$ref\": \"#").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(DOCUMENT.pointer(reference).is_some(), "{reference}");
    }
}
