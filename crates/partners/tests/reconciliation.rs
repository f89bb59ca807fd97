//! What the bank says beside what we think: reports and breaks.

#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use ids::{PayoutId, SettlementId};
use jiff::civil::date;
use money::{Amount, Currency, Money};
use partners::PartnerError;
use partners::bank::{
    Account, Bank, BankLine, Cursor, Direction, LineKind, LocalAccount, Page, PayoutInstruction, Submission, end_to_end,
};
use partners::reconciliation::{
    Break, BreakFilter, BreakKind, BreakState, Happening, Now, PayoutFact, PayoutState, Reconciliation, Report,
    SettlementFact,
};
use proptest::prelude::*;
use tempfile::TempDir;

const DAY: u64 = 86_400_000;
const EXPECTED_BY_MS: u64 = 3 * DAY;

/// A bank that says what it is told to say.
#[derive(Default)]
struct Told(Mutex<Vec<BankLine>>);

impl Bank for Told {
    fn name(&self) -> &'static str {
        "told"
    }
    fn submit(&self, _: &PayoutInstruction, _: u64) -> Submission {
        unreachable!("nobody asks")
    }
    fn lines_since(&self, cursor: Cursor, limit: usize, _: u64) -> Result<Page, PartnerError> {
        let lines = self.0.lock().unwrap();
        let from = usize::try_from(cursor.0).unwrap();
        let lines: Vec<_> = lines.iter().skip(from).take(limit).cloned().collect();
        Ok(Page { next: Cursor(cursor.0 + lines.len() as u64), lines })
    }
}

/// Books, a bank, a clock.
struct World {
    _folder: TempDir,
    books: Reconciliation,
    bank: Told,
    now_ms: u64,
    ids: u128,
}

fn money(minor: u64, currency: &str) -> Money {
    Money::new(Amount::new(minor).unwrap(), Currency::from_alpha(currency).unwrap())
}

fn payout(number: u128) -> PayoutId {
    PayoutId::from_u128(number)
}

/// What we think of a payout of 1,000.
fn fact(number: u128, state: PayoutState) -> PayoutFact {
    let (payout, money, due_on) = (payout(number), money(1_000, "EUR"), date(2026, 11, 20));
    PayoutFact { payout, money, state, due_on, expected_by_ms: EXPECTED_BY_MS }
}

fn line(number: u128, minor: u64, kind: LineKind) -> BankLine {
    let direction = if matches!(kind, LineKind::Returned { .. }) { Direction::Credit } else { Direction::Debit };
    let reference = Some(end_to_end(payout(number)));
    BankLine { line: String::new(), reference, money: money(minor, "EUR"), direction, booked_at_ms: 5, kind }
}

fn failed() -> LineKind {
    LineKind::Failed { reason: "AC04".to_owned() }
}

fn returned() -> LineKind {
    LineKind::Returned { reason: "AC06".to_owned() }
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let books = Reconciliation::open(folder.path()).unwrap();
        Self { _folder: folder, books, bank: Told::default(), now_ms: 1_000, ids: 0 }
    }

    fn with<T>(&mut self, work: impl FnOnce(&mut Reconciliation, &Told, &mut Now<'_>) -> T) -> T {
        let ids = &mut self.ids;
        let mut random = || {
            *ids += 1;
            *ids
        };
        let done = work(&mut self.books, &self.bank, &mut Now { at_ms: self.now_ms, random: &mut random });
        self.now_ms += 1_000;
        done
    }

    /// We think this of a payout of 1,000.
    fn think(&mut self, number: u128, state: PayoutState) {
        let fact = fact(number, state);
        self.with(|books, _, now| books.note_payouts(&[fact], now)).unwrap();
    }

    /// The bank says this, and we hear it.
    fn hear(&mut self, line: BankLine) {
        {
            let mut lines = self.bank.0.lock().unwrap();
            let name = if line.line.is_empty() { format!("L{}", lines.len()) } else { line.line.clone() };
            lines.push(BankLine { line: name, ..line });
        }
        self.with(|books, bank, now| books.pull(bank, now)).unwrap();
    }

    /// Reports that wait, taken in by the money core, which believes them.
    fn reports(&mut self) -> Vec<(PayoutId, &'static str)> {
        self.reports_to(|report| match report.happening {
            Happening::Paid { .. } => PayoutState::Paid,
            Happening::Failed { .. } => PayoutState::Failed,
            Happening::Returned { .. } => PayoutState::Returned,
        })
    }

    /// Reports that wait, and what the money core thinks since.
    fn reports_to(&mut self, think: impl Fn(&Report) -> PayoutState) -> Vec<(PayoutId, &'static str)> {
        let reports = self.books.reports(100).unwrap();
        assert_eq!(reports, self.books.reports(100).unwrap(), "handed out until acknowledged");
        for report in &reports {
            let fact = PayoutFact { payout: report.payout, ..fact(0, think(report)) };
            self.with(|books, _, now| books.acknowledge(&[(report.number, fact)], now)).unwrap();
        }
        let name = |happening: &Happening| match happening {
            Happening::Paid { .. } => "paid",
            Happening::Failed { .. } => "failed",
            Happening::Returned { .. } => "returned",
        };
        reports.iter().map(|report| (report.payout, name(&report.happening))).collect()
    }

    fn open(&self) -> Vec<(BreakKind, u64)> {
        self.breaks(BreakFilter::Open).iter().map(|found| (found.kind, found.amount)).collect()
    }

    fn breaks(&self, filter: BreakFilter) -> Vec<Break> {
        self.books.breaks(filter, None, None, 100).unwrap()
    }
}

