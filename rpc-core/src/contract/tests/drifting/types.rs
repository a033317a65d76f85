//! Random types, and random changes of them.

use fastrand::Rng;

/// A type as data.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Type {
    Unit,
    Bool,
    /// By the bytes it takes and whether it has a sign.
    Integer(u8, bool),
    F32,
    F64,
    Char,
    Text,
    Bytes,
    Option(Box<Self>),
    Sequence(Box<Self>),
    Map(Box<Self>, Box<Self>),
    Tuple(Vec<Self>),
    Newtype(&'static str, Box<Self>),
    Struct(&'static str, Fields),
    Enum(&'static str, Vec<(&'static str, Content)>),
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fields {
    pub(super) list: Vec<Field>,
    /// Whether unknown ones are refused.
    pub(super) strict: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) of: Type,
    /// Whether it has a default.
    pub(super) default: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    Unit,
    Newtype(Type),
    Tuple(Vec<Type>),
    Struct(Fields),
}

impl Type {
    /// Itself and the types in it, if they have parts.
    pub(super) fn each_part(&self, found: &mut impl FnMut(&Self)) {
        let parts = parts(self);
        if !parts.is_empty() || matches!(self, Self::Enum(..)) {
            found(self);
        }
        for part in parts {
            part.each_part(found);
        }
    }
}

fn parts(of: &Type) -> Vec<&Type> {
    match of {
        Type::Option(of) | Type::Sequence(of) | Type::Newtype(_, of) => vec![of],
        Type::Map(key, value) => vec![key, value],
        Type::Tuple(parts) => parts.iter().collect(),
        Type::Struct(_, fields) => fields.list.iter().map(|field| &field.of).collect(),
        Type::Enum(_, variants) => variants.iter().flat_map(|(_, content)| parts_in(content)).collect(),
        _ => Vec::new(),
    }
}

fn parts_in(content: &Content) -> Vec<&Type> {
    match content {
        Content::Unit => Vec::new(),
        Content::Newtype(of) => vec![of],
        Content::Tuple(parts) => parts.iter().collect(),
        Content::Struct(fields) => fields.list.iter().map(|field| &field.of).collect(),
    }
}

const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
const TYPES: [&str; 4] = ["Order", "Item", "Metres", "Feet"];

fn one_of<T: Copy>(of: &[T], rng: &mut Rng) -> T {
    of[rng.usize(..of.len())]
}

/// Different names, at most `most`.
fn names(rng: &mut Rng, most: usize) -> Vec<&'static str> {
    let mut names = NAMES;
    rng.shuffle(&mut names);
    names[..rng.usize(1..=most)].to_vec()
}

fn leaf(rng: &mut Rng) -> Type {
    match rng.u8(..12) {
        0 => Type::Unit,
        1 => Type::Bool,
        2 => Type::F32,
        3 => Type::F64,
        4 => Type::Char,
        5 => Type::Bytes,
        6 | 7 => Type::Text,
        _ => Type::Integer(one_of(&[1, 2, 4, 8, 16], rng), rng.bool()),
    }
}

/// A type of at most this depth.
pub(super) fn random(rng: &mut Rng, depth: u8) -> Type {
    if depth == 0 {
        return leaf(rng);
    }
    let inner = |rng: &mut Rng| random(rng, depth - 1);
    match rng.u8(..13) {
        0..3 => leaf(rng),
        3 => Type::Option(Box::new(inner(rng))),
        4 => Type::Sequence(Box::new(inner(rng))),
        5 => Type::Map(Box::new(leaf(rng)), Box::new(inner(rng))),
        6 => Type::Tuple((0..rng.u8(1..4)).map(|_| inner(rng)).collect()),
        7 => Type::Newtype(one_of(&TYPES, rng), Box::new(inner(rng))),
        8..11 => Type::Struct(one_of(&TYPES, rng), fields(rng, depth)),
        _ => {
            let variants = names(rng, 4).into_iter().map(|name| (name, content(rng, depth)));
            let variants = variants.collect();
            Type::Enum(one_of(&TYPES, rng), variants)
        }
    }
}

fn fields(rng: &mut Rng, depth: u8) -> Fields {
    let list = names(rng, 4).into_iter().map(|name| field(name, rng, depth));
    Fields {
        list: list.collect(),
        strict: rng.u8(..6) == 0,
    }
}

fn field(name: &'static str, rng: &mut Rng, depth: u8) -> Field {
    Field {
        name,
        of: random(rng, depth - 1),
        default: rng.u8(..4) == 0,
    }
}

