//! What a chip refuses, counts and keeps, command by command.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod common;

use std::ops::Range;

use chip::access::{Access, KeyNumber};
use chip::ndef::content::{URI, uri_payload};
use chip::ndef::{Message, Record, to_file};
use chip::settings::{Encrypted, FileRead, FileSettings, InvalidSettings, MetaRead, Sdm};
use chip::{Chip, ChipImage, CorruptImage, FileNumber, Origin};
use common::{Reader, array, block_on, chip_of, hexadecimal};
use ntag424::{KeyNumber as PeerKey, Session};
use tag::diversification::{Diversifier, Purpose};
use tag::sdm::{Mirror, Mode, Settings};
use tag::{AesKey, KeySet, KeyVersion, TagKeys, Uid};

const SELECT: &str = "00A4040007D276000085010100";
const SELECT_NDEF: &str = "00A4000C02E104";

fn selected() -> Reader {
    let mut reader = Reader::new(chip_of(1));
    assert_eq!(reader.exchange(SELECT), "9000");
    reader
}

/// An authentication with a zero key, as bytes. The peer does the arithmetic.
fn authenticated() -> Reader {
    let mut reader = selected();
    drop(block_on(Session::new().authenticate_aes(&mut reader, PeerKey::Key0, &[0; 16], [1; 16])).unwrap());
    reader
}

#[test]
fn every_malformed_command_is_answered() {
    let mut reader = selected();
    for (command, answer) in [
        ("", "6700"),
        ("00", "6700"),
        ("00A404", "6700"),
        // More data announced than there is, and less.
        ("00A4040007D2760000850101", "9000"),
        ("00A4040008D2760000850101", "6700"),
        ("00A4040003D276000085010100", "6700"),
        // The extended form is understood and not taken.
        ("00B00000000010", "6700"),
        ("00A40400000007D2760000850101", "6700"),
        ("90F50000000001020000", "917E"),
        ("00A404000000", "6700"),
        ("00A4040000000000", "6700"),
        // Classes, instructions and parameters.
        ("01A4040007D276000085010100", "6E00"),
        ("80CA000000", "6E00"),
        ("00B20000", "6D00"),
        ("9000000000", "911C"),
        ("90AF000000", "911C"),
        ("9060010000", "919E"),
        ("00A4050007D276000085010100", "6A86"),
        ("00A4040107D276000085010100", "6A86"),
        ("00A40000033F000000", "6A87"),
        ("00A40400111111111111111111111111111111111111", "6700"),
        ("00A4040007D276000085010200", "6A82"),
        ("00A4000002E106", "6A82"),
        // GetTTStatus is for chips with a loop.
        ("90F7000000", "911C"),
    ] {
        assert_eq!(reader.exchange(command), answer, "{command}");
    }
}

#[test]
fn files_are_the_applications() {
    let mut reader = Reader::new(chip_of(1));
    for (command, answer) in [
        ("00B0000000", "6985"),
        ("00D600000101", "6985"),
        (SELECT_NDEF, "6A82"),
        ("90F50000010200", "919D"),
        ("90AD00000702000000000000", "919D"),
        ("9071000002000000", "9140"),
        ("906400000100", "9140"),
        ("00A4000002E110", "9000"),
        ("00B0000000", "6985"),
        (SELECT_NDEF, "9000"),
        ("00B0000002", "00009000"),
        ("00B0830002", "6982"),
        ("00B0840002", "6A82"),
        ("00B09F0002", "6A86"),
        ("00B0810102", "17209000"),
        // A short identifier selects too.
        ("00B0000002", "00179000"),
        ("00A40000023F00", "9000"),
        ("00B0000002", "6985"),
    ] {
        assert_eq!(reader.exchange(command), answer, "{command}");
    }
}

#[test]
fn reading_ends_where_the_file_ends() {
    let mut reader = selected();
    assert_eq!(reader.exchange(SELECT_NDEF), "9000");
    assert_eq!(reader.exchange("00B000FE00"), "00009000", "what there is");
    assert_eq!(reader.exchange("00B0010000"), "6A86");
    assert_eq!(reader.exchange("00B00000"), "6700", "without Le nothing is asked for");
    assert_eq!(reader.exchange("00D600FF0111"), "9000");
    assert_eq!(reader.exchange("00D600FF021122"), "6985");
    assert_eq!(reader.exchange("00D601000111"), "6985");
    assert_eq!(reader.exchange("00D6000000"), "6700");
    assert_eq!(reader.exchange("00B000FF00"), "119000", "a write that fails writes nothing");
    assert_eq!(reader.exchange("90AD00000702FF000001000000"), "119100");
    assert_eq!(reader.exchange("90AD00000702FF000002000000"), "91BE");
    assert_eq!(reader.exchange("90AD0000070200010000000000"), "91BE");
    assert_eq!(reader.exchange("90AD00000602000000000000"), "917E");
    assert_eq!(reader.exchange("90AD0000070400000000000000"), "91F0");
    assert_eq!(reader.exchange("90AD0000072200000000000000"), "919E");
    assert_eq!(reader.exchange("908D00000902FF0000020000112200"), "91BE");
    assert_eq!(reader.exchange("908D000009020000000100001122"), "917E");
    assert_eq!(reader.exchange("908D00000702000000000000"), "919E");
}

