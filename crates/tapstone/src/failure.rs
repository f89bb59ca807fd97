//! Why a command could not do what it was asked: one message for people, and whose fault it is.

use std::fmt;
use std::process::ExitCode;

/// Ends a command.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command was asked for something that cannot be: exit code 2, as for flags that do not parse.
    Usage(String),
    /// Something is wrong with the data or the machine: exit code 1.
    Fault(String),
}

impl Failure {
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Fault(_) => ExitCode::FAILURE,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Fault(message) => f.write_str(message),
        }
    }
}

/// An error of another crate says itself what is wrong and what to do.
impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Fault(error.to_string())
    }
}
