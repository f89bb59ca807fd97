//! The rules, one file for each thing that has some.

mod orders;
mod payments;
mod registry;
mod taps;

use crate::command::{Action, Answer, Command, Request};
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
        Action::CancelOrder { merchant, order } => orders::cancel(state, merchant, order, now),
        Action::ExpireOrders => orders::expire(state, now),
        Action::OpenTap { id, wallet, reading } => taps::open(state, id, wallet, reading, now),
        Action::ReportForgedTap { claimed } => taps::report_forged(state, claimed, now),
        Action::Pay(pay) => payments::pay(state, pay, now),
    }
}

/// Whether something new would bury what has its id. Ids are random, so this is a caller's mistake that shows at once,
/// and what is forgotten need not be asked.
fn takes_known_id(state: &State, action: &Action) -> bool {
    match action {
        Action::CreateOrder(new) => state.orders.contains_key(&new.id),
        Action::OpenTap { id, .. } => state.taps.contains_key(id),
        Action::Pay(pay) => state.payments.contains_key(&pay.id),
        _ => false,
    }
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
        Outcome::OrderCancelled(id) => state.orders.get(id).cloned().map(Answer::Order),
        Outcome::TapAccepted(id) => state.taps.get(id).map(|live| {
            let order = live.tap.order.and_then(|order| state.orders.get(&order));
            Answer::Tap(live.tap, order.map(crate::model::Order::as_created))
        }),
        Outcome::PaymentSucceeded(id) => state.payments.get(id).cloned().map(Answer::Payment),
        Outcome::DepositSucceeded(id) => state.deposits.get(id).copied().map(Answer::Deposit),
        Outcome::Done => Some(Answer::Done),
        Outcome::Refused(_) => None,
    }
}
