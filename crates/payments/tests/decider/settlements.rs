//! Settlement: a window closes at its cut-off to the millisecond, once, and takes all that had gathered.

use std::collections::BTreeSet;

use ids::{DepositId, PayoutId};
use money::BasisPoints;
use payments::{
    Action, Answer, BankWord, Event, MerchantStatus, OrderDetails, Owner, Payment, PayoutStatus, Rejection, Settlement,
    Split, SplitPart, Text, UnixMillis, account_code,
};
use terms::{CutOffTime, Reserve, Schedule, SettlementTerms, ZoneName};

use crate::support::shop::{Shop, daily};
use crate::support::{START, cny, fen, merchant, wallet};

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;

/// The day on which these stories begin ends at 18:00 in Shanghai, which is 10:00 UTC.
const FIRST_CUT_OFF: UnixMillis = UnixMillis(START.0 + 21 * HOUR + HOUR / 2);

fn settled(events: &[Event]) -> Vec<Settlement> {
    let settlement = |event: &Event| match event {
        Event::SettlementClosed(moved) => Some(moved.what),
        _ => None,
    };
    events.iter().filter_map(settlement).collect()
}

fn sell(shop: &mut Shop, minor_units: u64) -> Payment {
    shop.sell(fen(minor_units), OrderDetails::default()).unwrap()
}

fn of_merchant(shop: &Shop, code: u16) -> u64 {
    shop.holds(code, Owner::Merchant(merchant(0)))
}

/// What closes a window does not depend on what has gathered in it, so closing stalls nobody: the same few records, with the
/// same few transfers.
#[test]
fn bug_07_closing_is_as_much_work_whatever_has_gathered() {
    let closing = |payments: u64| {
        let mut shop = Shop::new();
        shop.deposit(0, fen(1_000_000));
        shop.settle(0, daily());
        (0..payments).for_each(|_| drop(sell(&mut shop, 3)));
        shop.now = FIRST_CUT_OFF;
        shop.happened.clear();
        sell(&mut shop, 1);
        let [settlement] = settled(&shop.happened)[..] else { panic!("{:?}", shop.happened) };
        assert_eq!((settlement.totals.payments, settlement.totals.gross), (payments, 3 * payments));
        let mut transfers = Vec::new();
        shop.happened.iter().for_each(|event| event.for_each_transfer(|transfer| transfers.push(transfer.code)));
        (shop.happened.len(), transfers)
    };
    assert_eq!(closing(1), closing(5_000));
}

/// Whoever comes first after the cut-off closes the window: a payment, a refund or a tick.
#[test]
fn bug_19_a_payment_at_the_very_cut_off_is_in_the_next_window() {
    for ticked in [true, false] {
        let mut shop = Shop::new();
        shop.deposit(0, fen(1_000));
        shop.settle(0, daily());
        sell(&mut shop, 100);
        shop.now = UnixMillis(FIRST_CUT_OFF.0 - 1);
        assert_eq!(shop.ticks(), []);
        sell(&mut shop, 20);
        shop.now = FIRST_CUT_OFF;
        let mut events = if ticked { shop.ticks() } else { Vec::new() };
        sell(&mut shop, 3);
        events.append(&mut shop.happened);
        let settlements = settled(&events);
        assert_eq!(settlements.len(), 1, "{events:?}");
        let Settlement { totals, closed_at, net, number, .. } = settlements[0];
        assert_eq!((totals.payments, totals.gross, net, number), (2, 120, 120, 1));
        assert_eq!((closed_at, shop.got(0)), (FIRST_CUT_OFF, 3));
    }
}

