//! One of each thing that records hold, each field with something in it. Golden files are made of these: what is here
//! never changes, and what is new comes beside it.
#![allow(dead_code, reason = "no test uses all of it")]

use ids::{CaptureId, DisputeId, OrderId, PaymentId, PayoutId, RefundId, SettlementId, TapId, TillId};
use money::BasisPoints;
use payments::{
    Beginning, Capture, Closing, Dispute, DisputeStatus, Evidence, LineItem, Order, OrderDetails, OrderStatus, Payment,
    PaymentStatus, Payout, PayoutStatus, ReferenceKey, Refund, Release, ReleaseReason, ReserveRelease, Settlement,
    Share, Split, SplitPart, Tap, Text, Totals, UnixMillis,
};
use terms::{
    CutOffTime, FeePlan, FeeRate, Method, Reserve, Schedule, SettlementTerms, Tier, Weekday, Weekdays, ZoneName,
};

use crate::support::{START, amount, cny, currency, merchant, tag_id, wallet};

pub(crate) fn text(words: &str) -> Text {
    Text::try_from(words.to_owned()).unwrap()
}

pub(crate) fn rate(basis_points: u32) -> BasisPoints {
    BasisPoints::new(basis_points).unwrap()
}

pub(crate) fn order() -> Order {
    Order {
        id: OrderId::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10),
        merchant: merchant(0),
        tag: tag_id(0),
        currency: cny(),
        amount: Some(amount(1_250)),
        description: Some(text("两碗面")),
        reference: None,
        created_at: START,
        expires_at: START.plus(900_000),
        status: OrderStatus::Open,
        details: None,
    }
}

/// All that an order can say.
pub(crate) fn details() -> OrderDetails {
    OrderDetails {
        hold_ms: Some(3_600_000),
        tipping: true,
        items: vec![
            LineItem { name: text("noodles"), quantity: 2, unit_amount: 600 },
            LineItem { name: text("tea"), quantity: 1, unit_amount: 50 },
        ],
        splits: vec![
            Split { merchant: merchant(1), part: SplitPart::Fixed(300) },
            Split { merchant: merchant(2), part: SplitPart::Rate(rate(1_000)) },
        ],
        metadata: vec![("table".into(), "7".into())],
        reference_key: Some(ReferenceKey([0xc3; 16])),
        till: Some(TillId::from_u128(0x71)),
    }
}

pub(crate) fn detailed_order() -> Order {
    Order { reference: Some(text("A-7")), details: Some(Box::new(details())), ..order() }
}

pub(crate) fn tap() -> Tap {
    Tap {
        id: TapId::from_u128(7),
        wallet: wallet(0),
        tag: tag_id(0),
        merchant: merchant(0),
        counter: 0x00ff_ffff,
        order: Some(order().id),
        currency: cny(),
        created_at: START.plus(1_000),
    }
}

pub(crate) fn payment() -> Payment {
    Payment {
        id: PaymentId::from_u128(u128::MAX),
        wallet: wallet(0),
        merchant: merchant(0),
        tag: tag_id(0),
        tap: tap().id,
        order: Some(order().id),
        description: order().description,
        currency: cny(),
        amount: amount(1_250),
        created_at: START.plus(2_000),
        began: Beginning::Captured,
        tip: 0,
        fee: 0,
        captured: 1_250,
        refunded: 0,
        disputed: 0,
        open_dispute: None,
        shares: Vec::new(),
        status: PaymentStatus::Succeeded,
    }
}

/// Captured at once, with a tip, for three receivers; some of it was given back, and some is disputed.
pub(crate) fn shared_payment() -> Payment {
    let share = |who, amount, returned| Share { merchant: merchant(who), amount, captured: amount, returned };
    Payment {
        amount: amount(1_350),
        tip: 100,
        fee: 16,
        captured: 1_350,
        refunded: 200,
        disputed: 400,
        open_dispute: Some(dispute().id),
        shares: vec![share(1, 300, 100), share(2, 135, 50), share(0, 915, 450)],
        ..payment()
    }
}

pub(crate) fn held_payment() -> Payment {
    let began = Beginning::Held { until: START.plus(3_602_000) };
    Payment { began, captured: 0, status: PaymentStatus::Held, ..payment() }
}

pub(crate) fn capture() -> Capture {
    Capture {
        id: CaptureId::from_u128(0xca),
        payment: payment().id,
        merchant: merchant(0),
        currency: cny(),
        amount: amount(1_000),
        fee: 13,
        released: 250,
        created_at: START.plus(3_000),
    }
}

