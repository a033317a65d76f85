//! From JSON to values that fit their types.

use base64::{Engine, engine::general_purpose::STANDARD};
use farcall::{
    Address,
    contract::{Content, Field, Node, NodeId, Primitive, Variant},
};
use serde_json::Value;

use super::{
    numbers,
    place::{Place, Wrong},
    typed::{self, Typed, TypedContent},
    words::{described, found, listed},
    writing::Writing,
};

/// How deep types may nest in one value.
const DEEPEST: usize = 120;

impl Writing {
    pub(super) fn value(&mut self, node: NodeId, value: &Value, place: &Place<'_>) -> Result<Typed, Wrong> {
        if place.depth() > DEEPEST {
            return Err(place.wrong(format!(
                "types nest deeper than {DEEPEST} here, the limit of this program"
            )));
        }
        match (self.types.node(node), value) {
            (Node::Primitive(primitive), value) => self.primitive(*primitive, value, place),
            (Node::Option(_), Value::Null) => Ok(Typed::None),
            (Node::Option(of), value) => self.some(*of, value, place),
            (Node::Sequence(of), Value::Array(values)) => {
                let values = values.iter().enumerate();
                let values = values.map(|(index, value)| self.value(*of, value, &place.index(index)));
                Ok(Typed::Sequence(values.collect::<Result<_, _>>()?))
            }
            (Node::Map(key, of), value) => self.map(*key, *of, value, place),
            (Node::Tuple(parts), value) => Ok(Typed::Tuple(self.tuple(parts, value, place)?)),
            (Node::UnitStruct(name), Value::Null) => Ok(Typed::UnitStruct(name)),
            (Node::Newtype(name, of), value) => {
                let inside = self.value(*of, value, &place.deeper())?;
                Ok(Typed::Newtype(name, Box::new(inside)))
            }
            (Node::TupleStruct(name, parts), value) => {
                let parts = self.tuple(parts, value, place)?;
                Ok(Typed::TupleStruct(name, parts))
            }
            (Node::Struct(name, fields), value) => Ok(Typed::Struct(name, self.fields(fields, value, place)?)),
            (Node::Enum(name, variants), value) => self.variant(name, variants, value, place),
            (Node::Receiver(of), value) => self.stream(*of, value, place),
            (Node::Sender(of), Value::Null) => Ok(self.tap(*of)),
            (Node::Client(_), Value::String(address)) => match address.parse::<Address>() {
                Ok(_) => Ok(Typed::Client(address.clone())),
                Err(error) => Err(place.wrong(error.message())),
            },
            (Node::Opaque(_), value) if self.types.is_named => Ok(Typed::Any(value.clone())),
            (Node::Opaque(name), _) => Err(place.wrong(format!(
                "the contract does not know what is in a `{name}`, so it cannot be written here; the service can give \
                 a sample of it (`#[farcall::service(samples = …)]`)"
            ))),
            (_, value) => {
                let expected = self.types.expected(node);
                Err(place.wrong(format!("expected {expected}, found {}", found(value))))
            }
        }
    }

    fn primitive(&self, primitive: Primitive, value: &Value, place: &Place<'_>) -> Result<Typed, Wrong> {
        match (primitive, value) {
            (Primitive::Unit, Value::Null) => Ok(Typed::Unit),
            (Primitive::Bool, Value::Bool(value)) => Ok(Typed::Bool(*value)),
            (Primitive::String, Value::String(text)) => Ok(Typed::String(text.clone())),
            (Primitive::Char, Value::String(text)) => {
                let mut characters = text.chars();
                match (characters.next(), characters.next()) {
                    (Some(only), None) => Ok(Typed::Char(only)),
                    _ => Err(place.wrong(format!("expected one character, found {}", found(value)))),
                }
            }
            (Primitive::Bytes, Value::String(text)) => STANDARD
                .decode(text)
                .map(Typed::Bytes)
                .map_err(|error| place.wrong(format!("expected bytes as base64, found {}: {error}", found(value)))),
            (Primitive::Bytes, Value::Array(values)) => {
                let byte = |(index, value): (usize, &Value)| match numbers::typed(Primitive::U8, value) {
                    Some(Ok(Typed::U8(byte))) => Ok(byte),
                    Some(Err(text)) => Err(place.index(index).wrong(text)),
                    _ => Err(place
                        .index(index)
                        .wrong(format!("expected a byte, found {}", found(value)))),
                };
                values
                    .iter()
                    .enumerate()
                    .map(byte)
                    .collect::<Result<_, _>>()
                    .map(Typed::Bytes)
            }
            (Primitive::Any, value) if self.types.is_named => Ok(Typed::Any(value.clone())),
            (Primitive::Any, _) => Err(place.wrong("values of any type need a format with names: try `--format json`")),
            (primitive, value) => {
                let unlike = || format!("expected {}, found {}", described(primitive), found(value));
                let typed = numbers::typed(primitive, value).unwrap_or_else(|| Err(unlike()));
                typed.map_err(|text| place.wrong(text))
            }
        }
    }

    /// What is not null. Where that may be null itself, it is `{"Some": …}`.
    fn some(&mut self, of: NodeId, value: &Value, place: &Place<'_>) -> Result<Typed, Wrong> {
        if !self.types.may_be_null(of) {
            return Ok(Typed::Some(Box::new(self.value(of, value, &place.deeper())?)));
        }
        let inside = match value {
            Value::Object(entries) if entries.len() == 1 => entries.get("Some"),
            _ => None,
        };
        let Some(inside) = inside else {
            let text = "what is in this option may be null itself: write null for none, and {\"Some\": …} otherwise";
            return Err(place.wrong(text));
        };
        Ok(Typed::Some(Box::new(self.value(of, inside, &place.field("Some"))?)))
    }