#[test]
fn bug_19_a_refund_and_a_capture_at_the_very_cut_off_are_in_the_next_window() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    shop.settle(0, daily());
    let (paid, held) = (sell(&mut shop, 100), shop.hold(fen(500), 2 * DAY));
    shop.capture(held.id, Some(10), false).unwrap();
    shop.now = UnixMillis(FIRST_CUT_OFF.0 - 1);
    shop.refund(paid.id, Some(1)).unwrap();
    assert_eq!(settled(&shop.happened), []);
    shop.now = FIRST_CUT_OFF;
    shop.capture(held.id, Some(20), false).unwrap();
    let [first] = settled(&shop.happened)[..] else { panic!("{:?}", shop.happened) };
    assert_eq!((first.totals.gross, first.totals.refunded, first.net), (110, 1, 109));
    shop.refund(paid.id, Some(5)).unwrap();
    assert_eq!(shop.got(0), 15, "the new window's, as long as it has enough");
}

/// A payment each hour over nights of 23 and 25 hours: each day has what was paid on it, and none is left out.
#[test]
fn bug_19_days_of_23_and_25_hours_settle_what_was_paid_on_them() {
    // Clocks change on 2027-03-28 and 2027-10-31 in Berlin. Midnight there is 22:00 or 23:00 UTC.
    for (first_day, hours) in [("2027-03-27T00:00", [24, 23, 24]), ("2027-10-30T00:00", [24, 25, 24])] {
        let mut shop = Shop::new();
        shop.deposit(0, fen(1_000));
        let cut_off = CutOffTime::END_OF_DAY;
        shop.settle(0, SettlementTerms { zone: ZoneName::parse("Europe/Berlin").unwrap(), cut_off, ..daily() });
        let begins = match first_day {
            "2027-03-27T00:00" => 1_806_102_000_000,
            _ => 1_824_847_200_000,
        };
        shop.now = UnixMillis(begins);
        let mut events = Vec::new();
        for _ in 0..hours.iter().sum::<u64>() {
            sell(&mut shop, 1);
            events.append(&mut shop.happened);
            shop.wait(HOUR);
        }
        events.extend(shop.ticks());
        let settlements = settled(&events);
        let sums: Vec<_> = settlements.iter().map(|settlement| settlement.totals.gross).collect();
        assert_eq!(sums, hours, "{first_day}");
        let ends: Vec<_> = settlements.iter().map(|settlement| settlement.closed_at.0).collect();
        let lengths: Vec<_> = ends.windows(2).map(|pair| (pair[1] - pair[0]) / HOUR).collect();
        assert_eq!(lengths, hours[1..], "{first_day}");
    }
}

#[test]
fn bug_06_a_window_is_settled_once_however_often_and_late_it_is_asked_for() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    shop.settle(0, daily());
    let mut events = Vec::new();
    for round in 0..5 {
        sell(&mut shop, 10);
        events.append(&mut shop.happened);
        shop.wait((1 + round) * DAY);
        for _ in 0..3 {
            events.extend(shop.ticks());
        }
    }
    let settlements = settled(&events);
    let ids: BTreeSet<_> = settlements.iter().map(|settlement| settlement.id).collect();
    assert_eq!((settlements.len(), ids.len()), (5, 5), "one for each window with something in it, however late");
    assert!(settlements.iter().zip(1..).all(|(settlement, number)| settlement.number == number));
    assert_eq!(shop.holds(account_code::PAYOUTS_IN_TRANSIT, Owner::Platform), 50);
    assert_eq!(shop.got(0), 0);
}

#[test]
fn bug_11_a_declined_payment_changes_no_window_and_no_volume() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(50));
    shop.settle(0, daily());
    shop.charge(0, 100);
    sell(&mut shop, 40);
    let before: Vec<_> = shop.state.books().cloned().collect();
    assert_eq!(before[0].volume, 40);
    let order = shop.order(0, fen(100));
    let tap = shop.tap(0, 0);
    for _ in 0..20 {
        assert_eq!(shop.pay(0, tap.id, None), Err(Rejection::InsufficientFunds { available: 10 }));
    }
    // Not even at the next day, when the open window's time is over.
    shop.wait(2 * DAY);
    assert_eq!(shop.pay(0, tap.id, None), Err(Rejection::OrderExpired));
    assert_eq!(shop.cancel(order.id), Err(Rejection::OrderExpired));
    assert_eq!(shop.state.books().cloned().collect::<Vec<_>>(), before);
    // What is held is not captured yet.
    let held = shop.hold(fen(10), DAY);
    assert_eq!(shop.state.books().cloned().collect::<Vec<_>>(), before);
    shop.capture(held.id, Some(4), true).unwrap();
    assert_eq!(shop.state.books().next().unwrap().volume, 44);
}

