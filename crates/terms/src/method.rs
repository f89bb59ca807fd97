//! How a payment came about.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A way to pay, as far as fees tell them apart. Journals hold the position of each, so new ones go to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A phone touched an NFC tag.
    Tap,
}

impl Method {
    /// All methods.
    pub const ALL: [Self; 1] = [Self::Tap];

    /// Its name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tap => "tap",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|method| method.name() == name).ok_or(UnknownMethod)
    }
}

/// No method has that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a method of payment: \"tap\"")]
pub struct UnknownMethod;