pub(crate) fn release(reason: ReleaseReason) -> Release {
    Release {
        payment: payment().id,
        merchant: merchant(0),
        currency: cny(),
        amount: 1_250,
        reason,
        created_at: START.plus(4_000),
    }
}

pub(crate) fn refund() -> Refund {
    Refund {
        id: RefundId::from_u128(0x4e),
        payment: payment().id,
        merchant: merchant(0),
        wallet: wallet(0),
        currency: cny(),
        amount: amount(200),
        reason: Some(text("too salty")),
        created_at: START.plus(5_000),
    }
}

pub(crate) fn dispute() -> Dispute {
    Dispute {
        id: DisputeId::from_u128(0xd1),
        payment: payment().id,
        wallet: wallet(0),
        merchant: merchant(0),
        currency: cny(),
        amount: amount(400),
        reason: text("never came"),
        created_at: START.plus(6_000),
        evidence_due: START.plus(604_806_000),
        evidence: None,
        parts: vec![(merchant(1), 50), (merchant(2), 50), (merchant(0), 300)],
        status: DisputeStatus::NeedsResponse,
    }
}

pub(crate) fn answered_dispute() -> Dispute {
    let evidence = Evidence::try_from("It did:\nsee the picture.".to_owned()).unwrap();
    Dispute { evidence: Some(evidence), status: DisputeStatus::UnderReview, ..dispute() }
}

pub(crate) fn plan() -> FeePlan {
    let tier = |from_volume, basis_points, fixed| Tier { from_volume, rate: rate(basis_points), fixed };
    let yuan = FeeRate {
        method: Some(Method::Tap),
        currency: cny(),
        tiers: vec![tier(0, 125, 3), tier(10_000, 60, 0)],
        minimum: Some(2),
        maximum: Some(4_000),
    };
    let yen =
        FeeRate { method: None, currency: currency("JPY"), tiers: vec![tier(0, 325, 0)], minimum: None, maximum: None };
    FeePlan::new(vec![yuan, yen]).unwrap()
}

pub(crate) fn terms() -> SettlementTerms {
    SettlementTerms {
        zone: ZoneName::parse("Asia/Shanghai").unwrap(),
        cut_off: CutOffTime::new(18, 0, 0).unwrap(),
        business_days: Weekdays::MONDAY_TO_FRIDAY,
        holidays: vec!["2027-01-01".parse().unwrap()],
        schedule: Schedule::Daily,
        payout_delay_days: 1,
        reserve: Some(Reserve { rate: rate(1_000), days: 30 }),
        negative_balance_limit: 50_000,
    }
}

pub(crate) fn other_terms() -> SettlementTerms {
    let (cut_off, schedule) = (CutOffTime::END_OF_DAY, Schedule::Weekly(Weekday::Sunday));
    SettlementTerms { cut_off, schedule, holidays: Vec::new(), reserve: None, negative_balance_limit: 0, ..terms() }
}

/// Monday, 18:00 in Shanghai.
pub(crate) fn closing() -> Closing {
    Closing { at: UnixMillis(1_795_428_000_000), business_day: "2026-11-23".parse().unwrap() }
}

pub(crate) fn totals() -> Totals {
    Totals {
        payments: 3,
        gross: 5_000,
        refunds: 1,
        refunded: 200,
        disputes: 2,
        disputed: 500,
        returns: 1,
        returned: 100,
        fees: 60,
    }
}

pub(crate) fn settlement() -> Settlement {
    let Closing { at, business_day } = closing();
    Settlement {
        id: SettlementId::from_u128(0x5e),
        merchant: merchant(0),
        currency: cny(),
        number: 2,
        business_day,
        opened_at: START,
        closed_at: at,
        after_position: 11,
        totals: totals(),
        fees_from_elsewhere: 1,
        debt_repaid: 40,
        reserved: 500,
        reserved_until: Some(at.plus(30 * 86_400_000)),
        net: 3_801,
        payout_at: at.plus(86_400_000),
    }
}

pub(crate) fn reserve_release() -> ReserveRelease {
    ReserveRelease { settlement: settlement().id, merchant: merchant(0), currency: cny(), amount: 500 }
}

pub(crate) fn payout() -> Payout {
    Payout {
        id: PayoutId::from_u128(0x90),
        merchant: merchant(0),
        currency: cny(),
        amount: amount(3_801),
        settlement: Some(settlement().id),
        created_at: closing().at.plus(86_400_000),
        bank_reference: None,
        status: PayoutStatus::Created,
    }
}

pub(crate) fn submitted_payout() -> Payout {
    let status = PayoutStatus::Submitted { at: payout().created_at.plus(1) };
    Payout { bank_reference: Some(text("SEPA-17")), status, ..payout() }
}
