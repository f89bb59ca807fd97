//! Holds: captured in parts, given back, expired; and payments whose outcome somebody else knows first.

use ids::{MerchantId, PaymentId};
use money::Amount;

use super::draft::Draft;
use super::{Verdict, orders};
use crate::account::{Owner, account_code};
use crate::command::{Answer, NewCapture};
use crate::derived;
use crate::event::{Captured, Event, Moved, Released, transfer_code};
use crate::model::UnixMillis;
use crate::order::{Order, OrderStatus};
use crate::payment::{Beginning, Capture, Payment, PaymentStatus, Release, ReleaseReason};
use crate::rejection::Rejection;
use crate::state::State;

pub(super) fn capture(state: &State, new: NewCapture, now: UnixMillis) -> Verdict {
    let Some(payment) = state.payment(new.payment).filter(|payment| payment.merchant == new.merchant) else {
        return Verdict::no(Rejection::NotFound);
    };
    let mut draft = Draft::new(state, now);
    let allowed = capturable(state, payment, now).and_then(|()| draft_capture(&mut draft, payment, &new));
    match allowed {
        Ok(capture) => Verdict { events: draft.events, unsaid: None, answer: Ok(Answer::Capture(capture)) },
        Err(rejection) => Verdict::no(rejection),
    }
}

fn capturable(state: &State, payment: &Payment, now: UnixMillis) -> Result<(), Rejection> {
    orders::payable_merchant(state, payment.merchant)?;
    orders::payable_receivers(state, &payment.shares)?;
    match payment.status {
        PaymentStatus::Processing => Err(Rejection::PaymentProcessing),
        PaymentStatus::Held if payment.held_until().is_some_and(|until| now < until) => Ok(()),
        _ => Err(Rejection::NothingHeld),
    }
}

/// Takes some of the hold; the last capture gives the rest back.
fn draft_capture(draft: &mut Draft<'_>, payment: &Payment, new: &NewCapture) -> Result<Capture, Rejection> {
    let capturable = payment.capturable();
    let amount = new.amount.map_or(capturable, Amount::minor_units);
    if amount > capturable {
        return Err(Rejection::CaptureExceedsHold { capturable });
    }
    let amount = Amount::new(amount).map_err(|_| Rejection::NothingHeld)?;
    let (minor_units, currency) = (amount.minor_units(), payment.currency);
    let hold = draft.account(account_code::WALLET_HOLD, Owner::Wallet(payment.wallet), currency);
    let wallet = draft.account(account_code::WALLET, Owner::Wallet(payment.wallet), currency);

    let mut after = payment.clone();
    let parts = after.capture(minor_units);
    let mut legs = Vec::with_capacity(parts.len() + 1);
    draft.distribute(&mut legs, transfer_code::CAPTURE, hold, &parts, currency)?;
    let fee = draft.charge(payment.merchant, currency, minor_units)?;
    after.fee = after.fee.saturating_add(fee);

    let rest = capturable - minor_units;
    let released = if new.is_last { rest } else { 0 };
    draft.transfer(&mut legs, transfer_code::RELEASE, [hold, wallet], released)?;
    let is_over = new.is_last || rest == 0;
    if is_over {
        after.status = PaymentStatus::Succeeded;
    }
    let capture = Capture {
        id: new.id,
        payment: payment.id,
        merchant: payment.merchant,
        currency,
        amount,
        fee,
        released,
        created_at: draft.now,
    };
    let order = is_over.then(|| order_after(draft.state, &after, draft.now)).flatten();
    let what = Captured { capture, payment: after, order };
    draft.events.push(Event::PaymentCaptured(Moved { what, legs }));
    Ok(capture)
}

/// The payment's order, now that its hold is over.
fn order_after(state: &State, payment: &Payment, now: UnixMillis) -> Option<Order> {
    let order = state.orders.get(&payment.order?)?;
    let status = match Amount::new(payment.captured) {
        Ok(amount) => OrderStatus::Paid { payment: payment.id, amount, at: now },
        Err(_) => OrderStatus::Cancelled { at: now },
    };
    Some(Order { status, ..order.clone() })
}

pub(super) fn void(state: &State, merchant: MerchantId, payment: PaymentId, now: UnixMillis) -> Verdict {
    let Some(payment) = state.payment(payment).filter(|payment| payment.merchant == merchant) else {
        return Verdict::no(Rejection::NotFound);
    };
    match payment.status {
        PaymentStatus::Processing => Verdict::no(Rejection::PaymentProcessing),
        PaymentStatus::Held => match draft_release(state, payment, ReleaseReason::Voided, now) {
            Ok((events, released)) => Verdict { events, unsaid: None, answer: Ok(Answer::Release(released.release)) },
            Err(rejection) => Verdict::no(rejection),
        },
        _ => Verdict::no(Rejection::NothingHeld),
    }
}

/// Gives back what is left of a hold.
pub(super) fn draft_release(
    state: &State,
    payment: &Payment,
    reason: ReleaseReason,
    now: UnixMillis,
) -> Result<(Vec<Event>, Released), Rejection> {
    let mut draft = Draft::new(state, now);
    let released = release(&mut draft, payment, reason)?;
    Ok((draft.events, released))
}

fn release(draft: &mut Draft<'_>, payment: &Payment, reason: ReleaseReason) -> Result<Released, Rejection> {
    let currency = payment.currency;
    let hold = draft.account(account_code::WALLET_HOLD, Owner::Wallet(payment.wallet), currency);
    let wallet = draft.account(account_code::WALLET, Owner::Wallet(payment.wallet), currency);
    let amount = payment.capturable();
    let mut legs = Vec::with_capacity(1);
    draft.transfer(&mut legs, transfer_code::RELEASE, [hold, wallet], amount)?;
    let status = match (payment.captured, reason) {
        (0, ReleaseReason::Failed) => PaymentStatus::Failed { at: draft.now },
        (0, _) => PaymentStatus::Cancelled { at: draft.now },
        _ => PaymentStatus::Succeeded,
    };
    let payment = Payment { status, ..payment.clone() };
    let release =
        Release { payment: payment.id, merchant: payment.merchant, currency, amount, reason, created_at: draft.now };
    let order = order_after(draft.state, &payment, draft.now);
    let what = Released { release, payment, order };
    draft.events.push(Event::HoldReleased(Moved { what: what.clone(), legs }));
    Ok(what)
}

/// Ends the holds whose time is over, and the waiting for answers that have come.
pub(super) fn end_due(draft: &mut Draft<'_>, most: usize) {
    let (state, now) = (draft.state, draft.now);
    let due = state.due.holds.iter().take_while(|(until, _)| *until <= now);
    let payments = due.filter_map(|(_, payment)| state.payment(*payment));
    payments.filter(|payment| draft.attempt(|draft| end(draft, payment))).take(most).for_each(drop);
}

fn end(draft: &mut Draft<'_>, payment: &Payment) -> Result<(), Rejection> {
    match payment.began {
        Beginning::Processing { until, succeeds: true } => {
            let id = derived::id(until, &[payment.id.as_u128()]);
            let whole = NewCapture { id, merchant: payment.merchant, payment: payment.id, amount: None, is_last: true };
            draft_capture(draft, payment, &whole).map(drop)
        }
        Beginning::Processing { succeeds: false, .. } => release(draft, payment, ReleaseReason::Failed).map(drop),
        Beginning::Held { .. } | Beginning::Captured => release(draft, payment, ReleaseReason::Expired).map(drop),
    }
}
