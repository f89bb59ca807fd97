//! Bytes as the input of `tapstone ledger exec`.

use exec::{Lines, Request, answer};
use serde_json::Value;

use crate::CheckedBooks;

/// Answers each line once, with JSON; the books stay balanced; what was printed reads back.
pub fn ledger_exec(data: &[u8]) {
    let mut books = CheckedBooks::default();
    let mut lines = Lines::new(data);
    let mut answers = Vec::new();
    let mut asked = 0;
    while let Some(line) = lines.next_line().expect("memory can be read") {
        let before = answers.len();
        let refused = answer(line, &mut books, &mut answers).is_err();
        check_answer(&answers[before..], refused);
        books.check();
        asked += 1;
    }
    assert_eq!(answers.iter().filter(|byte| **byte == b'\n').count(), asked);
}

/// One line, one object, one of the known forms.
pub(crate) fn check_answer(line: &[u8], refused: bool) {
    let text = std::str::from_utf8(line).expect("answers are UTF-8");
    let json = text.strip_suffix('\n').expect("an answer ends its line");
    let Ok(Value::Object(answer)) = serde_json::from_str(json) else { panic!("no object: {json}") };
    let keys: Vec<_> = answer.keys().map(String::as_str).collect();
    match keys[..] {
        ["error"] => assert!(answer["error"].as_str().is_some_and(|reason| !reason.is_empty()), "{json}"),
        ["results"] => check_objects(json),
        ["expired", "timestamp"] | ["timestamp", "expired"] => {}
        _ => panic!("an unknown form: {json}"),
    }
    assert!(!refused || keys == ["error"], "{json}");
}

/// The accounts or transfers of an answer can be sent as they are.
fn check_objects(json: &str) {
    for (has, request) in [("\"debit_account_id\"", "create_transfers"), ("\"id\"", "create_accounts")] {
        if json.contains(has) {
            let again = json.replacen("results", request, 1);
            Request::parse(again.as_bytes()).unwrap_or_else(|error| panic!("{error}: {again}"));
            return;
        }
    }
}
