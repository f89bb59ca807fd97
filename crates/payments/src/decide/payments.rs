//! Payments: one tap, at most one payment; one order, at most one payment; no wallet below zero.

use ids::AccountId;
use ledger::CreateTransferStatus;
use money::{Amount, Currency, Money};

use super::{Verdict, orders};
use crate::account::{Owner, account_code};
use crate::command::{Answer, Pay};
use crate::event::{DeclinedPayment, Event, Settled};
use crate::model::{Order, Payment, TAP_LIFETIME_MS, Tap, UnixMillis};
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
    match state.check_transfer(&settled.transfer(), settled.what.created_at) {
        Ok(_) => Ok(settled),
        Err(CreateTransferStatus::ExceedsCredits) => {
            Err(Rejection::InsufficientFunds { available: available(state, debit_account) })
        }
        Err(status) => Err(refusal(status, currency)),
    }
}

fn available(state: &State, account: AccountId) -> u64 {
    state.account(account).map_or(0, |(_, balance)| balance.available())
}

/// What it means to the payer that the ledger refuses a payment for another reason than too little money.
fn refusal(status: CreateTransferStatus, currency: Currency) -> Rejection {
    use CreateTransferStatus::*;
    match status {
        OverflowsDebitsPosted | OverflowsCreditsPosted | OverflowsDebits | OverflowsCredits | ExceedsDebits => {
            Rejection::BalanceOverflow
        }
        // Who has nothing but a closed account in a currency does not deal in it.
        DebitAccountAlreadyClosed => Rejection::CurrencyNotHeld { currency },
        CreditAccountAlreadyClosed => Rejection::CurrencyNotAccepted { currency },
        // These two numbers are nobody's to take.
        IdMustNotBeZero | IdMustNotBeIntMax => Rejection::Exists,
        // The rest cannot be. Both accounts are known, open by good ids, of different codes and of the payment's
        // currency, because that is what they were found by; amount, ledger and code are given; and the transfer has no
        // flags, so nothing is pending, balancing, closing or linked. `check` looks at no transfers of before.
        impossible => panic!("a payment cannot be a transfer: {impossible}"),
    }
}

#[cfg(test)]
mod tests {
    use ids::{MerchantId, PaymentId, TagId, TapId, WalletId};
    use ledger::{Balance, Effects, Transfer, TransferFlags};

    use super::*;
    use crate::account::{Account, AccountFlags};

    const WALLET: WalletId = WalletId::from_u128(21);
    const MERCHANT: MerchantId = MerchantId::from_u128(22);

    fn state() -> State {
        let mut state = State::default();
        let accounts = [
            (account_code::WALLET, Owner::Wallet(WALLET), 100),
            (account_code::MERCHANT_PENDING, Owner::Merchant(MERCHANT), 0),
        ];
        for ((code, owner, credits_posted), number) in accounts.into_iter().zip(1..) {
            let (id, flags) = (AccountId::from_u128(number), AccountFlags::default());
            let account = Account { id, ledger: 156, code, owner: owner.bits(), flags };
            state.restore_account(account, Balance { credits_posted, ..Balance::default() });
        }
        state
    }

    /// Pays the least amount there is.
    fn pay(state: &State, id: u128) -> Result<Settled<Payment>, Rejection> {
        let payment = Payment {
            id: PaymentId::from_u128(id),
            wallet: WALLET,
            merchant: MERCHANT,
            tag: TagId::from_u128(3),
            tap: TapId::from_u128(4),
            order: None,
            description: None,
            currency: Currency::from_numeric(156).unwrap(),
            amount: Amount::MIN,
            created_at: UnixMillis(5),
        };
        transferable(state, payment)
    }

    /// No event of payments closes an account yet; whatever does so one day, a payment is refused and nothing stops.
    #[test]
    fn a_closed_account_neither_pays_nor_is_paid() {
        let currency = Currency::from_numeric(156).unwrap();
        let cases = [
            (TransferFlags::CLOSING_DEBIT, Rejection::CurrencyNotHeld { currency }),
            (TransferFlags::CLOSING_CREDIT, Rejection::CurrencyNotAccepted { currency }),
        ];
        for (closing, expected) in cases {
            let mut state = state();
            assert!(pay(&state, 9).is_ok());
            let close = Transfer {
                id: 8,
                debit_account_id: 1,
                credit_account_id: 2,
                ledger: 156,
                code: 1,
                flags: TransferFlags::PENDING | closing,
                ..Transfer::default()
            };
            let recorded = state.ledger.check(&close, 1).unwrap();
            state.ledger.apply_transfer(&recorded, &mut Effects::default());
            assert_eq!(pay(&state, 9), Err(expected));
        }
    }

    #[test]
    fn an_id_that_nobody_can_have_is_taken() {
        for nobodys in [0, u128::MAX] {
            assert_eq!(pay(&state(), nobodys), Err(Rejection::Exists));
        }
    }
}
