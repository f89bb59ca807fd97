//! The application: what every handler shares, and which handler takes what.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Method;
use axum::middleware;
use axum::routing::get;
use directory::{Author, Directory};
use engine::{Engine, ReadError, Unavailable};
use ids::{Id, Kind, TokenId};
use payments::{Action, Answer, Request, UnixMillis};
use store::tables::{TablesError, TablesReader};
use tag::TagKeys;
use tokio::sync::{Semaphore, oneshot, watch};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app_links::AppLinks;
use crate::bank;
use crate::demo::{self, Demo};
use crate::hub::{Hub, Limits};
use crate::metrics::Metrics;
use crate::problem::{Code, Problem};
use crate::rate::{RateLimit, RateLimiter};
use crate::sandbox::Sandbox;
use crate::source::{Source, SystemSource};
use crate::webhooks;
use crate::{app_links, observe, pages, reference, resources};

/// Reads of the tables that run at once.
const READS_AT_ONCE: usize = 8;

/// Reads of the tables that run or wait; more are refused.
const READS_WAITING: usize = 512;

/// Work on the directory's file that runs or waits; more is refused.
const DIRECTORY_WORK_WAITING: usize = 128;

/// Statements that are written at once; more are refused.
const STATEMENTS_AT_ONCE: usize = 4;

/// What can be set.
pub struct Options {
    /// The largest body taken, in bytes.
    pub body_limit: usize,
    /// The most connections open at once; more wait to be accepted.
    pub max_connections: usize,
    /// How long a client may take to send a request's head, or to be idle.
    pub header_timeout: Duration,
    /// How long a request's body may take to arrive.
    pub body_timeout: Duration,
    /// How long answers may take to finish once the server is told to stop.
    pub shutdown_timeout: Duration,
    /// Durable events kept for event streams that come back.
    pub replayed_events: usize,
    /// Events that may wait for a slow event stream before it loses some.
    pub events_waiting: usize,
    /// Event streams open at once.
    pub max_listeners: usize,
    /// Event streams of one merchant or wallet open at once.
    pub max_listeners_of_one: usize,
    /// Time between the comments that keep an event stream open.
    pub heartbeat: Duration,
    /// How often a key may ask; `None` lets every key ask as often as it can.
    pub rate_limit: Option<RateLimit>,
    /// Where the time and the randomness of new ids come from.
    pub source: Box<dyn Source>,
    /// Tells merchants' servers of events; `None` if nothing is to leave this server.
    pub webhooks: Option<webhooks::Service>,
    /// Asks a bank for payouts, and hears what it says; `None` if nothing is to be paid out or compared.
    pub bank: Option<bank::Service>,
    /// The wallet apps that open tags by themselves.
    pub app_links: AppLinks,
    /// The demonstration's keys and tags; `None` for real platforms.
    pub demo: Option<Demo>,
    /// A clock that can be set forward, and outcomes that amounts force; `None` where money is real.
    pub sandbox: Option<Sandbox>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            body_limit: 64 * 1024,
            max_connections: 16_384,
            header_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(10),
            shutdown_timeout: Duration::from_secs(10),
            replayed_events: 16_384,
            events_waiting: 256,
            max_listeners: 8_192,
            max_listeners_of_one: 64,
            heartbeat: Duration::from_secs(15),
            rate_limit: Some(RateLimit::default()),
            source: Box::new(SystemSource),
            webhooks: None,
            bank: None,
            app_links: AppLinks::default(),
            demo: None,
            sandbox: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("body_limit", &self.body_limit)
            .field("max_connections", &self.max_connections)
            .field("demo", &self.demo.is_some())
            .finish_non_exhaustive()
    }
}

/// The HTTP side of one platform. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    engine: Engine,
    directory: Directory,
    tag_keys: TagKeys,
    options: Options,
    hub: Arc<Hub>,
    metrics: Metrics,
    openapi: String,
    reads_waiting: Arc<Semaphore>,
    reads_running: Arc<Semaphore>,
    connections: Arc<Semaphore>,
    directory_work: Arc<Semaphore>,
    statements: Arc<Semaphore>,
    rate_limiter: RateLimiter,
    closing: watch::Sender<bool>,
}

