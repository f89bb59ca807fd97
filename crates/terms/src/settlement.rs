//! When a merchant's business day ends, and when its money leaves.

use std::fmt;
use std::iter;
use std::str::FromStr;

use jiff::civil::Time;
use money::BasisPoints;
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::calendar::number;
use crate::{BusinessDay, Weekday, Weekdays, ZoneName};

/// How a merchant is settled and paid out.
///
/// Time is divided into windows by *cut-offs*, moments at which a business day ends. What enters before a cut-off is in
/// the window that it closes; what enters at the very moment is in the next. Cut-offs happen on business days only, so a
/// weekend's takings are in the next business day's window.
///
/// A day is a business day if its weekday is one of `business_days` and it is not a holiday.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct SettlementTerms {
    /// Whose clocks count.
    pub zone: ZoneName,
    /// At what time a business day ends there. A time that the clocks skip on a day is the moment at which they do; a
    /// time that they show twice is the first of the two.
    pub cut_off: CutOffTime,
    /// The weekdays on which business is done.
    pub business_days: Weekdays,
    /// Days on which it is not: ascending, each once, at most [`Self::MOST_HOLIDAYS`].
    pub holidays: Vec<BusinessDay>,
    /// Which business days end with a cut-off.
    pub schedule: Schedule,
    /// How many business days after the cut-off the money leaves: 0 to [`Self::MOST_PAYOUT_DELAY_DAYS`].
    pub payout_delay_days: u8,
    /// What is held back of each settlement, if anything.
    pub reserve: Option<Reserve>,
    /// How much the merchant may owe after refunds, in minor units of the currency in question.
    pub negative_balance_limit: u64,
}

/// Which business days end with a cut-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// Each.
    Daily,
    /// One a week: that of this weekday, or the first business day after it.
    Weekly(Weekday),
}

/// A part of each settlement that is held back for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    /// How much of the net amount; more than nothing.
    pub rate: BasisPoints,
    /// For how many days: 1 to [`SettlementTerms::MOST_RESERVE_DAYS`].
    pub days: u16,
}

/// The moment at which a window closes, and the business day that ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutOff {
    /// In milliseconds after 1970-01-01T00:00:00Z.
    pub at_ms: u64,
    /// The business day, as the merchant's calendar has it.
    pub business_day: BusinessDay,
}

impl CutOff {
    /// What comes after the last cut-off of the year 9999.
    pub const NEVER: Self = Self { at_ms: u64::MAX, business_day: BusinessDay::MAX };
}

impl SettlementTerms {
    /// How many holidays a calendar may have. The search for a business day looks at no more days than 7 times one more.
    pub const MOST_HOLIDAYS: usize = 1_000;
    /// The longest delay of a payout, in business days.
    pub const MOST_PAYOUT_DELAY_DAYS: u8 = 30;
    /// The longest time for which a reserve is held, in days.
    pub const MOST_RESERVE_DAYS: u16 = 1_000;

    /// The terms themselves, if they can work. Reading them from JSON or a journal does the same.
    ///
    /// # Errors
    /// [`SettlementTermsError`] if they cannot.
    pub fn validated(self) -> Result<Self, SettlementTermsError> {
        if self.holidays.len() > Self::MOST_HOLIDAYS {
            return Err(SettlementTermsError::TooManyHolidays);
        }
        if !self.holidays.is_sorted_by(|day, next| day < next) {
            return Err(SettlementTermsError::HolidaysOutOfOrder);
        }
        if self.payout_delay_days > Self::MOST_PAYOUT_DELAY_DAYS {
            return Err(SettlementTermsError::PayoutTooLate);
        }
        if self.reserve.is_some_and(|reserve| reserve.rate == BasisPoints::ZERO) {
            return Err(SettlementTermsError::ReserveOfNothing);
        }
        if self.reserve.is_some_and(|reserve| !(1..=Self::MOST_RESERVE_DAYS).contains(&reserve.days)) {
            return Err(SettlementTermsError::ReserveDaysOutOfRange);
        }
        Ok(self)
    }

