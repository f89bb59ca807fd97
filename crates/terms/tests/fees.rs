//! Fees: exact, at the edges of tiers and bounds, and never more than the capture.

use money::{BasisPoints, Currency};
use proptest::prelude::*;
use terms::{FeePlan, FeePlanError, FeeRate, Method, Tier};

fn currency(alpha: &str) -> Currency {
    Currency::from_alpha(alpha).expect("a listed currency")
}

fn tier(from_volume: u64, basis_points: u32, fixed: u64) -> Tier {
    Tier { from_volume, rate: BasisPoints::new(basis_points).expect("a rate"), fixed }
}

fn rate(tiers: Vec<Tier>) -> FeeRate {
    FeeRate { method: None, currency: currency("CNY"), tiers, minimum: None, maximum: None }
}

fn plan(rate: FeeRate) -> FeePlan {
    FeePlan::new(vec![rate]).expect("a plan")
}

fn fee(plan: &FeePlan, amount: u64, volume: u64) -> u64 {
    plan.fee(Method::Tap, currency("CNY"), amount, volume)
}

#[test]
fn a_percentage_is_rounded_half_up_and_the_fixed_part_added() {
    let plan = plan(rate(vec![tier(0, 250, 10)]));
    for (amount, expected) in [(0, 0), (1, 1), (10, 10), (11, 10), (19, 10), (20, 11), (59, 11), (60, 12), (1250, 41)] {
        assert_eq!(fee(&plan, amount, 0), expected, "of {amount}");
    }
}

#[test]
fn the_tier_is_that_of_the_volume_before_and_prices_the_whole_capture() {
    let plan = plan(rate(vec![tier(0, 100, 0), tier(1_000_000, 50, 0), tier(u64::MAX, 0, 7)]));
    assert_eq!(fee(&plan, 10_000, 0), 100);
    assert_eq!(fee(&plan, 10_000, 999_999), 100);
    assert_eq!(fee(&plan, 10_000, 1_000_000), 50);
    assert_eq!(fee(&plan, 10_000, u64::MAX - 1), 50);
    assert_eq!(fee(&plan, 10_000, u64::MAX), 7);
}

#[test]
fn minimum_and_maximum_bound_the_sum_and_the_amount_bounds_all() {
    let bounded = FeeRate { minimum: Some(30), maximum: Some(100), ..rate(vec![tier(0, 100, 5)]) };
    let plan = plan(bounded);
    for (amount, expected) in
        [(29, 29), (30, 30), (2_449, 30), (2_549, 30), (2_550, 31), (9_449, 99), (9_450, 100), (9_999_999, 100)]
    {
        assert_eq!(fee(&plan, amount, 0), expected, "of {amount}");
    }
}

#[test]
fn the_rate_of_the_method_comes_before_that_of_all_methods() {
    let all = rate(vec![tier(0, 300, 0)]);
    let taps = FeeRate { method: Some(Method::Tap), ..rate(vec![tier(0, 100, 0)]) };
    let yen = FeeRate { currency: currency("JPY"), ..rate(vec![tier(0, 500, 0)]) };
    for rates in [vec![all.clone(), taps.clone(), yen.clone()], vec![yen.clone(), taps, all.clone()]] {
        let plan = FeePlan::new(rates.clone()).unwrap();
        assert_eq!(plan.rates(), rates);
        assert_eq!(fee(&plan, 10_000, 0), 100);
        assert_eq!(plan.fee(Method::Tap, currency("JPY"), 10_000, 0), 500);
        assert_eq!(plan.fee(Method::Tap, currency("EUR"), 10_000, 0), 0);
    }
    assert_eq!(fee(&FeePlan::new(vec![]).unwrap(), 10_000, 0), 0);
    assert_eq!(fee(&plan(all), 10_000, 0), 300);
}

/// A double has 53 bits: 9007199254740993 becomes 9007199254740992 in one.
#[test]
fn bug_25_fees_are_exact_for_amounts_that_floating_point_cannot_hold() {
    let all_of_it = plan(rate(vec![tier(0, 10_000, 0)]));
    assert_eq!(fee(&all_of_it, 9_007_199_254_740_993, 0), 9_007_199_254_740_993);
    let one_percent = plan(rate(vec![tier(0, 100, 0)]));
    assert_eq!(fee(&one_percent, 900_719_925_474_099_350, 0), 9_007_199_254_740_994);
    assert_eq!(fee(&one_percent, 900_719_925_474_099_349, 0), 9_007_199_254_740_993);
    let hundredth_of_a_percent = plan(rate(vec![tier(0, 1, 0)]));
    assert_eq!(fee(&hundredth_of_a_percent, u64::MAX, 0), 1_844_674_407_370_955);
    // 0.285 * 100 is 28.499999999999996 as a double; half a unit is half a unit here.
    assert_eq!(fee(&plan(rate(vec![tier(0, 2_850, 0)])), 10, 0), 3);
    assert_eq!(fee(&plan(rate(vec![tier(0, 2_850, 0)])), 100, 0), 29);
    let json = serde_json::to_string(&plan(rate(vec![tier(0, 1, 9_007_199_254_740_993)]))).unwrap();
    assert_eq!(serde_json::from_str::<FeePlan>(&json).unwrap().rates()[0].tiers[0].fixed, 9_007_199_254_740_993);
}

