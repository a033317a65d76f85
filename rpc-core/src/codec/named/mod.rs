//! What the formats with names share: arguments are a map by name, structs are maps by field.
//!
//! What serde's data model means in such a format is written once, here. JSON and CBOR each add how their tokens look:
//! a [`Writer`] and a [`Reader`]. The rule above all: a value arrives as its sender meant it, or is refused. What a
//! format cannot tell apart (`Some(None)` and `None`) or lacks (NaN in JSON) is an error where it is written.

#![cfg_attr(
    not(all(feature = "cbor", feature = "json")),
    allow(dead_code, reason = "each of the formats has tokens that the other one lacks")
)]

mod access;
mod arguments;
#[cfg(feature = "cbor")]
mod cbor;
mod de;
mod error;
#[cfg(feature = "json")]
mod json;
mod parts;
mod reader;
mod ser;
mod skip;
mod source;

#[cfg(feature = "cbor")]
pub use cbor::Cbor;
#[cfg(feature = "json")]
pub use json::Json;

use serde::{Deserialize, Serialize, de::DeserializeSeed};

use self::{de::Deserializer, error::NamedError, reader::Reader, ser::Serializer, source::Source};
use super::{
    CodecError, DecodeLimits, Kept,
    guard::{Guard, room_for, whole},
};

/// Where a value stands, which says what it may be.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Nothing is special about it.
    Value,
    /// In an option, which must be told from one without a value.
    Some,
    /// The key of a map.
    Key,
    /// The name of a field.
    Field,
    /// The tuple of the arguments of a method, which have these names.
    Arguments(&'static [&'static str]),
}

impl Place {
    fn of(names: Option<&'static [&'static str]>) -> Self {
        names.map_or(Self::Value, Self::Arguments)
    }
}

/// What a map or a sequence is in the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compound {
    Array,
    Map,
}

/// Writes the tokens of a format.
trait Writer {
    /// Whether people read it.
    const READABLE: bool;
    /// Whether keys of maps are text and nothing else.
    const TEXT_KEYS: bool;
    /// Whether a length stands before the parts, if it is known.
    const LENGTHS: bool;

    fn null(&mut self);
    fn bool(&mut self, value: bool);
    fn unsigned(&mut self, value: u128) -> Result<(), NamedError>;
    fn signed(&mut self, value: i128) -> Result<(), NamedError>;
    fn f32(&mut self, value: f32) -> Result<(), NamedError>;
    fn f64(&mut self, value: f64) -> Result<(), NamedError>;
    fn text(&mut self, value: &str) -> Result<(), NamedError>;
    fn bytes(&mut self, value: &[u8]) -> Result<(), NamedError>;
    fn begin(&mut self, compound: Compound, length: Option<usize>);
    /// What stands between two parts.
    fn separate(&mut self);
    /// What stands between a key and its value.
    fn assign(&mut self);
    /// `announced`: whether the length was known when it began.
    fn end(&mut self, compound: Compound, announced: bool);
}

fn encode<T: Serialize + ?Sized>(
    value: &T,
    mut writer: impl Writer,
    names: Option<&'static [&'static str]>,
) -> Result<(), CodecError> {
    value
        .serialize(Serializer::new(&mut writer, Place::of(names)))
        .map_err(CodecError::from)
}

/// What decoding needs beside the bytes.
#[derive(Clone, Copy, Debug)]
struct Decoding<'de> {
    limits: DecodeLimits,
    names: Option<&'static [&'static str]>,
    /// Where a type may borrow from what is not in the bytes as it is, such as text with escapes.
    kept: Option<&'de Kept>,
}

fn decode<'de, T: Deserialize<'de>>(
    reader: impl Reader<'de>,
    length: usize,
    decoding: Decoding<'de>,
) -> Result<T, CodecError> {
    room_for::<T>()?;
    let guard = Guard::new(decoding.limits, length);
    let mut source = Source::new(reader, decoding.kept, decoding.limits.memory);
    let deserializer = Deserializer::new(&mut source, Place::of(decoding.names));
    match guard.seed::<T>().deserialize(deserializer) {
        Ok(value) => whole(value, source.reader.left_over()),
        Err(error) => Err(guard.refusal().unwrap_or_else(|| error.into())),
    }
}
