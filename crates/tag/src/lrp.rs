//! NXP's leakage resilient primitive: AES used so that no key meets more than two inputs (AN12304).
//!
//! From a key come sixteen secret plaintexts and a chain of updated keys ([`Tables`]). An updated key with the
//! plaintexts ([`Lrp`]) evaluates any string of nibbles to 16 bytes, one AES per nibble; from that are made an encryption
//! in indexed code book mode ([`Lrp::encrypt`]) and a CMAC ([`LrpCmac`]). It takes some thirty times as long as AES
//! does, and it withstands who watches a chip's power while it computes.

use alloc::vec::Vec;
use core::fmt;

use aes::cipher::{BlockCipherDecrypt, KeyInit};
use aes::{Aes128Dec, Aes128Enc};
use zeroize::Zeroize;

use crate::AesKey;
use crate::block::{self, double, encrypt, encrypt_once};

const FIVES: u128 = 0x5555_5555_5555_5555_5555_5555_5555_5555;
const TENS: u128 = 0xAAAA_AAAA_AAAA_AAAA_AAAA_AAAA_AAAA_AAAA;

/// A key spread out: its secret plaintexts, and where its updated keys begin (AN12304 section 2.2, algorithms 1 and 2).
#[derive(Clone)]
pub struct Tables {
    plaintexts: [u128; 16],
    /// The link of the chain from which the first updated key is made.
    first_link: u128,
}

impl Tables {
    /// Spreads a key out.
    #[must_use]
    pub fn new(key: &AesKey) -> Self {
        let cipher = Aes128Enc::new(key.expose().into());
        let mut link = encrypt(&cipher, FIVES);
        let plaintexts = core::array::from_fn(|_| step(&mut link));
        Self { plaintexts, first_link: encrypt(&cipher, TENS) }
    }

    /// The sixteen secret plaintexts, one for each nibble.
    #[must_use]
    pub fn plaintexts(&self) -> [[u8; 16]; 16] {
        self.plaintexts.map(u128::to_be_bytes)
    }

    /// The updated key of that index, counted from 0.
    #[must_use]
    pub fn updated_key(&self, index: u8) -> AesKey {
        let mut link = self.first_link;
        for _ in 0..index {
            link = encrypt_once(link, FIVES);
        }
        AesKey::new(step(&mut link).to_be_bytes())
    }

    /// The primitive with the updated key of that index.
    #[must_use]
    pub fn lrp(&self, index: u8) -> Lrp {
        Lrp { plaintexts: self.plaintexts, updated_key: block::number(&self.updated_key(index)) }
    }
}

/// The value of a link in the chain; and on to the next link.
fn step(link: &mut u128) -> u128 {
    let cipher = Aes128Enc::new(&link.to_be_bytes().into());
    *link = encrypt(&cipher, FIVES);
    encrypt(&cipher, TENS)
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tables(redacted)")
    }
}

impl Drop for Tables {
    fn drop(&mut self) {
        self.plaintexts.zeroize();
        self.first_link.zeroize();
    }
}

/// The primitive under one updated key.
#[derive(Clone)]
pub struct Lrp {
    plaintexts: [u128; 16],
    updated_key: u128,
}

impl Lrp {
    /// The primitive under the updated key of that index of a key; [`Tables::lrp`] where several are needed.
    #[must_use]
    pub fn new(key: &AesKey, index: u8) -> Self {
        Tables::new(key).lrp(index)
    }

    /// Evaluates a string of nibbles, the first one first (AN12304 section 2.3, algorithm 3). Of each item the lower four
    /// bits count.
    #[must_use]
    pub fn evaluate(&self, nibbles: impl IntoIterator<Item = u8>, finalize: bool) -> AesKey {
        let end = nibbles
            .into_iter()
            .fold(self.updated_key, |key, nibble| encrypt_once(key, self.plaintexts[usize::from(nibble & 0x0F)]));
        AesKey::new(if finalize { encrypt_once(end, 0) } else { end }.to_be_bytes())
    }

