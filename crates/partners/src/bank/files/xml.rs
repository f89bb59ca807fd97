//! A little XML: elements with their text and one attribute, as trees of bounded size.
//!
//! Strict where it matters: no document type, so no entities but the five of XML and character references; every
//! element closed by its own name; bounds on depth and number.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// How deep elements are nested at most. A camt.053 entry needs some twelve.
const MAXIMUM_DEPTH: usize = 32;
/// How many elements a document has at most.
const MAXIMUM_ELEMENTS: usize = 1_000_000;

/// An element, its namespace prefix cut off.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) name: String,
    /// Of the attribute `Ccy`, the only one in these messages that says something.
    pub(crate) currency: Option<String>,
    /// Its own text, trimmed.
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
}

impl Element {
    /// The first child with this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// All children with this name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The first descendant at the end of this path.
    pub(crate) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |element, name| element.child(name))
    }

    /// Its text, if it has any.
    pub(crate) fn text_at(&self, path: &[&str]) -> Option<&str> {
        self.at(path).map(|element| element.text.as_str()).filter(|text| !text.is_empty())
    }
}

/// The document's root element, and its default namespace.
pub(crate) fn parse(text: &str) -> Result<(Element, Option<String>), String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut open: Vec<Element> = Vec::new();
    let mut root = None;
    let mut namespace = None;
    let mut elements = 0;
    loop {
        let event =
            reader.read_event().map_err(|error| format!("not XML at byte {}: {error}", reader.error_position()))?;
        match event {
            Event::Start(start) => {
                elements += 1;
                if open.len() >= MAXIMUM_DEPTH || elements > MAXIMUM_ELEMENTS {
                    return Err("more elements than such a message has".to_owned());
                }
                if open.is_empty() {
                    if root.is_some() {
                        return Err("more than one document".to_owned());
                    }
                    namespace = namespace_of(&start)?;
                }
                open.push(element(&start)?);
            }
            Event::End(_) => {
                let mut closed = open.pop().ok_or("an end without a beginning")?;
                closed.text = closed.text.trim().to_owned();
                match open.last_mut() {
                    Some(parent) => parent.children.push(closed),
                    None => root = Some(closed),
                }
            }
            Event::Text(text) => append(&mut open, &text.xml10_content())?,
            Event::CData(data) => append(&mut open, &data.xml10_content())?,
            Event::GeneralRef(reference) => append(&mut open, &resolve(&reference)?)?,
            Event::DocType(_) => return Err("a document type is not allowed".to_owned()),
            Event::Eof => break,
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Empty(_) => {}
        }
    }
    let root = root.filter(|_| open.is_empty()).ok_or("the document ends too early")?;
    Ok((root, namespace))
}

fn append(open: &mut [Element], text: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim_matches(['\u{feff}', ' ', '\n', '\r', '\t']).is_empty() => {}
        None => return Err("text outside the document".to_owned()),
    }
    Ok(())
}

fn resolve(reference: &quick_xml::events::BytesRef<'_>) -> Result<String, String> {
    if let Some(character) = reference.resolve_char_ref().map_err(|error| error.to_string())? {
        return Ok(character.to_string());
    }
    let name = reference.xml10_content();
    let known = [("amp", "&"), ("lt", "<"), ("gt", ">"), ("quot", "\""), ("apos", "'")];
    let meaning = known.iter().find(|(known, _)| *known == name).map(|(_, meaning)| (*meaning).to_owned());
    meaning.ok_or_else(|| "an unknown entity".to_owned())
}

fn element(start: &BytesStart<'_>) -> Result<Element, String> {
    let mut currency = None;
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_ref() == "Ccy" {
            currency = Some(attribute.value.into_owned());
        }
    }
    let name = start.local_name().as_ref().to_owned();
    Ok(Element { name, currency, text: String::new(), children: Vec::new() })
}

/// The namespace of the root element.
fn namespace_of(start: &BytesStart<'_>) -> Result<Option<String>, String> {
    let wanted = match start.name().prefix() {
        Some(prefix) => format!("xmlns:{}", prefix.as_ref()),
        None => "xmlns".to_owned(),
    };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        if attribute.key.as_ref() == wanted {
            return Ok(Some(attribute.value.into_owned()));
        }
    }
    Ok(None)
}