    fn map(&mut self, key: NodeId, of: NodeId, value: &Value, place: &Place<'_>) -> Result<Typed, Wrong> {
        let mut entries = Vec::new();
        match value {
            Value::Object(given) if self.types.has_text(key) => {
                for (name, value) in given {
                    let place = place.field(name);
                    entries.push((self.key(key, name, &place)?, self.value(of, value, &place)?));
                }
            }
            Value::Object(_) => {
                let text = "the keys of this map are no text: write an array of [key, value] pairs";
                return Err(place.wrong(text));
            }
            Value::Array(pairs) => {
                for (index, pair) in pairs.iter().enumerate() {
                    let place = place.index(index);
                    let Some([name, value]) = pair.as_array().map(Vec::as_slice) else {
                        return Err(place.wrong(format!("expected a [key, value] pair, found {}", found(pair))));
                    };
                    entries.push((
                        self.value(key, name, &place.index(0))?,
                        self.value(of, value, &place.index(1))?,
                    ));
                }
            }
            other => return Err(place.wrong(format!("expected an object, found {}", found(other)))),
        }
        Ok(Typed::Map(entries))
    }

    /// A key of an object, which is a text in JSON whatever its type.
    fn key(&mut self, node: NodeId, name: &str, place: &Place<'_>) -> Result<Typed, Wrong> {
        let is_text = |primitive| matches!(primitive, Primitive::String | Primitive::Char);
        let value = match self.types.node(self.types.bare(node)) {
            Node::Primitive(primitive) if !is_text(*primitive) => {
                numbers::from_text(name).unwrap_or_else(|| Value::from(name))
            }
            _ => Value::from(name),
        };
        self.value(node, &value, place)
    }

    fn tuple(&mut self, parts: &[NodeId], value: &Value, place: &Place<'_>) -> Result<Vec<Typed>, Wrong> {
        let length = parts.len();
        let values = match value {
            Value::Array(values) if values.len() == length => values,
            Value::Array(values) => {
                let given = values.len();
                return Err(place.wrong(format!("expected an array of {length}, found one of {given}")));
            }
            other => {
                let found = found(other);
                return Err(place.wrong(format!("expected an array of {length}, found {found}")));
            }
        };
        let values = parts.iter().zip(values).enumerate();
        values
            .map(|(index, (&part, value))| self.value(part, value, &place.index(index)))
            .collect()
    }

    fn fields(
        &mut self,
        fields: &'static [Field],
        value: &Value,
        place: &Place<'_>,
    ) -> Result<Vec<(&'static str, Typed)>, Wrong> {
        let Value::Object(given) = value else {
            let names = listed(fields.iter().map(|field| &*field.name));
            let found = found(value);
            return Err(place.wrong(format!("expected an object with {names}, found {found}")));
        };
        let is_known = |name: &String| fields.iter().any(|field| is_called(field, name));
        if let Some(unknown) = given.keys().find(|name| !is_known(name)) {
            let names = listed(fields.iter().map(|field| &*field.name));
            return Err(place.field(unknown).wrong(format!("no such field; expected {names}")));
        }
        let mut values = Vec::new();
        for field in fields {
            let value = match given.iter().find(|(name, _)| is_called(field, name)) {
                Some((name, value)) => self.value(field.shape, value, &place.field(name))?,
                // The other side has a default.
                None if field.optional && self.types.is_named => continue,
                None => self.absent(field, place)?,
            };
            values.push((&*field.name, value));
        }
        Ok(values)
    }

    /// `"Name"`, or `{"Name": content}`.
    fn variant(
        &mut self,
        of: &'static str,
        variants: &'static [Variant],
        value: &Value,
        place: &Place<'_>,
    ) -> Result<Typed, Wrong> {
        let names = || listed(variants.iter().map(|variant| &*variant.name));
        let (name, content) = match value {
            Value::String(name) => (name, &Value::Null),
            Value::Object(entries) if entries.len() == 1 => match entries.iter().next() {
                Some(entry) => entry,
                None => return Err(place.wrong(format!("expected {}", names()))),
            },
            other => return Err(place.wrong(format!("expected one of {}, found {}", names(), found(other)))),
        };
        let known = (0..).zip(variants).find(|(_, variant)| variant.name == *name);
        let Some((index, variant)) = known else {
            return Err(place.wrong(format!("expected one of {}, found {name:?}", names())));
        };
        let place = place.field(name);
        let content = match &variant.content {
            Content::Unit if content.is_null() => TypedContent::Unit,
            Content::Unit => return Err(place.wrong(format!("it has no content: write {name:?}"))),
            Content::Newtype(of) => TypedContent::Newtype(Box::new(self.value(*of, content, &place)?)),
            Content::Tuple(parts) => TypedContent::Tuple(self.tuple(parts, content, &place)?),
            Content::Struct(fields) => TypedContent::Struct(self.fields(fields, content, &place)?),
            _ => return Err(place.wrong("the service's type refuses this variant")),
        };
        let name = &*variant.name;
        Ok(Typed::Variant(typed::Variant { of, index, name }, content))
    }
}

fn is_called(field: &Field, name: &str) -> bool {
    field.name == name || field.aliases.iter().any(|alias| alias == name)
}
