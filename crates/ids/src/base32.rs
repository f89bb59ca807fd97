//! Crockford's base32 of 128 bits in 26 lower-case characters, strict as the TypeID specification asks: no upper case,
//! no look-alikes, no hyphens.

/// Characters of an encoded id.
pub(crate) const LENGTH: usize = 26;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

const INVALID: u8 = 0xff;
const VALUES: [u8; 256] = {
    let mut values = [INVALID; 256];
    let mut value = 0;
    while value < 32 {
        values[ALPHABET[value as usize] as usize] = value;
        value += 1;
    }
    values
};

pub(crate) fn encode(bits: u128, buffer: &mut [u8; LENGTH]) -> &str {
    let mut rest = bits;
    for character in buffer.iter_mut().rev() {
        *character = ALPHABET[(rest & 31) as usize];
        rest >>= 5;
    }
    std::str::from_utf8(buffer).unwrap_or_default()
}

pub(crate) fn decode(text: &str) -> Option<u128> {
    let text: &[u8; LENGTH] = text.as_bytes().try_into().ok()?;
    // 26 characters hold 130 bits: the first may not use the upper two.
    if VALUES[text[0] as usize] > 7 {
        return None;
    }
    text.iter().try_fold(0u128, |bits, &character| {
        let value = VALUES[character as usize];
        (value != INVALID).then_some(bits << 5 | u128::from(value))
    })
}
