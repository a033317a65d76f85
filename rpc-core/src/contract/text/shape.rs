//! Shapes as text: the type in a line, and then a line for each type with a name, in the order in which they are met.

use std::{collections::HashMap, fmt};

use super::name::{RESERVED, quoted};
use crate::contract::shape::{Content, Field, Fields, Node, NodeId, Primitive, Shape};

/// How deep types without names are written within each other. What is deeper gets a name.
const DEEPEST: usize = 64;

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = Written::new(self);
        f.write_str(&written.reference(0))?;
        for definition in written.definitions(Layout::Line) {
            write!(f, "\n{definition}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How fields and variants are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::contract) enum Layout {
    Line,
    /// One in each line, indented.
    Lines,
}

/// A shape and the names of what is defined on a line of its own.
pub(in crate::contract) struct Written<'a> {
    shape: &'a Shape,
    names: HashMap<NodeId, String>,
    order: Vec<NodeId>,
}

impl<'a> Written<'a> {
    /// What can be reached from the first node.
    pub(in crate::contract) fn new(shape: &'a Shape) -> Self {
        Self::of(shape, &[0])
    }

    /// What can be reached from these nodes.
    pub(super) fn of(shape: &'a Shape, roots: &[NodeId]) -> Self {
        let reached = reached(shape, roots);
        let mut uses = HashMap::<_, usize>::new();
        let references = reached.iter().flat_map(|&id| shape.node(id).parts());
        for id in references.chain(roots.iter().copied()) {
            *uses.entry(id).or_default() += 1;
        }
        let mut written = Self {
            shape,
            names: HashMap::new(),
            order: Vec::new(),
        };
        let mut taken: HashMap<&str, usize> = RESERVED.iter().map(|&word| (word, 1)).collect();
        taken.extend(Primitive::ALL.iter().map(|of| (of.name(), 1)));
        // How deep a node without a name stands in those without a name.
        let mut depths = HashMap::<NodeId, usize>::new();
        for id in reached {
            let node = shape.node(id);
            let depth = depths.get(&id).copied().unwrap_or_default();
            let name = match node.name() {
                Some(name) => Some(name),
                // It contains itself, or is used by several.
                None if depth == DEEPEST || (uses[&id] > 1 && !node.parts().is_empty()) => Some("Self"),
                None => None,
            };
            if let Some(name) = name {
                let count = taken.entry(name).or_default();
                *count += 1;
                let number = if *count == 1 {
                    String::new()
                } else {
                    format!("#{count}")
                };
                written.names.insert(id, format!("{}{number}", quoted(name)));
                written.order.push(id);
            }
            let below = if name.is_some() { 1 } else { depth + 1 };
            depths.extend(node.parts().into_iter().map(|part| (part, below)));
        }
        written
    }

    /// The text of each type that has a name, in the order in which they are met.
    pub(super) fn definitions(&self, layout: Layout) -> impl Iterator<Item = String> {
        self.order.iter().map(move |&id| self.definition(id, layout))
    }

    /// The type as it stands within others.
    pub(super) fn reference(&self, id: NodeId) -> String {
        match self.names.get(&id) {
            Some(name) => name.clone(),
            None => self.inline(id, Layout::Line),
        }
    }

    /// The type with its parts, which stand there by their names.
    pub(in crate::contract) fn whole(&self, id: NodeId) -> String {
        let name = match self.shape.node(id) {
            node if node.name().is_none() => "",
            _ => &self.names[&id],
        };
        format!("{name}{}", self.inline(id, Layout::Line))
            .trim_start()
            .to_owned()
    }

