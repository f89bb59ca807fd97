//! Writing the archive: members whose size is known only when they end, each measured as it is written.
//!
//! The file has a temporary name until all of it is on the disk. Should anything fail before, it is removed.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::thread;
use std::time::Instant;

use tar::{EntryType, Header};
use tempfile::NamedTempFile;

use crate::error::BackupError;
use crate::manifest::{Measure, Member};
use crate::{AT_ONCE, parent_of};

/// The unit of a tar archive; two empty ones end it.
const EMPTY_BLOCK: [u8; 512] = [0; 512];

/// How the disk is shared. Whatever is written and not yet synced stands before a running server's journal at its next
/// sync, so it is synced in small portions, with pauses.
struct Pace {
    /// How much is written before the disk is waited for.
    portion: u64,
    /// How many times as long as that took the disk is left to others.
    pauses: u32,
}

impl Pace {
    const GENTLE: Self = Self { portion: 1 << 20, pauses: 3 };
    const FAST: Self = Self { portion: 8 << 20, pauses: 0 };
}

/// An archive that has no name yet.
pub(crate) struct ArchiveWriter<'a> {
    path: &'a Path,
    out: BufWriter<NamedTempFile>,
    /// Seconds since 1970: the time that all members have.
    time: u64,
    pace: Pace,
    written: u64,
    synced: u64,
    member: Option<OpenMember>,
    members: Vec<Member>,
}

struct OpenMember {
    name: String,
    header_at: u64,
    measure: Measure,
}

impl<'a> ArchiveWriter<'a> {
    /// Begins the archive that will be `path`, beside it.
    pub(crate) fn create(path: &'a Path, time: u64, gently: bool) -> Result<Self, BackupError> {
        if path.symlink_metadata().is_ok() {
            return Err(BackupError::FileExists { file: path.to_owned() });
        }
        let name = path.file_name().ok_or_else(|| BackupError::FileExists { file: path.to_owned() })?;
        let prefix = format!(".{}.unfinished-", name.to_string_lossy());
        // Only its owner may read it: that is how temporary files are made.
        let file = tempfile::Builder::new().prefix(&prefix).tempfile_in(parent_of(path));
        let file = file.map_err(BackupError::io("create", path))?;
        let out = BufWriter::with_capacity(AT_ONCE, file);
        let pace = if gently { Pace::GENTLE } else { Pace::FAST };
        Ok(Self { path, out, time, pace, written: 0, synced: 0, member: None, members: Vec::new() })
    }

    /// Ends the member before and begins another.
    pub(crate) fn begin(&mut self, name: String) -> Result<(), BackupError> {
        self.end_member()?;
        let header_at = self.written;
        self.put(&EMPTY_BLOCK)?;
        self.member = Some(OpenMember { name, header_at, measure: Measure::default() });
        Ok(())
    }

    /// Adds to the open member.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        if let Some(member) = &mut self.member {
            member.measure.take(bytes);
        }
        self.put(bytes)?;
        if self.written - self.synced >= self.pace.portion {
            let begin = Instant::now();
            self.sync()?;
            thread::sleep(begin.elapsed() * self.pace.pauses);
        }
        Ok(())
    }

    /// Adds a member that is a file's content.
    pub(crate) fn add_file(&mut self, name: &str, path: &Path) -> Result<(), BackupError> {
        self.begin(name.to_owned())?;
        let mut file = File::open(path).map_err(BackupError::io("open", path))?;
        let mut chunk = vec![0; AT_ONCE];
        loop {
            match file.read(&mut chunk).map_err(BackupError::io("read", path))? {
                0 => return Ok(()),
                read => self.write(chunk.get(..read).unwrap_or_default())?,
            }
        }
    }

    /// Ends the open member; gives all that were written.
    pub(crate) fn end_members(&mut self) -> Result<Vec<Member>, BackupError> {
        self.end_member()?;
        Ok(self.members.clone())
    }

    /// Ends the archive and gives it its name, durably. Says how many bytes it has.
    pub(crate) fn finish(mut self) -> Result<u64, BackupError> {
        self.end_member()?;
        self.put(&EMPTY_BLOCK)?;
        self.put(&EMPTY_BLOCK)?;
        self.sync()?;
        let Self { path, out, written, .. } = self;
        let file = out.into_inner().map_err(|error| BackupError::io("write", path)(error.into_error()))?;
        file.persist_noclobber(path).map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::FileExists { file: path.to_owned() },
            _ => BackupError::io("name", path)(error.error),
        })?;
        let folder = parent_of(path);
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(BackupError::io("sync", folder))?;
        Ok(written)
    }

    /// Fills the member's last block and writes its header, whose place was left free.
    fn end_member(&mut self) -> Result<(), BackupError> {
        let Some(OpenMember { name, header_at, measure }) = self.member.take() else { return Ok(()) };
        let member = measure.finish(name);
        while !self.written.is_multiple_of(EMPTY_BLOCK.len() as u64) {
            self.put(&[0])?;
        }
        let header = self.header(&member).map_err(BackupError::io("write", self.path))?;
        let end = self.written;
        let mut put_in_place = || {
            self.out.seek(SeekFrom::Start(header_at))?;
            self.out.write_all(header.as_bytes())?;
            self.out.seek(SeekFrom::Start(end)).map(drop)
        };
        put_in_place().map_err(BackupError::io("write", self.path))?;
        self.members.push(member);
        Ok(())
    }

    fn header(&self, member: &Member) -> io::Result<Header> {
        let mut header = Header::new_gnu();
        header.set_path(&member.name)?;
        header.set_entry_type(EntryType::Regular);
        header.set_mode(0o600);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.time);
        header.set_size(member.bytes);
        header.set_cksum();
        Ok(header)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.out.write_all(bytes).map_err(BackupError::io("write", self.path))?;
        self.written += bytes.len() as u64;
        Ok(())
    }

    fn sync(&mut self) -> Result<(), BackupError> {
        let synced = self.out.flush().and_then(|()| self.out.get_ref().as_file().sync_data());
        self.synced = self.written;
        synced.map_err(BackupError::io("write", self.path))
    }
}
