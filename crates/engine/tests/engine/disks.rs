//! Files that were deleted, cut, swapped or filled up.

use std::fs::OpenOptions;
use std::io::Write;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use engine::{OpenError, Reply, Unavailable};
use ids::{DepositId, PaymentId};
use journal::{FrameBuffer, Journal, JournalId, WriterOptions};
use payments::{Action, Answer, Event, Owner, Payment, Record};
use rustix::process::{Resource, Rlimit, setrlimit};

use crate::bench::{Bench, Watch, open, request};
use crate::support::{fen, wallet};

/// A bench on which something was bought, closed.
fn used() -> Bench {
    let bench = Bench::new();
    bench.ask_as(request(1, 0), bench.deposit(0, fen(500))).unwrap();
    bench.order(fen(100));
    let tap = bench.tap(0, 0);
    bench.ask(bench.pay(0, tap.id, None)).unwrap();
    bench.order(fen(7));
    bench.engine.close();
    bench
}

fn tables_file(bench: &Bench) -> PathBuf {
    bench.folder.path().join("tables.sqlite")
}

fn segments(bench: &Bench) -> Vec<PathBuf> {
    let Ok(files) = std::fs::read_dir(bench.folder.path().join("journal")) else { return Vec::new() };
    let mut segments: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    segments.retain(|path| path.extension().is_some_and(|extension| extension == "journal"));
    segments.sort();
    segments
}

fn last_segment(bench: &Bench) -> PathBuf {
    segments(bench).pop().unwrap()
}

#[test]
fn lost_tables_are_made_again_from_the_journal() {
    let mut bench = used();
    let before = (bench.wallet_has(0), bench.merchant_has(), bench.payments());
    std::fs::remove_file(tables_file(&bench)).unwrap();
    bench.reopen();
    assert_eq!((bench.wallet_has(0), bench.merchant_has(), bench.payments()), before);
    let repeated = bench.ask_as(request(1, 0), bench.deposit(0, fen(500)));
    assert!(matches!(repeated, Ok(Answer::Deposit(_))));
    assert_eq!(bench.wallet_has(0), 400, "the repeated deposit entered once");
    bench.audit();
}

#[test]
fn old_tables_catch_up_with_the_journal() {
    let mut bench = used();
    let old = std::fs::read(tables_file(&bench)).unwrap();
    bench.reopen();
    for _ in 0..30 {
        let tap = bench.tap(0, 1);
        bench.ask(bench.pay(0, tap.id, Some(fen(1)))).unwrap();
    }
    let now = (bench.wallet_has(0), bench.merchant_has(), bench.payments());
    bench.engine.close();
    std::fs::write(tables_file(&bench), old).unwrap();
    bench.reopen();
    assert_eq!((bench.wallet_has(0), bench.merchant_has(), bench.payments()), now);
    bench.audit();
}

#[test]
fn a_lost_journal_is_refused_while_the_tables_remember_it() {
    let bench = used();
    std::fs::remove_dir_all(bench.folder.path().join("journal")).unwrap();
    let before = std::fs::read(tables_file(&bench)).unwrap();
    let Err(error) = open(bench.folder.path(), &bench.watch) else { panic!("a journal made of nothing") };
    assert!(matches!(error, OpenError::Journal(_)), "{error:?}");
    assert!(error.to_string().contains("backup"), "says what to do: {error}");
    assert_eq!(std::fs::read(tables_file(&bench)).unwrap(), before);
    assert!(segments(&bench).is_empty(), "no new one is begun in its place");
    assert!(open(bench.folder.path(), &bench.watch).is_err(), "asking twice does not help");
}

#[test]
fn another_platforms_journal_is_refused() {
    let (bench, other) = (used(), used());
    let journal = bench.folder.path().join("journal");
    std::fs::remove_dir_all(&journal).unwrap();
    std::fs::rename(other.folder.path().join("journal"), &journal).unwrap();
    assert!(matches!(open(bench.folder.path(), &bench.watch), Err(OpenError::Journal(_))));
}

#[test]
fn invariant_02_a_write_that_was_cut_off_was_never_acknowledged() {
    let mut bench = used();
    let before = (bench.wallet_has(0), bench.merchant_has());
    for garbage in [&b"TJFR\x01\0\0\0"[..], &[0; 500]] {
        OpenOptions::new().append(true).open(last_segment(&bench)).unwrap().write_all(garbage).unwrap();
        bench.reopen();
        assert_eq!((bench.wallet_has(0), bench.merchant_has()), before);
        bench.ask(bench.deposit(1, fen(1))).unwrap();
        bench.engine.close();
    }
    bench.audit();
}

