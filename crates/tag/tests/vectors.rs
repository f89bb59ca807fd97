//! The published examples of NXP's notes, and recordings of real chips, that SDM in AES mode has.

use serde_json::Value;
use tag::diversification::{Diversifier, Purpose};
use tag::sdm::{InvalidPiccData, MetaReadKey, PartialBlock, PiccData, SdmMac, SessionKeys};
use tag::{AesKey, ReadCounter, Uid};

const VECTORS: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/sun_vectors.json"));

fn rows(section: &str) -> Vec<Value> {
    let vectors: Value = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    vectors[section].as_array().expect("a section is a list").clone()
}

fn bytes(hex: &str) -> Vec<u8> {
    let digit = |digit: u8| char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok()).expect("a digit");
    hex.as_bytes().chunks(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}

/// The field's bytes, or nothing if it is null or missing.
fn field<const N: usize>(row: &Value, name: &str) -> Option<[u8; N]> {
    row[name].as_str().map(|hex| bytes(hex).try_into().expect("the field has its length"))
}

fn identity(row: &Value) -> (Uid, ReadCounter) {
    let counter = row["counter"].as_u64().and_then(|counter| u32::try_from(counter).ok());
    let counter = counter.map(ReadCounter::new).expect("a counter").expect("of 24 bits");
    (Uid(field(row, "uid").expect("a UID")), counter)
}

fn session_keys(row: &Value, file_read_key: &str) -> SessionKeys {
    let (uid, counter) = identity(row);
    let key = AesKey::new(field(row, file_read_key).expect("a key"));
    SessionKeys::derive(&key, PiccData { uid: Some(uid), counter: Some(counter) })
}

fn aes_rows() -> Vec<Value> {
    rows("sun").into_iter().filter(|row| row["mode"] == "AES").collect()
}

#[test]
fn picc_data_decrypts_to_uid_and_counter() {
    let mut checked = 0;
    for row in aes_rows() {
        let Some(picc_data) = field(&row, "picc_data") else { continue };
        let (uid, counter) = identity(&row);
        let plaintext = row["expected_picc_plaintext"].as_str().unwrap();
        let [low, middle, high, _] = counter.value().to_le_bytes();
        assert!(plaintext.starts_with(&format!("C7{uid}{low:02X}{middle:02X}{high:02X}")), "{row}");
        let meta_read = MetaReadKey::new(&AesKey::new(field(&row, "meta_read_key").unwrap()));
        let expected = PiccData { uid: Some(uid), counter: Some(counter) };
        assert_eq!(meta_read.decrypt(picc_data), Ok(expected), "{row}");
        checked += 1;
    }
    assert_eq!(checked, 8);
}

#[test]
fn session_keys_are_as_published() {
    for row in aes_rows() {
        let keys = session_keys(&row, "file_read_key");
        assert_eq!(Some(*keys.encryption_key().expose()), field(&row, "expected_session_enc_key"), "{row}");
        assert_eq!(Some(*keys.mac_key().expose()), field(&row, "expected_session_mac_key"), "{row}");
    }
    let published = rows("sdm_session_keys");
    for row in &published {
        let keys = session_keys(row, "key");
        assert_eq!(Some(*keys.encryption_key().expose()), field(row, "enc_key"), "{row}");
        assert_eq!(Some(*keys.mac_key().expose()), field(row, "mac_key"), "{row}");
    }
    assert_eq!((aes_rows().len(), published.len()), (10, 1));
}

#[test]
fn right_macs_match_and_the_wrong_one_does_not() {
    let (mut right, mut wrong) = (0, 0);
    for row in aes_rows() {
        let Some(mac) = field(&row, "cmac") else { continue };
        let input = row["mac_input_ascii"].as_str().unwrap();
        let matches = session_keys(&row, "file_read_key").mac(input.as_bytes()) == SdmMac::new(mac);
        assert_eq!(matches, row["valid"].as_bool().unwrap(), "{row}");
        if matches { right += 1 } else { wrong += 1 }
    }
    assert_eq!((right, wrong), (8, 1));
}

#[test]
fn file_data_decrypts() {
    let mut checked = 0;
    for row in aes_rows() {
        let Some(ciphertext) = row["enc_file_data"].as_str() else { continue };
        let keys = session_keys(&row, "file_read_key");
        let counter = identity(&row).1;
        let plaintext = keys.decrypt_file_data(counter, &bytes(ciphertext)).unwrap();
        assert_eq!(plaintext, bytes(row["expected_file_data_hex"].as_str().unwrap()), "{row}");
        assert_eq!(keys.decrypt_file_data(counter, &[0; 17]), Err(PartialBlock));
        checked += 1;
    }
    assert_eq!(checked, 4);
}

#[test]
fn an10922_diversifies() {
    let published = rows("an10922_aes128");
    for row in &published {
        let master = Diversifier::new(&AesKey::new(field(row, "master_key").unwrap()));
        let key = master.derive(Purpose::new(&bytes(row["M"].as_str().unwrap())).unwrap());
        assert_eq!(Some(*key.expose()), field(row, "diversified_key"));
    }
    assert_eq!(published.len(), 1);
    assert!(Purpose::new(&[]).is_err());
    assert!(Purpose::new(&[0; 32]).is_err());
}

/// The PICCDataTag says what follows; what it cannot say is refused (NT4H2421Gx section 9.3.4).
#[test]
fn the_picc_data_tag_is_read_strictly() {
    use aes::cipher::{BlockCipherEncrypt, KeyInit};
    let decrypt = |tag: u8| {
        let mut block = [tag, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].into();
        aes::Aes128Enc::new(&[7; 16].into()).encrypt_block(&mut block);
        MetaReadKey::new(&AesKey::new([7; 16])).decrypt(block.into())
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
