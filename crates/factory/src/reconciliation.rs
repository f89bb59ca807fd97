//! What was delivered beside what was ordered.
//!
//! A delivery is a table with the column `serial`, and perhaps `reel` and `uid`. Each row is right or is a [`Break`], the
//! first that is found; each label of the order was delivered or is missing.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use tag::Uid;

use crate::binding::{Binding, SERIAL_HEADS};
use crate::order::Order;
use crate::rows::{Cells, RowProblem, Rows};
use crate::serial::{OrderCode, Serial, SerialError};
use crate::uid::{UidProblem, parse_uid};
use crate::uid_list::UID_HEADS;

const REEL_HEADS: [&str; 3] = ["reel", "reelnumber", "roll"];

/// In which way a row does not agree with the order.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Break {
    /// It is no row.
    #[error(transparent)]
    Row(#[from] RowProblem),
    /// The first row does not name the column `serial`. The rest is not read.
    #[error("the first row must name the column serial")]
    NoSerialColumn,
    /// It has no serial.
    #[error("the serial is wrong: {0}")]
    Serial(#[from] SerialError),
    /// The label is another order's.
    #[error("the label is of order {0}")]
    Unknown(OrderCode),
    /// The label has a number above what was ordered.
    #[error("the order has no label with that number: more were made than ordered")]
    Surplus,
    /// A row before had it.
    #[error("the label was delivered in a row before")]
    Twice,
    /// The reel is no number.
    #[error("the reel is not a number")]
    ReelNumber,
    /// It came on another reel.
    #[error("the label is of reel {0}")]
    WrongReel(u32),
    /// It has no UID of an NTAG 424 DNA.
    #[error(transparent)]
    Uid(#[from] UidProblem),
    /// No UID is bound to the label, so that nobody can say which it should be.
    #[error("no UID is bound to the label")]
    NotBound,
    /// Another UID is bound to the label.
    #[error("the label should be on {0}")]
    WrongUid(Uid),
}

impl Break {
    /// A stable name for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Row(problem) => problem.code(),
            Self::NoSerialColumn => "no_serial_column",
            Self::Serial(_) => "serial_wrong",
            Self::Unknown(_) => "unknown",
            Self::Surplus => "surplus",
            Self::Twice => "twice",
            Self::ReelNumber => "reel_wrong",
            Self::WrongReel(_) => "wrong_reel",
            Self::Uid(problem) => problem.code(),
            Self::NotBound => "not_bound",
            Self::WrongUid(_) => "wrong_uid",
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Labels of the order.
    pub ordered: u64,
    /// Rows of the deliveries, without the names of columns.
    pub rows: u64,
    /// Rows that are as ordered.
    pub right: u64,
    /// Labels of the order that are in no row.
    pub missing: u64,
    /// How many rows of each kind do not agree.
    pub breaks: BTreeMap<&'static str, u64>,
}

impl Summary {
    /// Whether all that was ordered came, and nothing else.
    #[must_use]
    pub fn agrees(&self) -> bool {
        self.missing == 0 && self.breaks.is_empty()
    }
}

/// Compares deliveries with an order, and writes what does not agree as CSV: one byte of memory for each label.
pub struct Reconciliation<'a, W> {
    order: &'a Order,
    binding: Option<&'a Binding>,
    delivered: Vec<bool>,
    summary: Summary,
    report: W,
    files: u16,
}

#[derive(Clone, Copy)]
struct Columns {
    serial: usize,
    reel: Option<usize>,
    uid: Option<usize>,
}

impl<'a, W: Write> Reconciliation<'a, W> {
    /// Begins a report. Without a binding UIDs are read but not compared.
    ///
    /// # Errors
    /// Those of `report`.
    pub fn new(order: &'a Order, binding: Option<&'a Binding>, mut report: W) -> io::Result<Self> {
        report.write_all(b"file,row,break,serial,reel,message\r\n")?;
        let summary = Summary { ordered: u64::from(order.count()), ..Summary::default() };
        Ok(Self { order, binding, delivered: vec![false; order.count() as usize], summary, report, files: 0 })
    }

    /// Reads a delivery.
    ///
    /// # Errors
    /// Whatever hinders reading it or writing the report.
    pub fn read(&mut self, delivery: impl BufRead) -> io::Result<()> {
        self.files = self.files.saturating_add(1);
        let mut rows = Rows::new(delivery);
        let mut columns = None;
        while let Some((row, cells)) = rows.next_row()? {
            let Some(columns) = columns else {
                let found = cells.as_ref().ok().and_then(|cells| {
                    let serial = cells.column(&SERIAL_HEADS)?;
                    Some(Columns { serial, reel: cells.column(&REEL_HEADS), uid: cells.column(&UID_HEADS) })
                });
                columns = found;
                if found.is_none() {
                    return self.tell(row, "", &Break::NoSerialColumn);
                }
                continue;
            };
            self.summary.rows += 1;
            let told = cells.as_ref().ok().and_then(|cells| cells.get(columns.serial).ok()).unwrap_or_default();
            match cells.map_err(Break::from).and_then(|cells| self.judge(&cells, columns)) {
                Ok(()) => self.summary.right += 1,
                Err(problem) => {
                    // A serial that is wrong may be anything, also something that would break the report's row.
                    let told: Serial = match told.parse() {
                        Ok(serial) => serial,
                        Err(_) => {
                            self.tell(row, "", &problem)?;
                            continue;
                        }
                    };
                    self.tell(row, &told.to_string(), &problem)?;
                }
            }
        }
        Ok(())
    }

    fn judge(&mut self, cells: &Cells<'_>, columns: Columns) -> Result<(), Break> {
        let serial: Serial = cells.get(columns.serial)?.parse()?;
        if serial.order() != self.order.code() {
            return Err(Break::Unknown(serial.order()));
        }
        let tag = self.order.tag(serial.number()).ok_or(Break::Surplus)?;
        let delivered = self.delivered.get_mut(serial.number() as usize - 1).ok_or(Break::Surplus)?;
        if std::mem::replace(delivered, true) {
            return Err(Break::Twice);
        }
        if let Some(reel) = columns.reel {
            let reel: u32 = cells.get(reel)?.parse().map_err(|_| Break::ReelNumber)?;
            if reel != tag.reel {
                return Err(Break::WrongReel(tag.reel));
            }
        }
        if let Some(uid) = columns.uid {
            let uid = parse_uid(cells.get(uid)?)?;
            if let Some(binding) = self.binding {
                let bound = binding.uid_of(serial.number()).ok_or(Break::NotBound)?;
                if bound != uid {
                    return Err(Break::WrongUid(bound));
                }
            }
        }
        Ok(())
    }

    fn tell(&mut self, row: u64, serial: &str, problem: &Break) -> io::Result<()> {
        *self.summary.breaks.entry(problem.code()).or_default() += 1;
        write!(self.report, "{},{row},{},{serial},,\"{problem}\"\r\n", self.files, problem.code())
    }

    /// Ends the report with what is missing.
    ///
    /// # Errors
    /// Those of the report.
    pub fn finish(mut self) -> io::Result<Summary> {
        for number in 1..=self.order.count() {
            let Some(tag) = self.order.tag(number).filter(|_| !self.delivered[number as usize - 1]) else { continue };
            self.summary.missing += 1;
            write!(self.report, ",,missing,{},{},\"the label is in no delivery\"\r\n", tag.serial, tag.reel)?;
        }
        self.report.flush()?;
        Ok(self.summary)
    }
}