impl App {
    /// Puts the parts together and begins to listen to the engine.
    ///
    /// # Errors
    /// [`ReadError`] if the open orders cannot be read.
    pub fn new(engine: Engine, directory: Directory, tag_keys: TagKeys, options: Options) -> Result<Self, ReadError> {
        let limits = Limits {
            replayed: options.replayed_events,
            waiting: options.events_waiting,
            listeners: options.max_listeners,
            listeners_of_one: options.max_listeners_of_one,
        };
        let api = reference::complete(api_routes().into_openapi());
        Ok(Self(Arc::new(Inner {
            hub: Hub::open(&engine, &directory, limits, options.webhooks.clone())?,
            metrics: Metrics::new(api.paths.paths.keys()),
            openapi: reference::render(&api),
            reads_waiting: Arc::new(Semaphore::new(READS_WAITING)),
            reads_running: Arc::new(Semaphore::new(READS_AT_ONCE)),
            connections: Arc::new(Semaphore::new(options.max_connections)),
            directory_work: Arc::new(Semaphore::new(DIRECTORY_WORK_WAITING)),
            statements: Arc::new(Semaphore::new(STATEMENTS_AT_ONCE)),
            rate_limiter: RateLimiter::new(options.rate_limit),
            closing: watch::Sender::new(false),
            engine,
            directory,
            tag_keys,
            options,
        })))
    }

    /// All routes.
    pub(crate) fn router(&self) -> Router {
        let (api, _) = api_routes().split_for_parts();
        let api = if self.0.options.demo.is_some() { api.merge(demo::routes()) } else { api };
        api.merge(pages::routes())
            .merge(app_links::routes())
            .route("/openapi.json", get(reference::document))
            .fallback(async || Problem::not_found())
            .method_not_allowed_fallback(async |method: Method| {
                Problem::new(Code::MethodNotAllowed, format!("{method} is none of the methods that `Allow` names"))
            })
            .layer(middleware::from_fn_with_state(self.clone(), observe::observe))
            .with_state(self.clone())
    }

    /// Hands a command to the money core and waits until its outcome is durable.
    pub(crate) async fn submit(&self, action: Action, request: Option<Request>) -> Result<Answer, Problem> {
        let (sender, receiver) = oneshot::channel();
        // A caller that has hung up hears nothing; the outcome stands all the same.
        let handed_in = self.0.engine.submit(action, request, move |reply| drop(sender.send(reply)));
        handed_in.map_err(|_| Problem::overloaded())?;
        match receiver.await {
            Ok(Ok(outcome)) => outcome.map_err(Problem::from),
            Ok(Err(unavailable)) => Err(unavailable.into()),
            Err(_) => Err(Unavailable::Stopped.into()),
        }
    }

    /// Asks the tables, off the threads that serve connections.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&TablesReader) -> Result<T, TablesError> + Send + 'static,
    ) -> Result<T, Problem> {
        let waiting = self.0.reads_waiting.clone().try_acquire_owned().map_err(|_| Problem::overloaded())?;
        let running = self.0.reads_running.clone().acquire_owned().await.map_err(Problem::internal)?;
        let engine = self.0.engine.clone();
        let work = tokio::task::spawn_blocking(move || {
            // The read counts until it is done, even if nobody waits for it any more.
            let _permits = (waiting, running);
            engine.read(ask)
        });
        let answer = work.await.map_err(Problem::internal)?;
        answer.map_err(|error| match error {
            ReadError::Behind => Problem::overloaded(),
            ReadError::Tables(broken) => Problem::internal(broken),
        })
    }

    /// Works on the directory's file, off the threads that serve connections. What is done is done even if nobody waits
    /// for it any more.
    pub(crate) async fn with_directory<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Directory) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = self.0.directory_work.clone().try_acquire_owned().map_err(|_| Problem::overloaded())?;
        let directory = self.0.directory.clone();
        let work = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work(&directory)
        });
        work.await.map_err(Problem::internal)?
    }

    /// Who is to be named in the audit log for what is done now.
    pub(crate) fn author(&self, key: TokenId) -> Author {
        Author { key, at: self.now() }
    }

    /// The time, for what is not money.
    pub(crate) fn now(&self) -> UnixMillis {
        self.0.options.source.now()
    }

    /// 256 bits that nobody can guess.
    pub(crate) fn random(&self) -> [u8; 32] {
        let source = &self.0.options.source;
        let mut random = [0; 32];
        let (first, second) = random.split_at_mut(16);
        first.copy_from_slice(&source.random().to_le_bytes());
        second.copy_from_slice(&source.random().to_le_bytes());
        random
    }

    /// A new id.
    pub(crate) fn new_id<K: Kind>(&self) -> Id<K> {
        let source = &self.0.options.source;
        Id::from_parts(source.now().0, source.random())
    }

    /// Becomes true when the server is told to stop.
    pub(crate) fn closing(&self) -> watch::Receiver<bool> {
        self.0.closing.subscribe()
    }

    /// Tells every connection to come to an end.
    pub(crate) fn close(&self) {
        self.0.closing.send_replace(true);
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.0.engine
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.0.directory
    }

    pub(crate) fn tag_keys(&self) -> &TagKeys {
        &self.0.tag_keys
    }

    pub(crate) fn options(&self) -> &Options {
        &self.0.options
    }

    /// What tells merchants' servers of events.
    pub(crate) fn webhooks(&self) -> Result<&webhooks::Service, Problem> {
        let service = self.0.options.webhooks.as_ref();
        service.ok_or_else(|| Problem::new(Code::Unavailable, "this server tells nobody of events"))
    }

    /// A permit for each statement that may be on its way out.
    pub(crate) fn statements(&self) -> &Arc<Semaphore> {
        &self.0.statements
    }

    /// What asks a bank for payouts and hears what it says.
    pub(crate) fn bank(&self) -> Result<&bank::Service, Problem> {
        let service = self.0.options.bank.as_ref();
        service.ok_or_else(|| Problem::new(Code::Unavailable, "this server has to do with no bank"))
    }

    pub(crate) fn hub(&self) -> &Arc<Hub> {
        &self.0.hub
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(crate) fn openapi(&self) -> &str {
        &self.0.openapi
    }

    pub(crate) fn rate_limiter(&self) -> &RateLimiter {
        &self.0.rate_limiter
    }

    /// A permit for each connection that may be open.
    pub(crate) fn connections(&self) -> &Arc<Semaphore> {
        &self.0.connections
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("App").field(&self.0.options).finish()
    }
}

