//! A full disk refuses new work with a clear error, keeps serving reads, and goes on when there is room.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use engine::{Reply, Unavailable};
use ids::DepositId;
use journal::Journal;
use payments::{Action, Answer, Rejection};
use sim::{Crash, FaultyDisk, Operation, Random};

use crate::bench::{Bench, open_on, request};
use crate::support::{fen, wallet};

const ENOSPC: i32 = 28;

fn is_refused(reply: &Reply) -> bool {
    matches!(reply, Err(Unavailable::DiskFull))
}

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Hands in so many deposits of 1 at once; the replies.
fn flood(bench: &Bench, count: usize) -> Vec<Reply> {
    let (sender, receiver) = mpsc::channel();
    for _ in 0..count {
        let sender = sender.clone();
        bench.engine.submit(bench.deposit(1, fen(1)), None, move |reply| sender.send(reply).unwrap()).unwrap();
    }
    drop(sender);
    receiver.into_iter().collect()
}

#[test]
fn what_found_no_room_did_not_happen_and_can_be_asked_again() {
    let disk = FaultyDisk::new(1);
    disk.set_capacity(Some(100_000));
    let bench = Bench::on_disk(&disk);
    bench.ask(bench.deposit(0, fen(5))).unwrap();
    let tap = bench.tap(1, 1);

    assert!(flood(&bench, 50).iter().all(Result::is_ok));
    wait_until("the disk is full", || flood(&bench, 500).iter().any(is_refused));
    let (kept, records) = (bench.wallet_has(1), bench.engine.status().durable_position);
    let deposit = || Action::Deposit { id: DepositId::from_u128(77), wallet: wallet(0), money: fen(100) };
    let refused = bench.engine.submit_and_wait(deposit(), Some(request(1, 0)));
    assert!(is_refused(&refused), "{refused:?}");
    assert!(refused.unwrap_err().to_string().contains("disk is full"));
    let status = bench.engine.status();
    assert!(status.disk_full && !status.healthy);
    let began = Instant::now();
    assert!(flood(&bench, 1_000).iter().all(is_refused));
    assert!(began.elapsed() < Duration::from_secs(5), "refused at once");
    assert_eq!((bench.wallet_has(0), bench.wallet_has(1)), (5, kept), "reads go on");
    assert_eq!(bench.engine.status().durable_position, records);

    disk.set_capacity(None);
    wait_until("it goes on", || bench.engine.status().healthy);
    let verdict = bench.ask(bench.pay(1, tap.id, Some(fen(kept + 1))));
    let expected = Rejection::InsufficientFunds { available: kept };
    assert_eq!(verdict.unwrap_err(), expected, "what was decided and refused is no money");
    assert!(matches!(bench.ask_as(request(1, 0), deposit()), Ok(Answer::Deposit(_))), "the key was not used up");
    assert_eq!(bench.wallet_has(0), 105);
    assert!(flood(&bench, 500).iter().all(|reply| matches!(reply, Ok(Ok(_)))));
    assert_eq!(bench.wallet_has(1), kept + 500);
}

/// The disk fills up and empties at any moment, under load: whoever was told yes has it, whoever was told no has not,
/// also after the power fails.
#[test]
fn invariant_02_a_disk_that_fills_up_again_and_again_keeps_its_word() {
    for seed in sim::seeds(4) {
        println!("seed {seed}");
        let mut random = Random::new(seed);
        let disk = FaultyDisk::new(seed);
        disk.set_can_reserve(seed % 2 == 0);
        let bench = Bench::on_disk(&disk);
        let mut kept = 0;
        for _ in 0..5 {
            disk.fail(Operation::Write, random.below(4), ENOSPC);
            disk.fail(Operation::Reserve, random.below(2), ENOSPC);
            let (sender, receiver) = mpsc::channel();
            for _ in 0..400 {
                let sender = sender.clone();
                let told = move |reply| sender.send(reply).unwrap();
                bench.engine.submit(bench.deposit(1, fen(1)), None, told).unwrap();
                if random.per_mille(20) {
                    std::thread::sleep(Duration::from_micros(random.below(3_000)));
                }
            }
            drop(sender);
            for reply in receiver {
                match reply {
                    Ok(Ok(_)) => kept += 1,
                    other => assert!(is_refused(&other), "{other:?}"),
                }
            }
            assert_eq!(bench.wallet_has(1), kept);
            wait_until("it goes on", || bench.engine.status().healthy);
        }
        assert!(kept > 0);
        // The power fails; the tables of this test are on another disk, and may not know more than the journal.
        bench.engine.close();
        disk.restart(Crash::LoseAll);
        let engine = open_on(&disk, bench.folder.path(), &bench.watch).unwrap();
        let accounts = engine.read(|tables| tables.accounts(payments::Owner::Wallet(wallet(1)))).unwrap();
        assert_eq!(accounts.iter().map(|(_, balance)| balance.available()).sum::<u64>(), kept);
        engine.close();
        let journal = Journal::on_disk(bench.folder.path().join("journal"), std::sync::Arc::new(disk));
        assert_eq!(journal.verify(None).unwrap().unfinished, None);
    }
}

/// A sync that fails is another matter: what the disk holds is unknown, so nothing more is decided.
#[test]
fn invariant_02_a_failed_sync_stops_it_until_it_is_opened_again() {
    let disk = FaultyDisk::new(3);
    let bench = Bench::on_disk(&disk);
    bench.ask(bench.deposit(0, fen(5))).unwrap();
    disk.fail(Operation::Sync, 0, ENOSPC);
    let reply = bench.engine.submit_and_wait(bench.deposit(0, fen(1)), None);
    assert_eq!(reply.unwrap_err(), Unavailable::Stopped);
    let before = disk.operations();
    let id = DepositId::from_u128(7);
    let again = bench.engine.submit_and_wait(Action::Deposit { id, wallet: wallet(0), money: fen(1) }, None);
    assert_eq!(again.unwrap_err(), Unavailable::Stopped);
    let status = bench.engine.status();
    assert!(!status.healthy && !status.disk_full);
    assert_eq!(bench.wallet_has(0), 5, "reads go on");
    bench.engine.close();
    assert_eq!(disk.operations(), before, "the disk was left alone");
    let engine = open_on(&disk, bench.folder.path(), &bench.watch).unwrap();
    let accounts = engine.read(|tables| tables.accounts(payments::Owner::Wallet(wallet(0)))).unwrap();
    let has: u64 = accounts.iter().map(|(_, balance)| balance.available()).sum();
    assert!((5..=6).contains(&has), "{has}");
}
