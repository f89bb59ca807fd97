//! What everything else is made of, against published examples: AES-CMAC (RFC 4493), LRP (NXP AN12304), the session keys
//! of AuthenticateEV2 (AN12196, AN12321, AN12343).

mod support;

use support::{bytes, field, required, rows, section};
use tag::AesKey;
use tag::cmac::Cmac;
use tag::lrp::{InvalidPadding, Lrp, LrpCmac, PartialBlock, Tables};
use tag::session::{AesSessionKeys, LrpSessionKeys, Randoms};

fn hex(key: &AesKey) -> String {
    key.expose().iter().map(|byte| format!("{byte:02X}")).collect()
}

fn index(row: &serde_json::Value) -> u8 {
    row["updated_key"].as_u64().and_then(|index| u8::try_from(index).ok()).expect("an index")
}

#[test]
fn tables_are_as_published() {
    let row = section("lrp_tables_an12304");
    let tables = Tables::new(&AesKey::new(required(&row, "key")));
    let plaintexts = row["plaintexts"].as_array().unwrap();
    assert_eq!(plaintexts.len(), 16);
    for (ours, published) in tables.plaintexts().into_iter().zip(plaintexts) {
        assert_eq!(ours.to_vec(), bytes(published.as_str().unwrap()));
    }
    for (index, published) in (0..).zip(row["updated_keys"].as_array().unwrap()) {
        assert_eq!(hex(&tables.updated_key(index)), published.as_str().unwrap());
    }
}

#[test]
fn evaluations_are_as_published() {
    let rows = rows("lrp_eval_an12304");
    assert!(rows.len() >= 50);
    for row in rows {
        let lrp = Lrp::new(&AesKey::new(required(&row, "key")), index(&row));
        let nibbles = row["iv_nibbles"].as_str().unwrap().chars().map(|digit| digit.to_digit(16).unwrap());
        let nibbles = nibbles.map(|nibble| u8::try_from(nibble).unwrap());
        let result = lrp.evaluate(nibbles, row["finalize"].as_bool().unwrap());
        assert_eq!(Some(*result.expose()), field(&row, "result"), "{row}");
    }
}

#[test]
fn encryptions_are_as_published() {
    let rows = rows("lrp_lricb_an12304");
    assert!(rows.len() >= 50);
    for row in rows {
        let lrp = Lrp::new(&AesKey::new(required(&row, "key")), 0);
        let text = |name: &str| bytes(row[name].as_str().unwrap());
        let (counter, plaintext, ciphertext) = (text("counter_iv"), text("pt"), text("ct"));
        if row["padding"].as_bool().unwrap() {
            assert_eq!(lrp.encrypt_padded(&mut counter.clone(), &plaintext), ciphertext, "{row}");
            assert_eq!(lrp.decrypt_padded(&mut counter.clone(), &ciphertext), Ok(plaintext), "{row}");
        } else {
            let mut data = plaintext.clone();
            lrp.encrypt(&mut counter.clone(), &mut data).unwrap();
            assert_eq!(data, ciphertext, "{row}");
            lrp.decrypt(&mut counter.clone(), &mut data).unwrap();
            assert_eq!(data, plaintext, "{row}");
        }
    }
}

#[test]
fn the_counter_goes_on_where_it_was_left() {
    let lrp = Lrp::new(&AesKey::new([7; 16]), 1);
    let (mut at_once, mut counter) = ([9; 48], [0xFF, 0xFE]);
    lrp.encrypt(&mut counter, &mut at_once).unwrap();
    assert_eq!(counter, [0x00, 0x01]);
    let (mut in_two, mut counter) = ([9; 48], [0xFF, 0xFE]);
    let (first, second) = in_two.split_at_mut(16);
    lrp.encrypt(&mut counter, first).unwrap();
    lrp.encrypt(&mut counter, second).unwrap();
    assert_eq!(in_two, at_once);
}

#[test]
fn what_is_no_encryption_is_refused() {
    let lrp = Lrp::new(&AesKey::new([7; 16]), 0);
    let (mut counter, mut odd) = ([0; 4], [1; 17]);
    assert_eq!(lrp.encrypt(&mut counter, &mut odd), Err(PartialBlock));
    assert_eq!(lrp.decrypt(&mut counter, &mut odd), Err(PartialBlock));
    assert_eq!((counter, odd), ([0; 4], [1; 17]));
    let refusal = |plaintext: &[u8]| {
        let mut data = plaintext.to_vec();
        lrp.encrypt(&mut [0; 4], &mut data).unwrap();
        lrp.decrypt_padded(&mut [0; 4], &data)
    };
    assert_eq!(refusal(&[]), Err(InvalidPadding));
    assert_eq!(refusal(&[0; 16]), Err(InvalidPadding));
    assert_eq!(refusal(&[0x81; 16]), Err(InvalidPadding));
    assert_eq!(refusal(&[[0x80; 16], [0; 16]].concat()), Err(InvalidPadding));
    assert_eq!(refusal(&[0x80; 16]), Ok(vec![0x80; 15]));
    assert_eq!(lrp.decrypt_padded(&mut [0; 4], &[0; 15]), Err(InvalidPadding));
}

#[test]
fn macs_are_as_published() {
    let rows = rows("lrp_cmac_an12304");
    assert!(rows.len() >= 50);
    for row in rows {
        let cmac = LrpCmac::new(Lrp::new(&AesKey::new(required(&row, "key")), 0));
        let message = bytes(row["msg"].as_str().unwrap());
        assert_eq!(Some(cmac.mac(&message)), field(&row, "mac"), "{row}");
    }
}

#[test]
fn aes_cmacs_are_as_published() {
    let rows = rows("aes_cmac_rfc4493");
    assert!(rows.len() >= 4);
    for row in rows {
        let cmac = Cmac::new(&AesKey::new(required(&row, "key")));
        assert_eq!(Some(cmac.mac(&bytes(row["msg"].as_str().unwrap()))), field(&row, "mac"), "{row}");
    }
}

#[test]
fn sessions_have_the_published_keys() {
    let (mut aes, mut lrp) = (0, 0);
    for row in rows("authenticate_ev2_session_keys") {
        let key = AesKey::new(required(&row, "key"));
        let randoms = Randoms { reader: required(&row, "rnd_a"), chip: required(&row, "rnd_b") };
        if row["mode"] == "AES" {
            let keys = AesSessionKeys::derive(&key, randoms);
            assert_eq!(Some(*keys.encryption.expose()), field(&row, "enc_key"), "{row}");
            assert_eq!(Some(*keys.mac.expose()), field(&row, "mac_key"), "{row}");
            aes += 1;
        } else {
            let keys = LrpSessionKeys::derive(&key, randoms);
            assert_eq!(Some(*keys.encryption_update_key().expose()), field(&row, "enc_update_key"), "{row}");
            assert_eq!(Some(*keys.mac_update_key().expose()), field(&row, "mac_update_key"), "{row}");
            lrp += 1;
        }
    }
    assert!(aes >= 3 && lrp >= 1, "{aes} {lrp}");
}

#[test]
fn keys_do_not_show() {
    let key = AesKey::new([0x11; 16]);
    let tables = Tables::new(&key);
    let lrp = LrpSessionKeys::derive(&key, Randoms { reader: [1; 16], chip: [2; 16] });
    let aes = AesSessionKeys::derive(&key, Randoms { reader: [1; 16], chip: [2; 16] });
    let shown = format!("{tables:?} {lrp:?} {aes:?} {:?}", Cmac::new(&key));
    assert!(!shown.contains(|digit: char| digit.is_ascii_digit()), "{shown}");
}
