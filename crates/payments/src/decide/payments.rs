//! Payments: one tap, at most one payment; one order, at most one payment; no wallet below zero.

use ids::AccountId;
use ledger::{CreateTransferStatus, Transfer};
use money::{Amount, Currency, Money};

use super::draft::Draft;
use super::{Verdict, orders};
use crate::account::{Owner, account_code};
use crate::command::{Answer, Forced, Pay, forced_by};
use crate::event::{DeclinedPayment, Event, Moved, transfer_code};
use crate::model::{TAP_LIFETIME_MS, Tap, UnixMillis};
use crate::order::{Order, OrderDetails};
use crate::payment::{Beginning, Payment, PaymentStatus};
use crate::rejection::Rejection;
use crate::state::{LiveTap, State};

/// Declines of one tap that the merchant is told of; further ones only answer the caller.
const MAX_REPORTED_DECLINES: u8 = 10;

pub(super) fn pay(state: &State, pay: Pay, now: UnixMillis) -> Verdict {
    let Some(live) = state.taps.get(&pay.tap).filter(|live| live.tap.wallet == pay.wallet) else {
        return Verdict::no(missing_tap(&pay, now));
    };
    let mut draft = Draft::new(state, now);
    match settle(&mut draft, live, &pay) {
        Ok(payment) => Verdict { events: draft.events, unsaid: None, answer: Ok(Answer::Payment(payment)) },
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
            | Rejection::TipNotAccepted
    )
}

fn declined(tap: &Tap, reason: Rejection) -> DeclinedPayment {
    DeclinedPayment { wallet: tap.wallet, merchant: tap.merchant, tag: tap.tag, tap: tap.id, order: tap.order, reason }
}

fn settle(draft: &mut Draft<'_>, live: &LiveTap, pay: &Pay) -> Result<Payment, Rejection> {
    let (state, now, tap) = (draft.state, draft.now, &live.tap);
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
    orders::payable_merchant(state, tap.merchant)?;
    let details = order.and_then(|order| order.details.as_deref());
    let amount = with_tip(amount_to_pay(tap, order, pay.money)?, pay.tip, details)?;
    let forced = match pay.forced {
        Some(Forced::ByAmount) => forced_by(amount.minor_units()),
        forced => forced,
    };
    let began = beginning(forced, details, now)?;
    let shares = match details {
        Some(details) => details.shares(tap.merchant, amount.minor_units()).ok_or(Rejection::SplitsExceedAmount)?,
        None => Vec::new(),
    };
    orders::payable_receivers(state, &shares)?;
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
        began,
        tip: pay.tip,
        fee: 0,
        captured: 0,
        refunded: 0,
        disputed: 0,
        open_dispute: None,
        shares,
        status: PaymentStatus::Held,
    };
    move_money(draft, payment)
}

/// The amount with the payer's tip on top of it, where the order takes one.
fn with_tip(amount: Amount, tip: u64, details: Option<&OrderDetails>) -> Result<Amount, Rejection> {
    if tip == 0 {
        return Ok(amount);
    }
    if !details.is_some_and(|details| details.tipping) {
        return Err(Rejection::TipNotAccepted);
    }
    let sum = amount.minor_units().checked_add(tip).ok_or(Rejection::BalanceOverflow)?;
    Amount::new(sum).map_err(|_| Rejection::BalanceOverflow)
}

fn beginning(forced: Option<Forced>, details: Option<&OrderDetails>, now: UnixMillis) -> Result<Beginning, Rejection> {
    match (forced, details.and_then(|details| details.hold_ms)) {
        (Some(Forced::Declined(rejection)), _) => Err(rejection),
        (Some(Forced::Processing { for_ms, succeeds }), _) => {
            Ok(Beginning::Processing { until: now.plus(for_ms), succeeds })
        }
        (None | Some(Forced::ByAmount), Some(hold_ms)) => Ok(Beginning::Held { until: now.plus(hold_ms) }),
        (None | Some(Forced::ByAmount), None) => Ok(Beginning::Captured),
    }
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

/// Moves the money to the receivers, or holds it.
fn move_money(draft: &mut Draft<'_>, mut payment: Payment) -> Result<Payment, Rejection> {
    let (state, currency, amount) = (draft.state, payment.currency, payment.amount.minor_units());
    let wallet = state.wallet_account(payment.wallet, currency).ok_or(Rejection::CurrencyNotHeld { currency })?;
    let merchant = state
        .account_of(account_code::MERCHANT_PENDING, Owner::Merchant(payment.merchant), currency)
        .ok_or(Rejection::CurrencyNotAccepted { currency })?;
    allowed(state, &payment, [wallet, merchant])?;
    let mut legs = Vec::with_capacity(payment.shares.len().max(1));
    match payment.began {
        Beginning::Captured => {
            let parts = payment.capture(amount);
            draft.distribute(&mut legs, transfer_code::PAYMENT, wallet, &parts, currency)?;
            payment.fee = draft.charge(payment.merchant, currency, amount)?;
            payment.status = PaymentStatus::Succeeded;
        }
        Beginning::Held { .. } | Beginning::Processing { .. } => {
            let hold = draft.account(account_code::WALLET_HOLD, Owner::Wallet(payment.wallet), currency);
            draft.transfer(&mut legs, transfer_code::HOLD, [wallet, hold], amount)?;
            let is_held = matches!(payment.began, Beginning::Held { .. });
            payment.status = if is_held { PaymentStatus::Held } else { PaymentStatus::Processing };
        }
    }
    draft.events.push(Event::PaymentMade(Moved { what: payment.clone(), legs }));
    Ok(payment)
}

/// Whether the ledger lets the whole amount pass from the one account to the other, whatever way it really takes.
fn allowed(state: &State, payment: &Payment, [wallet, merchant]: [AccountId; 2]) -> Result<(), Rejection> {
    let currency = payment.currency;
    let transfer = Transfer {
        id: payment.id.as_u128(),
        debit_account_id: wallet.as_u128(),
        credit_account_id: merchant.as_u128(),
        amount: payment.amount.minor_units(),
        ledger: u32::from(currency.numeric()),
        code: transfer_code::PAYMENT,
        ..Transfer::default()
    };
    match state.check_transfer(&transfer, payment.created_at) {
        Ok(_) => Ok(()),
        Err(CreateTransferStatus::ExceedsCredits) => {
            Err(Rejection::InsufficientFunds { available: available(state, wallet) })
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
    use ledger::{Balance, Effects, TransferFlags};

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
    fn pay(state: &State, id: u128) -> Result<Payment, Rejection> {
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
            began: Beginning::Captured,
            tip: 0,
            fee: 0,
            captured: 0,
            refunded: 0,
            disputed: 0,
            open_dispute: None,
            shares: Vec::new(),
            status: PaymentStatus::Held,
        };
        move_money(&mut Draft::new(state, UnixMillis(5)), payment)
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
