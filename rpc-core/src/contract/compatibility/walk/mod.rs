//! The walk over the types of both sides at once.
//!
//! Types that contain themselves are compatible unless a place is found that is not: each pair of nodes is looked at
//! once, and what it refers to goes into a list. So nothing recurses on the stack, whoever made the shapes.

mod members;
mod step;

use std::collections::HashSet;

use self::step::Step;
use super::{Compatibility, Note, Sides, Verdict};
use crate::contract::{
    canonical::{Class, classes},
    shape::{Node, NodeId, Primitive, Shape},
};

/// More notes of one compatibility help nobody.
const MOST: usize = 32;
/// How many pairs of nodes are looked at.
const MOST_PAIRS: usize = 1 << 13;

/// Which of the two sides reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Way {
    reader: usize,
}

impl Way {
    /// The first side reads.
    pub(super) const fn first() -> Self {
        Self { reader: 0 }
    }

    /// The other side reads.
    const fn turned(self) -> Self {
        Self {
            reader: 1 - self.reader,
        }
    }
}

/// A node of each side, that of the first side first.
type Pair = [NodeId; 2];

pub(super) struct Walk<'a> {
    shapes: [&'a Shape; 2],
    sides: Sides,
    classes: [Vec<Class>; 2],
    /// Types that take anything are told of where they stand, also if both sides have the same one.
    sees_all: bool,
    seen: HashSet<(Way, Pair)>,
    next: Vec<(String, Way, Pair)>,
    compatibility: Compatibility,
    notes: Vec<Note>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(shapes: [&'a Shape; 2], sides: Sides) -> Self {
        let takes_any = |shape: &Shape| {
            shape
                .nodes()
                .iter()
                .any(|node| matches!(node, Node::Primitive(Primitive::Any)))
        };
        let classes = classes(shapes, true);
        let same = classes[0].first() == classes[1].first();
        Self {
            shapes,
            sides,
            classes,
            sees_all: !takes_any(shapes[0]),
            seen: HashSet::new(),
            next: Vec::new(),
            compatibility: if same {
                Compatibility::Same
            } else {
                Compatibility::Compatible
            },
            notes: Vec::new(),
        }
    }

    pub(super) fn shape(&self, side: usize) -> &'a Shape {
        self.shapes[side]
    }

    /// Puts a pair on the list.
    pub(super) fn start(&mut self, path: String, way: Way, pair: Pair) {
        self.next.push((path, way, pair));
    }

    pub(super) fn run(mut self) -> Verdict {
        while let Some((path, way, pair)) = self.next.pop() {
            let same = self.sees_all && self.classes[0][pair[0] as usize] == self.classes[1][pair[1] as usize];
            if same || self.compatibility == Compatibility::Same || !self.seen.insert((way, pair)) {
                continue;
            }
            if self.seen.len() > MOST_PAIRS {
                self.note(&path, Compatibility::Incompatible, |_| {
                    "the types are too large to be compared".to_owned()
                });
                break;
            }
            Step { path, way, pair }.take(&mut self);
        }
        self.notes.sort_by_key(|note| std::cmp::Reverse(note.compatibility));
        Verdict {
            compatibility: self.compatibility,
            notes: self.notes,
        }
    }

    /// What is found at a place, in words that are made only where there is room for them.
    fn note(&mut self, path: &str, compatibility: Compatibility, text: impl FnOnce(&Self) -> String) {
        self.compatibility = self.compatibility.max(compatibility);
        let alike = self.notes.iter().filter(|note| note.compatibility == compatibility);
        if alike.count() < MOST {
            let text = text(self);
            self.notes.push(Note {
                method: String::new(),
                path: path.to_owned(),
                compatibility,
                text,
            });
        }
    }

    /// Something that is no method.
    pub(super) fn no_method(&mut self) {
        self.note("", Compatibility::Incompatible, |_| {
            "it is not a method's shape".to_owned()
        });
    }

    /// One of the two results is a `Result`.
    pub(super) fn one_result(&mut self) {
        self.note("result", Compatibility::Incompatible, |walk| {
            let [caller, callee] = walk.sides;
            format!("it is a `Result` for one of {caller} and {callee}, and a plain value for the other")
        });
    }

    /// The callee has an error of its own and the caller has none.
    pub(super) fn foreign_error(&mut self) {
        self.note("error", Compatibility::Partial, |walk| {
            let [caller, callee] = walk.sides;
            format!("{caller} does not know the error type of {callee}: calls that end with it fail to decode")
        });
    }
}
