//! One line: what it says, and whether that is so.

use tag::sdm::{
    EncryptedPiccData, Identity, MetaReadKey, Mode, PiccData, Reading, ReadingError, SdmMac, SessionKeys, Tamper,
};
use tag::{AesKey, ReadCounter, Uid};

use crate::Proven;
use crate::fields::{Fields, Problem};

/// More than a tag's file holds.
const FILE_DATA_BYTES_MAX: usize = 256;

/// A line that says enough to be checked.
pub(crate) struct Line {
    identity: Identity,
    /// What is said in the clear.
    plain: PiccData,
    meta_read: MetaReadKey,
    file_read: Option<AesKey>,
    mac: Option<SdmMac>,
    mac_input: Vec<u8>,
    file_data: Vec<u8>,
}

impl Line {
    pub(crate) fn parse(line: &[u8]) -> Result<Self, Problem> {
        let fields = Fields::parse(line)?;
        let mode = mode(&fields)?;
        let plain = plain(&fields)?;
        let meta_read = fields.bytes("meta_read_key")?.map(AesKey::new);
        let file_read = fields.bytes("file_read_key")?.map(AesKey::new);
        let mac = fields.bytes("cmac")?.map(SdmMac::new);
        let picc_data = picc_data(&fields, mode)?;
        let mac_input = fields.text("mac_input_ascii")?.unwrap_or_default();
        let file_data = fields.any_bytes("enc_file_data")?.unwrap_or_default();
        if !mac_input.is_ascii() {
            return Err(Problem::NoAscii);
        }
        if !file_data.len().is_multiple_of(16) || file_data.len() > FILE_DATA_BYTES_MAX {
            return Err(Problem::FileDataLength);
        }
        let identity = match (picc_data, plain) {
            (Some(picc_data), _) => Identity::Encrypted(picc_data),
            (None, PiccData { uid: None, counter: None }) => return Err(Problem::NoIdentity),
            (None, plain) => Identity::Plain(mode, plain),
        };
        let meta_read = match (meta_read, &identity) {
            (Some(key), _) => MetaReadKey::new(mode, &key),
            (None, Identity::Encrypted(_)) => return Err(Problem::Missing("meta_read_key", "picc_data")),
            (None, Identity::Plain(..)) => MetaReadKey::new(mode, &AesKey::new([0; 16])),
        };
        Ok(Self { identity, plain, meta_read, file_read, mac, mac_input: mac_input.into(), file_data })
    }

    pub(crate) fn verify(self) -> Result<Proven, Problem> {
        let Self { identity, plain, meta_read, file_read, mac, mac_input, file_data } = self;
        let Some(mac) = mac else { return Unsigned { identity, plain, meta_read, file_read, file_data }.decrypt() };
        let tamper = Tamper::None;
        let reading = Reading { identity, mac_input, mac, file_data, tamper, counter_limit: ReadCounter::MAX };
        let identified = reading.identify(&meta_read).map_err(|_| Problem::WrongMetaReadKey)?;
        let PiccData { uid, counter } = agree(identified.claimed(), plain)?;
        let file_read = file_read.ok_or(Problem::Missing("file_read_key", "cmac"))?;
        let verified = identified.verify(&file_read).map_err(|error| match error {
            ReadingError::FileDataOfNobody => Problem::FileDataOfNobody,
            ReadingError::PartialBlock(_) => Problem::FileDataLength,
            ReadingError::WrongMac | ReadingError::CounterAboveLimit | ReadingError::InvalidTamperStatus(_) => {
                Problem::WrongMac
            }
        })?;
        Ok(proven(uid, counter, verified.file_data(), None))
    }
}

/// A reading without a MAC: it can be decrypted, and proves nothing.
struct Unsigned {
    identity: Identity,
    plain: PiccData,
    meta_read: MetaReadKey,
    file_read: Option<AesKey>,
    file_data: Vec<u8>,
}

impl Unsigned {
    fn decrypt(self) -> Result<Proven, Problem> {
        let Self { identity, plain, meta_read, file_read, mut file_data } = self;
        let (mode, claimed) = match identity {
            Identity::Plain(..) if file_data.is_empty() => return Err(Problem::NothingToCheck),
            Identity::Plain(mode, claimed) => (mode, claimed),
            Identity::Encrypted(picc_data) => {
                let claimed = meta_read.decrypt(&picc_data).map_err(|_| Problem::WrongMetaReadKey)?;
                (picc_data.mode(), agree(claimed, plain)?)
            }
        };
        if !file_data.is_empty() {
            let (Some(_), Some(counter)) = (claimed.uid, claimed.counter) else {
                return Err(Problem::FileDataOfNobody);
            };
            let file_read = file_read.ok_or(Problem::Missing("file_read_key", "enc_file_data"))?;
            let session_keys = SessionKeys::derive(mode, &file_read, claimed);
            session_keys.decrypt_file_data(counter, &mut file_data).map_err(|_| Problem::FileDataLength)?;
        }
        Ok(proven(claimed.uid, claimed.counter, &file_data, Some(false)))
    }
}

fn mode(fields: &Fields) -> Result<Mode, Problem> {
    match fields.text("mode")? {
        Some(mode) if mode.eq_ignore_ascii_case("AES") => Ok(Mode::Aes),
        Some(mode) if mode.eq_ignore_ascii_case("LRP") => Ok(Mode::Lrp),
        _ => Err(Problem::NoMode),
    }
}

fn plain(fields: &Fields) -> Result<PiccData, Problem> {
    let counter = |number| {
        let number = u32::try_from(number).map_err(|_| Problem::CounterOutOfRange)?;
        ReadCounter::new(number).map_err(|_| Problem::CounterOutOfRange)
    };
    let counter = fields.number("counter")?.map(counter).transpose()?;
    Ok(PiccData { uid: fields.bytes("uid")?.map(Uid), counter })
}

fn picc_data(fields: &Fields, mode: Mode) -> Result<Option<EncryptedPiccData>, Problem> {
    let Some(bytes) = fields.any_bytes("picc_data")? else { return Ok(None) };
    let (mode, picc_data, expected) = match mode {
        Mode::Aes => ("AES", bytes[..].try_into().map(EncryptedPiccData::Aes), 32),
        Mode::Lrp => ("LRP", bytes[..].try_into().map(EncryptedPiccData::Lrp), 48),
    };
    picc_data.map(Some).map_err(|_| Problem::PiccDataLength { mode, expected, found: 2 * bytes.len() })
}

/// What the PICC data says; what is said beside it in the clear must be the same.
fn agree(claimed: PiccData, plain: PiccData) -> Result<PiccData, Problem> {
    if plain.uid.is_some() && plain.uid != claimed.uid {
        return Err(Problem::OtherIdentity("uid"));
    }
    if plain.counter.is_some() && plain.counter != claimed.counter {
        return Err(Problem::OtherIdentity("counter"));
    }
    Ok(claimed)
}

fn proven(uid: Option<Uid>, counter: Option<ReadCounter>, file_data: &[u8], authenticated: Option<bool>) -> Proven {
    let file_data = (!file_data.is_empty()).then(|| file_data.iter().map(|byte| format!("{byte:02X}")).collect());
    Proven {
        valid: true,
        uid: uid.map(|uid| uid.to_string()),
        counter: counter.map(ReadCounter::value),
        file_data_hex: file_data,
        authenticated,
    }
}
