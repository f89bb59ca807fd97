//! What `tapstone tag personalise` works with beside the crate that says how: tags in readers and in files, and the record
//! of the keys' uses.

mod audit;
mod software;

use std::thread;
use std::time::Duration;

use card_reader::{Card, Presence, ReaderError, Readers};
use personalise::{LinkError, Transceive};

pub(crate) use audit::AuditFile;
pub(crate) use software::SoftwareTagFile;

use crate::failure::Failure;

/// A tag in a reader's field, by PC/SC.
pub(crate) struct TagInField<'a>(Card<'a>);

impl<'a> TagInField<'a> {
    /// Takes it for this process. Others look at each card that comes, and let it go at once; so they get three seconds.
    pub(crate) fn take(readers: &'a Readers, reader: &str) -> Result<Self, Failure> {
        for _ in 0..30 {
            match readers.card(reader) {
                Err(ReaderError::Shared) => thread::sleep(Duration::from_millis(100)),
                card => return Ok(Self(card?)),
            }
        }
        Ok(Self(readers.card(reader)?))
    }
}

impl Transceive for TagInField<'_> {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        self.0.transmit(command).map_err(|error| LinkError(error.to_string()))
    }
}

/// The one reader whose name has this in it, or the only one there is.
pub(crate) fn choose_reader(readers: &Readers, name: Option<&str>) -> Result<String, Failure> {
    let all = readers.names()?;
    let mut fitting = all.iter().filter(|reader| name.is_none_or(|name| reader.contains(name)));
    match (fitting.next(), fitting.next()) {
        (Some(reader), None) => Ok(reader.clone()),
        (None, _) if all.is_empty() => Err(Failure::Fault("there is no card reader: plug one in".to_owned())),
        (None, _) => Err(Failure::Usage(format!("no card reader has that name; there are: {}", all.join(", ")))),
        (Some(_), Some(_)) => {
            Err(Failure::Usage(format!("several card readers fit; choose one with --reader: {}", all.join(", "))))
        }
    }
}

/// Waits for a tag to come or to go, for two minutes at most.
pub(crate) fn wait_for(readers: &Readers, reader: &str, wanted: Presence) -> Result<(), Failure> {
    const SECONDS: u32 = 120;
    for _ in 0..SECONDS {
        if readers.wait(reader, wanted, Duration::from_secs(1))? {
            return Ok(());
        }
    }
    let happened = if wanted == Presence::Present { "no tag came" } else { "the tag was not taken away" };
    Err(Failure::Fault(format!("{happened} for {SECONDS} seconds")))
}
