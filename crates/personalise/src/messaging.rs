//! Secure messaging, the reader's side: what an authentication agrees on, and how commands and answers are protected with
//! it (NT4H2421Gx sections 9.1 and 9.2).

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128Dec, Aes128Enc};
use chip::access::CommMode;
use tag::AesKey;
use tag::cmac::{Cmac, truncate};
use tag::lrp::{Lrp, LrpCmac};
use tag::session::{AesSessionKeys, LrpSessionKeys, Randoms};

type Block = [u8; 16];

/// The first half of an authentication: the tag has asked.
pub(crate) enum Question {
    /// `E(K, RndB)`.
    Aes(Block),
    /// RndB.
    Lrp(Block),
}

/// A reader that has answered and waits for the tag's own proof.
pub(crate) struct Answered {
    /// What the tag is sent.
    pub(crate) answer: [u8; 32],
    randoms: Randoms,
    suite: Suite,
    /// The key of the authentication, which decrypts the tag's proof in AES mode.
    key: AesKey,
}

impl Question {
    /// Answers with the key and a random number that is used for nothing else (RndA).
    pub(crate) fn answer(self, key: &AesKey, reader: Block) -> Answered {
        let mut answer = [0; 32];
        let (randoms, suite) = match self {
            Self::Aes(mut asked) => {
                cbc_decrypt(key, std::slice::from_mut(&mut asked));
                let randoms = Randoms { reader, chip: asked };
                answer[..16].copy_from_slice(&reader);
                answer[16..].copy_from_slice(&rotate(asked));
                cbc_encrypt(key, [0; 16], answer.as_chunks_mut().0);
                (randoms, Suite::aes(key, randoms))
            }
            Self::Lrp(chip) => {
                let randoms = Randoms { reader, chip };
                let suite = Suite::lrp(key, randoms);
                answer[..16].copy_from_slice(&reader);
                answer[16..].copy_from_slice(&suite.mac(&[reader, chip].concat()));
                (randoms, suite)
            }
        };
        Answered { answer, randoms, suite, key: AesKey::new(*key.expose()) }
    }
}

impl Answered {
    /// The session, if the tag proves that it has the key too: `TI || RndA' || PDcap2 || PCDcap2` encrypted, or in LRP mode
    /// `TI || PDcap2 || PCDcap2` encrypted, and a MAC over all that was said.
    pub(crate) fn prove(mut self, proof: &[u8]) -> Option<Session> {
        let mut proof: [u8; 32] = proof.try_into().ok()?;
        let Randoms { reader, chip } = self.randoms;
        let (introduction, rest) = proof.split_at_mut(16);
        let proven = match &mut self.suite {
            Suite::Aes { .. } => {
                cbc_decrypt(&self.key, proof.as_chunks_mut().0);
                equal(&proof[4..20], &rotate(reader))
            }
            Suite::Lrp { encryption, counter, mac } => {
                let expected = mac.mac(&[&chip[..], &reader, introduction].concat());
                let proven = equal(rest, &expected);
                encryption.decrypt(counter, introduction).ok()?;
                proven
            }
        };
        let transaction = *proof.first_chunk()?;
        proven.then_some(Session { transaction, command_counter: 0, suite: self.suite })
    }
}

/// A session's keys.
enum Suite {
    Aes { encryption: AesKey, mac: Box<Cmac> },
    Lrp { encryption: Box<Lrp>, counter: [u8; 4], mac: Box<LrpCmac> },
}

impl Suite {
    fn aes(key: &AesKey, randoms: Randoms) -> Self {
        let AesSessionKeys { encryption, mac } = AesSessionKeys::derive(key, randoms);
        Self::Aes { encryption, mac: Box::new(Cmac::new(&mac)) }
    }

    fn lrp(key: &AesKey, randoms: Randoms) -> Self {
        let LrpSessionKeys { encryption, mac, .. } = LrpSessionKeys::derive(key, randoms);
        Self::Lrp { encryption: Box::new(encryption), counter: [0; 4], mac: Box::new(mac) }
    }

    fn mac(&self, message: &[u8]) -> Block {
        match self {
            Self::Aes { mac, .. } => mac.mac(message),
            Self::Lrp { mac, .. } => mac.mac(message),
        }
    }
}

/// What reader and tag share after an authentication, until an error or the next one.
pub(crate) struct Session {
    /// TI.
    transaction: [u8; 4],
    /// CmdCtr.
    command_counter: u16,
    suite: Suite,
}