/// The routes of the API, each with its description.
pub(crate) fn api_routes() -> OpenApiRouter<App> {
    use resources::{audit_log, imports, keys, stores, tills};
    use resources::{balances, captures, disputes, refunds};
    use resources::{breaks, deliveries, payouts, settlements, webhook_endpoints};
    use resources::{events, health, merchants, orders, payments, sandbox, tags, taps, wallets};
    OpenApiRouter::new()
        .routes(routes!(orders::create, orders::list))
        .routes(routes!(orders::get))
        .routes(routes!(orders::cancel))
        .routes(routes!(orders::resolve_by_reference))
        .routes(routes!(orders::resolve))
        .routes(routes!(taps::open))
        .routes(routes!(taps::get))
        .routes(routes!(payments::pay, payments::list))
        .routes(routes!(payments::get))
        .routes(routes!(captures::create))
        .routes(routes!(captures::list))
        .routes(routes!(payments::void))
        .routes(routes!(refunds::create, refunds::list))
        .routes(routes!(refunds::get))
        .routes(routes!(disputes::create, disputes::list))
        .routes(routes!(disputes::get))
        .routes(routes!(disputes::answer))
        .routes(routes!(disputes::accept))
        .routes(routes!(disputes::decide))
        .routes(routes!(balances::get))
        .routes(routes!(wallets::get))
        .routes(routes!(wallets::balances))
        .routes(routes!(wallets::history))
        .routes(routes!(merchants::create, merchants::list))
        .routes(routes!(merchants::get, merchants::update))
        .routes(routes!(merchants::set_payout_account))
        .routes(routes!(merchants::status::activate))
        .routes(routes!(merchants::status::suspend))
        .routes(routes!(merchants::status::close))
        .routes(routes!(merchants::prices::set_fee_plan, merchants::prices::fee_plans))
        .routes(routes!(merchants::prices::set_settlement_terms, merchants::prices::settlement_terms))
        .routes(routes!(stores::create, stores::list))
        .routes(routes!(stores::get, stores::update))
        .routes(routes!(tills::create, tills::list))
        .routes(routes!(tills::get, tills::update))
        .routes(routes!(keys::create, keys::list))
        .routes(routes!(keys::get))
        .routes(routes!(keys::roll))
        .routes(routes!(keys::revoke))
        .routes(routes!(audit_log::list))
        .routes(routes!(imports::create))
        .routes(routes!(tags::list))
        .routes(routes!(tags::get, tags::update))
        .routes(routes!(events::listen))
        .routes(routes!(events::get))
        .routes(routes!(webhook_endpoints::create, webhook_endpoints::list))
        .routes(routes!(webhook_endpoints::get, webhook_endpoints::update, webhook_endpoints::delete))
        .routes(routes!(webhook_endpoints::rotate_secret))
        .routes(routes!(webhook_endpoints::test))
        .routes(routes!(webhook_endpoints::replay))
        .routes(routes!(deliveries::list))
        .routes(routes!(deliveries::get))
        .routes(routes!(deliveries::replay))
        .routes(routes!(sandbox::clock, sandbox::advance))
        .routes(routes!(sandbox::create_wallet))
        .routes(routes!(sandbox::pay))
        .routes(routes!(settlements::list))
        .routes(routes!(settlements::run))
        .routes(routes!(settlements::get))
        .routes(routes!(settlements::entries))
        .routes(routes!(settlements::statement))
        .routes(routes!(payouts::create, payouts::list))
        .routes(routes!(payouts::get))
        .routes(routes!(breaks::list))
        .routes(routes!(breaks::get))
        .routes(routes!(breaks::resolve))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
}
