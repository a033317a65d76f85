//! One wrapper for every role in serde's conversation, each handing the guard on to the next.
//!
//! Only what can nest is wrapped; numbers, strings and the like go straight to the type.

use std::{any::type_name, fmt};

use serde::de::{DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::{Guard, Refused};

/// What an element of no size counts: it takes no bytes of input, so nothing else ends a loop over 2^64 of them.
const EMPTY_ELEMENT: usize = 32;
/// What an allocator and a list add to a small value that lies by itself.
const ALONE: usize = 16;
/// The least that a value takes that lies by itself.
const LEAST_ALONE: usize = 32;

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
    /// latter lie inside a value that is counted already, if they fit.
    elements: Elements,
    /// The size of the value that is counted already. What is larger lies behind a pointer.
    room: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Elements {
    Inside,
    Counted,
    /// Each with a node of its own.
    Linked,
}

impl<'g> Scope<'g> {
    /// One level more, of a value of the type `T`.
    #[inline]
    fn open<T, E: Error>(self, elements: Elements) -> Result<Self, E> {
        let Some(depth) = self.depth.checked_sub(1) else {
            return Err(self.guard.refuse(Refused::Depth));
        };
        self.guard.stand::<T, E>()?;
        self.place::<T, E>()?;
        Ok(Self {
            depth,
            elements,
            room: size_of::<T>(),
            ..self
        })
    }

    /// Counts a value that does not fit where it would lie: it lies by itself.
    #[inline]
    fn place<T, E: Error>(self) -> Result<(), E> {
        if size_of::<T>() > self.room {
            self.guard.spend((size_of::<T>() + ALONE).max(LEAST_ALONE))
        } else {
            Ok(())
        }
    }

    /// Counts an element that was read.
    #[inline]
    fn count<T, E: Error>(self) -> Result<(), E> {
        match self.elements {
            // In a value of no size it takes no bytes of input either, and there may be 32 to the power of the depth.
            Elements::Inside if self.room > 0 || size_of::<T>() > 0 => Ok(()),
            Elements::Inside => self.guard.spend(EMPTY_ELEMENT),
            Elements::Counted => self.guard.spend(countable::<T>()),
            Elements::Linked => self.guard.spend(size_of::<T>() + LEAST_ALONE),
        }
    }

    #[inline]
    fn announce(self, hint: Option<usize>) -> Option<usize> {
        if self.elements == Elements::Inside {
            hint
        } else {
            hint.map(|length| length.min(self.guard.announced))
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
            elements: Elements::Inside,
            // The value itself is whoever's who asked for it.
            room: usize::MAX,
        };
        scope.over(inner)
    }
}

/// Methods of a deserializer that open no level; `a => b` where another method of the format serves better.
macro_rules! pass_on {
    ($($method:ident $(=> $to:ident)?),* $(,)?) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Self::Error> {
            self.scope.place::<V::Value, _>()?;
            pass_on!(@ self.inner, visitor, $method $($to)?)
        }
    )*};
    (@ $inner:expr, $visitor:ident, $method:ident) => { $inner.$method($visitor) };
    (@ $inner:expr, $visitor:ident, $method:ident $to:ident) => { $inner.$to($visitor) };
}

/// Methods of a deserializer that open a level.
macro_rules! open {
    ($($method:ident($($argument:ident: $type:ty),*) $elements:expr),* $(,)?) => {$(
        #[inline]
        fn $method<V: Visitor<'de>>(self, $($argument: $type,)* visitor: V) -> Result<V::Value, Self::Error> {
            let scope = self.scope.open::<V::Value, _>($elements)?;
            self.inner.$method($($argument,)* scope.over(visitor))
        }
    )*};
}

impl<'de, D: Deserializer<'de>> Deserializer<'de> for Guarded<'_, D> {
    type Error = D::Error;

    pass_on! {
        deserialize_any, deserialize_bool, deserialize_i8, deserialize_i16, deserialize_i32, deserialize_i64,
        deserialize_i128, deserialize_u8, deserialize_u16, deserialize_u32, deserialize_u64, deserialize_u128,
        deserialize_f32, deserialize_f64, deserialize_char, deserialize_str, deserialize_unit,
        deserialize_identifier, deserialize_ignored_any,
        // The owned forms allocate what the length says before they look for the bytes.
        deserialize_string => deserialize_str,
    }

    open! {
        deserialize_seq() elements::<V::Value>(),
        deserialize_map() Elements::Counted,
        deserialize_option() Elements::Inside,
        deserialize_tuple(length: usize) Elements::Inside,
        deserialize_newtype_struct(name: &'static str) Elements::Inside,
        deserialize_tuple_struct(name: &'static str, length: usize) Elements::Inside,
        deserialize_struct(name: &'static str, fields: &'static [&'static str]) Elements::Inside,
        deserialize_enum(name: &'static str, variants: &'static [&'static str]) Elements::Inside,
    }

    #[inline]
    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        // Arrays of bytes come this way.
        self.scope.guard.stand::<V::Value, _>()?;
        self.scope.place::<V::Value, _>()?;
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
        let room = if is_optional_pointer::<V::Value>() {
            0
        } else {
            self.scope.room
        };
        self.inner.visit_some(Scope { room, ..self.scope }.over(deserializer))
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
        if self.scope.elements == Elements::Inside {
            self.scope.place::<S::Value, _>()?;
        }
        let room = if is_pointer::<S::Value>() {
            0
        } else {
            size_of::<S::Value>()
        };
        self.inner.deserialize(Scope { room, ..self.scope }.over(deserializer))
    }
}

impl<'de, A: SeqAccess<'de>> SeqAccess<'de> for Guarded<'_, A> {
    type Error = A::Error;

    #[inline]
    fn next_element_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, A::Error> {
        let element = self.inner.next_element_seed(self.scope.over(seed))?;
        if element.is_some() {
            self.scope.count::<S::Value, _>()?;
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
            self.scope.count::<S::Value, _>()?;
        }
        Ok(key)
    }

    #[inline]
    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        // An entry of no size is counted by its key.
        self.scope.guard.spend(size_of::<S::Value>())?;
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

/// Whether a `T` is a pointer of the standard library, whose value lies by itself whatever its size. Where one hides in
/// a type of a user, only values count that are larger than it. Only names tell this, since `T` may borrow; the
/// compiler knows them.
#[inline]
fn is_pointer<T>() -> bool {
    names_pointer(type_name::<T>())
}

#[inline]
fn names_pointer(name: &str) -> bool {
    ["alloc::boxed::Box<", "alloc::rc::Rc<", "alloc::sync::Arc<"]
        .iter()
        .any(|pointer| name.starts_with(pointer))
}

/// Whether a `T` is an option of one.
#[inline]
fn is_optional_pointer<T>() -> bool {
    let name = type_name::<T>();
    name.strip_prefix("core::option::Option<").is_some_and(names_pointer)
}

/// What a sequence of the type `T` does with its elements.
#[inline]
fn elements<T>() -> Elements {
    if type_name::<T>().starts_with("alloc::collections::linked_list::LinkedList<") {
        Elements::Linked
    } else {
        Elements::Counted
    }
}
