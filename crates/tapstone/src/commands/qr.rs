//! `tapstone qr decode` and `tapstone qr encode`: EMVCo's QR codes, line by line.

use std::io::{self, BufReader, Write};

use clap::Args;
use exec::{Line, Lines};
use qr::emv::consumer::{self, ConsumerDraft};
use qr::emv::merchant::{self, Draft};
use qr::emv::{Code, Finding, Mode, Path};
use serde::{Deserialize, Serialize};

use crate::failure::Failure;

/// Read QR codes: one a line on standard input, one JSON object a line on standard output.
#[derive(Args)]
pub(crate) struct DecodeArguments {
    /// The lines are what a consumer shows: base64 of BER-TLV.
    #[arg(long)]
    cpm: bool,
    /// Refuse whatever departs from the specification, not only what cannot be paid.
    #[arg(long)]
    strict: bool,
}

/// Write QR codes: the inverse of decode. Takes its answers, of which only `fields` counts; the CRC is computed.
#[derive(Args)]
pub(crate) struct EncodeArguments {
    /// Write what a consumer shows: base64 of BER-TLV.
    #[arg(long)]
    cpm: bool,
}

pub(crate) fn decode(arguments: &DecodeArguments) -> Result<(), Failure> {
    let mode = if arguments.strict { Mode::Strict } else { Mode::Lenient };
    answer_all(|line| match (text_of(line), arguments.cpm) {
        (Err(finding), _) => refusal(finding),
        (Ok(text), false) => json(&merchant::read(text, mode)),
        (Ok(text), true) => match consumer::from_base64(text.trim()) {
            Ok(bytes) => json(&consumer::read(&bytes, mode)),
            Err(finding) => refusal(finding),
        },
    })
}

pub(crate) fn encode(arguments: &EncodeArguments) -> Result<(), Failure> {
    answer_all(|line| {
        let text = match text_of(line) {
            Ok(text) => text,
            Err(finding) => return refusal(finding),
        };
        let encoded = match arguments.cpm {
            false => fields_of::<Draft>(text).map(|draft| draft.encode()),
            true => fields_of::<ConsumerDraft>(text)
                .and_then(|draft| draft.encode_base64().map_err(|error| not_fields(error.to_string()))),
        };
        encoded.or_else(refusal)
    })
}

/// Answers each line of the input with one line.
fn answer_all(answer: impl Fn(Line<'_>) -> Result<String, serde_json::Error>) -> Result<(), Failure> {
    const READ_BYTES: usize = 1 << 16;
    let mut lines = Lines::new(BufReader::with_capacity(READ_BYTES, io::stdin().lock()));
    let mut out = io::stdout().lock();
    let unreadable = |error| Failure::Fault(format!("cannot read the next line: {error}"));
    while let Some(line) = lines.next_line().map_err(unreadable)? {
        let mut answer = answer(line)?;
        answer.push('\n');
        out.write_all(answer.as_bytes()).and_then(|()| out.flush())?;
    }
    Ok(())
}

fn text_of(line: Line<'_>) -> Result<&str, Finding> {
    let Line::Whole(bytes) = line else {
        return Err(Finding::error(Code::TooLong, Path::Whole, "no code is as long as this"));
    };
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    str::from_utf8(bytes).map_err(|_| Finding::error(Code::NotText, Path::Whole, "a code is UTF-8"))
}

/// An answer of decode, of which only the fields count.
#[derive(Deserialize)]
struct Described<T> {
    fields: T,
}

/// The fields of a decoded code, or the fields alone.
fn fields_of<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Finding> {
    let described = serde_json::from_str::<Described<T>>(text).map(|described| described.fields);
    let alone = || serde_json::from_str::<T>(text).ok();
    described.or_else(|error| alone().ok_or_else(|| not_fields(error.to_string())))
}

fn not_fields(message: String) -> Finding {
    Finding::error(Code::NotFields, Path::Whole, message)
}

/// What is answered where nothing can be read.
#[derive(Serialize)]
struct Refusal {
    valid: bool,
    scheme: &'static str,
    fields: NoFields,
    findings: [Finding; 1],
}

#[derive(Serialize)]
struct NoFields {}

fn refusal(finding: Finding) -> Result<String, serde_json::Error> {
    json(&Refusal { valid: false, scheme: "EMV", fields: NoFields {}, findings: [finding] })
}

fn json(answer: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(answer)
}
