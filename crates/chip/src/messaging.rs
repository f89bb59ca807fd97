//! Secure messaging: what protects commands and answers after an authentication (NT4H2421Gx sections 9.1 and 9.2).
//!
//! Both suites are here: AES (CMAC, and CBC with an IV from transaction and counter) and LRP (its CMAC, and LRICB with a
//! running counter).

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128Dec, Aes128Enc};
use tag::AesKey;
use tag::cmac::{Cmac, truncate};
use tag::lrp::{Lrp, LrpCmac};
use tag::session::{AesSessionKeys, LrpSessionKeys, Randoms};

use crate::Status;
use crate::access::{CommMode, KeyNumber};

/// The keys of a session.
pub(crate) enum Suite {
    /// AES secure messaging.
    Aes {
        /// SesAuthENCKey.
        encryption: AesKey,
        /// SesAuthMACKey.
        mac: Box<Cmac>,
    },
    /// LRP secure messaging.
    Lrp {
        /// SesAuthENCKey.
        encryption: Box<Lrp>,
        /// EncCtr, which goes up with every block.
        counter: u32,
        /// SesAuthMACKey.
        mac: Box<LrpCmac>,
    },
}

impl Suite {
    /// The keys of an AES session.
    pub(crate) fn aes(key: &AesKey, randoms: Randoms) -> Self {
        let AesSessionKeys { encryption, mac } = AesSessionKeys::derive(key, randoms);
        Self::Aes { encryption, mac: Box::new(Cmac::new(&mac)) }
    }

    /// The keys of an LRP session. Its counter of encrypted blocks begins at 0.
    pub(crate) fn lrp(key: &AesKey, randoms: Randoms) -> Self {
        let LrpSessionKeys { encryption, mac, .. } = LrpSessionKeys::derive(key, randoms);
        Self::Lrp { encryption: Box::new(encryption), counter: 0, mac: Box::new(mac) }
    }

    /// The MAC of 16 bytes, as authentication in LRP mode has it.
    pub(crate) fn whole_mac(&self, message: &[u8]) -> [u8; 16] {
        match self {
            Self::Aes { mac, .. } => mac.mac(message),
            Self::Lrp { mac, .. } => mac.mac(message),
        }
    }

    /// Encrypts whole blocks of an answer.
    pub(crate) fn encrypt(&mut self, transaction: [u8; 4], command_counter: u16, data: &mut [u8]) {
        let blocks = data.as_chunks_mut::<16>().0;
        match self {
            Self::Aes { encryption, .. } => {
                let vector = initialization_vector(encryption, [0x5A, 0xA5], transaction, command_counter);
                cbc_encrypt(encryption, vector, blocks);
            }
            Self::Lrp { encryption, counter, .. } => {
                let mut bytes = counter.to_be_bytes();
                if encryption.encrypt(&mut bytes, blocks.as_flattened_mut()).is_ok() {
                    *counter = u32::from_be_bytes(bytes);
                }
            }
        }
    }

    /// Decrypts whole blocks of a command.
    fn decrypt(&mut self, transaction: [u8; 4], command_counter: u16, data: &mut [u8]) {
        let blocks = data.as_chunks_mut::<16>().0;
        match self {
            Self::Aes { encryption, .. } => {
                let vector = initialization_vector(encryption, [0xA5, 0x5A], transaction, command_counter);
                cbc_decrypt(encryption, vector, blocks);
            }
            Self::Lrp { encryption, counter, .. } => {
                let mut bytes = counter.to_be_bytes();
                if encryption.decrypt(&mut bytes, blocks.as_flattened_mut()).is_ok() {
                    *counter = u32::from_be_bytes(bytes);
                }
            }
        }
    }
}

/// The IV of a message (section 9.1.4).
fn initialization_vector(key: &AesKey, label: [u8; 2], transaction: [u8; 4], command_counter: u16) -> [u8; 16] {
    let mut vector = [0; 16];
    vector[..2].copy_from_slice(&label);
    vector[2..6].copy_from_slice(&transaction);
    vector[6..8].copy_from_slice(&command_counter.to_le_bytes());
    initial_block(key, vector)
}

