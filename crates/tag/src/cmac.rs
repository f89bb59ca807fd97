//! AES-CMAC (RFC 4493, NIST SP 800-38B) with the key schedule and both subkeys computed once.
//!
//! Written out here because AN10922's padding needs the subkeys, which libraries keep to themselves, and because the
//! master key's are used at every tap.

use core::fmt;

use aes::Aes128Enc;
use aes::cipher::KeyInit;
use zeroize::Zeroize;

use crate::AesKey;
use crate::block::{double, encrypt, split};

/// A key made ready for computing MACs.
pub struct Cmac {
    cipher: Aes128Enc,
    /// K1, for a last block that is whole.
    whole_subkey: u128,
    /// K2, for a last block that had to be padded.
    padded_subkey: u128,
}

impl Cmac {
    /// Expands the key and computes the subkeys.
    #[must_use]
    pub fn new(key: &AesKey) -> Self {
        let cipher = Aes128Enc::new(key.expose().into());
        let whole_subkey = double(encrypt(&cipher, 0));
        Self { cipher, whole_subkey, padded_subkey: double(whole_subkey) }
    }

    /// The MAC of a message of any length (RFC 4493 section 2.4).
    #[must_use]
    pub fn mac(&self, message: &[u8]) -> [u8; 16] {
        let (blocks, last, last_is_whole) = split(message);
        let state = blocks.fold(0, |state, block| encrypt(&self.cipher, state ^ block));
        self.finish(state, last, last_is_whole)
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

impl fmt::Debug for Cmac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cmac(redacted)")
    }
}

impl Drop for Cmac {
    fn drop(&mut self) {
        self.whole_subkey.zeroize();
        self.padded_subkey.zeroize();
    }
}

/// The eight bytes at odd positions of a MAC's sixteen: what NTAG 424 DNA sends of one (MACt, NT4H2421Gx section 9.1.3).
#[must_use]
pub fn truncate(mac: [u8; 16]) -> [u8; 8] {
    core::array::from_fn(|index| mac[2 * index + 1])
}

#[cfg(test)]
mod tests {
    use ::cmac::{KeyInit, Mac};
    use proptest::prelude::*;

    use super::*;

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
