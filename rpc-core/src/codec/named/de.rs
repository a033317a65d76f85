//! From the tokens of a format to a value.

use serde::de::{self, Visitor};

use super::{
    Place,
    access::Variant,
    arguments::Arguments,
    error::NamedError,
    parts::unnamed,
    reader::{Reader, Token, integer},
    source::{Source, float, out_of_range},
};

/// Reads one value.
pub(super) struct Deserializer<'a, 'de, R> {
    source: &'a mut Source<'de, R>,
    place: Place,
}

impl<'a, 'de, R: Reader<'de>> Deserializer<'a, 'de, R> {
    pub(super) fn new(source: &'a mut Source<'de, R>, place: Place) -> Self {
        Self { source, place }
    }

    /// An integer or a bool, which is text where it is a key.
    fn keyed<V: Visitor<'de>>(
        self,
        read: impl FnOnce(&str) -> Option<Token<'de>>,
        visitor: V,
    ) -> Result<V::Value, NamedError> {
        let mut token = self.source.token()?;
        if R::TEXT_KEYS
            && matches!(self.place, Place::Key)
            && let Token::Text { text, .. } = &token
            && let Some(read) = read(text)
        {
            token = read;
        }
        match token {
            Token::Text { .. } => Err(token.unlike(&visitor)),
            token => self.source.visit_scalar(token, visitor),
        }
    }
}

fn boolean<'de>(text: &str) -> Option<Token<'de>> {
    match text {
        "true" => Some(Token::Bool(true)),
        "false" => Some(Token::Bool(false)),
        _ => None,
    }
}

/// Methods that read something of one kind.
macro_rules! kinds {
    ($($method:ident($($argument:ident: $type:ty),*) $to:ident($($how:ident)?)),* $(,)?) => {$(
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, NamedError> {
            kinds!(@ self, visitor, $to $($how)?)
        }
    )*};
    (@ $self:ident, $visitor:ident, keyed $how:ident) => { $self.keyed($how, $visitor) };
    (@ $self:ident, $visitor:ident, $to:ident) => { $self.source.$to($visitor) };
}

impl<'de, R: Reader<'de>> de::Deserializer<'de> for Deserializer<'_, 'de, R> {
    type Error = NamedError;

    kinds! {
        deserialize_bool() keyed(boolean), deserialize_i8() keyed(integer), deserialize_i16() keyed(integer),
        deserialize_i32() keyed(integer), deserialize_i64() keyed(integer), deserialize_i128() keyed(integer),
        deserialize_u8() keyed(integer), deserialize_u16() keyed(integer), deserialize_u32() keyed(integer),
        deserialize_u64() keyed(integer), deserialize_u128() keyed(integer), deserialize_char() text(),
        deserialize_str() text(), deserialize_string() text(),
        deserialize_bytes() bytes(), deserialize_byte_buf() bytes(),
        deserialize_unit_struct(_name: &'static str) unit(),
        deserialize_seq() elements(), deserialize_tuple_struct(_name: &'static str, _length: usize) elements(),
        deserialize_map() entries(),
        deserialize_struct(_name: &'static str, _fields: &'static [&'static str]) fields(),
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NamedError> {
        match self.source.token()? {
            Token::Array(open) => self.source.visit_elements(open, visitor),
            Token::Map(open) => self.source.visit_entries(open, Place::Key, visitor),
            token => self.source.visit_scalar(token, visitor),
        }
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NamedError> {
        // To a struct, numbers would be the places of its fields, which its next version may order in another way.
        if matches!(self.place, Place::Field) {
            return self.source.text(visitor);
        }
        let token = self.source.token()?;
        self.source.visit_scalar(token, visitor)
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NamedError> {
        match self.source.token()? {
            Token::Number(number) => match number.parse::<f32>() {
                Ok(value) if value.is_finite() => visitor.visit_f32(value),
                _ => Err(out_of_range(number)),
            },
            Token::Float(value) => {
                let narrow = value as f32;
                if value.is_nan() || f64::from(narrow).to_bits() == value.to_bits() {
                    visitor.visit_f32(narrow)
                } else {
                    Err(NamedError::new(format!("the number {value} does not fit into 32 bits")))
                }
            }
            token => self.source.visit_scalar(token, visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NamedError> {
        match self.source.token()? {
            Token::Number(number) => visitor.visit_f64(float(number)?),
            token => self.source.visit_scalar(token, visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NamedError> {
        if self.source.reader.is_null() {
            self.source.token()?;
            visitor.visit_none()
        } else {
            // A number in a key stays one.
            let place = match self.place {
                Place::Key => Place::Key,
                _ => Place::Value,
            };
            visitor.visit_some(Self::new(self.source, place))
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NamedError> {
        match self.place {
            Place::Arguments([]) => {
                Arguments::find(self.source, &[])?.finish();
                visitor.visit_unit()
            }
            Place::Arguments(names) => Err(unnamed(names, 0)),
            _ => self.source.unit(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, NamedError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, NamedError> {
        match self.place {
            Place::Arguments(names) if names.len() == length => {
                let mut arguments = Arguments::find(self.source, names)?;
                let value = visitor.visit_seq(&mut arguments)?;
                arguments.finish();
                Ok(value)
            }
            Place::Arguments(names) => Err(unnamed(names, length)),
            _ => self.source.elements(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, NamedError> {
        match self.source.token()? {
            Token::Text { text, .. } => visitor.visit_enum(Variant::alone(self.source, text)),
            Token::Map(open) => visitor.visit_enum(Variant::with_content(self.source, open)),
            token => Err(token.unlike(&visitor)),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NamedError> {
        self.source.reader.skip()?;
        visitor.visit_unit()
    }

    fn is_human_readable(&self) -> bool {
        R::READABLE
    }
}