#[test]
fn rights_that_nobody_has_and_rights_that_a_key_has() {
    let mut reader = selected();
    assert_eq!(reader.exchange("90AD0000070300000000000000"), "91AE", "a key could");
    assert_eq!(reader.exchange("908D00000803000000010000AA00"), "91AE");
    assert_eq!(reader.exchange("905F000004020000E0"), "91AE");
    assert_eq!(reader.exchange("90F60000010200"), "919D", "nobody could: there is no SDM");
    assert_eq!(reader.exchange("9051000000"), "91AE");
    assert_eq!(reader.exchange("905C0000020000"), "91AE");
    assert_eq!(reader.exchange("90C40000010000"), "91AE");
    assert_eq!(reader.exchange("9077000001 00"), "919D", "it goes on with nothing");
    let mut image = reader.chip.image().clone();
    let mut settings = *image.file(FileNumber::Proprietary).settings();
    settings.rights = chip::access::AccessRights::from_bytes([0xFF, 0xFF]).unwrap();
    image.set_settings(FileNumber::Proprietary, settings).unwrap();
    reader.chip = Chip::new(image);
    reader.exchange(SELECT);
    assert_eq!(reader.exchange("90AD0000070300000000000000"), "919D");
    assert_eq!(reader.exchange("908D00000803000000010000AA00"), "919D");
    assert_eq!(reader.exchange("905F000004030000E0"), "919D");
}

#[test]
fn only_the_message_signs() {
    let mut reader = Reader::new(chip_of(1));
    let mut image = reader.chip.image().clone();
    for number in [FileNumber::CapabilityContainer, FileNumber::Ndef] {
        let mut settings = *image.file(number).settings();
        settings.rights.change = Access::Free;
        image.set_settings(number, settings).unwrap();
    }
    reader.chip = Chip::new(image);
    reader.exchange(SELECT);
    assert_eq!(reader.exchange("905F0000070140EEEE01FFFF"), "919D");
    assert_eq!(reader.exchange("905F0000070240EEEE01FFFF"), "9100");
    assert_eq!(reader.exchange("90F50000010200"), "0040EEEE00010001FFFF9100");
    // Every broken rule is a wrong parameter, a wrong length is a wrong length, and neither changes anything.
    let before = reader.chip.image().clone();
    for (settings, answer) in [
        ("40EEEE01FFFF00", "917E"),
        ("40EEEE", "917E"),
        ("80EEEE", "919E"),
        ("00EE5E", "919E"),
        ("40EEEE01FFEF", "919E"),
        ("40EEEE81FFFF", "919E"),
        ("40EEEE01F0FF", "919E"),
        ("40EEEE21FFFF010000", "919E"),
        ("40EEEE11FFFF", "919E"),
        ("40EEEEC1FFEFF30000500000", "919E"),
        ("40EEEEC1FFEF500000580000", "919E"),
        ("40EEEEC1FFF0500000400000", "919E"),
        ("40EEEE09FFFF000000", "919E"),
        ("40EEEE61FFFF000000", "919E"),
    ] {
        let command = format!("905F0000{:02X}02{settings}", settings.len() / 2 + 1);
        assert_eq!(reader.exchange(&command), answer, "{settings}");
        assert_eq!(*reader.chip.image(), before);
    }
}

