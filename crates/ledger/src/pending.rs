//! The pending transfers that are still open, and when they expire.

use std::collections::BTreeSet;
use std::ops::Bound;

use foldhash::fast::RandomState;
use hashbrown::HashMap;

use crate::transfer::Transfer;

/// Open pending transfers.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    open: HashMap<u128, Transfer, RandomState>,
    /// Expiry, timestamp and id of each that has a timeout: the order in which they expire.
    expiries: BTreeSet<(u64, u64, u128)>,
}

impl Pending {
    pub(crate) fn get(&self, id: u128) -> Option<&Transfer> {
        self.open.get(&id)
    }

    pub(crate) fn open(&mut self, transfer: &Transfer) {
        let before = self.open.insert(transfer.id, *transfer);
        assert!(before.is_none(), "pending transfer {:#x} opened twice", transfer.id);
        if let Some(expires_at) = transfer.expires_at() {
            self.expiries.insert((expires_at, transfer.timestamp, transfer.id));
        }
    }

    pub(crate) fn close(&mut self, id: u128) -> Option<Transfer> {
        let transfer = self.open.remove(&id)?;
        if let Some(expires_at) = transfer.expires_at() {
            self.expiries.remove(&(expires_at, transfer.timestamp, transfer.id));
        }
        Some(transfer)
    }

    /// The first that has expired at `now`.
    pub(crate) fn first_expired(&self, now: u64) -> Option<u128> {
        let last = (now, u64::MAX, u128::MAX);
        self.expiries.range((Bound::Unbounded, Bound::Included(last))).next().map(|(_, _, id)| *id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Transfer> {
        self.open.values()
    }

    pub(crate) fn count(&self) -> usize {
        self.open.len()
    }
}
