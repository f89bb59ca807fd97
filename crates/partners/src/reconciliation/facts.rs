//! What we think: the caller's side of the comparison.

use ids::{PayoutId, SettlementId};
use jiff::civil::Date;
use money::{Currency, Money};

use crate::reconciliation::breaks::{BreakKind, Finding};

/// What we think of a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayoutFact {
    /// Which one.
    pub payout: PayoutId,
    /// How much of what.
    pub money: Money,
    /// What we think became of it.
    pub state: PayoutState,
    /// The day on which the bank is to pay.
    pub due_on: Date,
    /// Until then the bank should have said something, in Unix milliseconds. The caller knows the calendar.
    pub expected_by_ms: u64,
}

/// What we think became of a payout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PayoutState {
    /// Made, and the bank asked or about to be.
    Submitted,
    /// The bank paid.
    Paid,
    /// The bank did not pay, and will not.
    Failed,
    /// The bank paid, and the money came back.
    Returned,
}

impl PayoutState {
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::Returned => "returned",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Submitted, Self::Paid, Self::Failed, Self::Returned].into_iter().find(|state| state.text() == text)
    }
}

/// What a settlement's payments and captures brought in, added up three times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettlementFact {
    /// Which one.
    pub settlement: SettlementId,
    /// What the amounts are in.
    pub currency: Currency,
    /// The sum of the rows of its payments and captures, in minor units.
    pub payments: u64,
    /// What the ledger moved for them, in minor units.
    pub ledger: u64,
    /// What the merchant's statement says, in minor units.
    pub statement: u64,
}

impl SettlementFact {
    pub(crate) fn finding(&self) -> Option<Finding> {
        let Self { payments, ledger, statement, .. } = *self;
        let sums = [payments, ledger, statement];
        let [most, least] = [sums.iter().max(), sums.iter().min()].map(|sum| sum.copied().unwrap_or(0));
        (most != least).then(|| Finding {
            kind: BreakKind::PaymentsDifferFromLedger,
            amount: most - least,
            currency: self.currency,
            detail: format!(
                "the payments add up to {payments}, the ledger to {ledger}; the statement says {statement}"
            ),
        })
    }
}
