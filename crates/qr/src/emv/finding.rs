//! What is wrong with a code, where, and what to change.

use std::borrow::Cow;
use std::fmt;

use serde::ser::{Serialize, SerializeStruct, Serializer};

use super::consumer::Tag;
use super::id::Id;

/// How much of the specification a reader insists on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Takes what is in circulation: the structure must add up, no id may come twice, the CRC must be right, and a scheme's own rules must hold
    /// where its own readers enforce them. Everything else is a warning.
    Lenient,
    /// Takes what the specification allows: every finding is an error.
    Strict,
}

/// Whether a finding makes a code unacceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// The code is not to be paid.
    Error,
    /// The code departs from the specification in a way that is met in circulation.
    Warning,
}

impl Severity {
    /// How it is written.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What is wrong, as a stable word.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// The stable word, in lower case with underscores.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// There is nothing to read.
    Empty = "empty",
    /// It is longer than any code can be, or than the specification allows.
    TooLong = "too_long",
    /// It is not UTF-8.
    NotText = "not_text",
    /// The text is not base64.
    NotBase64 = "not_base64",
    /// What should be encoded is not described in the form that decoding gives.
    NotFields = "not_fields",
    /// An id is not two digits, or a tag is not one of BER-TLV.
    MalformedId = "malformed_id",
    /// A length is not two digits, or not one of BER-TLV.
    MalformedLength = "malformed_length",
    /// An object is longer than what is left.
    Truncated = "truncated",
    /// Objects are nested deeper than the specification has it.
    TooDeep = "too_deep",
    /// An id comes twice in one place.
    DuplicateId = "duplicate_id",
    /// A template holds no objects.
    MalformedTemplate = "malformed_template",
    /// There is no CRC.
    CrcMissing = "crc_missing",
    /// Something follows the CRC.
    CrcNotLast = "crc_not_last",
    /// The CRC is not four hexadecimal digits.
    CrcMalformed = "crc_malformed",
    /// The CRC is that of another text.
    CrcMismatch = "crc_mismatch",
    /// The CRC is right, with small letters.
    CrcLowerCase = "crc_lower_case",
    /// The CRC is right over ISO 8859-1 only.
    CrcCharset = "crc_charset",
    /// A mandatory object is missing.
    Missing = "missing",
    /// An object is not where it must be.
    Misplaced = "misplaced",
    /// The payload format is another than the one known.
    UnknownFormat = "unknown_format",
    /// A value is empty, too short or too long.
    InvalidLength = "invalid_length",
    /// A value has characters or a form that it must not have.
    InvalidValue = "invalid_value",
    /// Two objects contradict each other, or one lacks the other.
    Inconsistent = "inconsistent",
    /// The id is reserved for future use.
    Reserved = "reserved_id",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which object a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Path {
    /// None in particular: the code as a whole.
    Whole,
    /// An object of a merchant-presented code, such as `54`.
    Object(Id),
    /// An object within a template, such as `62.05`.
    Part(Id, Id),
    /// An object of a consumer-presented code under its templates, such as `62.64.9F26`.
    Tags(Vec<Tag>),
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => Ok(()),
            Self::Object(id) => write!(f, "{id}"),
            Self::Part(template, id) => write!(f, "{template}.{id}"),
            Self::Tags(tags) => tags.iter().enumerate().try_for_each(|(depth, tag)| {
                let dot = if depth == 0 { "" } else { "." };
                write!(f, "{dot}{tag}")
            }),
        }
    }
}

/// One thing that is wrong.
///
/// Serialises as `{"code":"missing","id":"59","severity":"warning","message":"…"}`; the id is `null` if the finding is about
/// the code as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: Code,
    /// Where.
    pub path: Path,
    /// Whether it makes the code unacceptable.
    pub severity: Severity,
    /// What to change, in words for people.
    pub message: Cow<'static, str>,
}

impl Finding {
    /// A finding that makes a code unacceptable.
    #[must_use]
    pub fn error(code: Code, path: Path, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code, path, severity: Severity::Error, message: message.into() }
    }
}

impl Serialize for Finding {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_struct("Finding", 4)?;
        object.serialize_field("code", self.code.as_str())?;
        object.serialize_field("id", &(self.path != Path::Whole).then(|| self.path.to_string()))?;
        object.serialize_field("severity", self.severity.as_str())?;
        object.serialize_field("message", &self.message)?;
        object.end()
    }
}

/// What was found in one code, in the order in which it was found; at most [`Findings::MOST`].
#[derive(Clone, Debug)]
pub struct Findings {
    mode: Mode,
    list: Vec<Finding>,
    has_errors: bool,
}

impl Findings {
    /// How many are kept; that there was an error is never forgotten.
    pub const MOST: usize = 100;

    pub(crate) fn new(mode: Mode) -> Self {
        Self { mode, list: Vec::new(), has_errors: false }
    }

    /// What makes a code unacceptable in either mode.
    pub(crate) fn error(&mut self, code: Code, path: Path, message: impl Into<Cow<'static, str>>) {
        self.has_errors = true;
        if self.list.len() < Self::MOST {
            self.list.push(Finding::error(code, path, message));
        }
    }

    /// What makes a code unacceptable in the strict mode only.
    pub(crate) fn departure(&mut self, code: Code, path: Path, message: impl Into<Cow<'static, str>>) {
        let severity = match self.mode {
            Mode::Lenient => Severity::Warning,
            Mode::Strict => Severity::Error,
        };
        self.has_errors |= severity == Severity::Error;
        if self.list.len() < Self::MOST {
            self.list.push(Finding { code, path, severity, message: message.into() });
        }
    }

    /// Whether one of them makes the code unacceptable.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.has_errors
    }

    pub(crate) fn into_vec(self) -> Vec<Finding> {
        self.list
    }

    /// All that are kept.
    #[must_use]
    pub fn as_slice(&self) -> &[Finding] {
        &self.list
    }
}
