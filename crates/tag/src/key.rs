//! A key that does not show itself.

use core::fmt;

use zeroize::Zeroize;

/// An AES-128 key. Its Debug form is redacted and its memory is wiped when it is dropped.
pub struct AesKey([u8; 16]);

impl AesKey {
    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves, to write them into a chip or a key store; never to print them.
    #[must_use]
    pub fn expose(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for AesKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AesKey(redacted)")
    }
}

impl Drop for AesKey {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