impl Session {
    /// Protects a command's data. Its header is never encrypted.
    pub(crate) fn seal(&mut self, instruction: u8, header: &[u8], data: &[u8], mode: CommMode) -> Vec<u8> {
        // Once and for all, so that no plaintext is left behind where it grew.
        let mut message = Vec::with_capacity(header.len() + data.len() + 32);
        message.extend_from_slice(header);
        message.extend_from_slice(data);
        if mode == CommMode::Full && !data.is_empty() {
            message.push(0x80);
            message.resize(header.len() + (data.len() + 1).next_multiple_of(16), 0);
            self.encrypt(&mut message[header.len()..]);
        }
        if mode != CommMode::Plain {
            let mac = self.mac(instruction, &message);
            message.extend(mac);
        }
        message
    }

    /// Takes the protection off the answer of a command that was carried out; nothing if it is not the tag's.
    pub(crate) fn open(&mut self, return_code: u8, answer: &[u8], mode: CommMode) -> Option<Vec<u8>> {
        self.command_counter = self.command_counter.checked_add(1)?;
        if mode == CommMode::Plain {
            return Some(answer.to_vec());
        }
        let (message, mac) = answer.split_last_chunk::<8>()?;
        if !equal(&self.mac(return_code, message), mac) {
            return None;
        }
        let mut message = message.to_vec();
        if mode == CommMode::Full && !message.is_empty() {
            self.decrypt(&mut message)?;
            let end = message.iter().rposition(|byte| *byte != 0)?;
            if message.get(end) != Some(&0x80) || message.len() - end > 16 {
                return None;
            }
            message.truncate(end);
        }
        Some(message)
    }

    fn mac(&self, code: u8, data: &[u8]) -> [u8; 8] {
        let [low, high] = self.command_counter.to_le_bytes();
        truncate(self.suite.mac(&[&[code, low, high], &self.transaction[..], data].concat()))
    }

    fn encrypt(&mut self, data: &mut [u8]) {
        match &mut self.suite {
            Suite::Aes { encryption, .. } => {
                let vector = vector(encryption, [0xA5, 0x5A], self.transaction, self.command_counter);
                cbc_encrypt(encryption, vector, data.as_chunks_mut().0);
            }
            Suite::Lrp { encryption, counter, .. } => {
                // The caller has padded it to whole blocks.
                let _ = encryption.encrypt(counter, data);
            }
        }
    }

    fn decrypt(&mut self, data: &mut [u8]) -> Option<()> {
        let (blocks, []) = data.as_chunks_mut::<16>() else { return None };
        match &mut self.suite {
            Suite::Aes { encryption, .. } => {
                let vector = vector(encryption, [0x5A, 0xA5], self.transaction, self.command_counter);
                cbc_decrypt(encryption, blocks);
                // The first block of a chain meets the vector instead of a block before it.
                let first = blocks.first_mut()?;
                first.iter_mut().zip(vector).for_each(|(byte, other)| *byte ^= other);
                Some(())
            }
            Suite::Lrp { encryption, counter, .. } => encryption.decrypt(counter, data).ok(),
        }
    }
}

/// The IV of a message (section 9.1.4).
fn vector(key: &AesKey, [high, low]: [u8; 2], [a, b, c, d]: [u8; 4], command_counter: u16) -> Block {
    let [counter_low, counter_high] = command_counter.to_le_bytes();
    let mut block = [high, low, a, b, c, d, counter_low, counter_high, 0, 0, 0, 0, 0, 0, 0, 0];
    cbc_encrypt(key, [0; 16], std::slice::from_mut(&mut block));
    block
}

/// CBC over whole blocks.
fn cbc_encrypt(key: &AesKey, vector: Block, blocks: &mut [Block]) {
    let cipher = Aes128Enc::new(key.expose().into());
    blocks.iter_mut().fold(vector, |previous, block| {
        block.iter_mut().zip(previous).for_each(|(byte, other)| *byte ^= other);
        cipher.encrypt_block(block.into());
        *block
    });
}

/// The inverse of [`cbc_encrypt`] from a vector of zeros.
fn cbc_decrypt(key: &AesKey, blocks: &mut [Block]) {
    let cipher = Aes128Dec::new(key.expose().into());
    blocks.iter_mut().fold([0; 16], |previous, block| {
        let ciphertext = *block;
        cipher.decrypt_block(block.into());
        block.iter_mut().zip(previous).for_each(|(byte, other)| *byte ^= other);
        ciphertext
    });
}

/// Rotated left by one byte.
fn rotate(mut block: Block) -> Block {
    block.rotate_left(1);
    block
}

/// Whether two MACs are equal, in a time that does not depend on where they differ.
fn equal(one: &[u8], other: &[u8]) -> bool {
    one.len() == other.len() && one.iter().zip(other).fold(0, |differences, (a, b)| differences | (a ^ b)) == 0
}
