//! What records say: URIs (NFC Forum URI Record Type Definition 1.0), text (Text RTD 1.0) and the Android application
//! that shall open (Android's external type `android.com:pkg`).

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::iter;

use super::message::{NameFormat, Record};

/// The names of the record types.
pub const URI: &[u8] = b"U";
/// The name of text records.
pub const TEXT: &[u8] = b"T";
/// The name of records that name an Android application.
pub const ANDROID_APPLICATION: &[u8] = b"android.com:pkg";

/// What the first byte of a URI record stands for (URI RTD, table 3).
const PREFIXES: [&str; 36] = [
    "",
    "http://www.",
    "https://www.",
    "http://",
    "https://",
    "tel:",
    "mailto:",
    "ftp://anonymous:anonymous@",
    "ftp://ftp.",
    "ftps://",
    "sftp://",
    "smb://",
    "nfs://",
    "ftp://",
    "dav://",
    "news:",
    "telnet://",
    "imap:",
    "rtsp://",
    "urn:",
    "pop:",
    "sip:",
    "sips:",
    "tftp:",
    "btspp://",
    "btl2cap://",
    "btgoep://",
    "tcpobex://",
    "irdaobex://",
    "file://",
    "urn:epc:id:",
    "urn:epc:tag:",
    "urn:epc:pat:",
    "urn:epc:raw:",
    "urn:epc:",
    "urn:nfc:",
];

/// What a record says, if it is one of those that are read here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A URI, with its prefix written out.
    Uri(String),
    /// A text.
    Text(Text),
    /// The package name of an Android application.
    AndroidApplication(String),
    /// Something else.
    Other,
}

/// A text in a language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// The language's tag (RFC 5646), such as `en`: 1 to 63 ASCII characters.
    pub language: String,
    /// The text.
    pub text: String,
}

impl Content {
    /// Reads a record's payload as its type says.
    ///
    /// # Errors
    /// [`MalformedContent`]: the type is known, and the payload is not of it.
    pub fn parse(record: &Record<'_>) -> Result<Self, MalformedContent> {
        match (record.format, record.name) {
            (NameFormat::WellKnown, URI) => parse_uri(record.payload).map(Self::Uri),
            (NameFormat::WellKnown, TEXT) => Text::parse(record.payload).map(Self::Text),
            (NameFormat::External, ANDROID_APPLICATION) => {
                let name = str::from_utf8(record.payload).ok().filter(|name| is_package_name(name));
                Ok(Self::AndroidApplication(name.ok_or(MalformedContent::PackageName)?.to_owned()))
            }
            _ => Ok(Self::Other),
        }
    }
}

/// The payload of a URI record, with the longest prefix abbreviated.
#[must_use]
pub fn uri_payload(uri: &str) -> Vec<u8> {
    let candidates = PREFIXES.iter().zip(0_u8..).filter_map(|(prefix, code)| Some((code, uri.strip_prefix(prefix)?)));
    // The empty prefix always fits.
    let (code, rest) = candidates.min_by_key(|(_, rest)| rest.len()).unwrap_or((0, uri));
    iter::once(code).chain(rest.bytes()).collect()
}

fn parse_uri(payload: &[u8]) -> Result<String, MalformedContent> {
    let (code, rest) = payload.split_first().ok_or(MalformedContent::Empty)?;
    let prefix = PREFIXES.get(usize::from(*code)).ok_or(MalformedContent::UriPrefix(*code))?;
    let rest = str::from_utf8(rest).map_err(|_| MalformedContent::UriEncoding)?;
    if rest.chars().any(char::is_control) {
        return Err(MalformedContent::UriCharacter);
    }
    Ok([*prefix, rest].concat())
}

/// The status byte's bit for UTF-16, and the one that is reserved; the others are the language's length.
const UTF_16: u8 = 1 << 7;
const TEXT_RESERVED: u8 = 1 << 6;

impl Text {
    /// The payload of a text record, in UTF-8. A language of more than 63 bytes is cut.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let language = self.language.as_bytes();
        let length = u8::try_from(language.len()).unwrap_or(u8::MAX).min(63);
        let language = language.iter().take(usize::from(length));
        iter::once(&length).chain(language).chain(self.text.as_bytes()).copied().collect()
    }

    fn parse(payload: &[u8]) -> Result<Self, MalformedContent> {
        let (status, rest) = payload.split_first().ok_or(MalformedContent::Empty)?;
        if status & TEXT_RESERVED != 0 {
            return Err(MalformedContent::TextReserved);
        }
        let length = usize::from(status & 0b0011_1111);
        if length == 0 {
            return Err(MalformedContent::NoLanguage);
        }
        let (language, text) = rest.split_at_checked(length).ok_or(MalformedContent::LanguageTruncated)?;
        let language = str::from_utf8(language).ok().filter(|language| language.is_ascii());
        let language = language.ok_or(MalformedContent::LanguageCharacter)?.to_owned();
        let text = if status & UTF_16 == 0 {
            str::from_utf8(text).map_err(|_| MalformedContent::TextEncoding)?.to_owned()
        } else {
            decode_utf_16(text)?
        };
        Ok(Self { language, text })
    }
}

/// UTF-16, big-endian unless a byte order mark says otherwise.
fn decode_utf_16(bytes: &[u8]) -> Result<String, MalformedContent> {
    let (pairs, []) = bytes.as_chunks::<2>() else { return Err(MalformedContent::TextEncoding) };
    let (pairs, little_endian) = match pairs {
        [[0xFF, 0xFE], rest @ ..] => (rest, true),
        [[0xFE, 0xFF], rest @ ..] => (rest, false),
        pairs => (pairs, false),
    };
    let unit = |pair: &[u8; 2]| if little_endian { u16::from_le_bytes(*pair) } else { u16::from_be_bytes(*pair) };
    let text: Result<String, _> = char::decode_utf16(pairs.iter().map(unit)).collect();
    text.map_err(|_| MalformedContent::TextEncoding)
}

/// A Java package name: dots between words of letters, digits and underscores.
fn is_package_name(name: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_alphabetic())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    name.contains('.') && name.split('.').all(word)
}

/// Why a payload is not what its record's type says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedContent {
    /// There is not even the first byte.
    #[error("the record has no payload")]
    Empty,
    /// The first byte stands for no prefix: 36 and above.
    #[error("no URI prefix has the number {0}")]
    UriPrefix(u8),
    /// The URI is not UTF-8.
    #[error("the URI is not UTF-8")]
    UriEncoding,
    /// The URI has a control character.
    #[error("the URI has a control character")]
    UriCharacter,
    /// The reserved bit is set.
    #[error("a reserved bit of the text's status is set")]
    TextReserved,
    /// The text has no language.
    #[error("the text has no language")]
    NoLanguage,
    /// The record ends within the language.
    #[error("the record ends within the text's language")]
    LanguageTruncated,
    /// The language is not ASCII.
    #[error("the text's language is not ASCII")]
    LanguageCharacter,
    /// The text is not in the encoding that it says.
    #[error("the text is not in its encoding")]
    TextEncoding,
    /// It is no name that an Android application can have.
    #[error("the record does not name an Android application")]
    PackageName,
}
