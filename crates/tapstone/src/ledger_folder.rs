//! The folder of a ledger that stands by itself, without a payment platform around it.
//!
//! | file      | what it is                                                               |
//! |-----------|--------------------------------------------------------------------------|
//! | `ledger`  | says that the folder is one of these; a platform's folder never has it   |
//! | `journal/`| every account and transfer, for ever                                     |
//! | `tables/` | what the journal says, ready to be asked; made anew if it is missing     |

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use backup::{LEDGER_MARKER, LEDGER_MARKER_FILE};
use books::{Books, Options};

use crate::failure::Failure;

/// The folder of a ledger, not opened yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LedgerFolder<'a>(pub(crate) &'a Path);

impl LedgerFolder<'_> {
    /// Opens the ledger, and makes it first if there is nothing yet.
    pub(crate) fn open(self) -> Result<Books, Failure> {
        if !self.exists() {
            self.create()?;
        }
        Ok(Books::open(self.0, Options::default())?)
    }

    /// Whether there is a ledger by itself.
    pub(crate) fn exists(self) -> bool {
        self.marker().exists()
    }

    /// Makes the folder, for its owner only; refuses one that holds something else.
    fn create(self) -> Result<(), Failure> {
        let failed = |error: io::Error| Failure::Fault(format!("cannot make {}: {error}", self.0.display()));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(self.0).map_err(failed)?;
        for entry in fs::read_dir(self.0).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if name != "lost+found" && name != LEDGER_MARKER_FILE {
                let (folder, name) = (self.0.display(), name.to_string_lossy());
                let message =
                    format!("{folder} is no ledger, it holds something else ({name}): use a new or empty folder");
                return Err(Failure::Usage(message));
            }
        }
        self.write_marker().map_err(failed)
    }

    /// The marker is durable before there is anything that it marks.
    fn write_marker(self) -> io::Result<()> {
        let mut options = fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(self.marker())?;
        file.write_all(LEDGER_MARKER.as_bytes())?;
        file.sync_all()?;
        fs::File::open(self.0)?.sync_all()
    }

    fn marker(self) -> PathBuf {
        self.0.join(LEDGER_MARKER_FILE)
    }
}
