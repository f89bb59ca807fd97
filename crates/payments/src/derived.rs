//! Ids that follow from facts: of what the decider makes by itself, when nobody hands in a new id. The same facts give
//! the same id, on any machine, in any year: what is run again makes nothing twice.

use ids::{Id, Kind};

use crate::model::UnixMillis;

/// An id of something made at this moment that these numbers name.
pub(crate) fn id<K: Kind>(at: UnixMillis, names: &[u128]) -> Id<K> {
    Id::from_parts(at.0, bits(names))
}

/// 128 bits that follow from these numbers, and look like nothing. Good against accidents, not against enemies: what
/// goes in are ids that the platform itself has drawn.
pub(crate) fn bits(names: &[u128]) -> u128 {
    // Two rounds of multiply and fold for each number; the constants are the fractions of the golden ratio and of pi.
    const GOLDEN: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    const PI: u128 = 0x243f_6a88_85a3_08d3_1319_8a2e_0370_7345;
    names.iter().fold(PI, |state, name| {
        let mixed = (state ^ name).wrapping_mul(GOLDEN);
        let folded = (mixed ^ (mixed >> 67)).wrapping_mul(PI);
        folded ^ (folded >> 59)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn different_facts_give_different_ids() {
        let mut seen = HashSet::new();
        for owner in 0..200u128 {
            for code in 0..11u128 {
                for ledger in [156u128, 392, 414, 840] {
                    assert!(seen.insert(bits(&[owner << 70 | owner, code, ledger])), "{owner} {code} {ledger}");
                }
            }
        }
    }
}
