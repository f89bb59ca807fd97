//! Taking a backup.

use std::path::{Path, PathBuf};

use directory::{Directory, DirectoryError};
use journal::{Anchor, Journal, JournalError, JournalId};

use crate::archive_writer::ArchiveWriter;
use crate::error::{BackupError, says_full};
use crate::manifest::{JournalEnd, Kind, Manifest};
use crate::{
    BANK_FOLDER, BANK_MEMBER, JOURNAL_FOLDER, MANIFEST_FILE, SIDE_DATABASES, TAG_MASTER_KEY_FILE, WEBHOOKS_KEY_FILE,
    bank, parent_of,
};

/// What to take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The time now, in milliseconds since 1970 in UTC.
    pub taken_at_ms: u64,
    /// Leaves out the tags' master key. Without it no tag of a restored platform can be verified, until it is put there.
    pub without_keys: bool,
    /// Leaves the disk to a running server for most of the time.
    pub gently: bool,
}

/// A backup that is on the disk.
#[derive(Clone, Debug)]
pub struct Taken {
    /// What was backed up.
    pub kind: Kind,
    /// The journal's id.
    pub journal_id: JournalId,
    /// The last frame in it; the genesis if there is none.
    pub end: Anchor,
    /// The file's size.
    pub bytes: u64,
    /// Whether the tags' master key is in it.
    pub holds_keys: bool,
}

/// Backs up the data folder to a new file, which only its owner may read. The folder may be in use.
///
/// Everything that was acknowledged before is in it, and perhaps some of what comes meanwhile.
///
/// # Errors
/// [`BackupError`] says what to do. There is no file then.
pub fn back_up(folder: &Path, file: &Path, options: Options) -> Result<Taken, BackupError> {
    let source = Source::find(folder, options)?;
    let mut archive = ArchiveWriter::create(file, options.taken_at_ms / 1000, options.gently)?;
    if let Some(key) = &source.tag_master_key {
        archive.add_file(TAG_MASTER_KEY_FILE, key)?;
    }
    let webhooks_key = folder.join(WEBHOOKS_KEY_FILE);
    if source.tag_master_key.is_some() && webhooks_key.exists() {
        archive.add_file(WEBHOOKS_KEY_FILE, &webhooks_key)?;
    }
    if source.kind == Kind::Platform {
        add_copies(&mut archive, folder, file)?;
    }
    let (journal_id, end) = add_journal(&mut archive, &source.journal)?;
    let members = archive.end_members()?;
    let journal = JournalEnd { id: journal_id.to_string(), position: end.position, hash: end.hash.to_string() };
    let manifest = Manifest::new(options.taken_at_ms, source.kind, journal, members);
    archive.begin(MANIFEST_FILE.to_owned())?;
    let json = serde_json::to_vec_pretty(&manifest).map_err(|error| BackupError::io("write", file)(error.into()))?;
    archive.write(&json)?;
    let bytes = archive.finish()?;
    Ok(Taken { kind: source.kind, journal_id, end, bytes, holds_keys: source.tag_master_key.is_some() })
}

/// What there is to take.
struct Source {
    kind: Kind,
    journal: Journal,
    tag_master_key: Option<PathBuf>,
}

impl Source {
    fn find(folder: &Path, options: Options) -> Result<Self, BackupError> {
        let journal = Journal::new(folder.join(JOURNAL_FOLDER));
        if !journal.directory().is_dir() {
            return Err(BackupError::NoJournal { folder: folder.to_owned() });
        }
        let (directory, key) = (folder.join(Directory::FILE_NAME), folder.join(TAG_MASTER_KEY_FILE));
        if directory.exists() {
            if !options.without_keys && !key.exists() {
                return Err(BackupError::Incomplete { path: key, hint: ", or take the backup without keys" });
            }
            let tag_master_key = (!options.without_keys).then_some(key);
            return Ok(Self { kind: Kind::Platform, journal, tag_master_key });
        }
        // Each of these says that there was a directory once.
        if key.exists() || folder.join("tables.sqlite").exists() {
            return Err(BackupError::Incomplete { path: directory, hint: "" });
        }
        Ok(Self { kind: Kind::Ledger, journal, tag_master_key: None })
    }
}

/// Copies the directory and what is kept beside it, consistent, first beside the archive and then into it.
fn add_copies(archive: &mut ArchiveWriter, folder: &Path, file: &Path) -> Result<(), BackupError> {
    let beside = parent_of(file);
    let copies = tempfile::Builder::new().prefix(".tapstone-backup-").tempdir_in(beside);
    let copies = copies.map_err(BackupError::io("write into", beside))?;
    let failed = |error| match error {
        DirectoryError::Copy { source, .. } if says_full(&source) => {
            BackupError::Full { path: file.to_owned(), source }
        }
        other => other.into(),
    };
    let copy = directory::copy_file(folder, copies.path()).map_err(failed)?;
    archive.add_file(Directory::FILE_NAME, &copy)?;
    for name in SIDE_DATABASES {
        let (original, copy) = (folder.join(name), copies.path().join(name));
        if original.exists() {
            directory::copy_database(&original, &copy).map_err(failed)?;
            archive.add_file(name, &copy)?;
        }
    }
    if let Some(files) = bank::collect(&folder.join(BANK_FOLDER), copies.path(), failed)? {
        archive.add_file(BANK_MEMBER, &files)?;
    }
    Ok(())
}

/// Copies every whole frame that is there now.
fn add_journal(archive: &mut ArchiveWriter, journal: &Journal) -> Result<(JournalId, Anchor), BackupError> {
    let mut copy = journal.copy().map_err(|error| match error {
        JournalError::NoJournal { directory } => BackupError::NoJournal { folder: directory },
        other => other.into(),
    })?;
    while let Some(piece) = copy.next_piece()? {
        if piece.begins_segment {
            archive.begin(format!("{JOURNAL_FOLDER}/{}", piece.segment))?;
        }
        archive.write(piece.bytes)?;
    }
    // What is in the backup must not be lost to a power cut where it comes from: the two would part ways.
    copy.sync_source()?;
    Ok((copy.journal_id(), copy.end()))
}
