//! Cut-offs and payouts: daylight saving, holidays, year ends, and an independent implementation's results.

use std::time::Instant;

use jiff::Timestamp;
use money::BasisPoints;
use proptest::prelude::*;
use serde_json::Value;
use terms::{
    BusinessDay, CutOff, CutOffTime, Reserve, Schedule, SettlementTerms, SettlementTermsError, Weekday, Weekdays,
    ZoneName,
};

fn terms(zone: &str, cut_off: &str) -> SettlementTerms {
    SettlementTerms {
        zone: zone.parse().expect("a zone"),
        cut_off: cut_off.parse().expect("a time of day"),
        business_days: Weekdays::ALL,
        holidays: vec![],
        schedule: Schedule::Daily,
        payout_delay_days: 1,
        reserve: None,
        negative_balance_limit: 0,
    }
}

fn weekdays_only(zone: &str, cut_off: &str) -> SettlementTerms {
    SettlementTerms { business_days: Weekdays::MONDAY_TO_FRIDAY, ..terms(zone, cut_off) }
}

fn day(text: &str) -> BusinessDay {
    text.parse().expect("a day")
}

fn ms(utc: &str) -> u64 {
    u64::try_from(utc.parse::<Timestamp>().expect("a time").as_millisecond()).expect("after 1970")
}

/// The cut-offs after a moment: business day and time in UTC.
fn cut_offs(terms: &SettlementTerms, after: &str, count: usize) -> Vec<(String, String)> {
    let mut after = ms(after);
    let mut next = || {
        let CutOff { at_ms, business_day } = terms.next_cut_off(after);
        after = at_ms;
        let at = i64::try_from(at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).expect("before 9999");
        (business_day.to_string(), at.to_string())
    };
    (0..count).map(|_| next()).collect()
}

fn expect(terms: &SettlementTerms, after: &str, expected: &[(&str, &str)]) {
    let expected: Vec<_> = expected.iter().map(|(day, at)| ((*day).to_owned(), (*at).to_owned())).collect();
    assert_eq!(cut_offs(terms, after, expected.len()), expected, "{} {}", terms.zone, terms.cut_off);
}

#[test]
fn a_cut_off_is_exact_to_the_millisecond() {
    let terms = terms("Asia/Shanghai", "18:00:00");
    let at = ms("2026-11-22T10:00:00Z");
    let (this, next) = (day("2026-11-22"), day("2026-11-23"));
    assert_eq!(terms.next_cut_off(at - 1), CutOff { at_ms: at, business_day: this });
    assert_eq!(terms.next_cut_off(at), CutOff { at_ms: at + 86_400_000, business_day: next });
    assert_eq!(terms.next_cut_off(at + 1), CutOff { at_ms: at + 86_400_000, business_day: next });
}

