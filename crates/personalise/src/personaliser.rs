//! The whole of it: examine, do what is left, read back.

use chip::Random;
use chip::access::KeyNumber;
use chip::ndef::{Content, Message, from_file};
use tag::sdm::Mode;
use tag::{AesKey, KeyVersion, ReadCounter, TagKeys, Uid};

use crate::content::TagContent;
use crate::fault::{Command, Failure, Fault, Problem, Refusal, Stage};
use crate::keys::{Audit, KeyUsed, Keys, Use};
use crate::link::Transceive;
use crate::plan::{Found, Origin, Step, plan};
use crate::reader::Reader;

/// What it takes to personalise tags.
pub struct Personaliser<'a> {
    /// Where the keys come from.
    pub keys: &'a mut dyn Keys,
    /// Who is told of each use of a key.
    pub audit: &'a mut dyn Audit,
    /// A cryptographically strong source, for what the reader chooses in an authentication.
    pub random: &'a mut dyn Random,
    /// What is written into the tags.
    pub content: &'a TagContent,
    /// The server's verifier, which has to accept a touch of each finished tag.
    pub verifier: &'a TagKeys,
    /// Whether NXP must have made the tags.
    pub originality: Originality,
}

/// Whether a chip's signature is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Originality {
    /// A chip that NXP did not sign is refused.
    Required,
    /// It is not looked at: software tags cannot have one.
    NotChecked,
}

/// A tag that is personalised, read back and verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Which tag.
    pub uid: Uid,
    /// Its mode.
    pub mode: Mode,
    /// The version that its master key had: 0 is the factory's.
    pub found: KeyVersion,
    /// The version of its keys now.
    pub key_version: KeyVersion,
    /// What was done, in this order; nothing if it was personalised already.
    pub steps: Vec<Step>,
    /// Whether its signature was looked at, and found to be NXP's.
    pub originality: Originality,
    /// The count of the touch that verified it.
    pub counter: ReadCounter,
}

