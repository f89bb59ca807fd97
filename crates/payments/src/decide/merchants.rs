//! Merchants: what they may do, what they are charged, and when they are settled.

use ids::MerchantId;
use terms::{FeePlan, SettlementTerms};

use super::{Verdict, settlements};
use crate::command::Answer;
use crate::event::{Event, OpenedWindow, Outcome};
use crate::merchant::{MerchantState, MerchantStatus};
use crate::model::UnixMillis;
use crate::rejection::Rejection;
use crate::state::State;

pub(super) fn set_status(state: &State, merchant: MerchantId, status: MerchantStatus) -> Verdict {
    match state.merchant(merchant).map(|known| known.status) {
        Some(known) if known == status => Verdict::unchanged(Outcome::Done, Answer::Done),
        Some(known) if !known.may_become(status) => Verdict::no(Rejection::StatusNotAllowed { status: known }),
        // One of whom nothing is known is new, or is paid since before merchants had a status.
        _ => Verdict::yes(Event::MerchantStatusSet(merchant, status), Answer::Done),
    }
}

pub(super) fn set_fee_plan(
    state: &State,
    merchant: MerchantId,
    plan: FeePlan,
    from: UnixMillis,
    now: UnixMillis,
) -> Verdict {
    let known = state.merchant(merchant).map_or(0, |known| known.fee_plans.len());
    if known >= MerchantState::MAX_FEE_PLANS {
        return Verdict::no(Rejection::TooMany);
    }
    Verdict::yes(Event::FeePlanSet(merchant, from.max(now), plan), Answer::Done)
}

/// A window that has no closing yet gets one; one that has keeps it.
pub(super) fn set_terms(state: &State, merchant: MerchantId, terms: SettlementTerms, now: UnixMillis) -> Verdict {
    let closing = settlements::closing_under(&terms, now);
    let endless = state.books_of(merchant).filter(|book| book.window.is_some_and(|window| window.closes.is_none()));
    let mut events: Vec<Event> = endless
        .map(|book| OpenedWindow { merchant, currency: book.currency, pending: book.pending, closes: Some(closing) })
        .map(Event::WindowOpened)
        .collect();
    events.push(Event::SettlementTermsSet(merchant, terms));
    Verdict { events, unsaid: None, answer: Ok(Answer::Done) }
}
