//! The rules, one file for each thing that has some.

mod disputes;
mod draft;
mod holds;
mod merchants;
mod orders;
mod payments;
mod refunds;
mod registry;
mod settlements;
mod taps;
mod tick;

use crate::command::{Action, Answer, CancelledBy, Command, IfPaid, Request};
use crate::event::{Event, Outcome, Record};
use crate::model::UnixMillis;
use crate::rejection::Rejection;
use crate::state::State;

/// What a command came to.
#[derive(Debug)]
pub struct Decision {
    /// The facts, to be journaled and folded in this order. Refused commands may have some too.
    pub records: Vec<Record>,
    /// What the caller is told, once the facts are durable.
    pub answer: Result<Answer, Rejection>,
}

/// What a rule makes of an action.
pub(crate) struct Verdict {
    /// What happens. The event that answers the request comes last.
    events: Vec<Event>,
    /// What a repeatable request is remembered by, where no event answers it.
    unsaid: Option<Event>,
    answer: Result<Answer, Rejection>,
}

impl Verdict {
    fn yes(event: Event, answer: Answer) -> Self {
        Self { events: vec![event], unsaid: None, answer: Ok(answer) }
    }

    fn unchanged(outcome: Outcome, answer: Answer) -> Self {
        Self { events: Vec::new(), unsaid: Some(Event::RequestAnswered(outcome)), answer: Ok(answer) }
    }

    fn no(rejection: Rejection) -> Self {
        Self { events: Vec::new(), unsaid: Some(Event::RequestRefused(rejection)), answer: Err(rejection) }
    }

    /// Not yet: nothing was used up, neither the reading nor the idempotency key, and asking again is expected.
    fn not_yet(rejection: Rejection) -> Self {
        Self { events: Vec::new(), unsaid: None, answer: Err(rejection) }
    }

    fn no_but(event: Event, rejection: Rejection) -> Self {
        Self { events: vec![event], unsaid: None, answer: Err(rejection) }
    }
}

/// Decides one command. Everything that the command [needs](State::next_need) must have been recalled.
pub fn decide(state: &State, command: Command) -> Decision {
    let Command { now, request, action } = command;
    let request = request.filter(|_| action.is_repeatable());
    if let Some(known) = request.and_then(|request| replay(state, request)) {
        return Decision { records: Vec::new(), answer: known };
    }
    let mut verdict = decide_action(state, action, now);
    if request.is_some() {
        verdict.events.extend(verdict.unsaid);
    }
    let last = verdict.events.len().saturating_sub(1);
    let records = verdict.events.into_iter().enumerate().map(|(index, event)| Record {
        at: now,
        request: request.filter(|_| index == last),
        event,
    });
    Decision { records: records.collect(), answer: verdict.answer }
}

fn decide_action(state: &State, action: Action, now: UnixMillis) -> Verdict {
    if takes_known_id(state, &action) {
        return Verdict::no(Rejection::Exists);
    }
    match action {
        Action::OpenAccount(account) => registry::open_account(state, account, now),
        Action::RegisterTag(tag) => registry::register_tag(state, tag),
        Action::Deposit { id, wallet, money } => registry::deposit(state, id, wallet, money, now),
        Action::CreateOrder(new) => orders::create(state, new, now),
        Action::CancelOrder { merchant, order, if_paid } => orders::cancel(state, merchant, order, if_paid, now),
        Action::ResolveOrder { merchant, order, close } => orders::resolve(state, merchant, order, close, now),
        Action::OpenTap { id, wallet, reading } => taps::open(state, id, wallet, reading, now),
        Action::ReportForgedTap { claimed } => taps::report_forged(state, claimed, now),
        Action::Pay(pay) => payments::pay(state, pay, now),
        Action::Capture(new) => holds::capture(state, new, now),
        Action::Void { merchant, payment } => holds::void(state, merchant, payment, now),
        Action::Refund(new) => refunds::refund(state, &new, now),
        Action::OpenDispute(new) => disputes::open(state, &new, now),
        Action::AnswerDispute { merchant, dispute, evidence } => {
            disputes::answer(state, merchant, dispute, evidence, now)
        }
        Action::AcceptDispute { merchant, dispute } => disputes::accept(state, merchant, dispute, now),
        Action::DecideDispute { dispute, won } => disputes::decide(state, dispute, won, now),
        Action::SetMerchantStatus { merchant, status } => merchants::set_status(state, merchant, status),
        Action::SetFeePlan { merchant, plan, from } => merchants::set_fee_plan(state, merchant, plan, from, now),
        Action::SetSettlementTerms { merchant, terms } => merchants::set_terms(state, merchant, terms, now),
        Action::CreatePayout { id, merchant, currency } => {
            settlements::create_payout(state, id, merchant, currency, now)
        }
        Action::SubmitPayout { payout, bank_reference } => {
            settlements::submit_payout(state, payout, bank_reference, now)
        }
        Action::ReportPayout { payout, word } => settlements::report_payout(state, payout, word, now),
        Action::Tick => tick::tick(state, now),
    }
}

