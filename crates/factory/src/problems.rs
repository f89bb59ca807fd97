//! What is wrong with files from outside: all of it counted, the first of it told.

use std::collections::BTreeMap;
use std::fmt;

/// The most problems that are told one by one.
pub const TOLD_MAX: usize = 1000;

/// Something wrong with a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which file, counted from 1.
    pub file: u16,
    /// Which row of it, counted from 1.
    pub row: u64,
    /// A stable name for what is wrong.
    pub code: &'static str,
    /// What is wrong, in words.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "file {}, row {}: {} ({})", self.file, self.row, self.message, self.code)
    }
}

/// Problems of any number, in bounded memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    counts: BTreeMap<&'static str, u64>,
    told: Vec<Problem>,
}

impl Problems {
    pub(crate) fn add(&mut self, file: u16, row: u64, code: &'static str, message: &dyn fmt::Display) {
        *self.counts.entry(code).or_default() += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push(Problem { file, row, code, message: message.to_string() });
        }
    }

    /// How many there are of each kind.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// How many there are.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// The first [`TOLD_MAX`] of them.
    #[must_use]
    pub fn told(&self) -> &[Problem] {
        &self.told
    }
}
