//! The settings of a file, as ChangeFileSettings sets and GetFileSettings shows them (NT4H2421Gx section 10.7).
//!
//! They are parsed once and then hold: every mirror lies within the file and on no other, and every rule of table 71 is
//! kept.

use alloc::vec::Vec;

use crate::access::{Access, AccessRights, CommMode, KeyNumber};

/// FileOption's bit for Secure Dynamic Messaging.
const SDM_ENABLED: u8 = 1 << 6;
/// The bits of FileOption that have a meaning.
const FILE_OPTIONS: u8 = SDM_ENABLED | 0b11;

/// SDMOptions' bits.
const UID: u8 = 1 << 7;
const READ_COUNTER: u8 = 1 << 6;
const READ_COUNTER_LIMIT: u8 = 1 << 5;
const ENCRYPTED_FILE_DATA: u8 = 1 << 4;
const TAMPER_STATUS: u8 = 1 << 3;
const RESERVED: u8 = 0b110;
const ASCII: u8 = 1;

/// SDMReadCtrOffset, if the counter is counted and not mirrored.
const NOT_MIRRORED: u32 = 0x00FF_FFFF;

/// How many characters each mirror has.
pub(crate) const UID_LENGTH: u32 = 14;
pub(crate) const READ_COUNTER_LENGTH: u32 = 6;
pub(crate) const TAMPER_STATUS_LENGTH: u32 = 2;
pub(crate) const MAC_LENGTH: u32 = 16;

/// What may be done with a file, how it travels, and what is mirrored into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileSettings {
    /// How the file's data travels.
    pub mode: CommMode,
    /// Who may do what.
    pub rights: AccessRights,
    /// Secure Dynamic Messaging, if it is enabled.
    pub sdm: Option<Sdm>,
}

/// Secure Dynamic Messaging: what the chip mirrors into the file for readers that have not authenticated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sdm {
    /// Whether the UID is mirrored.
    pub uid: bool,
    /// Whether readings are counted, and the counter mirrored.
    pub read_counter: bool,
    /// Where UID and counter are mirrored, and how.
    pub meta_read: MetaRead,
    /// Where the tamper status is mirrored.
    pub tamper_status: Option<u32>,
    /// What is signed, and what is encrypted.
    pub file_read: Option<FileRead>,
    /// Who may ask for the counter (SDMCtrRet).
    pub counter_retrieval: Access,
    /// At this count the file is read no more without authentication.
    pub read_counter_limit: Option<u32>,
}

/// SDMMetaRead: how UID and counter are mirrored. Offsets are in bytes from the beginning of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetaRead {
    /// Not at all.
    Nothing,
    /// In the clear.
    Plain {
        /// Where the UID goes, if it is mirrored.
        uid: Option<u32>,
        /// Where the counter goes, if it is mirrored.
        read_counter: Option<u32>,
    },
    /// Encrypted, as PICCData.
    Encrypted {
        /// With this key.
        key: KeyNumber,
        /// Where it goes.
        offset: u32,
    },
}

/// SDMFileRead: the MAC, and the file data that is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileRead {
    /// The key from which the session keys are derived.
    pub key: KeyNumber,
    /// Where the MAC begins to count.
    pub mac_input: u32,
    /// Where the MAC goes, and what it covers ends.
    pub mac: u32,
    /// What is encrypted.
    pub encrypted: Option<Encrypted>,
}

/// A part of the file that is encrypted: plaintext is in its first half, the ciphertext's digits fill all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encrypted {
    /// Where it begins.
    pub offset: u32,
    /// How long it is: a multiple of 32.
    pub length: u32,
}

/// The file and the chip that settings are for.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// How many bytes the file has.
    pub file_size: u32,
    /// How many characters encrypted PICCData has: 32 in AES mode, 48 in LRP mode.
    pub picc_data_length: u32,
    /// Whether the file may have Secure Dynamic Messaging: only the NDEF file may.
    pub sdm: bool,
}

