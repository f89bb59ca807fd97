//! The published examples of NXP's notes, and recordings of real chips: SDM in both modes, diversification, originality.

mod support;

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use serde_json::Value;
use support::{bytes, field, required, rows, section};
use tag::cmac::Cmac;
use tag::diversification::{Diversifier, Purpose};
use tag::lrp::PartialBlock;
use tag::sdm::{
    EncryptedPiccData, Identity, InvalidPiccData, MetaReadKey, Mode, PiccData, PiccDataLength, PiccRandom, Reading,
    ReadingError, SdmMac, SessionKeys, Tamper, lrp_master_key,
};
use tag::{AesKey, ReadCounter, Uid, originality};

fn mode(row: &Value) -> Mode {
    match row["mode"].as_str() {
        Some("AES") => Mode::Aes,
        Some("LRP") => Mode::Lrp,
        other => panic!("mode {other:?}"),
    }
}

/// UID and counter, as far as the row has them.
fn identity(row: &Value) -> PiccData {
    let counter = row["counter"].as_u64().and_then(|counter| u32::try_from(counter).ok());
    PiccData {
        uid: field(row, "uid").map(Uid),
        counter: counter.map(|counter| ReadCounter::new(counter).expect("24 bits")),
    }
}

fn key(row: &Value, name: &str) -> AesKey {
    AesKey::new(required(row, name))
}

#[test]
fn picc_data_decrypts_and_encrypts() {
    let (mut aes, mut lrp) = (0, 0);
    for row in rows("sun") {
        let Some(hex) = row["picc_data"].as_str() else { continue };
        let picc_data = EncryptedPiccData::try_from(&*bytes(hex)).unwrap();
        let meta_read = MetaReadKey::new(mode(&row), &key(&row, "meta_read_key"));
        assert_eq!(meta_read.decrypt(&picc_data), Ok(identity(&row)), "{row}");

        let plaintext: [u8; 16] = required(&row, "expected_picc_plaintext");
        let length = 1 + identity(&row).uid.map_or(0, |_| 7) + identity(&row).counter.map_or(0, |_| 3);
        let mut random = PiccRandom::default();
        random.padding[..16 - length].copy_from_slice(&plaintext[length..]);
        random.picc_rand = *picc_data.as_bytes().first_chunk().unwrap();
        assert_eq!(meta_read.encrypt(identity(&row), random), picc_data, "{row}");
        if mode(&row) == Mode::Aes { aes += 1 } else { lrp += 1 }
    }
    assert!(aes >= 8 && lrp >= 4, "{aes} {lrp}");
}

#[test]
fn session_keys_are_as_published() {
    let (mut aes, mut lrp) = (0, 0);
    for row in rows("sun") {
        let file_read = key(&row, "file_read_key");
        match SessionKeys::derive(mode(&row), &file_read, identity(&row)) {
            SessionKeys::Aes { encryption, mac } => {
                assert_eq!(Some(*encryption.expose()), field(&row, "expected_session_enc_key"), "{row}");
                assert_eq!(Some(*mac.expose()), field(&row, "expected_session_mac_key"), "{row}");
                aes += 1;
            }
            SessionKeys::Lrp(_) => {
                let master = lrp_master_key(&file_read, identity(&row));
                assert_eq!(Some(*master.expose()), field(&row, "expected_lrp_session_master_key"), "{row}");
                lrp += 1;
            }
        }
    }
    assert!(aes >= 10 && lrp >= 5, "{aes} {lrp}");
    let published = rows("sdm_session_keys");
    assert!(!published.is_empty());
    for row in published {
        let keys = SessionKeys::derive(Mode::Aes, &key(&row, "key"), identity(&row));
        let SessionKeys::Aes { encryption, mac } = keys else { panic!("asked for AES") };
        assert_eq!(Some(*encryption.expose()), field(&row, "enc_key"), "{row}");
        assert_eq!(Some(*mac.expose()), field(&row, "mac_key"), "{row}");
    }
}