/// Why a run ends early.
pub(crate) enum Stop {
    Refused(Refusal),
    Fault(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl Stop {
    /// As whoever holds the tag is told.
    fn at(self, stage: Stage, uid: Option<Uid>) -> Failure {
        let reason = match self {
            Self::Refused(reason) => reason,
            Self::Fault(Fault::Refused { command: Command::Authenticate, status: chip::Status::PERMISSION_DENIED }) => {
                Refusal::Locked
            }
            Self::Fault(Fault::Refused {
                command: Command::Authenticate,
                status: chip::Status::AUTHENTICATION_DELAY,
            }) => Refusal::Delayed,
            Self::Fault(fault) => return Failure::Interrupted { uid, stage, fault },
        };
        Failure::Refused { uid, reason }
    }
}

impl Personaliser<'_> {
    /// Personalises the tag that the reader holds, in whatever state it is.
    ///
    /// # Errors
    /// [`Failure`] says in what state the tag is left, and what to do. After a cut the same call goes on.
    pub fn personalise(&mut self, link: &mut dyn Transceive) -> Result<Report, Failure> {
        let mut reader = Reader::new(link);
        let uid = self.identify(&mut reader).map_err(|stop| stop.at(Stage::Examining, None))?;
        let examining = |stop: Stop| stop.at(Stage::Examining, Some(uid));
        let found = self.examine(&mut reader, uid).map_err(examining)?;
        let steps = plan(&found, self.keys.current()).map_err(|reason| examining(Stop::Refused(reason)))?;
        for step in &steps {
            let (stage, done) = self.take(*step, &mut reader, uid, &found);
            done.map_err(|fault| Failure::Interrupted { uid: Some(uid), stage, fault })?;
        }
        let counter = self.read_back(&mut reader, uid)?;
        let [master, ..] = found.slots;
        Ok(Report {
            uid,
            mode: self.content.mode(),
            found: match master.origin {
                Origin::Factory => KeyVersion(0),
                Origin::Ours(version) => version,
            },
            key_version: self.keys.current(),
            steps,
            originality: self.originality,
            counter,
        })
    }

    fn take(&mut self, step: Step, reader: &mut Reader<'_>, uid: Uid, found: &Found) -> (Stage, Result<(), Fault>) {
        match step {
            Step::ChangeKey(slot) => (Stage::ChangingKey(slot), self.change_key(reader, uid, slot, found)),
            Step::ChangeSettings => {
                let settings = self.content.settings().to_change();
                (Stage::ChangingSettings, reader.change_file_settings(found.rights.change, &settings))
            }
            Step::WriteMessage => (Stage::WritingMessage, self.write_message(reader)),
        }
    }

    fn change_key(&mut self, reader: &mut Reader<'_>, uid: Uid, slot: KeyNumber, found: &Found) -> Result<(), Fault> {
        let origin = found.slots.iter().find(|held| held.number == slot).map_or(Origin::Factory, |held| held.origin);
        let current = self.keys.current();
        let old = self.key(uid, slot, origin, Use::Replace)?.ok_or_else(missing_key)?;
        let new = self.key(uid, slot, Origin::Ours(current), Use::Install)?.ok_or_else(missing_key)?;
        reader.change_key(slot, &old, &new, current)
    }

    /// The length comes last, so that whoever reads meanwhile finds no message rather than half of one (NFC Forum Type 4
    /// Tag 2.0, section 5.4.5).
    fn write_message(&self, reader: &mut Reader<'_>) -> Result<(), Fault> {
        let settings = self.content.settings();
        let mode = reader.mode_for(&[settings.rights.write, settings.rights.read_write], settings.mode);
        let (length, message) = self.content.file().split_at(2);
        reader.write_file(0, &[0, 0], mode)?;
        reader.write_file(length.len(), message, mode)?;
        reader.write_file(0, length, mode)
    }

    /// A key, and the record of its use. The factory's is no secret.
    pub(crate) fn key(
        &mut self,
        uid: Uid,
        slot: KeyNumber,
        origin: Origin,
        used_to: Use,
    ) -> Result<Option<AesKey>, Fault> {
        let Origin::Ours(version) = origin else { return Ok(Some(AesKey::new([0; 16]))) };
        let key = self.keys.derive(version, slot, uid)?;
        if key.is_some() {
            self.audit.record(KeyUsed { uid, version, slot, used_to })?;
        }
        Ok(key)
    }

    /// Opens the tag with its new master key, looks at what it holds, and touches it as a phone does.
    fn read_back(&mut self, reader: &mut Reader<'_>, uid: Uid) -> Result<ReadCounter, Failure> {
        let interrupted = |fault| Failure::Interrupted { uid: Some(uid), stage: Stage::ReadingBack, fault };
        self.compare(reader, uid).map_err(interrupted)?;
        let url = self.touch(reader).map_err(interrupted)?;
        let tap = self.verifier.verify_url(&url).and_then(|tap| tap.at_least(self.keys.current()));
        let tap = tap.map_err(|reason| Failure::NotVerified { uid, reason })?;
        if tap.uid() != uid {
            let fault = Fault::Answer { command: Command::IsoReadBinary, problem: Problem::OtherTag };
            return Err(interrupted(fault));
        }
        Ok(tap.counter())
    }

    fn compare(&mut self, reader: &mut Reader<'_>, uid: Uid) -> Result<(), Fault> {
        let different = |command| Fault::Answer { command, problem: Problem::Different };
        let current = self.keys.current();
        if !self.open(reader, uid, KeyNumber::MASTER, Origin::Ours(current))? {
            return Err(different(Command::Authenticate));
        }
        for slot in (0..5).filter_map(KeyNumber::new) {
            if reader.key_version(slot)? != current {
                return Err(different(Command::GetKeyVersion));
            }
        }
        if reader.file_settings()? != self.content.shown_settings() {
            return Err(different(Command::GetFileSettings));
        }
        let settings = self.content.settings();
        let mode = reader.mode_for(&[settings.rights.read, settings.rights.read_write], settings.mode);
        if reader.read_file(self.content.file().len(), mode)? != self.content.file() {
            return Err(different(Command::ReadData));
        }
        Ok(())
    }

    /// The URL that a phone would find.
    fn touch(&self, reader: &mut Reader<'_>) -> Result<String, Fault> {
        let file = reader.touch(self.content.file().len())?;
        let message = from_file(&file).ok().and_then(|message| Message::parse(message).ok());
        let content = message.as_ref().and_then(|message| message.records().first()).map(Content::parse);
        match content {
            Some(Ok(Content::Uri(url))) => Ok(url),
            _ => Err(Fault::Answer { command: Command::IsoReadBinary, problem: Problem::Different }),
        }
    }
}

/// A version that was there a moment ago is there no more.
fn missing_key() -> Fault {
    Fault::Keys(crate::keys::KeysUnavailable("a version of the keys is gone".to_owned()))
}
