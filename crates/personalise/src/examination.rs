//! Finding out where a tag is. Nothing is changed in this, but for the counts of authentications that fail.

use chip::access::{AccessRights, CommMode, KeyNumber};
use tag::{KeyVersion, Uid, originality};

use crate::fault::{Command, Fault, Problem, Refusal};
use crate::keys::Use;
use crate::personaliser::{Originality, Personaliser, Stop};
use crate::plan::{Found, Origin, Slot};
use crate::reader::Reader;

/// GetVersion: NXP; NTAG; major version and storage size of an NTAG 424 DNA (data sheet, table 56).
const VENDOR: u8 = 0x04;
const NTAG: u8 = 0x04;
const MAJOR_VERSION: u8 = 0x30;
const STORAGE_SIZE: u8 = 0x11;

impl Personaliser<'_> {
    /// Which tag it is, if it is one that can be personalised.
    pub(crate) fn identify(&self, reader: &mut Reader<'_>) -> Result<Uid, Stop> {
        let other_chip = |fault| match fault {
            Fault::Refused { .. } => Stop::Refused(Refusal::OtherChip),
            fault => Stop::Fault(fault),
        };
        reader.select_application().map_err(other_chip)?;
        let version = reader.version().map_err(other_chip)?;
        let [vendor, kind, _, major, _, storage, _] = version.hardware;
        if [vendor, kind, major, storage] != [VENDOR, NTAG, MAJOR_VERSION, STORAGE_SIZE] {
            return Err(Stop::Refused(Refusal::OtherChip));
        }
        if version.uid == Uid([0; 7]) {
            return Err(Stop::Refused(Refusal::HiddenUid));
        }
        Ok(version.uid)
    }

    /// Where that tag is, with a session of its master key.
    pub(crate) fn examine(&mut self, reader: &mut Reader<'_>, uid: Uid) -> Result<Found, Stop> {
        if self.keys.current() == KeyVersion(0) {
            return Err(Stop::Refused(Refusal::VersionZero));
        }
        if self.originality == Originality::Required {
            let signature = reader.signature()?;
            originality::verify(uid, &signature).map_err(|_| Stop::Refused(Refusal::NotOriginal))?;
        }
        let slots = self.find_keys(reader, uid)?;
        let [master, ..] = &slots;
        if !self.open(reader, uid, KeyNumber::MASTER, master.origin)? {
            return Err(Stop::Refused(Refusal::Foreign { version: master.shown }));
        }
        // Until now anybody could have said who it is.
        if reader.card_uid()? != uid {
            return Err(Stop::Fault(Fault::Answer { command: Command::GetCardUid, problem: Problem::OtherTag }));
        }
        let shown = reader.file_settings()?;
        let (mode, rights) = parse_shown(&shown)?;
        let settings_are_right = shown == self.content.shown_settings();
        let message_is_right = settings_are_right && {
            let mode = reader.mode_for(&[rights.read, rights.read_write], mode);
            reader.read_file(self.content.file().len(), mode)? == self.content.file()
        };
        Ok(Found { slots, rights, settings_are_right, message_is_right })
    }

    /// What each slot holds. The master key comes first: who has another one is somebody else's tag.
    fn find_keys(&mut self, reader: &mut Reader<'_>, uid: Uid) -> Result<[Slot; 5], Stop> {
        let mut slots = Vec::with_capacity(5);
        for number in (0..5).filter_map(KeyNumber::new) {
            let shown = reader.key_version(number)?;
            let Some(origin) = self.find_key(reader, uid, number, shown)? else {
                let foreign = Refusal::Foreign { version: shown };
                let unknown = Refusal::UnknownKey { slot: number, version: shown };
                return Err(Stop::Refused(if number == KeyNumber::MASTER { foreign } else { unknown }));
            };
            slots.push(Slot { number, origin, shown });
            self.check_mode(reader)?;
        }
        // There are as many as there are key numbers.
        slots.try_into().map_err(|_| Stop::Refused(Refusal::OtherChip))
    }

    /// Which key a slot holds. Its version says where to look first; tools of others do not always set it. At most two are
    /// tried, because the chip counts those that fail.
    fn find_key(
        &mut self,
        reader: &mut Reader<'_>,
        uid: Uid,
        slot: KeyNumber,
        shown: KeyVersion,
    ) -> Result<Option<Origin>, Stop> {
        let candidates = match shown {
            KeyVersion(0) => [Origin::Factory, Origin::Ours(self.keys.current())],
            version => [Origin::Ours(version), Origin::Factory],
        };
        for origin in candidates {
            if self.open(reader, uid, slot, origin)? {
                return Ok(Some(origin));
            }
        }
        Ok(None)
    }

    /// Authenticates with a key, if there is such a key. Whether the tag accepts it.
    pub(crate) fn open(
        &mut self,
        reader: &mut Reader<'_>,
        uid: Uid,
        slot: KeyNumber,
        origin: Origin,
    ) -> Result<bool, Fault> {
        let Some(key) = self.key(uid, slot, origin, Use::Authenticate)? else { return Ok(false) };
        let mut nonce = [0; 16];
        self.random.fill(&mut nonce);
        reader.authenticate(slot, &key, nonce)
    }

    fn check_mode(&self, reader: &Reader<'_>) -> Result<(), Stop> {
        match reader.mode() {
            Some(found) if found != self.content.mode() => Err(Stop::Refused(Refusal::OtherMode { found })),
            _ => Ok(()),
        }
    }
}

/// The mode and the rights in what GetFileSettings shows: type, FileOption, rights, size, and perhaps SDM.
fn parse_shown(shown: &[u8]) -> Result<(CommMode, AccessRights), Fault> {
    let problem = |problem| Fault::Answer { command: Command::GetFileSettings, problem };
    let [_, option, low, high, ..] = shown else { return Err(problem(Problem::Length)) };
    let rights = AccessRights::from_bytes([*low, *high]).ok_or(problem(Problem::Value))?;
    Ok((CommMode::from_bits(*option), rights))
}
