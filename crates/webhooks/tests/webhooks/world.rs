//! A world around the webhooks: events, a clock, receivers.

use std::collections::BTreeMap;

use ids::{MerchantId, WebhookEndpointId};
use tempfile::TempDir;
use webhooks::{
    Attempt, EventFilter, Limits, Network, NewEndpoint, Outcome, Position, Rendered, Secret, Sending, Taken, Webhooks,
    check_url, event_id,
};

pub(crate) const MERCHANT: MerchantId = MerchantId::from_u128(1);
pub(crate) const START: u64 = 1_795_350_600_000;
pub(crate) const MINUTE: u64 = 60_000;
pub(crate) const HOUR: u64 = 60 * MINUTE;

/// What a receiver answers: the status, or no answer.
pub(crate) type Receiver = Box<dyn FnMut(&Sending, u64) -> Option<u16>>;

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) webhooks: Option<Webhooks>,
    pub(crate) now: u64,
    pub(crate) events: BTreeMap<Position, (MerchantId, Rendered)>,
    pub(crate) receivers: BTreeMap<WebhookEndpointId, Receiver>,
    /// Everything that was sent: to whom, which event, the bytes, what was answered.
    pub(crate) sent: Vec<(WebhookEndpointId, Position, Vec<u8>, Option<u16>)>,
    pub(crate) limits: Limits,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let webhooks = Some(Webhooks::open(folder.path(), limits).unwrap());
        let (events, receivers) = (BTreeMap::new(), BTreeMap::new());
        Self { folder, webhooks, now: START, events, receivers, sent: Vec::new(), limits }
    }

    pub(crate) fn webhooks(&mut self) -> &mut Webhooks {
        self.webhooks.as_mut().unwrap()
    }

    /// Stops without a word, and opens again.
    pub(crate) fn crash(&mut self) {
        drop(self.webhooks.take());
        self.webhooks = Some(Webhooks::open(self.folder.path(), self.limits).unwrap());
    }

    pub(crate) fn endpoint(&mut self, number: u128, events: &[&str], receiver: Receiver) -> WebhookEndpointId {
        let id = WebhookEndpointId::from_u128(number);
        let new = NewEndpoint {
            id,
            merchant: MERCHANT,
            url: check_url(&format!("https://receiver-{number}.example.com/"), Network::Public).unwrap(),
            events: EventFilter::parse(events.iter().copied()).unwrap(),
            description: None,
            position: self.events.last_key_value().map_or(0, |(position, _)| *position),
        };
        let now = self.now;
        let _ = self.webhooks().create(new, &Secret::from_random([7; 32]), now).unwrap();
        self.receivers.insert(id, receiver);
        id
    }

    /// Something happens to an object.
    pub(crate) fn event(&mut self, event_type: &'static str, object: &str) -> Position {
        // Others' events lie between.
        let position = self.events.last_key_value().map_or(1, |(position, _)| position + 2);
        let body = format!("{{\"position\":{position},\"object\":\"{object}\"}}").into_bytes();
        let rendered =
            Rendered { position, event_type: event_type.into(), object: object.to_owned(), at_ms: self.now, body };
        self.events.insert(position, (MERCHANT, rendered));
        self.webhooks().mark(MERCHANT);
        position
    }

    fn take(&mut self) {
        let now = self.now;
        let taken: Vec<_> = self
            .webhooks()
            .reads(now)
            .into_iter()
            .map(|read| {
                let of_merchant =
                    self.events.range(read.after + 1..).filter(|(_, (merchant, _))| *merchant == read.merchant);
                let events = of_merchant.take(read.limit).map(|(_, (_, event))| event.clone()).collect();
                Taken { read, events }
            })
            .collect();
        self.webhooks().store(taken, now).unwrap();
    }

    /// Takes and sends until there is nothing to do now.
    pub(crate) fn work(&mut self) {
        loop {
            self.take();
            let now = self.now;
            let due = self.webhooks().due(now, 1_000).unwrap();
            if due.is_empty() {
                // A probe may have made room for more.
                self.take();
                if self.webhooks().due(now, 0).unwrap().is_empty()
                    && self.webhooks().wakes_at(now).is_none_or(|at| at > now)
                {
                    return;
                }
            }
            for sending in due {
                self.send(sending);
            }
        }
    }

    pub(crate) fn send(&mut self, sending: Sending) {
        let now = self.now;
        let answer = self.receivers.get_mut(&sending.endpoint).and_then(|receiver| receiver(&sending, now));
        let (endpoint, position) = (sending.endpoint, sending.position);
        assert_eq!(sending.event, event_id(self.events[&position].1.at_ms, position));
        self.sent.push((endpoint, position, sending.body.to_vec(), answer));
        let outcome = match answer {
            Some(status) => Outcome::Answered { status, response: b"ok".to_vec() },
            None => Outcome::Failed("no connection".into()),
        };
        self.webhooks().finished(endpoint, position, Attempt { at: now, duration_ms: 0, outcome }, 0);
    }

    /// Lets time go by, and works whenever there is something to do.
    pub(crate) fn run_until(&mut self, end: u64) {
        loop {
            self.work();
            let now = self.now;
            match self.webhooks().wakes_at(now) {
                Some(at) if at <= end => self.now = self.now.max(at),
                _ => break,
            }
        }
        self.now = end;
        self.work();
    }

    /// The positions that have arrived there, in the order of arrival.
    pub(crate) fn arrived(&self, endpoint: WebhookEndpointId) -> Vec<Position> {
        let arrived = self.sent.iter().filter(|(to, _, _, answer)| *to == endpoint && *answer == Some(200));
        arrived.map(|(_, position, ..)| *position).collect()
    }

    pub(crate) fn sent_to(&self, endpoint: WebhookEndpointId) -> usize {
        self.sent.iter().filter(|(to, ..)| *to == endpoint).count()
    }
}

pub(crate) fn always(status: u16) -> Receiver {
    Box::new(move |_, _| Some(status))
}

pub(crate) fn down_until(end: u64) -> Receiver {
    Box::new(move |_, now| (now >= end).then_some(200))
}