#[test]
fn readings_with_a_mac_verify_as_they_should() {
    let (mut right, mut wrong) = (0, 0);
    for row in rows("sun") {
        let Some(mac) = field(&row, "cmac") else { continue };
        let identity_said = match row["picc_data"].as_str() {
            Some(hex) => Identity::Encrypted(EncryptedPiccData::try_from(&*bytes(hex)).unwrap()),
            None => Identity::Plain(mode(&row), identity(&row)),
        };
        let reading = Reading {
            identity: identity_said,
            mac_input: row["mac_input_ascii"].as_str().unwrap().into(),
            mac: SdmMac::new(mac),
            file_data: row["enc_file_data"].as_str().map(bytes).unwrap_or_default(),
            tamper: Tamper::None,
            counter_limit: ReadCounter::MAX,
        };
        let meta_read = AesKey::new(field(&row, "meta_read_key").unwrap_or_default());
        let meta_read = MetaReadKey::new(mode(&row), &meta_read);
        let verified = reading.identify(&meta_read).unwrap().verify(&key(&row, "file_read_key"));
        if row["valid"] == true {
            let verified = verified.unwrap_or_else(|error| panic!("{error}: {row}"));
            assert_eq!((verified.uid(), verified.counter()), (identity(&row).uid, identity(&row).counter));
            let file_data = row["expected_file_data_hex"].as_str().map(bytes).unwrap_or_default();
            assert_eq!(verified.file_data(), file_data, "{row}");
            right += 1;
        } else {
            assert_eq!(verified, Err(ReadingError::WrongMac), "{row}");
            wrong += 1;
        }
    }
    assert!(right >= 11 && wrong >= 1, "{right} {wrong}");
}

#[test]
fn file_data_decrypts_and_encrypts() {
    let (mut aes, mut lrp) = (0, 0);
    for row in rows("sun") {
        let Some(ciphertext) = row["enc_file_data"].as_str().map(bytes) else { continue };
        let keys = SessionKeys::derive(mode(&row), &key(&row, "file_read_key"), identity(&row));
        let counter = identity(&row).counter.unwrap();
        let mut data = ciphertext.clone();
        keys.decrypt_file_data(counter, &mut data).unwrap();
        assert_eq!(data, bytes(row["expected_file_data_hex"].as_str().unwrap()), "{row}");
        keys.encrypt_file_data(counter, &mut data).unwrap();
        assert_eq!(data, ciphertext, "{row}");
        assert_eq!(keys.decrypt_file_data(counter, &mut [0; 17]), Err(PartialBlock));
        assert_eq!(keys.encrypt_file_data(counter, &mut [0; 17]), Err(PartialBlock));
        if mode(&row) == Mode::Aes { aes += 1 } else { lrp += 1 }
    }
    assert!(aes >= 4 && lrp >= 1, "{aes} {lrp}");
}

#[test]
fn an10922_diversifies() {
    let published = rows("an10922_aes128");
    assert!(!published.is_empty());
    for row in published {
        let master = Diversifier::new(&key(&row, "master_key"));
        let diversified = master.derive(Purpose::new(&bytes(row["M"].as_str().unwrap())).unwrap());
        assert_eq!(Some(*diversified.expose()), field(&row, "diversified_key"));
    }
    assert!(Purpose::new(&[]).is_err());
    assert!(Purpose::new(&[0; 32]).is_err());
}

