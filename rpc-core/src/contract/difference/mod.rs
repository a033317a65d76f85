//! Where two contracts part, in words.

mod comparison;
mod members;

use std::fmt;

use self::comparison::Comparison;
pub(super) use self::comparison::{joined, shortened};
use super::{
    method::Policy,
    shape::Shape,
    signature::{ARGUMENTS, ERROR, RESULT},
};

/// One place where the contracts of two sides part.
///
/// Its text is a sentence, seen from the side whose contract was asked:
///
/// ```text
/// argument `order.items[].kind::Toy`: only the other side has it (number 1 of 3)
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The method; empty if it is the service's name that differs.
    pub method: String,
    /// How one gets there from the method: `arguments.order.items[].kind`, `result`, `error::Busy`. `[]` is an element,
    /// `{key}` and `{value}` are those of a map, `::Toy` is a variant. Empty for the method itself.
    pub path: String,
    /// Which kind of change it is, from this side to the other one.
    pub change: Change,
    /// What this side has there.
    pub here: String,
    /// What the other side has there.
    pub there: String,
}

/// What kind of change a [`Difference`] is, from this side to the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Change {
    /// It has another type.
    Type,
    /// Its fields, variants or arguments have another order.
    Order,
    /// Only the other side has it.
    Added,
    /// Only this side has it.
    Removed,
    /// It has another name and the same type and place, or something else took its place.
    Renamed,
    /// Formats with names accept more or less of it: a field may be missing, has aliases, or a struct refuses unknown
    /// fields. Positional formats do not care.
    Tolerance,
    /// The attribute says something else of calls.
    Policy,
}

/// The places where two shapes part, in formats with names or in positional ones, in the order of this side's type:
/// none if and only if the shapes are equal there, and at most 32.
pub(super) fn differences(here: &Shape, there: &Shape, named: bool) -> Vec<Difference> {
    Comparison::new(here, there, named).run()
}

/// Where the policies of a method part.
pub(super) fn policies(here: &Policy, there: &Policy) -> Vec<Difference> {
    let written = |policy: &Policy| {
        let timeout = policy.timeout_ms.map_or("none".to_owned(), |time| format!("{time} ms"));
        let flags = [policy.idempotent, policy.oneway, policy.detached].map(|set| if set { "yes" } else { "no" });
        let [idempotent, oneway, detached] = flags.map(str::to_owned);
        [idempotent, oneway, detached, timeout]
    };
    let names = ["idempotent", "oneway", "detached", "timeout"];
    let parts = names.into_iter().zip(written(here).into_iter().zip(written(there)));
    let changed = parts.filter(|(_, (here, there))| here != there);
    let difference = |(name, (here, there)): (&str, _)| Difference {
        path: name.to_owned(),
        here,
        there,
        ..Difference::new(Change::Policy)
    };
    changed.map(difference).collect()
}

impl Difference {
    pub(super) fn new(change: Change) -> Self {
        Self {
            method: String::new(),
            path: String::new(),
            change,
            here: String::new(),
            there: String::new(),
        }
    }

    pub(super) fn of_method(mut self, name: &str) -> Self {
        name.clone_into(&mut self.method);
        self
    }

    /// The method and the place in words.
    pub(super) fn place_in_service(&self) -> String {
        match (&*self.method, &*self.path) {
            ("", _) => self.place(),
            (method, "") => format!("method `{method}`"),
            (method, _) => format!("`{method}`: {}", self.place()),
        }
    }

    /// The place in words.
    fn place(&self) -> String {
        match &*self.path {
            "" if self.method.is_empty() => "the value".to_owned(),
            path => place(path),
        }
    }
}

/// A place of a method in words.
pub(super) fn place(path: &str) -> String {
    let of = |whole: &str| path.strip_prefix(whole);
    let inner = |rest: &str| rest.trim_start_matches('.').to_owned();
    if let Some(rest) = of(ARGUMENTS) {
        return match &*inner(rest) {
            "" => "the arguments".to_owned(),
            name => format!("argument `{name}`"),
        };
    }
    for whole in [RESULT, ERROR] {
        if let Some(rest) = of(whole) {
            return match &*inner(rest) {
                "" => format!("the {whole}"),
                path => format!("{whole} `{path}`"),
            };
        }
    }
    match path {
        "" => "the method".to_owned(),
        path => format!("`{path}`"),
    }
}

impl Difference {
    /// The sentence without the place.
    pub(super) fn what(&self) -> String {
        let (here, there) = (&self.here, &self.there);
        let shown = |text: &str| {
            if text.is_empty() {
                String::new()
            } else {
                format!(" ({text})")
            }
        };
        match self.change {
            Change::Type => format!("the type is `{here}` on this side and `{there}` on the other side"),
            Change::Order => format!("the order is {here} on this side and {there} on the other side"),
            Change::Added => format!("only the other side has it{}", shown(there)),
            Change::Removed => format!("only this side has it{}", shown(here)),
            Change::Renamed => format!("the name is `{here}` on this side and `{there}` on the other side"),
            Change::Tolerance => format!("{here} on this side and {there} on the other side"),
            Change::Policy => format!("it is {here} on this side and {there} on the other side"),
        }
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.what())
    }
}
