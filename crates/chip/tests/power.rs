//! A reader that is taken away in the middle: the chip keeps what it did and nothing of what it did not, and who begins
//! anew gets to the end.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::error::Error;
use std::fmt;

use chip::{Chip, ChipImage};
use common::{Reader, block_on, chip_of, url_in};
use ntag424::sdm::{SdmUrlOptions, Verifier, sdm_url_config};
use ntag424::types::ResponseStatus;
use ntag424::types::file_settings::CryptoMode;
use ntag424::{
    Access, AccessRights, AuthenticatedSession, CommMode, EncryptedSession, File, FileSettingsUpdate, KeyNumber,
    NonMasterKeyNumber, Response, Session, SessionError, Transport,
};

const KEYS: [[u8; 16]; 5] = [[0xA0; 16], [0xA1; 16], [0xA2; 16], [0xA3; 16], [0xA4; 16]];
const TEMPLATE: &str = "https://pay.example/t?e={picc:uid+ctr}&c=[[{mac}";

/// The link breaks at one command: before the chip has it, or before the reader has the answer.
struct Cut {
    reader: Reader,
    /// What the chip's flash has. It is written before an answer leaves.
    stored: ChipImage,
    commands_left: Option<usize>,
    answer_lost: bool,
}

#[derive(Debug)]
struct OutOfField;

impl fmt::Display for OutOfField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the tag has gone")
    }
}

impl Error for OutOfField {}

impl Transport for Cut {
    type Error = OutOfField;
    type Data = Vec<u8>;

    async fn transmit(&mut self, apdu: &[u8]) -> Result<Response<Vec<u8>>, OutOfField> {
        let last = match &mut self.commands_left {
            Some(0) => return Err(OutOfField),
            Some(left) => {
                *left -= 1;
                *left == 0
            }
            None => false,
        };
        if last && !self.answer_lost {
            return Err(OutOfField);
        }
        let response = self.reader.chip.respond(apdu, &mut self.reader.random);
        if response.image_changed {
            self.stored = self.reader.chip.image().clone();
        }
        assert_eq!(self.stored, *self.reader.chip.image(), "what changed was said to have changed");
        if last {
            return Err(OutOfField);
        }
        let [sw1, sw2] = response.status.0.to_be_bytes();
        Ok(Response { data: response.data, sw1, sw2 })
    }

    async fn get_uid(&mut self) -> Result<Vec<u8>, OutOfField> {
        Ok(vec![4; 7])
    }
}

/// Personalises a tag in whatever state it is. The master key changes last: who finds the new one finds a finished tag.
async fn personalise(tag: &mut Cut, mode: CryptoMode) -> Result<(), SessionError<OutOfField>> {
    let session = match authenticate(tag, &KEYS[0]).await {
        Ok(_) => return Ok(()),
        Err(SessionError::ErrorResponse(_)) => authenticate(tag, &[0; 16]).await?,
        Err(error) => return Err(error),
    };
    let mut session = match (mode, session) {
        (CryptoMode::Lrp, EncryptedSession::Aes(session)) => {
            session.enable_lrp(tag).await?;
            authenticate(tag, &[0; 16]).await?
        }
        (_, session) => session,
    };
    let options = SdmUrlOptions { picc_key: KeyNumber::Key1, mac_key: KeyNumber::Key2, ..SdmUrlOptions::default() };
    let config = sdm_url_config(TEMPLATE, mode, options).expect("a good template");
    session = session.write_file(tag, File::Ndef, 0, &config.ndef_bytes).await?;
    let master = Access::Key(KeyNumber::Key0);
    let rights = AccessRights { read: Access::Free, write: master, read_write: master, change: master };
    let update = FileSettingsUpdate::new(CommMode::Plain, rights).with_sdm(config.sdm_settings);
    session = session.change_file_settings(tag, File::Ndef, &update).await?;
    for (number, slot, key) in [
        (NonMasterKeyNumber::Key1, KeyNumber::Key1, &KEYS[1]),
        (NonMasterKeyNumber::Key2, KeyNumber::Key2, &KEYS[2]),
        (NonMasterKeyNumber::Key3, KeyNumber::Key3, &KEYS[3]),
        (NonMasterKeyNumber::Key4, KeyNumber::Key4, &KEYS[4]),
    ] {
        let (version, next) = session.get_key_version(tag, slot).await?;
        session = if version == 0 { next.change_key(tag, number, key, 1, &[0; 16]).await? } else { next };
    }
    session.change_master_key(tag, &KEYS[0], 1).await.map(drop)
}

