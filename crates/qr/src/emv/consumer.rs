//! Consumer-presented codes (EMV QR Code Specification for Payment Systems, Consumer-Presented Mode 1.1): BER-TLV in base64.
//!
//! [`read`] takes bytes apart and says what is wrong with them; a [`ConsumerDraft`] encodes what a reading serialised. What an application's
//! cryptogram says is for its issuer to check.

mod ber;
mod draft;
mod tag;

use base64ct::{Base64, Base64Unpadded, Encoding};
use serde::ser::{Serialize, SerializeMap, SerializeStruct, Serializer};

pub use ber::{Element, Value};
pub use draft::{ConsumerDraft, ConsumerDraftError};
pub use tag::{NoSuchTag, Tag};

use super::finding::{Code, Finding, Findings, Mode, Path};

/// The most bytes that are looked at.
pub const BYTES_MAX: usize = 4096;

/// The most characters of a code in base64 (section 3).
pub const CHARACTERS_MAX: usize = 512;

const FORMAT: Tag = Tag::of(0x85);
const APPLICATION: Tag = Tag::of(0x61);
const COMMON_DATA: Tag = Tag::of(0x62);
const IDENTIFIER: Tag = Tag::of(0x4F);

/// What some bytes say, right or wrong.
///
/// Serialises as `{"valid":true,"scheme":"EMV-CPM","fields":{"85":"CPV01","61":[{"4F":"A0000000555555"}]},"findings":[…]}`. Text is
/// shown as text, everything else as hexadecimal digits; application templates are always a list.
#[derive(Clone, Debug)]
pub struct ConsumerReading<'a> {
    elements: Vec<Element<'a>>,
    findings: Findings,
}

/// The bytes of a code in base64 (RFC 4648 section 4); padding may be missing.
///
/// # Errors
/// A [`Finding`] if this is not base64, or far too long.
pub fn from_base64(text: &str) -> Result<Vec<u8>, Finding> {
    if text.is_empty() {
        return Err(Finding::error(Code::Empty, Path::Whole, "there is nothing to read"));
    }
    if text.len() > BYTES_MAX.div_ceil(3) * 4 {
        return Err(Finding::error(Code::TooLong, Path::Whole, "no code is as long as this"));
    }
    let bytes = Base64::decode_vec(text).or_else(|_| Base64Unpadded::decode_vec(text));
    bytes.map_err(|_| Finding::error(Code::NotBase64, Path::Whole, "a code is base64 with + and /"))
}

/// Takes bytes apart. Never fails: what is wrong is among the findings.
#[must_use]
pub fn read(bytes: &[u8], mode: Mode) -> ConsumerReading<'_> {
    let mut findings = Findings::new(mode);
    if bytes.is_empty() {
        findings.error(Code::Empty, Path::Whole, "there is nothing to read");
    }
    if bytes.len() > BYTES_MAX {
        findings.error(Code::TooLong, Path::Whole, "no code is as long as this");
        return ConsumerReading { elements: Vec::new(), findings };
    }
    if bytes.len().div_ceil(3) * 4 > CHARACTERS_MAX {
        findings.departure(Code::TooLong, Path::Whole, "a code has at most 512 characters of base64");
    }
    let elements = ber::read(bytes, &mut findings);
    check(&elements, &mut findings);
    ConsumerReading { elements, findings }
}

fn check(elements: &[Element<'_>], findings: &mut Findings) {
    let path = |tag| Path::Tags(vec![tag]);
    match elements.iter().position(|element| element.tag == FORMAT) {
        None => findings.departure(Code::Missing, path(FORMAT), "begin with the payload format: 85 05 CPV01"),
        Some(0) => {}
        Some(_) => findings.departure(Code::Misplaced, path(FORMAT), "the payload format comes first"),
    }
    for element in elements {
        match (element.tag, &element.value) {
            (FORMAT, Value::Primitive(bytes)) if *bytes != b"CPV01" => {
                findings.departure(Code::UnknownFormat, path(FORMAT), "the only payload format is CPV01");
            }
            (APPLICATION, Value::Template(parts)) if !parts.iter().any(|part| part.tag == IDENTIFIER) => {
                let path = Path::Tags(vec![APPLICATION, IDENTIFIER]);
                findings.departure(Code::Missing, path, "an application names itself: give 4F");
            }
            _ => {}
        }
    }
    if !elements.iter().any(|element| element.tag == APPLICATION) {
        findings.departure(Code::Missing, path(APPLICATION), "give at least one application template");
    }
}

impl<'a> ConsumerReading<'a> {
    /// Whether no finding is an error: in the lenient mode that the structure is right and no tag comes twice in one place, application
    /// templates apart.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.findings.has_errors()
    }

    /// Everything that could be read, in the order in which it stands.
    #[must_use]
    pub fn elements(&self) -> &[Element<'a>] {
        &self.elements
    }

    /// The application templates.
    pub fn applications(&self) -> impl Iterator<Item = &[Element<'a>]> {
        self.elements.iter().filter(|element| element.tag == APPLICATION).map(Element::parts)
    }

    /// What is common to all applications.
    #[must_use]
    pub fn common_data(&self) -> &[Element<'a>] {
        self.elements.iter().find(|element| element.tag == COMMON_DATA).map(Element::parts).unwrap_or_default()
    }

    /// What is wrong.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        self.findings.as_slice()
    }
}

impl Serialize for ConsumerReading<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_struct("ConsumerReading", 4)?;
        answer.serialize_field("valid", &self.is_valid())?;
        answer.serialize_field("scheme", "EMV-CPM")?;
        answer.serialize_field("fields", &Fields(&self.elements))?;
        answer.serialize_field("findings", self.findings())?;
        answer.end()
    }
}

/// Elements as an object by tag; of two with one tag the first counts, except that application templates are a list.
struct Fields<'e, 'a>(&'e [Element<'a>]);

impl Serialize for Fields<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (place, element) in self.0.iter().enumerate() {
            if self.0[..place].iter().any(|earlier| earlier.tag == element.tag) {
                continue;
            }
            map.serialize_key(&element.tag.to_string())?;
            if element.tag.may_repeat() {
                let alike = self.0.iter().filter(|other| other.tag == element.tag);
                map.serialize_value(&alike.map(|other| Fields(other.parts())).collect::<Vec<_>>())?;
            } else {
                match &element.value {
                    Value::Template(parts) => map.serialize_value(&Fields(parts))?,
                    Value::Primitive(bytes) => map.serialize_value(&element.tag.show(bytes))?,
                }
            }
        }
        map.end()
    }
}

/// A code's bytes as base64, with padding.
#[must_use]
pub fn to_base64(bytes: &[u8]) -> String {
    Base64::encode_string(bytes)
}
