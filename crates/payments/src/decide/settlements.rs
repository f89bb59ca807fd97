//! Settlement: windows close, reserves come free, payouts leave and come to an end.

use ids::{AccountId, MerchantId, PayoutId, SettlementId};
use money::{Amount, Currency, Rounding};
use terms::SettlementTerms;

use super::Verdict;
use super::draft::Draft;
use crate::account::{Owner, account_code};
use crate::command::Answer;
use crate::derived;
use crate::event::{Event, Leg, Moved, Outcome, transfer_code};
use crate::model::{Text, UnixMillis};
use crate::rejection::Rejection;
use crate::settlement::{BankWord, Closing, MerchantBook, Payout, PayoutStatus, ReserveRelease, Settlement, Window};
use crate::state::{DuePayout, State};

const MILLISECONDS_PER_DAY: u64 = 24 * 60 * 60 * 1000;

/// Closes a window: the platform takes its fees and what it is owed, keeps the reserve, and the rest is the merchant's.
/// Nothing is left in the pending account. Costs the same however many payments had gathered.
pub(super) fn close(draft: &mut Draft<'_>, book: &MerchantBook, window: &Window) -> Result<(), Rejection> {
    let Some(closing) = window.closes else { return Ok(()) };
    let MerchantBook { merchant, currency, pending, .. } = *book;
    let terms = draft.state.merchant(merchant).and_then(|merchant| merchant.terms.clone());
    let owner = Owner::Merchant(merchant);
    let balance = draft.account(account_code::MERCHANT_BALANCE, owner, currency);
    let debt = draft.account(account_code::MERCHANT_DEBT, owner, currency);
    let mut legs = Vec::with_capacity(4);

    let fees_from_elsewhere = take_fees(draft, &mut legs, window.totals.fees, [pending, balance, debt], currency)?;
    let debt_repaid = draft.available(pending).min(draft.owed(debt));
    draft.transfer(&mut legs, transfer_code::DEBT_REPAID, [pending, debt], debt_repaid)?;

    let reserve = terms.as_ref().and_then(|terms| terms.reserve);
    let wanted = reserve.map_or(0, |reserve| reserve.rate.of(window.totals.gross, Rounding::Down));
    let reserved = wanted.min(draft.available(pending));
    if reserved > 0 {
        let account = draft.account(account_code::MERCHANT_RESERVE, owner, currency);
        draft.transfer(&mut legs, transfer_code::RESERVE, [pending, account], reserved)?;
    }
    let net = draft.available(pending);
    draft.transfer(&mut legs, transfer_code::SETTLEMENT, [pending, balance], net)?;

    let days = reserve.filter(|_| reserved > 0).map(|reserve| u64::from(reserve.days));
    let settlement = Settlement {
        id: settlement_id(book, closing.at),
        merchant,
        currency,
        number: book.settlements + 1,
        business_day: closing.business_day,
        opened_at: window.opened_at,
        closed_at: closing.at,
        after_position: book.closed_position,
        totals: window.totals,
        fees_from_elsewhere,
        debt_repaid,
        reserved,
        reserved_until: days.map(|days| closing.at.plus(days * MILLISECONDS_PER_DAY)),
        net,
        payout_at: terms.map_or(closing.at, |terms| UnixMillis(terms.payout_at_ms(closing.business_day))),
    };
    draft.events.push(Event::SettlementClosed(Moved { what: settlement, legs }));
    Ok(())
}

/// Takes the platform's fees: from what has gathered, then from the balance, then as a debt. Says how much was not in
/// what had gathered.
fn take_fees(
    draft: &mut Draft<'_>,
    legs: &mut Vec<Leg>,
    fees: u64,
    [pending, balance, debt]: [AccountId; 3],
    currency: Currency,
) -> Result<u64, Rejection> {
    let account = draft.account(account_code::FEES, Owner::Platform, currency);
    let from_window = fees.min(draft.available(pending));
    let from_balance = (fees - from_window).min(draft.available(balance));
    draft.transfer(legs, transfer_code::FEES, [pending, account], from_window)?;
    draft.transfer(legs, transfer_code::FEES, [balance, account], from_balance)?;
    draft.transfer(legs, transfer_code::FEES, [debt, account], fees - from_window - from_balance)?;
    Ok(fees - from_window)
}

