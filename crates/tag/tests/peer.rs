//! Another implementation, written by others from the same data sheet, reads what ours writes.

use ntag424::key_diversification::{diversify_aes128, diversify_ntag424};
use ntag424::sdm::{SdmUrlOptions, Verifier, sdm_url_config};
use ntag424::types::KeyNumber;
use ntag424::types::file_settings::CryptoMode;
use proptest::prelude::*;
use tag::diversification::{Diversifier, Purpose};
use tag::{AesKey, ReadCounter, SoftwareTag, TagKeys, Uid};

const BASE_URL: &str = "https://pay.example/t";
const SYSTEM: &[u8] = b"Tapstone";

/// The peer's verifier for a chip that was personalised with our URL, shifted to read the URL instead of the file.
fn peer_verifier() -> Verifier {
    let options = SdmUrlOptions { picc_key: KeyNumber::Key1, mac_key: KeyNumber::Key2, ..SdmUrlOptions::default() };
    let template = format!("{BASE_URL}?e={{picc:uid+ctr}}&c=[[{{mac}}");
    let config = sdm_url_config(&template, CryptoMode::Aes, options).expect("the peer knows our URL");
    let verifier = Verifier::try_new(&config.sdm_settings, CryptoMode::Aes).expect("and can verify it");
    let shift = i32::try_from(config.prefix_len).expect("small") - i32::try_from(config.offset).expect("small");
    verifier.with_offset(shift).expect("within the file")
}

#[test]
fn the_peer_accepts_a_thousand_touches() {
    let master = [0x5A; 16];
    let verifier = peer_verifier();
    assert!(verifier.mac_range().is_empty(), "our MAC is over nothing");
    // The peer's diversification wants a UID, so the key that has none comes from its general form of AN10922.
    let meta_read_key = diversify_aes128(&master, b"\xD2\x76\x00\x00\x85\x01\x01\x01Tapstone");
    let ours = TagKeys::from_master(&AesKey::new(master));
    for (index, uid) in (0..20_u8).map(|n| [0x04, n, 0x1E, 0xAC, 0xC0, 0x40 ^ n, 0x80]).enumerate() {
        let start = ReadCounter::new(u32::try_from(index).unwrap() * 800_000).unwrap();
        let mut tag = SoftwareTag::new(&AesKey::new(master), Uid(uid), start, BASE_URL).unwrap();
        for touch in 1..=50_u8 {
            let url = tag.touch([touch, 0xFF, 0, 1, 2]).unwrap();
            let (claimed, _) = verifier.decrypt_picc_data(&meta_read_key, url.as_bytes()).unwrap();
            let file_read_key = diversify_ntag424(&master, &claimed.unwrap(), KeyNumber::Key2, SYSTEM);
            let theirs = verifier.verify_with_meta_key(url.as_bytes(), &file_read_key, &meta_read_key).unwrap();
            let expected = start.value() + u32::from(touch);
            assert_eq!((theirs.uid, theirs.read_ctr), (Some(uid), Some(expected)));
            let verified = ours.verify_url(&url).unwrap();
            assert_eq!((verified.uid(), verified.counter().value()), (Uid(uid), expected));
        }
    }
}

proptest! {
    #[test]
    fn both_diversify_alike(master: [u8; 16], uid: [u8; 7], m in prop::collection::vec(any::<u8>(), 1..32)) {
        let ours = Diversifier::new(&AesKey::new(master));
        prop_assert_eq!(*ours.derive(Purpose::new(&m).unwrap()).expose(), diversify_aes128(&master, &m));
        let file_read_key = diversify_ntag424(&master, &uid, KeyNumber::Key2, SYSTEM);
        prop_assert_eq!(*ours.derive(Purpose::sdm_file_read(Uid(uid))).expose(), file_read_key);
    }
}
