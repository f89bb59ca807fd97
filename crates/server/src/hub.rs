//! Durable events on their way to those who listen.
//!
//! The engine hands over every durable batch once. The hub keeps the last ones for listeners that come back, and passes
//! each event to those whose business it is. When nobody listens, an event costs a push and a pop; it is never made
//! into text here.
//!
//! It remembers every open order, so that an event that closes one can be told in full at once: nobody waits for the
//! tables to hear of it.
//!
//! A listener that is too slow loses events and is told so, rather than hold up anybody else.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use directory::Directory;
use engine::{Durable, Engine, ReadError};
use ids::{IdMap, MerchantId, OrderId};
use payments::{Event, Moved, Order, OrderStatus, Owner, Payment, Record};
use store::tables::OrderStatusFilter;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::webhooks;

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

    /// The order that was cancelled or expired here, as it is since; `None` with any other event.
    pub(crate) fn closed_order(&self) -> Option<&Order> {
        self.batch.closed_order(self.index)
    }
}

#[derive(Debug)]
struct Batch {
    durable: Arc<Durable>,
    /// The orders that were cancelled or expired here, by the place of the event, which has only their ids.
    closed: Vec<(usize, Order)>,
}

impl Batch {
    fn closed_order(&self, index: usize) -> Option<&Order> {
        let place = self.closed.binary_search_by_key(&index, |(place, _)| *place).ok()?;
        self.closed.get(place).map(|(_, order)| order)
    }

    /// The merchants that something here has happened to.
    fn merchants(&self) -> impl Iterator<Item = MerchantId> {
        (0..self.durable.records.len()).flat_map(|index| self.audience(index)).filter_map(|owner| match owner {
            Some(Owner::Merchant(merchant)) => Some(merchant),
            _ => None,
        })
    }

    /// Whose business an event is. Two at most.
    fn audience(&self, index: usize) -> [Option<Owner>; 2] {
        match &self.durable.records[index].event {
            Event::OrderCreated(order) | Event::OrderPlaced(order) => [Some(Owner::Merchant(order.merchant)), None],
            Event::OrderCancelled(_) | Event::OrderExpired(_) => {
                [self.closed_order(index).map(|order| Owner::Merchant(order.merchant)), None]
            }
            Event::TapAccepted(tap) => [Some(Owner::Merchant(tap.merchant)), None],
            Event::TapRefused(refused) => [Some(Owner::Merchant(refused.merchant)), None],
            Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => parties(&moved.what),
            Event::PaymentCaptured(Moved { what, .. }) => parties(&what.payment),
            Event::HoldReleased(Moved { what, .. }) => parties(&what.payment),
            Event::PaymentRefunded(Moved { what, .. }) => parties(&what.payment),
            Event::DisputeOpened(Moved { what, .. }) | Event::DisputeClosed(Moved { what, .. }) => {
                parties(&what.payment)
            }
            Event::DisputeAnswered(dispute) => {
                [Some(Owner::Merchant(dispute.merchant)), Some(Owner::Wallet(dispute.wallet))]
            }
            Event::MerchantStatusSet(merchant, _)
            | Event::FeePlanSet(merchant, ..)
            | Event::SettlementTermsSet(merchant, _) => [Some(Owner::Merchant(*merchant)), None],
            Event::SettlementClosed(Moved { what, .. }) => [Some(Owner::Merchant(what.merchant)), None],
            Event::ReserveReleased(Moved { what, .. }) => [Some(Owner::Merchant(what.merchant)), None],
            Event::PayoutCreated(Moved { what, .. }) | Event::PayoutReported(Moved { what, .. }) => {
                [Some(Owner::Merchant(what.merchant)), None]
            }
            Event::PayoutSubmitted(payout) => [Some(Owner::Merchant(payout.merchant)), None],
            Event::PaymentDeclined(declined) => {
                [Some(Owner::Merchant(declined.merchant)), Some(Owner::Wallet(declined.wallet))]
            }
            Event::DepositSucceeded(settled) => [Some(Owner::Wallet(settled.what.wallet)), None],
            Event::AccountOpened(_)
            | Event::TagRegistered(_)
            | Event::WindowOpened(_)
            | Event::PayoutSkipped(_)
            | Event::RequestRefused(_)
            | Event::RequestAnswered(_) => [None, None],
        }
    }
}

/// The two sides of a payment.
fn parties(payment: &Payment) -> [Option<Owner>; 2] {
    [Some(Owner::Merchant(payment.merchant)), Some(Owner::Wallet(payment.wallet))]
}

