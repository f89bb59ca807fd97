//! The number that is printed on a label, for people to read out and type.
//!
//! Twelve characters of Crockford's base32 (no I, L, O, U): six for the order, five for the label's number in it, one
//! check character. On the label they stand in groups of four, `K7M4-QX00-001E`.
//!
//! The check character is Damm's scheme for a base that is a power of two (H. M. Damm, *Total anti-symmetrische
//! Quasigruppen*, 2004): `x * y = 2(x + y)` in the field of 32 elements with `x^5 + x^2 + 1`. It finds every single wrong
//! character and every two that changed places, neighbours or not.

use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const ORDER_CHARACTERS: usize = 6;

/// Which order: 30 bits, six characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderCode(u32);

impl OrderCode {
    /// The order of the lowest 30 of these bits.
    #[must_use]
    pub fn from_bits(bits: u32) -> Self {
        Self(bits & 0x3FFF_FFFF)
    }
}

impl fmt::Display for OrderCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; ORDER_CHARACTERS];
        write_digits(self.0, &mut text);
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl FromStr for OrderCode {
    type Err = SerialError;

    /// Six characters as [`Serial`] takes them.
    fn from_str(text: &str) -> Result<Self, SerialError> {
        Ok(Self(number(&values::<ORDER_CHARACTERS>(text)?)))
    }
}

/// A label's serial. It displays as its twelve characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial {
    order: OrderCode,
    number: u32,
}

impl Serial {
    /// Characters of a serial.
    pub const LENGTH: usize = 12;
    /// The highest number of a label in its order; the lowest is 1.
    pub const NUMBER_MAX: u32 = (1 << 25) - 1;

    /// The serial of the label with that number, if it is one from 1 to [`Self::NUMBER_MAX`].
    #[must_use]
    pub fn new(order: OrderCode, number: u32) -> Option<Self> {
        (1..=Self::NUMBER_MAX).contains(&number).then_some(Self { order, number })
    }

    /// Of which order.
    #[must_use]
    pub fn order(self) -> OrderCode {
        self.order
    }

    /// Which label of the order, counted from 1.
    #[must_use]
    pub fn number(self) -> u32 {
        self.number
    }

    /// The characters, in ASCII.
    #[must_use]
    pub fn to_ascii(self) -> [u8; Self::LENGTH] {
        let mut text = [0; Self::LENGTH];
        write_digits(self.order.0, &mut text[..ORDER_CHARACTERS]);
        write_digits(self.number, &mut text[ORDER_CHARACTERS..Self::LENGTH - 1]);
        let check = check(text[..Self::LENGTH - 1].iter().filter_map(|character| value(*character)));
        text[Self::LENGTH - 1] = ALPHABET[usize::from(check & 31)];
        text
    }

    /// As it is printed, in groups of four.
    #[must_use]
    pub fn grouped(self) -> String {
        let text = self.to_string();
        let (first, rest) = text.split_at(4);
        let (second, third) = rest.split_at(4);
        format!("{first}-{second}-{third}")
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.to_ascii()).unwrap_or_default())
    }
}

impl FromStr for Serial {
    type Err = SerialError;

    /// Takes what people type: either case, with or without hyphens and spaces, and, as Crockford has it, I and L for 1 and
    /// O for 0.
    fn from_str(text: &str) -> Result<Self, SerialError> {
        let values = values::<{ Self::LENGTH }>(text)?;
        if check(values.iter().copied()) != 0 {
            return Err(SerialError::CheckCharacter);
        }
        let order = OrderCode(number(&values[..ORDER_CHARACTERS]));
        Self::new(order, number(&values[ORDER_CHARACTERS..Self::LENGTH - 1])).ok_or(SerialError::NumberZero)
    }
}

/// Why text is no serial, or no code of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SerialError {
    /// Too short or too long; hyphens and spaces do not count.
    #[error("it must have {expected} characters besides hyphens, not {found}")]
    Length {
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// Nothing that is ever printed.
    #[error("{0:?} is in no serial")]
    Character(char),
    /// Misread or mistyped.
    #[error("the check character does not fit: something was misread")]
    CheckCharacter,
    /// Labels are counted from 1.
    #[error("no label has number 0")]
    NumberZero,
}

fn values<const N: usize>(text: &str) -> Result<[u8; N], SerialError> {
    let mut values = [0; N];
    let mut found = 0;
    for character in text.chars().filter(|character| !matches!(character, '-' | ' ')) {
        let value = u8::try_from(character).ok().and_then(value).ok_or(SerialError::Character(character))?;
        if let Some(place) = values.get_mut(found) {
            *place = value;
        }
        found += 1;
    }
    if found == N { Ok(values) } else { Err(SerialError::Length { expected: N, found }) }
}

