//! One engine after another on the same folder: closing, opening, forgetting, clocks that leap.

use std::sync::mpsc;

use engine::{Engine, OpenError, Unavailable};
use payments::{Action, Answer, Event, IfPaid, OrderStatus, Rejection, TAP_LIFETIME_MS};

use crate::bench::{Bench, Watch, open, request};
use crate::support::{fen, merchant, tag_id};

const DAY: u64 = 86_400_000;

#[test]
fn invariant_03_answers_stay_the_same_after_a_restart() {
    let mut bench = Bench::new();
    let first = bench.ask_as(request(1, 0), bench.deposit(0, fen(500)));
    let ordered = bench.ask_as(request(2, 0), bench.new_order(fen(100)));
    let url = bench.url(0);
    let tapped = bench.ask_as(request(3, 0), bench.open_tap(0, &url));
    let Ok(Answer::Tap(tap, Some(order))) = tapped.clone() else { panic!("{tapped:?}") };
    let paid = bench.ask_as(request(4, 0), bench.pay(0, tap.id, None));
    let cancel = || Action::CancelOrder { merchant: merchant(0), order: order.id, if_paid: IfPaid::Refuse };
    let refused = bench.ask_as(request(5, 0), cancel());
    assert_eq!(refused, Err(Rejection::OrderAlreadyPaid));
    for _ in 0..2 {
        bench.reopen();
        bench.watch.forward(DAY);
        assert_eq!(bench.ask_as(request(1, 0), bench.deposit(0, fen(500))), first);
        assert_eq!(bench.ask_as(request(2, 0), bench.new_order(fen(100))), ordered);
        assert_eq!(bench.ask_as(request(3, 0), bench.open_tap(0, &url)), tapped);
        assert_eq!(bench.ask_as(request(4, 0), bench.pay(0, tap.id, None)), paid);
        assert_eq!(bench.ask_as(request(5, 0), cancel()), refused);
        let conflict = Err(Rejection::IdempotencyConflict);
        assert_eq!(bench.ask_as(request(5, 9), cancel()), conflict);
        assert_eq!(bench.ask(bench.open_tap(1, &url)), Err(Rejection::TapReplayed));
        assert_eq!(bench.ask(bench.pay(0, tap.id, None)), Err(Rejection::TapAlreadyUsed));
    }
    assert_eq!((bench.wallet_has(0), bench.merchant_has()), (400, 100));
    bench.audit();
}

/// Memory forgets what the tables have; the answers do not change.
#[test]
fn forgotten_requests_are_answered_from_the_tables() {
    let bench = Bench::new();
    let deposits: Vec<_> = (0..200).map(|key| bench.ask_as(request(key, 0), bench.deposit(0, fen(10)))).collect();
    let tap = bench.tap(0, 1);
    bench.ask(bench.pay(0, tap.id, Some(fen(1)))).unwrap();
    for round in 0..3 {
        // A read brings the tables up to date; the next batch forgets.
        bench.wallet_has(0);
        bench.ask(bench.deposit(1, fen(1))).unwrap();
        for (key, first) in (0..).zip(&deposits) {
            assert_eq!(bench.ask_as(request(key, 0), bench.deposit(0, fen(10))), *first, "round {round}");
        }
        assert_eq!(bench.ask(bench.pay(0, tap.id, Some(fen(1)))), Err(Rejection::TapAlreadyUsed));
        bench.watch.forward(TAP_LIFETIME_MS);
    }
    assert_eq!(bench.wallet_has(0), 200 * 10 - 1);
    bench.audit();
}

