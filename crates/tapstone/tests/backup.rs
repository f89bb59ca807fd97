//! `tapstone backup` and `tapstone restore`, as their users meet them.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use support::{Server, assert_failed, mode, run, run_in};

const LANTERN_TEA: &str = "mk_demo_lantern_tea";
const MEI: &str = "wt_demo_mei";
const NOOR: &str = "wt_demo_noor";

fn backup(data: &Path, file: &Path) -> Output {
    run(&["backup", "--data", data.to_str().unwrap(), "--to", file.to_str().unwrap()])
}

fn restore(file: &Path, data: &Path, more: &[&str]) -> Output {
    let arguments = ["restore", "--from", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
    run(&[&arguments, more].concat())
}

/// What it said, having succeeded.
fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// The position in what backup, restore or verify said.
fn position(said: &str) -> u64 {
    let line = said.lines().find(|line| line.starts_with("journal ")).unwrap();
    let text = line.split("position ").nth(1).or_else(|| line.strip_prefix("journal  ")).unwrap();
    text.split([',', ' ']).next().unwrap().parse().unwrap()
}

fn verified(data: &Path) -> String {
    let report = said(&run_in(data, &["verify"]));
    assert!(report.ends_with("all is well\n"), "{report}");
    report
}

#[test]
fn invariant_02_every_payment_acknowledged_before_the_backup_is_in_it() {
    let temporary = tempfile::tempdir().unwrap();
    let (data, file, new) =
        (temporary.path().join("data"), temporary.path().join("a.tar"), temporary.path().join("new"));
    let server = Server::start(&data, &["--demo"]);
    let (_, world) = server.get("/demo/world", None);
    let tag = |merchant: usize| world["merchants"][merchant]["tags"][0]["id"].as_str().unwrap();
    let (acknowledged, stop) = (Mutex::new(Vec::new()), AtomicBool::new(false));
    let pay_on = |tag: &str, key: &str, wallet: &str, currency: &str| {
        while !stop.load(Ordering::Relaxed) {
            let (status, payment) = server.pay(tag, key, wallet, 10, currency);
            assert_eq!(status, 201, "{payment}");
            acknowledged.lock().unwrap().push((wallet.to_owned(), payment["id"].as_str().unwrap().to_owned()));
        }
    };
    let (before, taken) = thread::scope(|scope| {
        scope.spawn(|| pay_on(tag(0), LANTERN_TEA, MEI, "CNY"));
        scope.spawn(|| pay_on(tag(1), "mk_demo_caffe_aurora", NOOR, "EUR"));
        while acknowledged.lock().unwrap().len() < 20 {
            thread::yield_now();
        }
        let before = acknowledged.lock().unwrap().clone();
        let taken = backup(&data, &file);
        stop.store(true, Ordering::Relaxed);
        (before, taken)
    });
    let taken = said(&taken);
    assert!(taken.starts_with("platform ") && taken.contains("the tags' master key is in it"), "{taken}");
    assert_eq!(mode(&file), 0o600);
    assert_eq!(server.stop(), Some(0));

    let restored = said(&restore(&file, &new, &[]));
    assert_eq!(position(&restored), position(&taken));
    assert_eq!((mode(&new), mode(&new.join("tag-master.key"))), (0o700, 0o600));
    assert!(!new.join("tables.sqlite").exists());
    assert_eq!(position(&verified(&new)), position(&taken));
    let server = Server::start(&new, &["--demo"]);
    assert_eq!(server.get("/demo/world", None).1, world);
    for (wallet, payment) in &before {
        let (status, found) = server.get(&format!("/v1/payments/{payment}"), Some(wallet));
        assert_eq!((status, &found["status"]), (200, &json!("succeeded")), "{payment}");
    }
    // At the other tags an order may have waited just then.
    assert_eq!(server.pay(tag(2), "mk_demo_kissa_hoshi", NOOR, 1, "JPY").0, 201, "it goes on");
    assert_eq!(server.stop(), Some(0));
    verified(&new);
}

const TOWN: &str = r#"{
    "merchants": [{"key": "bakery", "name": "Corner Bakery", "currencies": ["EUR"],
        "stores": [{"key": "main", "name": "Main Street", "address": "1 Main Street",
            "tags": [{"key": "1", "label": "Door", "uid": "04112233445566", "mode": "standing", "currency": "EUR"}]}]}],
    "wallets": [{"key": "anna", "name": "Anna", "currencies": ["EUR"],
        "deposits": [{"key": "opening", "amount": 5000, "currency": "EUR"}]}]
}"#;

