//! The webhooks of one platform, for those who start, ring and ask them.

use std::fmt;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ::webhooks::{Attempt, Network, Outcome, Position, Rendered, Sending, Webhooks, WebhooksError, event_id};
use axum::body::Bytes;
use ids::{MerchantId, WebhookEndpointId};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::bell::Bell;
use super::client::Client;
use super::dispatcher::{Dispatcher, Message};
use super::reader;

/// How much the webhooks' threads stand back: where processors are short, taps come first, and merchants' servers are told a
/// little later.
const NICENESS: i32 = 10;

/// Why events cannot be read.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// Where the events of merchants come from.
pub trait EventSource: Send + Sync + 'static {
    /// The events of a merchant after a position, the oldest first, at most `limit`; fewer only if there are no more that
    /// were durable when this was called. The same event has the same bytes each time.
    ///
    /// # Errors
    /// Whatever keeps it from reading. It is asked again.
    fn events_after(
        &self,
        merchant: MerchantId,
        position: Position,
        limit: usize,
    ) -> Result<Vec<Rendered>, SourceError>;
}

/// What can be set.
#[derive(Clone)]
pub struct Settings {
    /// Which networks deliveries may go to.
    pub network: Network,
    /// How long an attempt may take in all.
    pub timeout: Duration,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// Deliveries under way at once, of all endpoints.
    pub under_way: usize,
    /// The least time between two looks for new events.
    pub pace: Duration,
    /// The time, in Unix milliseconds.
    pub now: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            network: Network::Public,
            timeout: Duration::from_secs(15),
            connect_timeout: Duration::from_secs(5),
            under_way: 1_024,
            pace: Duration::from_millis(10),
            now: Arc::new(|| engine::Clock::now(&engine::SystemClock).0),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("network", &self.network).finish_non_exhaustive()
    }
}

/// The webhooks of one platform. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    messages: Sender<Message>,
    bell: Arc<Bell>,
    client: Client,
    settings: Settings,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// The webhooks have stopped: the server is going down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the webhooks have stopped")]
pub struct Stopped;

impl Service {
    /// Begins to deliver.
    ///
    /// # Errors
    /// The operating system gives no thread, or TLS cannot be set up.
    pub fn start(webhooks: Webhooks, source: Arc<dyn EventSource>, settings: Settings) -> std::io::Result<Self> {
        let client = Client::new(&settings).map_err(std::io::Error::other)?;
        let bell = Arc::new(Bell::default());
        bell.listen_for(webhooks.merchants());
        let (messages, inbox) = mpsc::channel();
        let (reads, asked) = mpsc::channel();
        let answers = messages.clone();
        let reading = thread::Builder::new().name("webhook-reader".to_owned());
        let reading = reading.spawn(move || {
            stand_back();
            reader::run(&source, &asked, &answers);
        })?;
        let dispatcher = Dispatcher {
            webhooks,
            bell: bell.clone(),
            client: client.clone(),
            settings: settings.clone(),
            runtime: sending_runtime()?,
            messages: messages.clone(),
            reads,
        };
        let dispatching = thread::Builder::new().name("webhooks".to_owned());
        let dispatching = dispatching.spawn(move || {
            stand_back();
            dispatcher.run(&inbox);
        })?;
        let threads = Mutex::new(vec![dispatching, reading]);
        Ok(Self(Arc::new(Inner { messages, bell, client, settings, threads })))
    }

    /// Whether anybody has an endpoint: if not, there is no need to find out whom an event concerns.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.0.bell.is_listening()
    }

    /// Something has happened to these merchants, and is durable. Costs next to nothing, and never waits.
    pub fn ring(&self, merchants: impl IntoIterator<Item = MerchantId>) {
        if self.0.bell.ring(merchants) {
            // If it has stopped, it will look for itself when it starts again.
            drop(self.0.messages.send(Message::Wake));
        }
    }

    /// The clock may have been moved.
    pub fn wake(&self) {
        drop(self.0.messages.send(Message::Wake));
    }

    /// Which networks deliveries may go to.
    pub(crate) fn network(&self) -> Network {
        self.0.settings.network
    }

    /// Asks or changes the webhooks at this time, between two steps of their work.
    ///
    /// # Errors
    /// [`Stopped`] if they have.
    pub async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Webhooks, u64) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (sender, receiver) = oneshot::channel();
        let work = Message::Work(Box::new(move |webhooks, now| drop(sender.send(work(webhooks, now)))));
        self.0.messages.send(work).map_err(|_| Stopped)?;
        receiver.await.map_err(|_| Stopped)
    }

    /// The same as [`Service::with`], for threads that may wait.
    pub(crate) fn with_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Webhooks, u64) -> T + Send + 'static,
    ) -> Result<T, Stopped> {
        let (sender, receiver) = mpsc::sync_channel(1);
        let work = Message::Work(Box::new(move |webhooks, now| drop(sender.send(work(webhooks, now)))));
        self.0.messages.send(work).map_err(|_| Stopped)?;
        receiver.recv().map_err(|_| Stopped)
    }

    /// Sends a message of trial at once, and says what came of it. If it has arrived, the endpoint is known to live.
    pub(crate) async fn ping(
        &self,
        merchant: MerchantId,
        endpoint: WebhookEndpointId,
        random: u64,
        render: impl FnOnce(ids::EventId, u64) -> Vec<u8> + Send,
    ) -> Result<Result<(ids::EventId, Attempt), WebhooksError>, Stopped> {
        let route = self.with(move |webhooks, now| Ok((webhooks.route(merchant, endpoint, now)?, now))).await?;
        let ((url, secrets), now) = match route {
            Ok(route) => route,
            Err(error) => return Ok(Err(error)),
        };
        let event = event_id(now, random);
        let body = Bytes::from(render(event, now));
        let begin = Instant::now();
        let sending = Sending { endpoint, position: 0, event, url, secrets, body };
        let outcome = self.0.client.deliver(&sending, now / 1_000).await;
        let lives = matches!(outcome, Outcome::Answered { status: 200..=299, .. });
        if lives {
            self.with(move |webhooks, _| webhooks.revive(endpoint)).await?;
        }
        let duration_ms = u64::try_from(begin.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Ok((event, Attempt { at: now, duration_ms, outcome })))
    }

    /// Stops, and writes down what is known. What is under way and not answered is sent again after the next start.
    pub fn close(&self) {
        drop(self.0.messages.send(Message::Close));
        let threads = std::mem::take(&mut *self.0.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            if thread.join().is_err() {
                tracing::error!("a thread of the webhooks has panicked");
            }
        }
    }
}

/// Where deliveries are sent from: beside the server's own threads, not among them.
fn sending_runtime() -> std::io::Result<Runtime> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(1).thread_name("webhook-sender").on_thread_start(stand_back).enable_all().build()
}

/// Lowers this thread's priority.
fn stand_back() {
    // If the system does not let it, it works all the same.
    let _as_it_was = rustix::process::nice(NICENESS);
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Service").field(&self.0.settings).finish()
    }
}
