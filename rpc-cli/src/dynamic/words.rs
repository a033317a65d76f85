//! Words for what was expected and found.

use farcall::contract::{Field, Node, NodeId, Primitive};
use serde_json::Value;

use super::types::Types;

impl Types {
    /// What a value of the type looks like in JSON.
    pub(super) fn expected(&self, node: NodeId) -> String {
        match self.node(node) {
            Node::Primitive(primitive) => described(*primitive).to_owned(),
            Node::Option(of) => format!("null or {}", self.expected_inside(*of)),
            Node::Sequence(_) => "an array".to_owned(),
            Node::Map(..) => "an object".to_owned(),
            Node::Tuple(parts) | Node::TupleStruct(_, parts) => format!("an array of {}", parts.len()),
            Node::UnitStruct(_) => "null".to_owned(),
            Node::Newtype(_, of) => self.expected_inside(*of),
            Node::Struct(_, fields) => {
                format!("an object with {}", listed(fields.iter().map(|field| &*field.name)))
            }
            Node::Enum(_, variants) => {
                format!("one of {}", listed(variants.iter().map(|variant| &*variant.name)))
            }
            Node::Sender(_) => "null (what comes is printed)".to_owned(),
            Node::Client(service) => format!("the address of a server of `{service}`"),
            _ => "a value".to_owned(),
        }
    }

    fn expected_inside(&self, of: NodeId) -> String {
        match self.node(self.bare(of)) {
            Node::Option(_) => "{\"Some\": …}".to_owned(),
            _ => self.expected(self.bare(of)),
        }
    }
}

/// What the type is, for people.
pub(super) fn described(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::Unit => "null",
        Primitive::Bool => "true or false",
        Primitive::I8 => "a whole number (i8)",
        Primitive::I16 => "a whole number (i16)",
        Primitive::I32 => "a whole number (i32)",
        Primitive::I64 => "a whole number (i64)",
        Primitive::I128 => "a whole number (i128)",
        Primitive::U8 => "a whole number (u8)",
        Primitive::U16 => "a whole number (u16)",
        Primitive::U32 => "a whole number (u32)",
        Primitive::U64 => "a whole number (u64)",
        Primitive::U128 => "a whole number (u128)",
        Primitive::F32 => "a number (f32)",
        Primitive::F64 => "a number (f64)",
        Primitive::Char => "one character",
        Primitive::String => "a string",
        Primitive::Bytes => "bytes as base64",
        _ => "a value",
    }
}

/// What was found, in a few characters.
pub(super) fn found(value: &Value) -> String {
    const SHOWN: usize = 40;
    match value {
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        Value::String(text) if text.chars().count() > SHOWN => {
            format!("{:?}…", text.chars().take(SHOWN).collect::<String>())
        }
        other => other.to_string(),
    }
}

/// What a method takes.
pub(super) fn takes(fields: &[Field]) -> String {
    match fields {
        [] => "no arguments".to_owned(),
        _ => listed(fields.iter().map(|field| &*field.name)),
    }
}

/// The first names, and how many more there are.
pub(super) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    const SHOWN: usize = 20;
    let more = names.len().saturating_sub(SHOWN);
    let shown: Vec<_> = names.take(SHOWN).collect();
    match (more, shown.is_empty()) {
        (_, true) => "no fields".to_owned(),
        (0, _) => shown.join(", "),
        (more, _) => format!("{} and {more} more", shown.join(", ")),
    }
}
