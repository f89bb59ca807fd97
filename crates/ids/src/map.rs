//! Hash maps keyed by ids that this platform made itself.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::Id;

/// A map from ids. Its hash is fast and not keyed, so only ids that the platform itself made may be *inserted*
/// (their low bits are random and no stranger chooses them); looking up a stranger's id is fine.
pub type IdMap<K, V> = HashMap<Id<K>, V, BuildHasherDefault<IdHasher>>;

/// Multiplies the id's halves into 64 bits: enough for keys that are random already.
#[derive(Default)]
pub struct IdHasher(u64);

/// An odd number with well spread bits (the golden ratio's, as in Fibonacci hashing).
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.write_u64(u64::from_le_bytes(word));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(SPREAD);
    }

    fn write_u128(&mut self, bits: u128) {
        self.write(&bits.to_le_bytes());
    }
}
