//! Records as bytes: the format of version 1 for ever, and nothing that hostile bytes can do.
#![allow(clippy::unwrap_used)]

#[path = "../../payments/tests/support/mod.rs"]
mod support;

mod samples;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use ids::{AccountId, DepositId};
use journal::FrameBuffer;
use money::Amount;
use payments::{
    Beginning, BodyDigest, Captured, DeclinedPayment, Deposit, Dispute, DisputeStatus, Disputed, Event, Leg,
    MerchantStatus, Moved, OpenedWindow, Order, OrderDetails, OrderStatus, Outcome, Owner, Payment, PaymentStatus,
    Payout, PayoutStatus, Record, Refunded, RefusedTap, RegisteredTag, Rejection, ReleaseReason, Released, Request,
    RequestKey, Settlement, TagMode, Tap, UnixMillis, account_code, transfer_code as code,
};
use proptest::prelude::*;
use samples::*;
use store::records::{UnknownRecord, decode, encode};
use support::world::{World, lives};
use support::{START, account, amount, cny, currency, merchant, registered, tag_id, wallet};

/// What version 1 wrote, one record a line: a name, and the bytes in hexadecimal.
///
/// Journals hold these bytes for ever, so no line may ever change or go. When an event must say more, it becomes a new
/// variant at the end of its enum, with new lines at the end of the file (a failing test prints them); the old
/// variant and its lines stay.
const GOLDEN: &str = include_str!("golden/records-v1.txt");

/// Something that moved so much from account 1 to account 2.
fn moved<T>(what: T, code: u16, amount: u64) -> Moved<T> {
    let (debit, credit) = (AccountId::from_u128(1), AccountId::from_u128(2));
    Moved { what, legs: vec![Leg { code, debit, credit, amount }] }
}

/// The same, and so much more from account 3 to account 4.
fn moved_twice<T>(what: T, code: u16, amounts: [u64; 2]) -> Moved<T> {
    let mut moved = moved(what, code, amounts[0]);
    let (debit, credit) = (AccountId::from_u128(3), AccountId::from_u128(u128::MAX));
    moved.legs.push(Leg { code, debit, credit, amount: amounts[1] });
    moved
}

fn rejections() -> Vec<Rejection> {
    vec![
        Rejection::IdempotencyConflict,
        Rejection::NotFound,
        Rejection::Exists,
        Rejection::TagUnknown,
        Rejection::TagInactive,
        Rejection::TagBusy { order: order().id },
        Rejection::CurrencyNotAccepted { currency: currency("KWD") },
        Rejection::TapForged,
        Rejection::TapReplayed,
        Rejection::NothingToPay,
        Rejection::TapExpired,
        Rejection::TapAlreadyUsed,
        Rejection::OrderAlreadyPaid,
        Rejection::OrderCancelled,
        Rejection::OrderExpired,
        Rejection::AmountRequired,
        Rejection::AmountMismatch { expected: amount(1) },
        Rejection::CurrencyMismatch { expected: currency("JPY") },
        Rejection::CurrencyNotHeld { currency: cny() },
        Rejection::InsufficientFunds { available: u64::MAX },
        Rejection::BalanceOverflow,
    ]
}

/// Those that came with merchants.
fn later_rejections() -> Vec<(String, Rejection)> {
    use MerchantStatus::*;
    let statuses = [Applied, Active, Suspended, Closed].map(|status| {
        let rejection = Rejection::MerchantNotActive { status };
        (format!("{}/{}", rejection.code(), status.name()), rejection)
    });
    let others = [
        Rejection::StatusNotAllowed { status: Closed },
        Rejection::ReferenceTaken { order: order().id },
        Rejection::ReceiverNotAccepted { merchant: merchant(2) },
        Rejection::SplitsExceedAmount,
        Rejection::TipNotAccepted,
        Rejection::Declined,
        Rejection::NothingHeld,
        Rejection::CaptureExceedsHold { capturable: 1_250 },
        Rejection::PaymentProcessing,
        Rejection::RefundExceedsPayment { refundable: 0 },
        Rejection::MerchantFundsInsufficient { available: u64::MAX },
        Rejection::DisputeTooLate,
        Rejection::DisputeOpen,
        Rejection::DisputeClosed,
        Rejection::NothingToPayOut,
        Rejection::PayoutClosed,
        Rejection::TooMany,
    ];
    statuses.into_iter().chain(others.map(|rejection| (rejection.code().to_owned(), rejection))).collect()
}

