//! What people and places are called.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A name or label that people read: 1 to 80 characters, not all of them blank, none of them invisible control.
///
/// Control characters (Unicode category Cc) would break lines on a till's screen. Those that turn the writing direction
/// (U+061C, U+200E, U+200F, U+202A to U+202E, U+2066 to U+2069) would let one merchant's name look like another's.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(Box<str>);

impl Name {
    /// The longest name, in characters.
    pub const MAX_CHARACTERS: usize = 80;

    /// What a key is called when nobody has named it.
    #[must_use]
    pub fn of_keys() -> Self {
        Self("API key".into())
    }

    /// The name as it is.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = NameError;

    fn try_from(name: String) -> Result<Self, NameError> {
        if name.chars().any(is_control) {
            return Err(NameError::ControlCharacter);
        }
        if name.chars().all(is_blank) {
            return Err(NameError::Blank);
        }
        match name.chars().count() {
            0..=Self::MAX_CHARACTERS => Ok(Self(name.into())),
            found => Err(NameError::TooLong { found }),
        }
    }
}

fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// White space, and what is as invisible.
fn is_blank(character: char) -> bool {
    character.is_whitespace() || matches!(character, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}')
}

impl TryFrom<&str> for Name {
    type Error = NameError;

    fn try_from(name: &str) -> Result<Self, NameError> {
        Self::try_from(name.to_owned())
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0.into()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is not a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing to see in it.
    #[error("must have at least one visible character")]
    Blank,
    /// Longer than [`Name::MAX_CHARACTERS`].
    #[error("has {found} characters, at most {} are allowed", Name::MAX_CHARACTERS)]
    TooLong {
        /// How long it is, in characters.
        found: usize,
    },
    /// A line break, an escape, or a character that turns the writing direction.
    #[error("must not hold control characters, such as line breaks or changes of the writing direction")]
    ControlCharacter,
}
