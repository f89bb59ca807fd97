//! Where master keys are, and the few things that can be done with them there.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{PoisonError, RwLock};

use tag::diversification::{Diversifier, Purpose};
use tag::{AesKey, KeyVersion};

use crate::share::CheckValue;

/// Which master key: that of a version, told from any other that was once meant for it by its check value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MasterId {
    /// The version of the keys that follow from it.
    pub version: KeyVersion,
    /// Its check value.
    pub check: CheckValue,
}

/// Holds master keys and uses them where they are. What it makes it keeps; the register says what of it counts.
pub trait MasterKeys: fmt::Debug + Send + Sync {
    /// The key of that purpose under that master (AN10922, AES-128).
    ///
    /// # Errors
    /// [`MasterUnavailable`] if it is not there or does not answer.
    fn derive(&self, master: MasterId, purpose: Purpose) -> Result<AesKey, MasterUnavailable>;

    /// Makes a new master for which two people have given their shares: the key that both shares came to, or where
    /// masters are made inside and nothing comes in, one of its own, for which the shares were their consent.
    ///
    /// # Errors
    /// [`MasterUnavailable`] if it cannot be made.
    fn make(&self, version: KeyVersion, of_shares: &AesKey) -> Result<CheckValue, MasterUnavailable>;

    /// Takes in a master that was elsewhere before.
    ///
    /// # Errors
    /// [`MasterUnavailable`] if it cannot be taken in.
    fn adopt(&self, version: KeyVersion, master: &AesKey) -> Result<CheckValue, MasterUnavailable>;

    /// The master itself, for sealing it into the store's file and for deriving without asking; `None` where masters
    /// never leave.
    fn master(&self, master: MasterId) -> Option<AesKey>;
}

/// A master key cannot be used where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the master key cannot be used: {reason}")]
pub struct MasterUnavailable {
    reason: String,
}

impl MasterUnavailable {
    /// For that reason, which must not have anything of a key in it.
    pub fn new(reason: &(impl fmt::Display + ?Sized)) -> Self {
        Self { reason: reason.to_string() }
    }
}

/// Master keys in this process: for tests, and behind a sealed file.
#[derive(Default)]
pub struct InMemory(RwLock<BTreeMap<MasterId, (AesKey, Diversifier)>>);

impl InMemory {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl MasterKeys for InMemory {
    fn derive(&self, master: MasterId, purpose: Purpose) -> Result<AesKey, MasterUnavailable> {
        let masters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (_, diversifier) = masters.get(&master).ok_or_else(|| MasterUnavailable::new("it is not there"))?;
        Ok(diversifier.derive(purpose))
    }

    fn make(&self, version: KeyVersion, of_shares: &AesKey) -> Result<CheckValue, MasterUnavailable> {
        self.adopt(version, of_shares)
    }

    fn adopt(&self, version: KeyVersion, master: &AesKey) -> Result<CheckValue, MasterUnavailable> {
        let check = CheckValue::of_key(master);
        let held = (AesKey::new(*master.expose()), Diversifier::new(master));
        let mut masters = self.0.write().unwrap_or_else(PoisonError::into_inner);
        masters.insert(MasterId { version, check }, held);
        Ok(check)
    }

    fn master(&self, master: MasterId) -> Option<AesKey> {
        let masters = self.0.read().unwrap_or_else(PoisonError::into_inner);
        masters.get(&master).map(|(key, _)| AesKey::new(*key.expose()))
    }
}

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InMemory(redacted)")
    }
}
