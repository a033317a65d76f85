//! What a format's bytes are read as.

use std::borrow::Cow;

use serde::de::{Unexpected, Visitor};

use super::{error::NamedError, skip::skip};

/// Reads the tokens of a format.
pub(super) trait Reader<'de>: Clone {
    /// Whether people read it.
    const READABLE: bool;
    /// Whether keys of maps are text and nothing else.
    const TEXT_KEYS: bool;
    /// Whether bytes are written as text.
    const BYTES_ARE_TEXT: bool;

    /// The next scalar, or the beginning of a map or a sequence.
    fn token(&mut self) -> Result<Token<'de>, NamedError>;
    /// Whether the next value is null.
    fn is_null(&mut self) -> bool;
    /// Whether another part follows; if none does, the end is passed.
    fn more(&mut self, open: &mut Open) -> Result<bool, NamedError>;
    /// Passes what stands between a key and its value.
    fn assign(&mut self) -> Result<(), NamedError>;
    /// Bytes behind the value.
    fn left_over(&mut self) -> usize;
    /// Bytes that are not read.
    fn remaining(&self) -> usize;
    /// The bytes that bytes written as this text stand for.
    fn bytes_of(text: &str) -> Result<Vec<u8>, NamedError>;

    /// Passes one value.
    fn skip(&mut self) -> Result<(), NamedError> {
        skip(self)
    }
}

/// A map or a sequence that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Open {
    pub(super) map: bool,
    /// Parts that are to come, if that was said.
    pub(super) left: Option<u64>,
    pub(super) first: bool,
}

impl Open {
    pub(super) fn new(map: bool, left: Option<u64>) -> Self {
        Self { map, left, first: true }
    }

    /// How many parts to expect in so many bytes.
    pub(super) fn size_hint(&self, remaining: usize) -> Option<usize> {
        let left = usize::try_from(self.left?).unwrap_or(usize::MAX);
        Some(left.min(remaining))
    }
}

#[derive(Debug)]
pub(super) enum Token<'de> {
    Null,
    Bool(bool),
    /// A number as it is written; a type may read it with more precision than others.
    Number(&'de str),
    Unsigned(u128),
    Signed(i128),
    Float(f64),
    /// `bytes`: the writer marked it as bytes.
    Text {
        text: Cow<'de, str>,
        bytes: bool,
    },
    Bytes(Cow<'de, [u8]>),
    Array(Open),
    Map(Open),
}

impl Token<'_> {
    /// The error for a type that is something else.
    #[cold]
    pub(super) fn unlike<'v, V: Visitor<'v>>(&self, visitor: &V) -> NamedError {
        let unexpected = match self {
            Self::Null => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Number(number) => return invalid(Unexpected::Other(&format!("number {}", short(number))), visitor),
            Self::Unsigned(number) => return invalid(Unexpected::Other(&format!("integer {number}")), visitor),
            Self::Signed(number) => return invalid(Unexpected::Other(&format!("integer {number}")), visitor),
            Self::Float(number) => Unexpected::Float(*number),
            Self::Text { text, bytes: false } => Unexpected::Str(short(text)),
            Self::Text { bytes: true, .. } | Self::Bytes(_) => Unexpected::Other("bytes"),
            Self::Array(_) => Unexpected::Seq,
            Self::Map(_) => Unexpected::Map,
        };
        invalid(unexpected, visitor)
    }
}

fn invalid<'v, V: Visitor<'v>>(unexpected: Unexpected<'_>, visitor: &V) -> NamedError {
    serde::de::Error::invalid_type(unexpected, visitor)
}

/// The beginning of a text, for people.
pub(super) fn short(text: &str) -> &str {
    text.char_indices().nth(64).map_or(text, |(end, _)| &text[..end])
}

/// A number that is written with digits and nothing else.
pub(super) fn integer<'de>(number: &str) -> Option<Token<'de>> {
    match number.parse() {
        Ok(value) => Some(Token::Unsigned(value)),
        Err(_) => number.parse().ok().map(Token::Signed),
    }
}