fn outcomes() -> Vec<Outcome> {
    vec![
        Outcome::OrderCreated(order().id),
        Outcome::OrderCancelled(order().id),
        Outcome::TapAccepted(tap().id),
        Outcome::PaymentSucceeded(payment().id),
        Outcome::DepositSucceeded(DepositId::from_u128(9)),
        Outcome::Refused(Rejection::NotFound),
        Outcome::Done,
    ]
}

/// Those that came with merchants.
fn later_outcomes() -> Vec<(&'static str, Outcome)> {
    vec![
        ("captured", Outcome::Captured(capture().id)),
        ("released/voided", Outcome::Released(release(ReleaseReason::Voided))),
        ("released/expired", Outcome::Released(release(ReleaseReason::Expired))),
        ("released/failed", Outcome::Released(release(ReleaseReason::Failed))),
        ("refunded", Outcome::Refunded(refund().id)),
        ("dispute_opened", Outcome::DisputeOpened(dispute().id)),
        ("dispute_answered", Outcome::DisputeAnswered(dispute().id)),
        ("dispute_closed", Outcome::DisputeClosed(dispute().id)),
        ("payout_created", Outcome::PayoutCreated(payout().id)),
        ("order_refunded", Outcome::OrderRefunded(order().id, refund().id)),
        ("order_released", Outcome::OrderReleased(order().id)),
    ]
}

/// One of each event, and of each variant of what events hold.
fn events() -> Vec<(String, Event)> {
    let deposit = Deposit {
        id: DepositId::from_u128(9),
        wallet: wallet(0),
        currency: cny(),
        amount: Amount::MAX,
        created_at: START,
    };
    let paid = OrderStatus::Paid { payment: payment().id, amount: amount(1_250), at: START };
    let standing = RegisteredTag { active: false, ..registered(1, merchant(1), TagMode::Standing, currency("JPY")) };
    let declined = DeclinedPayment {
        wallet: wallet(1),
        merchant: merchant(1),
        tag: tag_id(1),
        tap: tap().id,
        order: None,
        reason: Rejection::InsufficientFunds { available: 999 },
    };
    let refused = RefusedTap { tag: tag_id(0), merchant: merchant(0), reason: Rejection::TapForged };
    let bare = Order { amount: None, description: None, reference: order().description, status: paid, ..order() };
    let cancelled = Order { status: OrderStatus::Cancelled { at: START }, ..order() };
    let expired = Order { status: OrderStatus::Expired { at: UnixMillis(u64::MAX) }, ..order() };
    let standing_tap = Tap { order: None, ..tap() };
    let standing_payment = Payment { order: None, description: None, ..payment() };
    let wallet_account = account(1, account_code::WALLET, Owner::Wallet(wallet(0)), cny());
    let named = [
        ("account_opened", Event::AccountOpened(wallet_account)),
        ("account_opened/float", Event::AccountOpened(account(2, account_code::FLOAT, Owner::Platform, cny()))),
        ("tag_registered", Event::TagRegistered(registered(0, merchant(0), TagMode::Till, cny()))),
        ("tag_registered/standing", Event::TagRegistered(standing)),
        ("deposit_succeeded", Event::DepositSucceeded(moved(deposit, code::DEPOSIT, Amount::MAX.minor_units()))),
        ("order_created", Event::OrderCreated(order())),
        ("order_created/bare", Event::OrderCreated(bare)),
        ("order_created/cancelled", Event::OrderCreated(cancelled)),
        ("order_created/expired", Event::OrderCreated(expired)),
        ("order_cancelled", Event::OrderCancelled(order().id)),
        ("order_expired", Event::OrderExpired(order().id)),
        ("tap_accepted", Event::TapAccepted(tap())),
        ("tap_accepted/standing", Event::TapAccepted(standing_tap)),
        ("tap_refused", Event::TapRefused(refused)),
        ("payment_succeeded", Event::PaymentSucceeded(moved(payment(), code::PAYMENT, 1_250))),
        ("payment_succeeded/standing", Event::PaymentSucceeded(moved(standing_payment, code::PAYMENT, 1_250))),
        ("payment_declined", Event::PaymentDeclined(declined)),
    ];
    let named = named.map(|(name, event)| (name.to_owned(), event));
    let refused = rejections().into_iter().map(|reason| {
        let name = format!("request_refused/{}", reason.code());
        (name, Event::RequestRefused(reason))
    });
    let answered = outcomes().into_iter().enumerate().map(|(index, outcome)| {
        let name = format!("request_answered/{index}");
        (name, Event::RequestAnswered(outcome))
    });
    named.into_iter().chain(refused).chain(answered).chain(later_events()).collect()
}

