//! What an NTAG 424 DNA TagTamper says of its loop of wire.

/// A loop's state at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopStatus {
    /// `C`: whole.
    Closed,
    /// `O`: broken.
    Open,
    /// `I`: the chip was never told to look.
    NotEnabled,
}

impl LoopStatus {
    fn parse(letter: u8) -> Option<Self> {
        match letter {
            b'C' => Some(Self::Closed),
            b'O' => Some(Self::Open),
            b'I' => Some(Self::NotEnabled),
            _ => None,
        }
    }

    fn letter(self) -> u8 {
        match self {
            Self::Closed => b'C',
            Self::Open => b'O',
            Self::NotEnabled => b'I',
        }
    }
}

/// Both states that the chip mirrors (TTPermStatus and TTCurrStatus).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TamperStatus {
    /// Open for ever, once the loop was found open.
    pub permanent: LoopStatus,
    /// As it was at this reading.
    pub current: LoopStatus,
}

impl TamperStatus {
    /// Reads the two letters that the chip mirrors, the permanent state first.
    ///
    /// # Errors
    /// [`InvalidTamperStatus`] for other letters than `C`, `O` and `I`.
    pub fn parse([permanent, current]: [u8; 2]) -> Result<Self, InvalidTamperStatus> {
        match (LoopStatus::parse(permanent), LoopStatus::parse(current)) {
            (Some(permanent), Some(current)) => Ok(Self { permanent, current }),
            _ => Err(InvalidTamperStatus),
        }
    }

    /// The two letters.
    #[must_use]
    pub fn letters(self) -> [u8; 2] {
        [self.permanent.letter(), self.current.letter()]
    }

    /// Whether the loop is open or ever was.
    #[must_use]
    pub fn is_opened(self) -> bool {
        self.permanent == LoopStatus::Open || self.current == LoopStatus::Open
    }
}

/// Not two of the letters `C`, `O` and `I`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tamper status is two of the letters C, O and I")]
pub struct InvalidTamperStatus;