fn settlement_id(book: &MerchantBook, at: UnixMillis) -> SettlementId {
    let number = u128::from(book.settlements) + 1;
    derived::id(at, &[book.merchant.as_u128(), u128::from(book.currency.numeric()), number])
}

/// The closing that a window gets which is opened now.
pub(super) fn closing_under(terms: &SettlementTerms, now: UnixMillis) -> Closing {
    let cut_off = terms.next_cut_off(now.0);
    Closing { at: UnixMillis(cut_off.at_ms), business_day: cut_off.business_day }
}

/// Closes the windows whose time is over, the first due first, `most` at most.
pub(super) fn close_due(draft: &mut Draft<'_>, most: usize) {
    let (state, now) = (draft.state, draft.now);
    let due = state.due.windows.iter().take_while(|(at, _)| *at <= now);
    let books = due.filter_map(|(_, pending)| state.books.get(*pending));
    let windows = books.filter_map(|book| Some((book, book.window.as_ref()?)));
    let closed = windows.filter(|(book, window)| draft.attempt(|draft| close(draft, book, window)));
    closed.take(most).for_each(drop);
}

/// Gives the reserves free whose time is over.
pub(super) fn release_reserves(draft: &mut Draft<'_>, most: usize) {
    let due = draft.state.due.reserves.range(..=(draft.now, SettlementId::from_u128(u128::MAX)));
    let released = due.filter(|(_, reserve)| draft.attempt(|draft| release_reserve(draft, **reserve)));
    released.take(most).for_each(drop);
}

fn release_reserve(draft: &mut Draft<'_>, reserve: ReserveRelease) -> Result<(), Rejection> {
    let ReserveRelease { merchant, currency, amount, .. } = reserve;
    let from = draft.account(account_code::MERCHANT_RESERVE, Owner::Merchant(merchant), currency);
    let to = draft.account(account_code::MERCHANT_BALANCE, Owner::Merchant(merchant), currency);
    let mut legs = Vec::with_capacity(1);
    draft.transfer(&mut legs, transfer_code::RESERVE_RELEASE, [from, to], amount)?;
    draft.events.push(Event::ReserveReleased(Moved { what: reserve, legs }));
    Ok(())
}

/// Pays out the settlements that are due: to each merchant its whole balance.
pub(super) fn pay_out_due(draft: &mut Draft<'_>, most: usize) {
    let (state, now) = (draft.state, draft.now);
    let due = state.due.payouts.iter().take_while(|(at, _)| *at <= now).take(most);
    for due in due.filter_map(|(_, settlement)| state.due.settled.get(settlement)) {
        let DuePayout { settlement, merchant, currency, .. } = *due;
        let id = PayoutId::from_u128(settlement.as_u128());
        if !draft.attempt(|draft| pay_out(draft, id, (merchant, currency), Some(settlement)).map(drop)) {
            draft.events.push(Event::PayoutSkipped(settlement));
        }
    }
}

pub(super) fn create_payout(
    state: &State,
    id: PayoutId,
    merchant: MerchantId,
    currency: Currency,
    now: UnixMillis,
) -> Verdict {
    let mut draft = Draft::new(state, now);
    match pay_out(&mut draft, id, (merchant, currency), None) {
        Ok(payout) => Verdict { events: draft.events, unsaid: None, answer: Ok(Answer::Payout(payout)) },
        Err(rejection) => Verdict::no(rejection),
    }
}

/// Pays out a merchant's whole balance, less what it owes: no money leaves for one that owes some.
fn pay_out(
    draft: &mut Draft<'_>,
    id: PayoutId,
    (merchant, currency): (MerchantId, Currency),
    settlement: Option<SettlementId>,
) -> Result<Payout, Rejection> {
    let status = draft.state.status_of(merchant);
    if !status.may_be_paid_out() {
        return Err(Rejection::MerchantNotActive { status });
    }
    let balance = draft.account(account_code::MERCHANT_BALANCE, Owner::Merchant(merchant), currency);
    let debt = draft.account(account_code::MERCHANT_DEBT, Owner::Merchant(merchant), currency);
    let in_transit = draft.account(account_code::PAYOUTS_IN_TRANSIT, Owner::Platform, currency);
    let mut legs = Vec::with_capacity(2);
    // A reserve that came free or a payout that came back may lie beside a debt.
    let debt_repaid = draft.available(balance).min(draft.owed(debt));
    draft.transfer(&mut legs, transfer_code::DEBT_REPAID, [balance, debt], debt_repaid)?;
    let amount = Amount::new(draft.available(balance)).map_err(|_| Rejection::NothingToPayOut)?;
    draft.transfer(&mut legs, transfer_code::PAYOUT, [balance, in_transit], amount.minor_units())?;
    let status = PayoutStatus::Created;
    let created_at = draft.now;
    let payout = Payout { id, merchant, currency, amount, settlement, created_at, bank_reference: None, status };
    draft.events.push(Event::PayoutCreated(Moved { what: payout.clone(), legs }));
    Ok(payout)
}

