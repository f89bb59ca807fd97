//! What happens by itself when its time has come: all of it, once, and in nobody's way.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use ids::{DisputeId, MerchantId, OrderId, PaymentId, RefundId, TagId};
use journal::FrameBuffer;
use money::{BasisPoints, Money};
use payments::{
    Action, Answer, Event, Forced, MerchantStatus, NewDispute, NewOrder, NewOrderAmount, NewRefund, OrderDetails,
    Owner, Pay, Payment, PaymentStatus, Record, RegisteredTag, Rejection, Split, SplitPart, TagMode, Text,
    account_code,
};
use rusqlite::Connection;
use sim::FaultyDisk;
use store::tables::{PayoutFilter, SettlementFilter};
use tag::Uid;
use terms::{CutOffTime, Reserve, Schedule, SettlementTerms, Weekdays, ZoneName};

use crate::bench::{Bench, Verdict, open};
use crate::support::{START, account, amount, cny, fen, merchant, tag_id, wallet};
use crate::tampering::write_journal;

const DAY: u64 = 86_400_000;
const MANY: usize = 1_000;

/// Each day at six in the evening, paid out at once, a tenth kept for three days.
fn daily() -> SettlementTerms {
    SettlementTerms {
        zone: ZoneName::parse("Asia/Shanghai").unwrap(),
        cut_off: CutOffTime::new(18, 0, 0).unwrap(),
        business_days: Weekdays::ALL,
        holidays: Vec::new(),
        schedule: Schedule::Daily,
        payout_delay_days: 0,
        reserve: Some(Reserve { rate: BasisPoints::new(1_000).unwrap(), days: 3 }),
        negative_balance_limit: 0,
    }
}

/// Hands in all of these at once; the verdicts in order.
fn ask_all(bench: &Bench, actions: Vec<Action>) -> Vec<Verdict> {
    let (sender, receiver) = mpsc::channel();
    let count = actions.len();
    for (action, index) in actions.into_iter().zip(0..) {
        let sender = sender.clone();
        let told = move |reply: engine::Reply| sender.send((index, reply.unwrap())).unwrap();
        bench.engine.submit(action, None, told).unwrap();
    }
    drop(sender);
    let mut replies: Vec<(usize, Verdict)> = receiver.into_iter().collect();
    assert_eq!(replies.len(), count);
    replies.sort_by_key(|(index, _)| *index);
    replies.into_iter().map(|(_, verdict)| verdict).collect()
}

/// Merchants from 1 on, each paid in yuan and settled daily.
fn open_merchants(bench: &Bench, count: usize) -> Vec<MerchantId> {
    let merchants: Vec<MerchantId> = (1..=count).map(merchant).collect();
    let open = |(id, number): (&MerchantId, u128)| {
        let pending = account(number, account_code::MERCHANT_PENDING, Owner::Merchant(*id), cny());
        [Action::OpenAccount(pending), Action::SetSettlementTerms { merchant: *id, terms: daily() }]
    };
    let actions = merchants.iter().zip(1_000..).flat_map(open).collect();
    ask_all(bench, actions).into_iter().for_each(|verdict| drop(verdict.unwrap()));
    merchants
}

/// One payment that gives each of these merchants so much.
fn pay_many(bench: &Bench, merchants: &[MerchantId], each: u64) -> Payment {
    let split = |merchant: &MerchantId| Split { merchant: *merchant, part: SplitPart::Fixed(each) };
    let details = OrderDetails { splits: merchants.iter().map(split).collect(), ..OrderDetails::default() };
    let total = each * (merchants.len() as u64 + 1);
    let order = Action::CreateOrder(NewOrder {
        id: OrderId::from_u128(bench.new_id()),
        merchant: merchant(0),
        tag: tag_id(0),
        amount: NewOrderAmount::Fixed(fen(total)),
        description: None,
        reference: None,
        lifetime_ms: 900_000,
        details: Some(Box::new(details)),
    });
    bench.ask(order).unwrap();
    let tap = bench.tap(0, 0);
    paid(bench.ask(bench.pay(0, tap.id, None)))
}

