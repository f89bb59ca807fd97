//! A software tag: NXP's NTAG 424 DNA as bytes in and bytes out, for firmware that plays one, and for tests that need one.
//!
//! A [`Chip`] takes command APDUs and answers as the chip does (data sheet NT4H2421Gx): ISO/IEC 7816-4 files, mutual
//! authentication and secure messaging with AES or LRP, access rights, Secure Dynamic Messaging with its read counter,
//! counters of failed authentications, configuration, and the tamper loop of NT4H2421Tx. What it keeps without power is
//! a [`ChipImage`]; randomness comes from outside ([`Random`]); there is no clock, no I/O and no global state.
//!
//! ```
//! # use chip::{Chip, ChipImage, Origin};
//! let origin = Origin::new(tag::Uid([0x04, 0xDE, 0x5F, 0x1E, 0xAC, 0xC0, 0x40]));
//! let mut chip = Chip::new(ChipImage::at_delivery(origin));
//! let mut random = |bytes: &mut [u8]| bytes.fill(0); // never this
//! let select = [0x00, 0xA4, 0x04, 0x00, 0x07, 0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01];
//! assert_eq!(chip.respond(&select, &mut random).to_bytes(), [0x90, 0x00]);
//! ```
//!
//! [`ndef`] has the messages that go into its second file.
//!
//! It promises that any bytes get an answer, that a command is done wholly or not at all, and that nothing but an
//! authentication with the key opens what a key protects. It does not promise what only silicon can: it withstands
//! nobody who reads its memory or measures its computing. The radio (ISO/IEC 14443) is below it and not in it.
//!
//! `docs/tags.md` has the list of where it differs from a real chip.

#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod access;
mod administration;
pub mod apdu;
mod authentication;
mod chip;
mod files;
mod image;
mod messaging;
mod mirror;
pub mod ndef;
mod random;
pub mod settings;
mod status;

#[cfg(test)]
mod tests;

pub use apdu::Response;
pub use chip::{ANSWER_TO_SELECT, Chip};
pub use image::{ChipImage, Configuration, CorruptImage, File, FileNumber, Origin};
pub use random::Random;
pub use status::Status;

/// CRC32NK, which ChangeKey carries beside a key: CRC-32 of IEEE 802.3 without its last complement, least significant byte
/// first.
#[must_use]
pub fn checksum(bytes: &[u8]) -> [u8; 4] {
    let step = |sum: u32| if sum & 1 == 0 { sum >> 1 } else { (sum >> 1) ^ 0xEDB8_8320 };
    let sum = bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)));
    sum.to_le_bytes()
}
