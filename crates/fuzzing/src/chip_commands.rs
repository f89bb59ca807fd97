//! Bytes as what happens to a software tag: commands of any kind, authentications, power that goes.

mod reader;

use chip::{Chip, ChipImage, FileNumber, Origin, Random, Response};
use tag::Uid;

use reader::Reader;

/// The commands that the chip knows, the ISO ones last.
const INSTRUCTIONS: [u8; 18] =
    [0x71, 0x77, 0xAF, 0x51, 0x5F, 0xC4, 0xF6, 0xF5, 0x64, 0x60, 0xAD, 0x3C, 0x5C, 0x8D, 0xF7, 0xA4, 0xB0, 0xD6];
const FIRST_ISO: usize = 15;

/// The first byte says what chip it is. Then comes one action after the other: a byte says which, and some that follow say
/// with what. Whatever happens there is an answer of at most 256 bytes, a refusal has no data and changes no file, what
/// changed is said to have changed, and the image can be stored.
pub fn chip_commands(data: &[u8]) {
    let Some((kind, mut rest)) = data.split_first() else { return };
    let origin = Origin { tag_tamper: kind & 1 != 0, ..Origin::new(Uid([4, 1, 2, 3, 4, 5, 6])) };
    let mut touched = Touched {
        chip: Chip::new(ChipImage::at_delivery(origin)),
        random: Sequence(u64::from(*kind)),
        reader: Reader::default(),
    };
    touched.command(&[0x00, 0xA4, 0x04, 0x00, 0x07, 0xD2, 0x76, 0x00, 0x00, 0x85, 0x01, 0x01]);
    while let Some((action, after)) = rest.split_first() {
        rest = touched.act(*action, after);
    }
}

struct Touched {
    chip: Chip,
    random: Sequence,
    reader: Reader,
}

impl Touched {
    /// One action; what it leaves over.
    fn act<'a>(&mut self, action: u8, rest: &'a [u8]) -> &'a [u8] {
        match action % 8 {
            0 => self.chip.power_cycle(),
            1 => {
                let image = ChipImage::from_bytes(&self.chip.image().to_bytes()).expect("a chip's image is an image");
                assert_eq!(image, *self.chip.image());
                self.chip = Chip::new(image);
            }
            2 => self.chip.set_tamper_loop(action & 0x80 == 0),
            3 => {
                let (bytes, rest) = take(rest);
                self.command(bytes);
                return rest;
            }
            4 => self.authenticate(action >> 3),
            protection => {
                let (bytes, rest) = take(rest);
                let instruction = usize::from(action >> 3) % INSTRUCTIONS.len();
                self.instruction(instruction, bytes, protection);
                return rest;
            }
        }
        rest
    }

    /// A command that the chip knows: as it is (5), with a MAC (6), or encrypted after its first byte (7).
    fn instruction(&mut self, index: usize, data: &[u8], protection: u8) {
        let instruction = INSTRUCTIONS[index];
        let iso = index >= FIRST_ISO;
        let data = match protection {
            6 if !iso => self.reader.with_mac(instruction, data),
            7 if !iso => self.reader.encrypted(instruction, data),
            _ => data.to_vec(),
        };
        let Ok(length) = u8::try_from(data.len()) else { return };
        let mut command = vec![if iso { 0x00 } else { 0x90 }, instruction, 0x00, 0x00];
        command.extend((length > 0).then_some(length));
        command.extend(data);
        command.push(0x00);
        let response = self.command(&command);
        self.reader.follow(instruction, &response);
    }

    /// The whole authentication with a key that is still zero, in the chip's mode.
    fn authenticate(&mut self, number: u8) {
        let lrp = self.chip.image().configuration().lrp;
        let question = self.command(&[0x90, 0x71, 0x00, 0x00, 0x03, number % 5, 0x01, 0x02, 0x00]);
        let Some(answer) = Reader::answer(lrp, &question) else { return };
        let mut command = vec![0x90, 0xAF, 0x00, 0x00, 0x20];
        command.extend(answer.message);
        command.push(0x00);
        let proof = self.command(&command);
        if let Some(reader) = answer.accept(&proof) {
            self.reader = reader;
        }
    }

    fn command(&mut self, bytes: &[u8]) -> Response {
        let before = self.chip.image().clone();
        let response = self.chip.respond(bytes, &mut self.random);
        let after = self.chip.image();
        assert!(response.data.len() <= 256);
        assert_eq!(response.image_changed, before != *after);
        if !response.status.is_success() {
            assert!(response.data.is_empty());
            assert_eq!(before.configuration(), after.configuration());
            assert_eq!(before.read_counter(), after.read_counter());
            for file in FileNumber::ALL {
                assert_eq!(before.file(file), after.file(file));
            }
        }
        response
    }
}

/// Up to as many bytes as the first one says.
fn take(data: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = data.split_first() else { return (&[], &[]) };
    rest.split_at(usize::from(*length).min(rest.len()))
}

/// The same in each run.
struct Sequence(u64);

impl Random for Sequence {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            *byte = self.0.to_be_bytes()[0];
        }
    }
}
