//! Reading an archive: what is in it and where, and its journal as if it lay in a folder.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::{Disk, DiskFile, Journal};
use tar::EntryType;

use crate::error::BackupError;
use crate::manifest::{Manifest, ManifestRefused, is_member_name, segment_of};
use crate::{AT_ONCE, JOURNAL_FOLDER, MANIFEST_FILE};

/// The largest manifest that is read: a line for each member, so a journal of some hundred thousand segments.
const MAX_MANIFEST_BYTES: u64 = 64 << 20;

/// Each member has a header of this size before it, and is filled up to a multiple of it.
const HEADER_BYTES: u64 = 512;

/// An archive whose manifest fits what is in it by name and size. What the members hold is not checked yet.
#[derive(Debug)]
pub(crate) struct Archive {
    path: PathBuf,
    file: Arc<File>,
    places: BTreeMap<String, Place>,
    pub(crate) manifest: Manifest,
}

/// Where a member's content is.
#[derive(Clone, Copy, Debug)]
struct Place {
    offset: u64,
    bytes: u64,
}

impl Archive {
    pub(crate) fn open(path: &Path) -> Result<Self, BackupError> {
        let file = Arc::new(File::open(path).map_err(BackupError::io("open", path))?);
        if !file.metadata().map_err(BackupError::io("open", path))?.is_file() {
            return Err(BackupError::NotABackup { file: path.to_owned(), what: "it is no file".to_owned() });
        }
        let mut places = find_members(path, &file)?;
        let Some(place) = places.remove(MANIFEST_FILE) else {
            return Err(BackupError::CutOff { file: path.to_owned() });
        };
        let manifest = read_manifest(path, &file, place)?;
        let archive = Self { path: path.to_owned(), file, places, manifest };
        archive.check_members()?;
        Ok(archive)
    }

    /// The journal in it, to be read like any other.
    pub(crate) fn journal(&self) -> Journal {
        let segments = self.places.iter().filter_map(|(name, place)| Some((segment_of(name)?.to_owned(), *place)));
        let disk = ArchivedSegments { file: Arc::clone(&self.file), segments: segments.collect() };
        Journal::on_disk(self.path.join(JOURNAL_FOLDER), Arc::new(disk))
    }

    /// Gives a member's content, in pieces.
    pub(crate) fn read(
        &self,
        name: &str,
        mut take: impl FnMut(&[u8]) -> Result<(), BackupError>,
    ) -> Result<(), BackupError> {
        let Some(place) = self.places.get(name) else {
            return Err(self.damaged(format!("it has no {name}")));
        };
        let mut chunk = vec![0; AT_ONCE];
        let mut offset = 0;
        while offset < place.bytes {
            let left = usize::try_from(place.bytes - offset).unwrap_or(usize::MAX);
            chunk.truncate(left);
            let read = FileExt::read_exact_at(&*self.file, &mut chunk, place.offset + offset);
            read.map_err(BackupError::io("read", &self.path))?;
            take(&chunk)?;
            offset += chunk.len() as u64;
        }
        Ok(())
    }

    pub(crate) fn damaged(&self, what: String) -> BackupError {
        BackupError::Damaged { file: self.path.clone(), what }
    }

    /// The members are those of the manifest, and as large as it says.
    fn check_members(&self) -> Result<(), BackupError> {
        for member in &self.manifest.members {
            if self.places.get(&member.name).is_none_or(|place| place.bytes != member.bytes) {
                return Err(self.damaged(format!("it has no {} of {} bytes", member.name, member.bytes)));
            }
        }
        if self.places.len() != self.manifest.members.len() {
            return Err(self.damaged("it holds more than its manifest says".to_owned()));
        }
        Ok(())
    }
}