    /// The first cut-off strictly after a moment, in milliseconds after 1970-01-01T00:00:00Z.
    ///
    /// Where two business days end at one moment, because the clocks skipped all the time between, it is the earlier
    /// day's. When no cut-off is left before the end of the year 9999, it is [`CutOff::NEVER`].
    #[must_use]
    pub fn next_cut_off(&self, after_ms: u64) -> CutOff {
        // The cut-offs of days before today have passed; today's may have, and a few more where clocks went back.
        let today = self.zone.day_at(after_ms);
        let first = today.and_then(|today| self.closing_day_from(today));
        iter::successors(first, |day| self.closing_day_from(day.tomorrow()?))
            .map_while(|business_day| Some(CutOff { at_ms: self.cut_off_ms(business_day)?, business_day }))
            .find(|cut_off| cut_off.at_ms > after_ms)
            .unwrap_or(CutOff::NEVER)
    }

    /// When the money settled at a business day's cut-off leaves: at the cut-off time of the business day that is
    /// `payout_delay_days` business days later (T+n; with T+0 the very cut-off). In milliseconds after
    /// 1970-01-01T00:00:00Z; `u64::MAX` when that is after the year 9999.
    ///
    /// A day on which no business is done counts as the next on which it is.
    #[must_use]
    pub fn payout_at_ms(&self, business_day: BusinessDay) -> u64 {
        let settled = self.business_day_from(business_day);
        let payout = (0..self.payout_delay_days).fold(settled, |day, _| self.business_day_from(day?.tomorrow()?));
        payout.and_then(|day| self.cut_off_ms(day)).unwrap_or(u64::MAX)
    }

    /// The first business day that is not over yet at a moment, by the date there; none after the year 9999. In milliseconds
    /// after 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn business_day_at(&self, ms: u64) -> Option<BusinessDay> {
        self.business_day_from(self.zone.day_at(ms)?)
    }

    /// When the business day ends, by its cut-off time, that comes so many business days after another. In milliseconds
    /// after 1970-01-01T00:00:00Z; `u64::MAX` when that is after the year 9999.
    #[must_use]
    pub fn end_of_business_days_after(&self, day: BusinessDay, days: u8) -> u64 {
        let last = (0..days).try_fold(day, |day, _| self.business_day_from(day.tomorrow()?));
        last.and_then(|day| self.cut_off_ms(day)).unwrap_or(u64::MAX)
    }

    /// Whether business is done on a day.
    #[must_use]
    pub fn is_business_day(&self, day: BusinessDay) -> bool {
        self.business_days.contains(day.weekday()) && self.holidays.binary_search(&day).is_err()
    }

    /// The first day from this one on that ends with a cut-off.
    fn closing_day_from(&self, day: BusinessDay) -> Option<BusinessDay> {
        let Schedule::Weekly(weekday) = self.schedule else { return self.business_day_from(day) };
        let days_ago = weekday.days_before(day.weekday());
        // Today is the weekday, or it was lately and no business day has followed yet; else it is next week's turn.
        let this_weeks = day.plus_days(-days_ago).and_then(|last| self.business_day_from(last));
        this_weeks.filter(|closing| *closing >= day).or_else(|| self.business_day_from(day.plus_days(7 - days_ago)?))
    }

    /// The first business day from this day on. There is one: the calendar has a weekday, and holidays come to an end.
    fn business_day_from(&self, day: BusinessDay) -> Option<BusinessDay> {
        iter::successors(Some(day), |day| day.tomorrow()).find(|day| self.is_business_day(*day))
    }

    /// When a day ends, in milliseconds after 1970-01-01T00:00:00Z.
    fn cut_off_ms(&self, day: BusinessDay) -> Option<u64> {
        let local = match self.cut_off.time() {
            Some(time) => day.date().to_datetime(time),
            None => day.tomorrow()?.date().to_datetime(Time::midnight()),
        };
        self.zone.first_moment_at(local)
    }
}

