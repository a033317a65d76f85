//! From a value to the tokens of a format.

use serde::{Serialize, ser};

use super::{Compound, Place, Writer, error::NamedError, parts::Parts};

/// Writes one value.
pub(super) struct Serializer<'a, W> {
    pub(super) writer: &'a mut W,
    place: Place,
}

/// What two values would look the same as.
const SAME_AS_NONE: &str = "the value in an option is written as nothing (as `()` and `None` are), so it would arrive \
     as `None`; the formats bincode and postcard can carry it, or wrap the inner value in a struct";
const KEY: &str = "JSON has only text as the keys of maps, and this key is something else; the formats cbor, bincode \
     and postcard can carry it, or send the map as a sequence of pairs";

impl<'a, W: Writer> Serializer<'a, W> {
    pub(super) fn new(writer: &'a mut W, place: Place) -> Self {
        Self { writer, place }
    }

    /// Whether this is a key that must be text.
    fn text_key(&self) -> bool {
        W::TEXT_KEYS && matches!(self.place, Place::Key)
    }

    fn no_text_key(&self) -> Result<(), NamedError> {
        if self.text_key() {
            Err(NamedError::new(KEY))
        } else {
            Ok(())
        }
    }

    fn null(self) -> Result<(), NamedError> {
        self.no_text_key()?;
        if matches!(self.place, Place::Some) {
            return Err(NamedError::new(SAME_AS_NONE));
        }
        self.writer.null();
        Ok(())
    }

    fn signed(self, value: i128) -> Result<(), NamedError> {
        if self.text_key() {
            self.writer.text(&value.to_string())
        } else {
            self.writer.signed(value)
        }
    }

    fn unsigned(self, value: u128) -> Result<(), NamedError> {
        if self.text_key() {
            self.writer.text(&value.to_string())
        } else {
            self.writer.unsigned(value)
        }
    }

    fn begin(self, compound: Compound, length: Option<usize>) -> Result<Parts<'a, W>, NamedError> {
        self.no_text_key()?;
        Ok(Parts::begin(self.writer, compound, length))
    }

    /// A map of one entry, whose key is the variant.
    fn variant(self, variant: &str) -> Result<&'a mut W, NamedError> {
        self.no_text_key()?;
        self.writer.begin(Compound::Map, Some(1));
        self.writer.text(variant)?;
        self.writer.assign();
        Ok(self.writer)
    }
}

/// Methods for integers.
macro_rules! integers {
    ($($method:ident($type:ty) $to:ident),* $(,)?) => {$(
        #[inline]
        fn $method(self, value: $type) -> Result<(), NamedError> {
            self.$to(value.into())
        }
    )*};
}

impl<'a, W: Writer> ser::Serializer for Serializer<'a, W> {
    type Ok = ();
    type Error = NamedError;
    type SerializeSeq = Parts<'a, W>;
    type SerializeTuple = Parts<'a, W>;
    type SerializeTupleStruct = Parts<'a, W>;
    type SerializeTupleVariant = Parts<'a, W>;
    type SerializeMap = Parts<'a, W>;
    type SerializeStruct = Parts<'a, W>;
    type SerializeStructVariant = Parts<'a, W>;

    integers! {
        serialize_i8(i8) signed, serialize_i16(i16) signed, serialize_i32(i32) signed, serialize_i64(i64) signed,
        serialize_i128(i128) signed, serialize_u8(u8) unsigned, serialize_u16(u16) unsigned,
        serialize_u32(u32) unsigned, serialize_u64(u64) unsigned, serialize_u128(u128) unsigned,
    }

    fn serialize_bool(self, value: bool) -> Result<(), NamedError> {
        if self.text_key() {
            return self.writer.text(if value { "true" } else { "false" });
        }
        self.writer.bool(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), NamedError> {
        self.no_text_key()?;
        self.writer.f32(value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), NamedError> {
        self.no_text_key()?;
        self.writer.f64(value)
    }

    fn serialize_char(self, value: char) -> Result<(), NamedError> {
        self.writer.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), NamedError> {
        self.writer.text(value)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), NamedError> {
        self.no_text_key()?;
        self.writer.bytes(value)
    }

    fn serialize_none(self) -> Result<(), NamedError> {
        self.null()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), NamedError> {
        self.no_text_key()?;
        value.serialize(Self::new(self.writer, Place::Some))
    }

    fn serialize_unit(self) -> Result<(), NamedError> {
        match self.place {
            Place::Arguments(_) => ser::SerializeTuple::end(self.serialize_tuple(0)?),
            _ => self.null(),
        }
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), NamedError> {
        self.null()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), NamedError> {
        self.writer.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), NamedError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), NamedError> {
        let writer = self.variant(variant)?;
        value
            .serialize(Serializer::new(&mut *writer, Place::Value))
            .map_err(|error| error.in_field(variant))?;
        writer.end(Compound::Map, true);
        Ok(())
    }

    fn serialize_seq(self, length: Option<usize>) -> Result<Parts<'a, W>, NamedError> {
        self.begin(Compound::Array, length)
    }

    fn serialize_tuple(self, length: usize) -> Result<Parts<'a, W>, NamedError> {
        match self.place {
            Place::Arguments(names) => Parts::arguments(self.writer, names, length),
            _ => self.begin(Compound::Array, Some(length)),
        }
    }

    fn serialize_tuple_struct(self, _: &'static str, length: usize) -> Result<Parts<'a, W>, NamedError> {
        self.begin(Compound::Array, Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Parts<'a, W>, NamedError> {
        let writer = self.variant(variant)?;
        Ok(Parts::begin(writer, Compound::Array, Some(length)).of_variant(variant))
    }

    fn serialize_map(self, length: Option<usize>) -> Result<Parts<'a, W>, NamedError> {
        self.begin(Compound::Map, length)
    }

    fn serialize_struct(self, _: &'static str, length: usize) -> Result<Parts<'a, W>, NamedError> {
        self.begin(Compound::Map, Some(length))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        length: usize,
    ) -> Result<Parts<'a, W>, NamedError> {
        let writer = self.variant(variant)?;
        Ok(Parts::begin(writer, Compound::Map, Some(length)).of_variant(variant))
    }

    fn is_human_readable(&self) -> bool {
        W::READABLE
    }
}
