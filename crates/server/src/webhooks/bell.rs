//! How the dispatcher hears that there is something new, at next to no cost to whoever tells.

use std::collections::HashSet;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use ids::MerchantId;

/// Rung by the money core's listener for the merchants that something has happened to.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    /// Whether anybody has an endpoint.
    is_listening: AtomicBool,
    /// Who has one.
    interested: RwLock<HashSet<MerchantId>>,
    rung_for: Mutex<HashSet<MerchantId>>,
}

impl Bell {
    /// Whether anybody has an endpoint. If not, ringing does nothing.
    pub(crate) fn is_listening(&self) -> bool {
        self.is_listening.load(Ordering::Acquire)
    }

    /// Says who has an endpoint.
    pub(crate) fn listen_for(&self, merchants: impl Iterator<Item = MerchantId>) {
        let mut interested = self.interested.write().unwrap_or_else(PoisonError::into_inner);
        *interested = merchants.collect();
        self.is_listening.store(!interested.is_empty(), Ordering::Release);
    }

    /// Something has happened to these merchants. True if that is news: the dispatcher must be woken.
    pub(crate) fn ring(&self, merchants: impl IntoIterator<Item = MerchantId>) -> bool {
        if !self.is_listening() {
            return false;
        }
        let interested = self.interested.read().unwrap_or_else(PoisonError::into_inner);
        let mut merchants = merchants.into_iter().filter(|merchant| interested.contains(merchant)).peekable();
        if merchants.peek().is_none() {
            return false;
        }
        let mut rung_for = self.rung_for();
        let was_silent = rung_for.is_empty();
        rung_for.extend(merchants);
        was_silent
    }

    /// Whether it was rung since the last time.
    pub(crate) fn has_rung(&self) -> bool {
        !self.rung_for().is_empty()
    }

    /// For whom it was rung since the last time.
    pub(crate) fn answer(&self) -> HashSet<MerchantId> {
        mem::take(&mut self.rung_for())
    }

    fn rung_for(&self) -> MutexGuard<'_, HashSet<MerchantId>> {
        self.rung_for.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_wakes_once_and_only_for_those_who_listen() {
        let (one, other) = (MerchantId::from_u128(1), MerchantId::from_u128(2));
        let bell = Bell::default();
        assert!(!bell.ring([one]));
        bell.listen_for([one].into_iter());
        assert!(!bell.ring([other]));
        assert!(bell.ring([other, one]) && !bell.ring([one]));
        assert_eq!(bell.answer(), HashSet::from([one]));
        assert!(bell.ring([one]));
        bell.listen_for([].into_iter());
        assert!(!bell.is_listening());
    }
}
