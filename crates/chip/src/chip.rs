//! The chip: an image, what it remembers while it has power, and which command goes where.

use alloc::vec::Vec;
use core::fmt;

use crate::access::{Access, CommMode};
use crate::apdu::{Command, Response};
use crate::authentication::Challenge;
use crate::image::{ChipImage, FileNumber};
use crate::messaging::Session;
use crate::mirror::Noise;
use crate::{Random, Status, random};

/// The chip's answer to select (ATS), as the data sheet's section 8.1.1 gives it: frames of 128 bytes, FWI 7.
pub const ANSWER_TO_SELECT: [u8; 6] = [0x06, 0x77, 0x77, 0x71, 0x02, 0x80];

/// A software NTAG 424 DNA.
///
/// Commands go in and answers come out ([`respond`](Self::respond)); the radio below is for others. Between any two
/// commands the power may go ([`power_cycle`](Self::power_cycle)): each command is done wholly or not at all.
pub struct Chip {
    pub(crate) image: ChipImage,
    pub(crate) volatile: Volatile,
    /// Whether the tamper loop is closed just now.
    loop_closed: bool,
}

/// What is gone when the power goes.
pub(crate) struct Volatile {
    pub(crate) selected: Selected,
    pub(crate) session: Option<Session>,
    pub(crate) ongoing: Option<Ongoing>,
    /// The reading that goes on as long as nothing but read commands comes.
    pub(crate) reading: Option<Chunks>,
    /// Whether the tamper loop was enabled when the power came: then it is measured.
    measures: bool,
}

/// Where commands go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selected {
    /// The chip itself (MF).
    Picc,
    /// The NDEF application, and perhaps one of its files.
    Application { file: Option<FileNumber> },
}

/// A command of several frames that is not at its end.
pub(crate) enum Ongoing {
    /// The chip has asked; the reader must answer.
    Authentication(Challenge),
    /// GetVersion has shown so many of its three parts.
    Version { shown: u8 },
}

/// A file being read in several commands, as one reading.
#[derive(Clone, Copy)]
pub(crate) struct Chunks {
    pub(crate) by: ReadCommand,
    pub(crate) noise: Noise,
}

/// The two commands that read files. A reading goes on with the command it began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadCommand {
    IsoReadBinary,
    ReadData,
}

impl Volatile {
    fn at_power_on(image: &ChipImage) -> Self {
        Self {
            selected: Selected::Picc,
            session: None,
            ongoing: None,
            reading: None,
            measures: image.configuration.tamper_enabled,
        }
    }
}

impl Chip {
    /// Gives an image power.
    #[must_use]
    pub fn new(image: ChipImage) -> Self {
        let volatile = Volatile::at_power_on(&image);
        Self { image, volatile, loop_closed: true }
    }

    /// What it would keep if the power went now.
    #[must_use]
    pub fn image(&self) -> &ChipImage {
        &self.image
    }

    /// Takes the power away and gives it back: sessions, selections and half-done commands are gone, and nothing else.
    pub fn power_cycle(&mut self) {
        self.volatile = Volatile::at_power_on(&self.image);
    }

    /// Opens or closes the tamper loop.
    pub fn set_tamper_loop(&mut self, closed: bool) {
        self.loop_closed = closed;
    }

    /// What it says its identifier is when it is activated (anticollision): its UID, or four random bytes if it is
    /// configured so.
    pub fn activation_identifier(&self, random: &mut impl Random) -> Vec<u8> {
        if !self.image.configuration.random_identifier {
            return self.image.origin.uid.0.to_vec();
        }
        let [a, b, c] = random::bytes(random);
        [0x08, a, b, c].to_vec()
    }

    /// Carries out one command APDU.
    ///
    /// Whatever the bytes are, there is an answer of at most 256 bytes and a status word. A command that fails changes
    /// nothing but the counters of failed authentications, and ends a session if there is one (section 9.1.9).
    pub fn respond(&mut self, command_apdu: &[u8], random: &mut impl Random) -> Response {
        let before = self.image.clone();
        self.measure_at_activation();
        let outcome = match Command::parse(command_apdu) {
            Ok(command) => self.carry_out(&command, random),
            Err(_) => Err(Status::ISO_WRONG_LENGTH),
        };
        let response = outcome.unwrap_or_else(|status| {
            self.volatile.session = None;
            self.volatile.ongoing = None;
            Response::new(Vec::new(), status)
        });
        Response { image_changed: self.image != before, ..response }
    }

    fn carry_out(&mut self, command: &Command<'_>, random: &mut impl Random) -> Result<Response, Status> {
        // Any other command ends a reading.
        let reading = self.volatile.reading.take();
        let ongoing = self.volatile.ongoing.take();
        match command.class {
            0x00 if ongoing.is_some() => Err(Status::ISO_CONDITIONS_NOT_SATISFIED),
            0x00 => self.carry_out_iso(command, reading, random),
            0x90 => self.carry_out_native(command, ongoing, reading, random),
            _ => Err(Status::ISO_CLASS_NOT_SUPPORTED),
        }
    }

