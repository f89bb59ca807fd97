//! AES-CMAC (RFC 4493, NIST SP 800-38B) with the key schedule and both subkeys computed once.
//!
//! Written out here because AN10922's padding needs the subkeys, which libraries keep to themselves, and because the
//! master key's are used at every tap.

use std::iter;

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use zeroize::Zeroize;

use crate::AesKey;

/// A key made ready for computing MACs. Blocks are big-endian 128-bit numbers.
pub(crate) struct Cmac {
    cipher: Aes128Enc,
    /// K1, for a last block that is whole.
    whole_subkey: u128,
    /// K2, for a last block that had to be padded.
    padded_subkey: u128,
}

impl Cmac {
    pub(crate) fn new(key: &AesKey) -> Self {
        let cipher = Aes128Enc::new(key.expose().into());
        let whole_subkey = double(encrypt(&cipher, 0));
        Self { cipher, whole_subkey, padded_subkey: double(whole_subkey) }
    }

    /// The MAC of a message of any length (RFC 4493 section 2.4).
    pub(crate) fn mac(&self, message: &[u8]) -> [u8; 16] {
        // The last block is whole if it can be; it is empty only if the message is.
        let (blocks, last) = message.split_at(message.len().saturating_sub(1) / 16 * 16);
        let state = blocks.chunks(16).fold(0, |state, block| encrypt(&self.cipher, state ^ pad(block)));
        self.finish(state, pad(last), last.len() == 16)
    }

    /// The MAC of two blocks that the caller has padded.
    pub(crate) fn mac_of_two_blocks(&self, [first, last]: [u128; 2], last_is_whole: bool) -> [u8; 16] {
        self.finish(encrypt(&self.cipher, first), last, last_is_whole)
    }

    fn finish(&self, state: u128, last: u128, last_is_whole: bool) -> [u8; 16] {
        let subkey = if last_is_whole { self.whole_subkey } else { self.padded_subkey };
        encrypt(&self.cipher, state ^ last ^ subkey).to_be_bytes()
    }
}

impl Drop for Cmac {
    fn drop(&mut self) {
        self.whole_subkey.zeroize();
        self.padded_subkey.zeroize();
    }
}

fn encrypt(cipher: &Aes128Enc, block: u128) -> u128 {
    let mut block = block.to_be_bytes().into();
    cipher.encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

/// Multiplication by x in GF(2^128), without a branch on the secret.
fn double(block: u128) -> u128 {
    (block << 1) ^ (0x87 * (block >> 127))
}

/// At most 16 bytes as a block; if they are fewer, a one bit and zeros follow.
fn pad(bytes: &[u8]) -> u128 {
    let mut block = [0; 16];
    block.iter_mut().zip(bytes.iter().copied().chain(iter::once(0x80))).for_each(|(slot, byte)| *slot = byte);
    u128::from_be_bytes(block)
}

#[cfg(test)]
mod tests {
    use ::cmac::{KeyInit, Mac};
    use proptest::prelude::*;

    use super::*;
    use crate::hexadecimal::encode;

    #[test]
    fn rfc_4493_examples() {
        let vectors = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/sun_vectors.json"));
        let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
        let rows = vectors["aes_cmac_rfc4493"].as_array().unwrap();
        assert_eq!(rows.len(), 4);
        for row in rows {
            let key = crate::hexadecimal::decode(row["key"].as_str().unwrap()).unwrap();
            let message = row["msg"].as_str().unwrap().as_bytes().as_chunks::<2>().0.iter();
            let message: Vec<u8> =
                message.map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
            let mac = Cmac::new(&AesKey::new(key)).mac(&message);
            assert_eq!(encode(&mac), row["mac"].as_str().unwrap(), "{row}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_another_implementation(key: [u8; 16], message in prop::collection::vec(any::<u8>(), 0..70)) {
            let mut peer = ::cmac::Cmac::<aes::Aes128>::new(&key.into());
            peer.update(&message);
            let peer: [u8; 16] = peer.finalize().into_bytes().into();
            prop_assert_eq!(Cmac::new(&AesKey::new(key)).mac(&message), peer);
        }
    }
}