/// Bolt cards derive their keys by plain CMACs, in two ways; a platform that takes them in can do so too.
#[test]
fn bolt_cards_keys_derive() {
    let derive = |key: &AesKey, label: u8, rest: &[u8]| {
        AesKey::new(Cmac::new(key).mac(&[&[0x2D, 0x00, 0x3F, label], rest].concat()))
    };
    let deterministic = rows("boltcard_deterministic");
    assert!(!deterministic.is_empty());
    for row in deterministic {
        let (issuer, uid): (_, [u8; 7]) = (key(&row, "issuer_key_k0"), required(&row, "uid"));
        let first = derive(&issuer, 0x77, &bytes(row["batch"].as_str().unwrap()));
        assert_eq!(Some(*first.expose()), field(&row, "K1"), "{row}");
        for (name, label) in [("K2", 0x78), ("K3", 0x79), ("K4", 0x7A)] {
            assert_eq!(Some(*derive(&first, label, &uid).expose()), field(&row, name), "{name} {row}");
        }
    }
    let second_version = rows("boltcard_derivation_v2");
    assert!(second_version.len() >= 3);
    for row in second_version {
        let (issuer, uid): (_, [u8; 7]) = (key(&row, "issuer_key"), required(&row, "uid"));
        let version = u32::try_from(row["version"].as_u64().unwrap()).unwrap().to_le_bytes();
        let card = derive(&issuer, 0x75, &[&uid[..], &version].concat());
        assert_eq!(Some(*card.expose()), field(&row, "card_key"), "{row}");
        for (name, label) in [("k0", 0x76), ("k2", 0x78), ("k3", 0x79), ("k4", 0x7A)] {
            assert_eq!(Some(*derive(&card, label, &[]).expose()), field(&row, name), "{name} {row}");
        }
        assert_eq!(Some(*derive(&issuer, 0x77, &[]).expose()), field(&row, "k1"), "{row}");
        assert_eq!(Some(*derive(&issuer, 0x7B, &uid).expose()), field(&row, "card_id"), "{row}");
    }
}

#[test]
fn nxps_chips_are_told_from_others() {
    let cases = section("originality_signature")["cases"].as_array().unwrap().clone();
    let mut original = 0;
    for row in &cases {
        let verdict = originality::verify(Uid(required(row, "uid")), &required(row, "sig"));
        assert_eq!(verdict.is_ok(), row["valid"] == true, "{row}");
        original += usize::from(verdict.is_ok());
    }
    assert!(original >= 6 && cases.len() > original, "{original} of {}", cases.len());
    for nonsense in [[0; 56], [0xFF; 56]] {
        assert!(originality::verify(Uid([4; 7]), &nonsense).is_err());
    }
}

/// The PICCDataTag says what follows; what it cannot say is refused (NT4H2421Gx section 9.3.4).
#[test]
fn the_picc_data_tag_is_read_strictly() {
    let decrypt = |tag: u8| {
        let mut block = [tag, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].into();
        aes::Aes128Enc::new(&[7; 16].into()).encrypt_block(&mut block);
        MetaReadKey::new(Mode::Aes, &AesKey::new([7; 16])).decrypt(&EncryptedPiccData::Aes(block.into()))
    };
    let uid = Some(Uid([1, 2, 3, 4, 5, 6, 7]));
    let counter = |value| Some(ReadCounter::new(value).unwrap());
    for tag in 0..=u8::MAX {
        let expected = match tag {
            0xC7 => Ok(PiccData { uid, counter: counter(0x000A_0908) }),
            0x87 => Ok(PiccData { uid, counter: None }),
            0x40 => Ok(PiccData { uid: None, counter: counter(0x0003_0201) }),
            0x00 => Ok(PiccData { uid: None, counter: None }),
            _ => Err(InvalidPiccData),
        };
        assert_eq!(decrypt(tag), expected, "{tag:#04x}");
    }
}

#[test]
fn picc_data_of_the_other_mode_is_not_decrypted() {
    for (mode, other) in [(Mode::Aes, Mode::Lrp), (Mode::Lrp, Mode::Aes)] {
        let key = AesKey::new([7; 16]);
        let nobody = PiccData { uid: None, counter: None };
        let picc_data = MetaReadKey::new(mode, &key).encrypt(nobody, PiccRandom::default());
        assert_eq!(picc_data.mode(), mode);
        assert_eq!(MetaReadKey::new(mode, &key).decrypt(&picc_data), Ok(nobody));
        assert_eq!(MetaReadKey::new(other, &key).decrypt(&picc_data), Err(InvalidPiccData));
    }
    for length in (0..40).filter(|length| ![16, 24].contains(length)) {
        assert_eq!(EncryptedPiccData::try_from(&vec![0; length][..]), Err(PiccDataLength));
    }
}
