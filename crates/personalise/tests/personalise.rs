//! Tags of all kinds are personalised, or left alone with the reason.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use chip::access::{Access, KeyNumber};
use chip::ndef::{Content, Message, from_file};
use chip::{ChipImage, FileNumber, Origin};
use common::{
    Field, Records, Ring, Sequence, UID, URL, block_on, content, fresh, fresh_in_lrp, master, personalise,
    personalise_with, server,
};
use ntag424::Session;
use personalise::{
    Audit, ContentError, Failure, KeyUsed, Keys, MasterKey, NotRecorded, Originality, Personaliser, Refusal, Stage,
    Step, TagContent, Use,
};
use tag::sdm::Mode;
use tag::{AesKey, KeyVersion, TagKeys, TapError, Uid};

fn slot(number: u8) -> KeyNumber {
    KeyNumber::new(number).unwrap()
}

fn refusal(outcome: Result<personalise::Report, Failure>) -> Refusal {
    match outcome.unwrap_err() {
        Failure::Refused { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

/// The same tag but for the counts of failed authentications.
fn untouched(before: &ChipImage, field: &Field) {
    let after = field.chip.image();
    assert_eq!(before.file(FileNumber::Ndef), after.file(FileNumber::Ndef));
    assert_eq!(before.configuration(), after.configuration());
    assert_eq!(before.read_counter(), after.read_counter());
    for number in 0..5 {
        assert_eq!(before.key_version(slot(number)), after.key_version(slot(number)));
    }
}

#[test]
fn a_tag_from_the_factory_signs_what_the_server_accepts() {
    for (mode, image) in [(Mode::Aes, fresh()), (Mode::Lrp, fresh_in_lrp())] {
        let mut field = Field::with(image);
        let report = personalise(&mut field, mode, 1).unwrap();
        assert_eq!(
            (report.uid, report.mode, report.found, report.key_version),
            (UID, mode, KeyVersion(0), KeyVersion(1))
        );
        assert_eq!(
            report.steps,
            [
                Step::ChangeKey(slot(1)),
                Step::ChangeKey(slot(2)),
                Step::ChangeKey(slot(3)),
                Step::ChangeKey(slot(4)),
                Step::ChangeSettings,
                Step::WriteMessage,
                Step::ChangeKey(slot(0)),
            ]
        );
        let keys = server(mode, 1);
        for count in 2..6 {
            let tap = keys.verify_url(&field.touch()).unwrap();
            assert_eq!((tap.uid(), tap.counter().value(), tap.key_version()), (UID, count, KeyVersion(1)));
        }
        assert!(field.commands < 100, "{}", field.commands);
    }
    // A platform with one master key, as `tapstone serve` has.
    let mut field = Field::with(fresh());
    personalise(&mut field, Mode::Aes, 1).unwrap();
    drop(TagKeys::from_master(&master(1)).verify_url(&field.touch()).unwrap());
}

#[test]
fn nobody_but_the_master_key_writes() {
    let mut field = Field::with(fresh());
    personalise(&mut field, Mode::Aes, 1).unwrap();
    let rights = field.chip.image().file(FileNumber::Ndef).settings().rights;
    let master = Access::Key(KeyNumber::MASTER);
    assert_eq!((rights.read, rights.write), (Access::Free, master));
    assert_eq!((rights.read_write, rights.change), (master, master));
    let contents = field.chip.image().file(FileNumber::Ndef).contents().to_vec();
    let message = Message::parse(from_file(&contents).unwrap()).unwrap();
    let records: Vec<_> = message.records().iter().map(|record| Content::parse(record).unwrap()).collect();
    assert_eq!(records[1], Content::AndroidApplication("com.example.wallet".to_owned()));
    assert_eq!(records.len(), 2);
}

/// An implementation that was written apart from this one opens the tag with the keys that it should have.
#[test]
fn a_peer_finds_each_key_in_its_place() {
    use ntag424::KeyNumber::{Key0, Key1, Key2, Key3, Key4};
    let mut field = Field::with(fresh());
    personalise(&mut field, Mode::Aes, 1).unwrap();
    for (number, place) in [Key0, Key1, Key2, Key3, Key4].into_iter().enumerate() {
        let number = slot(u8::try_from(number).unwrap());
        let key = Ring::up_to(1).derive(KeyVersion(1), number, UID).unwrap().unwrap();
        block_on(Session::new().authenticate_aes(&mut field, place, key.expose(), [9; 16])).unwrap();
        assert!(block_on(Session::new().authenticate_aes(&mut field, place, &[0; 16], [9; 16])).is_err());
        assert_eq!(field.chip.image().key_version(number), 1);
    }
}

#[test]
fn a_finished_tag_is_left_as_it_is() {
    let mut field = Field::with(fresh());
    personalise(&mut field, Mode::Aes, 1).unwrap();
    let before = field.chip.image().clone();
    let report = personalise(&mut field, Mode::Aes, 1).unwrap();
    assert_eq!(report.steps, []);
    assert_eq!(report.counter.value(), 2, "the proof of it is a touch");
    assert_eq!(before.file(FileNumber::Ndef), field.chip.image().file(FileNumber::Ndef));
    // Only what differs is done again: here the message.
    let mut image = field.chip.image().clone();
    image.contents_mut(FileNumber::Ndef)[10] ^= 1;
    assert_eq!(personalise(&mut Field::with(image), Mode::Aes, 1).unwrap().steps, [Step::WriteMessage]);
}

/// Tools of others write the keys that `tapstone tag keys` prints, and set no versions.
#[test]
fn keys_that_were_put_in_by_hand_are_found() {
    let mut image = fresh();
    for number in [1, 2] {
        let key = Ring::up_to(1).derive(KeyVersion(1), slot(number), UID).unwrap().unwrap();
        image.set_key(slot(number), key, 0);
    }
    // And one with a version, and the factory's key.
    image.set_key(slot(4), AesKey::new([0; 16]), 0x42);
    let mut field = Field::with(image);
    let report = personalise(&mut field, Mode::Aes, 1).unwrap();
    assert_eq!(report.steps.len(), 7);
    drop(server(Mode::Aes, 1).verify_url(&field.touch()).unwrap());
    assert_eq!(field.chip.image().key_version(slot(1)), 1);
}

/// Whoever keeps URLs from before, shown or not, cannot use them afterwards.
#[test]
fn bug_12_urls_from_before_a_personalisation_are_refused_with_the_reason() {
    for (mode, image) in [(Mode::Aes, fresh()), (Mode::Lrp, fresh_in_lrp())] {
        let mut field = Field::with(image);
        personalise(&mut field, mode, 1).unwrap();
        let kept: Vec<_> = (0..3).map(|_| field.touch()).collect();
        let report = personalise(&mut field, mode, 2).unwrap();
        assert_eq!((report.found, report.key_version, report.steps.len()), (KeyVersion(1), KeyVersion(2), 5));
        let keys = server(mode, 2);
        for url in &kept {
            let retired = TapError::Retired { tag: UID, version: KeyVersion(1) };
            assert_eq!(keys.verify_url(url).unwrap_err(), retired);
        }
        // The count goes on, so that the server need not forget the last one.
        assert_eq!(report.counter.value(), 5);
        assert_eq!(keys.verify_url(&field.touch()).unwrap().counter().value(), 6);
        assert_eq!(
            refusal(personalise(&mut field, mode, 1)),
            Refusal::Foreign { version: KeyVersion(2) },
            "who has only the old keys does not get in"
        );
    }
}

#[test]
fn keys_never_go_back_to_an_older_version() {
    struct Older(Ring);
    impl Keys for Older {
        fn current(&self) -> KeyVersion {
            KeyVersion(1)
        }
        fn derive(
            &mut self,
            version: KeyVersion,
            slot: KeyNumber,
            uid: Uid,
        ) -> Result<Option<AesKey>, personalise::KeysUnavailable> {
            self.0.derive(version, slot, uid)
        }
    }
    let mut field = Field::with(fresh());
    personalise(&mut field, Mode::Aes, 2).unwrap();
    let before = field.chip.image().clone();
    let outcome = Personaliser {
        keys: &mut Older(Ring::up_to(2)),
        audit: &mut Records::default(),
        random: &mut Sequence(3),
        content: &content(Mode::Aes),
        verifier: &server(Mode::Aes, 1),
        originality: Originality::NotChecked,
    }
    .personalise(&mut field);
    assert_eq!(refusal(outcome), Refusal::NewerKeys { found: KeyVersion(2), current: KeyVersion(1) });
    untouched(&before, &field);
    let zero = Personaliser {
        keys: &mut MasterKey::new(KeyVersion(0), &master(1)),
        audit: &mut Records::default(),
        random: &mut Sequence(3),
        content: &content(Mode::Aes),
        verifier: &server(Mode::Aes, 1),
        originality: Originality::NotChecked,
    }
    .personalise(&mut field);
    assert_eq!(refusal(zero), Refusal::VersionZero);
}

/// AN12196's example chip, and another chip with its signature.
#[test]
fn only_nxps_chips_are_personalised() {
    let vectors = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/sun_vectors.json"));
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let rows = vectors["originality_signature"]["cases"].as_array().unwrap();
    let bytes = |digits: &serde_json::Value| -> Vec<u8> {
        let digits = digits.as_str().unwrap();
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    };
    let (mut good, mut bad) = (0, 0);
    for row in rows {
        let uid = Uid(bytes(&row["uid"]).try_into().unwrap());
        let signature = bytes(&row["sig"]).try_into().unwrap();
        for (uid, is_original) in [(uid, row["valid"].as_bool().unwrap()), (UID, false)] {
            let image = ChipImage::at_delivery(Origin { signature, ..Origin::new(uid) });
            let mut field = Field::with(image.clone());
            let outcome = personalise_with(&mut field, Mode::Aes, 1, &mut Records::default(), Originality::Required);
            if is_original {
                assert_eq!(outcome.unwrap().originality, Originality::Required);
                good += 1;
            } else {
                assert_eq!(refusal(outcome), Refusal::NotOriginal);
                assert_eq!(*field.chip.image(), image, "it is not even authenticated to");
                bad += 1;
            }
        }
    }
    assert!(good > 0 && bad > 0, "{good} {bad}");
}

#[test]
fn a_message_that_does_not_fit_is_refused_with_the_maximum() {
    let package = |length: usize| format!("com.{}", "a".repeat(length - 4));
    let file = |length| TagContent::new(Mode::Aes, URL, Some(&package(length)));
    let room = 256 - TagContent::new(Mode::Aes, URL, None).unwrap().file().len() - 3 - "android.com:pkg".len();
    assert_eq!(file(room).unwrap().file().len(), 256);
    let error = file(room + 1).unwrap_err();
    assert_eq!(error, ContentError::TooLong { length: 257 });
    assert!(error.to_string().contains("257 bytes and has 256"), "{error}");
    let long = format!("https://{}.example/t", "a".repeat(200));
    assert!(matches!(TagContent::new(Mode::Aes, &long, None), Err(ContentError::TooLong { .. })));
    for wrong in ["wallet", "com.example.", "com..wallet", "com.example wallet", ""] {
        assert_eq!(TagContent::new(Mode::Aes, URL, Some(wrong)), Err(ContentError::Package), "{wrong}");
    }
    // The longest one is written and verified like any other.
    let content = file(room).unwrap();
    let mut field = Field::with(fresh());
    let report = Personaliser {
        keys: &mut Ring::up_to(1),
        audit: &mut Records::default(),
        random: &mut Sequence(3),
        content: &content,
        verifier: &server(Mode::Aes, 1),
        originality: Originality::NotChecked,
    }
    .personalise(&mut field);
    assert_eq!(report.unwrap().counter.value(), 1);
}

#[test]
fn somebody_elses_tag_is_left_alone() {
    for version in [0, 1, 7] {
        let mut image = fresh();
        image.set_key(KeyNumber::MASTER, AesKey::new([0x5A; 16]), version);
        let mut field = Field::with(image.clone());
        assert_eq!(refusal(personalise(&mut field, Mode::Aes, 1)), Refusal::Foreign { version: KeyVersion(version) });
        untouched(&image, &field);
        assert!(field.commands < 15, "{}", field.commands);
        let failed = field.heard.iter().filter(|answer| **answer == [0x91, 0xAE]).count();
        assert!((1..=2).contains(&failed), "{failed}");
        // Its owner still gets in.
        let key = ntag424::KeyNumber::Key0;
        block_on(Session::new().authenticate_aes(&mut field, key, &[0x5A; 16], [9; 16])).unwrap();
    }
    // One of the other keys cannot be replaced by who does not know it.
    let mut image = fresh();
    image.set_key(slot(3), AesKey::new([0x5A; 16]), 0);
    let mut field = Field::with(image.clone());
    let reason = refusal(personalise(&mut field, Mode::Aes, 1));
    assert_eq!(reason, Refusal::UnknownKey { slot: slot(3), version: KeyVersion(0) });
    assert!(reason.to_string().ends_with("retire the tag"), "{reason}");
    untouched(&image, &field);
}

#[test]
fn a_tag_in_the_other_mode_is_refused_in_words() {
    let image = fresh_in_lrp();
    let mut field = Field::with(image.clone());
    let failure = personalise(&mut field, Mode::Aes, 1).unwrap_err();
    assert_eq!(
        failure.to_string(),
        "tag 04010203040506: nothing was changed: it is in LRP mode, which is for ever, and the platform's tags are in \
         AES mode, the only one that the server verifies: use another tag"
    );
    untouched(&image, &field);
    let mut field = Field::with(fresh());
    assert_eq!(refusal(personalise(&mut field, Mode::Lrp, 1)), Refusal::OtherMode { found: Mode::Aes });
    untouched(&fresh(), &field);
}

#[test]
fn a_tag_that_asks_for_patience_gets_it() {
    let mut field = Field::with(fresh());
    let wrong = |field: &mut Field| {
        block_on(Session::new().authenticate_aes(field, ntag424::KeyNumber::Key0, &[1; 16], [9; 16])).is_err()
    };
    personalise(&mut field, Mode::Aes, 1).unwrap();
    for _ in 0..50 {
        assert!(wrong(&mut field));
    }
    assert_eq!(refusal(personalise(&mut field, Mode::Aes, 1)), Refusal::Delayed);
    assert_eq!(personalise(&mut field, Mode::Aes, 1).unwrap().steps, []);
    let mut tries = 0;
    while field.chip.image().configuration().total_failure_limit.is_some() && tries < 300_000 {
        tries += 1;
        if tries % 20_000 == 0
            && matches!(personalise(&mut field, Mode::Aes, 1), Err(Failure::Refused { reason: Refusal::Locked, .. }))
        {
            return;
        }
        assert!(wrong(&mut field));
    }
    panic!("the tag was never locked");
}

#[test]
fn what_cannot_be_changed_is_said_before_anything_is() {
    let mut image = fresh();
    let mut settings = *image.file(FileNumber::Ndef).settings();
    settings.rights.change = Access::Never;
    image.set_settings(FileNumber::Ndef, settings).unwrap();
    let mut field = Field::with(image.clone());
    assert_eq!(refusal(personalise(&mut field, Mode::Aes, 1)), Refusal::SettingsLocked);
    untouched(&image, &field);
    // What anybody may change, we may.
    let mut settings = *fresh().file(FileNumber::Ndef).settings();
    settings.rights.change = Access::Free;
    let mut image = fresh();
    image.set_settings(FileNumber::Ndef, settings).unwrap();
    personalise(&mut Field::with(image), Mode::Aes, 1).unwrap();
}

#[test]
fn other_chips_are_told_apart() {
    for (command, answer, expected) in [
        (0xA4, &[0x6A, 0x82][..], Refusal::OtherChip),
        (0x60, &[0x04, 0x01, 0x01, 0x33, 0x00, 0x1A, 0x05, 0x91, 0xAF], Refusal::OtherChip),
        (0x60, &[0x6D, 0x00], Refusal::OtherChip),
    ] {
        let mut field = Instead { field: Field::with(fresh()), command, answer };
        assert_eq!(refusal(personalise(&mut field, Mode::Aes, 1)), expected);
    }
}

/// A tag that answers one command with something else.
struct Instead<'a> {
    field: Field,
    command: u8,
    answer: &'a [u8],
}

impl personalise::Transceive for Instead<'_> {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, personalise::LinkError> {
        if command[1] == self.command { Ok(self.answer.to_vec()) } else { self.field.transceive(command) }
    }
}

