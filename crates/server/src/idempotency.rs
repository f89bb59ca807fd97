//! `Idempotency-Key`: a request that may be sent again and is answered as it was the first time.

use axum::http::HeaderMap;
use axum::http::request::Parts;
use directory::Actor;
use payments::{BodyDigest, Request, RequestKey};
use sha2::{Digest, Sha256};

use crate::problem::Problem;

/// The header's name.
pub(crate) const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

/// The longest key, in bytes.
const MAX_LENGTH: usize = 255;

/// The request as the money core remembers it, if its sender gave a key: digests of who asked under which key, and of
/// what was asked.
pub(crate) fn request(actor: Actor, parts: &Parts, body: &[u8]) -> Result<Option<Request>, Problem> {
    let Some(key) = key(&parts.headers)? else { return Ok(None) };
    let (kind, id): (&[u8], u128) = match actor {
        Actor::Operator => (b"platform", 0),
        Actor::Merchant(id) => (b"merchant", id.as_u128()),
        Actor::Till(id) => (b"till", id.as_u128()),
        Actor::Wallet(id) => (b"wallet", id.as_u128()),
    };
    Ok(Some(Request {
        key: RequestKey(digest(&[kind, &id.to_be_bytes(), key])),
        body: BodyDigest(digest(&[parts.method.as_str().as_bytes(), parts.uri.path().as_bytes(), body])),
    }))
}

fn key(headers: &HeaderMap) -> Result<Option<&[u8]>, Problem> {
    let mut given = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = given.next().map(|header| header.as_bytes()) else { return Ok(None) };
    let visible = key.iter().all(u8::is_ascii_graphic);
    if given.next().is_none() && visible && (1..=MAX_LENGTH).contains(&key.len()) {
        return Ok(Some(key));
    }
    Err(Problem::field(IDEMPOTENCY_KEY, "must be given once and have 1 to 255 visible ASCII characters"))
}

/// The first half of the SHA-256 of these parts. Each comes after its length,
/// so that no two requests look the same by moving a boundary.
fn digest(parts: &[&[u8]]) -> [u8; 16] {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let full: [u8; 32] = hash.finalize().into();
    let mut half = [0; 16];
    half.copy_from_slice(&full[..16]);
    half
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_flow_into_each_other() {
        assert_ne!(digest(&[b"ab", b"c"]), digest(&[b"a", b"bc"]));
        assert_ne!(digest(&[b"", b"abc"]), digest(&[b"abc", b""]));
    }
}
