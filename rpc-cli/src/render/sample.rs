//! Arguments to begin with.

use std::cell::Cell;

use farcall::contract::{Content, Contract, Node, NodeId, Primitive, Shape};
use serde_json::{Map, Value, json};

use super::definitions::fields_of;

/// How deep types within each other are filled in, and how many values there are; behind that stands null.
const DEEPEST: usize = 6;
const MOST: usize = 500;

/// Arguments of that method, as JSON that fits.
pub(crate) fn example(contract: &Contract, method: &str) -> Option<Value> {
    let shape = contract.method(method)?.types();
    let parts = fields_of(shape.node(0));
    let arguments = parts.iter().find(|part| part.name == "arguments")?;
    let fields = fields_of(shape.node(arguments.shape)).iter();
    let filled = fields.filter(|field| !matches!(shape.node(field.shape), Node::Receiver(_) | Node::Sender(_)));
    let left = Cell::new(MOST);
    Some(
        filled
            .map(|field| (field.name.clone(), sample(shape, field.shape, 0, &left)))
            .collect::<Map<_, _>>()
            .into(),
    )
}

fn sample(shape: &Shape, id: NodeId, depth: usize, left: &Cell<usize>) -> Value {
    if depth > DEEPEST || left.get() == 0 {
        return Value::Null;
    }
    left.set(left.get() - 1);
    let part = |id: NodeId| sample(shape, id, depth + 1, left);
    match shape.node(id) {
        Node::Primitive(primitive) => match primitive {
            Primitive::Unit | Primitive::Any => Value::Null,
            Primitive::Bool => json!(false),
            Primitive::F32 | Primitive::F64 => json!(0.0),
            Primitive::Char => json!("a"),
            Primitive::String | Primitive::Bytes => json!(""),
            _ => json!(0),
        },
        Node::Sequence(of) if depth < 2 => json!([part(*of)]),
        Node::Sequence(_) => json!([]),
        Node::Map(..) => json!({}),
        Node::Tuple(parts) | Node::TupleStruct(_, parts) => parts.iter().map(|id| part(*id)).collect(),
        Node::Newtype(_, of) => part(*of),
        Node::Struct(_, fields) => {
            let fields = fields.iter().map(|field| (field.name.clone(), part(field.shape)));
            Value::Object(fields.collect())
        }
        Node::Enum(_, variants) => variants.first().map_or(Value::Null, |variant| {
            let content = match &variant.content {
                Content::Newtype(of) => part(*of),
                Content::Tuple(parts) => parts.iter().map(|id| part(*id)).collect(),
                Content::Struct(fields) => {
                    let fields = fields.iter().map(|field| (field.name.clone(), part(field.shape)));
                    Value::Object(fields.collect())
                }
                _ => return json!(variant.name),
            };
            Value::Object(Map::from_iter([(variant.name.clone(), content)]))
        }),
        Node::Client(_) => json!("tcp://host:port"),
        _ => Value::Null,
    }
}
