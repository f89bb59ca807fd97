//! `tapstone tag key-store` as two people use it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

const MASTER: &str = "00112233445566778899AABBCCDDEEFF";
const PASSPHRASE: &str = "correct horse battery staple";
const SHARE: &str = "A1B2C3D4E5F60718293A4B5C6D7E8F90";

/// One command, with the passphrase on its standard input.
fn key_store(data: &Path, passphrase: &str, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapstone"));
    command.args(["tag", "key-store"]).args(arguments).arg("--data").arg(data);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // One that refuses its flags reads nothing.
    let _ = writeln!(child.stdin.take().unwrap(), "{passphrase}");
    child.wait_with_output().unwrap()
}

fn secret_file(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// From adopting the old key to handing out keys of a new one that two people made; and then everything that was printed,
/// and every file, is searched for what must not be there.
#[test]
fn bug_23_two_people_make_a_master_key_and_nothing_secret_is_printed_but_what_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path();
    secret_file(&data.join("tag-master.key"), MASTER);
    let share_file = data.join("bobs-share");
    secret_file(&share_file, SHARE);
    let mut printed = Vec::new();
    let mut ask = |passphrase: &str, code: i32, arguments: &[&str]| {
        let output = key_store(data, passphrase, arguments);
        let error = String::from_utf8(output.stderr.clone()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {error}");
        let text = String::from_utf8(output.stdout).unwrap();
        // What is asked for and meant to be shown goes to standard output, once.
        printed.extend(output.stderr);
        (text, error)
    };
    ask(PASSPHRASE, 0, &["init"]);
    ask(PASSPHRASE, 2, &["init"]);
    assert!(ask("another passphrase", 2, &["status"]).1.contains("does not open with this passphrase"));
    assert!(ask("short", 2, &["status"]).1.contains("at least 12 characters"));
    assert!(ask(PASSPHRASE, 0, &["adopt", "--by", "Alice"]).0.contains("version 1    AEF50F  current"));
    let alices_share = ask(PASSPHRASE, 0, &["begin", "--by", "Alice"]).0;
    assert!(ask(PASSPHRASE, 0, &["status"]).0.contains("version 2    ------  pending: Alice has begun"));
    let bobs = ["--share-file", share_file.to_str().unwrap()];
    assert!(ask(PASSPHRASE, 2, &["join", "--by", "alice", bobs[0], bobs[1]]).1.contains("another person must join"));
    let joined = ask(PASSPHRASE, 0, &["join", "--by", "Bob", bobs[0], bobs[1]]).0;
    assert!(joined.starts_with("version 2  check value "), "{joined}");
    ask(PASSPHRASE, 0, &["activate", "--by", "Bob", "--version", "2", "--overlap-days", "90"]);
    let keys = ask(PASSPHRASE, 0, &["keys", "--by", "Carol", "--uid", "04DE5F1EACC040"]).0;
    assert!(keys.contains("key version               2"), "{keys}");
    let status = ask(PASSPHRASE, 0, &["retire", "--by", "Bob", "--version", "1"]).0;
    assert!(status.contains("version 1    AEF50F  retired by Bob"), "{status}");

    let audit = fs::read_to_string(data.join("tag-keys.audit")).unwrap();
    let deeds = ["adopt", "begin", "join", "activate", "personalise", "personalise", "retire"];
    assert_eq!(audit.lines().count(), deeds.len());
    for (line, deed) in audit.lines().zip(deeds) {
        assert!(line.contains(&format!(r#""deed":"{deed}""#)), "{line}");
    }
    for file in ["tag-keys.store", "tag-keys.audit"] {
        printed.extend(fs::read(data.join(file)).unwrap());
    }
    let alices_share = alices_share.trim().replace(' ', "");
    let chip_keys = keys.lines().filter_map(|line| line.split_whitespace().last().filter(|word| word.len() == 32));
    let secrets: Vec<_> = chip_keys.chain([MASTER, PASSPHRASE, SHARE, &alices_share]).collect();
    assert_eq!(secrets.len(), 6);
    for secret in secrets {
        for form in [secret.to_owned(), secret.to_lowercase(), secret[..16].to_owned(), secret[16..].to_lowercase()] {
            assert!(!printed.windows(form.len()).any(|window| window == form.as_bytes()), "{form}");
        }
    }
}