fn paid(verdict: Verdict) -> Payment {
    match verdict {
        Ok(Answer::Payment(payment)) => payment,
        other => panic!("{other:?}"),
    }
}

/// Pays at the standing tag; whether that succeeds is known later.
fn pay_later(bench: &Bench, money: Money, for_ms: u64, succeeds: bool) -> Action {
    let tap = bench.tap(0, 1);
    let forced = Some(Forced::Processing { for_ms, succeeds });
    let id = PaymentId::from_u128(bench.new_id());
    Action::Pay(Pay { id, wallet: wallet(0), tap: tap.id, money: Some(money), tip: 0, forced })
}

/// Orders that wait at tags of their own.
fn open_orders(bench: &Bench, count: u16, lifetime_ms: u64) -> Vec<OrderId> {
    let tag = |number: u16| {
        let [high, low] = number.to_be_bytes();
        let (id, uid) = (TagId::from_u128(0x7a00 + u128::from(number)), Uid([4, 0xee, 0, 0, 0, high, low]));
        let tag = RegisteredTag { id, uid, merchant: merchant(0), mode: TagMode::Till, currency: cny(), active: true };
        let id = OrderId::from_u128(bench.new_id());
        let order = NewOrder {
            id,
            merchant: merchant(0),
            tag: tag.id,
            amount: NewOrderAmount::Fixed(fen(5)),
            description: None,
            reference: None,
            lifetime_ms,
            details: None,
        };
        (id, [Action::RegisterTag(tag), Action::CreateOrder(order)])
    };
    let (ids, actions): (Vec<_>, Vec<_>) = (0..count).map(tag).unzip();
    ask_all(bench, actions.into_iter().flatten().collect()).into_iter().for_each(|verdict| drop(verdict.unwrap()));
    ids
}

fn refund(bench: &Bench, payment: &Payment, units: u64) -> Action {
    Action::Refund(NewRefund {
        id: RefundId::from_u128(bench.new_id()),
        merchant: payment.merchant,
        payment: payment.id,
        amount: Some(amount(units)),
        reason: None,
    })
}

fn dispute(bench: &Bench, payment: &Payment, units: u64) -> Action {
    Action::OpenDispute(NewDispute {
        id: DisputeId::from_u128(bench.new_id()),
        wallet: payment.wallet,
        payment: payment.id,
        amount: Some(amount(units)),
        reason: Text::try_from("never came".to_owned()).unwrap(),
    })
}

/// Waits until nothing has happened for a while.
fn wait_until_quiet(engine: &engine::Engine) {
    let (began, mut before) = (Instant::now(), u64::MAX);
    loop {
        let position = engine.status().durable_position;
        if position == before {
            return;
        }
        before = position;
        assert!(began.elapsed() < Duration::from_secs(60), "it never ends");
        std::thread::sleep(Duration::from_millis(400));
    }
}

fn bytes_of(records: &[Record]) -> usize {
    let mut frame = FrameBuffer::new();
    records.iter().for_each(|record| store::records::encode(record, &mut frame));
    frame.len()
}