/// Days of 23 and 25 hours, times that do not exist and times that come twice, and a day that was skipped.
#[test]
fn bug_19_cut_offs_stay_exact_when_clocks_change() {
    expect(
        &terms("Europe/Berlin", "18:00:00"),
        "2026-03-27T18:00:00Z",
        &[
            ("2026-03-28", "2026-03-28T17:00:00Z"), // 23 hours until
            ("2026-03-29", "2026-03-29T16:00:00Z"),
            ("2026-03-30", "2026-03-30T16:00:00Z"),
        ],
    );
    expect(
        &terms("America/New_York", "23:59:59"),
        "2026-10-31T12:00:00Z",
        &[
            ("2026-10-31", "2026-11-01T03:59:59Z"), // 25 hours until
            ("2026-11-01", "2026-11-02T04:59:59Z"),
        ],
    );
    // The time is skipped: the cut-off is when the clocks go on, at 03:00.
    expect(
        &terms("Europe/Berlin", "02:30:00"),
        "2026-03-28T12:00:00Z",
        &[("2026-03-29", "2026-03-29T01:00:00Z"), ("2026-03-30", "2026-03-30T00:30:00Z")],
    );
    // The time comes twice: the cut-off is the first of them, and only that.
    expect(
        &terms("Europe/Berlin", "02:30:00"),
        "2026-10-24T12:00:00Z",
        &[("2026-10-25", "2026-10-25T00:30:00Z"), ("2026-10-26", "2026-10-26T01:30:00Z")],
    );
    // Half an hour, in the south.
    expect(
        &terms("Australia/Lord_Howe", "02:15:00"),
        "2026-10-03T00:00:00Z",
        &[
            ("2026-10-04", "2026-10-03T15:30:00Z"), // skipped: 02:00 became 02:30
            ("2026-10-05", "2026-10-04T15:15:00Z"),
        ],
    );
    expect(
        &terms("Australia/Lord_Howe", "01:45:00"),
        "2026-04-04T00:00:00Z",
        &[
            ("2026-04-05", "2026-04-04T14:45:00Z"), // twice: 02:00 became 01:30
            ("2026-04-06", "2026-04-05T15:15:00Z"),
        ],
    );
    // Midnight itself is skipped.
    expect(
        &terms("America/Sao_Paulo", "00:00:00"),
        "2018-11-03T12:00:00Z",
        &[("2018-11-04", "2018-11-04T03:00:00Z"), ("2018-11-05", "2018-11-05T02:00:00Z")],
    );
    // Samoa had no 30 December in 2011: its cut-off is when the day had been skipped.
    expect(
        &terms("Pacific/Apia", "18:00:00"),
        "2011-12-30T00:00:00Z",
        &[
            ("2011-12-29", "2011-12-30T04:00:00Z"),
            ("2011-12-30", "2011-12-30T10:00:00Z"),
            ("2011-12-31", "2011-12-31T04:00:00Z"),
        ],
    );
    expect(
        &terms("Pacific/Apia", "24:00:00"),
        "2011-12-30T00:00:00Z",
        &[
            ("2011-12-29", "2011-12-30T10:00:00Z"), // the 29th and the 30th end at once
            ("2011-12-31", "2011-12-31T10:00:00Z"),
        ],
    );
}

#[test]
fn a_weekend_and_holidays_belong_to_the_next_business_day() {
    let holidays = vec![day("2026-12-25"), day("2026-12-28"), day("2027-01-01")];
    let terms = SettlementTerms { holidays, payout_delay_days: 2, ..weekdays_only("Europe/London", "17:00:00") };
    expect(
        &terms,
        "2026-12-23T17:00:00Z",
        &[
            ("2026-12-24", "2026-12-24T17:00:00Z"),
            ("2026-12-29", "2026-12-29T17:00:00Z"),
            ("2026-12-30", "2026-12-30T17:00:00Z"),
            ("2026-12-31", "2026-12-31T17:00:00Z"),
            ("2027-01-04", "2027-01-04T17:00:00Z"),
        ],
    );
    assert!(!terms.is_business_day(day("2026-12-26")));
    assert!(!terms.is_business_day(day("2026-12-28")));
    assert!(terms.is_business_day(day("2026-12-29")));
    assert_eq!(terms.payout_at_ms(day("2026-12-24")), ms("2026-12-30T17:00:00Z"));
    assert_eq!(terms.payout_at_ms(day("2026-12-30")), ms("2027-01-04T17:00:00Z"));
}

#[test]
fn the_money_leaves_so_many_business_days_later() {
    let paid = |delay, settled: &str| {
        SettlementTerms { payout_delay_days: delay, ..weekdays_only("UTC", "12:00:00") }.payout_at_ms(day(settled))
    };
    assert_eq!(paid(0, "2026-11-20"), ms("2026-11-20T12:00:00Z"));
    assert_eq!(paid(1, "2026-11-20"), ms("2026-11-23T12:00:00Z"));
    assert_eq!(paid(5, "2026-11-20"), ms("2026-11-27T12:00:00Z"));
    assert_eq!(paid(30, "2026-11-20"), ms("2027-01-01T12:00:00Z"));
    // Saturday's money counts as Monday's.
    assert_eq!(paid(0, "2026-11-21"), ms("2026-11-23T12:00:00Z"));
    assert_eq!(paid(1, "2026-11-21"), ms("2026-11-24T12:00:00Z"));
    assert_eq!(paid(1, "1900-01-01"), 0);
    assert_eq!(paid(0, "9999-12-31"), u64::MAX);
    assert_eq!(paid(1, "9999-12-31"), u64::MAX);
}

