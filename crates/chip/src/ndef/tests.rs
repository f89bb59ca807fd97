//! Messages that another library encoded, or refused; and what goes out comes back.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::string::{String, ToString};
use std::vec::Vec;

use proptest::prelude::*;
use serde_json::Value;

use super::content::{ANDROID_APPLICATION, TEXT, URI, uri_payload};
use super::message::{Field, UnencodableMessage};
use super::*;

fn vectors() -> Value {
    let vectors = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/apdu_vectors.json"));
    serde_json::from_str(vectors).unwrap()
}

fn bytes(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .chars()
        .filter(|digit| *digit != ' ')
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn content(message: &str) -> Vec<Content> {
    let message = bytes(message);
    Message::parse(&message).unwrap().records().iter().map(|record| Content::parse(record).unwrap()).collect()
}

#[test]
fn messages_of_others_are_read_and_written_alike() {
    let vectors = vectors();
    let rows = vectors["ndef_messages"].as_array().unwrap();
    assert_eq!(rows.len(), 7);
    for row in rows {
        let bytes = bytes(row["message"].as_str().unwrap());
        let message = Message::parse(&bytes).unwrap_or_else(|error| panic!("{row}: {error}"));
        assert_eq!(message.records().len(), row["records"].as_array().unwrap().len(), "{row}");
        assert_eq!(message.to_bytes(), bytes, "{row}");
    }
    let text = |language: &str, text: &str| Content::Text(Text { language: language.into(), text: text.into() });
    assert_eq!(content("d1010a55036e666370792e6f7267"), [Content::Uri("http://nfcpy.org".into())]);
    assert_eq!(content("d1010b5482656efffe500061007900"), [text("en", "Pay")]);
    let both =
        "91011055046578616d706c652e636f6d2f702f31540f0f616e64726f69642e636f6d3a706b67636f6d2e6578616d706c652e706179";
    let application = Content::AndroidApplication("com.example.pay".into());
    assert_eq!(content(both), [Content::Uri("https://example.com/p/1".into()), application]);
}

#[test]
fn what_others_refuse_is_refused_for_its_own_reason() {
    let vectors = vectors();
    let truncated = |field, announced, found| MalformedMessage::Truncated { field, announced, found };
    let reasons = [
        truncated(Field::Payload, 10, 4),
        truncated(Field::PayloadLength, 1, 0),
        MalformedMessage::ReservedFormat,
        MalformedMessage::NoEnd,
        truncated(Field::Payload, 11, 10),
        MalformedMessage::UnexpectedName,
    ];
    let rows = vectors["ndef_malformed"].as_array().unwrap();
    assert_eq!(rows.len(), reasons.len());
    for (row, reason) in rows.iter().zip(reasons) {
        let bytes = bytes(row["message"].as_str().unwrap());
        assert_eq!(Message::parse(&bytes), Err(reason), "{row}");
    }
}

#[test]
fn every_way_of_being_wrong_has_a_name() {
    let refusal = |message: &str| Message::parse(&bytes(message)).unwrap_err();
    assert_eq!(refusal(""), MalformedMessage::Truncated { field: Field::Header, announced: 1, found: 0 });
    assert_eq!(refusal("D1"), MalformedMessage::Truncated { field: Field::NameLength, announced: 1, found: 0 });
    assert_eq!(
        refusal("D90101"),
        MalformedMessage::Truncated { field: Field::IdentifierLength, announced: 1, found: 0 }
    );
    assert_eq!(refusal("D10201 55"), MalformedMessage::Truncated { field: Field::Name, announced: 2, found: 1 });
    assert_eq!(
        refusal("D9010002 55 78"),
        MalformedMessage::Truncated { field: Field::Identifier, announced: 2, found: 1 }
    );
    assert_eq!(refusal("51010055"), MalformedMessage::Begin);
    assert_eq!(refusal("91010055 D1010055"), MalformedMessage::Begin);
    assert_eq!(refusal("D1010055 00"), MalformedMessage::AfterTheEnd { extra: 1 });
    assert_eq!(refusal("B1010055"), MalformedMessage::Chunked);
    assert_eq!(refusal("D60000"), MalformedMessage::ReservedFormat);
    assert_eq!(refusal("D00100 55"), MalformedMessage::NotEmpty);
    assert_eq!(refusal("D10000"), MalformedMessage::NoName);
    // Four gigabytes are announced and nothing is there: no memory is asked for.
    let huge = MalformedMessage::Truncated { field: Field::Payload, announced: 0xFFFF_FFFF, found: 0 };
    assert_eq!(refusal("C1 01 FFFFFFFF 55"), huge);
    assert_eq!(Message::new(Vec::new()), Err(UnencodableMessage::NoRecord));
    assert_eq!(from_file(&[0]), Err(MalformedFile::NoLength));
    assert_eq!(from_file(&[0, 3, 1, 2]), Err(MalformedFile::Truncated { announced: 3, found: 2 }));
    assert_eq!(to_file(&[0; 65_534]), Err(MessageTooLong));
}

#[test]
fn payloads_of_others_are_read_alike() {
    let vectors = vectors();
    let rows = vectors["ndef_record_payloads"].as_array().unwrap();
    assert_eq!(rows.len(), 97);
    let (mut uris, mut texts, mut others) = (0, 0, 0);
    for row in rows {
        let payload = bytes(row["payload"].as_str().unwrap());
        let name = row["record_type"].as_str().unwrap().strip_prefix("urn:nfc:wkt:").unwrap();
        let record = Record::well_known(name.as_bytes(), &payload);
        let content = Content::parse(&record);
        let attribute = |name: &str| row["attributes"][name].as_str().unwrap().to_string();
        match (name, row["valid"].as_bool().unwrap()) {
            ("U", true) => assert_eq!(content, Ok(Content::Uri(attribute("iri"))), "{row}"),
            ("T", true) => {
                let text = Text { language: attribute("language"), text: attribute("text") };
                assert_eq!(content, Ok(Content::Text(text)), "{row}");
            }
            ("U" | "T", false) => assert!(content.is_err(), "{row}"),
            _ => assert_eq!(content, Ok(Content::Other), "{row}"),
        }
        match name {
            "U" => uris += 1,
            "T" => texts += 1,
            _ => others += 1,
        }
        // Whatever a record says, it travels unharmed.
        let message = Message::new([record].into()).unwrap().to_bytes();
        assert_eq!(Message::parse(&message).unwrap().records(), [record]);
    }
    assert_eq!((uris, texts, others), (27, 6, 64));
}

#[test]
fn content_that_is_wrong_has_a_name() {
    let refusal = |name: &[u8], payload: &str| Content::parse(&Record::well_known(name, &bytes(payload))).unwrap_err();
    assert_eq!(refusal(URI, ""), MalformedContent::Empty);
    assert_eq!(refusal(URI, "24"), MalformedContent::UriPrefix(36));
    assert_eq!(refusal(URI, "0380"), MalformedContent::UriEncoding);
    assert_eq!(refusal(URI, "0300"), MalformedContent::UriCharacter);
    assert_eq!(refusal(TEXT, "42656e"), MalformedContent::TextReserved);
    assert_eq!(refusal(TEXT, "00"), MalformedContent::NoLanguage);
    assert_eq!(refusal(TEXT, "02"), MalformedContent::LanguageTruncated);
    assert_eq!(refusal(TEXT, "01ff"), MalformedContent::LanguageCharacter);
    assert_eq!(refusal(TEXT, "82656e0061d8"), MalformedContent::TextEncoding);
    for name in ["", "pay", "com.example.", "com.1pay", "com.exam ple"] {
        let record = Record {
            format: NameFormat::External,
            name: ANDROID_APPLICATION,
            identifier: None,
            payload: name.as_bytes(),
        };
        assert_eq!(Content::parse(&record), Err(MalformedContent::PackageName), "{name}");
    }
}

#[test]
fn the_longest_prefix_is_abbreviated() {
    assert_eq!(uri_payload("https://www.example.com"), b"\x02example.com");
    assert_eq!(uri_payload("https://example.com"), b"\x04example.com");
    assert_eq!(uri_payload("urn:epc:id:1"), b"\x1E1");
    assert_eq!(uri_payload("tapstone:1"), b"\x00tapstone:1");
}

fn formats() -> impl Strategy<Value = NameFormat> {
    prop_oneof![Just(NameFormat::WellKnown), Just(NameFormat::Media), Just(NameFormat::Uri), Just(NameFormat::External),]
}

/// A record's fields, owned.
type Owned = (NameFormat, Vec<u8>, Option<Vec<u8>>, Vec<u8>);

fn records() -> impl Strategy<Value = Vec<Owned>> {
    let data = |length| prop::collection::vec(any::<u8>(), length);
    let record = (formats(), data(1..10), prop::option::of(data(0..5)), data(0..400));
    prop::collection::vec(record, 1..5)
}

proptest! {
    #[test]
    fn what_goes_out_comes_back(owned in records()) {
        let records: Vec<Record<'_>> = owned.iter().map(|(format, name, identifier, payload)| {
            Record { format: *format, name, identifier: identifier.as_deref(), payload }
        }).collect();
        let message = Message::new(records).unwrap();
        let bytes = message.to_bytes();
        prop_assert_eq!(Message::parse(&bytes), Ok(message));
        let file = to_file(&bytes).unwrap();
        prop_assert_eq!(from_file(&file), Ok(&bytes[..]));
    }

    #[test]
    fn any_bytes_get_an_answer(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(message) = Message::parse(&bytes) {
            let bytes = message.to_bytes();
            prop_assert_eq!(Message::parse(&bytes), Ok(message.clone()));
            message.records().iter().for_each(|record| drop(Content::parse(record)));
        }
    }

    #[test]
    fn uris_and_texts_come_back(uri in "[a-z:/.]{0,40}", language in "[a-z]{1,8}", text in any::<String>()) {
        let payload = uri_payload(&uri);
        prop_assert_eq!(Content::parse(&Record::well_known(URI, &payload)), Ok(Content::Uri(uri)));
        let text = Text { language, text };
        let payload = text.payload();
        prop_assert_eq!(Content::parse(&Record::well_known(TEXT, &payload)), Ok(Content::Text(text)));
    }
}
