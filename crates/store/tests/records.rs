//! Records as bytes: the format of version 1 for ever, and nothing that hostile bytes can do.
#![allow(clippy::unwrap_used)]

#[path = "../../payments/tests/support/mod.rs"]
mod support;

use std::fmt::Write as _;

use ids::{AccountId, DepositId, OrderId, PaymentId, TapId};
use journal::FrameBuffer;
use money::Amount;
use payments::{
    BodyDigest, DeclinedPayment, Deposit, Event, Order, OrderStatus, Outcome, Owner, Payment, Record, RefusedTap,
    RegisteredTag, Rejection, Request, RequestKey, Settled, TagMode, Tap, Text, UnixMillis, account_code,
};
use proptest::prelude::*;
use store::records::{UnknownRecord, decode, encode};
use support::world::{World, lives};
use support::{START, account, amount, cny, currency, merchant, registered, tag_id, wallet};

/// What version 1 wrote, one record a line: a name, and the bytes in hexadecimal.
///
/// Journals hold these bytes for ever, so no line may ever change or go. When an event must say more, it becomes a new
/// variant at the end of its enum, with new lines at the end of the file (a failing test prints them); the old
/// variant and its lines stay.
const GOLDEN: &str = include_str!("golden/records-v1.txt");

fn order() -> Order {
    Order {
        id: OrderId::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
        merchant: merchant(0),
        tag: tag_id(0),
        currency: cny(),
        amount: Some(amount(1_250)),
        description: Some(Text::try_from("两碗面".to_owned()).unwrap()),
        reference: None,
        created_at: START,
        expires_at: START.plus(900_000),
        status: OrderStatus::Open,
    }
}

fn tap() -> Tap {
    Tap {
        id: TapId::from_u128(7),
        wallet: wallet(0),
        tag: tag_id(0),
        merchant: merchant(0),
        counter: 0x00ff_ffff,
        order: Some(order().id),
        currency: cny(),
        created_at: START.plus(1_000),
    }
}

fn payment() -> Payment {
    Payment {
        id: PaymentId::from_u128(u128::MAX),
        wallet: wallet(0),
        merchant: merchant(0),
        tag: tag_id(0),
        tap: tap().id,
        order: Some(order().id),
        description: order().description,
        currency: cny(),
        amount: amount(1_250),
        created_at: START.plus(2_000),
    }
}

fn settled<T>(what: T) -> Settled<T> {
    Settled { what, debit_account: AccountId::from_u128(1), credit_account: AccountId::from_u128(2) }
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
        ("deposit_succeeded", Event::DepositSucceeded(settled(deposit))),
        ("order_created", Event::OrderCreated(order())),
        ("order_created/bare", Event::OrderCreated(bare)),
        ("order_created/cancelled", Event::OrderCreated(cancelled)),
        ("order_created/expired", Event::OrderCreated(expired)),
        ("order_cancelled", Event::OrderCancelled(order().id)),
        ("order_expired", Event::OrderExpired(order().id)),
        ("tap_accepted", Event::TapAccepted(tap())),
        ("tap_accepted/standing", Event::TapAccepted(standing_tap)),
        ("tap_refused", Event::TapRefused(refused)),
        ("payment_succeeded", Event::PaymentSucceeded(settled(payment()))),
        ("payment_succeeded/standing", Event::PaymentSucceeded(settled(standing_payment))),
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
    named.into_iter().chain(refused).chain(answered).collect()
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