/// Invariant 12: a thousand windows, holds and orders are due at once. Each frame has some of them, and those who ask
/// meanwhile are answered meanwhile.
#[test]
fn invariant_12_much_that_is_due_at_once_holds_nobody_up() {
    let bench = Bench::new();
    bench.ask(bench.deposit(0, fen(10_000_000))).unwrap();
    let merchants = open_merchants(&bench, MANY);
    pay_many(&bench, &merchants, 100);
    let holds: Vec<Action> = (0..MANY).map(|index| pay_later(&bench, fen(10), DAY / 2, index % 2 == 0)).collect();
    ask_all(&bench, holds).into_iter().for_each(|verdict| drop(paid(verdict)));
    let orders = open_orders(&bench, 1_000, DAY / 2);
    wait_until_quiet(&bench.engine);

    let (sender, frames) = mpsc::channel();
    bench.engine.listen(move |durable| {
        let is_due = |record: &&Record| !matches!(record.event, Event::DepositSucceeded(_));
        let due = durable.records.iter().filter(is_due).count();
        sender.send((bytes_of(&durable.records), due, durable.records.len())).unwrap();
    });
    bench.watch.forward(DAY);
    let mut slowest = Duration::ZERO;
    for _ in 0..20 {
        let asked = Instant::now();
        bench.ask(bench.deposit(1, fen(1))).unwrap();
        slowest = slowest.max(asked.elapsed());
    }
    wait_until_quiet(&bench.engine);
    assert!(slowest < Duration::from_secs(5), "{slowest:?}");
    let frames: Vec<(usize, usize, usize)> = frames.try_iter().collect();
    let largest = frames.iter().map(|(bytes, ..)| *bytes).max().unwrap();
    // What one tick does comes on top of what a frame takes of it.
    assert!(largest < (256 << 10) + (512 << 10), "{largest}");
    let first_deposit = frames.iter().position(|(_, due, records)| due < records).unwrap();
    assert!(frames[first_deposit + 1..].iter().any(|(_, due, _)| *due > 0), "the first who asked waited for all of it");
    assert!(frames.len() > 3, "{frames:?}");

    let settled = |id: &MerchantId| {
        let theirs = SettlementFilter { merchant: Some(*id), ..SettlementFilter::default() };
        bench.engine.read(|tables| tables.settlements(&theirs, None, 9)).unwrap().items
    };
    assert!(merchants.iter().all(|id| settled(id).len() == 1));
    assert!(
        bench.engine.read(|tables| tables.payouts(&PayoutFilter::default(), None, 2_000)).unwrap().items.len() >= MANY
    );
    let read = |id: &OrderId| bench.engine.read(|tables| tables.order(*id)).unwrap().unwrap();
    assert!(orders.iter().all(|id| matches!(read(id).status, payments::OrderStatus::Expired { .. })));
    let ended =
        bench.payments().into_iter().filter(|payment| matches!(payment.began, payments::Beginning::Processing { .. }));
    let (succeeded, failed): (Vec<_>, Vec<_>) = ended.partition(|payment| payment.status == PaymentStatus::Succeeded);
    assert_eq!((succeeded.len(), failed.len()), (MANY / 2, MANY / 2));
    bench.audit();
}

/// Something of everything that can be due, some of it twice: windows, holds that end either way, orders, payouts,
/// reserves, unanswered disputes.
fn a_day_before() -> Bench {
    let bench = Bench::new();
    bench.ask(bench.deposit(0, fen(100_000))).unwrap();
    bench.ask(Action::SetSettlementTerms { merchant: merchant(0), terms: daily() }).unwrap();
    let merchants = open_merchants(&bench, 3);
    let shared = pay_many(&bench, &merchants, 100);
    // This one's payouts are withheld.
    let suspended = Action::SetMerchantStatus { merchant: merchants[2], status: MerchantStatus::Suspended };
    bench.ask(suspended).unwrap();
    for succeeds in [true, false] {
        bench.ask(pay_later(&bench, fen(40), DAY / 4, succeeds)).unwrap();
    }
    bench.ask(refund(&bench, &shared, 20)).unwrap();
    bench.ask(dispute(&bench, &shared, 60)).unwrap();
    open_orders(&bench, 2, DAY / 3);
    bench
}

fn records_of(bench: &Bench) -> Vec<Record> {
    let journal = journal::Journal::new(bench.folder.path().join("journal"));
    let mut reader = journal.reader().unwrap();
    let mut records = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        records.extend(store::records::decode(frame.payload, frame.count.get()).unwrap());
    }
    records
}

