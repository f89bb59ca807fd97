//! Commands that select, read and write files, and change what may be done with them (NT4H2421Gx sections 10.7 to 10.9).

use alloc::vec::Vec;

use crate::access::{Access, CommMode};
use crate::apdu::{Command, Response};
use crate::chip::{Chip, Chunks, ReadCommand, Selected};
use crate::image::FileNumber;
use crate::mirror::{Reading, mirror};
use crate::settings::{FileSettings, InvalidSettings, Sdm, push_three};
use crate::{Random, Status, random};

/// The chip itself, by name.
const PICC_NAME: [u8; 7] = [0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x00];
/// The NDEF application, by name and by identifier.
const APPLICATION_NAME: [u8; 7] = [0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01];
const APPLICATION_IDENTIFIER: [u8; 2] = [0xE1, 0x10];
const PICC_IDENTIFIER: [u8; 2] = [0x3F, 0x00];

/// SDMReadCtr's highest value: then the file is read no more without authentication.
const HIGHEST_COUNT: u32 = 0x00FF_FFFF;
/// How many bytes an answer has at most.
const ANSWER: usize = 256;

impl Chip {
    /// ISOSelectFile.
    pub(crate) fn select_file(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        let [control, option] = command.parameters;
        if control > 4 || ![0x00, 0x0C].contains(&option) {
            return Err(Status::ISO_WRONG_PARAMETERS);
        }
        if command.data.len() > 16 {
            return Err(Status::ISO_WRONG_LENGTH);
        }
        let inside = self.volatile.selected != Selected::Picc;
        let selected = match (control, command.data) {
            (0x00 | 0x03, []) => Selected::Picc,
            (0x00, identifier) if identifier == PICC_IDENTIFIER => Selected::Picc,
            (0x04, name) if name == PICC_NAME => Selected::Picc,
            (0x00 | 0x01, identifier) if identifier == APPLICATION_IDENTIFIER => Selected::Application { file: None },
            (0x04, name) if name == APPLICATION_NAME => Selected::Application { file: None },
            (0x00 | 0x02, [high, low]) if inside => Selected::Application {
                file: Some(FileNumber::from_iso_identifier([*high, *low]).ok_or(Status::ISO_FILE_NOT_FOUND)?),
            },
            (0x00..=0x02, [_, _]) | (0x04, [_, ..]) => return Err(Status::ISO_FILE_NOT_FOUND),
            _ => return Err(Status::ISO_LENGTH_INCONSISTENT),
        };
        self.volatile.selected = selected;
        if !matches!(selected, Selected::Application { file: Some(_) }) {
            // Whoever enters or leaves the application begins anew.
            self.volatile.session = None;
        }
        Ok(Response::new(Vec::new(), Status::ISO_OK))
    }

    /// ISOReadBinary: for readers that have not authenticated.
    pub(crate) fn read_binary(
        &mut self,
        command: &Command<'_>,
        reading: Option<Chunks>,
        random: &mut impl Random,
    ) -> Result<Response, Status> {
        if !command.data.is_empty() || command.expected.is_none() {
            return Err(Status::ISO_WRONG_LENGTH);
        }
        let (number, offset) = self.addressed(command)?;
        if self.volatile.session.is_some() {
            return Err(Status::ISO_SECURITY_STATUS_NOT_SATISFIED);
        }
        let settings = self.image.file(number).settings;
        let denied = |_| Status::ISO_SECURITY_STATUS_NOT_SATISFIED;
        self.mode_for(&read_rights(&settings, false), CommMode::Plain).map_err(denied)?;
        if offset >= usize::from(number.size()) {
            return Err(Status::ISO_WRONG_PARAMETERS);
        }
        let contents = self.contents_unauthenticated(number, ReadCommand::IsoReadBinary, reading, random);
        let contents = contents.map_err(denied)?;
        let data = contents.iter().skip(offset).take(command.answer_limit()).copied().collect();
        self.volatile.selected = Selected::Application { file: Some(number) };
        Ok(Response::new(data, Status::ISO_OK))
    }

    /// ISOUpdateBinary: where anybody may write.
    pub(crate) fn update_binary(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        if command.data.is_empty() {
            return Err(Status::ISO_WRONG_LENGTH);
        }
        let (number, offset) = self.addressed(command)?;
        let rights = self.image.file(number).settings.rights;
        let free = [rights.write, rights.read_write].contains(&Access::Free);
        if self.volatile.session.is_some() || !free {
            return Err(Status::ISO_SECURITY_STATUS_NOT_SATISFIED);
        }
        let slots = self.image.contents_mut(number).get_mut(offset..);
        let slots = slots.and_then(|slots| slots.get_mut(..command.data.len()));
        slots.ok_or(Status::ISO_CONDITIONS_NOT_SATISFIED)?.copy_from_slice(command.data);
        self.volatile.selected = Selected::Application { file: Some(number) };
        Ok(Response::new(Vec::new(), Status::ISO_OK))
    }

