//! Rates in basis points: hundredths of a percent.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Rounding;

/// A rate from nothing to all, in basis points: 250 is 2.5 %, 10,000 is 100 %.
///
/// Serialises as that number; whatever is read is checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct BasisPoints(u32);

impl BasisPoints {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// All of it: 100 %.
    pub const ALL: Self = Self(10_000);

    /// The rate of so many basis points.
    ///
    /// # Errors
    /// [`RateOutOfRange`] above 10,000.
    pub fn new(basis_points: u32) -> Result<Self, RateOutOfRange> {
        if basis_points <= Self::ALL.0 { Ok(Self(basis_points)) } else { Err(RateOutOfRange) }
    }

    /// How many basis points: 0 to 10,000.
    #[must_use]
    pub fn get(self) -> u32 {
        self.0
    }

    /// This part of an amount, computed exactly and rounded once; never more than the amount.
    #[must_use]
    pub fn of(self, minor_units: u64, rounding: Rounding) -> u64 {
        let product = u128::from(minor_units) * u128::from(self.0);
        let part = rounding.quotient(false, product, u128::from(Self::ALL.0));
        u64::try_from(part).unwrap_or(minor_units)
    }
}

impl TryFrom<u32> for BasisPoints {
    type Error = RateOutOfRange;

    fn try_from(basis_points: u32) -> Result<Self, Self::Error> {
        Self::new(basis_points)
    }
}

impl From<BasisPoints> for u32 {
    fn from(rate: BasisPoints) -> Self {
        rate.0
    }
}

/// More than 10,000 basis points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateOutOfRange;

impl fmt::Display for RateOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be between 0 and 10000 basis points (10000 is 100 %)")
    }
}

impl std::error::Error for RateOutOfRange {}
