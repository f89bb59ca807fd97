//! A chip that is given what the order says answers with URLs that the platform takes.

#![allow(clippy::unwrap_used)]

use chip::access::KeyNumber;
use chip::settings::{FileSettings, Place};
use chip::{Chip, ChipImage, FileNumber, Origin};
use factory::{Order, OrderCode, Seed};
use tag::diversification::{Diversifier, Purpose};
use tag::{AesKey, KeyVersion, TagKeys, Uid};

#[test]
fn a_chip_personalised_as_the_order_says_is_the_platforms() {
    let master = || AesKey::new([0x42; 16]);
    let version = KeyVersion(1);
    let code = OrderCode::from_bits(7);
    let order = Order::new(code, 100, 100, version, "https://pay.example", Seed([0; 16])).unwrap();
    let uid = Uid([4, 1, 2, 3, 4, 5, 6]);

    let mut image = ChipImage::at_delivery(Origin::new(uid));
    let diversifier = Diversifier::new(&master());
    let key = |number| KeyNumber::new(number).unwrap();
    image.set_key(key(1), diversifier.derive(Purpose::sdm_meta_read()), version.0);
    image.set_key(key(2), diversifier.derive(Purpose::sdm_file_read(uid)), version.0);
    let file = &order.template().file;
    image.contents_mut(FileNumber::Ndef)[..file.len()].copy_from_slice(file);
    let place = Place { file_size: 256, picc_data_length: 32, sdm: true };
    let settings = FileSettings::parse(&order.template().file_settings(), place).unwrap();
    image.set_settings(FileNumber::Ndef, settings).unwrap();

    let mut chip = Chip::new(image);
    let mut random = |bytes: &mut [u8]| bytes.fill(7);
    for count in 1..=3 {
        let mut respond = |apdu: &[u8]| chip.respond(apdu, &mut random).to_bytes();
        respond(&[0x00, 0xA4, 0x04, 0x00, 0x07, 0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01]);
        assert_eq!(respond(&[0x00, 0xA4, 0x00, 0x0C, 0x02, 0xE1, 0x04]), [0x90, 0x00]);
        let read = respond(&[0x00, 0xB0, 0x00, 0x00, u8::try_from(file.len()).unwrap()]);
        let url = format!("https://{}", std::str::from_utf8(&read[7..file.len()]).unwrap());
        let tap = TagKeys::from_master(&master()).verify_url(&url).unwrap();
        assert_eq!((tap.uid(), tap.counter().value()), (uid, count));
        chip.power_cycle();
    }
}
