//! Which labels of a reel are tried, and how many may be bad.
//!
//! The plan is ISO 2859-1:1999, single sampling, normal inspection, general level II, acceptance quality limit 0.65 %
//! nonconforming: table 1 has the code letter of the lot's size, table 2-A the size of the sample and the acceptance
//! number. A reel is a lot. Where table 2-A has an arrow, the plan that the arrow leads to is written here; a sample as large
//! as the lot is all of the lot.
//!
//! Which labels those are follows from the order's seed: SHA-256 of seed, reel and a counter as a stream of random
//! numbers, without bias, and R. Floyd's way of drawing without repetition. The converter should not know the seed before
//! the reels are made.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

use crate::order::{Order, Reel, Seed};

/// How a lot is sampled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How many are tried.
    pub sample_size: u32,
    /// The acceptance number: the lot is accepted with so many bad ones, rejected with one more.
    pub accept_up_to: u32,
}

/// Up to which size of a lot which plan holds.
const PLANS: [(u32, Plan); 7] = [
    // A to E point down to F, and so does G point up.
    (280, Plan { sample_size: 20, accept_up_to: 0 }),
    // H points down to J.
    (1_200, Plan { sample_size: 80, accept_up_to: 1 }),
    (3_200, Plan { sample_size: 125, accept_up_to: 2 }),
    (10_000, Plan { sample_size: 200, accept_up_to: 3 }),
    (35_000, Plan { sample_size: 315, accept_up_to: 5 }),
    (150_000, Plan { sample_size: 500, accept_up_to: 7 }),
    (500_000, Plan { sample_size: 800, accept_up_to: 10 }),
];
/// Of any lot that is larger.
const LARGEST: Plan = Plan { sample_size: 1_250, accept_up_to: 14 };

/// The plan for a lot of that size.
#[must_use]
pub fn plan(lot: u32) -> Plan {
    let plan = PLANS.iter().find(|(size, _)| lot <= *size).map_or(LARGEST, |(_, plan)| *plan);
    Plan { sample_size: plan.sample_size.min(lot), ..plan }
}

/// The positions on the reel that are tried, in their order.
#[must_use]
pub fn positions(order: &Order, reel: Reel) -> Vec<u32> {
    let mut random = Random { seed: order.seed(), reel: reel.number, drawn: 0 };
    let mut chosen = BTreeSet::new();
    for highest in reel.labels - plan(reel.labels).sample_size + 1..=reel.labels {
        let position = random.up_to(highest);
        if !chosen.insert(position) {
            chosen.insert(highest);
        }
    }
    chosen.into_iter().collect()
}

struct Random {
    seed: Seed,
    reel: u32,
    drawn: u32,
}

impl Random {
    /// From 1 to `highest`, each as likely as the others.
    fn up_to(&mut self, highest: u32) -> u32 {
        let highest = u64::from(highest);
        loop {
            let number = self.next();
            // What remains above the last whole multiple would favour the low ones.
            if number < u64::MAX - u64::MAX % highest {
                return u32::try_from(number % highest + 1).unwrap_or(1);
            }
        }
    }

    fn next(&mut self) -> u64 {
        let hash = Sha256::new_with_prefix(b"tapstone sample")
            .chain_update(self.seed.0)
            .chain_update(self.reel.to_be_bytes())
            .chain_update(self.drawn.to_be_bytes())
            .finalize();
        self.drawn += 1;
        hash.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
    }
}

#[cfg(test)]
mod tests {
    use tag::KeyVersion;

    use super::*;
    use crate::OrderCode;

    fn order(count: u32, reel_labels: u32, seed: u8) -> Order {
        let code = OrderCode::from_bits(1);
        Order::new(code, count, reel_labels, KeyVersion(1), "https://pay.example", Seed([seed; 16])).unwrap()
    }

    /// Rows of ISO 2859-1 table 2-A, column 0.65, with table 1's sizes at level II.
    #[test]
    fn plans_are_the_standards() {
        for (lots, sample_size, accept_up_to) in [
            ([21, 90], 20, 0),
            ([91, 150], 20, 0),
            ([151, 280], 20, 0),
            ([281, 500], 80, 1),
            ([501, 1_200], 80, 1),
            ([1_201, 3_200], 125, 2),
            ([3_201, 10_000], 200, 3),
            ([10_001, 35_000], 315, 5),
            ([35_001, 150_000], 500, 7),
            ([150_001, 500_000], 800, 10),
            ([500_001, u32::MAX], 1_250, 14),
        ] {
            lots.into_iter().for_each(|lot| assert_eq!(plan(lot), Plan { sample_size, accept_up_to }, "{lot}"));
        }
        assert_eq!(plan(7), Plan { sample_size: 7, accept_up_to: 0 });
    }

    #[test]
    fn a_sample_is_drawn_once_from_all_of_the_reel() {
        let order = order(10_500, 5_000, 7);
        for reel in (1..=3).filter_map(|reel| order.reel(reel)) {
            let sample = positions(&order, reel);
            assert_eq!(sample.len(), plan(reel.labels).sample_size as usize);
            assert!(sample.is_sorted_by(|a, b| a < b) && sample[0] >= 1 && sample[sample.len() - 1] <= reel.labels);
            assert_eq!(sample, positions(&order, reel));
        }
        let [first, second] = [1, 2].map(|reel| positions(&order, order.reel(reel).unwrap()));
        assert_ne!(first, second);
        assert_ne!(first, positions(&self::order(10_500, 5_000, 8), order.reel(1).unwrap()));
    }

    /// 2,000 reels of 100 labels, 20 tried of each: every position is tried about 400 times (deviation 18).
    #[test]
    fn every_position_is_as_likely_as_the_others() {
        let order = order(200_000, 100, 3);
        let mut tried = [0; 101];
        for reel in (1..=2_000).filter_map(|reel| order.reel(reel)) {
            positions(&order, reel).iter().for_each(|position| tried[*position as usize] += 1);
        }
        assert!(tried[1..].iter().all(|tried| (310..490).contains(tried)), "{tried:?}");
    }
}