    /// The file and the offset of ISOReadBinary and ISOUpdateBinary (table 87).
    fn addressed(&self, command: &Command<'_>) -> Result<(FileNumber, usize), Status> {
        let Selected::Application { file } = self.volatile.selected else {
            return Err(Status::ISO_CONDITIONS_NOT_SATISFIED);
        };
        let [p1, p2] = command.parameters;
        let selected = file.ok_or(Status::ISO_CONDITIONS_NOT_SATISFIED);
        if p1 & 0x80 == 0 {
            return Ok((selected?, usize::from(u16::from_be_bytes([p1, p2]))));
        }
        let number = match p1 & 0x7F {
            0x00 => selected?,
            short @ 0x01..=0x1E => FileNumber::from_number(short).ok_or(Status::ISO_FILE_NOT_FOUND)?,
            _ => return Err(Status::ISO_WRONG_PARAMETERS),
        };
        Ok((number, usize::from(p2)))
    }

    /// ReadData.
    pub(crate) fn read_data(
        &mut self,
        command: &Command<'_>,
        reading: Option<Chunks>,
        random: &mut impl Random,
    ) -> Result<Response, Status> {
        let (number, settings) = self.targeted(command)?;
        let authenticated = self.volatile.session.is_some();
        let mode = self.mode_for(&read_rights(&settings, authenticated), settings.mode)?;
        let data = self.open(command, 7, mode)?;
        let range = Span::parse(data.as_slice().try_into().map_err(|_| Status::LENGTH_ERROR)?);
        let size = usize::from(number.size());
        let end = if range.length == 0 { size } else { range.offset + range.length };
        if range.offset >= size || end > size {
            return Err(Status::BOUNDARY_ERROR);
        }
        if protected_length(end - range.offset, mode) > ANSWER {
            return Err(Status::LENGTH_ERROR);
        }
        let contents = if authenticated {
            self.image.file(number).contents().to_vec()
        } else {
            self.contents_unauthenticated(number, ReadCommand::ReadData, reading, random)?
        };
        Ok(self.done(contents.into_iter().take(end).skip(range.offset).collect(), mode))
    }

    /// WriteData.
    pub(crate) fn write_data(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        let (number, settings) = self.targeted(command)?;
        let mode = self.mode_for(&[settings.rights.write, settings.rights.read_write], settings.mode)?;
        let data = self.open(command, 7, mode)?;
        let (header, data) = data.split_first_chunk().ok_or(Status::LENGTH_ERROR)?;
        let range = Span::parse(*header);
        if range.length != data.len() {
            return Err(Status::LENGTH_ERROR);
        }
        if range.length == 0 {
            return Err(Status::PARAMETER_ERROR);
        }
        let slots = self.image.contents_mut(number).get_mut(range.offset..range.offset + range.length);
        slots.ok_or(Status::BOUNDARY_ERROR)?.copy_from_slice(data);
        Ok(self.done(Vec::new(), mode))
    }

    /// GetFileSettings.
    pub(crate) fn get_file_settings(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        let (number, settings) = self.targeted(command)?;
        self.open_exactly(command, 1, CommMode::Mac)?;
        Ok(self.done(settings.to_bytes(number.size().into()), CommMode::Mac))
    }

    /// GetFileCounters.
    pub(crate) fn get_file_counters(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        let (_, settings) = self.targeted(command)?;
        let right = settings.sdm.ok_or(Status::PERMISSION_DENIED)?.counter_retrieval;
        // Who asks freely within a session still gets a MAC.
        let mode = match self.mode_for(&[right], CommMode::Full)? {
            CommMode::Plain => CommMode::Mac,
            mode => mode,
        };
        self.open_exactly(command, 1, CommMode::Mac)?;
        let mut data = Vec::with_capacity(5);
        push_three(&mut data, self.image.read_counter);
        data.extend([0, 0]);
        Ok(self.done(data, mode))
    }

