//! A day in the life of a platform: of everything there is, one that is over and one that is not. Facts, not decisions:
//! rules may change, and this stays.

use ids::{AccountId, CaptureId, DepositId, DisputeId, OrderId, PaymentId, PayoutId, RefundId, SettlementId, TapId};
use payments::{
    Account, AccountFlags, Beginning, BodyDigest, Capture, Captured, DeclinedPayment, Deposit, Dispute, DisputeStatus,
    Disputed, Event, Leg, MerchantStatus, Moved, OpenedWindow, Order, OrderStatus, Outcome, Owner, Payment,
    PaymentStatus, Payout, PayoutStatus, Record, Refund, Refunded, Rejection, ReleaseReason, Released, Request,
    RequestKey, ReserveRelease, Settlement, Share, TagMode, Tap, Totals, account_code, transfer_code as code,
};

use crate::samples::{self, text};
use crate::support::{START, account, amount, cny, currency, merchant, registered, tag_id, wallet};

const DAY_MS: u64 = 86_400_000;

const FLOAT: u128 = 1;
const PURSE: u128 = 2;
const PENDING: u128 = 3;
const HELD: u128 = 4;
const BALANCE: u128 = 5;
const DEBT: u128 = 6;
const FEES: u128 = 7;
const RESERVE: u128 = 8;
const DISPUTED: u128 = 9;
const IN_TRANSIT: u128 = 10;
const OTHER_PENDING: u128 = 11;
const OTHER_BALANCE: u128 = 12;

fn accounts() -> Vec<Account> {
    let (payer, payee, other) = (Owner::Wallet(wallet(0)), Owner::Merchant(merchant(0)), Owner::Merchant(merchant(1)));
    let open = |number, code, owner| account(number, code, owner, cny());
    let flags = AccountFlags { debits_must_not_exceed_credits: false, credits_must_not_exceed_debits: true };
    vec![
        open(FLOAT, account_code::FLOAT, Owner::Platform),
        open(PURSE, account_code::WALLET, payer),
        open(PENDING, account_code::MERCHANT_PENDING, payee),
        open(HELD, account_code::WALLET_HOLD, payer),
        open(BALANCE, account_code::MERCHANT_BALANCE, payee),
        Account { flags, ..open(DEBT, account_code::MERCHANT_DEBT, payee) },
        open(FEES, account_code::FEES, Owner::Platform),
        open(RESERVE, account_code::MERCHANT_RESERVE, payee),
        open(DISPUTED, account_code::DISPUTED, Owner::Platform),
        open(IN_TRANSIT, account_code::PAYOUTS_IN_TRANSIT, Owner::Platform),
        open(OTHER_PENDING, account_code::MERCHANT_PENDING, other),
        open(OTHER_BALANCE, account_code::MERCHANT_BALANCE, other),
    ]
}

fn account_id(number: u128) -> AccountId {
    AccountId::from_parts(START.0, number)
}

fn moved<T>(what: T, legs: &[(u16, u128, u128, u64)]) -> Moved<T> {
    let leg =
        |&(code, debit, credit, amount)| Leg { code, debit: account_id(debit), credit: account_id(credit), amount };
    Moved { what, legs: legs.iter().map(leg).collect() }
}

pub(crate) fn order(number: u128) -> Order {
    Order {
        id: OrderId::from_parts(START.0, number),
        amount: (number % 2 == 1).then(|| amount(1_250)),
        description: Some(text("it's 两碗面")),
        ..samples::order()
    }
}

/// With all that an order can say.
fn detailed_order() -> Order {
    Order { id: order(2).id, amount: Some(amount(2_000)), ..samples::detailed_order() }
}

fn tap(number: u32, counter: u32, order: Option<OrderId>) -> Tap {
    Tap { id: TapId::from_parts(START.0, number.into()), counter, order, created_at: START, ..samples::tap() }
}

/// Captured at once, for an order of the same number, with a tap of the same number.
pub(crate) fn payment(number: u32) -> Payment {
    Payment {
        id: PaymentId::from_parts(START.0, number.into()),
        tap: tap(number, 0, None).id,
        order: Some(order(number.into()).id),
        description: Some(text("it's 两碗面")),
        created_at: START,
        ..samples::payment()
    }
}

fn paid(number: u32, fee: u64) -> Event {
    let payment = Payment { fee, ..payment(number) };
    Event::PaymentMade(moved(payment, &[(code::PAYMENT, PURSE, PENDING, 1_250)]))
}

