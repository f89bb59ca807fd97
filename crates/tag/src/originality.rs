//! NXP's signature of its chips: whoever sells imitations cannot make it (AN12196 section 7.2).
//!
//! Every NTAG 424 DNA holds an ECDSA signature over its UID on the curve secp224r1, made at the factory and read with
//! `Read_Sig`. It can be copied together with the UID, so it tells where a chip comes from when it is personalised; a
//! tap is proven by its MAC.

use p224::ecdsa::signature::hazmat::PrehashVerifier;
use p224::ecdsa::{Signature, VerifyingKey};

use crate::Uid;

/// NXP's public key for NTAG 424 DNA, an uncompressed point (AN12196 section 7.2).
const NXP_PUBLIC_KEY: [u8; 57] = [
    0x04, 0x8A, 0x9B, 0x38, 0x0A, 0xF2, 0xEE, 0x1B, 0x98, 0xDC, 0x41, 0x7F, 0xEC, 0xC2, 0x63, 0xF8, 0x44, 0x9C, 0x76,
    0x25, 0xCE, 0xCE, 0x82, 0xD9, 0xB9, 0x16, 0xC9, 0x92, 0xDA, 0x20, 0x9D, 0x68, 0x42, 0x2B, 0x81, 0xEC, 0x20, 0xB6,
    0x5A, 0x66, 0xB5, 0x10, 0x2A, 0x61, 0x59, 0x6A, 0xF3, 0x37, 0x92, 0x00, 0x59, 0x93, 0x16, 0xA0, 0x0A, 0x14, 0x10,
];

/// Checks that NXP signed this UID. The signature is `r || s`; in the place of a digest is the UID itself, zeros before it.
///
/// # Errors
/// [`NotOriginal`] for any other signature.
pub fn verify(uid: Uid, signature: &[u8; 56]) -> Result<(), NotOriginal> {
    let key = VerifyingKey::from_sec1_bytes(&NXP_PUBLIC_KEY).map_err(|_| NotOriginal)?;
    let signature = Signature::from_slice(signature).map_err(|_| NotOriginal)?;
    let mut digest = [0; 28];
    digest[21..].copy_from_slice(&uid.0);
    key.verify_prehash(&digest, &signature).map_err(|_| NotOriginal)
}

/// NXP did not sign this UID so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the chip's signature is not NXP's: it is an imitation, or was read wrongly")]
pub struct NotOriginal;
