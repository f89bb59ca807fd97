//! The queue of one endpoint: what waits, in which order, and when it may go. No clock, no chance, no I/O: times are Unix
//! milliseconds that come in.
//!
//! - **Order.** Deliveries of one object stand in a line by their position; only the first of a line can go. Lines do not
//!   wait for each other.
//! - **Window.** The number of deliveries under way at once grows with successes and is halved by failures, so that a
//!   receiver that has just died holds few connections.
//! - **Breaker.** When [`BREAKS_AT`] different deliveries have failed one after the other with no success in between, the
//!   endpoint is taken for dead: one delivery at a time goes out as a probe, and nothing further is wanted. The first
//!   success ends that, and all that waits is due at once.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use bytes::Bytes;

use crate::ladder::{self, MAX_TRYING_MS, PROBE_WAITS_MS};

/// The place of an event in the journal; orders the deliveries of an endpoint.
pub type Position = u64;

/// How many different deliveries fail in a row before an endpoint is taken for dead.
pub(crate) const BREAKS_AT: usize = 5;

/// Deliveries under way at once to an endpoint that has not shown yet what it can take.
const FIRST_WINDOW: usize = 8;

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Progress {
    /// Attempts made.
    pub(crate) attempts: u32,
    /// Failures that count on the ladder: those of attempts that were no probes.
    pub(crate) step: u32,
    /// When the first attempt ended.
    pub(crate) first_attempt_at: Option<u64>,
    /// When the next attempt is due, if alone its own failures are looked at.
    pub(crate) next_at: u64,
}

#[derive(Debug)]
struct Entry {
    object: u64,
    event_at: u64,
    progress: Progress,
    /// The bytes to send, as long as they are worth their memory.
    body: Option<Bytes>,
}

/// The deliveries of one object.
#[derive(Debug, Default)]
struct Line {
    /// Sorted; the first is the one that may go.
    waiting: VecDeque<Position>,
    /// The one under way. It is still the first, unless an older one was put before it meanwhile.
    under_way: Option<Position>,
}

#[derive(Debug)]
enum Breaker {
    /// The deliveries that have failed since the last success, while they are few.
    Closed { failed: BTreeSet<Position> },
    /// The endpoint is taken for dead.
    Open { failures: u32, probe_at: u64, probe: Option<Position> },
}

/// What a failed attempt has come to for its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It will be tried again, and this is how far it is.
    Again(Progress),
    /// It will not be tried again by itself.
    Dead(Progress),
}

/// The queue of one endpoint.
#[derive(Debug)]
pub(crate) struct Queue {
    entries: BTreeMap<Position, Entry>,
    lines: HashMap<u64, Line>,
    /// First of their lines, not under way, due.
    ready: BTreeSet<Position>,
    /// First of their lines, not under way, due at a time.
    timers: BTreeSet<(u64, Position)>,
    under_way: usize,
    window: usize,
    most_under_way: usize,
    breaker: Breaker,
}

impl Queue {
    pub(crate) fn new(most_under_way: usize) -> Self {
        Self {
            entries: BTreeMap::new(),
            lines: HashMap::new(),
            ready: BTreeSet::new(),
            timers: BTreeSet::new(),
            under_way: 0,
            window: FIRST_WINDOW.min(most_under_way),
            most_under_way,
            breaker: Breaker::Closed { failed: BTreeSet::new() },
        }
    }

