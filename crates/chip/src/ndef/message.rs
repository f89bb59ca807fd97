//! Messages and records: names, identifiers and payloads, whatever they mean.

use alloc::vec::Vec;

/// The header's flags.
const BEGIN: u8 = 1 << 7;
const END: u8 = 1 << 6;
const CHUNK: u8 = 1 << 5;
const SHORT: u8 = 1 << 4;
const HAS_IDENTIFIER: u8 = 1 << 3;

/// One or more records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    records: Vec<Record<'a>>,
}

/// How a record's type is to be read (TNF).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameFormat {
    /// There is nothing in the record.
    Empty,
    /// A well-known type of the NFC Forum, such as `U` for URIs.
    WellKnown,
    /// A media type, such as `application/json`.
    Media,
    /// An absolute URI.
    Uri,
    /// Somebody's own, such as `android.com:pkg`.
    External,
    /// The payload's type is not told.
    Unknown,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// How the type is to be read.
    pub format: NameFormat,
    /// What the payload is: at most 255 bytes.
    pub name: &'a [u8],
    /// How other records call this one: at most 255 bytes, if there is one.
    pub identifier: Option<&'a [u8]>,
    /// What it says.
    pub payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// A message of these records.
    ///
    /// # Errors
    /// [`UnencodableMessage`]: there is none, or one of them cannot be written down.
    pub fn new(records: Vec<Record<'a>>) -> Result<Self, UnencodableMessage> {
        if records.is_empty() {
            return Err(UnencodableMessage::NoRecord);
        }
        for record in &records {
            let identifier_length = record.identifier.map_or(0, <[u8]>::len);
            if record.name.len() > 255 || identifier_length > 255 || u32::try_from(record.payload.len()).is_err() {
                return Err(UnencodableMessage::TooLong);
            }
            check_name(record).map_err(|_| UnencodableMessage::Name)?;
        }
        Ok(Self { records })
    }

    /// Its records, at least one.
    #[must_use]
    pub fn records(&self) -> &[Record<'a>] {
        &self.records
    }

    /// Reads a message.
    ///
    /// # Errors
    /// [`MalformedMessage`]: what is wrong with it. Records in chunks are among the errors; a tag has no need of them.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, MalformedMessage> {
        let mut records = Vec::new();
        let mut rest = Fields(bytes);
        loop {
            let (record, header) = Record::parse(&mut rest)?;
            if (header & BEGIN != 0) != records.is_empty() {
                return Err(MalformedMessage::Begin);
            }
            records.push(record);
            match (header & END != 0, rest.0.is_empty()) {
                (true, true) => return Ok(Self { records }),
                (true, false) => return Err(MalformedMessage::AfterTheEnd { extra: rest.0.len() }),
                (false, true) => return Err(MalformedMessage::NoEnd),
                (false, false) => {}
            }
        }
    }

    /// As bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let last = self.records.len() - 1;
        for (index, record) in self.records.iter().enumerate() {
            let begin = if index == 0 { BEGIN } else { 0 };
            let end = if index == last { END } else { 0 };
            record.push_to(&mut bytes, begin | end);
        }
        bytes
    }
}

impl<'a> Record<'a> {
    /// A record of a well-known type, without an identifier.
    #[must_use]
    pub fn well_known(name: &'a [u8], payload: &'a [u8]) -> Self {
        Self { format: NameFormat::WellKnown, name, identifier: None, payload }
    }

    /// One record and its header.
    fn parse(rest: &mut Fields<'a>) -> Result<(Self, u8), MalformedMessage> {
        let header = rest.byte(Field::Header)?;
        let format = NameFormat::from_bits(header).ok_or(MalformedMessage::ReservedFormat)?;
        if header & CHUNK != 0 {
            return Err(MalformedMessage::Chunked);
        }
        let name_length = rest.byte(Field::NameLength)?;
        let payload_length = if header & SHORT == 0 {
            u32::from_be_bytes(rest.array(Field::PayloadLength)?)
        } else {
            u32::from(rest.byte(Field::PayloadLength)?)
        };
        let identifier_length =
            if header & HAS_IDENTIFIER == 0 { None } else { Some(rest.byte(Field::IdentifierLength)?) };
        let name = rest.take(u32::from(name_length), Field::Name)?;
        let identifier = match identifier_length {
            Some(length) => Some(rest.take(u32::from(length), Field::Identifier)?),
            None => None,
        };
        let payload = rest.take(payload_length, Field::Payload)?;
        let record = Self { format, name, identifier, payload };
        check_name(&record)?;
        Ok((record, header))
    }

