//! Disputes: while one runs, the platform holds what it is about; whoever is right gets it.

use ids::{DisputeId, MerchantId};
use money::Amount;

use super::Verdict;
use super::draft::{Debt, Draft};
use crate::account::{Owner, account_code};
use crate::command::{Answer, NewDispute};
use crate::dispute::{DISPUTABLE_MS, Dispute, DisputeStatus, EVIDENCE_MS, Evidence};
use crate::event::{Disputed, Event, Moved, transfer_code};
use crate::model::UnixMillis;
use crate::payment::Payment;
use crate::rejection::Rejection;
use crate::state::{MAX_DISPUTES_A_TICK, State};

pub(super) fn open(state: &State, new: &NewDispute, now: UnixMillis) -> Verdict {
    let mut draft = Draft::new(state, now);
    match draft_opening(&mut draft, new) {
        Ok(dispute) => Verdict { events: draft.events, unsaid: None, answer: Ok(Answer::Dispute(dispute)) },
        Err(rejection) => Verdict::no(rejection),
    }
}

fn draft_opening(draft: &mut Draft<'_>, new: &NewDispute) -> Result<Dispute, Rejection> {
    let (state, now) = (draft.state, draft.now);
    let payment = state.payment(new.payment).filter(|payment| payment.wallet == new.wallet);
    let payment = payment.ok_or(Rejection::NotFound)?;
    if payment.open_dispute.is_some() {
        return Err(Rejection::DisputeOpen);
    }
    if payment.created_at.plus(DISPUTABLE_MS) <= now {
        return Err(Rejection::DisputeTooLate);
    }
    let refundable = payment.refundable();
    let amount = new.amount.map_or(refundable, Amount::minor_units);
    let amount = Amount::new(amount).ok().filter(|amount| amount.minor_units() <= refundable);
    let amount = amount.ok_or(Rejection::RefundExceedsPayment { refundable })?;

    let (currency, mut after) = (payment.currency, payment.clone());
    after.disputed += amount.minor_units();
    after.open_dispute = Some(new.id);
    let parts = after.give_back(amount.minor_units());
    let held = draft.account(account_code::DISPUTED, Owner::Platform, currency);
    let mut legs = Vec::with_capacity(parts.len());
    for (receiver, part) in &parts {
        draft.draw(&mut legs, transfer_code::DISPUTE, *receiver, held, (*part, currency), Debt::Unlimited)?;
    }
    let dispute = Dispute {
        id: new.id,
        payment: payment.id,
        wallet: payment.wallet,
        merchant: payment.merchant,
        currency,
        amount,
        reason: new.reason.clone(),
        created_at: now,
        evidence_due: now.plus(EVIDENCE_MS),
        evidence: None,
        parts,
        status: DisputeStatus::NeedsResponse,
    };
    let what = Disputed { dispute: dispute.clone(), payment: after };
    draft.events.push(Event::DisputeOpened(Moved { what, legs }));
    Ok(dispute)
}

pub(super) fn answer(
    state: &State,
    merchant: MerchantId,
    id: DisputeId,
    evidence: Evidence,
    now: UnixMillis,
) -> Verdict {
    let Some(dispute) = state.dispute(id).filter(|dispute| dispute.merchant == merchant) else {
        return Verdict::no(Rejection::NotFound);
    };
    if dispute.status != DisputeStatus::NeedsResponse || dispute.evidence_due <= now {
        return Verdict::no(Rejection::DisputeClosed);
    }
    let status = DisputeStatus::UnderReview;
    let dispute = Dispute { evidence: Some(evidence), status, ..dispute.clone() };
    Verdict::yes(Event::DisputeAnswered(dispute.clone()), Answer::Dispute(dispute))
}

pub(super) fn accept(state: &State, merchant: MerchantId, id: DisputeId, now: UnixMillis) -> Verdict {
    match state.dispute(id).filter(|dispute| dispute.merchant == merchant) {
        Some(dispute) => decided(state, dispute, false, now),
        None => Verdict::no(Rejection::NotFound),
    }
}

pub(super) fn decide(state: &State, id: DisputeId, won: bool, now: UnixMillis) -> Verdict {
    match state.dispute(id) {
        Some(dispute) => decided(state, dispute, won, now),
        None => Verdict::no(Rejection::NotFound),
    }
}

fn decided(state: &State, dispute: &Dispute, won: bool, now: UnixMillis) -> Verdict {
    if !dispute.is_open() {
        return Verdict::no(Rejection::DisputeClosed);
    }
    let Some(payment) = state.payment(dispute.payment) else { return Verdict::no(Rejection::NotFound) };
    let mut draft = Draft::new(state, now);
    match close(&mut draft, dispute, payment, won) {
        Ok(dispute) => Verdict { events: draft.events, unsaid: None, answer: Ok(Answer::Dispute(dispute)) },
        Err(rejection) => Verdict::no(rejection),
    }
}

fn close(draft: &mut Draft<'_>, dispute: &Dispute, payment: &Payment, won: bool) -> Result<Dispute, Rejection> {
    let (currency, amount, at) = (dispute.currency, dispute.amount.minor_units(), draft.now);
    let held = draft.account(account_code::DISPUTED, Owner::Platform, currency);
    let mut payment = Payment { open_dispute: None, ..payment.clone() };
    let mut legs = Vec::with_capacity(dispute.parts.len());
    let status = if won {
        draft.distribute(&mut legs, transfer_code::DISPUTE_WON, held, &dispute.parts, currency)?;
        payment.disputed = payment.disputed.saturating_sub(amount);
        payment.take_again(&dispute.parts);
        DisputeStatus::Won { at }
    } else {
        let wallet = draft.account(account_code::WALLET, Owner::Wallet(dispute.wallet), currency);
        draft.transfer(&mut legs, transfer_code::DISPUTE_LOST, [held, wallet], amount)?;
        DisputeStatus::Lost { at }
    };
    let dispute = Dispute { status, ..dispute.clone() };
    let what = Disputed { dispute: dispute.clone(), payment };
    draft.events.push(Event::DisputeClosed(Moved { what, legs }));
    Ok(dispute)
}

/// Decides the disputes that nobody answered in time.
pub(super) fn lose_due(draft: &mut Draft<'_>) {
    let (state, now) = (draft.state, draft.now);
    let due = state.due.disputes.iter().take_while(|(at, _)| *at <= now).take(MAX_DISPUTES_A_TICK);
    for dispute in due.filter_map(|(_, dispute)| state.dispute(*dispute)) {
        if let Some(payment) = state.payment(dispute.payment) {
            draft.attempt(|draft| close(draft, dispute, payment, false).map(drop));
        }
    }
}
