//! Endpoints: where a merchant is told of what.

use std::sync::Arc;

use ids::{MerchantId, WebhookEndpointId};

use crate::filter::EventFilter;
use crate::queue::Position;
use crate::target::Target;

/// Where a merchant is told of events.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Whose events it is told of.
    pub merchant: MerchantId,
    /// Where deliveries go.
    pub url: Arc<Target>,
    /// Which events.
    pub events: EventFilter,
    /// Its owner's own words.
    pub description: Option<String>,
    /// Whether it is told anything.
    pub state: EndpointState,
    /// Unix milliseconds.
    pub created_at: u64,
}

/// Whether an endpoint is told anything. One that is not keeps its place among the events, and goes on from there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointState {
    /// It is.
    Enabled,
    /// Its owner has disabled it.
    Disabled,
    /// Its receiver has answered `410 Gone`.
    Gone,
}

/// An endpoint to create.
#[derive(Debug)]
pub struct NewEndpoint {
    /// Its id.
    pub id: WebhookEndpointId,
    /// Whose events it is told of.
    pub merchant: MerchantId,
    /// Where deliveries go.
    pub url: Target,
    /// Which events.
    pub events: EventFilter,
    /// Its owner's own words.
    pub description: Option<String>,
    /// It is told of the events after this position.
    pub position: Position,
}

/// What is to change about an endpoint; `None` leaves a thing as it is.
#[derive(Debug, Default)]
pub struct Change {
    /// Where deliveries go from now on, those that wait already included.
    pub url: Option<Target>,
    /// Which events are told from now on.
    pub events: Option<EventFilter>,
    /// The new description, or `Some(None)` for none.
    pub description: Option<Option<String>>,
    /// Enables or disables it.
    pub enabled: Option<bool>,
}
