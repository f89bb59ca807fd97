//! The data folder: what is in it, what it is for, and who may use it.
//!
//! | file               | what it is                                                                 |
//! |--------------------|----------------------------------------------------------------------------|
//! | `tag-master.key`   | the key that all tags' keys follow from; losing it makes all tags worthless |
//! | `tag-keys.store`   | versions of that key, sealed (`tapstone tag key-store`)                     |
//! | `tag-keys.audit`   | who did what with them: it only grows                                      |
//! | `directory.sqlite` | names, places and hashed API keys; says what the folder is for             |
//! | `journal/`         | every movement of money, for ever                                          |
//! | `tables.sqlite`    | what the journal says, ready to be asked; made anew if it is missing       |
//! | `tag-audit.jsonl`  | each use of a key when tags are personalised                               |
//!
//! A folder is for real payments, for trying out, or for demonstration, for ever: the keys of a demonstration are
//! published, and in the last two time can be set forward.

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use directory::{Directory, Purpose};
use engine::{Clock, Engine, SystemClock, TestClock};
use tag::AesKey;
use zeroize::Zeroizing;

use crate::demo;
use crate::failure::Failure;
use crate::hexadecimal;
use crate::ledger_folder::LedgerFolder;

const TAG_MASTER_KEY_FILE: &str = "tag-master.key";
const JOURNAL_FOLDER: &str = "journal";
const TABLES_FILE: &str = "tables.sqlite";

/// A data folder, not opened yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DataFolder<'a>(pub(crate) &'a Path);

/// A data folder that this process holds.
pub(crate) struct OpenFolder {
    pub(crate) directory: Directory,
    pub(crate) engine: Engine,
    pub(crate) tag_master_key: AesKey,
    /// What time it is there, where it can be set forward: not where money is real.
    pub(crate) test_clock: Option<TestClock>,
}

impl OpenFolder {
    /// What time it is there.
    pub(crate) fn clock(&self) -> Box<dyn Clock + Sync> {
        match &self.test_clock {
            Some(clock) => Box::new(clock.clone()),
            None => Box::new(SystemClock),
        }
    }

    /// Brings everything to rest, for a quick start the next time.
    pub(crate) fn close(self) {
        self.engine.close();
    }
}

