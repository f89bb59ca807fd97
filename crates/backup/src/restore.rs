//! Restoring a backup, all of it or up to a position.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, BufWriter, Write};
use std::num::NonZeroU64;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use journal::{Anchor, JournalId};
use tempfile::TempDir;

use crate::archive::Archive;
use crate::bank;
use crate::error::BackupError;
use crate::manifest::{JournalEnd, Kind, Measure, Member, segment_of};
use crate::{
    AT_ONCE, BANK_FOLDER, BANK_MEMBER, JOURNAL_FOLDER, LEDGER_MARKER, LEDGER_MARKER_FILE, TAG_MASTER_KEY_FILE,
    parent_of,
};

/// A folder that was restored.
#[derive(Clone, Debug)]
pub struct Restored {
    /// What it is.
    pub kind: Kind,
    /// The journal's id.
    pub journal_id: JournalId,
    /// The last frame that was restored; the genesis if there is none.
    pub end: Anchor,
    /// The last position in the backup.
    pub backed_up_to: u64,
    /// When the backup was taken, in milliseconds since 1970 in UTC.
    pub taken_at_ms: u64,
    /// Whether the tags' master key was in it.
    pub holds_keys: bool,
}

/// Makes a new data folder of a backup. With `to_position`, the journal ends with the last frame that ends at or before
/// that position: a frame is what became durable as one, so there is no state in between.
///
/// All of the archive is checked, also what lies beyond the position.
///
/// # Errors
/// [`BackupError`] says what to do. There is no folder then.
pub fn restore(file: &Path, folder: &Path, to_position: Option<NonZeroU64>) -> Result<Restored, BackupError> {
    let archive = Archive::open(file)?;
    let last = archive.manifest.journal.position;
    let limit = to_position.map_or(u64::MAX, NonZeroU64::get);
    if to_position.is_some() && limit > last {
        return Err(BackupError::PositionBeyondEnd { file: file.to_owned(), asked: limit, last });
    }
    let target = Target::create(folder)?;
    for member in archive.manifest.members.iter().filter(|member| segment_of(&member.name).is_none()) {
        restore_file(&archive, member, &target)?;
    }
    if archive.manifest.kind == Kind::Ledger {
        let mut marker = target.create_file(LEDGER_MARKER_FILE)?;
        marker.write(LEDGER_MARKER.as_bytes())?;
        marker.close()?;
    }
    let journal = restore_journal(&archive, limit, &target)?;
    if to_position.is_some() && journal.end.position == 0 {
        return Err(BackupError::PositionBeforeFirst { file: file.to_owned(), asked: limit, first: journal.first_end });
    }
    target.finish()?;
    Ok(Restored {
        kind: archive.manifest.kind,
        journal_id: journal.id,
        end: journal.end,
        backed_up_to: last,
        taken_at_ms: archive.manifest.taken_at_ms,
        holds_keys: archive.manifest.members.iter().any(|member| member.name == TAG_MASTER_KEY_FILE),
    })
}

fn restore_file(archive: &Archive, member: &Member, target: &Target) -> Result<(), BackupError> {
    let mut out = target.create_file(&member.name)?;
    let mut measure = Measure::default();
    archive.read(&member.name, |piece| {
        measure.take(piece);
        out.write(piece)
    })?;
    check(archive, &measure.finish(member.name.clone()))?;
    out.close()?;
    if member.name == BANK_MEMBER {
        let files = target.temporary.path();
        bank::unpack(&files.join(BANK_MEMBER), &files.join(BANK_FOLDER)).map_err(|what| archive.damaged(what))?;
    }
    Ok(())
}

struct RestoredJournal {
    id: JournalId,
    end: Anchor,
    /// Where the first frame ends; 0 if there is none.
    first_end: u64,
}