fn value(character: u8) -> Option<u8> {
    let character = match character.to_ascii_uppercase() {
        b'I' | b'L' => b'1',
        b'O' => b'0',
        character => character,
    };
    ALPHABET.iter().position(|known| *known == character).and_then(|value| u8::try_from(value).ok())
}

fn number(values: &[u8]) -> u32 {
    values.iter().fold(0, |number, value| number << 5 | u32::from(*value))
}

fn write_digits(mut number: u32, text: &mut [u8]) {
    for character in text.iter_mut().rev() {
        *character = ALPHABET[(number & 31) as usize];
        number >>= 5;
    }
}

/// Zero if the last value checks those before it; over those before it, the value that does.
fn check(values: impl Iterator<Item = u8>) -> u8 {
    values.fold(0, |interim, value| {
        let sum = interim ^ value;
        (sum << 1) ^ (if sum & 16 == 0 { 0 } else { 0x25 })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn serial() -> impl Strategy<Value = Serial> {
        (any::<u32>(), 1..=Serial::NUMBER_MAX)
            .prop_map(|(order, number)| Serial::new(OrderCode::from_bits(order), number).unwrap())
    }

    fn parse(text: &[u8]) -> Result<Serial, SerialError> {
        std::str::from_utf8(text).unwrap().parse()
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read(serial in serial()) {
            prop_assert_eq!(serial.to_string().parse(), Ok(serial));
            prop_assert_eq!(serial.grouped().to_lowercase().parse(), Ok(serial));
            let typed = serial.grouped().replace('1', "l").replace('0', "O").replace('-', " ");
            prop_assert_eq!(typed.parse(), Ok(serial));
        }

        #[test]
        fn every_single_error_and_every_swap_is_found(serial in serial()) {
            let text = serial.to_ascii();
            for place in 0..Serial::LENGTH {
                for other in ALPHABET.iter().filter(|other| **other != text[place]) {
                    let mut wrong = text;
                    wrong[place] = *other;
                    prop_assert_eq!(parse(&wrong), Err(SerialError::CheckCharacter));
                }
                for with in (place + 1..Serial::LENGTH).filter(|with| text[*with] != text[place]) {
                    let mut wrong = text;
                    wrong.swap(place, with);
                    prop_assert_eq!(parse(&wrong), Err(SerialError::CheckCharacter));
                }
            }
        }
    }

    /// All pairs of neighbours at all places, not only those that random serials happen to have.
    #[test]
    fn every_swap_of_any_two_neighbours_is_found() {
        for place in 0..Serial::LENGTH - 2 {
            for (first, second) in (0..32).flat_map(|a| (0..32).map(move |b| (a, b))).filter(|(a, b)| a != b) {
                let mut values = [7u8; Serial::LENGTH];
                (values[place], values[place + 1]) = (first, second);
                values[Serial::LENGTH - 1] = check(values[..Serial::LENGTH - 1].iter().copied());
                assert_eq!(check(values.into_iter()), 0);
                values.swap(place, place + 1);
                assert_ne!(check(values.into_iter()), 0);
            }
        }
    }

    #[test]
    fn everything_else_has_its_own_error() {
        assert_eq!("".parse::<Serial>(), Err(SerialError::Length { expected: 12, found: 0 }));
        assert_eq!("K7M4-QX00-001".parse::<Serial>(), Err(SerialError::Length { expected: 12, found: 11 }));
        assert_eq!("K7M4-QX00-0010-0".parse::<Serial>(), Err(SerialError::Length { expected: 12, found: 13 }));
        assert_eq!("K7M4-QU00-0010".parse::<Serial>(), Err(SerialError::Character('U')));
        assert_eq!("K7M4-Qé00-0010".parse::<Serial>(), Err(SerialError::Character('é')));
        assert_eq!("0000-0000-0000".parse::<Serial>(), Err(SerialError::NumberZero));
        assert_eq!("0000-0000-0001".parse::<Serial>(), Err(SerialError::CheckCharacter));
        assert_eq!(Serial::new(OrderCode(1), 0), None);
        assert_eq!(Serial::new(OrderCode(1), Serial::NUMBER_MAX + 1), None);
        assert_eq!("k7m4qx".parse::<OrderCode>().unwrap().to_string(), "K7M4QX");
    }

    /// Serials are on labels for ever: these may not change.
    #[test]
    fn golden_serials() {
        let order: OrderCode = "K7M4QX".parse().unwrap();
        let serial = |number| Serial::new(order, number).unwrap().grouped();
        assert_eq!([serial(1), serial(2), serial(10_000_000)], GOLDEN);
    }

    const GOLDEN: [&str; 3] = ["K7M4-QX00-001E", "K7M4-QX00-0028", "K7M4-QX9H-5M0E"];
}