    fn push_to(&self, bytes: &mut Vec<u8>, place: u8) {
        let identifier_length = self.identifier.map(|identifier| u8::try_from(identifier.len()).unwrap_or(u8::MAX));
        let short = u8::try_from(self.payload.len()).ok();
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        bytes.push(
            place
                | flag(short.is_some(), SHORT)
                | flag(identifier_length.is_some(), HAS_IDENTIFIER)
                | self.format.to_bits(),
        );
        bytes.push(u8::try_from(self.name.len()).unwrap_or(u8::MAX));
        match short {
            Some(length) => bytes.push(length),
            None => bytes.extend(u32::try_from(self.payload.len()).unwrap_or(u32::MAX).to_be_bytes()),
        }
        bytes.extend(identifier_length);
        bytes.extend_from_slice(self.name);
        bytes.extend_from_slice(self.identifier.unwrap_or_default());
        bytes.extend_from_slice(self.payload);
    }
}

/// What the format says about the name (section 3.2.6).
fn check_name(record: &Record<'_>) -> Result<(), MalformedMessage> {
    match record.format {
        NameFormat::Empty if record.identifier.is_some_and(|identifier| !identifier.is_empty()) => {
            Err(MalformedMessage::NotEmpty)
        }
        NameFormat::Empty if !(record.name.is_empty() && record.payload.is_empty()) => Err(MalformedMessage::NotEmpty),
        NameFormat::Unknown if !record.name.is_empty() => Err(MalformedMessage::UnexpectedName),
        NameFormat::WellKnown | NameFormat::Media | NameFormat::Uri | NameFormat::External
            if record.name.is_empty() =>
        {
            Err(MalformedMessage::NoName)
        }
        _ => Ok(()),
    }
}

impl NameFormat {
    fn from_bits(header: u8) -> Option<Self> {
        match header & 0b111 {
            0 => Some(Self::Empty),
            1 => Some(Self::WellKnown),
            2 => Some(Self::Media),
            3 => Some(Self::Uri),
            4 => Some(Self::External),
            5 => Some(Self::Unknown),
            // 6 goes on with a chunked record, of which there are none; 7 is reserved.
            _ => None,
        }
    }

    fn to_bits(self) -> u8 {
        match self {
            Self::Empty => 0,
            Self::WellKnown => 1,
            Self::Media => 2,
            Self::Uri => 3,
            Self::External => 4,
            Self::Unknown => 5,
        }
    }
}

/// What is left to be read.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: u32, field: Field) -> Result<&'a [u8], MalformedMessage> {
        let announced = usize::try_from(length).unwrap_or(usize::MAX);
        let truncated = MalformedMessage::Truncated { field, announced, found: self.0.len() };
        let (taken, rest) = self.0.split_at_checked(announced).ok_or(truncated)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self, field: Field) -> Result<[u8; N], MalformedMessage> {
        let truncated = MalformedMessage::Truncated { field, announced: N, found: self.0.len() };
        let (taken, rest) = self.0.split_first_chunk().ok_or(truncated)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn byte(&mut self, field: Field) -> Result<u8, MalformedMessage> {
        self.array(field).map(|[byte]| byte)
    }
}

/// The fields of a record, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Flags and TNF.
    Header,
    /// TYPE_LENGTH.
    NameLength,
    /// PAYLOAD_LENGTH.
    PayloadLength,
    /// ID_LENGTH.
    IdentifierLength,
    /// TYPE.
    Name,
    /// ID.
    Identifier,
    /// PAYLOAD.
    Payload,
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedMessage {
    /// They end within a field.
    #[error("the message ends within a record's {field:?}: {announced} bytes announced, {found} there")]
    Truncated {
        /// Which one.
        field: Field,
        /// How long it is said to be.
        announced: usize,
        /// What there is.
        found: usize,
    },
    /// The first record does not say that it is the first, or another one does.
    #[error("the first record, and no other, must have the MB flag")]
    Begin,
    /// The last record does not say that it is the last.
    #[error("the last record must have the ME flag")]
    NoEnd,
    /// Something follows the record that says it is the last.
    #[error("the message has {extra} bytes after its last record")]
    AfterTheEnd {
        /// How many bytes.
        extra: usize,
    },
    /// TNF 7, or 6 without a record to go on with.
    #[error("a record's type name format must be 0 to 5")]
    ReservedFormat,
    /// A record comes in chunks.
    #[error("records in chunks are not read")]
    Chunked,
    /// An empty record with something in it.
    #[error("an empty record must have no type, no identifier and no payload")]
    NotEmpty,
    /// A record whose type is not told has a type.
    #[error("a record of unknown type must have no type")]
    UnexpectedName,
    /// A record that needs a type has none.
    #[error("a record must have a type")]
    NoName,
}

/// Why records make no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnencodableMessage {
    /// There is none.
    #[error("a message has at least one record")]
    NoRecord,
    /// A type or an identifier above 255 bytes, or a payload above 4 GB.
    #[error("a record's field is too long")]
    TooLong,
    /// A type that does not go with its format.
    #[error("a record's type does not go with its format")]
    Name,
}
