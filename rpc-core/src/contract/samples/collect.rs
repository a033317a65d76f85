//! What a value is made of.

use std::fmt;

use serde::{
    Serialize, Serializer,
    ser::{
        self, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
        SerializeTupleStruct, SerializeTupleVariant,
    },
};

use super::Value;

/// The numbers and texts in a value, in the order in which they are written, as far as it can be written.
pub(super) fn leaves<T: Serialize + ?Sized>(value: &T) -> Vec<Value> {
    let mut collected = Vec::new();
    let _ = value.serialize(Collector(&mut collected));
    collected
}

struct Collector<'a>(&'a mut Vec<Value>);

/// The value refused to be written.
#[derive(Debug)]
struct Unwritable;

impl fmt::Display for Unwritable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the value cannot be written")
    }
}

impl std::error::Error for Unwritable {}

impl ser::Error for Unwritable {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl Collector<'_> {
    #[expect(clippy::unnecessary_wraps, reason = "it is what the methods of a serializer return")]
    fn put(self, value: Value) -> Result<(), Unwritable> {
        self.0.push(value);
        Ok(())
    }
}

macro_rules! leaves {
    ($($method:ident($type:ty) $value:expr;)*) => {$(
        fn $method(self, value: $type) -> Result<(), Unwritable> {
            self.put($value(value.into()))
        }
    )*};
}

macro_rules! opens {
    ($($method:ident($($argument:ty),*);)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<Self, Unwritable> {
            Ok(self)
        }
    )*};
}

impl Serializer for Collector<'_> {
    type Ok = ();
    type Error = Unwritable;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    leaves! {
        serialize_bool(bool) Value::Bool;
        serialize_i8(i8) Value::Integer;
        serialize_i16(i16) Value::Integer;
        serialize_i32(i32) Value::Integer;
        serialize_i64(i64) Value::Integer;
        serialize_i128(i128) Value::Integer;
        serialize_u8(u8) Value::Integer;
        serialize_u16(u16) Value::Integer;
        serialize_u32(u32) Value::Integer;
        serialize_u64(u64) Value::Integer;
        serialize_f32(f32) Value::Float;
        serialize_f64(f64) Value::Float;
        serialize_char(char) Value::Char;
    }

    opens! {
        serialize_seq(Option<usize>);
        serialize_tuple(usize);
        serialize_tuple_struct(&'static str, usize);
        serialize_tuple_variant(&'static str, u32, &'static str, usize);
        serialize_map(Option<usize>);
        serialize_struct(&'static str, usize);
        serialize_struct_variant(&'static str, u32, &'static str, usize);
    }

    fn serialize_u128(self, value: u128) -> Result<(), Unwritable> {
        self.put(Value::Integer(i128::try_from(value).unwrap_or(i128::MAX)))
    }

    fn serialize_str(self, value: &str) -> Result<(), Unwritable> {
        self.put(Value::Text(value.to_owned().into()))
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unwritable> {
        self.put(Value::Bytes(value.to_owned().into()))
    }

    fn serialize_none(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Unwritable> {
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unwritable> {
        value.serialize(self)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

macro_rules! parts {
    ($($trait:ident $method:ident($($name:ty)?);)*) => {$(
        impl $trait for Collector<'_> {
            type Ok = ();
            type Error = Unwritable;

            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $name,)? value: &T) -> Result<(), Unwritable> {
                value.serialize(Collector(self.0))
            }

            fn end(self) -> Result<(), Unwritable> {
                Ok(())
            }
        }
    )*};
}

parts! {
    SerializeSeq serialize_element();
    SerializeTuple serialize_element();
    SerializeTupleStruct serialize_field();
    SerializeTupleVariant serialize_field();
    SerializeStruct serialize_field(&'static str);
    SerializeStructVariant serialize_field(&'static str);
}

impl SerializeMap for Collector<'_> {
    type Ok = ();
    type Error = Unwritable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unwritable> {
        key.serialize(Collector(self.0))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unwritable> {
        value.serialize(Collector(self.0))
    }

    fn end(self) -> Result<(), Unwritable> {
        Ok(())
    }
}
