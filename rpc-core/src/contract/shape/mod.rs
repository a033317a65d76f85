//! The shape of a type.

mod members;
mod primitive;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    members::{Content, Field, Fields, Variant},
    primitive::Primitive,
};

/// The most nodes that a shape has, whether it is traced or comes from a peer.
pub(super) const MAX_NODES: usize = 8192;
/// The most parts that the nodes of one shape have together.
pub(super) const MAX_PARTS: usize = 4 * MAX_NODES;

/// The place of a node in its shape.
pub type NodeId = u32;

/// What serde's data model says of a type: a graph of nodes, in which a type that contains itself refers back.
///
/// Equal shapes have the same bytes and the same meaning in every positional format. So the name of a struct with
/// named fields, and that of an enum, are not compared: their fields and variants say what they mean. The name of a
/// newtype, of a tuple struct and of a unit struct is compared, because nothing else tells `Metres(f64)` from
/// `Feet(f64)`. Bytes and a sequence of `u8` are equal, as they are in these formats. What only formats with names care
/// about is not compared either: fields that may be missing, unknown ones that are refused, aliases.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Vec<Node>", into = "Vec<Node>")]
pub struct Shape {
    /// The first one is the type itself.
    nodes: Vec<Node>,
}

/// One type within a shape. The ids are those of its parts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Node {
    /// What has no parts.
    Primitive(Primitive),
    /// A value or none.
    Option(NodeId),
    /// Elements, as many as there are.
    Sequence(NodeId),
    /// The key, then the value.
    Map(NodeId, NodeId),
    /// A tuple or an array.
    Tuple(Vec<NodeId>),
    /// A struct without fields.
    UnitStruct(String),
    /// A struct around one value without a name.
    Newtype(String, NodeId),
    /// A struct whose fields have no names.
    TupleStruct(String, Vec<NodeId>),
    /// A struct with named fields.
    Struct(String, Fields),
    /// The variants in the order of their numbers.
    Enum(String, Vec<Variant>),
    /// The end of a channel at which the message's reader receives these items.
    Receiver(NodeId),
    /// The end of a channel at which the message's reader sends these items.
    Sender(NodeId),
    /// A client of the service with this name.
    Client(String),
    /// A type that cannot be seen through, by the name of it, or of the one that contains it.
    Opaque(String),
}

impl Shape {
    /// Of a type that cannot be seen through.
    pub(super) fn opaque(name: String) -> Self {
        Self {
            nodes: vec![Node::Opaque(name)],
        }
    }

    /// Of nodes that refer only to each other.
    pub(super) fn of_nodes(nodes: Vec<Node>) -> Self {
        Self { nodes }
    }

    /// The nodes with ids that are larger by `offset`.
    pub(super) fn into_moved(mut self, offset: NodeId) -> Vec<Node> {
        for node in &mut self.nodes {
            node.for_each_part(|part| *part += offset);
        }
        self.nodes
    }

    /// The node with this id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// The nodes by their ids; the first one is the type itself.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Whether no part of it is opaque.
    pub fn is_complete(&self) -> bool {
        !self.nodes.iter().any(|node| matches!(node, Node::Opaque(_)))
    }
}

impl Node {
    /// The name with which the type is defined.
    pub(super) fn name(&self) -> Option<&str> {
        match self {
            Self::UnitStruct(name)
            | Self::Newtype(name, _)
            | Self::TupleStruct(name, _)
            | Self::Struct(name, _)
            | Self::Enum(name, _) => Some(name),
            _ => None,
        }
    }

    /// Changes the ids of its parts.
    pub(super) fn for_each_part(&mut self, mut change: impl FnMut(&mut NodeId)) {
        match self {
            Self::Primitive(_) | Self::UnitStruct(_) | Self::Client(_) | Self::Opaque(_) => {}
            Self::Option(of) | Self::Sequence(of) | Self::Newtype(_, of) | Self::Receiver(of) | Self::Sender(of) => {
                change(of);
            }
            Self::Map(key, value) => [key, value].into_iter().for_each(change),
            Self::Tuple(parts) | Self::TupleStruct(_, parts) => parts.iter_mut().for_each(change),
            Self::Struct(_, fields) => fields.list.iter_mut().for_each(|field| change(&mut field.shape)),
            Self::Enum(_, variants) => {
                for variant in variants {
                    match &mut variant.content {
                        Content::Unit | Content::Refused => {}
                        Content::Newtype(of) => change(of),
                        Content::Tuple(parts) => parts.iter_mut().for_each(&mut change),
                        Content::Struct(fields) => fields.list.iter_mut().for_each(|field| change(&mut field.shape)),
                    }
                }
            }
        }
    }

    /// The parts, in order.
    pub(super) fn parts(&self) -> Vec<NodeId> {
        match self {
            Self::Primitive(_) | Self::UnitStruct(_) | Self::Client(_) | Self::Opaque(_) => Vec::new(),
            Self::Option(of) | Self::Sequence(of) | Self::Newtype(_, of) | Self::Receiver(of) | Self::Sender(of) => {
                vec![*of]
            }
            Self::Map(key, value) => vec![*key, *value],
            Self::Tuple(parts) | Self::TupleStruct(_, parts) => parts.clone(),
            Self::Struct(_, fields) => fields.iter().map(|field| field.shape).collect(),
            Self::Enum(_, variants) => variants.iter().flat_map(|variant| variant.content.parts()).collect(),
        }
    }
}

/// From nodes of any origin: what refers to nothing, or is too large, is refused.
impl TryFrom<Vec<Node>> for Shape {
    type Error = InvalidShape;

    fn try_from(nodes: Vec<Node>) -> Result<Self, InvalidShape> {
        let parts: usize = nodes.iter().map(|node| node.parts().len()).sum();
        if nodes.is_empty() || nodes.len() > MAX_NODES || parts > MAX_PARTS {
            return Err(InvalidShape::Size);
        }
        let exists = |id: NodeId| (id as usize) < nodes.len();
        if !nodes.iter().flat_map(Node::parts).all(exists) {
            return Err(InvalidShape::Reference);
        }
        Ok(Self { nodes })
    }
}

impl From<Shape> for Vec<Node> {
    fn from(shape: Shape) -> Self {
        shape.nodes
    }
}

/// Why nodes are no shape.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum InvalidShape {
    /// There are no nodes, or too many.
    Size,
    /// A node refers to one that is not there.
    Reference,
    /// It is not the shape of a method.
    Method,
}

impl fmt::Display for InvalidShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Size => write!(f, "a shape has 1 to {MAX_NODES} nodes and at most {MAX_PARTS} parts"),
            Self::Method => {
                f.write_str("the shape is not one of a method: a struct of `arguments`, `result` and `error`")
            }
            Self::Reference => f.write_str("a node of the shape refers to one that is not there"),
        }
    }
}

impl std::error::Error for InvalidShape {}
