//! The tree of data objects: ids of two digits, lengths of two digits that count characters, values that are borrowed.

use std::fmt;

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::emv::finding::{Code, Findings, Path};
use crate::emv::id::Id;

/// An object as it stands in a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object<'a> {
    id: Id,
    value: &'a str,
    /// Where its parts are among all objects; empty if it holds none.
    parts: (u16, u16),
}

impl<'a> Object<'a> {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> Id {
        self.id
    }

    /// Its value as it is written; that of a template is the text of its parts.
    #[must_use]
    pub fn value(&self) -> &'a str {
        self.value
    }

    /// Whether it holds other objects.
    #[must_use]
    pub fn has_parts(&self) -> bool {
        self.parts.0 < self.parts.1
    }
}

/// All objects of a code: those at its root in the order in which they stand, then those in templates.
#[derive(Clone)]
pub struct Objects<'a> {
    all: Vec<Object<'a>>,
    roots: usize,
    /// Where the first object of each id is at the root, plus one; 0 if there is none.
    index: [u16; Id::COUNT],
}

impl<'a> Objects<'a> {
    pub(crate) fn none() -> Self {
        Self { all: Vec::new(), roots: 0, index: [0; Id::COUNT] }
    }

    /// Reads as many objects as there are. What is wrong with the structure is added to the findings.
    pub(crate) fn read(text: &'a str, findings: &mut Findings) -> Self {
        /// As many as most codes have.
        const USUAL: usize = 48;
        let mut objects = Self { all: Vec::with_capacity(USUAL), ..Self::none() };
        let is_ascii = text.is_ascii();
        if let Err(broken) = read_sequence(text, is_ascii, &mut objects.all) {
            broken.report(text, findings);
        }
        objects.roots = objects.all.len();
        objects.index_roots(findings);
        for place in 0..objects.roots {
            if objects.all[place].id.is_template() {
                objects.read_parts(place, is_ascii, findings);
            }
        }
        objects
    }

    fn index_roots(&mut self, findings: &mut Findings) {
        for (place, object) in self.all.iter().enumerate() {
            let slot = &mut self.index[usize::from(object.id.number())];
            if *slot == 0 {
                // A code has fewer objects than bytes, and those are bounded by far less than 2^16.
                *slot = u16::try_from(place + 1).unwrap_or(u16::MAX);
            } else {
                let message = "this id stands here already; leave one of the two out";
                findings.error(Code::DuplicateId, Path::Object(object.id), message);
            }
        }
    }

    fn read_parts(&mut self, place: usize, is_ascii: bool, findings: &mut Findings) {
        let Object { id, value, .. } = self.all[place];
        let start = self.all.len();
        if let Err(broken) = read_sequence(value, is_ascii, &mut self.all) {
            self.all.truncate(start);
            let message = format!("this template holds no objects that add up ({broken}); it is taken as text");
            return findings.departure(Code::MalformedTemplate, Path::Object(id), message);
        }
        let mut seen = 0_u128;
        for part in &self.all[start..] {
            let bit = 1 << part.id.number();
            if seen & bit != 0 {
                let message = "this id stands in its template already; leave one of the two out";
                findings.error(Code::DuplicateId, Path::Part(id, part.id), message);
            }
            seen |= bit;
        }
        let bounds = |place: usize| u16::try_from(place).unwrap_or(u16::MAX);
        self.all[place].parts = (bounds(start), bounds(self.all.len()));
    }

    /// The objects at the root, in the order in which they stand.
    #[must_use]
    pub fn roots(&self) -> &[Object<'a>] {
        self.all.get(..self.roots).unwrap_or_default()
    }

    /// The parts of an object of this code, in the order in which they stand.
    #[must_use]
    pub fn parts(&self, object: &Object<'a>) -> &[Object<'a>] {
        self.all.get(usize::from(object.parts.0)..usize::from(object.parts.1)).unwrap_or_default()
    }

    /// The first object of this id at the root.
    #[must_use]
    pub fn get(&self, id: Id) -> Option<&Object<'a>> {
        let place = self.index[usize::from(id.number())].checked_sub(1)?;
        self.all.get(usize::from(place))
    }

    /// The value of an object at the root.
    #[must_use]
    pub fn value(&self, id: Id) -> Option<&'a str> {
        self.get(id).map(Object::value)
    }

    /// The value of an object in a template.
    #[must_use]
    pub fn part(&self, template: Id, id: Id) -> Option<&'a str> {
        self.part_of(self.get(template)?, id)
    }

    /// The value of a part of this object.
    pub(crate) fn part_of(&self, object: &Object<'a>, id: Id) -> Option<&'a str> {
        self.parts(object).iter().find(|part| part.id == id).map(Object::value)
    }
}