#[test]
fn an_acknowledged_frame_that_is_gone_is_noticed() {
    let bench = used();
    let segment = last_segment(&bench);
    let length = std::fs::metadata(&segment).unwrap().len();
    OpenOptions::new().write(true).open(&segment).unwrap().set_len(length - 1).unwrap();
    assert!(matches!(open(bench.folder.path(), &bench.watch), Err(OpenError::Journal(_))), "the tables knew better");
    assert_eq!(std::fs::metadata(&segment).unwrap().len(), length - 1, "what is left is left alone");
}

#[test]
fn a_flipped_byte_is_refused() {
    let bench = used();
    let segment = last_segment(&bench);
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    assert!(matches!(open(bench.folder.path(), &bench.watch), Err(OpenError::Journal(_))));
}

#[test]
fn foreign_tables_are_refused() {
    let bench = used();
    std::fs::write(tables_file(&bench), "milk, eggs\n".repeat(1_000)).unwrap();
    let Err(error) = open(bench.folder.path(), &bench.watch) else { panic!("a shopping list is no database") };
    assert!(matches!(error, OpenError::Tables(_)), "{error:?}");
}

#[test]
fn verify_finds_a_row_that_was_changed() {
    let bench = used();
    bench.audit();
    let file = tables_file(&bench);
    let mut bytes = std::fs::read(&file).unwrap();
    // The wallet's id stands in its payment's row: the payment becomes another's.
    let id = wallet(0).to_bytes();
    let places: Vec<_> = (0..bytes.len() - 16).filter(|&at| bytes[at..at + 16] == id).collect();
    assert!(places.len() > 1);
    for at in places {
        bytes[at + 15] ^= 1;
    }
    std::fs::write(&file, bytes).unwrap();
    assert!(engine::verify(bench.folder.path()).is_err());
}

