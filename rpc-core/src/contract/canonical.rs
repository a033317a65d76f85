//! When two shapes are the same, and the number that stands for a shape.

use std::{collections::HashMap, fmt};

use serde::{Deserialize, Serialize};
use siphasher::sip128::SipHasher24;

use super::{
    FormatKind,
    classes::refined,
    shape::{Content, Fields, Node, NodeId, Primitive, Shape},
};

/// A class of nodes that mean the same.
pub(super) type Class = u32;

/// A number that stands for a shape: the same in every build, for equal shapes.
///
/// Different shapes have the same one with a probability of 2⁻¹²⁸. It protects from mistakes and not from a peer that
/// lies, which can as well send wrong bytes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fingerprint(u128);

impl Fingerprint {
    /// Of bytes, in the order in which they are given.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(SipHasher24::new_with_keys(0, 0).hash(bytes).as_u128())
    }
}

/// How many bytes a fingerprint takes.
pub(crate) const FINGERPRINT: usize = 16;

impl Fingerprint {
    /// As it travels.
    pub(crate) fn to_bytes(self) -> [u8; FINGERPRINT] {
        self.0.to_le_bytes()
    }

    /// From what travelled.
    pub(crate) fn from_bytes(bytes: [u8; FINGERPRINT]) -> Self {
        Self(u128::from_le_bytes(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Shape {
    /// The number that stands for it in positional formats.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint_in(FormatKind::Positional)
    }

    /// The number that stands for it in formats of this kind. Those with names also compare which fields may be
    /// missing and which structs refuse unknown ones, and tell bytes from a sequence of `u8`; so where two shapes have
    /// the same number, nothing is left to compare.
    ///
    /// ```
    /// use farcall::contract::FormatKind;
    ///
    /// #[farcall::service]
    /// pub trait Blobs {
    ///     async fn store(&self, blob: Vec<u8>);
    /// }
    ///
    /// let contract = BlobsClient::contract();
    /// let types = contract.methods()[0].types();
    /// assert_eq!(types.fingerprint(), types.fingerprint_in(FormatKind::Positional));
    /// assert_ne!(types.fingerprint(), types.fingerprint_in(FormatKind::NamedBinary));
    /// ```
    pub fn fingerprint_in(&self, kind: FormatKind) -> Fingerprint {
        let named = kind.is_named();
        let [classes] = classes([self], named);
        let mut numbers = HashMap::from([(classes[0], 0)]);
        let mut order = vec![0];
        let mut bytes = vec![if named { NAMED } else { POSITIONAL }];
        let mut next = 0;
        // Each class once, in the order in which they are met: so the graph in which no two nodes are equal is written.
        while let Some(&id) = order.get(next) {
            next += 1;
            let (label, parts) = described(self, id, named);
            put(&mut bytes, &label);
            for part in parts {
                let fresh = numbers.len() as u32;
                let number = *numbers.entry(classes[part as usize]).or_insert_with(|| {
                    order.push(part);
                    fresh
                });
                bytes.extend(number.to_le_bytes());
            }
        }
        Fingerprint::of(&bytes)
    }
}

/// How the bytes begin from which a fingerprint is made.
const POSITIONAL: u8 = 1;
/// The same where names count.
const NAMED: u8 = 2;

impl PartialEq for Shape {
    fn eq(&self, other: &Self) -> bool {
        let [left, right] = classes([self, other], false);
        left[0] == right[0]
    }
}

impl Eq for Shape {}

/// The class of each node of these shapes, as formats with names see them or as positional ones do: nodes of one class
/// have equal labels, and parts of equal classes.
pub(super) fn classes<const N: usize>(shapes: [&Shape; N], named: bool) -> [Vec<Class>; N] {
    let mut known = HashMap::new();
    let (mut labels, mut parts) = (Vec::new(), Vec::new());
    for shape in shapes {
        let first = labels.len();
        for id in 0..shape.nodes().len() as NodeId {
            let (label, of) = described(shape, id, named);
            labels.push(number(&mut known, label));
            parts.push(of.into_iter().map(|part| first + part as usize).collect());
        }
    }
    let mut all = refined(labels, &parts).into_iter();
    shapes.map(|shape| all.by_ref().take(shape.nodes().len()).collect())
}

/// The class of each node of a shape, where all that the shape knows counts, also the names of types.
pub(super) fn classes_with_names(shape: &Shape) -> Vec<Class> {
    let mut known = HashMap::new();
    let nodes = 0..shape.nodes().len() as NodeId;
    let labels = nodes.clone().map(|id| {
        let node = shape.node(id);
        number(&mut known, (described(shape, id, true).0, node.name()))
    });
    let labels = labels.collect();
    let parts: Vec<Vec<usize>> = nodes
        .map(|id| {
            described(shape, id, true)
                .1
                .into_iter()
                .map(|part| part as usize)
                .collect()
        })
        .collect();
    refined(labels, &parts)
}

fn number<K: Eq + std::hash::Hash>(known: &mut HashMap<K, Class>, key: K) -> Class {
    let fresh = known.len() as Class;
    *known.entry(key).or_insert(fresh)
}

/// What is compared of a node itself, and its parts.
fn described(shape: &Shape, id: NodeId, named: bool) -> (Vec<u8>, Vec<NodeId>) {
    let node = shape.node(id);
    if !named && matches!(node, Node::Sequence(of) if matches!(shape.node(*of), Node::Primitive(Primitive::U8))) {
        return (primitive(Primitive::Bytes), Vec::new());
    }
    let mut label = Vec::new();
    match node {
        Node::Primitive(of) => label = primitive(*of),
        Node::Option(_) => label.push(1),
        Node::Sequence(_) => label.push(2),
        Node::Map(..) => label.push(3),
        Node::Tuple(parts) => {
            label.push(4);
            length(&mut label, parts.len());
        }
        Node::UnitStruct(name) => with_name(&mut label, 5, name),
        Node::Newtype(name, _) => with_name(&mut label, 6, name),
        Node::TupleStruct(name, parts) => {
            with_name(&mut label, 7, name);
            length(&mut label, parts.len());
        }
        Node::Struct(_, fields) => {
            label.push(8);
            members(&mut label, fields, named);
        }
        Node::Enum(_, variants) => {
            label.push(9);
            length(&mut label, variants.len());
            for variant in variants {
                put(&mut label, variant.name.as_bytes());
                if named {
                    aliases(&mut label, &variant.aliases);
                }
                match &variant.content {
                    Content::Unit => label.push(0),
                    Content::Newtype(_) => label.push(1),
                    Content::Tuple(parts) => {
                        label.push(2);
                        length(&mut label, parts.len());
                    }
                    Content::Struct(fields) => {
                        label.push(3);
                        members(&mut label, fields, named);
                    }
                    Content::Refused => label.push(4),
                }
            }
        }
        Node::Receiver(_) => label.push(10),
        Node::Sender(_) => label.push(11),
        Node::Client(service) => with_name(&mut label, 12, service),
        Node::Opaque(name) => with_name(&mut label, 13, name),
    }
    (label, node.parts())
}

/// Its number stays the same when others are added.
fn primitive(of: Primitive) -> Vec<u8> {
    vec![0, of as u8]
}

fn with_name(label: &mut Vec<u8>, kind: u8, name: &str) {
    label.push(kind);
    put(label, name.as_bytes());
}

fn members(label: &mut Vec<u8>, fields: &Fields, named: bool) {
    if named {
        label.push(fields.strict.into());
    }
    length(label, fields.len());
    for field in fields.iter() {
        put(label, field.name.as_bytes());
        if named {
            label.push(field.optional.into());
            aliases(label, &field.aliases);
        }
    }
}

fn aliases(label: &mut Vec<u8>, aliases: &[String]) {
    length(label, aliases.len());
    for alias in aliases {
        put(label, alias.as_bytes());
    }
}

fn put(bytes: &mut Vec<u8>, run: &[u8]) {
    length(bytes, run.len());
    bytes.extend(run);
}

fn length(bytes: &mut Vec<u8>, length: usize) {
    bytes.extend((length as u32).to_le_bytes());
}