#[test]
fn what_agrees_is_reported_once_and_breaks_nothing() {
    let mut world = World::new();
    for number in 1..=3 {
        world.think(number, PayoutState::Submitted);
    }
    world.hear(line(1, 1_000, LineKind::Paid));
    world.hear(line(2, 1_000, failed()));
    world.hear(line(3, 1_000, LineKind::Paid));
    world.hear(line(3, 1_000, returned()));
    let expected = [(payout(1), "paid"), (payout(2), "failed"), (payout(3), "paid"), (payout(3), "returned")];
    assert_eq!(world.reports(), expected);
    for (number, state) in [(1, PayoutState::Paid), (2, PayoutState::Failed), (3, PayoutState::Returned)] {
        world.think(number, state);
    }
    assert_eq!(world.reports(), []);
    assert_eq!(world.open(), []);
}

#[test]
fn bug_06_a_line_told_twice_is_one() {
    let mut world = World::new();
    world.think(1, PayoutState::Submitted);
    for _ in 0..3 {
        world.hear(BankLine { line: "same".to_owned(), ..line(1, 1_000, LineKind::Paid) });
    }
    assert_eq!(world.reports(), [(payout(1), "paid")]);
    assert_eq!(world.open(), []);
}

#[test]
fn bug_08_a_payment_that_its_settlement_misses_is_a_break_until_they_agree() {
    let mut world = World::new();
    let fact = |payments| SettlementFact {
        settlement: SettlementId::from_u128(1),
        currency: Currency::from_alpha("KWD").unwrap(),
        payments,
        ledger: 10_000,
        statement: 10_000,
    };
    let mut compare = |payments| {
        world.with(|books, _, now| books.note_settlements(&[fact(payments)], payments, now)).unwrap();
        world.breaks(BreakFilter::All).into_iter().map(|found| (found.amount, found.state)).collect::<Vec<_>>()
    };
    assert_eq!(compare(10_000), []);
    assert_eq!(compare(9_500), [(500, BreakState::Open)]);
    assert_eq!(compare(9_400), [(600, BreakState::Open)], "the same break, brought up to date");
    let healed = compare(10_000);
    assert!(matches!(&healed[..], [(600, BreakState::Healed { note, .. })] if note == "payments and ledger agree now"));
    assert_eq!(compare(9_400).len(), 2, "a new one");
}

#[test]
fn a_statement_that_says_something_else_is_a_break_too() {
    let mut world = World::new();
    let (settlement, currency) = (SettlementId::from_u128(1), Currency::from_alpha("JPY").unwrap());
    let fact = SettlementFact { settlement, currency, payments: 70, ledger: 70, statement: 71 };
    world.with(|books, _, now| books.note_settlements(&[fact], 9, now)).unwrap();
    assert_eq!(world.open(), [(BreakKind::PaymentsDifferFromLedger, 1)]);
    assert_eq!(world.books.compared_until().unwrap(), 9);
    world.with(|books, _, now| books.note_settlements(&[], 4, now)).unwrap();
    assert_eq!(world.books.compared_until().unwrap(), 9, "it never goes back");
}

#[test]
fn bug_20_a_bank_asked_again_is_asked_for_the_same() {
    let mut world = World::new();
    let fact = fact(1, PayoutState::Submitted);
    let asked = |account: Account, holder: &str| PayoutInstruction {
        payout: fact.payout,
        money: fact.money,
        account,
        holder: holder.to_owned(),
        due_on: fact.due_on,
        created_at_ms: 7,
    };
    assert_eq!(world.books.instruction(fact.payout).unwrap(), None);
    let first = asked(Account::Local(LocalAccount::new("CNAPS-1", "62220200").unwrap()), "Lantern Tea");
    world.with(|books, _, now| books.prepare(&[(fact, first.clone())], now)).unwrap();
    let iban = terms::Iban::parse("DE89370400440532013000").unwrap();
    for account in [Account::Iban(iban), Account::Local(LocalAccount::new("CNAPS-2", "62220200").unwrap())] {
        world.with(|books, _, now| books.prepare(&[(fact, asked(account, "Someone else"))], now)).unwrap();
        assert_eq!(world.books.instruction(fact.payout).unwrap(), Some(first.clone()));
    }
}

