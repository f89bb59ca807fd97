//! Many callers at once: what must happen once happens once, whoever comes first.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, mpsc};

use payments::{Action, Answer, Rejection};

use crate::bench::{Bench, Verdict, request};
use crate::support::fen;

const CROWD: usize = 100;

/// Lets a crowd do something at the same moment.
fn all_at_once(work: impl Fn(usize) -> Verdict + Sync) -> Vec<Verdict> {
    let start = Barrier::new(CROWD);
    std::thread::scope(|scope| {
        let each = |index| {
            let (start, work) = (&start, &work);
            scope.spawn(move || {
                start.wait();
                work(index)
            })
        };
        let threads: Vec<_> = (0..CROWD).map(each).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn count(verdicts: &[Verdict], expected: &Result<(), Rejection>) -> usize {
    verdicts.iter().filter(|verdict| verdict.as_ref().map(drop).map_err(|rejection| *rejection) == *expected).count()
}

#[test]
fn invariant_05_a_hundred_pay_one_order_once() {
    let bench = Bench::new();
    bench.ask(bench.deposit(0, fen(10_000))).unwrap();
    bench.order(fen(7));
    let taps: Vec<_> = (0..CROWD).map(|_| bench.tap(0, 0)).collect();
    let verdicts = all_at_once(|index| bench.ask(bench.pay(0, taps[index].id, Some(fen(7)))));
    assert_eq!(count(&verdicts, &Ok(())), 1);
    assert_eq!(count(&verdicts, &Err(Rejection::OrderAlreadyPaid)), CROWD - 1);
    assert_eq!((bench.wallet_has(0), bench.merchant_has()), (10_000 - 7, 7));
    bench.audit();
}

#[test]
fn bug_10_one_tap_is_charged_once_by_a_hundred() {
    let bench = Bench::new();
    bench.ask(bench.deposit(0, fen(10_000))).unwrap();
    let tap = bench.tap(0, 1);
    let verdicts = all_at_once(|index| bench.ask(bench.pay(0, tap.id, Some(fen(1 + index as u64)))));
    assert_eq!(count(&verdicts, &Ok(())), 1);
    assert_eq!(count(&verdicts, &Err(Rejection::TapAlreadyUsed)), CROWD - 1);
    assert_eq!(bench.payments().len(), 1);
    bench.audit();
}

#[test]
fn invariant_04_money_for_37_is_spent_37_times() {
    let bench = Bench::new();
    bench.ask(bench.deposit(0, fen(37 * 3 + 2))).unwrap();
    let taps: Vec<_> = (0..CROWD).map(|_| bench.tap(0, 1)).collect();
    let verdicts = all_at_once(|index| bench.ask(bench.pay(0, taps[index].id, Some(fen(3)))));
    assert_eq!(count(&verdicts, &Ok(())), 37);
    assert_eq!(count(&verdicts, &Err(Rejection::InsufficientFunds { available: 2 })), CROWD - 37);
    assert_eq!((bench.wallet_has(0), bench.merchant_has()), (2, 37 * 3));
    bench.audit();
}

#[test]
fn bug_09_a_hundred_show_one_url_and_one_is_let_in() {
    let bench = Bench::new();
    let url = bench.url(1);
    let verdicts = all_at_once(|index| bench.ask(bench.open_tap(index % 2, &url)));
    assert_eq!(count(&verdicts, &Ok(())), 1);
    assert_eq!(count(&verdicts, &Err(Rejection::TapReplayed)), CROWD - 1);
}

#[test]
fn invariant_03_one_key_has_one_answer_in_parallel() {
    let bench = Bench::new();
    bench.ask(bench.deposit(0, fen(100))).unwrap();
    // Two bodies under one key: the first to come is the one that counts.
    let tap = bench.tap(0, 1);
    let verdicts = all_at_once(|index| {
        let body = u8::try_from(index % 2).unwrap();
        bench.ask_as(request(1, body), bench.pay(0, tap.id, Some(fen(10 + u64::from(body)))))
    });
    assert_eq!(count(&verdicts, &Ok(())), CROWD / 2);
    assert_eq!(count(&verdicts, &Err(Rejection::IdempotencyConflict)), CROWD / 2);
    let paid: Vec<_> = verdicts.into_iter().flatten().collect();
    assert!(paid.iter().all(|answer| *answer == paid[0]), "the same payment for all");
    assert_eq!(bench.payments().len(), 1);
    bench.audit();
}

#[test]
fn bug_01_parallel_deposits_with_one_id_enter_once() {
    let bench = Bench::new();
    let id = ids::DepositId::from_u128(77);
    let action = || Action::Deposit { id, wallet: crate::support::wallet(0), money: fen(50) };
    let verdicts = all_at_once(|_| bench.ask(action()));
    assert_eq!(count(&verdicts, &Ok(())), CROWD);
    assert_eq!(bench.wallet_has(0), 50);
}

/// Replies come once each, in the order of decisions, and no batch tears a caller's commands apart.
#[test]
fn every_reply_comes_once_and_in_order() {
    const EACH: u32 = 400;
    let bench = Bench::new();
    let (sender, receiver) = mpsc::channel();
    std::thread::scope(|scope| {
        for caller in 0..16_u32 {
            let (bench, sender) = (&bench, sender.clone());
            scope.spawn(move || {
                for number in 0..EACH {
                    let sender = sender.clone();
                    let told = move |reply: engine::Reply| sender.send((caller, number, reply)).unwrap();
                    bench.engine.submit(bench.deposit(0, fen(1)), None, told).unwrap();
                }
            });
        }
    });
    drop(sender);
    bench.engine.close();
    let mut next = [0_u32; 16];
    for (caller, number, reply) in receiver {
        assert!(matches!(reply, Ok(Ok(Answer::Deposit(_)))), "{reply:?}");
        let expected = &mut next[usize::try_from(caller).unwrap()];
        assert_eq!(number, *expected);
        *expected += 1;
    }
    assert_eq!(next, [EACH; 16]);
    assert_eq!(bench.engine.status().queued, 0);
    bench.audit();
}

/// Invariant 12: a full queue refuses at once, and what it accepted is kept.
#[test]
fn invariant_12_overload_is_refused_early_and_nothing_accepted_is_lost() {
    let bench = Bench::new();
    let (hold, held) = mpsc::channel::<()>();
    let held = std::sync::Mutex::new(held);
    bench.engine.listen(move |_| {
        // Until the test lets go.
        held.lock().unwrap().recv().unwrap_err();
    });
    let answered = Arc::new(AtomicU32::new(0));
    let (mut accepted, mut refused) = (0, 0);
    while refused < 10 {
        let answered = answered.clone();
        let told = move |reply: engine::Reply| {
            assert!(matches!(reply, Ok(Ok(_))));
            answered.fetch_add(1, Ordering::SeqCst);
        };
        match bench.engine.submit(bench.deposit(0, fen(1)), None, told) {
            Ok(()) => accepted += 1,
            Err(engine::Overloaded) => refused += 1,
        }
        assert!(accepted < 100_000, "the queue has no end");
    }
    assert_eq!(answered.load(Ordering::SeqCst), 0, "nothing is told before the listener is done");
    drop(hold);
    bench.engine.close();
    assert_eq!(answered.load(Ordering::SeqCst), accepted);
    bench.audit();
}

/// A reader sees what its own command did, and what it was told before.
#[test]
fn reads_see_what_was_answered() {
    let bench = Bench::new();
    std::thread::scope(|scope| {
        for who in 0..2 {
            let bench = &bench;
            scope.spawn(move || {
                for number in 1..=40 {
                    let Ok(Answer::Deposit(made)) = bench.ask(bench.deposit(who, fen(1))) else { panic!("a deposit") };
                    let read = bench.engine.read(|tables| tables.deposit(made.id)).unwrap();
                    assert_eq!(read, Some(made));
                    assert_eq!(bench.wallet_has(who), number);
                }
            });
        }
    });
}
