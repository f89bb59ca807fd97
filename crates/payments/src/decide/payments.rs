//! Payments: one tap, at most one payment; one order, at most one payment; no wallet below zero.

use ledger::simple::TransferRejection;
use money::{Amount, Money};

use super::{Verdict, orders};
use crate::command::{Answer, Pay};
use crate::event::{DeclinedPayment, Event, Settled};
use crate::model::{Order, Owner, Payment, TAP_LIFETIME_MS, Tap, UnixMillis, account_code};
use crate::rejection::Rejection;
use crate::state::{LiveTap, State};

/// Declines of one tap that the merchant is told of; further ones only answer the caller.
const MAX_REPORTED_DECLINES: u8 = 10;

pub(super) fn pay(state: &State, pay: Pay, now: UnixMillis) -> Verdict {
    let Some(live) = state.taps.get(&pay.tap).filter(|live| live.tap.wallet == pay.wallet) else {
        return Verdict::no(missing_tap(&pay, now));
    };
    match settle(state, live, &pay, now) {
        Ok(settled) => {
            let payment = settled.what.clone();
            Verdict::yes(Event::PaymentSucceeded(settled), Answer::Payment(payment))
        }
        Err(reason) if worth_reporting(reason) && live.declines < MAX_REPORTED_DECLINES => {
            Verdict::no_but(Event::PaymentDeclined(declined(&live.tap, reason)), reason)
        }
        Err(reason) => Verdict::no(reason),
    }
}

/// Old taps are forgotten, and a tap's id says when it was made: no stranger learns from this which taps exist.
fn missing_tap(pay: &Pay, now: UnixMillis) -> Rejection {
    let made = UnixMillis(pay.tap.unix_ms());
    if made.plus(TAP_LIFETIME_MS) < now { Rejection::TapExpired } else { Rejection::NotFound }
}

/// Caller's slips (a wrong amount, a second click) are nobody else's business.
fn worth_reporting(reason: Rejection) -> bool {
    !matches!(
        reason,
        Rejection::TapAlreadyUsed
            | Rejection::AmountRequired
            | Rejection::AmountMismatch { .. }
            | Rejection::CurrencyMismatch { .. }
    )
}

fn declined(tap: &Tap, reason: Rejection) -> DeclinedPayment {
    DeclinedPayment { wallet: tap.wallet, merchant: tap.merchant, tag: tap.tag, tap: tap.id, order: tap.order, reason }
}

fn settle(state: &State, live: &LiveTap, pay: &Pay, now: UnixMillis) -> Result<Settled<Payment>, Rejection> {
    let tap = &live.tap;
    if live.payment.is_some() {
        return Err(Rejection::TapAlreadyUsed);
    }
    let recalled = |id| state.orders.get(&id).unwrap_or_else(|| panic!("order {id} was not recalled"));
    let order = tap.order.map(recalled);
    if let Some(order) = order {
        orders::payable(order, now)?;
    }
    if tap.expires_at() <= now {
        return Err(Rejection::TapExpired);
    }
    let amount = amount_to_pay(tap, order, pay.money)?;
    let payment = Payment {
        id: pay.id,
        wallet: pay.wallet,
        merchant: tap.merchant,
        tag: tap.tag,
        tap: tap.id,
        order: tap.order,
        description: order.and_then(|order| order.description.clone()),
        currency: tap.currency,
        amount,
        created_at: now,
    };
    transferable(state, payment)
}

/// What is paid: the order's amount, which the payer must have seen; or the payer's, where the order leaves it open.
fn amount_to_pay(tap: &Tap, order: Option<&Order>, named: Option<Money>) -> Result<Amount, Rejection> {
    if let Some(named) = named
        && named.currency() != tap.currency
    {
        return Err(Rejection::CurrencyMismatch { expected: tap.currency });
    }
    match (order.and_then(|order| order.amount), named.map(|named| named.amount())) {
        (Some(asked), Some(named)) if named != asked => Err(Rejection::AmountMismatch { expected: asked }),
        (Some(asked), _) => Ok(asked),
        (None, Some(named)) => Ok(named),
        (None, None) => Err(Rejection::AmountRequired),
    }
}

fn transferable(state: &State, payment: Payment) -> Result<Settled<Payment>, Rejection> {
    let currency = payment.currency;
    let debit_account =
        state.wallet_account(payment.wallet, currency).ok_or(Rejection::CurrencyNotHeld { currency })?;
    let credit_account = state
        .account_of(account_code::MERCHANT_PENDING, Owner::Merchant(payment.merchant), currency)
        .ok_or(Rejection::CurrencyNotAccepted { currency })?;
    let settled = Settled { what: payment, debit_account, credit_account };
    match state.ledger.check(&[settled.transfer()]).map_err(|rejected| rejected.rejection) {
        Ok(()) => Ok(settled),
        Err(TransferRejection::ExceedsCredits) => {
            let available = state.ledger.balance(debit_account).unwrap_or_default().available();
            Err(Rejection::InsufficientFunds { available })
        }
        Err(TransferRejection::OverflowsDebitsPosted | TransferRejection::OverflowsCreditsPosted) => {
            Err(Rejection::BalanceOverflow)
        }
        Err(broken) => panic!("payment {} cannot be a transfer: {broken}", settled.what.id),
    }
}