/// What a program puts together is checked as what a reader sends.
#[test]
fn settings_that_no_reader_could_set_are_refused() {
    let mut image = platform_tag().chip.image().clone();
    let good = *image.file(FileNumber::Ndef).settings();
    let change = |sdm: fn(&mut Sdm)| {
        let mut settings = good;
        sdm(settings.sdm.as_mut().unwrap());
        settings
    };
    for (settings, reason) in [
        (change(|sdm| sdm.read_counter_limit = Some(1 << 24)), InvalidSettings::Inconsistent),
        (change(|sdm| sdm.meta_read = MetaRead::Plain { uid: None, read_counter: None }), InvalidSettings::Length),
        (change(|sdm| sdm.meta_read = MetaRead::Nothing), InvalidSettings::UidWithoutMetaRead),
        (change(|sdm| sdm.tamper_status = Some(255)), InvalidSettings::OutsideFile),
        (change(|sdm| sdm.tamper_status = Some(u32::MAX)), InvalidSettings::OutsideFile),
    ] {
        assert_eq!(image.set_settings(FileNumber::Ndef, settings), Err(reason), "{settings:?}");
    }
    assert_eq!(image.set_settings(FileNumber::Proprietary, good), Err(InvalidSettings::SdmElsewhere));
    assert_eq!(image.set_settings(FileNumber::Ndef, good), Ok(()));
}

#[test]
fn an_error_ends_the_session() {
    // GetCardUID needs a session: without one it says so before it looks at the MAC.
    for (command, answer) in [
        ("90510000081122334455667788", "911E"),
        ("9051000000", "917E"),
        ("00B0810002", "6982"),
        ("00D6820001", "6700"),
        ("9099000000", "911C"),
        ("0099000000", "6D00"),
        ("FF", "6700"),
        ("00A4000C02E106", "6A82"),
    ] {
        let mut reader = authenticated();
        assert_eq!(reader.exchange(command), answer, "{command}");
        assert_eq!(reader.exchange("90510000081122334455667788"), "91AE", "after {command}");
    }
    // To select a file is no error, to enter the application anew is an end of its own.
    let mut reader = authenticated();
    assert_eq!(reader.exchange(SELECT_NDEF), "9000");
    assert_eq!(reader.exchange("90510000081122334455667788"), "911E");
    let mut reader = authenticated();
    assert_eq!(reader.exchange(SELECT), "9000");
    assert_eq!(reader.exchange("90510000081122334455667788"), "91AE");
    let mut reader = authenticated();
    reader.chip.power_cycle();
    assert_eq!(reader.exchange("90510000081122334455667788"), "91AE");
}

#[test]
fn a_command_between_two_frames_aborts() {
    let mut reader = selected();
    assert!(reader.exchange("9060000000").ends_with("91AF"));
    assert_eq!(reader.exchange("90F50000010200"), "91CA");
    assert!(reader.exchange("90F50000010200").ends_with("9100"), "and then it is over");
    assert!(reader.exchange("9071000002000000").ends_with("91AF"));
    assert_eq!(reader.exchange(SELECT), "6985");
    assert_eq!(reader.exchange("90AF0000200011223344"), "6700");
    assert_eq!(reader.exchange("90AF000000"), "911C");
    assert!(reader.exchange("9071000002000000").ends_with("91AF"));
    assert_eq!(reader.exchange("90AF000001AA00"), "917E");
    assert!(reader.exchange("9071000002000000").ends_with("91AF"));
    reader.chip.power_cycle();
    assert_eq!(reader.exchange("90AF000000"), "911C");
}

#[test]
fn authentications_that_are_not_asked_for_rightly() {
    let mut reader = selected();
    for (command, answer) in [
        ("907100000100", "917E"),
        ("9071000003000000", "917E"),
        ("90710000030001", "6700"),
        ("9071000009000700000000000000", "919E"),
        ("9071000002050000", "9140"),
        ("9071000002400000", "919E"),
        ("9077000001 05", "919D"),
    ] {
        assert_eq!(reader.exchange(command), answer, "{command}");
    }
}

/// SeqFailCtr and TotFailCtr (data sheet section 9, AN12196 section 7.4).
#[test]
fn failed_authentications_slow_down_and_lock() {
    let mut reader = selected();
    let fail = |reader: &mut Reader| {
        let asked = reader.exchange("9071000002000000");
        if asked.ends_with("91AF") { reader.exchange(&format!("90AF000020{}00", "11".repeat(32))) } else { asked }
    };
    for attempt in 1..=50 {
        assert_eq!(fail(&mut reader), "91AE", "attempt {attempt}");
    }
    // From the fiftieth on the chip asks for patience, and for more each time; a power cut does not help.
    reader.chip.power_cycle();
    reader.exchange(SELECT);
    for delays in 1..=5 {
        for _ in 0..delays {
            assert_eq!(fail(&mut reader), "91AD");
        }
        assert_eq!(fail(&mut reader), "91AE");
    }
    // Another key is not concerned, and the right key ends it.
    assert!(reader.exchange("9071000002010000").ends_with("91AF"));
    reader.chip.power_cycle();
    for _ in 0..6 {
        assert!(block_on(Session::new().authenticate_aes(&mut reader, PeerKey::Key0, &[0; 16], [1; 16])).is_err());
    }
    block_on(Session::new().authenticate_aes(&mut reader, PeerKey::Key0, &[0; 16], [1; 16])).unwrap();
    reader.exchange(SELECT);
    assert_eq!(fail(&mut reader), "91AE");
    assert_eq!(fail(&mut reader), "91AE");
    // 55 failures less ten and two more: 953 to the limit.
    let mut locked = 0;
    while fail(&mut reader) != "919D" {
        locked += 1;
        assert!(locked < 300_000, "a thousand failures lock a key for ever");
    }
    reader.chip.power_cycle();
    assert!(block_on(Session::new().authenticate_aes(&mut reader, PeerKey::Key0, &[0; 16], [1; 16])).is_err());
}

