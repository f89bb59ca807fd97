//! Random sequences of commands against a model that is obvious: who has the key may, and nobody else.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use chip::access::{AccessRights, KeyNumber};
use chip::settings::{FileSettings, Place};
use chip::{Chip, ChipImage, FileNumber, Origin};
use common::{Reader, Sequence, block_on};
use ntag424::{AuthenticatedSession, EncryptedSession, File, KeyNumber as PeerKey, NonMasterKeyNumber, Session};
use proptest::prelude::*;
use tag::{AesKey, Uid};

#[derive(Clone, Debug)]
enum Action {
    /// Bytes that may be no command at all.
    Raw(Vec<u8>),
    /// A command that the chip knows, with any data.
    Known { instruction: u8, data: Vec<u8> },
    /// Writes into a file with a key, which may be wrong.
    Write { key: u8, right: bool, proprietary: bool, offset: u8, data: Vec<u8> },
    /// Changes a key with a key.
    Change { with: u8, key: u8, to: u8 },
    /// A reading by a phone.
    Touch,
    /// The power goes.
    PowerCut,
    /// The power goes, and the image was in flash.
    Stored,
}

fn actions() -> impl Strategy<Value = Action> {
    let data = |length| prop::collection::vec(any::<u8>(), length);
    let known = prop::sample::select(vec![
        0x71, 0x77, 0xAF, 0x51, 0x5F, 0xC4, 0xF6, 0xF5, 0x64, 0x60, 0xAD, 0x3C, 0x5C, 0x8D, 0xF7, 0xA4, 0xB0, 0xD6,
    ]);
    prop_oneof![
        2 => data(0..40).prop_map(Action::Raw),
        8 => (known, data(0..34)).prop_map(|(instruction, data)| Action::Known { instruction, data }),
        4 => (0..5_u8, any::<bool>(), any::<bool>(), any::<u8>(), data(1..60)).prop_map(
            |(key, right, proprietary, offset, data)| Action::Write { key, right, proprietary, offset, data }
        ),
        // 0xEE is what a wrong key is made of.
        2 => (0..5_u8, 1..5_u8, 0..0xEE_u8).prop_map(|(with, key, to)| Action::Change { with, key, to }),
        3 => Just(Action::Touch),
        1 => Just(Action::PowerCut),
        1 => Just(Action::Stored),
    ]
}

/// What the chip must be like.
struct Model {
    keys: [[u8; 16]; 5],
    ndef: Vec<u8>,
    proprietary: Vec<u8>,
    last_count: u32,
}

/// The rights of the two files: only key 0 writes the one, only key 3 the other.
fn image() -> ChipImage {
    let mut image = ChipImage::at_delivery(Origin { tag_tamper: true, ..Origin::new(Uid([4, 1, 2, 3, 4, 5, 6])) });
    let place = Place { file_size: 256, picc_data_length: 32, sdm: true };
    let settings = [0x40, 0x00, 0xE0, 0xC1, 0xFE, 0x12, 32, 0, 0, 80, 0, 0, 80, 0, 0];
    image.set_settings(FileNumber::Ndef, FileSettings::parse(&settings, place).unwrap()).unwrap();
    let rights = AccessRights::from_bytes([0x30, 0x33]).unwrap();
    let proprietary = FileSettings { rights, ..*image.file(FileNumber::Proprietary).settings() };
    image.set_settings(FileNumber::Proprietary, proprietary).unwrap();
    for number in 0..5 {
        image.set_key(KeyNumber::new(number).unwrap(), AesKey::new([number; 16]), 1);
    }
    image
}

fn peer_key(number: u8) -> PeerKey {
    [PeerKey::Key0, PeerKey::Key1, PeerKey::Key2, PeerKey::Key3, PeerKey::Key4][usize::from(number)]
}

fn changeable(number: u8) -> NonMasterKeyNumber {
    use NonMasterKeyNumber::{Key1, Key2, Key3, Key4};
    [Key1, Key1, Key2, Key3, Key4][usize::from(number)]
}

/// A session, unless the key is wrong or the chip wants to be left in peace.
fn session(reader: &mut Reader, number: u8, key: &[u8; 16]) -> Option<EncryptedSession> {
    let nonce = [reader.random.0.to_le_bytes()[0]; 16];
    Some(block_on(Session::new().authenticate_aes(reader, peer_key(number), key, nonce)).ok()?.into())
}

impl Model {
    fn step(&mut self, reader: &mut Reader, action: &Action) -> Result<(), TestCaseError> {
        match action {
            Action::Raw(bytes) => self.unprivileged(reader, bytes)?,
            Action::Known { instruction, data } => {
                let class = if [0xA4, 0xB0, 0xD6].contains(instruction) { 0x00 } else { 0x90 };
                let length = u8::try_from(data.len()).unwrap();
                let mut command = vec![class, *instruction, 0, 0];
                command.extend((length > 0).then_some(length));
                command.extend(data);
                command.push(0);
                self.unprivileged(reader, &command)?;
            }
            Action::Write { key, right, proprietary, offset, data } => {
                self.write(reader, (*key, *right), *proprietary, *offset, data)?;
            }
            Action::Change { with, key, to } => self.change(reader, *with, *key, [*to; 16])?,
            Action::Touch => self.touch(reader)?,
            Action::PowerCut => reader.chip.power_cycle(),
            Action::Stored => {
                let image = ChipImage::from_bytes(&reader.chip.image().to_bytes());
                reader.chip = Chip::new(image.map_err(|error| TestCaseError::fail(error.to_string()))?);
            }
        }
        self.check(reader)
    }

