//! Master keys in a hardware module, by PKCS #11 (OASIS, v2.40).
//!
//! A master is made inside, or taken in once, as a secret AES-128 key that is sensitive and not extractable: the module shows
//! it to nobody, this process included. Keys are derived inside (AN10922) with `CKM_AES_CMAC`; where a module lacks that,
//! with `CKM_AES_CBC`. The module's library is loaded when it runs; nothing is linked.
//!
//! A module's key is found by its label, `Tapstone tag master key, version N`, and told from others of that label by its
//! check value, so a ceremony that a crash cut off leaves a key that harms nobody. Nothing is ever destroyed here.
//!
//! Whoever has the module's PIN can derive any tag's key in it. What is derived is in this process's memory.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, KeyType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;
use keystore::{CheckValue, MasterId, MasterKeys, MasterUnavailable};
use tag::diversification::{Purpose, derive_by_cbc};
use tag::{AesKey, KeyVersion};
use zeroize::Zeroizing;

/// The token of a module, logged in. A process opens one: a module is started and stopped for the whole process.
pub struct Module {
    session: Mutex<LoggedIn>,
    means: Means,
}

struct LoggedIn {
    session: Session,
    /// Where keys were found.
    found: BTreeMap<MasterId, ObjectHandle>,
}

/// What the module has for deriving keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// `CKM_AES_CMAC`: a master can do nothing but sign.
    Cmac,
    /// `CKM_AES_CBC`: a master can do nothing but encrypt.
    Cbc,
}

impl Module {
    /// Loads the module's library, opens a session with the token of that label, and logs in with its user's PIN.
    ///
    /// # Errors
    /// [`MasterUnavailable`]: no library, no such token, a wrong PIN, or a module that can neither CMAC nor CBC.
    pub fn open(library: &Path, token_label: &str, pin: &str) -> Result<Self, MasterUnavailable> {
        Self::open_with(library, token_label, pin, None)
    }

    /// The same, deriving by these means and no others.
    ///
    /// # Errors
    /// [`MasterUnavailable`], also if the module does not have them.
    pub fn open_with(
        library: &Path,
        token_label: &str,
        pin: &str,
        means: Option<Means>,
    ) -> Result<Self, MasterUnavailable> {
        let context = Pkcs11::new(library).map_err(|error| failed("the module's library does not load", &error))?;
        match context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            // Another store of this process uses it.
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error) => return Err(failed("the module does not start", &error)),
        }
        let slots = context.get_slots_with_initialized_token().map_err(|error| failed("no token", &error))?;
        let named = |slot: &&_| context.get_token_info(**slot).is_ok_and(|token| token.label() == token_label);
        let slot = *slots
            .iter()
            .find(named)
            .ok_or_else(|| MasterUnavailable::new(&format!("the module has no token named {token_label:?}")))?;
        let mechanisms = context.get_mechanism_list(slot).map_err(|error| failed("no mechanisms", &error))?;
        let has = |means: &Means| mechanisms.contains(&means.mechanism_type());
        let means = match means {
            Some(means) => Some(means).filter(has),
            None => [Means::Cmac, Means::Cbc].into_iter().find(has),
        };
        let means = means.ok_or_else(|| MasterUnavailable::new("the module has not the mechanisms for it"))?;
        let session = context.open_rw_session(slot).map_err(|error| failed("no session", &error))?;
        match session.login(UserType::User, Some(&AuthPin::new(pin.into()))) {
            Ok(()) | Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
            Err(error) => return Err(failed("the module refuses the PIN", &error)),
        }
        Ok(Self { session: Mutex::new(LoggedIn { session, found: BTreeMap::new() }), means })
    }

    /// By which means it derives keys.
    #[must_use]
    pub fn means(&self) -> Means {
        self.means
    }

    fn lock(&self) -> MutexGuard<'_, LoggedIn> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a key into the token, by that way, and says its check value.
    fn put(
        &self,
        version: KeyVersion,
        way: impl FnOnce(&Session, Vec<Attribute>) -> Result<ObjectHandle, Error>,
    ) -> Result<CheckValue, MasterUnavailable> {
        let mut module = self.lock();
        let handle = way(&module.session, self.template(version)).map_err(|error| failed("no key is made", &error))?;
        let check = CheckValue::by(|purpose| self.means.derive(&module.session, handle, purpose))?;
        module.found.insert(MasterId { version, check }, handle);
        Ok(check)
    }

    fn template(&self, version: KeyVersion) -> Vec<Attribute> {
        vec![
            Attribute::Token(true),
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Modifiable(false),
            Attribute::Label(label(version)),
            Attribute::Sign(self.means == Means::Cmac),
            Attribute::Encrypt(self.means == Means::Cbc),
            Attribute::Verify(false),
            Attribute::Decrypt(false),
            Attribute::Wrap(false),
            Attribute::Unwrap(false),
            Attribute::Derive(false),
        ]
    }
}