#[test]
fn each_use_of_a_key_is_recorded_before_it_happens() {
    let mut records = Records::default();
    let mut field = Field::with(fresh());
    personalise_with(&mut field, Mode::Aes, 1, &mut records, Originality::NotChecked).unwrap();
    let used = |slot, used_to| KeyUsed { uid: UID, version: KeyVersion(1), slot, used_to };
    let expected = [1, 2, 3, 4, 0].map(|number| used(slot(number), Use::Install));
    assert_eq!(records.0[..5], expected);
    assert_eq!(records.0[5..], [used(slot(0), Use::Authenticate)]);

    /// Keeps so many records, and no more.
    struct Full(usize);
    impl Audit for Full {
        fn record(&mut self, _: KeyUsed) -> Result<(), NotRecorded> {
            self.0 = self.0.checked_sub(1).ok_or_else(|| NotRecorded("the disk is full".to_owned()))?;
            Ok(())
        }
    }
    for room in 0..6 {
        let mut field = Field::with(fresh());
        let outcome = personalise_with(&mut field, Mode::Aes, 1, &mut Full(room), Originality::NotChecked);
        let failure = outcome.unwrap_err();
        assert!(failure.to_string().contains("the disk is full"), "{failure}");
        let versions = (0..5).filter(|number| field.chip.image().key_version(slot(*number)) == 1).count();
        assert_eq!(versions, room, "what was not recorded was not used");
        personalise(&mut field, Mode::Aes, 1).unwrap();
    }
}

