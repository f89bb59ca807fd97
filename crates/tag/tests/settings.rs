//! Templates of URLs: any that a tag can be told, and no others.

use tag::sdm::{Identity, LoopStatus, Mirror, Mode, Reading, Settings, SettingsError, TamperStatus};
use tag::{AesKey, KeySet, KeyVersion, MalformedUrl, ReadCounter, SoftwareTag, TagKeys, TapError, Uid};

const MASTER: [u8; 16] = [0x11; 16];
const UID: Uid = Uid([0x04, 0xDE, 0x5F, 0x1E, 0xAC, 0xC0, 0x40]);

fn set(mode: Mode, template: &str) -> KeySet {
    let settings = Settings::parse(mode, template).unwrap_or_else(|error| panic!("{error}: {template}"));
    KeySet::new(KeyVersion(3), &AesKey::new(MASTER), settings)
}

fn tag(mode: Mode, template: &str) -> SoftwareTag {
    SoftwareTag::of(set(mode, template), UID, ReadCounter::new(0xABC_DEF).expect("24 bits"))
}

fn error(template: &str) -> SettingsError {
    Settings::parse(Mode::Aes, template).err().unwrap_or_else(|| panic!("a template: {template}"))
}

/// How a URL differs from a template.
fn difference(template: &str, url: &str) -> MalformedUrl {
    let settings = Settings::parse(Mode::Aes, template).expect("a template");
    settings.read(url).err().unwrap_or_else(|| panic!("{url} fits {template}"))
}

/// Templates that others use, and what else the chip can do.
const TEMPLATES: [&str; 14] = [
    "https://pay.example/t?e={picc_data}&c={mac}",
    "https://choose.url.com/ntag424?e={picc_data}&c={mac}",
    "https://{mac_input}my424dna.com/?picc_data={picc_data}&cmac={mac}",
    "https://my424dna.com/?picc_data={picc_data}&{mac_input}enc={file_data:32}&cmac={mac}",
    "https://tag.example/{mac_input}{uid}x{counter}/{mac}",
    "https://tag.example/?uid={uid}&ctr={counter}&cmac={mac}",
    "https://tag.example/p?{mac_input}m={uid}x{counter}x{mac}",
    "https://tag.example/p?{mac_input}{uid}x{counter}x{mac}",
    "lnurlw://card.example/ln?p={picc_data}&c={mac}",
    "https://tag.example/#{picc_data}.{mac_input}{tamper}.{mac}",
    "https://tag.example/tt?e={picc_data}{mac_input}&tt={tamper}&c={mac}",
    "https://tag.example/tt?e={picc_data}&f={mac_input}{file_data:96,tamper:17}&c={mac}",
    "https://tag.example/a%20b?lang=zh&e={picc_data}&c={mac}",
    "https://tag.example?e={picc_data}&c={mac}",
];

#[test]
fn what_a_tag_says_by_any_template_verifies_by_it() {
    for template in TEMPLATES {
        for mode in [Mode::Aes, Mode::Lrp] {
            let keys = TagKeys::new(set(mode, template));
            let tamper = TamperStatus { permanent: LoopStatus::Open, current: LoopStatus::Closed };
            let mut tag = tag(mode, template).with_file_data(&[0x2A; 100]).with_tamper(tamper);
            for _ in 0..3 {
                let url = tag.touch([1, 2, 3, 4, 5]).unwrap();
                let tap = keys.verify_url(&url).unwrap_or_else(|error| panic!("{error}: {url}"));
                assert_eq!((tap.uid(), tap.counter(), tap.key_version()), (UID, tag.counter(), KeyVersion(3)));
                assert_eq!(tap.tamper(), template.contains("tamper").then_some(tamper), "{url}");
                assert_eq!(tap.file_data().is_empty(), !template.contains("file_data"));
                if template.contains("{file_data:32}") {
                    assert_eq!(tap.file_data(), [0x2A; 16]);
                }
                if template.contains("tamper:17") {
                    assert_eq!(tap.file_data(), [&[0x2A; 17][..], b"OC", &[0x2A; 29]].concat());
                }
                // A chip writes capitals; who hands the URL on may not.
                let (address, rest) = url.split_at(url.find(".example").or(url.find(".com")).unwrap());
                if !template.contains("tamper") {
                    let lower = format!("{address}{}", rest.to_lowercase());
                    assert_eq!(keys.verify_url(&lower).unwrap().counter(), tag.counter(), "{lower}");
                }
            }
        }
    }
}

