//! A production order: so many tags on so many reels, and what each of them is.

use std::fmt;

use serde::{Deserialize, Serialize};
use tag::KeyVersion;

use crate::serial::{OrderCode, Serial, SerialError};
use crate::template::{TagTemplate, UrlDoesNotFit};

/// The most tags of one order.
pub const COUNT_MAX: u32 = Serial::NUMBER_MAX;
/// How many labels a reel may have.
pub const REEL_LABELS: std::ops::RangeInclusive<u32> = 100..=100_000;

/// What the random choices of an order come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed(pub [u8; 16]);

impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for Seed {
    type Err = OrderError;

    /// 32 hexadecimal digits.
    fn from_str(text: &str) -> Result<Self, OrderError> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let mut seed = [0; 16];
        if pairs.len() != seed.len() || !rest.is_empty() {
            return Err(OrderError::Seed);
        }
        for (byte, pair) in seed.iter_mut().zip(pairs) {
            *byte = crate::uid::byte(*pair).ok_or(OrderError::Seed)?;
        }
        Ok(Self(seed))
    }
}

/// A production order. All of a tag follows from these terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    code: OrderCode,
    count: u32,
    reel_labels: u32,
    key_version: KeyVersion,
    public_url: String,
    seed: Seed,
    template: TagTemplate,
}

/// One reel of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reel {
    /// Counted from 1.
    pub number: u32,
    /// The number of its first label in the order.
    pub first: u32,
    /// How many labels it has; the last reel may have fewer than the others.
    pub labels: u32,
}

impl Reel {
    /// The number of its last label in the order.
    #[must_use]
    pub fn last(self) -> u32 {
        self.first + self.labels - 1
    }
}

/// What is known of a tag before there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedTag {
    /// What is printed on its label.
    pub serial: Serial,
    /// On which reel, counted from 1.
    pub reel: u32,
    /// Where on the reel, counted from 1.
    pub position: u32,
}

impl Order {
    /// An order on these terms. `public_url` is where phones reach the platform, such as `https://pay.example`.
    ///
    /// # Errors
    /// [`OrderError`] if there can be no such order.
    pub fn new(
        code: OrderCode,
        count: u32,
        reel_labels: u32,
        key_version: KeyVersion,
        public_url: &str,
        seed: Seed,
    ) -> Result<Self, OrderError> {
        if !(1..=COUNT_MAX).contains(&count) {
            return Err(OrderError::Count);
        }
        if !REEL_LABELS.contains(&reel_labels) {
            return Err(OrderError::ReelLabels);
        }
        let host = public_url.strip_prefix("https://").or_else(|| public_url.strip_prefix("http://"));
        // No more than a host and a port: the URL goes into cells and QR codes as it is.
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        if !host.is_some_and(|host| !host.is_empty() && host.bytes().all(plain)) {
            return Err(OrderError::PublicUrl);
        }
        let template = TagTemplate::new(&format!("{public_url}/t"))?;
        Ok(Self { code, count, reel_labels, key_version, public_url: public_url.to_owned(), seed, template })
    }

    /// Which order.
    #[must_use]
    pub fn code(&self) -> OrderCode {
        self.code
    }

    /// How many tags.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How many labels a full reel has.
    #[must_use]
    pub fn reel_labels(&self) -> u32 {
        self.reel_labels
    }

    /// Which version of keys the tags get.
    #[must_use]
    pub fn key_version(&self) -> KeyVersion {
        self.key_version
    }

    /// Where its samples are drawn from.
    #[must_use]
    pub fn seed(&self) -> Seed {
        self.seed
    }

    /// What every chip is given.
    #[must_use]
    pub fn template(&self) -> &TagTemplate {
        &self.template
    }

    /// How many reels.
    #[must_use]
    pub fn reels(&self) -> u32 {
        self.count.div_ceil(self.reel_labels)
    }

    /// The reel with that number, if there is one.
    #[must_use]
    pub fn reel(&self, number: u32) -> Option<Reel> {
        if !(1..=self.reels()).contains(&number) {
            return None;
        }
        let before = (number - 1) * self.reel_labels;
        Some(Reel { number, first: before + 1, labels: self.reel_labels.min(self.count - before) })
    }

    /// The tag with that number, if there is one.
    #[must_use]
    pub fn tag(&self, number: u32) -> Option<PlannedTag> {
        if number > self.count {
            return None;
        }
        let serial = Serial::new(self.code, number)?;
        let (reel, position) = ((number - 1) / self.reel_labels + 1, (number - 1) % self.reel_labels + 1);
        Some(PlannedTag { serial, reel, position })
    }

    /// What precedes the serial in the URL of a label.
    #[must_use]
    pub fn label_url_base(&self) -> String {
        format!("{}/l/", self.public_url)
    }

    /// The URL in the QR code of that label.
    #[must_use]
    pub fn label_url(&self, serial: Serial) -> String {
        format!("{}{serial}", self.label_url_base())
    }

    /// The order as its file says it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let hexadecimal = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        let file = OrderFile {
            format: FORMAT,
            order: self.code.to_string(),
            count: self.count,
            reel_labels: self.reel_labels,
            reels: self.reels(),
            key_version: self.key_version.0,
            public_url: self.public_url.clone(),
            seed: self.seed.to_string(),
            tag_url: self.template.url.clone(),
            ndef_file: hexadecimal(&self.template.file),
            file_settings: hexadecimal(&self.template.file_settings()),
        };
        // Nothing in it could fail.
        serde_json::to_string_pretty(&file).unwrap_or_default() + "\n"
    }

    /// The order that a file says.
    ///
    /// # Errors
    /// [`OrderError::File`] if it is none, or not as [`Self::to_json`] writes it.
    pub fn from_json(text: &str) -> Result<Self, OrderError> {
        let file: OrderFile = serde_json::from_str(text).map_err(|_| OrderError::File)?;
        let order = Self::new(
            file.order.parse()?,
            file.count,
            file.reel_labels,
            KeyVersion(file.key_version),
            &file.public_url,
            file.seed.parse()?,
        )?;
        if order.to_json() == text { Ok(order) } else { Err(OrderError::File) }
    }
}

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrderFile {
    format: u32,
    order: String,
    count: u32,
    reel_labels: u32,
    reels: u32,
    key_version: u8,
    public_url: String,
    seed: String,
    tag_url: String,
    ndef_file: String,
    file_settings: String,
}

/// Why there can be no such order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Out of range.
    #[error("an order has 1 to {COUNT_MAX} tags")]
    Count,
    /// Out of range.
    #[error("a reel has {} to {} labels", REEL_LABELS.start(), REEL_LABELS.end())]
    ReelLabels,
    /// No address of a platform.
    #[error("the public URL must be an address such as https://pay.example, without a path")]
    PublicUrl,
    /// Too long for a chip.
    #[error(transparent)]
    Template(#[from] UrlDoesNotFit),
    /// Not 16 bytes.
    #[error("a seed is 32 hexadecimal digits")]
    Seed,
    /// Not a code.
    #[error("the order's code is wrong: {0}")]
    Code(#[from] SerialError),
    /// Somebody wrote into it.
    #[error("the file of the order is not as it was written")]
    File,
}
