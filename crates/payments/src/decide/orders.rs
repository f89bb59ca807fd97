//! Orders: asked, withdrawn, expired.

use ids::{MerchantId, OrderId};

use super::Verdict;
use crate::account::{Owner, account_code};
use crate::command::{Answer, NewOrder};
use crate::event::{Event, Outcome};
use crate::model::{Order, OrderStatus, UnixMillis};
use crate::rejection::Rejection;
use crate::state::State;

/// The most orders that one command closes, so that no batch is unbounded; the next tick closes the rest.
const MAX_EXPIRED_AT_ONCE: usize = 1_000;

pub(super) fn create(state: &State, new: NewOrder, now: UnixMillis) -> Verdict {
    let Some(tag) = state.tag(new.tag).filter(|known| known.tag.merchant == new.merchant) else {
        return Verdict::no(Rejection::NotFound);
    };
    if !tag.tag.active {
        return Verdict::no(Rejection::TagInactive);
    }
    let currency = new.amount.currency();
    if state.account_of(account_code::MERCHANT_PENDING, Owner::Merchant(new.merchant), currency).is_none() {
        return Verdict::no(Rejection::CurrencyNotAccepted { currency });
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
    };
    events.push(Event::OrderCreated(order.clone()));
    Verdict { events, unsaid: None, answer: Ok(Answer::Order(order)) }
}

pub(super) fn cancel(state: &State, merchant: MerchantId, id: OrderId, now: UnixMillis) -> Verdict {
    let Some(order) = state.orders.get(&id).filter(|order| order.merchant == merchant) else {
        return Verdict::no(Rejection::NotFound);
    };
    match payable(order, now) {
        Ok(()) => {
            let status = OrderStatus::Cancelled { at: now };
            Verdict::yes(Event::OrderCancelled(id), Answer::Order(Order { status, ..order.clone() }))
        }
        // What the merchant wanted is so already: a second click is no error.
        Err(Rejection::OrderCancelled) => Verdict::unchanged(Outcome::OrderCancelled(id), Answer::Order(order.clone())),
        Err(rejection) => Verdict::no(rejection),
    }
}

pub(super) fn expire(state: &State, now: UnixMillis) -> Verdict {
    let due = state.due.iter().take_while(|(expires_at, _)| *expires_at <= now).take(MAX_EXPIRED_AT_ONCE);
    let events = due.map(|(_, order)| Event::OrderExpired(*order)).collect();
    Verdict { events, ..Verdict::unchanged(Outcome::Done, Answer::Done) }
}

/// Whether an order can be paid, or withdrawn, at this moment.
pub(super) fn payable(order: &Order, now: UnixMillis) -> Result<(), Rejection> {
    match order.status {
        OrderStatus::Open if now < order.expires_at => Ok(()),
        OrderStatus::Open | OrderStatus::Expired { .. } => Err(Rejection::OrderExpired),
        OrderStatus::Paid { .. } => Err(Rejection::OrderAlreadyPaid),
        OrderStatus::Cancelled { .. } => Err(Rejection::OrderCancelled),
    }
}
