//! `tag-audit.jsonl` in the data folder: a line for each use of a key, kept before the key is used.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use personalise::{Audit, KeyUsed, NotRecorded};
use serde_json::json;

const FILE: &str = "tag-audit.jsonl";

/// The file, to which lines are added. Several processes may do so at once: a line is one write.
pub(crate) struct AuditFile(File);

impl AuditFile {
    /// Opens it, and makes it for its owner only if there is none.
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        let mut file = OpenOptions::new().append(true).read(true).create(true).mode(0o600).open(data.join(FILE))?;
        // A line that a crash tore stays by itself.
        if file.seek(SeekFrom::End(0))? > 0 {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
            }
        }
        File::open(data)?.sync_all()?;
        Ok(Self(file))
    }
}

impl Audit for AuditFile {
    fn record(&mut self, used: KeyUsed) -> Result<(), NotRecorded> {
        let line = json!({
            "at": jiff::Timestamp::now().to_string(),
            "uid": used.uid.to_string(),
            "key_version": used.version.0,
            "slot": used.slot.value(),
            "used_to": used.used_to.to_string(),
        });
        let mut write = || {
            self.0.write_all(format!("{line}\n").as_bytes())?;
            self.0.sync_data()
        };
        write().map_err(|error: io::Error| NotRecorded(format!("{FILE}: {error}")))
    }
}
