//! Days, weekdays and zones: their texts and their stored forms.

use proptest::prelude::*;
use terms::{BusinessDay, CutOffTime, Weekday, Weekdays, ZoneName};

fn day(text: &str) -> BusinessDay {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_day_is_written_as_iso_8601_has_it() {
    for text in ["0000-01-01", "1969-12-31", "1970-01-01", "2024-02-29", "2000-02-29", "2026-11-22", "9999-12-31"] {
        assert_eq!(day(text).to_string(), text);
        assert_eq!(format!("{:?}", day(text)), text);
        assert_eq!(serde_json::from_str::<BusinessDay>(&format!("\"{text}\"")).unwrap(), day(text));
        assert_eq!(serde_json::to_string(&day(text)).unwrap(), format!("\"{text}\""));
    }
    assert_eq!((day("2026-11-22").month(), day("2026-11-22").day()), ((2026, 11), 22));
    assert_eq!(day("2026-11-22").weekday(), Weekday::Sunday);
    assert_eq!(day("2026-11-23").weekday(), Weekday::Monday);
    assert_eq!(day("2024-02-28").tomorrow(), Some(day("2024-02-29")));
    assert_eq!(day("2023-12-31").tomorrow(), Some(day("2024-01-01")));
    assert_eq!(BusinessDay::MAX.tomorrow(), None);
    assert_eq!(BusinessDay::new(2026, 11, 22), Ok(day("2026-11-22")));
    assert!(day("2026-09-30") < day("2026-10-01"));
}

#[test]
fn what_is_no_day_is_refused() {
    for text in [
        "",
        "2023-02-29",
        "1900-02-29",
        "2026-13-01",
        "2026-00-01",
        "2026-01-00",
        "2026-04-31",
        "2026-1-01",
        "26-01-01",
        "20260101",
        "2026/01/01",
        "+026-01-01",
        "-001-01-01",
        "2026-01-01 ",
        "2026-01-01T00",
        "２026-01-01",
        "10000-01-01",
    ] {
        assert!(text.parse::<BusinessDay>().is_err(), "{text:?}");
        assert!(serde_json::from_str::<BusinessDay>(&format!("\"{text}\"")).is_err(), "{text:?}");
    }
    assert!(BusinessDay::new(-1, 12, 31).is_err());
    assert!(BusinessDay::new(2026, 2, 29).is_err());
    for days in [i64::MIN, i64::MAX, -719_529, 2_932_897] {
        assert!(postcard::from_bytes::<BusinessDay>(&postcard::to_allocvec(&days).unwrap()).is_err(), "{days}");
    }
    for days in [-719_528, 2_932_896] {
        assert!(postcard::from_bytes::<BusinessDay>(&postcard::to_allocvec(&days).unwrap()).is_ok(), "{days}");
    }
}

#[test]
fn weekdays_are_a_set() {
    let days = Weekdays::new([Weekday::Friday, Weekday::Monday, Weekday::Friday]).unwrap();
    assert_eq!(days.iter().collect::<Vec<_>>(), [Weekday::Monday, Weekday::Friday]);
    assert_eq!(serde_json::to_string(&days).unwrap(), r#"["monday","friday"]"#);
    assert_eq!(serde_json::from_str::<Weekdays>(r#"["friday","monday","monday"]"#).unwrap(), days);
    assert_eq!(postcard::to_allocvec(&days).unwrap(), [0b001_0001]);
    assert_eq!(Weekdays::new(Weekday::ALL), Ok(Weekdays::ALL));
    assert_eq!(Weekdays::MONDAY_TO_FRIDAY.iter().count(), 5);
    assert!(!Weekdays::MONDAY_TO_FRIDAY.contains(Weekday::Saturday));
    assert!(Weekdays::new([]).is_err());
    for json in ["[]", "[\"Monday\"]", "[1]", "31", "\"monday\"", "null"] {
        assert!(serde_json::from_str::<Weekdays>(json).is_err(), "{json}");
    }
    for bits in 0..=u8::MAX {
        assert_eq!(postcard::from_bytes::<Weekdays>(&[bits]).is_ok(), (1..=127).contains(&bits), "{bits}");
    }
}

#[test]
fn a_cut_off_is_a_time_of_day_or_its_end() {
    for text in ["00:00:00", "00:00:01", "18:00:00", "23:59:59", "24:00:00"] {
        let time: CutOffTime = text.parse().unwrap();
        assert_eq!(time.to_string(), text);
        assert_eq!(serde_json::from_str::<CutOffTime>(&format!("\"{text}\"")).unwrap(), time);
        assert_eq!(postcard::from_bytes::<CutOffTime>(&postcard::to_allocvec(&time).unwrap()).unwrap(), time);
    }
    assert_eq!(CutOffTime::new(24, 0, 0), Ok(CutOffTime::END_OF_DAY));
    for text in
        ["", "18:00", "6:00:00", "24:00:01", "25:00:00", "18:60:00", "18:00:60", "18:00:00Z", "-1:00:00", "18.00.00"]
    {
        assert!(text.parse::<CutOffTime>().is_err(), "{text:?}");
    }
    assert!(CutOffTime::new(255, 255, 255).is_err());
    assert!(postcard::from_bytes::<CutOffTime>(&postcard::to_allocvec(&86_401_u32).unwrap()).is_err());
}

#[test]
fn a_zone_is_one_of_the_database_and_spelt_as_there() {
    for name in ["UTC", "Etc/UTC", "Asia/Shanghai", "Asia/Calcutta", "America/Argentina/ComodRivadavia", "Etc/GMT+12"] {
        let zone: ZoneName = name.parse().unwrap();
        assert_eq!((zone.as_str(), zone.to_string()), (name, name.to_owned()));
        assert_eq!(serde_json::to_string(&zone).unwrap(), format!("\"{name}\""));
        assert_eq!(postcard::from_bytes::<ZoneName>(&postcard::to_allocvec(&zone).unwrap()).unwrap(), zone);
    }
    let long = "A/".repeat(100_000);
    for name in [
        "",
        "utc",
        "asia/shanghai",
        "Asia/Shanghai ",
        "Mars/Olympus",
        "Etc/Unknown",
        "+08:00",
        "CST-8",
        "../UTC",
        &long,
    ] {
        assert!(ZoneName::parse(name).is_err(), "{:?}", name.get(..20));
    }
    assert_ne!(ZoneName::parse("Asia/Kolkata"), ZoneName::parse("Asia/Calcutta"));
}

proptest! {
    #[test]
    fn days_round_trip(year in 0..=9999_i16, month in 1..=12_i8, day in 1..=31_i8) {
        if let Ok(day) = BusinessDay::new(year, month, day) {
            prop_assert_eq!(day.to_string().parse(), Ok(day));
            let stored = postcard::to_allocvec(&day).unwrap();
            prop_assert!(stored.len() <= 4);
            prop_assert_eq!(postcard::from_bytes::<BusinessDay>(&stored).unwrap(), day);
        }
    }
}