#[test]
fn closing_answers_everybody_and_keeps_what_it_answered() {
    let mut bench = Bench::new();
    let (sender, receiver) = mpsc::channel();
    for _ in 0..2_000 {
        let sender = sender.clone();
        bench.engine.submit(bench.deposit(0, fen(1)), None, move |reply| sender.send(reply).unwrap()).unwrap();
    }
    bench.engine.close();
    bench.engine.close();
    let late = sender.clone();
    bench.engine.submit(bench.deposit(0, fen(1)), None, move |reply| late.send(reply).unwrap()).unwrap();
    assert!(matches!(bench.engine.submit_and_wait(bench.deposit(0, fen(1)), None), Err(Unavailable::Stopped)));
    drop(sender);
    let replies: Vec<_> = receiver.into_iter().collect();
    assert_eq!(replies.len(), 2_001);
    assert_eq!(replies.iter().filter(|reply| matches!(reply, Ok(Ok(_)))).count(), 2_000);
    assert!(matches!(replies.last(), Some(Err(Unavailable::Stopped))));
    assert!(!bench.engine.status().healthy);
    bench.reopen();
    assert_eq!(bench.wallet_has(0), 2_000);
    bench.audit();
}

/// A caller may be the last who holds the engine, and learn its answer on the engine's own thread.
#[test]
fn the_last_handle_may_be_dropped_by_a_reply() {
    let bench = Bench::new();
    let (folder, watch) = (bench.folder, bench.watch);
    let (gone, wait) = mpsc::channel::<()>();
    let handle = bench.engine.clone();
    let action = Action::Tick;
    bench
        .engine
        .submit(action, None, move |_| {
            wait.recv().unwrap_err();
            drop(handle);
        })
        .unwrap();
    drop(bench.engine);
    drop(gone);
    let again = (0..200).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        open(folder.path(), &watch).ok()
    });
    again.expect("the folder is free soon").close();
}

#[test]
fn a_listener_hears_everything_once_before_the_caller() {
    let bench = Bench::new();
    let (sender, receiver) = mpsc::channel();
    bench.engine.listen(move |durable| sender.send(durable.clone()).unwrap());
    for _ in 0..50 {
        bench.ask(bench.deposit(0, fen(1))).unwrap();
        let heard = receiver.try_recv().expect("before the answer");
        assert_eq!(heard.last_position(), bench.engine.status().durable_position);
        assert!(matches!(&heard.records[..], [record] if matches!(record.event, Event::DepositSucceeded(_))));
    }
    assert!(receiver.try_recv().is_err(), "and nothing twice");
}

/// Somebody's code that panics on the engine's thread stops it: callers learn that nothing is known, nobody hangs.
#[test]
fn a_broken_engine_says_so_and_closes() {
    let mut bench = Bench::new();
    bench.ask(bench.deposit(0, fen(5))).unwrap();
    bench.engine.listen(|_| panic!("a listener with a bug"));
    assert!(matches!(bench.engine.submit_and_wait(bench.deposit(0, fen(1)), None), Err(Unavailable::Stopped)));
    assert!(matches!(bench.engine.submit_and_wait(bench.deposit(0, fen(1)), None), Err(Unavailable::Stopped)));
    let noticed = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        !bench.engine.status().healthy
    });
    assert!(noticed);
    bench.reopen();
    assert_eq!(bench.wallet_has(0), 6, "what was durable is, though its caller was told that nothing is known");
    bench.audit();
}

#[test]
fn a_second_engine_on_the_folder_is_refused() {
    let bench = Bench::new();
    let Err(error) = open(bench.folder.path(), &bench.watch) else { panic!("two writers") };
    assert!(matches!(error, OpenError::Journal(_)), "{error:?}");
    assert!(error.to_string().contains("stop it first"), "{error}");
    bench.ask(bench.deposit(0, fen(5))).expect("the first goes on");
    assert!(engine::verify(bench.folder.path()).is_err(), "nor can it be verified meanwhile");
}