impl FileSettings {
    /// Reads what ChangeFileSettings brings after the file's number.
    ///
    /// # Errors
    /// [`InvalidSettings`]: the rule that is broken.
    pub fn parse(bytes: &[u8], place: Place) -> Result<Self, InvalidSettings> {
        let mut fields = Fields(bytes);
        let option = fields.byte()?;
        let rights = AccessRights::from_bytes(fields.array()?).ok_or(InvalidSettings::NoSuchAccess)?;
        if option & !FILE_OPTIONS != 0 {
            return Err(InvalidSettings::ReservedBit);
        }
        let sdm = match option & SDM_ENABLED {
            0 => None,
            _ if !place.sdm => return Err(InvalidSettings::SdmElsewhere),
            _ => Some(Sdm::parse(&mut fields, place)?),
        };
        if !fields.0.is_empty() {
            return Err(InvalidSettings::Length);
        }
        Ok(Self { mode: CommMode::from_bits(option), rights, sdm })
    }

    /// As GetFileSettings shows them, for a file of that size: type, option, rights, size, SDM.
    #[must_use]
    pub fn to_bytes(&self, file_size: u32) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32);
        bytes.push(0x00);
        bytes.push(self.option());
        bytes.extend(self.rights.to_bytes());
        push_three(&mut bytes, file_size);
        if let Some(sdm) = &self.sdm {
            sdm.push_to(&mut bytes);
        }
        bytes
    }

    /// As ChangeFileSettings brings them: option, rights, SDM.
    #[must_use]
    pub fn to_change(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(32);
        bytes.push(self.option());
        bytes.extend(self.rights.to_bytes());
        if let Some(sdm) = &self.sdm {
            sdm.push_to(&mut bytes);
        }
        bytes
    }

    fn option(&self) -> u8 {
        self.mode.to_bits() | if self.sdm.is_some() { SDM_ENABLED } else { 0 }
    }
}

impl Sdm {
    fn parse(fields: &mut Fields<'_>, place: Place) -> Result<Self, InvalidSettings> {
        let options = fields.byte()?;
        let [low, high] = fields.array()?;
        if options & RESERVED != 0 || options & ASCII == 0 || low >> 4 != 0x0F {
            return Err(InvalidSettings::ReservedBit);
        }
        let has = |bit: u8| options & bit != 0;
        let meta_access = Access::from_nibble(high >> 4).ok_or(InvalidSettings::NoSuchAccess)?;
        let file_access = Access::from_nibble(high).ok_or(InvalidSettings::NoSuchAccess)?;
        let sdm = Self {
            uid: has(UID),
            read_counter: has(READ_COUNTER),
            meta_read: MetaRead::parse(fields, meta_access, has(UID), has(READ_COUNTER))?,
            tamper_status: if has(TAMPER_STATUS) { Some(fields.three()?) } else { None },
            file_read: FileRead::parse(fields, file_access, has(ENCRYPTED_FILE_DATA))?,
            counter_retrieval: Access::from_nibble(low).ok_or(InvalidSettings::NoSuchAccess)?,
            read_counter_limit: if has(READ_COUNTER_LIMIT) { Some(fields.three()?) } else { None },
        };
        sdm.check_combination(has(ENCRYPTED_FILE_DATA))?;
        sdm.check_places(place)?;
        Ok(sdm)
    }

    /// The rules of table 71 about what goes with what.
    fn check_combination(&self, encryption_asked: bool) -> Result<(), InvalidSettings> {
        let mirrors_nothing = matches!(self.meta_read, MetaRead::Nothing);
        if !mirrors_nothing && !self.uid && !self.read_counter {
            return Err(InvalidSettings::NothingToMirror);
        }
        if mirrors_nothing && self.uid {
            return Err(InvalidSettings::UidWithoutMetaRead);
        }
        if !self.read_counter && self.counter_retrieval != Access::Never {
            return Err(InvalidSettings::RetrievalWithoutCounter);
        }
        if !self.read_counter && self.read_counter_limit.is_some() {
            return Err(InvalidSettings::LimitWithoutCounter);
        }
        if encryption_asked && self.file_read.is_none() {
            return Err(InvalidSettings::EncryptionWithoutMac);
        }
        if encryption_asked && !(self.uid && self.read_counter) {
            return Err(InvalidSettings::EncryptionWithoutIdentity);
        }
        Ok(())
    }

