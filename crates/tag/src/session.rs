//! The session that reader and chip agree on by AuthenticateEV2First: its keys, from the key that both have and the two
//! random numbers (NT4H2421Gx section 9.1.7 for AES, 9.2.7 for LRP).
//!
//! The exchange itself and what the keys are used for afterwards belong to who talks with a chip.

use crate::AesKey;
use crate::cmac::Cmac;
use crate::lrp::{Lrp, LrpCmac, Tables};

/// The two random numbers of an AuthenticateEV2First, as both sides know them at its end.
#[derive(Clone, Copy)]
pub struct Randoms {
    /// RndA, which the reader chose.
    pub reader: [u8; 16],
    /// RndB, which the chip chose.
    pub chip: [u8; 16],
}

impl Randoms {
    /// `RndA[15..14] || (RndA[13..8] ^ RndB[15..10]) || RndB[9..0] || RndA[7..0]`, where 15 numbers the first byte.
    fn mixed(self) -> impl Iterator<Item = u8> {
        let Self { reader, chip } = self;
        let between = reader.into_iter().zip([0; 2].into_iter().chain(chip)).map(|(reader, chip)| reader ^ chip);
        between.take(8).chain(chip.into_iter().skip(6)).chain(reader.into_iter().skip(8))
    }
}

/// The keys of a session in AES mode.
#[derive(Debug)]
pub struct AesSessionKeys {
    /// SesAuthENCKey.
    pub encryption: AesKey,
    /// SesAuthMACKey.
    pub mac: AesKey,
}

impl AesSessionKeys {
    /// Derives both from the key of the authentication: the CMACs of SV1 and SV2.
    #[must_use]
    pub fn derive(key: &AesKey, randoms: Randoms) -> Self {
        let cmac = Cmac::new(key);
        let derive = |[high, low]: [u8; 2]| {
            let mut vector = [high, low, 0x00, 0x01, 0x00, 0x80].into_iter().chain(randoms.mixed());
            AesKey::new(cmac.mac(&core::array::from_fn::<u8, 32, _>(|_| vector.next().unwrap_or(0))))
        };
        Self { encryption: derive([0xA5, 0x5A]), mac: derive([0x5A, 0xA5]) }
    }
}

/// The keys of a session in LRP mode.
#[derive(Debug)]
pub struct LrpSessionKeys {
    /// The session's secret plaintexts with SesAuthENCUpdateKey.
    pub encryption: Lrp,
    /// The session's secret plaintexts with SesAuthMACUpdateKey.
    pub mac: LrpCmac,
    tables: Tables,
}

impl LrpSessionKeys {
    /// Derives both from the key of the authentication: from the LRP-CMAC of SV come the session's tables.
    #[must_use]
    pub fn derive(key: &AesKey, randoms: Randoms) -> Self {
        let mut vector = [0x00, 0x01, 0x00, 0x80].into_iter().chain(randoms.mixed()).chain([0x96, 0x69]);
        let vector: [u8; 32] = core::array::from_fn(|_| vector.next().unwrap_or(0));
        Self::of_tables(Tables::new(&AesKey::new(LrpCmac::new(Lrp::new(key, 0)).mac(&vector))))
    }

    fn of_tables(tables: Tables) -> Self {
        Self { encryption: tables.lrp(1), mac: LrpCmac::new(tables.lrp(0)), tables }
    }

    /// SesAuthENCUpdateKey.
    #[must_use]
    pub fn encryption_update_key(&self) -> AesKey {
        self.tables.updated_key(1)
    }

    /// SesAuthMACUpdateKey.
    #[must_use]
    pub fn mac_update_key(&self) -> AesKey {
        self.tables.updated_key(0)
    }
}
