//! Rows of a text file, one at a time, in bounded memory: what chip makers, encoding machines and warehouses send.
//!
//! Cells are separated by tabs, semicolons or commas, whichever the first row has, and may stand in quotation marks. Empty
//! rows and rows that begin with `#` do not count. A quotation mark within a cell is an error: nothing that is read here
//! has one.

use std::io::{self, BufRead, Read};

/// The longest row, in bytes without its end.
pub const ROW_BYTES_MAX: usize = 4096;
/// The most cells of a row.
pub(crate) const CELLS_MAX: usize = 32;

/// Why a row cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowProblem {
    /// More than [`ROW_BYTES_MAX`] bytes.
    #[error("the row has more than {ROW_BYTES_MAX} bytes")]
    TooLong,
    /// Bytes that are no text.
    #[error("the row is not UTF-8")]
    NotUtf8,
    /// Without its other one, or not around the whole cell.
    #[error("a quotation mark is not at both ends of a cell")]
    Quotation,
    /// More than 32.
    #[error("the row has more than {CELLS_MAX} cells")]
    TooManyCells,
    /// The first row says that there is more.
    #[error("the row has no cell in column {0}")]
    MissingCell(usize),
}

impl RowProblem {
    /// A stable name for it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooLong => "row_too_long",
            Self::NotUtf8 => "row_not_utf8",
            Self::Quotation => "row_quotation",
            Self::TooManyCells => "row_too_many_cells",
            Self::MissingCell(_) => "row_missing_cell",
        }
    }
}

/// Cuts an input into rows.
pub(crate) struct Rows<R> {
    input: R,
    row: Vec<u8>,
    /// How many rows were read, those that do not count included: the number of the current one, counted from 1.
    number: u64,
    separator: Option<u8>,
}

impl<R: BufRead> Rows<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, row: Vec::new(), number: 0, separator: None }
    }

    /// The next row that counts, with its number in the file; `None` at the end.
    pub(crate) fn next_row(&mut self) -> io::Result<Option<(u64, Result<Cells<'_>, RowProblem>)>> {
        loop {
            self.row.clear();
            let limit = ROW_BYTES_MAX as u64 + 2;
            if self.input.by_ref().take(limit).read_until(b'\n', &mut self.row)? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if self.row.pop_if(|last| *last == b'\n').is_none() && self.row.len() > ROW_BYTES_MAX {
                self.input.skip_until(b'\n')?;
            }
            self.row.pop_if(|last| *last == b'\r');
            if self.number == 1 && self.row.starts_with("\u{FEFF}".as_bytes()) {
                self.row.drain(..3);
            }
            if !self.row.trim_ascii().is_empty() && self.row[0] != b'#' {
                break;
            }
        }
        if self.row.len() > ROW_BYTES_MAX {
            return Ok(Some((self.number, Err(RowProblem::TooLong))));
        }
        let Ok(text) = std::str::from_utf8(&self.row) else {
            return Ok(Some((self.number, Err(RowProblem::NotUtf8))));
        };
        let found = || [b'\t', b';'].into_iter().find(|separator| text.bytes().any(|byte| byte == *separator));
        let separator = *self.separator.get_or_insert_with(|| found().unwrap_or(b','));
        Ok(Some((self.number, Cells::split(text, char::from(separator)))))
    }
}

/// The cells of a row, without quotation marks and outer spaces.
#[derive(Debug)]
pub(crate) struct Cells<'a> {
    cells: [&'a str; CELLS_MAX],
    count: usize,
}

impl<'a> Cells<'a> {
    fn split(row: &'a str, separator: char) -> Result<Self, RowProblem> {
        let mut cells = Cells { cells: [""; CELLS_MAX], count: 0 };
        let mut rest = Some(row);
        while let Some(text) = rest {
            let cell;
            (cell, rest) = match text.trim_start_matches(' ').strip_prefix('"') {
                Some(quoted) => {
                    let (cell, after) = quoted.split_once('"').ok_or(RowProblem::Quotation)?;
                    let after = after.trim_start_matches(' ');
                    match after.strip_prefix(separator) {
                        None if !after.is_empty() => return Err(RowProblem::Quotation),
                        rest => (cell, rest),
                    }
                }
                None => match text.split_once(separator) {
                    Some((cell, rest)) => (cell, Some(rest)),
                    None => (text, None),
                },
            };
            if cell.contains('"') {
                return Err(RowProblem::Quotation);
            }
            *cells.cells.get_mut(cells.count).ok_or(RowProblem::TooManyCells)? = cell.trim();
            cells.count += 1;
        }
        Ok(cells)
    }

    pub(crate) fn as_slice(&self) -> &[&'a str] {
        &self.cells[..self.count]
    }

    pub(crate) fn get(&self, column: usize) -> Result<&'a str, RowProblem> {
        self.as_slice().get(column).copied().ok_or(RowProblem::MissingCell(column + 1))
    }

    /// The column whose head has one of these names; case, spaces and punctuation do not count.
    pub(crate) fn column(&self, names: &[&str]) -> Option<usize> {
        let plain = |head: &str| -> String {
            head.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
        };
        self.as_slice().iter().position(|head| names.contains(&plain(head).as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Vec<(u64, Result<Vec<String>, RowProblem>)> {
        let mut rows = Rows::new(text);
        let mut seen = Vec::new();
        while let Some((number, cells)) = rows.next_row().unwrap() {
            seen.push((number, cells.map(|cells| cells.as_slice().iter().map(|cell| (*cell).to_owned()).collect())));
        }
        seen
    }

    fn row(number: u64, cells: &[&str]) -> (u64, Result<Vec<String>, RowProblem>) {
        (number, Ok(cells.iter().map(|cell| (*cell).to_owned()).collect()))
    }

    #[test]
    fn rows_are_cut_as_the_first_one_says() {
        assert_eq!(
            rows("\u{FEFF}a,b\r\n\n# c\n \"d, e\" , f\n,".as_bytes()),
            [row(1, &["a", "b"]), row(4, &["d, e", "f"]), row(5, &["", ""])]
        );
        assert_eq!(rows(b"a;b,c\nd,e;f"), [row(1, &["a", "b,c"]), row(2, &["d,e", "f"])]);
        assert_eq!(rows(b"a\tb;c"), [row(1, &["a", "b;c"])]);
        assert_eq!(rows(b""), []);
    }

    #[test]
    fn everything_else_has_its_own_error() {
        let longest = [b'x'; ROW_BYTES_MAX];
        let text = [&longest[..], b"\r\n", &longest, b"x\n\xFF\n\"a\n\"a\"b\na\"b\"\n", &[b','; 32], b"\na"].concat();
        let problems: Vec<_> = rows(&text).into_iter().map(|(_, row)| row.err()).collect();
        assert_eq!(
            problems,
            [
                None,
                Some(RowProblem::TooLong),
                Some(RowProblem::NotUtf8),
                Some(RowProblem::Quotation),
                Some(RowProblem::Quotation),
                Some(RowProblem::Quotation),
                Some(RowProblem::TooManyCells),
                None
            ]
        );
    }

    #[test]
    fn a_row_without_an_end_is_skipped_in_bounded_memory() {
        let mut rows = Rows::new(io::BufReader::new(io::repeat(b'x').take(100_000_000).chain(&b"\nb"[..])));
        assert!(matches!(rows.next_row(), Ok(Some((1, Err(RowProblem::TooLong))))));
        assert!(matches!(rows.next_row(), Ok(Some((2, Ok(_))))));
        assert!(rows.row.capacity() <= 4 * ROW_BYTES_MAX);
    }
}
