//! A code in the making, object by object.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::crc::{crc16, crc16_of_latin_1, parse};
use super::objects::Objects;
use super::{CRC, CRC_HEAD};
use crate::emv::id::Id;

/// What an object holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Text of at most 99 characters.
    Text(String),
    /// Other objects, in their order.
    Template(Vec<(Id, String)>),
}

/// Objects in their order, without the CRC.
///
/// Deserialises from the object that a reading serialises its fields as. An object 63 there is only looked at to keep how a right
/// CRC is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    objects: Vec<(Id, Content)>,
    given_crc: Option<String>,
}

impl Draft {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The objects of a code that was read, to change it: make a static one dynamic, say.
    ///
    /// # Errors
    /// [`DraftError`] if an id comes twice.
    pub fn of(objects: &Objects<'_>) -> Result<Self, DraftError> {
        let mut draft = Self::new();
        for object in objects.roots().iter().filter(|object| object.id() != CRC) {
            let parts = objects.parts(object).iter().map(|part| (part.id(), part.value().to_owned()));
            let content = match object.has_parts() {
                true => Content::Template(parts.collect()),
                false => Content::Text(object.value().to_owned()),
            };
            draft.push(object.id(), content)?;
        }
        draft.given_crc = objects.value(CRC).map(str::to_owned);
        Ok(draft)
    }

    /// Adds an object after the others.
    ///
    /// # Errors
    /// [`DraftError`] if the id is there already or is the CRC's, or the content does not fit.
    pub fn push(&mut self, id: Id, content: Content) -> Result<(), DraftError> {
        if id == CRC {
            return Err(DraftError::Crc);
        }
        if self.objects.iter().any(|(there, _)| *there == id) {
            return Err(DraftError::Duplicate { id });
        }
        if let Content::Template(parts) = &content {
            check_parts(id, parts)?;
        }
        if characters_of(&content) > 99 {
            return Err(DraftError::TooLong { id });
        }
        self.objects.push((id, content));
        Ok(())
    }

    /// Adds a text.
    ///
    /// # Errors
    /// As [`Draft::push`].
    pub fn push_text(&mut self, id: Id, text: impl Into<String>) -> Result<(), DraftError> {
        self.push(id, Content::Text(text.into()))
    }

    /// The same objects in ascending order, as EMVCo's examples have them.
    #[must_use]
    pub fn in_canonical_order(mut self) -> Self {
        self.objects.sort_by_key(|(id, _)| *id);
        self
    }

    /// The code: all objects, then the CRC.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut text = String::new();
        for (id, content) in &self.objects {
            match content {
                Content::Text(value) => write_object(*id, value, &mut text),
                Content::Template(parts) => {
                    let mut value = String::new();
                    parts.iter().for_each(|(part, value_of_part)| write_object(*part, value_of_part, &mut value));
                    write_object(*id, &value, &mut text);
                }
            }
        }
        text.push_str(CRC_HEAD);
        let crc = self.crc_of(&text);
        text + &crc
    }

    /// Whether this is a code of the scheme whose CRC may be that of ISO 8859-1.
    fn is_pi_uemoa(&self) -> bool {
        self.objects.iter().any(|(id, content)| match content {
            Content::Template(parts) if id.is_account_template() => {
                parts.iter().any(|(part, value)| part.number() == 0 && value.eq_ignore_ascii_case("int.bceao.pi"))
            }
            _ => false,
        })
    }

    /// The CRC as it was given, if it is right; otherwise the computed one.
    fn crc_of(&self, text: &str) -> String {
        let computed = crc16(text.as_bytes());
        let is_right = |given: &&String| {
            let is_latin_1 = |number| self.is_pi_uemoa() && crc16_of_latin_1(text) == Some(number);
            parse(given).is_some_and(|number| number == computed || is_latin_1(number))
        };
        self.given_crc.as_ref().filter(is_right).cloned().unwrap_or_else(|| format!("{computed:04X}"))
    }
}

fn check_parts(template: Id, parts: &[(Id, String)]) -> Result<(), DraftError> {
    for (place, (id, value)) in parts.iter().enumerate() {
        if parts.iter().take(place).any(|(earlier, _)| earlier == id) {
            return Err(DraftError::DuplicatePart { template, id: *id });
        }
        if value.chars().count() > 99 {
            return Err(DraftError::TooLong { id: template });
        }
    }
    Ok(())
}

fn characters_of(content: &Content) -> usize {
    match content {
        Content::Text(value) => value.chars().count(),
        Content::Template(parts) => parts.iter().map(|(_, value)| 4 + value.chars().count()).sum(),
    }
}

fn write_object(id: Id, value: &str, text: &mut String) {
    text.push_str(&format!("{id}{:02}{value}", value.chars().count()));
}

/// Why an object cannot be part of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DraftError {
    /// The id is there already.
    #[error("the id {id} is there already")]
    Duplicate {
        /// The id.
        id: Id,
    },
    /// The id is in its template already.
    #[error("the id {template}.{id} is there already")]
    DuplicatePart {
        /// The template.
        template: Id,
        /// The id.
        id: Id,
    },
    /// The content has more than 99 characters.
    #[error("the object {id} has more than 99 characters")]
    TooLong {
        /// The id at the root.
        id: Id,
    },
    /// The CRC is computed, not given.
    #[error("the object 63 is computed")]
    Crc,
}

impl<'de> Deserialize<'de> for Draft {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(DraftVisitor)
    }
}

struct DraftVisitor;

impl<'de> Visitor<'de> for DraftVisitor {
    type Value = Draft;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of ids, such as {\"00\":\"01\",\"26\":{\"00\":\"…\"}}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Draft, A::Error> {
        let mut draft = Draft::new();
        while let Some((id, content)) = map.next_entry::<IdKey, Content>()? {
            match content {
                Content::Text(crc) if id.0 == CRC => draft.given_crc = Some(crc),
                content => draft.push(id.0, content).map_err(de::Error::custom)?,
            }
        }
        Ok(draft)
    }
}

struct IdKey(Id);

impl<'de> Deserialize<'de> for IdKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|error| de::Error::custom(format_args!("{text:?}: {error}")))
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ContentVisitor)
    }
}

struct ContentVisitor;

impl<'de> Visitor<'de> for ContentVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, or an object of ids and texts")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Content, A::Error> {
        let mut parts = Vec::new();
        while let Some((id, value)) = map.next_entry::<IdKey, String>()? {
            parts.push((id.0, value));
            // A template has 99 characters, and each object takes four of them.
            if parts.len() > 24 {
                return Err(de::Error::custom("a template has at most 99 characters"));
            }
        }
        Ok(Content::Template(parts))
    }
}
