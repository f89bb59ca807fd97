//! Another implementation, written by others from the same data sheet, personalises and verifies our chip as if it were
//! one of NXP's.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use chip::{Chip, ChipImage, FileNumber, Origin};
use common::{Reader, array, block_on, chip_of};
use ntag424::high_level::provision;
use ntag424::sdm::{SdmUrlOptions, Verifier, sdm_url_config};
use ntag424::types::file_settings::{
    CryptoMode, CtrRetAccess, EncryptedContent, FileRead, MacWindow, Offset, PiccData, ReadCtrFeatures, Sdm,
};
use ntag424::{
    Access, AccessRights, AuthenticatedSession, CommMode, Configuration, EncryptedSession, File, FileSettingsUpdate,
    KeyNumber, NonMasterKeyNumber, Session, TagTamperStatus,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use tag::Uid;

const ZERO: [u8; 16] = [0; 16];
const KEYS: [[u8; 16]; 5] = [[0xA0; 16], [0xA1; 16], [0xA2; 16], [0xA3; 16], [0xA4; 16]];
const CHANGEABLE: [NonMasterKeyNumber; 4] =
    [NonMasterKeyNumber::Key1, NonMasterKeyNumber::Key2, NonMasterKeyNumber::Key3, NonMasterKeyNumber::Key4];

/// The originality signature of a real chip, as recorded, and the UID that it signs.
fn signed_origin() -> Origin {
    let signature = "03F0A17889E3063D2D01CD8750734601BC031C26812705A1BD3B75361604B19B762DC285DCE303A5B6DE5F2814";
    let row = common::recorded("commands::read_sig::read_sig_plain_hw_aes");
    assert!(row.starts_with(signature));
    Origin { signature: array(&row), ..Origin::new(Uid(array("04A9707A0B1090"))) }
}

/// The whole file, as a phone reads it.
fn read_ndef(reader: &mut Reader) -> Vec<u8> {
    let mut file = [0; 256];
    let length = block_on(Session::new().read_file_unauthenticated(reader, File::Ndef, 0, &mut file)).unwrap();
    file[..length].to_vec()
}

#[test]
fn it_says_who_it_is() {
    let mut reader = Reader::new(Chip::new(ChipImage::at_delivery(signed_origin())));
    let version = block_on(Session::new().get_version(&mut reader)).unwrap();
    assert_eq!((version.hw_type(), version.hw_major_version(), version.sw_minor_version()), (4, 0x30, 2));
    assert_eq!(*version.uid(), array::<7>("04A9707A0B1090"));
    assert!(!version.has_tag_tamper_support());
    block_on(Session::new().verify_originality(&mut reader, version.uid())).unwrap();
    let stranger = array::<7>("04A9707A0B1091");
    assert!(block_on(Session::new().verify_originality(&mut reader, &stranger)).is_err());
    // The same within a session, where it is encrypted.
    let session = block_on(Session::new().authenticate_aes(&mut reader, KeyNumber::Key3, &ZERO, [7; 16])).unwrap();
    let (uid, session) = block_on(session.get_uid(&mut reader)).unwrap();
    let session = block_on(session.verify_originality(&mut reader, &uid)).unwrap();
    let (version, _) = block_on(session.get_version(&mut reader)).unwrap();
    assert_eq!(*version.uid(), uid);
}

#[test]
fn keys_change_and_the_old_ones_are_refused() {
    let mut reader = Reader::new(chip_of(1));
    let mut session = block_on(Session::new().authenticate_aes(&mut reader, KeyNumber::Key0, &ZERO, [1; 16])).unwrap();
    for (number, key) in CHANGEABLE.into_iter().zip(&KEYS[1..]) {
        session = block_on(session.change_key(&mut reader, number, key, 0x5A, &ZERO)).unwrap();
    }
    let (version, session) = block_on(session.get_key_version(&mut reader, KeyNumber::Key4)).unwrap();
    assert_eq!(version, 0x5A);
    block_on(session.change_master_key(&mut reader, &KEYS[0], 0x5B)).unwrap();
    assert_eq!(reader.exchange("90510000081122334455667788"), "91AE", "the session went with its key");
    for (number, key) in
        [KeyNumber::Key0, KeyNumber::Key1, KeyNumber::Key4].into_iter().zip([KEYS[0], KEYS[1], KEYS[4]])
    {
        assert!(block_on(Session::new().authenticate_aes(&mut reader, number, &ZERO, [1; 16])).is_err());
        let session = block_on(Session::new().authenticate_aes(&mut reader, number, &key, [1; 16])).unwrap();
        let (version, _) = block_on(session.get_key_version(&mut reader, number)).unwrap();
        assert_eq!(version, if number == KeyNumber::Key0 { 0x5B } else { 0x5A });
    }
}

#[test]
fn a_wrong_old_key_changes_nothing() {
    let mut reader = Reader::new(chip_of(1));
    let session = block_on(Session::new().authenticate_aes(&mut reader, KeyNumber::Key0, &ZERO, [1; 16])).unwrap();
    let before = reader.chip.image().clone();
    assert!(block_on(session.change_key(&mut reader, CHANGEABLE[0], &KEYS[1], 1, &KEYS[2])).is_err());
    assert_eq!(*reader.chip.image(), before);
}

/// A chip, switched to LRP if that is the mode.
fn reader(mode: CryptoMode) -> Reader {
    let mut reader = Reader::new(chip_of(1));
    if mode == CryptoMode::Lrp {
        let session = block_on(Session::new().authenticate_aes(&mut reader, KeyNumber::Key0, &ZERO, [4; 16])).unwrap();
        block_on(session.enable_lrp(&mut reader)).unwrap();
        let back = block_on(Session::new().authenticate_aes(&mut reader, KeyNumber::Key0, &ZERO, [4; 16]));
        assert!(back.is_err(), "there is no way back");
    }
    reader
}

fn authenticate(reader: &mut Reader, mode: CryptoMode, number: KeyNumber, key: &[u8; 16]) -> EncryptedSession {
    match mode {
        CryptoMode::Aes => block_on(Session::new().authenticate_aes(reader, number, key, [3; 16])).unwrap().into(),
        CryptoMode::Lrp => block_on(Session::new().authenticate_lrp(reader, number, key, [3; 16])).unwrap().into(),
    }
}

/// Reading for all, everything else for the master key.
fn public_rights() -> AccessRights {
    let master = Access::Key(KeyNumber::Key0);
    AccessRights { read: Access::Free, write: Access::NoAccess, read_write: master, change: master }
}

#[test]
fn every_command_with_aes() {
    every_command(CryptoMode::Aes);
}

#[test]
fn every_command_with_lrp() {
    every_command(CryptoMode::Lrp);
}

fn every_command(mode: CryptoMode) {
    let mut reader = reader(mode);
    let session = authenticate(&mut reader, mode, KeyNumber::Key0, &ZERO);
    let (version, session) = block_on(session.get_version(&mut reader)).unwrap();
    assert_eq!(version.uid(), &[4, 1, 0, 0, 0, 0, 1]);
    let (uid, session) = block_on(session.get_uid(&mut reader)).unwrap();
    assert_eq!(uid, [4, 1, 0, 0, 0, 0, 1]);
    let (version, session) = block_on(session.get_key_version(&mut reader, KeyNumber::Key0)).unwrap();
    assert_eq!(version, 0);
    let (settings, session) = block_on(session.get_file_settings(&mut reader, File::Proprietary)).unwrap();
    assert_eq!((settings.file_size, settings.comm_mode), (128, CommMode::Full));
    // Another key in the same transaction, and what it may do.
    let session = block_on(session.change_key(&mut reader, CHANGEABLE[2], &KEYS[3], 9, &ZERO)).unwrap();
    let session = block_on(session.authenticate(&mut reader, KeyNumber::Key3, &KEYS[3], [5; 16])).unwrap();
    let contents: Vec<u8> = (0..128).collect();
    let session = block_on(session.write_file(&mut reader, File::Proprietary, 0, &contents)).unwrap();
    let mut read = [0; 128];
    let (length, session) = block_on(session.read_file(&mut reader, File::Proprietary, 0, 128, &mut read)).unwrap();
    assert_eq!((length, &read[..]), (128, &contents[..]));
    assert!(block_on(session.change_key(&mut reader, CHANGEABLE[0], &KEYS[1], 9, &ZERO)).is_err(), "not the master");
    for communication in [CommMode::Plain, CommMode::Mac, CommMode::Full] {
        file_in(&mut reader, mode, communication);
    }
}

/// Writes and reads more than one command's worth, for the master key only.
fn file_in(reader: &mut Reader, mode: CryptoMode, communication: CommMode) {
    let session = authenticate(reader, mode, KeyNumber::Key0, &ZERO);
    let master = Access::Key(KeyNumber::Key0);
    let rights = AccessRights { read: master, write: master, read_write: master, change: master };
    let update = FileSettingsUpdate::new(communication, rights);
    let session = block_on(session.change_file_settings(reader, File::Ndef, &update)).unwrap();
    let (settings, session) = block_on(session.get_file_settings(reader, File::Ndef)).unwrap();
    assert_eq!((settings.comm_mode, settings.access_rights), (communication, rights));
    let contents: Vec<u8> = (0..=255).rev().collect();
    let session = block_on(session.write_file(reader, File::Ndef, 0, &contents)).unwrap();
    let mut read = [0; 256];
    let (length, _) = block_on(session.read_file(reader, File::Ndef, 0, 256, &mut read)).unwrap();
    assert_eq!((length, &read[..]), (256, &contents[..]));
    assert!(block_on(Session::new().read_file_unauthenticated(reader, File::Ndef, 0, &mut read)).is_err());
}

#[test]
fn messages_verify_with_aes() {
    messages_verify(CryptoMode::Aes);
}

#[test]
fn messages_verify_with_lrp() {
    messages_verify(CryptoMode::Lrp);
}

fn messages_verify(mode: CryptoMode) {
    let mut reader = reader(mode);
    let encrypted = format!("https://pay.example/t?[[e={{picc:uid+ctr}}&d=[{}]&c={{mac}}", "x".repeat(64));
    for template in [
        "https://pay.example/t?e={picc:uid+ctr}&c=[[{mac}",
        "https://pay.example/t?u={uid}&n={ctr}&c=[[{mac}",
        "https://pay.example/[[{picc:uid+ctr}/x/{mac}",
        "https://pay.example/t?[[u={uid}&c={mac}",
        "https://pay.example/t?e={picc:ctr}&c={mac}",
        &encrypted,
    ] {
        message_verifies(&mut reader, mode, template);
    }
}

fn message_verifies(reader: &mut Reader, mode: CryptoMode, template: &str) {
    let options = SdmUrlOptions { picc_key: KeyNumber::Key1, mac_key: KeyNumber::Key2, ..SdmUrlOptions::default() };
    let config = sdm_url_config(template, mode, options).unwrap_or_else(|error| panic!("{template}: {error:?}"));
    let mut contents = config.ndef_bytes.clone();
    let secret = template.contains("d=[");
    if secret {
        let at = contents.windows(3).position(|window| window == b"&d=").unwrap() + 3;
        contents[at..at + 32].copy_from_slice(b"what only the merchant may read!");
    }
    let session = authenticate(reader, mode, KeyNumber::Key0, &ZERO);
    let session = block_on(session.write_file(reader, File::Ndef, 0, &contents)).unwrap();
    let update = FileSettingsUpdate::new(CommMode::Plain, public_rights());
    let session = block_on(session.change_file_settings(reader, File::Ndef, &update)).unwrap();
    let update = update.with_sdm(config.sdm_settings);
    let session = block_on(session.change_file_settings(reader, File::Ndef, &update)).unwrap();
    let (settings, _) = block_on(session.get_file_settings(reader, File::Ndef)).unwrap();
    assert_eq!(settings.sdm, Some(config.sdm_settings), "{template}");
    let verifier = Verifier::try_new(&config.sdm_settings, mode).unwrap();
    for count in 1..=3 {
        let file = read_ndef(reader);
        let verified = verifier.verify(&file, &ZERO).unwrap_or_else(|error| panic!("{template}: {error}"));
        assert!(verified.uid.is_none_or(|uid| uid == [4, 1, 0, 0, 0, 0, 1]), "{template}");
        assert!(verified.read_ctr.is_none_or(|counted| counted == count), "{template}");
        assert_eq!(verified.enc_file_data.as_deref(), secret.then_some(&b"what only the merchant may read!"[..]));
        assert!(verifier.verify(&file, &[1; 16]).is_err());
        // Who has authenticated sees the file as it is.
        let session = authenticate(reader, mode, KeyNumber::Key0, &ZERO);
        let mut plain = [0; 256];
        block_on(session.read_file(reader, File::Ndef, 0, 256, &mut plain)).unwrap();
        assert!(plain.starts_with(&contents));
    }
}

#[test]
fn a_switch_to_lrp_disables_what_was_mirrored() {
    let mut reader = reader(CryptoMode::Aes);
    message_verifies(&mut reader, CryptoMode::Aes, "https://pay.example/t?e={picc:uid+ctr}&c=[[{mac}");
    let session = block_on(Session::new().authenticate_aes(&mut reader, KeyNumber::Key0, &ZERO, [4; 16])).unwrap();
    block_on(session.enable_lrp(&mut reader)).unwrap();
    assert!(reader.chip.image().file(FileNumber::Ndef).settings().sdm.is_none());
    assert_eq!(read_ndef(&mut reader), reader.chip.image().file(FileNumber::Ndef).contents());
    message_verifies(&mut reader, CryptoMode::Lrp, "https://pay.example/t?e={picc:uid+ctr}&c=[[{mac}");
}

#[test]
fn counter_and_its_limit_with_aes() {
    counter_and_its_limit(CryptoMode::Aes);
}

#[test]
fn counter_and_its_limit_with_lrp() {
    counter_and_its_limit(CryptoMode::Lrp);
}

fn counter_and_its_limit(mode: CryptoMode) {
    let mut reader = reader(mode);
    let features = ReadCtrFeatures { limit: Some(5), ret_access: CtrRetAccess::Key(KeyNumber::Key0) };
    let picc_data = PiccData::Encrypted {
        key: KeyNumber::Key1,
        offset: Offset::new(20).unwrap(),
        content: EncryptedContent::Both(features),
    };
    let window = MacWindow { input: Offset::new(20).unwrap(), mac: Offset::new(80).unwrap() };
    let sdm = Sdm::try_new(picc_data, Some(FileRead::MacOnly { key: KeyNumber::Key2, window }), None, mode).unwrap();
    let update = FileSettingsUpdate::new(CommMode::Plain, public_rights()).with_sdm(sdm);
    let session = authenticate(&mut reader, mode, KeyNumber::Key0, &ZERO);
    block_on(session.change_file_settings(&mut reader, File::Ndef, &update)).unwrap();
    for count in 1..=5 {
        read_ndef(&mut reader);
        let session = authenticate(&mut reader, mode, KeyNumber::Key0, &ZERO);
        let (counted, _) = block_on(session.get_file_counters(&mut reader, File::Ndef)).unwrap();
        assert_eq!(counted, count);
    }
    let mut file = [0; 256];
    assert!(block_on(Session::new().read_file_unauthenticated(&mut reader, File::Ndef, 0, &mut file)).is_err());
    let session = authenticate(&mut reader, mode, KeyNumber::Key0, &ZERO);
    let (length, session) = block_on(session.read_file(&mut reader, File::Ndef, 0, 256, &mut file)).unwrap();
    assert_eq!(length, 256, "who has authenticated reads on");
    let again = block_on(session.change_file_settings(&mut reader, File::Ndef, &update));
    assert!(again.is_err(), "a limit that is reached already is none");
}

#[test]
fn the_tamper_loop() {
    let image = ChipImage::at_delivery(Origin { tag_tamper: true, ..Origin::new(Uid([4; 7])) });
    let mut reader = Reader::new(Chip::new(image));
    let status = |reader: &mut Reader| {
        let session = authenticate(reader, CryptoMode::Aes, KeyNumber::Key0, &ZERO);
        let (status, _) = block_on(session.get_tt_status(reader)).unwrap();
        (status.permanent(), status.current())
    };
    assert_eq!(status(&mut reader), (TagTamperStatus::Invalid, TagTamperStatus::Invalid));
    let session = authenticate(&mut reader, CryptoMode::Aes, KeyNumber::Key0, &ZERO);
    let enable = Configuration::new().with_tag_tamper_enabled(Access::Key(KeyNumber::Key0));
    block_on(session.set_configuration(&mut reader, &enable)).unwrap();
    assert_eq!(status(&mut reader), (TagTamperStatus::Invalid, TagTamperStatus::Invalid), "not before it is activated");
    reader.chip.power_cycle();
    assert_eq!(status(&mut reader), (TagTamperStatus::Close, TagTamperStatus::Close));
    reader.chip.set_tamper_loop(false);
    assert_eq!(status(&mut reader), (TagTamperStatus::Open, TagTamperStatus::Open));
    reader.chip.set_tamper_loop(true);
    assert_eq!(status(&mut reader), (TagTamperStatus::Open, TagTamperStatus::Close), "what was opened stays so");
}

#[test]
fn all_of_the_configuration() {
    let mut reader = reader(CryptoMode::Aes);
    let session = authenticate(&mut reader, CryptoMode::Aes, KeyNumber::Key0, &ZERO);
    let wish = Configuration::new()
        .with_random_uid_enabled()
        .with_chained_writing_disabled()
        .with_pdcap2_5(0x55)
        .with_pdcap2_6(0x66)
        .with_failed_auth_counter_enabled(7, 3)
        .with_strong_back_modulation(false);
    block_on(session.set_configuration(&mut reader, &wish)).unwrap();
    let configuration = *reader.chip.image().configuration();
    assert!(configuration.random_identifier && configuration.chained_writing_disabled);
    assert_eq!((configuration.total_failure_limit, configuration.total_failure_decrement), (Some(7), 3));
    let session = authenticate(&mut reader, CryptoMode::Aes, KeyNumber::Key0, &ZERO);
    assert_eq!(session.pd_cap2(), &[0, 0, 0, 0, 0x55, 0x66]);
    reader.chip.power_cycle();
    let version = block_on(Session::new().get_version(&mut reader)).unwrap();
    assert_eq!((version.uid(), version.hw_sub_type()), (&[0; 7], 0x82), "the UID is a secret now");
    // Seven failures lock a key, and the master key unlocks it.
    for _ in 0..7 {
        assert!(block_on(Session::new().authenticate_aes(&mut reader, KeyNumber::Key1, &KEYS[1], [3; 16])).is_err());
    }
    assert!(block_on(Session::new().authenticate_aes(&mut reader, KeyNumber::Key1, &ZERO, [3; 16])).is_err());
    let session = authenticate(&mut reader, CryptoMode::Aes, KeyNumber::Key0, &ZERO);
    block_on(session.change_key(&mut reader, CHANGEABLE[0], &KEYS[1], 1, &ZERO)).unwrap();
    authenticate(&mut reader, CryptoMode::Aes, KeyNumber::Key1, &KEYS[1]);
}

#[test]
fn the_peers_own_provisioning_makes_a_tag_that_its_verifier_takes() {
    let mut reader = Reader::new(Chip::new(ChipImage::at_delivery(signed_origin())));
    let master = [0x42; 16];
    let template = "https://pay.example/?id={picc}&m={mac}";
    let (verifier, uid) = block_on(provision(&mut reader, template, &master, &mut StdRng::seed_from_u64(1))).unwrap();
    assert_eq!(uid, array::<7>("04A9707A0B1090"));
    assert!(reader.chip.image().configuration().lrp);
    assert_eq!(reader.chip.activation_identifier(&mut |slots: &mut [u8]| slots.fill(9)), [8, 9, 9, 9]);
    let mut counters = common::Counters::default();
    for count in 1..=3 {
        let url = common::url_in(&read_ndef(&mut reader));
        let verified = block_on(verifier.verify(&master, url.as_bytes(), &mut counters)).unwrap();
        assert_eq!((verified.uid, verified.read_ctr), (uid, Some(count)));
        assert!(block_on(verifier.verify(&master, url.as_bytes(), &mut counters)).is_err(), "only once");
        reader.chip.power_cycle();
    }
}
