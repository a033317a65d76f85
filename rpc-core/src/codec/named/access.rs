//! The parts of a sequence, a map or a variant, as a type reads them.

use std::borrow::Cow;

use serde::de::{self, DeserializeSeed, Visitor, value::CowStrDeserializer};

use super::{
    Place,
    de::Deserializer,
    error::NamedError,
    reader::{Open, Reader, Token, short},
    source::Source,
};

/// The elements of a sequence.
pub(super) struct Elements<'a, 'de, R> {
    source: &'a mut Source<'de, R>,
    open: Open,
    read: usize,
    ended: bool,
}

impl<'a, 'de, R: Reader<'de>> Elements<'a, 'de, R> {
    pub(super) fn new(source: &'a mut Source<'de, R>, open: Open) -> Self {
        Self {
            source,
            open,
            read: 0,
            ended: false,
        }
    }

    fn more(&mut self) -> Result<bool, NamedError> {
        self.ended = self.ended || !self.source.reader.more(&mut self.open)?;
        Ok(!self.ended)
    }

    /// Makes sure that all were read.
    pub(super) fn end(mut self) -> Result<(), NamedError> {
        if self.more()? {
            return Err(NamedError::new(format!(
                "there are more elements than the {} that the type takes",
                self.read
            )));
        }
        Ok(())
    }
}

impl<'de, R: Reader<'de>> de::SeqAccess<'de> for &mut Elements<'_, 'de, R> {
    type Error = NamedError;

    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, NamedError> {
        if !self.more()? {
            return Ok(None);
        }
        let place = self.read;
        self.read += 1;
        seed.deserialize(Deserializer::new(self.source, Place::Value))
            .map(Some)
            .map_err(|error| error.in_element(place))
    }

    fn size_hint(&self) -> Option<usize> {
        self.open.size_hint(self.source.reader.remaining())
    }
}

/// The entries of a map or the fields of a struct.
pub(super) struct Entries<'a, 'de, R> {
    source: &'a mut Source<'de, R>,
    open: Open,
    /// Where their keys stand.
    keys: Place,
    /// Before the key that was read last, to name it.
    key: Option<R>,
    ended: bool,
}

impl<'a, 'de, R: Reader<'de>> Entries<'a, 'de, R> {
    pub(super) fn new(source: &'a mut Source<'de, R>, open: Open, keys: Place) -> Self {
        Self {
            source,
            open,
            keys,
            key: None,
            ended: false,
        }
    }

    fn more(&mut self) -> Result<bool, NamedError> {
        self.ended = self.ended || !self.source.reader.more(&mut self.open)?;
        Ok(!self.ended)
    }

    /// Makes sure that all were read.
    pub(super) fn end(mut self) -> Result<(), NamedError> {
        if self.more()? {
            return Err(NamedError::new("there are more entries than the type takes"));
        }
        Ok(())
    }

    #[cold]
    fn named(&mut self, error: NamedError) -> NamedError {
        match self.key.take().map(|mut key| key.token()) {
            Some(Ok(Token::Text { text, .. })) => error.in_field(short(&text)),
            _ => error,
        }
    }
}

impl<'de, R: Reader<'de>> de::MapAccess<'de> for &mut Entries<'_, 'de, R> {
    type Error = NamedError;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, NamedError> {
        if !self.more()? {
            return Ok(None);
        }
        self.key = Some(self.source.reader.clone());
        seed.deserialize(Deserializer::new(self.source, self.keys)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, NamedError> {
        self.source.reader.assign()?;
        seed.deserialize(Deserializer::new(self.source, Place::Value))
            .map_err(|error| self.named(error))
    }

    fn size_hint(&self) -> Option<usize> {
        self.open.size_hint(self.source.reader.remaining())
    }
}

/// A variant: its name, or a map with its name and its content.
pub(super) struct Variant<'a, 'de, R> {
    source: &'a mut Source<'de, R>,
    form: Form<'de>,
}

enum Form<'de> {
    Alone(Cow<'de, str>),
    WithContent(Open),
}

impl<'a, 'de, R: Reader<'de>> Variant<'a, 'de, R> {
    pub(super) fn alone(source: &'a mut Source<'de, R>, name: Cow<'de, str>) -> Self {
        Self {
            source,
            form: Form::Alone(name),
        }
    }

    pub(super) fn with_content(source: &'a mut Source<'de, R>, open: Open) -> Self {
        Self {
            source,
            form: Form::WithContent(open),
        }
    }
}

impl<'a, 'de, R: Reader<'de>> de::EnumAccess<'de> for Variant<'a, 'de, R> {
    type Error = NamedError;
    type Variant = Content<'a, 'de, R>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), NamedError> {
        let (name, open) = match self.form {
            Form::Alone(name) => (name, None),
            Form::WithContent(mut open) => {
                let token = if self.source.reader.more(&mut open)? {
                    self.source.token()?
                } else {
                    Token::Null
                };
                let Token::Text { text, .. } = token else {
                    return Err(NamedError::new("the name of a variant was expected"));
                };
                self.source.reader.assign()?;
                (text, Some(open))
            }
        };
        let content = Content {
            source: self.source,
            open,
            name: name.clone(),
        };
        let value = seed.deserialize(CowStrDeserializer::<NamedError>::new(name))?;
        Ok((value, content))
    }
}

/// What a variant has.
pub(super) struct Content<'a, 'de, R> {
    source: &'a mut Source<'de, R>,
    /// The map around it.
    open: Option<Open>,
    name: Cow<'de, str>,
}

impl<'de, R: Reader<'de>> Content<'_, 'de, R> {
    fn read<T>(self, read: impl FnOnce(&mut Source<'de, R>) -> Result<T, NamedError>) -> Result<T, NamedError> {
        let Some(mut open) = self.open else {
            return Err(NamedError::new(format!(
                "the variant {} must have a value",
                short(&self.name)
            )));
        };
        let value = read(self.source).map_err(|error| error.in_field(short(&self.name)))?;
        if self.source.reader.more(&mut open)? {
            return Err(NamedError::new(
                "a variant must be one entry of a map, and there are more",
            ));
        }
        Ok(value)
    }
}

impl<'de, R: Reader<'de>> de::VariantAccess<'de> for Content<'_, 'de, R> {
    type Error = NamedError;

    fn unit_variant(self) -> Result<(), NamedError> {
        match self.open {
            None => Ok(()),
            Some(_) => self.newtype_variant_seed(std::marker::PhantomData),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, NamedError> {
        self.read(|source| seed.deserialize(Deserializer::new(source, Place::Value)))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, NamedError> {
        self.read(|source| source.elements(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, NamedError> {
        self.read(|source| source.fields(visitor))
    }
}
