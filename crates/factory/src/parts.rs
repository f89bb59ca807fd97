//! A table on disk in parts, each of which is whole or not there.
//!
//! A part is some reels: its CSV, its Parquet, and a line for each reel with what must be checked of it. Each file is
//! written under another name, forced to the disk and renamed; then the manifest is, with the sizes and SHA-256 of all
//! files of all parts that are done. A run that was killed at any moment begins again at the first part that the manifest
//! does not have, or whose files are not what it says, and ends with the same bytes, as all of them follow from the order.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::folder::FolderError;
use crate::order::{Order, Reel};
use crate::sampling;
use crate::table::Table;

/// How many tags a part has if reels are small; at least one reel.
const PART_TAGS: u32 = 250_000;

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Parts that are on the disk.
    pub parts_done: u32,
    /// Parts that there will be.
    pub parts: u32,
}

/// What a run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Parts that this run wrote.
    pub parts_written: u32,
    /// Parts that were there and whole.
    pub parts_kept: u32,
    /// Rows in all parts.
    pub rows: u64,
    /// Bytes of all files of all parts.
    pub bytes: u64,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Manifest {
    format: u32,
    table: String,
    /// The SHA-256 of all that the parts follow from.
    from: String,
    parts: Vec<Part>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Part {
    reels: [u32; 2],
    rows: u64,
    files: Vec<PartFile>,
}

#[derive(Serialize, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct PartFile {
    name: String,
    bytes: u64,
    sha256: String,
}

/// Writes what is missing of a table into its own folder.
pub(crate) fn write(
    folder: &Path,
    name: &str,
    order: &Order,
    table: &Table<'_>,
    from: &str,
    progress: &mut dyn FnMut(Progress),
) -> Result<Written, FolderError> {
    fs::create_dir_all(folder).map_err(|error| FolderError::io(folder, error))?;
    let manifest_path = folder.join("manifest.json");
    let mut before = read_manifest(&manifest_path, name, from)?;
    let mut manifest = Manifest { format: 1, table: name.to_owned(), from: from.to_owned(), parts: Vec::new() };
    let mut written = Written::default();
    let reels_of_part = (PART_TAGS / order.reel_labels()).max(1);
    let parts = order.reels().div_ceil(reels_of_part);
    for number in 1..=parts {
        let first = (number - 1) * reels_of_part + 1;
        let reels: Vec<Reel> = (first..first + reels_of_part).map_while(|reel| order.reel(reel)).collect();
        let kept = before.next().filter(|part| is_whole(folder, part));
        let part = match kept {
            Some(part) => {
                written.parts_kept += 1;
                part
            }
            None => {
                written.parts_written += 1;
                write_part(folder, &format!("{name}-{number:05}"), order, table, &reels)?
            }
        };
        written.rows += part.rows;
        written.bytes += part.files.iter().map(|file| file.bytes).sum::<u64>();
        manifest.parts.push(part);
        // From the first new part on, so that a part that was kept behind it is in the manifest again.
        if written.parts_written > 0 {
            let json =
                serde_json::to_vec_pretty(&manifest).map_err(|error| FolderError::io(&manifest_path, error.into()))?;
            replace(&manifest_path, |file| file.write_all(&json))?;
        }
        progress(Progress { parts_done: number, parts });
    }
    Ok(written)
}

fn read_manifest(path: &Path, table: &str, from: &str) -> Result<std::vec::IntoIter<Part>, FolderError> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new().into_iter()),
        other => other.map_err(|error| FolderError::io(path, error))?,
    };
    match serde_json::from_slice::<Manifest>(&text) {
        Ok(manifest) if manifest.format != 1 || manifest.table != table => Err(FolderError::Damaged(path.to_owned())),
        Ok(manifest) if manifest.from != from => Err(FolderError::OtherSource(path.to_owned())),
        Ok(manifest) => Ok(manifest.parts.into_iter()),
        Err(_) => Err(FolderError::Damaged(path.to_owned())),
    }
}

/// The CSV files of all parts, checked; `None` if there are none at all.
pub(crate) fn csv_files(folder: &Path, table: &str, order: &Order) -> Result<Option<Vec<PathBuf>>, FolderError> {
    let path = folder.join("manifest.json");
    let text = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|error| FolderError::io(&path, error))?,
    };
    let manifest: Manifest = serde_json::from_slice(&text).map_err(|_| FolderError::Damaged(path.clone()))?;
    if manifest.table != table || manifest.parts.last().is_none_or(|part| part.reels[1] != order.reels()) {
        return Err(FolderError::Unfinished(path));
    }
    let mut files = Vec::new();
    for part in &manifest.parts {
        let csv = part.files.first().map(|file| folder.join(&file.name));
        match csv.filter(|_| is_whole(folder, part)) {
            Some(csv) => files.push(csv),
            None => return Err(FolderError::Damaged(path)),
        }
    }
    Ok(Some(files))
}

