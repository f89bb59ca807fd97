//! `tapstone tag verify`, as its users meet it.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

const VECTORS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/sun_vectors.json"));

/// The answers to some lines. Standard error stays empty, and the exit code is 0 whatever the lines are.
fn answers(lines: &str) -> Vec<Value> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapstone"));
    command.args(["tag", "verify"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    process.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn every_published_row_is_answered_on_its_line() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let rows = vectors["sun"].as_array().unwrap();
    let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
    let answers = answers(&lines);
    assert_eq!(answers.len(), rows.len());
    for (row, answer) in rows.iter().zip(&answers) {
        assert_eq!(answer["valid"], row["valid"], "{row}");
        if row["valid"] == true {
            assert_eq!((&answer["uid"], &answer["counter"]), (&row["uid"], &row["counter"]), "{row}");
        }
    }
}

#[test]
fn a_line_that_is_wrong_is_answered_and_the_next_one_is_read() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let good = &vectors["sun"][0];
    let answers = answers(&format!("nonsense\n\n{good}\n{{}}\n{good}"));
    let valid: Vec<_> = answers.iter().map(|answer| answer["valid"].as_bool().unwrap()).collect();
    assert_eq!(valid, [false, false, true, false, true]);
    assert!(answers.iter().all(|answer| answer["valid"] == true || answer["reason"].is_string()), "{answers:?}");
}
