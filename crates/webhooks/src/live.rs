//! An endpoint in memory: what is stored of it, and its queue.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::delivery::DeliveryNumber;
use crate::endpoint::{Endpoint, EndpointState};
use crate::queue::{Position, Queue};
use crate::rows::Replay;
use crate::secret::Secret;

/// A secret of an endpoint.
pub(crate) struct HeldSecret {
    pub(crate) serial: i64,
    pub(crate) secret: Secret,
    /// `None`: the one in use.
    pub(crate) valid_until: Option<u64>,
}

/// An endpoint in memory.
pub(crate) struct Live {
    /// The upper bits of its deliveries' numbers.
    pub(crate) number: i64,
    pub(crate) endpoint: Endpoint,
    /// Events up to here are deliveries, or not wanted.
    pub(crate) cursor: Position,
    /// The newest last.
    pub(crate) secrets: Vec<HeldSecret>,
    /// What to sign with, and until when that is right.
    pub(crate) signing: Option<(Arc<[Secret]>, u64)>,
    pub(crate) queue: Queue,
    pub(crate) replays: Vec<Replay>,
    pub(crate) stored_bytes: u64,
    /// Where the next look for old deliveries begins.
    pub(crate) prune_from: i64,
    /// How often it was said that there may be newer events.
    pub(crate) marks: u64,
    /// When it is in the list of those that have something to do.
    pub(crate) wakes_at: Option<u64>,
}

impl Live {
    pub(crate) fn is_enabled(&self) -> bool {
        self.endpoint.state == EndpointState::Enabled
    }

    pub(crate) fn delivery(&self, position: Position) -> DeliveryNumber {
        DeliveryNumber::new(self.number, position)
    }

    /// What to sign with at this time: the secret in use, and the old ones that are still valid.
    pub(crate) fn signing(&mut self, now: u64) -> Arc<[Secret]> {
        if let Some((secrets, until)) = &self.signing
            && now < *until
        {
            return secrets.clone();
        }
        let is_valid = |held: &&HeldSecret| held.valid_until.is_none_or(|until| now < until);
        let valid = || self.secrets.iter().rev().filter(is_valid);
        let secrets: Arc<[Secret]> = valid().map(|held| held.secret.clone()).collect();
        let until = valid().filter_map(|held| held.valid_until).min().unwrap_or(u64::MAX);
        self.signing = Some((secrets.clone(), until));
        secrets
    }
}

/// What a secret's encryption is bound to.
pub(crate) fn place_of_secret(endpoint: ids::WebhookEndpointId, serial: i64) -> Vec<u8> {
    [&endpoint.to_bytes()[..], &serial.to_be_bytes()].concat()
}

/// Stands for an object in a queue. Two that fall together wait for each other, which does no harm.
pub(crate) fn object_key(object: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    object.hash(&mut hasher);
    hasher.finish()
}
