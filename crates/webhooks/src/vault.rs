//! Encryption of signing secrets at rest: XChaCha20-Poly1305 (RFC 8439, draft-irtf-cfrg-xchacha-03) with a key in a file
//! of its own, so that a copy of the database alone signs nothing.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

use crate::error::WebhooksError;
use crate::secret::Secret;

/// The key file's name in the data folder.
pub const KEY_FILE_NAME: &str = "webhooks.key";

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// Seals and opens secrets. Each is bound to its place, so that it opens nowhere else.
pub(crate) struct Vault {
    cipher: XChaCha20Poly1305,
    path: PathBuf,
}

impl Vault {
    /// Reads the key; where there is none and `may_create`, makes one.
    pub(crate) fn open(folder: &Path, may_create: bool) -> Result<Self, WebhooksError> {
        let path = folder.join(KEY_FILE_NAME);
        let key = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && may_create => create(folder, &path)?,
            Err(error) => return Err(unreadable(&path, &error)),
            Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
                let reason = "others may read it, but it is secret: take their permissions away (chmod 600)".to_owned();
                return Err(WebhooksError::Key { path, reason });
            }
            Ok(_) => read(&path)?,
        };
        let cipher = XChaCha20Poly1305::new((&*key).into());
        Ok(Self { cipher, path })
    }

    /// Encrypts a secret for one place.
    pub(crate) fn seal(&self, secret: &Secret, place: &[u8]) -> Result<Vec<u8>, WebhooksError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce)?;
        let payload = Payload { msg: secret.bytes(), aad: place };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| self.wrong_key())?;
        Ok([&nonce[..], &sealed].concat())
    }

    /// Decrypts a secret of that place.
    pub(crate) fn open_sealed(&self, sealed: &[u8], place: &[u8]) -> Result<Secret, WebhooksError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or_else(|| self.wrong_key())?;
        let payload = Payload { msg: sealed, aad: place };
        let bytes = self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| self.wrong_key())?;
        Secret::from_bytes(bytes).map_err(|_| self.wrong_key())
    }

    fn wrong_key(&self) -> WebhooksError {
        let reason = "it does not open the signing secrets: restore it and webhooks.sqlite from the same backup";
        WebhooksError::Key { path: self.path.clone(), reason: reason.to_owned() }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> WebhooksError {
    let hint = if error.kind() == io::ErrorKind::NotFound { ": restore it from a backup" } else { "" };
    WebhooksError::Key { path: path.to_owned(), reason: format!("cannot be read: {error}{hint}") }
}

fn read(path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, WebhooksError> {
    let text = Zeroizing::new(fs::read_to_string(path).map_err(|error| unreadable(path, &error))?);
    let digits = text.lines().find(|line| !line.starts_with('#')).unwrap_or_default().trim();
    parse(digits).ok_or_else(|| WebhooksError::Key {
        path: path.to_owned(),
        reason: "must hold 64 hexadecimal digits: restore it from a backup".to_owned(),
    })
}

fn parse(digits: &str) -> Option<Zeroizing<[u8; KEY_BYTES]>> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    if digits.len() != 2 * KEY_BYTES || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, place) in key.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(digits.get(place..place + 2)?, 16).ok()?;
    }
    Some(key)
}

/// Writes a new key whole or not at all, and over nothing.
fn create(folder: &Path, path: &Path) -> Result<Zeroizing<[u8; KEY_BYTES]>, WebhooksError> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    getrandom::fill(&mut *key)?;
    let digits = Zeroizing::new(key.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]).collect::<Vec<_>>());
    let digits: Zeroizing<String> =
        Zeroizing::new(digits.iter().filter_map(|nibble| char::from_digit(u32::from(*nibble), 16)).collect());
    let text = Zeroizing::new(format!(
        "# Encrypts the signing secrets in webhooks.sqlite. Keep it secret, and keep a copy elsewhere.\n{}\n",
        *digits
    ));
    let unfinished = folder.join("webhooks.key.unfinished");
    let write = || {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::hard_link(&unfinished, path)?;
        fs::remove_file(&unfinished)?;
        fs::File::open(folder)?.sync_all()
    };
    write().map_err(|error: io::Error| WebhooksError::Key {
        path: path.to_owned(),
        reason: format!("cannot be written: {error}"),
    })?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_with_its_key_at_its_place_only() {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let secret = Secret::from_random([9; 32]);
        let sealed = Vault::open(folder.path(), true).unwrap().seal(&secret, b"here").unwrap();
        assert!(!sealed.windows(8).any(|window| window == [9; 8]));
        let again = Vault::open(folder.path(), false).unwrap();
        assert_eq!(again.open_sealed(&sealed, b"here").unwrap(), secret);
        assert!(again.open_sealed(&sealed, b"there").is_err());
        assert!(Vault::open(other.path(), true).unwrap().open_sealed(&sealed, b"here").is_err());
        for end in 0..sealed.len() {
            assert!(again.open_sealed(&sealed[..end], b"here").is_err());
        }
    }

    #[test]
    fn the_key_is_its_owners_only_and_never_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Vault::open(folder.path(), false).is_err());
        drop(Vault::open(folder.path(), true).unwrap());
        let path = folder.path().join(KEY_FILE_NAME);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(Vault::open(folder.path(), true).is_err());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "# remark\nnot a key\n").unwrap();
        assert!(Vault::open(folder.path(), true).is_err());
    }
}
