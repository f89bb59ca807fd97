//! `tapstone ledger exec`, as its users meet it.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::thread;

use exec::{Line, Request, answer};
use fuzzing::{CheckedBooks, Mutations, line, requests};
use ledger::{Account, Transfer};

fn command(data: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tapstone"));
    command.args(["ledger", "exec", "--data"]).arg(data).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Sends some lines and ends.
fn run(data: &Path, lines: &str) -> Output {
    let mut process = command(data).spawn().unwrap();
    // A process that has ended takes nothing more.
    let _ended = process.stdin.take().unwrap().write_all(lines.as_bytes());
    process.wait_with_output().unwrap()
}

fn assert_failed(output: &Output, code: i32, expected: &str) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert!(error.contains(expected) && !error.contains("panicked"), "{error}\nshould contain: {expected}");
}

/// A conversation, line by line.
struct Talk {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Talk {
    fn begin(data: &Path) -> Self {
        let mut process = command(data).stderr(Stdio::inherit()).spawn().unwrap();
        let (requests, answers) = (process.stdin.take().unwrap(), BufReader::new(process.stdout.take().unwrap()));
        Self { process, requests, answers }
    }

    fn ask(&mut self, line: &str) -> String {
        self.requests.write_all(format!("{line}\n").as_bytes()).unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        answer
    }