    /// The rules of tables 69 and 71 about where things go.
    fn check_places(&self, place: Place) -> Result<(), InvalidSettings> {
        if let Some(FileRead { mac_input, mac, encrypted, .. }) = self.file_read {
            let covered = mac_input..=mac;
            if mac_input > mac {
                return Err(InvalidSettings::MacBeforeItsInput);
            }
            if let Some(Encrypted { offset, length }) = encrypted {
                if length == 0 || length % 32 != 0 {
                    return Err(InvalidSettings::EncryptedLength);
                }
                if !covered.contains(&offset) || !covered.contains(&(offset + length)) {
                    return Err(InvalidSettings::EncryptedOutsideMac);
                }
            }
        }
        let mirrors = self.mirrors(place.picc_data_length);
        if mirrors.iter().flatten().any(|mirror| mirror.end() > place.file_size) {
            return Err(InvalidSettings::OutsideFile);
        }
        let mut rest = mirrors.iter().flatten();
        while let Some(mirror) = rest.next() {
            if rest.clone().any(|other| mirror.overlaps(other)) {
                return Err(InvalidSettings::Overlap);
            }
        }
        Ok(())
    }

    /// What the mirrors cover.
    fn mirrors(&self, picc_data_length: u32) -> [Option<Mirror>; 6] {
        let (uid, counter, picc_data) = match self.meta_read {
            MetaRead::Nothing => (None, None, None),
            MetaRead::Plain { uid, read_counter } => (uid, read_counter, None),
            MetaRead::Encrypted { offset, .. } => (None, None, Some(offset)),
        };
        let mirror = |offset: Option<u32>, length| offset.map(|offset| Mirror { offset, length });
        let encrypted = self.file_read.and_then(|file_read| file_read.encrypted);
        // The tamper status may lie in what is encrypted, in the half that is encrypted: then it is no mirror of its own.
        let in_plaintext = |status: &u32| {
            encrypted.is_some_and(|Encrypted { offset, length }| {
                *status >= offset && *status + TAMPER_STATUS_LENGTH <= offset + length / 2
            })
        };
        [
            mirror(uid, UID_LENGTH),
            mirror(counter, READ_COUNTER_LENGTH),
            mirror(picc_data, picc_data_length),
            mirror(self.tamper_status.filter(|status| !in_plaintext(status)), TAMPER_STATUS_LENGTH),
            mirror(self.file_read.map(|file_read| file_read.mac), MAC_LENGTH),
            encrypted.map(|Encrypted { offset, length }| Mirror { offset, length }),
        ]
    }

    fn push_to(&self, bytes: &mut Vec<u8>) {
        let encrypted = self.file_read.and_then(|file_read| file_read.encrypted);
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        bytes.push(
            flag(self.uid, UID)
                | flag(self.read_counter, READ_COUNTER)
                | flag(self.read_counter_limit.is_some(), READ_COUNTER_LIMIT)
                | flag(encrypted.is_some(), ENCRYPTED_FILE_DATA)
                | flag(self.tamper_status.is_some(), TAMPER_STATUS)
                | ASCII,
        );
        let meta_access = match self.meta_read {
            MetaRead::Nothing => Access::Never,
            MetaRead::Plain { .. } => Access::Free,
            MetaRead::Encrypted { key, .. } => Access::Key(key),
        };
        let file_access = self.file_read.map_or(Access::Never, |file_read| Access::Key(file_read.key));
        bytes.push(0xF0 | self.counter_retrieval.to_nibble());
        bytes.push(meta_access.to_nibble() << 4 | file_access.to_nibble());
        self.push_offsets_to(bytes);
    }

    fn push_offsets_to(&self, bytes: &mut Vec<u8>) {
        match self.meta_read {
            MetaRead::Nothing => {}
            MetaRead::Plain { uid, read_counter } => {
                uid.into_iter().for_each(|offset| push_three(bytes, offset));
                if self.read_counter {
                    push_three(bytes, read_counter.unwrap_or(NOT_MIRRORED));
                }
            }
            MetaRead::Encrypted { offset, .. } => push_three(bytes, offset),
        }
        self.tamper_status.into_iter().for_each(|offset| push_three(bytes, offset));
        if let Some(FileRead { mac_input, mac, encrypted, .. }) = self.file_read {
            push_three(bytes, mac_input);
            if let Some(Encrypted { offset, length }) = encrypted {
                push_three(bytes, offset);
                push_three(bytes, length);
            }
            push_three(bytes, mac);
        }
        self.read_counter_limit.into_iter().for_each(|limit| push_three(bytes, limit));
    }
}

impl MetaRead {
    fn parse(fields: &mut Fields<'_>, access: Access, uid: bool, counter: bool) -> Result<Self, InvalidSettings> {
        Ok(match access {
            Access::Never => Self::Nothing,
            Access::Free => Self::Plain {
                uid: if uid { Some(fields.three()?) } else { None },
                read_counter: if counter {
                    Some(fields.three()?).filter(|offset| *offset != NOT_MIRRORED)
                } else {
                    None
                },
            },
            Access::Key(key) => Self::Encrypted { key, offset: fields.three()? },
        })
    }
}

