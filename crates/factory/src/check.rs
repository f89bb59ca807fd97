//! What the readings of a sample mean for its reels.
//!
//! A reading is a line of JSON as `tapstone tag verify` answers: `{"valid":true,"uid":"04…","counter":7,…}`. Beside it may stand
//! `"serial"`, the label that was read; it must, for a tag that cannot be read at all: `{"serial":"…","valid":false}`. A tag of
//! the sample is bad if one of its readings is not valid, proves nothing (`"authenticated":false`), or has another UID than
//! is bound to the label. Reading it again does not make it good.

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;
use tag::Uid;

use crate::binding::Binding;
use crate::order::{Order, Reel};
use crate::problems::Problems;
use crate::sampling::{self, Plan};
use crate::serial::{OrderCode, Serial, SerialError};
use crate::uid::{UidProblem, parse_uid};

/// The longest line of readings, in bytes without its end.
pub(crate) const LINE_BYTES_MAX: usize = 64 * 1024;

/// What is to become of a reel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not more bad ones than may be, whatever the rest turns out to be.
    Accept,
    /// More bad ones than may be.
    Reject,
    /// Tags of the sample were not read yet, and it depends on them.
    Undecided,
}

impl Verdict {
    /// As it is written.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Undecided => "undecided",
        }
    }
}

/// What is known of a reel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReelCheck {
    /// Which reel.
    pub reel: Reel,
    /// How it is sampled.
    pub plan: Plan,
    /// Tags of the sample that are good.
    pub good: u32,
    /// Tags of the sample that are bad.
    pub bad: u32,
    /// Tags of the sample that were not read.
    pub unread: u32,
}

impl ReelCheck {
    /// What is to become of it.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        if self.bad > self.plan.accept_up_to {
            Verdict::Reject
        } else if self.bad + self.unread <= self.plan.accept_up_to {
            Verdict::Accept
        } else {
            Verdict::Undecided
        }
    }
}

/// What is wrong with a line. It says nothing of any tag then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadingProblem {
    /// More than 64 KiB.
    #[error("the line has more than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// Not an object with `valid`, or with fields of other types.
    #[error("the line is no answer of `tapstone tag verify` from column {column} on")]
    NoAnswer {
        /// Where it goes wrong.
        column: usize,
    },
    /// The label that it names is none.
    #[error("the serial is wrong: {0}")]
    Serial(#[from] SerialError),
    /// The label is another order's.
    #[error("the serial is of order {0}")]
    OtherOrder(OrderCode),
    /// The chip that it names is none.
    #[error(transparent)]
    Uid(#[from] UidProblem),
    /// It does not say which tag.
    #[error("neither serial nor UID says which tag was read")]
    Nobody,
    /// It is not one of those that are to be tried.
    #[error("the tag is not in the sample of its reel")]
    NotInSample,
}

impl ReadingProblem {
    /// A stable name for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "line_too_long",
            Self::NoAnswer { .. } => "no_answer",
            Self::Serial(_) => "serial_wrong",
            Self::OtherOrder(_) => "serial_of_other_order",
            Self::Uid(problem) => problem.code(),
            Self::Nobody => "nobody",
            Self::NotInSample => "not_in_sample",
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    valid: bool,
    uid: Option<String>,
    authenticated: Option<bool>,
    serial: Option<String>,
}

/// Gathers readings of samples.
pub struct Check<'a> {
    order: &'a Order,
    binding: Option<&'a Binding>,
    /// The number of each sampled tag in the order, and whether it is good, once it was read.
    sample: BTreeMap<u32, Option<bool>>,
    /// The sampled tags whose UID is known.
    by_uid: HashMap<Uid, u32>,
    lines: u64,
    problems: Problems,
}

impl<'a> Check<'a> {
    /// Nothing read yet. Without a binding each reading must have its serial.
    #[must_use]
    pub fn new(order: &'a Order, binding: Option<&'a Binding>) -> Self {
        let reels = (1..=order.reels()).filter_map(|reel| order.reel(reel));
        let numbers = reels.flat_map(|reel| {
            sampling::positions(order, reel).into_iter().map(move |position| reel.first + position - 1)
        });
        let sample: BTreeMap<u32, Option<bool>> = numbers.map(|number| (number, None)).collect();
        let uid = |number: &u32| Some((binding?.uid_of(*number)?, *number));
        let by_uid = sample.keys().filter_map(uid).collect();
        Self { order, binding, sample, by_uid, lines: 0, problems: Problems::default() }
    }

    /// Takes a line, given without its end. Empty lines do not count.
    pub fn read(&mut self, line: &[u8]) {
        self.lines += 1;
        if line.trim_ascii().is_empty() {
            return;
        }
        if let Err(problem) = self.take(line) {
            self.problems.add(1, self.lines, problem.code(), &problem);
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<(), ReadingProblem> {
        if line.len() > LINE_BYTES_MAX {
            return Err(ReadingProblem::TooLong);
        }
        let answer: Answer =
            serde_json::from_slice(line).map_err(|error| ReadingProblem::NoAnswer { column: error.column() })?;
        let serial: Option<Serial> = answer.serial.as_deref().map(str::parse).transpose()?;
        let uid = answer.uid.as_deref().map(parse_uid).transpose()?;
        let number = match (serial, uid) {
            (Some(serial), _) if serial.order() != self.order.code() => {
                return Err(ReadingProblem::OtherOrder(serial.order()));
            }
            (Some(serial), _) => serial.number(),
            (None, Some(uid)) => *self.by_uid.get(&uid).ok_or(ReadingProblem::NotInSample)?,
            (None, None) => return Err(ReadingProblem::Nobody),
        };
        let state = self.sample.get_mut(&number).ok_or(ReadingProblem::NotInSample)?;
        let bound = self.binding.and_then(|binding| binding.uid_of(number));
        let is_its_own = bound.is_none() || uid == bound;
        let is_good = answer.valid && answer.authenticated != Some(false) && is_its_own;
        *state = Some(is_good && *state != Some(false));
        Ok(())
    }

    /// What is known of each reel, in their order.
    pub fn reels(&self) -> impl Iterator<Item = ReelCheck> {
        (1..=self.order.reels()).filter_map(|reel| self.order.reel(reel)).map(|reel| {
            let mut check = ReelCheck { reel, plan: sampling::plan(reel.labels), good: 0, bad: 0, unread: 0 };
            for (_, state) in self.sample.range(reel.first..=reel.last()) {
                match state {
                    Some(true) => check.good += 1,
                    Some(false) => check.bad += 1,
                    None => check.unread += 1,
                }
            }
            check
        })
    }

    /// What is wrong with lines.
    #[must_use]
    pub fn problems(&self) -> &Problems {
        &self.problems
    }
}
