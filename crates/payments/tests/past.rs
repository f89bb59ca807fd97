//! Old forms: what the first version wrote is read for ever, means what it meant, and is written again byte by byte.
#![allow(clippy::unwrap_used)]

use payments::{Beginning, Event, OrderStatus, Outcome, Payment, PaymentStatus, Record, transfer_code};

/// Lines of a name and bytes in hexadecimal, as the first version's journal holds them.
const GOLDEN: &str = include_str!("golden/records-v1.txt");

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<u8> = hexadecimal.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn records() -> Vec<(&'static str, Vec<u8>, Record)> {
    let line = |line: &'static str| {
        let (name, hexadecimal) = line.split_once(' ').unwrap();
        let bytes = bytes(hexadecimal);
        let record = postcard::from_bytes(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        (name, bytes, record)
    };
    GOLDEN.lines().map(line).collect()
}

fn called(name: &str) -> Event {
    let found = records().into_iter().find(|(known, ..)| *known == name);
    found.unwrap_or_else(|| panic!("no {name}")).2.event
}

#[test]
fn what_version_1_wrote_is_read_and_written_again_byte_by_byte() {
    let records = records();
    assert!(records.len() > 30, "{}", records.len());
    for (name, bytes, record) in records {
        assert_eq!(postcard::to_allocvec(&record).unwrap(), bytes, "{name}");
        assert_eq!(record.request.is_some(), name.ends_with("+request"), "{name}");
    }
}

#[test]
fn an_old_payment_moved_all_of_it_at_once_to_the_merchant() {
    for name in ["payment_succeeded", "payment_succeeded/standing"] {
        let event = called(name);
        let Event::PaymentSucceeded(moved) = &event else { panic!("{event:?}") };
        let Payment { amount, captured, refunded, disputed, fee, tip, began, status, .. } = moved.what;
        assert_eq!((amount.minor_units(), captured), (1_250, 1_250));
        assert_eq!((refunded, disputed, fee, tip), (0, 0, 0, 0));
        assert_eq!((began, status), (Beginning::Captured, PaymentStatus::Succeeded));
        assert_eq!((moved.what.refundable(), moved.what.as_created() == moved.what), (1_250, true));
        let [leg] = moved.legs[..] else { panic!("{moved:?}") };
        assert_eq!((leg.debit.as_u128(), leg.credit.as_u128()), (1, 2));
        assert_eq!((leg.amount, leg.code), (1_250, transfer_code::PAYMENT));
        let [transfer] = moved.transfers().collect::<Vec<_>>()[..] else { panic!("one transfer") };
        assert_eq!((transfer.id, transfer.amount), (moved.what.id.as_u128(), 1_250));
        assert_eq!(event.outcome(), Some(Outcome::PaymentSucceeded(moved.what.id)));
    }
}

#[test]
fn an_old_order_has_no_details() {
    let event = called("order_created");
    let Event::OrderCreated(order) = &event else { panic!("{event:?}") };
    assert_eq!((order.details.as_ref(), order.status), (None, OrderStatus::Open));
    assert_eq!(event.outcome(), Some(Outcome::OrderCreated(order.id)));
}

#[test]
fn an_old_deposit_is_one_movement() {
    let event = called("deposit_succeeded");
    let Event::DepositSucceeded(moved) = &event else { panic!("{event:?}") };
    let [leg] = moved.legs[..] else { panic!("{moved:?}") };
    assert_eq!((leg.debit.as_u128(), leg.credit.as_u128(), leg.code), (1, 2, transfer_code::DEPOSIT));
    assert_eq!(leg.amount, moved.what.amount.minor_units());
}

/// New forms cannot be written as old ones: what they say more would be lost.
#[test]
fn what_says_more_than_the_old_form_is_not_written_in_it() {
    let Event::PaymentSucceeded(mut moved) = called("payment_succeeded") else { panic!() };
    moved.legs.push(moved.legs[0]);
    assert!(postcard::to_allocvec(&Event::PaymentSucceeded(moved)).is_err());
    let Event::DepositSucceeded(mut moved) = called("deposit_succeeded") else { panic!() };
    moved.legs.clear();
    assert!(postcard::to_allocvec(&Event::DepositSucceeded(moved)).is_err());
}