/// What came with merchants, after everything that was before.
fn later_events() -> Vec<(String, Event)> {
    let named = [orders_and_payments(), returns(), merchants(), payouts()].concat();
    let refused = later_rejections().into_iter().map(|(name, reason)| {
        let name = format!("request_refused/{name}");
        (name, Event::RequestRefused(reason))
    });
    let answered = later_outcomes().into_iter().map(|(name, outcome)| {
        let name = format!("request_answered/{name}");
        (name, Event::RequestAnswered(outcome))
    });
    named.into_iter().map(|(name, event)| (name.to_owned(), event)).chain(refused).chain(answered).collect()
}

fn orders_and_payments() -> Vec<(&'static str, Event)> {
    let held = OrderStatus::Held { payment: payment().id, amount: amount(1_250), at: START };
    let plain_details = Some(Box::<OrderDetails>::default());
    let processing = |succeeds| Payment {
        began: Beginning::Processing { until: START.plus(60_000), succeeds },
        status: PaymentStatus::Processing,
        ..held_payment()
    };
    let made = |payment: Payment, code| Event::PaymentMade(moved(payment, code, 1_250));
    let part = Payment { captured: 1_000, fee: 13, ..held_payment() };
    let whole = Payment { status: PaymentStatus::Succeeded, ..part.clone() };
    let captured = |payment, order| Captured { capture: capture(), payment, order };
    let released = |reason, status, order| {
        let what = Released { release: release(reason), payment: Payment { status, ..held_payment() }, order };
        Event::HoldReleased(moved(what, code::RELEASE, 1_250))
    };
    let (cancelled, failed) =
        (PaymentStatus::Cancelled { at: START.plus(4_000) }, PaymentStatus::Failed { at: START.plus(4_000) });
    let closed = Order { status: OrderStatus::Cancelled { at: START.plus(4_000) }, ..order() };
    vec![
        ("order_placed", Event::OrderPlaced(order())),
        ("order_placed/plain_details", Event::OrderPlaced(Order { details: plain_details, ..order() })),
        ("order_placed/details", Event::OrderPlaced(detailed_order())),
        ("order_placed/held", Event::OrderPlaced(Order { status: held, ..order() })),
        ("payment_made", made(payment(), code::PAYMENT)),
        ("payment_made/shared", Event::PaymentMade(moved_twice(shared_payment(), code::PAYMENT, [300, 1_050]))),
        ("payment_made/held", made(held_payment(), code::HOLD)),
        ("payment_made/processing", made(processing(true), code::HOLD)),
        ("payment_made/doomed", made(processing(false), code::HOLD)),
        ("payment_captured", Event::PaymentCaptured(moved(captured(part, None), code::CAPTURE, 1_000))),
        (
            "payment_captured/last",
            Event::PaymentCaptured(moved_twice(captured(whole, Some(order())), code::CAPTURE, [1_000, 250])),
        ),
        ("hold_released/voided", released(ReleaseReason::Voided, cancelled, Some(closed))),
        ("hold_released/expired", released(ReleaseReason::Expired, cancelled, None)),
        ("hold_released/failed", released(ReleaseReason::Failed, failed, None)),
    ]
}

