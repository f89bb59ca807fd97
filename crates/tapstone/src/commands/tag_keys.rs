//! `tapstone tag keys`: what must be written into a real chip.

use std::path::PathBuf;

use clap::Args;
use tag::diversification::{Diversifier, Purpose};

use crate::failure::Failure;
use crate::folder::DataFolder;
use crate::hexadecimal;
use crate::output;
use crate::public_url::PublicUrl;
use crate::world::UidText;

/// Print the keys and settings with which an NTAG 424 DNA must be personalised. They are secret.
#[derive(Args)]
pub(crate) struct Arguments {
    /// The data folder.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The chip's UID: 14 hexadecimal digits that begin with 04.
    #[arg(long)]
    uid: UidText,
    /// Where phones reach the platform, such as https://pay.example.
    #[arg(long, value_name = "URL")]
    public_url: PublicUrl,
}

pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    let diversifier = Diversifier::new(&DataFolder(&arguments.data).tag_master_key()?);
    let uid = arguments.uid.0;
    let meta_read = hexadecimal::encode(diversifier.derive(Purpose::sdm_meta_read()).expose());
    let file_read = hexadecimal::encode(diversifier.derive(Purpose::sdm_file_read(uid)).expose());
    let ndef = NdefFile::new(&arguments.public_url)?;
    eprintln!("These keys are secret: whoever has them can forge this tag. Key 1 is the same in all tags.");
    output::print(&format!(
        "\
UID                       {uid}
key 1, for SDMMetaRead    {meta_read}
key 2, for SDMFileRead    {file_read}
mirrored                  UID and SDMReadCtr, encrypted, as ASCII
URL                       {url}
NDEF file                 {bytes}
PICCDataOffset            {picc_data_offset}
SDMMACInputOffset         {mac_offset}
SDMMACOffset              {mac_offset}
",
        url = ndef.url,
        bytes = hexadecimal::encode(&ndef.bytes),
        picc_data_offset = ndef.picc_data_offset,
        mac_offset = ndef.mac_offset,
    ))?;
    Ok(())
}

/// The chip's NDEF file: one URI record (NFC Forum RTD URI 1.0) with zeros where the chip mirrors its readings.
struct NdefFile {
    url: String,
    bytes: Vec<u8>,
    /// Where the encrypted PICC data goes, counted from the file's first byte, as the chip counts.
    picc_data_offset: usize,
    /// Where the MAC goes, and where its input begins: it covers nothing of the file.
    mac_offset: usize,
}

/// What an NTAG 424 DNA's NDEF file holds, its length field included (NT4H2421Gx section 8.2.3).
const MAX_FILE_BYTES: usize = 256;

const PICC_DATA_DIGITS: usize = 32;
const MAC_DIGITS: usize = 16;

impl NdefFile {
    fn new(public_url: &PublicUrl) -> Result<Self, Failure> {
        let before = format!("{}?e=", public_url.of_taps());
        let url = format!("{before}{:0<PICC_DATA_DIGITS$}&c={:0<MAC_DIGITS$}", "", "");
        let (code, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (0x04, rest),
            (None, Some(rest)) => (0x03, rest),
            (None, None) => (0x00, url.as_str()),
        };
        let too_long = || Failure::Usage(format!("{url} does not fit into a tag: use a shorter --public-url"));
        let payload = u8::try_from(rest.len() + 1).map_err(|_| too_long())?;
        // The file's length in two bytes, then: one short record of a well-known type, "U", with that prefix.
        let head = [0x00, 0x00, 0xD1, 0x01, payload, b'U', code];
        let mut bytes: Vec<u8> = head.into_iter().chain(rest.bytes()).collect();
        let length = u16::try_from(bytes.len() - 2).map_err(|_| too_long())?;
        bytes.splice(..2, length.to_be_bytes());
        if bytes.len() > MAX_FILE_BYTES {
            return Err(too_long());
        }
        let picc_data_offset = bytes.len() - MAC_DIGITS - "&c=".len() - PICC_DATA_DIGITS;
        let mac_offset = bytes.len() - MAC_DIGITS;
        Ok(Self { bytes, picc_data_offset, mac_offset, url })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_what_phones_read() {
        let file = NdefFile::new(&"https://pay.example".parse().unwrap()).unwrap();
        let zeros = |count| "0".repeat(count);
        assert_eq!(file.url, format!("https://pay.example/t?e={}&c={}", zeros(32), zeros(16)));
        assert_eq!(file.bytes[..7], [0x00, 72, 0xD1, 0x01, 68, 0x55, 0x04]);
        assert_eq!(&file.bytes[7..24], b"pay.example/t?e=0");
        assert_eq!((file.picc_data_offset, file.mac_offset), (23, 58));
        assert_eq!(&file.bytes[20..23], b"?e=");
        assert_eq!(&file.bytes[55..], format!("&c={}", zeros(16)).as_bytes());
    }

    /// NXP's AN12196 has `https://choose.url.com/ntag424?e=…&c=…`, as long as this one, at offsets 20h and 43h.
    #[test]
    fn offsets_count_as_in_nxps_example() {
        let file = NdefFile::new(&"https://choose.url.com.ntag4".parse().unwrap()).unwrap();
        assert_eq!((file.picc_data_offset, file.mac_offset), (0x20, 0x43));
    }

    #[test]
    fn a_url_that_fits_no_tag_is_refused() {
        let long = format!("https://{}.example", "a".repeat(190));
        assert!(NdefFile::new(&long.parse().unwrap()).is_err());
    }
}