/// With AES, and with LRP where AES is refused.
async fn authenticate(tag: &mut Cut, key: &[u8; 16]) -> Result<EncryptedSession, SessionError<OutOfField>> {
    match Session::new().authenticate_aes(tag, KeyNumber::Key0, key, [3; 16]).await {
        Ok(session) => Ok(session.into()),
        Err(SessionError::ErrorResponse(ResponseStatus::PermissionDenied)) => {
            Ok(Session::new().authenticate_lrp(tag, KeyNumber::Key0, key, [3; 16]).await?.into())
        }
        Err(error) => Err(error),
    }
}

fn whole(chip: Chip) -> Cut {
    Cut { stored: chip.image().clone(), reader: Reader::new(chip), commands_left: None, answer_lost: false }
}

/// The last row of others' bugs with a tag in it: a write that was interrupted bricks the tag.
fn a_cut_after_any_command_is_healed_by_beginning_anew(mode: CryptoMode) {
    for answer_lost in [false, true] {
        let mut cuts = 0;
        loop {
            cuts += 1;
            let mut tag = Cut { commands_left: Some(cuts), answer_lost, ..whole(chip_of(1)) };
            let finished = block_on(personalise(&mut tag, mode)).is_ok();
            // Without power only what was stored is left.
            let mut tag = whole(Chip::new(tag.stored));
            block_on(personalise(&mut tag, mode)).unwrap_or_else(|error| panic!("cut at {cuts}: {error}"));
            verify(tag.reader, mode);
            if finished {
                break;
            }
        }
        assert!(cuts > 15, "{cuts}");
    }
}

#[test]
fn a_cut_is_healed_with_aes() {
    a_cut_after_any_command_is_healed_by_beginning_anew(CryptoMode::Aes);
}

#[test]
fn a_cut_is_healed_with_lrp() {
    a_cut_after_any_command_is_healed_by_beginning_anew(CryptoMode::Lrp);
}

fn verify(mut reader: Reader, mode: CryptoMode) {
    let options = SdmUrlOptions { picc_key: KeyNumber::Key1, mac_key: KeyNumber::Key2, ..SdmUrlOptions::default() };
    let config = sdm_url_config(TEMPLATE, mode, options).expect("a good template");
    let mut file = [0; 256];
    block_on(Session::new().read_file_unauthenticated(&mut reader, File::Ndef, 0, &mut file)).unwrap();
    assert!(url_in(&file).starts_with("https://pay.example/t?e="));
    let verifier = Verifier::try_new(&config.sdm_settings, mode).unwrap();
    let verified = verifier.verify_with_meta_key(&file, &KEYS[2], &KEYS[1]).unwrap();
    assert_eq!(verified.read_ctr, Some(1));
}

/// Who has seen a count never sees it again, wherever the power goes.
#[test]
fn a_count_is_never_shown_twice() {
    let mut tag = whole(chip_of(1));
    block_on(personalise(&mut tag, CryptoMode::Aes)).unwrap();
    let mut seen = Vec::new();
    for touch in 0..60 {
        let mut file = [0; 256];
        tag.commands_left = Some(1 + touch % 5);
        tag.answer_lost = touch % 2 == 0;
        if block_on(Session::new().read_file_unauthenticated(&mut tag, File::Ndef, 0, &mut file)).is_ok() {
            seen.push(url_in(&file));
        }
        tag = whole(Chip::new(tag.stored));
    }
    assert!(seen.len() > 5);
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count);
}
