//! The keys of one reading, and what they do (NT4H2421Gx sections 9.3.6, 9.3.8 and 9.3.9).

use alloc::boxed::Box;
use core::iter;

use aes::cipher::{BlockCipherDecrypt, KeyInit};
use aes::{Aes128Dec, Aes128Enc};

use super::{Mode, PartialBlock, PiccData, SdmMac};
use crate::block::encrypt;
use crate::cmac::Cmac;
use crate::lrp::{Lrp, LrpCmac, Tables};
use crate::{AesKey, ReadCounter};

/// The keys of one reading of a tag.
#[derive(Debug)]
pub enum SessionKeys {
    /// In AES mode.
    Aes {
        /// SesSDMFileReadENCKey.
        encryption: AesKey,
        /// SesSDMFileReadMACKey.
        mac: AesKey,
    },
    /// In LRP mode: SesSDMFileReadMasterKey spread out. Updated key 0 makes MACs, updated key 1 encrypts.
    Lrp(Box<Tables>),
}

impl SessionKeys {
    /// The keys of the reading that this PICC data identifies, from the tag's SDMFileRead key.
    #[must_use]
    pub fn derive(mode: Mode, file_read_key: &AesKey, picc_data: PiccData) -> Self {
        match mode {
            Mode::Aes => {
                let cmac = Cmac::new(file_read_key);
                let key = |label| AesKey::new(cmac.mac(&session_vector(label, picc_data)));
                Self::Aes { encryption: key([0xC3, 0x3C]), mac: key([0x3C, 0xC3]) }
            }
            Mode::Lrp => Self::Lrp(Box::new(Tables::new(&lrp_master_key(file_read_key, picc_data)))),
        }
    }

    /// The SDMMAC over what the file has from SDMMACInputOffset up to SDMMACOffset.
    #[must_use]
    pub fn mac(&self, input: &[u8]) -> SdmMac {
        SdmMac::of(match self {
            Self::Aes { mac, .. } => Cmac::new(mac).mac(input),
            Self::Lrp(tables) => LrpCmac::new(tables.lrp(0)).mac(input),
        })
    }

    /// Decrypts SDMENCFileData in place: in AES mode CBC, its initialisation vector the encrypted read counter (section
    /// 9.3.6.1); in LRP mode LRICB that counts from the read counter and three zero bytes on (section 9.3.6.2).
    ///
    /// Check the SDMMAC first: decryption succeeds with any key.
    ///
    /// # Errors
    /// [`PartialBlock`] if the ciphertext is not a whole number of 16-byte blocks.
    pub fn decrypt_file_data(&self, counter: ReadCounter, data: &mut [u8]) -> Result<(), PartialBlock> {
        match self {
            Self::Lrp(tables) => tables.lrp(1).decrypt(&mut lrp_counter(counter), data),
            Self::Aes { encryption, .. } => {
                let cipher = Aes128Dec::new(encryption.expose().into());
                let mut previous = initialisation_vector(encryption, counter);
                for block in whole_blocks(data)? {
                    let ciphertext = *block;
                    cipher.decrypt_block(block.into());
                    *block = (u128::from_be_bytes(*block) ^ previous).to_be_bytes();
                    previous = u128::from_be_bytes(ciphertext);
                }
                Ok(())
            }
        }
    }

    /// Encrypts file data in place, as a chip does.
    ///
    /// # Errors
    /// [`PartialBlock`] if the data is not a whole number of 16-byte blocks.
    pub fn encrypt_file_data(&self, counter: ReadCounter, data: &mut [u8]) -> Result<(), PartialBlock> {
        match self {
            Self::Lrp(tables) => tables.lrp(1).encrypt(&mut lrp_counter(counter), data),
            Self::Aes { encryption, .. } => {
                let cipher = Aes128Enc::new(encryption.expose().into());
                let mut previous = initialisation_vector(encryption, counter);
                for block in whole_blocks(data)? {
                    previous = encrypt(&cipher, u128::from_be_bytes(*block) ^ previous);
                    *block = previous.to_be_bytes();
                }
                Ok(())
            }
        }
    }
}

/// SesSDMFileReadMasterKey: the LRP-CMAC of SV (section 9.3.9.2).
#[must_use]
pub fn lrp_master_key(file_read_key: &AesKey, picc_data: PiccData) -> AesKey {
    let zeros = iter::repeat(0);
    let mut vector = [0x00, 0x01, 0x00, 0x80].into_iter().chain(picc_data.bytes()).chain(zeros).take(14);
    let mut vector = vector.by_ref().chain([0x1E, 0xE1]);
    let vector: [u8; 16] = core::array::from_fn(|_| vector.next().unwrap_or(0));
    AesKey::new(LrpCmac::new(Lrp::new(file_read_key, 0)).mac(&vector))
}

/// SV1 or SV2: `label || 0001 || 0080 [|| UID] [|| SDMReadCtr] || zeros`, always one block (section 9.3.9.1).
fn session_vector([high, low]: [u8; 2], picc_data: PiccData) -> [u8; 16] {
    let mut bytes = [high, low, 0x00, 0x01, 0x00, 0x80].into_iter().chain(picc_data.bytes());
    core::array::from_fn(|_| bytes.next().unwrap_or(0))
}

fn initialisation_vector(encryption: &AesKey, counter: ReadCounter) -> u128 {
    let [low, middle, high] = counter.to_little_endian();
    let block = [low, middle, high, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    encrypt(&Aes128Enc::new(encryption.expose().into()), u128::from_be_bytes(block))
}

fn lrp_counter(counter: ReadCounter) -> [u8; 6] {
    let [low, middle, high] = counter.to_little_endian();
    [low, middle, high, 0, 0, 0]
}

fn whole_blocks(data: &mut [u8]) -> Result<&mut [[u8; 16]], PartialBlock> {
    match data.as_chunks_mut() {
        (blocks, []) => Ok(blocks),
        _ => Err(PartialBlock),
    }
}
