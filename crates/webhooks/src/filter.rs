//! Which events an endpoint is told of.

use std::fmt;

/// The most patterns of one endpoint.
pub const MAX_PATTERNS: usize = 50;

/// The longest pattern, in bytes.
const MAX_PATTERN_BYTES: usize = 64;

/// Which types of events an endpoint is told of: those that one of its patterns matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventFilter(Vec<Pattern>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    /// `*`
    All,
    /// `payment.*`: the part before the star.
    Begins(String),
    /// `payment.succeeded`
    Is(String),
}

/// Why patterns are no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// None at all, or more than [`MAX_PATTERNS`].
    #[error("must have 1 to {MAX_PATTERNS} event types")]
    Count,
    /// One that is no pattern.
    #[error("has something that is no event type: write `*`, `payment.*` or `payment.succeeded`")]
    Malformed,
}

impl EventFilter {
    /// All events.
    #[must_use]
    pub fn all() -> Self {
        Self(vec![Pattern::All])
    }

    /// Reads patterns: `*`, `payment.*`, `payment.succeeded`.
    ///
    /// # Errors
    /// [`FilterError`] says what to change.
    pub fn parse<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, FilterError> {
        let patterns: Vec<_> =
            patterns.into_iter().take(MAX_PATTERNS + 1).map(Pattern::parse).collect::<Result<_, _>>()?;
        if (1..=MAX_PATTERNS).contains(&patterns.len()) { Ok(Self(patterns)) } else { Err(FilterError::Count) }
    }

    /// Whether events of this type are told.
    #[must_use]
    pub fn matches(&self, event_type: &str) -> bool {
        self.0.iter().any(|pattern| match pattern {
            Pattern::All => true,
            Pattern::Begins(start) => event_type.starts_with(start.as_str()),
            Pattern::Is(whole) => event_type == whole,
        })
    }

    /// The patterns as they were given.
    #[must_use]
    pub fn patterns(&self) -> Vec<String> {
        self.0.iter().map(ToString::to_string).collect()
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, FilterError> {
        let is_word =
            |word: &str| !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        let (words, pattern) = match text.strip_suffix(".*") {
            _ if text == "*" => return Ok(Self::All),
            Some(start) => (start, Self::Begins(format!("{start}."))),
            None => (text, Self::Is(text.to_owned())),
        };
        let is_known = text.len() <= MAX_PATTERN_BYTES && words.split('.').all(is_word);
        if is_known { Ok(pattern) } else { Err(FilterError::Malformed) }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Begins(start) => write!(f, "{start}*"),
            Self::Is(whole) => f.write_str(whole),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_all_a_family_or_one() {
        let filter = EventFilter::parse(["payment.*", "order.created"]).unwrap();
        for (event_type, told) in [
            ("payment.succeeded", true),
            ("payment.capture.created", true),
            ("order.created", true),
            ("order.created.twice", false),
            ("order.expired", false),
            ("payments.succeeded", false),
            ("payment", false),
        ] {
            assert_eq!(filter.matches(event_type), told, "{event_type}");
            assert!(EventFilter::all().matches(event_type));
        }
        assert_eq!(filter.patterns(), ["payment.*", "order.created"]);
    }

    #[test]
    fn refuses_what_is_no_pattern() {
        for pattern in ["", ".", "payment.", ".*", "**", "pay*", "payment.*.x", "Payment.*", "pay ment", "支付.*"] {
            assert_eq!(EventFilter::parse([pattern]), Err(FilterError::Malformed), "{pattern}");
        }
        assert_eq!(EventFilter::parse(["a".repeat(65).as_str()]), Err(FilterError::Malformed));
        assert_eq!(EventFilter::parse([]), Err(FilterError::Count));
        assert_eq!(EventFilter::parse(std::iter::repeat_n("*", MAX_PATTERNS + 1)), Err(FilterError::Count));
    }
}