/// A file that signs: which reads count, and which go on with a reading (data sheet section 9.3.1).
#[test]
fn a_reading_goes_on_until_another_command_comes() {
    let mut reader = platform_tag();
    reader.exchange(SELECT);
    reader.exchange(SELECT_NDEF);
    let whole = reader.exchange("00B0000000");
    assert_eq!(reader.exchange("00B0000000"), whole, "the padding too is the same");
    assert_eq!(reader.exchange("00B0002010"), format!("{}9000", &whole[64..96]), "a part is a part of it");
    assert_eq!(reader.chip.image().read_counter(), 1);
    // The other read command begins a reading of its own.
    let native = reader.exchange("90AD0000070200000000000000");
    assert_ne!(native[..512], whole[..512]);
    assert_eq!(reader.chip.image().read_counter(), 2);
    assert_eq!(reader.exchange("90AD0000070200000000000000"), native);
    assert_eq!(reader.chip.image().read_counter(), 2);
    for other in [SELECT_NDEF, "90F50000010200", "0099000000", "00B0810002"] {
        reader.exchange(SELECT_NDEF);
        let before = reader.chip.image().read_counter();
        reader.exchange("00B0000000");
        reader.exchange(other);
        reader.exchange(SELECT_NDEF);
        reader.exchange("00B0000000");
        assert_eq!(reader.chip.image().read_counter(), before + 2, "{other}");
    }
    // A read that fails counts nothing.
    let before = reader.chip.image().read_counter();
    reader.exchange(SELECT_NDEF);
    assert_eq!(reader.exchange("00B0010000"), "6A86");
    assert_eq!(reader.exchange("90AD00000702FF000002000000"), "91BE");
    assert_eq!(reader.chip.image().read_counter(), before);
}

/// A chip with the platform's keys and any settings makes URLs that the platform verifies, which was written apart from it.
#[test]
fn the_platform_verifies_what_the_chip_says() {
    for mode in [Mode::Aes, Mode::Lrp] {
        for template in [
            "https://pay.example/t?e={picc_data}&c={mac}",
            "https://pay.example/?p={mac_input}{picc_data}&c={mac}",
            "https://pay.example/{mac_input}{uid}x{counter}/{mac}",
            "https://pay.example/?e={picc_data}&t={mac_input}{tamper}&c={mac}",
            "https://pay.example/?e={picc_data}&d={mac_input}{file_data:64}&c={mac}",
        ] {
            platform_verifies(&Settings::parse(mode, template).unwrap());
        }
    }
}

fn platform_verifies(settings: &Settings) {
    let mut reader = tag_with(settings);
    let master = AesKey::new([0x11; 16]);
    let keys = TagKeys::new(KeySet::new(KeyVersion(1), &master, settings.clone()));
    for count in 1..=5 {
        reader.exchange(SELECT);
        reader.exchange(SELECT_NDEF);
        let answer = common::bytes(&reader.exchange("00B0000000"));
        let url = common::url_in(&answer[..256]);
        let tap = keys.verify_url(&url).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!((tap.uid(), tap.counter().value()), (Uid([4, 1, 0, 0, 0, 0, 1]), count));
        if let Some((place, _)) = settings.placeholders().find(|(place, _)| place.mirror == Mirror::FileData) {
            assert_eq!(tap.file_data(), "0".repeat(place.width / 2).as_bytes());
        }
        // The image goes through flash, and the count goes on.
        let stored = reader.chip.image().to_bytes();
        reader.chip = Chip::new(ChipImage::from_bytes(&stored).unwrap());
    }
}

fn platform_tag() -> Reader {
    tag_with(&Settings::of_platform(Mode::Aes))
}