/// Imports, and gives the new API keys by their names.
fn import(data: &Path, description: &str) -> Vec<(String, String)> {
    let file = data.with_extension("json");
    fs::write(&file, description).unwrap();
    let keys = said(&run_in(data, &["import", file.to_str().unwrap()]));
    let key_of = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        (words[1].to_owned(), words[3].to_owned())
    };
    keys.lines().map(key_of).collect()
}

#[test]
fn who_joined_after_the_position_has_a_name_and_no_account_until_imported_again() {
    let temporary = tempfile::tempdir().unwrap();
    let (data, file, new) =
        (temporary.path().join("data"), temporary.path().join("a.tar"), temporary.path().join("new"));
    run_in(&data, &["init"]);
    let keys = import(&data, TOWN);
    let early = position(&verified(&data));
    let more = TOWN.replace("bakery", "florist").replace("anna", "ben").replace("04112233445566", "04112233445577");
    let late_keys = import(&data, &more);
    said(&backup(&data, &file));
    let [(_, florist), (_, ben)] = &late_keys[..] else { panic!("{late_keys:?}") };
    let server = Server::start(&data, &[]);
    let tag = server.get("/v1/tags", Some(florist)).1["data"][0]["id"].clone();
    assert_eq!(server.stop(), Some(0));

    let restored = said(&restore(&file, &new, &["--to-position", &early.to_string()]));
    assert!(position(&restored) <= early && restored.contains("import them again"), "{restored}");
    assert_eq!(position(&restored), early, "an import ends with a frame");
    let server = Server::start(&new, &[]);
    let anna = server.get("/v1/wallets/me", Some(&keys[1].1)).1;
    assert_eq!(anna["balances"][0]["available"], 5000);
    let (status, wallet) = server.get("/v1/wallets/me", Some(ben));
    assert_eq!((status, &wallet["balances"]), (200, &json!([])), "{wallet}");
    let (status, merchant) = server.get("/v1/merchants/me", Some(florist));
    assert_eq!(status, 200, "{merchant}");
    let (status, tags) = server.get("/v1/tags", Some(florist));
    assert_eq!(status, 200, "{tags}");
    let order = json!({"tag": tag, "amount": {"amount": 100, "currency": "EUR"}});
    let (status, problem) = server.post("/v1/orders", Some(florist), &order);
    assert!((400..500).contains(&status), "{status} {problem}");
    let (status, problem) = server.post("/v1/payments", Some(ben), &json!({"tap": "tap_00000000000000000000000000"}));
    assert!((400..500).contains(&status), "{status} {problem}");
    assert_eq!(server.stop(), Some(0));

    assert_eq!(import(&new, &more), [], "their keys are still good");
    let server = Server::start(&new, &[]);
    assert_eq!(server.get("/v1/wallets/me", Some(ben)).1["balances"][0]["available"], 5000);
    assert_eq!(server.get("/v1/tags", Some(florist)).1["data"].as_array().unwrap().len(), 1);
    assert_eq!(server.stop(), Some(0));
    verified(&new);
}

#[test]
fn a_backup_without_keys_asks_for_the_key() {
    let temporary = tempfile::tempdir().unwrap();
    let (data, file, new) =
        (temporary.path().join("data"), temporary.path().join("a.tar"), temporary.path().join("new"));
    assert_eq!(Server::start(&data, &["--demo"]).stop(), Some(0));
    let key = fs::read(data.join("tag-master.key")).unwrap();
    let arguments = ["backup", "--data", data.to_str().unwrap(), "--to", file.to_str().unwrap(), "--without-keys"];
    assert!(said(&run(&arguments)).contains("tag-master.key must be kept elsewhere"));
    let digits = key.split(|&byte| byte == b'\n').nth(1).unwrap();
    assert!(!fs::read(&file).unwrap().windows(32).any(|window| window == digits));
    assert!(said(&restore(&file, &new, &[])).contains("put tag-master.key into"));
    assert_failed(&run_in(&new, &["serve", "--demo", "--listen", "127.0.0.1:0"]), 1, "tag-master.key");
    fs::copy(data.join("tag-master.key"), new.join("tag-master.key")).unwrap();
    assert_eq!(Server::start(&new, &["--demo"]).stop(), Some(0));
    fs::remove_file(data.join("tag-master.key")).unwrap();
    assert_failed(&backup(&data, &temporary.path().join("b.tar")), 1, "tag-master.key is gone");
}