#[test]
fn silence_is_a_break_that_a_late_report_heals() {
    let mut world = World::new();
    world.think(1, PayoutState::Submitted);
    world.think(2, PayoutState::Failed);
    world.now_ms = EXPECTED_BY_MS - 1;
    world.with(|books, _, now| books.look_for_silence(now)).unwrap();
    assert_eq!(world.open(), [], "not yet");
    world.now_ms = EXPECTED_BY_MS;
    world.with(|books, _, now| books.look_for_silence(now)).unwrap();
    assert_eq!(world.open(), [(BreakKind::MissingAtBank, 1_000)]);
    world.think(1, PayoutState::Submitted);
    world.with(|books, _, now| books.look_for_silence(now)).unwrap();
    assert_eq!(world.open().len(), 1, "once");
    let opened_at = world.breaks(BreakFilter::Open)[0].opened_at_ms;
    world.now_ms += 5 * DAY;
    assert_eq!(world.breaks(BreakFilter::Open)[0].age_ms(opened_at + 5 * DAY), 5 * DAY);
    world.hear(line(1, 1_000, LineKind::Paid));
    assert_eq!(world.open(), []);
    let healed = &world.breaks(BreakFilter::Healed)[0];
    assert!(matches!(&healed.state, BreakState::Healed { note, .. } if note.contains("L0")), "{healed:?}");
    assert!(healed.age_ms(u64::MAX) > 5 * DAY);
    assert_eq!(world.reports(), [(payout(1), "paid")]);
}

#[test]
fn another_amount_is_a_break_and_no_report_until_the_sum_is_right() {
    let mut world = World::new();
    world.think(1, PayoutState::Submitted);
    world.hear(line(1, 400, LineKind::Paid));
    assert_eq!(world.open(), [(BreakKind::AmountDiffers, 600)]);
    assert_eq!(world.reports(), []);
    world.hear(line(1, 600, LineKind::Paid));
    assert_eq!(world.open(), []);
    assert_eq!(world.reports(), [(payout(1), "paid")]);
    world.hear(line(1, 300, returned()));
    assert_eq!(world.open(), [(BreakKind::AmountDiffers, 300)]);
    world.hear(line(1, 700, returned()));
    assert_eq!(world.open(), []);
    assert_eq!(world.reports(), [(payout(1), "returned")]);
}

#[test]
fn another_currency_is_a_break() {
    let mut world = World::new();
    world.think(1, PayoutState::Submitted);
    world.hear(BankLine { money: money(1_000, "JPY"), ..line(1, 1_000, LineKind::Paid) });
    assert_eq!(world.open(), [(BreakKind::AmountDiffers, 1_000)]);
    assert_eq!(world.reports(), []);
}

#[test]
fn paid_twice_is_reported_once_and_heals_when_one_comes_back() {
    let mut world = World::new();
    world.think(1, PayoutState::Submitted);
    world.hear(line(1, 1_000, LineKind::Paid));
    world.hear(line(1, 1_000, LineKind::Paid));
    assert_eq!(world.reports(), [(payout(1), "paid")]);
    assert_eq!(world.open(), [(BreakKind::PaidTwice, 1_000)]);
    world.hear(line(1, 1_000, returned()));
    assert_eq!(world.open(), []);
    assert_eq!(world.reports(), [], "it is still paid");
}

#[test]
fn a_return_that_is_told_before_the_payment_waits_for_it() {
    let mut world = World::new();
    world.think(1, PayoutState::Submitted);
    world.hear(line(1, 1_000, returned()));
    assert_eq!(world.open(), [(BreakKind::StatusDiffers, 1_000)]);
    assert_eq!(world.reports(), []);
    world.hear(line(1, 1_000, LineKind::Paid));
    assert_eq!(world.open(), []);
    assert_eq!(world.reports(), [(payout(1), "paid"), (payout(1), "returned")]);
}

