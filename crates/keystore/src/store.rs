//! The store: the register and the masters, changed together and written down before anybody hears of it.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tag::diversification::Purpose;
use tag::sdm::Settings;
use tag::{AesKey, KeySet, KeyVersion, TagKeys, Uid};
use zeroize::Zeroizing;

use crate::audit::{AuditLog, Deed};
use crate::derived::DerivedKeys;
use crate::error::KeyStoreError;
use crate::masters::{InMemory, MasterId, MasterKeys, MasterUnavailable};
use crate::person::Person;
use crate::register::{Register, State, Timestamp, Version};
use crate::replace::{self, Before};
use crate::seal::{Argon2Cost, Lock, Seal, SealError};
use crate::secret::Secret;
use crate::share::{CheckValue, Share};

/// Fills bytes from a good source of randomness.
pub type Randomness = Box<dyn FnMut(&mut [u8]) -> io::Result<()> + Send>;

/// Master keys with their versions.
pub struct KeyStore {
    register: Register,
    masters: Arc<dyn MasterKeys>,
    place: Place,
}

/// The two keys of one tag, to be written into its chip.
pub struct ChipKeys {
    /// The version to write beside each.
    pub version: KeyVersion,
    /// SDMMetaRead, the same in all tags of the version.
    pub meta_read: AesKey,
    /// SDMFileRead, this tag's own.
    pub file_read: AesKey,
}

impl fmt::Debug for ChipKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChipKeys").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The end of a ceremony.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The version that is made and waits for being activated.
    pub version: KeyVersion,
    /// The new master's check value, for both people to write down.
    pub check: CheckValue,
}

/// Where the register is kept.
enum Place {
    Memory,
    File(Box<SealedFile>),
}

struct SealedFile {
    path: PathBuf,
    masters_in: MastersIn,
    seal: Seal,
    /// The file as it was read or written last.
    bytes: Vec<u8>,
    random: Randomness,
}

/// What is sealed.
#[derive(Serialize, Deserialize)]
struct Contents {
    masters_in: MastersIn,
    register: Register,
    /// A master for each version of the register, unless a module has them.
    masters: Vec<Secret>,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MastersIn {
    File,
    Module,
}

impl MastersIn {
    fn name(self) -> &'static str {
        match self {
            Self::File => "in the file itself",
            Self::Module => "in a hardware module",
        }
    }
}

