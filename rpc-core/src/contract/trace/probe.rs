//! A struct that is given its fields by name, as formats with names do.

use std::any::type_name;

use serde::de::{DeserializeSeed, MapAccess, value::BorrowedStrDeserializer};

use super::{
    access::seeded,
    graph::{SlotId, TypeId},
    run::{Ended, Run, Turn},
};

/// A struct, or a variant of an enum, with named fields.
pub(super) type Place = (TypeId, Option<usize>);

/// A field that is given by name; without a place it is one that no struct has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given {
    pub(super) name: &'static str,
    pub(super) part: Option<usize>,
}

/// What to give to a struct, and what came of it.
#[derive(Debug)]
pub(super) struct Probe {
    place: Place,
    given: Vec<Given>,
    next: usize,
    begun: bool,
    /// Only which variant a name means is looked at.
    of_name: bool,
    outcome: Option<Outcome>,
}

/// What a struct makes of fields by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Accepted,
    /// It misses the field with this name.
    Missing(&'static str),
    /// What was given at that place is a second time the field with this name.
    Twice(usize, &'static str),
    /// It wants the value of a field that it does not know.
    TakesUnknown,
    /// It refuses for another reason.
    Refused,
    /// The name is that of the variant with this number; see [`VariantType`](super::graph::VariantType).
    Chosen(u64),
}

impl Probe {
    pub(super) fn new(place: Place, given: Vec<Given>) -> Self {
        Self {
            place,
            given,
            next: 0,
            begun: false,
            of_name: false,
            outcome: None,
        }
    }

    /// Asks an enum which of its variants it takes the name of one for.
    pub(super) fn of_name(place: Place) -> Self {
        Self {
            of_name: true,
            ..Self::new(place, Vec::new())
        }
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// `Refused` where the struct was not reached.
    pub(super) fn outcome(&self) -> Outcome {
        self.outcome.unwrap_or(Outcome::Refused)
    }

    /// Whether it is the turn of the struct.
    pub(super) fn begins(&mut self, turn: &Turn) -> bool {
        let begins = !self.begun && self.place == (turn.of, turn.variant);
        self.begun |= begins;
        begins
    }

    /// Whether it is the turn of an enum whose variant is to be chosen by name.
    pub(super) fn names_variant(&mut self, turn: &Turn) -> bool {
        self.of_name && self.begins(turn)
    }

    pub(super) fn chosen(&mut self, kind: u64) {
        self.outcome.get_or_insert(Outcome::Chosen(kind));
    }

    /// The struct has ended.
    pub(super) fn ended(&mut self, error: Option<&Ended>) {
        let last = self.next.saturating_sub(1);
        self.outcome.get_or_insert(match error {
            None => Outcome::Accepted,
            Some(Ended::Missing(name)) => Outcome::Missing(name),
            Some(Ended::Twice(name)) => Outcome::Twice(last, name),
            Some(Ended::Otherwise) => Outcome::Refused,
        });
    }

    fn next(&mut self) -> Option<Given> {
        let given = self.given.get(self.next).copied()?;
        self.next += 1;
        Some(given)
    }

    /// Where the value of the latest name stands.
    fn part(&mut self) -> Option<usize> {
        let part = self.next.checked_sub(1).and_then(|latest| self.given.get(latest)?.part);
        if part.is_none() {
            self.outcome.get_or_insert(Outcome::TakesUnknown);
        }
        part
    }
}

/// The fields that a probe gives.
#[derive(Debug)]
pub(super) struct Named<'r, 'g> {
    run: &'r mut Run<'g>,
    turn: Turn,
}

impl<'r, 'g> Named<'r, 'g> {
    pub(super) fn new(run: &'r mut Run<'g>, turn: Turn) -> Self {
        Self { run, turn }
    }

    fn slot(&mut self) -> Result<SlotId, Ended> {
        let part = self.run.probe.as_mut().and_then(Probe::part);
        match part {
            Some(part) => self.run.part(&self.turn, part),
            None => Err(self.run.end()),
        }
    }

    /// A value that cannot be made says nothing of the struct.
    fn no_value(&mut self) {
        if let Some(probe) = &mut self.run.probe {
            probe.outcome.get_or_insert(Outcome::Refused);
        }
    }
}

impl<'de> MapAccess<'de> for Named<'_, '_> {
    type Error = Ended;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Ended> {
        match self.run.probe.as_mut().and_then(Probe::next) {
            Some(given) => seed.deserialize(BorrowedStrDeserializer::new(given.name)).map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Ended> {
        let slot = self.slot()?;
        let value = seeded(self.run, slot, Some(type_name::<S::Value>()), seed);
        if value.is_err() {
            self.no_value();
        }
        value
    }
}
