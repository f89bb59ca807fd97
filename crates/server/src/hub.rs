//! Durable events on their way to those who listen.
//!
//! The engine hands over every durable batch once. The hub keeps the last ones for listeners that come back, and passes
//! each event to those whose business it is. When nobody listens, an event costs a push and a pop; it is never made
//! into text here.
//!
//! A listener that is too slow loses events and is told so, rather than hold up anybody else.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use directory::Directory;
use engine::{Durable, Engine, ReadError};
use ids::{IdMap, MerchantId, OrderId};
use payments::{Event, Owner, Record};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How much the hub holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Events kept for those who come back.
    pub(crate) replayed: usize,
    /// Events that may wait for one listener.
    pub(crate) waiting: usize,
    /// Listeners in all.
    pub(crate) listeners: usize,
    /// Listeners of one merchant or wallet.
    pub(crate) listeners_of_one: usize,
}

/// One event, in the batch that it came with.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    batch: Arc<Batch>,
    index: usize,
}

impl Notice {
    /// The event's journal position.
    pub(crate) fn position(&self) -> u64 {
        self.batch.durable.first_position + self.index as u64
    }

    /// What happened.
    pub(crate) fn record(&self) -> &Record {
        &self.batch.durable.records[self.index]
    }
}

#[derive(Debug)]
struct Batch {
    durable: Arc<Durable>,
    /// Whose orders were cancelled or expired here, by the place of the event: the event itself does not say.
    closed: Vec<(usize, MerchantId)>,
}

impl Batch {
    /// Whose business an event is. Two at most.
    fn audience(&self, index: usize) -> [Option<Owner>; 2] {
        let closed_of = || {
            let place = self.closed.binary_search_by_key(&index, |(place, _)| *place).ok()?;
            self.closed.get(place).map(|(_, merchant)| Owner::Merchant(*merchant))
        };
        match &self.durable.records[index].event {
            Event::OrderCreated(order) => [Some(Owner::Merchant(order.merchant)), None],
            Event::OrderCancelled(_) | Event::OrderExpired(_) => [closed_of(), None],
            Event::TapAccepted(tap) => [Some(Owner::Merchant(tap.merchant)), None],
            Event::TapRefused(refused) => [Some(Owner::Merchant(refused.merchant)), None],
            Event::PaymentSucceeded(settled) => {
                [Some(Owner::Merchant(settled.what.merchant)), Some(Owner::Wallet(settled.what.wallet))]
            }
            Event::PaymentDeclined(declined) => {
                [Some(Owner::Merchant(declined.merchant)), Some(Owner::Wallet(declined.wallet))]
            }
            Event::DepositSucceeded(settled) => [Some(Owner::Wallet(settled.what.wallet)), None],
            Event::AccountOpened(_)
            | Event::TagRegistered(_)
            | Event::RequestRefused(_)
            | Event::RequestAnswered(_) => [None, None],
        }
    }
}

/// Where durable events are passed on.
#[derive(Debug)]
pub(crate) struct Hub {
    limits: Limits,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The last batches, oldest first.
    recent: VecDeque<Arc<Batch>>,
    recent_events: usize,
    /// The position before which nothing can be replayed.
    forgotten_to: u64,
    /// The last position heard of.
    position: u64,
    /// Whose each open order is.
    open_orders: IdMap<ids::Order, MerchantId>,
    listeners: HashMap<Owner, Vec<Listener>>,
    listening: usize,
    next_listener: u64,
}

#[derive(Debug)]
struct Listener {
    number: u64,
    events: Sender<Notice>,
    lagging: Arc<AtomicBool>,
}

/// No further listener is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// This merchant or wallet has as many as it may have.
    OfOne,
    /// The server has as many as it may have.
    Altogether,
}

impl Hub {
    /// Begins to listen to the engine, and learns whose the open orders are.
    pub(crate) fn open(engine: &Engine, directory: &Directory, limits: Limits) -> Result<Arc<Self>, ReadError> {
        let hub = Arc::new(Self { limits, state: Mutex::default() });
        let weak = Arc::downgrade(&hub);
        engine.listen(move |durable| {
            if let Some(hub) = weak.upgrade() {
                hub.hear(durable);
            }
        });
        let position = engine.status().durable_position;
        for merchant in directory.merchants() {
            hub.learn_open_orders(engine, merchant.id)?;
        }
        let mut state = hub.state();
        state.position = state.position.max(position);
        // Events before this may have closed orders that were not known yet.
        state.forgotten_to = state.position;
        drop(state);
        Ok(hub)
    }

    fn learn_open_orders(&self, engine: &Engine, merchant: MerchantId) -> Result<(), ReadError> {
        const AT_ONCE: u32 = 1_000;
        let mut before: Option<OrderId> = None;
        loop {
            let page = engine.read(|tables| tables.orders(merchant, true, before, AT_ONCE))?;
            self.state().open_orders.extend(page.items.iter().map(|order| (order.id, order.merchant)));
            before = page.items.last().map(|order| order.id);
            if !page.has_more {
                return Ok(());
            }
        }
    }

