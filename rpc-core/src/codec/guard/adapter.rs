//! One wrapper for every role in serde's conversation, each handing the guard on to the next.
//!
//! Only what can nest is wrapped; numbers, strings and the like go straight to the type.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::{Guard, Refused};

/// What an element of no size counts: it takes no bytes of input, so nothing else ends a loop over 2^64 of them.
const EMPTY_ELEMENT: usize = 32;

/// A deserializer, visitor, seed or access under guard.
#[derive(Debug)]
pub(in crate::codec) struct Guarded<'g, T> {
    inner: T,
    scope: Scope<'g>,
}

/// Where in the value the decoder is.
#[derive(Clone, Copy, Debug)]
struct Scope<'g> {
    guard: &'g Guard,
    /// Levels that may still be opened.
    depth: u16,
    /// Whether elements here are as many as the peer says, as in a sequence, or as the type says, as in a tuple. The
    /// latter lie inside a value that is counted already.
    counted: bool,
}

impl<'g> Scope<'g> {
    #[inline]
    fn open<E: Error>(self, counted: bool) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth, counted, ..self }),
            None => Err(self.guard.refuse(Refused::Depth)),
        }
    }

    #[inline]
    fn count<E: Error>(self, bytes: usize) -> Result<(), E> {
        if self.counted { self.guard.spend(bytes) } else { Ok(()) }
    }

    #[inline]
    fn announce(self, hint: Option<usize>) -> Option<usize> {
        if self.counted {
            hint.map(|length| length.min(self.guard.announced))
        } else {
            hint
        }
    }

    #[inline]
    fn over<T>(self, inner: T) -> Guarded<'g, T> {
        Guarded { inner, scope: self }
    }
}

impl<'g, T> Guarded<'g, T> {
    #[inline]
    pub(super) fn new(inner: T, guard: &'g Guard) -> Self {
        let scope = Scope {
            guard,
            depth: guard.limits.depth,
            counted: false,
        };
        scope.over(inner)
    }
}

/// Methods of a deserializer that open no level; `a => b` where another method of the format serves better.
macro_rules! pass_on {
    ($($method:ident $(=> $to:ident)?),* $(,)?) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            pass_on!(@ self.inner, visitor, $method $($to)?)
        }
    )*};
    (@ $inner:expr, $visitor:ident, $method:ident) => { $inner.$method($visitor) };
    (@ $inner:expr, $visitor:ident, $method:ident $to:ident) => { $inner.$to($visitor) };
}

/// Methods of a deserializer that open a level; `counted` where the peer says how many elements it has.
macro_rules! open {
    ($($method:ident($($argument:ident: $type:ty),*) counted $counted:literal),* $(,)?) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Self::Error> {
            let scope = self.scope.open($counted)?;
            self.inner.$method($($argument,)* scope.over(visitor))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Guarded<'_, D> {
    type Error = D::Error;

    pass_on! {
        deserialize_any, deserialize_bool, deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64,
        deserialize_i128, deserialize_u8, deserialize_u16, deserialize_u32, deserialize_u64, deserialize_u128,
        deserialize_f32, deserialize_f64, deserialize_char, deserialize_str, deserialize_bytes, deserialize_unit,
        deserialize_identifier, deserialize_ignored_any,
        // The owned forms allocate what the length says before they look for the bytes.
        deserialize_string => deserialize_str,
        deserialize_byte_buf => deserialize_bytes,
    }

    open! {
        deserialize_seq() counted true,
        deserialize_map() counted true,
        deserialize_option() counted false,
        deserialize_tuple(length: usize) counted false,
        deserialize_newtype_struct(name: &'static str) counted false,
        deserialize_tuple_struct(name: &'static str, length: usize) counted false,
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) counted false,
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) counted false,
    }

    #[inline]
    fn deserialize_unit_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, D::Error> {
        self.inner.deserialize_unit_struct(name, visitor)
    }

    #[inline]
    fn is_human_readable(&self) -> bool {
        self.inner.is_human_readable()
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Guarded<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    #[inline]
    fn visit_none<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_none()
    }

    #[inline]
    fn visit_unit<E: Error>(self) -> Result<V::Value, E> {
        self.inner.visit_unit()
    }

    #[inline]
    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_some(self.scope.over(deserializer))
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(self.scope.over(deserializer))
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(self.scope.over(access))
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(self.scope.over(access))
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(self.scope.over(access))
    }
}

impl<'de, S: DeserializeSeed<'de>> DeserializeSeed<'de> for Guarded<'_, S> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        self.inner.deserialize(self.scope.over(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Guarded<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let element = self.inner.next_element_seed(self.scope.over(seed))?;
        if element.is_some() {
            self.scope.count(countable::<S::Value>())?;
        }
        Ok(element)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.scope.announce(self.inner.size_hint())
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Guarded<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let key = self.inner.next_key_seed(self.scope.over(seed))?;
        if key.is_some() {
            self.scope.count(countable::<S::Value>())?;
        }
        Ok(key)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        self.scope.count(size_of::<S::Value>())?;
        self.inner.next_value_seed(self.scope.over(seed))
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.scope.announce(self.inner.size_hint())
    }
}

impl<'de, 'g, A: EnumAccess<'de>> EnumAccess<'de> for Guarded<'g, A> {
    type Error = A::Error;
    type Variant = Guarded<'g, A::Variant>;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.inner.variant_seed(self.scope.over(seed))?;
        Ok((value, self.scope.over(variant)))
    }
}

impl<'de, A: VariantAccess<'de>> VariantAccess<'de> for Guarded<'_, A> {
    type Error = A::Error;

    #[inline]
    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(self.scope.over(seed))
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(length, self.scope.over(visitor))
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, self.scope.over(visitor))
    }
}

/// What one element counts against the memory limit.
const fn countable<T>() -> usize {
    if size_of::<T>() == 0 {
        EMPTY_ELEMENT
    } else {
        size_of::<T>()
    }
}
