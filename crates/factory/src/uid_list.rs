//! The lists of UIDs that a chip maker sends with the chips.
//!
//! A list is text: one UID a row, or a table (tabs, semicolons or commas) with a column named `UID`, or without names
//! where one column of the first row holds a UID.

use std::io::{self, BufRead};

use tag::Uid;

use crate::order::COUNT_MAX;
use crate::problems::Problems;
use crate::rows::{Cells, RowProblem, Rows};
use crate::uid::{UidProblem, from_bits, parse_uid, to_bits};

/// How a column of UIDs may be called.
pub(crate) const UID_HEADS: [&str; 5] = ["uid", "uidhex", "chipuid", "taguid", "hexuid"];

/// What is wrong with a row of a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListProblem {
    /// It is no row.
    #[error(transparent)]
    Row(#[from] RowProblem),
    /// It has no UID of an NTAG 424 DNA.
    #[error(transparent)]
    Uid(#[from] UidProblem),
    /// The first row of a table has neither a name nor a UID to go by. The rest of the list is not read.
    #[error("no column is named UID, and none has one")]
    NoUidColumn,
    /// A UID exists once in the world.
    #[error("{uid} is in file {file}, row {row} already")]
    Twice {
        /// Which.
        uid: Uid,
        /// In which file it is first, counted from 1.
        file: u16,
        /// And in which row.
        row: u32,
    },
    /// More than an order can have. The rest is not read.
    #[error("the lists have more than {COUNT_MAX} UIDs")]
    TooMany,
}

impl ListProblem {
    /// A stable name for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Row(problem) => problem.code(),
            Self::Uid(problem) => problem.code(),
            Self::NoUidColumn => "no_uid_column",
            Self::Twice { .. } => "uid_twice",
            Self::TooMany => "too_many_uids",
        }
    }
}

/// Sixteen bytes for each of ten million.
#[derive(Clone, Copy)]
struct Seen {
    uid: u64,
    row: u32,
    file: u16,
}

/// Gathers the UIDs of one list after the other: 16 bytes of memory for each.
#[derive(Default)]
pub struct UidImport {
    seen: Vec<Seen>,
    files: u16,
    problems: Problems,
}

impl UidImport {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a list, and says how many UIDs it has.
    ///
    /// # Errors
    /// Whatever hinders reading. What is wrong with the list comes with [`Self::finish`].
    pub fn read(&mut self, list: impl BufRead) -> io::Result<u64> {
        self.files = self.files.saturating_add(1);
        let before = self.seen.len();
        let mut rows = Rows::new(list);
        let mut column = None;
        while let Some((row, cells)) = rows.next_row()? {
            let cells = match cells {
                Ok(cells) => cells,
                Err(problem) => {
                    self.problem(row, &problem.into());
                    continue;
                }
            };
            let column = match column {
                Some(column) => column,
                None => match first_row(&cells) {
                    FirstRow::Heads(found) => {
                        column = Some(found);
                        continue;
                    }
                    FirstRow::Uids(found) => *column.insert(found),
                    FirstRow::Neither => {
                        self.problem(row, &ListProblem::NoUidColumn);
                        break;
                    }
                },
            };
            // A number of rows that no list reaches.
            let number = u32::try_from(row).unwrap_or(u32::MAX);
            match cells.get(column).map_err(ListProblem::from).and_then(|cell| Ok(parse_uid(cell)?)) {
                Ok(_) if self.seen.len() >= COUNT_MAX as usize => {
                    self.problem(row, &ListProblem::TooMany);
                    break;
                }
                Ok(uid) => self.seen.push(Seen { uid: to_bits(uid), row: number, file: self.files }),
                Err(problem) => self.problem(row, &problem),
            }
        }
        Ok((self.seen.len() - before) as u64)
    }

    /// All UIDs in the order of the lists.
    ///
    /// # Errors
    /// Everything that is wrong with the lists: of a UID that is there several times, each but the first.
    pub fn finish(mut self) -> Result<Vec<Uid>, Problems> {
        self.seen.sort_unstable_by_key(|seen| (seen.uid, seen.file, seen.row));
        let mut first: Option<Seen> = None;
        for seen in &self.seen {
            match first {
                Some(first) if first.uid == seen.uid => {
                    let problem = ListProblem::Twice { uid: from_bits(seen.uid), file: first.file, row: first.row };
                    self.problems.add(seen.file, u64::from(seen.row), problem.code(), &problem);
                }
                _ => first = Some(*seen),
            }
        }
        if self.problems.total() > 0 {
            return Err(self.problems);
        }
        self.seen.sort_unstable_by_key(|seen| (seen.file, seen.row));
        Ok(self.seen.into_iter().map(|seen| from_bits(seen.uid)).collect())
    }

