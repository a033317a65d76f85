//! The parts of values on their way to JSON: elements, fields, entries and the names of variants.

use std::fmt;

use farcall::contract::NodeId;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use super::to_json::Reading;

/// The content of a variant.
pub(super) enum Within {
    Tuple(Reading, &'static [NodeId]),
    Struct(Reading, Vec<(&'static str, NodeId)>),
}

impl<'de> Visitor<'de> for Within {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the content of a variant")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        match self {
            Self::Tuple(reading, parts) => each(reading, parts, access),
            Self::Struct(reading, fields) => in_order(reading, fields.into_iter(), access),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        match self {
            Self::Struct(reading, fields) => by_name(reading, &fields, access),
            Self::Tuple(..) => Err(A::Error::custom("fields came in the place of a tuple")),
        }
    }
}

pub(super) fn each<'de, A: SeqAccess<'de>>(
    reading: Reading,
    parts: &[NodeId],
    mut access: A,
) -> Result<Value, A::Error> {
    let mut values = Vec::new();
    for &part in parts {
        let value = access.next_element_seed(reading.part(part))?;
        values.push(value.ok_or_else(|| A::Error::invalid_length(values.len(), &"a longer tuple"))?);
    }
    Ok(values.into())
}

pub(super) fn in_order<'de, A: SeqAccess<'de>>(
    reading: Reading,
    fields: impl Iterator<Item = (&'static str, NodeId)>,
    mut access: A,
) -> Result<Value, A::Error> {
    let mut values = Map::new();
    for (name, part) in fields {
        let value = access.next_element_seed(reading.part(part))?;
        values.insert(name.to_owned(), value.ok_or_else(|| A::Error::missing_field(name))?);
    }
    Ok(values.into())
}

pub(super) fn by_name<'de, A: MapAccess<'de>>(
    reading: Reading,
    fields: &[(&'static str, NodeId)],
    mut access: A,
) -> Result<Value, A::Error> {
    let names: Vec<_> = fields.iter().map(|(name, _)| *name).collect();
    let mut values = Map::new();
    while let Some(index) = access.next_key_seed(Key(&names))? {
        match index.and_then(|index| fields.get(index)) {
            Some((name, part)) => {
                values.insert((*name).to_owned(), access.next_value_seed(reading.part(*part))?);
            }
            // The server has a field more than the contract that is used here.
            None => drop(access.next_value::<IgnoredAny>()?),
        }
    }
    Ok(values.into())
}

/// An object where the keys are texts, otherwise pairs.
pub(super) fn map(entries: Vec<(Value, Value)>, has_text_keys: bool) -> Value {
    if has_text_keys {
        let text = |key: Value| match key {
            Value::String(text) => text,
            other => other.to_string(),
        };
        return Value::Object(entries.into_iter().map(|(key, value)| (text(key), value)).collect());
    }
    entries
        .into_iter()
        .map(|(key, value)| Value::from(vec![key, value]))
        .collect()
}

pub(super) fn object<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::Object(
        entries
            .map(|(key, value)| (key.to_owned(), value))
            .into_iter()
            .collect(),
    )
}

/// Which of the names comes, by number or by name; `None` for another one.
pub(super) struct Key<'a>(pub(super) &'a [&'static str]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<usize>, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name or its number")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Option<usize>, E> {
        Ok(usize::try_from(number).ok())
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|known| *known == name))
    }

    fn visit_bytes<E: Error>(self, name: &[u8]) -> Result<Option<usize>, E> {
        Ok(self.0.iter().position(|known| known.as_bytes() == name))
    }
}
