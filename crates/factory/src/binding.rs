//! Which UID is under which label.

use std::io::{self, BufRead};

use tag::Uid;

use crate::order::Order;
use crate::problems::Problems;
use crate::rows::{Cells, RowProblem, Rows};
use crate::serial::{OrderCode, Serial, SerialError};
use crate::uid::{UidProblem, from_bits, parse_uid, to_bits};
use crate::uid_list::UID_HEADS;

/// How a column of serials may be called.
pub(crate) const SERIAL_HEADS: [&str; 4] = ["serial", "serialnumber", "label", "labelserial"];

/// What is wrong with a row of an encoding machine's log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogProblem {
    /// It is no row.
    #[error(transparent)]
    Row(#[from] RowProblem),
    /// The first row does not name the columns `serial` and `uid`. The rest is not read.
    #[error("the first row must name the columns serial and uid")]
    NoColumns,
    /// It has no serial.
    #[error("the serial is wrong: {0}")]
    Serial(#[from] SerialError),
    /// The label is another order's.
    #[error("the serial is of order {0}")]
    OtherOrder(OrderCode),
    /// The order has no such label.
    #[error("the order has no label with that number")]
    BeyondOrder,
    /// It has no UID of an NTAG 424 DNA.
    #[error(transparent)]
    Uid(#[from] UidProblem),
    /// None of the chip maker's.
    #[error("no imported list has {0}")]
    UnknownUid(Uid),
    /// The label has another chip already.
    #[error("{0} has a chip already, in a row before")]
    SerialTwice(Serial),
    /// The chip is under another label already.
    #[error("{0} is under another label already, in a row before")]
    UidTwice(Uid),
}

impl LogProblem {
    /// A stable name for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Row(problem) => problem.code(),
            Self::NoColumns => "no_columns",
            Self::Serial(_) => "serial_wrong",
            Self::OtherOrder(_) => "serial_of_other_order",
            Self::BeyondOrder => "serial_beyond_order",
            Self::Uid(problem) => problem.code(),
            Self::UnknownUid(_) => "uid_unknown",
            Self::SerialTwice(_) => "serial_twice",
            Self::UidTwice(_) => "uid_twice",
        }
    }
}

/// The UID under each label that has one: eight bytes of memory for each label of the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// In the order of the labels' numbers; zero for none.
    uids: Vec<u64>,
}

impl Binding {
    /// The first UID under the first label, and so on: for a machine that takes the chips in the order of their list.
    #[must_use]
    pub fn in_list_order(order: &Order, uids: &[Uid]) -> Self {
        let mut bits: Vec<u64> = uids.iter().take(order.count() as usize).map(|uid| to_bits(*uid)).collect();
        bits.resize(order.count() as usize, 0);
        Self { uids: bits }
    }

    /// What an encoding machine says it did: rows with the columns `serial` and `uid`. A UID must be among `known`.
    ///
    /// # Errors
    /// Whatever hinders reading; inside, everything that is wrong with the log.
    pub fn from_log(order: &Order, known: &[Uid], log: impl BufRead) -> io::Result<Result<Self, Problems>> {
        let mut known: Vec<u64> = known.iter().map(|uid| to_bits(*uid)).collect();
        known.sort_unstable();
        let mut reader = LogReader { order, taken: vec![false; known.len()], known, binding: Self::empty(order) };
        let mut problems = Problems::default();
        let mut rows = Rows::new(log);
        let mut columns = None;
        while let Some((row, cells)) = rows.next_row()? {
            let outcome = match (cells, columns) {
                (Err(problem), _) => Err(problem.into()),
                (Ok(cells), Some(columns)) => reader.read(&cells, columns),
                (Ok(cells), None) => match (cells.column(&SERIAL_HEADS), cells.column(&UID_HEADS)) {
                    (Some(serial), Some(uid)) => {
                        columns = Some((serial, uid));
                        Ok(())
                    }
                    _ => {
                        problems.add(1, row, LogProblem::NoColumns.code(), &LogProblem::NoColumns);
                        break;
                    }
                },
            };
            if let Err(problem) = outcome {
                problems.add(1, row, problem.code(), &problem);
            }
        }
        Ok(if problems.total() == 0 { Ok(reader.binding) } else { Err(problems) })
    }

    pub(crate) fn empty(order: &Order) -> Self {
        Self { uids: vec![0; order.count() as usize] }
    }

    pub(crate) fn set(&mut self, number: u32, uid: Uid) {
        if let Some(place) = self.uids.get_mut(number as usize - 1) {
            *place = to_bits(uid);
        }
    }

    /// The UID under the label with that number, if it is known.
    #[must_use]
    pub fn uid_of(&self, number: u32) -> Option<Uid> {
        let bits = *self.uids.get((number as usize).checked_sub(1)?)?;
        (bits != 0).then(|| from_bits(bits))
    }

    /// How many labels have a UID.
    #[must_use]
    pub fn bound(&self) -> u64 {
        self.uids.iter().filter(|bits| **bits != 0).count() as u64
    }

    pub(crate) fn bits(&self) -> &[u64] {
        &self.uids
    }
}

struct LogReader<'a> {
    order: &'a Order,
    known: Vec<u64>,
    /// Which of the known ones are under a label.
    taken: Vec<bool>,
    binding: Binding,
}

impl LogReader<'_> {
    fn read(&mut self, cells: &Cells<'_>, (serial, uid): (usize, usize)) -> Result<(), LogProblem> {
        let serial: Serial = cells.get(serial)?.parse()?;
        if serial.order() != self.order.code() {
            return Err(LogProblem::OtherOrder(serial.order()));
        }
        if serial.number() > self.order.count() {
            return Err(LogProblem::BeyondOrder);
        }
        let uid = parse_uid(cells.get(uid)?)?;
        let place = self.known.binary_search(&to_bits(uid)).map_err(|_| LogProblem::UnknownUid(uid))?;
        if self.binding.uid_of(serial.number()).is_some() {
            return Err(LogProblem::SerialTwice(serial));
        }
        if std::mem::replace(&mut self.taken[place], true) {
            return Err(LogProblem::UidTwice(uid));
        }
        self.binding.set(serial.number(), uid);
        Ok(())
    }
}
