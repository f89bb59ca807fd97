//! Rates in basis points: exact, rounded once.

use money::{BasisPoints, RateOutOfRange, Rounding};
use proptest::prelude::*;

fn rate(basis_points: u32) -> BasisPoints {
    BasisPoints::new(basis_points).expect("at most 10,000")
}

#[test]
fn a_part_is_rounded_as_named() {
    // 2.5 % of 3.00 is 7.5 cents, of 1.00 it is 2.5, of 0.99 2.475.
    for (minor_units, half_up, half_even, half_down, up, down) in
        [(300, 8, 8, 7, 8, 7), (100, 3, 2, 2, 3, 2), (99, 2, 2, 2, 3, 2)]
    {
        assert_eq!(rate(250).of(minor_units, Rounding::HalfUp), half_up);
        assert_eq!(rate(250).of(minor_units, Rounding::HalfEven), half_even);
        assert_eq!(rate(250).of(minor_units, Rounding::HalfDown), half_down);
        assert_eq!(rate(250).of(minor_units, Rounding::Up), up);
        assert_eq!(rate(250).of(minor_units, Rounding::Ceiling), up);
        assert_eq!(rate(250).of(minor_units, Rounding::Down), down);
        assert_eq!(rate(250).of(minor_units, Rounding::Floor), down);
    }
}

#[test]
fn the_largest_amounts_are_exact() {
    assert_eq!(BasisPoints::ALL.of(u64::MAX, Rounding::Up), u64::MAX);
    assert_eq!(BasisPoints::ZERO.of(u64::MAX, Rounding::Up), 0);
    assert_eq!(rate(1).of(u64::MAX, Rounding::Down), u64::MAX / 10_000);
    assert_eq!(rate(9_999).of(u64::MAX, Rounding::Up), u64::MAX - u64::MAX / 10_000);
}

#[test]
fn a_rate_is_a_checked_number_in_both_forms() {
    assert_eq!(serde_json::to_string(&rate(250)).unwrap(), "250");
    assert_eq!(serde_json::from_str::<BasisPoints>("10000").unwrap(), BasisPoints::ALL);
    for json in ["10001", "-1", "2.5", "\"250\"", "null", "4294967296", "1e2"] {
        assert!(serde_json::from_str::<BasisPoints>(json).is_err(), "{json}");
    }
    let refusal = serde_json::from_str::<BasisPoints>("10001").unwrap_err().to_string();
    assert!(refusal.starts_with("must be between 0 and 10000 basis points"), "{refusal}");
    assert_eq!(postcard::to_allocvec(&rate(250)).unwrap(), [0xFA, 0x01]);
    assert_eq!(postcard::from_bytes::<BasisPoints>(&[0xFA, 0x01]).unwrap(), rate(250));
    assert!(postcard::from_bytes::<BasisPoints>(&postcard::to_allocvec(&10_001_u32).unwrap()).is_err());
    assert_eq!(BasisPoints::try_from(10_001), Err(RateOutOfRange));
    assert_eq!(u32::from(rate(250)), rate(250).get());
}

proptest! {
    /// Twice the part, less or more than twice the exact value by at most one: compared as integers.
    #[test]
    fn the_nearest_is_half_a_unit_away_at_most(minor_units: u64, basis_points in 0..=10_000_u32) {
        let part = u128::from(rate(basis_points).of(minor_units, Rounding::HalfUp)) * 10_000;
        let exact = u128::from(minor_units) * u128::from(basis_points);
        prop_assert!(part.abs_diff(exact) <= 5_000);
        prop_assert!(part.abs_diff(exact) < 5_000 || part > exact);
    }
}
