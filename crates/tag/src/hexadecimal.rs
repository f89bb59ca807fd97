//! Hexadecimal text, as the chip mirrors it.

use alloc::string::String;
use alloc::vec::Vec;

/// The bytes of exactly `2 * N` hexadecimal digits of either case.
pub(crate) fn decode<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    let mut invalid = 0;
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let (high, low) = (NIBBLES[usize::from(*high)], NIBBLES[usize::from(*low)]);
        invalid |= high | low;
        *byte = high << 4 | low;
    }
    (invalid <= 0x0F).then_some(bytes)
}

/// The bytes of any even number of digits.
pub(crate) fn decode_any(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| {
        let (high, low) = (NIBBLES[usize::from(*high)], NIBBLES[usize::from(*low)]);
        ((high | low) <= 0x0F).then_some(high << 4 | low)
    };
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

/// What a digit is worth, or `0xFF`. A table, because the digits of a tap are random and would mislead every branch.
static NIBBLES: [u8; 256] = {
    let mut nibbles = [0xFF; 256];
    let mut value = 0;
    while value < 16 {
        nibbles[b"0123456789ABCDEF"[value as usize] as usize] = value;
        nibbles[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    nibbles
};

/// Two upper-case digits for each byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]).map(|nibble| DIGITS[usize::from(nibble)]).collect()
}
