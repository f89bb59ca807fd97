//! Commands about the chip itself: authentication, keys, configuration, identity (NT4H2421Gx sections 10.4 to 10.6).

use alloc::vec::Vec;

use tag::AesKey;

use crate::access::{Access, CommMode, KeyNumber};
use crate::apdu::{Command, Response};
use crate::authentication::Challenge;
use crate::chip::{Chip, Ongoing, Selected};
use crate::image::FileNumber;
use crate::{Random, Status, checksum, random};

impl Chip {
    /// AuthenticateEV2First and AuthenticateLRPFirst, part 1.
    pub(crate) fn authenticate_first(
        &mut self,
        command: &Command<'_>,
        random: &mut impl Random,
    ) -> Result<Response, Status> {
        self.has_keys()?;
        self.volatile.session = None;
        let challenge = Challenge::first(command.data, &mut self.image, random::bytes(random))?;
        Ok(self.ask(challenge))
    }

    /// AuthenticateEV2NonFirst and AuthenticateLRPNonFirst, part 1.
    pub(crate) fn authenticate_non_first(
        &mut self,
        command: &Command<'_>,
        random: &mut impl Random,
    ) -> Result<Response, Status> {
        self.has_keys()?;
        let session = self.volatile.session.take();
        let challenge = Challenge::non_first(command.data, session, &mut self.image, random::bytes(random))?;
        Ok(self.ask(challenge))
    }

    fn ask(&mut self, challenge: Challenge) -> Response {
        let question = challenge.question(&self.image);
        self.volatile.ongoing = Some(Ongoing::Authentication(challenge));
        Response::new(question, Status::ADDITIONAL_FRAME)
    }

    /// Part 2 of all authentications.
    pub(crate) fn authenticate_answer(
        &mut self,
        command: &Command<'_>,
        challenge: Challenge,
        random: &mut impl Random,
    ) -> Result<Response, Status> {
        let (session, proof) = challenge.answer(command.data, &mut self.image, random::bytes(random))?;
        self.volatile.session = Some(session);
        Ok(Response::new(proof, Status::OK))
    }

    /// Keys are the application's; the chip's own (originality) keys are not here.
    fn has_keys(&self) -> Result<(), Status> {
        self.in_application().map_err(|_| Status::NO_SUCH_KEY)
    }

    /// Only who has shown the master key goes on.
    fn by_master(&self) -> Result<(), Status> {
        match &self.volatile.session {
            Some(session) if session.key == KeyNumber::MASTER => Ok(()),
            _ => Err(Status::AUTHENTICATION_ERROR),
        }
    }

    /// ChangeKey.
    pub(crate) fn change_key(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        self.by_master()?;
        let data = self.open(command, 1, CommMode::Full)?;
        let (number, data) = data.split_first().ok_or(Status::LENGTH_ERROR)?;
        if number & 0b1100_0000 != 0 {
            return Err(Status::PARAMETER_ERROR);
        }
        let number = KeyNumber::new(*number).ok_or(Status::NO_SUCH_KEY)?;
        let (key, rest) = data.split_first_chunk::<16>().ok_or(Status::LENGTH_ERROR)?;
        if number == KeyNumber::MASTER {
            let [version] = rest else { return Err(Status::LENGTH_ERROR) };
            self.image.set_key(number, AesKey::new(*key), *version);
            // The session's keys came from the key that is gone now, so that nothing is left to sign with.
            self.volatile.session = None;
            return Ok(Response::new(Vec::new(), Status::OK));
        }
        let [version, sum @ ..] = rest else { return Err(Status::LENGTH_ERROR) };
        let sum: [u8; 4] = sum.try_into().map_err(|_| Status::LENGTH_ERROR)?;
        let mut new = *self.image.slot(number).key.expose();
        new.iter_mut().zip(key).for_each(|(slot, byte)| *slot ^= byte);
        let new = AesKey::new(new);
        // CRC32NK is the checksum of IEEE 802.3 without its last complement (AN12196 section 5.16.1).
        if checksum(new.expose()) != sum {
            return Err(Status::INTEGRITY_ERROR);
        }
        self.image.set_key(number, new, *version);
        Ok(self.done(Vec::new(), CommMode::Full))
    }

    /// GetKeyVersion.
    pub(crate) fn get_key_version(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        self.has_keys()?;
        let data = self.open_exactly(command, 1, CommMode::Mac)?;
        let number = data.first().copied().ok_or(Status::LENGTH_ERROR)?;
        if number & 0xF0 != 0 {
            return Err(Status::PARAMETER_ERROR);
        }
        let number = KeyNumber::new(number).ok_or(Status::NO_SUCH_KEY)?;
        let version = self.image.key_version(number);
        Ok(self.done([version].to_vec(), CommMode::Mac))
    }

    /// GetCardUID.
    pub(crate) fn get_card_uid(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        if self.volatile.session.is_none() {
            return Err(Status::AUTHENTICATION_ERROR);
        }
        self.open_exactly(command, 0, CommMode::Mac)?;
        let uid = self.image.origin.uid.0.to_vec();
        Ok(self.done(uid, CommMode::Full))
    }

    /// Read_Sig.
    pub(crate) fn read_signature(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        let address = self.open_exactly(command, 1, CommMode::Mac)?;
        if address != [0x00] {
            return Err(Status::PARAMETER_ERROR);
        }
        let signature = self.image.origin.signature.to_vec();
        Ok(self.done_as(Status::SIGNATURE_OK, signature, CommMode::Full))
    }

