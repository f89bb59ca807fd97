//! What a wallet gets while it is online, and makes codes from while it is not.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

use super::digits::{BusinessType, HANDLES, MACS, PaymentCode};
use super::time::{Hour, Step};

/// The keys and names of a wallet for some hours. Whoever has it can pay as the wallet until it ends or is revoked, within the wallet's limits.
/// Its Debug form is redacted and its memory is wiped when it is dropped.
pub struct Seed {
    hours: Vec<HourSeed>,
}

/// One hour: the wallet's name in it, and the key of its minutes.
pub(super) struct HourSeed {
    pub(super) hour: Hour,
    pub(super) issuer: u32,
    pub(super) handle: u32,
    pub(super) key: HourKey,
}

/// The key of a wallet's codes in one hour.
pub(super) struct HourKey([u8; 16]);

impl HourKey {
    pub(super) fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The MAC of this hour's minutes, ready to be computed for several.
    pub(super) fn ready(&self) -> ReadyKey {
        // A key of any length is taken.
        match Hmac::<Sha256>::new_from_slice(&self.0) {
            Ok(mac) => ReadyKey(mac),
            Err(_) => unreachable!("HMAC takes keys of any length"),
        }
    }
}

impl Drop for HourKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

pub(super) struct ReadyKey(Hmac<Sha256>);

impl ReadyKey {
    /// Nine digits that cover everything else in the code, and the minute.
    pub(super) fn mac(&self, issuer: u32, business: BusinessType, handle: u32, step: Step) -> u32 {
        let mut mac = self.0.clone();
        mac.update(&issuer.to_be_bytes());
        mac.update(&[business.number()]);
        mac.update(&handle.to_be_bytes());
        mac.update(&step.0.to_be_bytes());
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(mac.finalize().into_bytes());
        u32::try_from(u64::from_be_bytes([a, b, c, d, e, f, g, h]) % MACS).unwrap_or_default()
    }
}

impl Seed {
    /// The most hours that a seed covers: three days.
    pub const HOURS_MAX: u8 = 72;

    const VERSION: u8 = 1;
    const HOUR_BYTES: usize = 4 + 4 + 4 + 16;

    pub(super) fn new(hours: Vec<HourSeed>) -> Self {
        Self { hours }
    }

    /// The code of a minute.
    ///
    /// # Errors
    /// [`SeedError`] if the seed does not cover it: the wallet must go online.
    pub fn code(&self, step: Step, business: BusinessType) -> Result<PaymentCode, SeedError> {
        let HourSeed { issuer, handle, key, .. } =
            self.hours.iter().find(|hour| hour.hour == step.hour()).ok_or(SeedError)?;
        let mac = key.ready().mac(*issuer, business, *handle, step);
        Ok(PaymentCode { issuer: *issuer, business, handle: *handle, mac })
    }

    /// The first hour that it covers, and the first that it does not.
    #[must_use]
    pub fn covers(&self) -> (Hour, Hour) {
        let first = self.hours.first().map_or(Hour(0), |hour| hour.hour);
        let last = self.hours.last().map_or(first, |hour| Hour(hour.hour.0.saturating_add(1)));
        (first, last)
    }

    /// The seed as bytes, to hand it over through a channel that keeps secrets.
    #[must_use]
    pub fn expose(&self) -> Vec<u8> {
        let mut bytes = vec![Self::VERSION];
        for hour in &self.hours {
            bytes.extend_from_slice(&hour.hour.0.to_be_bytes());
            bytes.extend_from_slice(&hour.issuer.to_be_bytes());
            bytes.extend_from_slice(&hour.handle.to_be_bytes());
            bytes.extend_from_slice(&hour.key.0);
        }
        bytes
    }

    /// The seed of such bytes.
    ///
    /// # Errors
    /// [`MalformedSeed`] if they are none.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MalformedSeed> {
        let (&Self::VERSION, rest) = bytes.split_first().ok_or(MalformedSeed)? else { return Err(MalformedSeed) };
        let (hours, []) = rest.as_chunks::<{ Self::HOUR_BYTES }>() else { return Err(MalformedSeed) };
        if hours.is_empty() || hours.len() > usize::from(Self::HOURS_MAX) {
            return Err(MalformedSeed);
        }
        let hours: Vec<_> = hours.iter().map(hour_of).collect();
        let is_right = |hour: &HourSeed| hour.issuer < 1_000_000 && hour.handle < HANDLES;
        let follow = hours.is_sorted_by(|hour, next| hour.hour < next.hour);
        if follow && hours.iter().all(is_right) { Ok(Self { hours }) } else { Err(MalformedSeed) }
    }
}

fn hour_of(bytes: &[u8; Seed::HOUR_BYTES]) -> HourSeed {
    let number = |at: usize| u32::from_be_bytes(std::array::from_fn(|place| bytes[at + place]));
    let key = HourKey::new(std::array::from_fn(|place| bytes[12 + place]));
    HourSeed { hour: Hour(number(0)), issuer: number(4), handle: number(8), key }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed(redacted, {} hours)", self.hours.len())
    }
}

/// The seed does not cover this minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the seed does not cover this minute: go online")]
pub struct SeedError;

/// The bytes are no seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no seed")]
pub struct MalformedSeed;
