//! What a merchant pays for a capture.

use std::collections::BTreeSet;

use money::{BasisPoints, Currency, Rounding};
use serde::{Deserialize, Deserializer, Serialize};

use crate::Method;

/// A price that holds from a volume on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// How much must have been captured in the month before this tier applies, in minor units; 0 in the first tier.
    pub from_volume: u64,
    /// The part of the capture that is charged.
    pub rate: BasisPoints,
    /// What is charged besides, in minor units.
    pub fixed: u64,
}

/// The prices of one currency, for one method of payment or for all that have no price of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeRate {
    /// The method priced here; `None` prices every method that has no rate of its own in this currency.
    pub method: Option<Method>,
    /// The currency priced here, in which all amounts of this rate are.
    pub currency: Currency,
    /// The tiers, by ascending volume, the first from 0.
    pub tiers: Vec<Tier>,
    /// The least fee of a capture, in minor units.
    pub minimum: Option<u64>,
    /// The highest fee of a capture, in minor units.
    pub maximum: Option<u64>,
}

/// A merchant's prices: at most one rate for each currency and method. A plan without rates charges nothing.
///
/// Serialises as the list of its rates; whatever is read is checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FeePlan(Vec<FeeRate>);

impl FeePlan {
    /// How many rates a plan may have.
    pub const MOST_RATES: usize = 100;
    /// How many tiers a rate may have.
    pub const MOST_TIERS: usize = 20;

    /// The plan of these rates.
    ///
    /// # Errors
    /// [`FeePlanError`] if a rate has no price for some volume, contradicts itself or another, or there are too many.
    pub fn new(rates: Vec<FeeRate>) -> Result<Self, FeePlanError> {
        if rates.len() > Self::MOST_RATES {
            return Err(FeePlanError::TooManyRates);
        }
        rates.iter().try_for_each(check_rate)?;
        let mut priced = BTreeSet::new();
        match rates.iter().find(|rate| !priced.insert((rate.currency, rate.method))) {
            Some(twice) => Err(FeePlanError::PricedTwice { currency: twice.currency }),
            None => Ok(Self(rates)),
        }
    }

    /// The rates, as they were given.
    #[must_use]
    pub fn rates(&self) -> &[FeeRate] {
        &self.0
    }

    /// The fee of one capture of `amount`, after `volume` was captured before it in the month; all in minor units of the
    /// currency.
    ///
    /// The rate of the method counts before the one for all methods; without either the fee is 0. The tier is chosen by
    /// what was captured *before*, and prices the whole capture: one that crosses into the next tier is not divided.
    /// The rate's part is exact and rounded half up; then the fixed part is added; then the minimum and the maximum
    /// apply; and a fee is never more than the amount.
    #[must_use]
    pub fn fee(&self, method: Method, currency: Currency, amount: u64, volume: u64) -> u64 {
        let Some(rate) = self.rate(method, currency) else { return 0 };
        let Some(tier) = rate.tiers.iter().rev().find(|tier| tier.from_volume <= volume) else { return 0 };
        let fee = tier.rate.of(amount, Rounding::HalfUp).saturating_add(tier.fixed);
        let fee = fee.max(rate.minimum.unwrap_or(0)).min(rate.maximum.unwrap_or(u64::MAX));
        fee.min(amount)
    }

    fn rate(&self, method: Method, currency: Currency) -> Option<&FeeRate> {
        let priced_as = |method| self.0.iter().find(move |rate| rate.currency == currency && rate.method == method);
        priced_as(Some(method)).or_else(|| priced_as(None))
    }
}

fn check_rate(rate: &FeeRate) -> Result<(), FeePlanError> {
    let currency = rate.currency;
    if rate.tiers.first().is_none_or(|first| first.from_volume != 0) {
        return Err(FeePlanError::NoFirstTier { currency });
    }
    if rate.tiers.len() > FeePlan::MOST_TIERS {
        return Err(FeePlanError::TooManyTiers { currency });
    }
    if !rate.tiers.is_sorted_by(|tier, next| tier.from_volume < next.from_volume) {
        return Err(FeePlanError::TiersOutOfOrder { currency });
    }
    if rate.minimum.zip(rate.maximum).is_some_and(|(minimum, maximum)| minimum > maximum) {
        return Err(FeePlanError::MinimumAboveMaximum { currency });
    }
    Ok(())
}

impl<'de> Deserialize<'de> for FeePlan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Why rates make no plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeePlanError {
    /// More than [`FeePlan::MOST_RATES`].
    #[error("a plan has at most {} rates", FeePlan::MOST_RATES)]
    TooManyRates,
    /// More than [`FeePlan::MOST_TIERS`] in one rate.
    #[error("the rate for {currency} has more than {} tiers", FeePlan::MOST_TIERS)]
    TooManyTiers {
        /// The rate's currency.
        currency: Currency,
    },
    /// No tier begins at volume 0, so that the first capture of a month would have no price.
    #[error("the first tier of the rate for {currency} must be from volume 0")]
    NoFirstTier {
        /// The rate's currency.
        currency: Currency,
    },
    /// A tier begins where the one before it does, or earlier.
    #[error("the tiers of the rate for {currency} must be by ascending volume")]
    TiersOutOfOrder {
        /// The rate's currency.
        currency: Currency,
    },
    /// The least fee is more than the highest.
    #[error("the minimum of the rate for {currency} is above its maximum")]
    MinimumAboveMaximum {
        /// The rate's currency.
        currency: Currency,
    },
    /// Two rates for one currency and method, or two for all methods.
    #[error("{currency} has two rates for one method")]
    PricedTwice {
        /// The rates' currency.
        currency: Currency,
    },
}
