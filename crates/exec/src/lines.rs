//! Input, cut into lines of bounded length.

use std::io::{self, BufRead, Read};

/// The longest line that is taken, in bytes without its end. The largest batch with every field at its highest takes a
/// third of it.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One line of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// A whole line, without its end.
    Whole(&'a [u8]),
    /// A line of more than [`LINE_BYTES_MAX`] bytes; it has been skipped to its end.
    TooLong,
}

/// Cuts an input into lines. What follows the last line feed is a line too, unless it is empty.
#[derive(Debug)]
pub struct Lines<R> {
    input: R,
    line: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    /// Begins to read.
    pub fn new(input: R) -> Self {
        Self { input, line: Vec::new() }
    }

    /// The next line; `None` at the end of the input.
    pub fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let limit = LINE_BYTES_MAX as u64 + 1;
        if self.input.by_ref().take(limit).read_until(b'\n', &mut self.line)? == 0 {
            return Ok(None);
        }
        if self.line.last() == Some(&b'\n') {
            self.line.pop();
        } else if self.line.len() > LINE_BYTES_MAX {
            self.input.skip_until(b'\n')?;
            return Ok(Some(Line::TooLong));
        }
        Ok(Some(Line::Whole(&self.line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &[u8]) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(io::BufReader::with_capacity(7, input));
        let mut seen = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            seen.push(match line {
                Line::Whole(bytes) => Some(bytes.to_vec()),
                Line::TooLong => None,
            });
        }
        seen
    }

    #[test]
    fn the_last_line_needs_no_end() {
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\n"), [Some(vec![])]);
        assert_eq!(lines(b"a\n\nb"), [Some(b"a".to_vec()), Some(vec![]), Some(b"b".to_vec())]);
        assert_eq!(lines(b"a\nb\n"), [Some(b"a".to_vec()), Some(b"b".to_vec())]);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_is_read() {
        let longest = vec![b'x'; LINE_BYTES_MAX];
        let input = [&longest[..], b"\n", &longest, b"x\nnext\n", &longest, b"xyz"].concat();
        assert_eq!(lines(&input), [Some(longest), None, Some(b"next".to_vec()), None]);
    }
}
