//! Connections for asking the tables, kept for the next who asks.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use store::tables::{TablesError, TablesReader};

use crate::error::ReadError;

/// Idle connections that are kept.
const MAX_IDLE: usize = 8;

pub(crate) struct Readers {
    file: PathBuf,
    idle: Mutex<Vec<TablesReader>>,
}

impl Readers {
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { file, idle: Mutex::default() }
    }

    /// A connection of one's own.
    pub(crate) fn take(&self) -> Result<TablesReader, TablesError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| TablesReader::open(&self.file), Ok)
    }

    pub(crate) fn with<T>(&self, ask: impl FnOnce(&TablesReader) -> Result<T, TablesError>) -> Result<T, ReadError> {
        let reader = self.take()?;
        let answer = ask(&reader)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MAX_IDLE {
            idle.push(reader);
        }
        Ok(answer)
    }
}