#[test]
fn a_bank_that_contradicts_itself_or_us_is_a_break() {
    let mut world = World::new();
    world.think(1, PayoutState::Submitted);
    world.hear(line(1, 1_000, LineKind::Paid));
    world.hear(line(1, 1_000, failed()));
    assert_eq!(world.open(), [(BreakKind::StatusDiffers, 1_000)], "failed after it was paid");
    assert_eq!(world.reports(), [(payout(1), "paid")]);

    let mut world = World::new();
    world.think(1, PayoutState::Failed);
    world.hear(line(1, 1_000, LineKind::Paid));
    assert_eq!(world.open(), [(BreakKind::StatusDiffers, 1_000)], "refused by the bank, says our side");
    assert_eq!(world.reports(), []);

    let mut world = World::new();
    world.think(1, PayoutState::Submitted);
    world.hear(line(1, 1_000, LineKind::Paid));
    world.think(1, PayoutState::Submitted);
    assert_eq!(world.open(), [], "the money core was not told yet");
    assert_eq!(world.reports_to(|_| PayoutState::Submitted).len(), 1);
    assert_eq!(world.open(), [(BreakKind::StatusDiffers, 1_000)], "it was told, and thinks otherwise");
    world.think(1, PayoutState::Paid);
    assert_eq!(world.open(), []);
}

#[test]
fn what_is_not_ours_is_a_break_until_it_turns_out_to_be() {
    let mut world = World::new();
    world.hear(line(1, 1_000, LineKind::Paid));
    world.hear(BankLine { reference: None, ..line(9, 50, LineKind::Other) });
    world.think(1, PayoutState::Submitted);
    assert_eq!(world.open(), [(BreakKind::UnknownAtBank, 50)]);
    assert_eq!(world.reports(), [(payout(1), "paid")]);
    // A charge for a payout carries its reference and is no payment, whenever it comes.
    world.hear(line(1, 7, LineKind::Other));
    world.hear(line(2, 8, LineKind::Other));
    world.think(2, PayoutState::Submitted);
    world.think(1, PayoutState::Paid);
    let unknown = [50, 7, 8].map(|amount| (BreakKind::UnknownAtBank, amount));
    assert_eq!(world.open(), unknown);
}

#[test]
fn what_a_person_resolved_stays_resolved_unless_it_changes() {
    let mut world = World::new();
    world.think(1, PayoutState::Submitted);
    world.hear(line(1, 1_001, LineKind::Paid));
    let found = world.breaks(BreakFilter::Open)[0].clone();
    world.with(|books, _, now| books.resolve(found.id, "the bank's fault, waived", "ops@example.com", now)).unwrap();
    let again = world.with(|books, _, now| books.resolve(found.id, "again", "x", now));
    assert!(matches!(again, Err(PartnerError::NoOpenBreak)));
    let state = world.books.find_break(found.id).unwrap().unwrap().state;
    assert!(
        matches!(state, BreakState::Resolved { by, text, .. } if by == "ops@example.com" && text.contains("waived"))
    );
    world.think(1, PayoutState::Submitted);
    assert_eq!(world.open(), []);
    world.hear(line(1, 5, LineKind::Paid));
    assert_eq!(world.open(), [(BreakKind::PaidTwice, 6)]);
}

#[test]
fn lists_go_page_by_page() {
    let mut world = World::new();
    for amount in 1..=25 {
        world.hear(BankLine { reference: None, ..line(9, amount, LineKind::Other) });
    }
    let mut seen = Vec::new();
    while let page =
        world.books.breaks(BreakFilter::Open, Some(BreakKind::UnknownAtBank), seen.last().copied(), 10).unwrap()
        && !page.is_empty()
    {
        seen.extend(page.into_iter().map(|found| found.id));
    }
    assert_eq!(seen.len(), 25);
    assert!(seen.is_sorted());
    assert_eq!(world.books.breaks(BreakFilter::All, Some(BreakKind::PaidTwice), None, 10).unwrap(), []);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever a bank says, in whatever order: reports come at most once, in an order that the money core can take, and
    /// are never of money that did not move; what is neither reported nor right is a break.
    #[test]
    fn any_lines_lead_to_reports_that_can_be_taken(lines in prop::collection::vec((0u8..4, 1u64..4), 0..8)) {
        let mut world = World::new();
        world.think(1, PayoutState::Submitted);
        let mut reports = Vec::new();
        let (mut out, mut back) = (0, 0);
        for (kind, thousands) in lines {
            let amount = thousands * 500;
            match kind {
                0 | 1 => { out += amount; world.hear(line(1, amount, LineKind::Paid)); }
                2 => { back += amount; world.hear(line(1, amount, returned())); }
                _ => world.hear(line(1, amount, failed())),
            }
            reports.extend(world.reports().into_iter().map(|(_, name)| name));
        }
        prop_assert!(matches!(&reports[..], [] | ["paid"] | ["failed"] | ["paid", "returned"]), "{:?}", reports);
        let should_be_out = if reports == ["paid"] { 1_000 } else { 0 };
        if i128::from(out) - i128::from(back) != should_be_out {
            prop_assert!(!world.open().is_empty(), "{out} {back} {reports:?}");
        }
    }
}
