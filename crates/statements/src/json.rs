//! The statement as one JSON object, for programs.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};

use jiff::Timestamp;
use serde::ser::{Error as _, SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use crate::statement::{Effect, Kind, Line, Statement};

/// Writes the statement as one JSON object without line breaks, its `lines` last.
///
/// Amounts are integers: minor units of `currency`, of which `minor_unit_digits` are decimals. Times are RFC 3339 in
/// UTC. What is unknown is null.
///
/// # Errors
/// What `out` or `lines` failed with. What was written until then is no JSON.
pub fn write_json(
    out: &mut impl Write,
    statement: &Statement,
    lines: impl IntoIterator<Item = io::Result<Line>>,
) -> io::Result<()> {
    let lines = Lines { left: Cell::new(Some(lines.into_iter())), failure: RefCell::new(None) };
    write_object(&mut *out, statement, &lines).map_err(|error| lines.failure.take().unwrap_or_else(|| error.into()))?;
    out.flush()
}

fn write_object<I>(out: impl Write, statement: &Statement, lines: &Lines<I>) -> serde_json::Result<()>
where
    I: Iterator<Item = io::Result<Line>>,
{
    let mut serializer = serde_json::Serializer::new(out);
    let mut object = serializer.serialize_map(None)?;
    object.serialize_entry("settlement", &statement.settlement)?;
    object.serialize_entry("merchant", &statement.merchant)?;
    object.serialize_entry("currency", &statement.currency)?;
    object.serialize_entry("minor_unit_digits", &statement.currency.minor_unit_digits())?;
    object.serialize_entry("business_day", &statement.business_day.to_string())?;
    object.serialize_entry("time_zone", &statement.zone.iana_name())?;
    object.serialize_entry("period", &statement.period)?;
    object.serialize_entry("totals", &statement.totals)?;
    object.serialize_entry("payout", &statement.payout)?;
    object.serialize_entry("lines", lines)?;
    SerializeMap::end(object)
}

/// A moment with milliseconds: `2026-11-22T12:30:00.000Z`.
pub(crate) fn moment<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{at:.3}"))
}

/// Whatever writes itself as text.
pub(crate) fn text<S: Serializer>(value: &impl std::fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// The lines that are still to be written, taken when serde comes to them.
struct Lines<I> {
    left: Cell<Option<I>>,
    /// What the iterator failed with; serde's error can only carry its text.
    failure: RefCell<Option<io::Error>>,
}

impl<I: Iterator<Item = io::Result<Line>>> Serialize for Lines<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut array = serializer.serialize_seq(None)?;
        for line in self.left.take().into_iter().flatten() {
            match line {
                Ok(line) => array.serialize_element(&LineObject::new(&line))?,
                Err(failure) => {
                    let error = S::Error::custom(&failure);
                    *self.failure.borrow_mut() = Some(failure);
                    return Err(error);
                }
            }
        }
        array.end()
    }
}

#[derive(Serialize)]
struct LineObject<'a> {
    #[serde(serialize_with = "moment")]
    at: Timestamp,
    kind: Kind,
    object: &'a str,
    payment: Option<&'a str>,
    reference: Option<&'a str>,
    gross: u64,
    fee: u64,
    direction: &'static str,
    amount: u64,
}

impl<'a> LineObject<'a> {
    fn new(line: &'a Line) -> Self {
        let (direction, amount) = match line.effect {
            Effect::Credit(amount) => ("credit", amount),
            Effect::Debit(amount) => ("debit", amount),
        };
        Self {
            at: line.at,
            kind: line.kind,
            object: &line.object,
            payment: line.payment.as_deref(),
            reference: line.reference.as_deref(),
            gross: line.gross,
            fee: line.fee,
            direction,
            amount,
        }
    }
}
