//! A service with made-up events and a clock that tests move.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ids::{MerchantId, WebhookEndpointId};
use server::webhooks::{EventSource, Limits, Network, Position, Rendered, Service, Settings, SourceError, Webhooks};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use webhooks::{EventFilter, NewEndpoint, Secret, check_url};

use crate::receiver::Received;

pub(crate) const MERCHANT: MerchantId = MerchantId::from_u128(1);
pub(crate) const START: u64 = 1_795_350_600_000;
pub(crate) const HOUR: u64 = 3_600_000;
pub(crate) const OLD_SECRET: [u8; 32] = [7; 32];

#[derive(Default)]
pub(crate) struct Events(Mutex<BTreeMap<Position, Rendered>>);

impl EventSource for Events {
    fn events_after(&self, _: MerchantId, after: Position, limit: usize) -> Result<Vec<Rendered>, SourceError> {
        Ok(self.0.lock().unwrap().range(after + 1..).take(limit).map(|(_, event)| event.clone()).collect())
    }
}

pub(crate) struct Town {
    pub(crate) service: Option<Service>,
    pub(crate) events: Arc<Events>,
    pub(crate) now: Arc<AtomicU64>,
    pub(crate) settings: Settings,
    pub(crate) runtime: Runtime,
    pub(crate) folder: TempDir,
}

impl Town {
    pub(crate) fn new() -> Self {
        Self::with(Network::Private, Duration::from_secs(15))
    }

    pub(crate) fn with(network: Network, timeout: Duration) -> Self {
        let now = Arc::new(AtomicU64::new(START));
        let clock = now.clone();
        let settings = Settings {
            network,
            timeout,
            connect_timeout: timeout.min(Duration::from_secs(5)),
            now: Arc::new(move || clock.load(Ordering::SeqCst)),
            ..Settings::default()
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (events, folder) = (Arc::new(Events::default()), tempfile::tempdir().unwrap());
        let mut town = Self { service: None, events, now, settings, runtime, folder };
        town.start();
        town
    }

    fn start(&mut self) {
        let webhooks = Webhooks::open(self.folder.path(), Limits::default()).unwrap();
        self.service = Some(Service::start(webhooks, self.events.clone(), self.settings.clone()).unwrap());
    }

    pub(crate) fn service(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    /// What a kill would leave is what is in the files now: opens a copy of them, and lets the old one end unheard.
    pub(crate) fn crash(&mut self) {
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(self.folder.path()).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        self.service.take().unwrap().close();
        self.folder = copy;
        self.start();
    }

    pub(crate) fn endpoint(&self, number: u128, url: &str, events: &[&str]) -> WebhookEndpointId {
        let id = WebhookEndpointId::from_u128(number);
        let new = NewEndpoint {
            id,
            merchant: MERCHANT,
            url: check_url(url, Network::Private).unwrap(),
            events: EventFilter::parse(events.iter().copied()).unwrap(),
            description: None,
            position: self.events.0.lock().unwrap().last_key_value().map_or(0, |(position, _)| *position),
        };
        self.with_webhooks(move |webhooks, now| {
            webhooks.create(new, &Secret::from_random(OLD_SECRET), now).map(drop).unwrap();
        });
        id
    }

    pub(crate) fn with_webhooks<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Webhooks, u64) -> T + Send + 'static,
    ) -> T {
        self.runtime.block_on(self.service().with(work)).unwrap()
    }

    /// Something happens.
    pub(crate) fn event(&self, event_type: &'static str, object: &str) -> Position {
        let mut events = self.events.0.lock().unwrap();
        let position = events.last_key_value().map_or(1, |(position, _)| position + 1);
        let body = format!("{{\"type\":\"{event_type}\",\"object\":\"{object}\",\"n\":{position}}}").into_bytes();
        let at_ms = self.now.load(Ordering::SeqCst);
        let event = Rendered { position, event_type: event_type.into(), object: object.to_owned(), at_ms, body };
        events.insert(position, event);
        drop(events);
        self.service().ring([MERCHANT]);
        position
    }

    /// What an event said when it happened; from now on it would say something else.
    pub(crate) fn rewrite(&self, position: Position) -> Vec<u8> {
        let mut events = self.events.0.lock().unwrap();
        std::mem::replace(&mut events.get_mut(&position).unwrap().body, b"rewritten".to_vec())
    }

    pub(crate) fn pass(&self, milliseconds: u64) {
        self.now.fetch_add(milliseconds, Ordering::SeqCst);
        self.service().wake();
    }

    /// Lets hours pass, one at a time, until something is so.
    #[track_caller]
    pub(crate) fn pass_until(&self, most: u64, what: impl Fn() -> bool) {
        let step = HOUR;
        for _ in 0..most / step {
            for _ in 0..10 {
                if what() {
                    return;
                }
                std::thread::sleep(Duration::from_millis(3));
            }
            self.pass(step);
        }
        eventually(what);
    }
}

impl Drop for Town {
    fn drop(&mut self) {
        if let Some(service) = self.service.take() {
            service.close();
        }
    }
}

/// The number that is in an event's body.
pub(crate) fn number(received: &Received) -> Position {
    let text = String::from_utf8(received.body.clone()).unwrap();
    text.rsplit_once(":").unwrap().1.trim_end_matches('}').parse().unwrap()
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn eventually(what: impl Fn() -> bool) {
    for _ in 0..1_500 {
        if what() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it did not come true in 15 s");
}