fn fail(reason: &str) -> BankWord {
    BankWord::Failed(Text::try_from(reason.to_owned()).unwrap())
}

fn payout_of(events: &[Event]) -> PayoutId {
    let found = events.iter().find_map(|event| match event {
        Event::PayoutCreated(moved) => Some(moved.what.id),
        _ => None,
    });
    found.unwrap_or_else(|| panic!("no payout in {events:?}"))
}

#[test]
fn a_banks_words_move_the_money_once_in_whatever_order_they_come() {
    let returned = || BankWord::Returned(Text::try_from("account closed".to_owned()).unwrap());
    let cases: [(Vec<BankWord>, u64, u64); 7] = [
        (vec![BankWord::Paid], 0, 0),
        (vec![BankWord::Paid, BankWord::Paid], 0, 0),
        (vec![fail("no such account")], 0, 100),
        (vec![fail("no such account"), fail("again"), BankWord::Paid, returned()], 0, 100),
        (vec![BankWord::Paid, returned()], 0, 100),
        (vec![BankWord::Paid, returned(), returned(), BankWord::Paid, fail("late")], 0, 100),
        (vec![returned(), BankWord::Paid], 0, 100),
    ];
    for (words, in_transit, balance) in cases {
        let mut shop = Shop::new();
        shop.deposit(0, fen(100));
        shop.settle(0, daily());
        sell(&mut shop, 100);
        shop.wait(DAY);
        let payout = payout_of(&shop.ticks());
        assert_eq!(shop.holds(account_code::PAYOUTS_IN_TRANSIT, Owner::Platform), 100);
        shop.ask(Action::SubmitPayout { payout, bank_reference: None }).unwrap();
        for word in &words {
            drop(shop.ask(Action::ReportPayout { payout, word: word.clone() }));
        }
        assert_eq!(shop.holds(account_code::PAYOUTS_IN_TRANSIT, Owner::Platform), in_transit, "{words:?}");
        assert_eq!(of_merchant(&shop, account_code::MERCHANT_BALANCE), balance, "{words:?}");
        assert_eq!(shop.holds(account_code::FLOAT, Owner::Platform), balance, "{words:?}");
        assert!(shop.state.payout(payout).unwrap().status.is_final());
    }
}

/// A reserve that comes free, or a payout that comes back, may lie beside a debt: that is repaid before anything leaves.
#[test]
fn nothing_is_paid_out_to_one_who_owes_as_much() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(2_000));
    let reserve = Some(Reserve { rate: BasisPoints::new(5_000).unwrap(), days: 2 });
    shop.settle(0, SettlementTerms { reserve, ..daily() });
    let first = sell(&mut shop, 1_000);
    shop.wait(DAY);
    shop.ticks();
    assert_eq!(of_merchant(&shop, account_code::MERCHANT_RESERVE), 500);
    shop.dispute(first.id, Some(300)).unwrap();
    assert_eq!(of_merchant(&shop, account_code::MERCHANT_DEBT), 300);
    shop.wait(2 * DAY);
    shop.ticks();
    assert_eq!(of_merchant(&shop, account_code::MERCHANT_BALANCE), 500, "free, and waiting for the next payout");
    let id = PayoutId::from_u128(77);
    let answer = shop.ask(Action::CreatePayout { id, merchant: merchant(0), currency: cny() });
    let Ok(Answer::Payout(payout)) = answer else { panic!("{answer:?}") };
    assert_eq!((payout.amount.minor_units(), payout.status), (200, PayoutStatus::Created));
    assert_eq!(of_merchant(&shop, account_code::MERCHANT_DEBT), 0);
    let again = Action::CreatePayout { id: PayoutId::from_u128(78), merchant: merchant(0), currency: cny() };
    assert_eq!(shop.ask(again), Err(Rejection::NothingToPayOut));
}