    /// GetVersion, its first frame. Its command has a MAC within a session, and its last answer.
    pub(crate) fn get_version(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        self.open_exactly(command, 0, CommMode::Mac)?;
        self.volatile.ongoing = Some(Ongoing::Version { shown: 1 });
        Ok(Response::new(self.hardware_version().to_vec(), Status::ADDITIONAL_FRAME))
    }

    /// GetVersion's other frames.
    pub(crate) fn get_version_part(&mut self, command: &Command<'_>, shown: u8) -> Result<Response, Status> {
        if !command.data.is_empty() {
            return Err(Status::LENGTH_ERROR);
        }
        if shown == 1 {
            self.volatile.ongoing = Some(Ongoing::Version { shown: 2 });
            return Ok(Response::new(self.software_version().to_vec(), Status::ADDITIONAL_FRAME));
        }
        let origin = &self.image.origin;
        let uid = if self.image.configuration.random_identifier { [0; 7] } else { origin.uid.0 };
        let last = [uid, origin.production].concat();
        // The MAC is over all three frames, of which the last one is sent now.
        let shown = [self.hardware_version(), self.software_version()].concat();
        let all = self.done([&shown[..], &last].concat(), CommMode::Mac);
        Ok(Response::new(all.data.into_iter().skip(shown.len()).collect(), Status::OK))
    }

    fn hardware_version(&self) -> [u8; 7] {
        let subtype = if self.image.origin.tag_tamper { 0x08 } else { 0x02 };
        let modulation = if self.image.configuration.strong_back_modulation { 0x00 } else { 0x80 };
        [0x04, 0x04, modulation | subtype, 0x30, 0x00, 0x11, 0x05]
    }

    fn software_version(&self) -> [u8; 7] {
        let [major, minor] = self.image.origin.software_version;
        [0x04, 0x04, 0x02, major, minor, 0x11, 0x05]
    }

    /// GetTTStatus.
    pub(crate) fn get_tamper_status(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        self.mode_for(&[self.image.configuration.tamper_status_access], CommMode::Full)?;
        self.open_exactly(command, 0, CommMode::Mac)?;
        let status = self.measure_tamper_loop().to_vec();
        Ok(self.done(status, CommMode::Full))
    }

    /// SetConfiguration.
    pub(crate) fn set_configuration(&mut self, command: &Command<'_>) -> Result<Response, Status> {
        if self.volatile.selected == Selected::Picc {
            return Err(Status::PERMISSION_DENIED);
        }
        self.by_master()?;
        let data = self.open(command, 1, CommMode::Full)?;
        let (option, data) = data.split_first().ok_or(Status::LENGTH_ERROR)?;
        match option {
            0x00 => self.configure_picc(exactly(data)?)?,
            0x04 => self.configure_messaging(exactly(data)?)?,
            0x05 => return self.configure_capabilities(exactly(data)?),
            0x07 if self.image.origin.tag_tamper => self.configure_tamper(exactly(data)?)?,
            0x0A => self.configure_failures(exactly(data)?)?,
            0x0B => self.image.configuration.strong_back_modulation = bits(exactly::<1>(data)?[0], 1)? != 0,
            _ => return Err(Status::PARAMETER_ERROR),
        }
        Ok(self.done(Vec::new(), CommMode::Full))
    }

    fn configure_picc(&mut self, [options]: [u8; 1]) -> Result<(), Status> {
        self.image.configuration.random_identifier |= bits(options, 0b10)? != 0;
        Ok(())
    }

    fn configure_messaging(&mut self, [low, high]: [u8; 2]) -> Result<(), Status> {
        bits(high, 0)?;
        self.image.configuration.chained_writing_disabled |= bits(low, 0b100)? != 0;
        Ok(())
    }

    /// Switching to LRP ends the session, without a MAC on the answer, and disables SDM, whose PICCData would not fit.
    fn configure_capabilities(&mut self, options: [u8; 10]) -> Result<Response, Status> {
        let [_, _, _, _, first, _, _, _, fifth, sixth] = options;
        self.image.configuration.capabilities = [fifth, sixth];
        if first & 0b10 == 0 || self.image.configuration.lrp {
            return Ok(self.done(Vec::new(), CommMode::Full));
        }
        self.image.configuration.lrp = true;
        self.image.file_mut(FileNumber::Ndef).settings.sdm = None;
        self.volatile.session = None;
        Ok(Response::new(Vec::new(), Status::OK))
    }

    fn configure_tamper(&mut self, [options, access]: [u8; 2]) -> Result<(), Status> {
        let access = Access::from_nibble(access).filter(|_| access < 0x10).ok_or(Status::PARAMETER_ERROR)?;
        self.image.configuration.tamper_enabled |= bits(options, 1)? != 0;
        self.image.configuration.tamper_status_access = access;
        Ok(())
    }

    fn configure_failures(&mut self, [options, limit @ .., c, d]: [u8; 5]) -> Result<(), Status> {
        let limit = u16::from_le_bytes(limit);
        let enabled = bits(options, 1)? != 0;
        if enabled && limit == 0 {
            return Err(Status::PARAMETER_ERROR);
        }
        self.image.configuration.total_failure_limit = enabled.then_some(limit);
        if enabled {
            self.image.configuration.total_failure_decrement = u16::from_le_bytes([c, d]);
        }
        Ok(())
    }
}

/// An option's data, of the option's length.
fn exactly<const N: usize>(data: &[u8]) -> Result<[u8; N], Status> {
    data.try_into().map_err(|_| Status::LENGTH_ERROR)
}

/// A byte of which only these bits have a meaning.
fn bits(byte: u8, allowed: u8) -> Result<u8, Status> {
    if byte & !allowed == 0 { Ok(byte) } else { Err(Status::PARAMETER_ERROR) }
}
