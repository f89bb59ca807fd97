//! Cut off at every step: SQLite is told to stop after so many of its instructions, then the books are opened again and
//! everything is done once more.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ids::PayoutId;
use jiff::civil::date;
use money::{Currency, Money};
use terms::Iban;

use super::*;
use crate::bank::{Account, Bank, PayoutInstruction, SandboxBank};

const HOUR: u64 = 3_600_000;
const START_MS: u64 = 1_795_350_600_000;
const DAYS: [u64; 5] = [0, 2, 50, 52, 200];

fn account(ending: &str) -> Account {
    let iban = (0..100).find_map(|check| Iban::parse(&format!("DE{check:02}37040044053201{ending}")).ok());
    Account::Iban(iban.unwrap())
}

fn payout(number: u128) -> PayoutId {
    PayoutId::from_parts(START_MS, number)
}

fn fact(number: u128, state: PayoutState) -> PayoutFact {
    let money = Money::parse_decimal("12.50", Currency::from_alpha("EUR").unwrap()).unwrap();
    let expected_by_ms = START_MS + 45 * HOUR;
    PayoutFact { payout: payout(number), money, state, due_on: date(2026, 11, 22), expected_by_ms }
}

/// The sandbox's bank with one payout of each kind; the last is not ours.
fn bank(folder: &Path) -> SandboxBank {
    let bank = SandboxBank::open(folder).unwrap();
    for (number, ending) in ["0001", "0002", "0003", "0004", "0005", "0006", "0007", "0001"].into_iter().enumerate() {
        let instruction = PayoutInstruction {
            payout: payout(number as u128),
            money: fact(0, PayoutState::Submitted).money,
            account: account(ending),
            holder: "Morning Light".to_owned(),
            due_on: date(2026, 11, 22),
            created_at_ms: START_MS,
        };
        bank.submit(&instruction, START_MS);
    }
    bank
}

/// The money core: it takes each report in once, by its number, and says what it thinks of the payouts.
#[derive(Default)]
struct Core {
    taken: Vec<Report>,
    /// How many ids of breaks were given away.
    ids: u128,
}

impl Core {
    fn take(&mut self, report: &Report) {
        if self.taken.iter().all(|taken| taken.number != report.number) {
            self.taken.push(report.clone());
        }
    }

    fn facts(&self) -> Vec<PayoutFact> {
        let state = |number| {
            let last = self.taken.iter().rfind(|report| report.payout == payout(number));
            match last.map(|report| &report.happening) {
                None => PayoutState::Submitted,
                Some(Happening::Paid { .. }) => PayoutState::Paid,
                Some(Happening::Failed { .. }) => PayoutState::Failed,
                Some(Happening::Returned { .. }) => PayoutState::Returned,
            }
        };
        (0..7).map(|number| fact(number, state(number))).collect()
    }
}

/// A week in the life of the books. Whatever fails, fails here.
fn live(folder: &Path, bank: &SandboxBank, core: &mut Core, fuse: Option<&Arc<AtomicU64>>) -> Result<(), PartnerError> {
    let mut books = Reconciliation::open(folder)?;
    if let Some(fuse) = fuse {
        let fuse = Arc::clone(fuse);
        let burn = move || fuse.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err();
        books.database.connection_mut().progress_handler(25, Some(burn)).unwrap();
    }
    for hours in DAYS {
        let mut ids = core.ids;
        core.ids += 1_000;
        let mut random = || {
            ids += 1;
            ids
        };
        let mut now = Now { at_ms: START_MS + hours * HOUR, random: &mut random };
        books.note_payouts(&core.facts(), &mut now)?;
        books.pull(bank, &mut now)?;
        books.look_for_silence(&mut now)?;
        for report in books.reports(100)? {
            core.take(&report);
            let facts = core.facts();
            let fact = facts.iter().find(|fact| fact.payout == report.payout).unwrap();
            books.acknowledge(&[(report.number, *fact)], &mut now)?;
        }
    }
    Ok(())
}

/// What the books say in the end, without ids and times.
fn said(folder: &Path, core: &Core) -> Vec<String> {
    let books = Reconciliation::open(folder).unwrap();
    let breaks = books.breaks(BreakFilter::All, None, None, 100).unwrap();
    let mut said: Vec<String> = breaks
        .iter()
        .map(|found| {
            let open = matches!(found.state, BreakState::Open);
            format!("{} {} {} {} open: {open}", found.subject, found.kind.code(), found.amount, found.detail)
        })
        .chain(core.taken.iter().map(|report| format!("{} {:?}", report.payout, report.happening)))
        .collect();
    said.sort();
    said
}

#[test]
fn bug_06_cut_off_at_any_step_and_done_again_it_comes_to_the_same() {
    let whole = tempfile::tempdir().unwrap();
    let mut core = Core::default();
    live(whole.path(), &bank(whole.path()), &mut core, None).unwrap();
    let expected = said(whole.path(), &core);
    // Paid, failed, paid and returned, paid late, paid twice.
    assert_eq!(core.taken.len(), 6, "{expected:#?}");
    let open = expected.iter().filter(|line| line.ends_with("open: true")).count();
    assert_eq!(open, 4, "wrong amount, twice, silent, unknown: {expected:#?}");

    let mut steps = 0;
    let mut cut_off = true;
    while cut_off {
        let folder = tempfile::tempdir().unwrap();
        let bank = bank(folder.path());
        let mut core = Core::default();
        let fuse = Arc::new(AtomicU64::new(steps));
        cut_off = live(folder.path(), &bank, &mut core, Some(&fuse)).is_err();
        live(folder.path(), &bank, &mut core, None).unwrap();
        assert_eq!(said(folder.path(), &core), expected, "cut off after step {steps}");
        // Each of the first steps, then ever larger strides: some hundred runs.
        steps += 1 + steps / 12;
    }
    assert!(steps > 100, "{steps}");
}