    fn inline(&self, id: NodeId, layout: Layout) -> String {
        let part = |id: &NodeId| self.reference(*id);
        match self.shape.node(id) {
            Node::Primitive(primitive) => primitive.name().to_owned(),
            Node::Option(of) => format!("Option<{}>", part(of)),
            Node::Sequence(of) => format!("[{}]", part(of)),
            Node::Map(key, value) => format!("{{{}: {}}}", part(key), part(value)),
            Node::Newtype(_, of) => format!("({})", part(of)),
            Node::Tuple(parts) if parts.is_empty() => "(,)".to_owned(),
            Node::Tuple(parts) | Node::TupleStruct(_, parts) => format!("({})", self.list(parts)),
            Node::Struct(_, fields) => self.fields(fields, layout),
            Node::UnitStruct(_) => String::new(),
            Node::Receiver(of) => format!("Receiver<{}>", part(of)),
            Node::Sender(of) => format!("Sender<{}>", part(of)),
            Node::Client(service) => format!("client of {}", quoted(service)),
            Node::Opaque(name) => format!("opaque {}", quoted(name)),
            Node::Enum(_, variants) => {
                let variants = variants.iter().enumerate().map(|(index, variant)| {
                    let strict = match &variant.content {
                        Content::Struct(fields) if fields.strict => STRICT,
                        _ => "",
                    };
                    let content = self.content(&variant.content);
                    format!("{strict}{index} {}{content}", all_names(variant.names()))
                });
                braced(&variants.collect::<Vec<_>>(), layout)
            }
        }
    }

    /// What a variant has besides its name.
    pub(in crate::contract) fn content(&self, content: &Content) -> String {
        match content {
            Content::Unit => String::new(),
            Content::Newtype(of) => format!("({})", self.reference(*of)),
            Content::Tuple(parts) => format!("({})", self.list(parts)),
            Content::Struct(fields) => self.fields(fields, Layout::Line),
            Content::Refused => " (refused)".to_owned(),
        }
    }

    fn fields(&self, fields: &Fields, layout: Layout) -> String {
        let fields = fields
            .iter()
            .map(|field| format!("{}: {}", name_of(field), self.reference(field.shape)));
        braced(&fields.collect::<Vec<_>>(), layout)
    }

    /// Arrays are written with their length.
    fn list(&self, parts: &[NodeId]) -> String {
        let mut parts = parts.iter().map(|&id| self.reference(id)).collect::<Vec<_>>();
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

    fn definition(&self, id: NodeId, layout: Layout) -> String {
        let (kind, equals) = match self.shape.node(id) {
            Node::Enum(..) => ("enum", ""),
            Node::UnitStruct(_) | Node::Newtype(..) | Node::TupleStruct(..) | Node::Struct(..) => ("struct", ""),
            _ => ("type", " = "),
        };
        let strict = match self.shape.node(id) {
            Node::Struct(_, fields) if fields.strict => STRICT,
            _ => "",
        };
        format!("{strict}{kind} {}{equals}{}", self.names[&id], self.inline(id, layout))
    }
}

/// Before a struct or a variant that refuses unknown fields.
const STRICT: &str = "#[deny_unknown_fields] ";

/// Its names, and whether it may be missing.
fn name_of(field: &Field) -> String {
    format!("{}{}", all_names(field.names()), if field.optional { "?" } else { "" })
}

fn all_names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.map(quoted).collect::<Vec<_>>().join("|")
}

fn braced(members: &[String], layout: Layout) -> String {
    match layout {
        _ if members.is_empty() => " {}".to_owned(),
        Layout::Line => format!(" {{ {} }}", members.join(", ")),
        Layout::Lines => {
            let lines = members.iter().map(|member| format!("    {member},\n"));
            format!(" {{\n{}}}", lines.collect::<String>())
        }
    }
}

/// The nodes that can be reached from these, in the order in which they are written.
fn reached(shape: &Shape, roots: &[NodeId]) -> Vec<NodeId> {
    let mut known = vec![false; shape.nodes().len()];
    let mut order = Vec::new();
    let mut next: Vec<_> = roots.iter().rev().copied().collect();
    while let Some(id) = next.pop() {
        if !std::mem::replace(&mut known[id as usize], true) {
            order.push(id);
            next.extend(shape.node(id).parts().into_iter().rev());
        }
    }
    order
}

impl Primitive {
    pub(in crate::contract) const fn name(self) -> &'static str {
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
