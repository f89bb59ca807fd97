//! What every chip of an order is given: its NDEF file, and where in it the chip mirrors.

/// The chip's NDEF file: one URI record (NFC Forum RTD URI 1.0) with zeros where the chip mirrors its readings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagTemplate {
    /// The URL, with zeros where the chip mirrors.
    pub url: String,
    /// The file's bytes, its length field included.
    pub file: Vec<u8>,
    /// Where the encrypted PICC data goes, counted from the file's first byte, as the chip counts (PICCDataOffset).
    pub picc_data_offset: u32,
    /// Where the MAC goes (SDMMACOffset), and where its input begins (SDMMACInputOffset): it covers nothing of the file.
    pub mac_offset: u32,
}

/// What an NTAG 424 DNA's NDEF file holds, its length field included (NT4H2421Gx section 8.2.3).
const FILE_BYTES_MAX: usize = 256;

const PICC_DATA_DIGITS: usize = 32;
const MAC_DIGITS: usize = 16;

impl TagTemplate {
    /// The file of tags that answer with `{address}?e=…&c=…`, in AES mode.
    ///
    /// # Errors
    /// [`UrlDoesNotFit`] if the chip's file is too small for it.
    pub fn new(address: &str) -> Result<Self, UrlDoesNotFit> {
        let url = format!("{address}?e={:0<PICC_DATA_DIGITS$}&c={:0<MAC_DIGITS$}", "", "");
        let (code, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (0x04, rest),
            (None, Some(rest)) => (0x03, rest),
            (None, None) => (0x00, url.as_str()),
        };
        let payload = u8::try_from(rest.len() + 1).map_err(|_| UrlDoesNotFit)?;
        // The file's length in two bytes, then: one short record of a well-known type, "U", with that prefix.
        let head = [0x00, 0x00, 0xD1, 0x01, payload, b'U', code];
        let mut file: Vec<u8> = head.into_iter().chain(rest.bytes()).collect();
        let length = u16::try_from(file.len() - 2).map_err(|_| UrlDoesNotFit)?;
        file.splice(..2, length.to_be_bytes());
        if file.len() > FILE_BYTES_MAX {
            return Err(UrlDoesNotFit);
        }
        let length = u32::from(length) + 2;
        let mac_offset = length - 16;
        Ok(Self { file, picc_data_offset: mac_offset - 3 - 32, mac_offset, url })
    }

    /// What ChangeFileSettings takes for the NDEF file (NT4H2421Gx section 10.7.1): plain communication, SDM; everybody
    /// reads, key 0 writes and changes; UID and SDMReadCtr mirrored in ASCII, encrypted with key 1, MAC with key 2.
    #[must_use]
    pub fn file_settings(&self) -> Vec<u8> {
        let offsets = [self.picc_data_offset, self.mac_offset, self.mac_offset];
        let offsets = offsets.iter().flat_map(|offset| offset.to_le_bytes().into_iter().take(3));
        [0x40, 0x00, 0xE0, 0xC1, 0xFF, 0x12].into_iter().chain(offsets).collect()
    }
}

/// The chip's NDEF file has 256 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the URL does not fit into a tag: use a shorter address")]
pub struct UrlDoesNotFit;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_what_phones_read() {
        let template = TagTemplate::new("https://pay.example/t").unwrap();
        let zeros = |count| "0".repeat(count);
        assert_eq!(template.url, format!("https://pay.example/t?e={}&c={}", zeros(32), zeros(16)));
        assert_eq!(template.file[..7], [0x00, 72, 0xD1, 0x01, 68, 0x55, 0x04]);
        assert_eq!(&template.file[7..24], b"pay.example/t?e=0");
        assert_eq!((template.picc_data_offset, template.mac_offset), (23, 58));
        assert_eq!(&template.file[20..23], b"?e=");
        assert_eq!(&template.file[55..], format!("&c={}", zeros(16)).as_bytes());
    }

    /// NXP's AN12196 has `https://choose.url.com/ntag424?e=…&c=…`, as long as this one, at offsets 20h and 43h.
    #[test]
    fn offsets_count_as_in_nxps_example() {
        let template = TagTemplate::new("https://choose.url.com/ntag424").unwrap();
        assert_eq!((template.picc_data_offset, template.mac_offset), (0x20, 0x43));
        // Table 18 of AN12196 has the same but for the keys' numbers.
        assert_eq!(template.file_settings(), [0x40, 0, 0xE0, 0xC1, 0xFF, 0x12, 0x20, 0, 0, 0x43, 0, 0, 0x43, 0, 0]);
    }

    #[test]
    fn a_url_that_fits_no_tag_is_refused() {
        let longest = format!("https://{}", "a".repeat(195));
        assert_eq!(TagTemplate::new(&longest).map(|template| template.file.len()), Ok(256));
        assert_eq!(TagTemplate::new(&format!("{longest}a")), Err(UrlDoesNotFit));
        assert_eq!(TagTemplate::new(&"a".repeat(100_000)), Err(UrlDoesNotFit));
    }
}
