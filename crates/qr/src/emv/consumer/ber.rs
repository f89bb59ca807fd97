//! BER-TLV (ISO/IEC 8825-1), of bounded depth and with definite lengths.

use super::tag::Tag;
use crate::emv::finding::{Code, Findings, Path};

/// How deep templates may be nested: the specification needs two.
pub(super) const DEPTH_MAX: usize = 4;

/// An element: a tag and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The tag.
    pub tag: Tag,
    /// The value.
    pub value: Value<'a>,
}

/// The value of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Bytes.
    Primitive(&'a [u8]),
    /// Other elements, in the order in which they stand.
    Template(Vec<Element<'a>>),
}

impl<'a> Element<'a> {
    /// The elements that it holds; none if its value is bytes.
    #[must_use]
    pub fn parts(&self) -> &[Element<'a>] {
        match &self.value {
            Value::Primitive(_) => &[],
            Value::Template(parts) => parts,
        }
    }
}

/// As many elements as there are.
pub(super) fn read<'a>(bytes: &'a [u8], findings: &mut Findings) -> Vec<Element<'a>> {
    read_template(bytes, &mut Vec::new(), findings)
}

fn read_template<'a>(bytes: &'a [u8], path: &mut Vec<Tag>, findings: &mut Findings) -> Vec<Element<'a>> {
    let mut elements: Vec<Element<'a>> = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some((tag, after)) = Tag::split(rest) else {
            findings.error(Code::MalformedId, Path::Tags(path.clone()), "a tag has one to three bytes");
            break;
        };
        path.push(tag);
        let value = read_value(after, path, findings);
        if let Some((value, next)) = value {
            let is_repeated = elements.iter().any(|element| element.tag == tag);
            if is_repeated && !(path.len() == 1 && tag.may_repeat()) {
                let message = "this tag stands here already; leave one of the two out";
                findings.error(Code::DuplicateId, Path::Tags(path.clone()), message);
            }
            rest = next;
            let value = match tag.is_template() {
                true => Value::Template(read_parts(value, path, findings)),
                false => Value::Primitive(value),
            };
            elements.push(Element { tag, value });
        } else {
            rest = &[];
        }
        path.pop();
    }
    elements
}

fn read_parts<'a>(bytes: &'a [u8], path: &mut Vec<Tag>, findings: &mut Findings) -> Vec<Element<'a>> {
    if path.len() >= DEPTH_MAX {
        findings.error(Code::TooDeep, Path::Tags(path.clone()), "templates are nested at most four deep");
        return Vec::new();
    }
    read_template(bytes, path, findings)
}

/// The value that a length announces, and what follows it.
fn read_value<'a>(bytes: &'a [u8], path: &[Tag], findings: &mut Findings) -> Option<(&'a [u8], &'a [u8])> {
    let path = || Path::Tags(path.to_vec());
    let Some((length, is_shortest, after)) = read_length(bytes) else {
        findings.error(Code::MalformedLength, path(), "a length has one byte, or 81 or 82 and one or two more");
        return None;
    };
    let Some(found) = after.split_at_checked(length) else {
        findings.error(Code::Truncated, path(), "the length counts more bytes than there are");
        return None;
    };
    if !is_shortest {
        findings.departure(Code::MalformedLength, path(), "write the length with as few bytes as it needs");
    }
    Some(found)
}

/// The length, whether it is written as short as it can be, and what follows it.
fn read_length(bytes: &[u8]) -> Option<(usize, bool, &[u8])> {
    match bytes {
        [length @ 0..=0x7F, rest @ ..] => Some((usize::from(*length), true, rest)),
        [0x81, length, rest @ ..] => Some((usize::from(*length), *length > 0x7F, rest)),
        [0x82, high, low, rest @ ..] => {
            let length = u16::from_be_bytes([*high, *low]);
            Some((usize::from(length), length > 0xFF, rest))
        }
        _ => None,
    }
}

/// Writes an element with the shortest length; `None` if it is longer than two bytes can count.
pub(super) fn write(tag: Tag, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    tag.write(out);
    let length = u16::try_from(value.len()).ok()?;
    match length.to_be_bytes() {
        [0, low @ 0..=0x7F] => out.push(low),
        [0, low] => out.extend_from_slice(&[0x81, low]),
        [high, low] => out.extend_from_slice(&[0x82, high, low]),
    }
    out.extend_from_slice(value);
    Some(())
}
