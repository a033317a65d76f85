//! One wrapper for every role in serde's conversation, each handing the guard on to the next.
//!
//! Only what can nest is wrapped; numbers, strings and the like go straight to the type.

use std::{fmt, marker::PhantomData};

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::{
    COPIES, Guard, GuardRefusal, UNKNOWN, Unknown,
    place::{Elements, In, InAny, InMap, InOption, InSequence, ValuePlace},
};

/// What an element of no size counts: it takes no bytes of input, so nothing else ends a loop over 2^64 of them.
const EMPTY_ELEMENT: usize = 32;
/// What an allocator and a list add to a small value that lies by itself.
const ALONE: usize = 16;
/// The least that a value takes that lies by itself.
const LEAST_ALONE: usize = 32;

/// A deserializer, visitor, seed or access under guard, for what lies in the place `P`.
#[derive(Debug)]
pub(in crate::codec) struct Guarded<'g, T, P> {
    inner: T,
    guard: &'g Guard,
    place: PhantomData<P>,
}

impl Guard {
    #[inline]
    pub(super) fn over<T, P: ValuePlace>(&self, inner: T) -> Guarded<'_, T, P> {
        Guarded {
            inner,
            guard: self,
            place: PhantomData,
        }
    }

    /// One level more, of a value of the type `T`.
    #[inline]
    fn open<T, P: ValuePlace, E: Error>(&self) -> Result<(), E> {
        let Some(depth) = self.depth.get().checked_sub(1) else {
            return Err(self.refuse(GuardRefusal::Depth));
        };
        self.stand::<T, E>()?;
        self.place::<T, P, E>()?;
        self.depth.set(depth);
        Ok(())
    }

    #[inline]
    fn close(&self) {
        self.depth.set(self.depth.get() + 1);
    }

    /// Counts a value that does not fit where it would lie: it lies by itself.
    #[inline]
    fn place<T, P: ValuePlace, E: Error>(&self) -> Result<(), E> {
        if size_of::<T>() > P::room() {
            self.spend((size_of::<T>() + ALONE).max(LEAST_ALONE))
        } else {
            Ok(())
        }
    }

    /// Makes sure that the stack has room for what a type makes of a value that it does not know yet: it keeps the
    /// whole value and decodes that later, without this guard. Gives what there was before.
    fn stand_unknown<P: ValuePlace, E: Error>(&self) -> Result<Unknown, E> {
        let around = self.unknown.get();
        let room = if P::room() == usize::MAX { 0 } else { P::room() };
        let inner = Unknown {
            levels: around.levels + 1,
            level: around.level.max(UNKNOWN + COPIES.saturating_mul(room)),
        };
        self.unknown.set(inner);
        if self.stack.fits(inner.level.saturating_mul(inner.levels)) {
            Ok(around)
        } else {
            Err(self.refuse(GuardRefusal::Stack))
        }
    }

    /// Counts an element that was read.
    #[inline]
    fn count<T, P: ValuePlace, E: Error>(&self) -> Result<(), E> {
        match P::elements() {
            // In a value of no size it takes no bytes of input either, and there may be 32 to the power of the depth.
            Elements::Inside if P::room() > 0 || size_of::<T>() > 0 => Ok(()),
            Elements::Inside => self.spend(EMPTY_ELEMENT),
            Elements::Counted => self.spend(countable::<T>()),
            Elements::Linked => self.spend(size_of::<T>() + LEAST_ALONE),
        }
    }

    #[inline]
    fn announce<P: ValuePlace>(&self, hint: Option<usize>) -> Option<usize> {
        if P::elements() == Elements::Inside {
            hint
        } else {
            hint.map(|length| length.min(self.announced))
        }
    }
}

/// Methods of a deserializer that open no level; `a => b` where another method of the format serves better.
macro_rules! pass_on {
    ($($method:ident $(=> $to:ident)?),* $(,)?) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            self.guard.place::<V::Value, P, _>()?;
            pass_on!(@ self.inner, visitor, $method $($to)?)
        }
    )*};
    (@ $inner:expr, $visitor:ident, $method:ident) => { $inner.$method($visitor) };
    (@ $inner:expr, $visitor:ident, $method:ident $to:ident) => { $inner.$to($visitor) };
}

/// Methods of a deserializer that open a level.
macro_rules! open {
    ($($method:ident($($argument:ident: $type:ty),*) $place:ident),* $(,)?) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Self::Error> {
            self.guard.open::<V::Value, P, _>()?;
            let visitor = self.guard.over::<_, $place<V::Value>>(visitor);
            let value = self.inner.$method($($argument,)* visitor);
            self.guard.close();
            value
        }
    )*};
}

impl<'de, D: Deserializer<'de>, P: ValuePlace> Deserializer<'de> for Guarded<'_, D, P> {
    type Error = D::Error;

    pass_on! {
        deserialize_bool, deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64,
        deserialize_i128, deserialize_u8, deserialize_u16, deserialize_u32, deserialize_u64, deserialize_u128,
        deserialize_f32, deserialize_f64, deserialize_char, deserialize_str, deserialize_unit,
        deserialize_identifier, deserialize_ignored_any,
        // The owned forms allocate what the length says before they look for the bytes.
        deserialize_string => deserialize_str,
    }

