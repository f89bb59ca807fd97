//! A consumer-presented code in the making.

use std::fmt;

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::ber::{self, DEPTH_MAX};
use super::tag::Tag;
use super::{BYTES_MAX, to_base64};

/// Elements in their order.
///
/// Deserialises from the object that a reading serialises its fields as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerDraft(Vec<(Tag, DraftValue)>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum DraftValue {
    Primitive(Vec<u8>),
    Template(Vec<(Tag, DraftValue)>),
}

impl ConsumerDraft {
    /// The code's bytes, with the shortest lengths.
    ///
    /// # Errors
    /// [`ConsumerDraftError`] if they are more than any code has.
    pub fn encode(&self) -> Result<Vec<u8>, ConsumerDraftError> {
        let mut bytes = Vec::new();
        write_all(&self.0, &mut bytes).filter(|()| bytes.len() <= BYTES_MAX).ok_or(ConsumerDraftError)?;
        Ok(bytes)
    }

    /// The code in base64.
    ///
    /// # Errors
    /// As [`ConsumerDraft::encode`].
    pub fn encode_base64(&self) -> Result<String, ConsumerDraftError> {
        Ok(to_base64(&self.encode()?))
    }
}

fn write_all(elements: &[(Tag, DraftValue)], out: &mut Vec<u8>) -> Option<()> {
    elements.iter().try_for_each(|(tag, value)| match value {
        DraftValue::Primitive(bytes) => ber::write(*tag, bytes, out),
        DraftValue::Template(parts) => {
            let mut inner = Vec::new();
            write_all(parts, &mut inner)?;
            ber::write(*tag, &inner, out)
        }
    })
}

/// The elements are longer than any code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code has at most {BYTES_MAX} bytes")]
pub struct ConsumerDraftError;

impl<'de> Deserialize<'de> for ConsumerDraft {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Elements { depth: 0 }.deserialize(deserializer).map(Self)
    }
}

/// An object by tag, so deep.
#[derive(Clone, Copy)]
struct Elements {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Elements {
    type Value = Vec<(Tag, DraftValue)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Elements {
    type Value = Vec<(Tag, DraftValue)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tags, such as {\"85\":\"CPV01\",\"61\":[{\"4F\":\"…\"}]}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut elements: Vec<(Tag, DraftValue)> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let tag: Tag = key.parse().map_err(|error| de::Error::custom(format_args!("{key:?}: {error}")))?;
            if elements.iter().any(|(there, _)| *there == tag) {
                return Err(de::Error::custom(format_args!("the tag {tag} is there already")));
            }
            let seed = ValueOf { tag, depth: self.depth };
            elements.extend(map.next_value_seed(seed)?.into_iter().map(|value| (tag, value)));
        }
        Ok(elements)
    }
}

/// The values of a tag: one, or as many as application templates there are.
struct ValueOf {
    tag: Tag,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for ValueOf {
    type Value = Vec<DraftValue>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match (self.tag.is_template(), self.depth) {
            (true, DEPTH_MAX..) => Err(de::Error::custom("templates are nested at most four deep")),
            (true, _) => deserializer.deserialize_any(self),
            (false, _) => deserializer.deserialize_str(self),
        }
    }
}

impl<'de> Visitor<'de> for ValueOf {
    type Value = Vec<DraftValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.tag.is_template() {
            true => write!(f, "what the template {} holds", self.tag),
            false => write!(f, "the text or hexadecimal digits of {}", self.tag),
        }
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        let bytes = (!self.tag.is_template()).then(|| self.tag.hide(text)).flatten();
        let bytes = bytes.ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))?;
        Ok(vec![DraftValue::Primitive(bytes)])
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        let parts = Elements { depth: self.depth + 1 }.visit_map(map)?;
        Ok(vec![DraftValue::Template(parts)])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        if !self.tag.may_repeat() {
            return Err(de::Error::invalid_type(de::Unexpected::Seq, &self));
        }
        let mut values = Vec::new();
        while let Some(parts) = list.next_element_seed(Elements { depth: self.depth + 1 })? {
            values.push(DraftValue::Template(parts));
        }
        Ok(values)
    }
}