fn returns() -> Vec<(&'static str, Event)> {
    let refunded = Refunded { refund: refund(), payment: shared_payment() };
    let disputed = |dispute| Disputed { dispute, payment: shared_payment() };
    let ended = |status| disputed(Dispute { status, ..answered_dispute() });
    let (won, lost) = (DisputeStatus::Won { at: START.plus(7_000) }, DisputeStatus::Lost { at: START.plus(7_000) });
    vec![
        ("payment_refunded", Event::PaymentRefunded(moved_twice(refunded, code::REFUND, [150, 50]))),
        ("dispute_opened", Event::DisputeOpened(moved(disputed(dispute()), code::DISPUTE, 400))),
        ("dispute_answered", Event::DisputeAnswered(answered_dispute())),
        ("dispute_closed/won", Event::DisputeClosed(moved(ended(won), code::DISPUTE_WON, 400))),
        ("dispute_closed/lost", Event::DisputeClosed(moved(ended(lost), code::DISPUTE_LOST, 400))),
    ]
}

fn merchants() -> Vec<(&'static str, Event)> {
    let status = |status| Event::MerchantStatusSet(merchant(0), status);
    let window = |closes| {
        let (merchant, currency, pending) = (merchant(0), cny(), AccountId::from_u128(3));
        Event::WindowOpened(OpenedWindow { merchant, currency, pending, closes })
    };
    vec![
        ("merchant_status_set/applied", status(MerchantStatus::Applied)),
        ("merchant_status_set/active", status(MerchantStatus::Active)),
        ("merchant_status_set/suspended", status(MerchantStatus::Suspended)),
        ("merchant_status_set/closed", status(MerchantStatus::Closed)),
        ("fee_plan_set", Event::FeePlanSet(merchant(0), START, plan())),
        ("settlement_terms_set", Event::SettlementTermsSet(merchant(0), terms())),
        ("settlement_terms_set/weekly", Event::SettlementTermsSet(merchant(0), other_terms())),
        ("window_opened", window(Some(closing()))),
        ("window_opened/endless", window(None)),
    ]
}

fn payouts() -> Vec<(&'static str, Event)> {
    let at = payout().created_at.plus(2);
    let reported = |status, way| Event::PayoutReported(moved(Payout { status, ..submitted_payout() }, way, 3_801));
    let reason = text("account closed");
    let bare = Settlement { reserved: 0, reserved_until: None, ..settlement() };
    let asked_for = Payout { settlement: None, ..payout() };
    vec![
        ("settlement_closed", Event::SettlementClosed(moved_twice(settlement(), code::SETTLEMENT, [60, 3_801]))),
        ("settlement_closed/empty", Event::SettlementClosed(Moved { what: bare, legs: Vec::new() })),
        ("reserve_released", Event::ReserveReleased(moved(reserve_release(), code::RESERVE_RELEASE, 500))),
        ("payout_created", Event::PayoutCreated(moved(payout(), code::PAYOUT, 3_801))),
        ("payout_created/asked_for", Event::PayoutCreated(moved(asked_for, code::PAYOUT, 3_801))),
        ("payout_skipped", Event::PayoutSkipped(settlement().id)),
        ("payout_submitted", Event::PayoutSubmitted(submitted_payout())),
        ("payout_reported/paid", reported(PayoutStatus::Paid { at }, code::PAYOUT_PAID)),
        (
            "payout_reported/failed",
            reported(PayoutStatus::Failed { at, reason: reason.clone() }, code::PAYOUT_RETURNED),
        ),
        ("payout_reported/returned", reported(PayoutStatus::Returned { at, reason }, code::PAYOUT_RETURNED)),
    ]
}

/// The place of each event among the variants, by which it is stored. Who adds one finds here that it needs golden lines.
fn place(event: &Event) -> u8 {
    match event {
        Event::AccountOpened(_) => 0,
        Event::TagRegistered(_) => 1,
        Event::DepositSucceeded(_) => 2,
        Event::OrderCreated(_) => 3,
        Event::OrderCancelled(_) => 4,
        Event::OrderExpired(_) => 5,
        Event::TapAccepted(_) => 6,
        Event::TapRefused(_) => 7,
        Event::PaymentSucceeded(_) => 8,
        Event::PaymentDeclined(_) => 9,
        Event::RequestRefused(_) => 10,
        Event::RequestAnswered(_) => 11,
        Event::OrderPlaced(_) => 12,
        Event::PaymentMade(_) => 13,
        Event::PaymentCaptured(_) => 14,
        Event::HoldReleased(_) => 15,
        Event::PaymentRefunded(_) => 16,
        Event::DisputeOpened(_) => 17,
        Event::DisputeAnswered(_) => 18,
        Event::DisputeClosed(_) => 19,
        Event::MerchantStatusSet(..) => 20,
        Event::FeePlanSet(..) => 21,
        Event::SettlementTermsSet(..) => 22,
        Event::WindowOpened(_) => 23,
        Event::SettlementClosed(_) => 24,
        Event::ReserveReleased(_) => 25,
        Event::PayoutCreated(_) => 26,
        Event::PayoutSkipped(_) => 27,
        Event::PayoutSubmitted(_) => 28,
        Event::PayoutReported(_) => 29,
    }
}

