//! The commands of an NTAG 424 DNA, asked for one at a time (NT4H2421Gx section 10).

use chip::Status;
use chip::access::{Access, CommMode, KeyNumber};
use tag::sdm::Mode;
use tag::{AesKey, KeyVersion, Uid};
use zeroize::Zeroizing;

use crate::fault::{Command, Fault, Problem};
use crate::link::Transceive;
use crate::messaging::{Question, Session};

/// The name of the NDEF application.
const APPLICATION: [u8; 7] = [0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01];
/// The NDEF file, by its number and by its ISO identifier.
const NDEF_FILE: u8 = 0x02;
const NDEF_FILE_IDENTIFIER: [u8; 2] = [0xE1, 0x04];
/// No answer is longer, its status word included.
const LONGEST_ANSWER: usize = 258;
/// So much of a file goes into one command: with a frame of 128 bytes no reader has to chain much.
const PORTION: usize = 112;

/// A tag in a reader's field, perhaps with a session.
pub(crate) struct Reader<'a> {
    link: &'a mut dyn Transceive,
    session: Option<(KeyNumber, Session)>,
    mode: Option<Mode>,
}

/// GetVersion's answer.
pub(crate) struct Version {
    /// Vendor, type, subtype, major, minor, storage size, protocol.
    pub(crate) hardware: [u8; 7],
    pub(crate) uid: Uid,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(link: &'a mut dyn Transceive) -> Self {
        Self { link, session: None, mode: None }
    }

    /// The tag's mode, as the first authentication found it.
    pub(crate) fn mode(&self) -> Option<Mode> {
        self.mode
    }

    /// Enters the NDEF application; a session ends.
    pub(crate) fn select_application(&mut self) -> Result<(), Fault> {
        self.session = None;
        self.iso(Command::IsoSelectFile, &[&[0x00, 0xA4, 0x04, 0x0C, 0x07][..], &APPLICATION, &[0x00]].concat())
            .map(drop)
    }

    /// The NDEF file as a phone reads it: with everything mirrored, and counted as a touch.
    pub(crate) fn touch(&mut self, length: usize) -> Result<Vec<u8>, Fault> {
        self.select_application()?;
        self.iso(Command::IsoSelectFile, &[&[0x00, 0xA4, 0x00, 0x0C, 0x02][..], &NDEF_FILE_IDENTIFIER].concat())?;
        // An Le of zero asks for 256 bytes, which is the longest file.
        let expected = u8::try_from(length).unwrap_or(0);
        let file = self.iso(Command::IsoReadBinary, &[0x00, 0xB0, 0x00, 0x00, expected])?;
        exactly(Command::IsoReadBinary, file.len() == length, file)
    }

    pub(crate) fn version(&mut self) -> Result<Version, Fault> {
        let hardware = self.frame(Command::GetVersion, &[], Status::ADDITIONAL_FRAME)?;
        self.frame(Command::AdditionalFrame, &[], Status::ADDITIONAL_FRAME)?;
        let production = self.frame(Command::AdditionalFrame, &[], Status::OK)?;
        let wrong = Fault::Answer { command: Command::GetVersion, problem: Problem::Length };
        let uid = production.first_chunk().copied().ok_or_else(|| wrong.clone())?;
        Ok(Version { hardware: hardware.first_chunk().copied().ok_or(wrong)?, uid: Uid(uid) })
    }

    /// The signature that NXP put into the chip.
    pub(crate) fn signature(&mut self) -> Result<[u8; 56], Fault> {
        let signature = self.ask(Command::ReadSignature, &[0x00], CommMode::Full)?;
        array(Command::ReadSignature, &signature)
    }

    pub(crate) fn key_version(&mut self, slot: KeyNumber) -> Result<KeyVersion, Fault> {
        let version = self.ask(Command::GetKeyVersion, &[slot.value()], CommMode::Mac)?;
        array(Command::GetKeyVersion, &version).map(|[version]| KeyVersion(version))
    }

    pub(crate) fn card_uid(&mut self) -> Result<Uid, Fault> {
        let uid = self.ask(Command::GetCardUid, &[], CommMode::Full)?;
        array(Command::GetCardUid, &uid).map(Uid)
    }

    /// The NDEF file's settings, as they are shown.
    pub(crate) fn file_settings(&mut self) -> Result<Vec<u8>, Fault> {
        self.ask(Command::GetFileSettings, &[NDEF_FILE], CommMode::Mac)
    }

