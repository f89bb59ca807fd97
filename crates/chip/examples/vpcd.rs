//! A software tag in a virtual card reader, or on standard input: how independent programs get at it.
//!
//! ```text
//! vpcd [--image FILE] [--uid 14 hexadecimal digits] [--signature 112 hexadecimal digits] [--tamper] [HOST:PORT | -]
//! ```
//!
//! With an address it speaks vsmartcard's protocol to `vpcd`, the reader driver of Debian's vsmartcard-vpcd, which listens
//! on port 35963: two bytes of length, then a command, or one byte that says what happens to the card. With `-` it takes
//! one command a line in hexadecimal digits, `reset` for a loss of power, and answers a line for each. With an image it
//! goes on from there, and has it stored before it answers.

use std::io::{BufRead, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use chip::{Chip, ChipImage, Origin};
use tag::Uid;

/// The answer to reset of a contactless card with these historical bytes (PC/SC part 3, section 3.1.3.2.3): `80`.
const ANSWER_TO_RESET: [u8; 6] = [0x3B, 0x81, 0x80, 0x01, 0x80, 0x80];

fn main() -> io::Result<()> {
    let mut options = Options::parse(env::args().skip(1)).ok_or_else(|| {
        io::Error::other(
            "usage: vpcd [--image FILE] [--uid 14 hexadecimal digits] [--signature 112 hexadecimal digits] [--tamper] \
             [HOST:PORT | -]",
        )
    })?;
    let mut card = Card::insert(&mut options)?;
    if options.address == "-" { card.serve_lines() } else { card.serve_reader(TcpStream::connect(options.address)?) }
}

struct Options {
    image: Option<PathBuf>,
    origin: Origin,
    address: String,
}

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let uid = Uid([0x04, 0xA9, 0x70, 0x7A, 0x0B, 0x10, 0x90]);
        let mut options = Self { image: None, origin: Origin::new(uid), address: "127.0.0.1:35963".to_owned() };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--image" => options.image = Some(arguments.next()?.into()),
                "--uid" => options.origin.uid = Uid(bytes(&arguments.next()?)?.try_into().ok()?),
                "--signature" => options.origin.signature = bytes(&arguments.next()?)?.try_into().ok()?,
                "--tamper" => options.origin.tag_tamper = true,
                address => options.address = address.to_owned(),
            }
        }
        Some(options)
    }
}

/// A chip and where its image is kept.
struct Card {
    chip: Chip,
    image: Option<PathBuf>,
}

impl Card {
    fn insert(options: &mut Options) -> io::Result<Self> {
        let image = match options.image.as_deref().map(Path::exists) {
            Some(true) => ChipImage::from_bytes(&fs::read(options.image.as_deref().unwrap_or(Path::new("")))?)
                .map_err(io::Error::other)?,
            _ => ChipImage::at_delivery(options.origin),
        };
        Ok(Self { chip: Chip::new(image), image: options.image.take() })
    }

    fn respond(&mut self, command: &[u8]) -> io::Result<Vec<u8>> {
        // The reader's own command for the identifier (PC/SC part 3, section 3.2.2.1.3) never reaches a chip.
        if command.starts_with(&[0xFF, 0xCA, 0x00, 0x00]) {
            return Ok([self.chip.activation_identifier(&mut random), vec![0x90, 0x00]].concat());
        }
        let response = self.chip.respond(command, &mut random);
        if let Some(path) = self.image.as_deref().filter(|_| response.image_changed) {
            let beside = path.with_extension("new");
            fs::write(&beside, self.chip.image().to_bytes())?;
            fs::rename(beside, path)?;
        }
        Ok(response.to_bytes())
    }

    fn serve_reader(&mut self, mut reader: TcpStream) -> io::Result<()> {
        loop {
            let mut length = [0; 2];
            if let Err(error) = reader.read_exact(&mut length) {
                return if error.kind() == io::ErrorKind::UnexpectedEof { Ok(()) } else { Err(error) };
            }
            let mut message = vec![0; u16::from_be_bytes(length).into()];
            reader.read_exact(&mut message)?;
            let answer = match message[..] {
                // Power off, power on, reset: in each case the chip forgets its sessions, and there is no answer.
                [0..=2] => {
                    self.chip.power_cycle();
                    continue;
                }
                [4] => ANSWER_TO_RESET.to_vec(),
                ref command => self.respond(command)?,
            };
            let length = u16::try_from(answer.len()).map_err(io::Error::other)?;
            reader.write_all(&[&length.to_be_bytes()[..], &answer].concat())?;
        }
    }

    fn serve_lines(&mut self) -> io::Result<()> {
        let mut output = io::stdout().lock();
        for line in io::stdin().lock().lines() {
            let line = line?;
            if line == "reset" {
                self.chip.power_cycle();
                writeln!(output, "{}", digits(&self.chip.activation_identifier(&mut random)))?;
            } else {
                let command = bytes(&line).ok_or_else(|| io::Error::other("not hexadecimal digits"))?;
                writeln!(output, "{}", digits(&self.respond(&command)?))?;
            }
            output.flush()?;
        }
        Ok(())
    }
}

/// What the operating system has.
fn random(bytes: &mut [u8]) {
    rand::fill(bytes);
}

fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else { return None };
    pairs.iter().map(|pair| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