/// What everybody has, and what has become of everything: whatever was interrupted, it is the same in the end.
fn outcome(bench: &Bench) -> String {
    let tables = store::tables::TablesReader::open(&bench.folder.path().join("tables.sqlite")).unwrap();
    let mut accounts = tables.all_accounts().unwrap();
    accounts.sort_by_key(|(account, _)| account.id);
    let settlements = tables.settlements(&SettlementFilter::default(), None, 99).unwrap().items;
    let settlements: Vec<_> =
        settlements.iter().map(|row| (row.settlement.id, row.settlement.totals, row.payout)).collect();
    let payouts = tables.payouts(&PayoutFilter::default(), None, 99).unwrap().items;
    let state = tables.load_state().unwrap().1;
    let due = (state.next_due(), state.due_payouts().count(), state.reserves().count(), state.open_payments().count());
    format!("{accounts:#?} {settlements:#?} {payouts:#?} {due:?} {:?}", tables.row_counts().unwrap())
}

/// Invariant 2: wherever the process died while doing what was due, what was done is not done again, and the rest is.
#[test]
fn invariant_02_what_is_due_is_done_once_however_often_it_dies() {
    let mut bench = a_day_before();
    bench.engine.close();
    let before = records_of(&bench).len();
    bench.watch.forward(10 * DAY);
    bench.reopen();
    wait_until_quiet(&bench.engine);
    bench.audit();
    let (records, expected) = (records_of(&bench), outcome(&bench));
    let done = &records[before..];
    let count = |what: fn(&Event) -> bool| done.iter().filter(|record| what(&record.event)).count();
    assert_eq!(count(|event| matches!(event, Event::SettlementClosed(_))), 4);
    assert_eq!(count(|event| matches!(event, Event::ReserveReleased(_))), 4);
    assert_eq!(count(|event| matches!(event, Event::PayoutCreated(_))), 3);
    assert_eq!(count(|event| matches!(event, Event::PayoutSkipped(_))), 1);
    assert_eq!(count(|event| matches!(event, Event::OrderExpired(_))), 2);
    assert_eq!(count(|event| matches!(event, Event::DisputeClosed(_))), 1);
    assert_eq!(count(|event| matches!(event, Event::PaymentCaptured(_) | Event::HoldReleased(_))), 2);
    for written in before..=records.len() {
        let folder = tempfile::tempdir().unwrap();
        write_journal(folder.path(), &records[..written], 5);
        let engine = open(folder.path(), &bench.watch).unwrap();
        // The first batch does all of it.
        engine.submit_and_wait(Action::Tick, None).unwrap().unwrap();
        engine.close();
        bench.folder = folder;
        engine::verify(bench.folder.path()).unwrap();
        assert_eq!(outcome(&bench), expected, "after {} of {} records", written - before, done.len());
    }
}

/// A clock that leaps over many cut-offs: what had gathered was settled at the first of them, and what comes next is
/// settled at the one after now.
#[test]
fn a_clock_that_leaps_over_many_cut_offs_settles_once() {
    let mut bench = Bench::new();
    bench.ask(bench.deposit(0, fen(1_000))).unwrap();
    bench.ask(Action::SetSettlementTerms { merchant: merchant(0), terms: daily() }).unwrap();
    let mut cut_off = daily().next_cut_off(START.0).at_ms;
    for (leap, number) in [40, 1, 400].into_iter().zip(1..) {
        let tap = bench.tap(0, 1);
        bench.ask(bench.pay(0, tap.id, Some(fen(100)))).unwrap();
        bench.watch.forward(leap * DAY);
        if number == 2 {
            bench.reopen();
        }
        wait_until_quiet(&bench.engine);
        let theirs = SettlementFilter { merchant: Some(merchant(0)), ..SettlementFilter::default() };
        let settled = bench.engine.read(|tables| tables.settlements(&theirs, None, 99)).unwrap().items;
        assert_eq!(settled.len(), number);
        let latest = settled[0].settlement;
        assert_eq!((latest.closed_at.0, latest.totals.gross, latest.net), (cut_off, 100, 90));
        cut_off = daily().next_cut_off(bench.watch.0.load(std::sync::atomic::Ordering::SeqCst)).at_ms;
    }
    bench.audit();
}

