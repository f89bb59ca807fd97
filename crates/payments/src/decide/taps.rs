//! Taps: a genuine reading is accepted once, in the order of the chip's counter.

use ids::{TapId, WalletId};
use tag::{Uid, VerifiedTap};

use super::{Verdict, orders};
use crate::command::Answer;
use crate::event::{Event, RefusedTap};
use crate::model::{TagMode, Tap, UnixMillis};
use crate::rejection::Rejection;
use crate::state::{State, TagState};

/// The least time between two reports of readings of one tag that were refused for the same reason, so that a forger
/// cannot fill the journal.
const REFUSAL_INTERVAL_MS: u64 = 1_000;

pub(super) fn open(state: &State, id: TapId, wallet: WalletId, reading: VerifiedTap, now: UnixMillis) -> Verdict {
    let Some(known) = state.tags.get(&reading.uid()) else {
        return Verdict::no(Rejection::TagUnknown);
    };
    if !known.tag.active {
        return Verdict::no(Rejection::TagInactive);
    }
    if let Err(rejection) = orders::payable_merchant(state, known.tag.merchant) {
        return Verdict::no(rejection);
    }
    let counter = reading.counter().value();
    if counter <= known.last_counter {
        return refuse(known, Rejection::TapReplayed, now);
    }
    let waiting = known.waiting_order.and_then(|order| state.orders.get(&order));
    let order = waiting.filter(|order| orders::payable(order, now).is_ok());
    if order.is_none() && known.tag.mode == TagMode::Till {
        return Verdict::not_yet(Rejection::NothingToPay);
    }
    let tap = Tap {
        id,
        wallet,
        tag: known.tag.id,
        merchant: known.tag.merchant,
        counter,
        order: order.map(|order| order.id),
        currency: order.map_or(known.tag.currency, |order| order.currency),
        created_at: now,
    };
    Verdict::yes(Event::TapAccepted(tap), Answer::Tap(tap, order.cloned()))
}

pub(super) fn report_forged(state: &State, claimed: Uid, now: UnixMillis) -> Verdict {
    match state.tags.get(&claimed) {
        Some(known) => refuse(known, Rejection::TapForged, now),
        None => Verdict::no(Rejection::TapForged),
    }
}

fn refuse(known: &TagState, reason: Rejection, now: UnixMillis) -> Verdict {
    let quiet_until = known.last_refusals.of(reason).map(|at| at.plus(REFUSAL_INTERVAL_MS));
    if quiet_until.is_some_and(|until| now < until) {
        return Verdict::no(reason);
    }
    let refused = RefusedTap { tag: known.tag.id, merchant: known.tag.merchant, reason };
    Verdict::no_but(Event::TapRefused(refused), reason)
}
