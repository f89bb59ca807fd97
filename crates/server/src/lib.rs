//! The HTTP side of Tapstone: the API under `/v1`, server-sent events, health, metrics, the API's own description, and
//! the web pages.
//!
//! It promises: every reply about money leaves only when what it says is durable; every endpoint refuses who is not
//! authenticated and who may not; what it refuses it explains in a problem document (RFC 9457) that says whose fault it
//! is; nothing that a client sends is unbounded, and overload is refused early. An endpoint is one function, in one
//! file by resource, and its description in the OpenAPI document is made from the same lines.
//!
//! It decides nothing: rules are the payments crate's, and the engine is the only writer. It terminates no TLS.

mod app;
mod app_links;
mod auth;
pub mod bank;
mod control;
mod demo;
mod hub;
mod idempotency;
mod json;
mod metrics;
mod observe;
mod pages;
mod path;
mod problem;
mod query;
mod rate;
mod reference;
mod resources;
mod sandbox;
mod serve;
mod source;
mod timestamp;
mod told;
pub mod webhooks;

pub use app::{App, Options};
pub use app_links::{AndroidApp, AppLinks, AppleApp, NoApp};
pub use demo::{Demo, DemoMerchant, DemoTag, DemoWallet, World};
pub use rate::RateLimit;
pub use reference::openapi_json;
pub use sandbox::Sandbox;
pub use serve::serve;
pub use source::{ClockSource, Source, SystemSource};
pub use told::StoredEvents;
