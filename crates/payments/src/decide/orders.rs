//! Orders: asked, withdrawn, resolved, expired.

use ids::{MerchantId, OrderId};

use super::draft::Draft;
use super::{Verdict, holds, refunds};
use crate::account::{Owner, account_code};
use crate::command::{Answer, CancelledBy, IfPaid, NewOrder, NewRefund, OrderName};
use crate::event::{Event, Outcome};
use crate::model::UnixMillis;
use crate::order::{Order, OrderDetails, OrderStatus};
use crate::payment::{Payment, PaymentStatus, ReleaseReason, Share};
use crate::rejection::Rejection;
use crate::state::State;

pub(super) fn create(state: &State, new: NewOrder, now: UnixMillis) -> Verdict {
    let Some(tag) = state.tag(new.tag).filter(|known| known.tag.merchant == new.merchant) else {
        return Verdict::no(Rejection::NotFound);
    };
    if let Err(rejection) = payable_merchant(state, new.merchant) {
        return Verdict::no(rejection);
    }
    if !tag.tag.active {
        return Verdict::no(Rejection::TagInactive);
    }
    let currency = new.amount.currency();
    let accepts =
        |merchant| state.account_of(account_code::MERCHANT_PENDING, Owner::Merchant(merchant), currency).is_some();
    if !accepts(new.merchant) {
        return Verdict::no(Rejection::CurrencyNotAccepted { currency });
    }
    if let Some(details) = new.details.as_deref()
        && let Err(rejection) = check_details(state, details, accepts)
    {
        return Verdict::no(rejection);
    }
    let waiting = tag.waiting_order.and_then(|id| state.orders.get(&id));
    let mut events = Vec::with_capacity(2);
    match waiting {
        Some(order) if now < order.expires_at => return Verdict::no(Rejection::TagBusy { order: order.id }),
        Some(order) => events.push(Event::OrderExpired(order.id)),
        None => {}
    }
    let order = Order {
        id: new.id,
        merchant: new.merchant,
        tag: new.tag,
        currency,
        amount: new.amount.amount(),
        description: new.description,
        reference: new.reference,
        created_at: now,
        expires_at: now.plus(new.lifetime_ms),
        status: OrderStatus::Open,
        details: new.details,
    };
    events.push(Event::OrderPlaced(order.clone()));
    Verdict { events, unsaid: None, answer: Ok(Answer::Order(order)) }
}

fn check_details(state: &State, details: &OrderDetails, accepts: impl Fn(MerchantId) -> bool) -> Result<(), Rejection> {
    if let Some(order) = details.reference_key.and_then(|key| state.references.get(&key)) {
        return Err(Rejection::ReferenceTaken { order: *order });
    }
    let receivers = details.splits.iter().map(|split| split.merchant);
    let refused = |merchant: &MerchantId| !accepts(*merchant) || !state.status_of(*merchant).may_be_paid();
    receivers.into_iter().find(refused).map_or(Ok(()), |merchant| Err(Rejection::ReceiverNotAccepted { merchant }))
}

/// Whether a merchant is paid at this time.
pub(super) fn payable_merchant(state: &State, merchant: MerchantId) -> Result<(), Rejection> {
    match state.status_of(merchant) {
        status if status.may_be_paid() => Ok(()),
        status => Err(Rejection::MerchantNotActive { status }),
    }
}

/// Whether all that receive a part are paid at this time: some may have been suspended since the order was placed.
pub(super) fn payable_receivers(state: &State, shares: &[Share]) -> Result<(), Rejection> {
    let mut receivers = shares.iter().map(|share| share.merchant);
    match receivers.find(|merchant| !state.status_of(*merchant).may_be_paid()) {
        Some(merchant) => Err(Rejection::ReceiverNotAccepted { merchant }),
        None => Ok(()),
    }
}

pub(super) fn cancel(state: &State, merchant: MerchantId, id: OrderId, if_paid: IfPaid, now: UnixMillis) -> Verdict {
    let Some(order) = state.orders.get(&id).filter(|order| order.merchant == merchant) else {
        return Verdict::no(Rejection::NotFound);
    };
    match payable(order, now) {
        Ok(()) => {
            let status = OrderStatus::Cancelled { at: now };
            let order = Order { status, ..order.clone() };
            Verdict::yes(Event::OrderCancelled(id), Answer::Cancelled(order, CancelledBy::Closing))
        }
        // What the merchant wanted is so already: a second click is no error.
        Err(Rejection::OrderCancelled) => {
            Verdict::unchanged(Outcome::OrderCancelled(id), Answer::Cancelled(order.clone(), CancelledBy::Closing))
        }
        Err(Rejection::OrderAlreadyPaid) => cancel_paid(state, order, if_paid, now),
        Err(rejection) => Verdict::no(rejection),
    }
}