/// Somebody else holds the tables' lock, so that they stay behind.
fn lock_tables(bench: &Bench) -> Connection {
    let other = Connection::open(bench.folder.path().join("tables.sqlite")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    other
}

/// Stores everything and forgets it.
fn store_and_forget(bench: &Bench) {
    bench.wallet_has(0);
    bench.ask(bench.deposit(1, fen(1))).unwrap();
}

/// A dispute is lost by time while its payment is forgotten, refunded meanwhile or not, and the tables are behind.
#[test]
fn a_dispute_is_lost_while_the_tables_are_behind() {
    for refunded in [false, true] {
        let bench = Bench::new();
        bench.ask(bench.deposit(0, fen(1_000))).unwrap();
        let tap = bench.tap(0, 1);
        let payment = paid(bench.ask(bench.pay(0, tap.id, Some(fen(100)))));
        bench.ask(dispute(&bench, &payment, 60)).unwrap();
        store_and_forget(&bench);
        let lock = lock_tables(&bench);
        if refunded {
            bench.ask(refund(&bench, &payment, 10)).unwrap();
        }
        for _ in 0..3 {
            bench.ask(bench.deposit(1, fen(1))).unwrap();
        }
        bench.watch.forward(8 * DAY);
        let (sender, heard) = mpsc::channel();
        bench.engine.listen(move |durable| sender.send(durable.records.clone()).unwrap());
        bench.ask(bench.deposit(1, fen(1))).unwrap();
        let records: Vec<Record> = heard.try_iter().flatten().collect();
        let closed = records.iter().find_map(|record| match &record.event {
            Event::DisputeClosed(moved) => Some(moved.what.payment.clone()),
            _ => None,
        });
        let after = closed.expect("it is lost by time");
        assert_eq!((after.disputed, after.refunded, after.open_dispute), (60, if refunded { 10 } else { 0 }, None));
        lock.execute_batch("ROLLBACK").unwrap();
        drop(lock);
        bench.engine.close();
        let bench = Bench::in_folder(bench.folder);
        assert_eq!(bench.wallet_has(0), 900 + 60 + after.refunded);
        bench.audit();
    }
}

/// The disk fills up while refunds are in the journal and not in the tables: the state that is made again knows them.
#[test]
fn invariant_04_refunds_survive_a_full_disk_while_the_tables_are_behind() {
    let disk = FaultyDisk::new(5);
    let bench = Bench::on_disk(&disk);
    bench.ask(bench.deposit(0, fen(1_000))).unwrap();
    let tap = bench.tap(0, 1);
    let payment = paid(bench.ask(bench.pay(0, tap.id, Some(fen(100)))));
    bench.ask(refund(&bench, &payment, 30)).unwrap();
    store_and_forget(&bench);
    let lock = lock_tables(&bench);
    bench.ask(refund(&bench, &payment, 20)).unwrap();
    disk.set_capacity(Some(disk.used()));
    let began = Instant::now();
    while bench.engine.submit_and_wait(bench.deposit(1, fen(1)), None).is_ok() {
        assert!(began.elapsed() < Duration::from_secs(20), "the disk never fills");
    }
    disk.set_capacity(None);
    while !bench.engine.status().healthy {
        assert!(began.elapsed() < Duration::from_secs(20), "it never goes on");
        std::thread::sleep(Duration::from_millis(5));
    }
    let too_much = bench.ask(refund(&bench, &payment, 51));
    assert_eq!(too_much, Err(Rejection::RefundExceedsPayment { refundable: 50 }));
    bench.ask(refund(&bench, &payment, 15)).unwrap();
    lock.execute_batch("ROLLBACK").unwrap();
    drop(lock);
    // The tables catch up, the payment is forgotten and recalled, and nothing of it was lost.
    let began = Instant::now();
    while bench.engine.status().stored_position < bench.engine.status().durable_position {
        assert!(began.elapsed() < Duration::from_secs(20), "the tables never catch up");
        std::thread::sleep(Duration::from_millis(20));
    }
    store_and_forget(&bench);
    let too_much = bench.ask(refund(&bench, &payment, 36));
    assert_eq!(too_much, Err(Rejection::RefundExceedsPayment { refundable: 35 }));
    assert_eq!(bench.wallet_has(0), 900 + 65);
    bench.engine.close();
}
