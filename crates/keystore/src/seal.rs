//! The sealed file: XChaCha20-Poly1305 (RFC 8439, draft-irtf-cfrg-xchacha-03) under a key that comes from a passphrase by
//! Argon2id (RFC 9106) or from a key file.
//!
//! | offset | bytes | what                                                                  |
//! |--------|-------|-----------------------------------------------------------------------|
//! | 0      | 8     | `TAPKEYS` and a zero                                                  |
//! | 8      | 1     | the format: 1                                                         |
//! | 9      | 1     | the lock: 1 passphrase, 2 key file                                    |
//! | 10     | 12    | Argon2's memory in KiB, passes and lanes, big-endian; zeros for 2     |
//! | 22     | 16    | Argon2's salt; zeros for 2                                            |
//! | 38     | 24    | the nonce, a new one for each writing                                 |
//! | 62     | n     | the sealed contents and their 16-byte tag; bytes 0 to 61 are authenticated with them |
//! | 62 + n | 32    | SHA-256 of everything before it: tells damage from a wrong passphrase |

use std::fmt;

use argon2::{Algorithm, Argon2, Params};
use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// How many bytes a key file gives.
pub const KEY_FILE_BYTES: usize = 32;

const MAGIC: [u8; 8] = *b"TAPKEYS\0";
const FORMAT: u8 = 1;
const HEADER_BYTES: usize = 62;
const TAG_BYTES: usize = 16;
const DIGEST_BYTES: usize = 32;

/// A passphrase of at least 12 characters.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// That passphrase, without the end of its line if it has one.
    ///
    /// # Errors
    /// [`PassphraseTooShort`].
    pub fn new(text: &str) -> Result<Self, PassphraseTooShort> {
        let text = text.trim_end_matches(['\n', '\r']);
        if text.chars().count() < 12 {
            return Err(PassphraseTooShort);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }
}

/// It could be guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a passphrase has at least 12 characters")]
pub struct PassphraseTooShort;

/// What opens a sealed file.
pub enum Lock {
    /// A passphrase, which Argon2id makes a key of.
    Passphrase(Passphrase),
    /// The bytes of a key file.
    KeyFile(Zeroizing<[u8; KEY_FILE_BYTES]>),
}

impl Lock {
    /// "passphrase" or "key file".
    pub(crate) fn name(&self) -> &'static str {
        Kind::of(self).name()
    }
}

impl fmt::Debug for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lock(a {}, redacted)", self.name())
    }
}

/// What a guess at a passphrase costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory in KiB: 8 for each lane, to 1,048,576.
    pub memory_kib: u32,
    /// Passes over it: 1 to 64.
    pub passes: u32,
    /// Lanes: 1 to 16.
    pub lanes: u32,
}

impl Default for Argon2Cost {
    /// What RFC 9106, section 4, recommends where memory is scarce: 64 MiB, 3 passes, 4 lanes.
    fn default() -> Self {
        Self { memory_kib: 65_536, passes: 3, lanes: 4 }
    }
}

impl Argon2Cost {
    fn params(self) -> Option<Params> {
        let Self { memory_kib, passes, lanes } = self;
        // Whoever tampers with a file does not make us take all memory.
        if memory_kib > 1 << 20 || passes > 64 || lanes > 16 {
            return None;
        }
        Params::new(memory_kib, passes, lanes, Some(32)).ok()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Passphrase,
    KeyFile,
}

impl Kind {
    fn of(lock: &Lock) -> Self {
        match lock {
            Lock::Passphrase(_) => Self::Passphrase,
            Lock::KeyFile(_) => Self::KeyFile,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Passphrase => "passphrase",
            Self::KeyFile => "key file",
        }
    }
}

/// Why bytes did not open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SealError {
    Damaged,
    NewerFormat(u8),
    WrongLock,
    OtherLock { wanted: &'static str },
    Cost,
}

/// A file's lock made ready: seals any number of contents, each with a nonce of its own.
pub(crate) struct Seal {
    kind: Kind,
    cost: [u32; 3],
    salt: [u8; 16],
    cipher: XChaCha20Poly1305,
}

impl Seal {
    /// For a new file.
    pub(crate) fn new(lock: &Lock, cost: Argon2Cost, salt: [u8; 16]) -> Result<Self, SealError> {
        let cost = [cost.memory_kib, cost.passes, cost.lanes];
        match lock {
            Lock::Passphrase(_) => Self::derive(lock, cost, salt),
            Lock::KeyFile(_) => Self::derive(lock, [0; 3], [0; 16]),
        }
    }

