//! Bytes as hexadecimal text.

/// The bytes of exactly `2 * N` digits of either case.
pub(crate) fn decode<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}

/// Two capital digits for each byte.
pub(crate) fn encode(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_it_writes_and_refuses_the_rest() {
        let bytes = [0x00, 0x7f, 0x80, 0xab, 0xff];
        assert_eq!(encode(&bytes), "007F80ABFF");
        assert_eq!(decode(&encode(&bytes)), Some(bytes));
        assert_eq!(decode("ab"), Some([0xab]));
        for wrong in ["", "a", "abc", "abcd", "+a", "g0", "é"] {
            assert_eq!(decode::<1>(wrong), None, "{wrong}");
        }
    }
}
