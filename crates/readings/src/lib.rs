//! Readings of tags as lines of JSON: what `tapstone tag verify` answers.
//!
//! A line is an object with the keys and what the tag mirrored; [`answer`] says whether that proves something, and what.
//! Every line gets an answer of one line. No answer has anything of a key in it, nor of a value that was not proven to be
//! right. Whose keys those are, and whether a reading was seen before, is not asked here.

mod fields;
mod line;

use serde::Serialize;

use crate::fields::Problem;
use crate::line::Line;

/// The longest line that is taken, in bytes without its end: far more than a tag and what is known of it need.
pub const LINE_BYTES_MAX: usize = 64 * 1024;

/// Answers one line, given without its end: JSON without an end either.
#[must_use]
pub fn answer(line: &[u8]) -> String {
    if line.len() > LINE_BYTES_MAX {
        return answer_to_too_long_a_line();
    }
    let answer = match Line::parse(line).and_then(|line| line.verify()) {
        Ok(answer) => serde_json::to_string(&answer),
        Err(problem) => serde_json::to_string(&Refusal { valid: false, reason: problem.to_string() }),
    };
    // Neither has anything that JSON could not hold.
    answer.unwrap_or_default()
}

/// Answers a line of more than [`LINE_BYTES_MAX`] bytes, which need not be read for it.
#[must_use]
pub fn answer_to_too_long_a_line() -> String {
    serde_json::to_string(&Refusal { valid: false, reason: Problem::TooLong.to_string() }).unwrap_or_default()
}

/// What a reading proves.
#[derive(Serialize)]
struct Proven {
    valid: bool,
    uid: Option<String>,
    counter: Option<u32>,
    file_data_hex: Option<String>,
    /// `false` if there was no MAC to check: then anybody could have said it.
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticated: Option<bool>,
}

#[derive(Serialize)]
struct Refusal {
    valid: bool,
    reason: String,
}
