//! What the ledger must know of transfers that it no longer holds in memory.

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::transfer::{Resolution, Transfer};

/// What became of a transfer id before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remembered {
    /// The transfer was created.
    Created(Transfer),
    /// A request with this id failed for a reason that may have passed since: the id fails for ever.
    Failed,
}

/// What the past says about the ids that a batch names. Whoever keeps the transfers fetches it before the batch is
/// decided, so that deciding reads no disk and cannot fail: for each id of [`crate::Ledger::asks`], and for the
/// `pending_id` of each post or void found, what is remembered of it and how it was resolved.
#[derive(Debug, Default)]
pub struct Past {
    remembered: HashMap<u128, Remembered, RandomState>,
    resolutions: HashMap<u128, Resolution, RandomState>,
}

impl Past {
    /// Nothing happened before.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds what became of `id`.
    pub fn remember(&mut self, id: u128, what: Remembered) {
        self.remembered.insert(id, what);
    }

    /// Adds how the pending transfer `id`, which is not open any more, was resolved.
    pub fn resolve(&mut self, id: u128, how: Resolution) {
        self.resolutions.insert(id, how);
    }

    /// What became of `id`; nothing if it was never used.
    pub fn find(&self, id: u128) -> Option<Remembered> {
        if self.remembered.is_empty() { None } else { self.remembered.get(&id).copied() }
    }

    /// How the pending transfer `id` was resolved.
    pub fn resolution(&self, id: u128) -> Option<Resolution> {
        self.resolutions.get(&id).copied()
    }
}
