//! Merchant-presented codes (EMV QR Code Specification for Payment Systems, Merchant-Presented Mode 1.1).
//!
//! [`read`] takes any text apart and says what is wrong with it; a [`Payload`] is a code without errors and shows what it means. A
//! [`Draft`] is a code in the making, object by object; a [`PresentedCode`] one whose fields cannot be wrong.
//!
//! Lengths count Unicode characters, the CRC runs over UTF-8 bytes. Objects may stand in any order, except that the CRC is
//! the last. The templates within additional data (62.50 to 62.99) are left as text.

mod builder;
mod contents;
mod crc;
mod draft;
mod khqr;
mod objects;
mod order;
mod payload;
mod profile;
mod scheme;
mod text;

pub use builder::{AdditionalData, Country, MerchantAccount, NoSuchCountry, OtherLanguage, PresentedCode, Template};
pub use draft::{Content, Draft, DraftError};
pub use objects::{Object, Objects};
pub use order::{Contradiction, Order};
pub use payload::{Initiation, Language, NoAmount, Payload, Tip};
pub use profile::{Expiry, Payee, PayeeKind, Summary};
pub use scheme::Scheme;
pub use text::{Text, TextError};

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::finding::{Code, Finding, Findings, Mode, Path};
use super::id::Id;

/// The most bytes that are looked at: a hundred objects of the greatest length, each character the widest in UTF-8, fit.
pub const BYTES_MAX: usize = 100 * (4 + 99 * 4);

/// The most characters of a code (section 3.2).
pub const CHARACTERS_MAX: usize = 512;

/// What a text says, right or wrong.
///
/// Serialises as `{"valid":true,"scheme":"PIX","fields":{…},"findings":[…],"payment":{…}}`, as `tapstone qr decode` prints it.
#[derive(Clone, Debug)]
pub struct Reading<'a> {
    objects: Objects<'a>,
    scheme: Scheme,
    findings: Findings,
}

/// Takes a text apart. Never fails: what is wrong is among the findings.
#[must_use]
pub fn read(text: &str, mode: Mode) -> Reading<'_> {
    let mut findings = Findings::new(mode);
    if text.is_empty() {
        findings.error(Code::Empty, Path::Whole, "there is nothing to read");
    }
    if text.len() > BYTES_MAX {
        findings.error(Code::TooLong, Path::Whole, "no code is as long as this");
        return Reading { objects: Objects::none(), scheme: Scheme::Emv, findings };
    }
    if text.len() > CHARACTERS_MAX && text.chars().count() > CHARACTERS_MAX {
        findings.departure(Code::TooLong, Path::Whole, "a code has at most 512 characters");
    }
    let objects = Objects::read(text, &mut findings);
    let scheme = Scheme::of(&objects, text, findings.has_errors());
    check_crc(text, &objects, scheme, &mut findings);
    contents::check(&objects, &mut findings);
    if scheme == Scheme::Khqr {
        khqr::check(&objects, &mut findings);
    }
    Reading { objects, scheme, findings }
}

const CRC: Id = Id::of(63);
/// The id and length of the CRC, which it covers.
const CRC_HEAD: &str = "6304";

fn check_crc(text: &str, objects: &Objects<'_>, scheme: Scheme, findings: &mut Findings) {
    let path = Path::Object(CRC);
    let Some(object) = objects.get(CRC) else {
        return findings.error(Code::CrcMissing, path, "append the CRC: 6304 and four hexadecimal digits");
    };
    if objects.roots().last().is_some_and(|last| last.id() != CRC) {
        return findings.error(Code::CrcNotLast, path, "the CRC is the last object");
    }
    let written = object.value();
    let Some(number) = crc::parse(written) else {
        return findings.error(Code::CrcMalformed, path, "the CRC is four hexadecimal digits");
    };
    let covered = text.get(..text.len() - written.len()).unwrap_or_default();
    let computed = crc::crc16(covered.as_bytes());
    if number != computed {
        // The regional scheme of the WAEMU counts the bytes of ISO 8859-1.
        if scheme == Scheme::PiUemoa && crc::crc16_of_latin_1(covered) == Some(number) {
            let message = format!("the CRC is that of ISO 8859-1; over UTF-8 it is {computed:04X}");
            return findings.departure(Code::CrcCharset, path, message);
        }
        return findings.error(Code::CrcMismatch, path, format!("the CRC of this text is {computed:04X}"));
    }
    if written.bytes().any(|digit| digit.is_ascii_lowercase()) {
        findings.departure(Code::CrcLowerCase, path, "write the CRC in capitals");
    }
}

impl<'a> Reading<'a> {
    /// Whether no finding is an error: in the lenient mode that the structure and the CRC are right and no id comes twice, and
    /// for KHQR that the scheme's own rules hold.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        !self.findings.has_errors()
    }

    /// Everything that could be read.
    #[must_use]
    pub fn objects(&self) -> &Objects<'a> {
        &self.objects
    }

    /// The scheme to which the code belongs; of a broken one, the scheme that it was probably meant for.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// What is wrong.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        self.findings.as_slice()
    }

    /// The code, if it has no errors.
    ///
    /// # Errors
    /// Everything that was found, at least one error among it.
    pub fn accept(self) -> Result<Payload<'a>, Vec<Finding>> {
        if self.is_valid() { Ok(Payload::new(self.objects, self.scheme)) } else { Err(self.findings.into_vec()) }
    }
}

impl Serialize for Reading<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut answer = serializer.serialize_struct("Reading", 5)?;
        answer.serialize_field("valid", &self.is_valid())?;
        answer.serialize_field("scheme", self.scheme.label())?;
        answer.serialize_field("fields", &self.objects)?;
        answer.serialize_field("findings", self.findings())?;
        answer.serialize_field("payment", &Summary::of(&self.objects, self.scheme))?;
        answer.end()
    }
}
