//! Bytes as the input of `tapstone tag verify`.

use serde_json::Value;

/// Answers each line with one object of a known form, in which no key is repeated.
pub fn tag_lines(data: &[u8]) {
    for line in data.split(|byte| *byte == b'\n') {
        let json = readings::answer(line);
        assert!(!json.contains('\n'), "{json}");
        let Ok(Value::Object(answer)) = serde_json::from_str(&json) else { panic!("no object: {json}") };
        match answer.get("valid") {
            Some(Value::Bool(true)) => {
                assert!(answer.contains_key("uid") && answer.contains_key("counter"), "{json}");
            }
            Some(Value::Bool(false)) => {
                let reason = answer.get("reason").and_then(Value::as_str).unwrap_or_default();
                assert!((1..200).contains(&reason.len()), "{json}");
            }
            _ => panic!("an unknown form: {json}"),
        }
    }
}
