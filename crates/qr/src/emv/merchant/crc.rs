//! The checksum of merchant-presented codes: CRC-16 with the polynomial 1021 hexadecimal and all ones to begin with, neither
//! reflected nor inverted (ISO/IEC 13239 as section 4.7.3 uses it).

const POLYNOMIAL: u16 = 0x1021;
const INITIAL: u16 = 0xFFFF;
/// How many bytes are taken at once.
const SLICE: usize = 8;

/// `TABLES[n][byte]` is what a byte does to the remainder when `n` more bytes follow it.
static TABLES: [[u16; 256]; SLICE] = tables();

const fn tables() -> [[u16; 256]; SLICE] {
    let mut tables = [[0; 256]; SLICE];
    let mut byte: u16 = 0;
    while byte < 256 {
        let mut remainder = byte << 8;
        let mut bit = 0;
        while bit < 8 {
            let overflows = remainder & 0x8000 != 0;
            remainder <<= 1;
            if overflows {
                remainder ^= POLYNOMIAL;
            }
            bit += 1;
        }
        tables[0][byte as usize] = remainder;
        byte += 1;
    }
    let mut slice = 1;
    while slice < SLICE {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[slice - 1][byte];
            tables[slice][byte] = (before << 8) ^ tables[0][(before >> 8) as usize];
            byte += 1;
        }
        slice += 1;
    }
    tables
}

/// The checksum of some bytes.
pub(crate) fn crc16(bytes: &[u8]) -> u16 {
    let (slices, rest) = bytes.as_chunks::<SLICE>();
    let remainder = slices.iter().fold(INITIAL, |remainder, slice| {
        let [high, low] = remainder.to_be_bytes();
        let [a, b, c, d, e, f, g, h] = *slice;
        look_up(7, a ^ high)
            ^ look_up(6, b ^ low)
            ^ look_up(5, c)
            ^ look_up(4, d)
            ^ look_up(3, e)
            ^ look_up(2, f)
            ^ look_up(1, g)
            ^ look_up(0, h)
    });
    rest.iter().fold(remainder, |remainder, byte| step(remainder, *byte))
}

/// The checksum of a text as ISO 8859-1 has it; `None` if the text has a character beyond.
pub(crate) fn crc16_of_latin_1(text: &str) -> Option<u16> {
    text.chars().try_fold(INITIAL, |remainder, character| {
        u8::try_from(u32::from(character)).ok().map(|byte| step(remainder, byte))
    })
}

/// A checksum as it is written: four hexadecimal digits.
pub(crate) fn parse(text: &str) -> Option<u16> {
    let is_right = text.len() == 4 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_right.then(|| u16::from_str_radix(text, 16).ok())?
}

fn step(remainder: u16, byte: u8) -> u16 {
    let [high, low] = remainder.to_be_bytes();
    look_up(0, byte ^ high) ^ (u16::from(low) << 8)
}

fn look_up(table: usize, byte: u8) -> u16 {
    TABLES[table][usize::from(byte)]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bit by bit, as the polynomial division is done by hand.
    fn by_hand(bytes: &[u8]) -> u16 {
        bytes.iter().fold(INITIAL, |remainder, byte| {
            (0..8).fold(remainder ^ (u16::from(*byte) << 8), |remainder, _| {
                if remainder & 0x8000 == 0 { remainder << 1 } else { (remainder << 1) ^ POLYNOMIAL }
            })
        })
    }

    #[test]
    fn the_check_value_is_that_of_the_catalogues() {
        assert_eq!(crc16(b"123456789"), 0x29B1);
        assert_eq!(crc16(b""), 0xFFFF);
    }

    #[test]
    fn eight_bytes_at_once_give_what_single_bits_give() {
        let bytes: Vec<u8> = (0..=255).map(|byte: u8| byte.wrapping_mul(167)).collect();
        for end in 0..bytes.len() {
            assert_eq!(crc16(&bytes[..end]), by_hand(&bytes[..end]), "{end}");
        }
    }

    #[test]
    fn latin_1_takes_one_byte_a_character() {
        assert_eq!(crc16_of_latin_1("CAFÉ"), Some(by_hand(b"CAF\xC9")));
        assert_eq!(crc16_of_latin_1("京"), None);
    }
}
