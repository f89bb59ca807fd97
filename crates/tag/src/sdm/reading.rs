//! From what a tag said to what it proves.

use alloc::vec::Vec;

use super::{
    EncryptedPiccData, InvalidPiccData, InvalidTamperStatus, MetaReadKey, Mode, PiccData, SdmMac, SessionKeys,
    TamperStatus,
};
use crate::lrp::PartialBlock;
use crate::{AesKey, ReadCounter, Uid};

/// What a tag said, taken apart and not yet believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Who says it.
    pub identity: Identity,
    /// What the MAC covers, as the tag sent it: the text from SDMMACInputOffset up to SDMMACOffset.
    pub mac_input: Vec<u8>,
    /// The SDMMAC.
    pub mac: SdmMac,
    /// SDMENCFileData, still encrypted; empty if there is none.
    pub file_data: Vec<u8>,
    /// Where its tamper status is.
    pub tamper: Tamper,
    /// SDMReadCtrLimit: the tag does not count beyond it.
    pub counter_limit: ReadCounter,
}

/// How a tag says who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Only for whom it concerns.
    Encrypted(EncryptedPiccData),
    /// In the clear, by a tag in that mode.
    Plain(Mode, PiccData),
}

/// How a tag says whether it was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tamper {
    /// It does not.
    None,
    /// In the clear, where the MAC covers it.
    Plain(TamperStatus),
    /// In the decrypted file data, from that byte on.
    InFileData(usize),
}

impl Reading {
    fn mode(&self) -> Mode {
        match &self.identity {
            Identity::Encrypted(picc_data) => picc_data.mode(),
            Identity::Plain(mode, _) => *mode,
        }
    }

    /// Finds out who claims to say it. The key is for encrypted PICC data.
    ///
    /// # Errors
    /// [`InvalidPiccData`] if the PICC data was not encrypted with this key.
    pub fn identify(&self, meta_read_key: &MetaReadKey) -> Result<IdentifiedReading<'_>, InvalidPiccData> {
        let claimed = match &self.identity {
            Identity::Encrypted(picc_data) => meta_read_key.decrypt(picc_data)?,
            Identity::Plain(_, picc_data) => *picc_data,
        };
        Ok(IdentifiedReading { reading: self, claimed })
    }
}

/// What a tag said, and who claims to have said it.
#[derive(Clone, Copy, Debug)]
pub struct IdentifiedReading<'a> {
    reading: &'a Reading,
    claimed: PiccData,
}

impl IdentifiedReading<'_> {
    /// Who it claims to be. Unproven: good for finding the key with which to prove it.
    #[must_use]
    pub fn claimed(&self) -> PiccData {
        self.claimed
    }

    /// Proves it with the SDMFileRead key of whom it claims to be.
    ///
    /// # Errors
    /// [`ReadingError`]: the MAC is wrong, or the tag says what no tag could.
    pub fn verify(&self, file_read_key: &AesKey) -> Result<VerifiedReading, ReadingError> {
        let Self { reading, claimed: PiccData { uid, counter } } = *self;
        let session_keys = SessionKeys::derive(reading.mode(), file_read_key, self.claimed);
        if session_keys.mac(&reading.mac_input) != reading.mac {
            return Err(ReadingError::WrongMac);
        }
        if counter.is_some_and(|counter| counter > reading.counter_limit) {
            return Err(ReadingError::CounterAboveLimit);
        }
        let mut file_data = reading.file_data.clone();
        if !file_data.is_empty() {
            let (Some(_), Some(counter)) = (uid, counter) else { return Err(ReadingError::FileDataOfNobody) };
            session_keys.decrypt_file_data(counter, &mut file_data)?;
        }
        let tamper = match reading.tamper {
            Tamper::None => None,
            Tamper::Plain(status) => Some(status),
            Tamper::InFileData(place) => {
                let letters = file_data.get(place..).and_then(|rest| rest.first_chunk());
                Some(TamperStatus::parse(*letters.ok_or(InvalidTamperStatus)?)?)
            }
        };
        Ok(VerifiedReading { uid, counter, file_data, tamper })
    }
}

/// The proof that the holder of an SDMFileRead key said something. Only [`IdentifiedReading::verify`] makes one:
///
/// ```compile_fail
/// fn invent() -> tag::sdm::VerifiedReading {
///     tag::sdm::VerifiedReading { uid: None, counter: None, file_data: Vec::new(), tamper: None }
/// }
/// ```
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct VerifiedReading {
    uid: Option<Uid>,
    counter: Option<ReadCounter>,
    file_data: Vec<u8>,
    tamper: Option<TamperStatus>,
}

impl VerifiedReading {
    /// Which tag, if it says so.
    #[must_use]
    pub fn uid(&self) -> Option<Uid> {
        self.uid
    }

    /// The tag's read counter at this reading, if it says so. Without it one reading cannot be told from another.
    #[must_use]
    pub fn counter(&self) -> Option<ReadCounter> {
        self.counter
    }

    /// What the tag encrypted of its file, decrypted; empty if it encrypts nothing.
    #[must_use]
    pub fn file_data(&self) -> &[u8] {
        &self.file_data
    }

    /// Whether the tag was opened, if it says so.
    #[must_use]
    pub fn tamper(&self) -> Option<TamperStatus> {
        self.tamper
    }
}

/// Why a reading proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadingError {
    /// Somebody made it up, changed it, or used another key.
    #[error("the MAC is not that of the tag that is named")]
    WrongMac,
    /// The tag does not count so far.
    #[error("the read counter is above the tag's limit")]
    CounterAboveLimit,
    /// File data without UID and counter (NT4H2421Gx section 9.3.6 asks for both).
    #[error("file data is encrypted only where UID and read counter are mirrored")]
    FileDataOfNobody,
    /// The encrypted file data ends within a block.
    #[error(transparent)]
    PartialBlock(#[from] PartialBlock),
    /// No tamper status is where one must be.
    #[error(transparent)]
    InvalidTamperStatus(#[from] InvalidTamperStatus),
}