pub(super) fn submit_payout(state: &State, id: PayoutId, bank_reference: Option<Text>, now: UnixMillis) -> Verdict {
    let Some(payout) = state.payout(id) else { return Verdict::no(Rejection::NotFound) };
    match payout.status {
        PayoutStatus::Created => {
            let status = PayoutStatus::Submitted { at: now };
            let payout = Payout { bank_reference, status, ..payout.clone() };
            Verdict::yes(Event::PayoutSubmitted(payout.clone()), Answer::Payout(payout))
        }
        PayoutStatus::Submitted { .. } => Verdict::unchanged(Outcome::Done, Answer::Payout(payout.clone())),
        _ => Verdict::no(Rejection::PayoutClosed),
    }
}

pub(super) fn report_payout(state: &State, id: PayoutId, word: BankWord, now: UnixMillis) -> Verdict {
    let Some(payout) = state.payout(id) else { return Verdict::no(Rejection::NotFound) };
    match drafted_report(state, payout, word, now) {
        Ok(Some((events, payout))) => Verdict { events, unsaid: None, answer: Ok(Answer::Payout(payout)) },
        Ok(None) => Verdict::unchanged(Outcome::Done, Answer::Payout(payout.clone())),
        Err(rejection) => Verdict::no(rejection),
    }
}

/// What a bank's word does; nothing if it was said before.
fn drafted_report(
    state: &State,
    payout: &Payout,
    word: BankWord,
    now: UnixMillis,
) -> Result<Option<(Vec<Event>, Payout)>, Rejection> {
    let mut draft = Draft::new(state, now);
    let currency = payout.currency;
    let in_transit = draft.account(account_code::PAYOUTS_IN_TRANSIT, Owner::Platform, currency);
    let float = draft.account(account_code::FLOAT, Owner::Platform, currency);
    let balance = draft.account(account_code::MERCHANT_BALANCE, Owner::Merchant(payout.merchant), currency);
    let (code, way, status) = match (&payout.status, word) {
        (PayoutStatus::Created | PayoutStatus::Submitted { .. }, BankWord::Paid) => {
            (transfer_code::PAYOUT_PAID, [in_transit, float], PayoutStatus::Paid { at: now })
        }
        (PayoutStatus::Created | PayoutStatus::Submitted { .. }, BankWord::Failed(reason)) => {
            (transfer_code::PAYOUT_RETURNED, [in_transit, balance], PayoutStatus::Failed { at: now, reason })
        }
        (PayoutStatus::Created | PayoutStatus::Submitted { .. }, BankWord::Returned(reason)) => {
            (transfer_code::PAYOUT_RETURNED, [in_transit, balance], PayoutStatus::Returned { at: now, reason })
        }
        (PayoutStatus::Paid { .. }, BankWord::Returned(reason)) => {
            (transfer_code::PAYOUT_RETURNED, [float, balance], PayoutStatus::Returned { at: now, reason })
        }
        (PayoutStatus::Paid { .. }, BankWord::Paid)
        | (PayoutStatus::Failed { .. }, BankWord::Failed(_))
        | (PayoutStatus::Returned { .. }, BankWord::Returned(_) | BankWord::Paid) => return Ok(None),
        _ => return Err(Rejection::PayoutClosed),
    };
    let mut legs: Vec<Leg> = Vec::with_capacity(1);
    draft.transfer(&mut legs, code, way, payout.amount.minor_units())?;
    let payout = Payout { status, ..payout.clone() };
    Ok(Some((draft.finish(payout.clone(), legs, Event::PayoutReported), payout)))
}
