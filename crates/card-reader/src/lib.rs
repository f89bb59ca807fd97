//! Card readers by PC/SC: which there are, when a card comes and goes, and commands to it.
//!
//! The system's library, pcsc-lite's `libpcsclite.so.1`, is loaded when it is first asked for, so that a machine without it
//! builds and runs everything else, and is told in one line what is missing. What is bound is the part of the interface
//! (PC/SC part 5) that it takes to talk to one card; the crate is for Linux, whose types it has.
//!
//! It promises that whatever the library answers, no memory is read or written that is not there, as far as the library
//! keeps to the sizes that it is given; and that a card is let go of when its [`Card`] is dropped.

mod library;

use std::ffi::CString;
use std::fmt;
use std::time::Duration;

use library::{EMPTY, Library, PRESENT, ReaderState, STATE_UNAWARE};

/// The service that knows the readers.
pub struct Readers {
    library: Library,
    context: library::Handle,
}

impl Readers {
    /// Connects to the service.
    ///
    /// # Errors
    /// [`ReaderError`] if the library or its service is not there.
    pub fn connect() -> Result<Self, ReaderError> {
        let library = Library::load()?;
        let context = library.establish_context()?;
        Ok(Self { library, context })
    }

    /// The readers' names.
    ///
    /// # Errors
    /// [`ReaderError`] if the service does not answer.
    pub fn names(&self) -> Result<Vec<String>, ReaderError> {
        let names = self.library.list_readers(self.context)?;
        let names = names.split(|byte| *byte == 0).filter(|name| !name.is_empty());
        Ok(names.map(|name| String::from_utf8_lossy(name).into_owned()).collect())
    }

    /// Waits until there is a card in that reader, or none. Whether it came to that in time.
    ///
    /// # Errors
    /// [`ReaderError`] if the reader is gone.
    pub fn wait(&self, reader: &str, wanted: Presence, patience: Duration) -> Result<bool, ReaderError> {
        let name = c_name(reader)?;
        let wanted = match wanted {
            Presence::Present => PRESENT,
            Presence::Empty => EMPTY,
        };
        let mut seen = STATE_UNAWARE;
        // The first answer says how it is, the second how it became.
        for patience in [Duration::ZERO, patience] {
            let mut state = ReaderState::of(&name, seen);
            self.library.get_status_change(self.context, patience, &mut state)?;
            seen = state.seen();
            if seen & wanted != 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes the card in that reader for this process alone.
    ///
    /// # Errors
    /// [`ReaderError`] if there is none, or another process has it.
    pub fn card(&self, reader: &str) -> Result<Card<'_>, ReaderError> {
        let (handle, protocol) = self.library.connect(self.context, &c_name(reader)?)?;
        Ok(Card { library: &self.library, handle, protocol })
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.library.release_context(self.context);
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Readers").finish_non_exhaustive()
    }
}

/// Whether there is a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// There is one.
    Present,
    /// There is none.
    Empty,
}

/// A card that this process has.
pub struct Card<'a> {
    library: &'a Library,
    handle: library::Handle,
    protocol: library::Word,
}

impl Card<'_> {
    /// Hands it a command APDU of the short form, and waits for the answer.
    ///
    /// # Errors
    /// [`ReaderError`] if there is no answer. The card may have carried the command out.
    pub fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        self.library.transmit(self.handle, self.protocol, command)
    }
}

impl Drop for Card<'_> {
    fn drop(&mut self) {
        self.library.disconnect(self.handle);
    }
}

impl fmt::Debug for Card<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Card").finish_non_exhaustive()
    }
}

fn c_name(reader: &str) -> Result<CString, ReaderError> {
    CString::new(reader).map_err(|_| ReaderError::NoSuchReader)
}

/// Why a reader cannot be worked with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// The library is not on this machine.
    #[error("PC/SC is not on this machine ({0}): install libpcsclite1 and pcscd")]
    NoLibrary(String),
    /// The service does not run.
    #[error("PC/SC's service does not run: start pcscd")]
    NoService,
    /// There is no reader, or none of that name.
    #[error("there is no such card reader: plug it in, and look with `pcsc_scan -r` what it is called")]
    NoSuchReader,
    /// There is no card in it any more.
    #[error("the tag has left the reader's field")]
    NoCard,
    /// Another process has the card.
    #[error("another program uses the card: end it")]
    Shared,
    /// Something else, as the library calls it.
    #[error("PC/SC says {0:#010X}")]
    Other(u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With or without PC/SC on this machine there is an answer, in words.
    #[test]
    fn a_machine_without_readers_is_told_so() {
        match Readers::connect() {
            Ok(readers) => assert_eq!(readers.card("no such reader").unwrap_err(), ReaderError::NoSuchReader),
            Err(error) => assert!(error.to_string().contains("PC/SC"), "{error}"),
        }
    }
}
