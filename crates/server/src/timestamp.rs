//! Moments as the API writes them, RFC 3339 in UTC with milliseconds, `2026-11-22T12:30:00.000Z`; and as it reads them,
//! any of RFC 3339, to the millisecond; what lies before 1970 is read as its beginning, since nothing here is older.

use std::fmt;
use std::str::FromStr;

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

/// The inverse of [`date_of_day`], for days before 1970 too; none if the calendar has no such day.
fn day_of_date(year: u64, month: u64, day: u64) -> Option<i64> {
    // The calendar repeats itself after so many years, all of which are counted from 1970 on.
    const YEARS: u64 = 2_000;
    const DAYS: i64 = 730_485;
    let year = year + YEARS;
    let from_march = (month + 9) % 12;
    let year_from_march = year.checked_sub(u64::from(month < 3))?;
    let (cycle, of_cycle) = (year_from_march / 400, year_from_march % 400);
    let of_year = (153 * from_march + 2) / 5 + day.checked_sub(1)?;
    let days = cycle * 146_097 + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year;
    let counted = days.checked_sub(719_468).filter(|counted| date_of_day(*counted) == (year, month, day))?;
    i64::try_from(counted).ok().map(|counted| counted - DAYS)
}

/// Not a moment of RFC 3339.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotAMoment;

/// Reads RFC 3339, section 5.6. A leap second is read as the second after it.
impl FromStr for Timestamp {
    type Err = NotAMoment;

    fn from_str(text: &str) -> Result<Self, NotAMoment> {
        read(text.as_bytes()).map(|milliseconds| Self(UnixMillis(milliseconds))).ok_or(NotAMoment)
    }
}

fn read(text: &[u8]) -> Option<u64> {
    let (date_time, rest) = text.split_at_checked("2026-11-22T12:30:00".len())?;
    let [date @ .., b'T' | b't', hour_1, hour_0, b':', minute_1, minute_0, b':', second_1, second_0] = date_time else {
        return None;
    };
    let [year @ .., b'-', month_1, month_0, b'-', day_1, day_0] = date else { return None };
    let day = day_of_date(number(year)?, number(&[*month_1, *month_0])?, number(&[*day_1, *day_0])?)?;
    let hour = number(&[*hour_1, *hour_0]).filter(|hour| *hour < 24)?;
    let minute = number(&[*minute_1, *minute_0]).filter(|minute| *minute < 60)?;
    let second = number(&[*second_1, *second_0]).filter(|second| *second <= 60)?;
    let (thousandths, offset) = fraction(rest)?;
    let of_day = ((hour * 60 + minute) * 60 + second) * 1_000 + thousandths;
    let milliseconds = day * i64::try_from(MILLISECONDS_OF_A_DAY).ok()? + i64::try_from(of_day).ok()? - ahead(offset)?;
    Some(u64::try_from(milliseconds).unwrap_or(0))
}

/// The milliseconds that a zone's clocks are ahead of UTC.
fn ahead(offset: &[u8]) -> Option<i64> {
    match offset {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), hour_1, hour_0, b':', minute_1, minute_0] => {
            let hours = number(&[*hour_1, *hour_0]).filter(|hours| *hours < 24)?;
            let minutes = number(&[*minute_1, *minute_0]).filter(|minutes| *minutes < 60)?;
            let ahead = i64::try_from((hours * 60 + minutes) * 60_000).ok()?;
            Some(if *sign == b'+' { ahead } else { -ahead })
        }
        _ => None,
    }
}

/// The thousandths of a second that a text begins with, and the rest of it. Finer digits are cut off.
fn fraction(text: &[u8]) -> Option<(u64, &[u8])> {
    let [b'.', digits_and_rest @ ..] = text else { return Some((0, text)) };
    let digits = digits_and_rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = digits_and_rest.split_at_checked(digits)?;
    let thousandths: Vec<u8> = digits.iter().copied().chain(*b"00").take(3).collect();
    Some((number(&thousandths).filter(|_| !digits.is_empty())?, rest))
}

fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + u64::from(digit - b'0')))
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
    fn reads_what_the_standard_allows() {
        let moment = |text: &str| text.parse::<Timestamp>().map(|read| read.0.0);
        for (text, milliseconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59Z", 0),
            ("1970-01-01T00:00:00+01:00", 0),
            ("1969-12-31T23:30:00-01:00", 1_800_000),
            ("0000-01-01T00:00:00Z", 0),
            ("0383-09-13T04:28:53.216602Z", 0),
            ("2000-02-29T00:00:00.000Z", 951_782_400_000),
            ("2026-11-22T12:30:00.007Z", 1_795_350_600_007),
            ("2026-11-22t12:30:00.0079z", 1_795_350_600_007),
            ("2026-11-22T12:30:00.5Z", 1_795_350_600_500),
            ("2026-11-22T20:30:00+08:00", 1_795_350_600_000),
            ("2026-11-22T07:00:00-05:30", 1_795_350_600_000),
            ("2026-11-22T12:29:60Z", 1_795_350_600_000),
        ] {
            assert_eq!(moment(text), Ok(milliseconds), "{text}");
        }
        for text in [
            "",
            "2026-11-22",
            "2026-11-22T12:30:00",
            "2026-11-22 12:30:00Z",
            "2026-02-29T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T00:00:61Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00+0800",
            "2026-01-01T00:00:00+24:00",
            "1900-02-29T00:00:00Z",
            "1795350600000",
            "２026-01-01T00:00:00Z",
        ] {
            assert_eq!(moment(text), Err(NotAMoment), "{text}");
        }
    }

    #[test]
    fn days_follow_each_other_for_a_thousand_years() {
        let mut before = date_of_day(0);
        for day in 1..365_250 {
            let (year, month, date) = date_of_day(day);
            assert_eq!(day_of_date(year, month, date), Some(i64::try_from(day).unwrap()));
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
