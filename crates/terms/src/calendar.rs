//! Days and weekdays, without any hour.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::Date;
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

/// A day of the calendar (proleptic Gregorian), from the year 0 to the end of the year 9999.
///
/// Its text is that of ISO 8601, `2026-11-22`; in binary formats it is the number of days since 1970-01-01. Whether
/// business is done on it is for [`SettlementTerms`](crate::SettlementTerms) to say.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessDay(Date);

const EPOCH: Date = Date::constant(1970, 1, 1);

impl BusinessDay {
    /// 9999-12-31.
    pub const MAX: Self = Self(Date::MAX);

    /// The day of a year (0 to 9999), a month and a day of the month, both from 1.
    ///
    /// # Errors
    /// [`NoSuchDay`] if the calendar has no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Result<Self, NoSuchDay> {
        Date::new(year, month, day).map_err(|_| NoSuchDay).and_then(Self::from_date)
    }

    /// Year and month, the month from 1.
    #[must_use]
    pub fn month(self) -> (i16, i8) {
        (self.0.year(), self.0.month())
    }

    /// The day of the month, from 1.
    #[must_use]
    pub fn day(self) -> i8 {
        self.0.day()
    }

    /// Which day of the week it is.
    #[must_use]
    pub fn weekday(self) -> Weekday {
        let days_since_monday = self.0.weekday().to_monday_zero_offset();
        usize::try_from(days_since_monday)
            .ok()
            .and_then(|index| Weekday::ALL.get(index))
            .copied()
            .unwrap_or(Weekday::Sunday)
    }

    /// The next day; none after [`Self::MAX`].
    #[must_use]
    pub fn tomorrow(self) -> Option<Self> {
        self.0.tomorrow().ok().map(Self)
    }

    /// So many days later, or earlier if negative; none outside the calendar.
    pub(crate) fn plus_days(self, days: i8) -> Option<Self> {
        let date = self.0.checked_add(SignedDuration::from_hours(24 * i64::from(days))).ok()?;
        Self::from_date(date).ok()
    }

    pub(crate) fn from_date(date: Date) -> Result<Self, NoSuchDay> {
        if date.year() >= 0 { Ok(Self(date)) } else { Err(NoSuchDay) }
    }

    /// The same as a date.
    #[must_use]
    pub fn date(self) -> Date {
        self.0
    }

    /// How many days it is after 1970-01-01; negative before.
    #[must_use]
    pub fn days_since_epoch(self) -> i64 {
        self.0.duration_since(EPOCH).as_hours() / 24
    }

    /// The day that is so many days after 1970-01-01.
    ///
    /// # Errors
    /// [`NoSuchDay`] if it is outside the calendar.
    pub fn from_days_since_epoch(days: i64) -> Result<Self, NoSuchDay> {
        let hours = days.checked_mul(24).ok_or(NoSuchDay)?;
        let since = SignedDuration::try_from_hours(hours).ok_or(NoSuchDay)?;
        EPOCH.checked_add(since).map_err(|_| NoSuchDay).and_then(Self::from_date)
    }
}

impl fmt::Display for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0.year(), self.0.month(), self.0.day())
    }
}

impl fmt::Debug for BusinessDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for BusinessDay {
    type Err = NoSuchDay;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let [y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0] = *text.as_bytes() else { return Err(NoSuchDay) };
        let year = number([y3, y2, y1, y0]).ok_or(NoSuchDay)?;
        let month = number([m1, m0]).ok_or(NoSuchDay)?;
        let day = number([d1, d0]).ok_or(NoSuchDay)?;
        Self::new(year, month, day)
    }
}

/// The number that the digits write; none if one is no digit or it does not fit.
pub(crate) fn number<const N: usize, T: TryFrom<u32>>(digits: [u8; N]) -> Option<T> {
    let number = digits.into_iter().try_fold(0_u32, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    });
    number.and_then(|number| T::try_from(number).ok())
}

impl Serialize for BusinessDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_i64(self.days_since_epoch())
        }
    }
}

impl<'de> Deserialize<'de> for BusinessDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let day = if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse()
        } else {
            Self::from_days_since_epoch(i64::deserialize(deserializer)?)
        };
        day.map_err(de::Error::custom)
    }
}

/// Not a day of the calendar, or not written as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a day of the calendar, such as \"2026-11-22\"")]
pub struct NoSuchDay;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// All of them, from Monday.
    pub const ALL: [Self; 7] =
        [Self::Monday, Self::Tuesday, Self::Wednesday, Self::Thursday, Self::Friday, Self::Saturday, Self::Sunday];

    /// How many days ago it last was this weekday, on such a weekday: 0 to 6.
    pub(crate) fn days_before(self, later: Self) -> i8 {
        (later as i8 - self as i8).rem_euclid(7)
    }
}

/// Some days of the week, at least one.
///
/// Reads and writes as a list (`["monday","friday"]`); in binary formats as a number whose lowest bit is Monday.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Weekdays(u8);

impl Weekdays {
    /// Every day.
    pub const ALL: Self = Self(0b111_1111);
    /// Monday to Friday.
    pub const MONDAY_TO_FRIDAY: Self = Self(0b001_1111);

    /// The set of these days, in any order, repetitions counting once.
    ///
    /// # Errors
    /// [`NoWeekday`] if there are none.
    pub fn new(days: impl IntoIterator<Item = Weekday>) -> Result<Self, NoWeekday> {
        Self::from_bits(days.into_iter().fold(0, |bits, day| bits | bit(day)))
    }

    /// Whether the day is one of them.
    #[must_use]
    pub fn contains(self, day: Weekday) -> bool {
        self.0 & bit(day) != 0
    }

    /// The days, from Monday.
    pub fn iter(self) -> impl Iterator<Item = Weekday> {
        Weekday::ALL.into_iter().filter(move |day| self.contains(*day))
    }

    fn from_bits(bits: u8) -> Result<Self, NoWeekday> {
        if bits != 0 && bits <= Self::ALL.0 { Ok(Self(bits)) } else { Err(NoWeekday) }
    }
}

fn bit(day: Weekday) -> u8 {
    1 << day as u8
}

impl fmt::Debug for Weekdays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl Serialize for Weekdays {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_seq(self.iter())
        } else {
            serializer.serialize_u8(self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Weekdays {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let days = if deserializer.is_human_readable() {
            Self::new(Vec::<Weekday>::deserialize(deserializer)?)
        } else {
            Self::from_bits(u8::deserialize(deserializer)?)
        };
        days.map_err(de::Error::custom)
    }
}

/// A set of weekdays without any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be at least one day of the week, such as [\"monday\"]")]
pub struct NoWeekday;
