//! A chip's image as bytes: version 1, some 630 of them, ended by a checksum.
//!
//! Numbers are least significant first, as the chip has them. The checksum finds torn and worn flash, not forgers.

use alloc::vec::Vec;

use tag::{AesKey, Uid};

use super::{ChipImage, Configuration, Failures, FileNumber, KeySlot, Origin};
use crate::access::Access;
use crate::checksum;
use crate::settings::{FileSettings, push_three};

const VERSION: u8 = 1;

impl ChipImage {
    /// As bytes, to keep them. They have the chip's keys in them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(1024);
        bytes.push(VERSION);
        push_origin(&mut bytes, &self.origin);
        push_configuration(&mut bytes, &self.configuration);
        for KeySlot { key, version, failures } in &self.keys {
            bytes.extend(key.expose());
            bytes.push(*version);
            bytes.extend(failures.total.to_le_bytes());
            bytes.extend([failures.sequential, failures.delays]);
        }
        push_three(&mut bytes, self.read_counter);
        bytes.push(u8::from(self.tamper_opened));
        for file in &self.files {
            let settings = file.settings.to_change();
            bytes.push(u8::try_from(settings.len()).unwrap_or(u8::MAX));
            bytes.extend(settings);
            bytes.extend_from_slice(file.contents());
        }
        let sum = checksum(&bytes);
        bytes.extend(sum);
        bytes
    }

    /// From what [`to_bytes`](Self::to_bytes) made.
    ///
    /// # Errors
    /// [`CorruptImage`]: of another version, damaged, or with a value that a chip cannot have.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, CorruptImage> {
        let (rest, sum) = bytes.split_last_chunk::<4>().ok_or(CorruptImage::Truncated)?;
        if checksum(rest) != *sum {
            return Err(CorruptImage::Checksum);
        }
        let mut fields = Fields(rest);
        match fields.byte()? {
            VERSION => {}
            version => return Err(CorruptImage::Version(version)),
        }
        let mut image = Self::at_delivery(read_origin(&mut fields)?);
        image.configuration = read_configuration(&mut fields)?;
        for slot in &mut image.keys {
            *slot = read_key(&mut fields)?;
        }
        image.read_counter = fields.three()?;
        image.tamper_opened = fields.flag()?;
        for number in FileNumber::ALL {
            let length = fields.byte()?.into();
            let settings = FileSettings::parse(fields.take(length)?, image.place(number));
            image.file_mut(number).settings = settings.map_err(|_| CorruptImage::Value)?;
            image.contents_mut(number).copy_from_slice(fields.take(number.size().into())?);
        }
        if fields.0.is_empty() { Ok(image) } else { Err(CorruptImage::Truncated) }
    }
}

fn push_origin(bytes: &mut Vec<u8>, origin: &Origin) {
    bytes.extend(origin.uid.0);
    bytes.push(u8::from(origin.tag_tamper));
    bytes.extend(origin.software_version);
    bytes.extend(origin.production);
    bytes.extend(origin.signature);
}

fn read_origin(fields: &mut Fields<'_>) -> Result<Origin, CorruptImage> {
    Ok(Origin {
        uid: Uid(fields.array()?),
        tag_tamper: fields.flag()?,
        software_version: fields.array()?,
        production: fields.array()?,
        signature: fields.array()?,
    })
}

fn push_configuration(bytes: &mut Vec<u8>, configuration: &Configuration) {
    bytes.push(u8::from(configuration.random_identifier));
    bytes.push(u8::from(configuration.chained_writing_disabled));
    bytes.push(u8::from(configuration.lrp));
    bytes.extend(configuration.capabilities);
    // A limit is never 0, so that 0 says that there is none.
    bytes.extend(configuration.total_failure_limit.unwrap_or(0).to_le_bytes());
    bytes.extend(configuration.total_failure_decrement.to_le_bytes());
    bytes.push(u8::from(configuration.strong_back_modulation));
    bytes.push(u8::from(configuration.tamper_enabled));
    bytes.push(configuration.tamper_status_access.to_nibble());
}

fn read_configuration(fields: &mut Fields<'_>) -> Result<Configuration, CorruptImage> {
    Ok(Configuration {
        random_identifier: fields.flag()?,
        chained_writing_disabled: fields.flag()?,
        lrp: fields.flag()?,
        capabilities: fields.array()?,
        total_failure_limit: Some(u16::from_le_bytes(fields.array()?)).filter(|limit| *limit != 0),
        total_failure_decrement: u16::from_le_bytes(fields.array()?),
        strong_back_modulation: fields.flag()?,
        tamper_enabled: fields.flag()?,
        tamper_status_access: Access::from_nibble(fields.byte()?).ok_or(CorruptImage::Value)?,
    })
}

fn read_key(fields: &mut Fields<'_>) -> Result<KeySlot, CorruptImage> {
    Ok(KeySlot {
        key: AesKey::new(fields.array()?),
        version: fields.byte()?,
        failures: Failures {
            total: u16::from_le_bytes(fields.array()?),
            sequential: fields.byte()?,
            delays: fields.byte()?,
        },
    })
}

/// What is left to be read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], CorruptImage> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(CorruptImage::Truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CorruptImage> {
        self.take(N)?.first_chunk().copied().ok_or(CorruptImage::Truncated)
    }

    fn byte(&mut self) -> Result<u8, CorruptImage> {
        self.array().map(|[byte]| byte)
    }

    fn three(&mut self) -> Result<u32, CorruptImage> {
        self.array().map(|[low, middle, high]| u32::from_le_bytes([low, middle, high, 0]))
    }

    fn flag(&mut self) -> Result<bool, CorruptImage> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(CorruptImage::Value),
        }
    }
}

/// Why bytes are no chip's image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CorruptImage {
    /// There are too few or too many.
    #[error("the image of the chip has another length")]
    Truncated,
    /// They have changed since they were stored, or were stored only in part.
    #[error("the checksum of the image of the chip is wrong")]
    Checksum,
    /// They were made by another version of this crate.
    #[error("the image of the chip has version {0}, not {VERSION}")]
    Version(u8),
    /// A value that no chip has.
    #[error("the image of the chip has a value that no chip has")]
    Value,
}