#[test]
fn a_clock_that_leaps_back_decides_nothing_earlier() {
    let mut bench = Bench::new();
    bench.ask(bench.deposit(0, fen(100))).unwrap();
    let order = bench.order(fen(10));
    let tap = bench.tap(0, 0);
    for reopen in [false, true] {
        bench.watch.back(DAY);
        if reopen {
            bench.reopen();
        }
        let Ok(Answer::Deposit(deposit)) = bench.ask(bench.deposit(0, fen(1))) else { panic!("a deposit") };
        assert!(deposit.created_at >= tap.created_at, "time stands rather than run backwards");
    }
    // The tap and the order are as old as they are by the engine's time.
    let Ok(Answer::Payment(payment)) = bench.ask(bench.pay(0, tap.id, None)) else { panic!("a payment") };
    assert_eq!(payment.order, Some(order.id));
    bench.audit();
}

/// What was refused as too late is not in time again because the clock was set back.
#[test]
fn a_refusal_for_lateness_is_not_undone_by_the_clock() {
    let bench = Bench::new();
    bench.ask(bench.deposit(0, fen(100))).unwrap();
    let url = bench.url(0);
    let order = bench.order(fen(10));
    bench.watch.forward(900_000);
    assert_eq!(bench.ask(bench.open_tap(0, &url)), Err(Rejection::NothingToPay));
    bench.watch.back(1);
    assert_eq!(bench.ask(bench.open_tap(0, &url)), Err(Rejection::NothingToPay));
    let cancel = Action::CancelOrder { merchant: merchant(0), order: order.id, if_paid: IfPaid::Refuse };
    assert_eq!(bench.ask(cancel), Err(Rejection::OrderExpired));
}

#[test]
fn a_clock_that_leaps_forward_expires_what_is_due() {
    let mut bench = Bench::new();
    bench.ask(bench.deposit(0, fen(100))).unwrap();
    let order = bench.order(fen(10));
    let (at_till, alone) = (bench.tap(0, 0), bench.tap(0, 1));
    bench.watch.forward(DAY);
    assert_eq!(bench.ask(bench.pay(0, at_till.id, None)), Err(Rejection::OrderExpired));
    assert_eq!(bench.ask(bench.pay(0, alone.id, Some(fen(1)))), Err(Rejection::TapExpired));
    let read = bench.engine.read(|tables| tables.order(order.id)).unwrap().unwrap();
    assert!(matches!(read.status, OrderStatus::Expired { .. }));
    bench.reopen();
    let fresh = bench.order(fen(20));
    assert_eq!(bench.tap(0, 0).order, Some(fresh.id));
    bench.audit();
}

/// Nobody asks anything: an idle engine notices by itself.
#[test]
fn an_idle_engine_expires_orders() {
    let bench = Bench::new();
    let order = bench.order(fen(10));
    bench.watch.forward(900_000);
    let expired = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        let read = bench.engine.read(|tables| tables.order(order.id)).unwrap().unwrap();
        matches!(read.status, OrderStatus::Expired { .. })
    });
    assert!(expired);
}

/// The ids of taps come from another clock than the engine's. A live tap whose id looks a day old survives a restart
/// and pays once.
#[test]
fn bug_20_a_tap_with_an_old_id_pays_once_after_a_restart() {
    let mut bench = Bench::new();
    bench.ask(bench.deposit(0, fen(100))).unwrap();
    bench.watch.back(DAY);
    let tap = bench.tap(0, 1);
    bench.reopen();
    bench.ask(bench.pay(0, tap.id, Some(fen(10)))).unwrap();
    for _ in 0..20 {
        assert_eq!(bench.ask(bench.pay(0, tap.id, Some(fen(10)))), Err(Rejection::TapAlreadyUsed));
        bench.ask(bench.deposit(1, fen(1))).unwrap();
    }
    assert_eq!(bench.wallet_has(0), 90);
    assert_eq!(bench.engine.read(|tables| tables.tags(merchant(0))).unwrap()[1].0.id, tag_id(1));
    bench.audit();
}

#[test]
fn a_fresh_folder_opens_empty_and_again() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("not/yet/there");
    for _ in 0..2 {
        let engine: Engine = open(&inside, &Watch::new()).unwrap();
        assert_eq!(engine.status().durable_position, 0);
        engine.close();
    }
}