    fn hear(&self, durable: &Arc<Durable>) {
        if durable.records.is_empty() {
            return;
        }
        let mut state = self.state();
        let batch = Arc::new(Batch { closed: state.follow_orders(&durable.records), durable: durable.clone() });
        state.position = durable.last_position();
        if state.listening > 0 {
            state.pass_on(&batch);
        }
        state.keep(batch, self.limits.replayed);
    }

    /// Lets `owner` listen from now on; or from after the position `resume`, if that can still be told.
    pub(crate) fn subscribe(self: &Arc<Self>, owner: Owner, resume: Option<Resume>) -> Result<Subscription, Full> {
        let mut state = self.state();
        if state.listening >= self.limits.listeners {
            return Err(Full::Altogether);
        }
        if state.listeners.get(&owner).is_some_and(|own| own.len() >= self.limits.listeners_of_one) {
            return Err(Full::OfOne);
        }
        let replay = match resume {
            None => Some(VecDeque::new()),
            Some(Resume::Unknown) => None,
            Some(Resume::After(position)) => state.replay(owner, position),
        };
        let (sender, events) = channel(self.limits.waiting);
        let lagging = Arc::new(AtomicBool::new(replay.is_none()));
        let number = state.next_listener;
        state.next_listener += 1;
        state.listening += 1;
        let listener = Listener { number, events: sender, lagging: lagging.clone() };
        state.listeners.entry(owner).or_default().push(listener);
        drop(state);
        let replay = replay.unwrap_or_default();
        Ok(Subscription { hub: self.clone(), owner, number, replay, events, lagging })
    }

    /// How many listen.
    pub(crate) fn listening(&self) -> usize {
        self.state().listening
    }

    fn leave(&self, owner: Owner, number: u64) {
        let mut state = self.state();
        if let Some(own) = state.listeners.get_mut(&owner) {
            own.retain(|listener| listener.number != number);
            if own.is_empty() {
                state.listeners.remove(&owner);
            }
            state.listening -= 1;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Remembers whose the open orders are, and says whose the closed ones were.
    fn follow_orders(&mut self, records: &[Record]) -> Vec<(usize, MerchantId)> {
        let mut closed = Vec::new();
        for (index, record) in records.iter().enumerate() {
            match &record.event {
                Event::OrderCreated(order) => drop(self.open_orders.insert(order.id, order.merchant)),
                Event::OrderCancelled(id) | Event::OrderExpired(id) => {
                    closed.extend(self.open_orders.remove(id).map(|merchant| (index, merchant)));
                }
                Event::PaymentSucceeded(settled) => {
                    settled.what.order.and_then(|order| self.open_orders.remove(&order));
                }
                _ => {}
            }
        }
        closed
    }

    fn pass_on(&self, batch: &Arc<Batch>) {
        for index in 0..batch.durable.records.len() {
            let listeners = batch.audience(index).into_iter().flatten().filter_map(|owner| self.listeners.get(&owner));
            for listener in listeners.flatten() {
                if listener.events.try_send(Notice { batch: batch.clone(), index }).is_err() {
                    listener.lagging.store(true, Ordering::Release);
                }
            }
        }
    }

    fn keep(&mut self, batch: Arc<Batch>, most: usize) {
        self.recent_events += batch.durable.records.len();
        self.recent.push_back(batch);
        while self.recent_events > most {
            let Some(oldest) = self.recent.pop_front() else { break };
            self.recent_events -= oldest.durable.records.len();
            self.forgotten_to = self.forgotten_to.max(oldest.durable.last_position());
        }
    }

    /// What `owner` has missed since `position`; `None` if that is not known (any more).
    fn replay(&self, owner: Owner, position: u64) -> Option<VecDeque<Notice>> {
        if position < self.forgotten_to || position > self.position {
            return None;
        }
        let newer = self.recent.partition_point(|batch| batch.durable.last_position() <= position);
        let notices = self
            .recent
            .range(newer..)
            .flat_map(|batch| (0..batch.durable.records.len()).map(|index| Notice { batch: batch.clone(), index }));
        let missed = notices.filter(|notice| notice.position() > position);
        Some(missed.filter(|notice| notice.batch.audience(notice.index).contains(&Some(owner))).collect())
    }
}

/// Where a listener that comes back left off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resume {
    /// It has heard everything up to this position.
    After(u64),
    /// It says something that is no position of ours.
    Unknown,
}

/// What a listener hears next.
#[derive(Debug)]
pub(crate) enum Heard {
    /// An event.
    Event(Notice),
    /// Some events were lost; it knows everything again that it re-reads now, up to this position.
    Reset(u64),
}

/// One who listens, until it is dropped.
#[derive(Debug)]
pub(crate) struct Subscription {
    hub: Arc<Hub>,
    owner: Owner,
    number: u64,
    replay: VecDeque<Notice>,
    events: Receiver<Notice>,
    lagging: Arc<AtomicBool>,
}

impl Subscription {
    /// Waits for what is next. Cancelling it loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Heard> {
        if let Some(missed) = self.replay.pop_front() {
            return Some(Heard::Event(missed));
        }
        if let Ok(waiting) = self.events.try_recv() {
            return Some(Heard::Event(waiting));
        }
        if self.lagging.swap(false, Ordering::AcqRel) {
            return Some(Heard::Reset(self.hub.state().position));
        }
        self.events.recv().await.map(Heard::Event)
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.leave(self.owner, self.number);
    }
}
