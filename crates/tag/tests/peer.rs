//! Another implementation, written by others from the same data sheet, reads what ours writes, and says the same of what
//! it refuses.

use ntag424::key_diversification::{diversify_aes128, diversify_ntag424};
use ntag424::sdm::{SdmUrlOptions, Verifier, sdm_url_config};
use ntag424::types::KeyNumber;
use ntag424::types::file_settings::CryptoMode;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tag::diversification::{Diversifier, Purpose};
use tag::sdm::{LoopStatus, MetaReadKey, Mode, PiccData, PiccRandom, Settings, TamperStatus};
use tag::{AesKey, KeySet, KeyVersion, MalformedUrl, ReadCounter, SoftwareTag, TagKeys, Uid};

const SYSTEM: &[u8] = b"Tapstone";

/// One set-up in the words of both.
struct Setup {
    ours: &'static str,
    theirs: &'static str,
}

const SETUPS: [Setup; 9] = [
    Setup {
        ours: "https://pay.example/t?e={picc_data}&c={mac}",
        theirs: "https://pay.example/t?e={picc:uid+ctr}&c=[[{mac}",
    },
    Setup {
        ours: "https://{mac_input}pay.example/?p={picc_data}&c={mac}",
        theirs: "https://pay.example/?p={picc:uid+ctr}&c={mac}",
    },
    Setup { ours: "https://x/?{mac_input}p={picc_data:uid}&c={mac}", theirs: "https://x/?[[p={picc:uid}&c={mac}" },
    Setup { ours: "https://x/?p={picc_data:counter}&c={mac}", theirs: "https://x/?p={picc:ctr}&c=[[{mac}" },
    Setup { ours: "https://x/?{mac_input}u={uid}&n={counter}&c={mac}", theirs: "https://x/?[[u={uid}&n={ctr}&c={mac}" },
    Setup { ours: "https://x/{mac_input}{uid}/{mac}", theirs: "https://x/[[{uid}/{mac}" },
    Setup {
        ours: "https://x/?p={picc_data}&t={mac_input}{tamper}&c={mac}",
        theirs: "https://x/?p={picc:uid+ctr}&t=[[{tt}&c={mac}",
    },
    Setup {
        ours: "https://x/?p={picc_data}&f={mac_input}{file_data:64}&c={mac}",
        theirs: "https://x/?p={picc:uid+ctr}&f=[[[0000000000000000000000000000000000000000000000000000000000000000]&c={mac}",
    },
    Setup {
        ours: "https://x/?u={uid}&n={counter}&f={mac_input}{file_data:32,tamper:3}&c={mac}",
        theirs: "https://x/?u={uid}&n={ctr}&f=[[[000{tt}000000000000000000000000000]&c={mac}",
    },
];

/// The peer's verifier for a chip with that set-up, shifted to read the URL instead of the file.
fn peer_verifier(setup: &Setup, mode: CryptoMode) -> Verifier {
    let options = SdmUrlOptions { picc_key: KeyNumber::Key1, mac_key: KeyNumber::Key2, ..SdmUrlOptions::default() };
    let config =
        sdm_url_config(setup.theirs, mode, options).unwrap_or_else(|error| panic!("{error}: {}", setup.theirs));
    let verifier = Verifier::try_new(&config.sdm_settings, mode).expect("and can verify it");
    let shift = i32::try_from(config.prefix_len).expect("small") - i32::try_from(config.offset).expect("small");
    verifier.with_offset(shift).expect("within the file")
}

fn modes() -> [(Mode, CryptoMode); 2] {
    [(Mode::Aes, CryptoMode::Aes), (Mode::Lrp, CryptoMode::Lrp)]
}

/// A tag at a moment of its life.
#[derive(Debug)]
struct Life {
    master: [u8; 16],
    uid: [u8; 7],
    count: u32,
    file_data: [u8; 32],
    random: PiccRandom,
    is_opened: bool,
}

fn lives() -> impl Strategy<Value = Life> {
    let random = any::<([u8; 15], [u8; 8])>().prop_map(|(padding, picc_rand)| PiccRandom { padding, picc_rand });
    (any::<[u8; 16]>(), any::<[u8; 7]>(), 0..ReadCounter::MAX.value(), any::<[u8; 32]>(), random, any::<bool>())
        .prop_map(|(master, uid, count, file_data, random, is_opened)| Life {
            master,
            uid,
            count,
            file_data,
            random,
            is_opened,
        })
}

/// Each set-up in either mode, so that there are 1,800 URLs; and each of them with one digit of the MAC changed.
#[test]
fn the_peer_accepts_what_ours_signs_and_nothing_else() {
    let mut runner = TestRunner::deterministic();
    for setup in &SETUPS {
        for (mode, peer_mode) in modes() {
            let verifier = peer_verifier(setup, peer_mode);
            for _ in 0..100 {
                let life = lives().new_tree(&mut runner).unwrap().current();
                compare(setup, mode, &verifier, &life);
            }
        }
    }
}

