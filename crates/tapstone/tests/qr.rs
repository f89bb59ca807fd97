//! `tapstone qr`, as its users meet it.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;

const VECTORS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/emv_qr.json"));

/// What is answered to some lines, line by line.
fn run(arguments: &[&str], input: &[u8]) -> Vec<String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapstone"));
    let command = command.arg("qr").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = thread::spawn(move || stdin.write_all(&input).unwrap());
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

fn rows(mode: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(VECTORS).unwrap()[mode].as_array().unwrap().clone()
}

#[test]
fn codes_are_decoded_and_encoded_line_by_line() {
    let rows = rows("mpm");
    let payloads: Vec<&str> = rows.iter().map(|row| row["payload"].as_str().unwrap()).collect();
    let answers = run(&["decode"], payloads.join("\n").as_bytes());
    assert_eq!(answers.len(), rows.len());
    for (row, answer) in rows.iter().zip(&answers).filter(|(row, _)| row["valid"] == true) {
        let answer: Value = serde_json::from_str(answer).unwrap();
        for field in ["valid", "scheme", "fields"] {
            assert_eq!(answer[field], row[field], "{row:#}");
        }
    }
    let again = run(&["encode"], answers.join("\n").as_bytes());
    let valid = || rows.iter().enumerate().filter(|(_, row)| row["valid"] == true);
    assert_eq!(valid().count(), 61);
    valid().for_each(|(place, _)| assert_eq!(again[place], payloads[place]));
}

#[test]
fn strictness_refuses_more() {
    let pix = "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-4266554400005204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***63041D3D";
    let prompt_pay = "00020101021129370016A000000677010111011300668912345675802TH5303764630429C1";
    let answers = run(&["decode", "--strict"], format!("{pix}\n{prompt_pay}\n").as_bytes());
    assert!(answers[0].starts_with("{\"valid\":true,\"scheme\":\"PIX\",\"fields\":{\"00\":\"01\",\"26\":{"));
    assert!(answers[1].starts_with("{\"valid\":false,\"scheme\":\"PromptPay\""));
    assert!(answers[1].contains("{\"code\":\"missing\",\"id\":\"52\",\"severity\":\"error\""));
}

#[test]
fn consumers_codes_are_decoded_and_encoded() {
    let rows = rows("cpm");
    let codes: Vec<&str> = rows.iter().filter_map(|row| row["base64"].as_str()).collect();
    let answers = run(&["decode", "--cpm"], codes.join("\n").as_bytes());
    assert!(answers.iter().all(|answer| answer.starts_with("{\"valid\":true")));
    assert_eq!(run(&["encode", "--cpm"], answers.join("\n").as_bytes()), codes);
}

#[test]
fn a_line_that_is_no_code_is_answered_and_the_next_is_read() {
    let input = b"\xFF\n\nnonsense\r\n000201\n";
    for answer in run(&["decode"], input).iter().chain(&run(&["decode", "--cpm"], input)) {
        let answer: Value = serde_json::from_str(answer).unwrap();
        assert_eq!(answer["valid"], false);
        assert!(!answer["findings"].as_array().unwrap().is_empty());
    }
    let input = b"\xFF\n\n[]\n{\"fields\":{\"00\":1}}\n{\"fields\":{\"123\":\"\"}}\n{\"fields\":{\"00\":\"01\"}}\n";
    let answers = run(&["encode"], input);
    assert!(answers[..5].iter().all(|answer| answer.starts_with("{\"valid\":false") && answer.contains("\"code\":\"")));
    assert_eq!(answers.len(), 6);
    assert!(answers[5].starts_with("0002016304"));
}
