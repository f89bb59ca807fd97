//! The fields of a line, and what can be wrong with them.

use serde_json::{Map, Value};

use crate::LINE_BYTES_MAX;

/// The object of a line. A field that is null is as good as missing; fields with other names do not count.
pub(crate) struct Fields(Map<String, Value>);

impl Fields {
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Problem> {
        match serde_json::from_slice(line) {
            Ok(Value::Object(fields)) => Ok(Self(fields)),
            Ok(_) => Err(Problem::NoObject),
            // What serde_json says may quote the line, and there are keys in it.
            Err(error) => Err(Problem::NoJson { column: error.column() }),
        }
    }

    pub(crate) fn text(&self, name: &'static str) -> Result<Option<&str>, Problem> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Problem::NoText(name)),
        }
    }

    /// The bytes of as many digits, of either case.
    pub(crate) fn bytes<const N: usize>(&self, name: &'static str) -> Result<Option<[u8; N]>, Problem> {
        let Some(bytes) = self.any_bytes(name)? else { return Ok(None) };
        let wrong = |bytes: Vec<u8>| Problem::Length { name, expected: 2 * N, found: 2 * bytes.len() };
        bytes.try_into().map(Some).map_err(wrong)
    }

    /// The bytes of any number of digits.
    pub(crate) fn any_bytes(&self, name: &'static str) -> Result<Option<Vec<u8>>, Problem> {
        let Some(digits) = self.text(name)? else { return Ok(None) };
        let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
        let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let byte = |[high, low]: &[u8; 2]| Some(digit(*high)? << 4 | digit(*low)?);
        let bytes: Option<Vec<u8>> = pairs.iter().map(byte).collect();
        match bytes {
            Some(bytes) if rest.is_empty() => Ok(Some(bytes)),
            Some(_) if digit(rest[0]).is_some() => Err(Problem::OddLength(name)),
            _ => Err(Problem::NoHexadecimal(name)),
        }
    }

    pub(crate) fn number(&self, name: &'static str) -> Result<Option<u64>, Problem> {
        match self.0.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or(Problem::NoNumber(name)),
        }
    }
}

/// Why a line proves nothing.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("the line has more than {LINE_BYTES_MAX} bytes")]
    TooLong,
    #[error("the line is not JSON from column {column} on: write one object a line")]
    NoJson { column: usize },
    #[error("the line is not a JSON object: write {{\"mode\":\"AES\",…}}")]
    NoObject,
    #[error("{0} is not text: write it in quotes, or null")]
    NoText(&'static str),
    #[error("{0} has characters that are no hexadecimal digits")]
    NoHexadecimal(&'static str),
    #[error("{0} has an odd number of hexadecimal digits: two make a byte")]
    OddLength(&'static str),
    #[error("{name} must have {expected} hexadecimal digits, not {found}")]
    Length { name: &'static str, expected: usize, found: usize },
    #[error("{0} is not a whole number: write it without quotes, or null")]
    NoNumber(&'static str),
    #[error("counter is above 16777215, the highest that a tag counts")]
    CounterOutOfRange,
    #[error("mode is missing or unknown: write \"AES\" or \"LRP\"")]
    NoMode,
    #[error(
        "mac_input_ascii has characters outside ASCII: write what the tag mirrored between SDMMACInputOffset and SDMMACOffset"
    )]
    NoAscii,
    #[error("picc_data must have {expected} hexadecimal digits in {mode} mode, not {found}")]
    PiccDataLength { mode: &'static str, expected: usize, found: usize },
    #[error(
        "enc_file_data must have a multiple of 32 hexadecimal digits, at most 512: whole blocks of a file of 256 bytes"
    )]
    FileDataLength,
    #[error("{0} is missing: {1} cannot be checked without it")]
    Missing(&'static str, &'static str),
    #[error("picc_data and uid and counter are missing: nothing says which tag was read")]
    NoIdentity,
    #[error("cmac is missing: nothing proves what is mirrored in the clear")]
    NothingToCheck,
    #[error("enc_file_data is there, but not both UID and read counter: a tag encrypts file data only with both")]
    FileDataOfNobody,
    #[error("picc_data was not encrypted with meta_read_key")]
    WrongMetaReadKey,
    #[error("{0} is not what picc_data says")]
    OtherIdentity(&'static str),
    #[error("cmac is wrong: made with another file_read_key, or over another mac_input_ascii, UID or read counter")]
    WrongMac,
}
