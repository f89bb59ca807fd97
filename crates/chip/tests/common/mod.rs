//! A chip in a reader, for tests: the radio is perfect.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::collections::HashMap;
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use chip::ndef::{Content, Message, from_file};
use chip::{Chip, ChipImage, Origin};
use ntag424::high_level::ReadCounterStorage;
use ntag424::{Response, Transport};
use tag::Uid;

/// A chip as it is delivered, one of many.
pub(crate) fn chip_of(number: u8) -> Chip {
    Chip::new(ChipImage::at_delivery(Origin::new(Uid([4, number, 0, 0, 0, 0, number]))))
}

/// Random enough for tests, and the same in each.
pub(crate) struct Sequence(pub(crate) u64);

impl chip::Random for Sequence {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = self.0.to_be_bytes()[0];
        }
    }
}

/// A reader with a chip in its field.
pub(crate) struct Reader {
    pub(crate) chip: Chip,
    pub(crate) random: Sequence,
}

impl Reader {
    pub(crate) fn new(chip: Chip) -> Self {
        Self { chip, random: Sequence(1) }
    }

    /// One exchange in hexadecimal.
    pub(crate) fn exchange(&mut self, command: &str) -> String {
        hexadecimal(&self.chip.respond(&bytes(command), &mut self.random).to_bytes())
    }
}

impl Transport for Reader {
    type Error = Infallible;
    type Data = Vec<u8>;

    async fn transmit(&mut self, apdu: &[u8]) -> Result<Response<Vec<u8>>, Infallible> {
        let response = self.chip.respond(apdu, &mut self.random);
        let [sw1, sw2] = response.status.0.to_be_bytes();
        Ok(Response { data: response.data, sw1, sw2 })
    }

    async fn get_uid(&mut self) -> Result<Vec<u8>, Infallible> {
        Ok(self.chip.activation_identifier(&mut self.random))
    }
}

/// The peer is asynchronous and our chip answers at once.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    match future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}

/// The last counter of each tag.
#[derive(Default)]
pub(crate) struct Counters(HashMap<[u8; 7], u32>);

impl ReadCounterStorage for Counters {
    type Error = Infallible;

    async fn get(&mut self, uid: &[u8; 7]) -> Result<u32, Infallible> {
        Ok(self.0.get(uid).copied().unwrap_or(0))
    }

    async fn set(&mut self, uid: &[u8; 7], counter: u32) -> Result<(), Infallible> {
        self.0.insert(*uid, counter);
        Ok(())
    }
}

/// The URL that a phone finds in the file.
pub(crate) fn url_in(file: &[u8]) -> String {
    let message = Message::parse(from_file(file).unwrap()).unwrap();
    match Content::parse(&message.records()[0]).unwrap() {
        Content::Uri(url) => url,
        other => panic!("{other:?}"),
    }
}

/// What a real chip answered, by the row's name.
pub(crate) fn recorded(name: &str) -> String {
    let vectors = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/apdu_vectors.json"));
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let row = vectors["apdu"].as_array().unwrap().iter().find(|row| row["name"] == name).unwrap();
    row["exchanges"][0]["r_data"].as_str().unwrap().to_owned()
}

pub(crate) fn bytes(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .chars()
        .filter(|digit| *digit != ' ')
        .map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap())
        .collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

pub(crate) fn array<const N: usize>(digits: &str) -> [u8; N] {
    bytes(digits).try_into().unwrap()
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
