//! What a contract depends on of a format.

use std::fmt;

use crate::codec::Format;

/// The kinds of formats, as far as contracts care. Formats of one kind accept and refuse the same changes of types.
///
/// ```
/// use farcall::contract::FormatKind;
///
/// assert!(FormatKind::NamedReadable.is_named());
/// assert_eq!(FormatKind::Positional.to_string(), "bincode, postcard");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum FormatKind {
    /// Values follow each other without names: bincode and postcard. Any change of a type makes it another one.
    Positional,
    /// Fields and variants have their names, and values are made for programs: CBOR.
    NamedBinary,
    /// Fields and variants have their names, and values are made for people: JSON. Some types differ there: an IP
    /// address is a text.
    NamedReadable,
}

impl FormatKind {
    /// Each kind, whether this build has a format of it or not.
    pub const ALL: [Self; 3] = [Self::Positional, Self::NamedBinary, Self::NamedReadable];

    /// The kind of a format.
    pub const fn of(format: Format) -> Self {
        match (format.is_named(), format.is_readable()) {
            (false, _) => Self::Positional,
            (true, false) => Self::NamedBinary,
            (true, true) => Self::NamedReadable,
        }
    }

    /// Whether fields and variants have their names, so that a change may do no harm.
    pub const fn is_named(self) -> bool {
        matches!(self, Self::NamedBinary | Self::NamedReadable)
    }

    /// Whether values are made for people to read.
    pub const fn is_readable(self) -> bool {
        matches!(self, Self::NamedReadable)
    }
}

/// The formats of the kind, also those that this build does not have.
impl fmt::Display for FormatKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Positional => "bincode, postcard",
            Self::NamedBinary => "CBOR",
            Self::NamedReadable => "JSON",
        })
    }
}
