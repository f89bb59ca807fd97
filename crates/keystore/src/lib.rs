//! The key store: master keys that tags' keys follow from, with versions, overlap, a ceremony of two people, and a record
//! of each use in personalisation.
//!
//! A [`KeyStore`] is a [`Register`] of versions and, behind the trait [`MasterKeys`], the masters themselves, in one of three
//! forms: in a sealed file (the default), in a hardware module (crate `keystore-pkcs11`; the masters never leave it, the
//! register is in a sealed file), or in memory for tests.
//!
//! It promises that a change is on the disk before it is answered, whole or not at all; that one person alone makes no
//! master key, other than by bringing in the first one; that a version is personalised with only while it is the current one, and never again after it; that
//! nothing secret is in what it prints, in its errors or in its audit file.
//!
//! It does not protect a master from whoever holds both file and passphrase, or the running process's memory; it cannot
//! tell an old copy of the file from the newest. Time and randomness come from outside.

mod audit;
mod derived;
mod error;
mod masters;
mod person;
mod register;
mod replace;
mod seal;
mod secret;
mod share;
mod store;

pub use audit::{AuditLog, Deed};
pub use derived::{CAPACITY_MAX, DerivedKeys};
pub use error::KeyStoreError;
pub use masters::{InMemory, MasterId, MasterKeys, MasterUnavailable};
pub use person::{Person, PersonError};
pub use register::{Origin, Refusal, Register, RetiredBecause, State, Timestamp, Version};
pub use seal::{Argon2Cost, KEY_FILE_BYTES, Lock, Passphrase, PassphraseTooShort};
pub use share::{CheckValue, Share, ShareText};
pub use store::{ChipKeys, Joined, KeyStore, Randomness};
