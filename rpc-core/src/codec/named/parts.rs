//! The parts of a sequence, a map, a struct or a variant, on their way out.

use serde::{Serialize, ser};

use super::{Compound, Place, Writer, error::NamedError, ser::Serializer};

/// Something with parts that is being written.
pub(super) struct Parts<'a, W> {
    writer: &'a mut W,
    compound: Compound,
    /// The length that was written before them, and how many have come.
    announced: Option<usize>,
    written: usize,
    /// The variant around it, whose map ends with it.
    variant: Option<&'static str>,
    /// The names of arguments, each to stand before its value.
    names: &'static [&'static str],
}

impl<'a, W: Writer> Parts<'a, W> {
    pub(super) fn begin(writer: &'a mut W, compound: Compound, length: Option<usize>) -> Self {
        let announced = length.filter(|_| W::LENGTHS);
        writer.begin(compound, announced);
        Self {
            writer,
            compound,
            announced,
            written: 0,
            variant: None,
            names: &[],
        }
    }

    /// The arguments of a method.
    pub(super) fn arguments(
        writer: &'a mut W,
        names: &'static [&'static str],
        length: usize,
    ) -> Result<Self, NamedError> {
        if length != names.len() {
            return Err(unnamed(names, length));
        }
        let parts = Self::begin(writer, Compound::Map, Some(length));
        Ok(Self { names, ..parts })
    }

    pub(super) fn of_variant(self, variant: &'static str) -> Self {
        Self {
            variant: Some(variant),
            ..self
        }
    }

    /// Makes room for the next part.
    fn next(&mut self) -> Result<(), NamedError> {
        if self.announced == Some(self.written) {
            return Err(wrong_length());
        }
        if self.written > 0 {
            self.writer.separate();
        }
        self.written += 1;
        Ok(())
    }

    fn value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NamedError> {
        value.serialize(Serializer::new(self.writer, Place::Value))
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NamedError> {
        let place = self.written;
        self.next()?;
        self.value(value).map_err(|error| error.in_element(place))
    }

    fn field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), NamedError> {
        self.next()?;
        self.writer.text(name)?;
        self.writer.assign();
        self.value(value).map_err(|error| error.in_field(name))
    }

    fn finish(self) -> Result<(), NamedError> {
        if self.announced.is_some_and(|announced| announced != self.written) {
            return Err(wrong_length());
        }
        self.writer.end(self.compound, self.announced.is_some());
        if self.variant.is_some() {
            self.writer.end(Compound::Map, true);
        }
        Ok(())
    }
}

#[cold]
fn wrong_length() -> NamedError {
    NamedError::new("the type's Serialize says another length than it has elements or fields")
}

/// Generated code always has both; somebody calls by hand.
#[cold]
pub(super) fn unnamed(names: &[&str], length: usize) -> NamedError {
    NamedError::new(format!(
        "the method has {length} arguments, and its descriptor has names for {}: see `MethodDescriptor::arguments`",
        names.len()
    ))
}

/// Traits whose parts have no names.
macro_rules! elements {
    ($($trait:ident $method:ident),* $(,)?) => {$(
        impl<W: Writer> ser::$trait for Parts<'_, W> {
            type Ok = ();
            type Error = NamedError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NamedError> {
                self.element(value)
            }

            fn end(self) -> Result<(), NamedError> {
                self.finish()
            }
        }
    )*};
}

elements! {
    SerializeSeq serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

impl<W: Writer> ser::SerializeTuple for Parts<'_, W> {
    type Ok = ();
    type Error = NamedError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NamedError> {
        match self.names.get(self.written) {
            Some(name) => self.field(name, value),
            None => self.element(value),
        }
    }

    fn end(self) -> Result<(), NamedError> {
        self.finish()
    }
}

/// Traits whose parts have names.
macro_rules! fields {
    ($($trait:ident),* $(,)?) => {$(
        impl<W: Writer> ser::$trait for Parts<'_, W> {
            type Ok = ();
            type Error = NamedError;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), NamedError> {
                self.field(name, value)
            }

            fn end(self) -> Result<(), NamedError> {
                self.finish()
            }
        }
    )*};
}

fields! { SerializeStruct, SerializeStructVariant }

impl<W: Writer> ser::SerializeMap for Parts<'_, W> {
    type Ok = ();
    type Error = NamedError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NamedError> {
        self.next()?;
        key.serialize(Serializer::new(self.writer, Place::Key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NamedError> {
        self.writer.assign();
        self.value(value)
    }

    fn end(self) -> Result<(), NamedError> {
        self.finish()
    }
}
