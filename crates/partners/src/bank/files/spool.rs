//! The folders that a bank's files go through.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::PartnerError;

/// The largest statement that is read.
const MAXIMUM_BYTES: u64 = 32 << 20;

/// The open spool.
pub(crate) struct Spool {
    folder: PathBuf,
}

impl Spool {
    pub(crate) fn open(folder: &Path) -> Result<Self, PartnerError> {
        for name in ["outbox", "submitted", "inbox", "read", "refused", "staging"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).map_err(|source| PartnerError::File { path, source })?;
        }
        Ok(Self { folder: folder.to_owned() })
    }

    /// Puts a file into the outbox, unless it was put there before; says whether what was put there is this one.
    ///
    /// Should this be cut off after the file is in the outbox and before that is remembered, the next try puts the same
    /// bytes there once more: the bank knows them by their message id.
    pub(crate) fn send(&self, name: &str, bytes: &[u8]) -> Result<bool, PartnerError> {
        let submitted = self.folder.join("submitted").join(name);
        match fs::read(&submitted) {
            Ok(before) => return Ok(before == bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(PartnerError::File { path: submitted, source }),
        }
        self.put("outbox", name, bytes)?;
        self.put("submitted", name, bytes)?;
        Ok(true)
    }

    /// The files in the inbox, by name.
    pub(crate) fn waiting(&self, most: usize) -> Result<Vec<PathBuf>, PartnerError> {
        let inbox = self.folder.join("inbox");
        let list = || -> io::Result<Vec<PathBuf>> {
            let mut found = Vec::new();
            for entry in fs::read_dir(&inbox)? {
                let path = entry?.path();
                // Transfer programs write under another name first.
                if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("xml")) && path.is_file() {
                    found.push(path);
                }
            }
            found.sort();
            found.truncate(most);
            Ok(found)
        };
        list().map_err(|source| PartnerError::File { path: inbox.clone(), source })
    }

    /// A statement's text; the inner error says why it is none.
    pub(crate) fn read(&self, path: &Path) -> Result<Result<String, String>, PartnerError> {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            File::open(path)?.take(MAXIMUM_BYTES + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let bytes = read().map_err(|source| PartnerError::File { path: path.to_owned(), source })?;
        if bytes.len() as u64 > MAXIMUM_BYTES {
            return Ok(Err(format!("it has more than {MAXIMUM_BYTES} bytes")));
        }
        Ok(String::from_utf8(bytes).map_err(|_| "it is not UTF-8".to_owned()))
    }

    /// A statement was read: it leaves the inbox.
    pub(crate) fn put_away(&self, path: &Path) -> Result<(), PartnerError> {
        self.leave(path, "read")
    }

    /// A statement cannot be read: it leaves the inbox, and a text beside it says why.
    pub(crate) fn refuse(&self, path: &Path, reason: &str) -> Result<(), PartnerError> {
        self.put("refused", &format!("{}.txt", name_of(path)), format!("{reason}\n").as_bytes())?;
        self.leave(path, "refused")
    }

    /// Moves a file out of the inbox. Banks use names again: what is there already is kept.
    fn leave(&self, path: &Path, to: &str) -> Result<(), PartnerError> {
        let (folder, name) = (self.folder.join(to), name_of(path));
        let mut target = folder.join(&name);
        let mut copies = 1_u32;
        while target.exists() && copies < u32::MAX {
            copies += 1;
            target = folder.join(format!("{copies}-{name}"));
        }
        fs::rename(path, &target).map_err(|source| PartnerError::File { path: path.to_owned(), source })
    }

    /// A file with these bytes appears in a folder, whole and lasting.
    fn put(&self, folder: &str, name: &str, bytes: &[u8]) -> Result<(), PartnerError> {
        let staged = self.folder.join("staging").join(name);
        let folder = self.folder.join(folder);
        let write = || -> io::Result<()> {
            let mut file = File::create(&staged)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&staged, folder.join(name))?;
            File::open(&folder)?.sync_all()
        };
        write().map_err(|source| PartnerError::File { path: folder.join(name), source })
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
