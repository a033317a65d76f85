//! One pair of types.

use super::{Pair, Walk, Way};
use crate::contract::{
    compatibility::{Compatibility, numbers::integers},
    difference::{joined, shortened},
    shape::{Node, NodeId, Primitive, Shape},
    text::Written,
};

/// One pair, and how one gets there.
pub(super) struct Step {
    pub(super) path: String,
    pub(super) way: Way,
    pub(super) pair: Pair,
}

impl Step {
    /// What the reader has in the place, and what the writer has.
    fn nodes<'a>(&self, walk: &Walk<'a>) -> (&'a Node, &'a Node) {
        let [first, second] = [0, 1].map(|side| walk.shapes[side].node(self.pair[side]));
        if self.way.reader == 0 {
            (first, second)
        } else {
            (second, first)
        }
    }

    /// What the reader and the writer are called.
    pub(super) fn sides(&self, walk: &Walk<'_>) -> (&'static str, &'static str) {
        let (reader, writer) = (walk.sides[self.way.reader], walk.sides[1 - self.way.reader]);
        (reader, writer)
    }

    /// A pair of the reader's node and the writer's.
    pub(super) fn pair(&self, reader: NodeId, writer: NodeId) -> Pair {
        if self.way.reader == 0 {
            [reader, writer]
        } else {
            [writer, reader]
        }
    }

    fn reader(&self) -> NodeId {
        self.pair[self.way.reader]
    }

    fn writer(&self) -> NodeId {
        self.pair[1 - self.way.reader]
    }

    pub(super) fn push(&self, walk: &mut Walk<'_>, segment: &str, reader: NodeId, writer: NodeId) {
        walk.start(format!("{}{segment}", self.path), self.way, self.pair(reader, writer));
    }

    pub(super) fn take(&self, walk: &mut Walk<'_>) {
        let (reader, writer) = self.nodes(walk);
        match (reader, writer) {
            _ if self.is_any(walk, 0) || self.is_any(walk, 1) => self.any(walk),
            (Node::Newtype(name, of), Node::Newtype(other, inner)) if name == other => self.push(walk, "", *of, *inner),
            (Node::Newtype(name, _), Node::Newtype(other, _)) => self.names(walk, name, other),
            (Node::Newtype(_, of), _) => self.push(walk, "", *of, self.writer()),
            (_, Node::Newtype(_, of)) => self.push(walk, "", self.reader(), *of),
            (Node::Option(of), Node::Option(inner))
                if is_option(walk.shapes[self.way.reader], *of)
                    == is_option(walk.shapes[1 - self.way.reader], *inner) =>
            {
                self.push(walk, "", *of, *inner);
            }
            (Node::Option(of), _) if !self.may_be_null(walk, 1 - self.way.reader) => {
                self.push(walk, "", *of, self.writer());
            }
            (_, Node::Option(of)) if !self.may_be_null(walk, self.way.reader) => {
                self.note(walk, Compatibility::Partial, |reader, _| {
                    format!("{reader} needs a value: `None` fails")
                });
                self.push(walk, "", self.reader(), *of);
            }
            (Node::Primitive(reader), Node::Primitive(writer)) => self.primitives(walk, *reader, *writer),
            (Node::Sequence(of), Node::Sequence(inner)) => self.push(walk, "[]", *of, *inner),
            (Node::Map(key, value), Node::Map(other_key, other_value)) => {
                self.push(walk, "{key}", *key, *other_key);
                self.push(walk, "{value}", *value, *other_value);
            }
            (Node::Tuple(reader), Node::Tuple(writer)) if reader.len() == writer.len() => {
                self.parts(walk, reader, writer);
            }
            (Node::TupleStruct(name, reader), Node::TupleStruct(other, writer)) if reader.len() == writer.len() => {
                if name != other {
                    self.names(walk, name, other);
                }
                self.parts(walk, reader, writer);
            }
            (Node::UnitStruct(name), Node::UnitStruct(other)) if name != other => self.names(walk, name, other),
            (Node::UnitStruct(_), Node::UnitStruct(_)) => {}
            (Node::Struct(_, reader), Node::Struct(_, writer)) => self.fields(walk, reader, writer),
            (Node::Enum(_, reader), Node::Enum(_, writer)) => self.variants(walk, reader, writer),
            (Node::Receiver(of), Node::Receiver(inner)) => self.push(walk, "", *of, *inner),
            // The reader of the message writes the items.
            (Node::Sender(of), Node::Sender(inner)) => {
                walk.start(self.path.clone(), self.way.turned(), self.pair(*of, *inner));
            }
            (Node::Client(name), Node::Client(other)) | (Node::Opaque(name), Node::Opaque(other)) if name == other => {}
            _ => self.types(walk),
        }
    }

    pub(super) fn parts(&self, walk: &mut Walk<'_>, reader: &[NodeId], writer: &[NodeId]) {
        for (index, (reader, writer)) in reader.iter().zip(writer).enumerate() {
            let path = joined(&self.path, ".", &index.to_string());
            walk.start(path, self.way, self.pair(*reader, *writer));
        }
    }

    fn primitives(&self, walk: &mut Walk<'_>, of_reader: Primitive, of_writer: Primitive) {
        if of_reader == of_writer {
            return;
        }
        match integers(of_reader, of_writer) {
            None => self.types(walk),
            Some(Compatibility::Partial) => self.note(walk, Compatibility::Partial, |reader, writer| {
                let (wanted, given) = (of_reader.name(), of_writer.name());
                format!("it is `{wanted}` for {reader} and `{given}` for {writer}: numbers that do not fit fail")
            }),
            Some(_) => {}
        }
    }

    /// A type takes whatever comes.
    fn any(&self, walk: &mut Walk<'_>) {
        if self.is_any(walk, 0) && self.is_any(walk, 1) {
            self.note(walk, Compatibility::Compatible, |_, _| {
                "the type takes anything (`untagged`, `flatten`), so a change of it cannot be seen".to_owned()
            });
        } else {
            self.note(walk, Compatibility::Partial, |_, _| {
                "the type of one side takes anything (`untagged`, `flatten`), so values may fail that cannot be told"
                    .to_owned()
            });
        }
    }

    fn names(&self, walk: &mut Walk<'_>, name: &str, other: &str) {
        self.note(walk, Compatibility::Incompatible, |reader, writer| {
            let [name, other] = [name, other].map(|name| shortened(name.to_owned()));
            format!("the name is `{name}` for {reader} and `{other}` for {writer}")
        });
    }

    pub(super) fn types(&self, walk: &mut Walk<'_>) {
        let (reader, writer) = (self.reader(), self.writer());
        let way = self.way;
        walk.note(&self.path, Compatibility::Incompatible, |walk| {
            let whole = |side: usize, id| shortened(Written::new(walk.shapes[side]).whole(id));
            let (wanted, given) = (whole(way.reader, reader), whole(1 - way.reader, writer));
            let (reader, writer) = self.sides(walk);
            format!("the type is `{wanted}` for {reader} and `{given}` for {writer}")
        });
    }

    pub(super) fn note(
        &self,
        walk: &mut Walk<'_>,
        compatibility: Compatibility,
        text: impl FnOnce(&str, &str) -> String,
    ) {
        let (reader, writer) = self.sides(walk);
        walk.note(&self.path, compatibility, |_| text(reader, writer));
    }

    /// Whether the type of that side takes what comes: `untagged` enums ask for anything, and structs with `flatten`
    /// for a map of anything.
    fn is_any(&self, walk: &Walk<'_>, side: usize) -> bool {
        let takes_any = |id: NodeId| matches!(walk.shapes[side].node(id), Node::Primitive(Primitive::Any));
        match walk.shapes[side].node(self.pair[side]) {
            Node::Map(key, value) => takes_any(*key) && takes_any(*value),
            _ => takes_any(self.pair[side]),
        }
    }

    /// Whether a value of that side may be written as nothing, as `None` is.
    fn may_be_null(&self, walk: &Walk<'_>, side: usize) -> bool {
        let null = |node: &Node| {
            matches!(
                node,
                Node::Primitive(Primitive::Unit | Primitive::Any)
                    | Node::UnitStruct(_)
                    | Node::Option(_)
                    | Node::Opaque(_)
            )
        };
        within_newtypes(walk.shapes[side], self.pair[side]).is_none_or(null)
    }
}

/// `None` and `Some(None)` are the same in formats with names, so an option of an option is never read as an option.
fn is_option(shape: &Shape, id: NodeId) -> bool {
    matches!(within_newtypes(shape, id), Some(Node::Option(_)))
}

/// What newtypes around each other hold; `None` if there is no end of them.
fn within_newtypes(shape: &Shape, mut id: NodeId) -> Option<&Node> {
    for _ in 0..shape.nodes().len() {
        match shape.node(id) {
            Node::Newtype(_, of) => id = *of,
            node => return Some(node),
        }
    }
    None
}