impl DataFolder<'_> {
    /// Opens a folder that was made for this purpose.
    pub(crate) fn open(self, purpose: Purpose) -> Result<OpenFolder, Failure> {
        let (directory, found) = self.declared_directory()?.ok_or_else(|| self.not_initialised())?;
        self.check_purpose(found, purpose)?;
        self.open_with(directory, purpose)
    }

    /// Opens a folder that was made for real payments or for trying out.
    pub(crate) fn open_platform(self) -> Result<OpenFolder, Failure> {
        let (directory, found) = self.declared_directory()?.ok_or_else(|| self.not_initialised())?;
        if found != Purpose::Sandbox {
            self.check_purpose(found, Purpose::Live)?;
        }
        self.open_with(directory, found)
    }

    /// Opens a folder that was made for some purpose, whichever that is.
    pub(crate) fn open_any(self) -> Result<OpenFolder, Failure> {
        let (directory, purpose) = self.declared_directory()?.ok_or_else(|| self.not_initialised())?;
        self.open_with(directory, purpose)
    }

    /// Opens the folder of a demonstration, and makes it first if there is nothing yet.
    pub(crate) fn open_demonstration(self) -> Result<OpenFolder, Failure> {
        if let Some((directory, found)) = self.declared_directory()? {
            self.check_purpose(found, Purpose::Demonstration)?;
            return self.open_with(directory, Purpose::Demonstration);
        }
        self.create()?;
        if !self.path(TAG_MASTER_KEY_FILE).exists() {
            self.write_tag_master_key(&AesKey::new(demo::TAG_MASTER_KEY), demo::TAG_MASTER_KEY_WARNING)?;
        } else if *self.tag_master_key()?.expose() != demo::TAG_MASTER_KEY {
            let message = format!(
                "{} has a tag master key of its own, so it is not for demonstration: use another folder for --demo",
                self.0.display()
            );
            return Err(Failure::Usage(message));
        }
        let directory = Directory::open(self.0)?;
        directory.declare(Purpose::Demonstration)?;
        self.open_with(directory, Purpose::Demonstration)
    }

    /// Refuses the folder of a ledger that stands by itself.
    pub(crate) fn refuse_ledger(self) -> Result<(), Failure> {
        if LedgerFolder(self.0).exists() {
            let message =
                format!("{} is a ledger by itself, of `tapstone ledger`: use another folder", self.0.display());
            return Err(Failure::Usage(message));
        }
        Ok(())
    }

    /// The directory and what it says the folder is for; nothing if the folder is not made yet, or not to its end.
    fn declared_directory(self) -> Result<Option<(Directory, Purpose)>, Failure> {
        self.refuse_ledger()?;
        if self.path(Directory::FILE_NAME).exists() {
            let directory = Directory::open(self.0)?;
            if let Some(purpose) = directory.purpose() {
                return Ok(Some((directory, purpose)));
            }
        }
        // The purpose is declared before there is a journal, so this folder had a directory once.
        if self.path(JOURNAL_FOLDER).exists() {
            let (folder, file) = (self.0.display(), Directory::FILE_NAME);
            return Err(Failure::Fault(format!("{folder} holds money but {file} is gone: restore it from a backup")));
        }
        Ok(None)
    }

    fn open_with(self, directory: Directory, purpose: Purpose) -> Result<OpenFolder, Failure> {
        let tag_master_key = self.tag_master_key()?;
        if purpose == Purpose::Live && *tag_master_key.expose() == demo::TAG_MASTER_KEY {
            let path = self.path(TAG_MASTER_KEY_FILE);
            let message =
                format!("{} holds the published key of the demonstration: put the real one there", path.display());
            return Err(Failure::Fault(message));
        }
        let test_clock = (purpose != Purpose::Live).then(TestClock::default);
        let clock: Box<dyn Clock> = match &test_clock {
            Some(clock) => Box::new(clock.clone()),
            None => Box::new(SystemClock),
        };
        let engine = Engine::open(self.0, clock)?;
        // It had been set forward before, and time never runs backwards.
        if let Some(clock) = &test_clock {
            clock.advance_to(engine.opened_at());
        }
        // Whoever is in the directory was in the journal first.
        if engine.status().durable_position == 0 && !directory.is_empty() {
            let journal = self.path(JOURNAL_FOLDER);
            let message = format!("{} is gone: restore it from a backup, with tables.sqlite", journal.display());
            return Err(Failure::Fault(message));
        }
        Ok(OpenFolder { directory, engine, tag_master_key, test_clock })
    }

    fn check_purpose(self, found: Purpose, wanted: Purpose) -> Result<(), Failure> {
        let folder = self.0.display();
        match found {
            found if found == wanted => Ok(()),
            Purpose::Demonstration => Err(Failure::Usage(format!(
                "{folder} is for demonstration, its keys are published: start it with --demo, or use another folder"
            ))),
            Purpose::Sandbox => Err(Failure::Usage(format!(
                "{folder} is for trying out, with keys of its own: start it without --demo, or use another folder"
            ))),
            Purpose::Live => Err(Failure::Usage(format!(
                "{folder} is for real payments: start it without --demo, or use another folder"
            ))),
        }
    }

    fn not_initialised(self) -> Failure {
        let folder = self.0.display();
        Failure::Usage(format!("{folder} is not initialised: run `tapstone init --data {folder}`"))
    }

    /// Makes the folder for real payments, with a directory that knows nobody yet, and says whether the tag master key
    /// in it is new. One that was put there before is kept.
    pub(crate) fn initialise(self) -> Result<(Directory, bool), Failure> {
        if self.declared_directory()?.is_some() {
            let message = format!("{} is initialised already; nothing was changed", self.0.display());
            return Err(Failure::Usage(message));
        }
        self.create()?;
        let key_is_new = !self.path(TAG_MASTER_KEY_FILE).exists();
        if key_is_new {
            let mut key = Zeroizing::new([0; 16]);
            getrandom::fill(&mut *key)?;
            self.write_tag_master_key(&AesKey::new(*key), "Keep it secret, and keep a copy elsewhere.")?;
        } else if *self.tag_master_key()?.expose() == demo::TAG_MASTER_KEY {
            let message =
                format!("{} holds the published key of the demonstration: use another folder", self.0.display());
            return Err(Failure::Usage(message));
        }
        Ok((Directory::open(self.0)?, key_is_new))
    }

    /// Makes the folder, for its owner only; refuses one that holds something else.
    fn create(self) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::Fault(format!("cannot make {}: {error}", self.0.display()));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(self.0).map_err(failed)?;
        for entry in fs::read_dir(self.0).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            let name = name.to_string_lossy();
            let ours =
                [TAG_MASTER_KEY_FILE, Directory::FILE_NAME, TABLES_FILE].iter().any(|file| name.starts_with(file))
                    || [JOURNAL_FOLDER, "lost+found"].contains(&&*name);
            if !ours {
                let folder = self.0.display();
                let message = format!("{folder} holds something else ({name}): use a new or empty folder");
                return Err(Failure::Usage(message));
            }
        }
        fs::set_permissions(self.0, fs::Permissions::from_mode(0o700)).map_err(failed)
    }

    /// Reads the tag master key: 32 hexadecimal digits; lines that begin with `#` do not count.
    pub(crate) fn tag_master_key(self) -> Result<AesKey, Failure> {
        let path = self.path(TAG_MASTER_KEY_FILE);
        let failed = |error: io::Error| {
            let hint = if error.kind() == io::ErrorKind::NotFound { ": restore it from a backup" } else { "" };
            Failure::Fault(format!("cannot read {}: {error}{hint}", path.display()))
        };
        let others = 0o077;
        if fs::metadata(&path).map_err(failed)?.permissions().mode() & others != 0 {
            let path = path.display();
            return Err(Failure::Fault(format!("others may read {path}, which is secret: run `chmod 600 {path}`")));
        }
        let text = Zeroizing::new(fs::read_to_string(&path).map_err(failed)?);
        let digits: Zeroizing<String> = Zeroizing::new(text.lines().filter(|line| !line.starts_with('#')).collect());
        let key = Zeroizing::new(hexadecimal::decode(digits.trim()).ok_or_else(|| {
            Failure::Fault(format!("{} must hold 32 hexadecimal digits: restore it from a backup", path.display()))
        })?);
        Ok(AesKey::new(*key))
    }

    /// Writes the key whole or not at all, and over nothing.
    fn write_tag_master_key(self, key: &AesKey, remark: &str) -> Result<(), Failure> {
        let (path, unfinished) = (self.path(TAG_MASTER_KEY_FILE), self.path("tag-master.key.unfinished"));
        let text = Zeroizing::new(format!("# {remark}\n{}\n", *Zeroizing::new(hexadecimal::encode(key.expose()))));
        let write = || {
            let mut options = fs::OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::hard_link(&unfinished, &path)?;
            fs::remove_file(&unfinished)?;
            fs::File::open(self.0)?.sync_all()
        };
        write().map_err(|error| Failure::Fault(format!("cannot write {}: {error}", path.display())))
    }

    fn path(self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}
