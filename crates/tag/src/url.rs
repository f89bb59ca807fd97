//! What is wrong with a URL that is not the URL of a tap.
//!
//! Strict about everything that decides: two readers of one URL must not see two different taps.

use crate::sdm::Mirror;

/// Far more than an NTAG 424 DNA can hold (256 bytes), and little enough to read in no time.
pub(crate) const MAX_LENGTH: usize = 512;

pub(crate) fn check_characters(url: &str) -> Result<(), MalformedUrl> {
    if url.len() > MAX_LENGTH {
        return Err(MalformedUrl::TooLong);
    }
    if !url.bytes().all(|byte| LEGAL[usize::from(byte)]) {
        return Err(MalformedUrl::IllegalCharacter);
    }
    let escaped = |after: &str| after.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    if url.split('%').skip(1).all(escaped) { Ok(()) } else { Err(MalformedUrl::BrokenEscape) }
}

/// Which characters RFC 3986 allows anywhere (section 2: unreserved, reserved and the escape's own). A table, because
/// the digits of a tap are random and would mislead every branch.
static LEGAL: [bool; 256] = {
    let mut legal = [false; 256];
    let allowed = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/?#[]@!$&'()*+,;=%";
    let mut i = 0;
    while i < allowed.len() {
        legal[allowed[i] as usize] = true;
        i += 1;
    }
    legal
};

/// The part before the query: scheme and host, and the path, which is `/` if there is none.
pub(crate) fn split_address(address: &str) -> Result<(&str, &str), MalformedUrl> {
    let (scheme, rest) = address.split_once("://").ok_or(MalformedUrl::NotAbsolute)?;
    let scheme_is_valid = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let (host, path) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
    if !scheme_is_valid || host.is_empty() {
        return Err(MalformedUrl::NotAbsolute);
    }
    Ok((host, path))
}

/// Why a text is not the URL of a tap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedUrl {
    /// No tag can say so much.
    #[error("the URL is longer than {MAX_LENGTH} bytes")]
    TooLong,
    /// A space, a letter outside ASCII, or another character that a URL must escape.
    #[error("the URL has a character that RFC 3986 does not allow")]
    IllegalCharacter,
    /// A `%` without two hexadecimal digits.
    #[error("the URL has a % without two hexadecimal digits")]
    BrokenEscape,
    /// It does not begin with a scheme and a host.
    #[error("the URL must begin with a scheme and a host, such as https://pay.example")]
    NotAbsolute,
    /// It leads somewhere else.
    #[error("the URL's path is not the one that tags are given")]
    WrongPath,
    /// There is nothing after the path.
    #[error("the URL has no query")]
    NoQuery,
    /// There is no fragment, in which something would be mirrored.
    #[error("the URL has no fragment")]
    NoFragment,
    /// A parameter's name has a `%` escape, and so could pass for another one.
    #[error("the URL has a parameter whose name is escaped")]
    EscapedName,
    /// The parameter with something that must be there is not.
    #[error("the URL has no {0}")]
    Missing(Mirror),
    /// A parameter that must be there once is there twice.
    #[error("the URL has the {0} twice")]
    Duplicated(Mirror),
    /// A parameter has too few or too many characters.
    #[error("the URL's {mirror} must have {expected} characters, not {found}")]
    WrongLength {
        /// What is mirrored in it.
        mirror: Mirror,
        /// How many characters it must have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
    /// A character where a hexadecimal digit must be.
    #[error("the URL's {0} must be hexadecimal digits only")]
    NotHexadecimal(Mirror),
    /// Not two of the letters `C`, `O` and `I`.
    #[error("the URL's tamper status must be two of the letters C, O and I")]
    NoTamperStatus,
    /// What is the same in all URLs of the tag is different.
    #[error("the URL has other text than the tag's around what the tag mirrors")]
    OtherText,
}
