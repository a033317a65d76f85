//! Where a value lies, which says whether it counts against the memory limit.

use std::{any::type_name, marker::PhantomData};

/// Where a value lies that is decoded. A place is a type and no value, so that the compiler decides what counts there.
pub(in crate::codec) trait ValuePlace {
    /// The size of the value around it, which is counted already. What is larger lies behind a pointer.
    fn room() -> usize;

    /// How the elements count if it is one of many.
    #[inline]
    fn elements() -> Elements {
        Elements::Inside
    }
}

/// Whether elements are as many as the peer says, as in a sequence, or as the type says, as in a tuple. The latter lie
/// inside a value that is counted already, if they fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::codec) enum Elements {
    Inside,
    Counted,
    /// Each with a node of its own.
    Linked,
}

/// The code that asked for the value has room for it.
#[derive(Debug)]
pub(in crate::codec) struct Outermost;

/// In a `T`, or behind it where it is a pointer.
#[derive(Debug)]
pub(super) struct In<T>(PhantomData<T>);

/// In a `T` that is an option, or behind it where that is of a pointer.
#[derive(Debug)]
pub(super) struct InOption<T>(PhantomData<T>);

/// An element of the sequence `T`.
#[derive(Debug)]
pub(super) struct InSequence<T>(PhantomData<T>);

/// In a `T` that takes what comes; a part of it if that is a sequence or a map.
#[derive(Debug)]
pub(super) struct InAny<T>(PhantomData<T>);

/// A key or a value of the map `T`.
#[derive(Debug)]
pub(super) struct InMap<T>(PhantomData<T>);

impl ValuePlace for Outermost {
    #[inline]
    fn room() -> usize {
        usize::MAX
    }
}

impl<T> ValuePlace for In<T> {
    #[inline]
    fn room() -> usize {
        if is_pointer::<T>() { 0 } else { size_of::<T>() }
    }
}

impl<T> ValuePlace for InOption<T> {
    #[inline]
    fn room() -> usize {
        if is_optional_pointer::<T>() { 0 } else { size_of::<T>() }
    }
}

impl<T> ValuePlace for InSequence<T> {
    #[inline]
    fn room() -> usize {
        size_of::<T>()
    }

    #[inline]
    fn elements() -> Elements {
        if is_linked_list::<T>() {
            Elements::Linked
        } else {
            Elements::Counted
        }
    }
}

impl<T> ValuePlace for InAny<T> {
    #[inline]
    fn room() -> usize {
        size_of::<T>()
    }

    #[inline]
    fn elements() -> Elements {
        Elements::Counted
    }
}

impl<T> ValuePlace for InMap<T> {
    #[inline]
    fn room() -> usize {
        size_of::<T>()
    }

    #[inline]
    fn elements() -> Elements {
        Elements::Counted
    }
}

/// Whether a `T` is a pointer of the standard library, whose value lies by itself, even if it is small. If such a
/// pointer hides in a type of a user, only values that are larger than that type count. Only the name of the type tells
/// this, since `T` may borrow.
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

#[inline]
fn is_linked_list<T>() -> bool {
    type_name::<T>().starts_with("alloc::collections::linked_list::LinkedList<")
}
