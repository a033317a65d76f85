//! Whether one side can read what the other side writes.

mod numbers;
mod walk;

use std::fmt;

use self::walk::{Walk, Way};
use super::{
    FormatKind, MethodContract, Shape,
    difference::{differences, place},
    signature::{Signature, is_library_error, signature},
};

/// How well a reader understands what a writer writes, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Compatibility {
    /// Both have the same type.
    Same,
    /// Every value arrives, perhaps without parts that the reader does not know.
    Compatible,
    /// Some values fail with an error. None arrives as another one.
    Partial,
    /// No value arrives, or one may arrive as another one.
    Incompatible,
}

/// How well a reader understands a writer, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Verdict {
    /// That of the worst place.
    pub compatibility: Compatibility,
    /// The places that are not the same, at most 32 of each compatibility.
    pub notes: Vec<Note>,
}

/// A place where a reader does not see exactly what a writer writes. Its text is a sentence:
///
/// ```text
/// argument `order.note`: the reader does not have it and drops it
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Note {
    /// The method, if it is one of several.
    pub method: String,
    /// How one gets there, as for a [`Difference`](super::Difference).
    pub path: String,
    /// What it does.
    pub compatibility: Compatibility,
    /// What happens there.
    pub text: String,
}

impl Compatibility {
    /// Whether something fails that worked with the same types.
    pub const fn breaks(self) -> bool {
        matches!(self, Self::Partial | Self::Incompatible)
    }
}

impl Verdict {
    /// Of a writer whose types are not known.
    pub(super) fn unseen() -> Self {
        Self {
            compatibility: Compatibility::Incompatible,
            notes: Vec::new(),
        }
    }

    /// The places that make it what it is.
    pub(super) fn worst(&self) -> impl Iterator<Item = &Note> {
        self.notes
            .iter()
            .filter(|note| note.compatibility == self.compatibility)
    }
}

/// The notes, one behind the other.
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.notes.is_empty() {
            return self.compatibility.fmt(f);
        }
        for (index, note) in self.notes.iter().enumerate() {
            let between = if index > 0 { "; " } else { "" };
            write!(f, "{between}{note}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Compatibility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Same => "the same",
            Self::Compatible => "compatible",
            Self::Partial => "partly compatible",
            Self::Incompatible => "incompatible",
        })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.path {
            "" if self.method.is_empty() => f.write_str(&self.text),
            path => write!(f, "{}: {}", place(path), self.text),
        }
    }
}

