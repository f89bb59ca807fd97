//! The URL of a tap, `scheme://host/…/t?e=<32 hex>&c=<16 hex>`, and what is wrong with others.
//!
//! Strict about everything that decides: two readers of one URL must not see two different taps. What does not decide
//! (scheme, host, the path before `/t`, other parameters, a fragment) may be anything that RFC 3986 allows, because
//! proxies and analytics change it.

use core::fmt;

use crate::hexadecimal;
use crate::sdm::SdmMac;

/// Far more than an NTAG 424 DNA can hold (256 bytes), and little enough to read in no time.
const MAX_LENGTH: usize = 512;

/// What a tap's URL carries.
#[derive(Clone, Copy)]
pub(crate) struct TapUrl {
    pub(crate) encrypted_picc_data: [u8; 16],
    pub(crate) mac: SdmMac,
}

impl TapUrl {
    pub(crate) fn parse(url: &str) -> Result<Self, MalformedUrl> {
        check_characters(url)?;
        let url = url.split_once('#').map_or(url, |(before, _fragment)| before);
        let (address, query) = url.split_once('?').map_or((url, None), |(address, query)| (address, Some(query)));
        check_address(address)?;
        let (mut picc_data, mut mac) = (None, None);
        for pair in query.ok_or(MalformedUrl::NoQuery)?.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match name {
                "e" => once(&mut picc_data, value, Parameter::PiccData)?,
                "c" => once(&mut mac, value, Parameter::Mac)?,
                _ if name.contains('%') => return Err(MalformedUrl::EscapedName),
                _ => {}
            }
        }
        let encrypted_picc_data = bytes(picc_data, Parameter::PiccData)?;
        let mac = SdmMac::new(bytes(mac, Parameter::Mac)?);
        Ok(Self { encrypted_picc_data, mac })
    }
}

fn check_characters(url: &str) -> Result<(), MalformedUrl> {
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

/// The part before the query: a scheme, a host, and a path that ends in `/t`.
fn check_address(address: &str) -> Result<(), MalformedUrl> {
    let (scheme, rest) = address.split_once("://").ok_or(MalformedUrl::NotAbsolute)?;
    let scheme_is_valid = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !scheme_is_valid || host.is_empty() {
        return Err(MalformedUrl::NotAbsolute);
    }
    if path == "t" || path.ends_with("/t") { Ok(()) } else { Err(MalformedUrl::WrongPath) }
}

fn once<'a>(slot: &mut Option<&'a str>, value: &'a str, parameter: Parameter) -> Result<(), MalformedUrl> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(MalformedUrl::Duplicated(parameter)),
    }
}

fn bytes<const N: usize>(value: Option<&str>, parameter: Parameter) -> Result<[u8; N], MalformedUrl> {
    let digits = value.ok_or(MalformedUrl::Missing(parameter))?;
    if digits.len() != 2 * N {
        return Err(MalformedUrl::WrongLength { parameter, expected: 2 * N, found: digits.len() });
    }
    hexadecimal::decode(digits).ok_or(MalformedUrl::NotHexadecimal(parameter))
}

/// The two parameters that a tap's URL must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// `e`: the encrypted PICC data, 32 hexadecimal digits.
    PiccData,
    /// `c`: the SDMMAC, 16 hexadecimal digits.
    Mac,
}

impl fmt::Display for Parameter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PiccData => "e",
            Self::Mac => "c",
        })
    }
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
    #[error("the URL's path must end in /t")]
    WrongPath,
    /// There is nothing after the path.
    #[error("the URL has no query")]
    NoQuery,
    /// A parameter's name has a `%` escape, and so could pass for another one.
    #[error("the URL has a parameter whose name is escaped")]
    EscapedName,
    /// A parameter that must be there is not.
    #[error("the URL has no parameter {0}")]
    Missing(Parameter),
    /// A parameter is there twice.
    #[error("the URL has the parameter {0} twice")]
    Duplicated(Parameter),
    /// A parameter has too few or too many digits.
    #[error("the URL's parameter {parameter} must have {expected} hexadecimal digits, not {found}")]
    WrongLength {
        /// Which one.
        parameter: Parameter,
        /// How many digits it must have.
        expected: usize,
        /// How many characters it has.
        found: usize,
    },
    /// A parameter has a character that is no hexadecimal digit.
    #[error("the URL's parameter {0} must be hexadecimal digits only")]
    NotHexadecimal(Parameter),
}
