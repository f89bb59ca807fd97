//! Secure Dynamic Messaging as the chip does it: the NDEF file as a reader sees it that has not authenticated
//! (NT4H2421Gx section 9.3).
//!
//! This is the chip's side, written from the data sheet and not from what verifies it: the two check each other.

use alloc::boxed::Box;
use alloc::vec::Vec;

use tag::cmac::{Cmac, truncate};
use tag::lrp::{Lrp, LrpCmac, Tables};
use tag::{AesKey, Uid};

use crate::image::ChipImage;
use crate::messaging::{cbc_encrypt, initial_block};
use crate::settings::{Encrypted, FileRead, MetaRead, Sdm};

/// The random bytes of one reading: PICCRand, then the padding of PICCData.
pub(crate) type Noise = [u8; 24];

/// What a reading shows besides the file.
pub(crate) struct Reading {
    /// SDMReadCtr, this reading included.
    pub(crate) counter: u32,
    /// TTPermStatus and TTCurrStatus.
    pub(crate) tamper_status: [u8; 2],
    /// Fresh for each reading, and the same in all of its parts.
    pub(crate) noise: Noise,
}

/// Puts all mirrors into a copy of the file. The settings have made sure that they lie within it.
pub(crate) fn mirror(image: &ChipImage, sdm: &Sdm, reading: &Reading, file: &mut [u8]) {
    if let Some(offset) = sdm.tamper_status {
        put(file, offset, &reading.tamper_status);
    }
    let uid = Some(image.origin.uid).filter(|_| sdm.uid);
    let counter = Some(reading.counter).filter(|_| sdm.read_counter);
    match sdm.meta_read {
        MetaRead::Nothing => {}
        MetaRead::Plain { uid: uid_offset, read_counter } => {
            if let Some(offset) = uid_offset {
                put_digits(file, offset, &image.origin.uid.0);
            }
            if let Some(offset) = read_counter {
                // In the clear the counter is written as people write numbers.
                put_digits(file, offset, &reading.counter.to_be_bytes()[1..]);
            }
        }
        MetaRead::Encrypted { key, offset } => {
            let key = &image.slot(key).key;
            put_digits(file, offset, &picc_data(key, image.configuration.lrp, uid, counter, reading.noise));
        }
    }
    if let Some(file_read) = &sdm.file_read {
        sign(image, file_read, uid, counter, file);
    }
}

/// Encrypts the part that is to be encrypted, and puts the MAC over the file as it is then.
fn sign(image: &ChipImage, file_read: &FileRead, uid: Option<Uid>, counter: Option<u32>, file: &mut [u8]) {
    let key = &image.slot(file_read.key).key;
    let keys = if image.configuration.lrp { Keys::lrp(key, uid, counter) } else { Keys::aes(key, uid, counter) };
    if let Some(Encrypted { offset, length }) = file_read.encrypted {
        let plaintext = part(file, offset, length / 2).to_vec();
        put_digits(file, offset, &keys.encrypt(counter.unwrap_or(0), plaintext));
    }
    let mac = keys.mac(part(file, file_read.mac_input, file_read.mac - file_read.mac_input));
    put_digits(file, file_read.mac, &mac);
}

/// Encrypted PICCData (section 9.3.4).
fn picc_data(key: &AesKey, lrp: bool, uid: Option<Uid>, counter: Option<u32>, noise: Noise) -> Vec<u8> {
    let mut plaintext = Vec::with_capacity(16);
    plaintext.push(if uid.is_some() { 0x87 } else { 0 } | if counter.is_some() { 0x40 } else { 0 });
    plaintext.extend(identity(uid, counter));
    let nonce: [u8; 8] = noise.first_chunk().copied().unwrap_or_default();
    let mut block: [u8; 16] = noise.last_chunk().copied().unwrap_or_default();
    block.iter_mut().zip(plaintext).for_each(|(slot, byte)| *slot = byte);
    if lrp {
        let mut running = nonce;
        // One whole block, so that it cannot be refused.
        let _ = Lrp::new(key, 0).encrypt(&mut running, &mut block);
        [&nonce[..], &block].concat()
    } else {
        cbc_encrypt(key, [0; 16], core::slice::from_mut(&mut block));
        block.to_vec()
    }
}