/// What was held goes back, whatever the caller wants of what was paid: nobody has been paid yet.
fn cancel_paid(state: &State, order: &Order, if_paid: IfPaid, now: UnixMillis) -> Verdict {
    let (OrderStatus::Paid { payment, .. } | OrderStatus::Held { payment, .. }) = order.status else {
        return Verdict::no(Rejection::OrderAlreadyPaid);
    };
    let Some(payment) = state.payment(payment) else { return Verdict::no(Rejection::NotFound) };
    match if_paid {
        // Whoever is asked may still say yes.
        _ if payment.status == PaymentStatus::Processing => Verdict::no(Rejection::PaymentProcessing),
        _ if payment.is_open() && payment.captured == 0 => release_for(state, payment, now),
        IfPaid::Refuse => Verdict::no(Rejection::OrderAlreadyPaid),
        // Part of it was captured: what is held and what was captured are two things to give back.
        IfPaid::Refund(_) if payment.is_open() => Verdict::no(Rejection::OrderAlreadyPaid),
        IfPaid::Refund(id) => {
            let new = NewRefund { id, merchant: order.merchant, payment: payment.id, amount: None, reason: None };
            match refunds::draft(state, &new, now) {
                Ok((events, refund)) => Verdict {
                    events,
                    unsaid: Some(Event::RequestAnswered(Outcome::OrderRefunded(order.id, refund.id))),
                    answer: Ok(Answer::Cancelled(order.clone(), CancelledBy::Refunding(refund.id))),
                },
                Err(rejection) => Verdict::no(rejection),
            }
        }
    }
}

fn release_for(state: &State, payment: &Payment, now: UnixMillis) -> Verdict {
    match holds::draft_release(state, payment, ReleaseReason::Voided, now) {
        Ok((events, released)) => {
            let Some(order) = released.order else { return Verdict::no(Rejection::NotFound) };
            Verdict {
                events,
                unsaid: Some(Event::RequestAnswered(Outcome::OrderReleased(order.id))),
                answer: Ok(Answer::Cancelled(order, CancelledBy::Releasing)),
            }
        }
        Err(rejection) => Verdict::no(rejection),
    }
}

/// Says what an order is, by the one who knows. An order whose time is over is closed by the question.
pub(super) fn resolve(state: &State, merchant: MerchantId, name: OrderName, close: bool, now: UnixMillis) -> Verdict {
    let id = match name {
        OrderName::Id(id) => Some(id),
        OrderName::Reference(key) => state.references.get(&key).copied(),
    };
    let Some(order) = id.and_then(|id| state.orders.get(&id)).filter(|order| order.merchant == merchant) else {
        return Verdict::not_yet(Rejection::NotFound);
    };
    let (events, status) = match order.status {
        OrderStatus::Open if order.expires_at <= now => {
            (vec![Event::OrderExpired(order.id)], OrderStatus::Expired { at: now })
        }
        OrderStatus::Open if close => (vec![Event::OrderCancelled(order.id)], OrderStatus::Cancelled { at: now }),
        status => (Vec::new(), status),
    };
    let order = Order { status, ..order.clone() };
    let payment = match order.status {
        OrderStatus::Paid { payment, .. } | OrderStatus::Held { payment, .. } => state.payment(payment).cloned(),
        _ => None,
    };
    Verdict { events, unsaid: None, answer: Ok(Answer::Resolved(order, payment)) }
}

/// Closes the orders whose time is over, the first due first, `most` at most.
pub(super) fn expire(draft: &mut Draft<'_>, most: usize) {
    let due = draft.state.due.orders.iter().take_while(|(expires_at, _)| *expires_at <= draft.now).take(most);
    draft.events.extend(due.map(|(_, order)| Event::OrderExpired(*order)));
}

/// Whether an order can be paid, or withdrawn, at this moment.
pub(super) fn payable(order: &Order, now: UnixMillis) -> Result<(), Rejection> {
    match order.status {
        OrderStatus::Open if now < order.expires_at => Ok(()),
        OrderStatus::Open | OrderStatus::Expired { .. } => Err(Rejection::OrderExpired),
        OrderStatus::Paid { .. } | OrderStatus::Held { .. } => Err(Rejection::OrderAlreadyPaid),
        OrderStatus::Cancelled { .. } => Err(Rejection::OrderCancelled),
    }
}