impl FileRead {
    fn parse(fields: &mut Fields<'_>, access: Access, encrypted: bool) -> Result<Option<Self>, InvalidSettings> {
        let key = match access {
            Access::Never => return Ok(None),
            // Nobody can check a MAC that no key made.
            Access::Free => return Err(InvalidSettings::NoSuchAccess),
            Access::Key(key) => key,
        };
        let mac_input = fields.three()?;
        let encrypted =
            if encrypted { Some(Encrypted { offset: fields.three()?, length: fields.three()? }) } else { None };
        Ok(Some(Self { key, mac_input, mac: fields.three()?, encrypted }))
    }
}

/// Some characters of the file.
#[derive(Clone, Copy)]
struct Mirror {
    offset: u32,
    length: u32,
}

impl Mirror {
    /// Offsets have 24 bits, so that no sum overflows.
    fn end(&self) -> u32 {
        self.offset + self.length
    }

    fn overlaps(&self, other: &Self) -> bool {
        self.offset < other.end() && other.offset < self.end()
    }
}

/// What is left to be read.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], InvalidSettings> {
        let (array, rest) = self.0.split_first_chunk().ok_or(InvalidSettings::Length)?;
        self.0 = rest;
        Ok(*array)
    }

    fn byte(&mut self) -> Result<u8, InvalidSettings> {
        self.array().map(|[byte]| byte)
    }

    fn three(&mut self) -> Result<u32, InvalidSettings> {
        self.array().map(|[low, middle, high]| u32::from_le_bytes([low, middle, high, 0]))
    }
}

/// The lower three bytes, least significant first.
pub(crate) fn push_three(bytes: &mut Vec<u8>, number: u32) {
    let [low, middle, high, _] = number.to_le_bytes();
    bytes.extend([low, middle, high]);
}

/// The rule that settings break (NT4H2421Gx tables 69 and 71).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSettings {
    /// They have too few or too many bytes for their options.
    #[error("the settings have not as many bytes as their options say")]
    Length,
    /// A bit is set, or is not, that has no meaning.
    #[error("a reserved bit of the settings is wrong")]
    ReservedBit,
    /// A right names a key that is not there, or 5 to 13.
    #[error("a right names a key that the chip does not have")]
    NoSuchAccess,
    /// SDMMetaRead asks for a mirror, and there is nothing to mirror.
    #[error("SDMMetaRead mirrors neither the UID nor the counter")]
    NothingToMirror,
    /// The UID is to be mirrored, and SDMMetaRead forbids it.
    #[error("the UID cannot be mirrored while SDMMetaRead is Fh")]
    UidWithoutMetaRead,
    /// Somebody may ask for a counter that is not counted.
    #[error("SDMCtrRet must be Fh while the counter is disabled")]
    RetrievalWithoutCounter,
    /// A counter that is not counted has a limit.
    #[error("a limit of the counter needs the counter")]
    LimitWithoutCounter,
    /// File data is to be encrypted, and SDMFileRead names no key.
    #[error("encrypted file data needs SDMFileRead")]
    EncryptionWithoutMac,
    /// File data is to be encrypted, and UID or counter are not mirrored.
    #[error("encrypted file data needs the UID and the counter")]
    EncryptionWithoutIdentity,
    /// The MAC comes before what it covers.
    #[error("SDMMACInputOffset is above SDMMACOffset")]
    MacBeforeItsInput,
    /// What is encrypted must be a multiple of 32 bytes, and not empty.
    #[error("SDMENCLength must be a multiple of 32")]
    EncryptedLength,
    /// What is encrypted must be covered by the MAC.
    #[error("the encrypted file data lies outside of what the MAC covers")]
    EncryptedOutsideMac,
    /// A mirror ends behind the file.
    #[error("a mirror lies outside of the file")]
    OutsideFile,
    /// Two mirrors share characters.
    #[error("two mirrors overlap")]
    Overlap,
    /// SDM is for the NDEF file only.
    #[error("only the NDEF file can have Secure Dynamic Messaging")]
    SdmElsewhere,
    /// Fields contradict each other, so that they could not be written down.
    #[error("the settings contradict themselves")]
    Inconsistent,
}
