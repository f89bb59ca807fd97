//! The sandbox's bank: each magic ending, asking again, and restarts.

#![allow(clippy::unwrap_used)]

use ids::PayoutId;
use jiff::civil::date;
use money::{Currency, Money};
use partners::bank::{Account, Bank, Cursor, Direction, LineKind, PayoutInstruction, SandboxBank, Submission};
use terms::Iban;

const HOUR: u64 = 3_600_000;
const DAY: u64 = 24 * HOUR;
const START: u64 = 1_795_350_600_000;

fn account(ending: &str) -> Account {
    let iban = (0..100).find_map(|check| Iban::parse(&format!("DE{check:02}37040044053201{ending}")).ok());
    Account::Iban(iban.unwrap())
}

fn instruction(number: u128, ending: &str) -> PayoutInstruction {
    PayoutInstruction {
        payout: PayoutId::from_parts(START, number),
        money: Money::parse_decimal("12.50", Currency::from_alpha("EUR").unwrap()).unwrap(),
        account: account(ending),
        holder: "Morning Light".to_owned(),
        due_on: date(2026, 11, 22),
        created_at_ms: START,
    }
}

/// When the lines are first seen, looking every hour for ten days, and what they say.
fn reported(bank: &SandboxBank) -> Vec<(u64, &'static str, u64, Direction)> {
    let mut cursor = Cursor::default();
    let mut seen = Vec::new();
    for hours in 0..240 {
        let page = bank.lines_since(cursor, 10, START + hours * HOUR).unwrap();
        cursor = page.next;
        seen.extend(page.lines.into_iter().map(|line| {
            let kind = match line.kind {
                LineKind::Paid => "paid",
                LineKind::Failed { .. } => "failed",
                LineKind::Returned { .. } => "returned",
                LineKind::Other => "other",
            };
            (hours, kind, line.money.amount().minor_units(), line.direction)
        }));
    }
    seen
}

#[test]
fn each_ending_has_its_outcome() {
    use Direction::{Credit, Debit};
    let late = 1 + 5 * 24;
    for (ending, expected) in [
        ("0001", vec![(1, "paid", 1250, Debit)]),
        ("3000", vec![(1, "paid", 1250, Debit)]),
        ("0002", vec![(1, "failed", 1250, Debit)]),
        ("0003", vec![(1, "paid", 1250, Debit), (49, "returned", 1250, Credit)]),
        ("0004", vec![(late, "paid", 1250, Debit)]),
        ("0005", vec![(1, "paid", 1251, Debit)]),
        ("0006", vec![(1, "paid", 1250, Debit), (2, "paid", 1250, Debit)]),
        ("0007", vec![]),
        ("0008", vec![]),
        ("0009", vec![(1, "paid", 1250, Debit)]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let bank = SandboxBank::open(folder.path()).unwrap();
        let (first, again) =
            (bank.submit(&instruction(1, ending), START), bank.submit(&instruction(1, ending), START + HOUR / 2));
        match ending {
            "0008" => assert!(matches!((&first, &again), (Submission::Refused { .. }, Submission::Refused { .. }))),
            "0009" => assert!(matches!((&first, &again), (Submission::Unknown { .. }, Submission::Accepted { .. }))),
            _ => assert!(
                matches!(&first, Submission::Accepted { .. }) && first == again,
                "{ending}: {first:?} {again:?}"
            ),
        }
        assert_eq!(reported(&bank), expected, "{ending}");
    }
}

#[test]
fn one_reference_is_one_payment() {
    let folder = tempfile::tempdir().unwrap();
    let bank = SandboxBank::open(folder.path()).unwrap();
    bank.submit(&instruction(1, "0001"), START);
    let other = PayoutInstruction { holder: "Somebody Else".to_owned(), ..instruction(1, "0001") };
    assert!(matches!(bank.submit(&other, START), Submission::Unknown { .. }));
    assert_eq!(reported(&bank).len(), 1);
}

#[test]
fn a_restart_forgets_nothing() {
    let folder = tempfile::tempdir().unwrap();
    SandboxBank::open(folder.path()).unwrap().submit(&instruction(1, "0003"), START);
    let bank = SandboxBank::open(folder.path()).unwrap();
    let first = bank.lines_since(Cursor::default(), 10, START + HOUR).unwrap();
    drop(bank);
    let bank = SandboxBank::open(folder.path()).unwrap();
    assert_eq!(bank.lines_since(Cursor::default(), 10, START + HOUR).unwrap(), first);
    assert!(matches!(bank.submit(&instruction(1, "0003"), START + DAY), Submission::Accepted { .. }));
    let later = bank.lines_since(first.next, 10, START + 3 * DAY).unwrap();
    assert_eq!(later.lines.len(), 1, "the return, and no second payment");
}

#[test]
fn lines_that_come_later_come_after_what_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let bank = SandboxBank::open(folder.path()).unwrap();
    bank.submit(&instruction(1, "0004"), START);
    bank.submit(&instruction(2, "0001"), START + DAY);
    let first = bank.lines_since(Cursor::default(), 1, START + 2 * DAY).unwrap();
    assert_eq!(first.lines.len(), 1);
    let second = bank.lines_since(first.next, 1, START + 6 * DAY).unwrap();
    assert_eq!(second.lines.len(), 1);
    assert!(second.lines[0].booked_at_ms < first.lines[0].booked_at_ms);
    assert!(bank.lines_since(second.next, 1, START + 9 * DAY).unwrap().lines.is_empty());
}

#[test]
fn nothing_shows_the_account() {
    let shown = format!("{:?}", instruction(1, "0001"));
    assert!(shown.contains("…0001") && !shown.contains("37040044"), "{shown}");
}
