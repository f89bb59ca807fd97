//! Splitting an amount into whole minor units so that not one is lost, at once or in several steps.

use std::cmp::Reverse;
use std::fmt;

/// Splits `total` in proportion to the weights by largest remainder (Hamilton's method): everyone gets the whole units
/// of their exact share, and the units left over go, one each, to the largest fractions, ties to the earlier.
///
/// The result has one share per weight, and they add up to `total` exactly. A weight of zero gets nothing, unless all
/// weights are zero: then all weigh the same. Without weights there is nobody to share, and the result is empty.
#[must_use]
pub fn allocate(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().copied().map(u128::from).sum();
    if sum == 0 {
        return if weights.is_empty() { Vec::new() } else { allocate(total, &vec![1; weights.len()]) };
    }
    let quotas = quotas(total, weights, sum);
    let mut shares: Vec<u64> = quotas.iter().map(|quota| quota.whole).collect();
    hand_out_leftover(total, &mut shares, quotas.iter().map(|quota| quota.fraction));
    shares
}

/// Splits a further part of something that was shared out before: a partial refund among those who received a payment.
///
/// `shares` is what each received at first, and `so_far` what each has given back of it in earlier steps. The result says
/// what each gives now; it adds up to `part`. Each step aims at what everyone should have given back *in total* by then,
/// so that rounding does not pile up over many small steps:
///
/// - nobody ever gives more than their share; once all is given back, everyone has given exactly their share;
/// - if all earlier steps were made by this function, nobody has given a whole unit more than their exact proportion, and
///   therefore nobody lags behind it by as many units as there are other shares;
/// - the first step splits as [`allocate`] does with the shares as weights.
///
/// Earlier steps that were not proportional (one receiver gave back all of it by agreement) are evened out by later ones
/// as far as the part allows.
///
/// # Errors
/// [`AllocatePartError`] if the lists do not fit each other, or there is not that much left.
pub fn allocate_part(shares: &[u64], so_far: &[u64], part: u64) -> Result<Vec<u64>, AllocatePartError> {
    let (total, returned) = checked_sums(shares, so_far)?;
    let left = total - returned;
    if part > left {
        return Err(AllocatePartError::MoreThanIsLeft { left });
    }
    if part == 0 {
        return Ok(vec![0; shares.len()]);
    }
    let quotas = quotas(returned + part, shares, u128::from(total));
    let behind: Vec<u64> = quotas.iter().zip(so_far).map(|(quota, given)| quota.whole.saturating_sub(*given)).collect();
    let behind_in_all: u128 = behind.iter().copied().map(u128::from).sum();
    if behind_in_all > u128::from(part) {
        // Some are ahead of their proportion, so that the part is not enough for all who are behind.
        return Ok(allocate(part, &behind));
    }
    let mut now = behind;
    let fractions =
        quotas.iter().zip(so_far).map(|(quota, given)| if *given > quota.whole { 0 } else { quota.fraction });
    hand_out_leftover(part, &mut now, fractions);
    Ok(now)
}

/// An exact share: whole units and a fraction, in units of one divided by the sum of all weights.
struct Quota {
    whole: u64,
    fraction: u128,
}

fn quotas(total: u64, weights: &[u64], sum: u128) -> Vec<Quota> {
    let quota = |weight: &u64| {
        let product = u128::from(total) * u128::from(*weight);
        // A weight is at most the sum of all, so no share is above the total.
        let whole = u64::try_from(product / sum).unwrap_or(total);
        Quota { whole, fraction: product % sum }
    };
    weights.iter().map(quota).collect()
}

/// Adds one to each of the shares with the largest fractions until they add up to `total`. Fractions that add up to
/// the number of units missing are more than that many, so those without a fraction get nothing.
fn hand_out_leftover(total: u64, shares: &mut [u64], fractions: impl Iterator<Item = u128>) {
    let handed_out: u64 = shares.iter().sum();
    let mut order: Vec<(Reverse<u128>, usize)> = fractions.map(Reverse).zip(0..).collect();
    order.sort_unstable();
    let mut leftover = total - handed_out;
    for (_, index) in order {
        if leftover == 0 {
            return;
        }
        if let Some(share) = shares.get_mut(index) {
            *share += 1;
            leftover -= 1;
        }
    }
    debug_assert_eq!(leftover, 0, "fewer units are left over than there are shares");
}

/// The sums of both lists, when they are about the same people and nobody has given back too much.
fn checked_sums(shares: &[u64], so_far: &[u64]) -> Result<(u64, u64), AllocatePartError> {
    if shares.len() != so_far.len() {
        return Err(AllocatePartError::DifferentLengths);
    }
    if shares.iter().zip(so_far).any(|(share, given)| given > share) {
        return Err(AllocatePartError::ShareExceeded);
    }
    let sum = |amounts: &[u64]| amounts.iter().try_fold(0_u64, |sum, amount| sum.checked_add(*amount));
    // What was given back is at most the shares, so it fits when they do.
    sum(shares).zip(sum(so_far)).ok_or(AllocatePartError::TooMuch)
}

/// Why there is no such further part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllocatePartError {
    /// There are not as many returned amounts as shares.
    DifferentLengths,
    /// Somebody has given back more than their share.
    ShareExceeded,
    /// The shares add up to more than 2^64 - 1.
    TooMuch,
    /// The part is more than what has not been given back yet.
    MoreThanIsLeft {
        /// How much that is, in minor units.
        left: u64,
    },
}

impl fmt::Display for AllocatePartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DifferentLengths => f.write_str("there must be as many returned amounts as shares"),
            Self::ShareExceeded => f.write_str("more than a share has been returned of it"),
            Self::TooMuch => f.write_str("the shares add up to more than 2^64 - 1 minor units"),
            Self::MoreThanIsLeft { left } => write!(f, "the part is more than the {left} minor units that are left"),
        }
    }
}

impl std::error::Error for AllocatePartError {}