impl fmt::Debug for Objects<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.roots().iter().map(|object| (object.id, object.value))).finish()
    }
}

/// Serialises as an object by id, in the order in which they stand: `{"00":"01","26":{"00":"…"}}`. Of two objects with one id the
/// first counts.
impl Serialize for Objects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (place, object) in self.roots().iter().enumerate() {
            if usize::from(self.index[usize::from(object.id.number())]) != place + 1 {
                continue;
            }
            map.serialize_key(&object.id.to_string())?;
            if object.has_parts() {
                map.serialize_value(&Parts(self.parts(object)))?;
            } else {
                map.serialize_value(object.value)?;
            }
        }
        map.end()
    }
}

struct Parts<'p, 'a>(&'p [Object<'a>]);

impl Serialize for Parts<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_first = |place: usize, part: &Object<'_>| !self.0[..place].iter().any(|earlier| earlier.id == part.id);
        let firsts = self.0.iter().enumerate().filter(|(place, part)| is_first(*place, part));
        serializer.collect_map(firsts.map(|(_, part)| (part.id.to_string(), part.value)))
    }
}

/// Why the rest of a sequence cannot be read.
#[derive(Clone, Copy, Debug)]
struct Broken {
    code: Code,
    /// The object's id, if that much can be read.
    id: Option<Id>,
    /// How many bytes stand before the object.
    at: usize,
}

impl Broken {
    fn report(self, text: &str, findings: &mut Findings) {
        let path = self.id.map_or(Path::Whole, Path::Object);
        let before = text.get(..self.at).map_or(0, |before| before.chars().count());
        findings.error(self.code, path, format!("{self}, at character {}", before + 1));
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.code {
            Code::MalformedId => "an object begins with an id of two digits",
            Code::MalformedLength => "an id is followed by a length of two digits",
            _ => "the length counts more characters than there are; lengths count characters, not bytes",
        })
    }
}

fn read_sequence<'a>(text: &'a str, is_ascii: bool, objects: &mut Vec<Object<'a>>) -> Result<(), Broken> {
    let mut rest = text;
    while !rest.is_empty() {
        let at = text.len() - rest.len();
        let broken = |code, id| Broken { code, id, at };
        let (head, after) =
            rest.as_bytes().split_first_chunk::<4>().map_or((None, &[][..]), |(head, after)| (Some(head), after));
        let Some([tens, units, length_tens, length_units]) = head else {
            let id = rest.get(..2).and_then(|id| id.parse().ok());
            return Err(broken(if id.is_some() { Code::Truncated } else { Code::MalformedId }, id));
        };
        let id = Id::from_digits(*tens, *units).ok_or_else(|| broken(Code::MalformedId, None))?;
        let length =
            Id::from_digits(*length_tens, *length_units).ok_or_else(|| broken(Code::MalformedLength, Some(id)))?;
        let length = usize::from(length.number());
        // Four ASCII digits stand before, so a character begins here.
        let tail = rest.get(rest.len() - after.len()..).unwrap_or_default();
        let end = if is_ascii { Some(length) } else { bytes_of_characters(tail, length) };
        let Some((value, next)) = end.and_then(|end| tail.split_at_checked(end)) else {
            return Err(broken(Code::Truncated, Some(id)));
        };
        objects.push(Object { id, value, parts: (0, 0) });
        rest = next;
    }
    Ok(())
}

/// The value of an object in a text of objects that is no template by its id, such as a beneficiary of VietQR.
pub(super) fn find_in(text: &str, id: Id) -> Option<&str> {
    let mut objects = Vec::new();
    read_sequence(text, text.is_ascii(), &mut objects).ok()?;
    objects.iter().find(|object| object.id == id).map(Object::value)
}

/// How many bytes the first characters take; `None` if there are fewer.
fn bytes_of_characters(text: &str, characters: usize) -> Option<usize> {
    let mut starts = text.char_indices().map(|(start, _)| start).chain([text.len()]);
    starts.nth(characters)
}
