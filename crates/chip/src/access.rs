//! Who may do what with a file (NT4H2421Gx sections 8.2.3.3 to 8.2.3.5).

/// One of the application's five keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyNumber(u8);

impl KeyNumber {
    /// Key 0, which may change keys and the configuration (AppMasterKey).
    pub const MASTER: Self = Self(0);
    /// How many there are.
    pub(crate) const COUNT: usize = 5;

    /// The key of that number, if there is one: 0 to 4.
    #[must_use]
    pub fn new(number: u8) -> Option<Self> {
        (usize::from(number) < Self::COUNT).then_some(Self(number))
    }

    /// 0 to 4.
    #[must_use]
    pub fn value(self) -> u8 {
        self.0
    }
}

/// What a right asks for: four bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// An authentication with that key.
    Key(KeyNumber),
    /// Nothing.
    Free,
    /// Nobody has the right.
    Never,
}

impl Access {
    /// From the lower four bits.
    #[must_use]
    pub fn from_nibble(nibble: u8) -> Option<Self> {
        match nibble & 0x0F {
            0x0E => Some(Self::Free),
            0x0F => Some(Self::Never),
            number => KeyNumber::new(number).map(Self::Key),
        }
    }

    /// As four bits.
    #[must_use]
    pub fn to_nibble(self) -> u8 {
        match self {
            Self::Key(number) => number.value(),
            Self::Free => 0x0E,
            Self::Never => 0x0F,
        }
    }
}

/// The four rights of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccessRights {
    /// Who may read.
    pub read: Access,
    /// Who may write.
    pub write: Access,
    /// Who may read and write.
    pub read_write: Access,
    /// Who may change the file's settings.
    pub change: Access,
}

impl AccessRights {
    /// From the chip's two bytes, least significant first.
    #[must_use]
    pub fn from_bytes([low, high]: [u8; 2]) -> Option<Self> {
        Some(Self {
            read: Access::from_nibble(high >> 4)?,
            write: Access::from_nibble(high)?,
            read_write: Access::from_nibble(low >> 4)?,
            change: Access::from_nibble(low)?,
        })
    }

    /// As the chip's two bytes, least significant first.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 2] {
        [
            self.read_write.to_nibble() << 4 | self.change.to_nibble(),
            self.read.to_nibble() << 4 | self.write.to_nibble(),
        ]
    }
}

/// How data of a file travels, once a key opened the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommMode {
    /// As it is.
    Plain,
    /// With a MAC.
    Mac,
    /// Encrypted, and with a MAC.
    Full,
}

impl CommMode {
    /// From the lower two bits of FileOption.
    #[must_use]
    pub fn from_bits(bits: u8) -> Self {
        match bits & 0b11 {
            0b01 => Self::Mac,
            0b11 => Self::Full,
            _ => Self::Plain,
        }
    }

    /// As two bits.
    #[must_use]
    pub fn to_bits(self) -> u8 {
        match self {
            Self::Plain => 0b00,
            Self::Mac => 0b01,
            Self::Full => 0b11,
        }
    }
}