    fn problem(&mut self, row: u64, problem: &ListProblem) {
        self.problems.add(self.files, row, problem.code(), problem);
    }
}

enum FirstRow {
    Heads(usize),
    Uids(usize),
    Neither,
}

fn first_row(cells: &Cells<'_>) -> FirstRow {
    if let Some(column) = cells.column(&UID_HEADS) {
        return FirstRow::Heads(column);
    }
    match cells.as_slice() {
        // Whatever is wrong with it is for the row to say.
        [_] => FirstRow::Uids(0),
        cells => cells.iter().position(|cell| parse_uid(cell).is_ok()).map_or(FirstRow::Neither, FirstRow::Uids),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn import(lists: &[&str]) -> Result<Vec<String>, Vec<(u16, u64, &'static str)>> {
        let mut import = UidImport::new();
        lists.iter().for_each(|list| assert!(import.read(list.as_bytes()).is_ok()));
        match import.finish() {
            Ok(uids) => Ok(uids.iter().map(Uid::to_string).collect()),
            Err(problems) => {
                Err(problems.told().iter().map(|problem| (problem.file, problem.row, problem.code)).collect())
            }
        }
    }

    #[test]
    fn lists_of_all_forms_are_read_in_their_order() {
        let uids = ["04000000000003", "04000000000001", "04000000000002"].map(str::to_owned);
        for list in [
            "04000000000003\n04000000000001\n04000000000002\n",
            "# wafer 7\r\n04:00:00:00:00:00:03\r\n\r\n04-00-00-00-00-00-01\r\n0x04000000000002",
            "No;UID (hex);Lot\n1;04000000000003;7\n2;04000000000001;7\n3;04000000000002;7",
            "1,\"04000000000003\",x\n2,\"04000000000001\",x\n3,\"04000000000002\",x",
        ] {
            assert_eq!(import(&[list]), Ok(uids.to_vec()), "{list}");
        }
        assert_eq!(import(&["UID\n04000000000003", "04000000000001", "", "04000000000002"]), Ok(uids.to_vec()));
    }

    #[test]
    fn every_wrong_row_is_told_with_its_number() {
        let list = "uid,lot\n04000000000001,1\n04000000000G01,1\n1\n,1\n04000000000001,2\n08123456\n\"x\n0400\n044";
        let expected = [
            (1, 3, "uid_not_hexadecimal"),
            (1, 4, "uid_length"),
            (1, 5, "uid_empty"),
            (1, 7, "uid_random_identifier"),
            (1, 8, "row_quotation"),
            (1, 9, "uid_length"),
            (1, 10, "uid_odd_length"),
            (2, 1, "no_uid_column"),
            (1, 6, "uid_twice"),
            (3, 1, "uid_twice"),
        ];
        // A single cell is a column too, be it the wrong one; row 4 has one digit.
        let found = import(&[list, "a,b\n04000000000009,1", "04000000000001"]).unwrap_err();
        assert_eq!(found.iter().filter(|problem| problem.1 != 4).count(), expected.len() - 1);
        for problem in expected.iter().filter(|problem| problem.1 != 4) {
            assert!(found.contains(problem), "{problem:?} in {found:?}");
        }
        assert_eq!(import(&["lot,uid\n04000000000001"]), Err(vec![(1, 2, "row_missing_cell")]));
        let long = format!("04000000000001\n{}\n04000000000002", "0".repeat(5000));
        assert_eq!(import(&[&long]), Err(vec![(1, 2, "row_too_long")]));
    }

    #[test]
    fn what_is_told_is_bounded_and_what_is_counted_is_not() {
        let mut import = UidImport::new();
        import.read("x\n".repeat(5000).as_bytes()).unwrap();
        let problems = import.finish().unwrap_err();
        assert_eq!((problems.total(), problems.told().len()), (5000, crate::TOLD_MAX));
    }
}