/// Every event, for nobody's request and for somebody's.
fn samples() -> Vec<(String, Record)> {
    let request = Request { key: RequestKey([0xa1; 16]), body: BodyDigest([0xb2; 16]) };
    let pair = |(name, event): (String, Event)| {
        let plain = Record { at: START, request: None, event: event.clone() };
        let keyed = Record { at: UnixMillis(u64::MAX), request: Some(request), event };
        [(name.clone(), plain), (format!("{name}+request"), keyed)]
    };
    events().into_iter().flat_map(pair).collect()
}

fn bytes(record: &Record) -> Vec<u8> {
    let mut frame = FrameBuffer::new();
    encode(record, &mut frame);
    frame.payload().to_vec()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn from_hexadecimal(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

#[test]
fn version_1_reads_and_writes_the_same_for_ever() {
    let golden: Vec<&str> = GOLDEN.lines().collect();
    let samples = samples();
    let written: Vec<String> =
        samples.iter().map(|(name, record)| format!("{name} {}", hexadecimal(&bytes(record)))).collect();
    for ((golden, written), (name, record)) in golden.iter().zip(&written).zip(&samples) {
        assert_eq!(golden, written);
        let stored = from_hexadecimal(golden.split_once(' ').unwrap().1);
        assert_eq!(decode(&stored, 1).as_deref(), Ok(std::slice::from_ref(record)), "{name}");
    }
    assert!(golden.len() <= written.len(), "no line goes");
    assert_eq!(golden.len(), written.len(), "append these lines:\n{}", written[golden.len()..].join("\n"));
}

/// Of each enum that is stored by place, each variant has its line.
#[test]
fn every_variant_is_pinned() {
    // The time takes six bytes, "no request" one; then come the places of the event and of what it holds.
    let plain: Vec<_> = samples().into_iter().filter(|(_, record)| record.request.is_none()).collect();
    for (name, record) in &plain {
        assert_eq!(bytes(record)[7], place(&record.event), "{name}");
    }
    let places = |event: Option<u8>| -> BTreeSet<u8> {
        let all = plain.iter().map(|(_, record)| bytes(record));
        match event {
            None => all.map(|bytes| bytes[7]).collect(),
            Some(event) => all.filter(|bytes| bytes[7] == event).map(|bytes| bytes[8]).collect(),
        }
    };
    assert_eq!(places(None), (0..30).collect());
    assert_eq!(places(Some(10)), (0..39).collect(), "rejections");
    assert_eq!(places(Some(11)), (0..16).collect(), "outcomes");
    let next = |event: u8, place: u8| {
        let mut unknown = bytes(&plain[0].1)[..7].to_vec();
        unknown.extend([event, place]);
        unknown.extend([0; 64]);
        unknown
    };
    for (event, place) in [(30, 0), (10, 39), (11, 16)] {
        assert_eq!(decode(&next(event, place), 1), Err(UnknownRecord { index: 0 }), "{event} {place}: no line for it");
    }
}

/// What was written before there were merchants says to the fold what it said then: all moved at once, nothing is
/// charged, nobody else receives.
#[test]
fn old_forms_are_read_as_what_they_meant() {
    let stored = |name: &str| {
        let line = GOLDEN.lines().find(|line| line.split_once(' ').unwrap().0 == name).unwrap();
        decode(&from_hexadecimal(line.split_once(' ').unwrap().1), 1).unwrap().remove(0).event
    };
    assert_eq!(stored("order_created"), Event::OrderCreated(order()));
    let Event::PaymentSucceeded(paid) = stored("payment_succeeded") else { panic!("a payment") };
    assert_eq!(paid, moved(payment(), code::PAYMENT, 1_250));
    assert_eq!(paid.what, paid.what.as_created());
    assert_eq!((paid.what.refundable(), paid.what.capturable()), (1_250, 0));
    let Event::DepositSucceeded(entered) = stored("deposit_succeeded") else { panic!("a deposit") };
    let legs: Vec<_> = entered.legs.iter().map(|leg| (leg.code, leg.amount)).collect();
    assert_eq!(legs, [(code::DEPOSIT, Amount::MAX.minor_units())]);
}

#[test]
fn a_frame_holds_records_one_after_the_other() {
    let mut frame = FrameBuffer::new();
    samples().iter().for_each(|(_, record)| encode(record, &mut frame));
    let records: Vec<Record> = samples().into_iter().map(|(_, record)| record).collect();
    let count = u32::try_from(records.len()).unwrap();
    assert_eq!(decode(frame.payload(), count), Ok(records));
    assert_eq!(decode(frame.payload(), count + 1), Err(UnknownRecord { index: count }));
}

#[test]
fn what_follows_the_last_record_is_refused() {
    let record = bytes(&samples()[0].1);
    let mut longer = record.clone();
    longer.push(0);
    assert_eq!(decode(&longer, 1), Err(UnknownRecord { index: 1 }));
    assert_eq!(decode(&record, 0), Err(UnknownRecord { index: 0 }));
    assert_eq!(decode(&[], 0), Ok(Vec::new()));
}

#[test]
fn a_kind_from_the_future_is_named_by_its_place() {
    let known = bytes(&samples()[0].1);
    let mut payload = known.clone();
    // Time 0, no request, event 127.
    payload.extend([0, 0, 127]);
    let error = decode(&payload, 2).unwrap_err();
    assert_eq!(error, UnknownRecord { index: 1 });
    assert!(error.to_string().contains("a newer one"), "{error}");
}

#[test]
fn values_that_no_version_writes_are_refused() {
    let record = Record { at: START, request: None, event: Event::OrderCreated(order()) };
    let good = bytes(&record);
    let text = "两碗面".as_bytes();
    let at = good.windows(text.len()).position(|window| window == text).unwrap();
    for (index, byte) in [(at, 0xff), (at, b'\n'), (at - 1, 0xff), (at - 1, 0)] {
        let mut bad = good.clone();
        bad[index] = byte;
        assert!(decode(&bad, 1).is_err(), "byte {index} as {byte:#x}");
    }
}

/// A count and lengths that lie cost no memory: four thousand million records are announced, and a text of 2^60 bytes.
#[test]
fn lengths_that_lie_allocate_nothing() {
    assert_eq!(decode(&[0; 4], u32::MAX).unwrap_err().index, 0);
    let mut bad = vec![0, 0, 3];
    bad.extend([0; 48]);
    bad.extend([156, 1, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]);
    assert!(decode(&bad, 1).is_err());
    let big = vec![0xff; 1 << 20];
    assert!(decode(&big, u32::MAX).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_decode_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400), count: u32) {
        let _ = decode(&bytes, count);
        let _ = decode(&bytes, 1);
    }

    #[test]
    fn a_changed_byte_never_panics_and_never_goes_unnoticed(which: proptest::sample::Index, place: proptest::sample::Index, mask in 1u8..) {
        let samples = samples();
        let (_, record) = which.get(&samples);
        let mut changed = bytes(record);
        let place = place.index(changed.len());
        changed[place] ^= mask;
        if let Ok(decoded) = decode(&changed, 1) {
            prop_assert_ne!(&decoded[0], record);
        }
    }

    #[test]
    fn whole_histories_survive(ops in lives(60)) {
        let mut world = World::new();
        ops.iter().for_each(|op| world.live(op));
        let mut frame = FrameBuffer::new();
        world.journal.iter().for_each(|record| encode(record, &mut frame));
        let count = u32::try_from(world.journal.len()).unwrap();
        prop_assert_eq!(decode(frame.payload(), count).unwrap(), world.journal);
    }
}