/// Every character from the first mirror on, replaced by every other that could be there.
#[test]
fn no_character_of_what_the_tag_signed_can_be_changed() {
    for template in TEMPLATES {
        let keys = TagKeys::new(set(Mode::Aes, template));
        let settings = Settings::parse(Mode::Aes, template).unwrap();
        let url = tag(Mode::Aes, template).touch([1, 2, 3, 4, 5]).unwrap();
        let covered = settings.mac_input();
        let host_ends = url.find("://").unwrap() + 3 + url[url.find("://").unwrap() + 3..].find(['/', '?']).unwrap();
        let mirrored = settings.placeholders().flat_map(|(_, place)| place);
        // The host is not compared, nor where it ends: whoever reads the URL is already there.
        for place in mirrored.chain(covered.filter(|place| *place > host_ends)) {
            for other in ["0", "1", "C", "I", "x", "&", "%"] {
                if url[place..].to_uppercase().starts_with(&other.to_uppercase()) {
                    continue;
                }
                let changed = format!("{}{other}{}", &url[..place], &url[place + 1..]);
                assert!(keys.verify_url(&changed).is_err(), "{changed}");
            }
        }
    }
}

#[test]
fn the_other_mode_and_other_templates_do_not_fit() {
    for template in TEMPLATES {
        let url = tag(Mode::Lrp, template).touch([1, 2, 3, 4, 5]).unwrap();
        assert!(TagKeys::new(set(Mode::Aes, template)).verify_url(&url).is_err(), "{url}");
    }
    let url = tag(Mode::Aes, TEMPLATES[5]).touch([0; 5]).unwrap();
    assert_eq!(
        TagKeys::new(set(Mode::Aes, TEMPLATES[0])).verify_url(&url).unwrap_err(),
        TapError::Malformed(MalformedUrl::WrongPath)
    );
}

#[test]
fn a_tap_needs_uid_and_counter() {
    for template in ["https://x/?{mac_input}u={uid}&c={mac}", "https://x/?n={counter}&c={mac}"] {
        let url = tag(Mode::Aes, template).touch([0; 5]).unwrap();
        assert_eq!(TagKeys::new(set(Mode::Aes, template)).verify_url(&url).unwrap_err(), TapError::NotOurs, "{url}");
    }
    let (template, other) = ("https://x/?e={picc_data:uid}&c={mac}", "https://x/?e={picc_data:counter}&c={mac}");
    for template in [template, other] {
        let url = tag(Mode::Lrp, template).touch([0; 5]).unwrap();
        assert_eq!(TagKeys::new(set(Mode::Lrp, template)).verify_url(&url).unwrap_err(), TapError::NotOurs, "{url}");
    }
}

#[test]
fn places_count_as_the_chip_counts() {
    // NXP's AN12196, section 4: the PICC data of this URL is mirrored at 20h of the file and the MAC at 43h, where 7
    // bytes stand before the URL and `https://` is one of them.
    let settings = Settings::parse(Mode::Aes, "https://choose.url.com/ntag424?e={picc_data}&c={mac}").unwrap();
    let in_file = |place: usize| place + 7 - "https://".len();
    let places: Vec<_> = settings.placeholders().map(|(found, place)| (found.mirror, in_file(place.start))).collect();
    assert_eq!(places, [(Mirror::PiccData, 0x20), (Mirror::Mac, 0x43)]);
    assert_eq!(settings.mac_input(), 0x43 + 1..0x43 + 1);
    assert_eq!(settings.blank_url(), format!("https://choose.url.com/ntag424?e={:032}&c={:016}", 0, 0));
    let settings = Settings::parse(Mode::Lrp, "https://x/?e={picc_data}{mac_input}&f={file_data:64}&c={mac}").unwrap();
    assert_eq!(settings.mac_input(), 61..131);
}

/// The MAC of NXP's example (AN12196, table 4) and of recorded chips covers what the template says.
#[test]
fn recorded_urls_are_taken_apart() {
    let read = |template: &str, url: &str| -> Reading {
        let settings = Settings::parse(Mode::Aes, template).unwrap();
        settings.read(url).unwrap_or_else(|error| panic!("{error}: {url}"))
    };
    let reading =
        read(TEMPLATES[1], "https://ntag.nxp.com/ntag424?e=EF963FF7828658A599F3041510671E88&c=94EED9EE65337086");
    assert!(matches!(reading.identity, Identity::Encrypted(_)));
    assert_eq!((reading.mac.to_bytes()[0], &reading.mac_input[..]), (0x94, &b""[..]));
    let reading = read(
        "https://x/?picc={picc_data}&enc={mac_input}{file_data:32}&cmac={mac}",
        "https://x/?picc=fde4afa99b5c820a2c1bb0f1c792d0eb&enc=94592fde69fa06e8e3b6ca686a22842b&cmac=c48b89c17a233b2c",
    );
    assert_eq!(reading.mac_input, b"94592FDE69FA06E8E3B6CA686A22842B&cmac=");
    assert_eq!(reading.file_data.len(), 16);
    let reading = read(TEMPLATES[5], "https://x/?uid=041E3C8A2D6B80&ctr=000006&cmac=4B00064004B0B3D3");
    let Identity::Plain(Mode::Aes, plain) = reading.identity else { panic!("{reading:?}") };
    assert_eq!((plain.uid.unwrap().to_string(), plain.counter.unwrap().value()), ("041E3C8A2D6B80".to_owned(), 6));
}

