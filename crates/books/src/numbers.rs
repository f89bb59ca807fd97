//! Which transfers or accounts can match a query: sorted streams of numbers out of the index, and how they combine.

use std::iter::Peekable;
use std::ops::Range;

use runs::Tree;

use crate::entries::{Field, GROUP, IndexEntry};
use crate::error::TablesError;

/// Numbers in the order of the query, or what went wrong on the way.
pub(crate) type Numbers<'a> = Box<dyn Iterator<Item = Result<u64, TablesError>> + 'a>;

/// The numbers in `among` of which `field` may have this value.
pub(crate) fn with_value<'a>(
    index: &'a Tree<IndexEntry>,
    field: Field,
    value: u128,
    among: Range<u64>,
    reversed: bool,
) -> Numbers<'a> {
    let Some(last) = among.end.checked_sub(1).filter(|last| among.start <= *last) else {
        return Box::new(std::iter::empty());
    };
    let unit = if field.is_grouped() { GROUP } else { 1 };
    let key = |number: u64| u128::from(field.key(value)) << 64 | u128::from(number / unit);
    let keys = key(among.start)..=key(last);
    let scan = if reversed { index.range_reversed(keys) } else { index.range(keys) };
    let found = scan.map(|entry| entry.map(|entry| entry.number).map_err(TablesError::from));
    if !field.is_grouped() {
        return Box::new(found);
    }
    Box::new(found.flat_map(move |group| members(group, among.clone(), reversed)))
}

/// The members of a group that are in `among`.
fn members(
    group: Result<u64, TablesError>,
    among: Range<u64>,
    reversed: bool,
) -> Box<dyn Iterator<Item = Result<u64, TablesError>>> {
    let first = match &group {
        Ok(group) => group * GROUP,
        Err(error) => return Box::new(std::iter::once(Err(error.clone()))),
    };
    all(first.max(among.start)..(first + GROUP).min(among.end), reversed)
}

/// All numbers of a range.
pub(crate) fn all(range: Range<u64>, reversed: bool) -> Numbers<'static> {
    if reversed { Box::new(range.rev().map(Ok)) } else { Box::new(range.map(Ok)) }
}

/// The numbers in either of two streams.
pub(crate) fn union<'a>(a: Numbers<'a>, b: Numbers<'a>, reversed: bool) -> Numbers<'a> {
    Box::new(Union { streams: [a.peekable(), b.peekable()], reversed })
}

/// The numbers in all of some streams, of which there is at least one.
pub(crate) fn intersection<'a>(mut streams: Vec<Numbers<'a>>, reversed: bool) -> Numbers<'a> {
    match streams.len() {
        1 => streams.remove(0),
        _ => Box::new(Intersection { streams, reversed }),
    }
}

struct Union<'a> {
    streams: [Peekable<Numbers<'a>>; 2],
    reversed: bool,
}

impl Iterator for Union<'_> {
    type Item = Result<u64, TablesError>;

    fn next(&mut self) -> Option<Self::Item> {
        let [a, b] = &mut self.streams;
        let takes_first = match (a.peek(), b.peek()) {
            (Some(Ok(first)), Some(Ok(second))) if first == second => {
                b.next();
                true
            }
            (Some(Ok(first)), Some(Ok(second))) => (first < second) != self.reversed,
            (Some(Err(_)), _) | (Some(_), None) => true,
            _ => false,
        };
        if takes_first { a.next() } else { b.next() }
    }
}

struct Intersection<'a> {
    streams: Vec<Numbers<'a>>,
    reversed: bool,
}

impl Iterator for Intersection<'_> {
    type Item = Result<u64, TablesError>;

    /// Lets each stream catch up with the furthest, until all stand at the same number.
    fn next(&mut self) -> Option<Self::Item> {
        let mut furthest = match self.streams[0].next()? {
            Ok(number) => number,
            Err(error) => return Some(Err(error)),
        };
        let (mut agreeing, mut turn) = (1, 0);
        while agreeing < self.streams.len() {
            turn = (turn + 1) % self.streams.len();
            loop {
                let number = match self.streams[turn].next()? {
                    Ok(number) => number,
                    Err(error) => return Some(Err(error)),
                };
                if number == furthest {
                    agreeing += 1;
                    break;
                }
                if (number > furthest) != self.reversed {
                    furthest = number;
                    agreeing = 1;
                    break;
                }
            }
        }
        Some(Ok(furthest))
    }
}
