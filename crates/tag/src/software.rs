//! A tag without a chip.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::sdm::{
    LoopStatus, MetaReadKey, Mirror, Mode, PiccData, PiccRandom, Piece, SessionKeys, Settings, SettingsError,
    TamperStatus,
};
use crate::{AesKey, KeySet, KeyVersion, MalformedUrl, ReadCounter, Uid, hexadecimal};

/// Answers touches as a chip does that was personalised with the same master key: byte for byte the same URLs, upper-case
/// digits included.
///
/// It protects its keys no better than any program does, and forgets its counter unless the caller keeps it.
pub struct SoftwareTag {
    uid: Uid,
    counter: ReadCounter,
    settings: Settings,
    meta_read: MetaReadKey,
    file_read: AesKey,
    file_data: Vec<u8>,
    tamper: TamperStatus,
}

impl SoftwareTag {
    /// A tag that has been read `counter` times and is at `base_url`, a URL that ends in `/t`: one of this platform's, in
    /// AES mode.
    ///
    /// # Errors
    /// [`MalformedUrl`] if the base URL could not become the URL of a tap.
    pub fn new(master: &AesKey, uid: Uid, counter: ReadCounter, base_url: &str) -> Result<Self, MalformedUrl> {
        Settings::of_platform(Mode::Aes).read(&format!("{base_url}?e={:032}&c={:016}", 0, 0))?;
        let settings = Settings::parse(Mode::Aes, &format!("{base_url}?e={{picc_data}}&c={{mac}}"));
        let settings = settings.map_err(|error| match error {
            SettingsError::Url(reason) => reason,
            _ => MalformedUrl::IllegalCharacter,
        })?;
        Ok(Self::of(KeySet::new(KeyVersion(1), master, settings), uid, counter))
    }

    /// A tag with any settings, which has been read `counter` times.
    #[must_use]
    pub fn of(keys: KeySet, uid: Uid, counter: ReadCounter) -> Self {
        // A chip of a module that does not answer signs with no key of ours.
        let file_read = keys.file_read(uid).unwrap_or_else(|| AesKey::new([0; 16]));
        let (settings, meta_read) = keys.into_parts();
        let tamper = TamperStatus { permanent: LoopStatus::Closed, current: LoopStatus::Closed };
        Self { uid, counter, settings, meta_read, file_read, file_data: Vec::new(), tamper }
    }

    /// The same with this in its file where its settings encrypt file data; zeros follow it, and what does not fit counts
    /// for nothing.
    #[must_use]
    pub fn with_file_data(self, file_data: &[u8]) -> Self {
        Self { file_data: file_data.to_vec(), ..self }
    }

    /// The same with its loop of wire in that state. Without this it is closed.
    #[must_use]
    pub fn with_tamper(self, tamper: TamperStatus) -> Self {
        Self { tamper, ..self }
    }

    /// Who it is.
    #[must_use]
    pub fn uid(&self) -> Uid {
        self.uid
    }

    /// How often it has been read.
    #[must_use]
    pub fn counter(&self) -> ReadCounter {
        self.counter
    }

    /// Counts one more reading and says the URL of it.
    ///
    /// The padding should be random, as the chip's is: it makes two encryptions of one reading differ.
    ///
    /// # Errors
    /// [`CounterExhausted`] after 2^24 - 1 readings.
    pub fn touch(&mut self, padding: [u8; 5]) -> Result<String, CounterExhausted> {
        let mut random = PiccRandom::default();
        random.padding[..5].copy_from_slice(&padding);
        // In LRP mode PICCRand must differ from one reading to the next.
        random.picc_rand = [padding[0], padding[1], padding[2], padding[3], padding[4], 0, 0, 0];
        self.touch_with(random)
    }

    /// The same with everything that a chip rolls: LRP mode wants another PICCRand at each reading.
    ///
    /// # Errors
    /// [`CounterExhausted`] after 2^24 - 1 readings.
    pub fn touch_with(&mut self, random: PiccRandom) -> Result<String, CounterExhausted> {
        self.counter = self.counter.next().ok_or(CounterExhausted)?;
        let (has_uid, has_counter) = self.settings.picc_data_has();
        let is_mirrored = |mirror| self.settings.placeholders().any(|(found, _)| found.mirror == mirror);
        let encrypted = is_mirrored(Mirror::PiccData);
        let picc_data = PiccData {
            uid: (if encrypted { has_uid } else { is_mirrored(Mirror::Uid) }).then_some(self.uid),
            counter: (if encrypted { has_counter } else { is_mirrored(Mirror::Counter) }).then_some(self.counter),
        };
        Ok(self.url(picc_data, random))
    }

    fn url(&self, picc_data: PiccData, random: PiccRandom) -> String {
        let session_keys = SessionKeys::derive(self.settings.mode(), &self.file_read, picc_data);
        let mut url = String::new();
        let mut mac_input = None;
        for piece in self.settings.pieces() {
            let placeholder = match piece {
                Piece::Text(text) => {
                    url.push_str(text);
                    continue;
                }
                Piece::MacInput => {
                    mac_input = Some(url.len());
                    continue;
                }
                Piece::Placeholder(placeholder) => placeholder,
            };
            url.push_str(&match placeholder.mirror {
                Mirror::PiccData => hexadecimal::encode(self.meta_read.encrypt(picc_data, random).as_bytes()),
                Mirror::Uid => format!("{}", self.uid),
                Mirror::Counter => format!("{:06X}", self.counter.value()),
                Mirror::Tamper => self.tamper.letters().map(char::from).iter().collect(),
                Mirror::FileData => self.encrypted_file_data(&session_keys, placeholder.width / 2),
                Mirror::Mac => {
                    let covered = mac_input.and_then(|start| url.get(start..)).unwrap_or_default();
                    hexadecimal::encode(&session_keys.mac(covered.as_bytes()).to_bytes())
                }
            });
        }
        url
    }

    fn encrypted_file_data(&self, session_keys: &SessionKeys, length: usize) -> String {
        let mut data = self.file_data.clone();
        data.resize(length, 0);
        if let Some(letters) = self.settings.tamper_in_file_data().and_then(|place| data.get_mut(place..place + 2)) {
            letters.copy_from_slice(&self.tamper.letters());
        }
        // The settings have whole blocks only.
        let whole = session_keys.encrypt_file_data(self.counter, &mut data);
        debug_assert!(whole.is_ok());
        hexadecimal::encode(&data)
    }
}

impl fmt::Debug for SoftwareTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uid, counter, settings, .. } = self;
        f.debug_struct("SoftwareTag")
            .field("uid", uid)
            .field("counter", counter)
            .field("url", &settings.blank_url())
            .finish_non_exhaustive()
    }
}

/// The tag has been read 2^24 - 1 times and signs no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the tag's read counter is exhausted")]
pub struct CounterExhausted;