#[test]
fn the_largest_numbers_do_not_overflow() {
    let extreme = FeeRate { minimum: Some(u64::MAX), maximum: Some(u64::MAX), ..rate(vec![tier(0, 10_000, u64::MAX)]) };
    assert_eq!(fee(&plan(extreme), u64::MAX, u64::MAX), u64::MAX);
    assert_eq!(fee(&plan(rate(vec![tier(0, 10_000, u64::MAX)])), u64::MAX - 1, 0), u64::MAX - 1);
    assert_eq!(fee(&plan(rate(vec![tier(0, 0, u64::MAX)])), 5, 0), 5);
    assert_eq!(fee(&plan(FeeRate { maximum: Some(0), ..rate(vec![tier(0, 10_000, 1)]) }), u64::MAX, 0), 0);
}

#[test]
fn rates_that_make_no_plan_are_refused() {
    let cny = currency("CNY");
    let good = || rate(vec![tier(0, 100, 0)]);
    let bad = [
        (vec![rate(vec![])], FeePlanError::NoFirstTier { currency: cny }),
        (vec![rate(vec![tier(1, 100, 0)])], FeePlanError::NoFirstTier { currency: cny }),
        (vec![rate(vec![tier(0, 1, 0), tier(0, 2, 0)])], FeePlanError::TiersOutOfOrder { currency: cny }),
        (
            vec![rate(vec![tier(0, 1, 0), tier(9, 2, 0), tier(8, 3, 0)])],
            FeePlanError::TiersOutOfOrder { currency: cny },
        ),
        (vec![rate((0..21).map(|volume| tier(volume, 1, 0)).collect())], FeePlanError::TooManyTiers { currency: cny }),
        (
            vec![FeeRate { minimum: Some(2), maximum: Some(1), ..good() }],
            FeePlanError::MinimumAboveMaximum { currency: cny },
        ),
        (vec![good(), good()], FeePlanError::PricedTwice { currency: cny }),
        (vec![good(); 101], FeePlanError::TooManyRates),
    ];
    for (rates, error) in bad {
        let stored = postcard::to_allocvec(&rates).unwrap();
        let json = serde_json::to_string(&rates).unwrap();
        assert_eq!(FeePlan::new(rates), Err(error));
        assert!(postcard::from_bytes::<FeePlan>(&stored).is_err(), "{error} in a journal");
        let refusal = serde_json::from_str::<FeePlan>(&json).unwrap_err().to_string();
        assert!(refusal.starts_with(&error.to_string()), "{refusal}");
    }
}

/// The stored form: journals hold these bytes, so they never change.
#[test]
fn forms() {
    let taps =
        FeeRate { method: Some(Method::Tap), minimum: Some(5), ..rate(vec![tier(0, 250, 10), tier(300, 200, 0)]) };
    let plan = plan(taps);
    let json = concat!(
        r#"[{"method":"tap","currency":"CNY","tiers":[{"from_volume":0,"rate":250,"fixed":10},"#,
        r#"{"from_volume":300,"rate":200,"fixed":0}],"minimum":5,"maximum":null}]"#
    );
    assert_eq!(serde_json::to_string(&plan).unwrap(), json);
    assert_eq!(serde_json::from_str::<FeePlan>(json).unwrap(), plan);
    for unknown in [json.replace("\"fixed\":0", "\"fixed\":0,\"note\":1"), json.replace("\"minimum\"", "\"least\"")] {
        assert!(serde_json::from_str::<FeePlan>(&unknown).is_err(), "{unknown}");
    }
    let golden = [1, 1, 0, 0x9C, 0x01, 2, 0, 0xFA, 0x01, 10, 0xAC, 0x02, 0xC8, 0x01, 0, 1, 5, 0];
    assert_eq!(postcard::to_allocvec(&plan).unwrap(), golden);
    assert_eq!(postcard::from_bytes::<FeePlan>(&golden).unwrap(), plan);
}

#[test]
fn as_many_as_there_may_be() {
    let tiers = (0..20).map(|volume| tier(volume, 1, 0)).collect();
    assert!(FeePlan::new(vec![rate(tiers)]).is_ok());
    let codes = (0..=999).filter_map(|numeric| Currency::from_numeric(numeric).ok()).take(100);
    let rates: Vec<_> = codes.map(|currency| FeeRate { currency, ..rate(vec![tier(0, 1, 0)]) }).collect();
    assert_eq!(rates.len(), 100);
    assert!(FeePlan::new(rates).is_ok());
}

#[test]
fn methods_have_names() {
    for method in Method::ALL {
        assert_eq!(method.to_string().parse(), Ok(method));
        assert_eq!(serde_json::to_string(&method).unwrap(), format!("\"{method}\""));
    }
    assert!("Tap".parse::<Method>().is_err());
    assert!("".parse::<Method>().is_err());
}

proptest! {
    #[test]
    fn a_fee_never_passes_the_capture_and_equals_exact_arithmetic(
        amount: u64, volume: u64, basis_points in 0..=10_000_u32, fixed in 0..1_000_u64, least: u32, span: u32,
    ) {
        let (minimum, maximum) = (u64::from(least), u64::from(least) + u64::from(span));
        let plan = plan(FeeRate { minimum: Some(minimum), maximum: Some(maximum), ..rate(vec![tier(0, basis_points, fixed)]) });
        // Half up is: add half of the divisor, then cut.
        let part = (u128::from(amount) * u128::from(basis_points) + 5_000) / 10_000;
        let bounded = (part + u128::from(fixed)).clamp(u128::from(minimum), u128::from(maximum));
        prop_assert_eq!(u128::from(fee(&plan, amount, volume)), bounded.min(u128::from(amount)));
    }
}
