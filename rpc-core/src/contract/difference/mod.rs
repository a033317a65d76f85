//! Where two shapes part, in words.

mod comparison;
mod members;

use std::fmt;

use self::comparison::Comparison;
use super::shape::Shape;

/// One place where two shapes part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// How one gets there from the whole: `items[].kind`. `[]` is an element, `{key}` and `{value}` are those of a
    /// map, `::Toy` is a variant. Empty for the whole.
    pub(crate) path: String,
    pub(crate) change: Change,
    /// What this side has there.
    pub(crate) here: String,
    /// What the other side has there.
    pub(crate) there: String,
}

/// What kind of change a [`Difference`] is, from this side to the other one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// It has another type.
    Type,
    /// Its fields or variants have another order.
    Order,
    /// Only the other side has the field or the variant.
    Added,
    /// Only this side has the field or the variant.
    Removed,
    /// It has another name and the same type and place, or something else took its place.
    Renamed,
}

/// The places where two shapes part, in the order of this side's type: none if and only if the shapes are equal, and
/// at most 32.
pub(crate) fn differences(here: &Shape, there: &Shape) -> Vec<Difference> {
    Comparison::new(here, there).run()
}

impl Difference {
    /// The difference in one sentence, of which `whole` names the value: "argument `order`".
    ///
    /// ```text
    /// argument `order.items[].kind::Toy`: the other side has it besides (number 1 of 3)
    /// ```
    pub(crate) fn of<'a>(&'a self, kind: &'a str, whole: &'a str) -> impl fmt::Display + 'a {
        Sentence(move |f: &mut fmt::Formatter<'_>| {
            let (here, there) = (&self.here, &self.there);
            let dot = if whole.is_empty() || self.path.is_empty() || self.path.starts_with(['[', '{', ':']) {
                ""
            } else {
                "."
            };
            write!(f, "{kind} `{whole}{dot}{}`: ", self.path)?;
            match self.change {
                Change::Type => write!(f, "the type is `{here}` on this side and `{there}` on the other side"),
                Change::Order => write!(f, "the order is {here} on this side and {there} on the other side"),
                Change::Added => write!(f, "only the other side has it ({there})"),
                Change::Removed => write!(f, "only this side has it ({here})"),
                Change::Renamed => write!(f, "the name is `{here}` on this side and `{there}` on the other side"),
            }
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of("value", "").fmt(f)
    }
}

/// What a closure writes.
struct Sentence<F>(F);

impl<F: Fn(&mut fmt::Formatter<'_>) -> fmt::Result> fmt::Display for Sentence<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.0)(f)
    }
}
