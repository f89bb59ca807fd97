//! Exchanges that others published or recorded from chips, with the chip's part played by this one.
//!
//! Rows were made from the reader's side: some have answers that no chip gives (they test a reader's refusals) or files
//! that the chip does not have. Those are named here with the reason, and counted.

use std::boxed::Box;
use std::collections::VecDeque;
use std::string::{String, ToString};
use std::vec::Vec;

use serde_json::Value;
use tag::cmac::Cmac;
use tag::session::Randoms;
use tag::{AesKey, Uid};

use crate::access::KeyNumber;
use crate::chip::Selected;
use crate::messaging::{Session, Suite};
use crate::settings::FileSettings;
use crate::{Chip, ChipImage, FileNumber, Origin};

fn rows() -> Vec<Value> {
    let vectors = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/apdu_vectors.json"));
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    vectors["apdu"].as_array().unwrap().clone()
}

fn bytes(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        digits.bytes().map(|digit| u8::try_from(char::from(digit).to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn array<const N: usize>(digits: &str) -> [u8; N] {
    bytes(digits).try_into().unwrap()
}

/// Why a row is not played.
const TAMPERED: &str = "the answer was tampered with, to see a reader refuse it";
const OTHER_SIZE: &str = "the file has another size than the chip's";
const NOT_THE_CHIPS: &str = "the answer breaks the protocol, to see a reader refuse it";

const UNLIKE_CHIPS: &str = "the switch to LRP is answered with a MAC, which NXP's note and chips do without";

/// Rows that no chip can play.
const SKIPPED: [(&str, &str); 17] = [
    ("commands::get_file_counters::get_file_counters_rejects_bad_mac", TAMPERED),
    ("commands::get_key_version::get_key_version_rejects_bad_trailer", TAMPERED),
    ("commands::get_version::get_version_mac_rejects_bad_trailer", TAMPERED),
    ("commands::read_data::read_data_mac_rejects_bad_trailer", TAMPERED),
    ("commands::read_sig::read_sig_mac_rejects_bad_trailer", TAMPERED),
    ("commands::write_data::write_data_mac_rejects_bad_trailer", TAMPERED),
    ("commands::get_tt_status::get_tt_status_rejects_unexpected_ciphertext_length", NOT_THE_CHIPS),
    ("commands::iso_read_binary::rejects_overlong_response", NOT_THE_CHIPS),
    ("commands::iso_update_binary::file_not_found_surfaces_as_error", NOT_THE_CHIPS),
    ("session::authenticate_lrp_rejects_wrong_auth_mode", NOT_THE_CHIPS),
    ("commands::iso_read_binary::encodes_15_bit_offset_across_p1_p2", OTHER_SIZE),
    ("commands::iso_read_binary::short_file_id_selects_and_targets_ef", OTHER_SIZE),
    ("commands::iso_update_binary::fifteen_bit_offset_splits_across_p1_p2", OTHER_SIZE),
    ("commands::read_data::read_data_full_chunks_at_239_byte_boundary", OTHER_SIZE),
    ("commands::read_data::read_data_plain_encodes_offset_and_length_little_endian", OTHER_SIZE),
    ("session::unauthenticated::read_file_unauthenticated_stops_on_short_payload", OTHER_SIZE),
    ("commands::set_configuration::set_configuration_multi_option_advances_counter_in_order", UNLIKE_CHIPS),
];

/// Rows of which the first exchanges show a file of another size, and the others can be played.
const PLAYED_FROM_THE_SECOND: [&str; 4] = [
    "session::read_file_uses_configured_mode_when_authenticated_key_grants_read",
    "session::read_file_uses_plain_when_only_free_access_grants_read",
    "session::write_file_uses_configured_mode_when_authenticated_key_grants_write",
    "session::write_file_uses_plain_when_only_write_access_is_free",
];

#[test]
fn every_row_that_a_chip_can_play() {
    let rows = rows();
    assert_eq!(rows.len(), 79);
    let (mut played, mut skipped, mut exchanges, mut from_chips) = (0, 0, 0, 0);
    let mut wrong = Vec::new();
    for row in &rows {
        let name = row["name"].as_str().unwrap();
        if SKIPPED.iter().any(|(skipped, _)| *skipped == name) {
            skipped += 1;
            continue;
        }
        played += 1;
        from_chips += usize::from(row["origin"] == "hardware-capture");
        let first = if PLAYED_FROM_THE_SECOND.contains(&name) { 1 } else { 0 };
        let (mut chip, mut script) = Setup::of(row, first);
        for exchange in row["exchanges"].as_array().unwrap().iter().skip(first) {
            let mut random = |slots: &mut [u8]| {
                slots.iter_mut().for_each(|slot| *slot = script.pop_front().unwrap_or(0));
            };
            let response = chip.respond(&bytes(exchange["c_apdu"].as_str().unwrap()), &mut random);
            let expected = [exchange["r_data"].as_str().unwrap(), exchange["sw"].as_str().unwrap()].concat();
            let answered: String = response.to_bytes().iter().map(|byte| std::format!("{byte:02X}")).collect();
            exchanges += 1;
            if answered != expected {
                wrong.push(std::format!("{name} {}:\n  answered {answered}\n  expected {expected}", exchange["cmd"]));
                break;
            }
        }
    }
    assert!(wrong.is_empty(), "{}\n{}", wrong.join("\n"), wrong.len());
    assert_eq!((played, skipped, exchanges, from_chips), (62, 17, 113, 30));
}

/// How a chip is when a row begins.
struct Setup {
    image: ChipImage,
    selected: Selected,
    session: Option<Session>,
    /// What the chip's random generator says.
    script: VecDeque<u8>,
}

impl Setup {
    fn of(row: &Value, first: usize) -> (Chip, VecDeque<u8>) {
        let name = row["name"].as_str().unwrap();
        let uid = if name.contains("lrp_getcarduid") { array("04940D2A2F7080") } else { uid_of(row) };
        let mut origin = Origin::new(Uid(uid));
        origin.production = array("CF5D9045104621");
        if name.ends_with("get_version_mac_roundtrip") {
            origin.software_version = [1, 1];
            origin.production = array("CD65935D402118");
        }
        let session = row["session"].as_array().unwrap();
        let lrp = session.iter().any(|step| step["state"] == "LRP" || step["mode"] == "LRP");
        let mut setup = Self {
            image: ChipImage::at_delivery(origin),
            selected: Selected::Application { file: None },
            session: None,
            script: VecDeque::new(),
        };
        setup.image.configuration.lrp = lrp;
        let handshake = row["exchanges"][1]["cmd"] == "AuthenticateEV2First";
        if handshake {
            setup.script_handshakes(session);
        } else if !session.is_empty() {
            setup.session = Some(session_of(row, first));
        }
        setup.adjust(name, row);
        let Self { image, selected, session, script } = setup;
        let mut chip = Chip::new(image);
        chip.volatile.selected = selected;
        chip.volatile.session = session;
        chip.set_tamper_loop(false);
        (chip, script)
    }

    /// The chip's challenges and the transaction's identifier, in the order in which it needs them.
    fn script_handshakes(&mut self, session: &[Value]) {
        for step in session {
            match (step["rnd_b"].as_str(), step["ti"].as_str()) {
                (Some(rnd_b), _) => self.script.extend(bytes(rnd_b)),
                (None, Some(ti)) => self.script.extend(bytes(ti)),
                (None, None) => {}
            }
        }
    }

    fn settings(&mut self, number: FileNumber, change: &str) {
        let settings = FileSettings::parse(&bytes(change), self.image.place(number));
        self.image.set_settings(number, settings.unwrap()).unwrap();
    }

    fn contents(&mut self, number: FileNumber, contents: &[u8]) {
        self.image.contents_mut(number)[..contents.len()].copy_from_slice(contents);
    }

    fn select(&mut self, number: FileNumber) {
        self.selected = Selected::Application { file: Some(number) };
    }

    /// What a row takes for granted without saying so.
    fn adjust(&mut self, name: &str, row: &Value) {
        let (_, test) = name.rsplit_once("::").unwrap();
        for (tests, number, settings) in SETTINGS {
            if tests.contains(&test) {
                self.settings(number, settings);
            }
        }
        for (tests, number, contents) in CONTENTS {
            if tests.contains(&test) {
                self.contents(number, &bytes(contents));
            }
        }
        self.image.origin.tag_tamper = test.starts_with("get_tt_status") || test.starts_with("get_version");
        self.image.configuration.tamper_enabled = test == "get_tt_status_hw_lrp_open";
        self.adjust_to_answers(test, row);
    }

    /// What can only be known from the answers, or takes more than a line.
    fn adjust_to_answers(&mut self, test: &str, row: &Value) {
        let answer = |index: usize| bytes(row["exchanges"][index]["r_data"].as_str().unwrap());
        let numbers: Vec<u8> = (0..=255).collect();
        match test {
            "get_file_counters_counter_byte_order" => self.image.read_counter = 0x03_0201,
            "get_file_counters_full_mode_roundtrip" => self.image.read_counter = 1,
            "reads_current_file_with_explicit_length" => self.select(FileNumber::CapabilityContainer),
            "clamps_oversized_buffer_to_256" | "security_status_not_satisfied_surfaces_as_error" => {
                self.select(FileNumber::Ndef);
            }
            "read_data_full_hw_aes" => {
                self.contents(FileNumber::Proprietary, &decrypted(&answer(0), &row["session"][1]));
            }
            "read_data_plain_hw_lrp" => self.contents(FileNumber::Ndef, &answer(0)),
            "read_data_mac_chunks_at_248_byte_boundary"
            | "read_data_mac_chunks_when_length_zero_and_buf_exceeds_chunk" => {
                self.contents(FileNumber::Ndef, &numbers);
            }
            "read_file_plain_aes_hardware_capture" => self.contents(FileNumber::Ndef, &answer(4)),
            "read_file_mac_chunked_aes_hardware_capture" => {
                self.contents(FileNumber::Ndef, &[&answer(4)[..248], &answer(5)[..8]].concat());
            }
            "read_sig_plain_hw_aes" | "read_sig_plain_hw_lrp" => {
                self.image.origin.signature = answer(0).try_into().unwrap();
            }
            "read_sig_mac_hw_lrp" => {
                let plain = rows().into_iter().find(|row| row["name"] == "commands::read_sig::read_sig_plain_hw_lrp");
                self.image.origin.signature = array(plain.unwrap()["exchanges"][0]["r_data"].as_str().unwrap());
            }
            "authenticate_aes_surfaces_picc_auth_error" => {
                // The reader's key is zero and the chip's is not; what the chip asks is what the row has.
                let key = AesKey::new([1; 16]);
                let mut challenge: [u8; 16] = answer(1).try_into().unwrap();
                crate::messaging::cbc_decrypt(&key, [0; 16], core::slice::from_mut(&mut challenge));
                self.image.set_key(KeyNumber::MASTER, key, 0);
                self.script.extend(challenge);
            }
            "authenticate_lrp_surfaces_picc_auth_error" => {
                self.image.set_key(KeyNumber::new(3).unwrap(), AesKey::new([1; 16]), 0);
            }
            _ => {}
        }
    }
}

/// Settings that rows have, as ChangeFileSettings would bring them.
const SETTINGS: [(&[&str], FileNumber, &str); 16] = [
    (
        &[
            "change_file_settings_permission_denied",
            "write_data_plain_surfaces_permission_denied",
            "read_data_plain_surfaces_permission_denied",
        ],
        FileNumber::Ndef,
        "00FFFF",
    ),
    (&["get_file_counters_counter_byte_order"], FileNumber::Ndef, "40E0EEC1FE00200000500000500000"),
    (&["get_file_counters_full_mode_roundtrip"], FileNumber::Ndef, "40E0EEC1F000200000500000500000"),
    (
        &["get_file_settings_mac_an12196_vector", "get_file_settings_plain_roundtrip"],
        FileNumber::Ndef,
        "40EEEED1FE001F00004400004400002000006A0000",
    ),
    (&["get_file_settings_mac_hw_aes"], FileNumber::Ndef, "40E0EEC1F000160000120000390000"),
    (&["security_status_not_satisfied_surfaces_as_error"], FileNumber::Ndef, "0000E0"),
    (
        &["read_data_full_hw_aes", "read_data_full_readback_hw_aes", "read_data_full_readback_hw_lrp"],
        FileNumber::Proprietary,
        "033033",
    ),
    (&["read_data_mac_hw_lrp", "write_data_mac_hw_aes"], FileNumber::Proprietary, "013033"),
    (&["write_data_full_an12196_5.12"], FileNumber::Proprietary, "030030"),
    (
        &["write_data_full_an12196_vector", "write_data_full_block_aligned_gets_extra_padding_block"],
        FileNumber::Ndef,
        "0300E0",
    ),
    (
        &[
            "read_data_mac_chunks_at_248_byte_boundary",
            "read_data_mac_chunks_when_length_zero_and_buf_exceeds_chunk",
            "write_data_mac_chunks_at_240_byte_boundary",
            "write_data_mac_roundtrip_advances_counter",
        ],
        FileNumber::Ndef,
        "0100E0",
    ),
    (
        &["read_file_mac_chunked_aes_hardware_capture", "write_file_mac_chunked_aes_hardware_capture"],
        FileNumber::Ndef,
        "01E000",
    ),
    (&["read_file_uses_configured_mode_when_authenticated_key_grants_read"], FileNumber::Ndef, "01E00F"),
    (&["read_file_uses_plain_when_only_free_access_grants_read"], FileNumber::Ndef, "01F0EF"),
    (&["write_file_uses_configured_mode_when_authenticated_key_grants_write"], FileNumber::Ndef, "01E0F0"),
    (&["write_file_uses_plain_when_only_write_access_is_free"], FileNumber::Ndef, "01F0FE"),
];

/// What rows have at the beginning of a file.
const CONTENTS: [(&[&str], FileNumber, &str); 4] = [
    (
        &["read_data_full_readback_hw_aes", "read_data_full_readback_hw_lrp", "read_data_mac_hw_lrp"],
        FileNumber::Proprietary,
        "DEADBEEF01020304",
    ),
    (&["read_data_plain_frames_header_and_copies_payload"], FileNumber::Ndef, "ABABABABABABABABABABABABABABABAB"),
    (&["read_file_uses_configured_mode_when_authenticated_key_grants_read"], FileNumber::Ndef, "CAFEBABE"),
    (&["read_file_uses_plain_when_only_free_access_grants_read"], FileNumber::Ndef, "DEADBEEF"),
];

/// The UID that a row's answers show or name.
fn uid_of(row: &Value) -> [u8; 7] {
    let name = row["name"].as_str().unwrap();
    if name.contains("get_card_uid_an12196") {
        array("04958CAA5C5E80")
    } else if name.contains("get_version_mac_roundtrip") {
        array("04968CAA5C5E80")
    } else if name.contains("lrp") {
        array("04407A7A0B1090")
    } else {
        array("04A9707A0B1090")
    }
}

/// What an AES answer of many blocks says, without its padding.
fn decrypted(answer: &[u8], session: &Value) -> Vec<u8> {
    let key = AesKey::new(array(session["ses_enc_key"].as_str().unwrap()));
    let counter = u16::try_from(session["cmd_ctr_at_start"].as_u64().unwrap() + 1).unwrap();
    let mut vector = [0; 16];
    vector[..2].copy_from_slice(&[0x5A, 0xA5]);
    vector[2..6].copy_from_slice(&bytes(session["ti"].as_str().unwrap()));
    vector[6..8].copy_from_slice(&counter.to_le_bytes());
    let mut plaintext = answer[..answer.len() - 8].to_vec();
    let vector = crate::messaging::initial_block(&key, vector);
    crate::messaging::cbc_decrypt(&key, vector, plaintext.as_chunks_mut().0);
    plaintext.truncate(128);
    plaintext
}

/// The session in which a row begins.
fn session_of(row: &Value, first: usize) -> Session {
    let steps = row["session"].as_array().unwrap();
    let state = steps.last().unwrap();
    let exchange = &row["exchanges"][first];
    let counter = exchange["cmd_mac_ctr"].as_u64().or(state["cmd_ctr_at_start"].as_u64()).unwrap();
    let counter = if exchange["cmd_mac_ctr"].is_null() { counter + first as u64 } else { counter };
    let suite = if let Some(encryption) = state["ses_enc_key"].as_str() {
        let mac = Box::new(Cmac::new(&AesKey::new(array(state["ses_mac_key"].as_str().unwrap()))));
        Suite::Aes { encryption: AesKey::new(array(encryption)), mac }
    } else {
        lrp_suite(steps, state["enc_ctr"].as_u64().unwrap())
    };
    Session {
        key: KeyNumber::new(state["auth_key_no"].as_u64().unwrap_or(0).try_into().unwrap()).unwrap(),
        transaction: array(state["ti"].as_str().unwrap()),
        command_counter: counter.try_into().unwrap(),
        suite,
    }
}

fn lrp_suite(steps: &[Value], blocks: u64) -> Suite {
    let step = &steps[0];
    let randoms = match step["sv"].as_str() {
        // The session vector has both challenges woven together; any two that give it will do.
        Some(vector) => {
            let vector: [u8; 32] = array(vector);
            let (mut reader, mut chip) = ([0; 16], [0; 16]);
            reader[..2].copy_from_slice(&vector[4..6]);
            chip[..16].copy_from_slice(&vector[6..22]);
            reader[8..].copy_from_slice(&vector[22..30]);
            Randoms { reader, chip }
        }
        None => {
            Randoms { reader: array(step["rnd_a"].as_str().unwrap()), chip: array(step["rnd_b"].as_str().unwrap()) }
        }
    };
    let key = AesKey::new(array(step["app_key"].as_str().unwrap()));
    match Suite::lrp(&key, randoms) {
        Suite::Lrp { encryption, mac, .. } => Suite::Lrp { encryption, counter: blocks.try_into().unwrap(), mac },
        Suite::Aes { .. } => unreachable!(),
    }
}

/// The blocks of ISO/IEC 14443-4 that nfcpy exchanges with a tag, each with its command in it.
#[test]
fn a_trace_of_blocks() {
    let vectors = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/apdu_vectors.json"));
    let vectors: Value = serde_json::from_str(vectors).unwrap();
    let traces = vectors["iso_dep_traces"].as_array().unwrap();
    assert_eq!(traces.len(), 1);
    let mut image = ChipImage::at_delivery(Origin::new(Uid([4; 7])));
    let files = [
        (FileNumber::CapabilityContainer, "000f20003b00340406e10400408000"),
        (FileNumber::Ndef, "000ed1010a55036e666370792e6f7267"),
    ];
    for (number, contents) in files {
        let contents = bytes(contents);
        image.contents_mut(number)[..contents.len()].copy_from_slice(&contents);
    }
    let mut chip = Chip::new(image);
    for exchange in traces[0]["exchanges"].as_array().unwrap() {
        let block = |name: &str| bytes(exchange[name].as_str().unwrap());
        let answer = chip.respond(&block("c_block")[1..], &mut |_: &mut [u8]| ());
        assert_eq!(answer.to_bytes(), block("r_block")[1..], "{exchange}");
    }
}

#[test]
fn every_exception_is_a_row() {
    let names: Vec<String> = rows().iter().map(|row| row["name"].as_str().unwrap().to_string()).collect();
    let tests = SETTINGS.iter().chain(&CONTENTS).flat_map(|(tests, ..)| tests.iter().copied());
    for exception in SKIPPED.iter().map(|(name, _)| *name).chain(PLAYED_FROM_THE_SECOND).chain(tests) {
        assert!(names.iter().any(|name| name.ends_with(exception)), "{exception}");
    }
}
