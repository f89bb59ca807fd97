//! Splitting without losing a unit: by example, beside a slow model, and over a million random cases.

use money::{AllocatePartError, allocate, allocate_part};

#[test]
fn the_leftover_goes_to_the_largest_fractions_and_ties_to_the_earlier() {
    assert_eq!(allocate(100, &[1, 1, 1]), [34, 33, 33]);
    assert_eq!(allocate(101, &[1, 1, 1]), [34, 34, 33]);
    assert_eq!(allocate(5, &[3, 7]), [2, 3]);
    assert_eq!(allocate(10, &[1, 2, 3]), [2, 3, 5]);
    assert_eq!(allocate(1, &[0, 1, 1]), [0, 1, 0]);
    // The Alabama paradox of 1880: with one seat more to share, the third has one fewer.
    assert_eq!(allocate(10, &[6, 6, 2]), [4, 4, 2]);
    assert_eq!(allocate(11, &[6, 6, 2]), [5, 5, 1]);
}

#[test]
fn weights_of_nothing_and_no_weights() {
    assert_eq!(allocate(10, &[0, 0, 0]), [4, 3, 3]);
    assert_eq!(allocate(0, &[0, 5]), [0, 0]);
    assert_eq!(allocate(7, &[0, 5, 0]), [0, 7, 0]);
    assert_eq!(allocate(10, &[]), []);
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    let max = u64::MAX;
    assert_eq!(allocate(max, &[max, max]), [max / 2 + 1, max / 2]);
    assert_eq!(allocate(max, &[max, 1]), [max - 1, 1]);
    assert_eq!(allocate(max, &[1; 3]).iter().sum::<u64>(), max);
    assert_eq!(allocate_part(&[max / 2 + 1, max / 2], &[0, 0], max), Ok(vec![max / 2 + 1, max / 2]));
    assert_eq!(allocate_part(&[max - 1, 1], &[max - 1, 0], 1), Ok(vec![0, 1]));
    assert_eq!(allocate_part(&[max, 1], &[0, 0], 1), Err(AllocatePartError::TooMuch));
}

#[test]
fn a_part_comes_from_each_in_proportion_to_what_each_received() {
    assert_eq!(allocate_part(&[900, 100], &[0, 0], 10), Ok(vec![9, 1]));
    assert_eq!(allocate_part(&[34, 33, 33], &[0, 0, 0], 100), Ok(vec![34, 33, 33]));
    assert_eq!(allocate_part(&[34, 33, 33], &[1, 0, 0], 1), Ok(vec![0, 1, 0]));
    assert_eq!(allocate_part(&[5, 5], &[5, 0], 0), Ok(vec![0, 0]));
    assert_eq!(allocate_part(&[], &[], 0), Ok(vec![]));
    // One gave back everything before: the others follow.
    assert_eq!(allocate_part(&[50, 50], &[50, 0], 20), Ok(vec![0, 20]));
    assert_eq!(allocate_part(&[50, 50, 50], &[50, 0, 0], 21), Ok(vec![0, 11, 10]));
}

#[test]
fn a_part_that_is_not_there_is_refused() {
    assert_eq!(allocate_part(&[5, 5], &[5, 1], 5), Err(AllocatePartError::MoreThanIsLeft { left: 4 }));
    assert_eq!(allocate_part(&[5, 5], &[6, 0], 1), Err(AllocatePartError::ShareExceeded));
    assert_eq!(allocate_part(&[5, 5], &[5], 1), Err(AllocatePartError::DifferentLengths));
    assert_eq!(allocate_part(&[], &[], 1), Err(AllocatePartError::MoreThanIsLeft { left: 0 }));
}

/// `SplitMix64` (Steele, Lea, Flood 2014): enough randomness for tests, the same every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn up_to(&mut self, most: u64) -> u64 {
        let number = self.next();
        most.checked_add(1).map_or(number, |numbers| number % numbers)
    }

    /// Small and large numbers alike.
    fn any_size(&mut self) -> u64 {
        let bits = self.up_to(63);
        self.next() >> bits
    }

    fn weights(&mut self) -> Vec<u64> {
        let count = 1 + self.up_to(5);
        (0..count).map(|_| if self.up_to(7) == 0 { 0 } else { self.any_size() }).collect()
    }
}