/// One block encrypted, from which a chain begins.
pub(crate) fn initial_block(key: &AesKey, mut block: [u8; 16]) -> [u8; 16] {
    Aes128Enc::new(key.expose().into()).encrypt_block((&mut block).into());
    block
}

/// CBC over whole blocks, in place.
pub(crate) fn cbc_encrypt(key: &AesKey, vector: [u8; 16], blocks: &mut [[u8; 16]]) {
    let cipher = Aes128Enc::new(key.expose().into());
    blocks.iter_mut().fold(vector, |previous, block| {
        block.iter_mut().zip(previous).for_each(|(byte, other)| *byte ^= other);
        cipher.encrypt_block(block.into());
        *block
    });
}

/// The inverse of [`cbc_encrypt`].
pub(crate) fn cbc_decrypt(key: &AesKey, vector: [u8; 16], blocks: &mut [[u8; 16]]) {
    let cipher = Aes128Dec::new(key.expose().into());
    blocks.iter_mut().fold(vector, |previous, block| {
        let ciphertext = *block;
        cipher.decrypt_block(block.into());
        block.iter_mut().zip(previous).for_each(|(byte, other)| *byte ^= other);
        ciphertext
    });
}

/// Whether secrets are equal, in a time that does not depend on where they differ.
pub(crate) fn equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}

/// A session between an authentication and its end.
pub(crate) struct Session {
    /// The key that was shown.
    pub(crate) key: KeyNumber,
    /// TI.
    pub(crate) transaction: [u8; 4],
    /// CmdCtr.
    pub(crate) command_counter: u16,
    /// The session's keys.
    pub(crate) suite: Suite,
}

impl Session {
    /// Takes the protection off a command's data. The first bytes, as many as the header has, are never encrypted.
    pub(crate) fn open(
        &mut self,
        instruction: u8,
        data: &[u8],
        header: usize,
        mode: CommMode,
    ) -> Result<Vec<u8>, Status> {
        if mode == CommMode::Plain {
            self.count()?;
            return Ok(data.to_vec());
        }
        let (message, mac) = data.split_last_chunk::<8>().ok_or(Status::LENGTH_ERROR)?;
        if !equal(&self.mac(instruction, message), mac) {
            return Err(Status::INTEGRITY_ERROR);
        }
        self.count()?;
        if mode == CommMode::Mac || message.len() <= header {
            return Ok(message.to_vec());
        }
        let mut message = message.to_vec();
        let encrypted = message.get_mut(header..).filter(|encrypted| encrypted.len() % 16 == 0);
        self.suite.decrypt(self.transaction, self.command_counter - 1, encrypted.ok_or(Status::LENGTH_ERROR)?);
        let end = message.iter().rposition(|byte| *byte != 0).filter(|end| *end >= header);
        let end = end.filter(|end| message[*end] == 0x80 && message.len() - end <= 16);
        message.truncate(end.ok_or(Status::INTEGRITY_ERROR)?);
        Ok(message)
    }

    /// Protects an answer's data.
    pub(crate) fn seal(&mut self, status: Status, mut data: Vec<u8>, mode: CommMode) -> Vec<u8> {
        if mode == CommMode::Full && !data.is_empty() {
            data.push(0x80);
            data.resize(data.len().next_multiple_of(16), 0);
            self.suite.encrypt(self.transaction, self.command_counter, &mut data);
        }
        if mode != CommMode::Plain {
            let [_, return_code] = status.0.to_be_bytes();
            let mac = self.mac(return_code, &data);
            data.extend(mac);
        }
        data
    }

    /// The MAC of a command or an answer; an answer's counts the command as done.
    fn mac(&self, code: u8, data: &[u8]) -> [u8; 8] {
        let mut message = Vec::with_capacity(7 + data.len());
        message.push(code);
        message.extend(self.command_counter.to_le_bytes());
        message.extend(self.transaction);
        message.extend_from_slice(data);
        truncate(self.suite.whole_mac(&message))
    }

    /// Counts a command. A session has at most 65,535 of them.
    fn count(&mut self) -> Result<(), Status> {
        self.command_counter = self.command_counter.checked_add(1).ok_or(Status::INTEGRITY_ERROR)?;
        Ok(())
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("key", &self.key)
            .field("command_counter", &self.command_counter)
            .finish_non_exhaustive()
    }
}