/// Whether something new would bury what has its id, or has an id that no transfer can have. Ids are random, so this is
/// a caller's mistake that shows at once, and what is forgotten need not be asked.
fn takes_known_id(state: &State, action: &Action) -> bool {
    match action {
        Action::CreateOrder(new) => state.orders.contains_key(&new.id),
        Action::OpenTap { id, .. } => state.taps.contains_key(id),
        Action::Pay(pay) => is_nobodys(pay.id.as_u128()) || state.payments.contains_key(&pay.id),
        Action::Capture(new) => is_nobodys(new.id.as_u128()) || state.captures.contains_key(&new.id),
        Action::Refund(new) => is_nobodys(new.id.as_u128()) || state.refunds.contains_key(&new.id),
        Action::CancelOrder { if_paid: IfPaid::Refund(id), .. } => is_nobodys(id.as_u128()),
        Action::OpenDispute(new) => state.disputes.contains_key(&new.id),
        Action::CreatePayout { id, .. } => state.payouts.contains_key(id),
        _ => false,
    }
}

/// Whether no ledger transfer can have this id, or one of those after it, which the further legs of a movement get.
fn is_nobodys(bits: u128) -> bool {
    const MOST_LEGS: u128 = 1 << 32;
    bits == 0 || bits > u128::MAX - MOST_LEGS
}

/// The answer that this request had before, if it came before.
fn replay(state: &State, request: Request) -> Option<Result<Answer, Rejection>> {
    let (body, outcome) = state.requests.get(&request.key)?;
    if *body != request.body {
        return Some(Err(Rejection::IdempotencyConflict));
    }
    Some(match outcome {
        Outcome::Refused(rejection) => Err(*rejection),
        done => Ok(answer_again(state, done).unwrap_or_else(|| panic!("{done:?} was not recalled"))),
    })
}

fn answer_again(state: &State, outcome: &Outcome) -> Option<Answer> {
    match outcome {
        Outcome::OrderCreated(id) => state.orders.get(id).map(|order| Answer::Order(order.as_created())),
        Outcome::OrderCancelled(id) => {
            state.orders.get(id).cloned().map(|order| Answer::Cancelled(order, CancelledBy::Closing))
        }
        Outcome::OrderReleased(id) => {
            state.orders.get(id).cloned().map(|order| Answer::Cancelled(order, CancelledBy::Releasing))
        }
        Outcome::OrderRefunded(id, refund) => {
            state.orders.get(id).cloned().map(|order| Answer::Cancelled(order, CancelledBy::Refunding(*refund)))
        }
        Outcome::TapAccepted(id) => state.taps.get(id).map(|live| {
            let order = live.tap.order.and_then(|order| state.orders.get(&order));
            Answer::Tap(live.tap, order.map(crate::order::Order::as_created))
        }),
        Outcome::PaymentSucceeded(id) => state.payment(*id).map(|payment| Answer::Payment(payment.as_created())),
        Outcome::Captured(id) => state.captures.get(id).copied().map(Answer::Capture),
        Outcome::Released(release) => Some(Answer::Release(*release)),
        Outcome::Refunded(id) => state.refunds.get(id).cloned().map(Answer::Refund),
        Outcome::DisputeOpened(id) => state.dispute(*id).map(|dispute| Answer::Dispute(dispute.as_opened())),
        Outcome::DisputeAnswered(id) => state.dispute(*id).map(|dispute| Answer::Dispute(dispute.as_answered())),
        Outcome::DisputeClosed(id) => state.dispute(*id).cloned().map(Answer::Dispute),
        Outcome::PayoutCreated(id) => state.payout(*id).map(|payout| Answer::Payout(payout.as_created())),
        Outcome::DepositSucceeded(id) => state.deposits.get(id).copied().map(Answer::Deposit),
        Outcome::Done => Some(Answer::Done),
        Outcome::Refused(_) => None,
    }
}
