//! What is kept of the bank's files: a tar archive inside the backup, because they are many and small.
//!
//! In this order: `submitted/`, what was sent; `outbox/`, what is to be sent; `statements.sqlite`, what was read of the
//! bank's statements. Statements themselves are the bank's, which can give them again.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use directory::DirectoryError;
use tar::{EntryType, Header};

use crate::BANK_MEMBER;
use crate::error::BackupError;

const STATEMENTS_FILE: &str = "statements.sqlite";
const FOLDERS: [&str; 2] = ["submitted", "outbox"];

/// Copies what is kept of the bank's files into one file in `copies`, and says which; nothing if there are none.
pub(crate) fn collect(
    bank: &Path,
    copies: &Path,
    failed: impl Fn(DirectoryError) -> BackupError,
) -> Result<Option<PathBuf>, BackupError> {
    if !bank.is_dir() {
        return Ok(None);
    }
    let collected = copies.join(BANK_MEMBER);
    let out = File::create(&collected).map_err(BackupError::io("create", &collected))?;
    let mut archive = tar::Builder::new(BufWriter::new(out));
    for name in FOLDERS {
        let folder = bank.join(name);
        for file in names(&folder).map_err(BackupError::io("read", &folder))? {
            let path = folder.join(&file);
            add(&mut archive, &format!("{name}/{file}"), &path).map_err(BackupError::io("copy", &path))?;
        }
    }
    let statements = bank.join(STATEMENTS_FILE);
    if statements.exists() {
        let copy = copies.join(STATEMENTS_FILE);
        directory::copy_database(&statements, &copy).map_err(failed)?;
        add(&mut archive, STATEMENTS_FILE, &copy).map_err(BackupError::io("copy", &copy))?;
    }
    let written = archive.into_inner().and_then(|mut out| out.flush());
    written.map_err(BackupError::io("write", &collected))?;
    Ok(Some(collected))
}

/// The names of a folder's files that are ours, in order; none if there is no folder.
fn names(folder: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string().ok().filter(|name| is_ours(name)));
    }
    names.sort_unstable();
    Ok(names)
}

/// Whether a file was named by us: by the reference of a payout.
fn is_ours(name: &str) -> bool {
    let reference = name.strip_suffix(".xml").unwrap_or_default();
    (1..=35).contains(&reference.len()) && reference.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Adds a file, unless the bank's transfer program has taken it away meanwhile. Files appear whole and do not change.
fn add(archive: &mut tar::Builder<impl Write>, name: &str, path: &Path) -> io::Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        file => file?,
    };
    let mut header = Header::new_gnu();
    header.set_size(file.metadata()?.len());
    header.set_mode(0o600);
    archive.append_data(&mut header, name, file)
}

/// Makes the bank's folder of what was kept of it, and removes the file that held it.
pub(crate) fn unpack(collected: &Path, bank: &Path) -> Result<(), String> {
    let unpacked = || -> io::Result<()> {
        for folder in folders(bank) {
            DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let mut archive = tar::Archive::new(BufReader::new(File::open(collected)?));
        for entry in archive.entries()? {
            let mut entry = entry?;
            let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if entry.header().entry_type() != EntryType::Regular || !is_member(&name) {
                return Err(io::Error::other(format!("it holds {name:?}")));
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(bank.join(&name))?;
            io::copy(&mut entry, &mut file)?;
        }
        fs::remove_file(collected)
    };
    unpacked().map_err(|error| format!("{BANK_MEMBER}: {error}"))
}

fn is_member(name: &str) -> bool {
    let in_folder = name.split_once('/').is_some_and(|(folder, file)| FOLDERS.contains(&folder) && is_ours(file));
    name == STATEMENTS_FILE || in_folder
}

/// The folders that files are unpacked into.
pub(crate) fn folders(bank: &Path) -> impl Iterator<Item = PathBuf> + use<'_> {
    FOLDERS.iter().map(|name| bank.join(name)).chain([bank.to_owned()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_become_paths() {
        for name in ["statements.sqlite", "submitted/PO01KAR6B1T0FK4V8KQ2TQ0XVH3R.xml", "outbox/A.xml"] {
            assert!(is_member(name), "{name}");
        }
        for name in
            ["", "x", "outbox", "outbox/", "outbox/../x.xml", "outbox/.xml", "inbox/A.xml", "/outbox/A.xml", "outbox/A"]
        {
            assert!(!is_member(name), "{name}");
        }
    }
}
