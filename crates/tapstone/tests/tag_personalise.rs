//! `tapstone tag personalise` with a software tag, as its users meet it.

#![allow(clippy::unwrap_used)]

#[allow(dead_code, reason = "no server is needed here")]
mod support;

use std::fs;
use std::path::Path;

use chip::ChipImage;
use chip::access::KeyNumber;
use serde_json::Value;
use tag::diversification::{Diversifier, Purpose};
use tag::{AesKey, Uid};

use support::{assert_failed, mode, run_in};

const MASTER: &str = "00112233445566778899AABBCCDDEEFF";

fn folder(data: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir(data).unwrap();
    fs::write(data.join("tag-master.key"), MASTER).unwrap();
    fs::set_permissions(data.join("tag-master.key"), fs::Permissions::from_mode(0o600)).unwrap();
}

fn personalise(data: &Path, tag: &Path, more: &[&str]) -> std::process::Output {
    let tag = tag.to_str().unwrap();
    let arguments = ["tag", "personalise", "--public-url", "https://pay.example", "--software", tag];
    run_in(data, &[&arguments[..], more].concat())
}

#[test]
fn a_software_tag_is_personalised_once() {
    let temporary = tempfile::tempdir().unwrap();
    let (data, tag) = (temporary.path().join("data"), temporary.path().join("tag"));
    folder(&data);
    let first = personalise(&data, &tag, &["--android-package", "com.example.wallet"]);
    assert!(first.status.success() && first.stderr.is_empty(), "{first:?}");
    let line: Value = serde_json::from_slice(&first.stdout).unwrap();
    assert_eq!(
        (&line["outcome"], &line["key_version"], &line["verified"]),
        (&"personalised".into(), &1.into(), &true.into())
    );
    assert_eq!(line["steps"].as_array().unwrap().len(), 7);
    assert_eq!((mode(&tag), mode(&data.join("tag-audit.jsonl"))), (0o600, 0o600));

    let image = ChipImage::from_bytes(&fs::read(&tag).unwrap()).unwrap();
    assert_eq!(line["uid"], image.origin().uid.to_string());
    assert!((0..5).all(|slot| image.key_version(KeyNumber::new(slot).unwrap()) == 1));

    let again = personalise(&data, &tag, &["--android-package", "com.example.wallet"]);
    let line: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!((&line["outcome"], &line["counter"]), (&"unchanged".into(), &2.into()));

    // What is kept of the keys' uses is which, when and what for; a line that a crash tore stays by itself.
    let audit = data.join("tag-audit.jsonl");
    let mut lines = fs::read_to_string(&audit).unwrap();
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    let fields: Vec<_> = first.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(fields, ["at", "key_version", "slot", "uid", "used_to"]);
    let count = lines.lines().count();
    lines.push_str(r#"{"at":"20"#);
    fs::write(&audit, &lines).unwrap();
    assert!(personalise(&data, &tag, &[]).status.success());
    let after = fs::read_to_string(&audit).unwrap();
    let good = after.lines().filter(|line| serde_json::from_str::<Value>(line).is_ok()).count();
    assert_eq!(after.lines().count(), good + 1);
    assert!(good > count);
}

/// Standard output, standard error and the record of uses, searched for the master key and every key that follows.
#[test]
fn bug_23_enrolling_prints_and_keeps_no_key() {
    let temporary = tempfile::tempdir().unwrap();
    let (data, tag) = (temporary.path().join("data"), temporary.path().join("tag"));
    folder(&data);
    let mut shown = String::new();
    let mut keep = |output: std::process::Output| {
        shown += &String::from_utf8(output.stdout).unwrap();
        shown += &String::from_utf8(output.stderr).unwrap();
        output.status.success()
    };
    assert!(keep(personalise(&data, &tag, &[])));
    let image = ChipImage::from_bytes(&fs::read(&tag).unwrap()).unwrap();
    let uid = image.origin().uid;
    // A tag of somebody else, with a key that is not for us to see either, and a file that is no tag.
    let mut foreign = image.clone();
    foreign.set_key(KeyNumber::MASTER, AesKey::new([0x5A; 16]), 1);
    fs::write(&tag, foreign.to_bytes()).unwrap();
    assert!(!keep(personalise(&data, &tag, &[])));
    fs::write(&tag, b"no image").unwrap();
    assert!(!keep(personalise(&data, &tag, &[])));
    // Nothing can be stored: the link breaks at the first key.
    let nowhere = temporary.path().join("nowhere/tag");
    assert!(!keep(personalise(&data, &nowhere, &[])));
    shown += &fs::read_to_string(data.join("tag-audit.jsonl")).unwrap();
    for expected in [uid.to_string().as_str(), "belongs to somebody else", "run this again"] {
        assert!(shown.contains(expected), "{shown}");
    }
    for secret in secrets(uid) {
        assert!(!shown.to_uppercase().contains(&secret[..12]), "{shown}");
    }
}

fn secrets(uid: Uid) -> Vec<String> {
    let bytes: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&MASTER[2 * at..2 * at + 2], 16).unwrap()).collect();
    let master = Diversifier::new(&AesKey::new(bytes.try_into().unwrap()));
    let keys = (0..5).map(|slot| master.derive(Purpose::of_slot(slot, uid)));
    let digits = |key: AesKey| key.expose().iter().map(|byte| format!("{byte:02X}")).collect();
    [MASTER.to_owned(), "5A".repeat(16)].into_iter().chain(keys.map(digits)).collect()
}

#[test]
fn what_cannot_be_done_is_refused_before_a_tag_is_touched() {
    let temporary = tempfile::tempdir().unwrap();
    let (data, tag) = (temporary.path().join("data"), temporary.path().join("tag"));
    folder(&data);
    let long = format!("com.{}", "a".repeat(200));
    let refused = personalise(&data, &tag, &["--android-package", &long]);
    assert_failed(&refused, 2, "bytes and has 256, its length included: use a shorter URL, or no Android application");
    assert_failed(&personalise(&data, &tag, &["--android-package", "wallet"]), 2, "com.example.wallet");
    assert_failed(&personalise(&data, &tag, &["--count", "2"]), 2, "cannot be used with");
    assert!(!tag.exists());
    fs::remove_file(data.join("tag-master.key")).unwrap();
    assert_failed(&personalise(&data, &tag, &[]), 1, "restore it from a backup");
}

#[test]
fn a_tag_that_was_left_half_done_is_finished() {
    let temporary = tempfile::tempdir().unwrap();
    let (data, tag) = (temporary.path().join("data"), temporary.path().join("tag"));
    folder(&data);
    assert!(personalise(&data, &tag, &[]).status.success());
    let finished = ChipImage::from_bytes(&fs::read(&tag).unwrap()).unwrap();
    // Only keys 3 and 4 are the factory's still, and the master key, as after a cut.
    let mut half_done = finished.clone();
    for slot in [0, 3, 4] {
        half_done.set_key(KeyNumber::new(slot).unwrap(), AesKey::new([0; 16]), 0);
    }
    fs::write(&tag, half_done.to_bytes()).unwrap();
    let output = personalise(&data, &tag, &[]);
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["steps"], serde_json::json!(["key 3", "key 4", "key 0"]), "{line}");
    let image = ChipImage::from_bytes(&fs::read(&tag).unwrap()).unwrap();
    assert_eq!(image.read_counter(), 2, "read back by a touch each time");
    assert!((0..5).all(|slot| image.key_version(KeyNumber::new(slot).unwrap()) == 1));
}
