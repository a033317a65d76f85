//! Values that are known to fit their types, ready to be written in any format.

use farcall::channel::{Receiver, Sender};
use serde::{
    Serialize, Serializer,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleStruct,
        SerializeTupleVariant,
    },
};
use serde_json::Value;

use super::item::{Came, Sent};

/// A value that fits its type.
#[derive(Debug)]
pub(crate) enum Typed {
    Unit,
    Bool(bool),
    I8(i8),
    I16(i16),
    I32(i32),
    I64(i64),
    I128(i128),
    U8(u8),
    U16(u16),
    U32(u32),
    U64(u64),
    U128(u128),
    F32(f32),
    F64(f64),
    Char(char),
    String(String),
    Bytes(Vec<u8>),
    /// As it is, in a format in which a value tells what it is.
    Any(Value),
    None,
    Some(Box<Typed>),
    Sequence(Vec<Typed>),
    Map(Vec<(Typed, Typed)>),
    Tuple(Vec<Typed>),
    UnitStruct(&'static str),
    Newtype(&'static str, Box<Typed>),
    TupleStruct(&'static str, Vec<Typed>),
    Struct(&'static str, Vec<(&'static str, Typed)>),
    Variant(Variant, TypedContent),
    Receiver(Receiver<Sent>),
    Sender(Sender<Came>),
    /// A client of the server with this address.
    Client(String),
}

/// Which variant of which enum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Variant {
    pub(crate) of: &'static str,
    pub(crate) index: u32,
    pub(crate) name: &'static str,
}

#[derive(Debug)]
pub(crate) enum TypedContent {
    Unit,
    Newtype(Box<Typed>),
    Tuple(Vec<Typed>),
    Struct(Vec<(&'static str, Typed)>),
}

impl Serialize for Typed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unit => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::I8(value) => serializer.serialize_i8(*value),
            Self::I16(value) => serializer.serialize_i16(*value),
            Self::I32(value) => serializer.serialize_i32(*value),
            Self::I64(value) => serializer.serialize_i64(*value),
            Self::I128(value) => serializer.serialize_i128(*value),
            Self::U8(value) => serializer.serialize_u8(*value),
            Self::U16(value) => serializer.serialize_u16(*value),
            Self::U32(value) => serializer.serialize_u32(*value),
            Self::U64(value) => serializer.serialize_u64(*value),
            Self::U128(value) => serializer.serialize_u128(*value),
            Self::F32(value) => serializer.serialize_f32(*value),
            Self::F64(value) => serializer.serialize_f64(*value),
            Self::Char(value) => serializer.serialize_char(*value),
            Self::String(value) => serializer.serialize_str(value),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::Any(value) => value.serialize(serializer),
            Self::None => serializer.serialize_none(),
            Self::Some(value) => serializer.serialize_some(value),
            Self::UnitStruct(name) => serializer.serialize_unit_struct(name),
            Self::Newtype(name, value) => serializer.serialize_newtype_struct(name, value),
            Self::Receiver(end) => end.serialize(serializer),
            Self::Sender(end) => end.serialize(serializer),
            // As a client writes itself where it is one of a server.
            Self::Client(address) => serializer.serialize_newtype_variant("Client", 1, "Address", address),
            Self::Variant(variant, content) => content.serialize_as(*variant, serializer),
            compound => compound.serialize_compound(serializer),
        }
    }
}

impl Typed {
    fn serialize_compound<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Sequence(values) => {
                let mut sequence = serializer.serialize_seq(Some(values.len()))?;
                values.iter().try_for_each(|value| sequence.serialize_element(value))?;
                sequence.end()
            }
            Self::Map(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                entries
                    .iter()
                    .try_for_each(|(key, value)| map.serialize_entry(key, value))?;
                map.end()
            }
            Self::Tuple(values) => {
                let mut tuple = serializer.serialize_tuple(values.len())?;
                values.iter().try_for_each(|value| tuple.serialize_element(value))?;
                tuple.end()
            }
            Self::TupleStruct(name, values) => {
                let mut tuple = serializer.serialize_tuple_struct(name, values.len())?;
                values.iter().try_for_each(|value| tuple.serialize_field(value))?;
                tuple.end()
            }
            Self::Struct(name, fields) => {
                let mut fielded = serializer.serialize_struct(name, fields.len())?;
                fields
                    .iter()
                    .try_for_each(|(name, value)| fielded.serialize_field(name, value))?;
                fielded.end()
            }
            _ => serializer.serialize_unit(),
        }
    }
}

impl TypedContent {
    fn serialize_as<S: Serializer>(&self, variant: Variant, serializer: S) -> Result<S::Ok, S::Error> {
        let Variant { of, index, name } = variant;
        match self {
            Self::Unit => serializer.serialize_unit_variant(of, index, name),
            Self::Newtype(value) => serializer.serialize_newtype_variant(of, index, name, value),
            Self::Tuple(values) => {
                let mut tuple = serializer.serialize_tuple_variant(of, index, name, values.len())?;
                values.iter().try_for_each(|value| tuple.serialize_field(value))?;
                tuple.end()
            }
            Self::Struct(fields) => {
                let mut fielded = serializer.serialize_struct_variant(of, index, name, fields.len())?;
                fields
                    .iter()
                    .try_for_each(|(name, value)| fielded.serialize_field(name, value))?;
                fielded.end()
            }
        }
    }
}
