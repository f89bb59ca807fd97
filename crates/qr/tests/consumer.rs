//! What is found in consumer-presented codes.

#![allow(clippy::unwrap_used)]

use qr::emv::consumer::{self, ConsumerDraft};
use qr::emv::{Mode, Severity};

const FORMAT: [u8; 7] = *b"\x85\x05CPV01";

fn with_format(more: &[u8]) -> Vec<u8> {
    [&FORMAT, more].concat()
}

/// The errors of some bytes, as `code tags`.
fn errors(bytes: &[u8]) -> Vec<String> {
    let reading = consumer::read(bytes, Mode::Lenient);
    let errors = reading.findings().iter().filter(|finding| finding.severity == Severity::Error);
    let errors: Vec<_> = errors.map(|finding| format!("{} {}", finding.code, finding.path)).collect();
    assert_eq!(errors.is_empty(), reading.is_valid());
    errors
}

#[test]
fn lengths_are_as_short_as_they_can_be() {
    for (length, head) in [
        (0, vec![0x00]),
        (127, vec![0x7F]),
        (128, vec![0x81, 0x80]),
        (255, vec![0x81, 0xFF]),
        (256, vec![0x82, 0x01, 0x00]),
        (1_000, vec![0x82, 0x03, 0xE8]),
    ] {
        let draft: ConsumerDraft = serde_json::from_str(&format!("{{\"9F10\":\"{}\"}}", "AB".repeat(length))).unwrap();
        let bytes = draft.encode().unwrap();
        assert_eq!(bytes, [&[0x9F, 0x10][..], &head, &vec![0xAB; length]].concat());
        let reading = consumer::read(&bytes, Mode::Lenient);
        assert!(reading.is_valid());
        let consumer::Value::Primitive(value) = reading.elements()[0].value else { panic!("9F10 is no template") };
        assert_eq!(value.len(), length);
    }
}

#[test]
fn longer_lengths_than_needed_are_a_departure() {
    let bytes = with_format(b"\x61\x05\x4F\x81\x02\xA0\x00");
    assert_eq!(errors(&bytes), [""; 0]);
    let strict = consumer::read(&bytes, Mode::Strict);
    let finding = &strict.findings()[0];
    assert_eq!((finding.code.as_str(), finding.path.to_string().as_str()), ("malformed_length", "61.4F"));
    assert!(!strict.is_valid());
}

#[test]
fn structure_is_refused_where_it_breaks() {
    assert_eq!(errors(b""), ["empty "]);
    assert_eq!(errors(b"\x85"), ["malformed_length 85"]);
    assert_eq!(errors(b"\x85\x80"), ["malformed_length 85"]);
    assert_eq!(errors(b"\x85\x83\x00\x00\x01x"), ["malformed_length 85"]);
    assert_eq!(errors(b"\x85\x06CPV01"), ["truncated 85"]);
    assert_eq!(errors(b"\x00\x00"), ["malformed_id "]);
    assert_eq!(errors(b"\x9F\x00\x00"), ["malformed_id "]);
    assert_eq!(errors(b"\x9F\xA6\xA6\x26\x00"), ["malformed_id "]);
    assert_eq!(errors(&with_format(b"\x62\x04\x64\x03\x9F\x26")), ["truncated 62.64"]);
    assert_eq!(errors(&with_format(b"\x62\x05\x64\x03\x9F\x26\x01")), ["truncated 62.64.9F26"]);
    assert_eq!(errors(&vec![0; consumer::BYTES_MAX + 1]), ["too_long "]);
}

#[test]
fn tags_stand_once_but_for_application_templates() {
    assert_eq!(errors(&with_format(b"\x61\x03\x4F\x01\xA0\x61\x03\x4F\x01\xA1")), [""; 0]);
    assert_eq!(errors(&with_format(b"\x61\x06\x4F\x01\xA0\x4F\x01\xA1")), ["duplicate_id 61.4F"]);
    assert_eq!(errors(&with_format(b"\x62\x00\x62\x00")), ["duplicate_id 62"]);
    assert_eq!(errors(&with_format(b"\x62\x04\x61\x00\x61\x00")), ["duplicate_id 62.61"]);
}

#[test]
fn templates_are_nested_so_deep_and_no_deeper() {
    let nested = |depth: usize| {
        (0..depth)
            .fold(Vec::new(), |inner: Vec<u8>, _| [&[0x62, u8::try_from(inner.len()).unwrap()], &inner[..]].concat())
    };
    assert_eq!(errors(&with_format(&nested(3))), [""; 0]);
    assert_eq!(errors(&with_format(&nested(4))), ["too_deep 62.62.62.62"]);
    assert_eq!(errors(&with_format(&nested(60))), ["too_deep 62.62.62.62"]);
}

#[test]
fn a_code_begins_with_its_format_and_names_an_application() {
    let found = |bytes: &[u8]| {
        let reading = consumer::read(bytes, Mode::Lenient);
        assert!(reading.is_valid());
        reading.findings().iter().map(|finding| format!("{} {}", finding.code, finding.path)).collect::<Vec<_>>()
    };
    assert_eq!(found(&with_format(b"\x61\x03\x4F\x01\xA0")), [""; 0]);
    assert_eq!(found(&FORMAT), ["missing 61"]);
    assert_eq!(found(b"\x61\x03\x4F\x01\xA0\x85\x05CPV01"), ["misplaced 85"]);
    assert_eq!(found(b"\x61\x03\x50\x01A"), ["missing 85", "missing 61.4F"]);
    assert_eq!(found(b"\x85\x05CPV02\x61\x03\x4F\x01\xA0"), ["unknown_format 85"]);
}

#[test]
fn base64_is_taken_with_and_without_padding() {
    assert_eq!(consumer::from_base64("hQVDUFYwMQ==").unwrap(), FORMAT);
    assert_eq!(consumer::from_base64("hQVDUFYwMQ").unwrap(), FORMAT);
    assert_eq!(consumer::to_base64(&FORMAT), "hQVDUFYwMQ==");
    for (text, code) in
        [("", "empty"), ("hQVDUFYwMQ=", "not_base64"), ("hQVD UFYwMQ", "not_base64"), ("京", "not_base64")]
    {
        assert_eq!(consumer::from_base64(text).unwrap_err().code.as_str(), code, "{text}");
    }
    assert_eq!(consumer::from_base64(&"A".repeat(6_000)).unwrap_err().code.as_str(), "too_long");
}

#[test]
fn drafts_that_describe_no_code_are_refused() {
    for json in [
        "[]",
        "{\"8\":\"\"}",
        "{\"9F\":\"\"}",
        "{\"85\":5}",
        "{\"4F\":\"A\"}",
        "{\"4F\":\"AG\"}",
        "{\"4F\":{}}",
        "{\"61\":\"A0\"}",
        "{\"62\":[{}]}",
        "{\"50\":\"京\"}",
        "{\"4F\":\"A0\",\"4F\":\"A0\"}",
        "{\"62\":{\"62\":{\"62\":{\"62\":{\"62\":{}}}}}}",
    ] {
        assert!(serde_json::from_str::<ConsumerDraft>(json).is_err(), "{json}");
    }
    let long: ConsumerDraft = serde_json::from_str(&format!("{{\"9F10\":\"{}\"}}", "AB".repeat(5_000))).unwrap();
    assert!(long.encode().is_err());
}
