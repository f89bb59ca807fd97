//! What a payout's lines mean. Pure: all lines in, the whole judgement out.
//!
//! The lines are gone through in the order in which they came, so what was concluded from the first ones stands when
//! more follow: a report is never taken back. What is concluded is about sums. A payout counts as paid when exactly its
//! amount has left the account, by however many lines, and as returned when all of it has come back.

use ids::PayoutId;

use crate::bank::{BankLine, LineKind};
use crate::reconciliation::breaks::{BreakKind, Finding};
use crate::reconciliation::facts::{PayoutFact, PayoutState};

/// All that is known of a payout.
pub(crate) struct Known {
    pub(crate) fact: PayoutFact,
    /// In the order in which they came.
    pub(crate) lines: Vec<BankLine>,
    /// Whether the bank should have said something by now.
    pub(crate) overdue: bool,
    /// How many reports the money core has taken in: what it thinks, it thinks since then.
    pub(crate) acknowledged: u32,
}

/// What the bank did, as the money core is to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// It paid.
    Paid {
        /// When it was booked, in Unix milliseconds.
        at_ms: u64,
    },
    /// It did not pay, and will not.
    Failed {
        /// When it said so.
        at_ms: u64,
        /// The bank's reason.
        reason: String,
    },
    /// It had paid, and the money came back.
    Returned {
        /// When it was booked.
        at_ms: u64,
        /// The bank's reason.
        reason: String,
    },
}

/// One thing for the money core to take in, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Names the report for ever; the numbers grow.
    pub number: u64,
    /// Which payout.
    pub payout: PayoutId,
    /// What the bank did.
    pub happening: Happening,
}

/// What follows.
pub(crate) struct Judgement {
    /// In their order; all that ever happened, not only what is new.
    pub(crate) happenings: Vec<Happening>,
    /// What does not agree now.
    pub(crate) findings: Vec<Finding>,
    /// Why whatever did not agree before does now.
    pub(crate) note: String,
}

/// Where a payout is, by the lines until now.
#[derive(Default)]
struct Progress {
    out: u128,
    back: u128,
    paid_lines: u32,
    state: Option<PayoutState>,
    contradicted: bool,
    other_currency: Option<Finding>,
}

pub(crate) fn judge(known: &Known) -> Judgement {
    let asked = u128::from(known.fact.money.amount().minor_units());
    // Refused when it was submitted, or given up since: the bank must not have paid.
    let given_up = known.fact.state == PayoutState::Failed;
    let mut progress = Progress::default();
    let mut happenings = Vec::new();
    for line in &known.lines {
        progress.add(line, &known.fact);
        let (at_ms, net) = (line.booked_at_ms, progress.out.checked_sub(progress.back));
        let reason = match &line.kind {
            LineKind::Failed { reason } | LineKind::Returned { reason } => reason.clone(),
            LineKind::Paid | LineKind::Other => String::new(),
        };
        match (progress.state, &line.kind) {
            (None, LineKind::Failed { .. }) if progress.out == 0 => {
                progress.state = Some(PayoutState::Failed);
                happenings.push(Happening::Failed { at_ms, reason });
            }
            (Some(PayoutState::Failed), LineKind::Failed { .. }) => {}
            (_, LineKind::Failed { .. }) => progress.contradicted = true,
            (None, _) if net == Some(asked) && !given_up => {
                progress.state = Some(PayoutState::Paid);
                happenings.push(Happening::Paid { at_ms });
            }
            // It had come back before we were told that it had left.
            (None, _) if net == Some(0) && progress.out == asked && !given_up => {
                progress.state = Some(PayoutState::Returned);
                happenings.push(Happening::Paid { at_ms });
                happenings.push(Happening::Returned { at_ms, reason });
            }
            (Some(PayoutState::Paid), LineKind::Returned { .. }) if net == Some(0) => {
                progress.state = Some(PayoutState::Returned);
                happenings.push(Happening::Returned { at_ms, reason });
            }
            _ => {}
        }
    }
    let told = !happenings.is_empty() && known.acknowledged as usize >= happenings.len();
    let findings = findings(known, &progress, asked, told);
    Judgement { happenings, findings, note: note(known) }
}

impl Progress {
    fn add(&mut self, line: &BankLine, fact: &PayoutFact) {
        let currency = line.money.currency();
        let amount = u128::from(line.money.amount().minor_units());
        if currency != fact.money.currency() && line.kind != LineKind::Other {
            self.other_currency = Some(Finding {
                kind: BreakKind::AmountDiffers,
                amount: line.money.amount().minor_units(),
                currency,
                detail: format!("line {} is of {}, the payout of {}", line.line, line.money, fact.money),
            });
            return;
        }
        match line.kind {
            LineKind::Paid => {
                self.out += amount;
                self.paid_lines += 1;
            }
            LineKind::Returned { .. } => self.back += amount,
            LineKind::Failed { .. } | LineKind::Other => {}
        }
    }
}

fn findings(known: &Known, progress: &Progress, asked: u128, told: bool) -> Vec<Finding> {
    let mut findings: Vec<Finding> = progress.other_currency.clone().into_iter().collect();
    let finding = |kind, amount: u128, detail| Finding {
        kind,
        amount: u64::try_from(amount).unwrap_or(u64::MAX),
        currency: known.fact.money.currency(),
        detail,
    };
    if known.lines.is_empty() {
        if known.overdue && known.fact.state != PayoutState::Failed {
            let detail = format!("due on {}, and the bank has said nothing", known.fact.due_on);
            findings.push(finding(BreakKind::MissingAtBank, asked, detail));
        }
        return findings;
    }
    let ours = known.fact.state.text();
    let failed = progress.state == Some(PayoutState::Failed) || known.fact.state == PayoutState::Failed;
    let should_be_out = match progress.state {
        Some(PayoutState::Paid) => asked,
        Some(PayoutState::Returned | PayoutState::Failed) => 0,
        // Something was booked, but not yet what was asked.
        _ if failed || progress.out + progress.back == 0 => 0,
        _ => asked,
    };
    let (out, back) = (progress.out, progress.back);
    let moved = format!("{out} left the account and {back} came back, of {asked}");
    if failed && out != back {
        findings.push(finding(
            BreakKind::StatusDiffers,
            out.abs_diff(back),
            format!("it counts as failed, but {moved}"),
        ));
    } else if back > out {
        findings.push(finding(BreakKind::StatusDiffers, back - out, format!("more came back than left: {moved}")));
    } else if out - back > should_be_out && progress.paid_lines > 1 {
        findings.push(finding(BreakKind::PaidTwice, out - back - should_be_out, moved));
    } else if out - back != should_be_out {
        findings.push(finding(BreakKind::AmountDiffers, (out - back).abs_diff(should_be_out), moved));
    }
    let bank = progress.state.map(PayoutState::text);
    let disagree = told && bank.is_some_and(|bank| bank != ours);
    if progress.contradicted {
        let detail = "the bank says both that it paid and that it failed".to_owned();
        findings.push(finding(BreakKind::StatusDiffers, asked, detail));
    } else if disagree && findings.iter().all(|finding| finding.kind != BreakKind::StatusDiffers) {
        let detail = format!("the bank says {}, we say {ours}", bank.unwrap_or_default());
        findings.push(finding(BreakKind::StatusDiffers, asked, detail));
    }
    findings
}

fn note(known: &Known) -> String {
    match known.lines.last() {
        Some(line) => format!("the bank's line {} settled it", line.line),
        None => "it is not expected of the bank any more".to_owned(),
    }
}
