//! Secure Dynamic Messaging: the steps of NT4H2421Gx section 9.3, worked through in AN12196 (AES) and AN12304 (LRP).
//!
//! Reading a tag's answer goes: take the answer apart ([`Settings::read`]) into a [`Reading`]; decrypt the PICC data with
//! the SDMMetaRead key, or take UID and counter that are mirrored in the clear ([`Reading::identify`]); derive the session
//! keys from the SDMFileRead key, check the SDMMAC, decrypt the file data if there is some
//! ([`IdentifiedReading::verify`]). Whose keys those are is for the caller. What a chip does on its side is here too
//! ([`MetaReadKey::encrypt`], [`SessionKeys`]), because it is the same arithmetic.

mod picc_data;
mod reading;
mod session_keys;
mod settings;
mod tamper;
mod template;

pub use picc_data::{EncryptedPiccData, InvalidPiccData, MetaReadKey, PiccData, PiccDataLength, PiccRandom};
pub use reading::{IdentifiedReading, Identity, Reading, ReadingError, Tamper, VerifiedReading};
pub use session_keys::{SessionKeys, lrp_master_key};
pub use settings::{Settings, SettingsError};
pub use tamper::{InvalidTamperStatus, LoopStatus, TamperStatus};
pub(crate) use template::Piece;
pub use template::{Mirror, Placeholder};

use crate::cmac::truncate;
use crate::lrp::PartialBlock;

/// What a tag computes with, chosen once in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// AES in CBC mode and AES-CMAC.
    Aes,
    /// The leakage resilient primitive ([`lrp`](crate::lrp)).
    Lrp,
}

/// A truncated CMAC (NT4H2421Gx section 9.1.3).
///
/// Two are compared as one 64-bit number, so that the time it takes does not tell where they differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SdmMac(u64);

impl SdmMac {
    /// The MAC that a message carries.
    #[must_use]
    pub fn new(bytes: [u8; 8]) -> Self {
        Self(u64::from_be_bytes(bytes))
    }

    /// The bytes that the tag mirrors.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }

    fn of(cmac: [u8; 16]) -> Self {
        Self::new(truncate(cmac))
    }
}
