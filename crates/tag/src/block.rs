//! AES blocks as big-endian 128-bit numbers, and what CMAC (RFC 4493) and LRP (AN12304) both do with them.

use core::iter;

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

use crate::AesKey;

/// One block under a key whose schedule is there.
pub(crate) fn encrypt(cipher: &Aes128Enc, block: u128) -> u128 {
    let mut block = block.to_be_bytes().into();
    cipher.encrypt_block(&mut block);
    u128::from_be_bytes(block.into())
}

/// One block under a key that is used for nothing else.
pub(crate) fn encrypt_once(key: u128, block: u128) -> u128 {
    encrypt(&Aes128Enc::new(&key.to_be_bytes().into()), block)
}

/// A key as the number that it is.
pub(crate) fn number(key: &AesKey) -> u128 {
    u128::from_be_bytes(*key.expose())
}

/// Multiplication by x in GF(2^128), without a branch on the secret.
pub(crate) fn double(block: u128) -> u128 {
    (block << 1) ^ (0x87 * (block >> 127))
}

/// At most 16 bytes as a block; if they are fewer, a one bit and zeros follow (ISO/IEC 9797-1, padding method 2).
pub(crate) fn pad(bytes: &[u8]) -> u128 {
    let mut block = [0; 16];
    block.iter_mut().zip(bytes.iter().copied().chain(iter::once(0x80))).for_each(|(slot, byte)| *slot = byte);
    u128::from_be_bytes(block)
}

/// A message as the blocks of its CMAC: all but the last, and the last with whether it needed no padding. The last is
/// whole if it can be; it is empty only if the message is.
pub(crate) fn split(message: &[u8]) -> (impl Iterator<Item = u128>, u128, bool) {
    let (blocks, last) = message.split_at(message.len().saturating_sub(1) / 16 * 16);
    (blocks.chunks(16).map(pad), pad(last), last.len() == 16)
}
