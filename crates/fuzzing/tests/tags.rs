//! Everything that a tag, or a reader of one, can say: any bytes, and bytes near what is right. `make fuzz` takes a million
//! of each.

use std::env;

use fuzzing::{Mutations, chip_commands, ndef_messages};

/// How many inputs each target gets.
fn inputs() -> usize {
    env::var("TAPSTONE_CASES").map_or(15_000, |inputs| inputs.parse().expect("a number"))
}

fn run(target: fn(&[u8]), seeds: &[&[u8]], words: &[&[u8]]) {
    let seeds: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.to_vec()).collect();
    seeds.iter().for_each(|seed| target(seed));
    Mutations::new(seeds, words, 1).take(inputs()).for_each(|input| target(&input));
}

/// An action of `chip_commands`: the instruction's place in its list, and how it is protected.
const fn action(instruction: u8, protection: u8) -> u8 {
    instruction << 3 | protection
}

const AUTHENTICATE: u8 = 4;
const PLAIN: u8 = 5;
const MAC: u8 = 6;
const FULL: u8 = 7;
/// SDM of the NDEF file with all that it can do.
const SDM: [u8; 25] =
    [2, 0x40, 0x00, 0xE0, 0xD1, 0xF0, 0x12, 20, 0, 0, 60, 0, 0, 64, 0, 0, 32, 0, 0, 120, 0, 0, 0, 0, 0];

#[test]
fn a_tag_answers_commands_of_any_kind() {
    let mut personalise = vec![0, AUTHENTICATE, action(4, FULL), 22];
    personalise.extend(&SDM[..22]);
    personalise.extend([0, 3, 12, 0x00, 0xA4, 0x04, 0x00, 0x07, 0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01]);
    personalise.extend([
        action(15, PLAIN),
        2,
        0xE1,
        0x04,
        action(16, PLAIN),
        0,
        action(10, PLAIN),
        7,
        2,
        0,
        0,
        0,
        0,
        0,
        0,
    ]);
    let lrp = [0, AUTHENTICATE, action(12, FULL), 11, 5, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, AUTHENTICATE, action(3, MAC), 0];
    let keys = [1, AUTHENTICATE, action(8, MAC), 1, 0, action(9, MAC), 0, action(2, PLAIN), 0, action(2, PLAIN), 0, 1];
    let change = [0, AUTHENTICATE, action(5, FULL), 18, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 1, 0];
    let tamper = [1, AUTHENTICATE, action(12, FULL), 3, 7, 1, 0x0E, 0, 2, AUTHENTICATE, action(14, MAC), 0, 0x82];
    let write = [0, action(13, PLAIN), 9, 2, 0, 0, 0, 2, 0, 0, 0xAA, 0xBB, action(10, PLAIN), 7, 2, 0, 0, 0, 2, 0, 0];
    let words: [&[u8]; 6] =
        [&[AUTHENTICATE], &SDM, &[0xE1, 0x04], &[0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01], &[0x90, 0xAF], &lrp[2..15]];
    run(chip_commands, &[&personalise, &lrp, &keys, &change, &tamper, &write], &words);
}

#[test]
fn a_tag_has_messages_of_any_bytes() {
    let both = b"\x91\x01\x10U\x04example.com/p/1T\x0f\x0fandroid.com:pkgcom.example.pay";
    let poster = b"\xd1\x02\x12Sp\x91\x01\x05U\x04a.bcQ\x01\x05T\x02enHi";
    let long = b"\xc9\x01\x00\x00\x00\x03\x02U\x69\x64\x04a.b";
    let file = b"\x00\x0e\xd1\x01\x0aU\x03nfcpy.org\x00\x00";
    let text = b"\xd1\x01\x0bT\x82en\xff\xfeP\x00a\x00y\x00";
    run(ndef_messages, &[both, poster, long, file, text], &[b"U", b"T\x02en", &[0xFF; 4], b"\xd8\x00", b"\x82"]);
}
