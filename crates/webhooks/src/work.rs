//! The work: events become deliveries, deliveries are sent, and what came of them is written down.
//!
//! The caller goes round: [`Webhooks::finished`] for each attempt that has ended; [`Webhooks::reads`], then the events that
//! these ask for, then [`Webhooks::store`]; [`Webhooks::due`], and sends. What came of attempts is written with the next
//! transaction: should it be lost, they are made again.

use std::collections::HashMap;

use bytes::Bytes;
use ids::{MerchantId, WebhookEndpointId};
use rusqlite::Connection;

use crate::delivery::{Attempt, DeliveryNumber, DeliveryStatus, MAX_POSITION, Rendered, Sending, event_id};
use crate::delivery_rows::{self, Change, NewDelivery, ROW_BYTES};
use crate::endpoint::EndpointState;
use crate::error::WebhooksError;
use crate::live::{Live, object_key};
use crate::queue::{Position, Progress, Verdict};
use crate::rows::{self, Replay};
use crate::webhooks::Webhooks;

/// Attempts that may have ended without that being written; then nothing more is sent until it is.
const MAX_UNWRITTEN: usize = 20_000;

/// Deliveries of one endpoint that are sent before the next endpoint's turn comes.
const AT_A_TURN: usize = 16;

/// Events that an endpoint wants: those of its merchant after a position, the oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Read {
    /// For which endpoint.
    pub endpoint: WebhookEndpointId,
    /// Whose events.
    pub merchant: MerchantId,
    /// Those after this position.
    pub after: Position,
    /// The most.
    pub limit: usize,
    /// How often it had been said then that there may be newer ones.
    pub(crate) marks: u64,
    /// The replay that wants them; `None`: the endpoint's cursor does.
    pub(crate) replay: Option<Replay>,
}

/// What was read.
#[derive(Debug)]
pub struct Taken {
    /// As it was asked.
    pub read: Read,
    /// The events. If they are fewer than were asked for, there are no more.
    pub events: Vec<Rendered>,
}

/// A delivery that is done and goes out once more.
pub(crate) struct Again {
    pub(crate) number: DeliveryNumber,
    pub(crate) progress: Progress,
    pub(crate) event_at: u64,
    pub(crate) object: String,
}

/// What is to be done with one [`Taken`].
struct Plan {
    id: WebhookEndpointId,
    number: i64,
    cursor: Position,
    stored_bytes: u64,
    inserts: Vec<(DeliveryNumber, Rendered)>,
    again: Vec<Again>,
    /// Deliveries that wait for their time and need not wait for it.
    hastened: Vec<Position>,
    /// The replay that this is of, and how far it is then; `None` in the second place when it is done.
    replay: Option<(Replay, Option<Replay>)>,
    is_caught_up: bool,
}

impl Webhooks {
    /// There may be newer events of this merchant.
    pub fn mark(&mut self, merchant: MerchantId) {
        for id in self.of_merchants.get(&merchant).into_iter().flatten() {
            self.behind.insert(*id);
            if let Some(live) = self.endpoints.get_mut(id) {
                live.marks += 1;
            }
        }
    }

    /// There may be newer events of any merchant.
    pub fn mark_all(&mut self) {
        let merchants: Vec<_> = self.merchants().collect();
        merchants.into_iter().for_each(|merchant| self.mark(merchant));
    }

    /// The events that are wanted now.
    #[must_use]
    pub fn reads(&self, now: u64) -> Vec<Read> {
        let share = self.share();
        let of_endpoint = |id: &WebhookEndpointId| {
            let live = self.endpoints.get(id)?;
            if !live.is_enabled() || live.stored_bytes > share.saturating_add(share / 4) {
                return None;
            }
            let limit = live.queue.room(now, self.limits.ahead, self.limits.waiting);
            let replay = live.replays.first().copied();
            let after = replay.map_or(live.cursor, |replay| replay.after);
            let (merchant, marks) = (live.endpoint.merchant, live.marks);
            (limit > 0).then_some(Read { endpoint: *id, merchant, after, limit, marks, replay })
        };
        self.behind.iter().filter_map(of_endpoint).collect()
    }