impl Serialize for SettlementTerms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for SettlementTerms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)?.validated().map_err(de::Error::custom)
    }
}

/// Why terms cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettlementTermsError {
    /// More than [`SettlementTerms::MOST_HOLIDAYS`].
    #[error("a calendar has at most {} holidays", SettlementTerms::MOST_HOLIDAYS)]
    TooManyHolidays,
    /// The list is not ascending, or names a day twice.
    #[error("holidays must be in ascending order, each once")]
    HolidaysOutOfOrder,
    /// More than [`SettlementTerms::MOST_PAYOUT_DELAY_DAYS`].
    #[error("a payout is at most {} business days after its cut-off", SettlementTerms::MOST_PAYOUT_DELAY_DAYS)]
    PayoutTooLate,
    /// A reserve of 0 basis points; no reserve is `None`.
    #[error("a reserve must be more than 0 basis points")]
    ReserveOfNothing,
    /// None, or more than [`SettlementTerms::MOST_RESERVE_DAYS`].
    #[error("a reserve is held for 1 to {} days", SettlementTerms::MOST_RESERVE_DAYS)]
    ReserveDaysOutOfRange,
}

/// A time of day at which a business day ends, to the second: from `00:00:00`, the first moment of the day, to
/// `24:00:00`, the end of the day, which is the first moment of the next.
///
/// Its text has hours, minutes and seconds; in binary formats it is the number of seconds since midnight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CutOffTime {
    /// At most 86,400.
    seconds: u32,
}

impl CutOffTime {
    /// 24:00:00.
    pub const END_OF_DAY: Self = Self { seconds: 24 * 60 * 60 };

    /// The time of an hour (0 to 23), a minute and a second (0 to 59), or 24:00:00.
    ///
    /// # Errors
    /// [`NoSuchTime`] if clocks have no such time.
    pub fn new(hour: u8, minute: u8, second: u8) -> Result<Self, NoSuchTime> {
        if hour > 24 || minute > 59 || second > 59 {
            return Err(NoSuchTime);
        }
        Self::from_seconds(u32::from(hour) * 3600 + u32::from(minute) * 60 + u32::from(second))
    }

    fn from_seconds(seconds: u32) -> Result<Self, NoSuchTime> {
        if seconds <= Self::END_OF_DAY.seconds { Ok(Self { seconds }) } else { Err(NoSuchTime) }
    }

    /// The time of the day; none for the end of it.
    fn time(self) -> Option<Time> {
        let [hour, minute, second] = self.parts().map(i8::try_from);
        Time::new(hour.ok()?, minute.ok()?, second.ok()?, 0).ok()
    }

    fn parts(self) -> [u32; 3] {
        [self.seconds / 3600, self.seconds / 60 % 60, self.seconds % 60]
    }
}

impl fmt::Display for CutOffTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [hour, minute, second] = self.parts();
        write!(f, "{hour:02}:{minute:02}:{second:02}")
    }
}

impl fmt::Debug for CutOffTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for CutOffTime {
    type Err = NoSuchTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let [h1, h0, b':', m1, m0, b':', s1, s0] = *text.as_bytes() else { return Err(NoSuchTime) };
        let part = |digits| number(digits).ok_or(NoSuchTime);
        Self::new(part([h1, h0])?, part([m1, m0])?, part([s1, s0])?)
    }
}

impl Serialize for CutOffTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            serializer.serialize_u32(self.seconds)
        }
    }
}

impl<'de> Deserialize<'de> for CutOffTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let time = if deserializer.is_human_readable() {
            String::deserialize(deserializer)?.parse()
        } else {
            Self::from_seconds(u32::deserialize(deserializer)?)
        };
        time.map_err(de::Error::custom)
    }
}

/// Not a time of day, or not written as one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a time of day such as \"18:00:00\", at most \"24:00:00\"")]
pub struct NoSuchTime;
