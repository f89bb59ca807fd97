//! Files that are replaced whole or not at all.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What has just been done on the way. A test stops there, as a crash would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd)]
pub(crate) enum Step {
    Created,
    HalfWritten,
    Written,
    Synced,
    InPlace,
    FolderSynced,
}

/// What may be there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    Nothing,
    Something,
}

/// Puts a file with these bytes there, which only its owner may read; calls `after` behind each step and stops at its
/// first error.
pub(crate) fn put(
    path: &Path,
    before: Before,
    bytes: &[u8],
    mut after: impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    let unfinished = beside(path, "unfinished");
    // An older one may have had other permissions.
    remove_if_there(&unfinished)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&unfinished)?;
    after(Step::Created)?;
    let (head, tail) = bytes.split_at(bytes.len() / 2);
    file.write_all(head)?;
    after(Step::HalfWritten)?;
    file.write_all(tail)?;
    after(Step::Written)?;
    file.sync_all()?;
    after(Step::Synced)?;
    match before {
        Before::Something => fs::rename(&unfinished, path)?,
        Before::Nothing => {
            let linked = fs::hard_link(&unfinished, path);
            fs::remove_file(&unfinished)?;
            linked?;
        }
    }
    after(Step::InPlace)?;
    File::open(folder_of(path))?.sync_all()?;
    after(Step::FolderSynced)
}

/// A file with that name behind its own.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    PathBuf::from(name)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const STEPS: [Step; 6] =
        [Step::Created, Step::HalfWritten, Step::Written, Step::Synced, Step::InPlace, Step::FolderSynced];

    /// Writes and crashes behind that step.
    fn crash(path: &Path, before: Before, bytes: &[u8], last: Step) {
        let stop = |step| if step == last { Err(io::Error::other("crash")) } else { Ok(()) };
        assert_eq!(put(path, before, bytes, stop).unwrap_err().to_string(), "crash");
    }

    #[test]
    fn a_crash_behind_any_step_leaves_the_old_file_or_the_new_one() {
        for last in STEPS {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("file");
            crash(&path, Before::Nothing, b"the first one", last);
            let expected = (last >= Step::InPlace).then(|| b"the first one".to_vec());
            assert_eq!(fs::read(&path).ok(), expected, "{last:?}");
            put(&path, if expected.is_some() { Before::Something } else { Before::Nothing }, b"old", |_| Ok(()))
                .unwrap();
            crash(&path, Before::Something, b"the new one", last);
            let expected: &[u8] = if last >= Step::InPlace { b"the new one" } else { b"old" };
            assert_eq!(fs::read(&path).unwrap(), expected, "{last:?}");
            // What was left behind is in nobody's way.
            put(&path, Before::Something, b"the next one", |_| Ok(())).unwrap();
            assert_eq!(fs::read(&path).unwrap(), b"the next one");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn nothing_is_made_over_something() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        put(&path, Before::Nothing, b"old", |_| Ok(())).unwrap();
        let refused = put(&path, Before::Nothing, b"new", |_| Ok(())).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
