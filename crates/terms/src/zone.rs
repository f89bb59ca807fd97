//! Time zones, and the two questions asked of them: which day it is there, and when the clocks there show a time.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use serde::de::{self, Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::BusinessDay;

/// A time zone of the IANA database, such as `Asia/Shanghai`, together with its rules.
///
/// The database is the one built into the program, so that every machine answers alike. Names are spelt as there;
/// names that the database keeps for compatibility (`Asia/Calcutta`) are names too. Serialises as the name.
#[derive(Clone)]
pub struct ZoneName(TimeZone);

impl ZoneName {
    /// The zone of a name.
    ///
    /// # Errors
    /// [`UnknownZone`] if the database has no zone of exactly that name.
    pub fn parse(name: &str) -> Result<Self, UnknownZone> {
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| UnknownZone)?;
        if zone.iana_name() == Some(name) { Ok(Self(zone)) } else { Err(UnknownZone) }
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self.0.iana_name() {
            Some(name) => name,
            None => unreachable!("a zone is only made from its name"),
        }
    }

    /// Its rules.
    #[must_use]
    pub fn rules(&self) -> &TimeZone {
        &self.0
    }

    /// Which day it is there, so many milliseconds after 1970-01-01T00:00:00Z; none from the end of the year 9999.
    #[must_use]
    pub fn day_at(&self, ms: u64) -> Option<BusinessDay> {
        let moment = i64::try_from(ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok())?;
        BusinessDay::from_date(self.0.to_datetime(moment).date()).ok()
    }

    /// The first moment at which the clocks there show this time or a later one, in milliseconds after
    /// 1970-01-01T00:00:00Z (and 0 before); none at the end of the year 9999.
    ///
    /// So a time that the clocks skip is when they have skipped it, and a time that they show twice is the first of
    /// the two.
    pub(crate) fn first_moment_at(&self, local: DateTime) -> Option<u64> {
        let ambiguous = self.0.to_ambiguous_timestamp(local);
        let skipped = matches!(ambiguous.offset(), AmbiguousOffset::Gap { .. });
        let earlier = ambiguous.earlier().ok()?;
        let moment = if skipped { self.end_of_gap(earlier, local)? } else { earlier };
        Some(u64::try_from(moment.as_millisecond()).unwrap_or(0))
    }

    /// When the clocks skip this time; `before` is earlier than that.
    fn end_of_gap(&self, before: Timestamp, local: DateTime) -> Option<Timestamp> {
        let mut changes = self.0.following(before).map(|change| change.timestamp());
        changes.find(|change| self.0.to_datetime(*change) > local)
    }
}

/// Two names of one zone are two.
impl PartialEq for ZoneName {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for ZoneName {}

impl fmt::Display for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for ZoneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ZoneName {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::parse(name)
    }
}

impl Serialize for ZoneName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ZoneName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The IANA database has no zone of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the name of an IANA time zone, such as \"Asia/Shanghai\"")]
pub struct UnknownZone;