/// A journal that was forged by somebody who knows how to chain frames, but not how money moves.
#[test]
fn invariant_05_verify_finds_what_cannot_have_happened() {
    let bench = Bench::new();
    let (sender, receiver) = mpsc::channel();
    bench.engine.listen(move |durable| sender.send(durable.records.clone()).unwrap());
    bench.ask(bench.deposit(0, fen(500))).unwrap();
    let tap = bench.tap(0, 1);
    bench.ask(bench.pay(0, tap.id, Some(fen(1)))).unwrap();
    let other = bench.tap(0, 1);
    bench.engine.close();
    let records: Vec<Record> = receiver.try_iter().flatten().collect();
    let paid = records.iter().find(|record| matches!(record.event, Event::PaymentMade(_))).unwrap();
    let forge = |change: &dyn Fn(&mut Payment)| {
        let Event::PaymentMade(mut moved) = paid.event.clone() else { panic!("a payment") };
        moved.what.id = PaymentId::from_u128(9);
        change(&mut moved.what);
        Record { event: Event::PaymentMade(moved), ..paid.clone() }
    };
    let forged = [
        (vec![forge(&|_| {})], "no tap"),
        (vec![forge(&|payment| payment.tap = ids::TapId::from_u128(9))], "no tap"),
        (vec![forge(&|payment| (payment.tap, payment.wallet) = (other.id, wallet(1)))], "not what its tap"),
        (vec![forge(&|payment| payment.tap = other.id); 2], "with one tap"),
    ];
    let at = records.last().unwrap().at;
    for (forged, expected) in forged {
        let copy = tempfile::tempdir().unwrap();
        copy_journal(&bench, copy.path());
        let mut frame = FrameBuffer::new();
        let count = NonZeroU32::new(u32::try_from(forged.len()).unwrap()).unwrap();
        forged.into_iter().for_each(|record| {
            store::records::encode(&Record { at, request: None, ..record }, &mut frame);
        });
        let journal = Journal::new(copy.path().join("journal"));
        let (mut writer, _) = journal.writer(WriterOptions::new(JournalId::from_bytes([0; 16]))).unwrap();
        writer.append(count, &mut frame).unwrap();
        drop(writer);
        let error = engine::verify(copy.path()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

fn copy_journal(bench: &Bench, to: &std::path::Path) {
    let to = to.join("journal");
    std::fs::create_dir(&to).unwrap();
    for file in std::fs::read_dir(bench.folder.path().join("journal")).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// Run in a process whose files may not pass a size, by the test below.
#[test]
#[ignore = "a part of the test below"]
fn child_fills_its_disk() {
    let folder = PathBuf::from(std::env::var_os("TEST_FOLDER").expect("set by the parent"));
    let engine = open(&folder, &Watch::new()).unwrap();
    let (sender, receiver) = mpsc::channel();
    let mut made = 0;
    while engine.status().healthy {
        made += 1;
        assert!(made < 1_000_000, "the disk never fills");
        let id = DepositId::from_u128(made);
        let sender = sender.clone();
        let told = move |reply| sender.send(reply).unwrap();
        engine.submit(Action::Deposit { id, wallet: wallet(1), money: fen(1) }, None, told).unwrap();
        while engine.status().queued > 4_000 && engine.status().healthy {
            std::thread::yield_now();
        }
    }
    drop(sender);
    let replies: Vec<Reply> = receiver.into_iter().collect();
    assert_eq!(replies.len() as u128, made, "everybody is answered once");
    let kept = replies.iter().filter(|reply| matches!(reply, Ok(Ok(_)))).count();
    assert_eq!(replies.iter().filter(|reply| **reply == Err(Unavailable::DiskFull)).count(), replies.len() - kept);
    assert!(0 < kept && kept < replies.len());
    let status = engine.status();
    assert!(status.disk_full);

    // There is room again, for journal and tables.
    setrlimit(Resource::Fsize, Rlimit { current: None, maximum: None }).unwrap();
    let began = Instant::now();
    while !engine.status().healthy || engine.status().stored_position < status.durable_position {
        assert!(began.elapsed() < Duration::from_secs(20), "{:?}", engine.status());
        std::thread::sleep(Duration::from_millis(10));
    }
    let id = DepositId::from_u128(made + 1);
    engine.submit_and_wait(Action::Deposit { id, wallet: wallet(1), money: fen(1) }, None).unwrap().unwrap();
    let accounts = engine.read(|tables| tables.accounts(Owner::Wallet(wallet(1)))).unwrap();
    assert_eq!(accounts[0].1.available(), kept as u64 + 1, "nothing is lost, and nothing that was refused is there");
    engine.close();
    std::fs::write(folder.join("kept"), (kept + 1).to_string()).unwrap();
}

/// Invariant 2 on a full disk: callers are told that nothing was done, and when there is room it goes on by itself, with
/// everything that was acknowledged.
#[test]
fn invariant_02_a_full_disk_loses_nothing_that_was_acknowledged() {
    let mut bench = Bench::new();
    bench.engine.close();
    let limited = "trap '' XFSZ; ulimit -S -f 2048; exec \"$0\" --exact disks::child_fills_its_disk --ignored";
    let child = Command::new("sh")
        .args(["-c", limited])
        .arg(std::env::current_exe().unwrap())
        .env("TEST_FOLDER", bench.folder.path())
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
    let kept: u64 = std::fs::read_to_string(bench.folder.path().join("kept")).unwrap().parse().unwrap();
    bench.reopen();
    assert_eq!(bench.wallet_has(1), kept);
    bench.ask(bench.deposit(1, fen(1))).expect("and it goes on");
    bench.audit();
}

/// Somebody else holds the tables' lock: payments go on, reads show what was stored before, and the end is not held up.
#[test]
fn tables_that_cannot_be_written_hold_up_nobody() {
    let bench = Bench::new();
    bench.ask(bench.deposit(0, fen(500))).unwrap();
    assert_eq!(bench.wallet_has(0), 500);
    let other = rusqlite::Connection::open(tables_file(&bench)).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    for _ in 0..20 {
        bench.ask(bench.deposit(0, fen(1))).unwrap();
    }
    let began = Instant::now();
    assert_eq!(bench.wallet_has(0), 500, "old, but true");
    assert!(began.elapsed() < Duration::from_secs(8), "reads wait for tables that cannot be written");
    bench.engine.close();
    other.execute_batch("ROLLBACK").unwrap();
    let bench = Bench::in_folder(bench.folder);
    assert_eq!(bench.wallet_has(0), 520, "the journal had it all");
}
