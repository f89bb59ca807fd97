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

/// A settlement's total, added up twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettlementFact {
    /// Which one.
    pub settlement: SettlementId,
    /// What the amounts are in.
    pub currency: Currency,
    /// The sum of the rows of the payments that say that they belong to it, in minor units.
    pub payments: u64,
    /// What the ledger moved for it, in minor units.
    pub ledger: u64,
}

impl SettlementFact {
    pub(crate) fn finding(&self) -> Option<Finding> {
        (self.payments != self.ledger).then(|| Finding {
            kind: BreakKind::PaymentsDifferFromLedger,
            amount: self.payments.abs_diff(self.ledger),
            currency: self.currency,
            detail: format!("the payments add up to {}, the ledger to {}", self.payments, self.ledger),
        })
    }
}
