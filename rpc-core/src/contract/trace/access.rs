//! What visitors of compound values are given.

use std::{
    any::type_name,
    hash::{DefaultHasher, Hash, Hasher},
    mem::discriminant,
};

use serde::de::{
    DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
    value::{BorrowedStrDeserializer, U32Deserializer},
};

use super::{
    graph::{ContentAsk, SlotId},
    probe::Named,
    run::{Ended, Run, Turn},
};

/// Fills a place by a seed.
pub(super) fn seeded<'de, S: DeserializeSeed<'de>>(
    run: &mut Run<'_>,
    slot: SlotId,
    name: Option<&'static str>,
    seed: S,
) -> Result<S::Value, Ended> {
    run.fill(slot, name, |inside| seed.deserialize(inside))
}

/// Elements of a sequence, which are all in one place, or the parts of a tuple, each in its own.
#[derive(Debug)]
pub(super) struct Parts<'r, 'g> {
    run: &'r mut Run<'g>,
    turn: Turn,
    next: usize,
    length: usize,
    repeats: bool,
}

impl<'r, 'g> Parts<'r, 'g> {
    pub(super) fn repeated(run: &'r mut Run<'g>, turn: Turn) -> Self {
        let length = turn.length;
        Self {
            repeats: true,
            ..Self::each(run, turn, length)
        }
    }

    pub(super) fn each(run: &'r mut Run<'g>, turn: Turn, length: usize) -> Self {
        Self {
            run,
            turn,
            next: 0,
            length,
            repeats: false,
        }
    }
}

impl<'de> SeqAccess<'de> for Parts<'_, '_> {
    type Error = Ended;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Ended> {
        if self.next == self.length {
            return Ok(None);
        }
        let (index, name) = (if self.repeats { 0 } else { self.next }, type_name::<S::Value>());
        let part = self.run.element(&self.turn, index, name);
        if !self.repeats {
            self.run.graph.asked(&self.turn, self.next + 1);
        }
        // It ends for those as well who ask again after an error.
        self.next = if part.is_ok() { self.next + 1 } else { self.length };
        seeded(self.run, part?, Some(name), seed).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        const HONEST: usize = 4096;
        Some(self.length - self.next).filter(|&left| left <= HONEST)
    }
}

/// The entries of a map.
#[derive(Debug)]
pub(super) struct Entries<'r, 'g> {
    run: &'r mut Run<'g>,
    turn: Turn,
    left: usize,
}

impl<'r, 'g> Entries<'r, 'g> {
    pub(super) fn new(run: &'r mut Run<'g>, turn: Turn) -> Self {
        let left = turn.length;
        Self { run, turn, left }
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Ended;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Ended> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        let part = self.run.part(&self.turn, 0)?;
        seeded(self.run, part, Some(type_name::<S::Value>()), seed).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Ended> {
        let part = self.run.part(&self.turn, 1)?;
        seeded(self.run, part, Some(type_name::<S::Value>()), seed)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.left)
    }
}

/// The variant whose turn it is.
#[derive(Debug)]
pub(super) struct Chosen<'r, 'g> {
    run: &'r mut Run<'g>,
    turn: Turn,
    variants: &'static [&'static str],
}

impl<'r, 'g> Chosen<'r, 'g> {
    pub(super) fn new(run: &'r mut Run<'g>, turn: Turn, variants: &'static [&'static str]) -> Self {
        Self { run, turn, variants }
    }
}

impl<'de> EnumAccess<'de> for Chosen<'_, '_> {
    type Error = Ended;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Ended> {
        let index = self.turn.variant.unwrap_or_default();
        let probed = self
            .run
            .probe
            .as_mut()
            .is_some_and(|probe| probe.names_variant(&self.turn));
        let by_name = probed || self.run.graph.types[self.turn.of].variants[index].by_name;
        let value = if by_name {
            seed.deserialize(BorrowedStrDeserializer::new(self.variants[index]))
        } else {
            seed.deserialize(U32Deserializer::new(index as u32))
        };
        let value = value?;
        let kind = kind_of(&value);
        if probed {
            return Err(self.run.probed_variant(kind));
        }
        self.run.graph.types[self.turn.of].variants[index].kind = Some(kind);
        Ok((value, self))
    }
}

/// Tells the variants of the enum apart in which a type notes which of its variants was chosen.
fn kind_of<T>(chosen: &T) -> u64 {
    let mut hasher = DefaultHasher::new();
    discriminant(chosen).hash(&mut hasher);
    hasher.finish()
}

impl<'de> VariantAccess<'de> for Chosen<'_, '_> {
    type Error = Ended;

    fn unit_variant(self) -> Result<(), Ended> {
        self.run.content(&self.turn, ContentAsk::Unit)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Ended> {
        self.run.content(&self.turn, ContentAsk::Newtype)?;
        let part = self.run.part(&self.turn, 0)?;
        seeded(self.run, part, Some(type_name::<S::Value>()), seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Ended> {
        self.run.content(&self.turn, ContentAsk::Tuple(length))?;
        visitor.visit_seq(Parts::each(self.run, self.turn, length))
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Ended> {
        self.run.content(&self.turn, ContentAsk::Struct(fields))?;
        structure(self.run, self.turn, fields, visitor)
    }
}

/// The named fields of a struct, in order, or by name where that is looked at.
pub(super) fn structure<'de, V: Visitor<'de>>(
    run: &mut Run<'_>,
    turn: Turn,
    fields: &'static [&'static str],
    visitor: V,
) -> Result<V::Value, Ended> {
    if run.probe.as_mut().is_some_and(|probe| probe.begins(&turn)) {
        let error = visitor.visit_map(Named::new(run, turn)).err();
        return Err(run.probed(error.as_ref()));
    }
    let value = visitor.visit_seq(Parts::each(run, turn, fields.len()));
    if value.is_ok() {
        run.graph.accepted(&turn);
    }
    value
}