    fn end(self) {
        let Self { mut process, requests, answers: _answers } = self;
        drop(requests);
        assert_eq!(process.wait().unwrap().code(), Some(0));
    }
}

const TWO_ACCOUNTS: &str = r#"{"create_accounts":[{"id":"1","ledger":1,"code":1},{"id":"2","ledger":1,"code":1}]}"#;

/// Random requests of every kind to the binary and to the model: the same answers, byte for byte, also after restarts.
#[test]
fn it_answers_as_the_model_does() {
    let temporary = tempfile::tempdir().unwrap();
    let mut model = CheckedBooks::default();
    let seeds = ["moves", "chains", "random_0"].map(|name| {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzzing/seeds/ledger_actions");
        fs::read(Path::new(folder).join(name)).unwrap()
    });
    let mut inputs = Mutations::new(seeds.to_vec(), &[], 3);
    for run in 0..4_u32 {
        let mut talk = Talk::begin(temporary.path());
        // What failed leaves no trace in the books, so the last request before a restart is one that succeeds.
        let id = u128::from(run) + 1_000_000;
        let last = Request::CreateAccounts(vec![Account { id, ledger: 1, code: 1, ..Account::default() }]);
        let asked: Vec<_> = inputs.by_ref().take(5).flat_map(|input| requests(&input).collect::<Vec<_>>()).collect();
        assert!(asked.len() > 20);
        for request in asked.iter().chain([&last]) {
            let (text, mut expected) = (line(request), Vec::new());
            let _told = answer(Line::Whole(text.as_bytes()), &mut model, &mut expected);
            assert_eq!(talk.ask(&text), String::from_utf8(expected).unwrap(), "{text}");
        }
        talk.end();
    }
}

/// The guide's conversation is what happens.
#[test]
fn the_guide_tells_the_truth() {
    let guide = include_str!("../../../docs/ledger.md");
    let lines: Vec<_> = guide.lines().filter(|line| line.starts_with('{')).collect();
    let temporary = tempfile::tempdir().unwrap();
    let mut talk = Talk::begin(temporary.path());
    assert!(lines.len() > 15);
    for exchange in lines.chunks(2) {
        let [request, answer] = exchange else { panic!("{exchange:?} has no answer") };
        assert_eq!(talk.ask(request).trim_end(), *answer, "{request}");
    }
    talk.end();
}

#[test]
fn a_wrong_line_is_refused_and_the_next_is_read() {
    let temporary = tempfile::tempdir().unwrap();
    let too_long = format!("{{\"tick\":{}1}}", " ".repeat(exec::LINE_BYTES_MAX));
    let output = run(temporary.path(), &format!("nonsense\n\n{too_long}\n{TWO_ACCOUNTS}"));
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let answers = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<_> = answers.lines().collect();
    let [nonsense, empty, long, created] = answers[..] else { panic!("{answers:?}") };
    assert!(nonsense.starts_with(r#"{"error":"this is not JSON"#), "{nonsense}");
    assert!(empty.starts_with(r#"{"error":"the line is empty"#), "{empty}");
    assert!(long.starts_with(r#"{"error":"the line has more than"#), "{long}");
    assert_eq!(created, r#"{"results":[{"status":"created","timestamp":"1"},{"status":"created","timestamp":"2"}]}"#);
}

/// The process is killed in the middle of a stream of transfers, again and again: each one that was answered is there.
#[test]
fn what_was_answered_survives_kill_9() {
    const KILLS: u128 = 5;
    const ANSWERED: usize = 60;
    const SENT: u128 = 100_000;
    let temporary = tempfile::tempdir().unwrap();
    let mut talk = Talk::begin(temporary.path());
    talk.ask(TWO_ACCOUNTS);
    talk.end();
    for kill in 1..=KILLS {
        let Talk { mut process, mut requests, answers } = Talk::begin(temporary.path());
        let sender = thread::spawn(move || {
            for id in kill * SENT..(kill + 1) * SENT {
                let transfer = Transfer {
                    id,
                    debit_account_id: 1,
                    credit_account_id: 2,
                    amount: 1,
                    ledger: 1,
                    code: 1,
                    ..Transfer::default()
                };
                if writeln!(requests, "{}", line(&Request::CreateTransfers(vec![transfer]))).is_err() {
                    return;
                }
            }
        });
        let mut answers = answers.lines();
        let before: Vec<_> = answers.by_ref().take(ANSWERED).map(Result::unwrap).collect();
        process.kill().unwrap();
        process.wait().unwrap();
        sender.join().unwrap();
        // The pipe may hold more answers, the last of them cut off.
        let all: Vec<_> = before.into_iter().chain(answers.map_while(Result::ok)).collect();
        let answered: Vec<_> = all.iter().filter(|answer| answer.ends_with("}]}")).collect();
        assert!(answered.len() >= ANSWERED && answered.iter().all(|answer| answer.contains("\"created\"")), "{all:?}");

        let mut talk = Talk::begin(temporary.path());
        for (id, answer) in (kill * SENT..).zip(&answered) {
            let (_, timestamp) = answer.split_once("\"timestamp\":").unwrap();
            let found = talk.ask(&line(&Request::LookupTransfers(vec![id])));
            let expected = format!("\"id\":\"{id}\",\"debit_account_id\":\"1\"");
            assert!(found.contains(&expected) && found.contains(timestamp.trim_end_matches("}]}")), "{id}: {found}");
        }
        talk.end();
    }
}

#[test]
fn a_signal_ends_it_after_the_request_in_hand() {
    for signal in ["-TERM", "-INT"] {
        let temporary = tempfile::tempdir().unwrap();
        let mut talk = Talk::begin(temporary.path());
        assert!(talk.ask(TWO_ACCOUNTS).contains("created"));
        let pid = talk.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
        assert_eq!(talk.process.wait().unwrap().code(), Some(0));
        assert!(
            String::from_utf8(run(temporary.path(), "{\"lookup_accounts\":[1]}").stdout)
                .unwrap()
                .contains("\"id\":\"1\"")
        );
    }
}

#[test]
fn nobody_who_reads_is_an_error_and_no_panic() {
    let temporary = tempfile::tempdir().unwrap();
    let mut process = command(temporary.path()).spawn().unwrap();
    drop(process.stdout.take());
    process.stdin.take().unwrap().write_all(format!("{TWO_ACCOUNTS}\n").as_bytes()).unwrap();
    assert_failed(&process.wait_with_output().unwrap(), 1, "cannot hand over an answer");
    let again = run(temporary.path(), TWO_ACCOUNTS);
    assert!(String::from_utf8(again.stdout).unwrap().contains("exists"), "what could not be told is done");
}

#[test]
fn a_second_process_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let mut talk = Talk::begin(temporary.path());
    talk.ask(TWO_ACCOUNTS);
    let second = run(temporary.path(), TWO_ACCOUNTS);
    assert_failed(&second, 1, "another process");
    assert!(second.stdout.is_empty());
    talk.end();
}

#[test]
fn ledgers_and_platforms_keep_apart() {
    let temporary = tempfile::tempdir().unwrap();
    let (platform, ledger) = (temporary.path().join("platform"), temporary.path().join("a/ledger"));
    let tapstone = |arguments: &[&str], data: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tapstone"));
        command.args(arguments).arg("--data").arg(data).stdin(Stdio::null()).output().unwrap()
    };
    assert!(tapstone(&["init"], &platform).status.success());
    assert_failed(&run(&platform, TWO_ACCOUNTS), 2, "is no ledger, it holds something else");
    assert!(!platform.join("journal").exists());

    assert!(run(&ledger, TWO_ACCOUNTS).status.success());
    for arguments in [&["init"][..], &["verify"], &["serve", "--listen", "127.0.0.1:0"], &["serve", "--demo"]] {
        assert_failed(&tapstone(arguments, &ledger), 2, "is a ledger by itself");
    }
    let strange = temporary.path().join("strange");
    fs::create_dir(&strange).unwrap();
    fs::write(strange.join("holiday.jpg"), "").unwrap();
    assert_failed(&run(&strange, TWO_ACCOUNTS), 2, "holds something else (holiday.jpg)");
    fs::remove_file(strange.join("holiday.jpg")).unwrap();
    assert!(run(&strange, TWO_ACCOUNTS).status.success());
}

/// Answers come one by one, each before the next request is sent.
#[test]
fn each_answer_is_flushed() {
    let temporary = tempfile::tempdir().unwrap();
    let mut talk = Talk::begin(temporary.path());
    for nanoseconds in 1..20 {
        let answer = talk.ask(&format!("{{\"tick\":{nanoseconds}}}"));
        assert_eq!(answer, format!("{{\"timestamp\":\"{nanoseconds}\",\"expired\":0}}\n"));
    }

    talk.end();
}

#[test]
fn a_restored_ledger_opens_and_says_the_same() {
    let temporary = tempfile::tempdir().unwrap();
    let [data, file, new] = ["data", "a.tar", "new"].map(|name| temporary.path().join(name));
    let accounts = r#"{"create_accounts":[{"id":"1","ledger":1,"code":1},{"id":"2","ledger":1,"code":1}]}"#;
    let transfer = r#"{"create_transfers":[{"id":"3","debit_account_id":"1","credit_account_id":"2","amount":5,"ledger":1,"code":1}]}"#;
    assert!(run(&data, &format!("{accounts}\n{transfer}\n")).status.success());
    let asks = "{\"lookup_accounts\":[\"1\",\"2\"]}\n{\"lookup_transfers\":[\"3\"]}\n";
    let before = run(&data, asks);
    for arguments in [["backup", "--data", "--to"], ["restore", "--data", "--from"]] {
        let [verb, folder_flag, file_flag] = arguments;
        let folder = if verb == "backup" { &data } else { &new };
        let output = Command::new(env!("CARGO_BIN_EXE_tapstone"))
            .args([verb, folder_flag])
            .arg(folder)
            .arg(file_flag)
            .arg(&file)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
    }
    let after = run(&new, asks);
    assert!(after.status.success(), "{after:?}");
    assert_eq!(before.stdout, after.stdout);
}

#[test]
fn a_timestamp_that_a_failure_was_told_is_not_given_again_after_a_restart() {
    let data = tempfile::tempdir().unwrap();
    let accounts = r#"{"create_accounts":[{"id":"1","ledger":1,"code":1},{"id":"2","ledger":1,"code":1}]}"#;
    let pending = r#"{"create_transfers":[{"id":"1","debit_account_id":"1","credit_account_id":"2","amount":8,"ledger":1,"code":1,"timeout":1,"flags":["pending"]}]}"#;
    let tick = r#"{"tick":1000000002}"#;
    let too_late = r#"{"create_transfers":[{"id":"0"},{"id":"10","pending_id":"1","amount":8,"flags":["post_pending_transfer"]}]}"#;
    let output = run(data.path(), &format!("{accounts}\n{pending}\n{tick}\n{too_late}\n"));
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.ends_with("{\"status\":\"pending_transfer_expired\",\"timestamp\":\"1000000003\"}]}\n"), "{said}");
    let again = r#"{"create_transfers":[{"id":"10","pending_id":"1","amount":8,"flags":["post_pending_transfer"]}]}"#;
    let output = run(data.path(), &format!("{again}\n"));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "{\"results\":[{\"status\":\"pending_transfer_expired\",\"timestamp\":\"1000000004\"}]}\n");
}

#[test]
fn standard_error_on_a_full_disk_is_no_panic() {
    let data = tempfile::NamedTempFile::new().unwrap();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = command(data.path()).stdin(Stdio::null()).stderr(full).status().unwrap();
    assert_eq!(status.code(), Some(1));
}