fn compare(setup: &Setup, mode: Mode, verifier: &Verifier, life: &Life) {
    let settings = Settings::parse(mode, setup.ours).expect("a template");
    let (uid, counter) = (Uid(life.uid), ReadCounter::new(life.count).expect("24 bits"));
    let (opened, closed) = (LoopStatus::Open, LoopStatus::Closed);
    let tamper = TamperStatus { permanent: if life.is_opened { opened } else { closed }, current: closed };
    let keys = || KeySet::new(KeyVersion(1), &AesKey::new(life.master), settings.clone());
    let tag = SoftwareTag::of(keys(), uid, counter).with_file_data(&life.file_data).with_tamper(tamper);
    let url = { tag }.touch_with(life.random).expect("not worn out");

    let meta_read = diversify_aes128(&life.master, b"\xD2\x76\x00\x00\x85\x01\x01\x01Tapstone");
    let file_read = diversify_ntag424(&life.master, &life.uid, KeyNumber::Key2, SYSTEM);
    let theirs = verifier.verify_with_meta_key(url.as_bytes(), &file_read, &meta_read);
    let theirs = theirs.unwrap_or_else(|error| panic!("{error}: {url}"));
    let reading = settings.read(&url).expect("its own URL");
    let meta_read_key = MetaReadKey::new(mode, &AesKey::new(meta_read));
    let ours = reading.identify(&meta_read_key).expect("our key").verify(&AesKey::new(file_read)).expect("our MAC");
    assert_eq!((ours.uid().map(|uid| uid.0), ours.counter().map(ReadCounter::value)), (theirs.uid, theirs.read_ctr));
    assert_eq!(ours.file_data(), theirs.enc_file_data.as_deref().unwrap_or_default());
    assert_eq!(ours.tamper().map(TamperStatus::is_opened), theirs.tamper_status.map(|status| status.is_tampered()));
    if let (Some(uid), Some(counter)) = (ours.uid(), ours.counter()) {
        let tap = TagKeys::new(keys()).verify_url(&url).expect("our tap");
        assert_eq!((tap.uid(), tap.counter()), (uid, counter));
        assert_eq!((uid.0, counter.value()), (life.uid, life.count + 1));
    }

    let last = if url.ends_with('0') { '1' } else { '0' };
    let forged = format!("{}{last}", &url[..url.len() - 1]);
    assert!(verifier.verify_with_meta_key(forged.as_bytes(), &file_read, &meta_read).is_err());
    let reading = settings.read(&forged).expect("still digits");
    assert!(reading.identify(&meta_read_key).expect("our key").verify(&AesKey::new(file_read)).is_err());
}

proptest! {
    #[test]
    fn both_diversify_alike(master: [u8; 16], uid: [u8; 7], m in prop::collection::vec(any::<u8>(), 1..32)) {
        let ours = Diversifier::new(&AesKey::new(master));
        prop_assert_eq!(*ours.derive(Purpose::new(&m).unwrap()).expose(), diversify_aes128(&master, &m));
        let file_read_key = diversify_ntag424(&master, &uid, KeyNumber::Key2, SYSTEM);
        prop_assert_eq!(*ours.derive(Purpose::sdm_file_read(Uid(uid))).expose(), file_read_key);
    }

    /// Blocks of any content, nearly all of them made by nobody: the peer says the same of each.
    #[test]
    fn both_decrypt_any_block_alike(key: [u8; 16], block: [u8; 24], is_lrp: bool) {
        let (mode, peer_mode) = modes()[usize::from(is_lrp)];
        let digits: String = block[..if is_lrp { 24 } else { 16 }].iter().map(|byte| format!("{byte:02X}")).collect();
        let url = format!("https://pay.example/t?e={digits}&c=0000000000000000");
        let reading = Settings::of_platform(mode).read(&url).unwrap();
        let meta_read = MetaReadKey::new(mode, &AesKey::new(key));
        let ours = reading.identify(&meta_read).map(|identified| identified.claimed());
        let theirs = peer_verifier(&SETUPS[0], peer_mode).decrypt_picc_data(&key, url.as_bytes());
        // The peer takes UID lengths that no NTAG 424 DNA has as they come; ours refuses them.
        if let Ok(PiccData { uid, counter }) = ours {
            prop_assert_eq!(theirs.unwrap(), (uid.map(|uid| uid.0), counter.map(ReadCounter::value)));
        }
    }
}

#[test]
fn neither_takes_a_url_that_is_too_short() {
    let url = "https://pay.example/t?e=00";
    assert!(peer_verifier(&SETUPS[0], CryptoMode::Aes).verify(url.as_bytes(), &[0; 16]).is_err());
    let mirror = tag::sdm::Mirror::PiccData;
    let reason = MalformedUrl::WrongLength { mirror, expected: 32, found: 2 };
    assert_eq!(Settings::of_platform(Mode::Aes).read(url).err(), Some(reason));
}

/// What tags in the field have in their slots, for ever: the peer diversifies, the purposes are written out here.
#[test]
fn the_key_of_each_slot_is_the_one_that_the_documents_name() {
    const APPLICATION: [u8; 7] = [0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01];
    let (master, uid) = ([0x42; 16], [0x04, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66]);
    let ours = Diversifier::new(&AesKey::new(master));
    for slot in 0..5 {
        let own = [&APPLICATION[..], &[slot], b"Tapstone"].concat();
        let purpose = if slot == 1 { own } else { [&uid[..], &own].concat() };
        let key = ours.derive(Purpose::of_slot(slot, Uid(uid)));
        assert_eq!(*key.expose(), diversify_aes128(&master, &purpose), "slot {slot}");
    }
}
