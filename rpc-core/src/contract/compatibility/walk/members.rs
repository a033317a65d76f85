//! Arguments, fields and variants, which are found by name.

use std::collections::HashMap;

use super::{Compatibility, Walk, Way, step::Step};
use crate::contract::{
    difference::{joined, shortened},
    shape::{Content, Field, Fields, Node, Variant},
    signature::ARGUMENTS,
    text::Written,
};

impl Walk<'_> {
    /// The callee reads what the caller writes. Arguments have no defaults: one that is missing is `None`.
    pub(in crate::contract::compatibility) fn arguments(&mut self, caller: &Fields, callee: &Fields) {
        let [client, server] = self.sides;
        let way = Way::first().turned();
        for written in caller.iter() {
            let path = joined(ARGUMENTS, ".", &written.name);
            match callee.iter().find(|read| read.name == written.name) {
                Some(read) => self.start(path, way, [written.shape, read.shape]),
                None => self.note(&path, Compatibility::Compatible, |_| dropped(server)),
            }
        }
        for read in callee.iter() {
            if caller.iter().any(|written| written.name == read.name) {
                continue;
            }
            let path = joined(ARGUMENTS, ".", &read.name);
            if matches!(self.shapes[1].node(read.shape), Node::Option(_)) {
                self.note(&path, Compatibility::Compatible, |_| {
                    format!("{client} does not have it, and it is `None` for {server}")
                });
            } else {
                self.note(&path, Compatibility::Incompatible, |_| {
                    format!("{client} does not have it and {server} needs it: only an `Option` may be missing")
                });
            }
        }
    }
}

impl Step {
    pub(super) fn fields(&self, walk: &mut Walk<'_>, reader: &Fields, writer: &Fields) {
        let mut places = HashMap::new();
        for (place, field) in reader.iter().enumerate() {
            for name in field.names() {
                places.entry(name).or_insert(place);
            }
        }
        let mut found = vec![false; reader.len()];
        for written in writer.iter() {
            let inner = self.inner(".", &written.name);
            let Some(&place) = places.get(&*written.name) else {
                inner.unknown_field(walk, reader.strict);
                continue;
            };
            if std::mem::replace(&mut found[place], true) {
                inner.note(walk, Compatibility::Incompatible, |reader, _| {
                    format!("{reader} finds the field twice, by two of its names")
                });
                continue;
            }
            inner.field(walk, &reader[place], written);
        }
        for (read, found) in reader.iter().zip(found) {
            if !found {
                self.inner(".", &read.name).missing_field(walk, read.optional);
            }
        }
    }

    fn field(&self, walk: &mut Walk<'_>, read: &Field, written: &Field) {
        self.push(walk, "", read.shape, written.shape);
        let of_writer = walk.shapes[1 - self.way.reader].node(written.shape);
        if written.optional && !read.optional && !matches!(of_writer, Node::Option(_)) {
            self.note(walk, Compatibility::Compatible, |reader, writer| {
                format!("{reader} needs it: a `skip_serializing_if` of {writer} would make the value fail")
            });
        }
    }

    fn unknown_field(&self, walk: &mut Walk<'_>, strict: bool) {
        if strict {
            self.note(walk, Compatibility::Incompatible, |reader, _| {
                format!("{reader} does not have it and refuses unknown fields")
            });
        } else {
            self.note(walk, Compatibility::Compatible, |reader, _| dropped(reader));
        }
    }

    fn missing_field(&self, walk: &mut Walk<'_>, optional: bool) {
        if optional {
            self.note(walk, Compatibility::Compatible, |reader, writer| {
                format!("{writer} does not have it, and {reader} takes the default")
            });
        } else {
            self.note(walk, Compatibility::Incompatible, |reader, writer| {
                format!("{writer} does not have it and {reader} needs it")
            });
        }
    }

    /// A variant that its own type refuses is as good as none.
    pub(super) fn variants(&self, walk: &mut Walk<'_>, reader: &[Variant], writer: &[Variant]) {
        let known = |of: &&Variant| !matches!(of.content, Content::Refused);
        let mut places = HashMap::new();
        for of in reader.iter().filter(known) {
            places.extend(of.names().map(|name| (name, &of.content)));
        }
        let written: Vec<_> = writer.iter().filter(known).collect();
        let is_known = |of: &&Variant| of.names().any(|name| places.contains_key(name));
        if !written.is_empty() && !written.iter().any(is_known) {
            return self.types(walk);
        }
        for written in written {
            let inner = self.inner("::", &written.name);
            // Nobody knows which of the names is written.
            for name in written.names() {
                match places.get(name) {
                    Some(read) => inner.contents(walk, read, &written.content),
                    None => inner.note(walk, Compatibility::Partial, |reader, writer| {
                        match &written.aliases[..] {
                            [] => format!("{reader} does not have it: such a value fails"),
                            _ => {
                                format!("{reader} does not know the name `{name}`: values fail if {writer} writes that")
                            }
                        }
                    }),
                }
            }
        }
    }

    fn contents(&self, walk: &mut Walk<'_>, reader: &Content, writer: &Content) {
        match (reader, writer) {
            (Content::Unit, Content::Unit) => {}
            (Content::Newtype(of), Content::Newtype(inner)) => self.push(walk, "", *of, *inner),
            (Content::Tuple(reader), Content::Tuple(writer)) if reader.len() == writer.len() => {
                self.parts(walk, reader, writer);
            }
            (Content::Struct(reader), Content::Struct(writer)) => self.fields(walk, reader, writer),
            _ => {
                let way = self.way;
                walk.note(&self.path, Compatibility::Incompatible, |walk| {
                    let text = |side: usize, content| match Written::new(walk.shapes[side]).content(content).trim() {
                        "" => "nothing".to_owned(),
                        text => format!("`{}`", shortened(text.to_owned())),
                    };
                    let (wanted, given) = (text(way.reader, reader), text(1 - way.reader, writer));
                    let (reader, writer) = self.sides(walk);
                    format!("it holds {wanted} for {reader} and {given} for {writer}")
                });
            }
        }
    }

    fn inner(&self, separator: &str, name: &str) -> Self {
        Self {
            path: joined(&self.path, separator, name),
            way: self.way,
            pair: self.pair,
        }
    }
}

fn dropped(reader: &str) -> String {
    format!("{reader} does not have it and drops it")
}