fn find_members(path: &Path, file: &File) -> Result<BTreeMap<String, Place>, BackupError> {
    let length = file.metadata().map_err(BackupError::io("open", path))?.len();
    let (mut places, mut end) = (BTreeMap::new(), 0);
    let not_a_backup = |what: String| BackupError::NotABackup { file: path.to_owned(), what };
    let mut archive = tar::Archive::new(file);
    let entries = archive.entries_with_seek().map_err(BackupError::io("read", path))?;
    // Raw: of what tar can be, a backup has regular files with short names and nothing else.
    for entry in entries.raw(true) {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if places.is_empty() => return Err(not_a_backup(error.to_string())),
            Err(_) if length.saturating_sub(end) < 2 * HEADER_BYTES => {
                return Err(BackupError::CutOff { file: path.to_owned() });
            }
            Err(error) => return Err(BackupError::Damaged { file: path.to_owned(), what: error.to_string() }),
        };
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type() != EntryType::Regular || !(is_member_name(&name) || name == MANIFEST_FILE) {
            return Err(not_a_backup(format!("it holds {name:?}")));
        }
        let place = Place { offset: entry.raw_file_position(), bytes: entry.size() };
        end = place.offset.saturating_add(place.bytes);
        if places.insert(name.clone(), place).is_some() {
            return Err(BackupError::Damaged { file: path.to_owned(), what: format!("it holds {name} twice") });
        }
    }
    if places.is_empty() {
        return Err(not_a_backup("it is empty".to_owned()));
    }
    Ok(places)
}

fn read_manifest(path: &Path, file: &File, place: Place) -> Result<Manifest, BackupError> {
    let path = || path.to_owned();
    let damaged = |what: String| BackupError::Damaged { file: path(), what };
    if place.bytes > MAX_MANIFEST_BYTES {
        return Err(damaged(format!("its manifest has {} bytes", place.bytes)));
    }
    let mut json = vec![0; usize::try_from(place.bytes).unwrap_or_default()];
    FileExt::read_exact_at(file, &mut json, place.offset).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => BackupError::CutOff { file: path() },
        _ => BackupError::io("read", &path())(error),
    })?;
    Manifest::parse(&json).map_err(|refused| match refused {
        ManifestRefused::Foreign => BackupError::NotABackup { file: path(), what: "its manifest is another's".into() },
        ManifestRefused::NewerVersion(found) => BackupError::NewerVersion { file: path(), found },
        ManifestRefused::Malformed(error) => damaged(format!("its manifest makes no sense ({error})")),
    })
}

/// The archive's segments as a disk, which can only be read.
#[derive(Debug)]
struct ArchivedSegments {
    file: Arc<File>,
    segments: BTreeMap<String, Place>,
}

fn refuse<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Disk for ArchivedSegments {
    fn create_directory(&self, _: &Path) -> io::Result<()> {
        refuse()
    }

    fn lock(&self, _: &Path) -> io::Result<Box<dyn Send>> {
        refuse()
    }

    fn list(&self, _: &Path) -> io::Result<Vec<String>> {
        Ok(self.segments.keys().cloned().collect())
    }

    fn create(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        refuse()
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let place = path.file_name().and_then(|name| self.segments.get(name.to_str()?));
        let place = *place.ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(ArchivedSegment { file: Arc::clone(&self.file), place }))
    }

    fn open_writable(&self, _: &Path) -> io::Result<Box<dyn DiskFile>> {
        refuse()
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        refuse()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        refuse()
    }

    fn sync_directory(&self, _: &Path) -> io::Result<()> {
        refuse()
    }
}

#[derive(Debug)]
struct ArchivedSegment {
    file: Arc<File>,
    place: Place,
}

impl DiskFile for ArchivedSegment {
    fn length(&self) -> io::Result<u64> {
        Ok(self.place.bytes)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64).filter(|end| *end <= self.place.bytes);
        end.ok_or(io::ErrorKind::UnexpectedEof)?;
        FileExt::read_exact_at(&*self.file, buffer, self.place.offset + offset)
    }

    fn reserve(&mut self, _: u64, _: u64) -> io::Result<()> {
        refuse()
    }

    fn write_at(&mut self, _: &[u8], _: u64) -> io::Result<usize> {
        refuse()
    }

    fn sync_data(&mut self) -> io::Result<()> {
        refuse()
    }

    fn truncate(&mut self, _: u64) -> io::Result<()> {
        refuse()
    }
}