#[test]
fn a_million_splits_lose_no_unit() {
    let mut random = Random(6);
    for case in 0..1_000_000 {
        let (total, weights) = (random.any_size(), random.weights());
        let shares = allocate(total, &weights);
        assert_eq!(shares.len(), weights.len(), "case {case}");
        assert_eq!(shares.iter().map(|share| u128::from(*share)).sum::<u128>(), u128::from(total), "case {case}");
        let sum: u128 = weights.iter().copied().map(u128::from).sum();
        for (share, weight) in shares.iter().zip(&weights).filter(|_| sum > 0) {
            let exact = u128::from(total) * u128::from(*weight);
            let floor = exact / sum;
            let ceiling = floor + u128::from(exact % sum != 0);
            assert!((floor..=ceiling).contains(&u128::from(*share)), "case {case}: {total} by {weights:?}: {shares:?}");
        }
    }
}

/// Gives unit by unit to whoever has the largest part of a unit still to come, as a person would.
fn slow_allocate(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u64 = weights.iter().sum();
    let mut shares: Vec<u64> = weights.iter().map(|weight| total * weight / sum).collect();
    while shares.iter().sum::<u64>() < total {
        let to_come = |index: usize| (total * weights[index]).saturating_sub(shares[index] * sum);
        let most = (0..weights.len()).map(to_come).max().expect("a weight");
        let first = (0..weights.len()).find(|index| to_come(*index) == most).expect("who has it");
        shares[first] += 1;
    }
    shares
}

#[test]
fn small_splits_agree_with_a_slow_model() {
    let mut random = Random(7);
    for _ in 0..100_000 {
        let weights: Vec<u64> = (0..=random.up_to(4)).map(|_| random.up_to(6)).collect();
        if weights.iter().any(|weight| *weight > 0) {
            let total = random.up_to(30);
            assert_eq!(allocate(total, &weights), slow_allocate(total, &weights), "{total} by {weights:?}");
        }
    }
}

/// Returns a split payment in random parts until nothing is left; after each part, `check` sees the shares and all
/// that was returned of them.
fn return_in_parts(random: &mut Random, shares: &[u64], check: impl Fn(&[u64], &[u64])) {
    let mut so_far = vec![0; shares.len()];
    let mut left: u64 = shares.iter().sum();
    while left > 0 {
        let part = (1 + random.any_size() % left).min(left);
        let now = allocate_part(shares, &so_far, part).expect("so much is left");
        assert_eq!(now.iter().sum::<u64>(), part);
        so_far.iter_mut().zip(now).for_each(|(sum, now)| *sum += now);
        left -= part;
        check(shares, &so_far);
    }
    assert_eq!(so_far, shares, "all is returned when all is returned");
}

fn never_far_from_proportion(shares: &[u64], so_far: &[u64]) {
    let sum = shares.iter().copied().map(u128::from).sum::<u128>();
    let returned = so_far.iter().copied().map(u128::from).sum::<u128>();
    let others = u128::try_from(shares.len()).expect("a small number") - 1;
    for (share, given) in shares.iter().zip(so_far) {
        assert!(given <= share, "{so_far:?} of {shares:?}");
        let (exact, given) = (returned * u128::from(*share), u128::from(*given) * sum);
        assert!(given < exact + sum, "a whole unit ahead: {so_far:?} of {shares:?}");
        assert!(given + others * sum >= exact, "too far behind: {so_far:?} of {shares:?}");
    }
}

#[test]
fn a_hundred_thousand_payments_returned_in_parts_come_out_even() {
    let mut random = Random(8);
    for _ in 0..100_000 {
        let shares = allocate(random.any_size(), &random.weights());
        return_in_parts(&mut random, &shares, never_far_from_proportion);
    }
}

#[test]
fn unit_by_unit_stays_in_proportion() {
    for shares in [vec![900, 100], vec![1, 1, 1], vec![6, 6, 2], vec![333, 333, 334], vec![1, 0, 999]] {
        let mut so_far = vec![0; shares.len()];
        while so_far != shares {
            let now = allocate_part(&shares, &so_far, 1).unwrap();
            so_far.iter_mut().zip(now).for_each(|(sum, now)| *sum += now);
            never_far_from_proportion(&shares, &so_far);
        }
    }
}

#[test]
fn a_past_out_of_proportion_is_evened_out_and_no_share_is_passed() {
    let mut random = Random(9);
    for _ in 0..100_000 {
        let shares = allocate(random.any_size(), &random.weights());
        let so_far: Vec<u64> = shares.iter().map(|share| random.up_to(*share)).collect();
        let left = shares.iter().sum::<u64>() - so_far.iter().sum::<u64>();
        let part = random.up_to(left);
        let now = allocate_part(&shares, &so_far, part).unwrap();
        assert_eq!(now.iter().sum::<u64>(), part);
        assert!(now.iter().zip(&so_far).zip(&shares).all(|((now, given), share)| now + given <= *share));
    }
}
