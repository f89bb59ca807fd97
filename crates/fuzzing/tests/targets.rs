//! Each fuzz target over its seeds and some mutations of them, the same ones each time.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;

use fuzzing::{
    Mutations, journal_frames, ledger_actions, ledger_exec, payment_codes, qr_consumer, qr_merchant, records,
    run_files, tag_lines, tag_urls, uid_lists,
};

/// What the lines of `tapstone ledger exec` are made of.
const WORDS: &str = include_str!("../../../fuzz/ledger_exec.dict");

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(target);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.into_iter().map(|file| fs::read(file).unwrap()).collect()
}

fn run(target: fn(&[u8]), seeds: Vec<Vec<u8>>, words: &[&[u8]], mutations: usize) {
    seeds.iter().for_each(|seed| target(seed));
    for input in Mutations::new(seeds, words, 1).take(mutations) {
        target(&input);
    }
}

#[test]
fn lines_of_any_bytes_are_answered() {
    let words: Vec<_> = WORDS.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"')).collect();
    let words: Vec<_> = words.iter().map(|word| word.replace("\\\"", "\"").into_bytes()).collect();
    let words: Vec<_> = words.iter().map(Vec::as_slice).collect();
    assert!(words.len() > 50);
    run(ledger_exec, seeds("ledger_exec"), &words, 2_000);
}

#[test]
fn requests_of_any_kind_are_done() {
    run(ledger_actions, seeds("ledger_actions"), &[&[255], &[128, 255]], 2_000);
}

#[test]
fn segments_of_any_bytes_are_read() {
    run(journal_frames, seeds("journal_frames"), &[b"TJFR", b"TJSG", &[0; 96], &[0xa5, 0x5a]], 2_000);
}

#[test]
fn runs_of_any_bytes_are_read() {
    run(run_files, seeds("run_files"), &[b"TRUN", &[255; 8], &[0; 8]], 1_000);
}

#[test]
fn records_of_any_bytes_are_read() {
    run(records, seeds("records"), &[&[255, 255, 255, 255, 15], &[128; 9]], 20_000);
}

/// As many mutations as usual, or as many as `TAPSTONE_CASES` says.
fn mutations(usual: usize) -> usize {
    std::env::var("TAPSTONE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(usual)
}

#[test]
fn merchants_codes_of_any_bytes_are_read() {
    let words: [&[u8]; 8] = [b"6304", b"5303156", b"54", b"0099", b"620505", b"\xe4\xba\xac", b"00", b"2918"];
    run(qr_merchant, seeds("qr_merchant"), &words, mutations(5_000));
}

#[test]
fn consumers_codes_of_any_bytes_are_read() {
    let words: [&[u8]; 7] =
        [b"\x61\x82", b"\x62\x81", b"\x63", b"\x64", b"\x9f\x26\x08", b"\x85\x05CPV01", b"\xff\xff\xff"];
    run(qr_consumer, seeds("qr_consumer"), &words, mutations(10_000));
}

#[test]
fn payment_codes_tables_and_seeds_of_any_bytes_are_read() {
    run(payment_codes, seeds("payment_codes"), &[b"2888", b",16,24,a\n", b"\x01"], mutations(10_000));
}

#[test]
fn tag_urls_of_any_bytes_are_taken_for_no_touch() {
    let words =
        ["{picc_data}", "{mac}", "{mac_input}", "{file_data:32}", "{uid}", "{counter}", "{tamper}", "?", "&c=", "%25"];
    let words: Vec<_> = words.iter().map(|word| word.as_bytes()).collect();
    run(tag_urls, seeds("tag_urls"), &words, mutations(3_000));
}

#[test]
fn tag_lines_of_any_bytes_are_answered() {
    let words = ["\"mode\":", "null", "\"LRP\"", "\"picc_data\":", "\"cmac\":", "16777216", "\\u0000", "[", "{", "\n"];
    let words: Vec<_> = words.iter().map(|word| word.as_bytes()).collect();
    run(tag_lines, seeds("tag_lines"), &words, mutations(3_000));
}

#[test]
fn lists_of_tag_uids_logs_and_deliveries_of_any_bytes_are_read() {
    let words =
        ["04A1B2C3D4E5F6", "uid", "serial,", "\"", ":", ";", "\r\n", "00000700001H", "\0", "\u{FEFF}", "# ", "é"];
    let words: Vec<_> = words.iter().map(|word| word.as_bytes()).collect();
    run(uid_lists, seeds("uid_lists"), &words, mutations(3_000));
}
