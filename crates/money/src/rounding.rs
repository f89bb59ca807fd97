//! Decimal numbers that are not yet whole minor units, and the named ways to make them so.

use std::fmt;
use std::str::FromStr;

/// How a number between two neighbours becomes one of them. The names are those of the General Decimal Arithmetic
/// Specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rounding {
    /// To the nearer; from the middle to the even one ("bankers' rounding").
    HalfEven,
    /// To the nearer; from the middle away from zero (what an invoice does).
    HalfUp,
    /// To the nearer; from the middle towards zero.
    HalfDown,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
    /// Towards positive infinity.
    Ceiling,
    /// Towards negative infinity.
    Floor,
}

impl Rounding {
    /// `dividend / divisor` as a whole number, for a quotient with the given sign; the divisor is not 0.
    pub(crate) fn quotient(self, negative: bool, dividend: u128, divisor: u128) -> u128 {
        let (whole, remainder) = (dividend / divisor, dividend % divisor);
        let missing = divisor - remainder;
        let away_from_zero = remainder != 0
            && match self {
                Self::HalfEven => remainder > missing || (remainder == missing && whole % 2 == 1),
                Self::HalfUp => remainder >= missing,
                Self::HalfDown => remainder > missing,
                Self::Up => true,
                Self::Down => false,
                Self::Ceiling => !negative,
                Self::Floor => negative,
            };
        whole + u128::from(away_from_zero)
    }
}

/// A decimal number of at most [`Decimal::MOST_DIGITS`] digits, exactly as written: `1.50` has two decimals, and `-0`
/// keeps its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    negative: bool,
    /// The digits without sign and point, below 10^38.
    digits: u128,
    /// How many of the digits stand behind the point: at most 38.
    decimals: u8,
}

impl Decimal {
    /// How many digits a number may have, before and behind the point together.
    pub const MOST_DIGITS: u8 = 38;
    const LIMIT: u128 = 10_u128.pow(Self::MOST_DIGITS as u32);

    /// Reads an optional `-`, digits without needless leading zeros, and optionally a point and more digits.
    ///
    /// # Errors
    /// [`ParseDecimalError`] for everything else (`+1`, `01`, `.5`, `5.`, `1e3`, spaces) and for too many digits.
    pub fn parse(text: &str) -> Result<Self, ParseDecimalError> {
        let (negative, magnitude) = text.strip_prefix('-').map_or((false, text), |magnitude| (true, magnitude));
        let (whole, fraction) =
            magnitude.split_once('.').map_or((magnitude, None), |(whole, fraction)| (whole, Some(fraction)));
        let needless_zero = whole.len() > 1 && whole.starts_with('0');
        if !is_digits(whole) || needless_zero || fraction.is_some_and(|fraction| !is_digits(fraction)) {
            return Err(ParseDecimalError::NotADecimal);
        }
        let fraction = fraction.unwrap_or_default();
        let decimals = u8::try_from(fraction.len()).map_err(|_| ParseDecimalError::TooManyDigits)?;
        if whole.len() + fraction.len() > usize::from(Self::MOST_DIGITS) {
            return Err(ParseDecimalError::TooManyDigits);
        }
        let digits = whole.bytes().chain(fraction.bytes()).fold(0, append_digit);
        Ok(Self { negative, digits, decimals })
    }

    /// The number with exactly so many decimals.
    ///
    /// # Errors
    /// [`DecimalOutOfRange`] if that takes more than [`Self::MOST_DIGITS`] digits.
    pub fn round(self, decimals: u8, rounding: Rounding) -> Result<Self, DecimalOutOfRange> {
        let digits = if decimals >= self.decimals {
            let factor = power_of_ten(decimals - self.decimals).ok_or(DecimalOutOfRange)?;
            self.digits.checked_mul(factor)
        } else {
            let divisor = power_of_ten(self.decimals - decimals).ok_or(DecimalOutOfRange)?;
            Some(rounding.quotient(self.negative, self.digits, divisor))
        };
        let digits = digits.filter(|digits| *digits < Self::LIMIT && decimals <= Self::MOST_DIGITS);
        Ok(Self { digits: digits.ok_or(DecimalOutOfRange)?, decimals, ..self })
    }

    /// The number of minor units, for a currency whose minor unit is so many decimals away from the major one.
    ///
    /// # Errors
    /// [`DecimalOutOfRange`] as [`Self::round`].
    pub fn to_minor_units(self, minor_unit_digits: u8, rounding: Rounding) -> Result<i128, DecimalOutOfRange> {
        let rounded = self.round(minor_unit_digits, rounding)?;
        let magnitude = i128::try_from(rounded.digits).map_err(|_| DecimalOutOfRange)?;
        Ok(if rounded.negative { -magnitude } else { magnitude })
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn append_digit(number: u128, digit: u8) -> u128 {
    number * 10 + u128::from(digit - b'0')
}

fn power_of_ten(exponent: u8) -> Option<u128> {
    10_u128.checked_pow(u32::from(exponent))
}

impl FromStr for Decimal {
    type Err = ParseDecimalError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        let one = power_of_ten(self.decimals).unwrap_or(Self::LIMIT);
        let (whole, fraction) = (self.digits / one, self.digits % one);
        match self.decimals {
            0 => write!(f, "{sign}{whole}"),
            decimals => write!(f, "{sign}{whole}.{fraction:0width$}", width = usize::from(decimals)),
        }
    }
}

/// Why a text is not a decimal number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseDecimalError {
    /// Not digits with at most one point between them and at most a minus before them.
    NotADecimal,
    /// More than [`Decimal::MOST_DIGITS`] digits.
    TooManyDigits,
}

impl fmt::Display for ParseDecimalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotADecimal => f.write_str("must be digits with at most one decimal point, such as 0.0725 or -12.50"),
            Self::TooManyDigits => write!(f, "must have at most {} digits", Decimal::MOST_DIGITS),
        }
    }
}

impl std::error::Error for ParseDecimalError {}

/// The rounded number needs more than [`Decimal::MOST_DIGITS`] digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecimalOutOfRange;

impl fmt::Display for DecimalOutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "needs more than {} digits", Decimal::MOST_DIGITS)
    }
}

impl std::error::Error for DecimalOutOfRange {}