#[test]
fn year_ends_and_leap_days() {
    expect(
        &weekdays_only("Asia/Tokyo", "24:00:00"),
        "2027-12-30T16:00:00Z",
        &[("2027-12-31", "2027-12-31T15:00:00Z"), ("2028-01-03", "2028-01-03T15:00:00Z")],
    );
    expect(
        &terms("UTC", "12:00:00"),
        "2028-02-28T12:00:00Z",
        &[("2028-02-29", "2028-02-29T12:00:00Z"), ("2028-03-01", "2028-03-01T12:00:00Z")],
    );
    expect(&terms("UTC", "12:00:00"), "2026-02-28T12:00:00Z", &[("2026-03-01", "2026-03-01T12:00:00Z")]);
    let leap_holiday = SettlementTerms { holidays: vec![day("2028-02-29")], ..terms("UTC", "12:00:00") };
    expect(&leap_holiday, "2028-02-28T12:00:00Z", &[("2028-03-01", "2028-03-01T12:00:00Z")]);
}

#[test]
fn once_a_week_on_the_day_or_the_first_business_day_after_it() {
    let fridays = SettlementTerms { schedule: Schedule::Weekly(Weekday::Friday), ..weekdays_only("UTC", "12:00:00") };
    expect(
        &fridays,
        "2026-11-20T11:59:59.999Z",
        &[("2026-11-20", "2026-11-20T12:00:00Z"), ("2026-11-27", "2026-11-27T12:00:00Z")],
    );
    let holidays = vec![day("2026-11-27"), day("2026-11-30")];
    expect(
        &SettlementTerms { holidays, ..fridays.clone() },
        "2026-11-20T12:00:00Z",
        &[("2026-12-01", "2026-12-01T12:00:00Z"), ("2026-12-04", "2026-12-04T12:00:00Z")],
    );
    let sundays = SettlementTerms { schedule: Schedule::Weekly(Weekday::Sunday), ..fridays.clone() };
    expect(
        &sundays,
        "2026-11-21T00:00:00Z",
        &[("2026-11-23", "2026-11-23T12:00:00Z"), ("2026-11-30", "2026-11-30T12:00:00Z")],
    );
    // Two Fridays of one long holiday are one cut-off.
    let long = (1..=16).map(|date| BusinessDay::new(2026, 1, date).unwrap()).collect();
    expect(
        &SettlementTerms { holidays: long, ..fridays },
        "2025-12-27T00:00:00Z",
        &[("2026-01-19", "2026-01-19T12:00:00Z"), ("2026-01-23", "2026-01-23T12:00:00Z")],
    );
}

