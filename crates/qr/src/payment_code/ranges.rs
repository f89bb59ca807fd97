//! Whose code a code is: a table of issuer ranges, so that other wallets' codes reach their partner.

use std::collections::BTreeMap;

/// Ranges of leading digits and the partners to whom codes with them go.
///
/// Read from lines `first,last,shortest,longest,partner`; what follows `#` is a comment. First and last have the same number of digits,
/// 1 to 8; lengths count the digits of a code, 16 to 24. Of several ranges that a code fits, the one with the most digits counts;
/// two with as many must not overlap.
///
/// ```
/// use qr::payment_code::IssuerRanges;
///
/// let ranges = IssuerRanges::parse("25,30,16,24,harbour\n288800,288899,24,24,tapstone # ours")?;
/// assert_eq!(ranges.partner("2812345678901234"), Some("harbour"));
/// assert_eq!(ranges.partner("288801011234561234567891"), Some("tapstone"));
/// # Ok::<(), qr::payment_code::IssuerRangesError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IssuerRanges {
    partners: Vec<String>,
    /// By the code's length, then by the number of leading digits; ascending, without overlaps.
    ranges: BTreeMap<(usize, usize), Vec<Range>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Range {
    first: u32,
    last: u32,
    /// Its place among the partners.
    partner: usize,
}

/// The most leading digits of a range.
const DIGITS_MAX: usize = 8;

/// The lengths of payment codes in circulation.
const LENGTHS: std::ops::RangeInclusive<usize> = 16..=24;

impl IssuerRanges {
    /// The most lines of a table.
    pub const LINES_MAX: usize = 10_000;

    /// The table of these lines.
    ///
    /// # Errors
    /// [`IssuerRangesError`] with the number of the line at fault.
    pub fn parse(table: &str) -> Result<Self, IssuerRangesError> {
        let mut ranges = Self::default();
        for (number, line) in (1..).zip(table.lines()) {
            let line = line.split('#').next().unwrap_or_default().trim();
            if number > Self::LINES_MAX {
                return Err(IssuerRangesError::TooLong);
            }
            if !line.is_empty() {
                ranges.add(line, number)?;
            }
        }
        Ok(ranges)
    }

    fn add(&mut self, line: &str, number: usize) -> Result<(), IssuerRangesError> {
        let fields: Vec<_> = line.split(',').map(str::trim).collect();
        let [first, last, shortest, longest, partner] = fields[..] else {
            return Err(IssuerRangesError::Malformed { line: number });
        };
        let malformed = || IssuerRangesError::Malformed { line: number };
        let digits = first.len();
        let are_digits =
            [first, last, shortest, longest].iter().all(|text| text.bytes().all(|digit| digit.is_ascii_digit()));
        if !are_digits || last.len() != digits || !(1..=DIGITS_MAX).contains(&digits) || partner.is_empty() {
            return Err(malformed());
        }
        let range = Range {
            first: first.parse().map_err(|_| malformed())?,
            last: last.parse().map_err(|_| malformed())?,
            partner: self.partners.len(),
        };
        let (shortest, longest): (usize, usize) =
            (shortest.parse().map_err(|_| malformed())?, longest.parse().map_err(|_| malformed())?);
        let lengths = shortest..=longest;
        if range.first > range.last || lengths.is_empty() || !lengths.clone().all(|length| LENGTHS.contains(&length)) {
            return Err(malformed());
        }
        self.partners.push(partner.to_owned());
        lengths.into_iter().try_for_each(|length| self.insert(length, digits, range, number))
    }

    fn insert(&mut self, length: usize, digits: usize, range: Range, line: usize) -> Result<(), IssuerRangesError> {
        let alike = self.ranges.entry((length, digits)).or_default();
        let place = alike.partition_point(|other| other.last < range.first);
        if alike.get(place).is_some_and(|other| other.first <= range.last) {
            return Err(IssuerRangesError::Overlap { line });
        }
        alike.insert(place, range);
        Ok(())
    }

    /// The partner to whom a code goes; `None` if it is nobody's, or is not digits.
    #[must_use]
    pub fn partner(&self, code: &str) -> Option<&str> {
        if !LENGTHS.contains(&code.len()) || !code.bytes().all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        (1..=DIGITS_MAX).rev().find_map(|digits| {
            let prefix: u32 = code.get(..digits)?.parse().ok()?;
            let alike = self.ranges.get(&(code.len(), digits))?;
            let range = alike.get(alike.partition_point(|range| range.last < prefix))?;
            (range.first <= prefix).then(|| self.partners.get(range.partner).map(String::as_str))?
        })
    }
}

/// Why lines are no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssuerRangesError {
    /// A line is not `first,last,shortest,longest,partner`.
    #[error("line {line}: must be first,last,shortest,longest,partner, such as 25,30,16,24,harbour")]
    Malformed {
        /// Which line, from 1.
        line: usize,
    },
    /// A range overlaps another with as many digits, for codes of the same length.
    #[error("line {line}: overlaps a range before it that has as many digits")]
    Overlap {
        /// Which line, from 1.
        line: usize,
    },
    /// There are too many lines.
    #[error("a table has at most {} lines", IssuerRanges::LINES_MAX)]
    TooLong,
}
