//! Tables as comma-separated values (RFC 4180), read strictly: UTF-8, a line of column names first, quotes around what
//! holds commas, quotes or line breaks, every row as long as the first.

/// The most rows of a table, its column names not counted.
pub(super) const MOST_ROWS: usize = 100_000;

/// A table whose columns are known.
#[derive(Debug)]
pub(super) struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A row of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    /// Its number as spreadsheets count, the column names being row 1.
    pub(super) number: usize,
    columns: &'a [String],
    cells: &'a [String],
}

impl Table {
    /// Reads a table that has all `required` columns, and besides them only `optional` ones.
    ///
    /// # Errors
    /// What is wrong with it, in words for its author.
    pub(super) fn parse(text: &str, required: &[&str], optional: &[&str]) -> Result<Self, String> {
        let mut records = Records { rest: text.strip_prefix('\u{feff}').unwrap_or(text), number: 0 };
        let columns = records.next().transpose()?.ok_or("it is empty: the first line must name the columns")?;
        check_columns(&columns, required, optional)?;
        let mut rows = Vec::new();
        for (number, row) in records.enumerate() {
            let (row, number) = (row?, number + 2);
            if row.len() != columns.len() {
                return Err(format!("row {number} has {} columns, the first row has {}", row.len(), columns.len()));
            }
            if rows.len() == MOST_ROWS {
                return Err(format!("it has more than {MOST_ROWS} rows: divide it"));
            }
            rows.push(row);
        }
        Ok(Self { columns, rows })
    }

    /// Its rows, the column names left out.
    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let numbered = self.rows.iter().enumerate();
        numbered.map(|(index, cells)| Row { number: index + 2, columns: &self.columns, cells })
    }
}

fn check_columns(columns: &[String], required: &[&str], optional: &[&str]) -> Result<(), String> {
    for (index, column) in columns.iter().enumerate() {
        if !required.contains(&column.as_str()) && !optional.contains(&column.as_str()) {
            let known: Vec<&str> = required.iter().chain(optional).copied().collect();
            return Err(format!("there is no column `{}` here, only {}", short(column), known.join(", ")));
        }
        if columns.iter().take(index).any(|earlier| earlier == column) {
            return Err(format!("the column `{column}` is there twice"));
        }
    }
    let missing = required.iter().find(|name| !columns.iter().any(|column| column == *name));
    missing.map_or(Ok(()), |name| Err(format!("the column `{name}` is missing")))
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

impl<'a> Row<'a> {
    /// What stands in a column: `None` if there is no such column.
    pub(super) fn cell(self, column: &str) -> Option<&'a str> {
        let index = self.columns.iter().position(|known| known == column)?;
        self.cells.get(index).map(String::as_str)
    }
}

/// Reads one record after the other.
struct Records<'a> {
    rest: &'a str,
    number: usize,
}

impl Iterator for Records<'_> {
    type Item = Result<Vec<String>, String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        self.number += 1;
        let mut cells = Vec::new();
        loop {
            match self.cell() {
                Ok((cell, is_last)) => {
                    cells.push(cell);
                    if is_last {
                        return Some(Ok(cells));
                    }
                }
                Err(reason) => {
                    self.rest = "";
                    return Some(Err(format!("row {}: {reason}", self.number)));
                }
            }
        }
    }
}

impl Records<'_> {
    /// The next cell, and whether its record ends with it.
    fn cell(&mut self) -> Result<(String, bool), &'static str> {
        let cell = match self.rest.strip_prefix('"') {
            Some(quoted) => self.quoted(quoted)?,
            None => {
                let end = self.rest.find([',', '\n', '\r', '"']).unwrap_or(self.rest.len());
                let (cell, rest) = self.rest.split_at(end);
                self.rest = rest;
                cell.to_owned()
            }
        };
        for (separator, is_last) in [(",", false), ("\r\n", true), ("\n", true)] {
            if let Some(rest) = self.rest.strip_prefix(separator) {
                self.rest = rest;
                return Ok((cell, is_last));
            }
        }
        if self.rest.is_empty() { Ok((cell, true)) } else { Err("a quote or a line break stands where none can") }
    }

    /// What follows an opening quote, to the quote that closes it.
    fn quoted(&mut self, mut rest: &str) -> Result<String, &'static str> {
        let mut cell = String::new();
        let mut read = 1;
        loop {
            let end = rest.find('"').ok_or("a quote is not closed")?;
            let (before, after) = rest.split_at(end);
            cell.push_str(before);
            read += end + 1;
            rest = after.get(1..).unwrap_or_default();
            match rest.strip_prefix('"') {
                // Two quotes are one.
                Some(further) => {
                    cell.push('"');
                    read += 1;
                    rest = further;
                }
                None => break,
            }
        }
        self.rest = self.rest.get(read..).unwrap_or_default();
        Ok(cell)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> Result<Vec<Vec<String>>, String> {
        Table::parse(text, &["a"], &["b", "c"]).map(|table| table.rows)
    }

    #[test]
    fn reads_what_the_standard_shows() {
        assert_eq!(rows("a,b\r\n1,2\r\n3,4\r\n").unwrap(), [["1", "2"], ["3", "4"]]);
        assert_eq!(rows("\u{feff}a,b\n1,2").unwrap(), [["1", "2"]]);
        assert_eq!(rows("a,b\n\"x, \"\"y\"\"\nz\",\n,\"\"").unwrap(), [["x, \"y\"\nz", ""], ["", ""]]);
        assert_eq!(rows("a\n茶\n").unwrap(), [["茶"]]);
        assert_eq!(rows("a\n").unwrap(), [[""; 1]; 0]);
    }

    #[test]
    fn says_what_is_wrong_and_where() {
        for (text, reason) in [
            ("", "first line must name"),
            ("b\n1", "`a` is missing"),
            ("a,d\n", "no column `d`"),
            ("a,a\n", "there twice"),
            ("a,b\n1\n", "row 2 has 1 columns"),
            ("a\n1\n\n\"", "row 4: a quote is not closed"),
            ("a\n\"1\"2\n", "row 2: a quote or a line break"),
            ("a\n1\"2\n", "row 2: a quote or a line break"),
            ("a\n1\r2\n", "row 2: a quote or a line break"),
        ] {
            let found = rows(text).unwrap_err();
            assert!(found.contains(reason), "{text:?}: {found}");
        }
        let many = format!("a\n{}", "1\n".repeat(MOST_ROWS));
        assert_eq!(rows(&many).unwrap().len(), MOST_ROWS);
        assert!(rows(&format!("{many}1")).unwrap_err().contains("divide it"));
    }

    #[test]
    fn a_cell_is_found_by_its_column() {
        let table = Table::parse("b,a\n1,2\n", &["a"], &["b", "c"]).unwrap();
        let row = table.rows().next().unwrap();
        assert_eq!((row.number, row.cell("a"), row.cell("b"), row.cell("c")), (2, Some("2"), Some("1"), None));
    }
}
