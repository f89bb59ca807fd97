//! Signatures: Standard Webhooks 1.0.0, symmetric (`v1`).
//!
//! What is signed is the message's id, the second of sending and the body, joined by full stops. Each secret that is valid
//! at the time gives a signature, so that a receiver may know the old or the new one while secrets are changed.

use base64ct::{Base64, Encoding};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::Secret;

/// The header that names the message: the same at each attempt, so that receivers can tell a repetition.
pub const ID_HEADER: &str = "webhook-id";

/// The header that says when the attempt was made, in Unix seconds.
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";

/// The header with the signatures, separated by spaces.
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// How far from the receiver's clock a timestamp may be, in seconds, either way.
pub const TOLERANCE_SECONDS: u64 = 300;

/// The one version that we write, and what separates it from the signature.
const VERSION: &str = "v1,";

type HmacSha256 = Hmac<Sha256>;

/// The value of [`SIGNATURE_HEADER`] for a message sent at `unix_seconds`: a signature by each of the secrets.
#[must_use]
pub fn sign<'a>(secrets: impl IntoIterator<Item = &'a Secret>, id: &str, unix_seconds: u64, body: &[u8]) -> String {
    let timestamp = unix_seconds.to_string();
    let mut header = String::with_capacity(48);
    for secret in secrets {
        if !header.is_empty() {
            header.push(' ');
        }
        header.push_str(VERSION);
        header.push_str(&Base64::encode_string(&mac(secret, id, &timestamp, body).finalize().into_bytes()));
    }
    header
}

/// Why a message is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The timestamp is no number of seconds.
    #[error("the timestamp is not a number of seconds")]
    MalformedTimestamp,
    /// More than [`TOLERANCE_SECONDS`] old: it may be a repetition of a message that somebody has overheard.
    #[error("the message is too old")]
    TooOld,
    /// More than [`TOLERANCE_SECONDS`] in the future.
    #[error("the message is from the future")]
    TooNew,
    /// None of the signatures is by one of the secrets.
    #[error("no signature is right")]
    WrongSignature,
}

/// What a receiver does with a message: it believes it if one of the signatures is by one of the secrets and the timestamp
/// is near `now_seconds`. Signatures are compared in constant time.
///
/// # Errors
/// [`VerifyError`] says why not.
pub fn verify(
    secrets: &[Secret],
    id: &str,
    timestamp: &str,
    signatures: &str,
    body: &[u8],
    now_seconds: u64,
) -> Result<(), VerifyError> {
    let sent: u64 = timestamp.parse().map_err(|_| VerifyError::MalformedTimestamp)?;
    if sent.saturating_add(TOLERANCE_SECONDS) < now_seconds {
        return Err(VerifyError::TooOld);
    }
    if sent > now_seconds.saturating_add(TOLERANCE_SECONDS) {
        return Err(VerifyError::TooNew);
    }
    let given = signatures.split(' ').filter_map(|signature| signature.strip_prefix(VERSION));
    let given: Vec<_> = given.filter_map(|encoded| Base64::decode_vec(encoded).ok()).collect();
    let is_right = |secret: &Secret| {
        let expected = mac(secret, id, timestamp, body);
        given.iter().any(|signature| expected.clone().verify_slice(signature).is_ok())
    };
    if secrets.iter().any(is_right) { Ok(()) } else { Err(VerifyError::WrongSignature) }
}

fn mac(secret: &Secret, id: &str, timestamp: &str, body: &[u8]) -> HmacSha256 {
    // HMAC takes keys of any length (RFC 2104, section 2).
    let mut mac = HmacSha256::new_from_slice(secret.bytes()).unwrap_or_else(|_| unreachable!("HMAC takes any key"));
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac
}