    fn carry_out_iso(
        &mut self,
        command: &Command<'_>,
        reading: Option<Chunks>,
        random: &mut impl Random,
    ) -> Result<Response, Status> {
        if command.extended {
            return Err(Status::ISO_WRONG_LENGTH);
        }
        match command.instruction {
            0xA4 => self.select_file(command),
            0xB0 => self.read_binary(command, reading, random),
            0xD6 => self.update_binary(command),
            _ => Err(Status::ISO_INSTRUCTION_NOT_SUPPORTED),
        }
    }

    fn carry_out_native(
        &mut self,
        command: &Command<'_>,
        ongoing: Option<Ongoing>,
        reading: Option<Chunks>,
        random: &mut impl Random,
    ) -> Result<Response, Status> {
        if command.extended {
            return Err(Status::LENGTH_ERROR);
        }
        if command.parameters != [0, 0] {
            return Err(Status::PARAMETER_ERROR);
        }
        if let Some(ongoing) = ongoing {
            return match command.instruction {
                0xAF => self.go_on(command, ongoing, random),
                _ => Err(Status::COMMAND_ABORTED),
            };
        }
        match command.instruction {
            0x71 => self.authenticate_first(command, random),
            0x77 => self.authenticate_non_first(command, random),
            0x51 => self.get_card_uid(command),
            0x5F => self.change_file_settings(command),
            0xC4 => self.change_key(command),
            0xF6 => self.get_file_counters(command),
            0xF5 => self.get_file_settings(command),
            0x64 => self.get_key_version(command),
            0x60 => self.get_version(command),
            0xAD => self.read_data(command, reading, random),
            0x3C => self.read_signature(command),
            0x5C => self.set_configuration(command),
            0x8D => self.write_data(command),
            0xF7 if self.image.origin.tag_tamper => self.get_tamper_status(command),
            _ => Err(Status::ILLEGAL_COMMAND_CODE),
        }
    }

    /// The next frame of a command that has several.
    fn go_on(&mut self, command: &Command<'_>, ongoing: Ongoing, random: &mut impl Random) -> Result<Response, Status> {
        match ongoing {
            Ongoing::Authentication(challenge) => self.authenticate_answer(command, challenge, random),
            Ongoing::Version { shown } => self.get_version_part(command, shown),
        }
    }

    /// Takes the protection off a command's data: that of the mode within a session, and none without one.
    pub(crate) fn open(&mut self, command: &Command<'_>, header: usize, mode: CommMode) -> Result<Vec<u8>, Status> {
        match &mut self.volatile.session {
            Some(session) => session.open(command.instruction, command.data, header, mode),
            None => Ok(command.data.to_vec()),
        }
    }

    /// The answer of a command that was done, protected as the mode says if there is a session.
    pub(crate) fn done(&mut self, data: Vec<u8>, mode: CommMode) -> Response {
        self.done_as(Status::OK, data, mode)
    }

    pub(crate) fn done_as(&mut self, status: Status, data: Vec<u8>, mode: CommMode) -> Response {
        let data = match &mut self.volatile.session {
            Some(session) => session.seal(status, data, mode),
            None => data,
        };
        Response::new(data, status)
    }

    /// How data travels for who has one of these rights (section 8.2.3.5): as the file says if the session's key has one,
    /// in the clear if anybody has one.
    pub(crate) fn mode_for(&self, rights: &[Access], mode: CommMode) -> Result<CommMode, Status> {
        let key = self.volatile.session.as_ref().map(|session| session.key);
        if rights.iter().any(|right| key.is_some_and(|key| *right == Access::Key(key))) {
            Ok(mode)
        } else if rights.contains(&Access::Free) {
            Ok(CommMode::Plain)
        } else if rights.iter().all(|right| *right == Access::Never) {
            Err(Status::PERMISSION_DENIED)
        } else {
            Err(Status::AUTHENTICATION_ERROR)
        }
    }

    /// Files are the application's; the chip itself has none.
    pub(crate) fn in_application(&self) -> Result<(), Status> {
        match self.volatile.selected {
            Selected::Picc => Err(Status::PERMISSION_DENIED),
            Selected::Application { .. } => Ok(()),
        }
    }

    /// TTPermStatus and TTCurrStatus after a measurement.
    pub(crate) fn measure_tamper_loop(&mut self) -> [u8; 2] {
        if !self.volatile.measures {
            return *b"II";
        }
        self.image.tamper_opened |= !self.loop_closed;
        [self.image.tamper_opened, !self.loop_closed].map(|open| if open { b'O' } else { b'C' })
    }

    /// With the first command after activation comes a measurement; more of the same change nothing.
    fn measure_at_activation(&mut self) {
        if !self.image.tamper_opened {
            self.measure_tamper_loop();
        }
    }
}

impl fmt::Debug for Chip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chip")
            .field("image", &self.image)
            .field("selected", &self.volatile.selected)
            .field("session", &self.volatile.session)
            .finish_non_exhaustive()
    }
}