    /// Begins a session with a key. Whether the tag accepts the key; it has to prove that it has it too.
    pub(crate) fn authenticate(&mut self, slot: KeyNumber, key: &AesKey, nonce: [u8; 16]) -> Result<bool, Fault> {
        self.session = None;
        let question = self.question(slot)?;
        let answered = question.answer(key, nonce);
        let proof = match self.frame(Command::AdditionalFrame, &answered.answer, Status::OK) {
            Ok(proof) => proof,
            Err(Fault::Refused { status: Status::AUTHENTICATION_ERROR, .. }) => return Ok(false),
            Err(fault) => return Err(fault),
        };
        let unproven = Fault::Answer { command: Command::Authenticate, problem: Problem::Proof };
        self.session = Some((slot, answered.prove(&proof).ok_or(unproven)?));
        Ok(true)
    }

    /// The tag's half of the first frame. A tag in LRP mode refuses AES, whatever the key.
    fn question(&mut self, slot: KeyNumber) -> Result<Question, Fault> {
        const NO_CAPABILITIES: [u8; 1] = [0x00];
        const LRP_CAPABILITY: [u8; 7] = [0x06, 0x02, 0x00, 0x00, 0x00, 0x00, 0x00];
        if self.mode != Some(Mode::Lrp) {
            match self.begin(slot, &NO_CAPABILITIES) {
                Ok(question) => {
                    self.mode = Some(Mode::Aes);
                    return array(Command::Authenticate, &question).map(Question::Aes);
                }
                Err(Fault::Refused { status: Status::PERMISSION_DENIED, .. }) if self.mode.is_none() => {}
                Err(fault) => return Err(fault),
            }
        }
        let question = self.begin(slot, &LRP_CAPABILITY)?;
        let [mode, question @ ..] = array::<17>(Command::Authenticate, &question)?;
        if mode != 0x01 {
            return Err(Fault::Answer { command: Command::Authenticate, problem: Problem::Value });
        }
        self.mode = Some(Mode::Lrp);
        Ok(Question::Lrp(question))
    }

    fn begin(&mut self, slot: KeyNumber, capabilities: &[u8]) -> Result<Vec<u8>, Fault> {
        self.frame(Command::Authenticate, &[&[slot.value()], capabilities].concat(), Status::ADDITIONAL_FRAME)
    }

    /// Replaces a key. The tag takes a key other than its master key only from who knows the old one.
    pub(crate) fn change_key(
        &mut self,
        slot: KeyNumber,
        old: &AesKey,
        new: &AesKey,
        version: KeyVersion,
    ) -> Result<(), Fault> {
        let mut data = Zeroizing::new(Vec::with_capacity(21));
        if slot == KeyNumber::MASTER {
            data.extend_from_slice(new.expose());
            data.push(version.0);
        } else {
            data.extend(new.expose().iter().zip(old.expose()).map(|(new, old)| new ^ old));
            data.push(version.0);
            data.extend(chip::checksum(new.expose()));
        }
        let sealed = self.seal(Command::ChangeKey, &[slot.value()], &data, CommMode::Full);
        let answer = self.frame(Command::ChangeKey, &sealed, Status::OK)?;
        if slot == KeyNumber::MASTER {
            // The session's keys came from the key that is gone.
            self.session = None;
            return Ok(());
        }
        self.open(Command::ChangeKey, Status::OK, &answer, CommMode::Full).map(drop)
    }

    /// Changes the NDEF file's settings, by a right that is now this one.
    pub(crate) fn change_file_settings(&mut self, right: Access, settings: &[u8]) -> Result<(), Fault> {
        let mode = self.mode_for(&[right], CommMode::Full);
        let sealed = self.seal(Command::ChangeFileSettings, &[NDEF_FILE], settings, mode);
        let answer = self.frame(Command::ChangeFileSettings, &sealed, Status::OK)?;
        self.open(Command::ChangeFileSettings, Status::OK, &answer, mode).map(drop)
    }

    /// The NDEF file's first bytes as they are stored, in the mode for who has authenticated.
    pub(crate) fn read_file(&mut self, length: usize, mode: CommMode) -> Result<Vec<u8>, Fault> {
        let mut file = Vec::with_capacity(length);
        while file.len() < length {
            let portion = PORTION.min(length - file.len());
            let sealed = self.seal(Command::ReadData, &span(file.len(), portion), &[], header_mode(mode));
            let answer = self.frame(Command::ReadData, &sealed, Status::OK)?;
            let part = self.open(Command::ReadData, Status::OK, &answer, mode)?;
            file.extend(exactly(Command::ReadData, part.len() == portion, part)?);
        }
        Ok(file)
    }