/// Whether the files are what the manifest says.
fn is_whole(folder: &Path, part: &Part) -> bool {
    part.files.iter().all(|file| {
        // A name from a file may lead anywhere.
        let plain = file.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
        let path = folder.join(&file.name);
        let same_length = || fs::metadata(&path).is_ok_and(|found| found.len() == file.bytes);
        plain && same_length() && sha256_of(&path).is_ok_and(|found| found == file.sha256)
    })
}

fn write_part(
    folder: &Path,
    stem: &str,
    order: &Order,
    table: &Table<'_>,
    reels: &[Reel],
) -> Result<Part, FolderError> {
    let path = |end: &str| folder.join(format!("{stem}{end}"));
    let (csv_path, parquet_path, reels_path) = (path(".csv"), path(".parquet"), path("-reels.csv"));
    // The two have nothing to do with each other, and machines have more than one core.
    let (csv, parquet) = std::thread::scope(|scope| {
        let parquet = scope.spawn(|| {
            replace(&parquet_path, |file| table.write_parquet(reels, file).map_err(io::Error::other)).map(|done| done.0)
        });
        let csv = replace(&csv_path, |file| table.write_csv(reels, file));
        let stopped = |_| Err(FolderError::io(&parquet_path, io::Error::other("the thread that writes it stopped")));
        (csv, parquet.join().unwrap_or_else(stopped))
    });
    let (csv, rows_of_reels) = csv?;
    let (checks, ()) = replace(&reels_path, |file| write_checks(order, reels, &rows_of_reels, file))?;
    let rows = rows_of_reels.iter().map(|(rows, _)| u64::from(*rows)).sum();
    let ends = [reels.first(), reels.last()].map(|reel| reel.map_or(0, |reel| reel.number));
    Ok(Part { reels: ends, rows, files: vec![csv, parquet?, checks] })
}

/// A line for each reel: what it holds, the SHA-256 of its rows in the CSV, and how it is sampled.
fn write_checks(order: &Order, reels: &[Reel], rows: &[(u32, [u8; 32])], file: &mut impl Write) -> io::Result<()> {
    file.write_all(b"reel,labels,rows,first_serial,last_serial,rows_sha256,sample_size,accept_up_to\r\n")?;
    for (reel, (rows, sha256)) in reels.iter().zip(rows) {
        let serial = |number| order.tag(number).map(|tag| tag.serial.to_string()).unwrap_or_default();
        let (first, last) = (serial(reel.first), serial(reel.last()));
        let plan = sampling::plan(reel.labels);
        write!(
            file,
            "{},{},{rows},{first},{last},{},{},{}\r\n",
            reel.number,
            reel.labels,
            hexadecimal(sha256),
            plan.sample_size,
            plan.accept_up_to
        )?;
    }
    Ok(())
}

type Hashing = HashingWriter<BufWriter<File>>;

/// Writes a file whole or not at all: under another name, to the disk, renamed, and the name to the disk too.
fn replace<T>(path: &Path, write: impl FnOnce(&mut Hashing) -> io::Result<T>) -> Result<(PartFile, T), FolderError> {
    let attempt = || {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".unfinished");
        let unfinished = PathBuf::from(unfinished);
        let file = BufWriter::with_capacity(1 << 18, File::create(&unfinished)?);
        let mut file = HashingWriter { out: file, sha256: Sha256::new(), bytes: 0 };
        let outcome = write(&mut file)?;
        file.out.into_inner()?.sync_all()?;
        fs::rename(&unfinished, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((PartFile { name, bytes: file.bytes, sha256: hexadecimal(&file.sha256.finalize()) }, outcome))
    };
    attempt().map_err(|error| FolderError::io(path, error))
}

/// Writes a small or large file whole or not at all, and returns its SHA-256.
pub(crate) fn write_whole(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<String, FolderError> {
    replace(path, |file| write(file)).map(|(file, ())| file.sha256)
}

struct HashingWriter<W> {
    out: W,
    sha256: Sha256,
    bytes: u64,
}

impl<W: Write> Write for HashingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The SHA-256 of a file, read in pieces.
pub(crate) fn sha256_of(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let mut sha256 = Sha256::new();
    let mut piece = vec![0; 1 << 18];
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hexadecimal(&sha256.finalize())),
            read => sha256.update(&piece[..read]),
        }
    }
}

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
