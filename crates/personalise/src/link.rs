//! The way to a tag: command APDUs out, answers back.

/// A reader with one tag in its field.
pub trait Transceive {
    /// Hands the tag a command APDU and waits for its answer, the status word at its end.
    ///
    /// # Errors
    /// [`LinkError`]: there is no answer. The tag may have carried the command out.
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError>;
}

/// Why there is no answer, in the words of whoever works the reader.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LinkError(pub String);