    /// Makes deliveries of what was read, moves cursors, and writes what attempts have come to: one transaction, durable
    /// when this returns.
    ///
    /// # Errors
    /// The file cannot be written. Nothing was changed then, and nothing is lost: the same is wanted again.
    pub fn store(&mut self, taken: Vec<Taken>, now: u64) -> Result<(), WebhooksError> {
        let mut plans = Vec::with_capacity(taken.len());
        for taken in taken {
            plans.extend(self.plan(taken)?);
        }
        if self.unwritten.is_empty() && plans.iter().all(|plan| self.is_idle(plan)) {
            plans.into_iter().for_each(|plan| self.take_effect(plan));
            return Ok(());
        }
        let new_types = self.new_types(&plans);
        let targets = self.choose_to_prune(plans.iter().map(|plan| (plan.id, plan.stored_bytes, plan.inserts.len())));
        let pruned = self.database.write(|sql| {
            self.unwritten.iter().try_for_each(|change| delivery_rows::change(sql, change))?;
            new_types.iter().try_for_each(|(name, code)| rows::insert_event_type(sql, *code, name))?;
            let code = |name: &str| new_types.get(name).or_else(|| self.event_types.get(name)).copied();
            plans.iter().try_for_each(|plan| plan.write(sql, code, now))?;
            for id in &self.gone {
                rows::set_state(sql, *id, EndpointState::Gone)?;
            }
            self.prune(sql, &targets, now)
        })?;
        self.unwritten.clear();
        self.gone.clear();
        self.event_types.extend(new_types);
        plans.into_iter().for_each(|plan| self.take_effect(plan));
        self.forget(pruned);
        Ok(())
    }

