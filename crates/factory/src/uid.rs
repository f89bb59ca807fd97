//! The UID of a chip as lists write it.

use tag::Uid;

const UID_BYTES: usize = 7;
/// NXP's number among makers of chips (ISO/IEC 7816-6).
const NXP: u8 = 0x04;

/// Reads a UID: 14 hexadecimal digits of either case, with `0x` before them or not, with colons, hyphens or spaces between
/// the bytes or not.
///
/// # Errors
/// [`UidProblem`], which says what it is instead.
pub fn parse_uid(text: &str) -> Result<Uid, UidProblem> {
    let text = text.trim();
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
    if digits.is_empty() {
        return Err(UidProblem::Empty);
    }
    let mut bytes = [0; UID_BYTES];
    let mut found = 0;
    let mut high = None;
    let mut after_separator = true;
    for character in digits.chars() {
        match (nibble(character), high) {
            (Some(nibble), None) => high = Some(nibble),
            (Some(low), Some(digit)) => {
                if let Some(byte) = bytes.get_mut(found / 2) {
                    *byte = digit << 4 | low;
                }
                high = None;
            }
            (None, None) if matches!(character, ':' | '-' | ' ') && !after_separator => {
                after_separator = true;
                continue;
            }
            (None, _) if matches!(character, ':' | '-' | ' ') => return Err(UidProblem::Separator),
            (None, _) => return Err(UidProblem::NoHexadecimal(character)),
        }
        found += 1;
        after_separator = false;
    }
    match (found, bytes) {
        _ if after_separator => Err(UidProblem::Separator),
        (14, [NXP, ..]) => Ok(Uid(bytes)),
        (14, [.., NXP]) => Err(UidProblem::Backwards),
        (14, [maker, ..]) => Err(UidProblem::OtherMaker(maker)),
        (8, [0x08, ..]) => Err(UidProblem::RandomIdentifier),
        (digits, _) if digits % 2 == 1 => Err(UidProblem::OddLength(digits)),
        (digits, _) => Err(UidProblem::Length(digits)),
    }
}

/// The byte of two digits.
pub(crate) fn byte([high, low]: [u8; 2]) -> Option<u8> {
    Some(nibble(char::from(high))? << 4 | nibble(char::from(low))?)
}

fn nibble(digit: char) -> Option<u8> {
    digit.to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// A UID in the low 56 bits: eight bytes each where there are millions. None is zero, as none begins with it.
pub(crate) fn to_bits(Uid([a, b, c, d, e, f, g]): Uid) -> u64 {
    u64::from_be_bytes([0, a, b, c, d, e, f, g])
}

pub(crate) fn from_bits(bits: u64) -> Uid {
    let [_, a, b, c, d, e, f, g] = bits.to_be_bytes();
    Uid([a, b, c, d, e, f, g])
}

/// Why text is not the UID of an NTAG 424 DNA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UidProblem {
    /// There is nothing.
    #[error("the UID is empty")]
    Empty,
    /// Something else is written there.
    #[error("{0:?} is no hexadecimal digit")]
    NoHexadecimal(char),
    /// Separators stand between bytes, one at a time.
    #[error("a separator is not between two bytes")]
    Separator,
    /// Half a byte too much or too little.
    #[error("{0} hexadecimal digits are no whole bytes")]
    OddLength(usize),
    /// Another number of bytes.
    #[error("a UID has 14 hexadecimal digits, not {0}")]
    Length(usize),
    /// Four bytes from 08 on: the chip was made to show another one each time (ISO/IEC 14443-3).
    #[error("this is a random identifier, which the chip makes anew each time: read the UID itself (GetCardUID)")]
    RandomIdentifier,
    /// It ends with what it should begin with.
    #[error("the UID ends with 04: it was written backwards")]
    Backwards,
    /// Not one of NXP's.
    #[error("the UID begins with {0:02X}, NXP's begin with 04: these are other chips")]
    OtherMaker(u8),
}

impl UidProblem {
    /// A stable name for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Empty => "uid_empty",
            Self::NoHexadecimal(_) => "uid_not_hexadecimal",
            Self::Separator => "uid_separator",
            Self::OddLength(_) => "uid_odd_length",
            Self::Length(_) => "uid_length",
            Self::RandomIdentifier => "uid_random_identifier",
            Self::Backwards => "uid_backwards",
            Self::OtherMaker(_) => "uid_other_maker",
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_way_of_writing_a_uid_is_read() {
        let uid = Uid([0x04, 0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6]);
        for text in [
            "04A1B2C3D4E5F6",
            "04a1b2c3d4e5f6",
            " 04A1B2C3D4E5F6 ",
            "0x04A1B2C3D4E5F6",
            "04:A1:B2:C3:D4:E5:F6",
            "04-a1-b2-c3-d4-e5-f6",
            "04 A1 B2 C3 D4 E5 F6",
        ] {
            assert_eq!(parse_uid(text), Ok(uid), "{text}");
        }
        assert_eq!(from_bits(to_bits(uid)), uid);
    }

    #[test]
    fn everything_else_has_its_own_error() {
        for (text, problem) in [
            ("", UidProblem::Empty),
            ("0x", UidProblem::Empty),
            ("04A1B2C3D4E5FG", UidProblem::NoHexadecimal('G')),
            ("04A1B2C3D4E5Fé", UidProblem::NoHexadecimal('é')),
            ("04::A1B2C3D4E5F6", UidProblem::Separator),
            ("0:4A1B2C3D4E5F6", UidProblem::Separator),
            (":04A1B2C3D4E5F6", UidProblem::Separator),
            ("04A1B2C3D4E5F6:", UidProblem::Separator),
            ("04A1B2C3D4E5F", UidProblem::OddLength(13)),
            ("04A1B2C3D4E5", UidProblem::Length(12)),
            ("8804A1B2C3D4E5F6", UidProblem::Length(16)),
            ("08A1B2C3", UidProblem::RandomIdentifier),
            ("F6E5D4C3B2A104", UidProblem::Backwards),
            ("02A1B2C3D4E5F6", UidProblem::OtherMaker(2)),
        ] {
            assert_eq!(parse_uid(text), Err(problem), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_odd(text in "[0-9A-Fa-f: xX-]{0,40}|.{0,20}") {
            if let Ok(Uid(bytes)) = parse_uid(&text) {
                let digits: String = text.trim().chars().filter(char::is_ascii_hexdigit).collect();
                let written = tag::Uid(bytes).to_string().to_lowercase();
                prop_assert!(digits.to_lowercase().ends_with(&written));
            }
        }
    }
}
