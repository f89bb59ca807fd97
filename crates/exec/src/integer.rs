//! Unsigned integers in JSON: strings of decimal digits, which every language keeps exact, or numbers below 2^53, which
//! every language keeps exact too.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Visitor};

/// Numbers from here on lose digits in languages whose numbers are all floating.
const FIRST_INEXACT: u64 = 1 << 53;

/// The most digits that always fit 64 bits.
const DIGITS_OF_64_BITS: usize = 19;

/// An unsigned integer of the protocol.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Integer<T>(pub(crate) T);

/// The types that fields have.
pub(crate) trait Unsigned: Copy + TryFrom<u128> {
    /// The highest value.
    const MAX: u128;
}

macro_rules! unsigned {
    ($($type:ty),*) => { $(impl Unsigned for $type { const MAX: u128 = <$type>::MAX as u128; })* };
}
unsigned!(u16, u32, u64, u128);

impl<'de, T: Unsigned> Deserialize<'de> for Integer<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IntegerVisitor(PhantomData))
    }
}

struct IntegerVisitor<T>(PhantomData<T>);

impl<T: Unsigned> Visitor<'_> for IntegerVisitor<T> {
    type Value = Integer<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a whole number from 0 to {}: a string of decimal digits, or a JSON integer below 2^53", T::MAX)
    }

    fn visit_str<E: Error>(self, digits: &str) -> Result<Self::Value, E> {
        match parse_digits(digits.as_bytes()) {
            Ok(value) => in_range(value),
            Err(NotAnInteger::TooLarge) => Err(too_large::<T, E>()),
            Err(NotAnInteger::NotDigits) => {
                Err(E::custom("a string with a number holds decimal digits and nothing else"))
            }
        }
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        if number >= FIRST_INEXACT {
            return Err(E::custom("numbers from 2^53 on must be strings of decimal digits"));
        }
        in_range(number.into())
    }
}

fn in_range<T: Unsigned, E: Error>(value: u128) -> Result<Integer<T>, E> {
    T::try_from(value).map(Integer).map_err(|_| too_large::<T, E>())
}

fn too_large<T: Unsigned, E: Error>() -> E {
    E::custom(format_args!("at most {} fits here", T::MAX))
}

#[derive(Debug, PartialEq, Eq)]
enum NotAnInteger {
    NotDigits,
    TooLarge,
}

fn parse_digits(digits: &[u8]) -> Result<u128, NotAnInteger> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(NotAnInteger::NotDigits);
    }
    // Arithmetic of 64 bits is a quarter of the work.
    let (high, low) = digits.split_at(digits.len().saturating_sub(DIGITS_OF_64_BITS));
    let low = low.iter().fold(0, |value: u64, digit| value * 10 + u64::from(digit - b'0'));
    if high.is_empty() {
        return Ok(low.into());
    }
    let high = high.iter().try_fold(0_u128, |value, digit| value.checked_mul(10)?.checked_add((digit - b'0').into()));
    let shifted = high.and_then(|high| high.checked_mul(10_u128.pow(19)));
    shifted.and_then(|high| high.checked_add(low.into())).ok_or(NotAnInteger::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_length_are_read() {
        let mut value = 1_u128;
        loop {
            for value in [value - 1, value, value + 1] {
                assert_eq!(parse_digits(value.to_string().as_bytes()), Ok(value));
            }
            let Some(next) = value.checked_mul(10) else { break };
            value = next;
        }
        assert_eq!(parse_digits(u128::MAX.to_string().as_bytes()), Ok(u128::MAX));
        assert_eq!(parse_digits(b"00000000000000000000000000000000000000000000000007"), Ok(7));
    }

    #[test]
    fn what_is_no_integer_of_128_bits_is_refused() {
        for text in ["", " 1", "1 ", "+1", "-1", "1.0", "1e3", "0x1", "1_000", "١"] {
            assert_eq!(parse_digits(text.as_bytes()), Err(NotAnInteger::NotDigits), "{text}");
        }
        for text in ["340282366920938463463374607431768211456", "1000000000000000000000000000000000000000"] {
            assert_eq!(parse_digits(text.as_bytes()), Err(NotAnInteger::TooLarge), "{text}");
        }
    }
}
