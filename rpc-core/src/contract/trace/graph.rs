//! What is known of a type.

use std::{any::type_name, collections::HashMap};

use serde::de::Visitor;

use super::{
    super::{Primitive, Samples, samples::Theme},
    MAX_ELEMENTS, MAX_SLOTS,
    run::Turn,
};

/// A place where a type stands.
pub(super) type SlotId = usize;
/// A type.
pub(super) type TypeId = usize;

/// The place of the whole.
pub(super) const ROOT: SlotId = 0;
/// The height of a type of which no value can be made yet.
pub(super) const UNKNOWN: u32 = u32::MAX;

/// What a type asks a deserializer for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Ask {
    Primitive(Primitive),
    Option,
    Sequence,
    Map,
    Tuple(usize),
    UnitStruct(&'static str),
    Newtype(&'static str),
    TupleStruct(&'static str, usize),
    Struct(&'static str, &'static [&'static str]),
    Enum(&'static str, &'static [&'static str]),
    Receiver,
    Sender,
    Client(&'static str),
}

/// What tells types apart: what they ask for, who asks, and how large the value is. Names of Rust types alone may be
/// equal, for those of two versions of a crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) ask: Ask,
    pub(super) visitor: &'static str,
    /// The name of the type that is made.
    pub(super) value: &'static str,
    pub(super) size: usize,
}

impl Key {
    pub(super) fn of<'de, V: Visitor<'de>>(ask: Ask) -> Self {
        Self {
            ask,
            visitor: type_name::<V>(),
            value: type_name::<V::Value>(),
            size: size_of::<V::Value>(),
        }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// What was asked there.
    pub(super) of: Option<TypeId>,
    /// Nothing more is to be learnt there.
    pub(super) closed: bool,
    /// The name of the Rust type, or of that around it.
    pub(super) name: &'static str,
}

#[derive(Clone, Debug)]
pub(super) struct Type {
    pub(super) key: Key,
    /// What to try next.
    pub(super) attempt: usize,
    /// It follows no theme, because it refused one.
    pub(super) own: bool,
    /// It refuses whatever it is given.
    pub(super) refuses: bool,
    pub(super) slots: Vec<SlotId>,
    /// How many parts were asked for.
    asked: usize,
    /// How many parts a value has, once one was accepted. serde lists aliases among the names of fields, so a struct
    /// may ask for less than it says.
    pub(super) width: Option<usize>,
    pub(super) variants: Vec<VariantType>,
    /// The variant of the latest value.
    pub(super) chosen: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct VariantType {
    pub(super) content: Option<ContentAsk>,
    /// What tells the type's own variants apart, as it is chosen at present.
    pub(super) kind: Option<u64>,
    pub(super) attempt: usize,
    /// It goes by its name and not by its number.
    pub(super) by_name: bool,
    pub(super) refuses: bool,
    pub(super) slots: Vec<SlotId>,
    /// As for a type.
    asked: usize,
    pub(super) width: Option<usize>,
}

/// What a variant asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentAsk {
    Unit,
    Newtype,
    Tuple(usize),
    Struct(&'static [&'static str]),
}

/// A place of which nothing is known yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Slot(SlotId),
    Variant(TypeId, usize),
}

#[derive(Clone, Debug)]
pub(super) struct Graph {
    pub(super) slots: Vec<Slot>,
    pub(super) types: Vec<Type>,
    named: HashMap<Key, TypeId>,
    /// How many elements share a place with another one.
    elements: usize,
    progress: u64,
}

impl Graph {
    pub(super) fn new(name: &'static str) -> Self {
        let root = Slot {
            of: None,
            closed: false,
            name,
        };
        Self {
            slots: vec![root],
            types: Vec::new(),
            named: HashMap::new(),
            elements: 0,
            progress: 0,
        }
    }

    /// Changes whenever something was learnt.
    pub(super) fn progress(&self) -> u64 {
        self.progress
    }

    pub(super) fn learnt(&mut self) {
        self.progress += 1;
    }

    /// The type with this key: one that is known by its name, or, since types without one may contain themselves as
    /// well, one of those around. And whether it is new.
    pub(super) fn type_of(&mut self, key: Key, around: &[TypeId]) -> (TypeId, bool) {
        let nested = || around.iter().copied().find(|&id| self.types[id].key == key);
        if let Some(id) = self.named.get(&key).copied().or_else(nested) {
            return (id, false);
        }
        let id = self.types.len();
        let mut variants = Vec::new();
        match key.ask {
            Ask::Enum(_, names) => variants.resize_with(names.len(), VariantType::default),
            Ask::Struct(..) | Ask::TupleStruct(..) | Ask::Newtype(_) => {}
            _ => {
                self.types.push(Type::new(key, variants));
                return (id, true);
            }
        }
        self.named.insert(key, id);
        self.types.push(Type::new(key, variants));
        (id, true)
    }

    /// The place of a part of a type, or of a variant of it; `None` when there are too many.
    pub(super) fn part(&mut self, of: TypeId, variant: Option<usize>, index: usize) -> Option<SlotId> {
        let name = self.types[of].key.value;
        loop {
            let (room, next) = (self.slots.len() < MAX_SLOTS, self.slots.len());
            let parts = self.parts_mut(of, variant);
            if let Some(&slot) = parts.get(index) {
                return Some(slot);
            }
            if !room {
                return None;
            }
            parts.push(next);
            self.slots.push(Slot {
                of: None,
                closed: false,
                name,
            });
        }
    }

    /// The place of an element of a long tuple, which is that of the element before if the types have the same name:
    /// arrays have thousands of elements, and there would be no room for what comes behind.
    pub(super) fn element(&mut self, of: TypeId, index: usize, name: &'static str) -> Option<SlotId> {
        let parts = &mut self.types[of].slots;
        let before = index.checked_sub(1).and_then(|before| parts.get(before).copied());
        let before = before.filter(|&slot| self.slots[slot].name == name && self.elements < MAX_ELEMENTS);
        let is_unseen = |&slot: &SlotId| self.slots[slot].of.is_none() && !self.slots[slot].closed;
        match before {
            Some(before) if parts.get(index).is_none_or(is_unseen) => {
                parts.truncate(index);
                parts.push(before);
                self.elements += 1;
                Some(before)
            }
            _ => self.part(of, None, index),
        }
    }

    fn parts_mut(&mut self, of: TypeId, variant: Option<usize>) -> &mut Vec<SlotId> {
        let of = &mut self.types[of];
        match variant {
            Some(variant) => &mut of.variants[variant].slots,
            None => &mut of.slots,
        }
    }

    /// So many parts were asked for.
    pub(super) fn asked(&mut self, turn: &Turn, count: usize) {
        let of = &mut self.types[turn.of];
        let asked = match turn.variant {
            Some(variant) => &mut of.variants[variant].asked,
            None => &mut of.asked,
        };
        *asked = count.max(*asked);
    }

    /// A struct was made. It needs no more parts than it asked for.
    pub(super) fn accepted(&mut self, turn: &Turn) {
        let of = &mut self.types[turn.of];
        let (slots, asked, width) = match turn.variant {
            Some(variant) => {
                let of = &mut of.variants[variant];
                (&mut of.slots, of.asked, &mut of.width)
            }
            None => (&mut of.slots, of.asked, &mut of.width),
        };
        if asked < slots.len() {
            slots.truncate(asked);
            self.progress += 1;
        }
        *width = Some(asked);
    }

    /// The type in this place refused what it was given, which followed a theme or not.
    pub(super) fn refused(&mut self, slot: SlotId, themed: bool, samples: &Samples) {
        self.progress += 1;
        let Some(of) = self.slots[slot].of else {
            self.slots[slot].closed = true;
            return;
        };
        let of = &mut self.types[of];
        let next = of.attempt + 1;
        match of.key.ask {
            Ask::Primitive(_) if themed && !of.own => of.own = true,
            Ask::Primitive(primitive) => of.advance(samples.nth(primitive, next).is_some()),
            Ask::Option | Ask::Map => of.advance(next < 2),
            Ask::Sequence => of.advance(samples.length(next).is_some()),
            Ask::Enum(..) => {
                if let Some(variant) = of.variants.get_mut(of.chosen) {
                    variant.refused(samples);
                }
            }
            _ => of.advance(Theme::nth(next, samples).is_some()),
        }
    }

    /// The type in this place asks for one thing now and for another thing then.
    pub(super) fn varies(&mut self, slot: SlotId) {
        self.progress += 1;
        self.slots[slot].of = None;
        self.slots[slot].closed = true;
    }

    /// Nothing is to be learnt there.
    pub(super) fn close(&mut self, target: Target) {
        self.progress += 1;
        match target {
            Target::Slot(slot) => self.slots[slot].closed = true,
            Target::Variant(of, variant) => self.types[of].variants[variant].refuses = true,
        }
    }
}

impl Type {
    fn new(key: Key, variants: Vec<VariantType>) -> Self {
        Self {
            key,
            attempt: 0,
            own: false,
            refuses: false,
            slots: Vec::new(),
            asked: 0,
            width: None,
            variants,
            chosen: 0,
        }
    }

    fn advance(&mut self, more: bool) {
        self.attempt += 1;
        self.refuses |= !more;
    }
}

impl VariantType {
    fn refused(&mut self, samples: &Samples) {
        if self.content.is_none() {
            self.refuses = self.by_name;
            self.by_name = true;
            return;
        }
        self.attempt += 1;
        self.refuses |= Theme::nth(self.attempt, samples).is_none();
    }
}
