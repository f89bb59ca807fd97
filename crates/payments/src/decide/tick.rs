//! What happens by itself when its time has come.

use super::draft::Draft;
use super::{Verdict, disputes, holds, orders, settlements};
use crate::command::Answer;
use crate::model::UnixMillis;
use crate::state::State;

/// The most things of one kind that one tick does, so that no batch is unbounded.
const MOST: usize = 1_000;

/// The most windows that one tick closes. Each may open accounts and moves money between five.
const MOST_WINDOWS: usize = 200;

/// A kind of things that happen by themselves.
type Work = fn(&mut Draft<'_>);

/// Does what is due of the kind that is due first. One kind at a time: each sees the state that the others have left.
/// What cannot be done (sums beyond what can be counted) stays due, and keeps nothing else from being done.
pub(super) fn tick(state: &State, now: UnixMillis) -> Verdict {
    let due = &state.due;
    let mut kinds: [(Option<UnixMillis>, Work); 6] = [
        (due.orders.first().map(|(at, _)| *at), |draft| orders::expire(draft, MOST)),
        (due.holds.first().map(|(at, _)| *at), |draft| holds::end_due(draft, MOST_WINDOWS)),
        (due.windows.first().map(|(at, _)| *at), |draft| settlements::close_due(draft, MOST_WINDOWS)),
        (due.payouts.first().map(|(at, _)| *at), |draft| settlements::pay_out_due(draft, MOST_WINDOWS)),
        (due.reserves.first_key_value().map(|((at, _), _)| *at), |draft| {
            settlements::release_reserves(draft, MOST_WINDOWS)
        }),
        (due.disputes.first().map(|(at, _)| *at), |draft| disputes::lose_due(draft)),
    ];
    kinds.sort_by_key(|(at, _)| *at);
    let done = kinds.into_iter().filter(|(at, _)| at.is_some_and(|at| at <= now)).find_map(|(_, work)| {
        let mut draft = Draft::new(state, now);
        work(&mut draft);
        Some(draft.events).filter(|events| !events.is_empty())
    });
    let events = done.unwrap_or_default();
    let answer = Ok(Answer::Ticked(events.len()));
    Verdict { events, unsaid: None, answer }
}
