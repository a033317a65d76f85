//! Types as Rust writes them.

use std::{cell::Cell, collections::BTreeMap};

use farcall::contract::{Content, Field, Node, NodeId, Primitive, Shape};

use crate::{
    dynamic::{WATCHED, is_error_value, sides},
    output::{NAME, SIDE, WORD, styled},
};

/// How deep types are written within each other.
const DEEPEST: usize = 32;
/// How many types are written for one method.
const MOST: usize = 20_000;

/// The definitions of all types of a service, each once.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    /// By name, those that differ; in the order in which they were met.
    texts: BTreeMap<String, Vec<String>>,
    order: Vec<(String, usize)>,
}

impl Definitions {
    /// Adds the types of one method.
    pub(super) fn add(&mut self, written: &Written<'_>) {
        for (name, text) in written.definitions() {
            let known = self.texts.entry(name.clone()).or_default();
            if !known.contains(&text) {
                self.order.push((name, known.len()));
                known.push(text);
            }
        }
    }

    pub(super) fn into_texts(self) -> impl Iterator<Item = String> {
        let Self { texts, order } = self;
        order.into_iter().filter_map(move |(name, index)| {
            let text = texts.get(&name)?.get(index)?;
            let note = match index {
                0 => String::new(),
                _ => styled(SIDE, format!("// Another type that is called `{name}`, too.")) + "\n",
            };
            Some(note + text)
        })
    }
}

/// The types of one method.
#[derive(Debug)]
pub(super) struct Written<'a> {
    shape: &'a Shape,
    /// How many types are still written: few nodes that refer to each other can mean any number of types.
    left: Cell<usize>,
}

/// The fields of a struct.
pub(super) fn fields_of(node: &Node) -> &[Field] {
    match node {
        Node::Struct(_, fields) => fields,
        _ => &[],
    }
}

impl<'a> Written<'a> {
    pub(super) fn new(shape: &'a Shape) -> Self {
        let left = Cell::new(MOST);
        Self { shape, left }
    }

    /// An argument or a result, which may be a stream.
    pub(super) fn place(&self, id: NodeId) -> String {
        match self.shape.node(id) {
            Node::Receiver(of) => format!("impl Stream<Item = {}>", self.reference(*of)),
            _ => self.reference(id),
        }
    }

    /// The type as it stands within others.
    pub(super) fn reference(&self, id: NodeId) -> String {
        self.at(id, 0)
    }

    fn at(&self, id: NodeId, depth: usize) -> String {
        let left = self.left.get();
        if depth > DEEPEST || left == 0 {
            return "…".to_owned();
        }
        self.left.set(left - 1);
        let part = |id: &NodeId| self.at(*id, depth + 1);
        match self.shape.node(id) {
            Node::Primitive(primitive) => primitive_name(*primitive).to_owned(),
            Node::Option(of) => format!("Option<{}>", part(of)),
            Node::Sequence(of) => format!("Vec<{}>", part(of)),
            Node::Map(key, value) => format!("BTreeMap<{}, {}>", part(key), part(value)),
            Node::Tuple(parts) => tuple(&parts.iter().map(part).collect::<Vec<_>>()),
            Node::Newtype(name, of) if name == WATCHED => format!("watch::Receiver<{}>", part(of)),
            node if is_error_value(node) => "farcall::Error".to_owned(),
            Node::UnitStruct(name)
            | Node::Newtype(name, _)
            | Node::TupleStruct(name, _)
            | Node::Struct(name, _)
            | Node::Opaque(name) => name.clone(),
            Node::Enum(name, _) => match sides(self.shape, id) {
                Some([good, bad]) if is_error_value(self.shape.node(bad)) => {
                    format!("farcall::Result<{}>", part(&good))
                }
                Some([good, bad]) => format!("Result<{}, {}>", part(&good), part(&bad)),
                None => name.clone(),
            },
            Node::Receiver(of) => format!("channel::Receiver<{}>", part(of)),
            Node::Sender(of) => format!("channel::Sender<{}>", part(of)),
            Node::Client(service) => format!("{}Client", service.rsplit('.').next().unwrap_or(service)),
            _ => "_".to_owned(),
        }
    }

    /// The types that have a definition, with their names, in the order in which they are met.
    fn definitions(&self) -> Vec<(String, String)> {
        let mut known = vec![false; self.shape.nodes().len()];
        let (mut found, mut next) = (Vec::new(), vec![0]);
        while let Some(id) = next.pop() {
            if std::mem::replace(&mut known[id as usize], true) {
                continue;
            }
            if is_error_value(self.shape.node(id)) {
                continue;
            }
            found.extend(self.definition(id));
            let mut parts = parts(self.shape.node(id));
            parts.reverse();
            next.append(&mut parts);
        }
        found
    }

