//! The types of one method, in the form in which serde wants names: for the whole life of the process.

use farcall::contract::{Content, Field, FormatKind, MethodContract, Node, NodeId, Primitive, Shape, Variant};

/// The types of one method. They live as long as the process, which calls few methods.
#[derive(Debug)]
pub(crate) struct Types {
    shape: &'static Shape,
    nodes: Vec<Names>,
    pub(crate) arguments: &'static [Field],
    pub(crate) result: NodeId,
    /// If the result is a `Result`: its error, unless that is the library's own.
    pub(crate) error: Option<NodeId>,
    pub(crate) is_fallible: bool,
    /// Whether the connection's format has names: a value tells what it is, and fields may be missing.
    pub(crate) is_named: bool,
}

/// What serde is told of a node.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Of the fields or the variants.
    pub(crate) parts: &'static [&'static str],
    /// Of the fields of each variant.
    pub(crate) fields: Vec<&'static [&'static str]>,
}

impl Types {
    /// `None` if that is no shape of a method.
    pub(crate) fn leaked(method: &MethodContract, kind: FormatKind) -> Option<&'static Self> {
        let shape: &'static Shape = Box::leak(Box::new(method.types_in(kind).clone()));
        let parts = fields(shape.node(0))?;
        let part = |name: &str| parts.iter().find(|part| part.name == name).map(|part| part.shape);
        let error = part("error");
        let types = Self {
            shape,
            nodes: shape.nodes().iter().map(Names::of).collect(),
            arguments: fields(shape.node(part("arguments")?))?,
            result: part("result")?,
            error: error.filter(|&error| !is_library_error(shape.node(error))),
            is_fallible: error.is_some(),
            is_named: kind.is_named(),
        };
        Some(Box::leak(Box::new(types)))
    }

    pub(crate) fn node(&self, id: NodeId) -> &'static Node {
        self.shape.node(id)
    }

    pub(crate) fn names(&self, id: NodeId) -> &Names {
        &self.nodes[id as usize]
    }

    /// The type inside of all newtypes.
    pub(crate) fn bare(&self, mut id: NodeId) -> NodeId {
        for _ in 0..self.nodes.len() {
            match self.node(id) {
                Node::Newtype(_, of) => id = *of,
                _ => return id,
            }
        }
        id
    }

    /// Whether a value of the type may be `null` in JSON, so that an `Option` of it needs another form.
    pub(crate) fn may_be_null(&self, id: NodeId) -> bool {
        use Primitive::{Any, Unit};
        match self.node(self.bare(id)) {
            Node::Primitive(primitive) => matches!(primitive, Unit | Any),
            Node::Option(_) | Node::UnitStruct(_) | Node::Opaque(_) | Node::Sender(_) => true,
            _ => false,
        }
    }

    /// What the stream gives, if the type is one.
    pub(crate) fn items(&self, id: NodeId) -> Option<NodeId> {
        match self.node(id) {
            Node::Receiver(of) => Some(*of),
            _ => None,
        }
    }

    /// What is watched, if the type is a watched value.
    pub(crate) fn watched(&self, id: NodeId) -> Option<NodeId> {
        match self.node(id) {
            Node::Newtype(name, of) if name == WATCHED => Some(*of),
            _ => None,
        }
    }

    /// Whether a value of any of the types may be the end of a stream.
    pub(crate) fn have_streams(&self) -> bool {
        let is_stream = |node: &Node| match node {
            Node::Receiver(_) | Node::Sender(_) => true,
            Node::Newtype(name, _) => name == WATCHED,
            _ => false,
        };
        self.shape.nodes().iter().any(is_stream)
    }
}

/// Whether that stands for the library's own error, which travels as the failure of the call.
pub(crate) fn is_library_error(node: &Node) -> bool {
    matches!(node, Node::UnitStruct(name) if name == "farcall::Error")
}

/// The name under which a watched value is a part of a shape.
pub(crate) const WATCHED: &str = "farcall::watch::Receiver";

impl Names {
    fn of(node: &'static Node) -> Self {
        match node {
            Node::Struct(_, fields) => Self {
                parts: names(fields),
                fields: Vec::new(),
            },
            Node::Enum(_, variants) => Self {
                parts: variants.iter().map(|variant| &*variant.name).collect::<Vec<_>>().leak(),
                fields: variants.iter().map(of_variant).collect(),
            },
            _ => Self::default(),
        }
    }
}

fn of_variant(variant: &'static Variant) -> &'static [&'static str] {
    match &variant.content {
        Content::Struct(fields) => names(fields),
        _ => &[],
    }
}

fn names(fields: &'static [Field]) -> &'static [&'static str] {
    fields.iter().map(|field| &*field.name).collect::<Vec<_>>().leak()
}

fn fields(node: &'static Node) -> Option<&'static [Field]> {
    match node {
        Node::Struct(_, fields) => Some(fields),
        _ => None,
    }
}

impl Types {
    /// What is good and what is not, if the type is a `Result`.
    pub(crate) fn sides(&self, id: NodeId) -> Option<[NodeId; 2]> {
        sides(self.shape, id)
    }
}

/// What is good and what is not, if the type is a `Result`.
pub(crate) fn sides(shape: &Shape, id: NodeId) -> Option<[NodeId; 2]> {
    let Node::Enum(name, variants) = shape.node(id) else {
        return None;
    };
    match &variants[..] {
        [good, bad] if name == "Result" && good.name == "Ok" && bad.name == "Err" => {
            match (&good.content, &bad.content) {
                (Content::Newtype(good), Content::Newtype(bad)) => Some([*good, *bad]),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether the type is the library's own error, where it is a part of another value.
pub(crate) fn is_error_value(node: &Node) -> bool {
    const FIELDS: [&str; 5] = ["code", "outcome", "message", "method", "metadata"];
    match node {
        Node::Struct(name, fields) => name == "Portable" && fields.iter().map(|field| &field.name).eq(FIELDS),
        _ => false,
    }
}

impl Types {
    /// Whether a value of the type is a text or has one, so that it may be a key in JSON.
    pub(crate) fn has_text(&self, id: NodeId) -> bool {
        use Primitive::{Any, Bytes, F32, F64, Unit};
        match self.node(self.bare(id)) {
            Node::Primitive(primitive) => !matches!(primitive, Any | Unit | Bytes | F32 | F64),
            Node::Enum(_, variants) => variants.iter().all(|variant| variant.content == Content::Unit),
            _ => false,
        }
    }
}
