//! A bounded cache of tags' own keys before a module, which is slow beside the taps that it must verify.
//!
//! Keys are kept in two generations of at most half the capacity. What is asked for moves into the younger one; when that
//! is full, the older one is forgotten. So what is asked for again and again stays, and nothing is counted or sorted.
//! A key here is one tag's only; the master is never here.

use std::collections::HashMap;
use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};

use tag::diversification::Purpose;
use tag::{AesKey, FileReadKeys, Uid};

use crate::masters::{MasterId, MasterKeys};

/// The most keys that can be kept: 16 million, about a gigabyte.
pub const CAPACITY_MAX: usize = 1 << 24;

const SHARDS: usize = 16;

/// SDMFileRead of the tags of one version, kept after they were derived.
pub struct DerivedKeys {
    masters: Arc<dyn MasterKeys>,
    master: MasterId,
    /// How many keys a generation of a shard has.
    generation: usize,
    shards: [Mutex<Generations>; SHARDS],
}

#[derive(Default)]
struct Generations {
    young: HashMap<Uid, AesKey>,
    old: HashMap<Uid, AesKey>,
}

impl DerivedKeys {
    /// A cache of at most that many keys, rounded up to a multiple of 32 and down to [`CAPACITY_MAX`], under one master.
    #[must_use]
    pub fn new(masters: Arc<dyn MasterKeys>, master: MasterId, capacity: usize) -> Self {
        let generation = capacity.min(CAPACITY_MAX).div_ceil(2 * SHARDS).max(1);
        Self { masters, master, generation, shards: Default::default() }
    }

    /// How many keys are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard)).map(|shard| shard.young.len() + shard.old.len()).sum()
    }

    /// Whether none is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, uid: Uid) -> Option<&Mutex<Generations>> {
        let hash = uid.0.iter().fold(0_usize, |hash, byte| hash.wrapping_mul(31).wrapping_add(usize::from(*byte)));
        self.shards.get(hash % SHARDS)
    }
}

impl FileReadKeys for DerivedKeys {
    fn file_read(&self, uid: Uid) -> Option<AesKey> {
        let shard = self.shard(uid)?;
        if let Some(key) = lock(shard).find(uid, self.generation) {
            return Some(key);
        }
        // Not while the shard is locked: others need not wait for the module.
        let key = self.masters.derive(self.master, Purpose::sdm_file_read(uid)).ok()?;
        lock(shard).keep(uid, copy(&key), self.generation);
        Some(key)
    }
}

impl Generations {
    fn find(&mut self, uid: Uid, limit: usize) -> Option<AesKey> {
        if let Some(key) = self.young.get(&uid) {
            return Some(copy(key));
        }
        let key = self.old.remove(&uid)?;
        let found = copy(&key);
        self.keep(uid, key, limit);
        Some(found)
    }

    fn keep(&mut self, uid: Uid, key: AesKey, limit: usize) {
        if self.young.len() >= limit && !self.young.contains_key(&uid) {
            self.old = mem::take(&mut self.young);
        }
        self.young.insert(uid, key);
    }
}

impl fmt::Debug for DerivedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DerivedKeys").field("master", &self.master).finish_non_exhaustive()
    }
}

fn copy(key: &AesKey) -> AesKey {
    AesKey::new(*key.expose())
}

fn lock(shard: &Mutex<Generations>) -> std::sync::MutexGuard<'_, Generations> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}