    /// Who has no key changes nothing, says what he may.
    fn unprivileged(&mut self, reader: &mut Reader, command: &[u8]) -> Result<(), TestCaseError> {
        // A session that the peer left behind would be somebody's who has the key.
        reader.chip.power_cycle();
        for command in [&b"\x00\xA4\x04\x00\x07\xD2\x76\x00\x00\x85\x01\x01"[..], command, command] {
            let before = reader.chip.image().clone();
            let response = reader.chip.respond(command, &mut reader.random);
            prop_assert!(response.data.len() <= 256);
            prop_assert_eq!(response.image_changed, before != *reader.chip.image());
            prop_assert!(response.status.is_success() || response.data.is_empty());
        }
        Ok(())
    }

    fn write(
        &mut self,
        reader: &mut Reader,
        (key, right): (u8, bool),
        proprietary: bool,
        offset: u8,
        data: &[u8],
    ) -> Result<(), TestCaseError> {
        let secret = if right { self.keys[usize::from(key)] } else { [0xEE; 16] };
        let Some(session) = session(reader, key, &secret) else { return Ok(()) };
        prop_assert!(right || secret == self.keys[usize::from(key)]);
        let (file, contents, writer) =
            if proprietary { (File::Proprietary, &mut self.proprietary, 3) } else { (File::Ndef, &mut self.ndef, 0) };
        let written = block_on(session.write_file(reader, file, u32::from(offset), data)).is_ok();
        let slots = contents.get_mut(usize::from(offset)..usize::from(offset) + data.len());
        prop_assert_eq!(written, key == writer && slots.is_some());
        if let (true, Some(slots)) = (written, slots) {
            slots.copy_from_slice(data);
        }
        Ok(())
    }

    fn change(&mut self, reader: &mut Reader, with: u8, key: u8, to: [u8; 16]) -> Result<(), TestCaseError> {
        let Some(session) = session(reader, with, &self.keys[usize::from(with)]) else { return Ok(()) };
        let old = self.keys[usize::from(key)];
        let changed = block_on(session.change_key(reader, changeable(key), &to, 1, &old)).is_ok();
        prop_assert_eq!(changed, with == 0);
        if changed {
            self.keys[usize::from(key)] = to;
        }
        Ok(())
    }

    fn touch(&mut self, reader: &mut Reader) -> Result<(), TestCaseError> {
        reader.chip.power_cycle();
        let mut file = [0; 256];
        let read = block_on(Session::new().read_file_unauthenticated(reader, File::Ndef, 0, &mut file));
        prop_assert!(read.is_ok());
        let count = reader.chip.image().read_counter();
        prop_assert!(count > self.last_count);
        self.last_count = count;
        // All but the mirrors is the file.
        prop_assert_eq!(&file[..32], &self.ndef[..32]);
        prop_assert_eq!(&file[96..], &self.ndef[96..]);
        Ok(())
    }

    fn check(&mut self, reader: &mut Reader) -> Result<(), TestCaseError> {
        let image = reader.chip.image();
        prop_assert_eq!(image.file(FileNumber::Ndef).contents(), &self.ndef[..]);
        prop_assert_eq!(image.file(FileNumber::Proprietary).contents(), &self.proprietary[..]);
        prop_assert!(image.read_counter() >= self.last_count);
        self.last_count = image.read_counter();
        prop_assert_eq!(*image.configuration(), *crate::image().configuration());
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn who_has_the_key_may_and_nobody_else(actions in prop::collection::vec(actions(), 1..40), seed: u64) {
        let mut reader = Reader { random: Sequence(seed), ..Reader::new(Chip::new(image())) };
        let keys = core::array::from_fn(|number| [u8::try_from(number).unwrap(); 16]);
        let mut model = Model { keys, ndef: vec![0; 256], proprietary: vec![0; 128], last_count: 0 };
        for action in &actions {
            model.step(&mut reader, action)?;
        }
        // At the end every key is the one that it should be, unless it was tried too often.
        for (number, key) in (0..5).zip(model.keys) {
            for _ in 0..60 {
                if session(&mut reader, number, &key).is_some() {
                    break;
                }
            }
            prop_assert!(session(&mut reader, number, &key).is_some());
            prop_assert!(session(&mut reader, number, &[0xEE; 16]).is_none());
        }
    }

    #[test]
    fn any_settings_are_one_thing_only(bytes in prop::collection::vec(any::<u8>(), 0..40), low in 0..8_u8) {
        let place = Place { file_size: 256, picc_data_length: 32, sdm: true };
        let mut bytes = bytes;
        // Few offsets are within a file by chance.
        bytes.iter_mut().enumerate().filter(|(at, _)| *at > 5).for_each(|(at, byte)| {
            *byte = if (at - 6) % 3 == 0 { *byte } else { 0 };
        });
        if let Some(option) = bytes.first_mut() {
            *option = 0x40 | low & 3;
        }
        if let Ok(settings) = FileSettings::parse(&bytes, place) {
            prop_assert_eq!(settings.to_change(), &bytes[..]);
            let shown = settings.to_bytes(256);
            prop_assert_eq!(&shown[..4], &[&[0], &bytes[..3]].concat()[..]);
            prop_assert_eq!(&shown[7..], &bytes[3..]);
        }
    }
}
