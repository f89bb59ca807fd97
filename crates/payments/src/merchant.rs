//! Merchants as the money core knows them: what they may do, what they are charged, and when they are settled.

use ids::MerchantId;
use serde::{Deserialize, Serialize};
use terms::{FeePlan, SettlementTerms};

use crate::event::Event;
use crate::model::UnixMillis;

/// What a merchant may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum MerchantStatus {
    /// It has applied: it can prepare everything and is not paid yet.
    Applied,
    /// It is paid.
    Active,
    /// It is not paid and gets no payouts; it can give money back.
    Suspended,
    /// It is not paid any more, for ever; it can give money back, and gets what it is owed.
    Closed,
}

impl MerchantStatus {
    /// The name, as the API has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Closed => "closed",
        }
    }

    /// Whether it can be asked to be paid: orders, taps, payments, captures.
    pub fn may_be_paid(self) -> bool {
        self == Self::Active
    }

    /// Whether what it is owed leaves for its bank.
    pub fn may_be_paid_out(self) -> bool {
        matches!(self, Self::Active | Self::Closed)
    }

    /// Whether it can become that.
    pub fn may_become(self, next: Self) -> bool {
        match self {
            Self::Applied => matches!(next, Self::Active | Self::Closed),
            Self::Active => matches!(next, Self::Suspended | Self::Closed),
            Self::Suspended => matches!(next, Self::Active | Self::Closed),
            Self::Closed => false,
        }
    }
}

/// What a merchant may do, is charged, and when it is settled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MerchantState {
    /// Which one.
    pub id: MerchantId,
    /// What it may do.
    pub status: MerchantStatus,
    /// Fee plans and from when they hold, the latest last.
    pub fee_plans: Vec<(UnixMillis, FeePlan)>,
    /// When it is settled, and what of it is kept.
    pub terms: Option<SettlementTerms>,
}

impl MerchantState {
    /// The most fee plans that a merchant is remembered to have had or will have.
    pub const MAX_FEE_PLANS: usize = 200;

    /// A merchant of which no more is known than that it has accounts: it is paid, costs nothing, and is not settled.
    pub fn unwritten(id: MerchantId) -> Self {
        Self { id, status: MerchantStatus::Active, fee_plans: Vec::new(), terms: None }
    }

    /// Folds an event about this merchant; others change nothing.
    pub fn fold(&mut self, event: &Event) {
        match event {
            Event::MerchantStatusSet(_, status) => self.status = *status,
            Event::FeePlanSet(_, from, plan) => {
                self.fee_plans.retain(|(other, _)| other != from);
                let place = self.fee_plans.partition_point(|(other, _)| other < from);
                self.fee_plans.insert(place, (*from, plan.clone()));
            }
            Event::SettlementTermsSet(_, terms) => self.terms = Some(terms.clone()),
            _ => {}
        }
    }

    /// The fee plan that holds at this moment.
    pub fn fee_plan(&self, now: UnixMillis) -> Option<&FeePlan> {
        self.fee_plans.iter().rev().find(|(from, _)| *from <= now).map(|(_, plan)| plan)
    }
}
