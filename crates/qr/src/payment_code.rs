//! The payment code: 24 digits that a wallet makes by itself each minute and a till scans, as Code 128 or as a QR code.
//!
//! ```text
//! 288800 01 123456 123456789 1
//! │      │  │      │         └ check digit over the other 23 (Damm)
//! │      │  │      └ what only this wallet can compute for this minute: 9 digits of a MAC
//! │      │  └ which wallet, under a name that changes each hour and means nothing without the server's key: 6 digits
//! │      └ business type: 2 digits
//! └ issuer: 6 digits, one of the platform's block; part of the wallet's name
//! ```
//!
//! A wallet asks for a [`Seed`] while it is online and makes codes from it for as many hours as it covers. The server needs no search: it
//! decrypts the name to the wallet's number, looks that up, and computes the MAC for the minutes that it accepts. A guess is right
//! with a chance of three in a billion, whether or not somebody has seen a code of the same wallet. `docs/payment-codes.md` has the
//! reasoning.
//!
//! **Does not.** Whether a code was used is for whoever decides: each [`CodeProof`] names what to remember and until when
//! ([`CodeUse`]), and [`UsedCodes`] is that memory as plain data. How often a till may be wrong is [`TryLimit`]'s business.

mod check_digit;
mod digits;
mod issuer;
mod limits;
mod permutation;
mod ranges;
mod seed;
mod time;

pub use digits::{BusinessType, MalformedCode, NoSuchBusinessType, PaymentCode};
pub use issuer::{CodeError, CodeIssuer, CodeProof, IssuerBlock, MasterKey, NoSuchBlock, Standing, WalletNumber};
pub use limits::{AlreadyUsed, CodeUse, TooManyTries, TryLimit, UsedCodes};
pub use ranges::{IssuerRanges, IssuerRangesError};
pub use seed::{MalformedSeed, Seed, SeedError};
pub use time::{Hour, Step};