fn settlement(number: u64) -> Settlement {
    let totals = Totals {
        payments: 4,
        gross: 4_000,
        refunds: 1,
        refunded: 200,
        disputes: 2,
        disputed: 700,
        fees: 42,
        ..Totals::default()
    };
    Settlement {
        id: SettlementId::from_parts(samples::closing().at.0, number.into()),
        number,
        after_position: 0,
        totals,
        fees_from_elsewhere: 0,
        debt_repaid: 0,
        reserved: 400,
        net: 2_658,
        ..samples::settlement()
    }
}

pub(crate) fn payout(number: u64) -> Payout {
    Payout {
        id: PayoutId::from_parts(START.0, number.into()),
        settlement: Some(settlement(1).id),
        amount: amount(2_658),
        ..samples::payout()
    }
}

fn opened(who: usize, pending: u128, closes: Option<payments::Closing>) -> Event {
    Event::WindowOpened(OpenedWindow { merchant: merchant(who), currency: cny(), pending: account_id(pending), closes })
}

pub(crate) fn story() -> Vec<Record> {
    records([beginning(), paying(), holding(), returning(), settling(), ending()].concat())
}

fn beginning() -> Vec<Event> {
    let deposit = Deposit {
        id: DepositId::from_parts(START.0, 1),
        wallet: wallet(0),
        currency: cny(),
        amount: amount(i64::MAX.unsigned_abs()),
        created_at: START,
    };
    let mut events: Vec<Event> = accounts().into_iter().map(Event::AccountOpened).collect();
    events.extend([
        Event::TagRegistered(registered(0, merchant(0), TagMode::Till, cny())),
        Event::TagRegistered(registered(1, merchant(1), TagMode::Standing, currency("JPY"))),
        Event::MerchantStatusSet(merchant(0), MerchantStatus::Active),
        Event::FeePlanSet(merchant(0), START, samples::plan()),
        Event::SettlementTermsSet(merchant(0), samples::terms()),
        Event::MerchantStatusSet(merchant(1), MerchantStatus::Applied),
        Event::DepositSucceeded(moved(deposit, &[(code::DEPOSIT, FLOAT, PURSE, i64::MAX.unsigned_abs())])),
    ]);
    events
}

/// Orders that were paid at once, cancelled, expired, and one that waits; taps that paid, could not, and might.
fn paying() -> Vec<Event> {
    let declined = DeclinedPayment {
        wallet: wallet(0),
        merchant: merchant(0),
        tag: tag_id(0),
        tap: tap(6, 3, None).id,
        order: None,
        reason: Rejection::InsufficientFunds { available: 7 },
    };
    vec![
        Event::OrderPlaced(order(1)),
        Event::TapAccepted(tap(1, 1, Some(order(1).id))),
        opened(0, PENDING, Some(samples::closing())),
        paid(1, 18),
        // As it was written before there were details.
        Event::OrderCreated(order(3)),
        Event::TapAccepted(tap(3, 2, Some(order(3).id))),
        Event::PaymentSucceeded(moved(payment(3), &[(code::PAYMENT, PURSE, PENDING, 1_250)])),
        Event::OrderPlaced(order(7)),
        Event::OrderCancelled(order(7).id),
        Event::OrderPlaced(order(8)),
        Event::OrderExpired(order(8).id),
        Event::TapAccepted(tap(6, 3, None)),
        Event::PaymentDeclined(declined),
        Event::OrderPlaced(order(5)),
    ]
}