#[test]
fn every_difference_has_its_own_reason() {
    let (uid, ctr, mac) = ("041E3C8A2D6B80", "000006", "4B00064004B0B3D3");
    let path = TEMPLATES[4];
    assert_eq!(difference(path, &format!("https://x/{uid}x{ctr}/{}", &mac[1..])), MalformedUrl::WrongPath);
    assert_eq!(difference(path, &format!("https://x/{uid}y{ctr}/{mac}")), MalformedUrl::WrongPath);
    assert_eq!(difference(path, "https://x/"), MalformedUrl::WrongPath);
    assert_eq!(
        difference(path, &format!("https://x/{uid}x00000G/{mac}")),
        MalformedUrl::NotHexadecimal(Mirror::Counter)
    );
    assert_eq!(
        difference(path, &format!("https://x/G{}x{ctr}/{mac}", &uid[1..])),
        MalformedUrl::NotHexadecimal(Mirror::Uid)
    );
    let places = TEMPLATES[7];
    assert_eq!(difference(places, "https://x/p"), MalformedUrl::NoQuery);
    let length = |found| MalformedUrl::WrongLength { mirror: Mirror::Uid, expected: 38, found };
    assert_eq!(difference(places, "https://x/p?"), length(0));
    assert_eq!(difference(places, &format!("https://x/p?{uid}x{ctr}x")), length(22));
    assert_eq!(difference(places, &format!("https://x/p?{uid}-{ctr}x{mac}")), MalformedUrl::OtherText);
    assert_eq!(difference(places, &format!("https://x/p?{uid}x{ctr}x{mac}0")), MalformedUrl::OtherText);
    let fragment = TEMPLATES[9];
    assert_eq!(difference(fragment, "https://x/"), MalformedUrl::NoFragment);
    let length = |found| MalformedUrl::WrongLength { mirror: Mirror::PiccData, expected: 52, found };
    assert_eq!(difference(fragment, "https://x/#00"), length(2));
    let e = "0".repeat(32);
    assert_eq!(difference(fragment, &format!("https://x/#{e}.CX.{mac}")), MalformedUrl::NoTamperStatus);
    assert_eq!(difference(fragment, &format!("https://x/#{e}-CC.{mac}")), MalformedUrl::OtherText);
    let parameters = TEMPLATES[10];
    assert_eq!(difference(parameters, &format!("https://x/tt?e={e}&c={mac}")), MalformedUrl::Missing(Mirror::Tamper));
    assert_eq!(
        difference(parameters, &format!("https://x/tt?e={e}&tt=CC&tt=CC&c={mac}")),
        MalformedUrl::Duplicated(Mirror::Tamper)
    );
    let file_data = |f: &str| difference(TEMPLATES[3], &format!("https://x/?picc_data={e}&enc={f}&cmac={mac}"));
    assert_eq!(
        file_data(&"0".repeat(64)),
        MalformedUrl::WrongLength { mirror: Mirror::FileData, expected: 32, found: 64 }
    );
    assert_eq!(file_data(&"0g".repeat(16)), MalformedUrl::NotHexadecimal(Mirror::FileData));
    let fixed = TEMPLATES[12];
    assert_eq!(difference(fixed, &format!("https://x/a%20b?e={e}&c={mac}")), MalformedUrl::OtherText);
    assert_eq!(difference(fixed, &format!("https://x/a%20b?lang=en&e={e}&c={mac}")), MalformedUrl::OtherText);
    assert_eq!(difference(fixed, &format!("https://x/a%20b?lang=zh&lang=zh&e={e}&c={mac}")), MalformedUrl::OtherText);
}

