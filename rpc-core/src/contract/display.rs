//! Shapes as text: the type in a line, and then a line for each type with a name, in the order in which they are met.

use std::{collections::HashMap, fmt, iter};

use super::shape::{Content, Field, Node, NodeId, Primitive, Shape};

/// How deep types without names are written within each other.
const DEEPEST: usize = 64;

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = Written::new(self);
        let root = written.names.get(&0);
        f.write_str(&root.cloned().unwrap_or_else(|| written.inline(0, 0)))?;
        for &id in &written.order {
            write!(f, "\n{}", written.definition(id))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A shape and the names of what is defined on a line of its own.
pub(super) struct Written<'a> {
    shape: &'a Shape,
    names: HashMap<NodeId, String>,
    order: Vec<NodeId>,
}

impl<'a> Written<'a> {
    pub(super) fn new(shape: &'a Shape) -> Self {
        let reached = reached(shape);
        let mut uses = HashMap::<_, usize>::new();
        let references = reached.iter().flat_map(|&id| shape.node(id).parts());
        for id in references.chain(iter::once(0)) {
            *uses.entry(id).or_default() += 1;
        }
        let (mut names, mut taken) = (HashMap::new(), HashMap::<_, usize>::new());
        let mut order = Vec::new();
        for id in reached {
            let node = shape.node(id);
            let name = match node.name() {
                Some(name) => name,
                None if node.parts().is_empty() || uses[&id] < 2 => continue,
                // It contains itself.
                None => "Self",
            };
            let count = taken.entry(name).or_default();
            *count += 1;
            let name = if *count == 1 {
                name.to_owned()
            } else {
                format!("{name}#{count}")
            };
            names.insert(id, name);
            order.push(id);
        }
        Self { shape, names, order }
    }

    /// Of the types that the first node, a tuple, has as fields of structs: the methods of a contract.
    pub(super) fn of_types(shape: &'a Shape) -> Self {
        let mut written = Self::new(shape);
        written.order.retain(|&id| !is_of_method(shape.node(id)));
        written
    }

    /// A line for each type that has a name, in the order in which they are met.
    pub(super) fn definitions(&self) -> impl Iterator<Item = String> {
        self.order.iter().map(|&id| self.definition(id))
    }

    /// The type as it stands within others.
    pub(super) fn reference(&self, id: NodeId) -> String {
        self.reference_at(id, 0)
    }

    /// The type with its parts, which stand there by their names.
    pub(super) fn whole(&self, id: NodeId) -> String {
        let name = match self.shape.node(id) {
            node if node.name().is_none() => "",
            _ => &self.names[&id],
        };
        format!("{name}{}", self.inline(id, 0)).trim_start().to_owned()
    }

    fn reference_at(&self, id: NodeId, depth: usize) -> String {
        match self.names.get(&id) {
            Some(name) => name.clone(),
            None if depth == DEEPEST => "…".to_owned(),
            None => self.inline(id, depth),
        }
    }

    fn inline(&self, id: NodeId, depth: usize) -> String {
        let part = |id: &NodeId| self.reference_at(*id, depth + 1);
        match self.shape.node(id) {
            Node::Primitive(primitive) => primitive.name().to_owned(),
            Node::Option(of) => format!("Option<{}>", part(of)),
            Node::Sequence(of) => format!("[{}]", part(of)),
            Node::Map(key, value) => format!("{{{}: {}}}", part(key), part(value)),
            Node::Newtype(_, of) => format!("({})", part(of)),
            Node::Tuple(parts) | Node::TupleStruct(_, parts) => format!("({})", self.list(parts, depth)),
            Node::Struct(_, fields) => self.fields(fields, depth),
            Node::UnitStruct(_) => String::new(),
            Node::Receiver(of) => format!("Receiver<{}>", part(of)),
            Node::Sender(of) => format!("Sender<{}>", part(of)),
            Node::Client(service) => format!("client of {service}"),
            Node::Opaque(name) => format!("opaque {name}"),
            Node::Enum(_, variants) => {
                let variants = variants.iter().enumerate().map(|(index, variant)| {
                    let content = self.content(&variant.content, depth);
                    format!("{index} {}{content}", variant.name)
                });
                format!(" {{ {} }}", variants.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// What a variant has besides its name.
    pub(super) fn content(&self, content: &Content, depth: usize) -> String {
        match content {
            Content::Unit => String::new(),
            Content::Newtype(of) => format!("({})", self.reference_at(*of, depth + 1)),
            Content::Tuple(parts) => format!("({})", self.list(parts, depth)),
            Content::Struct(fields) => self.fields(fields, depth),
            Content::Refused => " (refused)".to_owned(),
        }
    }

    fn fields(&self, fields: &[Field], depth: usize) -> String {
        let fields = fields
            .iter()
            .map(|field| format!("{}: {}", field.name, self.reference_at(field.shape, depth + 1)));
        format!(" {{ {} }}", fields.collect::<Vec<_>>().join(", "))
    }

    /// Arrays are written with their length.
    fn list(&self, parts: &[NodeId], depth: usize) -> String {
        let mut parts = parts
            .iter()
            .map(|&id| self.reference_at(id, depth + 1))
            .collect::<Vec<_>>();
        match &parts[..] {
            [first, .., last] if parts.len() > 4 && parts.iter().all(|part| part == last) => {
                format!("{first}; {}", parts.len())
            }
            _ => {
                if parts.len() == 1 {
                    parts.push(String::new());
                }
                parts.join(", ").trim_end().to_owned()
            }
        }
    }

    fn definition(&self, id: NodeId) -> String {
        let (kind, equals) = match self.shape.node(id) {
            Node::Enum(..) => ("enum", ""),
            Node::UnitStruct(_) | Node::Newtype(..) | Node::TupleStruct(..) | Node::Struct(..) => ("struct", ""),
            _ => ("type", " = "),
        };
        format!("{kind} {}{equals}{}", self.names[&id], self.inline(id, 0))
    }
}

/// Whether the node is of no type, but holds those of a method.
fn is_of_method(node: &Node) -> bool {
    matches!(node, Node::Struct(name, _) if name.is_empty())
}

/// The nodes that can be reached from the first one, in the order in which they are written.
fn reached(shape: &Shape) -> Vec<NodeId> {
    let mut known = vec![false; shape.nodes().len()];
    let (mut order, mut next) = (Vec::new(), vec![0]);
    while let Some(id) = next.pop() {
        if !std::mem::replace(&mut known[id as usize], true) {
            order.push(id);
            next.extend(shape.node(id).parts().into_iter().rev());
        }
    }
    order
}

impl Primitive {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Unit => "()",
            Self::Bool => "bool",
            Self::I8 => "i8",
            Self::I16 => "i16",
            Self::I32 => "i32",
            Self::I64 => "i64",
            Self::I128 => "i128",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
            Self::U128 => "u128",
            Self::F32 => "f32",
            Self::F64 => "f64",
            Self::Char => "char",
            Self::String => "string",
            Self::Bytes => "bytes",
            Self::Any => "any",
        }
    }
}