/// One hold that was captured in two parts, one that failed, and one that is held.
fn holding() -> Vec<Event> {
    let began = Beginning::Held { until: START.plus(DAY_MS) };
    let held = Payment { amount: amount(2_000), began, captured: 0, status: PaymentStatus::Held, ..payment(2) };
    let processing = Beginning::Processing { until: START.plus(60_000), succeeds: false };
    let doomed =
        Payment { began: processing, captured: 0, order: None, status: PaymentStatus::Processing, ..payment(4) };
    let still_held = Payment {
        amount: amount(600),
        order: Some(order(9).id),
        ..Payment { id: payment(9).id, tap: tap(9, 6, None).id, ..held.clone() }
    };
    let capture = |number, units, fee, released| Capture {
        id: CaptureId::from_parts(START.0, number),
        payment: held.id,
        amount: amount(units),
        fee,
        released,
        ..samples::capture()
    };
    let part = Payment { captured: 1_000, fee: 15, ..held.clone() };
    let whole = Payment { captured: 1_500, fee: 24, status: PaymentStatus::Succeeded, ..held.clone() };
    let at = START.plus(38);
    let order_after =
        Order { status: OrderStatus::Paid { payment: held.id, amount: amount(1_500), at }, ..detailed_order() };
    let failed = Payment { status: PaymentStatus::Failed { at: START.plus(41) }, ..doomed.clone() };
    let release = payments::Release { payment: doomed.id, ..samples::release(ReleaseReason::Failed) };
    vec![
        Event::OrderPlaced(detailed_order()),
        Event::TapAccepted(tap(2, 4, Some(detailed_order().id))),
        Event::PaymentMade(moved(held.clone(), &[(code::HOLD, PURSE, HELD, 2_000)])),
        Event::PaymentCaptured(moved(
            Captured { capture: capture(1, 1_000, 15, 0), payment: part, order: None },
            &[(code::CAPTURE, HELD, PENDING, 1_000)],
        )),
        Event::PaymentCaptured(moved(
            Captured { capture: capture(2, 500, 9, 500), payment: whole, order: Some(order_after) },
            &[(code::CAPTURE, HELD, PENDING, 500), (code::RELEASE, HELD, PURSE, 500)],
        )),
        Event::TapAccepted(tap(4, 5, None)),
        Event::PaymentMade(moved(doomed, &[(code::HOLD, PURSE, HELD, 1_250)])),
        Event::HoldReleased(moved(
            Released { release, payment: failed, order: None },
            &[(code::RELEASE, HELD, PURSE, 1_250)],
        )),
        Event::OrderPlaced(order(9)),
        Event::TapAccepted(tap(9, 6, Some(order(9).id))),
        Event::PaymentMade(moved(still_held, &[(code::HOLD, PURSE, HELD, 600)])),
    ]
}

/// A refund, a dispute that was lost, and one that runs.
fn returning() -> Vec<Event> {
    let first = Payment { fee: 18, refunded: 200, ..payment(1) };
    let refund = Refund { id: RefundId::from_parts(START.0, 1), payment: first.id, ..samples::refund() };
    let dispute = |number, payment: &Payment, units| Dispute {
        id: DisputeId::from_parts(START.0, number),
        payment: payment.id,
        amount: amount(units),
        parts: vec![(merchant(0), units)],
        ..samples::dispute()
    };
    let about_first = dispute(1, &first, 400);
    let disputed = Payment { disputed: 400, open_dispute: Some(about_first.id), ..first.clone() };
    let answered = Dispute {
        evidence: samples::answered_dispute().evidence,
        status: DisputeStatus::UnderReview,
        ..about_first.clone()
    };
    let lost = Dispute { status: DisputeStatus::Lost { at: START.plus(48) }, ..answered.clone() };
    let over = Payment { open_dispute: None, ..disputed.clone() };
    let about_third = dispute(2, &payment(3), 300);
    let third = Payment { disputed: 300, open_dispute: Some(about_third.id), ..payment(3) };
    vec![
        Event::PaymentRefunded(moved(Refunded { refund, payment: first }, &[(code::REFUND, PENDING, PURSE, 200)])),
        Event::DisputeOpened(moved(
            Disputed { dispute: about_first, payment: disputed },
            &[(code::DISPUTE, PENDING, DISPUTED, 400)],
        )),
        Event::DisputeAnswered(answered),
        Event::DisputeClosed(moved(
            Disputed { dispute: lost, payment: over },
            &[(code::DISPUTE_LOST, DISPUTED, PURSE, 400)],
        )),
        Event::DisputeOpened(moved(
            Disputed { dispute: about_third, payment: third },
            &[(code::DISPUTE, PENDING, DISPUTED, 300)],
        )),
    ]
}