#[test]
fn templates_that_prove_less_than_they_seem_to_are_refused() {
    for (template, reason) in [
        ("", SettingsError::NoMac),
        ("x?e={picc_data}&c={mac}", SettingsError::Url(MalformedUrl::NotAbsolute)),
        ("https://x y/?e={picc_data}&c={mac}", SettingsError::Url(MalformedUrl::IllegalCharacter)),
        ("https://x/?a=%4&e={picc_data}&c={mac}", SettingsError::Url(MalformedUrl::BrokenEscape)),
        ("https://x/?%65={picc_data}&c={mac}", SettingsError::Url(MalformedUrl::EscapedName)),
        ("https://x/?e={picc_data}&e={mac}", SettingsError::Url(MalformedUrl::Duplicated(Mirror::PiccData))),
        ("https://x/?a=1&a=2&e={picc_data}&c={mac}", SettingsError::Url(MalformedUrl::OtherText)),
        ("https://x/?e={picc_data}", SettingsError::NoMac),
        ("https://x/?c={mac}", SettingsError::NoIdentity),
        ("https://x/?e={picc_data&c={mac}", SettingsError::Unknown),
        ("https://x/?e={picc_data}&c={mac", SettingsError::Unclosed),
        ("https://x/?e=picc_data}&c={mac}", SettingsError::Unclosed),
        ("https://x/?e={PICC}&c={mac}", SettingsError::Unknown),
        ("https://x/?e={picc_data:both}&c={mac}", SettingsError::Unknown),
        ("https://x/?e={picc_data}&f={mac_input}{file_data}&c={mac}", SettingsError::Unknown),
        ("https://x/?e={picc_data}&f={mac_input}{file_data:x}&c={mac}", SettingsError::Unknown),
        ("https://x/?e={picc_data}&f={mac_input}{file_data:64,tamper:}&c={mac}", SettingsError::Unknown),
        ("https://x/?e={picc_data}&e2={picc_data}&c={mac}", SettingsError::Twice(Mirror::PiccData)),
        ("https://x/?e={picc_data}&c={mac}&d={mac}", SettingsError::Twice(Mirror::Mac)),
        ("https://x/?{mac_input}e={picc_data}{mac_input}&c={mac}", SettingsError::TwoMacInputs),
        ("https://x/?e={picc_data}&c={mac}{mac_input}", SettingsError::MacInputAfterMac),
        ("https://x/?e={picc_data}&u={uid}&c={mac}", SettingsError::TwoIdentities),
        ("https://{uid}.x/?c={mac}", SettingsError::MirrorInHost),
        ("https://x/?e={picc_data}&t={tamper}&c={mac}", SettingsError::Uncovered(Mirror::Tamper)),
        ("https://x/?e={picc_data}&t={tamper}{mac_input}&c={mac}", SettingsError::Uncovered(Mirror::Tamper)),
        ("https://x/?{mac_input}e={picc_data}&c={mac}&t={tamper}", SettingsError::Uncovered(Mirror::Tamper)),
        ("https://x/?e={picc_data}&f={file_data:32}&c={mac}", SettingsError::Uncovered(Mirror::FileData)),
        ("https://x/?e={picc_data}&f={mac_input}{file_data:0}&c={mac}", SettingsError::FileDataLength),
        ("https://x/?e={picc_data}&f={mac_input}{file_data:48}&c={mac}", SettingsError::FileDataLength),
        (
            "https://x/?e={picc_data}&f={mac_input}{file_data:18446744073709551584}&c={mac}",
            SettingsError::FileDataLength,
        ),
        ("https://x/?e={picc_data}&f={mac_input}{file_data:512}&c={mac}", SettingsError::Url(MalformedUrl::TooLong)),
        ("https://x/?u={uid}&f={mac_input}{file_data:32}&c={mac}", SettingsError::FileDataOfNobody),
        ("https://x/?e={picc_data:uid}&f={mac_input}{file_data:32}&c={mac}", SettingsError::FileDataOfNobody),
        ("https://x/?e={picc_data}&f={mac_input}{file_data:32,tamper:15}&c={mac}", SettingsError::TamperBeyondFileData),
        (
            "https://x/?e={picc_data}&f={mac_input}{file_data:32,tamper:0}{tamper}&c={mac}",
            SettingsError::Twice(Mirror::Tamper),
        ),
    ] {
        assert_eq!(error(template), reason, "{template}");
    }
}

#[test]
fn a_counter_above_the_tags_limit_is_refused() {
    let limit = ReadCounter::new(10).unwrap();
    let settings = || Settings::of_platform(Mode::Aes);
    let limited = KeySet::new(KeyVersion(1), &AesKey::new(MASTER), settings().with_counter_limit(limit));
    let keys = TagKeys::new(limited);
    let mut tag = SoftwareTag::of(
        KeySet::new(KeyVersion(1), &AesKey::new(MASTER), settings()),
        UID,
        ReadCounter::new(9).unwrap(),
    );
    assert_eq!(keys.verify_url(&tag.touch([0; 5]).unwrap()).unwrap().counter(), limit);
    let error = keys.verify_url(&tag.touch([0; 5]).unwrap()).unwrap_err();
    assert!(matches!(error, TapError::Unusable { tag: UID, .. }), "{error}");
}
