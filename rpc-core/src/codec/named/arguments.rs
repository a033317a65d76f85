//! The arguments of a method, found by their names.

use serde::{
    de::{self, DeserializeSeed, Error as _, Visitor},
    forward_to_deserialize_any,
};

use super::{
    Place,
    de::Deserializer,
    error::NamedError,
    reader::{Reader, Token, short},
    source::Source,
};

/// Arguments in the order in which the method takes them.
pub(super) struct Arguments<'a, 'de, R> {
    source: &'a mut Source<'de, R>,
    names: &'static [&'static str],
    /// Where each begins, if it is there.
    places: Vec<Option<R>>,
    /// Behind all of them.
    end: R,
    given: usize,
}

impl<'a, 'de, R: Reader<'de>> Arguments<'a, 'de, R> {
    /// Passes over all of them once, and notes where those with these names begin. Others are ignored: a caller with a
    /// newer version of the method may have more.
    pub(super) fn find(source: &'a mut Source<'de, R>, names: &'static [&'static str]) -> Result<Self, NamedError> {
        let Token::Map(mut open) = source.token()? else {
            return Err(NamedError::new("the arguments must be a map by their names"));
        };
        let mut places = vec![None; names.len()];
        let reader = &mut source.reader;
        while reader.more(&mut open)? {
            let Token::Text { text, .. } = reader.token()? else {
                return Err(NamedError::new("the name of an argument must be text"));
            };
            reader.assign()?;
            if let Some(index) = names.iter().position(|name| *name == text) {
                if places[index].is_some() {
                    return Err(NamedError::new(format!("the argument `{}` comes twice", names[index])));
                }
                places[index] = Some(reader.clone());
            }
            reader.skip().map_err(|error| error.in_field(short(&text)))?;
        }
        let end = reader.clone();
        Ok(Self {
            source,
            names,
            places,
            end,
            given: 0,
        })
    }

    /// Goes on behind them.
    pub(super) fn finish(self) {
        self.source.reader = self.end;
    }
}

impl<'de, R: Reader<'de>> de::SeqAccess<'de> for &mut Arguments<'_, 'de, R> {
    type Error = NamedError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, NamedError> {
        let Some(name) = self.names.get(self.given) else {
            return Ok(None);
        };
        let place = self.places[self.given].take();
        self.given += 1;
        let Some(place) = place else {
            return seed.deserialize(Missing(name)).map(Some);
        };
        self.source.reader = place;
        seed.deserialize(Deserializer::new(self.source, Place::Value))
            .map(Some)
            .map_err(|error| error.in_field(name))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.names.len() - self.given)
    }
}

/// An argument that is not there: fine where the type is an option.
struct Missing(&'static str);

impl<'de> de::Deserializer<'de> for Missing {
    type Error = NamedError;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, NamedError> {
        Err(NamedError::custom(format_args!(
            "the argument `{}` is missing, and its type is no option",
            self.0
        )))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, NamedError> {
        visitor.visit_none()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}
