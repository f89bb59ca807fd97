//! Minutes, each with a code of its own, and hours, each with a name of its own.

/// A minute, counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Step(pub u32);

/// An hour, counted from 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Hour(pub u32);

impl Step {
    /// How long a code is shown.
    pub const SECONDS: u64 = 60;

    /// The minute of a moment in seconds since 1970-01-01T00:00:00Z; the last there is, in the year 10136, for all later ones.
    #[must_use]
    pub fn at(unix_seconds: u64) -> Self {
        Self(u32::try_from(unix_seconds / Self::SECONDS).unwrap_or(u32::MAX))
    }

    /// The hour to which it belongs.
    #[must_use]
    pub fn hour(self) -> Hour {
        Hour(self.0 / 60)
    }
}
