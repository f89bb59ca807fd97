//! PICC data: who a tag is and how often it was read, encrypted or not (NT4H2421Gx section 9.3.4).

use core::fmt;

use aes::Aes128;
use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};

use super::Mode;
use crate::lrp::Lrp;
use crate::{AesKey, ReadCounter, Uid};

/// What identifies one reading of a tag; a tag may be configured to leave either out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PiccData {
    /// Who it is.
    pub uid: Option<Uid>,
    /// How often it has been read, this reading included.
    pub counter: Option<ReadCounter>,
}

/// PICCDataTag: the UID is mirrored and has 7 bytes.
const UID_MIRRORED: u8 = 0b1000_0111;
/// PICCDataTag: the counter is mirrored.
const COUNTER_MIRRORED: u8 = 0b0100_0000;

impl PiccData {
    /// Reads decrypted PICC data: `PICCDataTag || UID || SDMReadCtr || padding`.
    fn parse(plaintext: &[u8; 16]) -> Option<Self> {
        let (tag, rest) = plaintext.split_first()?;
        let (uid, rest) = match tag & 0b1000_1111 {
            UID_MIRRORED => rest.split_first_chunk().map(|(uid, rest)| (Some(Uid(*uid)), rest))?,
            0 => (None, rest),
            _ => return None,
        };
        let counter = match tag & 0b0111_0000 {
            COUNTER_MIRRORED => Some(ReadCounter::from_little_endian(*rest.first_chunk()?)),
            0 => None,
            _ => return None,
        };
        Some(Self { uid, counter })
    }

    fn to_plaintext(self, padding: [u8; 15]) -> [u8; 16] {
        let tag = self.uid.map_or(0, |_| UID_MIRRORED) | self.counter.map_or(0, |_| COUNTER_MIRRORED);
        let mut bytes = [tag].into_iter().chain(self.bytes()).chain(padding);
        core::array::from_fn(|_| bytes.next().unwrap_or(0))
    }

    /// `[UID] || [SDMReadCtr]`, as they go into PICC data and session vectors.
    pub(super) fn bytes(self) -> impl Iterator<Item = u8> {
        let uid = self.uid.into_iter().flat_map(|uid| uid.0);
        uid.chain(self.counter.into_iter().flat_map(ReadCounter::to_little_endian))
    }
}

/// PICC data as a tag sends it. Its length says which mode the tag is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EncryptedPiccData {
    /// In AES mode: one block.
    Aes([u8; 16]),
    /// In LRP mode: PICCRand, 8 bytes, then one block.
    Lrp([u8; 24]),
}

impl EncryptedPiccData {
    /// The mode of the tag that sent it.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match self {
            Self::Aes(_) => Mode::Aes,
            Self::Lrp(_) => Mode::Lrp,
        }
    }

    /// The bytes as they are mirrored.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Aes(bytes) => bytes,
            Self::Lrp(bytes) => bytes,
        }
    }
}

impl TryFrom<&[u8]> for EncryptedPiccData {
    type Error = PiccDataLength;

    fn try_from(bytes: &[u8]) -> Result<Self, PiccDataLength> {
        let aes = bytes.try_into().map(Self::Aes);
        aes.or_else(|_| bytes.try_into().map(Self::Lrp)).map_err(|_| PiccDataLength)
    }
}

/// Encrypted PICC data has 16 bytes (AES) or 24 (LRP).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("encrypted PICC data has 16 bytes in AES mode and 24 in LRP mode")]
pub struct PiccDataLength;

/// What a chip rolls for each encryption of its PICC data.
#[derive(Clone, Copy, Debug, Default)]
pub struct PiccRandom {
    /// Fills the block up, from the first byte on: 5 bytes of it if UID and counter are mirrored.
    pub padding: [u8; 15],
    /// PICCRand: the counter from which LRP encrypts. AES mode has none.
    pub picc_rand: [u8; 8],
}

/// The decrypted block does not begin with a possible PICCDataTag: it was encrypted with another key, or by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the PICC data decrypts to nonsense")]
pub struct InvalidPiccData;

/// An SDMMetaRead key, made ready for PICC data.
pub struct MetaReadKey(Cipher);

enum Cipher {
    Aes(Aes128),
    Lrp(Lrp),
}

impl MetaReadKey {
    /// Prepares the key of tags in that mode.
    #[must_use]
    pub fn new(mode: Mode, key: &AesKey) -> Self {
        Self(match mode {
            Mode::Aes => Cipher::Aes(Aes128::new(key.expose().into())),
            Mode::Lrp => Cipher::Lrp(Lrp::new(key, 0)),
        })
    }

    /// Decrypts PICC data: in AES mode one block of CBC with a zero initialisation vector (section 9.3.4.1), in LRP mode
    /// LRICB from PICCRand on (section 9.3.4.2).
    ///
    /// Nothing proves the result yet: one wrong key in 64 or so yields something that looks like PICC data.
    ///
    /// # Errors
    /// [`InvalidPiccData`] if the tag is in the other mode, or if the plaintext cannot be PICC data.
    pub fn decrypt(&self, ciphertext: &EncryptedPiccData) -> Result<PiccData, InvalidPiccData> {
        let plaintext = match (&self.0, ciphertext) {
            (Cipher::Aes(cipher), EncryptedPiccData::Aes(block)) => {
                let mut block = (*block).into();
                cipher.decrypt_block(&mut block);
                block.into()
            }
            (Cipher::Lrp(lrp), EncryptedPiccData::Lrp(bytes)) => {
                let (picc_rand, block) = bytes.split_first_chunk::<8>().ok_or(InvalidPiccData)?;
                lrp.decrypt_block(picc_rand, block.try_into().map_err(|_| InvalidPiccData)?)
            }
            _ => return Err(InvalidPiccData),
        };
        PiccData::parse(&plaintext).ok_or(InvalidPiccData)
    }

    /// Encrypts PICC data, as a chip does.
    #[must_use]
    pub fn encrypt(&self, picc_data: PiccData, random: PiccRandom) -> EncryptedPiccData {
        let plaintext = picc_data.to_plaintext(random.padding);
        match &self.0 {
            Cipher::Aes(cipher) => {
                let mut block = plaintext.into();
                cipher.encrypt_block(&mut block);
                EncryptedPiccData::Aes(block.into())
            }
            Cipher::Lrp(lrp) => {
                let block = lrp.encrypt_block(&random.picc_rand, plaintext);
                let mut bytes = random.picc_rand.into_iter().chain(block);
                EncryptedPiccData::Lrp(core::array::from_fn(|_| bytes.next().unwrap_or(0)))
            }
        }
    }
}

impl fmt::Debug for MetaReadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MetaReadKey(redacted)")
    }
}
