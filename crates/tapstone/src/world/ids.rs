//! Ids that follow from the keys of a description.

use ids::{Id, Kind};
use sha2::{Digest, Sha256};

/// What these ids say about when they were made: 2026-01-01T00:00:00Z, whenever it was.
const MADE_AT_UNIX_MS: u64 = 1_767_225_600_000;

/// The id of what these keys lead to, outermost first: always the same for the same keys, and another for any other.
pub(crate) fn derived<K: Kind>(keys: &[&str]) -> Id<K> {
    let mut hash = Sha256::new_with_prefix(K::PREFIX);
    for key in keys {
        // Keys have no slash in them.
        hash.update("/");
        hash.update(key);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let first_half = digest.first_chunk().copied().unwrap_or_default();
    Id::from_parts(MADE_AT_UNIX_MS, u128::from_be_bytes(first_half))
}

#[cfg(test)]
mod tests {
    use ids::{MerchantId, StoreId};

    use super::*;

    /// Computed with Python's hashlib. Platforms are built on these ids.
    #[test]
    fn ids_never_change_and_never_meet() {
        let id: MerchantId = derived(&["lantern-tea"]);
        assert_eq!(id.to_string(), "mch_01kdvdna00eynbk5ta8qs5jbbk");
        assert_eq!(id, derived(&["lantern-tea"]));
        assert_ne!(id, derived(&["lantern-te", "a"]));
        let (a, b): (StoreId, StoreId) = (derived(&["a", "bc"]), derived(&["ab", "c"]));
        assert_ne!(a, b);
    }
}
