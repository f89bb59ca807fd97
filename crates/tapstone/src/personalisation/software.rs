//! A software tag in a file, which is personalised as a chip in a reader is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use chip::{Chip, ChipImage, Origin};
use personalise::{LinkError, Transceive};
use tag::Uid;

use crate::failure::Failure;

/// A tag whose image is in a file. What changed is stored before an answer leaves, as a chip does.
pub(crate) struct SoftwareTagFile {
    chip: Chip,
    path: PathBuf,
}

impl SoftwareTagFile {
    /// The tag in that file; one from the factory, with a UID drawn by chance, if there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: &dyn std::fmt::Display| Failure::Fault(format!("cannot read {}: {error}", path.display()));
        let image = match fs::read(path) {
            Ok(bytes) => ChipImage::from_bytes(&bytes).map_err(|error| failed(&error))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut uid = [0x04; 7];
                getrandom::fill(&mut uid[1..])?;
                ChipImage::at_delivery(Origin::new(Uid(uid)))
            }
            Err(error) => return Err(failed(&error)),
        };
        Ok(Self { chip: Chip::new(image), path: path.to_owned() })
    }

    /// Whole or not at all, and readable by its owner only: the tag's keys are in it.
    fn store(&self) -> io::Result<()> {
        let mut unfinished = self.path.clone().into_os_string();
        unfinished.push(".unfinished");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
        file.write_all(&self.chip.image().to_bytes())?;
        file.sync_all()?;
        fs::rename(&unfinished, &self.path)?;
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Transceive for SoftwareTagFile {
    fn transceive(&mut self, command: &[u8]) -> Result<Vec<u8>, LinkError> {
        let response = self.chip.respond(command, &mut |bytes: &mut [u8]| rand::fill(bytes));
        if response.image_changed {
            self.store().map_err(|error| LinkError(format!("cannot write {}: {error}", self.path.display())))?;
        }
        Ok(response.to_bytes())
    }
}
