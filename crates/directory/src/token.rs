//! Bearer tokens, and the hashes that are kept of them.

use std::fmt;
use std::hash::{Hash, Hasher};

use ids::TokenId;
use payments::UnixMillis;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroize;

use crate::Actor;

/// Longer texts are no token of ours, and are not hashed.
const MAX_LENGTH: usize = 128;

/// An API key: whoever bears it acts for its actor. Shown once, when it is made; stored only hashed; redacted in Debug
/// output and wiped from memory when it is dropped.
///
/// Its prefix says what it is for: `op_` an operator's key, `mk_` a merchant's key, `tk_` a till's key, `wt_` a wallet's
/// token. Then come 64 hexadecimal digits.
pub struct Token(String);

impl Token {
    /// The token made of 32 bytes, which must come from a cryptographic random number generator: 256 bits that nobody
    /// can guess are why a fast, unsalted hash is enough to store them by.
    #[must_use]
    pub fn from_random(actor: Actor, random: [u8; 32]) -> Self {
        let digits = random.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        let digits = digits.filter_map(|nibble| char::from_digit(u32::from(nibble), 16));
        Self(prefix(actor).chars().chain(digits).collect())
    }

    /// A token that anybody can guess, such as `mk_demo_lantern_tea` for `lantern-tea`: for demonstrations, where it is
    /// published, and for nothing else. Whatever is not a small letter or digit of ASCII becomes an underscore.
    #[must_use]
    pub fn for_demonstration(actor: Actor, name: &str) -> Self {
        let plain = |character: char| if matches!(character, 'a'..='z' | '0'..='9') { character } else { '_' };
        Self(prefix(actor).chars().chain("demo_".chars()).chain(name.chars().take(64).map(plain)).collect())
    }

    /// The token itself, to hand it to its bearer; never to log it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Its last four characters, to recognise it by: of a random one, 16 of its 256 bits.
    pub(crate) fn hint(&self) -> Box<str> {
        let start = self.0.char_indices().rev().nth(3).map_or(0, |(start, _)| start);
        self.0[start..].into()
    }
}

fn prefix(actor: Actor) -> &'static str {
    match actor {
        Actor::Operator => "op_",
        Actor::Merchant(_) => "mk_",
        Actor::Till(_) => "tk_",
        Actor::Wallet(_) => "wt_",
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// The SHA-256 of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest(pub(crate) [u8; 32]);

impl Digest {
    pub(crate) fn of(token: &Token) -> Self {
        Self(Sha256::digest(token.expose()).into())
    }

    /// The digest of a text that a stranger presents as a token, unless it cannot be one.
    pub(crate) fn of_presented(text: &str) -> Option<Self> {
        (text.len() <= MAX_LENGTH).then(|| Self(Sha256::digest(text).into()))
    }

    /// An id for the key with this token, where nobody has given it one. It tells nothing of the token: it is made of
    /// 74 bits of the digest.
    pub(crate) fn key_id(&self, made_at: UnixMillis) -> TokenId {
        let [.., a, b, c, d, e, f, g, h, i, j] = self.0;
        TokenId::from_parts(made_at.0, u128::from_be_bytes([0, 0, 0, 0, 0, 0, a, b, c, d, e, f, g, h, i, j]))
    }
}

/// A digest is spread already, and nobody can choose one: its first bytes will do.
impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(redacted)")
    }
}