    /// Writes into the NDEF file.
    pub(crate) fn write_file(&mut self, offset: usize, data: &[u8], mode: CommMode) -> Result<(), Fault> {
        for (index, portion) in data.chunks(PORTION).enumerate() {
            let header = span(offset + index * PORTION, portion.len());
            let sealed = self.seal(Command::WriteData, &header, portion, mode);
            let answer = self.frame(Command::WriteData, &sealed, Status::OK)?;
            self.open(Command::WriteData, Status::OK, &answer, mode)?;
        }
        Ok(())
    }

    /// How data travels for who has authenticated with a key that has one of these rights (section 8.2.3.5).
    pub(crate) fn mode_for(&self, rights: &[Access], mode: CommMode) -> CommMode {
        let key = self.session.as_ref().map(|(key, _)| *key);
        if key.is_some_and(|key| rights.contains(&Access::Key(key))) { mode } else { CommMode::Plain }
    }

    /// A command whose data is a header, and whose answer travels in that mode.
    fn ask(&mut self, command: Command, header: &[u8], mode: CommMode) -> Result<Vec<u8>, Fault> {
        let sealed = self.seal(command, header, &[], header_mode(mode));
        let status = if command == Command::ReadSignature { Status::SIGNATURE_OK } else { Status::OK };
        let answer = self.frame(command, &sealed, status)?;
        self.open(command, status, &answer, mode)
    }

    fn seal(&mut self, command: Command, header: &[u8], data: &[u8], mode: CommMode) -> Vec<u8> {
        match &mut self.session {
            Some((_, session)) => session.seal(command as u8, header, data, mode),
            None => [header, data].concat(),
        }
    }

    fn open(&mut self, command: Command, status: Status, answer: &[u8], mode: CommMode) -> Result<Vec<u8>, Fault> {
        let Some((_, session)) = &mut self.session else { return Ok(answer.to_vec()) };
        let [_, return_code] = status.0.to_be_bytes();
        session.open(return_code, answer, mode).ok_or(Fault::Answer { command, problem: Problem::Mac })
    }

    /// One native command frame, answered with that status.
    fn frame(&mut self, command: Command, data: &[u8], status: Status) -> Result<Vec<u8>, Fault> {
        let mut apdu = vec![0x90, command as u8, 0x00, 0x00];
        if !data.is_empty() {
            // No command here has more than 160 bytes of data.
            apdu.push(u8::try_from(data.len()).unwrap_or(u8::MAX));
            apdu.extend_from_slice(data);
        }
        apdu.push(0x00);
        self.exchange(command, &apdu, status)
    }

    fn iso(&mut self, command: Command, apdu: &[u8]) -> Result<Vec<u8>, Fault> {
        self.exchange(command, apdu, Status::ISO_OK)
    }

    fn exchange(&mut self, command: Command, apdu: &[u8], expected: Status) -> Result<Vec<u8>, Fault> {
        let mut answer = self.link.transceive(apdu).map_err(|reason| Fault::Link { command, reason })?;
        let length = Fault::Answer { command, problem: Problem::Length };
        let end =
            answer.len().checked_sub(2).filter(|_| answer.len() <= LONGEST_ANSWER).ok_or_else(|| length.clone())?;
        let status = Status(u16::from_be_bytes(answer.split_off(end).try_into().map_err(|_| length)?));
        // The data sheet has Read_Sig succeed with 9100, chips do with 9190.
        if status == expected || (command == Command::ReadSignature && status == Status::OK) {
            return Ok(answer);
        }
        self.session = None;
        Err(Fault::Refused { command, status })
    }
}

/// A command without data to encrypt has at most a MAC.
fn header_mode(mode: CommMode) -> CommMode {
    if mode == CommMode::Plain { CommMode::Plain } else { CommMode::Mac }
}

/// The header of ReadData and WriteData: file, offset and length, least significant byte first.
fn span(offset: usize, length: usize) -> [u8; 7] {
    let low = |number: usize| u16::try_from(number).unwrap_or(u16::MAX).to_le_bytes();
    let ([a, b], [c, d]) = (low(offset), low(length));
    [NDEF_FILE, a, b, 0, c, d, 0]
}

fn array<const N: usize>(command: Command, answer: &[u8]) -> Result<[u8; N], Fault> {
    answer.try_into().map_err(|_| Fault::Answer { command, problem: Problem::Length })
}

fn exactly(command: Command, is_right: bool, answer: Vec<u8>) -> Result<Vec<u8>, Fault> {
    if is_right { Ok(answer) } else { Err(Fault::Answer { command, problem: Problem::Length }) }
}