fn content(rng: &mut Rng, depth: u8) -> Content {
    match rng.u8(..6) {
        0..3 => Content::Unit,
        3 => Content::Newtype(random(rng, depth - 1)),
        4 => Content::Tuple((0..2).map(|_| random(rng, depth - 1)).collect()),
        _ => Content::Struct(fields(rng, depth)),
    }
}

/// Changes the type somewhere.
pub(super) fn drift(of: &mut Type, rng: &mut Rng) {
    if rng.u8(..3) != 0 && descend(of, rng) {
        return;
    }
    match of {
        Type::Struct(name, fields) if rng.u8(..8) != 0 => change_struct(name, fields, rng),
        Type::Enum(name, variants) if rng.u8(..8) != 0 => change_enum(name, variants, rng),
        Type::Tuple(parts) if rng.u8(..4) != 0 => change_tuple(parts, rng),
        Type::Integer(size, signed) if rng.u8(..4) != 0 => {
            if rng.bool() {
                *size = one_of(&[1, 2, 4, 8, 16], rng);
            } else {
                *signed = !*signed;
            }
        }
        Type::Newtype(name, _) if rng.bool() => *name = one_of(&TYPES, rng),
        _ => replace(of, rng),
    }
}

/// Changes a part of the type; `false` if it has none.
fn descend(of: &mut Type, rng: &mut Rng) -> bool {
    let mut parts: Vec<&mut Type> = match of {
        Type::Option(of) | Type::Sequence(of) | Type::Newtype(_, of) => vec![of],
        Type::Map(key, value) => vec![key, value],
        Type::Tuple(parts) => parts.iter_mut().collect(),
        Type::Struct(_, fields) => fields.list.iter_mut().map(|field| &mut field.of).collect(),
        Type::Enum(_, variants) => variants.iter_mut().flat_map(|(_, content)| parts_of(content)).collect(),
        _ => Vec::new(),
    };
    if parts.is_empty() {
        return false;
    }
    let at = rng.usize(..parts.len());
    drift(parts[at], rng);
    true
}

fn parts_of(content: &mut Content) -> Vec<&mut Type> {
    match content {
        Content::Unit => Vec::new(),
        Content::Newtype(of) => vec![of],
        Content::Tuple(parts) => parts.iter_mut().collect(),
        Content::Struct(fields) => fields.list.iter_mut().map(|field| &mut field.of).collect(),
    }
}

fn change_struct(name: &mut &'static str, fields: &mut Fields, rng: &mut Rng) {
    let list = &mut fields.list;
    let free = NAMES
        .into_iter()
        .find(|name| list.iter().all(|field| field.name != *name));
    let at = rng.usize(..list.len());
    match (rng.u8(..6), free) {
        (0, Some(name)) => list.insert(at, field(name, rng, 1)),
        (1, Some(name)) => list[at].name = name,
        (2, _) if list.len() > 1 => drop(list.remove(at)),
        (3, _) => rng.shuffle(list),
        (4, _) => list[at].default = !list[at].default,
        (5, _) => fields.strict = !fields.strict,
        _ => *name = one_of(&TYPES, rng),
    }
}

fn change_enum(name: &mut &'static str, variants: &mut Vec<(&'static str, Content)>, rng: &mut Rng) {
    let free = NAMES
        .into_iter()
        .find(|name| variants.iter().all(|(other, _)| other != name));
    let at = rng.usize(..variants.len());
    match (rng.u8(..5), free) {
        (0, Some(name)) => variants.insert(at, (name, content(rng, 1))),
        (1, Some(name)) => variants[at].0 = name,
        (2, _) if variants.len() > 1 => drop(variants.remove(at)),
        (3, _) => rng.shuffle(variants),
        (4, _) => variants[at].1 = content(rng, 1),
        _ => *name = one_of(&TYPES, rng),
    }
}

fn change_tuple(parts: &mut Vec<Type>, rng: &mut Rng) {
    match rng.u8(..3) {
        0 => parts.push(leaf(rng)),
        1 if parts.len() > 1 => drop(parts.pop()),
        _ => rng.shuffle(parts),
    }
}

/// Puts something else in its place, with it inside where that may be.
fn replace(of: &mut Type, rng: &mut Rng) {
    let old = std::mem::replace(of, Type::Unit);
    *of = match (rng.u8(..6), old) {
        (0, Type::Option(inner) | Type::Newtype(_, inner) | Type::Sequence(inner)) => *inner,
        (0 | 1, old) => Type::Option(Box::new(old)),
        (2, old) => Type::Newtype(one_of(&TYPES, rng), Box::new(old)),
        (3, old) => Type::Sequence(Box::new(old)),
        _ => leaf(rng),
    };
}
