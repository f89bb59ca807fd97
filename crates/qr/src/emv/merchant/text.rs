//! Text that fits an object.

use std::fmt;
use std::str::FromStr;

/// A text of 1 to `MOST` characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text<const MOST: usize>(String);

impl<const MOST: usize> Text<MOST> {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MOST: usize> FromStr for Text<MOST> {
    type Err = TextError;

    fn from_str(text: &str) -> Result<Self, TextError> {
        if text.is_empty() {
            Err(TextError::Empty)
        } else if text.chars().count() > MOST {
            Err(TextError::TooLong { most: MOST })
        } else if text.chars().any(char::is_control) {
            Err(TextError::Control)
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl<const MOST: usize> fmt::Display for Text<MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Why a text fits no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It is empty.
    #[error("must not be empty")]
    Empty,
    /// It has too many characters.
    #[error("must have at most {most} characters")]
    TooLong {
        /// How many it may have.
        most: usize,
    },
    /// It has a control character.
    #[error("must have no control characters")]
    Control,
}
