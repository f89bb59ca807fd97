//! What an order can say beyond an amount: items that add up, parts that fit the whole, and not a unit lost or made.
#![allow(clippy::unwrap_used)]

use ids::MerchantId;
use money::{Amount, BasisPoints, Currency};
use payments::{DetailsError, LineItem, OrderDetails, Split, SplitPart, Text};
use terms::{FeePlan, FeeRate, Method, Tier};

const OWN: MerchantId = MerchantId::from_u128(1);

fn split(merchant: u128, part: SplitPart) -> Split {
    Split { merchant: MerchantId::from_u128(merchant), part }
}

fn rate(basis_points: u32) -> SplitPart {
    SplitPart::Rate(BasisPoints::new(basis_points).unwrap())
}

fn check(splits: Vec<Split>, amount: Option<u64>) -> Result<(), (&'static str, DetailsError)> {
    let details = OrderDetails { splits, ..OrderDetails::default() };
    details.check(OWN, amount.map(|amount| Amount::new(amount).unwrap()))
}

#[test]
fn parts_fit_the_whole_and_name_each_receiver_once() {
    use SplitPart::Fixed;
    let too_much = Err(("splits", DetailsError::SplitsExceedAmount));
    let twice = Err(("splits", DetailsError::ReceiverTwice));
    assert_eq!(check(vec![split(2, Fixed(99)), split(3, Fixed(1))], Some(100)), Ok(()));
    assert_eq!(check(vec![split(2, Fixed(99)), split(3, Fixed(2))], Some(100)), too_much);
    assert_eq!(check(vec![split(2, Fixed(u64::MAX)), split(3, Fixed(u64::MAX))], Some(100)), too_much);
    assert_eq!(check(vec![split(2, rate(9_999)), split(3, rate(1))], Some(1)), Ok(()));
    assert_eq!(check(vec![split(2, rate(9_999)), split(3, rate(2))], Some(1)), too_much, "rounded down it would fit");
    assert_eq!(check(vec![split(2, rate(9_999)), split(3, rate(2))], None), too_much);
    assert_eq!(
        check(vec![split(2, rate(5_000)), split(3, Fixed(1))], Some(1)),
        too_much,
        "with a tip it would not fit"
    );
    assert_eq!(check(vec![split(2, Fixed(1))], None), Err(("splits", DetailsError::NeedsAmount)));
    assert_eq!(check(vec![split(2, Fixed(1)), split(2, rate(1))], Some(100)), twice);
    assert_eq!(check(vec![split(1, Fixed(1))], Some(100)), twice, "the merchant gets the rest anyway");
}

#[test]
fn items_add_up_to_the_amount() {
    let item =
        |quantity, unit_amount| LineItem { name: Text::try_from("tea".to_owned()).unwrap(), quantity, unit_amount };
    let check = |items, amount: Option<u64>| {
        let details = OrderDetails { items, ..OrderDetails::default() };
        details.check(OWN, amount.map(|amount| Amount::new(amount).unwrap()))
    };
    assert_eq!(check(vec![item(3, 30), item(1, 10)], Some(100)), Ok(()));
    let mismatch = |sum, amount| Err(("items", DetailsError::ItemsMismatch { sum, amount }));
    assert_eq!(check(vec![item(3, 30)], Some(100)), mismatch(90, 100));
    assert_eq!(check(vec![item(3, 30)], None), Err(("items", DetailsError::NeedsAmount)));
    let most = u128::from(u32::MAX) * u128::from(u64::MAX) * 2;
    assert_eq!(check(vec![item(u32::MAX, u64::MAX); 2], Some(100)), mismatch(most, 100));
}

/// A small generator of our own: a million cases in a moment.
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        // Xorshift, by Marsaglia.
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.throw() % limit
    }

    /// Of any size, small ones as often as large ones.
    fn amount(&mut self) -> u64 {
        let bits = self.below(63);
        (self.throw() >> (63 - bits) >> 1).clamp(1, i64::MAX.unsigned_abs())
    }
}

/// What rates and fixed parts make of an amount with a tip adds up to it, and each part is what was agreed.
#[test]
fn invariant_06_splits_lose_no_unit_over_a_million_cases() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut checked = 0;
    for _ in 0..1_000_000 {
        let amount = dice.amount();
        let mut left = 10_000;
        let splits: Vec<Split> = (2..2 + u128::from(dice.below(5)))
            .map(|merchant| {
                let part = match dice.below(3) {
                    0 => SplitPart::Fixed(dice.below(amount / 8 + 1)),
                    _ => {
                        let basis_points = dice.below(left + 1);
                        left -= basis_points;
                        rate(u32::try_from(basis_points).unwrap())
                    }
                };
                split(merchant, part)
            })
            .collect();
        let details = OrderDetails { splits, ..OrderDetails::default() };
        let tip = dice.below(u64::MAX - amount);
        if details.check(OWN, Some(Amount::new(amount).unwrap())).is_err() {
            continue;
        }
        checked += 1;
        let whole = amount + tip;
        let shares = details.shares(OWN, whole).expect("what fits the amount fits it with a tip");
        if details.splits.is_empty() {
            assert_eq!(shares, []);
            continue;
        }
        let sum: u128 = shares.iter().map(|share| u128::from(share.amount)).sum();
        assert_eq!(sum, u128::from(whole), "{details:?} of {whole}");
        for (split, share) in details.splits.iter().zip(&shares) {
            let expected = match split.part {
                SplitPart::Fixed(part) => u128::from(part),
                SplitPart::Rate(rate) => u128::from(whole) * u128::from(rate.get()) / 10_000,
            };
            assert_eq!((split.merchant, expected), (share.merchant, u128::from(share.amount)));
        }
    }
    assert!(checked > 500_000, "only {checked} could be");
}

/// Fees are exact, rounded half up once, between their bounds, and never more than the capture.
#[test]
fn invariant_06_fees_are_exact_over_a_million_cases() {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let currency = Currency::from_alpha("CNY").unwrap();
    for _ in 0..2_000 {
        let mut from_volume = 0;
        let tiers: Vec<Tier> = (0..=dice.below(4))
            .map(|_| {
                let basis_points = u32::try_from(dice.below(10_001)).unwrap();
                let rate = BasisPoints::new(basis_points).unwrap();
                let tier = Tier { from_volume, rate, fixed: dice.below(50) };
                from_volume += 1 + dice.amount() / 8;
                tier
            })
            .collect();
        let minimum = Some(dice.below(20)).filter(|minimum| minimum % 2 == 0);
        let maximum = Some(20 + dice.below(1_000_000)).filter(|maximum| maximum % 2 == 0);
        let rate = FeeRate { method: None, currency, tiers: tiers.clone(), minimum, maximum };
        let plan = FeePlan::new(vec![rate]).unwrap();
        for _ in 0..500 {
            let (amount, volume) = (dice.amount(), dice.amount());
            let fee = plan.fee(Method::Tap, currency, amount, volume);
            let tier = tiers.iter().rfind(|tier| tier.from_volume <= volume).unwrap();
            let exact = u128::from(amount) * u128::from(tier.rate.get());
            let rounded = (exact + 5_000) / 10_000 + u128::from(tier.fixed);
            let bounded = rounded.max(minimum.unwrap_or(0).into()).min(maximum.unwrap_or(u64::MAX).into());
            assert_eq!(u128::from(fee), bounded.min(amount.into()), "{tier:?} of {amount}");
        }
    }
}
