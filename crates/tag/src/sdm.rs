//! Secure Dynamic Messaging in AES mode: the steps of NT4H2421Gx section 9.3, worked through in AN12196.
//!
//! Reading a tag's answer goes: decrypt the PICC data with the SDMMetaRead key ([`MetaReadKey::decrypt`]), or take the
//! UID and counter that are mirrored in the clear; derive the session keys from the SDMFileRead key
//! ([`SessionKeys::derive`]); check the SDMMAC ([`SessionKeys::mac`]); decrypt the file data if there is some
//! ([`SessionKeys::decrypt_file_data`]). Whose keys those are, and what the answer has to contain, is for the caller.

use alloc::vec::Vec;
use core::iter;

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128Dec, Aes128Enc};

use crate::cmac::Cmac;
use crate::{AesKey, ReadCounter, Uid};

/// What identifies one reading of a tag; a tag may be configured to leave either out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PiccData {
    /// Who it is.
    pub uid: Option<Uid>,
    /// How often it has been read, this reading included.
    pub counter: Option<ReadCounter>,
}

impl PiccData {
    /// Reads decrypted PICC data: `PICCDataTag || UID || SDMReadCtr || padding` (NT4H2421Gx section 9.3.4).
    fn parse(plaintext: &[u8; 16]) -> Option<Self> {
        let (tag, rest) = plaintext.split_first()?;
        let (uid, rest) = match tag & 0b1000_1111 {
            0b1000_0111 => rest.split_first_chunk().map(|(uid, rest)| (Some(Uid(*uid)), rest))?,
            0 => (None, rest),
            _ => return None,
        };
        let counter = match tag & 0b0111_0000 {
            0b0100_0000 => Some(ReadCounter::from_little_endian(*rest.first_chunk()?)),
            0 => None,
            _ => return None,
        };
        Some(Self { uid, counter })
    }
}

/// The decrypted block does not begin with a possible PICCDataTag: it was encrypted with another key, or by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the PICC data decrypts to nonsense")]
pub struct InvalidPiccData;

/// An SDMMetaRead key, made ready for decrypting PICC data.
pub struct MetaReadKey(Aes128Dec);

impl MetaReadKey {
    /// Prepares the key.
    #[must_use]
    pub fn new(key: &AesKey) -> Self {
        Self(Aes128Dec::new(key.expose().into()))
    }

    /// Decrypts PICC data (NT4H2421Gx section 9.3.4.1: one block in CBC mode with a zero initialisation vector).
    ///
    /// Nothing proves the result yet: one wrong key in 64 or so yields something that looks like PICC data.
    ///
    /// # Errors
    /// [`InvalidPiccData`] if the plaintext cannot be PICC data.
    pub fn decrypt(&self, ciphertext: [u8; 16]) -> Result<PiccData, InvalidPiccData> {
        let mut block = ciphertext.into();
        self.0.decrypt_block(&mut block);
        PiccData::parse(&block.into()).ok_or(InvalidPiccData)
    }
}

/// A truncated CMAC: the eight bytes at odd positions of the sixteen (NT4H2421Gx section 9.1.3).
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

    fn truncate(cmac: [u8; 16]) -> Self {
        let odd = cmac.as_chunks::<2>().0.iter().map(|[_, odd]| u64::from(*odd));
        Self(odd.fold(0, |number, byte| number << 8 | byte))
    }
}

/// The keys of one reading (NT4H2421Gx section 9.3.9).
#[derive(Debug)]
pub struct SessionKeys {
    encryption: AesKey,
    mac: AesKey,
}

impl SessionKeys {
    /// The keys of the reading that this PICC data identifies, from the tag's SDMFileRead key.
    #[must_use]
    pub fn derive(file_read_key: &AesKey, picc_data: PiccData) -> Self {
        let cmac = Cmac::new(file_read_key);
        let key = |label| AesKey::new(cmac.mac(&session_vector(label, picc_data)));
        Self { encryption: key([0xC3, 0x3C]), mac: key([0x3C, 0xC3]) }
    }

    /// SesSDMFileReadENCKey.
    #[must_use]
    pub fn encryption_key(&self) -> &AesKey {
        &self.encryption
    }

    /// SesSDMFileReadMACKey.
    #[must_use]
    pub fn mac_key(&self) -> &AesKey {
        &self.mac
    }

    /// The SDMMAC over what the file has from SDMMACInputOffset up to SDMMACOffset.
    #[must_use]
    pub fn mac(&self, input: &[u8]) -> SdmMac {
        SdmMac::truncate(Cmac::new(&self.mac).mac(input))
    }

    /// Decrypts SDMENCFileData (section 9.3.6.1: CBC, its initialisation vector the encrypted read counter).
    ///
    /// Check the SDMMAC first: decryption succeeds with any key.
    ///
    /// # Errors
    /// [`PartialBlock`] if the ciphertext is not a whole number of 16-byte blocks.
    pub fn decrypt_file_data(&self, counter: ReadCounter, ciphertext: &[u8]) -> Result<Vec<u8>, PartialBlock> {
        let (blocks, rest) = ciphertext.as_chunks::<16>();
        if !rest.is_empty() {
            return Err(PartialBlock);
        }
        let cipher = Aes128Dec::new(self.encryption.expose().into());
        let previous = iter::once(self.initialisation_vector(counter)).chain(blocks.iter().copied());
        let decrypted = blocks.iter().zip(previous).flat_map(|(block, previous)| {
            let mut plaintext = (*block).into();
            cipher.decrypt_block(&mut plaintext);
            (u128::from_be_bytes(plaintext.into()) ^ u128::from_be_bytes(previous)).to_be_bytes()
        });
        Ok(decrypted.collect())
    }

    fn initialisation_vector(&self, counter: ReadCounter) -> [u8; 16] {
        let [low, middle, high] = counter.to_little_endian();
        let mut block = [low, middle, high, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].into();
        Aes128Enc::new(self.encryption.expose().into()).encrypt_block(&mut block);
        block.into()
    }
}

/// The ciphertext ends within a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("encrypted file data comes in blocks of 16 bytes")]
pub struct PartialBlock;

/// SV1 or SV2: `label || 0001 || 0080 [|| UID] [|| SDMReadCtr] || zeros`, always one block.
fn session_vector([high, low]: [u8; 2], picc_data: PiccData) -> [u8; 16] {
    let uid = picc_data.uid.into_iter().flat_map(|uid| uid.0);
    let counter = picc_data.counter.into_iter().flat_map(ReadCounter::to_little_endian);
    let mut bytes = [high, low, 0x00, 0x01, 0x00, 0x80].into_iter().chain(uid).chain(counter);
    core::array::from_fn(|_| bytes.next().unwrap_or(0))
}
