//! Where a store is, and when it is open.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use terms::Weekday;

use crate::{Country, FieldError, Name};

/// A postal address, by its parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Street and number.
    pub line1: Name,
    /// Floor, building, or what else is said there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line2: Option<Name>,
    /// The town.
    pub city: Name,
    /// The state, province or prefecture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Name>,
    /// The postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postal_code: Option<Name>,
    /// The country.
    pub country: Country,
}

impl Address {
    /// The parts in one line, from the door to the country.
    #[must_use]
    pub fn line(&self) -> String {
        let town = match &self.postal_code {
            Some(code) => format!("{code} {}", self.city),
            None => self.city.to_string(),
        };
        let optional = |part: &Option<Name>| part.as_ref().map(|part| part.as_str().to_owned());
        let parts = [
            Some(self.line1.as_str().to_owned()),
            optional(&self.line2),
            Some(town),
            optional(&self.region),
            Some(self.country.as_str().to_owned()),
        ];
        parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

/// A point on the earth (WGS 84) in millionths of a degree: about a tenth of a metre.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Point", into = "Point")]
pub struct Position {
    latitude: i32,
    longitude: i32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    latitude_microdegrees: i64,
    longitude_microdegrees: i64,
}

impl Position {
    /// The point of this latitude (north is positive) and longitude (east is positive), in millionths of a degree.
    ///
    /// # Errors
    /// [`FieldError::Position`] if there is no such point.
    pub fn new(latitude: i64, longitude: i64) -> Result<Self, FieldError> {
        match (i32::try_from(latitude), i32::try_from(longitude)) {
            (Ok(latitude @ -90_000_000..=90_000_000), Ok(longitude @ -180_000_000..=180_000_000)) => {
                Ok(Self { latitude, longitude })
            }
            _ => Err(FieldError::Position),
        }
    }

    /// Millionths of a degree, north is positive.
    #[must_use]
    pub fn latitude(self) -> i32 {
        self.latitude
    }

    /// Millionths of a degree, east is positive.
    #[must_use]
    pub fn longitude(self) -> i32 {
        self.longitude
    }
}

impl TryFrom<Point> for Position {
    type Error = FieldError;

    fn try_from(point: Point) -> Result<Self, FieldError> {
        Self::new(point.latitude_microdegrees, point.longitude_microdegrees)
    }
}

impl From<Position> for Point {
    fn from(position: Position) -> Self {
        Self { latitude_microdegrees: position.latitude.into(), longitude_microdegrees: position.longitude.into() }
    }
}

const MINUTES_OF_A_DAY: u16 = 24 * 60;

/// A time in which a store is open, `HH:MM-HH:MM` by its clocks. One that ends no later than it begins ends the next
/// day; `00:00-24:00` is all day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Range {
    /// Minutes after midnight.
    opens: u16,
    /// Minutes after the same midnight, so more than a day's for what ends the next day.
    closes: u16,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (opens, closes) = text.split_once('-')?;
        let (opens, closes) = (minutes(opens)?, minutes(closes)?);
        let closes = if closes > opens { closes } else { closes + MINUTES_OF_A_DAY };
        (opens < MINUTES_OF_A_DAY && closes - opens <= MINUTES_OF_A_DAY).then_some(Self { opens, closes })
    }

    fn text(self) -> String {
        let closes = if self.closes > MINUTES_OF_A_DAY { self.closes - MINUTES_OF_A_DAY } else { self.closes };
        format!("{:02}:{:02}-{:02}:{:02}", self.opens / 60, self.opens % 60, closes / 60, closes % 60)
    }
}

/// `HH:MM` in minutes; `24:00` is the end of the day.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two_digits = |part: &str| {
        let digits = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| part.parse::<u16>().ok())?
    };
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    let total = hours * 60 + minutes;
    (minutes < 60 && total <= MINUTES_OF_A_DAY).then_some(total)
}

/// When a store is open on each day of the week, in its own time zone. A day without ranges is a day on which it is
/// closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningHours(Box<[Vec<Range>; 7]>);

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Week {
    monday: Vec<String>,
    tuesday: Vec<String>,
    wednesday: Vec<String>,
    thursday: Vec<String>,
    friday: Vec<String>,
    saturday: Vec<String>,
    sunday: Vec<String>,
}

impl OpeningHours {
    /// The most ranges of a day.
    pub const MOST_RANGES: usize = 8;

    /// Whether a store with these hours is open on this day of the week, so many minutes after midnight there.
    #[must_use]
    pub fn is_open(&self, day: Weekday, minute: u16) -> bool {
        let index = Weekday::ALL.iter().position(|known| *known == day).unwrap_or_default();
        let covers = |day: usize, minute: u16| {
            self.0
                .get(day)
                .is_some_and(|ranges| ranges.iter().any(|range| (range.opens..range.closes).contains(&minute)))
        };
        minute < MINUTES_OF_A_DAY && (covers(index, minute) || covers((index + 6) % 7, minute + MINUTES_OF_A_DAY))
    }

    fn new(days: [Vec<Range>; 7]) -> Result<Self, FieldError> {
        let in_order = |ranges: &Vec<Range>| {
            ranges.len() <= Self::MOST_RANGES
                && ranges.windows(2).all(|pair| matches!(pair, [earlier, later] if earlier.closes <= later.opens))
        };
        // What ends after midnight must have ended before the next day begins.
        let next_day = |day: usize| days.get((day + 1) % 7).and_then(|ranges| ranges.first());
        let meets_next_day = |(day, ranges): (usize, &Vec<Range>)| match (ranges.last(), next_day(day)) {
            (Some(last), Some(first)) => last.closes > first.opens + MINUTES_OF_A_DAY,
            _ => false,
        };
        if days.iter().all(in_order) && !days.iter().enumerate().any(meets_next_day) {
            Ok(Self(Box::new(days)))
        } else {
            Err(FieldError::HoursOrder)
        }
    }
}

