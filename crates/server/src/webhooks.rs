//! Webhooks on their way out: events are read, made into deliveries, sent, and what came of it is written down.
//!
//! One thread holds the [`webhooks::Webhooks`] and decides (`dispatcher`); another reads events for it (`reader`); tasks of
//! the runtime make the requests (`client`). The money core's listener only rings a bell, and only if somebody has an
//! endpoint.
//!
//! It promises what the crate `webhooks` promises, and that no request leaves for an address that the [`Network`] does not
//! admit: names are resolved here, what they resolve to is checked, and the connection is made to what was checked.
//! Redirects are not followed.

mod bell;
mod client;
mod dispatcher;
mod reader;
mod service;

pub use ::webhooks::{Limits, Network, Position, Rendered, Webhooks, WebhooksError};

pub use service::{EventSource, Service, Settings, SourceError, Stopped};
