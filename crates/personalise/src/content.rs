//! What is written into a tag: the NDEF file and its settings.

use chip::FileNumber;
use chip::access::{Access, AccessRights, CommMode, KeyNumber};
use chip::ndef::content::{ANDROID_APPLICATION, URI, uri_payload};
use chip::ndef::{Content, Message, NameFormat, Record, to_file};
use chip::settings::{FileRead, FileSettings, InvalidSettings, MetaRead, Place, Sdm};
use tag::sdm::{Mirror, Mode, Settings, SettingsError};

/// How many bytes the NDEF file holds, the message's length included (NT4H2421Gx section 8.2.3).
const FILE_BYTES: usize = 256;
/// What precedes a first record's URI: the file's length, a short record's header, and the prefix's code.
const BEFORE_URI: usize = 7;

/// The NDEF file of a platform's tag: `https://host/t?e={picc_data}&c={mac}`, and perhaps the name of the Android
/// application that shall open.
///
/// Anybody may read the file; the tag's master key writes it and changes its settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagContent {
    mode: Mode,
    file: Vec<u8>,
    settings: FileSettings,
}

impl TagContent {
    /// The content of tags in that mode, at a URL that ends in `/t`. The package is an Android application's name, such as
    /// `com.example.wallet`.
    ///
    /// # Errors
    /// [`ContentError`]: the URL or the package is none, or both do not fit into a tag.
    pub fn new(mode: Mode, base_url: &str, android_package: Option<&str>) -> Result<Self, ContentError> {
        let url = Settings::parse(mode, &format!("{base_url}?e={{picc_data}}&c={{mac}}"))?;
        let blank = url.blank_url();
        let uri = uri_payload(&blank);
        let mut records = vec![Record::well_known(URI, &uri)];
        if let Some(package) = android_package {
            records.push(application(package)?);
        }
        let message = Message::new(records).map_err(|_| ContentError::Package)?.to_bytes();
        let too_long = ContentError::TooLong { length: message.len() + 2 };
        let file = to_file(&message).map_err(|_| too_long)?;
        if file.len() > FILE_BYTES {
            return Err(too_long);
        }
        // The prefix became one byte, which the record's header counts.
        let abbreviated = blank.len() + 1 - uri.len();
        let offset = |mirror| {
            let (_, range) = url.placeholders().find(|(place, _)| place.mirror == mirror)?;
            u32::try_from(range.start + BEFORE_URI - abbreviated).ok()
        };
        let places = offset(Mirror::PiccData).zip(offset(Mirror::Mac));
        let (picc_data, mac) = places.ok_or(ContentError::Template(SettingsError::NoIdentity))?;
        Ok(Self { mode, file, settings: settings(mode, picc_data, mac)? })
    }

    /// The mode of the tags that it is for.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The NDEF file from its first byte on; what the chip mirrors is zeros.
    #[must_use]
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    /// The NDEF file's settings.
    #[must_use]
    pub fn settings(&self) -> &FileSettings {
        &self.settings
    }

    /// The settings as GetFileSettings shows them.
    pub(crate) fn shown_settings(&self) -> Vec<u8> {
        self.settings.to_bytes(FileNumber::Ndef.size().into())
    }
}

fn application(package: &str) -> Result<Record<'_>, ContentError> {
    let payload = package.as_bytes();
    let record = Record { format: NameFormat::External, name: ANDROID_APPLICATION, identifier: None, payload };
    match Content::parse(&record) {
        Ok(Content::AndroidApplication(_)) => Ok(record),
        _ => Err(ContentError::Package),
    }
}

/// UID and counter encrypted with key 1, a MAC over them with key 2, nothing else. The counter is not to be asked for: it
/// is in each URL.
fn settings(mode: Mode, picc_data: u32, mac: u32) -> Result<FileSettings, ContentError> {
    let key = |number| KeyNumber::new(number).ok_or(ContentError::Settings(InvalidSettings::NoSuchAccess));
    let master = Access::Key(KeyNumber::MASTER);
    let sdm = Sdm {
        uid: true,
        read_counter: true,
        meta_read: MetaRead::Encrypted { key: key(1)?, offset: picc_data },
        tamper_status: None,
        file_read: Some(FileRead { key: key(2)?, mac_input: mac, mac, encrypted: None }),
        counter_retrieval: Access::Never,
        read_counter_limit: None,
    };
    let rights = AccessRights { read: Access::Free, write: master, read_write: master, change: master };
    let settings = FileSettings { mode: CommMode::Plain, rights, sdm: Some(sdm) };
    // No tag is asked for what the chip would refuse.
    let picc_data_length = if mode == Mode::Lrp { 48 } else { 32 };
    let place = Place { file_size: FileNumber::Ndef.size().into(), picc_data_length, sdm: true };
    FileSettings::parse(&settings.to_change(), place).map_err(ContentError::Settings)
}

/// Why nothing can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// The URL is none that a tag can answer with.
    #[error("no tag can have this URL: {0}")]
    Template(#[from] SettingsError),
    /// The name of the Android application is none.
    #[error("an Android application's name is words with dots between them, such as com.example.wallet")]
    Package,
    /// The message has more bytes than the tag's file.
    #[error(
        "the tag's file would need {length} bytes and has {FILE_BYTES}, its length included: use a shorter URL, or no \
         Android application"
    )]
    TooLong {
        /// How many bytes the file would have.
        length: usize,
    },
    /// The chip would refuse the settings.
    #[error("the chip would refuse the settings: {0}")]
    Settings(InvalidSettings),
}
