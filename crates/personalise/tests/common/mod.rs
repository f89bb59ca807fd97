//! A software tag in a reader whose link can break, keys of several versions, and who writes down their uses.

#![allow(dead_code, reason = "each test uses what it needs")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use chip::access::KeyNumber;
use chip::ndef::{Content, Message, from_file};
use chip::{Chip, ChipImage, Origin};
use personalise::{
    Audit, Failure, KeyUsed, Keys, KeysUnavailable, LinkError, NotRecorded, Originality, Personaliser, Report,
    TagContent, Transceive,
};
use tag::diversification::{Diversifier, Purpose};
use tag::sdm::{Mode, Settings};
use tag::{AesKey, KeySet, KeyVersion, TagKeys, Uid};

pub(crate) const UID: Uid = Uid([0x04, 1, 2, 3, 4, 5, 6]);
pub(crate) const URL: &str = "https://pay.example/t";
/// The master key of each version.
pub(crate) fn master(version: u8) -> AesKey {
    AesKey::new([0xA0 + version; 16])
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

/// A tag in a field that can be left: before the tag has a command, or before the reader has its answer.
pub(crate) struct Field {
    pub(crate) chip: Chip,
    /// What the tag's flash has.
    pub(crate) stored: ChipImage,
    random: Sequence,
    /// After how many commands the tag is gone.
    pub(crate) commands_left: Option<usize>,
    pub(crate) answer_lost: bool,
    /// All that went over the air.
    pub(crate) heard: Vec<Vec<u8>>,
    pub(crate) commands: usize,
}

impl Field {
    pub(crate) fn with(image: ChipImage) -> Self {
        Self {
            stored: image.clone(),
            chip: Chip::new(image),
            random: Sequence(1),
            commands_left: None,
            answer_lost: false,
            heard: Vec::new(),
            commands: 0,
        }
    }

    pub(crate) fn cut_after(self, commands: usize, answer_lost: bool) -> Self {
        Self { commands_left: Some(commands), answer_lost, ..self }
    }

    /// What is left of the tag without power, in a field again.
    pub(crate) fn again(&self) -> Self {
        Self::with(self.stored.clone())
    }

    /// The URL of one more touch.
    pub(crate) fn touch(&mut self) -> String {
        self.chip.power_cycle();
        let select: [&[u8]; 2] =
            [&[0, 0xA4, 4, 0x0C, 7, 0xD2, 0x76, 0, 0, 0x85, 1, 1, 0], &[0, 0xA4, 0, 0x0C, 2, 0xE1, 4]];
        for command in select {
            assert_eq!(self.transceive(command).unwrap(), [0x90, 0x00]);
        }
        let file = self.transceive(&[0x00, 0xB0, 0x00, 0x00, 0x00]).unwrap();
        url_in(&file[..256])
    }
}

impl Transceive for Field {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let gone = || LinkError("the tag has gone".to_owned());
        let last = match &mut self.commands_left {
            Some(0) => return Err(gone()),
            Some(left) => {
                *left -= 1;
                *left == 0
            }
            None => false,
        };
        if last && !self.answer_lost {
            return Err(gone());
        }
        let response = self.chip.respond(command, &mut self.random);
        if response.image_changed {
            self.stored = self.chip.image().clone();
        }
        if last {
            return Err(gone());
        }
        self.commands += 1;
        self.heard.extend([command.to_vec(), response.to_bytes()]);
        Ok(response.to_bytes())
    }
}

/// The reader that the crate `ntag424` works with.
impl ntag424::Transport for Field {
    type Error = Infallible;
    type Data = Vec<u8>;

    async fn transmit(&mut self, apdu: &[u8]) -> Result<ntag424::Response<Vec<u8>>, Infallible> {
        let response = self.chip.respond(apdu, &mut self.random);
        let [sw1, sw2] = response.status.0.to_be_bytes();
        Ok(ntag424::Response { data: response.data, sw1, sw2 })
    }

    async fn get_uid(&mut self) -> Result<Vec<u8>, Infallible> {
        Ok(self.chip.activation_identifier(&mut self.random))
    }
}

/// The peer is asynchronous and our tag answers at once.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    match pin!(future).as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("nothing here waits"),
    }
}

pub(crate) fn url_in(file: &[u8]) -> String {
    let message = Message::parse(from_file(file).unwrap()).unwrap();
    match Content::parse(&message.records()[0]).unwrap() {
        Content::Uri(url) => url,
        other => panic!("{other:?}"),
    }
}

/// Master keys of several versions.
pub(crate) struct Ring(BTreeMap<u8, Diversifier>, KeyVersion);

impl Ring {
    pub(crate) fn up_to(current: u8) -> Self {
        let versions = (1..=current).map(|version| (version, Diversifier::new(&master(version))));
        Self(versions.collect(), KeyVersion(current))
    }
}

impl Keys for Ring {
    fn current(&self) -> KeyVersion {
        self.1
    }

    fn derive(&mut self, version: KeyVersion, slot: KeyNumber, uid: Uid) -> Result<Option<AesKey>, KeysUnavailable> {
        Ok(self.0.get(&version.0).map(|master| master.derive(Purpose::of_slot(slot.value(), uid))))
    }
}

#[derive(Default)]
pub(crate) struct Records(pub(crate) Vec<KeyUsed>);

impl Audit for Records {
    fn record(&mut self, used: KeyUsed) -> Result<(), NotRecorded> {
        self.0.push(used);
        Ok(())
    }
}

pub(crate) fn fresh() -> ChipImage {
    ChipImage::at_delivery(Origin::new(UID))
}

/// A factory-fresh tag that was switched to LRP by the peer.
pub(crate) fn fresh_in_lrp() -> ChipImage {
    let mut field = Field::with(fresh());
    let session = ntag424::Session::new();
    let session = block_on(session.authenticate_aes(&mut field, ntag424::KeyNumber::Key0, &[0; 16], [1; 16])).unwrap();
    block_on(session.enable_lrp(&mut field)).unwrap();
    field.chip.image().clone()
}

pub(crate) fn set(mode: Mode, version: u8) -> KeySet {
    KeySet::new(KeyVersion(version), &master(version), Settings::of_platform(mode))
}

/// The server's ring: the current version, all earlier ones retired.
pub(crate) fn server(mode: Mode, current: u8) -> TagKeys {
    (1..current).fold(TagKeys::new(set(mode, current)), |keys, version| keys.retiring(set(mode, version)).unwrap())
}

pub(crate) fn content(mode: Mode) -> TagContent {
    TagContent::new(mode, URL, Some("com.example.wallet")).unwrap()
}

/// Personalises with keys up to that version.
pub(crate) fn personalise(link: &mut dyn Transceive, mode: Mode, current: u8) -> Result<Report, Failure> {
    personalise_with(link, mode, current, &mut Records::default(), Originality::NotChecked)
}

pub(crate) fn personalise_with(
    link: &mut dyn Transceive,
    mode: Mode,
    current: u8,
    audit: &mut dyn Audit,
    originality: Originality,
) -> Result<Report, Failure> {
    Personaliser {
        keys: &mut Ring::up_to(current),
        audit,
        random: &mut Sequence(7),
        content: &content(mode),
        verifier: &server(mode, current),
        originality,
    }
    .personalise(link)
}