/// Personalised as `docs/tags.md` says, without a reader.
fn tag_with(settings: &Settings) -> Reader {
    let uid = Uid([4, 1, 0, 0, 0, 0, 1]);
    let master = Diversifier::new(&AesKey::new([0x11; 16]));
    let mut image = ChipImage::at_delivery(Origin { tag_tamper: true, ..Origin::new(uid) });
    image.set_key(KeyNumber::new(1).unwrap(), master.derive(Purpose::sdm_meta_read()), 1);
    image.set_key(KeyNumber::new(2).unwrap(), master.derive(Purpose::sdm_file_read(uid)), 1);
    let mut reader = Reader::new(Chip::new(image));
    if settings.mode() == Mode::Lrp {
        let session = block_on(Session::new().authenticate_aes(&mut reader, PeerKey::Key0, &[0; 16], [1; 16])).unwrap();
        block_on(session.enable_lrp(&mut reader)).unwrap();
    }
    let mut image = reader.chip.image().clone();
    let payload = uri_payload(&settings.blank_url());
    let message = Message::new(vec![Record::well_known(URI, &payload)]).unwrap();
    let file = to_file(&message.to_bytes()).unwrap();
    image.contents_mut(FileNumber::Ndef)[..file.len()].copy_from_slice(&file);
    let ndef = FileSettings { sdm: Some(sdm_of(settings)), ..*image.file(FileNumber::Ndef).settings() };
    image.set_settings(FileNumber::Ndef, ndef).unwrap();
    Reader::new(Chip::new(image))
}

/// The settings in the chip's terms: the file begins with seven bytes, and the URL without its `https://`.
fn sdm_of(settings: &Settings) -> Sdm {
    let offset = |at: usize| u32::try_from(at - "https://".len() + 7).unwrap();
    let place = |mirror| settings.placeholders().find(|(place, _)| place.mirror == mirror).map(|(_, range)| range);
    let [uid, read_counter, picc_data, tamper, file_data, mac] =
        [Mirror::Uid, Mirror::Counter, Mirror::PiccData, Mirror::Tamper, Mirror::FileData, Mirror::Mac].map(place);
    let start = |range: Range<usize>| offset(range.start);
    let meta_read = match picc_data {
        Some(range) => MetaRead::Encrypted { key: KeyNumber::new(1).unwrap(), offset: start(range) },
        None => MetaRead::Plain { uid: uid.map(start), read_counter: read_counter.map(start) },
    };
    let encrypted =
        file_data.map(|range| Encrypted { offset: start(range.clone()), length: u32::try_from(range.len()).unwrap() });
    Sdm {
        uid: true,
        read_counter: true,
        meta_read,
        tamper_status: tamper.map(start),
        file_read: Some(FileRead {
            key: KeyNumber::new(2).unwrap(),
            mac_input: offset(settings.mac_input().start),
            mac: start(mac.unwrap()),
            encrypted,
        }),
        counter_retrieval: Access::Never,
        read_counter_limit: None,
    }
}

#[test]
fn images_that_were_damaged_are_refused() {
    let image = platform_tag().chip.image().clone();
    let bytes = image.to_bytes();
    assert_eq!(ChipImage::from_bytes(&bytes), Ok(image));
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        assert!(ChipImage::from_bytes(&damaged).is_err(), "byte {at}");
        assert!(ChipImage::from_bytes(&bytes[..at]).is_err(), "{at} bytes");
    }
    assert_eq!(ChipImage::from_bytes(&[]), Err(CorruptImage::Truncated));
}

/// Firmware in the field holds images of this version.
#[test]
fn the_image_of_a_chip_at_delivery_is_these_bytes() {
    let bytes = ChipImage::at_delivery(Origin::new(Uid(array("04DE5F1EACC040")))).to_bytes();
    assert_eq!(bytes.len(), 627);
    assert_eq!(hexadecimal(&bytes[..18]), "0104DE5F1EACC04000010200000000000126");
    assert_eq!(hexadecimal(&bytes[bytes.len() - 4..]), "88A95928");
}

#[test]
fn nothing_shows_a_key() {
    let mut image = ChipImage::at_delivery(Origin::new(Uid([4; 7])));
    image.set_key(KeyNumber::MASTER, AesKey::new([0xAB; 16]), 1);
    let mut reader = Reader::new(Chip::new(image));
    drop(block_on(Session::new().authenticate_aes(&mut reader, PeerKey::Key0, &[0xAB; 16], [1; 16])).unwrap());
    let shown = format!("{:?} {:?}", reader.chip, reader.chip.image());
    assert!(!shown.contains("171") && !shown.to_lowercase().contains("abab"), "{shown}");
}