    fn definition(&self, id: NodeId) -> Option<(String, String)> {
        let node = self.shape.node(id);
        let is_made = |name: &str| name.is_empty() || name == WATCHED || name.contains("::");
        let list = |parts: &[NodeId]| {
            parts
                .iter()
                .map(|part| self.reference(*part))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let (kind, name, body) = match node {
            Node::UnitStruct(name) => ("struct", name, ";".to_owned()),
            Node::Newtype(name, of) => ("struct", name, format!("({});", self.reference(*of))),
            Node::TupleStruct(name, parts) => ("struct", name, format!("({});", list(parts))),
            Node::Struct(name, fields) => ("struct", name, format!(" {{{}\n}}", self.lines(fields))),
            Node::Enum(name, variants) if sides(self.shape, id).is_none() => {
                let variants = variants.iter().map(|variant| {
                    let content = match &variant.content {
                        Content::Newtype(of) => format!("({})", self.reference(*of)),
                        Content::Tuple(parts) => format!("({})", list(parts)),
                        Content::Struct(fields) => format!(" {{{} }}", self.fields(fields, " ").trim_end_matches(',')),
                        _ => String::new(),
                    };
                    format!("\n    {}{content},", variant.name)
                });
                ("enum", name, format!(" {{{}\n}}", variants.collect::<String>()))
            }
            _ => return None,
        };
        if is_made(name) {
            return None;
        }
        let words = styled(WORD, format!("pub {kind}"));
        Some((name.clone(), format!("{words} {}{body}\n", styled(NAME, name))))
    }

    fn lines(&self, fields: &[Field]) -> String {
        let line = |field: &Field| {
            let has_default = field.optional && !matches!(self.shape.node(field.shape), Node::Option(_));
            let default = styled(SIDE, "#[serde(default)]");
            let before = if has_default {
                format!("\n    {default}")
            } else {
                String::new()
            };
            before + &self.fields(std::slice::from_ref(field), "\n    ")
        };
        fields.iter().map(line).collect()
    }

    fn fields(&self, fields: &[Field], before: &str) -> String {
        let field = |field: &Field| format!("{before}{}: {},", field.name, self.reference(field.shape));
        fields.iter().map(field).collect()
    }
}

fn parts(node: &Node) -> Vec<NodeId> {
    let shapes = |fields: &[Field]| fields.iter().map(|field| field.shape).collect::<Vec<_>>();
    match node {
        Node::Option(of) | Node::Sequence(of) | Node::Newtype(_, of) | Node::Receiver(of) | Node::Sender(of) => {
            vec![*of]
        }
        Node::Map(key, value) => vec![*key, *value],
        Node::Tuple(parts) | Node::TupleStruct(_, parts) => parts.clone(),
        Node::Struct(_, fields) => shapes(fields),
        Node::Enum(_, variants) => {
            let contents = variants.iter().map(|variant| match &variant.content {
                Content::Newtype(of) => vec![*of],
                Content::Tuple(parts) => parts.clone(),
                Content::Struct(fields) => shapes(fields),
                _ => Vec::new(),
            });
            contents.flatten().collect()
        }
        _ => Vec::new(),
    }
}

/// Arrays are written with their length.
fn tuple(parts: &[String]) -> String {
    match parts {
        [only] => format!("({only},)"),
        [first, .., last] if parts.len() > 4 && parts.iter().all(|part| part == last) => {
            format!("[{first}; {}]", parts.len())
        }
        parts => format!("({})", parts.join(", ")),
    }
}

fn primitive_name(primitive: Primitive) -> &'static str {
    match primitive {
        Primitive::Unit => "()",
        Primitive::Bool => "bool",
        Primitive::I8 => "i8",
        Primitive::I16 => "i16",
        Primitive::I32 => "i32",
        Primitive::I64 => "i64",
        Primitive::I128 => "i128",
        Primitive::U8 => "u8",
        Primitive::U16 => "u16",
        Primitive::U32 => "u32",
        Primitive::U64 => "u64",
        Primitive::U128 => "u128",
        Primitive::F32 => "f32",
        Primitive::F64 => "f64",
        Primitive::Char => "char",
        Primitive::String => "String",
        Primitive::Bytes => "Bytes",
        _ => "_",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn few_nodes_that_mean_many_types_are_cut_short() {
        // Together they have 64 to the power of 30 parts.
        let tuple = |of: u32| json!({ "tuple": vec![of; 64] });
        let nodes: Vec<_> = (1..=30).map(tuple).chain([json!({ "opaque": "O" })]).collect();
        let shape: Shape = serde_json::from_value(nodes.into()).expect("a shape");
        let text = Written::new(&shape).reference(0);
        assert!(text.contains('…'), "{text}");
    }

    #[test]
    fn types_of_one_name_are_told_apart() {
        let shape = |of: &str| {
            let nodes = json!([{ "newtype": ["Id", 1] }, { "primitive": of }]);
            serde_json::from_value::<Shape>(nodes).expect("a shape")
        };
        let mut definitions = Definitions::default();
        for shape in [shape("u8"), shape("u8"), shape("string")] {
            definitions.add(&Written::new(&shape));
        }
        let texts: Vec<_> = definitions
            .into_texts()
            .map(|text| anstream::adapter::strip_str(&text).to_string())
            .collect();
        assert_eq!(
            texts,
            [
                "pub struct Id(u8);\n",
                "// Another type that is called `Id`, too.\npub struct Id(String);\n"
            ]
        );
    }
}
