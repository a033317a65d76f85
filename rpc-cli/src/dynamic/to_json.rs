//! From any format to JSON, as the contract says what there is.

use std::{cell::Cell, fmt};

use farcall::{
    channel::{Receiver, Sender, watch},
    contract::{Content, Node, NodeId, Primitive, Variant},
};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor},
};
use serde_json::Value;

use super::{
    item::Came,
    parts::{Key, Within, by_name, each, in_order, map, object},
    scalars::Scalar,
    types::{Types, WATCHED},
};

/// How many tuples, structs and units a value may have within it. The server says what it consists of, and these need
/// take no bytes; all else is counted by what limits every decode.
const MOST: usize = 1 << 20;

thread_local! {
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

/// Whether that part may still be read.
fn spend(node: &Node) -> bool {
    let left = LEFT.get();
    match node {
        Node::Tuple(_)
        | Node::TupleStruct(..)
        | Node::Struct(..)
        | Node::UnitStruct(_)
        | Node::Primitive(Primitive::Unit) => {}
        _ => return true,
    }
    LEFT.set(left.saturating_sub(1));
    left > 0
}

/// Reads a value of one type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    types: &'static Types,
    node: NodeId,
}

/// What stands in JSON for what cannot: streams and objects inside of other values.
fn placeholder(what: &str) -> Value {
    Value::String(format!("({what})"))
}

impl Reading {
    /// Of a whole value.
    pub(crate) fn new(types: &'static Types, node: NodeId) -> Self {
        LEFT.set(MOST);
        Self { types, node }
    }

    pub(super) fn part(self, node: NodeId) -> Self {
        Self { node, ..self }
    }

    fn names(self) -> &'static [&'static str] {
        self.types.names(self.node).parts
    }
}

impl<'de> DeserializeSeed<'de> for Reading {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let node = self.types.node(self.node);
        if !spend(node) {
            let text = format!("it has more than {MOST} structs and tuples, the limit of this program");
            return Err(D::Error::custom(text));
        }
        match node {
            Node::Primitive(Primitive::Any) if self.types.is_named => Value::deserialize(deserializer),
            Node::Primitive(primitive) => Scalar(*primitive).deserialize(deserializer),
            Node::Option(_) => deserializer.deserialize_option(self),
            Node::Sequence(_) => deserializer.deserialize_seq(self),
            Node::Map(..) => deserializer.deserialize_map(self),
            Node::Tuple(parts) => deserializer.deserialize_tuple(parts.len(), self),
            Node::UnitStruct(name) => deserializer.deserialize_unit_struct(name, self),
            Node::Newtype(name, _) if name == WATCHED => {
                watch::Receiver::<Came>::deserialize(deserializer).map(|value| value.latest().0.clone())
            }
            Node::Newtype(name, _) => deserializer.deserialize_newtype_struct(name, self),
            Node::TupleStruct(name, parts) => deserializer.deserialize_tuple_struct(name, parts.len(), self),
            Node::Struct(name, _) => deserializer.deserialize_struct(name, self.names(), self),
            Node::Enum(name, _) => deserializer.deserialize_enum(name, self.names(), self),
            Node::Receiver(_) => Receiver::<Came>::deserialize(deserializer).map(|_| placeholder("a stream")),
            Node::Sender(_) => Sender::<Came>::deserialize(deserializer).map(|_| placeholder("a sender")),
            Node::Client(service) => client(service, deserializer),
            Node::Opaque(name) if self.types.is_named => {
                Value::deserialize(deserializer).map_err(|error| D::Error::custom(format!("{name}: {error}")))
            }
            Node::Opaque(name) => Err(D::Error::custom(format!(
                "the contract does not know what is in a `{name}`"
            ))),
            _ => Err(D::Error::custom(
                "the contract has a type that this program does not know",
            )),
        }
    }
}

/// A client of a server, as its address, or of an object, which cannot be called from here.
fn client<'de, D: Deserializer<'de>>(service: &str, deserializer: D) -> Result<Value, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename = "Client")]
    enum Written {
        /// Its place in the message. It is not claimed, and so given back.
        Attached(u32),
        Address(String),
    }

    struct Inside;

    impl<'de> Visitor<'de> for Inside {
        type Value = Written;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a client")
        }

        fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Written, D::Error> {
            Written::deserialize(deserializer)
        }
    }

    Ok(
        match deserializer.deserialize_newtype_struct("farcall::Client of a service", Inside)? {
            Written::Attached(place) => placeholder(&format!("object {place} of {service}")),
            Written::Address(address) => Value::String(address),
        },
    )
}

impl<'de> Visitor<'de> for Reading {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what the contract says")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Node::Option(of) = self.types.node(self.node) else {
            return Err(D::Error::custom("an option came in the place of something else"));
        };
        let value = self.part(*of).deserialize(deserializer)?;
        Ok(if self.types.may_be_null(*of) {
            object([("Some", value)])
        } else {
            value
        })
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.types.node(self.node) {
            Node::Newtype(_, of) => self.part(*of).deserialize(deserializer),
            _ => Err(D::Error::custom("a newtype came in the place of something else")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        match self.types.node(self.node) {
            Node::Sequence(of) => {
                let mut values = Vec::new();
                while let Some(value) = access.next_element_seed(self.part(*of))? {
                    values.push(value);
                }
                Ok(values.into())
            }
            Node::Tuple(parts) | Node::TupleStruct(_, parts) => each(self, parts, access),
            Node::Struct(_, fields) => {
                let values = fields.iter().map(|field| (&*field.name, field.shape));
                in_order(self, values, access)
            }
            _ => Err(A::Error::custom("a sequence came in the place of something else")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        match self.types.node(self.node) {
            Node::Map(key, value) => {
                let mut entries = Vec::new();
                while let Some(key) = access.next_key_seed(self.part(*key))? {
                    entries.push((key, access.next_value_seed(self.part(*value))?));
                }
                Ok(map(entries, self.types.has_text(*key)))
            }
            Node::Struct(_, fields) => {
                let fields: Vec<_> = fields.iter().map(|field| (&*field.name, field.shape)).collect();
                by_name(self, &fields, access)
            }
            _ => Err(A::Error::custom("a map came in the place of something else")),
        }
    }

    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<Value, A::Error> {
        let Node::Enum(_, variants) = self.types.node(self.node) else {
            return Err(A::Error::custom("an enum came in the place of something else"));
        };
        let (index, content) = access.variant_seed(Key(self.names()))?;
        let variant = index.and_then(|index| Some((index, variants.get(index)?)));
        let (index, variant) = variant.ok_or_else(|| A::Error::custom("a variant came that the contract lacks"))?;
        self.content(index, variant, content)
    }
}

impl Reading {
    fn content<'de, A: VariantAccess<'de>>(
        self,
        index: usize,
        variant: &'static Variant,
        access: A,
    ) -> Result<Value, A::Error> {
        let value = match &variant.content {
            Content::Unit => {
                access.unit_variant()?;
                return Ok(Value::String(variant.name.clone()));
            }
            Content::Newtype(of) => access.newtype_variant_seed(self.part(*of))?,
            Content::Tuple(parts) => access.tuple_variant(parts.len(), Within::Tuple(self, parts))?,
            Content::Struct(fields) => {
                let parts = fields.iter().map(|field| (&*field.name, field.shape)).collect();
                access.struct_variant(self.types.names(self.node).fields[index], Within::Struct(self, parts))?
            }
            _ => return Err(A::Error::custom(format!("`{}` is of another system", variant.name))),
        };
        Ok(object([(&*variant.name, value)]))
    }
}