/// Copies the frames up to the limit, and checks all.
fn restore_journal(archive: &Archive, limit: u64, target: &Target) -> Result<RestoredJournal, BackupError> {
    let mut copy = archive.journal().copy()?;
    let mut end = copy.end();
    let (mut first_end, mut segments) = (0, 0);
    let mut out: Option<NewFile> = None;
    let mut member: Option<(String, Measure)> = None;
    while let Some(piece) = copy.next_piece()? {
        if piece.begins_segment {
            end_member(archive, member.take())?;
            segments += 1;
        }
        let (name, measure) =
            member.get_or_insert_with(|| (format!("{JOURNAL_FOLDER}/{}", piece.segment), Measure::default()));
        measure.take(piece.bytes);
        if first_end == 0 {
            first_end = piece.end.position;
        }
        if piece.end.position > limit {
            continue;
        }
        if piece.begins_segment {
            out.take().map_or(Ok(()), NewFile::close)?;
            out = Some(target.create_file(name)?);
        }
        if let Some(out) = &mut out {
            out.write(piece.bytes)?;
        }
        end = piece.end;
    }
    end_member(archive, member)?;
    out.map_or(Ok(()), NewFile::close)?;
    let id = copy.journal_id();
    let found = JournalEnd { id: id.to_string(), position: copy.end().position, hash: copy.end().hash.to_string() };
    let listed = archive.manifest.members.iter().filter(|member| segment_of(&member.name).is_some()).count();
    if found != archive.manifest.journal || listed != segments {
        return Err(archive.damaged(format!("its journal ends at position {}, not where it did", found.position)));
    }
    Ok(RestoredJournal { id, end, first_end })
}

fn end_member(archive: &Archive, member: Option<(String, Measure)>) -> Result<(), BackupError> {
    member.map_or(Ok(()), |(name, measure)| check(archive, &measure.finish(name)))
}

/// A member must be what the manifest says.
fn check(archive: &Archive, found: &Member) -> Result<(), BackupError> {
    if archive.manifest.members.contains(found) {
        return Ok(());
    }
    Err(archive.damaged(format!("{} is not what was backed up: its checksum is another", found.name)))
}

/// The folder that is being made: beside its place until it is whole. Removed if it never is.
struct Target<'a> {
    folder: &'a Path,
    temporary: TempDir,
}

impl<'a> Target<'a> {
    fn create(folder: &'a Path) -> Result<Self, BackupError> {
        match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return Err(exists(folder)),
            Err(error) => return Err(BackupError::io("open", folder)(error)),
            Ok(mut entries) => {
                if entries.next().is_some() {
                    return Err(exists(folder));
                }
            }
        }
        let name = folder.file_name().ok_or_else(|| exists(folder))?;
        let prefix = format!(".{}.unfinished-", name.to_string_lossy());
        let mut builder = tempfile::Builder::new();
        let builder = builder.prefix(&prefix).permissions(Permissions::from_mode(0o700));
        let temporary = builder.tempdir_in(parent_of(folder)).map_err(BackupError::io("create", folder))?;
        let journal = temporary.path().join(JOURNAL_FOLDER);
        DirBuilder::new().mode(0o700).create(&journal).map_err(BackupError::io("create", &journal))?;
        Ok(Self { folder, temporary })
    }

    fn create_file(&self, name: &str) -> Result<NewFile, BackupError> {
        let path = self.temporary.path().join(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(BackupError::io("create", &path))?;
        Ok(NewFile { path, out: BufWriter::with_capacity(AT_ONCE, file) })
    }

    /// Makes it durable and gives it its name.
    fn finish(self) -> Result<(), BackupError> {
        let sync =
            |path: &Path| File::open(path).and_then(|open| open.sync_all()).map_err(BackupError::io("sync", path));
        let folder = self.temporary.path();
        let bank = folder.join(BANK_FOLDER);
        let of_bank = bank::folders(&bank).filter(|of_bank| of_bank.exists());
        let folders: Vec<PathBuf> = of_bank.chain([folder.join(JOURNAL_FOLDER), folder.to_owned()]).collect();
        for folder in &folders {
            for entry in fs::read_dir(folder).map_err(BackupError::io("open", folder))? {
                sync(&entry.map_err(BackupError::io("open", folder))?.path())?;
            }
            sync(folder)?;
        }
        // An empty folder makes way; one that is not empty any more does not.
        fs::rename(self.temporary.path(), self.folder).map_err(|error| match error.kind() {
            io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists => exists(self.folder),
            _ => BackupError::io("name", self.folder)(error),
        })?;
        // Under its new name it stays.
        drop(self.temporary.keep());
        sync(parent_of(self.folder))
    }
}

fn exists(folder: &Path) -> BackupError {
    BackupError::FolderExists { folder: folder.to_owned() }
}

struct NewFile {
    path: PathBuf,
    out: BufWriter<File>,
}

impl NewFile {
    fn write(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.out.write_all(bytes).map_err(BackupError::io("write", &self.path))
    }

    fn close(mut self) -> Result<(), BackupError> {
        self.out.flush().map_err(BackupError::io("write", &self.path))
    }
}
