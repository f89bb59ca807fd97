//! What a frame of the ledger's journal holds: the facts of one batch.
//!
//! A payload is one byte, the version 1, and then sections: a kind (1 byte), a count (4 bytes) and as many rows.
//!
//! | kind | row                                                                    | bytes |
//! |-----:|------------------------------------------------------------------------|------:|
//! |    1 | an account that was created, without its checksum ([`crate::rows`])     |    60 |
//! |    2 | a transfer that was created, without its checksum                       |   120 |
//! |    3 | the id of a transfer that failed for ever                               |    16 |
//! |    4 | the id of a pending transfer that its timeout voided                    |    16 |
//! |    5 | the time to which the clock was set, in nanoseconds since 1970          |     8 |
//! |    6 | the last timestamp that was given to an event, where that event failed  |     8 |
//!
//! Each row is one event of the journal. All integers are little endian. Sections take effect in their order.

use journal::FrameBuffer;
use ledger::{Account, Transfer};

use crate::rows::Row;

const VERSION: u8 = 1;

/// Facts on their way into the journal.
#[derive(Debug, Default)]
pub(crate) struct FactsWriter {
    frame: FrameBuffer,
    count: u32,
}

/// One kind of fact, as many as stood together.
#[derive(Debug, PartialEq)]
pub(crate) enum Section {
    Accounts(Vec<Account>),
    Transfers(Vec<Transfer>),
    Failed(Vec<u128>),
    Expired(Vec<u128>),
    Clock(u64),
    Passed(u64),
}

/// Why a payload says nothing: it was not written by this program, or by a newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FactsError {
    /// Written by a newer release.
    #[error("facts of version {0}, but this build reads version {VERSION}: start it with the newer release")]
    NewerVersion(u8),
    /// A kind of section that does not exist.
    #[error("a section of unknown kind {0}")]
    Kind(u8),
    /// The payload ends within a section, or a section is empty where it must not be.
    #[error("the payload ends within a section")]
    Short,
}

impl FactsWriter {
    /// Facts into an empty frame.
    pub(crate) fn new(mut frame: FrameBuffer) -> Self {
        frame.clear();
        frame.extend_from_slice(&[VERSION]);
        Self { frame, count: 0 }
    }

    pub(crate) fn accounts(&mut self, accounts: &[Account]) {
        self.rows(1, accounts);
    }

    pub(crate) fn transfers(&mut self, transfers: &[Transfer]) {
        self.rows(2, transfers);
    }

    pub(crate) fn failed(&mut self, ids: &[u128]) {
        self.ids(3, ids);
    }

    pub(crate) fn expired(&mut self, ids: &[u128]) {
        self.ids(4, ids);
    }

    pub(crate) fn clock(&mut self, nanoseconds: u64) {
        self.time(5, nanoseconds);
    }

    /// Nothing gets this timestamp or a lower one again: it was told with the failure of an event.
    pub(crate) fn passed(&mut self, timestamp: u64) {
        self.time(6, timestamp);
    }

    /// The frame and how many events it holds.
    pub(crate) fn finish(self) -> (FrameBuffer, u32) {
        (self.frame, self.count)
    }

    fn rows<R: Row>(&mut self, kind: u8, rows: &[R]) {
        if rows.is_empty() {
            return;
        }
        self.section(kind, rows.len());
        let mut bytes = [0; 128];
        for row in rows {
            let bytes = &mut bytes[..R::FIELDS];
            row.write_fields(bytes);
            self.frame.extend_from_slice(bytes);
        }
    }

    fn ids(&mut self, kind: u8, ids: &[u128]) {
        if ids.is_empty() {
            return;
        }
        self.section(kind, ids.len());
        ids.iter().for_each(|id| self.frame.extend_from_slice(&id.to_le_bytes()));
    }

    fn time(&mut self, kind: u8, nanoseconds: u64) {
        self.section(kind, 1);
        self.frame.extend_from_slice(&nanoseconds.to_le_bytes());
    }

    fn section(&mut self, kind: u8, count: usize) {
        let count = u32::try_from(count).expect("a batch has at most some thousand events");
        self.frame.extend_from_slice(&[kind]);
        self.frame.extend_from_slice(&count.to_le_bytes());
        self.count += count;
    }
}

/// The sections of a payload.
pub(crate) fn decode(payload: &[u8]) -> Result<Vec<Section>, FactsError> {
    let (version, mut rest) = payload.split_first().ok_or(FactsError::Short)?;
    if *version != VERSION {
        return Err(FactsError::NewerVersion(*version));
    }
    let mut sections = Vec::new();
    while !rest.is_empty() {
        sections.push(section(&mut rest)?);
    }
    Ok(sections)
}

fn section(rest: &mut &[u8]) -> Result<Section, FactsError> {
    let header = take(rest, 5)?;
    let count = u32::from_le_bytes([header[1], header[2], header[3], header[4]]) as usize;
    let mut bytes = |size: usize| take(rest, count.checked_mul(size).ok_or(FactsError::Short)?);
    let ids = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|id| u128::from_le_bytes(*id)).collect();
    Ok(match header[0] {
        1 => Section::Accounts(bytes(Account::FIELDS)?.chunks_exact(Account::FIELDS).map(Row::read_fields).collect()),
        2 => {
            Section::Transfers(bytes(Transfer::FIELDS)?.chunks_exact(Transfer::FIELDS).map(Row::read_fields).collect())
        }
        3 => Section::Failed(ids(bytes(16)?)),
        4 => Section::Expired(ids(bytes(16)?)),
        5 => Section::Clock(time(bytes(8)?)?),
        6 => Section::Passed(time(bytes(8)?)?),
        kind => return Err(FactsError::Kind(kind)),
    })
}

fn time(bytes: &[u8]) -> Result<u64, FactsError> {
    bytes.try_into().map(u64::from_le_bytes).map_err(|_| FactsError::Short)
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], FactsError> {
    let (here, after) = rest.split_at_checked(count).ok_or(FactsError::Short)?;
    *rest = after;
    Ok(here)
}
