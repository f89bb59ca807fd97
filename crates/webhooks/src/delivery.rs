//! Deliveries: one event on its way to one endpoint.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use ids::{DeliveryId, EventId, WebhookEndpointId};

use crate::queue::Position;
use crate::secret::Secret;
use crate::target::Target;

/// Bits of a delivery's number that are the event's position: twenty-eight years at 20,000 events a second.
const POSITION_BITS: u32 = 44;

/// The most endpoints that there may be at once, of all merchants.
pub(crate) const MAX_ENDPOINT_NUMBER: i64 = (1 << (63 - POSITION_BITS)) - 1;

/// The last position that a delivery can have.
pub(crate) const MAX_POSITION: Position = (1 << POSITION_BITS) - 1;

/// How much of a receiver's answer is kept, in bytes.
pub const RESPONSE_KEPT_BYTES: usize = 1_024;

/// An event as merchants are told of it.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// Its place in the journal.
    pub position: Position,
    /// What happened, such as `payment.succeeded`.
    pub event_type: Cow<'static, str>,
    /// The id of what it happened to: deliveries about one object keep their order.
    pub object: String,
    /// When it happened, in Unix milliseconds.
    pub at_ms: u64,
    /// The bytes to send.
    pub body: Vec<u8>,
}

/// The id of the event at a position: the position is in it.
#[must_use]
pub fn event_id(at_ms: u64, position: Position) -> EventId {
    EventId::from_parts(at_ms, u128::from(position))
}

/// What has become of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// It is on its way: not tried yet, under way, or to be tried again.
    Pending,
    /// The receiver has answered with 2xx.
    Succeeded,
    /// It was tried for three days in vain, or the receiver is gone. It can be replayed.
    Dead,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// Where it goes.
    pub endpoint: WebhookEndpointId,
    /// The event, whose id is the message's id.
    pub event: EventId,
    /// The event's place in the journal.
    pub position: Position,
    /// What happened.
    pub event_type: String,
    /// What it happened to.
    pub object: String,
    /// What has become of it.
    pub status: DeliveryStatus,
    /// Attempts made.
    pub attempts: u32,
    /// When the next attempt is due; `None` if none is, or if it goes as soon as its turn comes.
    pub next_attempt_at: Option<u64>,
    /// When it was stored.
    pub created_at: u64,
    /// When it succeeded or died.
    pub finished_at: Option<u64>,
}

/// One attempt to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When it began, in Unix milliseconds.
    pub at: u64,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has answered.
    Answered {
        /// With this HTTP status.
        status: u16,
        /// How its answer's body begins, at most [`RESPONSE_KEPT_BYTES`].
        response: Vec<u8>,
    },
    /// It has not.
    Failed(Cow<'static, str>),
}

impl Outcome {
    pub(crate) fn is_success(&self) -> bool {
        matches!(self, Self::Answered { status: 200..=299, .. })
    }

    /// The receiver wants to hear no more.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, Self::Answered { status: 410, .. })
    }
}

/// A delivery to send now. What comes of it is told to [`crate::Webhooks::finished`].
#[derive(Clone)]
pub struct Sending {
    /// Where it goes.
    pub endpoint: WebhookEndpointId,
    /// Which delivery of that endpoint it is.
    pub position: Position,
    /// The message's id: the same at each attempt.
    pub event: EventId,
    /// The URL.
    pub url: Arc<Target>,
    /// What to sign it with.
    pub secrets: Arc<[Secret]>,
    /// The bytes to send.
    pub body: Bytes,
}

/// Without the body, which is the merchant's business.
impl fmt::Debug for Sending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending").field("endpoint", &self.endpoint).field("event", &self.event).finish_non_exhaustive()
    }
}

/// Which deliveries of an endpoint are asked for. The newest come first.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Only those with this status.
    pub status: Option<DeliveryStatus>,
    /// Only those of events of this type.
    pub event_type: Option<String>,
    /// Only those older than this one.
    pub before: Option<DeliveryId>,
    /// The most.
    pub limit: u32,
}

/// Part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether more follow.
    pub has_more: bool,
}

/// A delivery with everything that is kept of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryDetails {
    /// The delivery.
    pub delivery: Delivery,
    /// The bytes that were and will be sent.
    pub body: Vec<u8>,
    /// Its last attempts with their numbers, the oldest first.
    pub attempts: Vec<(u32, Attempt)>,
}

/// A delivery's place in the database: sorts by endpoint, then by position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DeliveryNumber(pub(crate) i64);

impl DeliveryNumber {
    /// Both must be in their bounds; see [`MAX_ENDPOINT_NUMBER`] and [`MAX_POSITION`].
    pub(crate) fn new(endpoint: i64, position: Position) -> Self {
        Self((endpoint << POSITION_BITS) | i64::try_from(position.min(MAX_POSITION)).unwrap_or_default())
    }

    pub(crate) fn endpoint(self) -> i64 {
        self.0 >> POSITION_BITS
    }

    pub(crate) fn position(self) -> Position {
        self.0.unsigned_abs() & MAX_POSITION
    }

    pub(crate) fn id(self, created_at: u64) -> DeliveryId {
        DeliveryId::from_parts(created_at, u128::from(self.0.unsigned_abs()))
    }

    /// The number in an id; whether there is such a delivery is another question.
    pub(crate) fn of(id: DeliveryId) -> Self {
        let bits = id.as_u128();
        let number = ((bits >> 64) & 0xfff) << 62 | bits & ((1 << 62) - 1);
        Self(i64::try_from(number & u128::from(u64::MAX >> 1)).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_leads_back_to_the_number() {
        for (endpoint, position) in
            [(1, 0), (1, 1), (2, MAX_POSITION), (MAX_ENDPOINT_NUMBER, MAX_POSITION), (77, 4_711)]
        {
            let number = DeliveryNumber::new(endpoint, position);
            assert_eq!((number.endpoint(), number.position()), (endpoint, position));
            let id = number.id(1_795_350_600_000);
            assert_eq!((DeliveryNumber::of(id), id.unix_ms()), (number, 1_795_350_600_000));
        }
        assert!(DeliveryNumber::new(1, MAX_POSITION) < DeliveryNumber::new(2, 0));
    }
}
