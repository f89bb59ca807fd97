//! What a chip keeps without power: identity, keys, configuration and files.
//!
//! A [`ChipImage`] goes into bytes and comes back from them, so that firmware can keep it in flash. It holds keys in the
//! clear, as a chip does: what protects the chip's memory has to protect these bytes.

mod bytes;

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use tag::{AesKey, Uid};

use crate::access::{Access, AccessRights, CommMode, KeyNumber};
use crate::settings::{FileSettings, InvalidSettings, Place};

pub use bytes::CorruptImage;

/// How often a key may be tried in vain at delivery, before it is locked (TotFailCtrLimit).
const TOTAL_FAILURE_LIMIT: u16 = 1000;
/// How many failures a success takes back at delivery (TotFailCtrDecr).
const TOTAL_FAILURE_DECREMENT: u16 = 10;
/// What a chip's capability container says at delivery (NT4H2421Gx section 8.2.3.2).
const CAPABILITY_CONTAINER: [u8; 23] = [
    0x00, 0x17, 0x20, 0x01, 0x00, 0x00, 0xFF, 0x04, 0x06, 0xE1, 0x04, 0x01, 0x00, 0x00, 0x00, 0x05, 0x06, 0xE1, 0x05,
    0x00, 0x80, 0x82, 0x83,
];

/// One of the application's three files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileNumber {
    /// File 1, E103h: the capability container, 32 bytes.
    CapabilityContainer,
    /// File 2, E104h: the NDEF message, 256 bytes. Only this one has Secure Dynamic Messaging.
    Ndef,
    /// File 3, E105h: for what the application likes, 128 bytes.
    Proprietary,
}

impl FileNumber {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::CapabilityContainer, Self::Ndef, Self::Proprietary];

    /// The file of that number, which is its short ISO file identifier too.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|file| file.number() == number)
    }

    /// The file of that ISO file identifier.
    #[must_use]
    pub fn from_iso_identifier(identifier: [u8; 2]) -> Option<Self> {
        Self::ALL.into_iter().find(|file| [0xE1, 0x02 + file.number()] == identifier)
    }

    /// 1 to 3.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::CapabilityContainer => 1,
            Self::Ndef => 2,
            Self::Proprietary => 3,
        }
    }

    /// How many bytes it has.
    #[must_use]
    pub fn size(self) -> u16 {
        match self {
            Self::CapabilityContainer => 32,
            Self::Ndef => 256,
            Self::Proprietary => 128,
        }
    }
}

/// A file: its settings and what is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// They hold for the file: nothing sets them unchecked.
    pub(crate) settings: FileSettings,
    /// As many bytes as the file has.
    contents: Vec<u8>,
}

impl File {
    fn at_delivery(number: FileNumber) -> Self {
        let key = |number| KeyNumber::new(number).map_or(Access::Never, Access::Key);
        let master = key(0);
        let (mode, read, write, read_write) = match number {
            FileNumber::CapabilityContainer => (CommMode::Plain, Access::Free, master, master),
            FileNumber::Ndef => (CommMode::Plain, Access::Free, Access::Free, Access::Free),
            FileNumber::Proprietary => (CommMode::Full, key(2), key(3), key(3)),
        };
        let rights = AccessRights { read, write, read_write, change: master };
        let mut contents = vec![0; usize::from(number.size())];
        if number == FileNumber::CapabilityContainer {
            contents.iter_mut().zip(CAPABILITY_CONTAINER).for_each(|(slot, byte)| *slot = byte);
        }
        Self { settings: FileSettings { mode, rights, sdm: None }, contents }
    }

    /// Its settings.
    #[must_use]
    pub fn settings(&self) -> &FileSettings {
        &self.settings
    }

    /// What is in the file.
    #[must_use]
    pub fn contents(&self) -> &[u8] {
        &self.contents
    }
}

/// A key with what belongs to it.
pub(crate) struct KeySlot {
    pub(crate) key: AesKey,
    pub(crate) version: u8,
    pub(crate) failures: Failures,
}

/// How authentications with a key have failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Failures {
    /// TotFailCtr.
    pub(crate) total: u16,
    /// SeqFailCtr.
    pub(crate) sequential: u8,
    /// How many more times the chip will answer AUTHENTICATION_DELAY.
    pub(crate) delays: u8,
}

/// What SetConfiguration sets (NT4H2421Gx section 10.5.1, and NT4H2421Tx section 11.5.1 for the tamper loop).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// Whether the chip shows a random identifier when it is activated. For ever, once it does.
    pub random_identifier: bool,
    /// Whether WriteData may not be chained with MAC or encryption. For ever, once it may not.
    pub chained_writing_disabled: bool,
    /// Whether authentication, messaging and SDM use LRP. For ever, once they do.
    pub lrp: bool,
    /// PDCap2.5 and PDCap2.6, which the chip shows at authentication.
    pub capabilities: [u8; 2],
    /// TotFailCtrLimit, if failures are counted: so many lock a key.
    pub total_failure_limit: Option<u16>,
    /// TotFailCtrDecr: so many failures are taken back by a success.
    pub total_failure_decrement: u16,
    /// Whether the back modulation is strong.
    pub strong_back_modulation: bool,
    /// The tamper loop, if it is enabled. For ever, once it is.
    pub tamper_enabled: bool,
    /// TTStatusKey: who may ask for the loop's status.
    pub tamper_status_access: Access,
}