/// One merchant's sums are at the end of what can be counted: its window stays, and nobody else's.
#[test]
fn what_cannot_be_done_keeps_nothing_else_from_being_done() {
    const MOST: u64 = i64::MAX.unsigned_abs();
    let mut shop = Shop::new();
    shop.settle(0, daily());
    shop.settle(1, daily());
    shop.deposit(0, fen(MOST));
    sell(&mut shop, MOST);
    shop.wait(DAY);
    let payout = payout_of(&shop.ticks());
    shop.ask(Action::ReportPayout { payout, word: fail("too much") }).unwrap();
    // Its balance was credited with all that two of the largest amounts can be.
    shop.deposit(0, fen(1_000));
    sell(&mut shop, 10);
    shop.order(2, fen(20));
    let tap = shop.tap(0, 2);
    shop.pay(0, tap.id, None).unwrap();
    shop.wait(DAY);
    let events = shop.ticks();
    let [closed] = settled(&events)[..] else { panic!("{events:?}") };
    assert_eq!(closed.merchant, merchant(1));
    assert_eq!((shop.got(0), shop.got(1)), (10, 0), "it stays due, and ticks come to an end");
    assert!(shop.state.next_due().is_some_and(|due| due <= shop.now));
    shop.order(0, fen(1));
    let tap = shop.tap(0, 0);
    assert_eq!(shop.pay(0, tap.id, None), Err(Rejection::BalanceOverflow), "it cannot be paid any more");
    shop.cancel(tap.order.unwrap()).unwrap();
    // A payment of both cannot be captured. Nothing stays of the attempt, not even the other's new window.
    let splits = vec![Split { merchant: merchant(1), part: SplitPart::Fixed(4) }];
    shop.sell_slowly(0, fen(5), OrderDetails { splits, ..OrderDetails::default() });
    shop.sell_slowly(2, fen(7), OrderDetails::default());
    shop.wait(60_000);
    let events = shop.ticks();
    assert!(matches!(&events[..], [Event::WindowOpened(_), Event::PaymentCaptured(_)]), "{events:?}");
    assert_eq!((shop.got(0), shop.got(1)), (10, 7));
}

#[test]
fn a_suspended_merchant_gets_no_payout_and_a_closed_one_gets_what_it_is_owed() {
    use MerchantStatus::{Closed, Suspended};
    for (status, paid_out) in [(Suspended, 0), (Closed, 100)] {
        let mut shop = Shop::new();
        shop.deposit(0, fen(100));
        shop.settle(0, daily());
        sell(&mut shop, 100);
        shop.ask(Action::SetMerchantStatus { merchant: merchant(0), status }).unwrap();
        shop.wait(DAY);
        let events = shop.ticks();
        assert_eq!(settled(&events).len(), 1, "its window closes all the same");
        assert_eq!(shop.holds(account_code::PAYOUTS_IN_TRANSIT, Owner::Platform), paid_out);
        assert_eq!(events.iter().any(|event| matches!(event, Event::PayoutSkipped(_))), paid_out == 0);
    }
}

