//! Standard output, whose reader may be gone: an error then, never a panic. Standard error may be on a full disk.

use std::io::{self, Write};

/// Writes the text, all of it now.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Says on standard error what went wrong. If that cannot be written either, the exit code says it.
pub(crate) fn complain(what: &impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "tapstone: {what}");
}