/// A settlement that was paid out and whose reserve came free; one that is to be paid out; one that was not.
fn settling() -> Vec<Event> {
    let (first, at) = (settlement(1), samples::closing().at);
    let reserve = ReserveRelease { settlement: first.id, amount: 400, ..samples::reserve_release() };
    let submitted =
        Payout { bank_reference: Some(text("SEPA-17")), status: PayoutStatus::Submitted { at }, ..payout(1) };
    let asked_for = Payout { settlement: None, amount: amount(400), ..payout(2) };
    let share = |who, amount| Share { merchant: merchant(who), amount, captured: amount, returned: 0 };
    let shared = Payment { tip: 100, fee: 12, order: None, shares: vec![share(1, 300), share(0, 950)], ..payment(10) };
    let totals = |gross, fees| Totals { payments: 1, gross, fees, ..Totals::default() };
    let second = Settlement { after_position: 50, totals: totals(950, 12), reserved: 95, net: 843, ..settlement(2) };
    let others = Settlement {
        id: SettlementId::from_parts(at.0, 3),
        merchant: merchant(1),
        number: 1,
        totals: totals(300, 0),
        reserved: 0,
        reserved_until: None,
        net: 300,
        ..settlement(1)
    };
    vec![
        Event::SettlementClosed(moved(
            first,
            &[
                (code::FEES, PENDING, FEES, 42),
                (code::RESERVE, PENDING, RESERVE, 400),
                (code::SETTLEMENT, PENDING, BALANCE, 2_658),
            ],
        )),
        Event::PayoutCreated(moved(payout(1), &[(code::PAYOUT, BALANCE, IN_TRANSIT, 2_658)])),
        Event::PayoutSubmitted(submitted.clone()),
        Event::PayoutReported(moved(
            Payout { status: PayoutStatus::Paid { at }, ..submitted },
            &[(code::PAYOUT_PAID, IN_TRANSIT, FLOAT, 2_658)],
        )),
        Event::ReserveReleased(moved(reserve, &[(code::RESERVE_RELEASE, RESERVE, BALANCE, 400)])),
        Event::PayoutCreated(moved(asked_for, &[(code::PAYOUT, BALANCE, IN_TRANSIT, 400)])),
        opened(0, PENDING, None),
        opened(1, OTHER_PENDING, Some(samples::closing())),
        Event::TapAccepted(tap(10, 7, None)),
        Event::PaymentMade(moved(
            shared,
            &[(code::PAYMENT, PURSE, OTHER_PENDING, 300), (code::PAYMENT, PURSE, PENDING, 950)],
        )),
        Event::SettlementClosed(moved(
            second,
            &[
                (code::FEES, PENDING, FEES, 12),
                (code::RESERVE, PENDING, RESERVE, 95),
                (code::SETTLEMENT, PENDING, BALANCE, 843),
            ],
        )),
        Event::SettlementClosed(moved(others, &[(code::SETTLEMENT, OTHER_PENDING, OTHER_BALANCE, 300)])),
        Event::PayoutSkipped(others.id),
        opened(0, PENDING, Some(samples::closing())),
    ]
}

fn ending() -> Vec<Event> {
    vec![
        Event::RequestRefused(Rejection::InsufficientFunds { available: 7 }),
        Event::RequestAnswered(Outcome::OrderCancelled(order(7).id)),
    ]
}

fn records(events: Vec<Event>) -> Vec<Record> {
    let records = events.into_iter().zip(1u8..).map(|(event, number)| {
        let request = Request { key: RequestKey([number; 16]), body: BodyDigest([0xff - number; 16]) };
        let request = event.outcome().map(|_| request);
        Record { at: START.plus(number.into()), request, event }
    });
    records.collect()
}

/// What the tables of version 1 in `golden` were made of.
pub(crate) fn of_version_1() -> Vec<Record> {
    let beginning = beginning();
    let deposit = beginning.last().cloned();
    let mut events: Vec<Event> = beginning.into_iter().take(3).collect();
    events.extend([
        Event::TagRegistered(registered(0, merchant(0), TagMode::Till, cny())),
        Event::TagRegistered(registered(1, merchant(1), TagMode::Standing, currency("JPY"))),
    ]);
    events.extend(deposit);
    events.extend([
        Event::OrderCreated(order(1)),
        Event::TapAccepted(tap(1, 1, Some(order(1).id))),
        Event::PaymentSucceeded(moved(payment(1), &[(code::PAYMENT, PURSE, PENDING, 1_250)])),
        Event::OrderCreated(order(2)),
        Event::OrderCancelled(order(2).id),
        Event::OrderCreated(order(3)),
        Event::OrderExpired(order(3).id),
        Event::OrderCreated(order(4)),
        Event::TapAccepted(tap(2, 2, Some(order(4).id))),
        Event::RequestRefused(Rejection::InsufficientFunds { available: 7 }),
        Event::RequestAnswered(Outcome::OrderCancelled(order(2).id)),
    ]);
    records(events)
}
