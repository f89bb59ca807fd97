//! The fonts that a PDF can use: one of our own, and the system's for what ours lacks.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use krilla::text::Font;

/// Roboto (Apache License 2.0, see `fonts/README.md`): Latin, Greek and Cyrillic.
static REGULAR: &[u8] = include_bytes!("../fonts/Roboto-Regular.ttf");
static BOLD: &[u8] = include_bytes!("../fonts/Roboto-Bold.ttf");

/// Where systems keep their fonts.
const SYSTEM_FOLDERS: [&str; 3] = ["/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts"];

/// The files that are looked for, the first that has a character being the one that prints it; with the number of the
/// font in the file. The Noto families are what Debian's `fonts-noto-cjk` and `fonts-noto-core` bring; number 2 of the
/// former is the one for simplified Chinese.
const WANTED: [(&str, u32); 27] = [
    ("NotoSansCJK-Regular.ttc", 2),
    ("NotoSansCJKsc-Regular.otf", 0),
    ("NotoSansSC-Regular.otf", 0),
    ("SourceHanSansSC-Regular.otf", 0),
    ("wqy-microhei.ttc", 0),
    ("wqy-zenhei.ttc", 0),
    ("DroidSansFallbackFull.ttf", 0),
    ("NotoSansArabic-Regular.ttf", 0),
    ("NotoSansArmenian-Regular.ttf", 0),
    ("NotoSansBengali-Regular.ttf", 0),
    ("NotoSansDevanagari-Regular.ttf", 0),
    ("NotoSansEthiopic-Regular.ttf", 0),
    ("NotoSansGeorgian-Regular.ttf", 0),
    ("NotoSansGujarati-Regular.ttf", 0),
    ("NotoSansGurmukhi-Regular.ttf", 0),
    ("NotoSansHebrew-Regular.ttf", 0),
    ("NotoSansKannada-Regular.ttf", 0),
    ("NotoSansKhmer-Regular.ttf", 0),
    ("NotoSansLao-Regular.ttf", 0),
    ("NotoSansMalayalam-Regular.ttf", 0),
    ("NotoSansMyanmar-Regular.ttf", 0),
    ("NotoSansSinhala-Regular.ttf", 0),
    ("NotoSansTamil-Regular.ttf", 0),
    ("NotoSansTelugu-Regular.ttf", 0),
    ("NotoSansThai-Regular.ttf", 0),
    ("NotoSansMongolian-Regular.ttf", 0),
    ("DejaVuSans.ttf", 0),
];

/// The largest font file that is read: Noto's CJK collections have 20 MB.
const MAXIMUM_FILE_BYTES: u64 = 64 << 20;
/// How deep and how far a font folder is searched.
const MAXIMUM_DEPTH: usize = 5;
const MAXIMUM_ENTRIES: usize = 20_000;

/// The fonts of this machine. Made once and shared: a font file is read when a statement first needs it.
pub struct Fonts {
    /// Regular, bold, then the system's in the order of preference.
    sources: Vec<Source>,
}

/// A font that may not be read yet.
struct Source {
    place: Place,
    loaded: OnceLock<Option<Loaded>>,
}

enum Place {
    Bundled(&'static [u8]),
    File(PathBuf, u32),
}

/// A font that can be used.
pub(crate) struct Loaded {
    pub(crate) data: Bytes,
    pub(crate) index: u32,
    pub(crate) font: Font,
}

/// A font's bytes, which Krilla and the shaper share.
#[derive(Clone)]
pub(crate) struct Bytes(std::sync::Arc<dyn AsRef<[u8]> + Send + Sync>);

impl Fonts {
    /// The position of the regular font.
    pub(crate) const REGULAR: usize = 0;
    /// The position of the bold font.
    pub(crate) const BOLD: usize = 1;

    /// Our own font alone: Latin, Greek and Cyrillic.
    #[must_use]
    pub fn bundled() -> Self {
        let sources = [REGULAR, BOLD].map(|data| Source::new(Place::Bundled(data)));
        Self { sources: sources.into() }
    }

    /// Our own font, and those of the system for other scripts. Which ones there are is looked up now.
    #[must_use]
    pub fn of_system() -> Self {
        Self::of_folders(&SYSTEM_FOLDERS.map(PathBuf::from))
    }

    /// Our own font, and those found in these folders. A folder that cannot be read has no fonts.
    #[must_use]
    pub fn of_folders(folders: &[PathBuf]) -> Self {
        let mut found = Vec::new();
        let mut entries_left = MAXIMUM_ENTRIES;
        for folder in folders {
            search(folder, MAXIMUM_DEPTH, &mut entries_left, &mut found);
        }
        // The order in which a folder lists its files means nothing; the order of `WANTED` does.
        found.sort();
        found.dedup_by_key(|(preference, _)| *preference);
        let mut fonts = Self::bundled();
        for (preference, path) in found {
            fonts.sources.push(Source::new(Place::File(path, WANTED[preference].1)));
        }
        fonts
    }

    /// How many fonts there are, read or not.
    pub(crate) fn count(&self) -> usize {
        self.sources.len()
    }

    /// The font at this position, read now if it was not yet. Nothing if there is none or it cannot be read.
    pub(crate) fn get(&self, position: usize) -> Option<&Loaded> {
        let source = self.sources.get(position)?;
        source.loaded.get_or_init(|| source.place.load()).as_ref()
    }
}

impl Source {
    fn new(place: Place) -> Self {
        Self { place, loaded: OnceLock::new() }
    }
}

impl Place {
    fn load(&self) -> Option<Loaded> {
        let (data, index) = match self {
            Self::Bundled(data) => (Bytes(std::sync::Arc::new(*data)), 0),
            Self::File(path, index) => (Bytes(std::sync::Arc::new(read(path)?)), *index),
        };
        let font = Font::new(data.0.clone().into(), index)?;
        Some(Loaded { data, index, font })
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        (*self.0).as_ref()
    }
}

fn read(path: &Path) -> Option<Vec<u8>> {
    let small_enough = fs::metadata(path).ok()?.len() <= MAXIMUM_FILE_BYTES;
    if small_enough { fs::read(path).ok() } else { None }
}

/// Adds the wanted files below `folder`, each with its position in [`WANTED`].
fn search(folder: &Path, depth: usize, entries_left: &mut usize, found: &mut Vec<(usize, PathBuf)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if *entries_left == 0 {
            return;
        }
        *entries_left -= 1;
        let path = entry.path();
        // Links are not followed into folders, so that the search ends.
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if depth > 0 {
                search(&path, depth - 1, entries_left, found);
            }
        } else if let Some(preference) = WANTED.iter().position(|(name, _)| entry.file_name() == *name) {
            found.push((preference, path));
        }
    }
}