#[test]
fn every_row_of_an_independent_implementation() {
    let vectors = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/cut_offs.json"));
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let rows = vectors["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 560);
    for row in rows {
        let mut json = row.clone();
        let terms = json.as_object_mut().unwrap();
        let mut taken = |field| terms.remove(field).unwrap();
        let [after, at, payout] = ["after_ms", "at_ms", "payout_at_ms"].map(&mut taken).map(|ms| ms.as_u64().unwrap());
        let business_day = taken("business_day");
        terms.insert("reserve".to_owned(), Value::Null);
        terms.insert("negative_balance_limit".to_owned(), 0.into());
        let terms: SettlementTerms = serde_json::from_value(json).unwrap();
        let expected = CutOff { at_ms: at, business_day: day(business_day.as_str().unwrap()) };
        assert_eq!(terms.next_cut_off(after), expected, "{row}");
        assert_eq!(terms.payout_at_ms(expected.business_day), payout, "{row}");
    }
}

/// A calendar without a business day for years is odd, but comes to an end, and so does time.
#[test]
fn bug_19_no_search_is_endless() {
    let first = day("2026-01-01");
    let holidays: Vec<_> = std::iter::successors(Some(first), |day| day.tomorrow()).take(7_000).collect();
    let mondays: Vec<_> = holidays.into_iter().filter(|day| day.weekday() == Weekday::Monday).collect();
    let terms = SettlementTerms {
        business_days: Weekdays::new([Weekday::Monday]).unwrap(),
        holidays: mondays,
        schedule: Schedule::Weekly(Weekday::Tuesday),
        ..terms("Europe/Berlin", "02:30:00")
    };
    let terms = terms.validated().unwrap();
    let started = Instant::now();
    expect(&terms, "2026-01-01T00:00:00Z", &[("2045-03-06", "2045-03-06T01:30:00Z")]);
    assert_eq!(terms.payout_at_ms(day("2026-01-01")), ms("2045-03-13T01:30:00Z"));
    assert!(started.elapsed().as_secs() < 1, "{:?}", started.elapsed());

    for zone in ["UTC", "Pacific/Kiritimati", "Etc/GMT+12"] {
        let terms = SettlementTerms { business_days: Weekdays::ALL, ..terms.clone() };
        let terms = SettlementTerms { zone: ZoneName::parse(zone).unwrap(), ..terms };
        for after in [u64::MAX, u64::MAX - 1, i64::MAX.unsigned_abs(), ms("9999-12-30T21:59:59.999Z")] {
            assert_eq!(terms.next_cut_off(after), CutOff::NEVER, "{zone} after {after}");
        }
    }
}

#[test]
fn the_beginning_of_time() {
    let terms = terms("America/New_York", "18:00:00");
    // It is 19:00 there, on the last day of 1969.
    assert_eq!(terms.next_cut_off(0), CutOff { at_ms: ms("1970-01-01T23:00:00Z"), business_day: day("1970-01-01") });
    let terms = SettlementTerms { cut_off: "20:00:00".parse().unwrap(), ..terms };
    assert_eq!(terms.next_cut_off(0), CutOff { at_ms: 3_600_000, business_day: day("1969-12-31") });
}

#[test]
fn terms_that_cannot_work_are_refused_in_every_form() {
    let reserve = |basis_points, days| Some(Reserve { rate: BasisPoints::new(basis_points).unwrap(), days });
    let days: Vec<_> = std::iter::successors(Some(day("2026-01-01")), |day| day.tomorrow()).take(1_001).collect();
    let good = || weekdays_only("Asia/Shanghai", "18:00:00");
    for (terms, error) in [
        (SettlementTerms { holidays: days.clone(), ..good() }, SettlementTermsError::TooManyHolidays),
        (SettlementTerms { holidays: vec![days[1], days[0]], ..good() }, SettlementTermsError::HolidaysOutOfOrder),
        (SettlementTerms { holidays: vec![days[1], days[1]], ..good() }, SettlementTermsError::HolidaysOutOfOrder),
        (SettlementTerms { payout_delay_days: 31, ..good() }, SettlementTermsError::PayoutTooLate),
        (SettlementTerms { reserve: reserve(0, 90), ..good() }, SettlementTermsError::ReserveOfNothing),
        (SettlementTerms { reserve: reserve(500, 0), ..good() }, SettlementTermsError::ReserveDaysOutOfRange),
        (SettlementTerms { reserve: reserve(500, 1_001), ..good() }, SettlementTermsError::ReserveDaysOutOfRange),
    ] {
        assert_eq!(terms.clone().validated(), Err(error));
        assert!(postcard::from_bytes::<SettlementTerms>(&postcard::to_allocvec(&terms).unwrap()).is_err(), "{error}");
        let refusal = serde_json::from_value::<SettlementTerms>(serde_json::to_value(&terms).unwrap()).unwrap_err();
        assert!(refusal.to_string().starts_with(&error.to_string()), "{refusal}");
    }
    let holidays = days.into_iter().take(1_000).collect();
    let most = SettlementTerms { holidays, payout_delay_days: 30, reserve: reserve(10_000, 1_000), ..good() };
    assert_eq!(most.clone().validated(), Ok(most));
}

/// The stored form: journals hold these bytes, so they never change.
#[test]
fn forms() {
    let terms = SettlementTerms {
        holidays: vec![day("2026-12-25")],
        schedule: Schedule::Weekly(Weekday::Friday),
        reserve: Some(Reserve { rate: BasisPoints::new(500).unwrap(), days: 90 }),
        negative_balance_limit: 10_000,
        ..weekdays_only("UTC", "18:00:00")
    };
    let json = r#"{"zone":"UTC","cut_off":"18:00:00","business_days":["monday","tuesday","wednesday","thursday","friday"],"holidays":["2026-12-25"],"schedule":{"weekly":"friday"},"payout_delay_days":1,"reserve":{"rate":500,"days":90},"negative_balance_limit":10000}"#;
    assert_eq!(serde_json::to_string(&terms).unwrap(), json);
    assert_eq!(serde_json::from_str::<SettlementTerms>(json).unwrap(), terms);
    let unknown = json.replace("\"zone\"", "\"note\":1,\"zone\"");
    assert!(serde_json::from_str::<SettlementTerms>(&unknown).is_err());
    let stored = postcard::to_allocvec(&terms).unwrap();
    let golden = [
        3, b'U', b'T', b'C', 0xA0, 0xFA, 0x03, 0b001_1111, 1, 0x98, 0xC5, 0x02, 1, 4, 1, 1, 0xF4, 0x03, 90, 0x90, 0x4E,
    ];
    assert_eq!(stored, golden);
    assert_eq!(postcard::from_bytes::<SettlementTerms>(&golden).unwrap(), terms);
}

fn any_terms() -> impl Strategy<Value = SettlementTerms> {
    let zones =
        ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Shanghai", "America/Havana"];
    let weekdays = || prop::sample::select(Weekday::ALL.to_vec());
    let schedule = prop_oneof![Just(Schedule::Daily), weekdays().prop_map(Schedule::Weekly)];
    let days = prop::collection::vec(weekdays(), 1..8);
    (prop::sample::select(zones.to_vec()), 0..=86_400_u32, days, schedule).prop_map(
        |(zone, seconds, days, schedule)| {
            let [hour, minute, second] =
                [seconds / 3600, seconds / 60 % 60, seconds % 60].map(|part| u8::try_from(part).expect("at most 60"));
            SettlementTerms {
                cut_off: CutOffTime::new(hour, minute, second).expect("a time of day"),
                business_days: Weekdays::new(days).expect("a day at least"),
                schedule,
                ..terms(zone, "00:00:00")
            }
        },
    )
}

proptest! {
    /// Windows tile time: every moment before a cut-off and after the previous one has the same next cut-off.
    #[test]
    fn every_moment_is_in_one_window(terms in any_terms(), after in 0..4_000_000_000_000_u64, share in 0..1_000_u64) {
        let first = terms.next_cut_off(after);
        let second = terms.next_cut_off(first.at_ms);
        prop_assert!(after < first.at_ms && first.at_ms < second.at_ms);
        prop_assert!(first.business_day < second.business_day);
        prop_assert!(terms.is_business_day(first.business_day));
        prop_assert_eq!(terms.next_cut_off(first.at_ms - 1), first);
        let between = first.at_ms + (second.at_ms - first.at_ms - 1) * share / 1_000;
        prop_assert_eq!(terms.next_cut_off(between), second);
        prop_assert!(terms.payout_at_ms(first.business_day) > first.at_ms);
        prop_assert!(second.at_ms - first.at_ms <= 15 * 86_400_000, "a week, a weekend and a day of 25 hours at most");
    }

    #[test]
    fn any_bytes_are_refused_or_are_terms_that_work(bytes in prop::collection::vec(any::<u8>(), 0..40), after: u64) {
        if let Ok(terms) = postcard::from_bytes::<SettlementTerms>(&bytes) {
            prop_assert!(terms.next_cut_off(after).at_ms > after || after == u64::MAX);
        }
    }
}
