//! The reader's side of secure messaging, as far as it takes to get commands past their MAC.

use aes::cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use aes::{Aes128Dec, Aes128Enc};
use chip::{Response, Status};
use tag::AesKey;
use tag::cmac::{Cmac, truncate};
use tag::lrp::{Lrp, LrpCmac};
use tag::session::{AesSessionKeys, LrpSessionKeys, Randoms};

/// What the reader draws.
const NONCE: [u8; 16] = [0x52; 16];

/// A reader, which may have a session.
#[derive(Default)]
pub(super) struct Reader {
    keys: Option<Keys>,
    transaction: [u8; 4],
    command_counter: u16,
}

enum Keys {
    Aes { encryption: AesKey, mac: Box<Cmac> },
    Lrp { encryption: Box<Lrp>, mac: Box<LrpCmac>, counter: [u8; 4] },
}

/// The second part of an authentication.
pub(super) struct Answer {
    pub(super) message: [u8; 32],
    keys: Keys,
}

impl Reader {
    /// What to answer a chip whose key is zero.
    pub(super) fn answer(lrp: bool, question: &Response) -> Option<Answer> {
        if question.status != Status::ADDITIONAL_FRAME {
            return None;
        }
        let key = AesKey::new([0; 16]);
        let mut chip: [u8; 16] = question.data.last_chunk().copied()?;
        let mut message = [0; 32];
        if lrp {
            let LrpSessionKeys { encryption, mac, .. } = LrpSessionKeys::derive(&key, Randoms { reader: NONCE, chip });
            message[..16].copy_from_slice(&NONCE);
            message[16..].copy_from_slice(&mac.mac(&[NONCE, chip].concat()));
            // The chip's own proof is the first block that it encrypts.
            let keys = Keys::Lrp { encryption: encryption.into(), mac: mac.into(), counter: 1_u32.to_be_bytes() };
            return Some(Answer { message, keys });
        }
        Aes128Dec::new(&[0; 16].into()).decrypt_block((&mut chip).into());
        let AesSessionKeys { encryption, mac } = AesSessionKeys::derive(&key, Randoms { reader: NONCE, chip });
        chip.rotate_left(1);
        message[..16].copy_from_slice(&NONCE);
        message[16..].copy_from_slice(&chip);
        encrypt(&key, [0; 16], &mut message);
        Some(Answer { message, keys: Keys::Aes { encryption, mac: Cmac::new(&mac).into() } })
    }

    /// The data with its MAC.
    pub(super) fn with_mac(&self, instruction: u8, data: &[u8]) -> Vec<u8> {
        let mut message = vec![instruction];
        message.extend(self.command_counter.to_le_bytes());
        message.extend(self.transaction);
        message.extend(data);
        let mac = match &self.keys {
            None => [0; 16],
            Some(Keys::Aes { mac, .. }) => mac.mac(&message),
            Some(Keys::Lrp { mac, .. }) => mac.mac(&message),
        };
        [data, &truncate(mac)].concat()
    }

    /// The data, encrypted but for its header, with its MAC. WriteData's header has seven bytes, the others' one.
    pub(super) fn encrypted(&mut self, instruction: u8, data: &[u8]) -> Vec<u8> {
        let (header, secret) = data.split_at(data.len().min(if instruction == 0x8D { 7 } else { 1 }));
        let mut secret = secret.to_vec();
        secret.push(0x80);
        secret.resize(secret.len().next_multiple_of(16), 0);
        match &mut self.keys {
            None => {}
            Some(Keys::Aes { encryption, .. }) => {
                let mut vector = [0; 16];
                vector[..2].copy_from_slice(&[0xA5, 0x5A]);
                vector[2..6].copy_from_slice(&self.transaction);
                vector[6..8].copy_from_slice(&self.command_counter.to_le_bytes());
                Aes128Enc::new(encryption.expose().into()).encrypt_block((&mut vector).into());
                encrypt(encryption, vector, &mut secret);
            }
            Some(Keys::Lrp { encryption, counter, .. }) => {
                encryption.encrypt(counter, &mut secret).expect("whole blocks");
            }
        }
        self.with_mac(instruction, &[header, &secret].concat())
    }

    /// Counts as the chip does: commands that were done, of several frames once; and what the chip encrypted.
    pub(super) fn follow(&mut self, instruction: u8, response: &Response) {
        if !response.status.is_success() || [0x71, 0x77].contains(&instruction) {
            self.keys = None;
        }
        if instruction != 0xAF {
            self.command_counter = self.command_counter.wrapping_add(1);
        }
        let encrypts =
            [0x51, 0x3C, 0xF7].contains(&instruction) || instruction == 0xAD && response.data.len() % 16 == 8;
        if let (Some(Keys::Lrp { counter, .. }), true) = (&mut self.keys, encrypts) {
            let blocks = u32::try_from(response.data.len() / 16).expect("at most 16");
            *counter = u32::from_be_bytes(*counter).wrapping_add(blocks).to_be_bytes();
        }
    }
}

impl Answer {
    /// The session, if the chip's proof is there.
    pub(super) fn accept(mut self, proof: &Response) -> Option<Reader> {
        if proof.status != Status::OK {
            return None;
        }
        let mut first: [u8; 16] = proof.data.first_chunk().copied()?;
        match &mut self.keys {
            Keys::Aes { .. } => Aes128Dec::new(&[0; 16].into()).decrypt_block((&mut first).into()),
            Keys::Lrp { encryption, .. } => encryption.decrypt(&mut [0; 4], &mut first).expect("a whole block"),
        }
        let transaction = first.first_chunk().copied()?;
        Some(Reader { keys: Some(self.keys), transaction, command_counter: 0 })
    }
}

/// CBC over whole blocks.
fn encrypt(key: &AesKey, vector: [u8; 16], data: &mut [u8]) {
    let cipher = Aes128Enc::new(key.expose().into());
    data.as_chunks_mut::<16>().0.iter_mut().fold(vector, |previous, block| {
        block.iter_mut().zip(previous).for_each(|(byte, other)| *byte ^= other);
        cipher.encrypt_block(block.into());
        *block
    });
}
