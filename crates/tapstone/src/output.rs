//! Standard output, whose reader may be gone: an error then, never a panic.

use std::io::{self, Write};

/// Writes the text, all of it now.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
