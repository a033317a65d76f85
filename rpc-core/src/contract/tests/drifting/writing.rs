//! Writing a value as serde's derive does.

use serde::{
    Serialize, Serializer,
    ser::{SerializeStruct, SerializeStructVariant, SerializeTuple, SerializeTupleVariant},
};

use super::values::{Held, Value};

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unit => serializer.serialize_unit(),
            Self::Bool(of) => serializer.serialize_bool(*of),
            &Self::Integer(of, size, signed) => integer(serializer, of, size, signed),
            Self::F32(of) => serializer.serialize_f32(*of),
            Self::F64(of) => serializer.serialize_f64(*of),
            Self::Char(of) => serializer.serialize_char(*of),
            Self::Text(of) => serializer.serialize_str(of),
            Self::Bytes(of) => serializer.serialize_bytes(of),
            Self::Option(of) => of.serialize(serializer),
            Self::Sequence(of) => serializer.collect_seq(of),
            Self::Map(of) => serializer.collect_map(of.iter().map(|(key, value)| (key, value))),
            Self::Tuple(of) => {
                let mut tuple = serializer.serialize_tuple(of.len())?;
                of.iter().try_for_each(|part| tuple.serialize_element(part))?;
                tuple.end()
            }
            Self::Newtype(name, of) => serializer.serialize_newtype_struct(name, of),
            Self::Struct(name, fields) => {
                let mut of = serializer.serialize_struct(name, fields.len())?;
                fields
                    .iter()
                    .try_for_each(|(name, value)| of.serialize_field(name, value))?;
                of.end()
            }
            Self::Variant(name, index, variant, held) => held.serialize(serializer, name, *index, variant),
        }
    }
}

impl Held {
    fn serialize<S: Serializer>(
        &self,
        serializer: S,
        name: &'static str,
        index: u32,
        variant: &'static str,
    ) -> Result<S::Ok, S::Error> {
        match self {
            Self::Unit => serializer.serialize_unit_variant(name, index, variant),
            Self::Newtype(of) => serializer.serialize_newtype_variant(name, index, variant, of),
            Self::Tuple(parts) => {
                let mut of = serializer.serialize_tuple_variant(name, index, variant, parts.len())?;
                parts.iter().try_for_each(|part| of.serialize_field(part))?;
                of.end()
            }
            Self::Struct(fields) => {
                let mut of = serializer.serialize_struct_variant(name, index, variant, fields.len())?;
                fields
                    .iter()
                    .try_for_each(|(name, value)| of.serialize_field(name, value))?;
                of.end()
            }
        }
    }
}

fn integer<S: Serializer>(serializer: S, of: u128, size: u8, signed: bool) -> Result<S::Ok, S::Error> {
    match (size, signed) {
        (1, false) => serializer.serialize_u8(of as u8),
        (2, false) => serializer.serialize_u16(of as u16),
        (4, false) => serializer.serialize_u32(of as u32),
        (8, false) => serializer.serialize_u64(of as u64),
        (_, false) => serializer.serialize_u128(of),
        (1, true) => serializer.serialize_i8(of as i8),
        (2, true) => serializer.serialize_i16(of as i16),
        (4, true) => serializer.serialize_i32(of as i32),
        (8, true) => serializer.serialize_i64(of as i64),
        (_, true) => serializer.serialize_i128(of.cast_signed()),
    }
}
