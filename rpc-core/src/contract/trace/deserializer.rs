//! The deserializer that a type is run against.

use std::any::type_name;

use serde::de::{Deserializer, Visitor};

use super::{
    super::{Primitive, samples::Value},
    CLIENT, RECEIVER, SENDER, WATCH,
    access::{Chosen, Entries, Parts, structure},
    graph::{Ask, Key, SlotId},
    run::{Ended, Run},
};

/// Fills one place.
#[derive(Debug)]
pub(super) struct Tracer<'r, 'g> {
    pub(super) run: &'r mut Run<'g>,
    pub(super) slot: SlotId,
}

impl Tracer<'_, '_> {
    fn primitive<'de, V: Visitor<'de>>(self, primitive: Primitive) -> Result<Value, Ended> {
        self.run
            .primitive(self.slot, primitive, Key::of::<V>(Ask::Primitive(primitive)))
    }
}

macro_rules! integers {
    ($($method:ident $primitive:ident $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
            match self.primitive::<V>(Primitive::$primitive)? {
                Value::Integer(integer) => visitor.$visit(integer.try_into().map_err(|_| Ended::Otherwise)?),
                _ => Err(Ended::Otherwise),
            }
        }
    )*};
}

impl<'de> Deserializer<'de> for Tracer<'_, '_> {
    type Error = Ended;

    integers! {
        deserialize_i8 I8 visit_i8;
        deserialize_i16 I16 visit_i16;
        deserialize_i32 I32 visit_i32;
        deserialize_i64 I64 visit_i64;
        deserialize_i128 I128 visit_i128;
        deserialize_u8 U8 visit_u8;
        deserialize_u16 U16 visit_u16;
        deserialize_u32 U32 visit_u32;
        deserialize_u64 U64 visit_u64;
        deserialize_u128 U128 visit_u128;
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        match self.primitive::<V>(Primitive::F32)? {
            Value::Float(float) => visitor.visit_f32(float as f32),
            _ => Err(Ended::Otherwise),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        let value = self.primitive::<V>(Primitive::F64)?;
        visit(value, visitor)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        let value = self.primitive::<V>(Primitive::Bool)?;
        visit(value, visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        let value = self.primitive::<V>(Primitive::Char)?;
        visit(value, visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        let value = self.primitive::<V>(Primitive::String)?;
        visit(value, visitor)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        self.deserialize_str(visitor)
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        let value = self.primitive::<V>(Primitive::Bytes)?;
        visit(value, visitor)
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        let value = self.primitive::<V>(Primitive::Unit)?;
        visit(value, visitor)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        let value = self.primitive::<V>(Primitive::Any)?;
        visit(value, visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        self.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        let turn = self.run.enter(self.slot, Key::of::<V>(Ask::Option))?;
        let value = if turn.length == 0 {
            visitor.visit_none()
        } else {
            let name = type_name::<V::Value>();
            let inner = name
                .strip_prefix("core::option::Option<")
                .and_then(|name| name.strip_suffix('>'));
            let part = self.run.part(&turn, 0);
            part.and_then(|part| self.run.fill(part, inner, |inside| visitor.visit_some(inside)))
        };
        self.run.leave(&turn);
        value
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Ended> {
        let turn = self.run.enter(self.slot, Key::of::<V>(Ask::UnitStruct(name)))?;
        let value = visitor.visit_unit();
        self.run.leave(&turn);
        value
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Ended> {
        let ask = match name.strip_prefix(CLIENT) {
            Some(service) => Ask::Client(service),
            None if name == RECEIVER => Ask::Receiver,
            None if name == SENDER => Ask::Sender,
            None => Ask::Newtype(name),
        };
        let turn = self.run.enter(self.slot, Key::of::<V>(ask))?;
        let value = if let Ask::Client(_) = ask {
            visitor.visit_none()
        } else {
            let part = self.run.part(&turn, 0);
            part.and_then(|part| {
                self.run.fill(part, None, |inside| match ask {
                    Ask::Newtype(name) if name != WATCH => visitor.visit_newtype_struct(inside),
                    _ => visitor.visit_some(inside),
                })
            })
        };
        self.run.leave(&turn);
        value
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        let turn = self.run.enter(self.slot, Key::of::<V>(Ask::Sequence))?;
        let value = visitor.visit_seq(Parts::repeated(self.run, turn));
        self.run.leave(&turn);
        value
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Ended> {
        let turn = self.run.enter(self.slot, Key::of::<V>(Ask::Tuple(length)))?;
        let value = visitor.visit_seq(Parts::each(self.run, turn, length));
        self.run.leave(&turn);
        value
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Ended> {
        let turn = self
            .run
            .enter(self.slot, Key::of::<V>(Ask::TupleStruct(name, length)))?;
        let value = visitor.visit_seq(Parts::each(self.run, turn, length));
        self.run.leave(&turn);
        value
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Ended> {
        let turn = self.run.enter(self.slot, Key::of::<V>(Ask::Map))?;
        let value = visitor.visit_map(Entries::new(self.run, turn));
        self.run.leave(&turn);
        value
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Ended> {
        let turn = self.run.enter(self.slot, Key::of::<V>(Ask::Struct(name, fields)))?;
        let value = structure(self.run, turn, fields, visitor);
        self.run.leave(&turn);
        value
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Ended> {
        let turn = self.run.enter(self.slot, Key::of::<V>(Ask::Enum(name, variants)))?;
        let value = visitor.visit_enum(Chosen::new(self.run, turn, variants));
        self.run.leave(&turn);
        value
    }

    fn is_human_readable(&self) -> bool {
        self.run.setting.human_readable
    }
}

/// Shows a value to a visitor that takes any, or text, or bytes.
fn visit<'de, V: Visitor<'de>>(value: Value, visitor: V) -> Result<V::Value, Ended> {
    use std::borrow::Cow::{Borrowed, Owned};
    match value {
        Value::Unit => visitor.visit_unit(),
        Value::Bool(value) => visitor.visit_bool(value),
        Value::Integer(value) => visitor.visit_i64(value as i64),
        Value::Float(value) => visitor.visit_f64(value),
        Value::Char(value) => visitor.visit_char(value),
        Value::Text(Borrowed(text)) => visitor.visit_borrowed_str(text),
        Value::Text(Owned(text)) => visitor.visit_string(text),
        Value::Bytes(Borrowed(bytes)) => visitor.visit_borrowed_bytes(bytes),
        Value::Bytes(Owned(bytes)) => visitor.visit_byte_buf(bytes),
        Value::Nothing => visitor.visit_seq(serde::de::value::SeqDeserializer::new(std::iter::empty::<()>())),
    }
}