    /// The final evaluation of whole bytes, the higher nibble first.
    fn evaluate_bytes(&self, bytes: &[u8]) -> AesKey {
        self.evaluate(bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]), true)
    }

    fn evaluate_block(&self, block: u128) -> u128 {
        block::number(&self.evaluate_bytes(&block.to_be_bytes()))
    }

    /// Encrypts whole blocks in place, in indexed code book mode (LRICB, AN12304 section 2.4).
    ///
    /// The counter, a big-endian number of any length, goes up by one for each block and begins again after its highest;
    /// no value of it may be used twice under one key.
    ///
    /// # Errors
    /// [`PartialBlock`] if the data is not a whole number of 16-byte blocks. Then nothing has changed.
    pub fn encrypt(&self, counter: &mut [u8], data: &mut [u8]) -> Result<(), PartialBlock> {
        for block in blocks(data)? {
            *block = self.encrypt_block(counter, *block);
            increment(counter);
        }
        Ok(())
    }

    /// Decrypts in place what [`encrypt`](Self::encrypt) encrypted from the same counter on.
    ///
    /// # Errors
    /// [`PartialBlock`] if the data is not a whole number of 16-byte blocks. Then nothing has changed.
    pub fn decrypt(&self, counter: &mut [u8], data: &mut [u8]) -> Result<(), PartialBlock> {
        for block in blocks(data)? {
            *block = self.decrypt_block(counter, *block);
            increment(counter);
        }
        Ok(())
    }

    /// One block at one value of the counter.
    pub(crate) fn encrypt_block(&self, counter: &[u8], block: [u8; 16]) -> [u8; 16] {
        encrypt_once(block::number(&self.evaluate_bytes(counter)), u128::from_be_bytes(block)).to_be_bytes()
    }

    /// One block at one value of the counter.
    pub(crate) fn decrypt_block(&self, counter: &[u8], block: [u8; 16]) -> [u8; 16] {
        let mut block = block.into();
        Aes128Dec::new(self.evaluate_bytes(counter).expose().into()).decrypt_block(&mut block);
        block.into()
    }

    /// Encrypts data of any length, padded with a one bit and zeros (ISO/IEC 9797-1, padding method 2): always more bytes
    /// than there were.
    #[must_use]
    pub fn encrypt_padded(&self, counter: &mut [u8], data: &[u8]) -> Vec<u8> {
        let (whole, last) = data.as_chunks::<16>();
        let mut padded = [whole.as_flattened(), &block::pad(last).to_be_bytes()].concat();
        for block in padded.as_chunks_mut().0 {
            *block = self.encrypt_block(counter, *block);
            increment(counter);
        }
        padded
    }

    /// Decrypts what [`encrypt_padded`](Self::encrypt_padded) encrypted.
    ///
    /// # Errors
    /// [`InvalidPadding`] if the data is no whole number of blocks or does not end as padding does. Whoever can make one
    /// ask must not learn this before a MAC was checked.
    pub fn decrypt_padded(&self, counter: &mut [u8], data: &[u8]) -> Result<Vec<u8>, InvalidPadding> {
        let mut data = data.to_vec();
        self.decrypt(counter, &mut data).map_err(|PartialBlock| InvalidPadding)?;
        let end = data.iter().rposition(|byte| *byte != 0).ok_or(InvalidPadding)?;
        if data[end] != 0x80 || data.len() - end > 16 {
            return Err(InvalidPadding);
        }
        data.truncate(end);
        Ok(data)
    }
}

fn blocks(data: &mut [u8]) -> Result<&mut [[u8; 16]], PartialBlock> {
    match data.as_chunks_mut() {
        (blocks, []) => Ok(blocks),
        _ => Err(PartialBlock),
    }
}

fn increment(counter: &mut [u8]) {
    for byte in counter.iter_mut().rev() {
        *byte = byte.wrapping_add(1);
        if *byte != 0 {
            break;
        }
    }
}

impl fmt::Debug for Lrp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lrp(redacted)")
    }
}

impl Drop for Lrp {
    fn drop(&mut self) {
        self.plaintexts.zeroize();
        self.updated_key.zeroize();
    }
}

/// LRP made ready for computing MACs: CMAC with the evaluation in the place of AES (AN12304 section 2.5).
#[derive(Clone, Debug)]
pub struct LrpCmac {
    lrp: Lrp,
    /// K1, for a last block that is whole.
    whole_subkey: Subkey,
}

/// A secret block whose memory is wiped.
#[derive(Clone)]
struct Subkey(u128);

impl LrpCmac {
    /// Computes the subkeys.
    #[must_use]
    pub fn new(lrp: Lrp) -> Self {
        let whole_subkey = Subkey(double(lrp.evaluate_block(0)));
        Self { lrp, whole_subkey }
    }

    /// The MAC of a message of any length.
    #[must_use]
    pub fn mac(&self, message: &[u8]) -> [u8; 16] {
        let (blocks, last, last_is_whole) = block::split(message);
        let state = blocks.fold(0, |state, block| self.lrp.evaluate_block(state ^ block));
        let Subkey(whole) = self.whole_subkey;
        let subkey = if last_is_whole { whole } else { double(whole) };
        self.lrp.evaluate_block(state ^ last ^ subkey).to_be_bytes()
    }
}

impl fmt::Debug for Subkey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subkey(redacted)")
    }
}

impl Drop for Subkey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// Data ends within a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("encrypted data comes in blocks of 16 bytes")]
pub struct PartialBlock;

/// Decrypted data does not end as padded data does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the data was not encrypted with this key and counter")]
pub struct InvalidPadding;