impl TryFrom<Week> for OpeningHours {
    type Error = FieldError;

    fn try_from(week: Week) -> Result<Self, FieldError> {
        let Week { monday, tuesday, wednesday, thursday, friday, saturday, sunday } = week;
        let mut days: [Vec<Range>; 7] = Default::default();
        for (day, texts) in days.iter_mut().zip([monday, tuesday, wednesday, thursday, friday, saturday, sunday]) {
            *day =
                texts.iter().map(|text| Range::parse(text).ok_or(FieldError::HoursRange)).collect::<Result<_, _>>()?;
        }
        Self::new(days)
    }
}

impl<'de> Deserialize<'de> for OpeningHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Week::deserialize(deserializer)?.try_into().map_err(de::Error::custom)
    }
}

impl Serialize for OpeningHours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut days = self.0.iter().map(|ranges| ranges.iter().map(|range| range.text()).collect());
        let mut next = || days.next().unwrap_or_default();
        let week = Week {
            monday: next(),
            tuesday: next(),
            wednesday: next(),
            thursday: next(),
            friday: next(),
            saturday: next(),
            sunday: next(),
        };
        week.serialize(serializer)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn hours(json: &str) -> Result<OpeningHours, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    #[test]
    fn a_bar_is_open_past_midnight() {
        let bar = hours(r#"{"friday":["12:00-14:00","20:00-02:30"],"sunday":["22:00-04:00"]}"#).unwrap();
        for (day, minute, open) in [
            (Weekday::Friday, 11 * 60 + 59, false),
            (Weekday::Friday, 12 * 60, true),
            (Weekday::Friday, 14 * 60, false),
            (Weekday::Friday, 23 * 60 + 59, true),
            (Weekday::Saturday, 0, true),
            (Weekday::Saturday, 149, true),
            (Weekday::Saturday, 150, false),
            (Weekday::Sunday, 0, false),
            (Weekday::Monday, 239, true),
            (Weekday::Monday, 240, false),
        ] {
            assert_eq!(bar.is_open(day, minute), open, "{day:?} {minute}");
        }
        let json = serde_json::to_value(&bar).unwrap();
        assert_eq!(json["friday"], serde_json::json!(["12:00-14:00", "20:00-02:30"]));
        assert_eq!(json["monday"], serde_json::json!([]));
        assert_eq!(hours(&json.to_string()).unwrap(), bar);
    }

    #[test]
    fn all_day_is_a_range_and_round_the_clock_a_week_of_them() {
        let all_day = hours(r#"{"monday":["00:00-24:00"],"tuesday":["00:00-24:00"]}"#).unwrap();
        assert!(all_day.is_open(Weekday::Monday, 0) && all_day.is_open(Weekday::Tuesday, 1_439));
        assert!(!all_day.is_open(Weekday::Wednesday, 0) && !all_day.is_open(Weekday::Monday, 1_440));
        assert_eq!(hours(r#"{"monday":["00:00-00:00"]}"#).unwrap(), hours(r#"{"monday":["00:00-24:00"]}"#).unwrap());
    }

    #[test]
    fn what_is_no_range_or_overlaps_is_refused() {
        for bad in
            ["9:00-10:00", "09:00", "09:00-24:01", "24:00-02:00", "09:60-10:00", "09:00–10:00", "-", "", "aa:bb-cc:dd"]
        {
            let week = serde_json::json!({ "monday": [bad] }).to_string();
            assert!(hours(&week).unwrap_err().contains("ranges such as"), "{bad}");
        }
        for overlapping in [
            r#"{"monday":["09:00-12:00","11:59-13:00"]}"#,
            r#"{"monday":["12:00-13:00","09:00-10:00"]}"#,
            r#"{"monday":["22:00-02:00","23:00-23:30"]}"#,
            r#"{"monday":["22:00-02:00"],"tuesday":["01:59-03:00"]}"#,
            r#"{"sunday":["22:00-02:00"],"monday":["01:00-03:00"]}"#,
        ] {
            assert!(hours(overlapping).unwrap_err().contains("in their order"), "{overlapping}");
        }
        assert!(hours(r#"{"monday":["09:00-12:00","12:00-13:00"],"someday":[]}"#).is_err());
        assert!(hours(r#"{"monday":["22:00-02:00"],"tuesday":["02:00-03:00"]}"#).is_ok());
    }

    #[test]
    fn positions_are_on_the_earth() {
        assert!(Position::new(-90_000_000, 180_000_000).is_ok());
        for (latitude, longitude) in [(90_000_001, 0), (0, -180_000_001), (i64::MAX, 0), (0, i64::MIN)] {
            assert_eq!(Position::new(latitude, longitude), Err(FieldError::Position));
        }
        let json = r#"{"latitude_microdegrees":31239900,"longitude_microdegrees":121490000}"#;
        let position: Position = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&position).unwrap(), json);
        assert!(
            serde_json::from_str::<Position>(r#"{"latitude_microdegrees":1.5,"longitude_microdegrees":1}"#).is_err()
        );
    }
}