    /// Deliveries that have not come to an end.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the endpoint is taken for dead.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.breaker, Breaker::Open { .. })
    }

    pub(crate) fn contains(&self, position: Position) -> bool {
        self.entries.contains_key(&position)
    }

    pub(crate) fn progress(&self, position: Position) -> Option<Progress> {
        self.entries.get(&position).map(|entry| entry.progress)
    }

    /// Puts a delivery in. One that is in already stays as it is. `object` stands for what it is about, `event_at` is when
    /// that happened.
    pub(crate) fn push(
        &mut self,
        position: Position,
        object: u64,
        event_at: u64,
        progress: Progress,
        body: Option<Bytes>,
    ) {
        if self.entries.contains_key(&position) {
            return;
        }
        self.entries.insert(position, Entry { object, event_at, progress, body });
        let line = self.lines.entry(object).or_default();
        let first = line.waiting.front().copied();
        let place = line.waiting.partition_point(|other| *other < position);
        line.waiting.insert(place, position);
        if let (0, Some(first)) = (place, first) {
            self.unschedule(first);
        }
        self.schedule_first(object);
    }

    /// After loading: if so many deliveries have failed before that the endpoint may be dead, it is asked by one probe, at
    /// once.
    pub(crate) fn resume(&mut self) {
        let failed = self.entries.values().filter(|entry| entry.progress.attempts > 0).take(BREAKS_AT).count();
        if failed == BREAKS_AT {
            self.breaker = Breaker::Open { failures: 1, probe_at: 0, probe: None };
        }
    }

    /// Lets a delivery that waits for its time go at once.
    pub(crate) fn hasten(&mut self, position: Position) {
        let Some(entry) = self.entries.get_mut(&position) else { return };
        let object = entry.object;
        self.timers.remove(&(entry.progress.next_at, position));
        entry.progress.next_at = 0;
        self.schedule_first(object);
    }

    /// Takes the next delivery that may go now, which is then under way: its position, when its event happened, and its
    /// bytes if they are at hand.
    pub(crate) fn next(&mut self, now: u64) -> Option<(Position, u64, Option<Bytes>)> {
        self.ring_timers(now);
        let position = match &self.breaker {
            Breaker::Closed { .. } if self.under_way < self.window => self.ready.first().copied()?,
            Breaker::Open { probe_at, .. } if self.under_way == 0 && *probe_at <= now => self.choose_probe()?,
            _ => return None,
        };
        self.unschedule(position);
        if let Breaker::Open { probe, .. } = &mut self.breaker {
            *probe = Some(position);
        }
        self.under_way += 1;
        let entry = self.entries.get_mut(&position)?;
        self.lines.entry(entry.object).or_default().under_way = Some(position);
        Some((position, entry.event_at, entry.body.take()))
    }

    /// The least tried of those that are first of their lines, the oldest of these: one event that the receiver cannot
    /// digest must not stand for all.
    fn choose_probe(&self) -> Option<Position> {
        self.firsts().min_by_key(|(position, entry)| (entry.progress.attempts, *position)).map(|(position, _)| position)
    }

    /// The deliveries that are first of their lines and not under way.
    fn firsts(&self) -> impl Iterator<Item = (Position, &Entry)> {
        let positions = self.ready.iter().chain(self.timers.iter().map(|(_, position)| position));
        positions.filter_map(|position| Some((*position, self.entries.get(position)?)))
    }

    /// An attempt has succeeded.
    pub(crate) fn succeeded(&mut self, position: Position) {
        self.landed(position);
        self.window = (self.window + 1).min(self.most_under_way);
        self.revive();
        self.remove(position);
    }

    /// An attempt has failed at `now`. `random` lengthens waits by chance. `None` if there is no such delivery.
    pub(crate) fn failed(&mut self, position: Position, now: u64, random: u32) -> Option<Verdict> {
        self.landed(position);
        self.window = (self.window / 2).max(1);
        let entry = self.entries.get_mut(&position)?;
        let progress = &mut entry.progress;
        progress.attempts = progress.attempts.saturating_add(1);
        let first_attempt_at = *progress.first_attempt_at.get_or_insert(now);
        let mut is_dead = now.saturating_sub(first_attempt_at) >= MAX_TRYING_MS;
        match &mut self.breaker {
            Breaker::Open { failures, probe_at, probe } if *probe == Some(position) => {
                *failures = failures.saturating_add(1);
                *probe_at = now + ladder::jittered(ladder::probe_wait(*failures), random);
                *probe = None;
                progress.next_at = progress.next_at.max(*probe_at);
            }
            breaker => {
                progress.step += 1;
                match ladder::retry_wait(progress.step) {
                    Some(wait) => progress.next_at = now + ladder::jittered(wait, random),
                    None => is_dead = true,
                }
                if let Breaker::Closed { failed } = breaker {
                    failed.insert(position);
                    if failed.len() >= BREAKS_AT {
                        let probe_at = now + ladder::jittered(ladder::probe_wait(1), random);
                        *breaker = Breaker::Open { failures: 1, probe_at, probe: None };
                    }
                }
            }
        }
        let (object, progress) = (entry.object, entry.progress);
        if is_dead {
            self.remove(position);
            return Some(Verdict::Dead(progress));
        }
        self.schedule_first(object);
        Some(Verdict::Again(progress))
    }

    /// The attempt was never made: nothing is known of the receiver.
    pub(crate) fn not_tried(&mut self, position: Position) {
        self.landed(position);
        if let Breaker::Open { probe, .. } = &mut self.breaker {
            *probe = probe.filter(|probe| *probe != position);
        }
        if let Some(object) = self.entries.get(&position).map(|entry| entry.object) {
            self.schedule_first(object);
        }
    }

    /// Takes a delivery out whatever it has come to.
    pub(crate) fn remove(&mut self, position: Position) {
        self.unschedule(position);
        let Some(entry) = self.entries.remove(&position) else { return };
        if let Breaker::Closed { failed } = &mut self.breaker {
            failed.remove(&position);
        }
        if let Some(line) = self.lines.get_mut(&entry.object) {
            line.waiting.retain(|other| *other != position);
            if line.waiting.is_empty() {
                self.lines.remove(&entry.object);
            } else {
                self.schedule_first(entry.object);
            }
        }
    }

    /// The endpoint is known to live: what waits is due at once, the oldest first.
    pub(crate) fn revive(&mut self) {
        match &mut self.breaker {
            Breaker::Closed { failed } => failed.clear(),
            Breaker::Open { .. } => {
                self.breaker = Breaker::Closed { failed: BTreeSet::new() };
                for (_, position) in std::mem::take(&mut self.timers) {
                    self.ready.insert(position);
                }
                self.entries.values_mut().for_each(|entry| entry.progress.next_at = 0);
            }
        }
    }

    /// The deliveries that have been tried for too long, though probes of others went before them.
    pub(crate) fn overdue(&self, now: u64) -> Vec<Position> {
        let is_overdue = |entry: &Entry| {
            entry.progress.first_attempt_at.is_some_and(|first| now.saturating_sub(first) >= MAX_TRYING_MS)
        };
        let overdue = self.entries.iter().filter(|(_, entry)| is_overdue(entry)).map(|(position, _)| *position);
        overdue.filter(|position| !self.is_under_way(*position)).collect()
    }

    /// When [`Queue::next`] will have something, if nothing else happens; 0 is now.
    pub(crate) fn due_at(&self) -> Option<u64> {
        match &self.breaker {
            Breaker::Open { probe_at, .. } => (self.under_way == 0 && !self.entries.is_empty()).then_some(*probe_at),
            Breaker::Closed { .. } if self.under_way >= self.window => None,
            Breaker::Closed { .. } if !self.ready.is_empty() => Some(0),
            Breaker::Closed { .. } => self.timers.first().map(|(at, _)| *at),
        }
    }

    /// How many more deliveries are wanted. `ahead` is how many may be ready to be sent, `most` how many there may be in all.
    pub(crate) fn room(&self, now: u64, ahead: usize, most: usize) -> usize {
        match &self.breaker {
            Breaker::Closed { .. } => {
                let room = ahead
                    .saturating_sub(self.ready.len() + self.under_way)
                    .min(most.saturating_sub(self.entries.len()));
                // Many at once cost less.
                if room >= ahead.min(most) / 2 { room } else { 0 }
            }
            // A probe needs something to send. And once in a while it is something new: all that waits may be what the
            // receiver will never take.
            Breaker::Open { failures, probe_at, .. } => {
                let is_long = usize::try_from(*failures).is_ok_and(|failures| failures >= PROBE_WAITS_MS.len());
                let all_tried = self.firsts().all(|(_, entry)| entry.progress.attempts > 0);
                let wants = *probe_at <= now && self.under_way == 0 && all_tried && self.entries.len() < most;
                usize::from(wants && (is_long || self.entries.is_empty()))
            }
        }
    }

    /// When [`Queue::room`] may change without anything else happening.
    pub(crate) fn probe_at(&self) -> Option<u64> {
        match self.breaker {
            Breaker::Open { probe_at, .. } => Some(probe_at),
            Breaker::Closed { .. } => None,
        }
    }

    fn is_under_way(&self, position: Position) -> bool {
        let line = self.entries.get(&position).and_then(|entry| self.lines.get(&entry.object));
        line.is_some_and(|line| line.under_way == Some(position))
    }

    fn landed(&mut self, position: Position) {
        let Some(entry) = self.entries.get(&position) else { return };
        if let Some(line) = self.lines.get_mut(&entry.object)
            && line.under_way == Some(position)
        {
            line.under_way = None;
            self.under_way -= 1;
        }
    }

    /// Lets the first of a line go at its time, unless one of the line is under way.
    fn schedule_first(&mut self, object: u64) {
        let Some(line) = self.lines.get(&object) else { return };
        if line.under_way.is_some() {
            return;
        }
        let Some(first) = line.waiting.front().copied() else { return };
        match self.entries.get(&first).map(|entry| entry.progress.next_at) {
            Some(0) | None => drop(self.ready.insert(first)),
            Some(at) if !self.ready.contains(&first) => drop(self.timers.insert((at, first))),
            Some(_) => {}
        }
    }

    fn unschedule(&mut self, position: Position) {
        self.ready.remove(&position);
        if let Some(entry) = self.entries.get(&position) {
            self.timers.remove(&(entry.progress.next_at, position));
        }
    }

    fn ring_timers(&mut self, now: u64) {
        while let Some((at, position)) = self.timers.first().copied()
            && at <= now
        {
            self.timers.pop_first();
            self.ready.insert(position);
        }
    }
}

#[cfg(test)]
mod tests;