/// UID and counter, least significant byte first, as far as they are mirrored.
fn identity(uid: Option<Uid>, counter: Option<u32>) -> impl Iterator<Item = u8> {
    let counter = counter.into_iter().flat_map(|counter| counter.to_le_bytes().into_iter().take(3));
    uid.into_iter().flat_map(|uid| uid.0).chain(counter)
}

/// The session keys of a reading (section 9.3.9).
enum Keys {
    Aes { encryption: AesKey, mac: Box<Cmac> },
    Lrp { encryption: Box<Lrp>, mac: Box<LrpCmac> },
}

impl Keys {
    fn aes(key: &AesKey, uid: Option<Uid>, counter: Option<u32>) -> Self {
        let cmac = Cmac::new(key);
        let derive = |label: [u8; 2]| {
            let mut vector = [0; 16];
            let fields = label.into_iter().chain([0x00, 0x01, 0x00, 0x80]).chain(identity(uid, counter));
            vector.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
            AesKey::new(cmac.mac(&vector))
        };
        Self::Aes { encryption: derive([0xC3, 0x3C]), mac: Box::new(Cmac::new(&derive([0x3C, 0xC3]))) }
    }

    fn lrp(key: &AesKey, uid: Option<Uid>, counter: Option<u32>) -> Self {
        let mut vector = [0; 16];
        let fields = [0x00, 0x01, 0x00, 0x80].into_iter().chain(identity(uid, counter));
        vector.iter_mut().zip(fields).for_each(|(slot, byte)| *slot = byte);
        vector[14..].copy_from_slice(&[0x1E, 0xE1]);
        let tables = Tables::new(&AesKey::new(LrpCmac::new(Lrp::new(key, 0)).mac(&vector)));
        Self::Lrp { encryption: Box::new(tables.lrp(1)), mac: Box::new(LrpCmac::new(tables.lrp(0))) }
    }

    fn mac(&self, message: &[u8]) -> [u8; 8] {
        truncate(match self {
            Self::Aes { mac, .. } => mac.mac(message),
            Self::Lrp { mac, .. } => mac.mac(message),
        })
    }

    /// Encrypts whole blocks of file data.
    fn encrypt(&self, counter: u32, mut data: Vec<u8>) -> Vec<u8> {
        let [low, middle, high, _] = counter.to_le_bytes();
        match self {
            Self::Aes { encryption, .. } => {
                let mut vector = [0; 16];
                vector[..3].copy_from_slice(&[low, middle, high]);
                cbc_encrypt(encryption, initial_block(encryption, vector), data.as_chunks_mut().0);
            }
            Self::Lrp { encryption, .. } => {
                // The settings allow whole blocks only, so that they cannot be refused.
                let _ = encryption.encrypt(&mut [low, middle, high, 0, 0, 0], &mut data);
            }
        }
        data
    }
}

/// A part of the file; empty where there is none.
fn part(file: &[u8], offset: u32, length: u32) -> &[u8] {
    let range = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
    file.get(range(offset)..range(offset + length)).unwrap_or_default()
}

/// Puts bytes into the file.
fn put(file: &mut [u8], offset: u32, bytes: &[u8]) {
    let slots = file.iter_mut().skip(usize::try_from(offset).unwrap_or(usize::MAX));
    slots.zip(bytes).for_each(|(slot, byte)| *slot = *byte);
}

/// Puts bytes into the file as upper-case hexadecimal digits.
fn put_digits(file: &mut [u8], offset: u32, bytes: &[u8]) {
    const DIGITS: [u8; 16] = *b"0123456789ABCDEF";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0F]);
    let digits: Vec<u8> = digits.map(|nibble| DIGITS[usize::from(nibble)]).collect();
    put(file, offset, &digits);
}