/// Terms that come while a window is open: one without a closing gets one, one with a closing keeps it.
#[test]
fn an_open_window_keeps_its_cut_off_when_terms_change() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    sell(&mut shop, 1);
    shop.wait(5 * DAY);
    assert_eq!(shop.ticks(), [], "without terms nothing is settled");
    let closes = |shop: &Shop| shop.state.books().next().unwrap().window.unwrap().closes.map(|closes| closes.at);
    shop.settle(0, daily());
    let cut_off = UnixMillis(FIRST_CUT_OFF.0 + 5 * DAY);
    assert_eq!(closes(&shop), Some(cut_off));
    let weekly = SettlementTerms { schedule: Schedule::Weekly(terms::Weekday::Monday), ..daily() };
    shop.settle(0, weekly);
    assert_eq!(closes(&shop), Some(cut_off));
    shop.now = cut_off;
    let [first] = settled(&shop.ticks())[..] else { panic!() };
    assert_eq!((first.closed_at, first.totals.gross), (cut_off, 1));
    sell(&mut shop, 2);
    assert!(closes(&shop).unwrap().0 - cut_off.0 > DAY, "the next one is a week's");
}

/// After the year 9999 there is no cut-off: windows close at the end of time, each by its own name.
#[test]
fn at_the_end_of_time_windows_still_have_names() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    shop.settle(0, daily());
    let payment = sell(&mut shop, 10);
    let status = MerchantStatus::Suspended;
    shop.ask(Action::SetMerchantStatus { merchant: merchant(0), status }).unwrap();
    shop.now = UnixMillis(u64::MAX);
    shop.ask(Action::Deposit { id: DepositId::from_u128(9), wallet: wallet(0), money: fen(1) }).unwrap();
    let mut events = shop.ticks();
    assert_eq!(shop.state.next_due(), None);
    // Time stands still, and each window is over as soon as it is opened.
    for _ in 0..3 {
        shop.refund(payment.id, Some(1)).unwrap();
        events.append(&mut shop.happened);
    }
    events.extend(shop.ticks());
    let ids: BTreeSet<_> = settled(&events).iter().map(|settlement| settlement.id).collect();
    assert_eq!((ids.len(), settled(&events).len()), (4, 4));
    assert_eq!(shop.state.next_due(), None);
}

/// Histories from before there were windows: their payments wait in a window without a closing until there are terms.
#[test]
fn what_was_paid_before_there_were_windows_is_settled_once_there_are_terms() {
    let mut shop = Shop::new();
    shop.deposit(0, fen(1_000));
    let tap = shop.tap(0, 1);
    let payment = Payment { amount: crate::support::amount(70), captured: 70, ..probe(&mut shop, tap.id) };
    let place = |code, owner: Owner| {
        let mut accounts = shop.state.accounts();
        accounts.find(|(account, _)| (account.code, account.owner) == (code, owner.bits())).unwrap().0.id
    };
    let leg = payments::Leg {
        code: payments::transfer_code::PAYMENT,
        debit: place(account_code::WALLET, Owner::Wallet(wallet(0))),
        credit: place(account_code::MERCHANT_PENDING, Owner::Merchant(merchant(0))),
        amount: 70,
    };
    let event = Event::PaymentSucceeded(payments::Moved { what: payment.clone(), legs: vec![leg] });
    shop.state.evolve(&payments::Record { at: shop.now, request: None, event });
    assert_eq!(shop.got(0), 70);
    shop.refund(payment.id, Some(20)).unwrap();
    shop.settle(0, daily());
    shop.wait(DAY);
    let [settlement] = settled(&shop.ticks())[..] else { panic!() };
    assert_eq!((settlement.totals.gross, settlement.totals.refunded, settlement.net), (70, 20, 50));
}

/// A payment as it would be, which is not made.
fn probe(shop: &mut Shop, tap: ids::TapId) -> Payment {
    let action = shop.pay_action(0, tap, Some(fen(1)));
    let command = payments::Command { now: shop.now, request: None, action };
    match payments::decide(&shop.state, command).answer {
        Ok(Answer::Payment(payment)) => payment,
        other => panic!("{other:?}"),
    }
}
