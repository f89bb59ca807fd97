//! Moments as the API writes them: RFC 3339 in UTC with milliseconds, `2026-11-22T12:30:00.000Z`.

use std::fmt;

use payments::UnixMillis;
use serde::{Serialize, Serializer};

/// A moment, serialised as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Timestamp(pub(crate) UnixMillis);

const MILLISECONDS_OF_A_DAY: u64 = 86_400_000;

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.0.0;
        let (year, month, day) = date_of_day(milliseconds / MILLISECONDS_OF_A_DAY);
        let of_day = milliseconds % MILLISECONDS_OF_A_DAY;
        let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
        let (second, fraction) = (of_day / 1_000 % 60, of_day % 1_000);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
    }
}

/// The Gregorian date of a day counted from 1970-01-01. Years begin in March here, so that a leap day comes last, and
/// are counted in cycles of 400, which all have the same number of days.
fn date_of_day(day: u64) -> (u64, u64, u64) {
    const DAYS_FROM_MARCH_0000_TO_1970: u64 = 719_468;
    const DAYS_OF_400_YEARS: u64 = 146_097;
    let day = day + DAYS_FROM_MARCH_0000_TO_1970;
    let (cycle, of_cycle) = (day / DAYS_OF_400_YEARS, day % DAYS_OF_400_YEARS);
    let year_of_cycle = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    // From March on, months of 31, 30, 31, 30, 31 days repeat: 153 days in five months.
    let from_march = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * from_march + 2) / 5 + 1;
    let (month, next_year) = if from_march < 10 { (from_march + 3, 0) } else { (from_march - 9, 1) };
    (400 * cycle + year_of_cycle + next_year, month, day_of_month)
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn agrees_with_known_moments() {
        // From `date -u -d @<seconds>`.
        for (seconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399, "2000-02-28T23:59:59.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_795_350_600, "2026-11-22T12:30:00.000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp(UnixMillis(seconds * 1_000)).to_string(), text);
        }
        assert_eq!(Timestamp(UnixMillis(1_795_350_600_007)).to_string(), "2026-11-22T12:30:00.007Z");
    }

    #[test]
    fn days_follow_each_other_for_a_thousand_years() {
        let mut before = date_of_day(0);
        for day in 1..365_250 {
            let (year, month, date) = date_of_day(day);
            let follows = (year, month, date) == (before.0, before.1, before.2 + 1)
                || (date == 1 && ((year, month) == (before.0, before.1 + 1) || (year, month) == (before.0 + 1, 1)));
            assert!(follows && (1..=12).contains(&month) && (1..=31).contains(&date), "day {day}");
            before = (year, month, date);
        }
    }

    #[test]
    fn no_moment_panics() {
        let _ = Timestamp(UnixMillis(u64::MAX)).to_string();
    }
}
