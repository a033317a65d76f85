//! Numbers, text and bytes on their way to JSON.

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use farcall::contract::Primitive;
use serde::{
    Deserializer,
    de::{DeserializeSeed, Error, SeqAccess, Visitor},
};
use serde_json::{Number, Value};

/// Reads what has no parts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalar(pub(super) Primitive);

impl<'de> DeserializeSeed<'de> for Scalar {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.0 {
            Primitive::Unit => deserializer.deserialize_unit(self),
            Primitive::Bool => deserializer.deserialize_bool(self),
            Primitive::I8 => deserializer.deserialize_i8(self),
            Primitive::I16 => deserializer.deserialize_i16(self),
            Primitive::I32 => deserializer.deserialize_i32(self),
            Primitive::I64 => deserializer.deserialize_i64(self),
            Primitive::I128 => deserializer.deserialize_i128(self),
            Primitive::U8 => deserializer.deserialize_u8(self),
            Primitive::U16 => deserializer.deserialize_u16(self),
            Primitive::U32 => deserializer.deserialize_u32(self),
            Primitive::U64 => deserializer.deserialize_u64(self),
            Primitive::U128 => deserializer.deserialize_u128(self),
            Primitive::F32 => deserializer.deserialize_f32(self),
            Primitive::F64 => deserializer.deserialize_f64(self),
            Primitive::Char => deserializer.deserialize_char(self),
            Primitive::String => deserializer.deserialize_string(self),
            Primitive::Bytes => deserializer.deserialize_byte_buf(self),
            _ => Err(D::Error::custom(
                "a value of any type came, which only formats with names can carry: try `--format json`",
            )),
        }
    }
}

impl<'de> Visitor<'de> for Scalar {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a value of the type {:?}", self.0)
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        match self.0 {
            Primitive::F32 | Primitive::F64 => self.visit_f64(wide(&value)),
            _ => Ok(value.into()),
        }
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        match self.0 {
            Primitive::F32 | Primitive::F64 => self.visit_f64(wide(&value)),
            _ => Ok(value.into()),
        }
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<Value, E> {
        Ok(u64::try_from(value).map_or_else(|_| value.to_string().into(), Value::from))
    }

    /// With no more digits than tell it from others of its width.
    fn visit_f32<E: Error>(self, value: f32) -> Result<Value, E> {
        Ok(float(value.to_string().parse().unwrap_or(f64::from(value))))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        match self.0 {
            Primitive::F32 => self.visit_f32(value as f32),
            _ => Ok(float(value)),
        }
    }

    fn visit_char<E: Error>(self, value: char) -> Result<Value, E> {
        Ok(value.to_string().into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_bytes<E: Error>(self, value: &[u8]) -> Result<Value, E> {
        Ok(STANDARD.encode(value).into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = access.next_element::<u8>()? {
            bytes.push(byte);
        }
        self.visit_bytes(&bytes)
    }
}

/// A number that was written without a point.
fn wide(value: &impl ToString) -> f64 {
    value.to_string().parse().unwrap_or(f64::NAN)
}

/// JSON has no number for infinities and for what is none.
fn float(value: f64) -> Value {
    match Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None => Value::String(value.to_string()),
    }
}
