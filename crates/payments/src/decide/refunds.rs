//! Refunds: never more than was captured and is not disputed, out of what the merchant has or may owe.

use ids::MerchantId;
use money::Amount;

use super::Verdict;
use super::draft::{Debt, Draft};
use crate::account::{Owner, account_code};
use crate::command::{Answer, NewRefund};
use crate::event::{Event, Refunded, transfer_code};
use crate::model::UnixMillis;
use crate::payment::{PaymentStatus, Refund};
use crate::rejection::Rejection;
use crate::state::State;

pub(super) fn refund(state: &State, new: &NewRefund, now: UnixMillis) -> Verdict {
    match draft(state, new, now) {
        Ok((events, refund)) => Verdict { events, unsaid: None, answer: Ok(Answer::Refund(refund)) },
        Err(rejection) => Verdict::no(rejection),
    }
}

pub(super) fn draft(state: &State, new: &NewRefund, now: UnixMillis) -> Result<(Vec<Event>, Refund), Rejection> {
    if state.refunds.contains_key(&new.id) {
        return Err(Rejection::Exists);
    }
    let payment = state.payment(new.payment).filter(|payment| payment.merchant == new.merchant);
    let payment = payment.ok_or(Rejection::NotFound)?;
    if payment.status == PaymentStatus::Processing {
        return Err(Rejection::PaymentProcessing);
    }
    let refundable = payment.refundable();
    let amount = new.amount.map_or(refundable, Amount::minor_units);
    let amount = Amount::new(amount).ok().filter(|amount| amount.minor_units() <= refundable);
    let amount = amount.ok_or(Rejection::RefundExceedsPayment { refundable })?;

    let (currency, mut after) = (payment.currency, payment.clone());
    after.refunded += amount.minor_units();
    let parts = after.give_back(amount.minor_units());
    let mut draft = Draft::new(state, now);
    let wallet = draft.account(account_code::WALLET, Owner::Wallet(payment.wallet), currency);
    let mut legs = Vec::with_capacity(parts.len());
    for (receiver, part) in parts {
        let debt = debt_limit(state, receiver);
        draft.draw(&mut legs, transfer_code::REFUND, receiver, wallet, (part, currency), debt)?;
    }
    let refund = Refund {
        id: new.id,
        payment: payment.id,
        merchant: payment.merchant,
        wallet: payment.wallet,
        currency,
        amount,
        reason: new.reason.clone(),
        created_at: now,
    };
    let what = Refunded { refund: refund.clone(), payment: after };
    Ok((draft.finish(what, legs, Event::PaymentRefunded), refund))
}

/// What a merchant may owe: its terms say it, and without terms nothing.
fn debt_limit(state: &State, merchant: MerchantId) -> Debt {
    let terms = state.merchant(merchant).and_then(|merchant| merchant.terms.as_ref());
    Debt::UpTo(terms.map_or(0, |terms| terms.negative_balance_limit))
}