impl KeyStore {
    /// A store that is gone with the process: for tests.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { register: Register::default(), masters: Arc::new(InMemory::new()), place: Place::Memory }
    }

    /// Makes a new store in a file, with the masters in it, or in that module.
    ///
    /// # Errors
    /// [`KeyStoreError::Exists`]; [`KeyStoreError::Cost`]; or it cannot be written.
    pub fn create(
        path: &Path,
        lock: &Lock,
        cost: Argon2Cost,
        module: Option<Arc<dyn MasterKeys>>,
        mut random: Randomness,
    ) -> Result<Self, KeyStoreError> {
        let mut salt = [0; 16];
        random(&mut salt).map_err(KeyStoreError::Randomness)?;
        let seal = Seal::new(lock, cost, salt).map_err(|_| KeyStoreError::Cost)?;
        let masters_in = if module.is_some() { MastersIn::Module } else { MastersIn::File };
        let file = SealedFile { path: path.to_owned(), masters_in, seal, bytes: Vec::new(), random };
        let masters = module.unwrap_or_else(|| Arc::new(InMemory::new()));
        let mut store = Self { register: Register::default(), masters, place: Place::File(Box::new(file)) };
        store.write(Register::default())?;
        Ok(store)
    }

    /// Opens the store in a file; `module` has the masters, if they are not in the file.
    ///
    /// # Errors
    /// [`KeyStoreError`] says what is wrong with file, lock or module.
    pub fn open(
        path: &Path,
        lock: &Lock,
        module: Option<Arc<dyn MasterKeys>>,
        random: Randomness,
    ) -> Result<Self, KeyStoreError> {
        let bytes = read(path)?;
        let (seal, contents) = Seal::open(&bytes, lock).map_err(|error| of_seal(path, lock, error))?;
        let damaged = || KeyStoreError::Damaged(path.to_owned());
        let contents: Contents = serde_json::from_slice(&contents).map_err(|_| damaged())?;
        let masters = match (contents.masters_in, module) {
            (MastersIn::File, None) => contents.unpack_masters().ok_or_else(damaged)?,
            (MastersIn::Module, Some(module)) => module,
            (place, _) => {
                return Err(KeyStoreError::OtherPlace { path: path.to_owned(), wanted: place.name() });
            }
        };
        let file = SealedFile { path: path.to_owned(), masters_in: contents.masters_in, seal, bytes, random };
        Ok(Self { register: contents.register, masters, place: Place::File(Box::new(file)) })
    }

    /// The versions and what each is good for.
    #[must_use]
    pub fn register(&self) -> &Register {
        &self.register
    }

    /// Whoever holds the masters.
    #[must_use]
    pub fn masters(&self) -> &Arc<dyn MasterKeys> {
        &self.masters
    }

    /// Begins the ceremony of a new version: the first of two people gives a share. Says which version it will be.
    ///
    /// # Errors
    /// [`crate::Refusal::CeremonyUnderWay`], [`crate::Refusal::NotActivated`], [`crate::Refusal::NoMoreVersions`]; or it cannot be written.
    pub fn begin(&mut self, by: Person, now: Timestamp, share: Share) -> Result<KeyVersion, KeyStoreError> {
        let mut register = self.register.clone();
        let version = register.begin(by, now, share)?;
        self.write(register)?;
        Ok(version)
    }

    /// Ends it: another person gives the other share, and the master is made.
    ///
    /// # Errors
    /// [`crate::Refusal::NoCeremony`], [`crate::Refusal::SamePerson`], [`crate::Refusal::SameShare`]; or it cannot be made or written.
    pub fn join(&mut self, by: Person, now: Timestamp, share: &Share) -> Result<Joined, KeyStoreError> {
        let (version, first) = self.register.awaiting(&by, share)?;
        let check = self.masters.make(version, &first.combine(share, version))?;
        let mut register = self.register.clone();
        register.join(by, now, check)?;
        self.write(register)?;
        Ok(Joined { version, check })
    }

    /// Forgets the share of the ceremony under way. Anybody may. Says which version it would have been.
    ///
    /// # Errors
    /// [`crate::Refusal::NoCeremony`]; or it cannot be written.
    pub fn cancel(&mut self) -> Result<KeyVersion, KeyStoreError> {
        let mut register = self.register.clone();
        let version = register.cancel()?;
        self.write(register)?;
        Ok(version)
    }

    /// Takes in, as version 1 and the current one, a master that was elsewhere before. One person may: who had the key
    /// alone knows it alone.
    ///
    /// # Errors
    /// [`crate::Refusal::NotEmpty`]; or it cannot be taken in or written.
    pub fn adopt(&mut self, by: Person, now: Timestamp, master: &AesKey) -> Result<CheckValue, KeyStoreError> {
        self.register.check_empty()?;
        let check = self.masters.adopt(KeyVersion(1), master)?;
        let mut register = self.register.clone();
        register.adopt(by, now, check)?;
        self.write(register)?;
        Ok(check)
    }

    /// Makes a version the one that tags are personalised with; what was it before is accepted until then, or until
    /// somebody retires it.
    ///
    /// # Errors
    /// [`crate::Refusal::NoSuchVersion`], [`crate::Refusal::NotActivatable`], [`crate::Refusal::OverlapInThePast`]; or it cannot be written.
    pub fn activate(
        &mut self,
        version: KeyVersion,
        now: Timestamp,
        overlap_until: Option<Timestamp>,
    ) -> Result<(), KeyStoreError> {
        let mut register = self.register.clone();
        register.activate(version, now, overlap_until)?;
        self.write(register)
    }

    /// Refuses tags of that version from now on. Its master is kept, so that they can be told why.
    ///
    /// # Errors
    /// [`crate::Refusal::NoSuchVersion`], [`crate::Refusal::RetiringCurrent`], [`crate::Refusal::RetiredAlready`]; or it cannot be written.
    pub fn retire(&mut self, version: KeyVersion, by: Person, now: Timestamp) -> Result<(), KeyStoreError> {
        let mut register = self.register.clone();
        register.retire(version, by, now)?;
        self.write(register)
    }

    /// The keys for one chip, of the current version, once the audit file has a line for each.
    ///
    /// # Errors
    /// [`crate::Refusal::NoCurrentVersion`]; or the line cannot be written, or the master not be used.
    pub fn personalise(
        &self,
        uid: Uid,
        who: &Person,
        now: Timestamp,
        audit: &mut AuditLog,
    ) -> Result<ChipKeys, KeyStoreError> {
        let current = self.register.current()?;
        let version = current.number();
        let mut derive = |purpose, name| {
            audit.record(now, who, version, Deed::Personalise { uid, purpose: name })?;
            Ok::<_, KeyStoreError>(self.masters.derive(current.master(), purpose)?)
        };
        let meta_read = derive(Purpose::sdm_meta_read(), "SDMMetaRead")?;
        let file_read = derive(Purpose::sdm_file_read(uid), "SDMFileRead")?;
        Ok(ChipKeys { version, meta_read, file_read })
    }

    /// The ring that verifies tags with these settings as of now: the current version, those in their overlap, and those
    /// that are retired. It must be made anew at [`Register::next_change`]. Where masters never leave, each version
    /// keeps up to `cached` tags' keys ([`DerivedKeys`]).
    ///
    /// # Errors
    /// [`crate::Refusal::NoCurrentVersion`]; or a master cannot be used.
    pub fn ring(&self, now: Timestamp, settings: &Settings, cached: usize) -> Result<TagKeys, KeyStoreError> {
        let current = self.register.current()?;
        let mut ring = TagKeys::new(self.key_set(current.master(), settings, cached)?);
        // The newest first: its tags are the most.
        for version in self.register.versions().iter().rev() {
            let set = || self.key_set(version.master(), settings, cached);
            let joined = match version.state(now) {
                State::Accepted { .. } => ring.accepting(set()?),
                State::Retired(_) => ring.retiring(set()?),
                State::Current | State::Made | State::Pending { .. } => continue,
            };
            ring = joined.map_err(|error| MasterUnavailable::new(&error))?;
        }
        Ok(ring)
    }

    fn key_set(&self, id: MasterId, settings: &Settings, cached: usize) -> Result<KeySet, MasterUnavailable> {
        if let Some(master) = self.masters.master(id) {
            return Ok(KeySet::new(id.version, &master, settings.clone()));
        }
        let meta_read = self.masters.derive(id, Purpose::sdm_meta_read())?;
        let file_read = Box::new(DerivedKeys::new(self.masters.clone(), id, cached));
        Ok(KeySet::derived_elsewhere(id.version, &meta_read, file_read, settings.clone()))
    }

    /// Writes the register, then takes it for its own.
    fn write(&mut self, register: Register) -> Result<(), KeyStoreError> {
        if let Place::File(file) = &mut self.place {
            let masters_in = file.masters_in;
            file.write(&Contents::pack(masters_in, &register, &*self.masters)?)?;
        }
        self.register = register;
        Ok(())
    }
}