/// Where durable events are passed on.
#[derive(Debug)]
pub(crate) struct Hub {
    limits: Limits,
    /// Whoever tells merchants' servers: it is rung for those that something has happened to.
    webhooks: Option<webhooks::Service>,
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
    open_orders: IdMap<ids::Order, Order>,
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
    /// Begins to listen to the engine, and learns the open orders.
    pub(crate) fn open(
        engine: &Engine,
        directory: &Directory,
        limits: Limits,
        webhooks: Option<webhooks::Service>,
    ) -> Result<Arc<Self>, ReadError> {
        let hub = Arc::new(Self { limits, webhooks, state: Mutex::default() });
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
            let page = engine.read(|tables| tables.orders(merchant, Some(OrderStatusFilter::Open), before, AT_ONCE))?;
            before = page.items.last().map(|order| order.id);
            self.state().open_orders.extend(page.items.into_iter().map(|order| (order.id, order)));
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
        if let Some(webhooks) = self.webhooks.as_ref().filter(|webhooks| webhooks.is_listening()) {
            webhooks.ring(batch.merchants());
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
    /// Remembers the orders that open, and gives those that are cancelled or expire, by the place of the record.
    fn follow_orders(&mut self, records: &[Record]) -> Vec<(usize, Order)> {
        let mut closed = Vec::new();
        for (index, record) in records.iter().enumerate() {
            match &record.event {
                Event::OrderCreated(order) | Event::OrderPlaced(order) => {
                    self.open_orders.insert(order.id, order.clone());
                }
                Event::OrderCancelled(id) => {
                    let status = OrderStatus::Cancelled { at: record.at };
                    closed.extend(self.open_orders.remove(id).map(|order| (index, Order { status, ..order })));
                }
                Event::OrderExpired(id) => {
                    let status = OrderStatus::Expired { at: record.at };
                    closed.extend(self.open_orders.remove(id).map(|order| (index, Order { status, ..order })));
                }
                Event::PaymentSucceeded(moved) | Event::PaymentMade(moved) => {
                    moved.what.order.and_then(|order| self.open_orders.remove(&order));
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

#[cfg(test)]
mod tests {
    use ids::TagId;
    use money::Currency;
    use payments::UnixMillis;

    use super::*;

    const LIMITS: Limits = Limits { replayed: 100, waiting: 10, listeners: 10, listeners_of_one: 10 };
    const CREATED: UnixMillis = UnixMillis(1_000);
    const CLOSED: UnixMillis = UnixMillis(2_000);

    fn order(number: u128) -> Order {
        Order {
            id: OrderId::from_u128(number),
            merchant: MerchantId::from_u128(1),
            tag: TagId::from_u128(1),
            currency: Currency::from_alpha("CNY").unwrap(),
            amount: None,
            description: None,
            reference: None,
            created_at: CREATED,
            expires_at: CREATED.plus(900_000),
            status: OrderStatus::Open,
            details: None,
        }
    }

    fn durable(first_position: u64, at: UnixMillis, events: Vec<Event>) -> Arc<Durable> {
        let records = events.into_iter().map(|event| Record { at, request: None, event }).collect();
        Arc::new(Durable { first_position, records })
    }

    /// There are no tables here that could be asked.
    #[tokio::test]
    async fn closed_orders_come_whole() {
        let hub = Arc::new(Hub { limits: LIMITS, webhooks: None, state: Mutex::default() });
        let (cancelled, expired) = (order(1), order(2));
        let created = [&cancelled, &expired].map(|order| Event::OrderCreated(order.clone()));
        hub.hear(&durable(1, CREATED, created.into()));

        let mut live = hub.subscribe(Owner::Merchant(cancelled.merchant), None).unwrap();
        let mut other = hub.subscribe(Owner::Merchant(MerchantId::from_u128(2)), None).unwrap();
        let events = vec![Event::OrderExpired(expired.id), Event::OrderCancelled(cancelled.id)];
        hub.hear(&durable(3, CLOSED, events));
        let mut late = hub.subscribe(Owner::Merchant(cancelled.merchant), Some(Resume::After(2))).unwrap();

        let expired = Order { status: OrderStatus::Expired { at: CLOSED }, ..expired };
        let cancelled = Order { status: OrderStatus::Cancelled { at: CLOSED }, ..cancelled };
        for subscription in [&mut live, &mut late] {
            for (position, order) in [(3, &expired), (4, &cancelled)] {
                let Some(Heard::Event(notice)) = subscription.next().await else { panic!("no event") };
                assert_eq!((notice.position(), notice.closed_order()), (position, Some(order)));
            }
        }
        assert!(other.events.try_recv().is_err());
        assert!(hub.state().open_orders.is_empty());
    }
}
