//! NFC tags that sign what they say: NXP NTAG 424 DNA with Secure Dynamic Messaging (SDM).
//!
//! At every touch the chip answers with a URL it has just made, `https://host/t?e=…&c=…`: `e` is its UID and read
//! counter, encrypted; `c` is a MAC that only this chip and the holder of the master key can compute.
//! [`TagKeys::verify_url`] turns such a URL into a [`VerifiedTap`], which nothing else can make, with the keys of all
//! versions that tags were personalised with. [`SoftwareTag`] plays the chip where there is none: demonstrations, tests
//! and simulations.
//!
//! - [`sdm`] has the scheme's parts, as NXP's data sheet NT4H2421Gx (section 9.3) and application note AN12196
//!   describe them: both modes, everything that can be mirrored, any template of a URL.
//! - [`diversification`] has how every key follows from one master key (AN10922), and in which key slot of the chip it
//!   belongs, so that a real chip can be personalised with it.
//! - [`originality`] tells NXP's chips from imitations.
//! - [`cmac`], [`lrp`] and [`session`] are what those and a chip itself are made of.
//!
//! A URL that verifies was made by the tag, once; it does not say when. The same URL verifies again and again: that
//! the counter only grows is for the one who accepts taps to enforce. There is no I/O, clock or randomness here, and no
//! state apart from a software tag's counter.

#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod block;
pub mod cmac;
pub mod diversification;
mod hexadecimal;
mod identity;
mod key;
pub mod lrp;
pub mod originality;
pub mod sdm;
pub mod session;
mod software;
mod url;
mod verification;

pub use identity::{ReadCounter, ReadCounterOutOfRange, Uid};
pub use key::AesKey;
pub use software::{CounterExhausted, SoftwareTag};
pub use url::MalformedUrl;
pub use verification::{DuplicateVersion, FileReadKeys, KeySet, KeyVersion, TagKeys, TapError, VerifiedTap};
