//! The walk over two shapes at once.

use std::collections::HashSet;

use super::{
    super::{
        canonical::{Class, classes},
        shape::{Content, Fields, Node, NodeId, Shape, Variant},
        text::Written,
    },
    Change, Difference,
    members::{Member, matched},
};

/// More differences than that help nobody.
const MOST: usize = 32;
/// How many pairs of nodes are looked at. Types that differ in everything may have millions.
const MOST_PAIRS: usize = 1 << 14;
/// How much of a type is shown, in characters.
const LONGEST: usize = 160;

/// No longer path becomes longer.
const LONGEST_PATH: usize = 1 << 10;

/// A node of this side, and one of the other side in its place.
type Pair = [NodeId; 2];

/// A field is a newtype's content as far as a comparison goes.
type Place<'a> = (&'a str, Content);

pub(super) struct Comparison<'a> {
    shapes: [&'a Shape; 2],
    classes: [Vec<Class>; 2],
    written: [Written<'a>; 2],
    seen: HashSet<Pair>,
    /// Pairs to be compared, the last one first.
    next: Vec<(String, Pair)>,
    found: Vec<Difference>,
    /// As formats with names see it.
    named: bool,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(here: &'a Shape, there: &'a Shape, named: bool) -> Self {
        Self {
            shapes: [here, there],
            classes: classes([here, there], named),
            written: [Written::new(here), Written::new(there)],
            seen: HashSet::new(),
            next: vec![(String::new(), [0, 0])],
            found: Vec::new(),
            named,
        }
    }

    pub(super) fn run(mut self) -> Vec<Difference> {
        while let Some((path, pair)) = self.next.pop() {
            if self.same(pair) || !self.seen.insert(pair) {
                continue;
            }
            self.compare(path, pair);
            if self.found.len() >= MOST || self.seen.len() >= MOST_PAIRS {
                break;
            }
        }
        if self.found.is_empty() && !self.same([0, 0]) {
            self.report_types(String::new(), [0, 0]);
        }
        self.found.truncate(MOST);
        self.found
    }

    fn same(&self, [here, there]: Pair) -> bool {
        self.classes[0][here as usize] == self.classes[1][there as usize]
    }

    fn same_content(&self, here: &Content, there: &Content) -> bool {
        let (parts, others) = (here.parts(), there.parts());
        let pairs = || parts.iter().zip(&others).map(|(here, there)| [*here, *there]);
        std::mem::discriminant(here) == std::mem::discriminant(there)
            && parts.len() == others.len()
            && pairs().all(|pair| self.same(pair))
    }

    fn compare(&mut self, path: String, pair: Pair) {
        let [here, there] = [self.shapes[0].node(pair[0]), self.shapes[1].node(pair[1])];
        match (here, there) {
            (Node::Option(here), Node::Option(there))
            | (Node::Receiver(here), Node::Receiver(there))
            | (Node::Sender(here), Node::Sender(there)) => self.next.push((path, [*here, *there])),
            (Node::Sequence(here), Node::Sequence(there)) => self.next.push((path + "[]", [*here, *there])),
            (Node::Map(key, value), Node::Map(other_key, other_value)) => {
                self.next.push((format!("{path}{{value}}"), [*value, *other_value]));
                self.next.push((path + "{key}", [*key, *other_key]));
            }
            (Node::Newtype(name, here), Node::Newtype(other, there)) if name == other => {
                self.next.push((path, [*here, *there]));
            }
            (Node::Newtype(name, here), Node::Newtype(other, there)) if self.same([*here, *there]) => {
                self.report(path, Change::Renamed, [name.clone(), other.clone()]);
            }
            (Node::Tuple(here), Node::Tuple(there)) if here.len() == there.len() => self.parts(&path, here, there),
            (Node::TupleStruct(name, here), Node::TupleStruct(other, there)) if here.len() == there.len() => {
                if name != other {
                    self.report(path.clone(), Change::Renamed, [name.clone(), other.clone()]);
                }
                self.parts(&path, here, there);
            }
            (Node::Struct(_, here), Node::Struct(_, there)) => self.fields(&path, here, there),
            (Node::Enum(_, here), Node::Enum(_, there)) => {
                if self.named {
                    self.variant_aliases(&path, here, there);
                }
                let here: Vec<_> = here.iter().map(|of| (&*of.name, of.content.clone())).collect();
                let there: Vec<_> = there.iter().map(|of| (&*of.name, of.content.clone())).collect();
                self.members(&path, "::", &here, &there);
            }
            _ => self.report_types(path, pair),
        }
    }

    fn parts(&mut self, path: &str, here: &[NodeId], there: &[NodeId]) {
        for (index, (here, there)) in here.iter().zip(there).enumerate().rev() {
            self.next.push((joined(path, ".", &index.to_string()), [*here, *there]));
        }
    }

    fn fields(&mut self, path: &str, here: &Fields, there: &Fields) {
        let [places, others] = [here, there].map(|fields| {
            let places = fields.iter().map(|of| (&*of.name, Content::Newtype(of.shape)));
            places.collect::<Vec<_>>()
        });
        self.members(path, ".", &places, &others);
        if self.named {
            self.tolerances(path, here, there);
        }
    }

    fn variant_aliases(&mut self, path: &str, here: &[Variant], there: &[Variant]) {
        for variant in here {
            if let Some(other) = there.iter().find(|other| other.name == variant.name) {
                self.aliases(joined(path, "::", &variant.name), &variant.aliases, &other.aliases);
            }
        }
    }

    fn aliases(&mut self, path: String, here: &[String], there: &[String]) {
        if here != there {
            let texts = [here, there].map(|aliases| match aliases.join(", ") {
                none if none.is_empty() => "it has no alias".to_owned(),
                aliases => format!("it may be called {aliases}"),
            });
            self.report(path, Change::Tolerance, texts);
        }
    }

    /// What formats with names accept.
    fn tolerances(&mut self, path: &str, here: &Fields, there: &Fields) {
        if here.strict != there.strict {
            let texts = [here, there].map(|fields| if fields.strict { "refused" } else { "ignored" });
            let texts = texts.map(|text| format!("unknown fields are {text}"));
            self.report(path.to_owned(), Change::Tolerance, texts);
        }
        for field in here.iter() {
            let Some(other) = there.iter().find(|other| other.name == field.name) else {
                continue;
            };
            let path = || joined(path, ".", &field.name);
            if field.optional != other.optional {
                let texts = [field, other].map(|of| {
                    if of.optional {
                        "it may be missing"
                    } else {
                        "it is required"
                    }
                });
                self.report(path(), Change::Tolerance, texts.map(str::to_owned));
            }
            self.aliases(path(), &field.aliases, &other.aliases);
        }
    }

    /// The fields of a struct, or the variants of an enum.
    fn members(&mut self, path: &str, separator: &str, here: &[Place<'_>], there: &[Place<'_>]) {
        let same = |index: usize, other: usize| self.same_content(&here[index].1, &there[other].1);
        let names = [here, there].map(|all| all.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        let mut both = Vec::new();
        for member in matched(&names, same) {
            match member {
                Member::Both(index, other) => both.push((index, other)),
                Member::Here(index) => {
                    let text = self.member(0, index, here);
                    let path = joined(path, separator, here[index].0);
                    self.report(path, Change::Removed, [text, String::new()]);
                }
                Member::There(other) => {
                    let text = self.member(1, other, there);
                    let path = joined(path, separator, there[other].0);
                    self.report(path, Change::Added, [String::new(), text]);
                }
                Member::Renamed(index, other) => {
                    let path = joined(path, separator, here[index].0);
                    self.report(
                        path,
                        Change::Renamed,
                        [here[index].0, there[other].0].map(str::to_owned),
                    );
                }
                Member::Reordered => {
                    let lists = names.each_ref().map(|names| names.join(", "));
                    self.report(path.to_owned(), Change::Order, lists);
                }
            }
        }
        for (index, other) in both.into_iter().rev() {
            let path = joined(path, separator, here[index].0);
            self.contents(path, &here[index].1, &there[other].1);
        }
    }

    fn contents(&mut self, path: String, here: &Content, there: &Content) {
        match (here, there) {
            (Content::Unit, Content::Unit) | (Content::Refused, Content::Refused) => {}
            (Content::Newtype(here), Content::Newtype(there)) => self.next.push((path, [*here, *there])),
            (Content::Struct(here), Content::Struct(there)) => self.fields(&path, here, there),
            (Content::Tuple(here), Content::Tuple(there)) if here.len() == there.len() => {
                self.parts(&path, here, there);
            }
            _ => {
                let texts = [self.written[0].content(here), self.written[1].content(there)];
                let texts = texts.map(|text| match text.trim() {
                    "" => "nothing".to_owned(),
                    text => text.to_owned(),
                });
                self.report(path, Change::Type, texts);
            }
        }
    }

    fn member(&self, side: usize, index: usize, all: &[Place<'_>]) -> String {
        let content = self.written[side].content(&all[index].1);
        let content = content.trim_start().trim_start_matches('(').trim_end_matches(')');
        let comma = if content.is_empty() { "" } else { ", " };
        format!("number {index} of {}{comma}{content}", all.len())
    }

    fn report_types(&mut self, path: String, [here, there]: Pair) {
        let texts = [self.written[0].whole(here), self.written[1].whole(there)];
        self.report(path, Change::Type, texts);
    }

    fn report(&mut self, path: String, change: Change, texts: [String; 2]) {
        let [here, there] = texts.map(shortened);
        self.found.push(Difference {
            path,
            here,
            there,
            ..Difference::new(change)
        });
    }
}

/// A place within another one. Paths do not grow with what a peer claims.
pub(in crate::contract) fn joined(path: &str, separator: &str, name: &str) -> String {
    if path.len() > LONGEST_PATH {
        return path.to_owned();
    }
    let separator = if path.is_empty() && separator == "." {
        ""
    } else {
        separator
    };
    format!("{path}{separator}{name}")
}

pub(in crate::contract) fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