impl LoggedIn {
    fn find(&mut self, master: MasterId, means: Means) -> Result<ObjectHandle, MasterUnavailable> {
        if let Some(handle) = self.found.get(&master) {
            return Ok(*handle);
        }
        let wanted = [
            Attribute::Class(ObjectClass::SECRET_KEY),
            Attribute::KeyType(KeyType::AES),
            Attribute::Label(label(master.version)),
        ];
        let handles = self.session.find_objects(&wanted).map_err(|error| failed("it cannot be looked for", &error))?;
        for handle in handles {
            let check = CheckValue::by(|purpose| means.derive(&self.session, handle, purpose));
            if check.is_ok_and(|check| check == master.check) {
                self.found.insert(master, handle);
                return Ok(handle);
            }
        }
        let (MasterId { version, check }, no_key) = (master, "the module has no key of version");
        Err(MasterUnavailable::new(&format!("{no_key} {version} with check value {check}")))
    }
}

impl Means {
    fn mechanism_type(self) -> MechanismType {
        match self {
            Self::Cmac => MechanismType::AES_CMAC,
            Self::Cbc => MechanismType::AES_CBC,
        }
    }

    fn derive(self, session: &Session, key: ObjectHandle, purpose: Purpose) -> Result<AesKey, MasterUnavailable> {
        let not_derived = |error| failed("the module does not derive", &error);
        match self {
            Self::Cmac => {
                let input = purpose.cmac_input();
                let input = input.ok_or_else(|| MasterUnavailable::new("a CMAC cannot serve so short a purpose"))?;
                let mac = Zeroizing::new(session.sign(&Mechanism::AesCMac, key, &input).map_err(not_derived)?);
                let mac = mac.first_chunk().filter(|whole| whole.len() == mac.len());
                mac.map(|mac| AesKey::new(*mac)).ok_or_else(|| MasterUnavailable::new("the MAC has not 16 bytes"))
            }
            Self::Cbc => derive_by_cbc(purpose, |blocks| {
                let vector = Mechanism::AesCbc([0; 16]);
                let encrypted = Zeroizing::new(session.encrypt(&vector, key, blocks).map_err(not_derived)?);
                if encrypted.len() != blocks.len() {
                    return Err(MasterUnavailable::new("the module encrypts to another length"));
                }
                blocks.copy_from_slice(&encrypted);
                Ok(())
            }),
        }
    }
}

impl MasterKeys for Module {
    fn derive(&self, master: MasterId, purpose: Purpose) -> Result<AesKey, MasterUnavailable> {
        let mut module = self.lock();
        let handle = module.find(master, self.means)?;
        self.means.derive(&module.session, handle, purpose)
    }

    /// Inside: the shares were two people's consent, and are not in the key.
    fn make(&self, version: KeyVersion, _of_shares: &AesKey) -> Result<CheckValue, MasterUnavailable> {
        self.put(version, |session, mut template| {
            template.push(Attribute::ValueLen(16.into()));
            session.generate_key(&Mechanism::AesKeyGen, &template)
        })
    }

    fn adopt(&self, version: KeyVersion, master: &AesKey) -> Result<CheckValue, MasterUnavailable> {
        self.put(version, |session, mut template| {
            let value = Attribute::Value(master.expose().to_vec());
            template.extend([Attribute::Class(ObjectClass::SECRET_KEY), Attribute::KeyType(KeyType::AES), value]);
            session.create_object(&template)
        })
    }

    fn master(&self, _: MasterId) -> Option<AesKey> {
        None
    }
}

impl fmt::Debug for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module").field("means", &self.means).finish_non_exhaustive()
    }
}

fn label(version: KeyVersion) -> Vec<u8> {
    format!("Tapstone tag master key, version {version}").into_bytes()
}

/// What a module says is a code and the function that said it.
fn failed(what: &str, error: &Error) -> MasterUnavailable {
    MasterUnavailable::new(&format!("{what}: {error}"))
}
