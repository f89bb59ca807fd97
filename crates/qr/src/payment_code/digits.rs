//! The 24 digits.

use std::fmt;
use std::str::FromStr;

use super::check_digit::check_digit;

/// How many digits there are.
const DIGITS: usize = 24;

/// How many names an issuer number has, and how many values a MAC.
pub(super) const HANDLES: u32 = 1_000_000;
pub(super) const MACS: u64 = 1_000_000_000;

/// What a code is for: 00 to 99. It is covered by the MAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessType(u8);

impl BusinessType {
    /// Paying in a shop.
    pub const PAYMENT: Self = Self(1);

    /// The type of a number.
    ///
    /// # Errors
    /// [`NoSuchBusinessType`] if it has more than two digits.
    pub fn new(number: u8) -> Result<Self, NoSuchBusinessType> {
        if number < 100 { Ok(Self(number)) } else { Err(NoSuchBusinessType) }
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u8 {
        self.0
    }
}

/// The number has more than two digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a business type has two digits")]
pub struct NoSuchBusinessType;

/// A payment code with a right check digit; that is all that is known of it. Its Debug form is redacted: a code is as good as
/// money while its minute lasts. Displays as its digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PaymentCode {
    pub(super) issuer: u32,
    pub(super) business: BusinessType,
    pub(super) handle: u32,
    pub(super) mac: u32,
}

impl PaymentCode {
    /// The issuer's number, six digits, by which codes find their platform.
    #[must_use]
    pub fn issuer(&self) -> u32 {
        self.issuer
    }

    /// What the code is for.
    #[must_use]
    pub fn business(&self) -> BusinessType {
        self.business
    }

    /// All digits but the check digit, as a number.
    fn body(self) -> u128 {
        let head = u128::from(self.issuer) * 100 + u128::from(self.business.0);
        (head * u128::from(HANDLES) + u128::from(self.handle)) * u128::from(MACS) + u128::from(self.mac)
    }
}

impl FromStr for PaymentCode {
    type Err = MalformedCode;

    fn from_str(text: &str) -> Result<Self, MalformedCode> {
        let digits: &[u8; DIGITS] = text.as_bytes().try_into().map_err(|_| MalformedCode::Form)?;
        if !digits.iter().all(u8::is_ascii_digit) {
            return Err(MalformedCode::Form);
        }
        if check_digit(digits.iter().map(|digit| digit - b'0')) != 0 {
            return Err(MalformedCode::CheckDigit);
        }
        let number = |range: std::ops::Range<usize>| {
            digits[range].iter().fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'))
        };
        let business = BusinessType((digits[6] - b'0') * 10 + digits[7] - b'0');
        Ok(Self { issuer: number(0..6), business, handle: number(8..14), mac: number(14..23) })
    }
}

impl fmt::Display for PaymentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let body = format!("{:023}", self.body());
        write!(f, "{body}{}", check_digit(body.bytes().map(|digit| digit - b'0')))
    }
}

impl fmt::Debug for PaymentCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PaymentCode({:06}…)", self.issuer)
    }
}

/// Why a text is no payment code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedCode {
    /// It is not 24 digits.
    #[error("a payment code is 24 digits")]
    Form,
    /// The check digit says that a digit is wrong.
    #[error("a digit of the code is wrong: type or scan it again")]
    CheckDigit,
}

impl MalformedCode {
    /// The stable word.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Form => "payment_code_malformed",
            Self::CheckDigit => "payment_code_mistyped",
        }
    }
}