/// Everything that is ever printed or kept, and everything that goes over the air.
#[test]
fn bug_23_personalising_shows_no_key() {
    let mut keys: Vec<Vec<u8>> = (1..=2).map(|version| master(version).expose().to_vec()).collect();
    for version in 1..=2 {
        for number in 0..5 {
            let key = Ring::up_to(2).derive(KeyVersion(version), slot(number), UID).unwrap().unwrap();
            keys.push(key.expose().to_vec());
        }
    }
    let mut shown = format!("{:?}", MasterKey::new(KeyVersion(1), &master(1)));
    let mut heard = Vec::new();
    let mut image = fresh();
    for version in 1..=2 {
        for commands in 0..90 {
            let mut records = Records::default();
            let mut field = Field::with(image.clone()).cut_after(commands, true);
            let outcome = personalise_with(&mut field, Mode::Aes, version, &mut records, Originality::NotChecked);
            shown += &format!("{outcome:?} {:?} {:?} {:?}", records.0, field.chip, content(Mode::Aes));
            shown += &outcome.map_or_else(|failure| failure.to_string(), |report| format!("{:?}", report.steps));
            heard.append(&mut field.heard);
        }
        let mut field = Field::with(image.clone());
        personalise(&mut field, Mode::Aes, version).unwrap();
        image = field.chip.image().clone();
    }
    for key in keys {
        let hexadecimal: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!shown.to_lowercase().contains(&hexadecimal[..16]));
        assert!(!shown.contains(&format!("{key:?}")) && !shown.contains(&format!("{:?}", &key[..8])[1..20]));
        assert!(
            heard.iter().all(|bytes| bytes.windows(8).all(|window| window != &key[..8])),
            "in the clear on the air"
        );
    }
}

#[test]
fn failures_say_what_to_do() {
    let mut field = Field::with(fresh()).cut_after(3, false);
    let failure = personalise(&mut field, Mode::Aes, 1).unwrap_err();
    assert!(matches!(failure, Failure::Interrupted { stage: Stage::Examining, .. }));
    assert!(failure.to_string().ends_with("Nothing was changed. Hold the tag to the reader and run this again"));
    // A server with other keys would not take it.
    let mut field = Field::with(fresh());
    let failure = Personaliser {
        keys: &mut Ring::up_to(1),
        audit: &mut Records::default(),
        random: &mut Sequence(3),
        content: &content(Mode::Aes),
        verifier: &TagKeys::from_master(&master(9)),
        originality: Originality::NotChecked,
    }
    .personalise(&mut field)
    .unwrap_err();
    assert!(failure.to_string().ends_with("set it aside"), "{failure}");
}
