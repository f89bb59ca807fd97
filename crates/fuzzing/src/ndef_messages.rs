//! Bytes as what a phone finds on a tag.

use chip::apdu::Command;
use chip::ndef::content::{URI, uri_payload};
use chip::ndef::{Content, Message, Record, from_file, to_file};

/// As a file, as a message, and as a command. What can be read is written and read again as the same.
pub fn ndef_messages(data: &[u8]) {
    let _any = Command::parse(data);
    if let Ok(message) = from_file(data) {
        assert!(to_file(message).is_ok_and(|file| data.starts_with(&file)) || message.len() > 0xFFFD);
        message_of(message);
    }
    message_of(data);
}

fn message_of(bytes: &[u8]) {
    let Ok(message) = Message::parse(bytes) else { return };
    let written = message.to_bytes();
    assert_eq!(Message::parse(&written).as_ref(), Ok(&message));
    for record in message.records() {
        match Content::parse(record) {
            Ok(Content::Uri(uri)) => {
                let payload = uri_payload(&uri);
                assert_eq!(Content::parse(&Record::well_known(URI, &payload)), Ok(Content::Uri(uri)));
            }
            Ok(Content::Text(text)) => {
                let payload = text.payload();
                assert_eq!(Content::parse(&Record { payload: &payload, ..*record }), Ok(Content::Text(text)));
            }
            Ok(Content::AndroidApplication(_) | Content::Other) | Err(_) => {}
        }
    }
}
