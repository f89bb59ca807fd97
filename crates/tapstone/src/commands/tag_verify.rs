//! `tapstone tag verify`: what readings of tags prove, asked line by line.

use std::io::{self, BufReader, Write};

use clap::Args;
use exec::{Line, Lines};

use crate::failure::Failure;

const LINES: &str = r#"A line is a JSON object; digits are hexadecimal, null is as good as missing, other fields do not count:
  mode             "AES" or "LRP"
  meta_read_key    SDMMetaRead, 32 digits; needed where there is picc_data
  file_read_key    SDMFileRead, 32 digits
  picc_data        PICCENCData: 32 digits, in LRP mode 48
  uid, counter     14 digits and a number, where the tag mirrors them in the clear; beside picc_data they must agree with it
  mac_input_ascii  what the tag mirrored from SDMMACInputOffset up to SDMMACOffset, as it is written; empty if missing
  cmac             SDMMAC, 16 digits
  enc_file_data    SDMENCFileData, a multiple of 32 digits
For example, NXP's from AN12196:
  {"mode":"AES","meta_read_key":"00000000000000000000000000000000","file_read_key":"00000000000000000000000000000000","picc_data":"EF963FF7828658A599F3041510671E88","cmac":"94EED9EE65337086"}
Answers:
  {"valid":true,"uid":"04DE5F1EACC040","counter":61,"file_data_hex":null}
  {"valid":false,"reason":"…"}
Without cmac nothing is proven: what can be decrypted is, and the answer has "authenticated":false."#;

/// Say what readings of NTAG 424 DNA tags prove, asked line by line: a reading with its keys on standard input, the
/// verdict on standard output.
#[derive(Args)]
#[command(after_help = LINES)]
pub(crate) struct Arguments {}

pub(crate) fn run(_: &Arguments) -> Result<(), Failure> {
    let mut lines = Lines::new(BufReader::new(io::stdin().lock()));
    let mut out = io::stdout().lock();
    let unreadable = |error| Failure::Fault(format!("cannot read the next line: {error}"));
    while let Some(line) = lines.next_line().map_err(unreadable)? {
        let answer = match line {
            Line::Whole(line) => readings::answer(line),
            Line::TooLong => readings::answer_to_too_long_a_line(),
        };
        writeln!(out, "{answer}").and_then(|()| out.flush())?;
    }
    Ok(())
}
