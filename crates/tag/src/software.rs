//! A tag without a chip.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use core::fmt;

use aes::Aes128Enc;
use aes::cipher::{BlockCipherEncrypt, KeyInit};

use crate::diversification::{Diversifier, Purpose};
use crate::hexadecimal;
use crate::sdm::{PiccData, SdmMac, SessionKeys};
use crate::url::TapUrl;
use crate::{AesKey, MalformedUrl, ReadCounter, Uid};

/// PICCDataTag: the UID is mirrored, the counter is mirrored, the UID has 7 bytes.
const PICC_DATA_TAG: u8 = 0xC7;

/// Answers touches as a chip does that was personalised with the same master key: byte for byte the same URLs, upper-case
/// digits included.
///
/// It protects its keys no better than any program does, and forgets its counter unless the caller keeps it.
pub struct SoftwareTag {
    uid: Uid,
    counter: ReadCounter,
    base_url: String,
    meta_read: Aes128Enc,
    file_read: AesKey,
}

impl SoftwareTag {
    /// A tag that has been read `counter` times and is at `base_url`, a URL that ends in `/t`.
    ///
    /// # Errors
    /// [`MalformedUrl`] if the base URL could not become the URL of a tap.
    pub fn new(master: &AesKey, uid: Uid, counter: ReadCounter, base_url: &str) -> Result<Self, MalformedUrl> {
        TapUrl::parse(&tap_url(base_url, [0; 16], SdmMac::new([0; 8])))?;
        let diversifier = Diversifier::new(master);
        let meta_read = diversifier.derive(Purpose::sdm_meta_read());
        Ok(Self {
            uid,
            counter,
            base_url: base_url.to_owned(),
            meta_read: Aes128Enc::new(meta_read.expose().into()),
            file_read: diversifier.derive(Purpose::sdm_file_read(uid)),
        })
    }

    /// Who it is.
    #[must_use]
    pub fn uid(&self) -> Uid {
        self.uid
    }

    /// How often it has been read.
    #[must_use]
    pub fn counter(&self) -> ReadCounter {
        self.counter
    }

    /// Counts one more reading and says the URL of it.
    ///
    /// The padding should be random, as the chip's is: it makes two encryptions of one reading differ.
    ///
    /// # Errors
    /// [`CounterExhausted`] after 2^24 - 1 readings.
    pub fn touch(&mut self, padding: [u8; 5]) -> Result<String, CounterExhausted> {
        self.counter = self.counter.next().ok_or(CounterExhausted)?;
        let picc_data = PiccData { uid: Some(self.uid), counter: Some(self.counter) };
        let mac = SessionKeys::derive(&self.file_read, picc_data).mac(&[]);
        Ok(tap_url(&self.base_url, self.encrypted_picc_data(padding), mac))
    }

    fn encrypted_picc_data(&self, padding: [u8; 5]) -> [u8; 16] {
        let counter = self.counter.to_little_endian();
        let mut bytes = [PICC_DATA_TAG].into_iter().chain(self.uid.0).chain(counter).chain(padding);
        let plaintext: [u8; 16] = core::array::from_fn(|_| bytes.next().unwrap_or(0));
        let mut block = plaintext.into();
        self.meta_read.encrypt_block(&mut block);
        block.into()
    }
}

fn tap_url(base_url: &str, encrypted_picc_data: [u8; 16], mac: SdmMac) -> String {
    format!("{base_url}?e={}&c={}", hexadecimal::encode(&encrypted_picc_data), hexadecimal::encode(&mac.to_bytes()))
}

impl fmt::Debug for SoftwareTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uid, counter, base_url, .. } = self;
        f.debug_struct("SoftwareTag")
            .field("uid", uid)
            .field("counter", counter)
            .field("base_url", base_url)
            .finish_non_exhaustive()
    }
}

/// The tag has been read 2^24 - 1 times and signs no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tag's read counter is exhausted")]
pub struct CounterExhausted;
