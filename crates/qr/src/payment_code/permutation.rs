//! A keyed permutation of wallet numbers, another one each hour.
//!
//! A Feistel network over mixed radices (Black and Rogaway, *Ciphers with Arbitrary Finite Domains*, 2002, section 5; the idea of NIST
//! SP 800-38G's FF1) with AES-128 as its round function. The domain is a million numbers or more, as SP 800-38G asks for.

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

use super::digits::HANDLES;
use super::time::Hour;

/// As many as FF1 has, and two more for halves that differ in size.
const ROUNDS: u8 = 12;

/// The second half's size; the first is as large as the domain needs.
const SECOND: u64 = 1_000;

pub(super) struct Permutation {
    cipher: Aes128Enc,
    first: u64,
}

impl Permutation {
    /// A permutation of the numbers below this many millions.
    pub(super) fn new(key: &[u8; 16], millions: u32) -> Self {
        Self { cipher: Aes128Enc::new(key.into()), first: u64::from(millions) * u64::from(HANDLES) / SECOND }
    }

    pub(super) fn encrypt(&self, hour: Hour, number: u32) -> u32 {
        let halves = self.split(number);
        let halves = (0..ROUNDS)
            .fold(halves, |halves, round| self.turn(hour, round, halves, |sum, addend, size| (sum + addend) % size));
        self.join(halves)
    }

    pub(super) fn decrypt(&self, hour: Hour, number: u32) -> u32 {
        let halves = self.split(number);
        let back = |sum, addend, size| (sum + size - addend) % size;
        let halves = (0..ROUNDS).rev().fold(halves, |halves, round| self.turn(hour, round, halves, back));
        self.join(halves)
    }

    fn split(&self, number: u32) -> (u64, u64) {
        (u64::from(number) / SECOND % self.first, u64::from(number) % SECOND)
    }

    fn join(&self, (first, second): (u64, u64)) -> u32 {
        u32::try_from(first * SECOND + second).unwrap_or_default()
    }

    /// Changes one half by what the other comes to.
    fn turn(
        &self,
        hour: Hour,
        round: u8,
        (first, second): (u64, u64),
        change: impl Fn(u64, u64, u64) -> u64,
    ) -> (u64, u64) {
        if round.is_multiple_of(2) {
            (change(first, self.round(hour, round, second) % self.first, self.first), second)
        } else {
            (first, change(second, self.round(hour, round, first) % SECOND, SECOND))
        }
    }

    /// 64 bits, so that their remainder by at most 10^5 is as good as even.
    fn round(&self, hour: Hour, round: u8, half: u64) -> u64 {
        let mut block = [0; 16];
        block[..8].copy_from_slice(&half.to_be_bytes());
        block[8..12].copy_from_slice(&hour.0.to_be_bytes());
        block[12] = round;
        let mut block = block.into();
        self.cipher.encrypt_block(&mut block);
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 16]>::from(block);
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_hour_has_a_permutation_of_its_own() {
        let permutation = Permutation::new(&[7; 16], 1);
        for hour in [Hour(0), Hour(490_000)] {
            let mut seen = vec![false; 1_000_000];
            for number in (0..1_000_000).step_by(97) {
                let name = permutation.encrypt(hour, number);
                assert_eq!(permutation.decrypt(hour, name), number);
                assert!(!std::mem::replace(&mut seen[usize::try_from(name).unwrap()], true));
            }
        }
        let same =
            (0..1_000).filter(|number| permutation.encrypt(Hour(1), *number) == permutation.encrypt(Hour(2), *number));
        assert!(same.count() < 5);
    }

    #[test]
    fn a_block_of_a_hundred_million_is_permuted_too() {
        let permutation = Permutation::new(&[9; 16], 100);
        for number in (0..100_000_000).step_by(9_999_991).chain([99_999_999]) {
            let name = permutation.encrypt(Hour(5), number);
            assert!(name < 100_000_000);
            assert_eq!(permutation.decrypt(Hour(5), name), number);
        }
    }
}
