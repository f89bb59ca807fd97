//! Every key from one master key: NXP AN10922, section 2.2 (AES-128).
//!
//! A diversified key is the CMAC, under the master key, of `01 || M` padded to 32 bytes with `80 00 … 00`. M names what
//! the key is for and has 1 to 31 bytes. What goes into a chip of this platform:
//!
//! | key of the chip                     | slot | M                                                    | bytes |
//! |-------------------------------------|------|------------------------------------------------------|-------|
//! | SDMMetaRead, one for all tags       | 01   | `D2760000850101` `01` `54617073746F6E65`             | 16    |
//! | SDMFileRead, another for every tag  | 02   | UID (7 bytes) `D2760000850101` `02` `54617073746F6E65` | 23  |
//! | the others, others for every tag    | 00, 03, 04 | the same with their slot                       | 23    |
//!
//! where `D2760000850101` is the name of the chip's NDEF application (ISO DF name, NT4H2421Gx section 8.2.2), then
//! comes the slot, and `54617073746F6E65` is "Tapstone" in ASCII. SDMMetaRead decrypts the UID, so it cannot depend on
//! it. Slot 0 is the chip's master key; slots 3 and 4 have no use, and are not left at what the factory put there.

use alloc::vec::Vec;
use core::iter;

use zeroize::Zeroizing;

use crate::block::double;
use crate::cmac::Cmac;
use crate::{AesKey, Uid};

const NDEF_APPLICATION: [u8; 7] = [0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01];
const SYSTEM: [u8; 8] = *b"Tapstone";
/// The slot of the key that decrypts PICC data.
const SDM_META_READ_SLOT: u8 = 1;
/// The slot of the key that MACs what is read.
const SDM_FILE_READ_SLOT: u8 = 2;

/// What a key is for, AN10922's M.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Purpose {
    /// `01 || M`, padded.
    blocks: [u128; 2],
    /// Whether it filled both blocks without padding.
    whole: bool,
}

impl Purpose {
    /// The purpose of that name.
    ///
    /// # Errors
    /// [`PurposeLength`] unless M has 1 to 31 bytes.
    pub fn new(m: &[u8]) -> Result<Self, PurposeLength> {
        match m.len() {
            1..=31 => Ok(Self::of(m.iter().copied(), m.len() == 31)),
            _ => Err(PurposeLength),
        }
    }

    /// The key in slot 1 of every tag, which decrypts PICC data (SDMMetaRead).
    #[must_use]
    pub fn sdm_meta_read() -> Self {
        Self::of(NDEF_APPLICATION.into_iter().chain([SDM_META_READ_SLOT]).chain(SYSTEM), false)
    }

    /// The key in slot 2 of this tag, which MACs and encrypts what is read from it (SDMFileRead).
    #[must_use]
    pub fn sdm_file_read(uid: Uid) -> Self {
        Self::of_tag(SDM_FILE_READ_SLOT, uid)
    }

    /// The key in that slot of this tag, whatever it is for: the one of slot 1 is the same in all tags.
    #[must_use]
    pub fn of_slot(slot: u8, uid: Uid) -> Self {
        if slot == SDM_META_READ_SLOT { Self::sdm_meta_read() } else { Self::of_tag(slot, uid) }
    }

    fn of_tag(slot: u8, uid: Uid) -> Self {
        let application = NDEF_APPLICATION.into_iter().chain([slot]).chain(SYSTEM);
        Self::of(uid.0.into_iter().chain(application), false)
    }

    /// What is to be MACed, `01 || M`, for whoever can compute a CMAC under the master key but must not see it.
    ///
    /// `None` if that has at most 16 bytes: then AN10922 pads it otherwise than a CMAC does, and only
    /// [`derive_by_cbc`] has the key.
    #[must_use]
    pub fn cmac_input(&self) -> Option<Vec<u8>> {
        let mut input = self.padded();
        if !self.whole {
            // The padding is the last one bit and the zeros behind it.
            let end = input.iter().rposition(|byte| *byte != 0)?;
            input.truncate(end);
        }
        (input.len() > 16).then_some(input)
    }

    fn padded(&self) -> Vec<u8> {
        self.blocks.iter().flat_map(|block| block.to_be_bytes()).collect()
    }

    fn of(m: impl Iterator<Item = u8>, whole: bool) -> Self {
        let mut bytes = iter::once(0x01).chain(m).chain(iter::once(0x80));
        let mut block = || u128::from_be_bytes(core::array::from_fn(|_| bytes.next().unwrap_or(0)));
        Self { blocks: [block(), block()], whole }
    }
}

/// A purpose has 1 to 31 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a diversification input has 1 to 31 bytes")]
pub struct PurposeLength;

/// A master key made ready for deriving keys.
pub struct Diversifier(Cmac);

impl Diversifier {
    /// Prepares the master key.
    #[must_use]
    pub fn new(master: &AesKey) -> Self {
        Self(Cmac::new(master))
    }

    /// The key for that purpose.
    #[must_use]
    pub fn derive(&self, purpose: Purpose) -> AesKey {
        // AN10922 pads short inputs to two blocks where CMAC would stop at one, so it is not quite the CMAC of 01 || M.
        AesKey::new(self.0.mac_of_two_blocks(purpose.blocks, purpose.whole))
    }
}

/// The key for that purpose by way of `encrypt`, which encrypts whole blocks in place in CBC mode from a vector of zeros,
/// under a master key that only it knows.
///
/// # Errors
/// Those of `encrypt`.
pub fn derive_by_cbc<E>(purpose: Purpose, mut encrypt: impl FnMut(&mut [u8]) -> Result<(), E>) -> Result<AesKey, E> {
    let mut zero = Zeroizing::new([0; 16]);
    encrypt(zero.as_mut())?;
    let whole_subkey = double(u128::from_be_bytes(*zero));
    let subkey = if purpose.whole { whole_subkey } else { double(whole_subkey) };
    let [first, last] = purpose.blocks;
    let mut blocks = Zeroizing::new([[0; 16]; 2]);
    *blocks = [first.to_be_bytes(), (last ^ subkey).to_be_bytes()];
    encrypt(blocks.as_flattened_mut())?;
    Ok(AesKey::new(blocks[1]))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use aes::Aes128Enc;
    use aes::cipher::KeyInit;
    use proptest::prelude::*;

    use super::*;
    use crate::block::encrypt;

    proptest! {
        /// Whoever has the master key in a module gets the same keys as whoever has it here.
        #[test]
        fn all_ways_of_deriving_agree(master: [u8; 16], m in prop::collection::vec(any::<u8>(), 1..32)) {
            let (purpose, master) = (Purpose::new(&m).unwrap(), AesKey::new(master));
            let derived = Diversifier::new(&master).derive(purpose);
            let cipher = Aes128Enc::new(master.expose().into());
            let by_cbc = derive_by_cbc(purpose, |blocks| -> Result<(), Infallible> {
                let mut state = 0;
                for block in blocks.as_chunks_mut::<16>().0 {
                    state = encrypt(&cipher, state ^ u128::from_be_bytes(*block));
                    *block = state.to_be_bytes();
                }
                Ok(())
            });
            let by_cbc = by_cbc.unwrap();
            prop_assert_eq!(by_cbc.expose(), derived.expose());
            prop_assert_eq!(purpose.cmac_input().is_some(), m.len() > 15);
            if let Some(input) = purpose.cmac_input() {
                prop_assert_eq!(&input[1..], &m[..]);
                prop_assert_eq!(&Cmac::new(&master).mac(&input), derived.expose());
            }
        }
    }
}
