//! Status words, as NT4H2421Gx has them (section 10.3).

use core::fmt;

/// SW1 and SW2 of an answer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Status(pub u16);

/// The words for native commands (class 90, table 23).
impl Status {
    /// Done.
    pub const OK: Self = Self(0x9100);
    /// Done; only Read_Sig says it this way, as recorded from chips.
    pub const SIGNATURE_OK: Self = Self(0x9190);
    /// The chip has no such command.
    pub const ILLEGAL_COMMAND_CODE: Self = Self(0x911C);
    /// A MAC, a checksum or a padding is wrong.
    pub const INTEGRITY_ERROR: Self = Self(0x911E);
    /// The chip has no such key.
    pub const NO_SUCH_KEY: Self = Self(0x9140);
    /// The command has too few or too many bytes, or its answer would have too many.
    pub const LENGTH_ERROR: Self = Self(0x917E);
    /// The chip's configuration does not allow it to anybody.
    pub const PERMISSION_DENIED: Self = Self(0x919D);
    /// A parameter has a value that it cannot have.
    pub const PARAMETER_ERROR: Self = Self(0x919E);
    /// Too many authentications have failed in a row; ask again.
    pub const AUTHENTICATION_DELAY: Self = Self(0x91AD);
    /// Not without an authentication with another key.
    pub const AUTHENTICATION_ERROR: Self = Self(0x91AE);
    /// Another frame belongs to this command.
    pub const ADDITIONAL_FRAME: Self = Self(0x91AF);
    /// Beyond the end of the file.
    pub const BOUNDARY_ERROR: Self = Self(0x91BE);
    /// Another command was still going on, which ends now.
    pub const COMMAND_ABORTED: Self = Self(0x91CA);
    /// The application has no such file.
    pub const FILE_NOT_FOUND: Self = Self(0x91F0);
}

/// The words for ISO/IEC 7816-4 commands (class 00, table 24).
impl Status {
    /// Done.
    pub const ISO_OK: Self = Self(0x9000);
    /// The lengths are wrong.
    pub const ISO_WRONG_LENGTH: Self = Self(0x6700);
    /// The access rights or the read counter do not allow it.
    pub const ISO_SECURITY_STATUS_NOT_SATISFIED: Self = Self(0x6982);
    /// Not now: no file is selected, or another command was still going on.
    pub const ISO_CONDITIONS_NOT_SATISFIED: Self = Self(0x6985);
    /// There is no such file or application.
    pub const ISO_FILE_NOT_FOUND: Self = Self(0x6A82);
    /// P1 or P2 has a value that it cannot have.
    pub const ISO_WRONG_PARAMETERS: Self = Self(0x6A86);
    /// The data's length does not go with P1.
    pub const ISO_LENGTH_INCONSISTENT: Self = Self(0x6A87);
    /// The chip has no such command.
    pub const ISO_INSTRUCTION_NOT_SUPPORTED: Self = Self(0x6D00);
    /// The chip has no such class.
    pub const ISO_CLASS_NOT_SUPPORTED: Self = Self(0x6E00);
}

impl Status {
    /// Whether it says that the command, or this frame of it, was carried out.
    #[must_use]
    pub fn is_success(self) -> bool {
        [Self::OK, Self::SIGNATURE_OK, Self::ADDITIONAL_FRAME, Self::ISO_OK].contains(&self)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04X}", self.0)
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Status({self})")
    }
}
