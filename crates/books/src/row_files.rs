//! Dense files of rows: row n of a kind is at a known place, and is written once.

use std::marker::PhantomData;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use journal::{Disk, DiskFile};

use crate::error::TablesError;
use crate::rows::Row;

/// Rows in one file.
const ROWS_PER_FILE: u64 = 1 << 22;

/// Bytes of rows read ahead where rows are read one after the other.
const READ_AHEAD_BYTES: usize = 32 * 1024;

/// Bytes read at once where all rows are read.
const SCAN_BYTES: usize = 256 * 1024;

/// Bytes of one write.
const WRITE_BYTES: usize = 1024 * 1024;

/// The files of one kind of row. Each user has handles of its own.
#[derive(Debug)]
pub(crate) struct RowFiles<R> {
    disk: Arc<dyn Disk>,
    folder: PathBuf,
    kind: &'static str,
    files: Vec<Option<Box<dyn DiskFile>>>,
    /// The rows that were read last, and the number of the first.
    window: (u64, Vec<u8>),
    /// Rows on their way to a file; kept for its memory.
    out: Vec<u8>,
    rows: PhantomData<R>,
}

impl<R: Row> RowFiles<R> {
    /// The files named `kind` in `folder`. Touches nothing yet.
    pub(crate) fn new(disk: Arc<dyn Disk>, folder: PathBuf, kind: &'static str) -> Self {
        Self { disk, folder, kind, files: Vec::new(), window: (0, Vec::new()), out: Vec::new(), rows: PhantomData }
    }

    /// The name of a file that holds rows below `count`, for each such file.
    pub(crate) fn names(kind: &'static str, count: u64) -> impl Iterator<Item = String> {
        (0..count.div_ceil(ROWS_PER_FILE)).map(move |file| name(kind, file))
    }

    /// One row that was stored. Reads some of its neighbours along if it follows the row read before.
    pub(crate) fn get(&mut self, number: u64, count: u64) -> Result<R, TablesError> {
        let (first, bytes) = &self.window;
        let window_rows = (bytes.len() / R::SIZE) as u64;
        if !(*first..*first + window_rows).contains(&number) {
            let follows = window_rows > 0 && number == *first + window_rows;
            let ahead = if follows { (READ_AHEAD_BYTES / R::SIZE) as u64 } else { 1 };
            let rows = ahead.min(count.saturating_sub(number)).min(ROWS_PER_FILE - number % ROWS_PER_FILE).max(1);
            self.window = (number, self.read(number, rows)?);
        }
        let (first, bytes) = &self.window;
        let at = usize::try_from(number - first).unwrap_or(usize::MAX).saturating_mul(R::SIZE);
        let row = bytes.get(at..at.saturating_add(R::SIZE)).and_then(R::read);
        row.ok_or_else(|| self.damaged(number))
    }

    /// Calls `each` with all rows of these numbers in order.
    pub(crate) fn scan(&mut self, numbers: Range<u64>, mut each: impl FnMut(R)) -> Result<(), TablesError> {
        let mut number = numbers.start;
        while number < numbers.end {
            let rows = ((SCAN_BYTES / R::SIZE) as u64).min(numbers.end - number);
            let rows = rows.min(ROWS_PER_FILE - number % ROWS_PER_FILE);
            for bytes in self.read(number, rows)?.chunks_exact(R::SIZE) {
                each(R::read(bytes).ok_or_else(|| self.damaged(number))?);
                number += 1;
            }
        }
        Ok(())
    }

    /// Writes rows from number `first` on, durably but for the names of new files.
    pub(crate) fn write(&mut self, first: u64, rows: &[R]) -> Result<(), TablesError> {
        let (mut number, mut rest) = (first, rows);
        let mut bytes = std::mem::take(&mut self.out);
        while !rest.is_empty() {
            let room = usize::try_from(ROWS_PER_FILE - number % ROWS_PER_FILE).unwrap_or(usize::MAX);
            let (some, after) = rest.split_at(rest.len().min(WRITE_BYTES / R::SIZE).min(room));
            bytes.resize(some.len() * R::SIZE, 0);
            some.iter().zip(bytes.chunks_exact_mut(R::SIZE)).for_each(|(row, bytes)| row.write(bytes));
            self.write_bytes(number, &bytes)?;
            number += some.len() as u64;
            rest = after;
        }
        self.out = bytes;
        let (first_file, last_file) = (first / ROWS_PER_FILE, number.saturating_sub(1) / ROWS_PER_FILE);
        for file in first_file..=last_file {
            let path = self.path(file);
            self.writable(file)?.sync_data().map_err(TablesError::io("sync", &path))?;
        }
        Ok(())
    }

    fn write_bytes(&mut self, number: u64, bytes: &[u8]) -> Result<(), TablesError> {
        let path = self.path(number / ROWS_PER_FILE);
        let file = self.writable(number / ROWS_PER_FILE)?;
        let offset = number % ROWS_PER_FILE * R::SIZE as u64;
        write_all(&mut **file, bytes, offset).map_err(TablesError::io("write", &path))
    }

    fn read(&mut self, number: u64, rows: u64) -> Result<Vec<u8>, TablesError> {
        let path = self.path(number / ROWS_PER_FILE);
        let mut bytes = vec![0; usize::try_from(rows).unwrap_or(usize::MAX) * R::SIZE];
        let file = self.file(number / ROWS_PER_FILE, |disk, path| disk.open(path))?;
        file.read_exact_at(&mut bytes, number % ROWS_PER_FILE * R::SIZE as u64)
            .map_err(TablesError::io("read", &path))?;
        Ok(bytes)
    }

    fn writable(&mut self, file: u64) -> Result<&mut Box<dyn DiskFile>, TablesError> {
        self.file(file, |disk, path| match disk.create(path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => disk.open_writable(path),
            other => other,
        })
    }

    fn file(
        &mut self,
        file: u64,
        open: impl FnOnce(&dyn Disk, &std::path::Path) -> std::io::Result<Box<dyn DiskFile>>,
    ) -> Result<&mut Box<dyn DiskFile>, TablesError> {
        let place = usize::try_from(file).unwrap_or(usize::MAX);
        let path = self.path(file);
        if self.files.len() <= place {
            self.files.resize_with(place + 1, || None);
        }
        let handle = &mut self.files[place];
        match handle {
            Some(file) => Ok(file),
            None => Ok(handle.insert(open(&*self.disk, &path).map_err(TablesError::io("open", &path))?)),
        }
    }

    fn path(&self, file: u64) -> PathBuf {
        self.folder.join(name(self.kind, file))
    }

    fn damaged(&self, number: u64) -> TablesError {
        TablesError::Damaged {
            file: self.path(number / ROWS_PER_FILE),
            what: format!("row {number} does not check out"),
        }
    }
}

fn name(kind: &str, file: u64) -> String {
    format!("{kind}-{file:08}.rows")
}

/// Writes all bytes, however many writes that takes.
pub(crate) fn write_all(file: &mut dyn DiskFile, bytes: &[u8], offset: u64) -> std::io::Result<()> {
    let (mut rest, mut offset) = (bytes, offset);
    while !rest.is_empty() {
        let written = match file.write_at(rest, offset) {
            Ok(0) => return Err(std::io::ErrorKind::WriteZero.into()),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => 0,
            other => other?,
        };
        rest = rest.get(written..).unwrap_or_default();
        offset += written as u64;
    }
    Ok(())
}