    fn derive(lock: &Lock, cost: [u32; 3], salt: [u8; 16]) -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0; KEY_FILE_BYTES]);
        match lock {
            Lock::Passphrase(passphrase) => {
                let [memory_kib, passes, lanes] = cost;
                let params = Argon2Cost { memory_kib, passes, lanes }.params().ok_or(SealError::Cost)?;
                let argon2 = Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, params);
                let derived = argon2.hash_password_into(passphrase.0.as_bytes(), &salt, key.as_mut());
                derived.map_err(|_| SealError::Cost)?;
            }
            Lock::KeyFile(bytes) => *key = **bytes,
        }
        Ok(Self { kind: Kind::of(lock), cost, salt, cipher: XChaCha20Poly1305::new((&*key).into()) })
    }

    /// The file that holds these contents.
    pub(crate) fn seal(&self, contents: &[u8], nonce: [u8; 24]) -> Result<Vec<u8>, SealError> {
        let mut file = Vec::with_capacity(HEADER_BYTES + contents.len() + TAG_BYTES + DIGEST_BYTES);
        file.extend(MAGIC);
        file.extend([FORMAT, if self.kind == Kind::Passphrase { 1 } else { 2 }]);
        self.cost.iter().for_each(|number| file.extend(number.to_be_bytes()));
        file.extend(self.salt);
        file.extend(nonce);
        let payload = Payload { msg: contents, aad: &file };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::Damaged)?;
        file.extend(sealed);
        let digest: [u8; DIGEST_BYTES] = Sha256::digest(&file).into();
        file.extend(digest);
        Ok(file)
    }

    /// A file's contents, and what seals the next ones.
    pub(crate) fn open(file: &[u8], lock: &Lock) -> Result<(Self, Zeroizing<Vec<u8>>), SealError> {
        let (body, digest) = file.split_last_chunk::<DIGEST_BYTES>().ok_or(SealError::Damaged)?;
        if <[u8; DIGEST_BYTES]>::from(Sha256::digest(body)) != *digest {
            return Err(SealError::Damaged);
        }
        let (header, sealed) = body.split_first_chunk::<HEADER_BYTES>().ok_or(SealError::Damaged)?;
        let mut fields = Fields(header);
        if fields.take::<8>()? != MAGIC {
            return Err(SealError::Damaged);
        }
        let [format, kind] = fields.take()?;
        if format != FORMAT {
            return Err(SealError::NewerFormat(format));
        }
        let kind = match kind {
            1 => Kind::Passphrase,
            2 => Kind::KeyFile,
            _ => return Err(SealError::Damaged),
        };
        if kind != Kind::of(lock) {
            return Err(SealError::OtherLock { wanted: kind.name() });
        }
        let cost = [fields.take()?, fields.take()?, fields.take()?].map(u32::from_be_bytes);
        let seal = Self::derive(lock, cost, fields.take()?)?;
        let payload = Payload { msg: sealed, aad: header };
        let contents = seal.cipher.decrypt(&XNonce::from(fields.take::<24>()?), payload);
        Ok((seal, Zeroizing::new(contents.map_err(|_| SealError::WrongLock)?)))
    }
}

/// What is left of a header.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], SealError> {
        let (field, rest) = self.0.split_first_chunk::<N>().ok_or(SealError::Damaged)?;
        self.0 = rest;
        Ok(*field)
    }
}