    open! {
        deserialize_seq() InSequence,
        deserialize_map() InMap,
        deserialize_option() InOption,
        deserialize_tuple(length: usize) In,
        deserialize_newtype_struct(name: &'static str) In,
        deserialize_tuple_struct(name: &'static str, length: usize) In,
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) In,
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) In,
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
        let around = self.guard.stand_unknown::<P, _>()?;
        self.guard.open::<V::Value, P, _>()?;
        let value = self
            .inner
            .deserialize_any(self.guard.over::<_, InAny<V::Value>>(visitor));
        self.guard.close();
        self.guard.unknown.set(around);
        value
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        // Arrays of bytes come this way.
        self.guard.stand::<V::Value, _>()?;
        self.guard.place::<V::Value, P, _>()?;
        self.inner.deserialize_bytes(visitor)
    }

    #[inline]
    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.deserialize_bytes(visitor)
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

/// Methods of a visitor for values without parts, which come where a type takes anything.
macro_rules! visit {
    ($($method:ident($type:ty)),* $(,)?) => {$(
        #[inline]
        fn $method<E: Error>(self, value: $type) -> Result<V::Value, E> {
            self.inner.$method(value)
        }
    )*};
}

impl<'de, V: Visitor<'de>, P: ValuePlace> Visitor<'de> for Guarded<'_, V, P> {
    type Value = V::Value;

    visit! {
        visit_bool(bool), visit_i64(i64), visit_i128(i128), visit_u64(u64), visit_u128(u128), visit_f32(f32),
        visit_f64(f64), visit_str(&str), visit_borrowed_str(&'de str), visit_string(String), visit_bytes(&[u8]),
        visit_borrowed_bytes(&'de [u8]), visit_byte_buf(Vec<u8>),
    }

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
        self.inner.visit_some(self.guard.over::<_, P>(deserializer))
    }

    #[inline]
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        self.inner.visit_newtype_struct(self.guard.over::<_, P>(deserializer))
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_seq(self.guard.over::<_, P>(access))
    }

    #[inline]
    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_map(self.guard.over::<_, P>(access))
    }

    #[inline]
    fn visit_enum<A: EnumAccess<'de>>(self, access: A) -> Result<V::Value, A::Error> {
        self.inner.visit_enum(self.guard.over::<_, P>(access))
    }
}

impl<'de, S: DeserializeSeed<'de>, P: ValuePlace> DeserializeSeed<'de> for Guarded<'_, S, P> {
    type Value = S::Value;

    #[inline]
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        if P::elements() == Elements::Inside {
            self.guard.place::<S::Value, P, _>()?;
        }
        self.inner.deserialize(self.guard.over::<_, In<S::Value>>(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>, P: ValuePlace> SeqAccess<'de> for Guarded<'_, A, P> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let element = self.inner.next_element_seed(self.guard.over::<_, P>(seed))?;
        if element.is_some() {
            self.guard.count::<S::Value, P, _>()?;
        }
        Ok(element)
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.guard.announce::<P>(self.inner.size_hint())
    }
}

impl<'de, A: MapAccess<'de>, P: ValuePlace> MapAccess<'de> for Guarded<'_, A, P> {
    type Error = A::Error;

    #[inline]
    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let key = self.inner.next_key_seed(self.guard.over::<_, P>(seed))?;
        if key.is_some() {
            self.guard.count::<S::Value, P, _>()?;
        }
        Ok(key)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        // An entry of no size is counted by its key.
        self.guard.spend(size_of::<S::Value>())?;
        self.inner.next_value_seed(self.guard.over::<_, P>(seed))
    }

    #[inline]
    fn size_hint(&self) -> Option<usize> {
        self.guard.announce::<P>(self.inner.size_hint())
    }
}

impl<'de, 'g, A: EnumAccess<'de>, P: ValuePlace> EnumAccess<'de> for Guarded<'g, A, P> {
    type Error = A::Error;
    type Variant = Guarded<'g, A::Variant, P>;

    #[inline]
    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self::Variant), A::Error> {
        let (value, variant) = self.inner.variant_seed(self.guard.over::<_, P>(seed))?;
        Ok((value, self.guard.over::<_, P>(variant)))
    }
}

impl<'de, A: VariantAccess<'de>, P: ValuePlace> VariantAccess<'de> for Guarded<'_, A, P> {
    type Error = A::Error;

    #[inline]
    fn unit_variant(self) -> Result<(), A::Error> {
        self.inner.unit_variant()
    }

    #[inline]
    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, A::Error> {
        self.inner.newtype_variant_seed(self.guard.over::<_, P>(seed))
    }

    #[inline]
    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.inner.tuple_variant(length, self.guard.over::<_, P>(visitor))
    }

    #[inline]
    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.inner.struct_variant(fields, self.guard.over::<_, P>(visitor))
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