    /// ChangeFileSettings.
    pub(crate) fn change_file_settings(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        let (number, settings) = self.targeted(command)?;
        let mode = self.mode_for(&[settings.rights.change], CommMode::Full)?;
        let data = self.open(command, 1, mode)?;
        let changed = data.get(1..).ok_or(InvalidSettings::Length);
        let changed = changed.and_then(|data| FileSettings::parse(data, self.image.place(number)));
        let changed = changed.map_err(|error| match error {
            InvalidSettings::Length => Status::LENGTH_ERROR,
            InvalidSettings::SdmElsewhere => Status::PERMISSION_DENIED,
            _ => Status::PARAMETER_ERROR,
        })?;
        if let Some(sdm) = changed.sdm {
            if sdm.tamper_status.is_some() && !self.image.origin.tag_tamper {
                return Err(Status::PARAMETER_ERROR);
            }
            // Enabling begins a new count; changing goes on with it.
            let count = if settings.sdm.is_some() { self.image.read_counter } else { 0 };
            if sdm.read_counter_limit.is_some_and(|limit| limit <= count) {
                return Err(Status::PARAMETER_ERROR);
            }
            self.image.read_counter = count;
        }
        self.image.file_mut(number).settings = changed;
        Ok(self.done(Vec::new(), mode))
    }

    /// The file that a native command is about, and its settings.
    fn targeted(&self, command: &Command<'_>) -> Result<(FileNumber, FileSettings), Status> {
        self.in_application()?;
        let number = *command.data.first().ok_or(Status::LENGTH_ERROR)?;
        if number & 0b1110_0000 != 0 {
            return Err(Status::PARAMETER_ERROR);
        }
        let number = FileNumber::from_number(number).ok_or(Status::FILE_NOT_FOUND)?;
        Ok((number, self.image.file(number).settings))
    }

    /// Takes the protection off, if what is left has the right length.
    pub(crate) fn open_exactly(
        &mut self,
        command: &Command<'_>,
        length: usize,
        mode: CommMode,
    ) -> Result<Vec<u8>, Status> {
        let data = self.open(command, length, mode)?;
        if data.len() == length { Ok(data) } else { Err(Status::LENGTH_ERROR) }
    }

    /// What a reader sees that has not authenticated: the file with all its mirrors. The first command of a reading
    /// counts; the others see the same (section 9.3.1).
    fn contents_unauthenticated(
        &mut self,
        number: FileNumber,
        by: ReadCommand,
        reading: Option<Chunks>,
        random: &mut impl Random,
    ) -> Result<Vec<u8>, Status> {
        let Some(sdm) = self.image.file(number).settings.sdm else {
            return Ok(self.image.file(number).contents().to_vec());
        };
        let chunks = match reading.filter(|chunks| chunks.by == by) {
            Some(chunks) => chunks,
            None => {
                self.count_reading(&sdm)?;
                Chunks { by, noise: random::bytes(random) }
            }
        };
        self.volatile.reading = Some(chunks);
        let tamper_status = if sdm.tamper_status.is_some() { self.measure_tamper_loop() } else { *b"II" };
        let reading = Reading { counter: self.image.read_counter, tamper_status, noise: chunks.noise };
        let mut contents = self.image.file(number).contents().to_vec();
        mirror(&self.image, &sdm, &reading, &mut contents);
        Ok(contents)
    }

    fn count_reading(&mut self, sdm: &Sdm) -> Result<(), Status> {
        if !sdm.read_counter {
            return Ok(());
        }
        if sdm.read_counter_limit.is_some_and(|limit| self.image.read_counter >= limit) {
            return Err(Status::PERMISSION_DENIED);
        }
        if self.image.read_counter >= HIGHEST_COUNT {
            return Err(Status::INTEGRITY_ERROR);
        }
        self.image.read_counter += 1;
        Ok(())
    }
}

/// Who may read. A file that signs what is read may be read by anybody who has not authenticated.
fn read_rights(settings: &FileSettings, authenticated: bool) -> [Access; 3] {
    let signs = settings.sdm.is_some_and(|sdm| sdm.file_read.is_some());
    let by_sdm = if signs && !authenticated { Access::Free } else { Access::Never };
    [settings.rights.read, settings.rights.read_write, by_sdm]
}

/// How many bytes an answer has.
fn protected_length(length: usize, mode: CommMode) -> usize {
    match mode {
        CommMode::Plain => length,
        CommMode::Mac => length + 8,
        CommMode::Full => (length + 1).next_multiple_of(16) + 8,
    }
}

/// The part of a file that ReadData and WriteData are about.
struct Span {
    offset: usize,
    length: usize,
}

impl Span {
    /// Offset and length follow the file's number, least significant byte first.
    fn parse([_, offset @ .., a, b, c]: [u8; 7]) -> Self {
        let number =
            |[low, middle, high]: [u8; 3]| usize::from(low) | usize::from(middle) << 8 | usize::from(high) << 16;
        Self { offset: number(offset), length: number([a, b, c]) }
    }
}