impl fmt::Debug for KeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyStore").field("register", &self.register).finish_non_exhaustive()
    }
}

impl Contents {
    fn pack(
        masters_in: MastersIn,
        register: &Register,
        masters: &dyn MasterKeys,
    ) -> Result<Zeroizing<Vec<u8>>, KeyStoreError> {
        let versions = if masters_in == MastersIn::File { register.versions() } else { &[] };
        let secret = |version: &Version| {
            let master = masters.master(version.master()).ok_or_else(|| MasterUnavailable::new("it is not there"))?;
            Ok::<_, MasterUnavailable>(Secret::new(*master.expose()))
        };
        let masters = versions.iter().map(secret).collect::<Result<_, _>>()?;
        let contents = Self { masters_in, register: register.clone(), masters };
        // Room for 255 versions with long names, so that no copy is left behind by growing.
        let mut bytes = Zeroizing::new(Vec::with_capacity(256 * 1024));
        serde_json::to_writer(&mut *bytes, &contents).map_err(|error| MasterUnavailable::new(&error))?;
        Ok(bytes)
    }

    fn unpack_masters(&self) -> Option<Arc<dyn MasterKeys>> {
        let versions = self.register.versions();
        let masters = InMemory::new();
        for (version, secret) in versions.iter().zip(&self.masters) {
            let check = masters.adopt(version.number(), &AesKey::new(*secret.0)).ok()?;
            if check != version.master().check {
                return None;
            }
        }
        (versions.len() == self.masters.len()).then(|| Arc::new(masters) as Arc<dyn MasterKeys>)
    }
}

impl SealedFile {
    fn write(&mut self, contents: &[u8]) -> Result<(), KeyStoreError> {
        let mut nonce = [0; 24];
        (self.random)(&mut nonce).map_err(KeyStoreError::Randomness)?;
        let bytes = self.seal.seal(contents, nonce).map_err(|_| KeyStoreError::Cost)?;
        let unwritable = |reason| KeyStoreError::Unwritable { path: self.path.clone(), reason };
        // Held until this returns.
        let lock_file = replace::beside(&self.path, "lock");
        let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&lock_file);
        lock.and_then(|lock| File::lock(&lock).map(|()| lock)).map_err(unwritable).and_then(|_lock| {
            let before = self.check_unchanged()?;
            replace::put(&self.path, before, &bytes, |_| Ok(())).map_err(|reason| match reason.kind() {
                io::ErrorKind::AlreadyExists => KeyStoreError::Exists(self.path.clone()),
                _ => unwritable(reason),
            })
        })?;
        self.bytes = bytes;
        Ok(())
    }

    /// That nobody has written the file since it was read.
    fn check_unchanged(&self) -> Result<Before, KeyStoreError> {
        if self.bytes.is_empty() {
            return Ok(Before::Nothing);
        }
        if read(&self.path)? == self.bytes {
            Ok(Before::Something)
        } else {
            Err(KeyStoreError::ChangedMeanwhile(self.path.clone()))
        }
    }
}

/// The bytes of a file that only its owner may read.
fn read(path: &Path) -> Result<Vec<u8>, KeyStoreError> {
    let unreadable = |reason| KeyStoreError::Unreadable { path: path.to_owned(), reason };
    if fs::metadata(path).map_err(unreadable)?.permissions().mode() & 0o077 != 0 {
        return Err(KeyStoreError::OpenToOthers(path.to_owned()));
    }
    fs::read(path).map_err(unreadable)
}

fn of_seal(path: &Path, lock: &Lock, error: SealError) -> KeyStoreError {
    let path = path.to_owned();
    match error {
        SealError::Damaged => KeyStoreError::Damaged(path),
        SealError::NewerFormat(format) => KeyStoreError::NewerFormat { path, format },
        SealError::WrongLock => KeyStoreError::WrongLock { path, given: lock.name() },
        SealError::OtherLock { wanted } => KeyStoreError::OtherLock { path, wanted },
        SealError::Cost => KeyStoreError::Cost,
    }
}