    /// What attempts have come to becomes durable.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn flush(&mut self, now: u64) -> Result<(), WebhooksError> {
        self.store(Vec::new(), now)
    }

    /// `None` if the endpoint is gone meanwhile.
    fn plan(&self, taken: Taken) -> Result<Option<Plan>, WebhooksError> {
        let Taken { read, events } = taken;
        let Some(live) = self.endpoints.get(&read.endpoint) else { return Ok(None) };
        let last = events.last().map(|event| event.position);
        let is_short = events.len() < read.limit;
        let mut plan = Plan {
            id: read.endpoint,
            number: live.number,
            cursor: live.cursor,
            stored_bytes: live.stored_bytes,
            inserts: Vec::with_capacity(events.len()),
            again: Vec::new(),
            hastened: Vec::new(),
            replay: None,
            // Unless there may be newer ones since it was asked.
            is_caught_up: is_short && read.replay.is_none() && live.marks == read.marks,
        };
        // A cursor may have moved since it asked.
        let (after, through) = match read.replay {
            None => (live.cursor, MAX_POSITION),
            Some(replay) => (replay.after, replay.through),
        };
        let wanted = |event: &Rendered| {
            (after + 1..=through).contains(&event.position) && live.endpoint.events.matches(&event.event_type)
        };
        match read.replay {
            None => {
                plan.cursor = live.cursor.max(last.unwrap_or(0).min(MAX_POSITION));
                let wanted = events.into_iter().filter(wanted);
                plan.inserts.extend(wanted.map(|event| (live.delivery(event.position), event)));
            }
            Some(replay) => {
                let after = last.unwrap_or(through);
                let is_done = is_short || after >= through;
                plan.replay = Some((replay, (!is_done).then_some(Replay { after, ..replay })));
                for event in events.into_iter().filter(wanted) {
                    self.plan_again(&mut plan, live, event)?;
                }
            }
        }
        let length = |event: &Rendered| u64::try_from(event.body.len()).unwrap_or(u64::MAX);
        plan.stored_bytes += plan.inserts.iter().map(|(_, event)| length(event) + ROW_BYTES).sum::<u64>();
        Ok(Some(plan))
    }

    /// A delivery that is known goes out with the bytes that are stored; one that is not, or no longer, with new ones.
    fn plan_again(&self, plan: &mut Plan, live: &Live, event: Rendered) -> Result<(), WebhooksError> {
        let number = live.delivery(event.position);
        if live.queue.contains(event.position) {
            plan.hastened.push(event.position);
            return Ok(());
        }
        match self.database.run(|sql| delivery_rows::get(sql, number))? {
            Some(row) => {
                // What its last attempt has come to may not be written yet.
                let unwritten = self.unwritten.iter().rev().find(|change| change.number == number);
                let attempts = unwritten.map_or(row.progress.attempts, |change| change.progress.attempts);
                let progress = Progress { attempts, ..Progress::default() };
                plan.again.push(Again { number, progress, event_at: row.event_at, object: row.object });
            }
            None => plan.inserts.push((number, event)),
        }
        Ok(())
    }

    fn is_idle(&self, plan: &Plan) -> bool {
        let is_there = self.endpoints.get(&plan.id).is_some_and(|live| live.cursor == plan.cursor);
        is_there && plan.inserts.is_empty() && plan.again.is_empty() && plan.replay.is_none()
    }

    fn new_types(&self, plans: &[Plan]) -> HashMap<String, i64> {
        let mut new = HashMap::new();
        let mut next = self.event_types.values().max().map_or(1, |last| last + 1);
        for (_, event) in plans.iter().flat_map(|plan| &plan.inserts) {
            let name: &str = &event.event_type;
            if !self.event_types.contains_key(name) && !new.contains_key(name) {
                new.insert(name.to_owned(), next);
                next += 1;
            }
        }
        new
    }

    fn take_effect(&mut self, plan: Plan) {
        let Some(live) = self.endpoints.get_mut(&plan.id) else { return };
        live.cursor = plan.cursor;
        live.stored_bytes = plan.stored_bytes;
        if plan.is_caught_up && live.replays.is_empty() {
            self.behind.remove(&plan.id);
        }
        if let Some((before, after)) = plan.replay
            && let Some(place) = live.replays.iter().position(|replay| replay.serial == before.serial)
        {
            match after {
                Some(after) => live.replays[place] = after,
                None => drop(live.replays.remove(place)),
            }
        }
        for (number, event) in plan.inserts {
            let body = Some(Bytes::from(event.body));
            live.queue.push(number.position(), object_key(&event.object), event.at_ms, Progress::default(), body);
        }
        for Again { number, progress, event_at, object } in plan.again {
            live.queue.push(number.position(), object_key(&object), event_at, progress, None);
        }
        for position in plan.hastened {
            live.queue.hasten(position);
        }
        self.reschedule(plan.id);
    }

    /// What is to be sent now: at most `most`, each endpoint in its turn. Each is under way until it is told what came of it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn due(&mut self, now: u64, most: usize) -> Result<Vec<Sending>, WebhooksError> {
        let mut sendings = Vec::new();
        if self.unwritten.len() > MAX_UNWRITTEN {
            return Ok(sendings);
        }
        let mut endpoints: Vec<_> = self.wakeups.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).collect();
        let all = endpoints.clone();
        while !endpoints.is_empty() && sendings.len() < most {
            let mut has_more = Vec::with_capacity(endpoints.len());
            for id in endpoints {
                let room = AT_A_TURN.min(most - sendings.len());
                let before = sendings.len();
                if let Err(error) = self.send_some(id, now, room, &mut sendings) {
                    // What is under way must be sent; the error comes again.
                    all.into_iter().for_each(|id| self.reschedule(id));
                    return if sendings.is_empty() { Err(error) } else { Ok(sendings) };
                }
                if sendings.len() - before == AT_A_TURN {
                    has_more.push(id);
                }
            }
            endpoints = has_more;
        }
        all.into_iter().for_each(|id| self.reschedule(id));
        Ok(sendings)
    }

    fn send_some(
        &mut self,
        id: WebhookEndpointId,
        now: u64,
        most: usize,
        sendings: &mut Vec<Sending>,
    ) -> Result<(), WebhooksError> {
        let Some(live) = self.endpoints.get_mut(&id) else { return Ok(()) };
        for _ in 0..most {
            let Some((position, event_at, body)) = live.queue.next(now) else { break };
            let number = live.delivery(position);
            let body = match body {
                Some(body) => body,
                None => match self.database.run(|sql| delivery_rows::body(sql, number)) {
                    Ok(Some(stored)) => Bytes::from(stored),
                    unreadable => {
                        live.queue.not_tried(position);
                        unreadable?;
                        return Err(self.database.damaged("a delivery that waits is not stored"));
                    }
                },
            };
            sendings.push(Sending {
                endpoint: id,
                position,
                event: event_id(event_at, position),
                url: live.endpoint.url.clone(),
                secrets: live.signing(now),
                body,
            });
        }
        Ok(())
    }

    /// When [`Webhooks::due`], or [`Webhooks::reads`] later than `now`, will have something if nothing else happens.
    #[must_use]
    pub fn wakes_at(&self, now: u64) -> Option<u64> {
        let enabled = self.behind.iter().filter_map(|id| self.endpoints.get(id)).filter(|live| live.is_enabled());
        let probes = enabled.filter_map(|live| live.queue.probe_at()).filter(|at| *at > now);
        self.wakeups.first().map(|(at, _)| *at).into_iter().chain(probes).min()
    }

    /// An attempt has ended. `random` is any number: it makes waits longer by a tenth at most.
    pub fn finished(&mut self, endpoint: WebhookEndpointId, position: Position, attempt: Attempt, random: u32) {
        let now = attempt.at.saturating_add(attempt.duration_ms);
        let Some(live) = self.endpoints.get_mut(&endpoint) else { return };
        let Some(before) = live.queue.progress(position) else { return };
        let number = live.delivery(position);
        let attempts = before.attempts.saturating_add(1);
        let first_attempt_at = before.first_attempt_at.or(Some(now));
        let ended = Progress { attempts, first_attempt_at, ..before };
        let (status, progress) = if attempt.outcome.is_success() {
            live.queue.succeeded(position);
            (DeliveryStatus::Succeeded, ended)
        } else {
            let verdict = live.queue.failed(position, now, random);
            match verdict {
                Some(Verdict::Again(progress)) if !attempt.outcome.is_gone() => (DeliveryStatus::Pending, progress),
                _ => {
                    live.queue.remove(position);
                    (DeliveryStatus::Dead, ended)
                }
            }
        };
        if attempt.outcome.is_gone() {
            live.endpoint.state = EndpointState::Gone;
            self.gone.insert(number.endpoint());
        }
        let finished_at = (status != DeliveryStatus::Pending).then_some(now);
        self.unwritten.push(Change { number, status, progress, finished_at, attempt: Some(attempt) });
        if live.queue.is_broken() {
            self.bury_overdue(endpoint, now);
        }
        self.reschedule(endpoint);
    }

    /// While probes stand for all, what was tried before must not wait for ever.
    fn bury_overdue(&mut self, endpoint: WebhookEndpointId, now: u64) {
        let Some(live) = self.endpoints.get_mut(&endpoint) else { return };
        for position in live.queue.overdue(now) {
            let Some(progress) = live.queue.progress(position) else { continue };
            live.queue.remove(position);
            let (number, status) = (live.delivery(position), DeliveryStatus::Dead);
            self.unwritten.push(Change { number, status, progress, finished_at: Some(now), attempt: None });
        }
    }

    /// An attempt was not made after all.
    pub fn not_tried(&mut self, endpoint: WebhookEndpointId, position: Position) {
        if let Some(live) = self.endpoints.get_mut(&endpoint) {
            live.queue.not_tried(position);
            self.reschedule(endpoint);
        }
    }
}

impl Plan {
    fn write(&self, sql: &Connection, code: impl Fn(&str) -> Option<i64>, now: u64) -> rusqlite::Result<()> {
        for (number, event) in &self.inserts {
            let new = NewDelivery {
                number: *number,
                event_type: code(&event.event_type).unwrap_or_default(),
                event_at: event.at_ms,
                created_at: now,
                object: &event.object,
                body: &event.body,
            };
            delivery_rows::insert(sql, &new)?;
        }
        self.again.iter().try_for_each(|again| again.write(sql))?;
        match self.replay {
            Some((_, Some(after))) => rows::put_replay(sql, self.number, after)?,
            Some((before, None)) => rows::delete_replay(sql, self.number, before.serial)?,
            None => {}
        }
        rows::set_position(sql, self.number, self.cursor, self.stored_bytes)
    }
}

impl Again {
    pub(crate) fn write(&self, sql: &Connection) -> rusqlite::Result<()> {
        let (number, progress) = (self.number, self.progress);
        delivery_rows::change(
            sql,
            &Change { number, status: DeliveryStatus::Pending, progress, finished_at: None, attempt: None },
        )
    }
}

#[cfg(test)]
mod tests;