impl Configuration {
    const AT_DELIVERY: Self = Self {
        random_identifier: false,
        chained_writing_disabled: false,
        lrp: false,
        capabilities: [0; 2],
        total_failure_limit: Some(TOTAL_FAILURE_LIMIT),
        total_failure_decrement: TOTAL_FAILURE_DECREMENT,
        strong_back_modulation: true,
        tamper_enabled: false,
        tamper_status_access: Access::Free,
    };
}

/// Who made a chip, and when: what distinguishes it in GetVersion and Read_Sig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Its permanent identifier.
    pub uid: Uid,
    /// Whether it has a tamper loop (NTAG 424 DNA TagTamper).
    pub tag_tamper: bool,
    /// SWMajorVersion and SWMinorVersion: 1.2 in NT4H2421Gx.
    pub software_version: [u8; 2],
    /// BatchNo, FabKey, CWProd and YearProd, as GetVersion shows them.
    pub production: [u8; 7],
    /// The originality signature over the UID (ECDSA over secp224r1, r and s). Only NXP can make one.
    pub signature: [u8; 56],
}

impl Origin {
    /// A chip of that UID, without tamper loop and without a signature.
    #[must_use]
    pub fn new(uid: Uid) -> Self {
        Self {
            uid,
            tag_tamper: false,
            software_version: [1, 2],
            production: [0, 0, 0, 0, 0, 1, 0x26],
            signature: [0; 56],
        }
    }
}

/// All that a chip keeps without power.
#[derive(Clone, PartialEq, Eq)]
pub struct ChipImage {
    /// Who it is.
    pub(crate) origin: Origin,
    /// How it is configured.
    pub(crate) configuration: Configuration,
    pub(crate) keys: [KeySlot; KeyNumber::COUNT],
    pub(crate) files: [File; 3],
    /// SDMReadCtr of the NDEF file.
    pub(crate) read_counter: u32,
    /// TTPermStatus: whether the loop was ever seen open.
    pub(crate) tamper_opened: bool,
}

impl ChipImage {
    /// A chip as it is delivered: all keys zero, the NDEF file empty and free for all, everything else off.
    #[must_use]
    pub fn at_delivery(origin: Origin) -> Self {
        Self {
            origin,
            configuration: Configuration::AT_DELIVERY,
            keys: core::array::from_fn(|_| KeySlot {
                key: AesKey::new([0; 16]),
                version: 0,
                failures: Failures::default(),
            }),
            files: FileNumber::ALL.map(File::at_delivery),
            read_counter: 0,
            tamper_opened: false,
        }
    }

    /// Who it is.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How it is configured.
    #[must_use]
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// A file.
    #[must_use]
    pub fn file(&self, number: FileNumber) -> &File {
        let [container, ndef, proprietary] = &self.files;
        match number {
            FileNumber::CapabilityContainer => container,
            FileNumber::Ndef => ndef,
            FileNumber::Proprietary => proprietary,
        }
    }

    /// What is in a file, to write it as no reader could. Its size stays.
    pub fn contents_mut(&mut self, number: FileNumber) -> &mut [u8] {
        &mut self.file_mut(number).contents
    }

    /// Changes a file's settings as no reader could.
    ///
    /// # Errors
    /// [`InvalidSettings`] if no reader could have set them either.
    pub fn set_settings(&mut self, number: FileNumber, settings: FileSettings) -> Result<(), InvalidSettings> {
        if FileSettings::parse(&settings.to_change(), self.place(number))? != settings {
            return Err(InvalidSettings::Inconsistent);
        }
        self.file_mut(number).settings = settings;
        Ok(())
    }

    /// What a file's settings are checked against.
    pub(crate) fn place(&self, number: FileNumber) -> Place {
        let picc_data_length = if self.configuration.lrp { 48 } else { 32 };
        Place { file_size: number.size().into(), picc_data_length, sdm: number == FileNumber::Ndef }
    }

    pub(crate) fn file_mut(&mut self, number: FileNumber) -> &mut File {
        let [container, ndef, proprietary] = &mut self.files;
        match number {
            FileNumber::CapabilityContainer => container,
            FileNumber::Ndef => ndef,
            FileNumber::Proprietary => proprietary,
        }
    }

    /// The version of a key, which ChangeKey sets with the key.
    #[must_use]
    pub fn key_version(&self, number: KeyNumber) -> u8 {
        self.slot(number).version
    }

    /// How often the NDEF file has been read since its SDM was enabled (SDMReadCtr).
    #[must_use]
    pub fn read_counter(&self) -> u32 {
        self.read_counter
    }

    /// Puts a key in, as no reader could. Its failures are forgotten.
    pub fn set_key(&mut self, number: KeyNumber, key: AesKey, version: u8) {
        *self.slot_mut(number) = KeySlot { key, version, failures: Failures::default() };
    }

    pub(crate) fn slot(&self, number: KeyNumber) -> &KeySlot {
        // A key number is below the number of keys.
        &self.keys[usize::from(number.value())]
    }

    pub(crate) fn slot_mut(&mut self, number: KeyNumber) -> &mut KeySlot {
        &mut self.keys[usize::from(number.value())]
    }
}

impl Clone for KeySlot {
    fn clone(&self) -> Self {
        Self { key: AesKey::new(*self.key.expose()), version: self.version, failures: self.failures }
    }
}

impl PartialEq for KeySlot {
    fn eq(&self, other: &Self) -> bool {
        crate::messaging::equal(self.key.expose(), other.key.expose())
            && self.version == other.version
            && self.failures == other.failures
    }
}

impl Eq for KeySlot {}

impl fmt::Debug for ChipImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChipImage")
            .field("uid", &self.origin.uid)
            .field("configuration", &self.configuration)
            .field("read_counter", &self.read_counter)
            .finish_non_exhaustive()
    }
}