/// What the two sides are called in notes: the caller and the callee, or the reader and the writer.
pub(super) type Sides = [&'static str; 2];

const READER_AND_WRITER: Sides = ["the reader", "the writer"];
pub(super) const CALLER_AND_CALLEE: Sides = ["the client", "the server"];
pub(super) const HERE_AND_THERE: Sides = ["this side", "the other side"];

impl Shape {
    /// How well a reader with this shape understands a writer with the other one.
    ///
    /// Positional formats need the same shape. In formats with names, fields and variants are found by name, and:
    ///
    /// | the writer has | and the reader | is |
    /// | --- | --- | --- |
    /// | a field | does not have it | compatible: it is dropped; incompatible if the reader refuses unknown fields |
    /// | no such field | has it | compatible if it may be missing, else incompatible |
    /// | a variant | does not have it | partial: such a value fails |
    /// | an integer | has a wider one | compatible |
    /// | an integer | has another one | partial: values out of its range fail |
    /// | `T` | has `Option<T>` | compatible, unless `T` itself may be null |
    /// | `Option<T>` | has `T` | partial: `None` fails |
    /// | a newtype | has what is in it, or the other way round | compatible |
    /// | a type that takes anything (`untagged`, `flatten`) | has such a type, too | compatible: it cannot be seen through |
    /// | such a type | has another one, or the other way round | partial: it cannot be seen through |
    /// | anything else | has something else | incompatible |
    ///
    /// ```
    /// use farcall::contract::{Compatibility, FormatKind};
    ///
    /// #[farcall::service]
    /// pub trait Narrow {
    ///     async fn put(&self, count: u32);
    /// }
    ///
    /// #[farcall::service]
    /// pub trait Wide {
    ///     async fn put(&self, count: u64);
    /// }
    ///
    /// let (narrow, wide) = (NarrowClient::contract(), WideClient::contract());
    /// let (narrow, wide) = (narrow.methods()[0].types(), wide.methods()[0].types());
    /// assert_eq!(wide.read(narrow, FormatKind::NamedBinary).compatibility, Compatibility::Compatible);
    /// assert_eq!(narrow.read(wide, FormatKind::NamedBinary).compatibility, Compatibility::Partial);
    /// assert_eq!(wide.read(narrow, FormatKind::Positional).compatibility, Compatibility::Incompatible);
    /// ```
    pub fn read(&self, writer: &Self, kind: FormatKind) -> Verdict {
        if !kind.is_named() {
            return positional(self, writer);
        }
        let mut walk = Walk::new([self, writer], READER_AND_WRITER);
        walk.start(String::new(), Way::first(), [0, 0]);
        walk.run()
    }
}

impl MethodContract {
    /// How well a caller with this contract and a callee with the other one understand each other in formats of this
    /// kind: the callee reads the arguments, the caller the result and the error.
    ///
    /// ```
    /// use farcall::contract::{Compatibility, FormatKind};
    ///
    /// #[farcall::service]
    /// pub trait Old {
    ///     async fn stock(&self, sku: String) -> farcall::Result<u32>;
    /// }
    ///
    /// #[farcall::service]
    /// pub trait New {
    ///     async fn stock(&self, sku: String, shelf: Option<u8>) -> farcall::Result<u32>;
    /// }
    ///
    /// let (old, new) = (OldClient::contract(), NewClient::contract());
    /// let (old, new) = (&old.methods()[0], &new.methods()[0]);
    /// let verdict = new.compatibility(old, FormatKind::NamedBinary);
    /// assert_eq!(verdict.compatibility, Compatibility::Compatible);
    /// assert_eq!(verdict.notes[0].to_string(), "argument `shelf`: the server does not have it and drops it");
    /// ```
    pub fn compatibility(&self, callee: &Self, kind: FormatKind) -> Verdict {
        let mut verdict = between(self.types_in(kind), callee.types_in(kind), kind, CALLER_AND_CALLEE);
        for note in &mut verdict.notes {
            self.name().clone_into(&mut note.method);
        }
        verdict
    }
}

/// How well a caller and a callee understand each other, whose types of a method these are.
pub(super) fn between(caller: &Shape, callee: &Shape, kind: FormatKind, sides: Sides) -> Verdict {
    if !kind.is_named() {
        return positional(caller, callee);
    }
    let mut walk = Walk::new([caller, callee], sides);
    match (signature(caller), signature(callee)) {
        (Some(own), Some(other)) => {
            walk.arguments(own.arguments, other.arguments);
            results(&mut walk, [own, other]);
        }
        _ => walk.no_method(),
    }
    walk.run()
}

/// The caller reads the result.
fn results(walk: &mut Walk<'_>, [caller, callee]: [Signature<'_>; 2]) {
    let [own, other] = [(0, caller.error), (1, callee.error)].map(|(side, error)| {
        let is_library = |&error: &u32| is_library_error(walk.shape(side).node(error));
        (error.is_some(), error.filter(|error| !is_library(error)))
    });
    if own.0 != other.0 {
        return walk.one_result();
    }
    walk.start("result".to_owned(), Way::first(), [caller.result, callee.result]);
    match (own.1, other.1) {
        (Some(own), Some(other)) => walk.start("error".to_owned(), Way::first(), [own, other]),
        (None, Some(_)) => walk.foreign_error(),
        _ => {}
    }
}

/// Formats without names need the same.
fn positional(here: &Shape, there: &Shape) -> Verdict {
    let notes = differences(here, there, false).into_iter().map(|difference| Note {
        method: String::new(),
        text: difference.what(),
        path: difference.path,
        compatibility: Compatibility::Incompatible,
    });
    let notes: Vec<_> = notes.collect();
    Verdict {
        compatibility: match &notes[..] {
            [] => Compatibility::Same,
            _ => Compatibility::Incompatible,
        },
        notes,
    }
}