#[test]
fn a_killed_servers_folder_is_backed_up_too() {
    let temporary = tempfile::tempdir().unwrap();
    let (data, file, new) =
        (temporary.path().join("data"), temporary.path().join("a.tar"), temporary.path().join("new"));
    let server = Server::start(&data, &["--demo"]);
    let (_, world) = server.get("/demo/world", None);
    assert_eq!(
        server.pay(world["merchants"][0]["tags"][0]["id"].as_str().unwrap(), LANTERN_TEA, MEI, 70, "CNY").0,
        201
    );
    drop(server);
    said(&backup(&data, &file));
    said(&restore(&file, &new, &[]));
    let server = Server::start(&new, &["--demo"]);
    assert_eq!(server.get("/v1/wallets/me/balances", Some(MEI)).1["data"][0]["available"], 800_000 - 70);
}

#[test]
fn what_cannot_be_is_refused_in_one_line() {
    let temporary = tempfile::tempdir().unwrap();
    let (data, file, new) =
        (temporary.path().join("data"), temporary.path().join("a.tar"), temporary.path().join("new"));
    assert_failed(&backup(&data, &file), 2, "holds no journal: is this the data folder?");
    assert_eq!(Server::start(&data, &["--demo"]).stop(), Some(0));
    let end = position(&said(&backup(&data, &file)));
    assert_failed(&backup(&data, &file), 2, "a.tar exists already; nothing was written");
    assert_failed(&restore(&file, &data, &[]), 2, "is there already and not empty; nothing was changed");
    let beyond = (end + 1).to_string();
    assert_failed(&restore(&file, &new, &["--to-position", &beyond]), 2, &format!("which ends at position {end}"));
    let zero = restore(&file, &new, &["--to-position", "0"]);
    assert_eq!(zero.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&zero.stderr).contains("invalid value '0'"), "{zero:?}");
    assert_failed(&restore(&data.join("tag-master.key"), &new, &[]), 2, "is no backup of Tapstone");
    assert_failed(&restore(&temporary.path().join("none.tar"), &new, &[]), 1, "cannot open");

    let whole = fs::read(&file).unwrap();
    let other = temporary.path().join("other.tar");
    let restore_of = |bytes: &[u8]| {
        fs::write(&other, bytes).unwrap();
        restore(&other, &new, &[])
    };
    assert_failed(&restore_of(&whole[..whole.len() / 2]), 1, "is cut off: its end is missing");
    let changed = |needle: &[u8], by: &[u8]| {
        let at = whole.windows(needle.len()).position(|window| window == needle).unwrap();
        let mut bytes = whole.clone();
        bytes[at..at + by.len()].copy_from_slice(by);
        bytes
    };
    assert_failed(&restore_of(&changed(b"\"version\": 2", b"\"version\": 9")), 1, "was written by a newer Tapstone");
    assert_failed(
        &restore_of(&changed(b"Lantern Tea", b"Lantern Toa")),
        1,
        "directory.sqlite is not what was backed up",
    );
    assert_failed(&restore_of(&changed(b"TJFR\x02", b"TJFR\x03")), 1, "is damaged at byte");
    assert!(!new.exists());
    let names: Vec<_> = fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "nothing half-done is left: {names:?}");
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    let data = temporary.path().join("data");
    assert_eq!(Server::start(&data, &["--demo"]).stop(), Some(0));
    let (file, new) = (temporary.path().join("a.tar"), temporary.path().join("new"));
    said(&backup(&data, &file));
    // A limit on the size of files looks like a full disk.
    let limited = |arguments: &[&str]| {
        let script = "trap '' XFSZ; ulimit -f 8; exec \"$0\" \"$@\"";
        let output = Command::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_tapstone")]).args(arguments).output();
        output.unwrap()
    };
    // Of a journal alone the archive is the first file to be written.
    let (other, ledger) = (temporary.path().join("b.tar"), temporary.path().join("ledger"));
    fs::create_dir(&ledger).unwrap();
    support::copy_folder(&data.join("journal"), &ledger.join("journal"));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let full = "the disk is full: no room to write";
    assert_failed(&limited(&["backup", "--data", &text(&data), "--to", &text(&other)]), 1, full);
    assert_failed(&limited(&["backup", "--data", &text(&ledger), "--to", &text(&other)]), 1, full);
    assert_failed(&limited(&["restore", "--from", &text(&file), "--data", &text(&new)]), 1, full);
    let names: Vec<_> = fs::read_dir(temporary.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "the folders and the first backup: {names:?}");
}
