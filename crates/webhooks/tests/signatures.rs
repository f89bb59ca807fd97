//! Signatures beside the vectors of others. The secrets in that file are published test keys.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use serde_json::Value;
use webhooks::{Secret, VerifyError, sign, verify};

fn vectors() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/signature_vectors.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    document["standard_webhooks"].as_array().unwrap().clone()
}

#[test]
fn agrees_with_standard_webhooks() {
    let vectors = vectors();
    assert!(vectors.len() >= 5);
    for row in vectors {
        let text = |name: &str| row[name].as_str().unwrap();
        let secret = Secret::parse(text("secret")).unwrap();
        let (id, timestamp, body) = (text("id"), text("timestamp"), text("body").as_bytes());
        let now = timestamp.parse().unwrap();
        assert_eq!(sign([&secret], id, now, body), text("library_signature"), "{}", row["name"]);
        let verdict = verify(std::slice::from_ref(&secret), id, timestamp, text("signature"), body, now);
        assert_eq!(verdict.is_ok(), row["valid"].as_bool().unwrap(), "{}: {verdict:?}", row["name"]);
    }
}

#[test]
fn several_secrets_give_several_signatures_and_any_of_them_will_do() {
    let (old, new, other) = (Secret::from_random([1; 32]), Secret::from_random([2; 32]), Secret::from_random([3; 32]));
    let signatures = sign([&new, &old], "evt_1", 1_000, b"{}");
    assert_eq!(signatures.split(' ').count(), 2);
    for secrets in [vec![old.clone()], vec![new], vec![other.clone(), old]] {
        assert_eq!(verify(&secrets, "evt_1", "1000", &signatures, b"{}", 1_000), Ok(()));
    }
    assert_eq!(verify(&[other], "evt_1", "1000", &signatures, b"{}", 1_000), Err(VerifyError::WrongSignature));
}

#[test]
fn a_message_is_believed_for_five_minutes() {
    let secrets = [Secret::from_random([1; 32])];
    let signature = sign(&secrets, "evt_1", 10_000, b"{}");
    for (now, expected) in [
        (10_000, Ok(())),
        (10_300, Ok(())),
        (10_301, Err(VerifyError::TooOld)),
        (9_700, Ok(())),
        (9_699, Err(VerifyError::TooNew)),
        (u64::MAX, Err(VerifyError::TooOld)),
        (0, Err(VerifyError::TooNew)),
    ] {
        assert_eq!(verify(&secrets, "evt_1", "10000", &signature, b"{}", now), expected, "{now}");
    }
    for timestamp in ["", "x", "-1", "1e3", "99999999999999999999"] {
        let verdict = verify(&secrets, "evt_1", timestamp, &signature, b"{}", 10_000);
        assert_eq!(verdict, Err(VerifyError::MalformedTimestamp), "{timestamp}");
    }
}

#[test]
fn every_part_of_a_message_is_signed() {
    let secrets = [Secret::from_random([1; 32])];
    let signature = sign(&secrets, "evt_1", 10_000, b"body");
    for (id, timestamp, body) in [("evt_2", "10000", "body"), ("evt_1", "10001", "body"), ("evt_1", "10000", "Body")] {
        assert!(verify(&secrets, id, timestamp, &signature, body.as_bytes(), 10_000).is_err());
    }
    for signature in ["", "v1", "v1,", "v1,AAAA", "v1,*", &signature.replace("v1,", "v2,"), &signature[..40]] {
        assert!(verify(&secrets, "evt_1", "10000", signature, b"body", 10_000).is_err(), "{signature}");
    }
}
